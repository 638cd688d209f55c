import {
  awsReconciliationType,
  type AwsConnection,
  type AwsReconciliation,
} from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  isConflict,
  isNotFound,
  keyOf,
  keyString,
  type Client,
  type Clock,
  type Informer,
  type Logger,
  type Result,
} from '../../runtime/index.ts';
import { approverOf, writerOf } from '../approval.ts';
import { closed, opened, stoppedRuns } from '../breaker.ts';
import type { UsableConnection } from '../connection/index.ts';
import { annotations } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { connectionOf, endingInStatus, endingOf, resourcesOf, type Ending } from './memory.ts';
import type { RunMetrics } from './metrics.ts';
import type { Outbox } from './outbox.ts';
import type { Outcome } from './outcome.ts';
import type { RunRecord } from './record.ts';
import { completed, stopped } from './sentences.ts';
import type { Found } from './status.ts';

export interface RunEndsOptions {
  readonly client: Client;
  readonly runs: Informer<AwsReconciliation>;
  readonly connections: Informer<AwsConnection>;
  readonly record: RunRecord;
  readonly metrics: RunMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Undefined: nobody is told of changes. */
  readonly outbox?: Outbox | undefined;
}

/** How soon it is looked again whether a run that should be gone is still waited for. */
const waitedForMs = 60_000;

type Ended = Exclude<Outcome, { kind: 'waits' }>;

/** What becomes of a run that has ended, and of the breaker of its connection. */
export class RunEnds {
  readonly #options: RunEndsOptions;

  constructor(options: RunEndsOptions) {
    this.#options = options;
  }

  /** What is sent and the breaker first, then the run: a process that is killed in between comes here again. */
  async settle(
    run: AwsReconciliation,
    connection: UsableConnection,
    outcome: Ended,
    signal: AbortSignal,
  ): Promise<Result> {
    const { metrics } = this.#options;
    switch (outcome.kind) {
      case 'refused': {
        const result = await this.#end(
          run,
          { outcome: 'Failed', ...outcome.verdict },
          undefined,
          connection,
          signal,
        );
        metrics.ended(run.spec.mode ?? 'Full', 'failed', undefined);
        return result;
      }
      case 'stopped':
        return this.#stop(run, connection, outcome, signal);
      case 'complete':
        return this.#complete(run, connection, outcome, signal);
    }
  }

  /**
   * A run that has ended: of its status and what the object remembers of its end, each is told anew where it
   * was lost, and its time to go comes.
   */
  async finished(run: AwsReconciliation, timeZone: string, signal: AbortSignal): Promise<Result> {
    const { record } = this.#options;
    const noted = endingOf(run);
    const said = endingInStatus(run);
    if (noted !== undefined && said === undefined) {
      await record.report(run, { kind: 'ended', ending: noted, found: undefined }, timeZone, signal);
    } else if (noted === undefined && said !== undefined) {
      await record.end(run, said, signal);
    }
    const at = noted?.at ?? said?.at;
    return at === undefined ? done() : this.#untilExpiry(run, at, signal);
  }

  async #stop(
    run: AwsReconciliation,
    connection: UsableConnection,
    { found, guard, scope, what }: Extract<Outcome, { kind: 'stopped' }>,
    signal: AbortSignal,
  ): Promise<Result> {
    const { clock, metrics, record } = this.#options;
    if (run.spec.dryRun !== true) {
      const since = clock.now();
      const { deletions } = guard;
      const stop = { scope, resources: resourcesOf(run), run: keyString(keyOf(run)), since, deletions };
      await record.switch(connection.key, (before) => opened(before, stop), signal);
    }
    const verdict = { outcome: 'Failed', ...stopped(run, guard, what), token: guard.token } as const;
    const result = await this.#end(run, verdict, { ...found, guard }, connection, signal);
    metrics.ended(found.mode, 'stopped', found.seconds);
    return result;
  }

  async #complete(
    run: AwsReconciliation,
    connection: UsableConnection,
    outcome: Extract<Outcome, { kind: 'complete' }>,
    signal: AbortSignal,
  ): Promise<Result> {
    const { clock, metrics, outbox, record } = this.#options;
    const { approved, found, scope, whole } = outcome;
    const remembered = run.spec.dryRun !== true;
    if (remembered) {
      await outbox?.confirm({ run, scope, changes: found.reported ?? 0 }, signal);
    }
    if (remembered && (whole || approved)) {
      const name = keyString(keyOf(run));
      const compared = { scope, resources: resourcesOf(run), first: outcome.first };
      await record.switch(
        connection.key,
        // An approval of what a part of the users lacks is good for that.
        (before) => (whole ? closed(before, compared) : before.filter((stop) => stop.run !== name)),
        signal,
      );
    }
    const verdict = { outcome: 'Complete', ...completed(run, found) } as const;
    const result = await this.#end(run, verdict, found, connection, signal);
    await this.#tell(run, outcome, signal);
    metrics.ended(found.mode, 'complete', found.seconds);
    for (const kind of ['created', 'changed', 'deleted', 'left'] as const) {
      metrics.changed(kind, found.counts?.[kind] ?? 0);
    }
    if (remembered) {
      metrics.completed(keyString(connection.key), clock.now());
    }
    return result;
  }

  async #tell(
    run: AwsReconciliation,
    { approved, found }: Extract<Outcome, { kind: 'complete' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, record } = this.#options;
    if (approved) {
      const writer = await writerOf(client, awsReconciliationType, keyOf(run), signal);
      const message =
        `${found.counts?.deleted ?? 0} deletions, which are more than may be at once, were approved by the annotation ` +
        `${annotations.approveDeletions}=${approverOf(run.metadata) ?? ''}${writer}`;
      record.tell(run, { type: 'Normal', reason: 'DeletionApproved', message });
    }
    if (found.fallback !== undefined) {
      const { message, reason } = found.fallback;
      record.tell(run, {
        type: 'Normal',
        reason: 'FellBack',
        message: `the whole account was read (${reason}): ${message}`,
      });
    }
    record.tell(run, { type: 'Normal', ...completed(run, found) });
  }

  /**
   * The status first, which tells more than the object remembers: a process that is killed before it comes
   * here again and finds the run committed, one that is killed after it finds the run ended.
   */
  async #end(
    run: AwsReconciliation,
    verdict: Verdict & { readonly outcome: Ending['outcome']; readonly token?: string },
    found: Found | undefined,
    { settings }: UsableConnection,
    signal: AbortSignal,
  ): Promise<Result> {
    const { clock, record } = this.#options;
    const ending: Ending = {
      run: keyString(keyOf(run)),
      at: clock.now(),
      counts: found?.counts,
      token: undefined,
      ...verdict,
    };
    await record.report(run, { kind: 'ended', ending, found }, settings.timeZone, signal);
    await record.end(run, ending, signal);
    return this.#untilExpiry(run, ending.at, signal);
  }

  /** Lists are stopped by what this run found, and its token lets them go on. */
  #isWaitedFor(run: AwsReconciliation): boolean {
    const connection = this.#options.connections.get(connectionOf(run));
    const name = keyString(keyOf(run));
    return connection !== undefined && stoppedRuns(connection.metadata).some((stop) => stop.run === name);
  }

  async #untilExpiry(run: AwsReconciliation, at: number, signal: AbortSignal): Promise<Result> {
    const { client, clock, logger, runs } = this.#options;
    const key = keyOf(run);
    const seconds = (runs.get(key) ?? run).spec.ttlSecondsAfterFinished;
    if (seconds === undefined) {
      return done();
    }
    const leftMs = at + seconds * 1_000 - clock.now();
    if (leftMs > 0) {
      return after(leftMs);
    }
    if (this.#isWaitedFor(run)) {
      return after(waitedForMs);
    }
    const { uid } = run.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    try {
      await client.delete(awsReconciliationType, key, { signal, ...preconditions });
      logger.info('deleted, as its ttlSecondsAfterFinished asks', { run: keyString(key) });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) {
        throw error;
      }
    }
    return done();
  }
}
