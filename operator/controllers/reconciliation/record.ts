import { readBurst } from '../../../src/guard/index.ts';
import {
  awsReconciliationType,
  type AwsConnection,
  type AwsReconciliation,
} from '../../api/v1alpha1/index.ts';
import {
  applyStatusIfChanged,
  keyOf,
  keyString,
  type Client,
  type Clock,
  type EventRecorder,
  type Informer,
  type Logger,
  type ObjectKey,
} from '../../runtime/index.ts';
import { stoppedRuns, writeStopped, type StoppedRun } from '../breaker.ts';
import { noteOnConnection } from '../connection-note.ts';
import { annotations, fieldManager } from '../names.ts';
import { writeEnding, type Ending } from './memory.ts';
import { reconciliationStatus, type Standing } from './status.ts';

export interface RunRecordOptions {
  readonly client: Client;
  readonly runs: Informer<AwsReconciliation>;
  readonly connections: Informer<AwsConnection>;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Everything that is written to the cluster about a run, but for its report and what is remembered. */
export class RunRecord {
  readonly #options: RunRecordOptions;

  constructor(options: RunRecordOptions) {
    this.#options = options;
  }

  /** Writes the status if it says anything new, and an event where the run stops being as it should. */
  async report(
    run: AwsReconciliation,
    standing: Standing,
    timeZone: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, clock, runs } = this.#options;
    const current = runs.get(keyOf(run)) ?? run;
    if (current.metadata.uid !== run.metadata.uid) {
      return;
    }
    const before = current.status?.conditions?.find(({ type }) => type === 'Ready');
    const status = reconciliationStatus({ run: current, standing, timeZone, now: clock.now() });
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status === 'False' && ready.reason !== before?.reason) {
      const { reason, message } = ready;
      this.tell(run, { type: 'Warning', reason, message });
    }
    await applyStatusIfChanged({
      client,
      type: awsReconciliationType,
      current,
      status,
      fieldManager,
      informer: runs,
      signal,
    });
  }

  /** Writes down that the run has ended; undefined takes that back. */
  async end(run: AwsReconciliation, ending: Ending | undefined, signal: AbortSignal): Promise<void> {
    const { client, runs } = this.#options;
    const written = await client.mergePatch(
      awsReconciliationType,
      keyOf(run),
      {
        metadata: {
          uid: run.metadata.uid,
          annotations: { [annotations.finished]: ending === undefined ? null : writeEnding(ending) },
        },
      },
      { signal },
    );
    runs.set(written);
  }

  /** Opens or closes the breaker of a connection. @throws {ApiError} a conflict: the whole is repeated then */
  async switch(
    connection: ObjectKey,
    change: (before: readonly StoppedRun[]) => readonly StoppedRun[],
    signal: AbortSignal,
  ): Promise<void> {
    const object = this.#options.connections.get(connection);
    if (object === undefined) {
      return;
    }
    const text = object.metadata.annotations?.[annotations.breaker] ?? null;
    const wanted = writeStopped(change(stoppedRuns(object.metadata)));
    if (wanted === text) {
      return;
    }
    await noteOnConnection(this.#options, object, annotations.breaker, wanted, signal);
    this.#options.logger.warn(wanted === null ? 'the breaker is closed' : 'the breaker is open', {
      connection: keyString(connection),
    });
  }

  /** Unique ids of the users that were deleted through a connection from here. */
  released(connection: ObjectKey): ReadonlySet<string> {
    const object = this.#options.connections.get(connection);
    return object === undefined ? new Set() : releasedThrough(object, this.#options.clock.now());
  }

  /** Tells people, in an event and in the log. */
  tell(
    run: AwsReconciliation,
    note: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string },
  ): void {
    const { type, reason, message } = note;
    this.#options.events.event(run, { type, reason, message, action: 'Reconcile' });
    this.#options.logger.info(message, { run: keyString(keyOf(run)), reason });
  }
}

/** Unique ids of the users that were deleted through a connection from here. */
export function releasedThrough({ metadata }: AwsConnection, now: number): ReadonlySet<string> {
  return new Set(readBurst(metadata.annotations?.[annotations.deletions], now).released);
}
