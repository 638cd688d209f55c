import type { Response } from 'express';
import type { ConnectionName, WriteContext } from '../../../src/idhub/index.ts';
import type { Caller, Mount, Visit } from './mount.ts';

export interface OngoingVisitOptions {
  readonly id: string;
  readonly address: string;
  readonly signal: AbortSignal;
  /** Undefined where no mount has the path. */
  readonly place: Mount | undefined;
  /** The connection that the path names. */
  readonly named: ConnectionName | undefined;
  /** What comes before the mount's own paths. */
  readonly prefix: string;
  /** Scheme, host and more, as clients know them. */
  readonly base: string;
  /** Takes a place and counts against the rate of a caller. @throws {Problem} 429 */
  readonly admit: (name: string, visit: OngoingVisit) => void;
}

type Noted = string | number | boolean | undefined;

/** A request from its beginning to its end, as the frame sees it. */
export class OngoingVisit implements Visit {
  readonly id: string;
  /** Of the client, as far as proxies are trusted. */
  readonly address: string;
  readonly signal: AbortSignal;
  readonly place: Mount | undefined;
  readonly prefix: string;
  readonly baseUrl: string;
  /** The same without the mount. */
  readonly base: string;
  readonly notes: Record<string, Noted> = {};
  caller: Caller | undefined;
  named: ConnectionName | undefined;
  body: Buffer = Buffer.alloc(0);
  /** The mount has it. */
  entered = false;
  /** An error was answered: what comes later is dropped. */
  failed = false;
  /** Whether something is to be written, as far as it is known. */
  writes = false;
  readonly #admit: OngoingVisitOptions['admit'];
  #ends: (() => void)[] | undefined = [];

  constructor(options: OngoingVisitOptions) {
    this.id = options.id;
    this.address = options.address;
    this.signal = options.signal;
    this.place = options.place;
    this.named = options.named;
    this.prefix = options.prefix;
    this.base = options.base;
    this.baseUrl = `${options.base}${options.prefix}`;
    this.#admit = options.admit;
  }

  get mount(): string | undefined {
    return this.place?.name;
  }

  get connection(): ConnectionName {
    if (this.named === undefined) {
      throw new Error(`the mount ${this.mount} is about no connection`);
    }
    return this.named;
  }

  get connectionIfAny(): ConnectionName | undefined {
    return this.named;
  }

  writeContext(): WriteContext {
    if (this.caller === undefined) {
      throw new Error(`the mount ${this.mount} has no callers`);
    }
    return { caller: this.caller.name, requestId: this.id, signal: this.signal };
  }

  note(fields: Readonly<Record<string, Noted>>): void {
    Object.assign(this.notes, fields);
  }

  readsOnly(): void {
    this.writes = false;
  }

  admit(name: string): void {
    this.note({ caller: name });
    this.#admit(name, this);
  }

  onEnd(act: () => void): void {
    if (this.#ends === undefined) {
      act();
    } else {
      this.#ends.push(act);
    }
  }

  end(): void {
    const ends = this.#ends ?? [];
    this.#ends = undefined;
    ends.forEach((act) => act());
  }
}

/** The visit that an answer belongs to. @throws {Error} outside of the frame: a fault of the program */
export function visitOf(response: Response): OngoingVisit {
  const { visit } = response.locals as { readonly visit?: unknown };
  if (!(visit instanceof OngoingVisit)) {
    throw new Error('this answer is outside of the frame');
  }
  return visit;
}
