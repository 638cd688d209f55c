import { expect, test } from '@jest/globals';
import { Expiring } from '../../../../operator/http/frame/expiring.ts';
import { Buckets, Places } from '../../../../operator/http/frame/limits.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';

test('a bucket gives its burst at once, then one for each of its seconds, to each name on its own', async () => {
  const clock = new FakeClock();
  const buckets = new Buckets({ clock, rate: { burst: 2, perSecond: 0.5 } });
  expect([buckets.take('a'), buckets.take('a'), buckets.take('a')]).toEqual([0, 0, 2]);
  expect(buckets.take('b')).toBe(0);
  await clock.advance(1_000);
  expect(buckets.take('a')).toBe(1);
  await clock.advance(1_000);
  expect([buckets.take('a'), buckets.take('a')]).toEqual([0, 2]);
  await clock.advance(3_600_000);
  expect([buckets.take('a'), buckets.take('a'), buckets.take('a')]).toEqual([0, 0, 2]);
});

test('places are as many as there are, of each name, and each is given back once', () => {
  const places = new Places({ most: 2 });
  const [first, second] = [places.take('a'), places.take('a')];
  expect(places.take('a')).toBeUndefined();
  expect(places.take('b')).toBeDefined();
  first?.();
  first?.();
  expect(places.take('a')).toBeDefined();
  expect(places.take('a')).toBeUndefined();
  second?.();
  expect(places.take('a')).toBeDefined();
});

test('what expires is gone at its time, and the oldest when there is too much', async () => {
  const clock = new FakeClock();
  const memory = new Expiring<number>({ clock, limit: 2 });
  memory.set('a', 1, 1_000);
  memory.set('b', 2, 2_000);
  await clock.advance(999);
  expect([memory.get('a'), memory.get('b')]).toEqual([1, 2]);
  await clock.advance(1);
  expect([memory.get('a'), memory.get('b')]).toEqual([undefined, 2]);
  memory.set('c', 3, 1_000);
  memory.set('b', 4, 1_000);
  memory.set('d', 5, 1_000);
  expect([memory.get('c'), memory.get('b'), memory.get('d')]).toEqual([undefined, 4, 5]);
});
