import { hash } from 'node:crypto';
import { formatInZone } from '../../../src/connection/index.ts';
import type { AwsConnection, AwsReconciliation } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type ObjectKey } from '../../runtime/index.ts';
import { stoppedRuns } from '../breaker.ts';
import { annotations, controllerOf, managedByUs, ownerReference } from '../names.ts';
import { endingOf, isFinished } from '../reconciliation/index.ts';

const defaultHistoryLimit = 10;

/** The connection whose schedule a run is of; undefined for one that was made by hand. */
export function ownerOf({ metadata }: AwsReconciliation): ObjectKey | undefined {
  const owner = controllerOf(metadata);
  return owner?.kind === 'AwsConnection' && scheduledAt({ metadata }) !== undefined
    ? { namespace: metadata.namespace ?? '', name: owner.name }
    : undefined;
}

/** Whether a run is of the schedule of this very connection, and not of one that had its name before. */
export function isOf(run: AwsReconciliation, { metadata }: AwsConnection): boolean {
  const owner = controllerOf(run.metadata);
  return owner !== undefined && owner.uid === metadata.uid && scheduledAt(run) !== undefined;
}

function scheduledAt({ metadata }: Pick<AwsReconciliation, 'metadata'>): number | undefined {
  const time = Date.parse(metadata.annotations?.[annotations.scheduledAt] ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** The latest time that there is a run for, milliseconds since the epoch. */
export function lastMade(runs: readonly AwsReconciliation[]): number | undefined {
  const times = runs.map(scheduledAt).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** The run for a time of the schedule. Its name follows from the time, so that it is made once. */
export function runFor(connection: AwsConnection, at: number, timeZone: string): AwsReconciliation {
  const { metadata, spec } = connection;
  const { filter, mode, resources } = spec.reconciliation ?? {};
  return {
    apiVersion: connection.apiVersion,
    kind: 'AwsReconciliation',
    metadata: {
      name: `${shortened(metadata.name, 200)}-${(at / 1_000).toString(36)}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels: {
        ...managedByUs,
        'aws.idhub.io/connection': shortened(metadata.name, 63),
      },
      annotations: { [annotations.scheduledAt]: formatInZone(at, timeZone) },
      ownerReferences: [ownerReference(connection)],
    },
    spec: {
      connectionRef: { name: metadata.name },
      ...(mode === undefined ? {} : { mode }),
      ...(resources === undefined ? {} : { resources: [...resources] }),
      ...(filter === undefined ? {} : { filter }),
    },
  };
}

/** A name of at most `length` characters, which no other name is shortened to. */
function shortened(name: string, length: number): string {
  const head = name.slice(0, length - 17).replace(/[^a-z0-9]+$/, '');
  return name.length <= length ? name : `${head}-${hash('sha256', name, 'hex').slice(0, 16)}`;
}

/** Those that have not ended, oldest first. */
export function activeOf(runs: readonly AwsReconciliation[]): readonly AwsReconciliation[] {
  return inOrder(runs.filter((run) => run.metadata.deletionTimestamp === undefined && !isFinished(run)));
}

/**
 * Ended runs beyond the limit, oldest first. Complete ones and failed ones are counted apart, so that a series of
 * failures does not push out what was found before. What the open breaker names stays: it is what somebody approves.
 * So does a run that is not noted yet, since it would be made again.
 * @param notedUntil up to where the schedule was followed, milliseconds since the epoch
 */
export function excessOf(
  connection: AwsConnection,
  runs: readonly AwsReconciliation[],
  notedUntil: number,
): readonly AwsReconciliation[] {
  const limit = connection.spec.reconciliation?.historyLimit ?? defaultHistoryLimit;
  const stopped = new Set(stoppedRuns(connection.metadata).map(({ run }) => run));
  const ended = inOrder(
    runs.filter((run) => run.metadata.deletionTimestamp === undefined && isFinished(run)),
  );
  const complete = ended.filter(isComplete);
  const failed = ended.filter((run) => !isComplete(run));
  return [complete, failed]
    .flatMap((each) => each.slice(0, Math.max(0, each.length - limit)))
    .filter((run) => (scheduledAt(run) ?? 0) <= notedUntil && !stopped.has(keyString(keyOf(run))));
}

/** When a run was complete last, milliseconds since the epoch. */
export function lastComplete(runs: readonly AwsReconciliation[]): number | undefined {
  const times = runs
    .filter(isComplete)
    .map((run) => endingOf(run)?.at ?? Date.parse(run.status?.finishedAt ?? ''))
    .filter((time) => !Number.isNaN(time));
  return times.length === 0 ? undefined : Math.max(...times);
}

function isComplete(run: AwsReconciliation): boolean {
  const ending = endingOf(run);
  return ending === undefined
    ? run.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') === true
    : ending.outcome === 'Complete';
}

function inOrder(runs: readonly AwsReconciliation[]): readonly AwsReconciliation[] {
  return runs.toSorted(
    (one, other) =>
      (scheduledAt(one) ?? 0) - (scheduledAt(other) ?? 0) ||
      (one.metadata.name < other.metadata.name ? -1 : 1),
  );
}
