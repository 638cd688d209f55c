import { resolveSettings, timeZoneOf } from '../../../src/connection/index.ts';
import { scopeOf } from '../../../src/reconciliation/index.ts';
import { accountSchema } from '../../../src/schema/index.ts';
import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString } from '../../runtime/index.ts';
import type { Terms, Verdict } from '../connection/index.ts';
import { periodMs } from '../period.ts';
import { cronTimetable, intervalTimetable, type Timetable } from './timetable.ts';

/** What `spec.reconciliation` comes to. */
export type ScheduleReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'refused'; readonly verdict: Verdict }
  | {
      readonly kind: 'schedule';
      readonly timetable: Timetable;
      /** IANA name: in which the times are shown. */
      readonly timeZone: string;
      /** In words: `at "0 2 * * *" (Europe/Berlin)`. */
      readonly words: string;
    };

/**
 * The timetable of a connection, or what is wrong with it and what to write instead. Pure.
 * @param terms what is settled; undefined before the connection was verified
 */
export function readSchedule({ metadata, spec }: AwsConnection, terms: Terms | undefined): ScheduleReading {
  const { reconciliation } = spec;
  if (reconciliation === undefined) {
    return { kind: 'none' };
  }
  const { filter, interval, schedule } = reconciliation;
  const zone = zoneOf(spec, terms);
  if ('reason' in zone) {
    return { kind: 'refused', verdict: zone };
  }
  const { timeZone } = zone;
  if (filter !== undefined) {
    const { attributes = [] } = spec.schema ?? {};
    const schema = terms?.schema ?? accountSchema(attributes, spec.settings?.attributeTagPrefix ?? '').schema;
    const scope = scopeOf(filter, schema);
    if (scope.kind === 'refused') {
      return refused('InvalidFilter', `spec.reconciliation.filter: ${scope.message}`);
    }
  }
  if (schedule === undefined) {
    const text = interval ?? '';
    const timetable = intervalTimetable(periodMs(text), text, keyString(keyOf({ metadata })));
    return { kind: 'schedule', timetable, timeZone, words: `every ${text}` };
  }
  const cron = cronTimetable(schedule, timeZone);
  return cron.kind === 'timetable'
    ? { kind: 'schedule', timetable: cron.timetable, timeZone, words: `at "${schedule}" (${timeZone})` }
    : refused(
        'InvalidSchedule',
        `spec.reconciliation.schedule "${schedule}" is no schedule: ${cron.message}. Write five fields (minute, hour, day of ` +
          'the month, month, day of the week), such as "0 2 * * *", or one of @hourly, @daily, @weekly, @monthly, @yearly',
      );
}

/** A setting that is wrong stops no schedule where the one from before is in force. */
function zoneOf(
  { reconciliation, settings = {} }: AwsConnection['spec'],
  terms: Terms | undefined,
): Verdict | { readonly timeZone: string } {
  const asked = reconciliation?.timeZone;
  if (asked === undefined) {
    const resolved = resolveSettings(settings);
    const problem = resolved.problems.find(({ reason }) => reason === 'InvalidTimeZone');
    if (problem === undefined) {
      return resolved.settings;
    }
    return terms?.settings ?? { reason: 'InvalidTimeZone', message: `spec.${problem.message}` };
  }
  const timeZone = timeZoneOf(asked);
  return timeZone === undefined
    ? {
        reason: 'InvalidTimeZone',
        message:
          `spec.reconciliation.timeZone "${asked}" is not an IANA time zone; ` +
          'write a name such as Europe/Berlin, Asia/Kolkata or UTC',
      }
    : { timeZone };
}

function refused(reason: Verdict['reason'], message: string): ScheduleReading {
  return { kind: 'refused', verdict: { reason, message } };
}
