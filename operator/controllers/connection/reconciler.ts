import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AwsApi, AwsCredentials } from '../../../src/aws/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { readAccountFacts, readCaller, type Settings } from '../../../src/connection/index.ts';
import { CredentialReports, readAccount, SnapshotStore } from '../../../src/reconciliation/index.ts';
import { awsConnectionType, type AwsAccount, type AwsConnection } from '../../api/v1alpha1/index.ts';
import {
  after,
  applyStatusIfChanged,
  done,
  keyOf,
  keyString,
  removeFinalizer,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { annotations, fieldManager, finalizer, hasFinalizer, isAbandoned, isTrue } from '../names.ts';
import { checkCaller, configure, credentialsOf, earlierTerms, verdictOf } from './decide.ts';
import type { Candidate, ConnectionRegistry, ConnectionState, Link, Terms } from './registry.ts';
import { ConnectionSecrets, withFinalizer } from './secrets.ts';
import { connectionStatus } from './status.ts';

export interface ConnectionReconcilerOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  /** Indexed by `connection`: `namespace/name` of the connection. */
  readonly accounts: Informer<AwsAccount>;
  readonly registry: ConnectionRegistry;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly allowEndpointOverride: boolean;
  /** Time between two readings of an account, ms; each is up to 10 % earlier or later. */
  readonly snapshotIntervalMs: number;
  /** Keeps secret values out of the logs from here on. */
  readonly protectSecret: (value: string) => void;
  /** Counts objects that were let go of without being cleaned up. */
  readonly countAbandoned: (kind: string) => void;
  /** Makes the client of a connection. */
  readonly connect: (target: {
    key: ObjectKey;
    credentials: AwsCredentials;
    region: string;
    cloudTrailRegion: string;
    endpoints: NonNullable<AwsConnection['spec']['endpoints']>;
  }) => AwsApi;
}

/** How often the Secret is read again: what is put into it is used within a minute. */
const secretPollMs = 30_000;
const verifyEveryMs = 600_000;
/** For how long a new access key may be refused before it counts as a bad one (IAM is eventually consistent). */
const graceMs = 60_000;
const graceRetryMs = 3_000;

/** Keeps one AWS account's client, identity and snapshot current, and says how they are. */
export class ConnectionReconciler implements Reconciler {
  readonly #options: ConnectionReconcilerOptions;
  readonly #secrets: ConnectionSecrets;

  constructor(options: ConnectionReconcilerOptions) {
    this.#options = options;
    this.#secrets = new ConnectionSecrets(options);
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { connections, registry } = this.#options;
    const connection = connections.get(key);
    if (connection === undefined) {
      registry.drop(key);
      registry.announce(key);
      return done();
    }
    const abandoned = isAbandoned(connection.metadata);
    if (abandoned || (connection.metadata.deletionTimestamp !== undefined && !this.#isNeeded(key))) {
      return this.#release(connection, key, signal);
    }
    const state = registry.obtain(key);
    const before = state.verdict?.reason;
    if (isTrue(connection.metadata, annotations.paused)) {
      state.verdict = { reason: 'Paused', message: `the annotation ${annotations.paused} is true` };
      await this.#report(connection, signal);
      if (before !== 'Paused') {
        registry.announce(key);
      }
      return done();
    }
    const known = state.terms;
    const retryMs = await this.#advance(connection, state, signal);
    await this.#report(connections.get(key) ?? connection, signal);
    if (state.verdict?.reason !== before || !isDeepStrictEqual(known, state.terms)) {
      registry.announce(key);
    }
    const due =
      state.link === undefined || state.verdict !== undefined
        ? secretPollMs
        : Math.max(0, state.snapshotDueAt - this.#options.clock.now());
    return after(Math.min(retryMs ?? secretPollMs, secretPollMs, Math.max(1_000, due)));
  }

  /** One step after the other, as far as they go. @returns ms until the next try, where it is not the poll */
  async #advance(
    connection: AwsConnection,
    state: ConnectionState,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { clock, registry } = this.#options;
    const configuration = configure(connection, this.#options.allowEndpointOverride);
    // A typo in a setting must not keep anybody in: where there are earlier ones, they stay in force.
    const usable =
      configuration.kind === 'usable' ? configuration : earlierTerms(state, configuration.verdict);
    state.complaint = configuration.kind === 'usable' ? undefined : configuration.verdict;
    if (usable === undefined) {
      state.verdict = state.complaint;
      return undefined;
    }
    const { settings, schema } = usable;
    await this.#claim(connection, signal);
    const secret = await this.#secrets.read(connection, signal);
    const found = credentialsOf(secret, connection.spec.credentials.secretRef.name);
    if (found.kind === 'refused') {
      state.verdict = found.verdict;
      await this.#readForCleanup(state, signal);
      return undefined;
    }
    const key = keyOf(connection);
    const target = this.#target(connection, key, state, found.credentials, settings);

    const now = clock.now();
    const asked = connection.metadata.annotations?.[annotations.reconcileAt];
    if (asked !== state.reconcileAt) {
      state.snapshotDueAt = asked === undefined ? state.snapshotDueAt : 0;
      state.reconcileAt = asked;
    }
    const verify =
      target !== state.link ||
      state.suspect ||
      state.verdict !== undefined ||
      state.verifiedAt === undefined ||
      now - state.verifiedAt >= verifyEveryMs ||
      !isDeepStrictEqual(state.terms?.settings, settings);
    let caller = state.terms?.caller;
    if (verify || caller === undefined) {
      state.suspect = false;
      try {
        caller = await readCaller(target.api, { signal });
      } catch (error) {
        signal.throwIfAborted();
        return this.#notVerified(state, target, error);
      }
      const wrong = checkCaller(connection, caller);
      if (wrong !== undefined) {
        state.verdict = wrong;
        return undefined;
      }
      await this.#recordAccount(connection, caller.accountId, signal);
      state.verifiedAt = now;
    }
    const link = this.#adopt(state, target);
    state.terms = this.#terms(connection, { caller, settings, schema });

    if (now >= state.snapshotDueAt) {
      try {
        state.facts = await readAccountFacts(link.api, { signal, priority: 'background' });
        await link.snapshots.refresh(signal);
        state.snapshotDueAt = now + this.#options.snapshotIntervalMs * (0.9 + this.#options.random() * 0.2);
        state.verdict = undefined;
        state.readingFailed = undefined;
        registry.announce(key);
      } catch (error) {
        signal.throwIfAborted();
        return this.#notRead(state, link, error);
      }
    } else if (link.snapshots.current !== undefined) {
      state.verdict = undefined;
    }
    return undefined;
  }

  /** Objects that are being deleted may ask for a newer reading; the credentials in memory serve for that. */
  async #readForCleanup(state: ConnectionState, signal: AbortSignal): Promise<void> {
    const { link } = state;
    if (link === undefined || this.#options.clock.now() < state.snapshotDueAt) {
      return;
    }
    try {
      await link.snapshots.refresh(signal);
      state.snapshotDueAt = this.#options.clock.now() + this.#options.snapshotIntervalMs;
      this.#options.registry.announce(link.key);
    } catch (error) {
      signal.throwIfAborted();
      this.#notRead(state, link, error);
    }
  }

  /** New credentials may be refused for a while; later, the refusal is the truth. */
  #notVerified(state: ConnectionState, target: Candidate, error: unknown): number {
    const young = this.#options.clock.now() - target.since < graceMs;
    if (isAwsError(error, 'badCredentials') && young) {
      state.verdict = {
        reason: 'Verifying',
        message: `AWS does not know the access key yet (${error.code}); a new key can take a minute. It is tried again`,
      };
      return graceRetryMs;
    }
    state.verdict = verdictOf(error);
    return graceRetryMs * 5;
  }

  /** A reading that failed changes nothing: the last complete one stays in use, if there is one. */
  #notRead(state: ConnectionState, link: Link, error: unknown): number {
    const verdict = verdictOf(error);
    this.#options.logger.warn('the account could not be read', {
      connection: keyString(link.key),
      reason: verdict.message,
    });
    state.readingFailed = verdict;
    state.snapshotDueAt = this.#options.clock.now() + graceRetryMs * 5;
    if (link.snapshots.current === undefined || verdict.reason === 'InvalidCredentials') {
      state.verdict = verdict;
    }
    state.suspect ||= verdict.reason === 'InvalidCredentials';
    return graceRetryMs * 5;
  }

  #terms(connection: AwsConnection, verified: Pick<Terms, 'caller' | 'settings' | 'schema'>): Terms {
    return {
      ...verified,
      defaults: connection.spec.defaults ?? {},
      communicationUser: verified.caller.userName ?? connection.spec.userName,
    };
  }

  /** The client for these credentials: the one in use, the one that waits to be verified, or a new one. */
  #target(
    connection: AwsConnection,
    key: ObjectKey,
    state: ConnectionState,
    credentials: AwsCredentials,
    settings: Settings,
  ): Link | Candidate {
    const endpoints = connection.spec.endpoints ?? {};
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([credentials, settings.region, settings.cloudTrailRegion, endpoints]))
      .digest('hex');
    for (const known of [state.link, state.candidate]) {
      if (known?.fingerprint === fingerprint) {
        return known;
      }
    }
    const { clock, connect, protectSecret } = this.#options;
    protectSecret(credentials.secretAccessKey);
    if (credentials.sessionToken !== undefined) {
      protectSecret(credentials.sessionToken);
    }
    state.candidate?.api.close();
    const { region, cloudTrailRegion } = settings;
    const api = connect({ key, credentials, region, cloudTrailRegion, endpoints });
    state.candidate = { key, fingerprint, credentials, api, since: clock.now() };
    return state.candidate;
  }

  /** Takes verified credentials into use. What was read stays good: they lead to the same account. */
  #adopt(state: ConnectionState, target: Link | Candidate): Link {
    const previous = state.link;
    if (target === previous) {
      return previous;
    }
    const { clock, logger } = this.#options;
    const reports = new CredentialReports({ clock });
    const read = (signal: AbortSignal) => {
      if (state.link === undefined || state.terms === undefined) {
        throw new Error('the connection is not verified');
      }
      const { pageSize, passwordLastUsed } = state.terms.settings;
      const options = { signal, priority: 'background', pageSize, passwordLastUsed, reports } as const;
      return readAccount(state.link.api, options);
    };
    const snapshots = previous?.snapshots ?? new SnapshotStore({ clock, read });
    const link: Link = { ...target, snapshots };
    state.link = link;
    state.candidate = undefined;
    previous?.api.close();
    const { accessKeyId } = link.credentials;
    logger.info('credentials in use', { connection: keyString(link.key), accessKeyId });
    return link;
  }

  /** Finalizer first: from here on the object stands for something. */
  async #claim(connection: AwsConnection, signal: AbortSignal): Promise<void> {
    const { metadata, spec } = connection;
    const wanted = spec.credentials.secretRef.name;
    const held = metadata.annotations?.[annotations.secretName];
    if (metadata.deletionTimestamp !== undefined || (hasFinalizer(metadata) && held === wanted)) {
      return;
    }
    if (held !== undefined && held !== wanted) {
      await this.#secrets.release(connection, held, signal);
    }
    await this.#patch(
      connection,
      { finalizers: withFinalizer(metadata.finalizers), annotations: { [annotations.secretName]: wanted } },
      signal,
    );
  }

  async #recordAccount(connection: AwsConnection, accountId: string, signal: AbortSignal): Promise<void> {
    const latest = this.#latest(connection);
    if (latest.metadata.annotations?.[annotations.accountId] === undefined) {
      await this.#patch(latest, { annotations: { [annotations.accountId]: accountId } }, signal);
    }
  }

  async #patch(connection: AwsConnection, metadata: object, signal: AbortSignal): Promise<void> {
    const { client, connections } = this.#options;
    const { uid, resourceVersion } = this.#latest(connection).metadata;
    const written = await client.mergePatch(
      awsConnectionType,
      keyOf(connection),
      { metadata: { uid, resourceVersion, ...metadata } },
      { signal },
    );
    connections.set(written);
  }

  /** Accounts that stand for something in AWS still need the connection to let go of it. */
  #isNeeded(key: ObjectKey): boolean {
    return this.#options.accounts
      .byIndex('connection', keyString(key))
      .some((account) => hasFinalizer(account.metadata) && !isAbandoned(account.metadata));
  }

  async #release(connection: AwsConnection, key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { client, connections, registry } = this.#options;
    if (hasFinalizer(connection.metadata)) {
      if (isAbandoned(connection.metadata)) {
        this.#options.countAbandoned('AwsConnection');
        this.#options.logger.warn('let go of, as its annotation asks', { connection: keyString(key) });
      }
      const held = connection.metadata.annotations?.[annotations.secretName];
      if (held !== undefined) {
        await this.#secrets.release(connection, held, signal);
      }
      await removeFinalizer({
        client,
        type: awsConnectionType,
        current: connection,
        finalizer,
        informer: connections,
        signal,
      });
    }
    registry.drop(key);
    return done();
  }

  #latest(connection: AwsConnection): AwsConnection {
    return this.#options.connections.get(keyOf(connection)) ?? connection;
  }

  async #report(connection: AwsConnection, signal: AbortSignal): Promise<void> {
    const { client, clock, connections, accounts, registry, events } = this.#options;
    const key = keyOf(connection);
    const state = registry.peek(key);
    const users = accounts.byIndex('connection', keyString(key));
    const status = connectionStatus({
      connection,
      state,
      accounts: users.length,
      needed: users.filter((account) => hasFinalizer(account.metadata)).length,
      now: clock.now(),
    });
    const ready = status.conditions?.find((condition) => condition.type === 'Ready');
    const previous = connection.status?.conditions?.find((condition) => condition.type === 'Ready');
    if (ready !== undefined && (ready.status !== previous?.status || ready.reason !== previous.reason)) {
      const type = ready.status === 'False' ? 'Warning' : 'Normal';
      events.event(connection, { type, reason: ready.reason, message: ready.message, action: 'Verify' });
    }
    await applyStatusIfChanged({
      client,
      type: awsConnectionType,
      current: connection,
      status,
      fieldManager,
      informer: connections,
      signal,
    });
  }
}
