import type { FaultSpec, SimulatorControl } from '../../simulator/index.ts';
import type { Random } from './random.ts';

/**
 * Changes what goes wrong in AWS: throttling, failures of the service, connections that break before or
 * after the change was made, latency, reads that lag behind. Only calls of this access key are hit.
 */
export async function changeWeather(
  simulator: SimulatorControl,
  random: Random,
  accessKeyId: string,
): Promise<string> {
  const often = (most: number): number => Math.round(random.next() * most * 1_000) / 1_000;
  const calm = random.chance(0.2);
  const common = { accessKeyId, times: -1 };
  const faults: FaultSpec[] = [];
  const fault = (probability: number, spec: FaultSpec): void => {
    const seed = random.int(1, 1e9);
    if (!calm && probability > 0) {
      faults.push({ ...common, probability, seed, ...spec });
    }
  };
  fault(0.5, { latencyMs: random.int(20, 400) });
  fault(often(0.1), { latencyMs: random.int(500, 2_000) });
  fault(often(0.15), { error: { code: 'Throttling' } });
  fault(often(0.1), { error: { code: 'ServiceFailure' } });
  fault(often(0.05), { drop: 'before' });
  fault(often(0.12), { kind: 'write', drop: 'after' });
  fault(often(0.05), { kind: 'read', drop: 'after' });
  fault(often(0.02), { kind: 'write', error: { code: 'AccessDenied' } });
  fault(often(0.05), { kind: 'write', error: { code: 'ConcurrentModification' } });
  const consistencyDelayMs = random.pick([0, 0, 300, 1_500, 4_000]);
  const perSecond = random.pick([15, 40]);
  const limited = random.chance(0.5);
  await simulator.clearFaults();
  await simulator.fault(...faults);
  await simulator.configure({
    consistencyDelayMs,
    rateLimit: limited ? { perSecond, burst: perSecond } : null,
  });
  return calm ? 'calm' : `${faults.length} faults, reads lag ${consistencyDelayMs} ms`;
}

/** From now on everything works. */
export async function clearWeather(simulator: SimulatorControl): Promise<void> {
  await simulator.clearFaults();
  await simulator.configure({ consistencyDelayMs: 0, rateLimit: null });
}
