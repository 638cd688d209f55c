import type { RateLimit } from './types.ts';

/** A token bucket. Full at first; refills by the clock it is given. */
export class TokenBucket {
  #tokens: number;
  #at: number;

  constructor(limit: RateLimit, now: number) {
    this.#tokens = limit.burst;
    this.#at = now;
  }

  /** Takes a token, or refuses. `limit` may change between calls. */
  take(limit: RateLimit, now: number): boolean {
    const passed = Math.max(0, now - this.#at) / 1000;
    this.#at = now;
    this.#tokens = Math.min(limit.burst, this.#tokens + passed * limit.perSecond);
    if (this.#tokens < 1) {
      return false;
    }
    this.#tokens -= 1;
    return true;
  }
}
