import { sleepWith, type Clock } from '../../../operator/runtime/index.ts';

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Lets everything run that waits for nothing but the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #ms: number;
  readonly #start: number;
  #timers: Timer[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#ms = start;
    this.#start = start;
  }

  now(): number {
    return this.#ms;
  }

  monotonic(): number {
    return this.#ms - this.#start;
  }

  setTimeout(run: () => void, ms: number): () => void {
    const timer = { at: this.#ms + Math.max(0, ms), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepWith(this, ms, signal);
  }

  /** Goes on by `ms`; timers run in their order, and what they start runs before the next one. */
  async advance(ms: number): Promise<void> {
    const end = this.#ms + ms;
    await settle();
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) {
        break;
      }
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#ms = Math.max(this.#ms, next.at);
      next.run();
      await settle();
    }
    this.#ms = end;
    await settle();
  }

  /** Time passes while the process is stopped: no timer runs before the next `advance`. */
  freeze(ms: number): void {
    this.#ms += ms;
  }

  /** Runs the timers that are due, without letting anything else run in between. */
  wake(): void {
    const due = this.#timers.filter((one) => one.at <= this.#ms).toSorted((a, b) => a.at - b.at);
    this.#timers = this.#timers.filter((one) => !due.includes(one));
    for (const timer of due) {
      timer.run();
    }
  }
}
