import type { Collection } from './collection.ts';
import type { Selected } from './select.ts';

/** A list that somebody is reading page by page: what it was when its first page was asked for. */
export interface Pin {
  /** Who reads it. */
  readonly caller: string;
  readonly collections: readonly Collection[];
  readonly selected: readonly Selected[];
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export interface PinLimits {
  /** How long a list stays as it was, in milliseconds. */
  readonly keepMs: number;
  /** Lists that are kept. */
  readonly lists: number;
  /** Of them, those of one caller. */
  readonly perCaller: number;
  /** Resources of all moments together that lists are kept of: each moment counts with all that there was. */
  readonly resources: number;
  /** What all lists that are kept name together: each list counts with all that it has. */
  readonly entries: number;
  /** How long, and of how many lists, it is remembered how they ended. */
  readonly rememberMs: number;
  readonly remembered: number;
}

export const pinLimits: PinLimits = {
  keepMs: 600_000,
  lists: 1_000,
  perCaller: 20,
  resources: 100_000,
  entries: 1_000_000,
  rememberMs: 3_600_000,
  remembered: 10_000,
};

/** `complete`: its first page was all of it. `lost`: it went on, and is not kept any more. */
type Ending = 'complete' | 'lost';

/** Lists under way, by what was asked for. Bounded in number and memory: what was used longest ago goes first. */
export class Pins {
  readonly #limits: PinLimits;
  readonly #pins = new Map<string, Pin>();
  readonly #ended = new Map<string, { readonly ending: Ending; readonly at: number }>();

  constructor(limits: PinLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#pins.size;
  }

  set(key: string, pin: Pin): void {
    this.#drop(pin.since);
    this.#pins.delete(key);
    this.#ended.delete(key);
    this.#pins.set(key, pin);
    const own = [...this.#pins].filter(([, { caller }]) => caller === pin.caller);
    for (const [oldest] of own.slice(0, -this.#limits.perCaller)) {
      this.#end(oldest, 'lost', pin.since);
    }
    for (const oldest of this.#pins.keys()) {
      if (oldest === key || !this.#isFull()) {
        break;
      }
      this.#end(oldest, 'lost', pin.since);
    }
  }

  /** Another list of the same question that is under way goes on. */
  complete(key: string, now: number): void {
    this.#drop(now);
    if (!this.#pins.has(key)) {
      this.#end(key, 'complete', now);
    }
  }

  /** @returns undefined where nobody remembers that it was begun */
  get(key: string, now: number): Pin | Ending | undefined {
    this.#drop(now);
    const pin = this.#pins.get(key);
    if (pin === undefined) {
      return this.#ended.get(key)?.ending;
    }
    this.#pins.delete(key);
    this.#pins.set(key, pin);
    return pin;
  }

  #drop(now: number): void {
    for (const [key, { since }] of this.#pins) {
      if (now - since >= this.#limits.keepMs) {
        this.#end(key, 'lost', now);
      }
    }
    for (const [key, { at }] of this.#ended) {
      if (now - at < this.#limits.rememberMs && this.#ended.size <= this.#limits.remembered) {
        break;
      }
      this.#ended.delete(key);
    }
  }

  #end(key: string, ending: Ending, at: number): void {
    this.#pins.delete(key);
    this.#ended.delete(key);
    this.#ended.set(key, { ending, at });
  }

  #isFull(): boolean {
    const { lists, resources, entries } = this.#limits;
    const sizes = new Map<object, number>();
    let named = 0;
    for (const { collections, selected } of this.#pins.values()) {
      named += selected.length;
      for (const { source, weight } of collections) {
        sizes.set(source, weight);
      }
    }
    const held = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    return this.#pins.size > lists || held > resources || named > entries;
  }
}
