import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { eventually } from '../support/process.ts';
import { changes, gone, patch, remove, resyncs, settled, snapshotEvery, user } from './support.ts';
import { startWorld, type World } from './world.ts';

jest.setTimeout(120_000);
let plane: ControlPlane;
let world: World;

beforeAll(async () => {
  plane = await startControlPlane();
  await plane.installCrds();
  world = await startWorld({ plane, namespace: 'outage', operator: [snapshotEvery] });
});
afterAll(async () => {
  await world?.stop();
  await plane?.stop();
});

async function probe(path: string): Promise<number> {
  return (await fetch(`${world.metricsUrl}${path}`)).status;
}

async function ready(status: number): Promise<void> {
  await eventually(async () => ((await probe('/readyz')) === status ? true : undefined), {
    withinMs: 60_000,
    what: `/readyz to be ${status}`,
  });
}

/** Watches of our kinds that the API server serves. */
async function watches(): Promise<Record<string, number>> {
  const text = await world.kubectl(['get', '--raw', '/metrics']);
  const found: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const match =
      /^apiserver_longrunning_requests\{.*group="aws\.idhub\.io".*resource="(\w+)".*verb="WATCH".*\} (\d+)$/.exec(
        line,
      );
    if (match !== null) {
      found[match[1] ?? ''] = (found[match[1] ?? ''] ?? 0) + Number(match[2]);
    }
  }
  return found;
}

/** The server may need a moment to see that the connections of before are closed. */
async function oneWatchEach(): Promise<void> {
  await eventually(
    async () => {
      const open = await watches();
      if (open['awsaccounts'] !== 1 || open['awsconnections'] !== 1) {
        throw new Error(JSON.stringify(open));
      }
      return true;
    },
    { withinMs: 15_000, everyMs: 500, what: 'one watch of each kind' },
  );
}

test('the API server is killed and comes back: the process lives, is not ready meanwhile, and misses nothing', async () => {
  await world.apply(
    world.accountManifest('before', { userName: 'before', deletionPolicy: 'Delete' }),
    world.accountManifest('stays', { userName: 'stays' }),
  );
  await settled(world, 'before');
  await settled(world, 'stays');
  const { pid } = world.operator;
  await plane.components.apiserver.stop();
  await ready(503);
  expect(await probe('/healthz')).toBe(200);
  await plane.components.apiserver.restart();
  await remove(world, 'before');
  await world.apply(world.accountManifest('after', { userName: 'after' }));
  await patch(world, 'stays', { spec: { tags: { a: '1' } } });
  await world.until('awsaccount', 'after', { status: 'True', withinMs: 60_000 });
  await world.until('awsaccount', 'stays', { status: 'True', withinMs: 60_000 });
  await gone(world, 'before', 60_000);
  await ready(200);
  expect(world.operator.pid).toBe(pid);
  expect(await world.simulator.user('before')).toBeUndefined();
  expect((await user(world, 'stays')).tags).toMatchObject({ a: '1' });
  expect(await changes(world, 'after')).toEqual(['CreateUser']);
  await oneWatchEach();
});

test('what went while nobody watched is forgotten, and its namesake is another object', async () => {
  world.operator.kill('SIGSTOP');
  await patch(world, 'stays', { metadata: { finalizers: null } });
  await world.kubectl(['delete', 'awsaccount', 'stays', '-n', 'outage', '--timeout=10s']);
  await plane.components.apiserver.restart();
  world.operator.kill('SIGCONT');
  await eventually(
    async () =>
      /^idhub_accounts\{ready="True",reason="AsDeclared"\} 1$/m.test(await world.metrics())
        ? true
        : undefined,
    { withinMs: 60_000, what: 'the deleted account to be forgotten' },
  );
  await resyncs(world, 1);
  // Its user was let go of by force: nothing of ours touches it, and it is still there.
  expect(await changes(world, 'stays')).toEqual(['CreateUser', 'TagUser']);
  expect(await world.simulator.user('stays')).toBeDefined();
});

test('the API server freezes and thaws: not ready meanwhile, and work goes on', async () => {
  plane.components.apiserver.pause();
  try {
    await ready(503);
    expect(await probe('/healthz')).toBe(200);
  } finally {
    plane.components.apiserver.resume();
  }
  await ready(200);
  await patch(world, 'after', { spec: { tags: { thawed: 'yes' } } });
  await world.until('awsaccount', 'after', { status: 'True', withinMs: 60_000 });
  expect((await user(world, 'after')).tags).toMatchObject({ thawed: 'yes' });
});

test('started while the API server is down: it waits, alive and not ready, and then works', async () => {
  await world.operator.stop();
  await plane.components.apiserver.stop();
  await world.startOperator();
  await world.operator.line((line) => line.includes('"warn"') || line.includes('"error"'));
  expect(await probe('/readyz')).toBe(503);
  expect(await probe('/healthz')).toBe(200);
  await plane.components.apiserver.restart();
  await ready(200);
  await patch(world, 'after', { spec: { tags: { started: 'yes' } } });
  await world.until('awsaccount', 'after', { status: 'True', withinMs: 60_000 });
  expect(await world.operator.stop()).toBe(0);
});
