import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WorkQueue, lowPriority, type QueueObserver } from '../../../operator/runtime/workqueue.ts';
import { FakeClock, settle } from './fake-clock.ts';

const keys = ['a', 'b', 'c', 'd'] as const;

const command = fc.oneof(
  fc.record({
    do: fc.constant('add' as const),
    key: fc.constantFrom(...keys),
    priority: fc.constantFrom(lowPriority, 0, 10),
    afterMs: fc.constantFrom(0, 0, 5, 50, 500),
  }),
  fc.record({ do: fc.constant('get' as const) }),
  fc.record({ do: fc.constant('done' as const), nth: fc.nat(3) }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 5, 50, 500) }),
);

/** What the queue should do, said in the simplest way: everything asked for, and when. */
interface Model {
  readonly wanted: Map<string, { priority: number; at: number; turn: number }>;
  readonly processing: Set<string>;
  turn: number;
}

function nextOf(model: Model, now: number): string | undefined {
  return [...model.wanted]
    .filter(([key, one]) => one.at <= now && !model.processing.has(key))
    .sort(([, a], [, b]) => b.priority - a.priority || a.turn - b.turn)[0]?.[0];
}

/** What was due gets its turn when it becomes due, in the order of time. */
function ripen(model: Model, before: number, now: number): void {
  const ripe = [...model.wanted.values()].filter((one) => one.at > before && one.at <= now);
  for (const one of ripe.sort((a, b) => a.at - b.at || a.turn - b.turn)) {
    one.turn = model.turn++;
  }
}

describe('work queue', () => {
  test('hands out as the model says: one flight a key, earliest time, highest priority', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        const clock = new FakeClock();
        const queue = new WorkQueue({ clock });
        const model: Model = { wanted: new Map(), processing: new Set(), turn: 0 };
        for (const one of commands) {
          const now = clock.monotonic();
          switch (one.do) {
            case 'add': {
              queue.add(one.key, one);
              const known = model.wanted.get(one.key);
              const at = now + one.afterMs;
              const turn = model.turn++;
              if (known === undefined) {
                model.wanted.set(one.key, { priority: one.priority, at, turn });
              } else {
                if (one.priority > known.priority || (known.at > now && at <= now)) {
                  known.turn = turn;
                }
                known.priority = Math.max(known.priority, one.priority);
                known.at = Math.min(known.at, at);
              }
              break;
            }
            case 'get': {
              const expected = nextOf(model, now);
              if (expected !== undefined) {
                const item = await queue.get();
                expect(item?.key).toBe(expected);
                expect(item?.priority).toBe(model.wanted.get(expected)?.priority);
                model.wanted.delete(expected);
                model.processing.add(expected);
              }
              break;
            }
            case 'done': {
              const key = [...model.processing][one.nth];
              if (key !== undefined) {
                queue.done(key);
                model.processing.delete(key);
              }
              break;
            }
            case 'advance':
              // Timers run in order without anything in between, as they do after a busy spell.
              for (let ms = 0; ms < one.ms; ms += 1) {
                const before = clock.monotonic();
                clock.freeze(1);
                clock.wake();
                ripen(model, before, clock.monotonic());
              }
              break;
          }
          const ready = [...model.wanted.values()].filter(({ at }) => at <= clock.monotonic());
          expect(queue.length).toBe(ready.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('what becomes due at one time goes in the order in which it was asked for', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('c', { priority: lowPriority, afterMs: 5 });
    queue.add('d', { afterMs: 5 });
    queue.add('a', { afterMs: 5 });
    clock.freeze(5);
    clock.wake();
    const order = [await queue.get(), await queue.get(), await queue.get()].map((item) => item?.key);
    expect(order).toEqual(['d', 'a', 'c']);
  });

  test('no key is lost and none runs twice at once, whatever many workers do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...keys), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        async (adds, workers) => {
          const clock = new FakeClock();
          const queue = new WorkQueue({ clock });
          const active = new Set<string>();
          /** Per key: the last add, and the last start. */
          const lastAdd = new Map<string, number>();
          const lastStart = new Map<string, number>();
          let tick = 0;
          const work = async (): Promise<void> => {
            for (let item = await queue.get(); item !== undefined; item = await queue.get()) {
              expect(active.has(item.key)).toBe(false);
              active.add(item.key);
              lastStart.set(item.key, tick++);
              await Promise.resolve();
              active.delete(item.key);
              queue.done(item.key);
            }
          };
          const all = Array.from({ length: workers }, work);
          for (const [index, key] of adds.entries()) {
            lastAdd.set(key, tick++);
            queue.add(key);
            if (index % 3 === 0) {
              await Promise.resolve();
            }
          }
          await settle();
          for (const [key, added] of lastAdd) {
            expect(lastStart.get(key)).toBeGreaterThan(added);
          }
          queue.shutDown();
          await Promise.all(all);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('adds while processing run once afterwards', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    const next = queue.get();
    let handed = false;
    void next.then(() => {
      handed = true;
    });
    await settle();
    expect(handed).toBe(false);
    queue.done('a');
    expect(await next).toEqual({ key: 'a', priority: 0 });
    queue.done('a');
    expect(queue.length).toBe(0);
  });

  test("a user's change overtakes a first listing of any size", async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    for (let index = 0; index < 5_000; index += 1) {
      queue.add(`listed-${index}`, { priority: lowPriority });
    }
    queue.add('listed-4999');
    queue.add('new');
    expect((await queue.get())?.key).toBe('listed-4999');
    expect((await queue.get())?.key).toBe('new');
    expect((await queue.get())?.key).toBe('listed-0');
  });

  test('an add with no delay ends a back-off, and a longer delay does not prolong one', async () => {
    const clock = new FakeClock();
    const queue = new WorkQueue({ clock });
    queue.add('a', { afterMs: 1_000_000 });
    queue.add('b', { afterMs: 100 });
    queue.add('b', { afterMs: 1_000 });
    queue.add('a');
    expect((await queue.get())?.key).toBe('a');
    await clock.advance(100);
    expect((await queue.get())?.key).toBe('b');
  });

  test('a shut-down queue gives nothing more, and wakes those who wait', async () => {
    const queue = new WorkQueue({ clock: new FakeClock() });
    const waiting = queue.get();
    queue.shutDown();
    queue.add('a');
    expect(await waiting).toBeUndefined();
    expect(await queue.get()).toBeUndefined();
  });

  test('tells its observer about depth, waiting and work', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const observer: QueueObserver = {
      added: () => seen.push('added'),
      retried: () => seen.push('retried'),
      depth: (priority, change) => seen.push(`depth ${priority} ${change}`),
      waited: (seconds) => seen.push(`waited ${seconds}`),
      worked: (seconds) => seen.push(`worked ${seconds}`),
    };
    const queue = new WorkQueue({ clock, observer });
    queue.add('a', { afterMs: 1_000, priority: lowPriority });
    await clock.advance(3_000);
    queue.add('a');
    await queue.get();
    await clock.advance(500);
    expect([...queue.running]).toEqual([3_000]);
    queue.done('a');
    expect(seen).toEqual([
      'retried',
      'added',
      'depth -100 1',
      'depth -100 -1',
      'depth 0 1',
      'depth 0 -1',
      'waited 2',
      'worked 0.5',
    ]);
  });
});
