import { describe, expect, test } from '@jest/globals';
import {
  cronTimetable,
  intervalTimetable,
  type Timetable,
} from '../../../../operator/controllers/schedule/timetable.ts';

function cron(schedule: string, timeZone = 'UTC'): Timetable {
  const reading = cronTimetable(schedule, timeZone);
  if (reading.kind === 'refused') {
    throw new Error(reading.message);
  }
  return reading.timetable;
}

const ms = (text: string): number => Date.parse(text);
const text = (time: number): string => new Date(time).toISOString().replace(':00.000Z', 'Z');

/** All times after `from` and before `to`, as they come. */
function times(timetable: Timetable, from: string, to: string): number[] {
  const found: number[] = [];
  let time = timetable.next({ since: ms(from), last: undefined }, ms(from));
  while (time < ms(to)) {
    found.push(time);
    time = timetable.next({ since: time, last: time }, time);
  }
  return found;
}

describe('a cron schedule at the changes of summer time', () => {
  test.each([
    // Berlin: 02:00 to 03:00 is left out on 29 March 2026, and is there twice on 25 October.
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z', ['03-28T01:30Z', '03-29T01:00Z', '03-30T00:30Z']],
    ['30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00Z', ['10-24T00:30Z', '10-25T00:30Z', '10-26T01:30Z']],
    ['15,45 2 * * *', 'Europe/Berlin', '2026-03-28T23:00Z', ['03-29T01:00Z', '03-30T00:15Z', '03-30T00:45Z']],
    ['*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:15Z', ['03-29T00:30Z', '03-29T01:00Z', '03-29T01:30Z']],
    ['*/30 2 * * *', 'Europe/Berlin', '2026-03-28T23:00Z', ['03-30T00:00Z', '03-30T00:30Z', '03-31T00:00Z']],
    // New York: 8 March and 1 November.
    ['30 2 * * *', 'America/New_York', '2026-03-07T00:00Z', ['03-07T07:30Z', '03-08T07:00Z', '03-09T06:30Z']],
    ['30 1 * * *', 'America/New_York', '2026-10-31T00:00Z', ['10-31T05:30Z', '11-01T05:30Z', '11-02T06:30Z']],
    [
      '30 1,13 * * *',
      'America/New_York',
      '2026-11-01T00:00Z',
      ['11-01T05:30Z', '11-01T18:30Z', '11-02T06:30Z'],
    ],
    ['@daily', 'America/New_York', '2026-10-31T12:00Z', ['11-01T04:00Z', '11-02T05:00Z', '11-03T05:00Z']],
    // No changes there.
    ['30 2 * * *', 'Asia/Kolkata', '2026-03-28T00:00Z', ['03-28T21:00Z', '03-29T21:00Z', '03-30T21:00Z']],
    ['30 2 * * *', 'UTC', '2026-03-28T00:00Z', ['03-28T02:30Z', '03-29T02:30Z', '03-30T02:30Z']],
    [
      '0 9 * * MON-FRI',
      'Europe/Berlin',
      '2026-03-27T12:00Z',
      ['03-30T07:00Z', '03-31T07:00Z', '04-01T07:00Z'],
    ],
  ])('%s in %s after %s', (schedule, timeZone, from, expected) => {
    const found = times(cron(schedule, timeZone), from, '2026-12-31T00:00Z').slice(0, expected.length);
    expect(found.map(text)).toEqual(expected.map((time) => `2026-${time}`));
  });

  test.each(['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC'])(
    'every 15 minutes goes through both in %s',
    (timeZone) => {
      for (const day of ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01']) {
        const from = ms(`${day}T00:00Z`) - 3_600_000;
        const found = times(cron('*/15 * * * *', timeZone), text(from), `${day}T12:01Z`);
        expect(found).toEqual(Array.from({ length: 13 * 4 }, (_, at) => from + (at + 1) * 900_000));
      }
    },
  );

  test('has the same times backwards as forwards, none twice and none before the one before it', () => {
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'America/Havana',
      'Africa/Cairo',
      'Australia/Lord_Howe',
    ];
    const schedules = [
      '30 2 * * *',
      '*/20 * * * *',
      '0 0 * * *',
      '*/15 2 * * *',
      '0,30 0-3 * * *',
      '30 1,2 * * SUN',
    ];
    for (const timeZone of zones) {
      for (const schedule of schedules) {
        const timetable = cron(schedule, timeZone);
        for (const [from, to] of [
          ['2026-03-07T00:00Z', '2026-03-10T00:00Z'],
          ['2026-03-28T00:00Z', '2026-03-31T00:00Z'],
          ['2026-04-04T00:00Z', '2026-04-06T00:00Z'],
          ['2026-04-23T00:00Z', '2026-04-26T00:00Z'],
          ['2026-10-03T00:00Z', '2026-10-05T00:00Z'],
          ['2026-10-24T00:00Z', '2026-11-03T00:00Z'],
        ] as const) {
          const forwards = times(timetable, from, to);
          expect(forwards).toEqual([...new Set(forwards)].sort((one, other) => one - other));
          const backwards: number[] = [];
          const followed = { since: ms(from), last: undefined };
          let time = timetable.due(followed, ms(to) - 1);
          while (time !== undefined) {
            backwards.unshift(time);
            time = timetable.due(followed, time - 1);
          }
          expect({ schedule, timeZone, from, found: backwards.map(text) }).toEqual({
            schedule,
            timeZone,
            from,
            found: forwards.map(text),
          });
        }
      }
    }
  });
});

describe('a cron schedule', () => {
  const daily = cron('0 2 * * *', 'Europe/Berlin');

  test.each([
    ['none has come', '2026-01-15T12:00Z', '2026-01-16T00:59:59Z', undefined],
    ['it comes now', '2026-01-15T12:00Z', '2026-01-16T01:00Z', '2026-01-16T01:00Z'],
    ['of several the latest', '2026-01-15T12:00Z', '2026-03-16T12:00Z', '2026-03-16T01:00Z'],
    ['it was dealt with', '2026-01-16T01:00Z', '2026-01-16T01:00:05Z', undefined],
  ])('is due: %s', (_, since, now, expected) => {
    const due = daily.due({ since: ms(since), last: undefined }, ms(now));
    expect(due === undefined ? undefined : text(due)).toBe(expected);
  });

  test('has a text that stays for as long as its times do', () => {
    expect(cron(' 0  2 * * * ', 'Europe/Berlin').text).toBe(daily.text);
    expect(cron('0 2 * * *', 'UTC').text).not.toBe(daily.text);
  });

  test('that comes on one day in eight years is found', () => {
    expect(times(cron('0 0 29 2 *'), '2096-03-01T00:00Z', '2105-01-01T00:00Z').map(text)).toEqual([
      '2104-02-29T00:00Z',
    ]);
  });

  test.each([
    ['61 * * * *', 'the minute 61 is not one of 0 to 59'],
    ['* * * *', 'it has 4 fields in place of five (minute, hour, day of the month, month, day of the week)'],
    ['0 0 2 * * *', 'it has 6 fields'],
    ['', 'it has 0 fields in place of five'],
    ['0 2 30 2 *', 'there is no such day'],
    [
      '@reboot',
      'there is no @reboot: there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually',
    ],
    ['@every 1h', '@every is none: write spec.reconciliation.interval in its place'],
    ['TZ=Europe/Berlin 0 2 * * *', 'write that into spec.reconciliation.timeZone'],
    ['CRON_TZ=UTC 0 2 * * *', 'write that into spec.reconciliation.timeZone'],
    ['0 2 L * *', '"L" has no meaning in it'],
    ['0 2 15W * *', '"W" has no meaning in it'],
    ['0 2 * * 5#2', '"#" has no meaning in it'],
    ['0 2 1 * +MON', '"+" has no meaning in it'],
    ['0 2 * * FRIDAY', '"D" has no meaning in it'],
    ['0 2 * * 8', 'the day of the week 8 is not one of 0 to 7'],
    ['0 24 * * *', 'the hour 24 is not one of 0 to 23'],
    ['0 0 0 * *', 'the day of the month 0 is not one of 1 to 31'],
    ['0 0 * 10-13 *', 'the month 13 is not one of 1 to 12'],
    ['-1 * * * *', '"-1" is no minute'],
    ['0 ,6 * * *', '",6" is no hour'],
    ['0 0 1- * *', '"1-" is no day of the month'],
    ['*/0 * * * *', 'syntax error'],
    ['5-1 * * * *', 'from value is larger than to value'],
    ['2026-01-01T00:00:00', 'it has 1 field'],
  ])('%s is refused', (schedule, message) => {
    const reading = cronTimetable(schedule, 'UTC');
    expect(reading.kind === 'refused' ? reading.message : 'accepted').toContain(message);
  });

  test.each(['@Hourly', '0 0 * jan-mar mon,WED', '*/5 0-6/2 1,15 ? 7', '5-59/15 * * * *'])(
    '%s is one',
    (schedule) => {
      expect(cronTimetable(schedule, 'UTC').kind).toBe('timetable');
    },
  );
});

describe('an interval', () => {
  const hour = 3_600_000;
  const start = ms('2026-01-15T12:00Z');
  const hourly = (name: string): Timetable => intervalTimetable(hour, '1h', `ns/${name}`);

  test('begins within five minutes, and within its own length, at times that differ', () => {
    const fresh = { since: start, last: undefined };
    const firsts = Array.from({ length: 200 }, (_, at) => hourly(`c${at}`).next(fresh, start) - start);
    expect(Math.min(...firsts)).toBeGreaterThan(0);
    expect(Math.max(...firsts)).toBeLessThanOrEqual(300_000);
    // 200 connections: in none of the ten half minutes are more than 40.
    const halves = Map.groupBy(firsts, (first) => Math.floor(first / 30_000));
    expect(Math.max(...[...halves.values()].map(({ length }) => length))).toBeLessThan(40);
    const short = Array.from({ length: 200 }, (_, at) =>
      intervalTimetable(60_000, '1m', `c${at}`).next(fresh, start),
    );
    expect(Math.max(...short)).toBeLessThanOrEqual(start + 60_000);
  });

  test('goes on after its length, a tenth more or less, always by the same', () => {
    let at = start;
    const steps: number[] = [];
    for (let step = 0; step < 500; step += 1) {
      const next = hourly('c').next({ since: at, last: at }, at + 1_000);
      expect(hourly('c').next({ since: at, last: at }, at + 200_000)).toBe(next);
      expect(next % 1_000).toBe(0);
      steps.push(next - at);
      at = next;
    }
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0.9 * hour);
    expect(Math.min(...steps)).toBeLessThan(0.93 * hour);
    expect(Math.max(...steps)).toBeLessThanOrEqual(1.1 * hour);
    expect(Math.max(...steps)).toBeGreaterThan(1.07 * hour);
    expect((at - start) / 500 / hour).toBeCloseTo(1, 1);
  });

  test('that was not followed for long has one time due, which is no longer ago than its length', () => {
    const followed = { since: start, last: start };
    const now = start + 1_000.4 * hour;
    const due = hourly('c').due(followed, now) ?? 0;
    expect(now - due).toBeGreaterThanOrEqual(0);
    expect(now - due).toBeLessThan(hour);
    const next = hourly('c').next(followed, now);
    expect(next - due).toBe(hour);
  });

  test('is not due before its time', () => {
    expect(hourly('c').due({ since: start, last: start }, start + 0.9 * hour - 1_000)).toBeUndefined();
    expect(hourly('c').due({ since: start, last: start }, start + 1.1 * hour + 1_000)).toBeDefined();
  });
});
