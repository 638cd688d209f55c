import type { Caller } from '../caller.ts';
import type { Account, Random } from '../state/index.ts';
import type { CurrentSettings } from '../world.ts';

/** One call as CloudTrail keeps it; the JSON of an event is written when somebody looks it up. */
export interface TrailEvent {
  readonly id: string;
  readonly at: number;
  /** From when on it can be looked up. */
  readonly visibleAt: number;
  readonly name: string;
  /** Such as `iam.amazonaws.com`. */
  readonly source: string;
  readonly readOnly: boolean;
  readonly caller: Caller;
  readonly requestId: string;
  readonly region: string;
  readonly userAgent: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly output?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface TrailOptions {
  readonly account: Account;
  readonly settings: CurrentSettings;
  readonly random: Random;
  readonly now: () => number;
}

/** An account keeps so many; older ones are gone, as events of AWS are after 90 days. */
const MAX_EVENTS = 200_000;

/** The management events of one account, in the order in which they happened. */
export class Trail {
  readonly #options: TrailOptions;
  #events: TrailEvent[] = [];
  /** Sequence number of the first event that is kept. */
  #first = 0;

  constructor(options: TrailOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#events.length;
  }

  get first(): number {
    return this.#first;
  }

  /** Sequence number after the last event. */
  get end(): number {
    return this.#first + this.#events.length;
  }

  event(sequence: number): TrailEvent | undefined {
    return this.#events[sequence - this.#first];
  }

  record(event: Omit<TrailEvent, 'id' | 'at' | 'visibleAt'>): void {
    const { random, settings, now } = this.#options;
    const at = now();
    const { delayMs, shuffle } = settings.cloudTrail;
    const late = shuffle ? random.next() * delayMs : 0;
    this.#events.push({ ...event, id: random.uuid(), at, visibleAt: at + delayMs + late });
    if (this.#events.length > MAX_EVENTS * 1.1) {
      const gone = this.#events.length - MAX_EVENTS;
      this.#events = this.#events.slice(gone);
      this.#first += gone;
    }
  }
}
