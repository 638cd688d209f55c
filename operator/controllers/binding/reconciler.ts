import { isAwsError } from '../../../src/aws/index.ts';
import { readReference } from '../../../src/entitlement/index.ts';
import {
  awsEntitlementBindingType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
} from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  keyString,
  parseKey,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { notAllowed, usable, type ConnectionRegistry, type UsableConnection } from '../connection/index.ts';
import { unlessGone } from '../gone.ts';
import { annotations, hasFinalizer, isTrue } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { BindingConvergence } from './converge.ts';
import { ConnectionDesks } from './desks.ts';
import { BindingFinalizer } from './finalize.ts';
import { memoryOf, type EdgeMemory } from './memory.ts';
import type { EntitlementGuard } from './pass.ts';
import { BindingRecord } from './record.ts';
import { EdgeRelease } from './release.ts';
import { requestNewerReading } from './resolve.ts';
import { otherAccount } from './sentences.ts';
import { Sharers, untilExpiry, wantsOf } from './sharers.ts';
import { verdictOf } from './status.ts';
import { connectionOf, subjectOf } from './subject.ts';

export interface BindingReconcilerOptions {
  readonly client: Client;
  /** Indexed by `user` (`userKeys`). */
  readonly bindings: Informer<AwsEntitlementBinding>;
  /** Indexed by `user`, by connection and user name. */
  readonly accounts: Informer<AwsAccount>;
  readonly connections: Informer<AwsConnection>;
  readonly registry: ConnectionRegistry;
  readonly guard: EntitlementGuard;
  /** Whether a binding of this namespace may use the connection. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly installation: string;
  /** Counts objects that were let go of without touching AWS. */
  readonly countAbandoned: (kind: string) => void;
}

/** Holds one edge between a user and a group or policy to what an AwsEntitlementBinding declares. */
export class BindingReconciler implements Reconciler {
  readonly #options: BindingReconcilerOptions;
  readonly #record: BindingRecord;
  readonly #convergence: BindingConvergence;
  readonly #finalizer: BindingFinalizer;
  readonly #release: EdgeRelease;

  constructor(options: BindingReconcilerOptions) {
    this.#options = options;
    this.#record = new BindingRecord(options);
    const shared = {
      ...options,
      record: this.#record,
      sharers: new Sharers(options),
      desks: new ConnectionDesks(options),
    };
    this.#convergence = new BindingConvergence(shared);
    this.#release = new EdgeRelease(shared);
    this.#finalizer = new BindingFinalizer({ ...shared, release: this.#release });
  }

  reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { client } = this.#options;
    return unlessGone(() => this.#look(key, signal), {
      client,
      type: awsEntitlementBindingType,
      key,
      signal,
    });
  }

  async #look(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    let binding = this.#options.bindings.get(key);
    if (binding === undefined) {
      this.#finalizer.forget(key);
      return done();
    }
    if (binding.metadata.deletionTimestamp !== undefined) {
      return this.#finalizer.finalize(binding, signal);
    }
    const held = memoryOf(binding);
    const paused = isTrue(binding.metadata, annotations.paused);
    if (held !== undefined && !hasFinalizer(binding.metadata) && !paused) {
      // A backup brings it back without, and what it holds would stay when it goes.
      binding = await this.#record.remember(binding, held, signal);
    }
    return this.#reconcile(binding, held, signal);
  }

  async #reconcile(
    binding: AwsEntitlementBinding,
    memory: EdgeMemory | undefined,
    signal: AbortSignal,
  ): Promise<Result> {
    if (isTrue(binding.metadata, annotations.paused)) {
      const message = `the annotation ${annotations.paused} is true`;
      return this.#wait(binding, { reason: 'Paused', message }, 'Unknown', signal);
    }
    const wait = async (verdict: Verdict, status: 'False' | 'Unknown'): Promise<Result> => {
      await this.#wait(binding, verdict, status, signal);
      // What is held may be reached where it was made.
      return memory === undefined ? done() : untilExpiry(binding, this.#nowAt(parseKey(memory.connection)));
    };
    const reached = this.#reach(binding, memory);
    if ('waiting' in reached) {
      return wait(reached.waiting, 'Unknown');
    }
    const state = this.#options.registry.peek(reached.connection);
    const connection = usable(state);
    if (connection?.snapshots.current === undefined) {
      const { name } = reached.connection;
      if (this.#options.connections.get(reached.connection) === undefined) {
        const message = `there is no AwsConnection "${keyString(reached.connection)}"; create it, this object goes on by itself`;
        return wait({ reason: 'ConnectionNotFound', message }, 'False');
      }
      if (state?.verdict !== undefined) {
        const { reason, message } = state.verdict;
        const why = `AwsConnection "${name}" is ${reason}: ${message}`;
        return wait({ reason: 'ConnectionNotReady', message: why }, 'Unknown');
      }
      // The connection has not been looked at yet. It announces itself when it was.
      return done();
    }
    try {
      return await this.#work(binding, connection, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isAwsError(error)) {
        return this.#failed(binding, connection, error, signal);
      }
      throw error;
    }
  }

  /** What is held is to end at its time where it was made, also where the account object leads elsewhere by now. */
  #reach(binding: AwsEntitlementBinding, memory: EdgeMemory | undefined): ReturnType<typeof connectionOf> {
    const said = connectionOf(binding, memory, this.#options.accounts);
    const ends = memory !== undefined && (memory.origin !== null || memory.revoked !== null);
    if (!ends || 'waiting' in said) {
      return said;
    }
    const there = usable(this.#options.registry.peek(said.connection))?.caller.accountId === memory.account;
    const held = parseKey(memory.connection);
    return there || wantsOf(binding, this.#nowAt(held)) !== 'Expired' ? said : { connection: held };
  }

  /** By the clock of AWS, as far as a connection knows it. */
  #nowAt(connection: ObjectKey): number {
    return this.#options.clock.now() + (usable(this.#options.registry.peek(connection))?.api.skewMs ?? 0);
  }

  async #work(
    binding: AwsEntitlementBinding,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<Result> {
    const { accounts, installation, clock } = this.#options;
    const { accountId, partition } = connection.caller;
    const { namespace = '' } = binding.metadata;
    const awsNow = clock.now() + connection.api.skewMs;
    const wait = async (verdict: Verdict, status: 'True' | 'False' | 'Unknown'): Promise<Result> => {
      await this.#wait(binding, verdict, status, signal);
      return untilExpiry(binding, awsNow);
    };
    if (!this.#options.permits(connection.key, namespace)) {
      return wait(notAllowed(connection.key, namespace), 'False');
    }
    const memory = memoryOf(binding);
    if (memory !== undefined && memory.account !== accountId) {
      return wait(otherAccount(memory.account, accountId), 'False');
    }
    const read = readReference(binding.spec.entitlement, { partition, accountId });
    if (read.kind === 'invalid') {
      return wait({ reason: 'InvalidEntitlement', message: read.message }, 'False');
    }
    const expired = wantsOf(binding, awsNow) === 'Expired';
    const subject = subjectOf({ binding, memory, expired, connection, accounts, installation });
    switch (subject.kind) {
      case 'refused':
        return wait(subject.verdict, 'False');
      case 'waiting':
        if (subject.newerReading) {
          requestNewerReading(binding, { connection }, this.#options);
        }
        return wait(subject.verdict, 'Unknown');
      case 'over':
        return wait(subject.verdict, 'True');
      case 'user': {
        const left = await this.#leave(binding, subject.former, connection, signal);
        if (left.againMs !== undefined) {
          return after(left.againMs);
        }
        const { entitlement } = binding.spec;
        const reconcileAt = binding.metadata.annotations?.[annotations.reconcileAt];
        return this.#convergence.converge(
          {
            binding: left.binding,
            connection,
            reference: read.reference,
            document: entitlement.document === undefined ? undefined : JSON.stringify(entitlement.document),
            memory: subject.memory,
            made: subject.made,
            awsNow,
            forced: reconcileAt !== undefined && reconcileAt !== binding.status?.handledReconcileAt,
            signal,
          },
          subject.user.userId,
        );
      }
    }
  }

  /**
   * Lets go of the edge of the user whom the account stood for before, as at the end of the object, before
   * the memory goes over to the next one. That is written down, so that it is done once.
   */
  async #leave(
    binding: AwsEntitlementBinding,
    former: EdgeMemory | undefined,
    connection: UsableConnection,
    signal: AbortSignal,
  ): Promise<{ readonly binding: AwsEntitlementBinding; readonly againMs?: number }> {
    if (former === undefined) {
      return { binding };
    }
    const againMs = this.#release.revokes(binding, former)
      ? await this.#release.letGo(binding, former, connection, signal)
      : undefined;
    return againMs === undefined
      ? { binding: await this.#record.remember(binding, { ...former, origin: null }, signal) }
      : { binding, againMs };
  }

  /** What passes is tried again with back-off; what AWS refuses is looked at again with the next reading. */
  async #failed(
    binding: AwsEntitlementBinding,
    { api }: UsableConnection,
    error: unknown,
    signal: AbortSignal,
  ): Promise<Result> {
    const passes = isAwsError(error) && error.isTransient;
    const unseen = passes || isAwsError(error, 'badCredentials');
    await this.#record.waiting(binding, verdictOf(error), unseen ? 'Unknown' : 'False', signal);
    if (passes) {
      throw error;
    }
    return untilExpiry(binding, this.#options.clock.now() + api.skewMs);
  }

  async #wait(
    binding: AwsEntitlementBinding,
    verdict: Verdict,
    status: 'True' | 'False' | 'Unknown',
    signal: AbortSignal,
  ): Promise<Result> {
    await this.#record.waiting(binding, verdict, status, signal);
    return done();
  }
}
