import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Registry, type Counter } from 'prom-client';
import {
  applyStatusIfChanged,
  createClient,
  createEventRecorder,
  createLogger,
  createManager,
  done,
  ensureFinalizer,
  isAlreadyExists,
  isConflict,
  isGone,
  isNotFound,
  removeFinalizer,
  systemClock,
  type Client,
  type KubeObject,
  type ManagerOptions,
  type Reconciler,
  type ResourceType,
  type WatchEvent,
} from '../../../operator/runtime/index.ts';
import { startControlPlane, type ControlPlane } from '../../cluster/index.ts';
import { eventually } from '../../support/process.ts';
import { thing, things, type Thing } from './fake-api.ts';

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: things.example.org }
spec:
  group: example.org
  scope: Namespaced
  names: { plural: things, singular: thing, kind: Thing, listKind: ThingList }
  versions:
    - name: v1
      served: true
      storage: true
      subresources: { status: {} }
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: { type: object, properties: { color: { type: string }, owner: { type: string } } }
            status: { type: object, x-kubernetes-preserve-unknown-fields: true }
`;

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const configMaps: ResourceType<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
const events: ResourceType<KubeObject> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

const silent = createLogger({ level: 'error', clock: systemClock, write: () => undefined });

let plane: ControlPlane;
let client: Client;
const cleanups: (() => void)[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  const dir = await mkdtemp(join(tmpdir(), 'runtime-crds-'));
  await writeFile(join(dir, 'things.yaml'), crd);
  await plane.installCrds(dir);
  await rm(dir, { recursive: true });
  client = connect(plane.kubeconfigPath);
  await plane.createNamespace('work');
});

afterAll(async () => {
  for (const cleanup of cleanups) {
    cleanup();
  }
  await plane.stop();
});

function connect(kubeconfig: string): Client {
  const made = createClient({ kubeconfig, clock: systemClock, logger: silent });
  cleanups.push(() => made.close());
  return made;
}

const inWork = (name: string, more: Partial<Thing> = {}): Thing =>
  thing(name, { ...more, metadata: { ...more.metadata, name, namespace: 'work' } });
const keyInWork = (name: string) => ({ namespace: 'work', name });

function manage(options: Partial<ManagerOptions>, reconcile: Reconciler['reconcile']) {
  const manager = createManager({
    client,
    clock: systemClock,
    random: Math.random,
    logger: silent,
    registry: new Registry(),
    gracePeriodMs: 5_000,
    namespaces: ['work'],
    ...options,
  });
  const informer = manager.informer(things);
  manager.controller({ name: 'thing', workers: 4, watches: [{ informer }], reconciler: { reconcile } });
  const stop = new AbortController();
  const ended = manager.run(stop.signal);
  // One that a failed test leaves behind would keep the process of the tests alive.
  cleanups.push(() => stop.abort());
  return {
    manager,
    informer,
    stop: () => {
      stop.abort();
      return ended;
    },
  };
}

describe('client', () => {
  test('errors are what the helpers expect', async () => {
    const made = await client.create(things, inWork('errors', { spec: { color: 'red' } }));
    const again = await client.create(things, inWork('errors')).catch((error: unknown) => error);
    expect([isAlreadyExists(again), isConflict(again)]).toEqual([true, false]);
    const stale = { metadata: { resourceVersion: made.metadata.resourceVersion }, spec: { color: 'blue' } };
    await client.mergePatch(things, keyInWork('errors'), stale);
    const conflict = await client
      .mergePatch(things, keyInWork('errors'), stale)
      .catch((error: unknown) => error);
    expect([isAlreadyExists(conflict), isConflict(conflict)]).toEqual([false, true]);
    const other = client.delete(things, keyInWork('errors'), { preconditions: { uid: 'other' } });
    expect(isConflict(await other.catch((error: unknown) => error))).toBe(true);
    await client.delete(things, keyInWork('errors'), { preconditions: { uid: made.metadata.uid ?? '' } });
    expect(isNotFound(await client.get(things, keyInWork('errors')).catch((error: unknown) => error))).toBe(
      true,
    );
  });

  test('a server-side apply that would take a field from another is a conflict unless forced', async () => {
    const apply = (fieldManager: string, color: string, force: boolean): Promise<Thing> =>
      client.apply(
        things,
        { metadata: { ...keyInWork('shared') }, spec: { color } },
        { fieldManager, force },
      );
    await apply('one', 'red', false);
    expect(isConflict(await apply('two', 'blue', false).catch((error: unknown) => error))).toBe(true);
    expect((await apply('two', 'blue', true)).spec?.color).toBe('blue');
  });

  test('lists pages of one snapshot, with kinds', async () => {
    for (let index = 0; index < 25; index += 1) {
      const name = `page-${index}`;
      await client.create(configMaps, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'work', labels: { paged: 'yes' } },
      });
    }
    const { items, resourceVersion } = await client.list(configMaps, {
      namespace: 'work',
      labelSelector: 'paged=yes',
      pageSize: 10,
    });
    expect(items).toHaveLength(25);
    expect(items[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(Number(resourceVersion)).toBeGreaterThan(0);
  });

  test('a watch sends a bookmark before it ends, and refuses versions that are gone', async () => {
    const { resourceVersion } = await client.list(things);
    const seen: WatchEvent<Thing>[] = [];
    // A bookmark is sent only when there is something new since the watch began.
    const created = systemClock.sleep(500).then(() => client.create(things, inWork('watched')));
    for await (const event of client.watch(things, { resourceVersion, timeoutSeconds: 5 })) {
      seen.push(event);
    }
    expect(seen.map((event) => event.type)).toEqual(expect.arrayContaining(['ADDED', 'BOOKMARK']));
    await created;
    const old = async (version: string): Promise<void> => {
      const watching = client.watch(things, { resourceVersion: version, timeoutSeconds: 5 });
      for await (const event of watching) {
        throw new Error(`unexpected ${event.type}`);
      }
    };
    const gone = await old('1').catch((error: unknown) => error);
    expect([gone, isGone(gone)]).toEqual([expect.objectContaining({ code: 410 }), true]);
  });

  test('a ServiceAccount may do what its roles say and no more', async () => {
    const { kubeconfigPath } = await plane.serviceAccount(
      'work',
      'reader',
      `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: reader, namespace: work }
rules: [{ apiGroups: [example.org], resources: [things], verbs: [get, list, watch] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: reader, namespace: work }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: work }]
`,
    );
    const reader = connect(kubeconfigPath);
    await reader.list(things, { namespace: 'work' });
    await expect(reader.create(things, inWork('no'))).rejects.toMatchObject({
      code: 403,
      reason: 'Forbidden',
    });
  });
});

describe('status and finalizers', () => {
  test('a first status is one write, an equal one none, and nothing changes on the server', async () => {
    const current = await client.create(things, inWork('status'));
    const write = async (object: Thing, status: object): Promise<boolean> =>
      applyStatusIfChanged({
        client,
        type: things,
        current: object,
        status,
        fieldManager: 'test',
        ignore: ['at'],
      });
    expect(await write(current, { observedGeneration: 1, gone: 'soon', at: 1 })).toBe(true);
    const written = await client.get(things, keyInWork('status'));
    expect(written).toMatchObject({
      metadata: { generation: 1 },
      status: { observedGeneration: 1, gone: 'soon' },
    });
    expect(await write(written, { observedGeneration: 1, gone: 'soon', at: 2 })).toBe(false);
    // From a stale cache the write is sent, and is none.
    expect(await write(current, { observedGeneration: 1, gone: 'soon', at: 1 })).toBe(true);
    const same = await client.get(things, keyInWork('status'));
    expect(same.metadata.resourceVersion).toBe(written.metadata.resourceVersion);
    expect(await write(written, { observedGeneration: 1 })).toBe(true);
    const reduced = await client.get(things, keyInWork('status'));
    expect(reduced.status).toEqual({ observedGeneration: 1 });
    expect(await write(reduced, {})).toBe(true);
    expect((await client.get(things, keyInWork('status'))).status).toBeUndefined();
  });

  test('a write meant for an earlier object of the name is a conflict, and leaves nothing', async () => {
    const earlier = await client.create(things, inWork('reborn'));
    await client.delete(things, keyInWork('reborn'));
    await client.create(things, inWork('reborn'));
    const late = applyStatusIfChanged({
      client,
      type: things,
      current: earlier,
      status: { x: 1 },
      fieldManager: 'test',
    });
    expect(isConflict(await late.catch((error: unknown) => error))).toBe(true);
    expect((await client.get(things, keyInWork('reborn'))).status ?? {}).toEqual({});
    // A patch with the earlier uid is refused by the API server itself.
    const finalizer = 'example.org/hold';
    const held = ensureFinalizer({ client, type: things, current: earlier, finalizer });
    expect(isConflict(await held.catch((error: unknown) => error))).toBe(true);
  });

  test('a finalizer holds an object until it is removed', async () => {
    const finalizer = 'example.org/hold';
    const current = await client.create(things, inWork('held'));
    await ensureFinalizer({ client, type: things, current, finalizer });
    await client.delete(things, keyInWork('held'));
    const going = await client.get(things, keyInWork('held'));
    expect(going.metadata.deletionTimestamp).toBeDefined();
    await removeFinalizer({ client, type: things, current: going, finalizer });
    expect(isNotFound(await client.get(things, keyInWork('held')).catch((error: unknown) => error))).toBe(
      true,
    );
    await removeFinalizer({ client, type: things, current: going, finalizer });
  });
});

describe('events', () => {
  test('are accepted by the API server, and so is their count', async () => {
    const current = await client.create(things, inWork('eventful'));
    const recorder = createEventRecorder({
      client,
      clock: systemClock,
      logger: silent,
      registry: new Registry(),
      reportingController: 'example.org/test',
      reportingInstance: 'test-1',
    });
    for (let index = 0; index < 3; index += 1) {
      recorder.event(current, { type: 'Warning', reason: 'Failed', message: 'no', action: 'Sync' });
      await recorder.idle();
    }
    const { items } = await client.list(events, { namespace: 'work' });
    expect(items.filter((one) => one.metadata.name.startsWith('eventful.'))).toMatchObject([
      { reason: 'Failed', note: 'no', series: { count: 3 } },
    ]);
  });

  test('in a namespace on its way out are counted and forgotten', async () => {
    await plane.createNamespace('going');
    const current = await client.create(
      things,
      thing('a', { metadata: { name: 'a', namespace: 'going', finalizers: ['example.org/hold'] } }),
    );
    await plane.kubectl(['delete', 'namespace', 'going', '--wait=false']);
    const registry = new Registry();
    const recorder = createEventRecorder({
      client,
      clock: systemClock,
      logger: silent,
      registry,
      reportingController: 'example.org/test',
      reportingInstance: 'test-1',
    });
    recorder.event(current, { type: 'Normal', reason: 'Deleting', message: 'm', action: 'Delete' });
    await recorder.idle();
    const dropped = await (registry.getSingleMetric('event_recorder_dropped_total') as Counter).get();
    expect(dropped.values).toEqual([{ value: 1, labels: { cause: 'refused' } }]);
    await client.mergePatch(things, { namespace: 'going', name: 'a' }, { metadata: { finalizers: null } });
  });
});

describe('manager', () => {
  test('two managers: one leads, and hands over at once when it stops', async () => {
    const seen: string[] = [];
    const one = (identity: string) =>
      manage({ leaderElection: { namespace: 'work', name: 'two', identity } }, async (key) => {
        seen.push(`${identity} ${key.name}`);
        return done();
      });
    const first = one('first');
    await eventually(() => first.manager.leading || undefined);
    const second = one('second');
    await eventually(() => second.manager.unready() === undefined || undefined);
    await client.create(things, inWork('led'));
    await eventually(() => seen.includes('first led') || undefined);
    expect(seen.filter((line) => line.startsWith('second'))).toEqual([]);
    const from = performance.now();
    expect(await first.stop()).toBe('stopped');
    await eventually(() => seen.includes('second led') || undefined);
    expect(performance.now() - from).toBeLessThan(5_500);
    expect(await second.stop()).toBe('stopped');
  });

  test('without the right to list, it says what it may not', async () => {
    const { kubeconfigPath } = await plane.serviceAccount('work', 'nobody');
    const one = manage({ client: connect(kubeconfigPath) }, async () => done());
    await eventually(
      () => one.manager.unready() === 'not listed yet: things in work (403 Forbidden)' || undefined,
    );
    expect(one.manager.healthy()).toBe(true);
    await one.stop();
  });

  test('left alone with its own status writes, an object does not change', async () => {
    const reconciles: string[] = [];
    const one = manage({}, async (key, signal) => {
      reconciles.push(key.name);
      const current = one.informer.get(key);
      if (current !== undefined) {
        const status = { observedGeneration: current.metadata.generation };
        const { informer } = one;
        await applyStatusIfChanged({
          client,
          type: things,
          current,
          status,
          fieldManager: 'own',
          informer,
          signal,
        });
      }
      return done();
    });
    await client.create(things, inWork('quiet'));
    const settled = await eventually(async () => {
      const { status, metadata } = await client.get(things, keyInWork('quiet'));
      return status?.['observedGeneration'] === 1 ? metadata.resourceVersion : undefined;
    });
    const count = reconciles.length;
    await systemClock.sleep(3_000);
    expect((await client.get(things, keyInWork('quiet'))).metadata.resourceVersion).toBe(settled);
    expect(reconciles).toHaveLength(count);
    await one.stop();
  });

  test('outlives a crash and a freeze of the API server, and misses nothing', async () => {
    const one = manage({}, async () => done());
    await eventually(() => one.manager.unready() === undefined || undefined);
    await client.create(things, inWork('before'));
    await eventually(() => one.informer.get(keyInWork('before')));
    await plane.components.apiserver.stop();
    await eventually(() => one.manager.unready());
    expect(one.manager.healthy()).toBe(true);
    await plane.components.apiserver.restart();
    await eventually(() => client.delete(things, keyInWork('before')).then(() => true));
    await client.create(things, inWork('after'));
    await eventually(() => one.informer.get(keyInWork('after')), { withinMs: 60_000 });
    expect(one.informer.get(keyInWork('before'))).toBeUndefined();
    await eventually(() => one.manager.unready() === undefined || undefined);
    plane.components.apiserver.pause();
    const signal = AbortSignal.timeout(500);
    await expect(client.get(things, keyInWork('after'), { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    plane.components.apiserver.resume();
    await eventually(() => client.create(things, inWork('thawed')));
    await eventually(() => one.informer.get(keyInWork('thawed')), { withinMs: 60_000 });
    expect(await one.stop()).toBe('stopped');
  });
});
