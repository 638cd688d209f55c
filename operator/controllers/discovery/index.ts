export { isShutOut, objectName } from './decide.ts';
export { DiscoveryReconciler } from './reconciler.ts';
