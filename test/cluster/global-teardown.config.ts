import { takeForTeardown } from './shared.ts';

/** jest's global teardown of the project `cluster`. */
export default async function globalTeardown(): Promise<void> {
  await takeForTeardown()?.stop();
}
