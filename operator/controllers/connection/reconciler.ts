import { isDeepStrictEqual } from 'node:util';
import { isAwsError } from '../../../src/aws/index.ts';
import { readAccountFacts, readCaller } from '../../../src/connection/index.ts';
import { guardOf } from '../../../src/guard/index.ts';
import {
  awsConnectionType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
} from '../../api/v1alpha1/index.ts';
import {
  after,
  applyStatusIfChanged,
  done,
  keyOf,
  keyString,
  type Client,
  type EventRecorder,
  type Informer,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { annotations, fieldManager, hasFinalizer, isAbandoned, isTrue } from '../names.ts';
import { Approvals } from './approvals.ts';
import { checkCaller, configure, credentialsOf, earlierTerms, verdictOf } from './decide.ts';
import { ReadingComparison, type ReadingComparisonOptions } from './comparison.ts';
import { ConnectionLinks, type ConnectionLinksOptions } from './links.ts';
import type { Candidate, ConnectionRegistry, ConnectionState, Link, Terms } from './registry.ts';
import { ConnectionRelease } from './release.ts';
import { ConnectionSecrets, withFinalizer } from './secrets.ts';
import { connectionStatus, type PushStanding, type ScheduleStanding } from './status.ts';

export interface ConnectionReconcilerOptions extends ConnectionLinksOptions, ReadingComparisonOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  /** Indexed by `connection`: `namespace/name` of the connection. */
  readonly accounts: Informer<AwsAccount>;
  /** Indexed by `connection`: the one that holds the edge, or that is named. */
  readonly bindings: Informer<AwsEntitlementBinding>;
  readonly registry: ConnectionRegistry;
  readonly events: EventRecorder;
  /** Counts objects that were let go of without being cleaned up. */
  readonly countAbandoned: (kind: string) => void;
  readonly random: () => number;
  readonly allowEndpointOverride: boolean;
  /** Time between two readings of an account, ms; each is up to 10 % earlier or later. */
  readonly snapshotIntervalMs: number;
  /** What is to be said of runs that are made by themselves; undefined where none are. */
  readonly schedule: (connection: AwsConnection) => ScheduleStanding | undefined;
  /** What is to be said of whoever is told of changes. */
  readonly push?: (connection: ObjectKey) => PushStanding | 'off' | undefined;
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
  readonly #links: ConnectionLinks;
  readonly #release: ConnectionRelease;
  readonly #approvals: Approvals;
  readonly #comparison: ReadingComparison;

  constructor(options: ConnectionReconcilerOptions) {
    this.#options = options;
    this.#secrets = new ConnectionSecrets(options);
    this.#links = new ConnectionLinks(options);
    this.#approvals = new Approvals(options);
    this.#comparison = new ReadingComparison(options);
    this.#release = new ConnectionRelease({ ...options, secrets: this.#secrets });
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
    if (abandoned || (connection.metadata.deletionTimestamp !== undefined && !this.#release.isNeeded(key))) {
      await this.#release.release(connection, signal);
      registry.drop(key);
      return done();
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
    const approved = await this.#approvals.see(connection, signal);
    const known = state.terms;
    const retryMs = await this.#advance(connection, state, signal);
    await this.#report(connections.get(key) ?? connection, signal);
    if (approved || state.verdict?.reason !== before || !isDeepStrictEqual(known, state.terms)) {
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
    const target = this.#links.target(connection, key, state, found.credentials, settings);

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
    const link = this.#links.adopt(state, target);
    state.terms = this.#terms(connection, { caller, settings, schema });

    if (now >= state.snapshotDueAt) {
      try {
        state.facts = await readAccountFacts(link.api, { signal, priority: 'background' });
        await link.snapshots.refresh(signal);
        await this.#comparison.compare(connection, state, link, signal);
        state.snapshotDueAt = now + this.#options.snapshotIntervalMs * (0.9 + this.#options.random() * 0.2);
        state.verdict = undefined;
        state.readingFailed = undefined;
        registry.announce(key);
      } catch (error) {
        signal.throwIfAborted();
        return this.#notRead(state, link, error);
      }
    } else if (link.snapshots.current !== undefined && state.readingFailed?.reason !== 'AccountMismatch') {
      state.verdict = undefined;
      if (
        state.missing !== undefined ||
        state.comparison.kind !== 'compared' ||
        !ReadingComparison.isCurrent(state, link)
      ) {
        // A run may have read the account or have been approved meanwhile, or the limit be another one: lists do not
        // stop for longer than they must.
        await this.#comparison.compare(connection, state, link, signal);
      }
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
    const blocks = verdict.reason === 'InvalidCredentials' || verdict.reason === 'AccountMismatch';
    if (link.snapshots.current === undefined || blocks) {
      state.verdict = verdict;
    }
    state.suspect ||= verdict.reason === 'InvalidCredentials';
    return graceRetryMs * 5;
  }

  #terms(connection: AwsConnection, verified: Pick<Terms, 'caller' | 'settings' | 'schema'>): Terms {
    const { allowedNamespaces = [], defaults = {} } = connection.spec;
    const guard = guardOf(connection.spec.guard);
    const forced = guard.permissionsBoundary;
    return {
      ...verified,
      guard,
      allowedNamespaces,
      // What every user has to have is what those get that say nothing.
      defaults: forced === undefined ? defaults : { ...defaults, permissionsBoundary: forced },
      communicationUser: verified.caller.userName ?? connection.spec.userName,
    };
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
      needed: this.#release.neededBy(key),
      schedule: this.#options.schedule(connection),
      push: this.#options.push?.(key),
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
