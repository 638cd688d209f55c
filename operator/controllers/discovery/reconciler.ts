import { isDeepStrictEqual } from 'node:util';
import { scopeOf } from '../../../src/reconciliation/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import { awsAccountType, type AwsAccount, type AwsConnection } from '../../api/v1alpha1/index.ts';
import {
  ApiError,
  after,
  done,
  isAlreadyExists,
  keyOf,
  keyString,
  type Client,
  type EventRecorder,
  type Informer,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { usable, type ConnectionRegistry, type DiscoveryFindings } from '../connection/index.ts';
import { decideDiscovery, isDiscovered } from './decide.ts';

export interface DiscoveryReconcilerOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  /** Indexed by `connection`: `namespace/name` of the connection. */
  readonly accounts: Informer<AwsAccount>;
  readonly registry: ConnectionRegistry;
  readonly events: EventRecorder;
  /** Whether an account of this namespace may use the connection. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
}

/** Objects that are made in one pass: a stop does not wait for thousands. */
const batch = 100;

/** Makes AwsAccounts that observe for users that a complete reading of an AWS account shows. Deletes nothing, ever. */
export class DiscoveryReconciler implements Reconciler {
  readonly #options: DiscoveryReconcilerOptions;

  constructor(options: DiscoveryReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    try {
      return await this.#discover(key, signal);
    } catch (error) {
      if (error instanceof ApiError && error.code < 500) {
        this.#tell(key, { kind: 'refused', message: error.message });
      }
      throw error;
    }
  }

  async #discover(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { accounts, connections, permits, registry } = this.#options;
    const connection = connections.get(key);
    const state = registry.peek(key);
    if (
      connection === undefined ||
      state === undefined ||
      connection.metadata.deletionTimestamp !== undefined
    ) {
      return done();
    }
    if (connection.spec.discovery?.mode !== 'Observe') {
      this.#tell(key, undefined);
      return done();
    }
    const link = usable(state);
    const snapshot = link?.snapshots.current;
    if (link === undefined || snapshot === undefined) {
      // The connection announces itself when it was read.
      return done();
    }
    const text = connection.spec.discovery.filter;
    const scope = text === undefined ? undefined : scopeOf(text, link.schema);
    if (scope?.kind === 'refused') {
      this.#tell(key, { kind: 'invalid', message: `spec.discovery.filter: ${scope.message}` });
      return done();
    }
    const found = decideDiscovery({
      connection,
      snapshot,
      context: {
        schema: link.schema,
        policyGroup: link.settings.policyGroup,
        lastActivity: link.settings.passwordLastUsed,
      },
      filter: scope?.filter,
      guard: link.guard,
      communicationUser: link.communicationUser,
      // What is not done for who may not use the connection stands in nobody's way.
      accounts: accounts
        .byIndex('connection', keyString(key))
        .filter(({ metadata }) => permits(key, metadata.namespace ?? '')),
      exists: (account) => accounts.get(account) !== undefined,
    });
    const { make, made, more, unknown } = found;
    const taken = [...found.taken];
    let fresh = 0;
    for (const account of make.slice(0, batch)) {
      signal.throwIfAborted();
      if (await this.#make(account, signal)) {
        fresh += 1;
      } else {
        taken.push(account.metadata.name);
      }
    }
    if (fresh > 0) {
      const message = `${fresh} AwsAccount objects were made for IAM users that were found; they observe and write nothing`;
      this.#options.events.event(connection, {
        type: 'Normal',
        reason: 'Discovered',
        action: 'Discover',
        message,
      });
    }
    this.#tell(key, { kind: 'found', accounts: made + fresh, more, unknown, taken });
    return make.length > batch && fresh > 0 ? after(0) : done();
  }

  /** @returns false where another object has the name */
  async #make(account: AwsAccount, signal: AbortSignal): Promise<boolean> {
    const { accounts, client } = this.#options;
    try {
      accounts.set(await client.create(awsAccountType, account, { signal }));
      return true;
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
      // Made by a process that was killed before its cache saw it, or somebody else's.
      const there = await client.get(awsAccountType, keyOf(account), { signal });
      const ours =
        isDiscovered(there) &&
        isDeepStrictEqual(there.spec.connectionRef, account.spec.connectionRef) &&
        sameName(there.spec.userName, account.spec.userName);
      if (ours) {
        accounts.set(there);
      }
      return ours;
    }
  }

  /** Has the connection's status say it, where it is news. */
  #tell(key: ObjectKey, findings: DiscoveryFindings | undefined): void {
    const { registry } = this.#options;
    const state = registry.peek(key);
    if (state !== undefined && !isDeepStrictEqual(state.discovery, findings)) {
      state.discovery = findings;
      registry.touch(key);
    }
  }
}
