export interface ReadingGateOptions {
  /** Readings at once, over all AWS accounts. */
  readonly places: number;
  /** How many of these may be taken by accounts whose last reading failed. */
  readonly troubled: number;
}

interface Waiter {
  readonly troubled: boolean;
  readonly go: () => void;
}

/**
 * Lets a few readings through at a time: each holds pages of answers in memory, and all are parsed on one thread.
 * An account that does not answer takes its time; such ones have few places, so that they do not keep the others
 * waiting.
 */
export class ReadingGate {
  readonly #places: number;
  readonly #troubledPlaces: number;
  readonly #waiting: Waiter[] = [];
  #inside = 0;
  #troubledInside = 0;

  constructor({ places, troubled }: ReadingGateOptions) {
    this.#places = places;
    this.#troubledPlaces = troubled;
  }

  /**
   * Waits for a place; what it answers gives the place back.
   * @throws the reason of the signal
   */
  enter(troubled: boolean, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const waiter: Waiter = {
        troubled,
        go: () => {
          signal.removeEventListener('abort', abort);
          resolve(this.#leave(troubled));
        },
      };
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(waiter);
      this.#admit();
    });
  }

  #leave(troubled: boolean): () => void {
    let left = false;
    return () => {
      if (!left) {
        left = true;
        this.#inside -= 1;
        this.#troubledInside -= troubled ? 1 : 0;
        this.#admit();
      }
    };
  }

  #admit(): void {
    while (this.#inside < this.#places) {
      const next = this.#waiting.findIndex(
        ({ troubled }) => !troubled || this.#troubledInside < this.#troubledPlaces,
      );
      const [waiter] = next === -1 ? [] : this.#waiting.splice(next, 1);
      if (waiter === undefined) {
        return;
      }
      this.#inside += 1;
      this.#troubledInside += waiter.troubled ? 1 : 0;
      waiter.go();
    }
  }
}
