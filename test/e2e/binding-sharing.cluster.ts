import {
  AttachGroupPolicyCommand,
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  CreateGroupCommand,
  CreateRoleCommand,
  CreateUserCommand,
  ListAttachedRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import {
  changes,
  gone,
  operatorWrites,
  patch,
  removeBindings,
  resyncs,
  settled,
  user,
  worldFor,
} from './support.ts';

const world = worldFor('sharing');
const kind = 'awsentitlementbinding';
const administrator = 'arn:aws:iam::aws:policy/AdministratorAccess';
const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const policy = (arn: string) => ({ type: 'AwsManagedPolicy', arn });
const group = (name: string) => ({ type: 'Group', name });

function bound(name: string, userName: string, entitlement: object, more: object = {}): object {
  return world().bindingManifest(name, {
    connectionRef: { name: 'aws' },
    userName,
    entitlement,
    ...more,
  });
}

async function ready(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await world().until(kind, name, { status: 'True' });
  }
}

async function leave(...names: readonly string[]): Promise<void> {
  await removeBindings(world(), ...names);
  for (const name of names) {
    await gone(world(), name, 20_000, kind);
  }
}

async function make(...names: readonly string[]): Promise<void> {
  for (const UserName of names) {
    await world().iam.send(new CreateUserCommand({ UserName }));
  }
}

const attached = async (name: string): Promise<readonly string[]> =>
  (await user(world(), name)).attachedPolicies;

beforeAll(async () => {
  await world().iam.send(new CreateGroupCommand({ GroupName: 'Team' }));
});

test('C09 a binding owns one edge: those of other users, groups and roles to the same policy stay', async () => {
  const { iam } = world();
  await patch(
    world(),
    'aws',
    { spec: { guard: { allowedPolicies: [administrator, readOnly] } } },
    'awsconnection',
  );
  await make('a', 'b', 'c');
  for (const UserName of ['a', 'b']) {
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: administrator }));
  }
  await iam.send(new CreateGroupCommand({ GroupName: 'g' }));
  await iam.send(new AttachGroupPolicyCommand({ GroupName: 'g', PolicyArn: administrator }));
  await iam.send(
    new CreateRoleCommand({
      RoleName: 'r',
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      }),
    }),
  );
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'r', PolicyArn: administrator }));
  await world().simulator.resetCalls();
  await world().apply(bound('c', 'c', policy(administrator)));
  await ready('c');
  expect(await attached('c')).toEqual([administrator]);
  await resyncs(world(), 1);
  await leave('c');
  expect(await attached('c')).toEqual([]);
  for (const name of ['a', 'b']) {
    expect(await attached(name)).toEqual([administrator]);
  }
  const { groups } = await world().simulator.account();
  expect(groups.find(({ groupName }) => groupName === 'g')?.attachedPolicies).toEqual([administrator]);
  const role = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: 'r' }));
  expect(role.AttachedPolicies?.map(({ PolicyArn }) => PolicyArn)).toEqual([administrator]);
  const writes = await operatorWrites(world());
  expect(writes.map(({ operation, user: whose }) => [operation, whose])).toEqual([
    ['AttachUserPolicy', 'c'],
    ['DetachUserPolicy', 'c'],
  ]);
});

test('C09 two bindings share an edge, by name and by ARN, by account and by user name: the last one out removes it', async () => {
  await world().apply(
    world().accountManifest('d', { userName: 'd' }),
    world().bindingManifest('x', {
      accountRef: { name: 'd' },
      entitlement: { type: 'AwsManagedPolicy', name: 'readonlyaccess' },
    }),
  );
  await ready('x');
  await world().apply(bound('y', 'D', policy(readOnly)));
  await ready('y');
  expect((await world().binding('y')).status?.origin).toBe('Created');
  await leave('x');
  await resyncs(world(), 1);
  expect(await attached('d')).toEqual([readOnly]);
  await leave('y');
  expect(await attached('d')).toEqual([]);
  expect(await changes(world(), 'd')).toEqual(['CreateUser', 'AttachUserPolicy', 'DetachUserPolicy']);
});

test('C09 an edge that was there before stays', async () => {
  await make('e');
  await world().iam.send(new AttachUserPolicyCommand({ UserName: 'e', PolicyArn: readOnly }));
  await world().apply(bound('e', 'e', policy(readOnly)));
  await ready('e');
  await leave('e');
  expect(await attached('e')).toEqual([readOnly]);
  expect(await changes(world(), 'e')).toEqual([]);
});

test('many bindings of many users, deleted two at a time and all at once: each edge is removed, once', async () => {
  const users = Array.from({ length: 8 }, (_, index) => `pair-${index}`);
  await make(...users);
  await world().apply(
    ...users.flatMap((name) => [1, 2].map((copy) => bound(`${name}-${copy}`, name, group('Team')))),
  );
  const all = users.flatMap((name) => [`${name}-1`, `${name}-2`]);
  await ready(...all);
  for (const name of users) {
    expect((await user(world(), name)).groups).toEqual(['Team']);
  }
  expect(
    (await operatorWrites(world())).filter(({ operation }) => operation === 'AddUserToGroup'),
  ).toHaveLength(8);
  await world().simulator.resetCalls();
  await leave(...all);
  for (const name of users) {
    expect((await user(world(), name)).groups).toEqual([]);
  }
  const removals = (await operatorWrites(world())).map(({ operation, code }) => `${operation} ${code}`);
  expect(new Set(removals)).toEqual(new Set(['RemoveUserFromGroup OK']));
});

test('one that is made while another goes keeps the edge, and takes it away in the end', async () => {
  await make('h');
  await world().apply(bound('h-1', 'h', group('Team')));
  await ready('h-1');
  await world().apply(bound('h-2', 'h', group('Team')));
  await leave('h-1');
  await ready('h-2');
  expect((await user(world(), 'h')).groups).toEqual(['Team']);
  await leave('h-2');
  expect((await user(world(), 'h')).groups).toEqual([]);
});

test('Present against Absent: the later is Conflict and names the other; it acts when that is gone', async () => {
  await make('i');
  await world().apply(bound('i-present', 'i', group('Team')));
  await ready('i-present');
  // Times of creation have whole seconds.
  const { creationTimestamp = '' } = (await world().binding('i-present')).metadata;
  await eventually(async () => (Date.now() > Date.parse(creationTimestamp) + 1_000 ? true : undefined));
  await world().apply(bound('i-absent', 'i', group('Team'), { state: 'Absent' }));
  const { message } = await world().until(kind, 'i-absent', { status: 'False', reason: 'Conflict' });
  expect(message).toContain('"sharing/i-present"');
  await resyncs(world(), 1);
  await ready('i-present');
  expect((await user(world(), 'i')).groups).toEqual(['Team']);
  await patch(world(), 'i-present', { spec: { onDelete: 'Keep' } }, kind);
  await leave('i-present');
  await ready('i-absent');
  expect((await user(world(), 'i')).groups).toEqual([]);
});

test('one of two expires: the edge stays for the other', async () => {
  await make('k');
  const expiresAt = `${new Date(Date.now() + 2_000).toISOString().slice(0, 19)}Z`;
  await world().apply(bound('k-1', 'k', group('Team'), { expiresAt }), bound('k-2', 'k', group('Team')));
  await ready('k-2');
  const { message } = await world().until(kind, 'k-1', { status: 'True', reason: 'Expired' });
  expect(message).toContain('stays for AwsEntitlementBinding "sharing/k-2"');
  expect((await user(world(), 'k')).groups).toEqual(['Team']);
  await leave('k-2');
  await eventually(async () => ((await user(world(), 'k')).groups.length === 0 ? true : undefined));
});

test('C19 an account and its bindings deleted at once are gone at once', async () => {
  await world().apply(
    world().accountManifest('m', { userName: 'm', deletionPolicy: 'Delete' }),
    world().accountManifest('n', { userName: 'n' }),
    ...['m', 'n'].map((name) =>
      world().bindingManifest(name, { accountRef: { name }, entitlement: group('Team') }),
    ),
  );
  await settled(world(), 'm');
  await settled(world(), 'n');
  await ready('m', 'n');
  const from = Date.now();
  await world().kubectl(['delete', 'awsaccount,awsbind', 'm', 'n', '-n', 'sharing']);
  expect(Date.now() - from).toBeLessThan(10_000);
  expect(await world().simulator.user('m')).toBeUndefined();
  expect((await user(world(), 'n')).groups).toEqual([]);
});

test('C19 without its connection a binding says what it waits for, and can be abandoned', async () => {
  await make('o');
  await world().apply(bound('o', 'o', group('Team')));
  await ready('o');
  await world().operator.stop();
  await world().kubectl(['delete', 'secret', 'aws-credentials', '-n', 'sharing', '--wait=false']);
  await patch(world(), 'aws-credentials', { metadata: { finalizers: null } }, 'secret');
  await world().startOperator();
  await removeBindings(world(), 'o');
  const said = await eventually(async () => {
    const { status } = await world().binding('o');
    const ready_ = status?.conditions?.find(({ type }) => type === 'Ready');
    return ready_?.reason === 'ConnectionNotReady' ? ready_ : undefined;
  });
  expect(said.message).toMatch(
    /needed to take group Team from IAM user o .*aws-credentials.*aws\.idhub\.io\/abandon=true/s,
  );
  await patch(world(), 'o', { metadata: { annotations: { 'aws.idhub.io/abandon': 'true' } } }, kind);
  await gone(world(), 'o', 20_000, kind);
  expect((await user(world(), 'o')).groups).toEqual(['Team']);
  expect(await world().metrics()).toMatch(/^idhub_abandoned_total\{kind="AwsEntitlementBinding"\} 1$/m);
});
