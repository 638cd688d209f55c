import { describe, expect, test } from '@jest/globals';
import { Desk } from './desk.ts';

const names = (run: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${run}-${index}`);

/** Two runs one after the other, with a batch and a bit each. */
async function desk(): Promise<Desk> {
  const made = await new Desk().start();
  made.finds = ({ metadata }) => names(metadata.name, 130);
  made.make('one', {}, '2026-01-15T11:00:00Z');
  made.make('two', {}, '2026-01-15T11:00:01Z');
  return made;
}

async function work(at: Desk): Promise<void> {
  await at.run('one');
  await at.push();
  await at.run('two');
  await at.push();
}

const survives = (work_: Promise<void>): Promise<boolean> =>
  work_.then(
    () => true,
    () => false,
  );

function expectInOrder(at: Desk, runs: readonly string[]): void {
  expect(at.names()).toEqual(runs.flatMap((run) => names(run, 130)));
  // A notification that came twice was the same.
  for (const bodies of at.bodies().values()) {
    expect(bodies.size).toBe(1);
  }
  // Nothing is left but the list.
  expect(at.kept()).toBe(1);
}

describe('killed after any call to the API server', () => {
  test('each change is sent, in order; what comes twice has the same id and the same body', async () => {
    let over = false;
    for (let calls = 0; !over; calls += 1) {
      const at = await desk();
      at.client.dieAfter(calls);
      over = await survives(work(at));
      at.restart();
      await at.settle();
      expectInOrder(at, ['one', 'two']);
      expect(['one', 'two'].map((run) => at.hasEnded(run))).toEqual([true, true]);
      expect(calls).toBeLessThan(300);
    }
  });

  test('killed twice', async () => {
    for (let calls = 3; calls < 70; calls += 7) {
      for (const more of [0, 1, 2, 3, 5, 8, 13, 21, 34]) {
        const at = await desk();
        at.client.dieAfter(calls);
        await survives(work(at));
        at.restart();
        at.client.dieAfter(more);
        await survives(at.settle());
        at.restart();
        await at.settle();
        expectInOrder(at, ['one', 'two']);
      }
    }
  });

  test('and the run deleted before the next process starts: sent if and only if it was committed', async () => {
    let over = false;
    const seen = { committed: 0, not: 0 };
    for (let calls = 0; !over; calls += 1) {
      const at = await desk();
      const one = at.client.store.get('awsreconciliations', { namespace: 'ns', name: 'one' });
      at.client.dieAfter(calls);
      over = await survives(at.run('one').then(() => undefined));
      at.restart();
      const committed = await at.isCommitted(one as never);
      seen[committed ? 'committed' : 'not'] += 1;
      at.delete('one');
      await at.settle();
      expectInOrder(at, committed ? ['one', 'two'] : ['two']);
      expect(calls).toBeLessThan(100);
    }
    expect(seen.committed).toBeGreaterThan(5);
    expect(seen.not).toBeGreaterThan(5);
  });

  test('the same with the next run of its scope before anything is sent: the order stays', async () => {
    let over = false;
    for (let calls = 0; !over; calls += 1) {
      const at = await desk();
      const one = at.client.store.get('awsreconciliations', { namespace: 'ns', name: 'one' });
      at.client.dieAfter(calls);
      over = await survives(at.run('one').then(() => undefined));
      at.restart();
      const committed = await at.isCommitted(one as never);
      at.delete('one');
      await at.run('two');
      await at.settle();
      expectInOrder(at, committed ? ['one', 'two'] : ['two']);
    }
  });

  test('a run that reports something else after a kill sends what was committed', async () => {
    let over = false;
    for (let calls = 0; !over; calls += 1) {
      const at = await new Desk().start();
      let tries = 0;
      at.finds = () => names(`try-${(tries += 1)}`, tries === 1 ? 3 : 2);
      const one = at.make('one');
      at.client.dieAfter(calls);
      over = await survives(at.run('one').then(() => undefined));
      at.restart();
      const first = await at.isCommitted(one);
      at.clock.ms += 1_000;
      await at.settle();
      expect(at.names()).toEqual(
        first || over ? names('try-1', 3) : names(`try-${tries}`, tries === 1 ? 3 : 2),
      );
    }
  });
});

test('deleted while it is at work: what is committed all the same is sent', async () => {
  const at = await desk();
  at.beforeCommit = async ({ metadata }) => {
    if (metadata.name === 'one') {
      at.delete('one');
      // Who sends looks at it in this very moment, and does not take it for lost.
      await at.push();
    }
  };
  await at.run('one').catch(() => undefined);
  await at.settle();
  expectInOrder(at, ['one', 'two']);
});
