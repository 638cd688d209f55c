import { describe, expect, test } from '@jest/globals';
import {
  ApiError,
  after,
  applyStatusIfChanged,
  done,
  ensureFinalizer,
  highPriority,
  removeFinalizer,
} from '../../../operator/runtime/index.ts';
import { FakeClient, thing, things, unreachable, type Thing } from './fake-api.ts';
import { settle } from './fake-clock.ts';
import { metric, nothing, start, type Reconcile } from './world.ts';

describe('controller', () => {
  test('starts workers after caches are synced, and brings every object once', async () => {
    const client = new FakeClient();
    for (const name of ['a', 'b', 'c']) {
      client.store.create('things', thing(name));
    }
    client.fail = unreachable;
    const world = start(nothing, { client });
    await world.clock.advance(5_000);
    expect(world.seen).toEqual([]);
    expect([world.manager.unready(), world.manager.healthy()]).toEqual([
      'not listed yet: things (the API server does not answer)',
      true,
    ]);
    client.fail = () => undefined;
    await world.clock.advance(60_000);
    expect(world.seen).toEqual(['default/a', 'default/b', 'default/c']);
    expect(world.manager.unready()).toBeUndefined();
    world.stop.abort();
    expect(await world.ended).toBe('stopped');
    expect(world.manager.unready()).toBe('ending');
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

  test('what a watch calls urgent goes before what came earlier', async () => {
    const gates: (() => void)[] = [];
    const world = start(
      async () => {
        await new Promise<void>((resolve) => {
          gates.push(resolve);
        });
        return done();
      },
      { watch: { priority: ({ spec }: Thing) => (spec?.owner === 'leaver' ? highPriority : 0) } },
    );
    await settle();
    for (const name of ['a', 'b', 'c', 'd']) {
      world.client.store.create('things', thing(name));
    }
    await settle();
    world.client.store.patch('things', { namespace: 'default', name: 'd' }, { spec: { owner: 'leaver' } });
    await settle();
    for (let turn = 0; turn < 4; turn += 1) {
      gates.shift()?.();
      await settle();
    }
    expect(world.seen).toEqual(['default/a', 'default/d', 'default/b', 'default/c']);
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
