import type { Clock } from '../../runtime/index.ts';

/** How often somebody may ask. */
export interface Rate {
  /** So many at once, after a rest. */
  readonly burst: number;
  /** So many more each second. */
  readonly perSecond: number;
}

/** Whoever asked longest ago is forgotten beyond this, and begins anew with a full burst. */
const maxNames = 10_000;

/** A token bucket for each name. */
export class Buckets {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #rate: Rate;
  readonly #buckets = new Map<string, { readonly level: number; readonly at: number }>();

  constructor(options: { readonly clock: Pick<Clock, 'monotonic'>; readonly rate: Rate }) {
    this.#clock = options.clock;
    this.#rate = options.rate;
  }

  /** @returns seconds to wait; 0 where one may go on; nothing is counted */
  wait(name: string): number {
    const present = this.#present(name);
    return present >= 1 ? 0 : (1 - present) / this.#rate.perSecond;
  }

  /** @returns seconds to wait; 0 where one may go on, and has been counted */
  take(name: string): number {
    const present = this.#present(name);
    const taken = present >= 1;
    this.#buckets.delete(name);
    this.#buckets.set(name, { level: taken ? present - 1 : present, at: this.#clock.monotonic() });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > maxNames && oldest !== undefined) {
      this.#buckets.delete(oldest);
    }
    return taken ? 0 : (1 - present) / this.#rate.perSecond;
  }

  #present(name: string): number {
    const { burst, perSecond } = this.#rate;
    const now = this.#clock.monotonic();
    const { level, at } = this.#buckets.get(name) ?? { level: burst, at: now };
    return Math.min(burst, level + ((now - at) / 1_000) * perSecond);
  }
}

/** How many requests are under way at once, in all and for each name. */
export class Places {
  readonly #most: number;
  readonly #held = new Map<string, number>();

  constructor(options: { readonly most: number }) {
    this.#most = options.most;
  }

  /** @returns gives the place back, once; undefined where none is free */
  take(name: string): (() => void) | undefined {
    const held = this.#held.get(name) ?? 0;
    if (held >= this.#most) {
      return undefined;
    }
    this.#held.set(name, held + 1);
    let given = false;
    return () => {
      if (!given) {
        given = true;
        this.#release(name);
      }
    };
  }

  #release(name: string): void {
    const left = (this.#held.get(name) ?? 1) - 1;
    if (left === 0) {
      this.#held.delete(name);
    } else {
      this.#held.set(name, left);
    }
  }
}
