import { formatTime, keyString, type ObjectKey } from '../../runtime/index.ts';
import type { PushStanding } from '../connection/index.ts';
import { isOpen, waiting, type PushQueue } from './queue.ts';

/** Why changes are not taken. A closed set: each has an entry in the documentation. */
export type FailureReason =
  'ReceiverUnavailable' | 'ReceiverRefuses' | 'ReceiverGone' | 'SigningKeysMissing' | 'QueueSpoilt';

export interface Failure {
  readonly reason: FailureReason;
  /** For people, without secrets. */
  readonly why: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface State {
  failures: number;
  notBefore: number;
  asked: string | undefined;
  failure: Failure | undefined;
  reported: boolean;
  seen:
    | {
        readonly changes: number;
        readonly runs: number;
        readonly oldest: number | undefined;
        readonly dropped: number;
      }
    | undefined;
}

/** A failure or two that pass by themselves are nobody's business. */
const quietFailures = 3;

/** What this process knows of sending, by connection. */
export class PushStates {
  readonly #states = new Map<string, State>();

  drop(connection: ObjectKey): void {
    this.#states.delete(keyString(connection));
  }

  /** @returns how many changes were dropped since it was looked last */
  observe(connection: ObjectKey, queue: PushQueue): number {
    const state = this.#obtain(connection);
    const before = state.seen?.dropped ?? queue.dropped;
    const open = queue.ready.filter(isOpen);
    state.seen = {
      changes: waiting(queue),
      runs: open.length,
      oldest: open[0]?.queuedAt,
      dropped: queue.dropped,
    };
    return queue.dropped - before;
  }

  /** When it may be tried again, milliseconds since the epoch. @param asked another word of a person ends the wait */
  notBefore(connection: ObjectKey, asked: string | undefined): number {
    const state = this.#states.get(keyString(connection));
    return state === undefined || state.asked !== asked ? 0 : state.notBefore;
  }

  /** @returns how often one after the other */
  failed(connection: ObjectKey): number {
    const state = this.#obtain(connection);
    state.failures += 1;
    return state.failures;
  }

  succeeded(connection: ObjectKey): void {
    this.#obtain(connection).failures = 0;
  }

  wait(connection: ObjectKey, until: number, asked: string | undefined): void {
    Object.assign(this.#obtain(connection), { notBefore: until, asked });
  }

  /** Whether people are to be told. @param failure undefined: all is well */
  report(connection: ObjectKey, failure: Failure | undefined): 'none' | 'news' | 'recovered' {
    const state = this.#obtain(connection);
    if (failure === undefined) {
      const { failure: before, reported } = state;
      const first = state.failures === 0 && before === undefined && !reported;
      Object.assign(state, { failures: 0, notBefore: 0, failure: undefined, reported: true });
      return before === undefined ? (first ? 'news' : 'none') : 'recovered';
    }
    const passes = failure.reason === 'ReceiverUnavailable';
    if (passes && state.failures < quietFailures && state.failure === undefined) {
      return 'none';
    }
    const { failure: before } = state;
    if (before?.reason === failure.reason && before.why === failure.why) {
      return 'none';
    }
    state.failure = before === undefined ? failure : { ...failure, at: before.at };
    return 'news';
  }

  /** Undefined where nothing was ever looked at. */
  standing(connection: ObjectKey): PushStanding | undefined {
    const state = this.#states.get(keyString(connection));
    if (state?.failure !== undefined) {
      const { failure } = state;
      return { status: 'False', verdict: { reason: failure.reason, message: sentenceOn(failure) } };
    }
    return state?.reported === true
      ? {
          status: 'True',
          verdict: {
            reason: 'Delivered',
            message: 'nothing waits that the receiver of --push-url does not take',
          },
        }
      : undefined;
  }

  /** For metrics. */
  all(): readonly {
    readonly connection: string;
    readonly failing: boolean;
    readonly changes: number;
    readonly runs: number;
    readonly oldest: number | undefined;
    readonly dropped: number;
  }[] {
    return [...this.#states].flatMap(([connection, { failure, seen }]) =>
      seen === undefined ? [] : [{ connection, failing: failure !== undefined, ...seen }],
    );
  }

  #obtain(connection: ObjectKey): State {
    const name = keyString(connection);
    const state = this.#states.get(name) ?? {
      failures: 0,
      notBefore: 0,
      asked: undefined,
      failure: undefined,
      reported: false,
      seen: undefined,
    };
    this.#states.set(name, state);
    return state;
  }
}

/** What is wrong, and what to do next. */
function sentenceOn({ at, reason, why }: Failure): string {
  const since = `since ${formatTime(at)}`;
  switch (reason) {
    case 'ReceiverUnavailable':
      return `${since} the receiver of --push-url does not take changes (${why}). They are kept, and tried again`;
    case 'ReceiverRefuses':
      return (
        `${since} the receiver of --push-url refuses changes (${why}). They are kept, and tried again: correct the receiver, ` +
        'its keys, or --push-url'
      );
    case 'ReceiverGone':
      return (
        `${since} the receiver of --push-url wants no more (${why}): nothing is sent to it. Take --push-url away, give another one, ` +
        'or write a new value into the annotation aws.idhub.io/reconcile-at to try again'
      );
    case 'SigningKeysMissing':
      return `${since} nothing is sent: ${why}`;
    case 'QueueSpoilt':
      return (
        `${since} nothing is sent: ${why}. Bring it back from a backup, or delete it: what it held is not sent then, so ` +
        'let the receiver read everything'
      );
  }
}
