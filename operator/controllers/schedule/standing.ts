import { isDeepStrictEqual } from 'node:util';
import type { AwsConnection, AwsReconciliation } from '../../api/v1alpha1/index.ts';
import { formatTime } from '../../runtime/index.ts';
import { scheduleCondition, type ScheduleStanding, type Terms } from '../connection/index.ts';
import { annotations, isTrue } from '../names.ts';
import { memoryOf } from './memory.ts';
import { readSchedule, type ScheduleReading } from './reading.ts';
import { activeOf, lastComplete } from './runs.ts';

const maxActive = 100;

export interface StandingInputs {
  readonly connection: AwsConnection;
  /** Undefined before the connection was verified. */
  readonly terms: Terms | undefined;
  /** Those of its schedule. */
  readonly runs: readonly AwsReconciliation[];
  readonly now: number;
}

/** What the status of a connection says of its schedule; undefined where it has none. Pure. */
export function scheduleStanding(inputs: StandingInputs): ScheduleStanding | undefined {
  const { connection, now, runs, terms } = inputs;
  const reading = readSchedule(connection, terms);
  if (reading.kind === 'none') {
    return undefined;
  }
  const memory = memoryOf(connection);
  const going =
    reading.kind === 'schedule' &&
    connection.metadata.deletionTimestamp === undefined &&
    whyNone(connection) === undefined;
  const next =
    going && memory?.timetable === reading.timetable.text ? reading.timetable.next(memory, now) : Infinity;
  const before = Date.parse(connection.status?.reconciliation?.lastSuccessfulTime ?? '');
  const complete = Math.max(lastComplete(runs) ?? 0, Number.isNaN(before) ? 0 : before);
  const active = activeOf(runs).map(({ metadata }) => metadata.name);
  return {
    ...verdictOf(connection, reading),
    runs: {
      ...(memory?.last === undefined ? {} : { lastScheduleTime: formatTime(memory.last) }),
      ...(Number.isFinite(next) ? { nextScheduleTime: formatTime(next) } : {}),
      ...(complete === 0 ? {} : { lastSuccessfulTime: formatTime(complete) }),
      ...(active.length === 0 ? {} : { active: active.slice(0, maxActive) }),
    },
  };
}

/** Why no runs are made although the schedule is good; undefined where they are. */
export function whyNone(connection: AwsConnection): Omit<ScheduleStanding, 'runs'> | undefined {
  if (isTrue(connection.metadata, annotations.paused)) {
    return {
      status: 'Unknown',
      verdict: { reason: 'Paused', message: `the annotation ${annotations.paused} is true` },
    };
  }
  return connection.spec.reconciliation?.suspend === true
    ? {
        status: 'False',
        verdict: {
          reason: 'Suspended',
          message: 'spec.reconciliation.suspend is true: no runs are made until it is taken away',
        },
      }
    : undefined;
}

function verdictOf(
  connection: AwsConnection,
  reading: Exclude<ScheduleReading, { kind: 'none' }>,
): Omit<ScheduleStanding, 'runs'> {
  if (reading.kind === 'refused') {
    return { status: 'False', verdict: reading.verdict };
  }
  const scheduled = { reason: 'Scheduled', message: `runs are made ${reading.words}` } as const;
  return whyNone(connection) ?? { status: 'True', verdict: scheduled };
}

/** Whether the status of a connection says this already. */
export function saysSo({ status }: AwsConnection, standing: ScheduleStanding | undefined): boolean {
  const said = status?.conditions?.find(({ type }) => type === scheduleCondition);
  return (
    isDeepStrictEqual(status?.reconciliation, standing?.runs) &&
    said?.status === standing?.status &&
    said?.reason === standing?.verdict.reason &&
    said?.message === standing?.verdict.message
  );
}
