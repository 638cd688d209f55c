import type { ObservedUser } from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { edgeKey, isUserMissing } from '../../../src/entitlement/index.ts';
import {
  awsAccountType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
} from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  keyOf,
  keyString,
  parseKey,
  isNotFound,
  type Client,
  type Clock,
  type Informer,
  type Logger,
  type ObjectKey,
  type Result,
} from '../../runtime/index.ts';
import { declaresBinding, owningAccount } from '../account/index.ts';
import { usableForCleanup, type ConnectionRegistry, type UsableConnection } from '../connection/index.ts';
import { annotations, hasFinalizer, isAbandoned, isTrue } from '../names.ts';
import type { Verdict } from './conditions.ts';
import type { ConnectionDesks } from './desks.ts';
import { namedConnection } from './keys.ts';
import { memoryOf, rememberedEntitlement, type EdgeMemory } from './memory.ts';
import type { EntitlementGuard } from './pass.ts';
import type { BindingRecord } from './record.ts';
import { called, notAllowed, otherAccount, whose } from './sentences.ts';
import type { Sharers } from './sharers.ts';
import { verdictOf } from './status.ts';

export interface FinalizeOptions {
  readonly client: Client;
  readonly accounts: Informer<AwsAccount>;
  readonly connections: Informer<AwsConnection>;
  readonly registry: ConnectionRegistry;
  readonly record: BindingRecord;
  readonly sharers: Sharers;
  readonly desks: ConnectionDesks;
  readonly guard: EntitlementGuard;
  /** Whether a binding of this namespace may use the connection. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly countAbandoned: (kind: string) => void;
}

/** AWS may show for this long what was before a write (IAM is eventually consistent). */
const settleMs = 30_000;
const againMs = 2_000;

/**
 * Lets go of the edge that a binding holds, as its `onDelete` says. It goes by what the object remembers
 * alone, so that it works when the account object is gone already.
 */
export class BindingFinalizer {
  readonly #options: FinalizeOptions;
  /** By the object's key: the uid that was let go of, which the cache may not show yet. */
  readonly #dropped = new Map<string, string | undefined>();

  constructor(options: FinalizeOptions) {
    this.#options = options;
  }

  /** The object is gone. */
  forget(key: ObjectKey): void {
    this.#dropped.delete(keyString(key));
  }

  async finalize(binding: AwsEntitlementBinding, signal: AbortSignal): Promise<Result> {
    const { metadata } = binding;
    if (!hasFinalizer(metadata) || this.#dropped.get(keyString(keyOf(binding))) === metadata.uid) {
      return done();
    }
    const memory = memoryOf(binding);
    if (isAbandoned(metadata)) {
      this.#options.countAbandoned('AwsEntitlementBinding');
      this.#options.logger.warn('let go of without touching AWS, as its annotation asks', {
        binding: keyOf(binding),
        userId: memory?.userId,
        entitlement: memory?.entitlement,
      });
      return this.#drop(binding, signal);
    }
    if (isTrue(metadata, annotations.paused)) {
      return this.#wait(
        binding,
        { reason: 'Paused', message: `the annotation ${annotations.paused} is true` },
        signal,
      );
    }
    if (memory === undefined || !(await this.#revokes(binding, memory, signal))) {
      return this.#drop(binding, signal);
    }
    const key = parseKey(memory.connection);
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
        binding,
        {
          reason: state === undefined ? 'ConnectionNotFound' : 'ConnectionNotReady',
          message:
            `AwsConnection "${key.name}", which is needed to take ${called(rememberedEntitlement(memory))} from ` +
            `${whose(memory)}, ${why}. Bring it back, or annotate this object with ${annotations.abandon}=true ` +
            'to let go of it without touching AWS',
        },
        signal,
      );
    }
    const { namespace = '' } = metadata;
    if (!this.#options.permits(key, namespace)) {
      return this.#wait(binding, notAllowed(memory.connection, namespace), signal);
    }
    const present = connection.caller.accountId;
    if (memory.account !== present) {
      return this.#wait(binding, otherAccount(memory.account, present), signal);
    }
    try {
      const { edges } = this.#options.desks.of(connection);
      return await edges.inTurn(memory.userId, () => this.#letGo(binding, memory, connection, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (isAwsError(error)) {
        const passes = error.isTransient || error.kind === 'badCredentials';
        await this.#options.record.waiting(binding, verdictOf(error), passes ? 'Unknown' : 'False', signal);
        if (error.kind === 'badCredentials') {
          return done();
        }
      }
      throw error;
    }
  }

  /** Whether the edge is this object's to take away. */
  async #revokes(binding: AwsEntitlementBinding, memory: EdgeMemory, signal: AbortSignal): Promise<boolean> {
    const onDelete = binding.spec.onDelete ?? 'RevokeIfCreated';
    if (memory.origin === null || binding.spec.state === 'Absent' || onDelete === 'Keep') {
      return false;
    }
    return (
      (onDelete === 'Revoke' || memory.origin === 'Created') &&
      !(await this.#goesWithAccount(binding, signal))
    );
  }

  /**
   * The object is an account's own, and that is on its way out or gone: with Delete the edges go with the
   * user, with Retain and Disable they stay on it. One whose entry was taken out before goes by itself.
   */
  async #goesWithAccount(binding: AwsEntitlementBinding, signal: AbortSignal): Promise<boolean> {
    const owner = owningAccount(binding);
    if (owner === undefined) {
      return false;
    }
    const key = { namespace: binding.metadata.namespace ?? '', name: owner.name };
    const same = (found: AwsAccount | undefined): AwsAccount | undefined =>
      found?.metadata.uid === owner.uid ? found : undefined;
    let account = same(this.#options.accounts.get(key));
    if (account?.metadata.deletionTimestamp === undefined && account !== undefined) {
      if (!declaresBinding(account, binding)) {
        return false;
      }
      // The garbage collector may have seen the account's deletion before the cache shows it.
      account = same(await this.#account(key, signal));
    }
    return (
      account === undefined ||
      (account.metadata.deletionTimestamp !== undefined && declaresBinding(account, binding))
    );
  }

  async #account(key: ObjectKey, signal: AbortSignal): Promise<AwsAccount | undefined> {
    try {
      return await this.#options.client.get(awsAccountType, key, { signal });
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async #letGo(
    binding: AwsEntitlementBinding,
    memory: EdgeMemory,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<Result> {
    const { registry, clock, sharers, desks, guard } = this.#options;
    const entitlement = rememberedEntitlement(memory);
    const snapshot = connection.snapshots.current;
    const user = snapshot?.byId(memory.userId);
    if (user === undefined) {
      // Whom a reading that is new enough does not show is gone, and the edge with the user.
      const needed = memory.since + settleMs;
      const fate = connection.snapshots.fate(memory.userId);
      if (fate === 'deleted' || (fate === 'unseen' && (snapshot?.takenAt ?? 0) >= needed)) {
        return this.#drop(binding, signal);
      }
      if (clock.now() >= needed) {
        registry.requestSnapshot(connection.key);
      }
      return after(againMs);
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
    if (heir !== undefined) {
      await this.#handOver(memory, heir, signal);
      const name = keyString(keyOf(heir));
      return this.#released(binding, user, `stays for AwsEntitlementBinding "${name}"`, memory, signal);
    }
    if (guard.refuses({ connection, user, gives: undefined }) !== undefined) {
      return this.#released(binding, user, 'was left alone, since the user is protected', memory, signal);
    }
    try {
      await desks.of(connection).edges.remove(user, entitlement, { signal });
    } catch (error) {
      if (!isUserMissing(error)) {
        throw error;
      }
      // Renamed or deleted in AWS since the reading: only a complete one can tell which.
      registry.requestSnapshot(connection.key);
      return after(againMs);
    }
    this.#options.record.note(binding, {
      reason: 'Revoked',
      action: 'Delete',
      message: `took ${called(entitlement)} from ${whose(user)}`,
    });
    return this.#drop(binding, signal);
  }

  /**
   * That the edge was made from here is told to the one that it stays for, which may not have looked yet:
   * the last one out takes it away.
   */
  async #handOver(memory: EdgeMemory, heir: AwsEntitlementBinding, signal: AbortSignal): Promise<void> {
    const known = memoryOf(heir);
    const holds = known !== undefined && known.origin !== null;
    if (memory.origin === 'Created' && known?.origin !== 'Created') {
      const since = holds ? known.since : this.#options.clock.now();
      const named = namedConnection(heir);
      const connection = named === undefined ? memory.connection : keyString(named);
      await this.#options.record.remember(heir, { ...memory, connection, since, revoked: null }, signal);
    }
  }

  #released(
    binding: AwsEntitlementBinding,
    user: ObservedUser,
    why: string,
    memory: EdgeMemory,
    signal: AbortSignal,
  ): Promise<Result> {
    this.#options.record.note(binding, {
      reason: 'Released',
      action: 'Delete',
      message: `${called(rememberedEntitlement(memory))} of ${whose(user)} ${why}`,
    });
    return this.#drop(binding, signal);
  }

  async #drop(binding: AwsEntitlementBinding, signal: AbortSignal): Promise<Result> {
    await this.#options.record.drop(binding, signal);
    this.#dropped.set(keyString(keyOf(binding)), binding.metadata.uid);
    return done();
  }

  async #wait(binding: AwsEntitlementBinding, verdict: Verdict, signal: AbortSignal): Promise<Result> {
    await this.#options.record.waiting(binding, verdict, 'False', signal);
    return done();
  }
}
