import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { giveCredentials } from './belongings.ts';
import {
  changes,
  exists,
  gone,
  operations,
  operatorWrites,
  patch,
  remove,
  resyncs,
  settled,
  snapshotEvery,
  untilAll,
  user,
  worldFor,
} from './support.ts';

const world = worldFor('restarting');

/** The process ends as a crash ends it, and what was in flight with it. */
async function crash(): Promise<void> {
  world().operator.kill('SIGKILL');
  expect(await world().operator.exited).toBe('SIGKILL');
}

async function hits(count: number): Promise<void> {
  await eventually(async () => {
    const faults = await world().simulator.faults();
    return faults.reduce((sum, fault) => sum + fault.hits, 0) >= count ? true : undefined;
  });
}

async function versions(names: readonly string[]): Promise<string> {
  return world().kubectl([
    'get',
    'awsaccount',
    ...names,
    '-n',
    'restarting',
    '-o',
    'jsonpath={range .items[*]}{.metadata.name}={.metadata.resourceVersion} {end}',
  ]);
}

test('a restart with nothing to do: no write, not to AWS and not to the objects, and few reads', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `many-${index}`);
  await world().apply(
    ...names.map((name) => world().accountManifest(name, { userName: name, tags: { a: '1' }, path: '/m/' })),
  );
  await untilAll(world(), names, { status: 'True' });
  await eventually(async () => {
    const text = await world().kubectl([
      'get',
      'awsaccount',
      '-n',
      'restarting',
      '-o',
      'jsonpath={range .items[*]}{.metadata.annotations.aws\\.idhub\\.io/user-id}{"\\n"}{end}',
    ]);
    return text.split('\n').filter((id) => id.startsWith('AIDA')).length === 60 ? true : undefined;
  });
  await resyncs(world(), 1);
  const before = await versions(names);
  await crash();
  await world().simulator.resetCalls();
  await world().startOperator(['--snapshot-interval=10m']);
  await eventually(async () => {
    const text = await world().metrics();
    const done =
      /^controller_runtime_reconcile_total\{[^}]*controller="awsaccount"[^}]*result="success"[^}]*\} (\d+)$/m;
    const idle = /^workqueue_depth\{[^}]*name="awsaccount"[^}]*\} 0$/m;
    return Number(done.exec(text)?.[1] ?? 0) >= 60 && idle.test(text) ? true : undefined;
  });
  const calls = await world().simulator.calls();
  expect(calls.writes).toBe(0);
  expect(calls.reads).toBeLessThan(20);
  expect(await versions(names)).toBe(before);
  await world().operator.stop();
  await world().startOperator([snapshotEvery]);
});

describe('kill -9 in the middle', () => {
  test('between CreateUser and its answer: the marker in the call says that it is ours', async () => {
    await world().simulator.fault(
      { operation: 'CreateUser', user: 'halfway', drop: 'after' },
      // What would come next does not come before the end.
      { user: 'halfway', latencyMs: 60_000, times: -1 },
    );
    await world().apply(
      world().accountManifest('halfway', {
        userName: 'halfway',
        enabled: false,
        attributes: { surname: 'Doe' },
      }),
    );
    await eventually(async () => world().simulator.user('halfway'));
    await crash();
    await world().simulator.clearFaults();
    expect((await world().account('halfway')).status?.userId).toBeUndefined();
    await world().startOperator();
    await settled(world(), 'halfway');
    const created = (await operatorWrites(world(), 'halfway')).filter(
      ({ operation, code }) => operation === 'CreateUser' && code === 'OK',
    );
    expect(created).toHaveLength(1);
    expect(await user(world(), 'halfway')).toMatchObject({
      tags: { surname: 'Doe', 'aws.idhub.io/owner': 'restarting/restarting/halfway' },
    });
    expect(Object.keys((await user(world(), 'halfway')).inlinePolicies)).toEqual(['IDHubDisabled']);
  });

  test('before CreateUser was sent: it is sent once', async () => {
    await world().simulator.fault({ operation: 'CreateUser', user: 'announced', latencyMs: 60_000 });
    await world().apply(world().accountManifest('announced', { userName: 'announced' }));
    await hits(1);
    await crash();
    await world().simulator.clearFaults();
    const { metadata } = await world().account('announced');
    expect(metadata.finalizers).toEqual(['aws.idhub.io/finalizer']);
    await world().startOperator();
    await settled(world(), 'announced');
    expect((await changes(world(), 'announced')).filter((each) => each === 'CreateUser')).toHaveLength(1);
  });

  test('between two steps of a change: the rest is done', async () => {
    await world().apply(
      world().accountManifest('changing', { userName: 'changing', tags: { a: '1', b: '1' } }),
    );
    await settled(world(), 'changing');
    await world().simulator.fault({ operation: 'TagUser', user: 'renamed-too', latencyMs: 60_000 });
    await patch(world(), 'changing', {
      spec: { userName: 'renamed-too', path: '/x/', tags: { a: '2', b: null } },
    });
    await hits(1);
    await crash();
    await world().simulator.clearFaults();
    await world().startOperator();
    await world().until('awsaccount', 'changing', { status: 'True', reason: 'AsDeclared' });
    expect(await user(world(), 'renamed-too')).toMatchObject({
      path: '/x/',
      tags: { a: '2', 'aws.idhub.io/owner': 'restarting/restarting/changing' },
    });
    expect((await user(world(), 'renamed-too')).tags).not.toHaveProperty('b');
    expect(await world().simulator.user('changing')).toBeUndefined();
  });

  test('in a deletion: it is finished, with nothing left', async () => {
    await world().apply(
      world().accountManifest('leaving', { userName: 'leaving', deletionPolicy: 'Delete' }),
    );
    await settled(world(), 'leaving');
    await giveCredentials(world().iam, 'leaving');
    await world().simulator.fault({ operation: 'DeleteSSHPublicKey', user: 'leaving', latencyMs: 60_000 });
    await remove(world(), 'leaving');
    await hits(1);
    await crash();
    await world().simulator.clearFaults();
    expect(await exists(world(), 'awsaccount', 'leaving')).toBe(true);
    await world().startOperator();
    await gone(world(), 'leaving');
    expect(await world().simulator.user('leaving')).toBeUndefined();
  });

  test('after DeleteUser, before the finalizer went: the object goes', async () => {
    await world().apply(world().accountManifest('left', { userName: 'left', deletionPolicy: 'Delete' }));
    await settled(world(), 'left');
    // Held before it is done, so that the look that verifies it, and no earlier one, meets the second fault.
    await world().simulator.fault({ operation: 'DeleteUser', user: 'left', latencyMs: 5_000 });
    await remove(world(), 'left');
    await hits(1);
    await world().simulator.fault({ operation: 'GetUser', user: 'left', latencyMs: 60_000, times: -1 });
    await eventually(async () => ((await world().simulator.user('left')) === undefined ? true : undefined));
    await crash();
    await world().simulator.clearFaults();
    expect(await exists(world(), 'awsaccount', 'left')).toBe(true);
    await world().startOperator();
    await gone(world(), 'left');
    expect((await changes(world(), 'left')).filter((each) => each === 'DeleteUser')).toHaveLength(1);
  });
});

describe('SIGTERM', () => {
  test('what is in flight is finished and recorded; exit code 0; nothing is done twice', async () => {
    await world().simulator.fault({ operation: 'CreateUser', user: 'lastminute', latencyMs: 3_000 });
    await world().apply(world().accountManifest('lastminute', { userName: 'lastminute' }));
    await hits(1);
    expect(await world().operator.stop()).toBe(0);
    await world().simulator.clearFaults();
    const { status, metadata } = await world().account('lastminute');
    expect(await user(world(), 'lastminute')).toMatchObject({ userId: status?.userId });
    expect(metadata.finalizers).toEqual(['aws.idhub.io/finalizer']);
    expect(status?.conditions?.[0]).toMatchObject({ status: 'True' });
    await world().startOperator();
    await settled(world(), 'lastminute');
    expect(await operations(world(), 'lastminute')).toEqual(['CreateUser']);
  });

  test('work that takes longer than the grace period is broken off; still exit code 0', async () => {
    await world().operator.stop();
    await world().startOperator([snapshotEvery, '--grace-period=1s']);
    await world().until('awsconnection', 'aws', { status: 'True' });
    await world().simulator.fault({ operation: 'CreateUser', user: 'endless', latencyMs: 60_000 });
    await world().apply(world().accountManifest('endless', { userName: 'endless' }));
    await hits(1);
    const began = Date.now();
    expect(await world().operator.stop(20_000)).toBe(0);
    expect(Date.now() - began).toBeLessThan(9_000);
    await world().simulator.clearFaults();
    await world().startOperator([snapshotEvery]);
    await world().until('awsaccount', 'endless', { status: 'True' });
  });
});

test('what was made, changed and deleted while no operator ran is done when one runs', async () => {
  const kept = { userName: 'changed-meanwhile', tags: { a: '1' } };
  await world().apply(
    world().accountManifest('changed-meanwhile', kept),
    world().accountManifest('deleted-meanwhile', { userName: 'deleted-meanwhile', deletionPolicy: 'Delete' }),
  );
  await settled(world(), 'changed-meanwhile');
  await settled(world(), 'deleted-meanwhile');
  await world().operator.stop();
  await patch(world(), 'changed-meanwhile', { spec: { tags: { a: '2' }, enabled: false } });
  await remove(world(), 'deleted-meanwhile');
  await world().apply(world().accountManifest('made-meanwhile', { userName: 'made-meanwhile' }));
  await world().startOperator();
  await untilAll(world(), ['changed-meanwhile', 'made-meanwhile'], { status: 'True' });
  await gone(world(), 'deleted-meanwhile');
  expect((await user(world(), 'changed-meanwhile')).tags).toMatchObject({ a: '2' });
  expect(Object.keys((await user(world(), 'changed-meanwhile')).inlinePolicies)).toEqual(['IDHubDisabled']);
  expect(await world().simulator.user('deleted-meanwhile')).toBeUndefined();
  expect(await changes(world(), 'made-meanwhile')).toEqual(['CreateUser']);
});
