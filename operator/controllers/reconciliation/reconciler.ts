import { isAwsError } from '../../../src/aws/index.ts';
import type { AwsConnection, AwsReconciliation } from '../../api/v1alpha1/index.ts';
import {
  ApiError,
  after,
  done,
  isConflict,
  keyOf,
  keyString,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { approverOf } from '../approval.ts';
import { notAllowed, usable, type ConnectionRegistry, type UsableConnection } from '../connection/index.ts';
import { annotations, isTrue } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { Lanes, type Ticket } from './lanes.ts';
import { RunEnds } from './ends.ts';
import { connectionOf, endingOf, isFinished } from './memory.ts';
import type { RunMetrics } from './metrics.ts';
import { OutboxSpoiltError, type Outbox } from './outbox.ts';
import type { Engine } from './outcome.ts';
import { RunRecord } from './record.ts';
import { SpoiltSetError } from './secret-set.ts';
import { afterOther, faultOf, noConnection, notReady, paused } from './sentences.ts';
import { watched } from './watch.ts';

export interface ReconciliationReconcilerOptions {
  readonly client: Client;
  /** Indexed by `lane` (`laneOf`). */
  readonly runs: Informer<AwsReconciliation>;
  readonly connections: Informer<AwsConnection>;
  readonly registry: ConnectionRegistry;
  readonly engine: Engine;
  readonly metrics: RunMetrics;
  /** Whether a run of this namespace may use the connection. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
  /** Asks for another look at a run. */
  readonly wake: (run: ObjectKey) => void;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Undefined: nobody is told of changes. */
  readonly outbox?: Outbox | undefined;
}

/** How soon something that somebody has to act upon is tried again. */
const slowMs = 60_000;

/** Runs of one lane go one after the other. */
export function laneOf(run: AwsReconciliation): string {
  return `${keyString(connectionOf(run))} ${run.spec.filter?.trim() ?? ''}`;
}

/** Does a run once, as a Job is done once. */
export class ReconciliationReconciler implements Reconciler {
  readonly #options: ReconciliationReconcilerOptions;
  readonly #record: RunRecord;
  readonly #ends: RunEnds;
  readonly #lanes = new Lanes();
  /** By the object's key: which run it was. */
  readonly #tickets = new Map<string, Ticket>();

  constructor(options: ReconciliationReconcilerOptions) {
    this.#options = options;
    this.#record = new RunRecord(options);
    this.#ends = new RunEnds({ ...options, record: this.#record });
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const run = this.#options.runs.get(key);
    const before = this.#tickets.get(keyString(key));
    const ticket = run === undefined ? undefined : ticketOf(run);
    if (before !== undefined && before.uid !== ticket?.uid) {
      this.#tickets.delete(keyString(key));
      this.#wake(this.#lanes.forget(before), before.lane);
    }
    if (run === undefined || ticket === undefined || run.metadata.deletionTimestamp !== undefined) {
      return done();
    }
    this.#tickets.set(keyString(key), ticket);
    if (isFinished(run) && !isApproved(run)) {
      this.#wake(this.#lanes.leave(ticket), ticket.lane);
      const connection = usable(this.#options.registry.peek(connectionOf(run)));
      return this.#ends.finished(run, connection === undefined ? 'UTC' : zone(connection), signal);
    }
    if (isTrue(run.metadata, annotations.paused)) {
      return this.#wait(run, paused, 'Unknown', signal);
    }
    const reached = this.#reach(run);
    if (reached === undefined) {
      // The connection has not been looked at yet. It announces itself when it was; nobody waits for this one until then.
      this.#wake(this.#lanes.leave(ticket), ticket.lane);
      return done();
    }
    return 'key' in reached
      ? this.#inTurn(run, reached, signal)
      : this.#wait(run, reached.verdict, reached.status, signal);
  }

  /** The connection, or what is waited for; undefined where that is not known yet. */
  #reach(
    run: AwsReconciliation,
  ): UsableConnection | { readonly verdict: Verdict; readonly status: 'False' | 'Unknown' } | undefined {
    const { connections, permits, registry } = this.#options;
    const key = connectionOf(run);
    const { namespace = '' } = run.metadata;
    if (connections.get(key) === undefined) {
      return { verdict: noConnection(key), status: 'False' };
    }
    if (!permits(key, namespace)) {
      return { verdict: notAllowed(key, namespace), status: 'False' };
    }
    const state = registry.peek(key);
    const connection = usable(state);
    if (connection?.snapshots.current !== undefined) {
      return connection;
    }
    return state?.verdict === undefined
      ? undefined
      : { verdict: notReady(key, state.verdict), status: 'Unknown' };
  }

  /** The oldest of a lane first. */
  async #inTurn(run: AwsReconciliation, connection: UsableConnection, signal: AbortSignal): Promise<Result> {
    const ticket = ticketOf(run);
    const line = this.#options.runs
      .byIndex('lane', ticket.lane)
      .filter(
        (other) =>
          other.metadata.deletionTimestamp === undefined && (!isFinished(other) || isApproved(other)),
      )
      .toSorted((one, other) => (rankOf(one) < rankOf(other) ? -1 : 1));
    const older = line.slice(
      0,
      line.findIndex(({ metadata }) => metadata.uid === ticket.uid),
    );
    const first = this.#lanes.enter(
      ticket,
      older.map(({ metadata }) => metadata.uid ?? ''),
    );
    if (first !== undefined) {
      const other = line.find(({ metadata }) => metadata.uid === first);
      const name = other === undefined ? first : keyString(keyOf(other));
      await this.#record.report(
        run,
        { kind: 'waits', verdict: afterOther(name), status: 'Unknown' },
        zone(connection),
        signal,
      );
      return done();
    }
    try {
      return await this.#attempt(run, connection, signal);
    } finally {
      this.#wake(this.#lanes.leave(ticket), ticket.lane);
    }
  }

  /** Runs of a lane that were told to wait for another look: who of them is first is decided then. */
  #wake(uids: readonly string[], lane: string): void {
    for (const run of uids.length === 0 ? [] : this.#options.runs.byIndex('lane', lane)) {
      if (uids.includes(run.metadata.uid ?? '')) {
        this.#options.wake(keyOf(run));
      }
    }
  }

  async #attempt(run: AwsReconciliation, connection: UsableConnection, signal: AbortSignal): Promise<Result> {
    const { clock, engine, runs } = this.#options;
    const startedAt = clock.now();
    const timeZone = zone(connection);
    if (endingOf(run) !== undefined) {
      await this.#record.end(run, undefined, signal);
    }
    await this.#record.report(
      run,
      { kind: 'runs', startedAt, begins: true, progress: undefined },
      timeZone,
      signal,
    );
    if (run.status?.startedAt === undefined) {
      this.#record.tell(run, {
        type: 'Normal',
        reason: 'Started',
        message: `reads AWS account ${connection.caller.accountId}`,
      });
    }
    const { result, stoppedBy } = await watched({
      clock,
      signal,
      ends: () => endOf(run, runs.get(keyOf(run))),
      told: (progress) =>
        this.#record.report(run, { kind: 'runs', startedAt, begins: false, progress }, timeZone, signal),
      work: (ended, progress) =>
        engine.attempt({
          run,
          connection,
          startedAt,
          approval: approverOf(run.metadata),
          released: this.#record.released(connection.key),
          signal: ended,
          progress,
        }),
    });
    signal.throwIfAborted();
    if (stoppedBy !== undefined) {
      // Deleted, or paused: the next look, which that has asked for already, finds it so.
      this.#options.logger.info('a run was stopped', { run: keyString(keyOf(run)), why: stoppedBy });
      return done();
    }
    if (result.kind === 'fault') {
      return this.#failed(run, result.error, timeZone, signal);
    }
    if (result.value.kind === 'waits') {
      const { verdict } = result.value;
      await this.#record.report(run, { kind: 'waits', verdict, status: 'False' }, timeZone, signal);
      return after(slowMs);
    }
    try {
      return await this.#ends.settle(run, connection, result.value, signal);
    } catch (error) {
      if (error instanceof OutboxSpoiltError) {
        return this.#failed(run, error, timeZone, signal);
      }
      throw error;
    }
  }

  /** What passes is tried again with back-off; what somebody has to act upon, after a while. */
  async #failed(
    run: AwsReconciliation,
    error: unknown,
    timeZone: string,
    signal: AbortSignal,
  ): Promise<Result> {
    const verdict = faultOf(error);
    if (verdict === undefined || isConflict(error)) {
      throw error;
    }
    await this.#record.report(run, { kind: 'waits', verdict, status: 'False' }, timeZone, signal);
    const waits =
      error instanceof SpoiltSetError ||
      error instanceof OutboxSpoiltError ||
      (isAwsError(error) && !error.isTransient) ||
      (error instanceof ApiError && error.code < 500 && error.code !== 429);
    if (waits) {
      return after(slowMs);
    }
    throw error;
  }

  async #wait(
    run: AwsReconciliation,
    verdict: Verdict,
    status: 'False' | 'Unknown',
    signal: AbortSignal,
  ): Promise<Result> {
    const ticket = ticketOf(run);
    await this.#record.report(run, { kind: 'waits', verdict, status }, 'UTC', signal);
    this.#wake(this.#lanes.leave(ticket), ticket.lane);
    return done();
  }
}

function ticketOf(run: AwsReconciliation): Ticket {
  return { lane: laneOf(run), uid: run.metadata.uid ?? '' };
}

/** Stopped deletions of this run are to go: its annotation names exactly them. */
export function isApproved(run: AwsReconciliation): boolean {
  const ending = endingOf(run);
  const token = ending === undefined ? run.status?.guard?.token : ending.token;
  const failed = run.status?.conditions?.find(({ type }) => type === 'Complete')?.status !== 'True';
  return token !== undefined && failed && approverOf(run.metadata) === token;
}

function rankOf({ metadata }: AwsReconciliation): string {
  return `${metadata.creationTimestamp} ${metadata.namespace}/${metadata.name}`;
}

function zone({ settings }: UsableConnection): string {
  return settings.timeZone;
}

/** Why a run that is under way is to stop, as its object says by now. */
function endOf(run: AwsReconciliation, now: AwsReconciliation | undefined): string | undefined {
  if (
    now === undefined ||
    now.metadata.uid !== run.metadata.uid ||
    now.metadata.deletionTimestamp !== undefined
  ) {
    return 'deleted';
  }
  return isTrue(now.metadata, annotations.paused) ? 'paused' : undefined;
}
