import { expect, test } from '@jest/globals';
import { Lanes } from '../../../../operator/controllers/reconciliation/lanes.ts';

const ticket = (uid: string, lane = 'ns/aws ') => ({ lane, uid });

test('one at a time, and those that were told to wait are called when its turn is over', () => {
  const lanes = new Lanes();
  expect(lanes.enter(ticket('a'), [])).toBeUndefined();
  expect(lanes.enter(ticket('b'), [])).toBe('a');
  expect(lanes.enter(ticket('c'), ['b'])).toBe('a');
  expect(lanes.leave(ticket('a'))).toEqual(['b', 'c']);
  expect(lanes.enter(ticket('c'), ['b'])).toBe('b');
  expect(lanes.enter(ticket('b'), [])).toBeUndefined();
  expect(lanes.leave(ticket('b'))).toEqual(['c']);
  expect(lanes.enter(ticket('c'), [])).toBeUndefined();
});

test('another connection or scope is another lane', () => {
  const lanes = new Lanes();
  expect(lanes.enter(ticket('a'), [])).toBeUndefined();
  expect(lanes.enter(ticket('b', 'ns/other '), [])).toBeUndefined();
});

test('an older one goes first, also when a younger one looks first', () => {
  const lanes = new Lanes();
  expect(lanes.enter(ticket('young'), ['old'])).toBe('old');
  expect(lanes.enter(ticket('old'), [])).toBeUndefined();
  expect(lanes.leave(ticket('old'))).toEqual(['young']);
});

test('an older one that failed, or waits for something else, stands in nobody’s way', () => {
  const lanes = new Lanes();
  expect(lanes.enter(ticket('young'), ['old'])).toBe('old');
  expect(lanes.leave(ticket('old'))).toEqual(['young']);
  expect(lanes.enter(ticket('young'), ['old'])).toBeUndefined();
  expect(lanes.enter(ticket('old'), [])).toBe('young');
});

test('two that fail in turn do not call each other', () => {
  const lanes = new Lanes();
  lanes.enter(ticket('a'), []);
  lanes.enter(ticket('b'), ['a']);
  expect(lanes.leave(ticket('a'))).toEqual(['b']);
  expect(lanes.enter(ticket('b'), ['a'])).toBeUndefined();
  expect(lanes.leave(ticket('b'))).toEqual([]);
  expect(lanes.enter(ticket('a'), [])).toBeUndefined();
  expect(lanes.leave(ticket('a'))).toEqual([]);
});

test('one that is gone lets the others go', () => {
  const lanes = new Lanes();
  expect(lanes.enter(ticket('young'), ['old'])).toBe('old');
  expect(lanes.forget(ticket('old'))).toEqual(['young']);
  expect(lanes.enter(ticket('young'), [])).toBeUndefined();
});

test('who holds the lane may enter it again', () => {
  const lanes = new Lanes();
  expect(lanes.enter(ticket('a'), [])).toBeUndefined();
  expect(lanes.enter(ticket('a'), [])).toBeUndefined();
});
