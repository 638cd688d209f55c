export { clusterMode, startControlPlane, type ControlPlaneOptions } from './controlplane.ts';
export type { ControlPlane, ClusterMode } from './handle.ts';
export type { Component } from './component.ts';
export { sharedControlPlane } from './shared.ts';
export { localPaths } from './flags.ts';
export { probe } from './probe.ts';
