import type { Clock } from '../../runtime/index.ts';

/** Remembers for a while. Never holds more than `limit`: the oldest go first. */
export class Expiring<V> {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #limit: number;
  readonly #entries = new Map<string, { readonly value: V; readonly until: number }>();

  constructor(options: { readonly clock: Pick<Clock, 'monotonic'>; readonly limit: number }) {
    this.#clock = options.clock;
    this.#limit = options.limit;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.until <= this.#clock.monotonic()) {
      this.#entries.delete(key);
      return undefined;
    }
    return entry?.value;
  }

  set(key: string, value: V, forMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: this.#clock.monotonic() + forMs });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#limit) {
        return;
      }
      this.#entries.delete(oldest);
    }
  }
}
