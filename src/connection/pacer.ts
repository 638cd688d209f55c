import type { Pacer, Priority } from '../aws/index.ts';
import type { Clock } from '../ports.ts';

export interface PacerOptions {
  readonly clock: Clock;
  /** Calls in flight at once; default 10. */
  readonly maxInFlight?: number;
  /** Calls a second to begin with; default 20. */
  readonly startRate?: number;
  /** Never more calls a second than this; default 100. */
  readonly maxRate?: number;
}

/** What a pacer has seen, for status and metrics. */
export interface PacerStats {
  readonly ratePerSecond: number;
  readonly inFlight: number;
  readonly peakInFlight: number;
  readonly waiting: number;
  readonly calls: number;
  readonly throttled: number;
}

interface Waiter {
  readonly go: () => void;
  readonly signal: AbortSignal;
}

const order: readonly Priority[] = ['urgent', 'interactive', 'background'];

/**
 * One token bucket and one limit of calls in flight for an AWS account, with three waiting lines.
 *
 * The rate is found, not configured: IAM's own is not published and is shared by everybody in the
 * account. It grows quickly until AWS throttles for the first time; from then on every throttling
 * takes a third away, and it comes back slowly near the rate at which that happened (additive
 * increase, multiplicative decrease, as TCP does). Background work leaves one place free, so that
 * a person's change never waits for a page of a reading to come back.
 */
export class AdaptivePacer implements Pacer {
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  readonly #maxRate: number;
  readonly #lines: Record<Priority, Waiter[]> = { urgent: [], interactive: [], background: [] };
  #rate: number;
  #tokens: number;
  #filledAt: number;
  #throttledAt: number | undefined;
  #rateWhenThrottled = Number.POSITIVE_INFINITY;
  #inFlight = 0;
  #peak = 0;
  #calls = 0;
  #throttled = 0;
  #timer: AbortController | undefined;

  constructor(options: PacerOptions) {
    this.#clock = options.clock;
    this.#maxInFlight = options.maxInFlight ?? 10;
    this.#maxRate = options.maxRate ?? 100;
    this.#rate = Math.min(options.startRate ?? 20, this.#maxRate);
    this.#tokens = this.#burst();
    this.#filledAt = options.clock.now();
  }

  get stats(): PacerStats {
    return {
      ratePerSecond: this.#rate,
      inFlight: this.#inFlight,
      peakInFlight: this.#peak,
      waiting: order.reduce((sum, priority) => sum + this.#lines[priority].length, 0),
      calls: this.#calls,
      throttled: this.#throttled,
    };
  }

  acquire(priority: Priority, signal: AbortSignal): Promise<(outcome: 'ok' | 'throttled') => void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const line = this.#lines[priority];
      const waiter: Waiter = {
        signal,
        go: () => {
          signal.removeEventListener('abort', abort);
          resolve(this.#release());
        },
      };
      const abort = (): void => {
        const at = line.indexOf(waiter);
        if (at >= 0) {
          line.splice(at, 1);
        }
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
      line.push(waiter);
      this.#pump();
    });
  }

  #release(): (outcome: 'ok' | 'throttled') => void {
    let released = false;
    return (outcome) => {
      if (released) {
        return;
      }
      released = true;
      this.#inFlight -= 1;
      this.#learn(outcome);
      this.#pump();
    };
  }

  /** What may be saved up and go at once: a fifth of a second of calls. */
  #burst(): number {
    return Math.max(1, this.#rate / 5);
  }

  #learn(outcome: 'ok' | 'throttled'): void {
    const now = this.#clock.now();
    if (outcome === 'throttled') {
      this.#throttled += 1;
      // Calls that were in flight together are throttled together: that is one sign, not many.
      if (this.#throttledAt === undefined || now - this.#throttledAt > 1_000) {
        this.#throttledAt = now;
        this.#rateWhenThrottled = this.#rate;
        this.#rate = Math.max(1, this.#rate * 0.66);
        this.#tokens = Math.min(this.#tokens, 0);
      }
      return;
    }
    const growth =
      this.#throttledAt === undefined ? 0.25 : this.#rate < this.#rateWhenThrottled * 0.9 ? 0.02 : 0.002;
    this.#rate = Math.min(this.#maxRate, this.#rate + growth);
  }

  #pump(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst(), this.#tokens + ((now - this.#filledAt) / 1_000) * this.#rate);
    this.#filledAt = now;
    for (;;) {
      const waiter = this.#next();
      if (waiter === undefined) {
        return;
      }
      if (this.#tokens < 1) {
        waiter.line.unshift(waiter.waiter);
        this.#wakeIn(((1 - this.#tokens) / this.#rate) * 1_000);
        return;
      }
      this.#tokens -= 1;
      this.#inFlight += 1;
      this.#calls += 1;
      this.#peak = Math.max(this.#peak, this.#inFlight);
      waiter.waiter.go();
    }
  }

  #next(): { waiter: Waiter; line: Waiter[] } | undefined {
    for (const priority of order) {
      const places = priority === 'background' ? Math.max(1, this.#maxInFlight - 1) : this.#maxInFlight;
      const line = this.#lines[priority];
      const waiter = this.#inFlight < places ? line.shift() : undefined;
      if (waiter !== undefined) {
        return { waiter, line };
      }
    }
    return undefined;
  }

  #wakeIn(ms: number): void {
    if (this.#timer !== undefined) {
      return;
    }
    const timer = new AbortController();
    this.#timer = timer;
    void this.#clock.sleep(Math.max(1, Math.ceil(ms)), timer.signal).then(() => {
      this.#timer = undefined;
      this.#pump();
    });
  }
}
