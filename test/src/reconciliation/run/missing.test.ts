import { describe, expect, test } from '@jest/globals';
import { decodeBaseline } from '../../../../src/reconciliation/baseline.ts';
import type { Change, TrailCursor } from '../../../../src/reconciliation/index.ts';
import { RunDesk, user } from './desk.ts';

const [jo, sam, kim] = [user('A', 'jo'), user('B', 'sam'), user('C', 'kim')];

async function reconciled(): Promise<RunDesk> {
  const desk = new RunDesk();
  desk.users = [jo, sam, kim];
  await desk.run({ uid: 'first' });
  desk.steps.length = 0;
  return desk;
}

describe('C12: a known user that a whole reading lacks', () => {
  test('is deleted where a listing of its own lacks it too', async () => {
    const desk = await reconciled();
    desk.users = [jo, sam];
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual(['Deleted kim']);
    expect(desk.steps.filter((step) => step === 'listUnder')).toHaveLength(1);
    expect(desk.steps).not.toContain('readUsers');
  });

  test('was between two pages where that shows it, under another name perhaps', async () => {
    const desk = await reconciled();
    const renamed = user('C', 'a-kim');
    desk.users = [jo, sam];
    desk.listed = [jo, sam, renamed];
    desk.live = {
      users: [{ user: renamed, edges: true, credentials: undefined }],
      deleted: [],
      unknown: [],
    };
    expect(await desk.run({ uid: 'run-2' })).toMatchObject({
      kind: 'complete',
      summary: { counts: { read: 3, deleted: 0, changed: 1, unchanged: 2 } },
    });
    expect(desk.told()).toEqual(['Changed a-kim (kim) name']);
  });

  test('makes the reading incomplete where it is listed and cannot be read', async () => {
    const desk = await reconciled();
    desk.users = [jo, sam];
    desk.listed = [jo, sam, kim];
    desk.live = { users: [], deleted: [], unknown: [{ userId: 'C', userName: 'kim', message: 'no' }] };
    await expect(desk.run({ uid: 'run-2' })).rejects.toThrow('nothing is taken for deleted');
    expect(desk.reports).toHaveLength(1);
  });

  test('is deleted where it went between the two', async () => {
    const desk = await reconciled();
    desk.users = [jo, sam];
    desk.listed = [jo, sam, kim];
    desk.live = { users: [], deleted: [{ userId: 'C', userName: 'kim' }], unknown: [] };
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual(['Deleted kim']);
  });

  test('costs nothing where nobody is missing', async () => {
    const desk = await reconciled();
    await desk.run({ uid: 'run-2' });
    expect(desk.steps).not.toContain('listUnder');
  });
});

describe('CloudTrail is followed after a full run', () => {
  const report = (asOf: number) => ({ A: { asOf, console: true, mfa: false, keys: [] } });
  const cursorOf = (desk: RunDesk): TrailCursor | undefined =>
    desk.baseline === undefined ? undefined : decodeBaseline(desk.baseline).cursors.Account;
  /** All but credentials was read when the run began. */
  const cursor = (desk: RunDesk, credentials: number): TrailCursor => ({
    at: desk.nowMs,
    from: Math.min(desk.nowMs - 60_000, credentials),
    seen: [],
    read: { at: desk.nowMs, credentials },
  });

  test('from its beginning where there is no credential report', async () => {
    const desk = await reconciled();
    expect(cursorOf(desk)).toEqual(cursor(desk, desk.nowMs));
  });

  test('from the credential report on, whose changes it does not know yet', async () => {
    const desk = new RunDesk();
    desk.users = [jo];
    desk.credentials = report(desk.nowMs - 5_000);
    await desk.run();
    expect(cursorOf(desk)).toEqual(cursor(desk, desk.nowMs - 5_000));
  });

  test('from where it was followed to, where that is later', async () => {
    const desk = await reconciled();
    desk.nowMs += 1_000;
    desk.credentials = report(desk.nowMs - 5_000);
    await desk.run({ uid: 'run-2' });
    expect(cursorOf(desk)).toEqual(cursor(desk, desk.nowMs - 1_000));
  });

  test('from where it was followed to, where the report does not tell of everybody: who was renamed since', async () => {
    const desk = new RunDesk();
    desk.users = [jo, sam];
    await desk.run({ uid: 'first' });
    const at = desk.nowMs;
    desk.nowMs += 100_000;
    desk.credentials = report(desk.nowMs - 5_000);
    await desk.run({ uid: 'run-2' });
    expect(cursorOf(desk)).toEqual(cursor(desk, at));
    // Who is new is not in it either, and what was done to it is all newer.
    desk.users = [jo, { ...sam, createdAt: desk.nowMs }];
    await desk.run({ uid: 'run-3' });
    expect(cursorOf(desk)).toEqual(cursor(desk, desk.nowMs - 5_000));
  });

  test('from its beginning where there was too much to follow', async () => {
    const desk = await reconciled();
    desk.nowMs += 1_000;
    desk.credentials = report(desk.nowMs - 5_000);
    desk.trail = { kind: 'fallback', reason: 'TooMuchBacklog', message: 'much' };
    await desk.run({ uid: 'run-2', mode: 'Incremental' });
    expect(cursorOf(desk)).toEqual(cursor(desk, desk.nowMs));
  });

  test('from the report on where the earlier cursor is of the future', async () => {
    const desk = await reconciled();
    desk.nowMs -= 100_000;
    desk.credentials = report(desk.nowMs - 5_000);
    await desk.run({ uid: 'run-2' });
    expect(cursorOf(desk)).toEqual(cursor(desk, desk.nowMs - 5_000));
  });
});

test('a report tells no credentials that are older than what is known of them', async () => {
  const desk = new RunDesk();
  desk.users = [jo];
  desk.credentials = { A: { asOf: 9, console: true, mfa: false, keys: [] } };
  await desk.run({ uid: 'first' });
  const recordTold = () => (JSON.parse(desk.reports.at(-1)?.lines[0] ?? '') as Change).record;
  expect(recordTold()).toMatchObject({ credentials: { asOf: 9 } });
  desk.users = [{ ...jo, path: '/sales/' }];
  desk.credentials = { A: { asOf: 8, console: false, mfa: false, keys: [] } };
  await desk.run({ uid: 'run-2' });
  expect(desk.told()).toEqual(['Changed jo path']);
  expect(recordTold()).toMatchObject({ path: '/sales/' });
  expect(recordTold()).not.toHaveProperty('credentials.asOf');
});
