import type { Refusal } from '../../../src/idhub/index.ts';
import type { Clock } from '../../runtime/index.ts';

/** What became of a write. */
export type Settled =
  /** `userId`: of the user that it left; undefined where there is none any more. */
  | { readonly kind: 'done'; readonly userId: string | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Somebody who waits for the end of a write. */
export interface Ticket {
  /** Undefined: not in time. @throws the reason of the signal */
  readonly outcome: (ms: number, signal: AbortSignal) => Promise<Settled | undefined>;
  readonly close: () => void;
}

/** So long after an account was made the same request may be the one that was never answered. */
export const unansweredMs = 900_000;

interface Place {
  readonly listeners: Set<(settled: Settled) => void>;
  settled: Settled | undefined;
  tickets: number;
  preparing: number;
  message: string | undefined;
}

/**
 * Where requests wait for the writes that they asked for, and where the one who finishes them tells. Lives as long
 * as the process: what has to outlive it stands on the objects.
 */
export class Waiting {
  readonly #clock: Pick<Clock, 'now' | 'setTimeout'>;
  readonly #places = new Map<string, Place>();
  /** Since when it is known that somebody was told of the end of a write. */
  readonly #answered = new Map<string, number>();

  constructor({ clock }: { readonly clock: Pick<Clock, 'now' | 'setTimeout'> }) {
    this.#clock = clock;
  }

  /** A place for a write; to be closed. It is there before the write is, so that nothing is missed. */
  open(id: string): Ticket {
    const place = this.#places.get(id) ?? {
      listeners: new Set(),
      settled: undefined,
      tickets: 0,
      preparing: 0,
      message: undefined,
    };
    this.#places.set(id, place);
    place.tickets += 1;
    let open = true;
    return {
      outcome: (ms, signal) => this.#outcome(place, ms, signal),
      close: () => {
        place.tickets -= open ? 1 : 0;
        open = false;
        if (place.tickets === 0 && this.#places.get(id) === place) {
          this.#places.delete(id);
        }
      },
    };
  }

  /** Whether somebody waits for it. */
  isWaited(id: string): boolean {
    return this.#places.has(id);
  }

  /** Its end was told to somebody; kept for as long as anybody may ask whether it was. */
  answered(id: string): void {
    const now = this.#clock.now();
    for (const [earlier, at] of this.#answered) {
      if (now - at <= unansweredMs) {
        break;
      }
      this.#answered.delete(earlier);
    }
    this.#answered.set(id, now);
  }

  wasAnswered(id: string): boolean {
    return this.#answered.has(id);
  }

  /**
   * What the write needs is being made ready by somebody who has a place.
   * @returns to be called when it is; again does nothing
   */
  prepare(id: string): () => void {
    const place = this.#places.get(id);
    if (place === undefined) {
      return () => undefined;
    }
    place.preparing += 1;
    let open = true;
    return () => {
      place.preparing -= open ? 1 : 0;
      open = false;
    };
  }

  isPreparing(id: string): boolean {
    return (this.#places.get(id)?.preparing ?? 0) > 0;
  }

  /** Why it takes its time. */
  tell(id: string, message: string): void {
    const place = this.#places.get(id);
    if (place !== undefined) {
      place.message = message;
    }
  }

  told(id: string): string | undefined {
    return this.#places.get(id)?.message;
  }

  settle(id: string, settled: Settled): void {
    const place = this.#places.get(id);
    if (place !== undefined) {
      place.settled = settled;
      for (const listener of place.listeners) {
        listener(settled);
      }
    }
  }

  #outcome(place: Place, ms: number, signal: AbortSignal): Promise<Settled | undefined> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      if (place.settled !== undefined || ms <= 0) {
        resolve(place.settled);
        return;
      }
      const end = (): void => {
        cancel();
        place.listeners.delete(listener);
        signal.removeEventListener('abort', aborted);
      };
      const listener = (settled: Settled): void => {
        end();
        resolve(settled);
      };
      const aborted = (): void => {
        end();
        reject(signal.reason as Error);
      };
      const cancel = this.#clock.setTimeout(() => {
        end();
        resolve(undefined);
      }, ms);
      place.listeners.add(listener);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
}
