/** Lets one at a time through for each key, in the order of entering; who enters with several waits for all. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** @returns when it is one's turn; and how to give it up, which has to be done once */
  enter(keys: readonly string[]): { readonly turn: Promise<void>; leave(): void } {
    const before = keys.map((key) => this.#last.get(key)).filter((one) => one !== undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    keys.forEach((key) => this.#last.set(key, promise));
    const turn = Promise.all(before).then(() => undefined);
    return {
      turn,
      leave: () => {
        // Who leaves before it is their turn lets nobody overtake those before them.
        void turn.then(() => {
          keys.filter((key) => this.#last.get(key) === promise).forEach((key) => this.#last.delete(key));
          resolve();
        });
      },
    };
  }
}

/** So many at once; the others in the order in which they came. */
export class Bound {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor({ most }: { readonly most: number }) {
    this.#free = most;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#free += 1;
      } else {
        next();
      }
    }
  }
}
