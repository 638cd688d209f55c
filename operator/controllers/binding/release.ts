import type { ObservedUser } from '../../../src/account/index.ts';
import { edgeKey, isUserMissing } from '../../../src/entitlement/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type Clock, type Informer } from '../../runtime/index.ts';
import { declaresBinding, owningAccount } from '../account/index.ts';
import type { ConnectionRegistry, UsableConnection } from '../connection/index.ts';
import type { ConnectionDesks } from './desks.ts';
import { namedConnection } from './keys.ts';
import { memoryOf, rememberedEntitlement, type EdgeMemory } from './memory.ts';
import type { EntitlementGuard } from './pass.ts';
import type { BindingRecord } from './record.ts';
import { called, whose } from './sentences.ts';
import type { Sharers } from './sharers.ts';

export interface ReleaseOptions {
  readonly accounts: Informer<AwsAccount>;
  readonly registry: ConnectionRegistry;
  readonly record: BindingRecord;
  readonly sharers: Sharers;
  readonly desks: ConnectionDesks;
  readonly guard: EntitlementGuard;
  readonly clock: Clock;
}

/** AWS may show for this long what was before a write (IAM is eventually consistent). */
const settleMs = 30_000;
const againMs = 2_000;
/** Within this time a namespace that is being deleted has marked all that is in it. */
const togetherMs = 30_000;

/**
 * Lets go of an edge that a binding holds, as its `onDelete` says: at the end of the object, and where its
 * account has come to stand for another user. It goes by what the object remembers.
 */
export class EdgeRelease {
  readonly #options: ReleaseOptions;

  constructor(options: ReleaseOptions) {
    this.#options = options;
  }

  /** Whether the edge is this object's to take away. */
  revokes(binding: AwsEntitlementBinding, memory: EdgeMemory): boolean {
    const { state, onDelete = 'RevokeIfCreated' } = binding.spec;
    // An Absent that was not obeyed yet: what was made from here goes, as it asks.
    const unwanted = state === 'Absent' && memory.origin === 'Created';
    const takes =
      unwanted || onDelete === 'Revoke' || (onDelete === 'RevokeIfCreated' && memory.origin === 'Created');
    return memory.origin !== null && takes && !this.#goesWithAccount(binding);
  }

  /**
   * Milliseconds until it can be told what the deletion of an account's own binding means: a namespace that
   * is being deleted takes bindings and accounts in any order, and what somebody deleted by hand is made
   * again. 0 where that is clear.
   */
  unclearForMs(binding: AwsEntitlementBinding): number {
    const account = this.#ownerOf(binding);
    const { deletionTimestamp } = binding.metadata;
    if (account === undefined || account.metadata.deletionTimestamp !== undefined) {
      return 0;
    }
    const left = Date.parse(deletionTimestamp ?? '') + togetherMs - this.#options.clock.now();
    // The clock of the API server may be another one: never longer than from a deletion that was now.
    return left > 0 && declaresBinding(account, binding) ? Math.min(left, togetherMs) : 0;
  }

  /**
   * Takes the edge away, or hands it over to another binding that wants it.
   * @returns ms until it is to be tried again; undefined where nothing is left to do
   * @throws {AwsError}
   */
  letGo(
    binding: AwsEntitlementBinding,
    memory: EdgeMemory,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { edges } = this.#options.desks.of(connection);
    return edges.inTurn(memory.userId, () => this.#letGo(binding, memory, connection, signal));
  }

  /**
   * The object is an account's own, and that is gone or on its way out: with Delete the edges go with the
   * user, with Retain and Disable they stay on it. One whose entry was taken out before goes by itself.
   */
  #goesWithAccount(binding: AwsEntitlementBinding): boolean {
    if (owningAccount(binding) === undefined) {
      return false;
    }
    const account = this.#ownerOf(binding);
    return (
      account === undefined ||
      (account.metadata.deletionTimestamp !== undefined && declaresBinding(account, binding))
    );
  }

  /** The account that the object belongs to, if that is still there. */
  #ownerOf(binding: AwsEntitlementBinding): AwsAccount | undefined {
    const owner = owningAccount(binding);
    const { namespace = '' } = binding.metadata;
    const account =
      owner === undefined ? undefined : this.#options.accounts.get({ namespace, name: owner.name });
    return account?.metadata.uid === owner?.uid ? account : undefined;
  }

  async #letGo(
    binding: AwsEntitlementBinding,
    memory: EdgeMemory,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { registry, clock, sharers, desks, guard } = this.#options;
    const entitlement = rememberedEntitlement(memory);
    const snapshot = connection.snapshots.current;
    const user = snapshot?.byId(memory.userId);
    if (user === undefined) {
      // Whom a reading that is new enough does not show is gone, and the edge with the user.
      const needed = memory.since + settleMs;
      const fate = connection.snapshots.fate(memory.userId);
      if (fate === 'deleted' || (fate === 'unseen' && (snapshot?.takenAt ?? 0) >= needed)) {
        return undefined;
      }
      if (clock.now() >= needed) {
        registry.requestSnapshot(connection.key);
      }
      return againMs;
    }
    const { partition, accountId } = connection.caller;
    const { heir } = sharers.of(binding, {
      partition,
      accountId,
      connection,
      user,
      edge: edgeKey(entitlement),
      arn: entitlement.type === 'InlinePolicy' ? undefined : entitlement.arn,
      awsNow: clock.now() + connection.api.skewMs,
    });
    if (heir !== undefined && (await this.#handOver(memory, heir, signal))) {
      const name = keyString(keyOf(heir));
      this.#released(binding, user, `stays for AwsEntitlementBinding "${name}"`, memory);
      return undefined;
    }
    if (guard.refuses({ connection, user, gives: undefined }) !== undefined) {
      this.#released(binding, user, 'was left alone, since the user is protected', memory);
      return undefined;
    }
    const { edges } = desks.of(connection);
    try {
      if (!(await edges.confirm(user, { signal, fresh: false }))) {
        return this.#missed(connection, user, true);
      }
      await edges.remove(user, entitlement, { signal });
    } catch (error) {
      if (!isUserMissing(error)) {
        throw error;
      }
      return this.#missed(connection, user, false);
    }
    this.#options.record.note(binding, {
      reason: 'Revoked',
      action: actionOf(binding),
      message: `took ${called(entitlement)} from ${whose(user)}`,
    });
    return undefined;
  }

  /** Renamed or deleted in AWS since the reading: only a complete one can tell which. */
  #missed({ key, snapshots }: UsableConnection, { userId }: ObservedUser, another: boolean): number {
    if (another && snapshots.touchedAt(userId) === undefined) {
      snapshots.lose(userId);
    }
    this.#options.registry.requestSnapshot(key);
    return againMs;
  }

  /**
   * That the edge was made from here is told to the one that it stays for, which may not have looked yet:
   * the last one out takes it away.
   * @returns false where that one cannot be told: it has an edge of another user to let go of before
   */
  async #handOver(memory: EdgeMemory, heir: AwsEntitlementBinding, signal: AbortSignal): Promise<boolean> {
    const known = memoryOf(heir);
    const holds = known !== undefined && known.origin !== null;
    if (memory.origin !== 'Created') {
      return true;
    }
    if (holds && known.userId !== memory.userId) {
      return false;
    }
    if (known?.origin !== 'Created') {
      const since = holds ? known.since : this.#options.clock.now();
      const named = namedConnection(heir);
      const connection = named === undefined ? memory.connection : keyString(named);
      await this.#options.record.remember(heir, { ...memory, connection, since, revoked: null }, signal);
    }
    return true;
  }

  #released(binding: AwsEntitlementBinding, user: ObservedUser, why: string, memory: EdgeMemory): void {
    this.#options.record.note(binding, {
      reason: 'Released',
      action: actionOf(binding),
      message: `${called(rememberedEntitlement(memory))} of ${whose(user)} ${why}`,
    });
  }
}

function actionOf({ metadata }: AwsEntitlementBinding): string {
  return metadata.deletionTimestamp === undefined ? 'Revoke' : 'Delete';
}
