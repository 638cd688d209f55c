import { attachControlPlane } from './controlplane.ts';
import type { ControlPlane, ControlPlaneRecord } from './handle.ts';

/** Carries the shared control plane's record from jest's global setup to its workers. */
export const sharedVariable = 'IDHUB_TEST_CONTROL_PLANE';

/**
 * The control plane of this jest run, started by `global-setup.ts`. Each suite makes namespaces of its own
 * in it; a suite that disturbs processes starts one of its own instead.
 */
export function sharedControlPlane(environment: NodeJS.ProcessEnv = process.env): ControlPlane {
  const record = environment[sharedVariable];
  if (record === undefined) {
    throw new Error(
      `no shared control plane (${sharedVariable} is not set): run the suite through jest's project \`cluster\``,
    );
  }
  return attachControlPlane(JSON.parse(record) as ControlPlaneRecord, { environment, ends: false });
}

const kept = Symbol.for('idhub-aws-connector.test.control-plane');
const global = globalThis as { [kept]?: ControlPlane };

/** jest's setup and teardown share a process and nothing else: this is the place that jest names for it. */
export function keepForTeardown(plane: ControlPlane): void {
  global[kept] = plane;
}

export function takeForTeardown(): ControlPlane | undefined {
  const plane = global[kept];
  delete global[kept];
  return plane;
}
