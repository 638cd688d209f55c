import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import {
  ApiError,
  NotLeadingError,
  after,
  applyStatusIfChanged,
  createLogger,
  createManager,
  done,
  ensureFinalizer,
  keyString,
  removeFinalizer,
  type ControllerOptions,
  type Informer,
  type Manager,
  type ManagerOptions,
  type ObjectKey,
  type Result,
  type Watch,
} from '../../../operator/runtime/index.ts';
import { FakeClient, thing, things, unreachable, type Thing } from './fake-api.ts';
import { FakeClock, settle } from './fake-clock.ts';

type Reconcile = (key: ObjectKey, signal: AbortSignal, world: World) => Promise<Result>;

interface World {
  readonly clock: FakeClock;
  readonly client: FakeClient;
  readonly manager: Manager;
  readonly informer: Informer<Thing>;
  readonly registry: Registry;
  readonly lines: { level: string; msg: string }[];
  readonly seen: string[];
  readonly stop: AbortController;
  readonly ended: Promise<'stopped' | 'lease-lost'>;
  readonly enqueue: (name: string) => void;
}

const elected = { leaderElection: { namespace: 'ns', name: 'operator', identity: 'me' } };

function start(
  reconcile: Reconcile,
  options: {
    client?: FakeClient;
    workers?: number;
    manager?: Partial<ManagerOptions>;
    watch?: Partial<Watch<Thing>>;
    controller?: Partial<ControllerOptions>;
    prepare?: (manager: Manager) => void;
  } = {},
): World {
  const clock = new FakeClock();
  const client = options.client ?? new FakeClient();
  const registry = new Registry();
  const lines: World['lines'] = [];
  const logger = createLogger({ level: 'debug', clock, write: (line) => lines.push(JSON.parse(line)) });
  const manager = createManager({
    client,
    clock,
    random: () => 0,
    logger,
    registry,
    gracePeriodMs: 20_000,
    ...options.manager,
  });
  const informer = manager.informer(things);
  const seen: string[] = [];
  const controller = manager.controller({
    name: 'thing',
    workers: options.workers ?? 1,
    watches: [{ informer, ...options.watch }],
    reconciler: {
      reconcile: (key, signal) => {
        seen.push(keyString(key));
        return reconcile(key, signal, world);
      },
    },
    ...options.controller,
  });
  options.prepare?.(manager);
  const stop = new AbortController();
  const world: World = {
    clock,
    client,
    manager,
    informer,
    registry,
    lines,
    seen,
    stop,
    ended: manager.run(stop.signal),
    enqueue: (name) => controller.enqueue({ namespace: 'default', name }),
  };
  return world;
}

const nothing: Reconcile = async () => done();

async function metric(world: World, name: string, labels: Record<string, string> = {}): Promise<number> {
  const { values } = (await world.registry.getSingleMetric(name)?.get()) ?? { values: [] };
  const fits = values.find((one) =>
    Object.entries(labels).every(
      ([label, value]) => (one.labels as Record<string, unknown>)[label] === value,
    ),
  );
  return fits?.value ?? 0;
}

describe('manager and controller', () => {
  test('starts workers after caches are synced, and brings every object once', async () => {
    const client = new FakeClient();
    for (const name of ['a', 'b', 'c']) {
      client.store.create('things', thing(name));
    }
    client.fail = unreachable;
    const world = start(nothing, { client });
    await world.clock.advance(5_000);
    expect(world.seen).toEqual([]);
    expect([world.manager.ready(), world.manager.healthy()]).toEqual([false, true]);
    client.fail = () => undefined;
    await world.clock.advance(60_000);
    expect(world.seen).toEqual(['default/a', 'default/b', 'default/c']);
    expect(world.manager.ready()).toBe(true);
    world.stop.abort();
    expect(await world.ended).toBe('stopped');
    expect(world.manager.ready()).toBe(false);
  });

  test('changes of a user wake it, changes of the status do not', async () => {
    const world = start(nothing);
    await settle();
    const { store } = world.client;
    const key = { namespace: 'default', name: 'a' };
    const steps: [object, boolean][] = [
      [{ status: { x: 1 } }, false],
      [{ status: { x: 2 } }, false],
      [{ metadata: { managedFields: [{}] } }, false],
      [{ spec: { color: 'red' } }, true],
      [{ metadata: { labels: { l: '1' } } }, true],
      [{ metadata: { annotations: { n: '1' } } }, true],
      [{ metadata: { finalizers: ['example.org/f'] } }, true],
      [{ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, true],
      [{ metadata: { finalizers: [] } }, true],
    ];
    store.create('things', thing('a'));
    await settle();
    expect(world.seen.splice(0)).toEqual(['default/a']);
    for (const [patch, wakes] of steps) {
      store.patch('things', key, patch);
      await settle();
      expect([patch, world.seen.splice(0).length]).toEqual([patch, wakes ? 1 : 0]);
    }
    world.stop.abort();
    await world.ended;
  });

  test('writing its own status each pass, through the cache, ends after one write', async () => {
    const world = start(async (key, signal, { informer, client }) => {
      const current = informer.get(key);
      if (current !== undefined) {
        await ensureFinalizer({
          client,
          type: things,
          current,
          finalizer: 'example.org/f',
          informer,
          signal,
        });
        const fresh = informer.get(key) ?? current;
        const status = { observedGeneration: fresh.metadata.generation, at: world.clock.now() };
        const ignore = ['at'];
        await applyStatusIfChanged({
          client,
          type: things,
          current: fresh,
          status,
          fieldManager: 'f',
          ignore,
          informer,
          signal,
        });
      }
      return after(1_000);
    });
    world.client.store.create('things', thing('a'));
    await world.clock.advance(600_000);
    expect(world.seen.length).toBeGreaterThan(500);
    expect(world.client.calls.filter((call) => call.startsWith('APPLYSTATUS'))).toHaveLength(1);
    expect(world.client.calls.filter((call) => call.startsWith('PATCH'))).toHaveLength(1);
    world.stop.abort();
    await world.ended;
  });

  test('200 objects, two writers: conflicts are retried quietly until every generation is observed', async () => {
    const client = new FakeClient();
    const world = start(
      async (key, signal, { informer }) => {
        const current = informer.get(key);
        if (current === undefined) {
          return done();
        }
        if ((current.metadata.generation ?? 0) < 4) {
          // The other writer comes between our read and our write.
          client.store.patch('things', key, { spec: { color: String(current.metadata.generation) } });
        }
        const { resourceVersion, generation } = current.metadata;
        const patch = { metadata: { resourceVersion }, status: { observedGeneration: generation } };
        informer.set(await client.mergePatch(things, key, patch, { signal }));
        return done();
      },
      { client, workers: 8 },
    );
    for (let index = 0; index < 200; index += 1) {
      client.store.create('things', thing(`t${index}`));
    }
    await world.clock.advance(600_000);
    for (const object of client.store.list('things') as Thing[]) {
      expect(object.status?.['observedGeneration']).toBe(object.metadata.generation);
    }
    expect(world.lines.filter((line) => line.level === 'error')).toEqual([]);
    expect(await metric(world, 'controller_runtime_reconcile_errors_total')).toBe(0);
    expect(await metric(world, 'controller_runtime_reconcile_total', { result: 'requeue' })).toBeGreaterThan(
      0,
    );
    world.stop.abort();
    await world.ended;
  });

  test('errors back off per item, an edit ends the wait, a success forgets them', async () => {
    let fails = true;
    const world = start(async () => {
      if (fails) {
        throw new Error('AWS is down');
      }
      return done();
    });
    world.client.store.create('things', thing('a'));
    await world.clock.advance(7_600);
    expect(world.seen.splice(0)).toHaveLength(5);
    world.client.store.patch('things', { namespace: 'default', name: 'a' }, { spec: { color: 'red' } });
    await settle();
    expect(world.seen.splice(0)).toHaveLength(1);
    fails = false;
    await world.clock.advance(3_600_000);
    expect(world.seen.splice(0)).toHaveLength(1);
    expect(world.lines.filter((line) => line.level === 'error')).toHaveLength(6);
    expect(await metric(world, 'controller_runtime_reconcile_errors_total')).toBe(6);
    expect(await metric(world, 'workqueue_depth', { name: 'thing' })).toBe(0);
    world.stop.abort();
    await world.ended;
  });

  test('waits at least as long as a server asks, and contains what throws no error', async () => {
    const errors: unknown[] = [
      new ApiError({ code: 429, message: 'slow', retryAfterMs: 30_000 }),
      'text',
      null,
    ];
    const throwing: Reconcile = () => Promise.reject(errors.shift());
    const world = start((...all) => (errors.length > 0 ? throwing(...all) : nothing(...all)));
    world.client.store.create('things', thing('a'));
    await world.clock.advance(29_000);
    expect(world.seen).toHaveLength(1);
    await world.clock.advance(60_000);
    expect(world.seen).toHaveLength(4);
    world.stop.abort();
    await world.ended;
  });

  test('a user goes before polls, and a mapped watch wakes both old and new owner', async () => {
    const gates: (() => void)[] = [];
    const world = start(
      async () => {
        await new Promise<void>((resolve) => {
          gates.push(resolve);
        });
        return after(1_000);
      },
      {
        watch: {
          map: (object: Thing) => [{ namespace: 'owner', name: object.spec?.owner ?? 'none' }],
          changed: (a: Thing, b: Thing) => a.spec?.owner !== b.spec?.owner,
        },
      },
    );
    await settle();
    world.client.store.create('things', thing('a', { spec: { owner: 'x' } }));
    await settle();
    world.client.store.patch('things', { namespace: 'default', name: 'a' }, { spec: { owner: 'y' } });
    await settle();
    for (let turn = 0; turn < 3; turn += 1) {
      gates.shift()?.();
      await settle();
    }
    expect(world.seen).toEqual(['owner/x', 'owner/x', 'owner/y']);
    await world.clock.advance(1_000);
    expect(world.seen).toHaveLength(4);
    world.enqueue('user');
    world.client.store.create('things', thing('b', { spec: { owner: 'z' } }));
    await settle();
    gates.shift()?.();
    await settle();
    expect(world.seen.at(-1)).toBe('default/user');
    world.stop.abort();
    await world.clock.advance(60_000);
    for (const open of gates) {
      open();
    }
    await world.ended;
  });

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
    expect(world.manager.ready()).toBe(false);
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
    expect([standby.manager.ready(), standby.manager.leading]).toEqual([true, false]);
    leader.stop.abort();
    await leader.ended;
    await standby.clock.advance(5_000);
    expect(standby.seen).toEqual(['default/a']);
    standby.stop.abort();
    await standby.ended;
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
});

describe('finalizers', () => {
  const finalizer = 'example.org/f';

  test('are added once, never while deleting, and removed even when the object is gone', async () => {
    const client = new FakeClient();
    const created = await client.create(
      things,
      thing('a', { metadata: { name: 'a', finalizers: ['other/x'] } }),
    );
    expect(await ensureFinalizer({ client, type: things, current: created, finalizer })).toBe(true);
    const key = { namespace: 'default', name: 'a' };
    const held = await client.get(things, key);
    expect(held.metadata.finalizers).toEqual(['other/x', finalizer]);
    expect(await ensureFinalizer({ client, type: things, current: held, finalizer })).toBe(true);
    // From a stale cache it is a conflict, not a lost finalizer of somebody else.
    await expect(
      removeFinalizer({
        client,
        type: things,
        current: { ...held, metadata: { ...held.metadata, resourceVersion: '1' } },
        finalizer,
      }),
    ).rejects.toMatchObject({ code: 409 });
    await client.delete(things, key);
    const going = await client.get(things, key);
    await removeFinalizer({ client, type: things, current: going, finalizer });
    const left = await client.get(things, key);
    expect(left.metadata.finalizers).toEqual(['other/x']);
    const calls = client.calls.length;
    expect(await ensureFinalizer({ client, type: things, current: left, finalizer })).toBe(false);
    expect(client.calls).toHaveLength(calls);
    await removeFinalizer({ client, type: things, current: left, finalizer: 'other/x' });
    await removeFinalizer({ client, type: things, current: going, finalizer });
  });
});
