import { sleepWith, systemClock, type Clock } from '../../../operator/runtime/index.ts';

/** The system's clock, running `factor` times as fast. */
export function fastClock(factor: number): Clock {
  const clock: Clock = {
    now: () => Date.now() * factor,
    monotonic: () => performance.now() * factor,
    setTimeout: (run, ms) => systemClock.setTimeout(run, ms / factor),
    sleep: (ms, signal) => sleepWith(clock, ms, signal),
  };
  return clock;
}
