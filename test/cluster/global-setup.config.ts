import { startControlPlane } from './controlplane.ts';
import { recordOf } from './handle.ts';
import { keepForTeardown, sharedVariable } from './shared.ts';

/** jest's global setup of the project `cluster`: one control plane for all its suites. */
export default async function globalSetup(): Promise<void> {
  const plane = await startControlPlane();
  process.env[sharedVariable] = JSON.stringify(recordOf(plane));
  keepForTeardown(plane);
}
