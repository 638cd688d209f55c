import {
  burstAt,
  goesAt,
  readBurst,
  takeOne,
  withReleased,
  writeBurst,
  type Burst,
} from '../../../src/guard/index.ts';
import {
  awsAccountType,
  awsConnectionType,
  type AwsAccount,
  type AwsConnection,
} from '../../api/v1alpha1/index.ts';
import { formatTime, keyOf, keyString, type Client, type Clock, type Informer } from '../../runtime/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import { approverOf, writerOf } from '../approval.ts';
import { noteOnConnection } from '../connection-note.ts';
import { annotations, hasFinalizer, isAbandoned, isTrue } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { deletionPolicyOf } from './declared.ts';
import { memoryOf } from './memory.ts';
import type { AccountRecord } from './record.ts';

export interface DeletionGateOptions {
  readonly client: Client;
  /** Indexed by `connection`. */
  readonly accounts: Informer<AwsAccount>;
  readonly connections: Informer<AwsConnection>;
  readonly record: AccountRecord;
  readonly clock: Clock;
}

/** Whether the user of an account may be deleted now. */
export type Admission =
  { readonly kind: 'goes' } | { readonly kind: 'waits'; readonly verdict: Verdict; readonly afterMs: number };

/** How soon it is asked again where the connection's object is not to be seen. */
const againMs = 5_000;
/** After its time, so that two clocks that differ a little do not make it ask twice. */
const lateMs = 50;

/**
 * Deletions of IAM users by connection: a burst at once, then one by one, unless somebody approves.
 * What was let go is written onto the connection before, so that a new process gives no second burst,
 * and onto the account, so that its deletion, once begun, is never held up again.
 */
export class DeletionGate {
  readonly #options: DeletionGateOptions;
  /** By connection: the last one who asks, after whom the next one does. */
  readonly #lines = new Map<string, Promise<unknown>>();

  constructor(options: DeletionGateOptions) {
    this.#options = options;
  }

  /** Whether it would have to wait now. Changes nothing. */
  mustWait(account: AwsAccount, connection: UsableConnection): boolean {
    const now = this.#options.clock.now();
    const object = this.#options.connections.get(connection.key);
    return (
      object === undefined ||
      (!isAdmitted(account) &&
        this.#approval(account, object) === undefined &&
        takeOne(burstOf(object, now), now) === undefined)
    );
  }

  /** @throws {ApiError} a conflict, where an object has changed meanwhile: the whole is repeated then */
  async admit(account: AwsAccount, connection: UsableConnection, signal: AbortSignal): Promise<Admission> {
    const name = keyString(connection.key);
    const before = this.#lines.get(name) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(() => this.#admit(account, connection, signal));
    this.#lines.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#lines.get(name) === turn) {
        this.#lines.delete(name);
      }
    }
  }

  async #admit(account: AwsAccount, connection: UsableConnection, signal: AbortSignal): Promise<Admission> {
    signal.throwIfAborted();
    if (isAdmitted(account)) {
      return { kind: 'goes' };
    }
    const { clock, connections, record } = this.#options;
    const object = connections.get(connection.key);
    const now = clock.now();
    if (object === undefined) {
      const message = `AwsConnection "${keyString(connection.key)}", which counts deletions, is not there`;
      return { kind: 'waits', verdict: { reason: 'ConnectionNotFound', message }, afterMs: againMs };
    }
    const approval = this.#approval(account, object);
    const { userId } = memoryOf(account);
    const known = burstOf(object, now);
    if (approval !== undefined) {
      if (withReleased(known, userId) !== known) {
        await this.#write(object, withReleased(known, userId), signal);
      }
      await record.remember(account, { annotations: admitted(account, now) }, signal);
      record.note(account, {
        reason: 'DeletionApproved',
        action: 'Delete',
        message: `the deletion of IAM user ${account.spec.userName} was approved by ${await approval(signal)}`,
      });
      return { kind: 'goes' };
    }
    const taken = takeOne(known, now);
    if (taken !== undefined) {
      await this.#write(object, withReleased(taken, userId), signal);
      await record.remember(account, { annotations: admitted(account, now) }, signal);
      return { kind: 'goes' };
    }
    if (known.at > now) {
      // The clock was set back: it counts from here.
      await this.#write(object, burstAt(known, now), signal);
    }
    if (noteOf(account) === undefined) {
      // What stands on the object by now was not said of this deletion: only other words approve it.
      await record.remember(account, { annotations: waiting(account) }, signal);
    }
    return this.#waits(account, connection, known, now);
  }

  #waits(account: AwsAccount, connection: UsableConnection, burst: Burst, now: number): Admission {
    const line = this.#waiting(connection);
    const ahead = Math.max(
      0,
      line.findIndex(({ metadata }) => metadata.uid === account.metadata.uid),
    );
    const at = goesAt(burst, ahead, now);
    return {
      kind: 'waits',
      afterMs: at - now + lateMs,
      verdict: {
        reason: 'DeletionWaits',
        message:
          `${line.length} deletions of IAM users wait, since 20 go at once and then one every 30 seconds; this one goes ` +
          `at about ${formatTime(at)}. To let it go now, annotate this object with ${annotations.approveDeletions}=<who approves>, ` +
          `or AwsConnection "${keyString(connection.key)}" for all that are deleted so far`,
      },
    };
  }

  /** Those that wait for the same connection, first come, first served. */
  #waiting({ key, defaults }: UsableConnection): readonly AwsAccount[] {
    const rank = ({ metadata }: AwsAccount): string =>
      `${metadata.deletionTimestamp} ${metadata.namespace}/${metadata.name}`;
    return this.#options.accounts
      .byIndex('connection', keyString(key))
      .filter(
        (account) =>
          account.metadata.deletionTimestamp !== undefined &&
          hasFinalizer(account.metadata) &&
          !isAdmitted(account) &&
          !isAbandoned(account.metadata) &&
          !isTrue(account.metadata, annotations.paused) &&
          account.spec.management !== 'Observe' &&
          deletionPolicyOf(account, defaults) === 'Delete',
      )
      .toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
  }

  /** Who lets this one go: somebody on the object since it waits, or on the connection after it was deleted. */
  #approval(account: AwsAccount, connection: AwsConnection): Approval | undefined {
    const { client, clock } = this.#options;
    const now = clock.now();
    const own = approverOf(account.metadata);
    const note = noteOf(account);
    if (own !== undefined && note !== undefined && own !== note.before) {
      return async (signal) =>
        `"${own}"${await writerOf(client, awsAccountType, keyOf(account), signal)} on this object, seen at ${formatTime(now)}`;
    }
    const { approval } = burstOf(connection, now);
    const deleted = Date.parse(account.metadata.deletionTimestamp ?? '');
    const key = keyOf(connection);
    return approval !== undefined && deleted <= approval.at
      ? async (signal) =>
          `"${approval.value}"${await writerOf(client, awsConnectionType, key, signal)} on AwsConnection ` +
          `"${keyString(key)}", seen at ${formatTime(approval.at)}`
      : undefined;
  }

  async #write(connection: AwsConnection, burst: Burst, signal: AbortSignal): Promise<void> {
    await noteOnConnection(this.#options, connection, annotations.deletions, writeBurst(burst), signal);
  }
}

/** Says who approved it, where and when. */
type Approval = (signal: AbortSignal) => Promise<string>;

function burstOf({ metadata }: AwsConnection, now: number): Burst {
  return readBurst(metadata.annotations?.[annotations.deletions], now);
}

/** What an account remembers of its deletion. */
interface DeletionNote {
  /** Since when it was let go, milliseconds since the epoch. */
  readonly since?: unknown;
  /** The approval that was on the object when it began to wait. */
  readonly before?: unknown;
}

/** Of this very object: what a backup brings back was let go once, and is another one now. */
function noteOf({ metadata }: AwsAccount): DeletionNote | undefined {
  try {
    const text = metadata.annotations?.[annotations.deletions] ?? 'null';
    const note = JSON.parse(text) as (DeletionNote & { readonly uid?: unknown }) | null;
    return note !== null && note.uid === metadata.uid ? note : undefined;
  } catch {
    return undefined;
  }
}

/** The deletion of its user was let go: it takes no second place in the burst. */
function isAdmitted(account: AwsAccount): boolean {
  return typeof noteOf(account)?.since === 'number';
}

function admitted({ metadata }: AwsAccount, now: number): Readonly<Record<string, string>> {
  return { [annotations.deletions]: JSON.stringify({ uid: metadata.uid, since: now }) };
}

function waiting({ metadata }: AwsAccount): Readonly<Record<string, string>> {
  const before = approverOf(metadata) ?? null;
  return { [annotations.deletions]: JSON.stringify({ uid: metadata.uid, before }) };
}
