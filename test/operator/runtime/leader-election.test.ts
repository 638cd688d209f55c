import { describe, expect, test } from '@jest/globals';
import { createLogger, type KubeObject } from '../../../operator/runtime/index.ts';
import { LeaderElector, type Lease } from '../../../operator/runtime/leader-election.ts';
import { FakeClient, FakeStore, unreachable } from './fake-api.ts';
import { FakeClock, settle } from './fake-clock.ts';

const key = { namespace: 'ns', name: 'operator' };

/** One process: its elector, its own view of the network, and what became of it. */
function candidate(
  identity: string,
  store: FakeStore,
  clock: FakeClock,
  annotations?: () => Readonly<Record<string, string>>,
) {
  const client = new FakeClient(store);
  const changes: boolean[] = [];
  const elector = new LeaderElector({
    ...key,
    identity,
    client,
    clock,
    random: () => 0.5,
    logger: createLogger({ level: 'error', clock, write: () => undefined }),
    onChange: (leading) => changes.push(leading),
    ...(annotations === undefined ? {} : { annotations }),
  });
  const stop = new AbortController();
  let outcome: string | undefined;
  const run = async (): Promise<void> => {
    await elector.acquire(stop.signal);
    outcome = await elector.hold(stop.signal);
  };
  const running = run().catch(() => {
    outcome = 'gave up';
  });
  return { client, elector, stop, running, changes, outcome: () => outcome };
}

function leaseOf(store: FakeStore): Lease {
  return store.get('leases', key);
}

describe('leader election', () => {
  test('one wins, writes a lease as client-go does, renews each 2 s, the other waits', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const a = candidate('a', store, clock);
    await settle();
    const b = candidate('b', store, clock);
    await clock.advance(60_000);
    expect([a.elector.leading, b.elector.leading]).toEqual([true, false]);
    const { spec } = leaseOf(store);
    expect(spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(spec?.acquireTime).toBe('2026-01-01T00:00:00.000000Z');
    expect(spec?.renewTime).toMatch(/^2026-01-01T00:01:00\.000000Z$/);
    expect(a.client.calls.filter((call) => call === 'PATCH leases')).toHaveLength(30);
    expect(a.client.calls.filter((call) => call === 'GET leases')).toHaveLength(1);
    expect(a.changes).toEqual([true]);
  });

  test('the holder says more of itself on the lease, and everybody knows who holds it', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    let address = '';
    const a = candidate('a', store, clock, () => (address === '' ? {} : { at: address }));
    await settle();
    const b = candidate('b', store, clock, () => ({ at: 'b:1' }));
    await clock.advance(5_000);
    expect([a.elector.holder, b.elector.holder]).toEqual([
      { identity: 'a', annotations: {} },
      { identity: 'a', annotations: {} },
    ]);
    // Somebody else's annotations stay.
    store.patch('leases', key, { metadata: { annotations: { note: 'hello' } } });
    address = 'a:1';
    await clock.advance(8_000);
    expect(b.elector.holder).toEqual({ identity: 'a', annotations: { note: 'hello', at: 'a:1' } });
    // A holder that is gone is nobody as soon as its time is over.
    a.client.blackHole();
    await clock.advance(12_000);
    expect(b.elector.holder?.identity).toBe('a');
    await clock.advance(30_000);
    expect(b.elector.holder).toEqual({ identity: 'b', annotations: { note: 'hello', at: 'b:1' } });
    b.stop.abort();
    await b.running;
    await b.elector.release();
    expect(b.elector.holder).toBeUndefined();
  });

  test('a clean release hands over within 3 s', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const a = candidate('a', store, clock);
    await settle();
    const b = candidate('b', store, clock);
    await clock.advance(30_000);
    a.stop.abort();
    await a.running;
    expect(a.outcome()).toBe('stopped');
    await a.elector.release();
    expect(a.elector.leading).toBe(false);
    expect(leaseOf(store).spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    await clock.advance(3_000);
    expect(b.elector.leading).toBe(true);
    expect(leaseOf(store).spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test('a stop during a renewal, or after an edit by others, still gives the lease back', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const a = candidate('a', store, clock);
    await clock.advance(3_000);
    let answer = (): void => undefined;
    a.client.fail = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    await clock.advance(1_000);
    a.stop.abort();
    await settle();
    expect(a.outcome()).toBeUndefined();
    a.client.fail = () => undefined;
    answer();
    await a.running;
    expect(a.outcome()).toBe('stopped');
    store.patch('leases', key, { metadata: { annotations: { note: 'hello' } } });
    await a.elector.release();
    expect(leaseOf(store).spec?.holderIdentity).toBe('');
  });

  test('a leader that is cut off stops at the renew deadline, before another can take over', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const a = candidate('a', store, clock);
    await settle();
    const b = candidate('b', store, clock);
    await clock.advance(20_000);
    a.client.blackHole();
    await clock.advance(9_999);
    expect(a.elector.leading).toBe(true);
    await clock.advance(1);
    expect(a.elector.leading).toBe(false);
    expect(a.outcome()).toBe('lost');
    expect(b.elector.leading).toBe(false);
    await clock.advance(10_000);
    expect(b.elector.leading).toBe(true);
    expect(a.elector.healthy).toBe(false);
  });

  test.each([3, 9, 11, 14, 60])('never two leaders around an outage of %d s', async (seconds) => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const all = [candidate('a', store, clock), candidate('b', store, clock), candidate('c', store, clock)];
    await clock.advance(7_300);
    for (const one of all) {
      one.client.fail = unreachable;
    }
    for (let ms = 0; ms < 120_000; ms += 500) {
      await clock.advance(500);
      if (ms === seconds * 1_000) {
        for (const one of all) {
          one.client.fail = () => undefined;
        }
      }
      expect(all.filter((one) => one.elector.leading).length).toBeLessThanOrEqual(1);
    }
    expect(all.filter((one) => one.elector.leading)).toHaveLength(1);
  });

  test('a frozen leader knows on waking that it may not write, before any timer ran', async () => {
    const store = new FakeStore();
    const [own, others] = [new FakeClock(), new FakeClock()];
    const a = candidate('a', store, own);
    await settle();
    const b = candidate('b', store, others);
    await own.advance(10_000);
    await others.advance(10_000);
    await others.advance(20_000);
    own.freeze(20_000);
    expect(b.elector.leading).toBe(true);
    expect(a.elector.leading).toBe(false);
    const version = store.version;
    own.wake();
    await settle();
    await own.advance(10_000);
    expect(a.outcome()).toBe('lost');
    expect(store.version).toBe(version);
    expect(leaseOf(store).spec?.holderIdentity).toBe('b');
  });

  test('an edit of the lease by others, or an answer that got lost, does not cost the lead', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const a = candidate('a', store, clock);
    await clock.advance(5_000);
    store.patch('leases', key, { metadata: { annotations: { note: 'hello' } } });
    await clock.advance(10_000);
    expect(a.elector.leading).toBe(true);
    expect(leaseOf(store).metadata.annotations).toEqual({ note: 'hello' });
    // A renewal takes effect, and its answer is lost.
    let lose = true;
    a.client.fail = (call) => {
      if (lose && call === 'PATCH leases') {
        lose = false;
        store.patch('leases', key, { spec: { renewTime: '2026-01-01T00:00:30.000000Z' } });
        unreachable();
      }
    };
    await clock.advance(30_000);
    expect(a.elector.leading).toBe(true);
    expect(a.outcome()).toBeUndefined();
  });

  test('a lease in the hands of another is lost at once, and one that was deleted is made anew', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const a = candidate('a', store, clock);
    await clock.advance(5_000);
    store.remove('leases', key);
    await clock.advance(4_100);
    expect(a.elector.leading).toBe(true);
    expect(leaseOf(store).spec?.holderIdentity).toBe('a');
    store.patch('leases', key, { spec: { holderIdentity: 'z' } });
    await clock.advance(4_100);
    expect(a.elector.leading).toBe(false);
    expect(a.outcome()).toBe('lost');
  });

  test('a lease left by a dead process is taken after its duration of watching, whatever its times say', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    const spec = {
      holderIdentity: 'dead',
      leaseDurationSeconds: 15,
      renewTime: '2031-01-01T00:00:00.000000Z',
      leaseTransitions: 4,
    };
    store.create('leases', {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: key,
      spec,
    } as KubeObject);
    const a = candidate('a', store, clock);
    await clock.advance(14_900);
    expect(a.elector.leading).toBe(false);
    await clock.advance(5_000);
    expect(a.elector.leading).toBe(true);
    expect(leaseOf(store).spec?.leaseTransitions).toBe(5);
  });

  test('stopping while waiting ends the wait', async () => {
    const [store, clock] = [new FakeStore(), new FakeClock()];
    candidate('a', store, clock);
    await settle();
    const b = candidate('b', store, clock);
    await settle();
    b.stop.abort();
    await b.running;
    expect(b.outcome()).toBe('gave up');
    await b.elector.release();
    expect(leaseOf(store).spec?.holderIdentity).toBe('a');
  });

  test('refuses times that cannot keep two leaders apart', () => {
    const clock = new FakeClock();
    const logger = createLogger({ level: 'error', clock });
    const base = { ...key, identity: 'a', client: new FakeClient(), clock, random: () => 0, logger };
    expect(() => new LeaderElector({ ...base, renewDeadlineMs: 15_000 })).toThrow(RangeError);
    expect(() => new LeaderElector({ ...base, retryPeriodMs: 9_000 })).toThrow(RangeError);
  });
});
