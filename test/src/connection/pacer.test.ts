import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Priority } from '../../../src/aws/index.ts';
import { AdaptivePacer } from '../../../src/connection/index.ts';
import { FakeClock, settle } from '../fake-clock.ts';

type Release = (outcome: 'ok' | 'throttled') => void;

const { signal } = new AbortController();

/** AWS's own limit: so many calls a second, so many at once, and a time that an answer takes. */
class ThrottledAws {
  readonly #clock: FakeClock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;
  answered = 0;
  throttled = 0;

  constructor(clock: FakeClock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = clock.now();
  }

  async call(latencyMs: number): Promise<'ok' | 'throttled'> {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1_000) * this.#perSecond);
    this.#at = now;
    const outcome = this.#tokens >= 1 ? 'ok' : 'throttled';
    if (outcome === 'ok') {
      this.#tokens -= 1;
      this.answered += 1;
    } else {
      this.throttled += 1;
    }
    await this.#clock.sleep(latencyMs);
    return outcome;
  }
}

/** A worker that calls without a pause, repeats what was throttled, and counts what it got done. */
async function work(
  pacer: AdaptivePacer,
  aws: ThrottledAws,
  priority: Priority,
  latencyMs: number,
  done: AbortSignal,
): Promise<void> {
  for (;;) {
    const release = await pacer.acquire(priority, done).catch(() => undefined);
    if (release === undefined) {
      return;
    }
    release(await aws.call(latencyMs));
  }
}

describe('against an AWS that allows so many calls a second', () => {
  test.each([
    ['quick answers', 10, 50, 10],
    ['slow answers', 10, 400, 10],
    ['no burst at all', 10, 50, 1],
    ['a large burst', 10, 50, 100],
    ['a very small limit', 2, 50, 2],
    ['a larger limit', 30, 50, 30],
  ])(
    '%s: in ten minutes less than 5 %% are throttled, and most of the limit is used',
    async (_, rate, latency, burst) => {
      const clock = new FakeClock();
      const aws = new ThrottledAws(clock, rate, burst);
      const pacer = new AdaptivePacer({ clock, maxInFlight: 10 });
      const stop = new AbortController();
      const workers = Array.from({ length: 20 }, () => work(pacer, aws, 'background', latency, stop.signal));
      await clock.advance(600_000);
      stop.abort();
      const { answered, throttled } = aws;
      const allowed = Math.min(600 * rate, (600 * 9_000) / latency);
      expect({ share: throttled / (answered + throttled) < 0.05, used: answered / allowed > 0.6 }).toEqual({
        share: true,
        used: true,
      });
      expect(pacer.stats.peakInFlight).toBeLessThanOrEqual(10);
      expect(pacer.stats.throttled).toBeGreaterThan(0);
      await clock.advance(10_000);
      await Promise.all(workers);
    },
  );

  test('the limit falls to a fifth for a while: it follows, and comes back', async () => {
    const clock = new FakeClock();
    const wide = new ThrottledAws(clock, 20, 20);
    const narrow = new ThrottledAws(clock, 4, 4);
    let aws = wide;
    const pacer = new AdaptivePacer({ clock });
    const stop = new AbortController();
    const through = { call: (latency: number) => aws.call(latency) } as ThrottledAws;
    const workers = Array.from({ length: 10 }, () => work(pacer, through, 'background', 50, stop.signal));
    await clock.advance(120_000);
    aws = narrow;
    await clock.advance(30_000);
    const { throttled } = narrow;
    await clock.advance(120_000);
    // Once it has found the new limit it stays near it.
    expect((narrow.throttled - throttled) / 480).toBeLessThan(0.08);
    aws = wide;
    await clock.advance(900_000);
    const { answered } = wide;
    await clock.advance(300_000);
    expect(wide.answered - answered).toBeGreaterThan(0.6 * 300 * 20);
    stop.abort();
    await clock.advance(10_000);
    await Promise.all(workers);
  });

  test('a person’s change, and a leaver’s disable, do not wait behind a whole account', async () => {
    const clock = new FakeClock();
    const aws = new ThrottledAws(clock, 10, 10);
    const pacer = new AdaptivePacer({ clock });
    const stop = new AbortController();
    const workers = Array.from({ length: 200 }, () => work(pacer, aws, 'background', 100, stop.signal));
    await clock.advance(60_000);
    for (const priority of ['interactive', 'urgent'] as const) {
      const asked = clock.now();
      let waited = Number.POSITIVE_INFINITY;
      const one = pacer.acquire(priority, stop.signal).then((release) => {
        waited = clock.now() - asked;
        release('ok');
      });
      await clock.advance(5_000);
      await one;
      expect(waited).toBeLessThan(2_000);
    }
    stop.abort();
    await clock.advance(10_000);
    await Promise.all(workers);
  });
});

describe('places', () => {
  /** Asks for a place and notes who got one. */
  function asking(pacer: AdaptivePacer): {
    ask: (name: string, priority: Priority, until?: AbortSignal) => Promise<Release>;
    readonly got: string[];
  } {
    const got: string[] = [];
    return {
      got,
      ask: async (name, priority, until = signal) => {
        const release = await pacer.acquire(priority, until);
        got.push(name);
        return release;
      },
    };
  }

  const fast = { startRate: 1_000, maxRate: 1_000 };

  test('never more calls at once than the limit, and each end lets one go on', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, maxInFlight: 2, ...fast });
    const { ask, got } = asking(pacer);
    const first = ask('a', 'urgent');
    void ask('b', 'urgent');
    void ask('c', 'urgent');
    await clock.advance(10_000);
    expect(got).toEqual(['a', 'b']);
    expect(pacer.stats).toMatchObject({ inFlight: 2, waiting: 1, peakInFlight: 2, calls: 2 });
    (await first)('ok');
    await settle();
    expect(got).toEqual(['a', 'b', 'c']);
  });

  test('giving a place back twice gives one place back', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, maxInFlight: 1, ...fast });
    const { ask, got } = asking(pacer);
    const release = await ask('a', 'urgent');
    void ask('b', 'urgent');
    void ask('c', 'urgent');
    release('ok');
    release('throttled');
    await clock.advance(10_000);
    expect(got).toEqual(['a', 'b']);
    expect(pacer.stats.throttled).toBe(0);
  });

  test('urgent before interactive before background, and each in its own order', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, maxInFlight: 1, ...fast });
    const { ask, got } = asking(pacer);
    let release = await ask('first', 'background');
    const asked = (
      ['background', 'interactive', 'urgent', 'background', 'interactive', 'urgent'] as const
    ).map((priority, index) => ask(`${priority} ${index}`, priority));
    for (const next of [2, 5, 1, 4, 0, 3]) {
      release('ok');
      await clock.advance(100);
      release = await (asked[next] ?? asked[0] ?? Promise.reject(new Error('none')));
    }
    expect(got).toEqual([
      'first',
      'urgent 2',
      'urgent 5',
      'interactive 1',
      'interactive 4',
      'background 0',
      'background 3',
    ]);
  });

  test('background work leaves one place free, and works where there is but one', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, maxInFlight: 3, ...fast });
    const { ask, got } = asking(pacer);
    for (const name of ['a', 'b', 'c']) {
      void ask(name, 'background');
    }
    await clock.advance(1_000);
    expect(got).toEqual(['a', 'b']);
    void ask('person', 'interactive');
    await clock.advance(1_000);
    expect(got).toEqual(['a', 'b', 'person']);

    const narrow = new AdaptivePacer({ clock, maxInFlight: 1, ...fast });
    const other = asking(narrow);
    void other.ask('a', 'background');
    await clock.advance(1_000);
    expect(other.got).toEqual(['a']);
  });

  test('whoever gives up leaves the line, and takes nobody’s place', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, maxInFlight: 1, ...fast });
    const { ask, got } = asking(pacer);
    const release = await ask('a', 'urgent');
    const stop = new AbortController();
    const gone = ask('gone', 'urgent', stop.signal);
    void ask('c', 'urgent');
    stop.abort(new Error('enough'));
    await expect(gone).rejects.toThrow('enough');
    expect(pacer.stats.waiting).toBe(1);
    release('ok');
    await clock.advance(1_000);
    expect(got).toEqual(['a', 'c']);
    expect(pacer.stats).toMatchObject({ inFlight: 1, waiting: 0 });
  });

  test('whoever has given up before gets none', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock });
    await expect(pacer.acquire('urgent', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    expect(pacer.stats).toMatchObject({ inFlight: 0, waiting: 0, calls: 0 });
  });

  test('an abort after the place was given changes nothing', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, maxInFlight: 1, ...fast });
    const stop = new AbortController();
    const release = await pacer.acquire('urgent', stop.signal);
    stop.abort();
    expect(pacer.stats.inFlight).toBe(1);
    release('ok');
    expect(pacer.stats.inFlight).toBe(0);
  });
});

describe('the rate', () => {
  test('a quiet time saves up a fifth of a second of calls, not more', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, startRate: 20, maxRate: 20, maxInFlight: 100 });
    await clock.advance(3_600_000);
    for (let count = 0; count < 50; count += 1) {
      void pacer.acquire('urgent', signal);
    }
    await settle();
    expect(pacer.stats.calls).toBe(4);
    await clock.advance(1_000);
    expect(pacer.stats.calls).toBe(24);
  });

  test('calls that were in flight together and are throttled together count as one sign', async () => {
    const clock = new FakeClock();
    const pacer = new AdaptivePacer({ clock, startRate: 50, maxInFlight: 10 });
    const releases = await Promise.all(Array.from({ length: 10 }, () => pacer.acquire('urgent', signal)));
    releases.forEach((release) => release('throttled'));
    expect(pacer.stats).toMatchObject({ throttled: 10, ratePerSecond: 33 });
  });

  test('is never under one a second nor over what is allowed, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.nat(3_000)), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 30 }),
        async (events, maxRate) => {
          const clock = new FakeClock();
          const pacer = new AdaptivePacer({ clock, maxRate, maxInFlight: 100 });
          const start = clock.now();
          for (const [ok, pause] of events) {
            const waiting = pacer.acquire('urgent', signal);
            await clock.advance(pause);
            void waiting.then((release) => release(ok ? 'ok' : 'throttled'));
          }
          await clock.advance(120_000);
          const { ratePerSecond, calls } = pacer.stats;
          expect(ratePerSecond).toBeGreaterThanOrEqual(Math.min(1, maxRate));
          expect(ratePerSecond).toBeLessThanOrEqual(maxRate);
          expect(calls).toBe(events.length);
          expect(clock.now()).toBeGreaterThan(start);
        },
      ),
      { numRuns: 60 },
    );
  });
});
