import { expect, test } from '@jest/globals';
import type { Pacer } from '../../../src/aws/index.ts';
import { trailPacers } from '../../../src/connection/index.ts';
import { FakeClock } from '../fake-clock.ts';

const { signal } = new AbortController();

/** Calls without a pause until `count` were made in all; when each began. */
async function hurry(clock: FakeClock, pacers: readonly Pacer[], count: number): Promise<number[]> {
  const starts: number[] = [];
  const work = async (pacer: Pacer): Promise<void> => {
    while (starts.length < count) {
      const release = await pacer.acquire('background', signal);
      starts.push(clock.now());
      release('ok');
    }
  };
  const workers = Promise.all(pacers.map(work));
  await clock.advance(count * 1_000);
  await workers;
  return starts;
}

const mostInASecond = (starts: readonly number[]): number =>
  Math.max(...starts.map((at) => starts.filter((other) => other >= at && other < at + 1_000).length));

test('C13: two connections on one AWS account make at most two calls a second to CloudTrail together', async () => {
  const clock = new FakeClock();
  const shared = trailPacers(clock);
  const one = shared.under(() => '111111111111/us-east-1');
  const other = shared.under(() => '111111111111/us-east-1');
  const starts = await hurry(clock, [one, other, one], 40);
  expect(mostInASecond(starts)).toBe(2);
  // And no slower than that.
  expect((starts[39] ?? 0) - (starts[0] ?? 0)).toBeLessThanOrEqual(20_000);
});

test('other accounts and other regions have a pace of their own', async () => {
  const clock = new FakeClock();
  const shared = trailPacers(clock);
  const pacers = ['1/us-east-1', '2/us-east-1', '1/us-gov-west-1'].map((name) => shared.under(() => name));
  const starts = await hurry(clock, pacers, 30);
  expect(mostInASecond(starts)).toBe(6);
});

test('a person’s question goes before the pages of a run, also through another connection', async () => {
  const clock = new FakeClock();
  const shared = trailPacers(clock);
  const [run, person] = [shared.under(() => 'a'), shared.under(() => 'a')];
  const order: string[] = [];
  const ask = async (pacer: Pacer, who: 'background' | 'interactive'): Promise<void> => {
    const release = await pacer.acquire(who, signal);
    order.push(who);
    release('ok');
  };
  const all = [
    ask(run, 'background'),
    ask(run, 'background'),
    ask(run, 'background'),
    ask(person, 'interactive'),
  ];
  await clock.advance(5_000);
  await Promise.all(all);
  expect(order).toEqual(['background', 'interactive', 'background', 'background']);
});

test('what AWS throttles slows everybody down who shares the limit', async () => {
  const clock = new FakeClock();
  const shared = trailPacers(clock);
  const [one, other] = [shared.under(() => 'a'), shared.under(() => 'a')];
  (await one.acquire('background', signal))('throttled');
  const starts = await hurry(clock, [other], 10);
  expect((starts[9] ?? 0) - (starts[0] ?? 0)).toBeGreaterThan(6_000);
});

test('a wait that is broken off takes no place', async () => {
  const clock = new FakeClock();
  const pacer = trailPacers(clock).under(() => 'a');
  (await pacer.acquire('background', signal))('ok');
  const stop = new AbortController();
  const waiting = pacer.acquire('background', stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  const next = pacer.acquire('background', signal);
  await clock.advance(500);
  (await next)('ok');
});
