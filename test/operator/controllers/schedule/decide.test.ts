import { describe, expect, test } from '@jest/globals';
import type { AwsReconciliation } from '../../../../operator/api/v1alpha1/index.ts';
import {
  decide,
  type Decision,
  type Memory,
  type ScheduleFacts,
} from '../../../../operator/controllers/schedule/decide.ts';
import {
  cronTimetable,
  intervalTimetable,
  type Timetable,
} from '../../../../operator/controllers/schedule/timetable.ts';

function cron(schedule: string): Timetable {
  const reading = cronTimetable(schedule, 'UTC');
  if (reading.kind === 'refused') {
    throw new Error(reading.message);
  }
  return reading.timetable;
}

const ms = (text: string): number => Date.parse(text);
const nightly = cron('0 2 * * *');
const hourly = intervalTimetable(3_600_000, '1h', 'ns/main');
const noon = ms('2026-01-15T12:00:00Z');
const two = ms('2026-01-15T02:00:00Z');

function run(name: string): AwsReconciliation {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsReconciliation',
    metadata: { namespace: 'ns', name },
    spec: { connectionRef: { name: 'main' } },
  };
}

function memory(since: string, last?: string, timetable = nightly.text): Memory {
  return { timetable, since: ms(since), last: last === undefined ? undefined : ms(last) };
}

function decided(facts: Partial<ScheduleFacts> = {}): Decision {
  return decide({
    timetable: nightly,
    memory: memory('2026-01-14T02:00:01Z', '2026-01-14T02:00:00Z'),
    active: [],
    made: undefined,
    policy: 'Forbid',
    deadlineMs: undefined,
    ready: true,
    now: noon,
    ...facts,
  });
}

describe('where times are counted from', () => {
  test('without memory the present is where it begins: nothing is made up for', () => {
    expect(decided({ memory: undefined })).toEqual({
      kind: 'begin',
      memory: { timetable: nightly.text, since: noon, last: undefined },
      until: ms('2026-01-16T02:00:00Z'),
    });
  });

  test('before the connection was verified, it waits', () => {
    expect(decided({ memory: undefined, ready: false })).toEqual({ kind: 'wait', until: undefined });
    expect(decided({ memory: undefined, ready: false, timetable: hourly })).toMatchObject({ kind: 'wait' });
  });

  test('a schedule that was changed counts from now, and what was made last is known on', () => {
    const before = memory('2026-01-10T00:00:00Z', '2026-01-09T23:00:00Z', 'cron 0 23 * * * UTC');
    expect(decided({ memory: before, ready: false })).toEqual({
      kind: 'begin',
      memory: { timetable: nightly.text, since: noon, last: before.last },
      until: ms('2026-01-16T02:00:00Z'),
    });
  });

  test('what a clock that ran ahead has left is not waited for', () => {
    expect(decided({ memory: memory('2027-01-01T00:00:00Z') })).toMatchObject({
      kind: 'begin',
      memory: { since: noon },
    });
    // A few minutes are two clocks that differ.
    expect(decided({ memory: memory('2026-01-15T12:05:00Z') })).toEqual({
      kind: 'wait',
      until: ms('2026-01-16T02:00:00Z'),
    });
  });
});

describe('a time that has come', () => {
  test('is made a run for, and the next is of the day after', () => {
    expect(decided()).toEqual({
      kind: 'make',
      at: two,
      replaces: [],
      memory: { timetable: nightly.text, since: noon, last: two },
      until: ms('2026-01-16T02:00:00Z'),
    });
  });

  test('of a week that was missed, the latest alone', () => {
    expect(decided({ memory: memory('2026-01-08T00:00:00Z') })).toMatchObject({ kind: 'make', at: two });
  });

  test.each([
    [two - 1, 'wait'],
    [two, 'make'],
    [two + 999, 'make'],
  ])('to the millisecond: %d', (now, kind) => {
    expect(decided({ now }).kind).toBe(kind);
  });

  test.each([
    [60, 60_000, 'make'],
    [60, 60_001, 'missed'],
    [36_000, noon - two, 'make'],
  ])('within a deadline of %d s, %d ms late: %s', (seconds, late, kind) => {
    expect(decided({ now: two + late, deadlineMs: seconds * 1_000 }).kind).toBe(kind);
  });

  test('one that is missed is missed once', () => {
    const missed = decided({ deadlineMs: 60_000 });
    expect(missed).toEqual({
      kind: 'missed',
      at: two,
      memory: { timetable: nightly.text, since: noon, last: ms('2026-01-14T02:00:00Z') },
      until: ms('2026-01-16T02:00:00Z'),
    });
    const { memory: after } = missed as Extract<Decision, { kind: 'missed' }>;
    expect(decided({ memory: after, deadlineMs: 60_000 })).toEqual({
      kind: 'wait',
      until: ms('2026-01-16T02:00:00Z'),
    });
  });
});

describe('while a run is under way', () => {
  const active = [run('main-1'), run('main-2')];

  test('Forbid: the time is held until it ends, and then made up for, within the deadline', () => {
    expect(decided({ active })).toEqual({
      kind: 'held',
      at: two,
      by: active[0],
      until: ms('2026-01-16T02:00:00Z'),
    });
    expect(decided({ active: [] })).toMatchObject({ kind: 'make', at: two });
    expect(decided({ active, deadlineMs: 60_000 })).toMatchObject({ kind: 'missed', at: two });
  });

  test('Allow: another one beside it', () => {
    expect(decided({ active, policy: 'Allow' })).toMatchObject({ kind: 'make', at: two, replaces: [] });
  });

  test('Replace: it goes, and so does every other', () => {
    expect(decided({ active, policy: 'Replace' })).toMatchObject({ kind: 'make', at: two, replaces: active });
  });

  test('and nothing is due: it is left alone', () => {
    const after = memory('2026-01-15T02:00:01Z', '2026-01-15T02:00:00Z');
    expect(decided({ active, policy: 'Replace', memory: after })).toMatchObject({ kind: 'wait' });
  });
});

describe('killed between the run and the note of it', () => {
  test.each(['Forbid', 'Allow', 'Replace'] as const)(
    '%s: the run that is there is noted, whether it has ended or not, and none is made',
    (policy) => {
      for (const active of [[], [run('main-1')]]) {
        expect(decided({ policy, active, made: two })).toEqual({
          kind: 'note',
          memory: { timetable: nightly.text, since: noon, last: two },
          until: ms('2026-01-16T02:00:00Z'),
        });
      }
    },
  );

  test('also when it is too late by then', () => {
    expect(decided({ made: two, deadlineMs: 60_000 })).toMatchObject({ kind: 'note' });
  });

  test('the run of the day before is not the one', () => {
    expect(decided({ made: ms('2026-01-14T02:00:00Z') })).toMatchObject({ kind: 'make', at: two });
  });

  test('nor is one of a clock that ran ahead', () => {
    expect(decided({ made: ms('2026-02-01T02:00:00Z') })).toMatchObject({ kind: 'make', at: two });
  });
});

/** Follows a timetable for so many days, looking at every time that it asks to be looked at. */
function followed(timetable: Timetable, days: number, facts: Partial<ScheduleFacts> = {}): number[] {
  const made: number[] = [];
  let kept: Memory | undefined;
  let now = noon;
  const end = noon + days * 86_400_000;
  while (now <= end) {
    const decision = decided({ timetable, memory: kept, now, made: made.at(-1), ...facts });
    if (decision.kind === 'make') {
      made.push(decision.at);
    }
    if ('memory' in decision) {
      kept = decision.memory;
    }
    expect(decision.until).toBeGreaterThan(now);
    now = decision.until ?? Number.POSITIVE_INFINITY;
  }
  return made;
}

test('over thirty days: a run each night, each once', () => {
  const expected = Array.from({ length: 30 }, (_, day) => ms('2026-01-16T02:00:00Z') + day * 86_400_000);
  expect(followed(nightly, 30)).toEqual(expected);
});

test('over ten days: an interval of an hour, each within a tenth of it, the first within five minutes', () => {
  const made = followed(hourly, 10);
  const [first = 0] = made;
  expect(first - noon).toBeGreaterThan(0);
  expect(first - noon).toBeLessThanOrEqual(300_000);
  const gaps = made.slice(1).map((at, index) => at - (made[index] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3_240_000 - 1_000);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(3_960_000 + 1_000);
  expect(new Set(gaps).size).toBeGreaterThan(100);
  expect(made.length).toBeGreaterThan(225);
  expect(followed(hourly, 10)).toEqual(made);
});

test('an interval that nobody looked at for three days is one run', () => {
  const kept = memory('2026-01-12T12:00:00Z', '2026-01-12T11:59:00Z', hourly.text);
  const decision = decided({ timetable: hourly, memory: kept });
  expect(decision).toMatchObject({ kind: 'make', memory: { since: noon } });
  const { at } = decision as Extract<Decision, { kind: 'make' }>;
  expect(noon - at).toBeLessThan(3_600_000);
  expect(at).toBeLessThanOrEqual(noon);
});
