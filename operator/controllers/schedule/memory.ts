import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import type { Memory } from './decide.ts';

/**
 * What the object remembers of its schedule; undefined where there is nothing, where somebody spoilt it, and on
 * a copy under another name, whose schedule is another one.
 */
export function memoryOf(connection: AwsConnection): Memory | undefined {
  try {
    const text = connection.metadata.annotations?.[annotations.lastSchedule] ?? 'null';
    const { of, timetable, since, last } = (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
    const times = { since: timeOf(since), last: timeOf(last) };
    return of === keyString(keyOf(connection)) && typeof timetable === 'string' && times.since !== undefined
      ? { timetable, since: times.since, last: times.last }
      : undefined;
  } catch {
    return undefined;
  }
}

export function writeMemory(connection: AwsConnection, { timetable, since, last }: Memory): string {
  return JSON.stringify({
    of: keyString(keyOf(connection)),
    timetable,
    since: new Date(since).toISOString(),
    ...(last === undefined ? {} : { last: new Date(last).toISOString() }),
  });
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
