import { describe, expect, test } from '@jest/globals';
import {
  clearedIn,
  confirmedIn,
  droppedIn,
  emptyQueue,
  gapTakenIn,
  missedIn,
  nextIn,
  readQueue,
  stagedIn,
  sweptIn,
  takenIn,
  unstagedIn,
  waiting,
  writeQueue,
  type Entry,
  type PushQueue,
} from '../../../../operator/controllers/push/queue.ts';

const bounds = { runs: 3, changes: 100 };

function entry(uid: string, changes = 10, more: Partial<Entry> = {}): Entry {
  return {
    uid,
    run: `team/${uid}`,
    scope: 'all',
    startedAt: '2026-01-15T12:00:00.000Z',
    changes,
    next: 0,
    queuedAt: 0,
    ...more,
  };
}

/** Runs that are complete, in their order. */
function queueOf(...entries: readonly Entry[]): PushQueue {
  return entries.reduce((queue, each) => confirmedIn(stagedIn(queue, each), each.uid, 1, bounds), emptyQueue);
}

const uids = (entries: readonly Entry[]): string[] => entries.map(({ uid }) => uid);

describe('the list', () => {
  test('a run waits until it is complete, and then comes after all that were before', () => {
    const staged = stagedIn(stagedIn(emptyQueue, entry('one')), entry('two'));
    expect(nextIn(staged)).toEqual({ kind: 'nothing' });
    const queue = confirmedIn(confirmedIn(staged, 'two', 5, bounds), 'one', 6, bounds);
    expect(uids(queue.ready)).toEqual(['two', 'one']);
    expect(queue.ready.map(({ queuedAt }) => queuedAt)).toEqual([5, 6]);
    expect(queue.staged).toEqual([]);
    expect(nextIn(queue)).toMatchObject({ kind: 'changes', entry: { uid: 'two' } });
  });

  test('another try of a run takes the place of the one before', () => {
    const queue = stagedIn(stagedIn(emptyQueue, entry('one', 3)), entry('one', 5, { next: 2, queuedAt: 9 }));
    expect(queue.staged).toEqual([entry('one', 5)]);
  });

  test.each<[string, (queue: PushQueue) => PushQueue]>([
    ['confirmed again', (queue) => confirmedIn(queue, 'one', 9, bounds)],
    ['confirmed, and never staged', (queue) => confirmedIn(queue, 'nobody', 9, bounds)],
    ['not staged any more', (queue) => unstagedIn(queue, 'one')],
    ['dropped, and not there', (queue) => droppedIn(queue, 'nobody', 9)],
    ['cleared, and nothing is over', (queue) => clearedIn(queue, () => false)],
    ['swept of nothing', (queue) => sweptIn(queue, [])],
    ['told of a gap that is not there', (queue) => gapTakenIn(queue, 7)],
  ])('%s: is the very same, and need not be written', (_what, change) => {
    const queue = queueOf(entry('one'));
    expect(change(queue)).toBe(queue);
  });

  test('what was taken does not come again, and never goes back', () => {
    const queue = takenIn(takenIn(queueOf(entry('one'), entry('two')), 'one', 4), 'one', 2);
    expect(nextIn(queue)).toMatchObject({ entry: { uid: 'one', next: 4 } });
    expect(waiting(queue)).toBe(16);
    const done = takenIn(queue, 'one', 99);
    expect(nextIn(done)).toMatchObject({ entry: { uid: 'two' } });
    expect(waiting(done)).toBe(10);
  });

  test('a run whose changes were taken stays until it has ended', () => {
    const queue = takenIn(takenIn(queueOf(entry('one'), entry('two')), 'one', 10), 'two', 10);
    const cleared = clearedIn(queue, ({ uid }) => uid === 'two');
    expect(uids(cleared.ready)).toEqual(['two']);
    expect(cleared.trash).toEqual(['one']);
    expect(sweptIn(cleared, ['one']).trash).toEqual([]);
    // Confirmed once more by a try that comes again, it is known to be done.
    expect(nextIn(confirmedIn(cleared, 'two', 9, bounds))).toEqual({ kind: 'nothing' });
  });

  test('a run that did not become complete is not sent, and what was kept of it goes', () => {
    const queue = unstagedIn(stagedIn(emptyQueue, entry('one')), 'one');
    expect(queue).toEqual({ ...emptyQueue, trash: ['one'] });
    // Made again after all, it is kept.
    expect(stagedIn(queue, entry('one')).trash).toEqual([]);
  });
});

describe('bounds', () => {
  test('too many runs: the oldest goes, and that is told before all that comes after', () => {
    const queue = queueOf(entry('one', 4), entry('two', 5), entry('three', 6), entry('four', 7));
    expect(uids(queue.ready.filter(({ next, changes }) => next < changes))).toEqual(['two', 'three', 'four']);
    expect(queue.dropped).toBe(4);
    expect(nextIn(queue)).toEqual({ kind: 'gap', gap: { runs: 1, changes: 4, at: 1, total: 4 } });
    const told = gapTakenIn(queue, 4);
    expect(nextIn(told)).toMatchObject({ kind: 'changes', entry: { uid: 'two' } });
    expect(told.dropped).toBe(4);
  });

  test('too many changes: as many of the oldest as it takes, never the newest', () => {
    const queue = queueOf(entry('one', 60), entry('two', 30), entry('three', 40));
    expect(queue.gap).toEqual({ runs: 1, changes: 60, at: 1, total: 60 });
    const huge = confirmedIn(stagedIn(queue, entry('four', 500)), 'four', 2, bounds);
    expect(nextIn(gapTakenIn(huge, huge.dropped))).toMatchObject({ entry: { uid: 'four' } });
    expect(huge.gap).toEqual({ runs: 3, changes: 130, at: 2, total: 130 });
  });

  test('what was taken of a run that goes is not missing', () => {
    const before = takenIn(queueOf(entry('one', 60), entry('two', 30)), 'one', 45);
    const queue = confirmedIn(stagedIn(before, entry('three', 80)), 'three', 2, bounds);
    expect(queue.gap).toMatchObject({ runs: 2, changes: 45 });
  });

  test('runs that were taken as a whole do not count', () => {
    const before = takenIn(queueOf(entry('one'), entry('two'), entry('three')), 'one', 10);
    expect(confirmedIn(stagedIn(before, entry('four')), 'four', 2, bounds).gap).toBeUndefined();
  });

  test('a gap that grew while it was told of is told of again', () => {
    const queue = missedIn(missedIn(emptyQueue, 5, 1), 7, 2);
    expect(queue.gap).toEqual({ runs: 2, changes: 12, at: 2, total: 12 });
    expect(gapTakenIn(queue, 5)).toBe(queue);
    expect(gapTakenIn(queue, 12).gap).toBeUndefined();
  });
});

describe('as it is kept', () => {
  test('is read as it was written', () => {
    const queue: PushQueue = {
      ...missedIn(queueOf(entry('one'), entry('two')), 3, 8),
      staged: [entry('three')],
      trash: ['four'],
      stopped: { address: 'a', asked: 'now', at: 3 },
    };
    expect(readQueue(writeQueue(queue))).toEqual(queue);
    expect(readQueue(writeQueue(emptyQueue))).toEqual(emptyQueue);
  });

  test('as many runs as may wait fit into a Secret', () => {
    const long = entry('12345678-1234-1234-1234-123456789012', 100, {
      run: `${'n'.repeat(63)}/${'r'.repeat(100)}`,
      scope: 'filter 0123456789abcdef',
    });
    const queue = { ...emptyQueue, ready: Array.from({ length: 1_000 }, () => long) };
    expect(writeQueue(queue).length).toBeLessThan(600_000);
  });

  test.each([
    'null',
    '{}',
    'x',
    '{"format":2}',
    '{"format":1,"ready":[{}]}',
    '{"format":1,"ready":3}',
    '{"format":1,"trash":"x"}',
    '{"format":1,"dropped":"x"}',
  ])('%s makes no sense', (text) => {
    expect(readQueue(text)).toBeUndefined();
  });
});
