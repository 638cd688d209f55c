import { CreateUserCommand, DeleteUserCommand, TagUserCommand, UpdateUserCommand } from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import type { AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import type { Secret } from '../../operator/controllers/names.ts';
import { eventually } from '../support/process.ts';
import { event, gone, operatorWrites, patch, remove, untilAll, worldFor } from './support.ts';
import { connectionManifest, secretManifest } from './world.ts';

/** The administrator and the communication user are two of them. */
const users = 60;
const world = worldFor('reconciling', { simulator: [`--users=${users - 2}`] });

/** Makes a run of accounts, unless told otherwise, and waits for its end. */
async function run(
  name: string,
  spec: object = {},
  ends: { readonly type?: string; readonly reason?: string } = {},
): Promise<AwsReconciliation> {
  await world().apply(world().runManifest(name, { resources: ['Account'], ...spec }));
  await world().until('awsreconciliation', name, { type: 'Complete', status: 'True', ...ends });
  return world().run(name);
}

const told = ({ status }: AwsReconciliation): unknown =>
  status?.changes?.map(({ change, name, before, what }) => ({ change, name, before, what }));

test('the first run reports everybody as created, and kubectl shows it', async () => {
  const { status } = await run('first');
  expect(status?.counts).toMatchObject({ read: users, created: users, changed: 0, deleted: 0 });
  expect(status?.changes).toHaveLength(users);
  expect(status).toMatchObject({
    mode: 'Full',
    account: world().accounts[0]?.id,
    report: { changes: users },
  });
  expect(status?.calls).toBeGreaterThan(0);
  const table = await world().kubectl(['get', 'awsrecon', 'first', '-n', 'reconciling']);
  expect(table).toMatch(/MODE\s+CONNECTION\s+COMPLETE\s+CREATED\s+CHANGED\s+DELETED\s+REASON/);
  expect(table).toMatch(/Full\s+aws\s+True\s+60\s+0\s+0\s+Completed/);
  expect((await event(world(), 'first', 'Completed')).message).toContain('60 read, 60 created');
});

test('a dry run reports what has changed and remembers nothing; the next reports it: made, changed, renamed, made again, deleted', async () => {
  const { iam, simulator } = world();
  const names = (await simulator.account()).users
    .map(({ userName }) => userName)
    .filter((name) => !/idhub|admin/.test(name));
  const [changed = '', renamed = '', remade = '', deleted = ''] = names;
  await iam.send(new TagUserCommand({ UserName: changed, Tags: [{ Key: 'department', Value: 'Sales' }] }));
  await iam.send(new UpdateUserCommand({ UserName: renamed, NewUserName: 'renamed' }));
  await iam.send(new DeleteUserCommand({ UserName: remade }));
  await iam.send(new CreateUserCommand({ UserName: remade }));
  await iam.send(new DeleteUserCommand({ UserName: deleted }));
  await iam.send(new CreateUserCommand({ UserName: 'joiner' }));
  const expected = [
    { change: 'Deleted', name: remade },
    { change: 'Deleted', name: deleted },
    { change: 'Changed', name: changed, what: ['attributes'] },
    { change: 'Changed', name: 'renamed', before: renamed, what: ['name'] },
    { change: 'Created', name: remade },
    { change: 'Created', name: 'joiner' },
  ].map((change) => expect.objectContaining(change));
  for (const [name, spec] of [
    ['dry', { dryRun: true }],
    ['second', {}],
  ] as const) {
    const done = await run(name, spec);
    expect(told(done)).toEqual(expect.arrayContaining(expected));
    expect(done.status?.changes).toHaveLength(expected.length);
    expect(done.status?.counts).toMatchObject({ created: 2, changed: 2, deleted: 2, unchanged: users - 4 });
  }
  expect((await run('third')).status?.counts).toMatchObject({ created: 0, changed: 0, deleted: 0 });
});

test('groups and policies are entitlements', async () => {
  const { status } = await run('entitlements', { resources: ['Entitlement'] });
  expect(status?.counts?.created).toBeGreaterThan(10);
  expect((await run('entitlements-again', { resources: ['Entitlement'] })).status?.counts).toMatchObject({
    created: 0,
    changed: 0,
    deleted: 0,
  });
});

test('a run that has ended is not run again, whatever is asked', async () => {
  const before = await world().run('third');
  await patch(
    world(),
    'third',
    { metadata: { annotations: { 'aws.idhub.io/reconcile-at': 'now' } } },
    'awsreconciliation',
  );
  await world().iam.send(new CreateUserCommand({ UserName: 'later' }));
  expect((await run('fourth')).status?.counts?.created).toBe(1);
  expect((await world().run('third')).status).toEqual(before.status);
});

test('without its connection it waits without a warning, and goes on by itself', async () => {
  const { namespace, credentials, simulatorUrl } = world();
  await world().apply(
    world().runManifest('early', { connectionRef: { name: 'other' }, resources: ['Account'] }),
  );
  await world().until('awsreconciliation', 'early', { status: 'False', reason: 'ConnectionNotFound' });
  await world().apply(
    secretManifest(namespace, 'other-credentials', credentials),
    connectionManifest(namespace, 'other', simulatorUrl),
  );
  await world().until('awsreconciliation', 'early', { type: 'Complete', status: 'True' });
  expect(world().operator.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

test('it changes nothing in AWS', async () => {
  expect(await operatorWrites(world())).toEqual([]);
});

test('users that were deleted from here surprise nobody: more of them than may be missing stop no run', async () => {
  const names = Array.from({ length: 6 }, (_, index) => `leaver-${index}`);
  await world().apply(
    ...names.map((name) => world().accountManifest(name, { userName: name, deletionPolicy: 'Delete' })),
  );
  await untilAll(world(), names, { status: 'True' });
  expect((await run('with-leavers')).status?.counts?.created).toBe(names.length);
  await remove(world(), ...names);
  await Promise.all(names.map((name) => gone(world(), name)));
  const { status } = await run('without-leavers');
  expect(status?.counts).toMatchObject({ deleted: names.length, created: 0, changed: 0 });
  expect(status?.guard).toBeUndefined();
});

test('its report belongs to it, and ttlSecondsAfterFinished deletes it', async () => {
  await world().apply(
    world().runManifest('short-lived', { ttlSecondsAfterFinished: 3, resources: ['Account'] }),
  );
  const owner = await eventually(
    async () => {
      const args = ['get', 'secret', '-n', 'reconciling', '-l', 'aws.idhub.io/content=report', '-o', 'json'];
      const { items } = JSON.parse(await world().kubectl(args)) as { items: Secret[] };
      return items
        .flatMap(({ metadata }) => metadata.ownerReferences ?? [])
        .find(({ name }) => name === 'short-lived');
    },
    { what: 'its report' },
  );
  expect(owner).toMatchObject({ kind: 'AwsReconciliation', controller: true });
  await gone(world(), 'short-lived', 20_000, 'awsreconciliation');
});

test('a wait for Complete and for Failed is what kubectl takes', async () => {
  await world().kubectl([
    'wait',
    '--for=condition=Complete',
    'awsrecon/first',
    '-n',
    'reconciling',
    '--timeout=5s',
  ]);
});
