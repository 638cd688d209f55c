import type { BackoffOptions } from './contracts.ts';
import type { Clock } from './clock.ts';

/**
 * The delay before try number `failures` + 1: doubles from `baseMs` up to `maxMs`, of which a
 * random part of up to a half is taken off so that failures of one moment spread out.
 */
export function exponentialDelay(
  failures: number,
  options: { readonly baseMs: number; readonly maxMs: number },
  random: () => number,
): number {
  const full = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(failures, 60));
  return full * (1 - random() / 2);
}

/** Tokens that refill at a rate; a taker is told how long to wait for its own (client-go, rate.Limiter). */
export class TokenBucket {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(options: { clock: Pick<Clock, 'monotonic'>; perSecond: number; burst: number }) {
    this.#clock = options.clock;
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#tokens = options.burst;
    this.#at = options.clock.monotonic();
  }

  /** Takes a token, from the future if need be; the answer is the wait in ms. */
  take(): number {
    const now = this.#clock.monotonic();
    const refill = ((now - this.#at) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + refill) - 1;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }
}

/**
 * Delays of a controller's retries. Errors start at half a second, since what fails is mostly a
 * remote service with its own throttle; client-go's 5 ms would spend seven calls on the first
 * second of an outage. Conflicts start at its 5 ms: the cache is behind by that much. The end,
 * 1,000 s, and the bucket over all items (10 a second, 100 at once) are client-go's.
 */
export class RetryPolicy {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  readonly #bucket: TokenBucket;
  readonly #failures = new Map<string, number>();

  constructor(options: {
    clock: Pick<Clock, 'monotonic'>;
    random: () => number;
    backoff?: Partial<BackoffOptions> | undefined;
  }) {
    this.#options = { baseMs: 500, conflictBaseMs: 5, maxMs: 1_000_000, ...options.backoff };
    this.#random = options.random;
    this.#bucket = new TokenBucket({ clock: options.clock, perSecond: 10, burst: 100 });
  }

  /** Counts a failure of `key`; the answer is the delay in ms before the next try. */
  failed(key: string, kind: 'error' | 'conflict'): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const baseMs = kind === 'conflict' ? this.#options.conflictBaseMs : this.#options.baseMs;
    const delay = exponentialDelay(failures, { baseMs, maxMs: this.#options.maxMs }, this.#random);
    return Math.max(delay, this.#bucket.take());
  }

  succeeded(key: string): void {
    this.#failures.delete(key);
  }
}

/**
 * Delays between tries of a connection, as client-go's reflector has them: 800 ms doubling to
 * 30 s, up to as much again at random, from the start after two minutes without a failure.
 */
export class ReconnectPolicy {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #random: () => number;
  #failures = 0;
  #last = -Infinity;
  #restarted = -Infinity;

  constructor(options: { clock: Pick<Clock, 'monotonic'>; random: () => number }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  next(): number {
    const now = this.#clock.monotonic();
    this.#failures = now - this.#last > 120_000 ? 0 : this.#failures + 1;
    const delay = Math.min(30_000, 800 * 2 ** Math.min(this.#failures, 10)) * (1 + this.#random());
    this.#last = now + delay;
    return delay;
  }
  /**
   * What made the tries fail is over: the delays begin anew, once a minute at most, so that a fault that comes and goes
   * does not undo them. @returns whether they do
   */
  restart(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#restarted < 60_000) {
      return false;
    }
    this.#restarted = now;
    this.#failures = 0;
    this.#last = -Infinity;
    return true;
  }
}
