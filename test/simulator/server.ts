import type { RunningSimulator, SimulatorOptions } from './types.ts';

/** Starts an AWS simulator on 127.0.0.1; resolves when it listens. Rejects when the port is taken. */
export function startSimulator(options: SimulatorOptions = {}): Promise<RunningSimulator> {
  return Promise.reject(new Error(`not yet: ${Object.keys(options).join()}`));
}
