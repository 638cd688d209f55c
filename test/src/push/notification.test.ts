import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { batchesOf, changesMessage, gapMessage, type Batch } from '../../../src/push/index.ts';

async function* shards(...lists: readonly (readonly string[])[]): AsyncGenerator<Buffer> {
  for (const lines of lists) {
    yield Buffer.from(lines.map((line) => `${line}\n`).join(''));
  }
}

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const found: Batch[] = [];
  for await (const batch of batches) {
    found.push(batch);
  }
  return found;
}

const line = (name: string): string => JSON.stringify({ resource: 'Account', change: 'Created', name });
const lines = (count: number): string[] => Array.from({ length: count }, (_, index) => line(`u${index}`));

describe('batches', () => {
  test.each<[string, readonly (readonly string[])[], number, object, readonly (readonly [number, number])[]]>(
    [
      ['none', [[]], 0, { changes: 3, bytes: 10_000 }, []],
      ['fewer than one has', [lines(2)], 0, { changes: 3, bytes: 10_000 }, [[0, 2]]],
      ['as many as one has', [lines(3)], 0, { changes: 3, bytes: 10_000 }, [[0, 3]]],
      [
        'one more',
        [lines(4)],
        0,
        { changes: 3, bytes: 10_000 },
        [
          [0, 3],
          [3, 1],
        ],
      ],
      [
        'over two shards',
        [lines(2), lines(3)],
        0,
        { changes: 3, bytes: 10_000 },
        [
          [0, 3],
          [3, 2],
        ],
      ],
      ['from the middle', [lines(2), lines(3)], 3, { changes: 3, bytes: 10_000 }, [[3, 2]]],
      ['from the end', [lines(3)], 3, { changes: 3, bytes: 10_000 }, []],
      [
        'by their size',
        [lines(3)],
        0,
        { changes: 3, bytes: line('u0').length * 2 },
        [
          [0, 2],
          [2, 1],
        ],
      ],
      [
        'what is too large goes alone',
        [[line('a'), line('b'.repeat(500)), line('c')]],
        0,
        { changes: 3, bytes: 200 },
        [
          [0, 1],
          [1, 1],
          [2, 1],
        ],
      ],
    ],
  )('%s', async (_what, lists, from, limits, expected) => {
    const found = await all(batchesOf(shards(...lists), from, limits as { changes: number; bytes: number }));
    expect(found.map(({ first, changes }) => [first, changes.length])).toEqual(expected);
    expect(found.flatMap(({ changes }) => changes)).toEqual(lists.flat().slice(from));
  });

  test('are the same again from the beginning of any of them, however the lines are cut into shards', async () => {
    const limits = { changes: 4, bytes: 300 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 30 }),
        async (sizes, cut) => {
          const given = sizes.map((size, index) => line(`${index}${'x'.repeat(size)}`));
          const whole = await all(batchesOf(shards(given), 0, limits));
          for (const [index, { first }] of whole.entries()) {
            const again = await all(batchesOf(shards(given.slice(0, cut), given.slice(cut)), first, limits));
            expect(again).toEqual(whole.slice(index));
          }
        },
      ),
      { seed: 20_260_115, numRuns: 100 },
    );
  });

  test('of as many changes as an account has users stay below what servers take', async () => {
    const record = { userName: 'x'.repeat(64), attributes: { street: 'y'.repeat(1_000) } };
    const given = Array.from({ length: 5_000 }, (_, index) =>
      JSON.stringify({ resource: 'Account', change: 'Created', id: `AIDA${index}`, name: 'x', record }),
    );
    const found = await all(batchesOf(shards(given), 0));
    expect(found.flatMap(({ changes }) => changes)).toHaveLength(5_000);
    for (const batch of found) {
      expect(changesMessage(source, batch, { queuedAt: 0, total: 5_000 }).body.length).toBeLessThan(100_000);
    }
  });
});

const source = {
  connection: 'team/aws',
  run: 'team/nightly',
  runId: '0b5f0c1e-1111-2222-3333-444455556666',
  account: '111122223333',
  mode: 'Full',
  filter: null,
  startedAt: '2026-01-15T12:00:00.000Z',
};

describe('notifications', () => {
  test('say of what the changes are, and carry an id each', () => {
    const batch = { first: 100, changes: [line('jo'), line('O"Brien\u2028')] };
    const { id, body } = changesMessage(source, batch, { queuedAt: Date.UTC(2026, 0, 15), total: 102 });
    expect(id).toBe(`${source.runId}-100`);
    expect(JSON.parse(body)).toEqual({
      type: 'reconciliation.changes',
      timestamp: '2026-01-15T00:00:00.000Z',
      data: {
        ...source,
        first: 100,
        total: 102,
        changes: [
          { notificationId: `${source.runId}-100`, resource: 'Account', change: 'Created', name: 'jo' },
          {
            notificationId: `${source.runId}-101`,
            resource: 'Account',
            change: 'Created',
            name: 'O"Brien\u2028',
          },
        ],
      },
    });
  });

  test('are the same on each try', () => {
    const batch = { first: 0, changes: [line('jo')] };
    const told = { queuedAt: 5, total: 1 };
    expect(changesMessage(source, batch, told)).toEqual(changesMessage(source, batch, told));
  });

  test('a gap says how much is missing; another gap has another id', () => {
    const from = { connection: 'team/aws', connectionId: 'c-1' };
    const one = gapMessage(from, { runs: 2, changes: 30, at: 0, total: 30 });
    expect(one.id).toBe('c-1-gap-30');
    expect(JSON.parse(one.body)).toEqual({
      type: 'reconciliation.gap',
      timestamp: '1970-01-01T00:00:00.000Z',
      data: { connection: 'team/aws', runs: 2, changes: 30 },
    });
    expect(gapMessage(from, { runs: 1, changes: 30, at: 0, total: 60 }).id).not.toBe(one.id);
  });

  test('no id has a full stop, which separates what is signed', () => {
    const { id } = changesMessage(source, { first: 0, changes: [line('a.b')] }, { queuedAt: 0, total: 1 });
    expect(id).not.toContain('.');
  });
});
