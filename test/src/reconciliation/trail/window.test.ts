import { describe, expect, test } from '@jest/globals';
import { AwsError } from '../../../../src/aws/index.ts';
import { readWindow, type Window } from '../../../../src/reconciliation/trail/window.ts';
import { answering } from '../../answering.ts';
import { day, minute, signal, stage } from './stage.ts';

const until = Date.UTC(2026, 0, 1, 12);
const noCursor = { seen: [] };

interface Asked {
  readonly StartTime?: Date | undefined;
  readonly EndTime?: Date | undefined;
  readonly LookupAttributes?: unknown;
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

const tagged = (id: number) => ({
  EventId: `e${id}`,
  EventName: 'TagUser',
  EventSource: 'iam.amazonaws.com',
  EventTime: new Date(until - minute),
  CloudTrailEvent: JSON.stringify({ requestParameters: { userName: `u${id}` } }),
});

/** Answers pages by their token; what is thrown is thrown once. */
function pagedTrail(pages: readonly (readonly number[])[], faults: Partial<Record<number, AwsError>> = {}) {
  const asked: Asked[] = [];
  const left = { ...faults };
  const api = answering({
    LookupEvents: (input) => {
      asked.push(input);
      const page = Number(input.NextToken ?? 0);
      const fault = left[page];
      if (fault !== undefined) {
        delete left[page];
        throw fault;
      }
      const more = page + 1 < pages.length;
      return { Events: pages[page]?.map(tagged), ...(more ? { NextToken: String(page + 1) } : {}) };
    },
  });
  return { api, asked };
}

const fault = (code: string, kind: AwsError['kind'] = 'invalid'): AwsError =>
  new AwsError({ kind, operation: 'LookupEvents', code, message: 'no' });

const read = (api: Parameters<typeof readWindow>[0], at = until - 60 * minute) =>
  readWindow(api, { cursor: { at, ...noCursor }, until, signIns: true, signal });

const ids = (window: unknown): readonly string[] => (window as Window).events.map(({ id }) => id);

describe('C13: the window', () => {
  test('is fixed at both ends for all its pages, begins before the last run, and leaves reads out', async () => {
    const { api, asked } = pagedTrail([[1, 2], [], [3]]);
    const window = await read(api);
    expect(ids(window)).toEqual(['e1', 'e2', 'e3']);
    expect(window).toMatchObject({ pages: 3 });
    const same = {
      StartTime: new Date(until - 90 * minute),
      EndTime: new Date(until),
      LookupAttributes: [{ AttributeKey: 'ReadOnly', AttributeValue: 'false' }],
      MaxResults: 50,
    };
    expect(asked).toEqual([same, { ...same, NextToken: '1' }, { ...same, NextToken: '2' }]);
  });

  test('is read again from its beginning where its token is good no more; each event is once in it', async () => {
    const { api, asked } = pagedTrail([[1, 2], [2, 3], [4]], { 2: fault('InvalidNextToken') });
    const window = await read(api);
    expect(ids(window)).toEqual(['e1', 'e2', 'e3', 'e4']);
    expect(window).toMatchObject({ pages: 6 });
    expect(
      new Set(asked.map(({ StartTime, EndTime }) => `${StartTime?.getTime()}-${EndTime?.getTime()}`)).size,
    ).toBe(1);
    expect(asked.map(({ NextToken }) => NextToken)).toEqual([undefined, '1', '2', undefined, '1', '2']);
  });

  test('is given up where tokens never hold', async () => {
    const api = answering({
      LookupEvents: ({ NextToken }) => {
        if (NextToken !== undefined) {
          throw fault('InvalidNextToken');
        }
        return { NextToken: 'a' };
      },
    });
    await expect(read(api)).rejects.toThrow('InvalidNextToken');
  });

  test('that has the same token twice is a fault, not an endless loop', async () => {
    await expect(read(answering({ LookupEvents: () => ({ NextToken: 'a' }) }))).rejects.toThrow(
      'no new token',
    );
  });

  test('of more than 200 pages is too much', async () => {
    const full = pagedTrail(Array.from({ length: 200 }, (_, page) => [page]));
    expect(ids(await read(full.api))).toHaveLength(200);
    const { api, asked } = pagedTrail(Array.from({ length: 201 }, (_, page) => [page]));
    const window = await read(api);
    expect(window).toMatchObject({ kind: 'fallback', reason: 'TooMuchBacklog' });
    expect(window).toHaveProperty('message', expect.stringContaining('more than 10000 changes'));
    expect(asked).toHaveLength(200);
  });

  test('of 120 days is not asked for: CloudTrail keeps 90', async () => {
    const window = await read(answering({}), until - 120 * day);
    expect(window).toMatchObject({ kind: 'fallback', reason: 'CursorTooOld' });
    expect(window).toHaveProperty('message', expect.stringContaining('120 days ago'));
    expect(await read(pagedTrail([[]]).api, until - 89 * day)).toMatchObject({ kind: 'window' });
  });

  test('from the future is not asked for', async () => {
    expect(await read(answering({}), until + day)).toMatchObject({ kind: 'fallback', reason: 'CursorAhead' });
    // AWS's clock is known to the second.
    const { api, asked } = pagedTrail([[]]);
    await read(api, until + 1_000);
    expect(asked[0]).toMatchObject({ StartTime: new Date(until - 30 * minute), EndTime: new Date(until) });
  });

  test('nobody may read is said; any other fault is no answer', async () => {
    const denied = pagedTrail([[1]], { 0: fault('AccessDenied', 'accessDenied') });
    expect(await read(denied.api)).toMatchObject({ kind: 'fallback', reason: 'NoTrailRight' });
    const broken = pagedTrail([[1], [2]], { 1: fault('InternalFailure', 'service') });
    await expect(read(broken.api)).rejects.toThrow('InternalFailure');
  });
});

test('C13: 5,000 events, throttled on every third call: all once, at most two calls a second', async () => {
  const { api, clock, control, iam, records } = await stage({ accounts: [{ users: 1 }] });
  const password = 'Correct-horse-1';
  await iam.createLoginProfile({ UserName: 'user-00001', Password: password });
  clock.advance(minute);
  for (let index = 0; index < 5_000; index += 1) {
    await control.signIn('user-00001', password);
  }
  clock.advance(minute);
  const error = { code: 'ThrottlingException' };
  await control.fault(
    ...Array.from({ length: 80 }, (_, index) => ({ operation: 'LookupEvents', error, after: 2 * index + 2 })),
  );
  const now = clock.now();
  const window = await readWindow(api, { cursor: { at: now, seen: [] }, until: now, signIns: true, signal });
  expect(ids(window)).toHaveLength(5_001);
  expect(new Set(ids(window)).size).toBe(5_001);
  const lookups = records.filter(({ operation }) => operation === 'LookupEvents');
  expect(window).toMatchObject({ pages: 101 });
  // Two answered, one refused, to the end.
  expect(lookups).toHaveLength(151);
  expect(lookups.filter(({ outcome }) => outcome === 'throttled')).toHaveLength(50);
  const { startTimes } = await control.calls();
  const starts = startTimes.slice(-lookups.length);
  const most = Math.max(
    ...starts.map((at) => starts.filter((other) => other >= at && other < at + 1_000).length),
  );
  expect(most).toBeLessThanOrEqual(2);
});
