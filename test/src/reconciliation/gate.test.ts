import { expect, test } from '@jest/globals';
import { ReadingGate } from '../../../src/reconciliation/index.ts';
import { settle } from '../fake-clock.ts';

const { signal } = new AbortController();

/** Who is inside, in the order of entering; each can be told to leave. */
function stage(places: number, troubled: number) {
  const gate = new ReadingGate({ places, troubled });
  const inside: string[] = [];
  const leave = new Map<string, () => void>();
  return {
    inside,
    enter: (name: string, isTroubled = false, until = signal) =>
      gate.enter(isTroubled, until).then((back) => {
        inside.push(name);
        leave.set(name, back);
      }),
    leave: async (name: string) => {
      leave.get(name)?.();
      await settle();
    },
  };
}

test('so many are let in at once, the others in the order in which they came', async () => {
  const { enter, inside, leave } = stage(2, 1);
  ['a', 'b', 'c', 'd'].forEach((name) => void enter(name));
  await settle();
  expect(inside).toEqual(['a', 'b']);
  await leave('b');
  expect(inside).toEqual(['a', 'b', 'c']);
  // A place that was given back is not given back again.
  await leave('b');
  expect(inside).toHaveLength(3);
  await leave('a');
  expect(inside).toEqual(['a', 'b', 'c', 'd']);
});

test('who had trouble has few places, and does not keep the others waiting', async () => {
  const { enter, inside, leave } = stage(3, 1);
  void enter('slow 1', true);
  void enter('slow 2', true);
  ['a', 'b', 'c'].forEach((name) => void enter(name));
  await settle();
  expect(inside).toEqual(['slow 1', 'a', 'b']);
  await leave('a');
  expect(inside).toEqual(['slow 1', 'a', 'b', 'c']);
  await leave('b');
  expect(inside).toHaveLength(4);
  await leave('slow 1');
  expect(inside.at(-1)).toBe('slow 2');
});

test('who does not wait any more does not get a place', async () => {
  const { enter, inside, leave } = stage(1, 1);
  const leaving = new AbortController();
  void enter('a');
  const left = enter('b', false, leaving.signal);
  void enter('c');
  leaving.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  await leave('a');
  expect(inside).toEqual(['a', 'c']);
  await expect(enter('d', false, leaving.signal)).rejects.toThrow('left');
});
