import { isAwsError } from '../../../src/aws/index.ts';
import type { AwsConnection, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  keyOf,
  keyString,
  parseKey,
  type Informer,
  type Logger,
  type ObjectKey,
  type Result,
} from '../../runtime/index.ts';
import { notAllowed, usableForCleanup, type ConnectionRegistry } from '../connection/index.ts';
import { annotations, hasFinalizer, isAbandoned, isTrue } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { memoryOf, rememberedEntitlement } from './memory.ts';
import type { BindingRecord } from './record.ts';
import type { EdgeRelease } from './release.ts';
import { called, otherAccount, whose } from './sentences.ts';
import { verdictOf } from './status.ts';

export interface FinalizeOptions {
  readonly connections: Informer<AwsConnection>;
  readonly registry: ConnectionRegistry;
  readonly record: BindingRecord;
  readonly release: EdgeRelease;
  /** Whether a binding of this namespace may use the connection. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
  readonly logger: Logger;
  readonly countAbandoned: (kind: string) => void;
}

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
    if (memory === undefined || !this.#options.release.revokes(binding, memory)) {
      return this.#drop(binding, signal);
    }
    const unclearMs = this.#options.release.unclearForMs(binding);
    if (unclearMs > 0) {
      return after(unclearMs);
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
      return this.#wait(binding, notAllowed(key, namespace), signal);
    }
    const present = connection.caller.accountId;
    if (memory.account !== present) {
      return this.#wait(binding, otherAccount(memory.account, present), signal);
    }
    try {
      const againMs = await this.#options.release.letGo(binding, memory, connection, signal);
      return againMs === undefined ? await this.#drop(binding, signal) : after(againMs);
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
