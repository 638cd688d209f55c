/** Time as the runtime sees it; tests give their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go back and go on while the process is stopped by a signal. */
  monotonic(): number;
  /** Calls `run` once after `ms` (any length); the answer cancels it. */
  setTimeout(run: () => void, ms: number): () => void;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts before. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1;

function setLongTimeout(run: () => void, ms: number): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    timer =
      left > longestTimerMs
        ? setTimeout(() => arm(left - longestTimerMs), longestTimerMs)
        : setTimeout(run, left);
  };
  arm(Math.max(0, ms));
  return () => clearTimeout(timer);
}

/** A promise version of a clock's `setTimeout`; shared by clocks. */
export function sleepWith(clock: Pick<Clock, 'setTimeout'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const aborted = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.setTimeout(() => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    }, ms);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: setLongTimeout,
  sleep: (ms, signal) => sleepWith(systemClock, ms, signal),
};
