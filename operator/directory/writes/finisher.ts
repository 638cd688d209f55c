import { ownership, ownerTag, type ObservedUser } from '../../../src/account/index.ts';
import type { Refusal } from '../../../src/idhub/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import { awsAccountType, type AwsAccount, type AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { connectionKey, ownerOf, standingOf } from '../../controllers/account/index.ts';
import {
  usable,
  type ConnectionRegistry,
  type UsableConnection,
} from '../../controllers/connection/index.ts';
import { annotations } from '../../controllers/names.ts';
import {
  after,
  done,
  isNotFound,
  keyOf,
  keyString,
  type Client,
  type Clock,
  type Informer,
  type Logger,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { isBack } from './back.ts';
import { refused } from './checks.ts';
import { endOf, finalPatch, laterPatch, passwordPatch } from './ends.ts';
import { isMadeBy, judge, type Evidence } from './judge.ts';
import { noteOf, operationOf, writeNote, type WriteNote } from './note.ts';
import { PasswordSecrets } from './password.ts';
import { isShutting, keptShut, withoutShut } from './shut.ts';
import { backInAws, backInObject, hasObserved, memoryToUndo, merged, type AccountPatch } from './undo.ts';
import type { Waiting } from './waiting.ts';

export interface FinisherOptions {
  readonly client: Client;
  readonly accounts: Informer<AwsAccount>;
  /** Indexed by `owner`. */
  readonly bindings: Informer<AwsEntitlementBinding>;
  readonly registry: ConnectionRegistry;
  readonly waiting: Waiting;
  readonly clock: Pick<Clock, 'now'>;
  readonly logger: Logger;
  readonly installation: string;
}

/** An object with a write that is not finished, as it was seen last. */
interface Seen {
  readonly uid: string | undefined;
  readonly note: WriteNote;
  readonly account: AwsAccount;
}

/** It is looked at again, should nothing else wake it. */
const againMs = 5_000;
const soonMs = 500;
/** So long a password that was lost with its request may be brought again by the same request. */
const lostMs = 30_000;

/**
 * Brings the writes that clients asked for to their end: completes them when AWS shows what was asked for, and takes
 * them back where AWS or the guard refuses. All that it needs stands on the objects, so that it goes on where a
 * process before it was killed.
 */
export class WriteFinisher implements Reconciler {
  readonly #options: FinisherOptions;
  readonly #secrets: PasswordSecrets;
  readonly #seen = new Map<string, Seen>();

  constructor(options: FinisherOptions) {
    this.#options = options;
    this.#secrets = new PasswordSecrets(options);
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const account = this.#options.accounts.get(key);
    const last = this.#seen.get(keyString(key));
    if (last !== undefined && account?.metadata.uid !== last.uid) {
      this.#seen.delete(keyString(key));
      this.#gone(last);
    }
    if (account === undefined) {
      return done();
    }
    const note = noteOf(account);
    if (note === undefined) {
      this.#seen.delete(keyString(key));
      if (account.metadata.annotations?.[annotations.undo] !== undefined) {
        this.#options.logger.warn('what the object says of an unfinished write cannot be read', {
          account: key,
        });
        await this.#patch(account, { annotations: { [annotations.undo]: null } }, signal);
      }
      return done();
    }
    this.#seen.set(keyString(key), { uid: account.metadata.uid, note, account });
    if (account.metadata.deletionTimestamp !== undefined) {
      const ready = account.status?.conditions?.find(({ type }) => type === 'Ready');
      if (ready !== undefined) {
        this.#options.waiting.tell(note.id, `${ready.reason}: ${ready.message}`);
      }
      return done();
    }
    return this.#advance(account, note, signal);
  }

  async #advance(account: AwsAccount, note: WriteNote, signal: AbortSignal): Promise<Result> {
    const { registry } = this.#options;
    if (note.kind === 'remove') {
      await this.#delete(account, signal);
      return done();
    }
    const key = connectionKey(account);
    const connection = usable(registry.peek(key));
    if (connection?.snapshots.current === undefined) {
      this.#options.waiting.tell(note.id, `AwsConnection "${keyString(key)}" cannot be used at present`);
      return after(againMs);
    }
    if (note.state === 'undoing') {
      return this.#takeBack(account, note, connection, signal);
    }
    const judgement = judge(this.#evidence(account, note, connection));
    switch (judgement.kind) {
      case 'done':
        if (note.later.length > 0) {
          await this.#patch(account, laterPatch(account, note), signal);
          return after(againMs);
        }
        return this.#finish(account, { ...note, userId: judgement.user.userId }, connection, signal);
      case 'refused':
        return this.#refuse(account, note, judgement.refusal, connection, signal);
      case 'open':
        this.#options.waiting.tell(note.id, judgement.message);
        return after(againMs);
    }
  }

  /** AWS shows what was asked for: the password is next, or it is done. */
  async #finish(
    account: AwsAccount,
    note: WriteNote,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<Result> {
    const { waiting, logger } = this.#options;
    const secret = note.password?.secret ?? null;
    if (note.password !== null && note.state === 'open') {
      if (waiting.isPreparing(note.id)) {
        return after(soonMs);
      }
      const waited = waiting.isWaited(note.id);
      if (secret !== null && !(await this.#secrets.exists(account, secret, signal))) {
        const left = waited ? 0 : Math.max(0, note.at + lostMs - this.#options.clock.now());
        if (waiting.isPreparing(note.id) || waiting.isWaited(note.id) !== waited || left > 0) {
          // Somebody who brings it again has come meanwhile, or may come.
          return after(Math.max(soonMs, left));
        }
        const message = 'the password was lost before it was set; ask for it again';
        return this.#refuse(account, note, refused('conflict', message), connection, signal);
      }
      await this.#patch(account, passwordPatch(account, note), signal);
      return after(againMs);
    }
    if (secret !== null) {
      if (waiting.isPreparing(note.id)) {
        return after(soonMs);
      }
      // Before the note that names it goes, and after whoever may be making it.
      await this.#secrets.remove(account, secret, signal);
    }
    await this.#patch(account, finalPatch(account, note), signal);
    this.#seen.delete(keyString(keyOf(account)));
    logger.info('a write that was asked for is done', {
      account: keyOf(account),
      operation: note.id,
      userId: note.userId,
    });
    waiting.settle(note.id, { kind: 'done', userId: note.userId ?? undefined });
    return done();
  }

  /** Says on the object that it is taken back, and what AWS is to be brought back to, in one patch. */
  async #refuse(
    account: AwsAccount,
    note: WriteNote,
    refusal: Refusal,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<Result> {
    const { clock, installation, logger } = this.#options;
    logger.info('a write that was asked for is refused and taken back', {
      account: keyOf(account),
      operation: note.id,
      kind: refusal.kind,
      reason: refusal.message,
    });
    const standing = standingOf(account, connection, installation);
    const shut = isShutting(note);
    const undoing: WriteNote = {
      ...(shut ? withoutShut(note) : note),
      state: 'undoing',
      refusal: shut ? keptShut(refusal) : refusal,
      refusedAt: clock.now(),
    };
    const patch: AccountPatch =
      note.kind === 'create'
        ? { spec: { deletionPolicy: this.#leaves(account, note, connection) } }
        : backInAws(account, undoing);
    const memory =
      standing.kind === 'user' && note.kind === 'change'
        ? memoryToUndo(account, undoing, { schema: connection.schema, userName: standing.user.userName })
        : undefined;
    await this.#patch(
      account,
      merged(patch, {
        annotations: {
          ...(memory === undefined ? {} : { [annotations.applied]: memory }),
          ...patch.annotations,
          [annotations.undo]: writeNote(undoing),
          [annotations.operation]: operationOf(undoing),
        },
      }),
      signal,
    );
    return after(note.kind === 'create' ? 0 : soonMs);
  }

  /** Only a user that was made for this very object goes with it. */
  #leaves(account: AwsAccount, note: WriteNote, connection: UsableConnection): 'Delete' | 'Retain' {
    const standing = standingOf(account, connection, this.#options.installation);
    const own = standing.kind === 'user' && isMadeBy(note, standing.user, connection.api.skewMs);
    return own ? 'Delete' : 'Retain';
  }

  /** AWS is brought back: then the object is, or goes with all that came with it. */
  async #takeBack(
    account: AwsAccount,
    note: WriteNote,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<Result> {
    const { waiting, installation } = this.#options;
    const refusal = note.refusal ?? refused('conflict', 'it was refused');
    if (note.kind !== 'create' && !isBack(this.#evidence(account, note, connection))) {
      waiting.tell(note.id, `${refusal.message} (it is being taken back)`);
      return after(againMs);
    }
    if (note.password?.secret !== undefined && note.password.secret !== null) {
      if (waiting.isPreparing(note.id)) {
        return after(soonMs);
      }
      await this.#secrets.remove(account, note.password.secret, signal);
    }
    if (note.kind === 'create' || note.made) {
      // Looked at anew: the user may have been made since the refusal.
      const deletionPolicy = note.kind === 'create' ? this.#leaves(account, note, connection) : 'Retain';
      const leaving =
        account.spec.deletionPolicy === deletionPolicy
          ? account
          : await this.#patch(account, { spec: { deletionPolicy } }, signal);
      await this.#delete(leaving, signal);
      return done();
    }
    const standing = standingOf(account, connection, installation);
    const user = standing.kind === 'user' ? standing.user : undefined;
    const patch = backInObject(account, note, { schema: connection.schema, tags: user?.tags ?? [] });
    if (hasObserved(note) && account.spec.management !== 'Observe') {
      // First nobody writes to the user any more.
      await this.#patch(account, patch, signal);
      return after(0);
    }
    if (hasObserved(note) && user !== undefined) {
      await this.#letGo(account, user, connection, signal);
    }
    await this.#patch(
      account,
      merged(patch, { annotations: { ...patch.annotations, [annotations.undo]: null } }),
      signal,
    );
    this.#seen.delete(keyString(keyOf(account)));
    waiting.settle(note.id, { kind: 'refused', refusal });
    return done();
  }

  /** The user of an object that only observes again does not say that it belongs to that. */
  async #letGo(
    account: AwsAccount,
    user: ObservedUser,
    { api, snapshots }: UsableConnection,
    signal: AbortSignal,
  ): Promise<void> {
    if (ownership(user.tags, ownerOf(account, this.#options.installation)).kind === 'ours') {
      await api.call('UntagUser', { UserName: user.userName, TagKeys: [ownerTag] }, { signal });
      snapshots.record({ ...user, tags: user.tags.filter((tag) => !sameName(tag.key, ownerTag)) });
    }
  }

  /** The object is gone: deleted as it was asked for, taken back, or by somebody else. */
  #gone({ note, account }: Seen): void {
    const { registry, waiting, logger } = this.#options;
    const snapshots = usable(registry.peek(connectionKey(account)))?.snapshots;
    const user = note.userId === null ? undefined : snapshots?.current?.byId(note.userId);
    const settled = endOf(account, note, user);
    logger.info('a write that was asked for has ended with its object', {
      account: keyOf(account),
      operation: note.id,
      outcome: settled.kind,
    });
    waiting.settle(note.id, settled);
  }

  #evidence(account: AwsAccount, note: WriteNote, connection: UsableConnection): Evidence {
    const { clock, installation } = this.#options;
    return {
      account,
      note,
      standing: standingOf(account, connection, installation),
      bindings: this.#bindingsOf(account),
      schema: connection.schema,
      place: connection.caller,
      now: clock.now(),
      readAt: connection.snapshots.current?.takenAt ?? 0,
      skewMs: connection.api.skewMs,
    };
  }

  #bindingsOf({ metadata }: AwsAccount): ReadonlyMap<string, AwsEntitlementBinding> {
    const owned = this.#options.bindings.byIndex('owner', metadata.uid ?? '');
    return new Map(owned.map((binding) => [binding.metadata.name, binding]));
  }

  /** @throws {ApiError} a conflict, where the object has changed meanwhile: the whole is repeated then */
  async #patch(account: AwsAccount, patch: AccountPatch, signal: AbortSignal): Promise<AwsAccount> {
    const { client, accounts } = this.#options;
    const { uid, resourceVersion } = account.metadata;
    const written = await client.mergePatch<AwsAccount>(
      awsAccountType,
      keyOf(account),
      {
        metadata: {
          uid,
          resourceVersion,
          ...(patch.annotations === undefined ? {} : { annotations: patch.annotations }),
        },
        ...(patch.spec === undefined ? {} : { spec: patch.spec }),
      },
      { signal },
    );
    accounts.set(written);
    return written;
  }

  async #delete(account: AwsAccount, signal: AbortSignal): Promise<void> {
    const { uid, resourceVersion } = account.metadata;
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    try {
      await this.#options.client.delete(awsAccountType, keyOf(account), { signal, preconditions });
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}
