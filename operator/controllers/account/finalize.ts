import {
  applySteps,
  identify,
  ownerTag,
  ownership,
  ownerValue,
  readUser,
  removeUser,
  type ApplyOutcome,
  type ObservedUser,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { refusesUser } from '../../../src/guard/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  keyOf,
  keyString,
  type ObjectKey,
  type Logger,
  type Result,
} from '../../runtime/index.ts';
import {
  notAllowed,
  usableForCleanup,
  type ConnectionRegistry,
  type UsableConnection,
} from '../connection/index.ts';
import { annotations, hasFinalizer, isAbandoned, isTrue } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { connectionKey, declaredOf, deletionPolicyOf, ownerOf } from './declared.ts';
import { DeletionGate, type DeletionGateOptions } from './deletions.ts';
import { memoryOf } from './memory.ts';
import { applyOptionsOf, sight } from './pass.ts';
import type { Part } from './parts.ts';
import { isCommunicationUser, otherAccountOf, type Permits } from './claims.ts';
import { leaverTaken } from './sentences.ts';
import { verdictOf } from './status.ts';

export interface FinalizeOptions extends DeletionGateOptions {
  readonly registry: ConnectionRegistry;
  /** Password, keys, entitlements. */
  readonly parts: Part;
  readonly logger: Logger;
  readonly installation: string;
  readonly permits: Permits;
  readonly countAbandoned: (kind: string) => void;
}

interface Progress {
  readonly uid: string;
  /** The unique id of the user whose deletion was begun. */
  removing: string | undefined;
  dropped: boolean;
}

/** AWS may show for this long what was before a write (IAM is eventually consistent). */
const settleMs = 30_000;
const againMs = 2_000;

/**
 * Lets go of what an AwsAccount stands for, as its deletion policy says. The finalizer goes only when
 * that is done and was seen to be done; a user that is not ours is never touched.
 */
export class AccountFinalizer {
  readonly #options: FinalizeOptions;
  readonly #deletions: DeletionGate;
  /** By the object's key: what this process did for it, which the cache or AWS may not show yet. */
  readonly #progress = new Map<string, Progress>();

  constructor(options: FinalizeOptions) {
    this.#options = options;
    this.#deletions = new DeletionGate(options);
  }

  /** The object is gone. */
  forget(key: ObjectKey): void {
    this.#progress.delete(keyString(key));
  }

  async finalize(account: AwsAccount, signal: AbortSignal): Promise<Result> {
    if (!hasFinalizer(account.metadata) || this.#of(account).dropped) {
      return done();
    }
    if (isAbandoned(account.metadata)) {
      this.#options.countAbandoned('AwsAccount');
      this.#options.logger.warn('let go of without touching AWS, as its annotation asks', {
        account: keyOf(account),
        userName: account.spec.userName,
        userId: memoryOf(account).userId,
      });
      await this.#options.parts.release(account, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        this.#options.logger.warn('the Secret of its credentials stays with it', {
          account: keyOf(account),
          error: error instanceof Error ? error.message : String(error),
        });
      });
      return this.#drop(account, signal);
    }
    if (isTrue(account.metadata, annotations.paused)) {
      return this.#wait(
        account,
        { reason: 'Paused', message: `the annotation ${annotations.paused} is true` },
        signal,
      );
    }
    if (account.spec.management === 'Observe') {
      await this.#options.parts.release(account, signal);
      return this.#drop(account, signal);
    }
    const key = connectionKey(account);
    const { namespace = '' } = account.metadata;
    if (this.#options.connections.get(key) !== undefined && !this.#options.permits(key, namespace)) {
      return this.#wait(account, notAllowed(key, namespace), signal);
    }
    const state = this.#options.registry.peek(key);
    const connection = usableForCleanup(state);
    if (connection?.snapshots.current === undefined) {
      // Not looked at yet, or its first reading is under way: it announces itself.
      const starting = state === undefined || state.verdict === undefined;
      if (starting && this.#options.connections.get(key) !== undefined) {
        return done();
      }
      const why =
        state?.verdict === undefined
          ? 'is not there'
          : `is ${state.verdict.reason}: ${state.verdict.message}`;
      return this.#wait(
        account,
        {
          reason: state === undefined ? 'ConnectionNotFound' : 'ConnectionNotReady',
          message:
            `AwsConnection "${key.name}", which is needed to clean up, ${why}. Bring it back, ` +
            `or annotate this object with ${annotations.abandon}=true to let go of it without touching AWS`,
        },
        signal,
      );
    }
    try {
      return await this.#letGo(account, connection, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isAwsError(error)) {
        await this.#options.record.waiting(account, verdictOf(error), 'False', signal);
        if (error.kind === 'badCredentials') {
          return done();
        }
      }
      throw error;
    }
  }

  async #letGo(account: AwsAccount, connection: UsableConnection, signal: AbortSignal): Promise<Result> {
    const snapshot = connection.snapshots.current;
    const declared = declaredOf(account, connection.defaults);
    const owner = ownerOf(account, this.#options.installation);
    const memory = memoryOf(account);
    const elsewhere = otherAccountOf({ memory, connection });
    if (elsewhere !== undefined) {
      return this.#wait(account, elsewhere, signal);
    }
    const seen = snapshot === undefined ? undefined : sight(snapshot, declared, memory, ownerValue(owner));
    // Without a recorded id, the name that was announced last is the one under which a user may be.
    const name = memory.applied?.userName ?? declared.userName;
    const known = seen?.byId ?? seen?.byOwner ?? snapshot?.byName(name);
    if (refusesUser(connection.guard, known?.userName ?? name) !== undefined) {
      return this.#leave(account, known?.userName ?? name, signal);
    }
    const deletes = deletionPolicyOf(account, connection.defaults) === 'Delete';
    if (deletes && known !== undefined && this.#deletions.mustWait(account, connection)) {
      return this.#admitted(account, connection, signal, () => after(againMs));
    }
    const live = await readUser(connection.api, known?.userName ?? name, known, { signal });
    if (live === undefined) {
      return this.#missing(account, connection, known, signal);
    }
    const user = connection.snapshots.observe(live);
    const identity = identify(declared, owner, memory, {
      byId: user.userId === memory.userId ? user : undefined,
      byName: user,
      byOwner: ownership(user.tags, owner).kind === 'ours' ? user : undefined,
    });
    if (identity.kind !== 'ours' || isCommunicationUser(connection, user.userName)) {
      const another = memory.userId !== undefined && memory.userId !== live.userId;
      if (another && !this.#readSinceDeletion(account, connection)) {
        return after(againMs);
      }
      const policy = deletionPolicyOf(account, connection.defaults);
      const owned = ownership(user.tags, owner);
      if (memory.userId === live.userId && policy !== 'Retain' && 'value' in owned) {
        // Whoever is to be shut out or deleted must not stay in unnoticed.
        return this.#wait(account, leaverTaken(live, owned.value, policy), signal);
      }
      await this.#options.parts.release(account, signal);
      this.#note(
        account,
        'Released',
        `IAM user ${live.userName} (${live.userId}) is not this object's and was left alone`,
      );
      return this.#drop(account, signal);
    }
    if (refusesUser(connection.guard, user.userName) !== undefined) {
      return this.#leave(account, user.userName, signal);
    }
    return this.#execute(account, connection, user, signal);
  }

  async #execute(
    account: AwsAccount,
    connection: UsableConnection,
    user: ObservedUser,
    signal: AbortSignal,
  ): Promise<Result> {
    const policy = deletionPolicyOf(account, connection.defaults);
    if (policy !== 'Delete') {
      let latest = user;
      if (policy === 'Disable') {
        const outcome = await this.#shutOut(connection, user, signal);
        const [refused] = outcome.refused;
        if (refused !== undefined) {
          throw refused.error;
        }
        latest = outcome.user;
      }
      const now = this.#options.clock.now();
      const ended = await this.#options.parts.finish?.({ account, connection, user: latest, now, signal });
      if (ended !== undefined && ended.notes.length > 0) {
        this.#note(account, 'Released', ended.notes.join('; '));
      }
      if (ended?.waits !== undefined) {
        await this.#options.record.waiting(account, ended.waits.verdict, 'False', signal);
        return after(ended.waits.afterMs);
      }
      await this.#options.parts.release(account, signal);
      await connection.api.call('UntagUser', { UserName: user.userName, TagKeys: [ownerTag] }, { signal });
      connection.snapshots.record({ ...latest, tags: latest.tags.filter((tag) => tag.key !== ownerTag) });
      this.#note(
        account,
        policy === 'Disable' ? 'Disabled' : 'Released',
        `${policy === 'Disable' ? 'disabled and let go of' : 'let go of'} IAM user ${user.userName} (${user.userId})`,
      );
      return this.#drop(account, signal);
    }
    return this.#admitted(account, connection, signal, () => this.#delete(account, connection, user, signal));
  }

  /** Goes on with a deletion if the connection's burst, or somebody, lets it go; else says when that will be. */
  async #admitted(
    account: AwsAccount,
    connection: UsableConnection,
    signal: AbortSignal,
    go: () => Result | Promise<Result>,
  ): Promise<Result> {
    const admission = await this.#deletions.admit(account, connection, signal);
    if (admission.kind === 'goes') {
      return go();
    }
    await this.#options.record.waiting(account, admission.verdict, 'False', signal);
    return after(admission.afterMs);
  }

  async #delete(
    account: AwsAccount,
    connection: UsableConnection,
    user: ObservedUser,
    signal: AbortSignal,
  ): Promise<Result> {
    if (!account.status?.conditions?.some((condition) => condition.reason === 'DeletionBlocked')) {
      await this.#options.record.waiting(
        account,
        { reason: 'Deleting', message: `IAM user ${user.userName} is being deleted with everything it owns` },
        'False',
        signal,
      );
    }
    this.#of(account).removing = user.userId;
    const outcome = await removeUser(connection.api, user.userName, { signal, tags: user.tags });
    if (outcome.kind === 'blocked') {
      // Whoever is to be deleted must not stay in because something of theirs cannot be removed.
      const { refused } = await this.#shutOut(connection, user, signal);
      const shut =
        refused[0] === undefined
          ? 'The user is shut out meanwhile'
          : `It could not be shut out either (${refused[0].error.message})`;
      const failures = outcome.failures.map(({ what, error }) => `${what} (${error.message})`).join('; ');
      await this.#options.record.waiting(
        account,
        {
          reason: 'DeletionBlocked',
          message: `IAM user ${user.userName} cannot be deleted, since these are left: ${failures}. ${shut}. It is tried again`,
        },
        'False',
        signal,
      );
      return after(settleMs);
    }
    const still = await readUser(connection.api, user.userName, undefined, { signal });
    if (still?.userId === user.userId) {
      return after(againMs);
    }
    connection.snapshots.forget(user.userId);
    this.#note(account, 'Deleted', `deleted IAM user ${user.userName} (${user.userId})`);
    return this.#drop(account, signal);
  }

  /** The connection protects the user: it stays as it is, in whatever state it is. */
  async #leave(account: AwsAccount, userName: string, signal: AbortSignal): Promise<Result> {
    await this.#options.parts.release(account, signal);
    this.#note(account, 'Released', `IAM user ${userName} is protected by the connection and was left alone`);
    return this.#drop(account, signal);
  }

  #shutOut(connection: UsableConnection, user: ObservedUser, signal: AbortSignal): Promise<ApplyOutcome> {
    const disable = { do: 'disable', audit: false } as const;
    return applySteps(connection.api, user, [disable], applyOptionsOf({ connection, signal }));
  }

  /** No user of that name. Gone only if nothing says that it may be elsewhere, or not to be seen yet. */
  async #missing(
    account: AwsAccount,
    connection: UsableConnection,
    known: ObservedUser | undefined,
    signal: AbortSignal,
  ): Promise<Result> {
    const { userId, applied } = memoryOf(account);
    if (known !== undefined && this.#of(account).removing === known.userId) {
      connection.snapshots.forget(known.userId);
      this.#note(account, 'Deleted', `deleted IAM user ${known.userName} (${known.userId})`);
      return this.#drop(account, signal);
    }
    if (known !== undefined && connection.snapshots.touchedAt(known.userId) !== undefined) {
      return after(againMs);
    }
    // A user that was announced and never seen may need its time to show.
    const settle = userId === undefined && applied !== undefined ? settleMs : 0;
    if (!this.#readSinceDeletion(account, connection, settle)) {
      return after(againMs);
    }
    if (known !== undefined) {
      // The newest reading shows it and a live look does not: renamed or deleted in between.
      this.#options.registry.requestSnapshot(connection.key);
      return after(againMs);
    }
    if (!wasBegun(account)) {
      await this.#options.parts.release(account, signal);
    }
    this.#note(
      account,
      'Released',
      `there is no IAM user for ${account.spec.userName}; nothing was left to do`,
    );
    return this.#drop(account, signal);
  }

  /** Whether the account was read to its end `settle` ms after the object was deleted; asks for that if not. */
  #readSinceDeletion(account: AwsAccount, connection: UsableConnection, settle = 0): boolean {
    const from = Date.parse(account.metadata.deletionTimestamp ?? '') + settle;
    if ((connection.snapshots.current?.takenAt ?? 0) >= from) {
      return true;
    }
    if (this.#options.clock.now() >= from) {
      this.#options.registry.requestSnapshot(connection.key);
    }
    return false;
  }

  async #drop(account: AwsAccount, signal: AbortSignal): Promise<Result> {
    await this.#options.record.drop(account, signal);
    this.#of(account).dropped = true;
    return done();
  }

  async #wait(account: AwsAccount, verdict: Verdict, signal: AbortSignal): Promise<Result> {
    await this.#options.record.waiting(account, verdict, 'False', signal);
    return done();
  }

  #of(account: AwsAccount): Progress {
    const key = keyString(keyOf(account));
    const uid = account.metadata.uid ?? '';
    let progress = this.#progress.get(key);
    if (progress?.uid !== uid) {
      progress = { uid, removing: undefined, dropped: false };
      this.#progress.set(key, progress);
    }
    return progress;
  }

  #note(account: AwsAccount, reason: string, message: string): void {
    this.#options.record.note(account, { reason, action: 'Delete', message });
  }
}

/** Whether a process before this one began to delete the user, and so may have done it. */
function wasBegun(account: AwsAccount): boolean {
  const begun = new Set<string>(['Deleting', 'DeletionBlocked']);
  return account.status?.conditions?.some(({ reason }) => begun.has(reason)) === true;
}
