import { createHash } from 'node:crypto';
import { partitionOf } from '../../../src/connection/index.ts';
import {
  IncompleteReadingError,
  listUsers,
  missingBeyond,
  readCatalogue,
  runReconciliation,
  scopeOf,
  SpoiltBaselineError,
  TrailReader,
  type RunOutcome,
  type RunPorts,
  type RunRequest,
  type RunSummary,
  type ScopeFilter,
  type Snapshot,
} from '../../../src/reconciliation/index.ts';
import type { AccountSchema } from '../../../src/schema/index.ts';
import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import {
  keyString,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
} from '../../runtime/index.ts';
import { allUsers, stoppedRuns } from '../breaker.ts';
import type { Link, Terms, UsableConnection } from '../connection/index.ts';
import { BaselineSecrets, type StoredBaseline } from './baseline-store.ts';
import { CountedApi } from './counted-api.ts';
import { resourcesOf } from './memory.ts';
import type { Outbox } from './outbox.ts';
import type { Attempt, Engine, Outcome } from './outcome.ts';
import { releasedThrough } from './record.ts';
import { ReportSecrets } from './report-store.ts';
import { anotherAccount } from './sentences.ts';
import { ScopeBound } from './scope-bound.ts';
import { maxScopes } from './scopes.ts';
import { maxListed, type Found } from './status.ts';

export interface RunEngineOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Undefined: nobody is told of changes. */
  readonly outbox?: Outbox | undefined;
}

type Limited =
  | { readonly kind: 'limited'; readonly scope: string; readonly filter: ScopeFilter | undefined }
  | { readonly kind: 'refused'; readonly message: string };

/** Which accounts a run is about, and under which name that is remembered. */
function limitOf(text: string | undefined, schema: AccountSchema): Limited {
  if (text === undefined) {
    return { kind: 'limited', scope: allUsers, filter: undefined };
  }
  const read = scopeOf(text, schema);
  return read.kind === 'refused'
    ? { kind: 'refused', message: `spec.filter: ${read.message}. Make a run with another filter` }
    : {
        kind: 'limited',
        scope: `filter ${createHash('sha256').update(read.canonical).digest('hex').slice(0, 16)}`,
        filter: read.filter,
      };
}

/** Which deletions of a connection are stopped, as a run of this scope sees them. */
function stoppedFor({ metadata, status }: AwsConnection, scope: string): RunRequest['stopped'] {
  const scopes = stoppedRuns(metadata).map((stop) => stop.scope);
  if (status?.breaker?.missing !== undefined) {
    scopes.push(allUsers);
  }
  return { own: scopes.includes(scope), others: scopes.some((other) => other !== scope) };
}

/** Runs against AWS, with what is known and reported in Secrets. */
export class RunEngine implements Engine {
  readonly #options: RunEngineOptions;
  readonly #baselines: BaselineSecrets;
  readonly #reports: ReportSecrets;
  readonly #bound: ScopeBound;

  constructor(options: RunEngineOptions) {
    this.#options = options;
    this.#baselines = new BaselineSecrets(options);
    this.#reports = new ReportSecrets(options);
    this.#bound = new ScopeBound({ ...options, baselines: this.#baselines });
  }

  async attempt(attempt: Attempt): Promise<Outcome> {
    const { connections } = this.#options;
    const { connection, run } = attempt;
    const object = connections.get(connection.key);
    if (object === undefined) {
      throw new Error(`AwsConnection "${keyString(connection.key)}" is gone`);
    }
    const limited = limitOf(run.spec.filter, connection.schema);
    if (limited.kind === 'refused') {
      return { kind: 'refused', verdict: { reason: 'InvalidFilter', message: limited.message } };
    }
    try {
      return await this.#bound.during(connection.key, limited.scope, () =>
        this.#run(attempt, object, limited),
      );
    } finally {
      this.#options.outbox?.release(connection.key, run.metadata.uid ?? '');
    }
  }

  async #run(
    attempt: Attempt,
    object: AwsConnection,
    { filter, scope }: Extract<Limited, { kind: 'limited' }>,
  ): Promise<Outcome> {
    const { clock } = this.#options;
    const { approval, connection, released, run, signal } = attempt;
    const api = new CountedApi(connection.api);
    const reading = { calls: 0 };
    const began = clock.monotonic();
    let outcome: RunOutcome;
    try {
      outcome = await runReconciliation(
        {
          uid: run.metadata.uid ?? '',
          mode: run.spec.mode ?? 'Full',
          resources: resourcesOf(run),
          filter,
          users: run.spec.users,
          dryRun: run.spec.dryRun === true,
          limits: connection.guard.maxDeletions,
          approval,
          released,
          stopped: stoppedFor(object, scope),
          signal,
        },
        this.#ports({ attempt, object, scope, api, reading }),
      );
    } catch (error) {
      if (error instanceof IncompleteReadingError) {
        const reason = error.foreign ? 'AccountMismatch' : 'Incomplete';
        return { kind: 'waits', verdict: { reason, message: `${error.message}. It is tried again` } };
      }
      throw error instanceof SpoiltBaselineError
        ? this.#baselines.spoilt(object, scope, error.message)
        : error;
    }
    const found = (summary: RunSummary): Found => ({
      mode: summary.mode,
      account: connection.caller.accountId,
      startedAt: attempt.startedAt,
      seconds: (clock.monotonic() - began) / 1_000,
      calls: api.calls + reading.calls,
      counts: summary.counts,
      changes: summary.changes.map(({ what, ...change }) => ({
        ...change,
        ...(what === undefined ? {} : { what: [...what] }),
      })),
      reported: summary.reported,
      cursor: summary.cursor,
      fallback: summary.fallback,
      guard: undefined,
      unread: summary.unread,
      absent: summary.absent,
    });
    switch (outcome.kind) {
      case 'otherAccount':
        return {
          kind: 'waits',
          verdict: anotherAccount(outcome.expected, connection.caller.accountId),
        };
      case 'stopped': {
        const { allowed, deletions, summary, token } = outcome;
        const names = deletions.map(({ name }) => name);
        if (run.spec.dryRun !== true) {
          // Until the breaker remembers it, that it was used last keeps what is known of who is missing.
          await this.#bound.use(connection.key, scope, run.spec.filter?.trim(), signal);
        }
        return {
          kind: 'stopped',
          scope,
          found: { ...found(summary), reported: undefined },
          guard: { deletions: deletions.length, allowed, token, names: names.slice(0, maxListed) },
          // Unique ids of users begin so (IAM User Guide, unique identifiers).
          what: deletions.every(({ id }) => id.startsWith('AIDA')) ? 'users' : 'users, groups and policies',
        };
      }
      case 'complete': {
        const { approved, first, whole } = outcome.summary;
        return { kind: 'complete', scope, found: found(outcome.summary), whole, first, approved };
      }
    }
  }

  /** Uids of the latest runs that were committed under this name. @throws {SpoiltSetError} */
  committed(connection: AwsConnection, scope: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
    return this.#baselines.committed(connection, scope, signal);
  }

  /** Which users of those that were last reconciled a complete reading lacks, beyond the limit. */
  async missing(
    connection: AwsConnection,
    { snapshots }: Pick<Link, 'snapshots'>,
    { caller, guard }: Pick<Terms, 'caller' | 'guard'>,
    signal: AbortSignal,
  ): Promise<{ readonly users: number; readonly allowed: number } | undefined> {
    const known = await this.#baselines.load(connection, allUsers, signal);
    const snapshot = snapshots.current;
    if (known === undefined || snapshot === undefined) {
      return undefined;
    }
    try {
      return missingBeyond({
        known,
        snapshot,
        accountId: caller.accountId,
        released: releasedThrough(connection, this.#options.clock.now()),
        limits: guard.maxDeletions,
      });
    } catch (error) {
      throw error instanceof SpoiltBaselineError
        ? this.#baselines.spoilt(connection, allUsers, error.message)
        : error;
    }
  }

  /** What is remembered of filters that nobody has used for long goes; where that fails, with the next run. */
  async #trim({ key, schema }: UsableConnection, signal: AbortSignal): Promise<void> {
    const { connections, events, logger } = this.#options;
    const object = connections.get(key);
    if (object === undefined) {
      return;
    }
    const scheduled = limitOf(object.spec.reconciliation?.filter, schema);
    try {
      const filters = await this.#bound.trim(
        key,
        scheduled.kind === 'limited' ? scheduled.scope : undefined,
        signal,
      );
      for (const filter of filters) {
        const message =
          `what was last reconciled of the filter ${filter} is forgotten: ${maxScopes} others were used since. The next run of it ` +
          'reports everybody who matches as created';
        events.event(object, { type: 'Normal', reason: 'FilterForgotten', message, action: 'Reconcile' });
        logger.info('what was last reconciled of a filter is forgotten', {
          connection: keyString(key),
          filter,
        });
      }
    } catch (error) {
      signal.throwIfAborted();
      logger.warn('filters that were forgotten could not be struck off', {
        connection: keyString(key),
        error,
      });
    }
  }

  #ports(inputs: {
    readonly attempt: Attempt;
    readonly object: AwsConnection;
    readonly scope: string;
    readonly api: CountedApi;
    readonly reading: { calls: number };
  }): RunPorts {
    const { api, attempt, object, scope } = inputs;
    const { connection, run } = attempt;
    const { settings, snapshots } = connection;
    const { clock } = this.#options;
    const { pageSize, passwordLastUsed, policyGroup } = settings;
    const options = (signal: AbortSignal) => ({ signal, priority: 'background' as const });
    const wholeCalls = (): number => snapshots.current?.calls ?? 1;
    const readWhole = async (signal: AbortSignal): Promise<Snapshot> => {
      const snapshot = await snapshots.takeNew(signal);
      inputs.reading.calls += snapshot.calls;
      return snapshot;
    };
    let known: StoredBaseline | undefined;
    return {
      accountId: connection.caller.accountId,
      context: {
        schema: connection.schema,
        policyGroup,
        lastActivity: passwordLastUsed,
      },
      now: () => clock.now() + api.skewMs,
      readWhole,
      latest: () => snapshots.current,
      wholeCalls,
      listUnder: (pathPrefix, signal) => listUsers(api, { ...options(signal), pageSize, pathPrefix }),
      trail: new TrailReader({
        api,
        clock,
        region: {
          cloudTrail: settings.cloudTrailRegion,
          home: partitionOf(settings.region).homeRegion,
        },
        pageSize,
        passwordLastUsed,
        policyGroup,
        snapshot: () => snapshots.current,
        readWhole,
        wholeCalls,
      }),
      readCatalogue: (snapshot, signal) =>
        readCatalogue(api, {
          ...options(signal),
          accountId: connection.caller.accountId,
          pageSize,
          snapshot,
        }),
      baselines: {
        load: async (signal) => {
          known = await this.#baselines.load(object, scope, signal);
          return known;
        },
        commit: async (next, signal) => {
          await this.#bound.use(connection.key, scope, run.spec.filter?.trim(), signal);
          await this.#baselines.commit(object, scope, known, next, signal);
          await this.#trim(connection, signal);
        },
      },
      writeReport: async (report, signal) => {
        await this.#reports.write(run, report, signal);
        if (run.spec.dryRun !== true) {
          await this.#options.outbox?.stage({ connection: object, run, scope, report }, signal);
        }
      },
      progress: (...how) => attempt.progress(...how),
    };
  }
}
