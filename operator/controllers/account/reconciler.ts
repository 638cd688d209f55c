import { isReservedTag } from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import {
  awsAccountType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
} from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { notAllowed, usable, type ConnectionRegistry } from '../connection/index.ts';
import { unlessGone } from '../gone.ts';
import { annotations, isTrue } from '../names.ts';
import { AccessPart } from './access.ts';
import { AccessKeyPart } from './access-keys.ts';
import { ConsolePart } from './console.ts';
import type { IsBound } from './console-state.ts';
import { AccountConvergence } from './converge.ts';
import type { Pass } from './pass.ts';
import { withinGuard, type Permits } from './claims.ts';
import { connectionKey, declaredOf } from './declared.ts';
import { EntitlementPart } from './entitlements.ts';
import { AccountFinalizer } from './finalize.ts';
import { memoryOf } from './memory.ts';
import { Parts } from './parts.ts';
import { PasswordPolicies, type PasswordKey } from './password-tools.ts';
import { AccountRecord } from './record.ts';
import { SecretOwnerPart } from './secret-owner.ts';
import { noConnection } from './sentences.ts';
import { boundaryOperations } from './status.ts';
import { AccountVault } from './vault.ts';

export interface AccountReconcilerOptions {
  readonly client: Client;
  /** Indexed by `user` (`userKey`) and `connection`. */
  readonly accounts: Informer<AwsAccount>;
  /** Indexed by `owner` (`bindingOwners`). */
  readonly bindings: Informer<AwsEntitlementBinding>;
  readonly connections: Informer<AwsConnection>;
  readonly registry: ConnectionRegistry;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly installation: string;
  /** Whether an account of this namespace may use the connection. */
  readonly permits: Permits;
  /** Keeps secret values out of the logs from here on. */
  readonly protectSecret: (value: string) => void;
  /** A number from 0 to below its argument, unpredictable. */
  readonly randomInt: (below: number) => number;
  /** What passwords are known by. */
  readonly passwordKey: PasswordKey;
  /** Whether a binding wants a managed policy attached to a user. */
  readonly isBound: IsBound;
  /** Counts objects that were let go of without touching AWS. */
  readonly countAbandoned: (kind: string) => void;
}

const againMs = 5_000;

/** Holds one IAM user to what an AwsAccount declares. */
export class AccountReconciler implements Reconciler {
  readonly #options: AccountReconcilerOptions;
  readonly #record: AccountRecord;
  readonly #convergence: AccountConvergence;
  readonly #finalizer: AccountFinalizer;
  readonly #parts: Parts;

  constructor(options: AccountReconcilerOptions) {
    this.#options = options;
    this.#record = new AccountRecord(options);
    const record = this.#record;
    const vault = new AccountVault(options);
    const parts = new Parts([
      new EntitlementPart(options),
      new AccessKeyPart({
        vault,
        record,
        registry: options.registry,
        reportOf: ({ pass, user }) => pass.snapshot.credentials(user.userId),
      }),
      new ConsolePart({ ...options, vault, record, policies: new PasswordPolicies(options) }),
      new SecretOwnerPart({ vault }),
      new AccessPart(),
    ]);
    this.#parts = parts;
    this.#convergence = new AccountConvergence({ ...options, record, parts });
    this.#finalizer = new AccountFinalizer({ ...options, record, parts });
  }

  reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { client } = this.#options;
    return unlessGone(() => this.#look(key, signal), { client, type: awsAccountType, key, signal });
  }

  async #look(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const account = this.#options.accounts.get(key);
    if (account === undefined) {
      this.#finalizer.forget(key);
      this.#parts.forget(key);
      return done();
    }
    if (account.metadata.deletionTimestamp !== undefined) {
      return this.#finalizer.finalize(account, signal);
    }
    if (isTrue(account.metadata, annotations.paused)) {
      await this.#record.waiting(
        account,
        { reason: 'Paused', message: `the annotation ${annotations.paused} is true` },
        'Unknown',
        signal,
      );
      return done();
    }
    const connectionOf = connectionKey(account);
    const { namespace = '' } = account.metadata;
    const known = this.#options.connections.get(connectionOf) !== undefined;
    if (known && !this.#options.permits(connectionOf, namespace)) {
      await this.#record.waiting(account, notAllowed(connectionOf, namespace), 'False', signal);
      return done();
    }
    const state = this.#options.registry.peek(connectionOf);
    const connection = usable(state);
    const snapshot = connection?.snapshots.current;
    if (connection === undefined || snapshot === undefined) {
      if (!known) {
        await this.#record.waiting(account, noConnection(connectionOf, account), 'False', signal);
      } else if (state?.verdict !== undefined) {
        const { reason, message } = state.verdict;
        await this.#record.waiting(
          account,
          {
            reason: 'ConnectionNotReady',
            message: `AwsConnection "${connectionOf.name}" is ${reason}: ${message}`,
          },
          'Unknown',
          signal,
        );
      }
      // Otherwise the connection has not been looked at yet. It announces itself when it was.
      return done();
    }
    const memory = memoryOf(account);
    const reconcileAt = account.metadata.annotations?.[annotations.reconcileAt];
    const pass: Pass = {
      account,
      connection,
      snapshot,
      live: undefined,
      declared: withinGuard(declaredOf(account, connection.defaults), memory, connection),
      memory,
      rules: {
        schema: connection.schema,
        // Our own memory on the user cannot be protected from us.
        protectedTags: connection.settings.protectedTags.filter((tag) => !isReservedTag(tag)),
        disableWith: connection.settings.disableWith,
      },
      now: this.#options.clock.now(),
      signal,
      made: false,
      forced: reconcileAt !== undefined && reconcileAt !== account.status?.handledReconcileAt,
    };
    try {
      return await this.#convergence.converge(pass);
    } catch (error) {
      signal.throwIfAborted();
      if (isAwsError(error, 'notFound') && !boundaryOperations.has(error.operation)) {
        // Made or renamed a moment ago and not to be seen yet, or gone since it was: the next look tells.
        return after(againMs);
      }
      if (isAwsError(error)) {
        await this.#convergence.reportFailure(pass, error);
        if (error.kind === 'badCredentials') {
          // The connection looks at its Secret now, and announces itself when it is good again.
          return done();
        }
      }
      throw error;
    }
  }
}
