import type { Clock } from '../../src/ports.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) {
    await Promise.resolve();
  }
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #ms = Date.UTC(2026, 0, 1);
  readonly #timers: Timer[] = [];

  now(): number {
    return this.#ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const timer: Timer = { at: this.#ms + ms, run: resolve };
      // In order of their time, and those of one time in the order in which they were set.
      const after = this.#timers.findLastIndex((other) => other.at <= timer.at);
      this.#timers.splice(after + 1, 0, timer);
      signal?.addEventListener('abort', () => {
        const at = this.#timers.indexOf(timer);
        if (at >= 0) {
          this.#timers.splice(at, 1);
        }
        reject(signal.reason as Error);
      });
    });
  }

  /** Goes on by `ms`; what a timer sets off runs before the next timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#ms + ms;
    await settle();
    for (let next = this.#timers[0]; next !== undefined && next.at <= end; next = this.#timers[0]) {
      this.#timers.shift();
      this.#ms = Math.max(this.#ms, next.at);
      next.run();
      await settle();
    }
    this.#ms = end;
  }
}
