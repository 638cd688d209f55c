import { describe, expect, test } from '@jest/globals';
import { ApiError, NotLeadingError, done } from '../../../operator/runtime/index.ts';
import { FakeClient, FakeStore, hangs, thing, things, unreachable } from './fake-api.ts';
import { settle, type FakeClock } from './fake-clock.ts';
import { elected, metric, nothing, start } from './world.ts';

const lease = { namespace: elected.leaderElection.namespace, name: elected.leaderElection.name };

describe('manager', () => {
  test('on a stop nothing new starts, running reconciles finish, the lease goes last', async () => {
    const events: string[] = [];
    const gates: (() => void)[] = [];
    const client = new FakeClient();
    const world = start(
      async (key, signal) => {
        await new Promise<void>((resolve) => {
          gates.push(resolve);
        });
        events.push(`${key.name} ${signal.aborted ? 'aborted' : 'finished'}`);
        return done();
      },
      {
        client,
        workers: 2,
        manager: elected,
        prepare: (manager) =>
          manager.onLeading(async (signal) => {
            await new Promise((resolve) => {
              signal.addEventListener('abort', resolve);
            });
            events.push('task ended');
          }),
      },
    );
    for (const name of ['a', 'b', 'c']) {
      client.store.create('things', thing(name));
    }
    await settle();
    client.fail = (call) => void (call.endsWith('leases') && events.push('lease written'));
    world.stop.abort();
    await settle();
    expect(events).toEqual(['task ended']);
    expect(world.manager.leading).toBe(true);
    expect(world.manager.unready()).toBe('ending');
    for (const open of gates) {
      open();
    }
    expect(await world.ended).toBe('stopped');
    expect(events).toEqual(['task ended', 'a finished', 'b finished', 'lease written']);
    expect(client.store.get('leases', { namespace: 'ns', name: 'operator' })).toMatchObject({
      spec: { holderIdentity: '' },
    });
    expect(world.manager.leading).toBe(false);
  });

  test('reconciles that outlast the grace period are aborted, renewing the lease until then', async () => {
    const reasons: string[] = [];
    const world = start(
      (_key, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reasons.push((signal.reason as Error).message);
            reject(signal.reason as Error);
          });
        }),
      { manager: elected },
    );
    world.client.store.create('things', thing('a'));
    await settle();
    world.stop.abort();
    await world.clock.advance(19_999);
    expect(reasons).toEqual([]);
    expect(world.manager.leading).toBe(true);
    await world.clock.advance(1);
    expect(await world.ended).toBe('stopped');
    expect(reasons).toEqual(['the grace period is over']);
    expect(world.client.store.get('leases', { namespace: 'ns', name: 'operator' })).toMatchObject({
      spec: { holderIdentity: '' },
    });
    expect(world.lines.filter((line) => line.level === 'error')).toEqual([]);
  });

  test('a reconcile that heeds nothing keeps the lease from being given away', async () => {
    const world = start(() => new Promise(() => undefined), { manager: elected });
    world.client.store.create('things', thing('a'));
    await settle();
    world.stop.abort();
    await world.clock.advance(25_000);
    expect(await world.ended).toBe('stopped');
    expect(world.client.store.get('leases', { namespace: 'ns', name: 'operator' })).toMatchObject({
      spec: { holderIdentity: 'me' },
    });
  });

  test('a lost lease aborts everything at once and refuses writes', async () => {
    const signals: AbortSignal[] = [];
    const world = start(
      async (_key, signal, { clock }) => {
        signals.push(signal);
        await clock.sleep(3_600_000, signal);
        return done();
      },
      { manager: elected },
    );
    world.client.store.create('things', thing('a'));
    await settle();
    await world.manager.client.create(things, thing('b'));
    world.client.fail = (call) => (call.endsWith('leases') ? unreachable() : undefined);
    await world.clock.advance(10_000);
    expect(await world.ended).toBe('lease-lost');
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    expect([world.manager.leading, world.manager.healthy()]).toEqual([false, false]);
    await expect(world.manager.client.create(things, thing('c'))).rejects.toThrow(NotLeadingError);
    expect(await metric(world, 'leader_election_master_status', { name: 'operator' })).toBe(0);
  });

  test('a process that was frozen past its lease starts no reconcile and writes nothing on waking', async () => {
    const client = new FakeClient();
    let written = 0;
    const world = start(
      async (key, signal, { manager, clock }) => {
        await clock.sleep(5_000, signal);
        await manager.client.mergePatch(things, key, { metadata: { annotations: { n: '1' } } }, { signal });
        written += 1;
        return done();
      },
      { client, manager: elected },
    );
    client.store.create('things', thing('a'));
    await settle();
    world.clock.freeze(30_000);
    // While it was frozen another took the lease, and things changed.
    client.store.patch(
      'leases',
      { namespace: 'ns', name: 'operator' },
      { spec: { holderIdentity: 'other' } },
    );
    client.store.create('things', thing('b'));
    const before = client.calls.length;
    world.clock.wake();
    await world.clock.advance(10_000);
    expect(await world.ended).toBe('lease-lost');
    expect(written).toBe(0);
    expect(world.seen).toEqual(['default/a']);
    expect(
      client.calls
        .slice(before)
        .filter((call) => /^(POST|PATCH|APPLY|DELETE)/.test(call) && !call.endsWith('leases')),
    ).toEqual([]);
    expect(client.store.get('leases', { namespace: 'ns', name: 'operator' })).toMatchObject({
      spec: { holderIdentity: 'other' },
    });
  });

  test('a standby keeps its caches warm and reconciles nothing; it is ready', async () => {
    const client = new FakeClient();
    const leader = start(nothing, {
      client,
      manager: { leaderElection: { ...elected.leaderElection, identity: 'first' } },
    });
    await settle();
    const standby = start(nothing, { client, manager: elected });
    await settle();
    client.store.create('things', thing('a'));
    await settle();
    expect(leader.seen).toEqual(['default/a']);
    expect(standby.seen).toEqual([]);
    expect(standby.informer.list()).toHaveLength(1);
    expect([standby.manager.unready(), standby.manager.leading]).toEqual([undefined, false]);
    leader.stop.abort();
    await leader.ended;
    await standby.clock.advance(5_000);
    expect(standby.seen).toEqual(['default/a']);
    standby.stop.abort();
    await standby.ended;
  });

  describe('a new leader lists anew before it acts, since its watches may have hung', () => {
    /** A standby whose watches say nothing, beside a leader that is gone then; `a` was made meanwhile. */
    async function deafStandby() {
      const store = new FakeStore();
      const leader = start(nothing, {
        client: new FakeClient(store),
        manager: { leaderElection: { ...elected.leaderElection, identity: 'first' } },
      });
      await settle();
      const client = new FakeClient(store);
      const hung = (call: string, signal?: AbortSignal): Promise<void> | void =>
        call === 'WATCH things' ? hangs(signal) : undefined;
      client.fail = hung;
      const standby = start(nothing, { client, manager: elected });
      await settle();
      // Shorter than the lease lasts.
      await standby.clock.advance(8_000);
      store.create('things', thing('a'));
      await settle();
      expect(standby.informer.list()).toEqual([]);
      leader.stop.abort();
      await leader.ended;
      return { standby, client, hung };
    }

    test('and goes on with what it finds', async () => {
      const { standby, client } = await deafStandby();
      const lists = client.calls.filter((call) => call === 'LIST things').length;
      await standby.clock.advance(5_000);
      expect(standby.seen).toEqual(['default/a']);
      expect(client.calls.filter((call) => call === 'LIST things')).toHaveLength(lists + 1);
      standby.stop.abort();
      expect(await standby.ended).toBe('stopped');
    });

    test('does nothing while it cannot, and makes way for another in the end', async () => {
      const { standby, client, hung } = await deafStandby();
      client.fail = (call, signal) => {
        if (call === 'LIST things') {
          throw new ApiError({ code: 403, reason: 'Forbidden', message: 'no' });
        }
        return hung(call, signal);
      };
      await standby.clock.advance(140_000);
      expect(standby.seen).toEqual([]);
      expect(standby.manager.leading).toBe(false);
      expect(client.store.get('leases', lease)).toMatchObject({ spec: { holderIdentity: 'me' } });
      await standby.clock.advance(20_000);
      expect(await standby.ended).toBe('lease-lost');
      expect(standby.seen).toEqual([]);
      expect(client.store.get('leases', lease)).toMatchObject({ spec: { holderIdentity: '' } });
      expect(standby.lines).toContainEqual(
        expect.objectContaining({
          level: 'error',
          msg: 'what there is could not be listed anew: another shall lead',
          missing: 'things (403 Forbidden)',
        }),
      );
    });

    test('ends at once where it is stopped meanwhile, and gives the lease back', async () => {
      const { standby, client } = await deafStandby();
      client.fail = (call, signal) => (/^(WATCH|LIST) things/.test(call) ? hangs(signal) : undefined);
      await standby.clock.advance(10_000);
      expect(client.store.get('leases', lease)).toMatchObject({ spec: { holderIdentity: 'me' } });
      standby.stop.abort();
      expect(await standby.ended).toBe('stopped');
      expect(client.store.get('leases', lease)).toMatchObject({ spec: { holderIdentity: '' } });
      expect(standby.seen).toEqual([]);
    });

    test('ends where the lease is lost meanwhile', async () => {
      const { standby, client } = await deafStandby();
      client.fail = (call, signal) => (/^(WATCH|LIST) things/.test(call) ? hangs(signal) : undefined);
      await standby.clock.advance(10_000);
      client.store.patch('leases', lease, { spec: { holderIdentity: 'third' } });
      await standby.clock.advance(10_000);
      expect(await standby.ended).toBe('lease-lost');
      expect(standby.seen).toEqual([]);
    });

    test('also what it has listed a moment ago, since the one before may have acted in the last second', async () => {
      const client = new FakeClient();
      const world = start(nothing, { client, manager: elected });
      await settle();
      await settle();
      expect(world.manager.leading).toBe(true);
      expect(client.calls.filter((call) => call === 'LIST things')).toHaveLength(2);
      world.stop.abort();
      await world.ended;
    });

    test('also where a request hangs, and once more soon after that', async () => {
      const { standby, client, hung } = await deafStandby();
      let lists = 0;
      client.fail = (call, signal) => {
        if (call === 'LIST things' && (lists += 1) === 1) {
          return timesOut(standby.clock, signal);
        }
        return hung(call, signal);
      };
      await standby.clock.advance(59_000);
      expect([lists, standby.seen]).toEqual([1, []]);
      await standby.clock.advance(6_000);
      expect(standby.seen).toEqual(['default/a']);
      standby.stop.abort();
      expect(await standby.ended).toBe('stopped');
    });

    test('without the waits that have grown before', async () => {
      const store = new FakeStore();
      const first = { leaderElection: { ...elected.leaderElection, identity: 'first' } };
      const leader = start(nothing, { client: new FakeClient(store), manager: first });
      await settle();
      const client = new FakeClient(store);
      const standby = start(nothing, { client, manager: elected });
      await settle();
      client.fail = (call) => (/(WATCH|LIST) things/.test(call) ? unreachable() : undefined);
      client.endWatches();
      for (let seconds = 0; seconds < 240; seconds += 2) {
        await leader.clock.advance(2_000);
        await standby.clock.advance(2_000);
      }
      store.create('things', thing('a'));
      leader.stop.abort();
      await leader.ended;
      await standby.clock.advance(4_000);
      expect(standby.seen).toEqual([]);
      client.fail = () => undefined;
      await standby.clock.advance(8_000);
      expect(standby.seen).toEqual(['default/a']);
      standby.stop.abort();
      await standby.ended;
    });

    /** As a list that gets no answer within the limit of the client. */
    async function timesOut(clock: FakeClock, signal?: AbortSignal): Promise<void> {
      await clock.sleep(60_000, signal);
      unreachable();
    }
  });

  test('what is not listed yet is named, with what the server answers to it', async () => {
    const client = new FakeClient();
    const world = start(nothing, {
      client,
      manager: { namespaces: ['a', 'b', 'c', 'd', 'e', 'f'] },
    });
    let lists = 0;
    client.fail = (call) => {
      if (call === 'LIST things' && (lists += 1) > 2) {
        throw new ApiError({ code: 403, reason: 'Forbidden', message: 'User "robot" cannot list' });
      }
    };
    expect(world.manager.unready()).toBe(
      'not listed yet: things in a, things in b, things in c, things in d and 2 more',
    );
    await settle();
    expect(world.manager.unready()).toBe(
      `not listed yet: ${['c', 'd', 'e', 'f'].map((one) => `things in ${one} (403 Forbidden)`).join(', ')}`,
    );
    client.fail = () => undefined;
    await world.clock.advance(60_000);
    expect(world.manager.unready()).toBeUndefined();
    client.reachable = false;
    expect(world.manager.unready()).toBe('the API server does not answer');
    world.stop.abort();
    await world.ended;
  });

  test('tasks of the leader that fail are started again, with back-off', async () => {
    let starts = 0;
    const world = start(nothing, {
      prepare: (manager) =>
        manager.onLeading(async () => {
          starts += 1;
          throw new Error('no');
        }),
    });
    await world.clock.advance(60_000);
    expect(starts).toBeGreaterThanOrEqual(5);
    expect(starts).toBeLessThanOrEqual(8);
    world.stop.abort();
    await world.ended;
  });

  test('several namespaces make one cache, and a stop before the sync ends', async () => {
    const client = new FakeClient();
    const put = (namespace: string): void =>
      void client.store.create('things', thing('a', { metadata: { name: 'a', namespace } }));
    for (const namespace of ['one', 'two', 'three']) {
      put(namespace);
    }
    const world = start(nothing, { client, manager: { namespaces: ['one', 'two'] } });
    await settle();
    expect(world.seen.toSorted()).toEqual(['one/a', 'two/a']);
    world.stop.abort();
    await world.ended;
    client.fail = unreachable;
    const other = start(nothing, { client });
    await other.clock.advance(3_000);
    other.stop.abort();
    expect(await other.ended).toBe('stopped');
  });

  test('metrics have the names of controller-runtime and client-go', async () => {
    const world = start(nothing, { manager: elected });
    world.client.store.create('things', thing('a'));
    await settle();
    const names = world.registry.getMetricsAsArray().map((one) => one.name);
    expect(names).toEqual(
      expect.arrayContaining([
        'workqueue_adds_total',
        'workqueue_depth',
        'workqueue_queue_duration_seconds',
        'workqueue_work_duration_seconds',
        'workqueue_retries_total',
        'workqueue_unfinished_work_seconds',
        'workqueue_longest_running_processor_seconds',
        'controller_runtime_reconcile_total',
        'controller_runtime_reconcile_errors_total',
        'controller_runtime_reconcile_time_seconds',
        'controller_runtime_max_concurrent_reconciles',
        'controller_runtime_active_workers',
        'leader_election_master_status',
      ]),
    );
    expect(await metric(world, 'leader_election_master_status', { name: 'operator' })).toBe(1);
    expect(await metric(world, 'workqueue_adds_total', { name: 'thing', controller: 'thing' })).toBe(1);
    world.stop.abort();
    await world.ended;
  });

  test('informers ask before they list, and before they watch again; a refusal counts as a failure', async () => {
    const client = new FakeClient();
    client.store.create('things', thing('a'));
    let open: () => void = () => undefined;
    let refuses = false;
    let asked = 0;
    const world = start(nothing, {
      client,
      manager: {
        admit: async () => {
          asked += 1;
          if (refuses) {
            throw new Error('not now');
          }
          await new Promise<void>((resolve) => {
            open = resolve;
          });
        },
      },
    });
    await settle();
    expect([asked, client.calls]).toEqual([1, []]);
    open();
    await settle();
    expect(client.calls).toEqual(['LIST things', 'WATCH things']);
    await world.clock.advance(5_000);
    refuses = true;
    client.endWatches();
    await settle();
    expect(asked).toBe(2);
    await world.clock.advance(10_000);
    expect(asked).toBeGreaterThan(2);
    expect(client.calls).toEqual(['LIST things', 'WATCH things']);
    refuses = false;
    await world.clock.advance(60_000);
    open();
    await settle();
    expect(client.calls.slice(2)).toEqual(['LIST things', 'WATCH things']);
    world.stop.abort();
    await world.ended;
  });
});
