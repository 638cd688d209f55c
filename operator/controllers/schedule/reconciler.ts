import {
  awsConnectionType,
  awsReconciliationType,
  type AwsConnection,
  type AwsReconciliation,
} from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  formatTime,
  isAlreadyExists,
  isConflict,
  isNotFound,
  keyOf,
  keyString,
  type Client,
  type Clock,
  type EventNote,
  type EventRecorder,
  type Informer,
  type Logger,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { scheduleCondition, usable, type ConnectionRegistry } from '../connection/index.ts';
import { annotations } from '../names.ts';
import { decide, type Decision, type Memory } from './decide.ts';
import { memoryOf, writeMemory } from './memory.ts';
import { readSchedule } from './reading.ts';
import { activeOf, excessOf, isOf, lastMade, runFor } from './runs.ts';
import { saysSo, scheduleStanding, whyNone } from './standing.ts';

/** What became of a time of a schedule. */
export type ScheduledOutcome = 'made' | 'held' | 'missed' | 'replaced';

export interface ScheduleReconcilerOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  /** Indexed by `schedule`: `namespace/name` of the connection whose schedule made it. */
  readonly runs: Informer<AwsReconciliation>;
  readonly registry: ConnectionRegistry;
  /** The status of a connection has news: whoever writes it is to do so. */
  readonly tell: (connection: ObjectKey) => void;
  readonly count: (outcome: ScheduledOutcome) => void;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** How long it takes at most until a clock that was set is noticed. */
const lookMs = 60_000;

/** Makes the runs that connections declare, as the controller of CronJobs makes Jobs, and clears old ones away. */
export class ScheduleReconciler implements Reconciler {
  readonly #options: ScheduleReconcilerOptions;
  /** By connection: the time that was told of as waiting for another run. */
  readonly #held = new Map<string, number>();

  constructor(options: ScheduleReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const connection = this.#options.connections.get(key);
    if (connection === undefined || connection.metadata.deletionTimestamp !== undefined) {
      this.#held.delete(keyString(key));
      return done();
    }
    const until = await this.#advance(connection, signal);
    this.#report(key);
    const leftMs = until === undefined ? Number.POSITIVE_INFINITY : until - this.#options.clock.now();
    return until === undefined ? done() : after(Math.max(1, Math.min(leftMs, lookMs)));
  }

  /** @returns when there is something to do again, milliseconds since the epoch; undefined: when something changes */
  async #advance(connection: AwsConnection, signal: AbortSignal): Promise<number | undefined> {
    const { clock, registry } = this.#options;
    const state = registry.peek(keyOf(connection));
    const reading = readSchedule(connection, state?.terms);
    const { reconciliation } = connection.spec;
    if (reading.kind === 'none' || reconciliation === undefined) {
      await this.#remember(connection, undefined, signal);
      return undefined;
    }
    const runs = this.#runsOf(connection);
    const memory = memoryOf(connection);
    for (const run of excessOf(connection, runs, memory?.since ?? 0)) {
      await this.#delete(run, signal);
    }
    if (reading.kind === 'refused' || whyNone(connection) !== undefined) {
      return undefined;
    }
    const { concurrencyPolicy: policy = 'Forbid', startingDeadlineSeconds } = reconciliation;
    const decision = decide({
      timetable: reading.timetable,
      memory,
      active: activeOf(runs),
      made: lastMade(runs),
      policy,
      deadlineMs: startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1_000,
      ready: usable(state)?.snapshots.current !== undefined,
      now: clock.now(),
    });
    await this.#apply(connection, decision, reading.timeZone, signal);
    return decision.until;
  }

  async #apply(
    connection: AwsConnection,
    decision: Decision,
    timeZone: string,
    signal: AbortSignal,
  ): Promise<void> {
    const name = keyString(keyOf(connection));
    if (decision.kind !== 'wait' && decision.kind !== 'held') {
      this.#held.delete(name);
    }
    switch (decision.kind) {
      case 'wait':
        return;
      case 'begin':
      case 'note':
        await this.#remember(connection, decision.memory, signal);
        return;
      case 'held':
        if (this.#held.get(name) !== decision.at) {
          this.#held.set(name, decision.at);
          this.#options.count('held');
          this.#note(connection, {
            type: 'Normal',
            reason: 'RunHeld',
            message:
              `the run for ${formatTime(decision.at)} waits: AwsReconciliation "${decision.by.metadata.name}" has not ended, ` +
              'and spec.reconciliation.concurrencyPolicy is Forbid',
          });
        }
        return;
      case 'missed':
        // The memory first: what is told and counted is told and counted once.
        await this.#remember(connection, decision.memory, signal);
        this.#options.count('missed');
        this.#note(connection, {
          type: 'Warning',
          reason: 'RunMissed',
          message:
            `no run is made for ${formatTime(decision.at)}: that is longer ago than ` +
            'spec.reconciliation.startingDeadlineSeconds allows',
        });
        return;
      case 'make':
        await this.#make(connection, decision, timeZone, signal);
        return;
    }
  }

  /** The run first, then the memory: a process that is killed in between makes the same run again, which is there. */
  async #make(
    connection: AwsConnection,
    { at, memory, replaces }: Extract<Decision, { kind: 'make' }>,
    timeZone: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, count, runs } = this.#options;
    const wanted = runFor(connection, at, timeZone);
    for (const run of replaces) {
      if (run.metadata.name !== wanted.metadata.name) {
        await this.#delete(run, signal);
        count('replaced');
        this.#note(connection, {
          type: 'Normal',
          reason: 'RunReplaced',
          message:
            `AwsReconciliation "${run.metadata.name}" was deleted before it had ended: the next is due, and ` +
            'spec.reconciliation.concurrencyPolicy is Replace',
        });
      }
    }
    let made: AwsReconciliation | undefined;
    try {
      made = await client.create(awsReconciliationType, wanted, { signal });
      runs.set(made);
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
    await this.#remember(connection, memory, signal);
    if (made !== undefined) {
      count('made');
      this.#note(connection, {
        type: 'Normal',
        reason: 'RunMade',
        message: `made AwsReconciliation "${wanted.metadata.name}" for ${formatTime(at)}`,
      });
      return;
    }
    const there = await client.get(awsReconciliationType, keyOf(wanted), { signal });
    if (!isOf(there, connection)) {
      this.#note(connection, {
        type: 'Warning',
        reason: 'RunMissed',
        message: `no run is made for ${formatTime(at)}: AwsReconciliation "${wanted.metadata.name}" is there, and not of this schedule`,
      });
    }
  }

  #runsOf(connection: AwsConnection): readonly AwsReconciliation[] {
    return this.#options.runs
      .byIndex('schedule', keyString(keyOf(connection)))
      .filter((run) => isOf(run, connection));
  }

  /** Has the status written where it says something else, and tells people what stands in the way. */
  #report(key: ObjectKey): void {
    const { clock, connections, registry, tell } = this.#options;
    const connection = connections.get(key);
    if (connection === undefined) {
      return;
    }
    const standing = scheduleStanding({
      connection,
      terms: registry.peek(key)?.terms,
      runs: this.#runsOf(connection),
      now: clock.now(),
    });
    if (saysSo(connection, standing)) {
      return;
    }
    const said = connection.status?.conditions?.find(({ type }) => type === scheduleCondition);
    if (standing?.status === 'False' && said?.reason !== standing.verdict.reason) {
      this.#note(connection, { type: 'Warning', ...standing.verdict });
    }
    tell(key);
  }

  async #remember(connection: AwsConnection, memory: Memory | undefined, signal: AbortSignal): Promise<void> {
    const { client, connections } = this.#options;
    const text = memory === undefined ? null : writeMemory(connection, memory);
    if ((connection.metadata.annotations?.[annotations.lastSchedule] ?? null) === text) {
      return;
    }
    const { uid } = connection.metadata;
    const patch = { metadata: { uid, annotations: { [annotations.lastSchedule]: text } } };
    connections.set(await client.mergePatch(awsConnectionType, keyOf(connection), patch, { signal }));
  }

  async #delete(run: AwsReconciliation, signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#options;
    const { uid } = run.metadata;
    try {
      await client.delete(awsReconciliationType, keyOf(run), {
        signal,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
      logger.info('a run of a schedule was deleted', { run: keyString(keyOf(run)) });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) {
        throw error;
      }
    }
  }

  #note(connection: AwsConnection, note: Omit<EventNote, 'action'>): void {
    this.#options.events.event(connection, { ...note, action: 'Schedule' });
    this.#options.logger.info(note.message, {
      connection: keyString(keyOf(connection)),
      reason: note.reason,
    });
  }
}
