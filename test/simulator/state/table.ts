/** Reads of a table, either as it is or as it was before recent writes. */
export interface TableView<V> {
  get(key: string): V | undefined;
  /** In ascending order of code units. */
  readonly keys: readonly string[];
}

export interface TableOptions {
  readonly now: () => number;
  /** How long a write stays invisible to `stale` readers, in milliseconds. */
  readonly delayMs: () => number;
}

interface Before<V> {
  readonly until: number;
  readonly value: V | undefined;
}

/**
 * A sorted table of immutable values. `get` and `keys` see every write at once; `stale()` sees the table as it
 * was `delayMs` ago, value by value: how a replica that lags behind answers.
 */
export class Table<V> implements TableView<V> {
  readonly #values = new Map<string, V>();
  readonly #keys: string[] = [];
  readonly #pending = new Map<string, Before<V>[]>();
  readonly #options: TableOptions;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#values.size;
  }

  get keys(): readonly string[] {
    return this.#keys;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  values(): IterableIterator<V> {
    return this.#values.values();
  }

  set(key: string, value: V): void {
    this.#remember(key);
    this.setQuietly(key, value);
  }

  /** A change that no reader has to wait for, such as a time of last use. */
  setQuietly(key: string, value: V): void {
    if (!this.#values.has(key)) {
      this.#keys.splice(lowerBound(this.#keys, key), 0, key);
    }
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.has(key)) {
      this.#remember(key);
      this.#values.delete(key);
      this.#keys.splice(lowerBound(this.#keys, key), 1);
    }
  }

  stale(): TableView<V> {
    this.#forget();
    if (this.#pending.size === 0) {
      return this;
    }
    const get = (key: string): V | undefined => {
      const before = this.#pending.get(key)?.[0];
      return before === undefined ? this.#values.get(key) : before.value;
    };
    return new StaleView(get, this.#keys, this.#pending);
  }

  #remember(key: string): void {
    const delay = this.#options.delayMs();
    if (delay > 0) {
      const list = this.#pending.get(key) ?? [];
      list.push({ until: this.#options.now() + delay, value: this.#values.get(key) });
      this.#pending.set(key, list);
    }
  }

  #forget(): void {
    const now = this.#options.now();
    for (const [key, list] of this.#pending) {
      while (list[0] !== undefined && list[0].until <= now) {
        list.shift();
      }
      if (list.length === 0) {
        this.#pending.delete(key);
      }
    }
  }
}

/** Index of the first key that is not less than `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

class StaleView<V> implements TableView<V> {
  readonly get: (key: string) => V | undefined;
  readonly #current: readonly string[];
  readonly #pending: ReadonlyMap<string, unknown>;

  constructor(
    get: (key: string) => V | undefined,
    current: readonly string[],
    pending: ReadonlyMap<string, unknown>,
  ) {
    this.get = get;
    this.#current = current;
    this.#pending = pending;
  }

  get keys(): readonly string[] {
    const kept = this.#current.filter((key) => !this.#pending.has(key));
    const before = [...this.#pending.keys()].filter((key) => this.get(key) !== undefined);
    return [...kept, ...before].sort((a, b) => (a < b ? -1 : 1));
  }
}
