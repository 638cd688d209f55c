import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateUserCommand,
  DeleteGroupCommand,
  DeleteUserCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import type { UserDump } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { managedPolicy } from './belongings.ts';
import {
  changes,
  event,
  events,
  gone,
  operations,
  operatorWrites,
  patch,
  removeBindings,
  resyncs,
  user,
  worldFor,
} from './support.ts';

const world = worldFor('bindings');
const kind = 'awsentitlementbinding';

const document = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['s3:GetObject', 's3:ListBucket'], Resource: '*' },
    { Effect: 'Deny', Action: 's3:DeleteBucket', Resource: '*' },
  ],
};

/** A binding of a user that no AwsAccount need manage. */
function bound(name: string, userName: string, entitlement: object, more: object = {}): object {
  return world().bindingManifest(name, {
    connectionRef: { name: 'aws' },
    userName,
    entitlement,
    ...more,
  });
}

const group = (name: string) => ({ type: 'Group', name });

async function warnings(name: string): Promise<readonly string[]> {
  return (await events(world(), name)).filter(({ type }) => type === 'Warning').map(({ reason }) => reason);
}

async function ready(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await world().until(kind, name, { status: 'True' });
  }
}

async function seen(userName: string, what: (dump: UserDump) => boolean): Promise<void> {
  await eventually(async () => (what(await user(world(), userName)) ? true : undefined), {
    what: `${userName} to be so`,
    everyMs: 50,
  });
}

/**
 * A new process has written nothing a moment ago. What others change right after a write of ours is seen
 * half a minute later only, since AWS may show for so long what was before.
 */
async function settle(): Promise<void> {
  await world().restartOperator();
  await world().until('awsconnection', 'aws', { status: 'True' });
}

async function makeGroups(...names: readonly string[]): Promise<void> {
  for (const GroupName of names) {
    await world().iam.send(new CreateGroupCommand({ GroupName }));
  }
}

test('C10(a) bindings before their account, the account before their group: no error on the way, one write each and no read', async () => {
  const { iam } = world();
  const deploy = await managedPolicy(iam, 'Deploy');
  const of = (name: string, entitlement: object): object =>
    world().bindingManifest(name, { accountRef: { name: 'jo' }, entitlement });
  const names = ['jo-group', 'jo-billing', 'jo-deploy', 'jo-own'];
  await world().apply(
    of('jo-group', group('Later')),
    of('jo-billing', { type: 'AwsManagedPolicy', name: 'Billing' }),
    of('jo-deploy', { type: 'CustomerManagedPolicy', arn: deploy }),
    of('jo-own', { type: 'InlinePolicy', name: 'own', document }),
  );
  for (const name of names) {
    const { message } = await world().until(kind, name, { status: 'Unknown', reason: 'WaitingForAccount' });
    expect(message).toContain('AwsAccount "jo"');
  }
  await world().simulator.resetCalls();
  await world().apply(world().accountManifest('jo', { userName: 'jo', deletionPolicy: 'Delete' }));
  await ready('jo-billing', 'jo-deploy', 'jo-own');
  await world().until(kind, 'jo-group', { status: 'Unknown', reason: 'WaitingForEntitlement' });
  await resyncs(world(), 2);
  await makeGroups('Later');
  await ready('jo-group');
  expect((await changes(world(), 'jo')).toSorted()).toEqual([
    'AddUserToGroup',
    'AttachUserPolicy',
    'AttachUserPolicy',
    'CreateUser',
    'PutUserPolicy',
  ]);
  expect(await operations(world(), 'jo')).toEqual(await changes(world(), 'jo'));
  const { byOperation } = await world().simulator.calls();
  for (const list of ['ListGroupsForUser', 'ListAttachedUserPolicies', 'GetUserPolicy', 'GetUser']) {
    expect([list, byOperation[list]]).toEqual([list, undefined]);
  }
  for (const name of names) {
    expect(await warnings(name)).toEqual([]);
    expect((await world().binding(name)).status).toMatchObject({
      state: 'Present',
      origin: 'Created',
      userName: 'jo',
      userId: (await user(world(), 'jo')).userId,
      since: expect.stringMatching(/^20/),
      lastVerified: expect.stringMatching(/^20/),
    });
  }
  const { arn } = await user(world(), 'jo');
  const arns = await Promise.all(
    names.map(async (name) => (await world().binding(name)).status?.entitlementArn),
  );
  expect(arns).toEqual([
    arn.replace('user/jo', 'group/Later'),
    'arn:aws:iam::aws:policy/job-function/Billing',
    deploy,
    `${arn}/policy/own`,
  ]);
});

test('who and what cannot be changed, also not in two steps', async () => {
  for (const [name, spec, says] of [
    ['jo-group', { accountRef: { name: 'other' } }, 'spec.accountRef cannot be changed'],
    ['jo-group', { accountRef: null, connectionRef: { name: 'aws' }, userName: 'sam' }, 'cannot be changed'],
    ['jo-group', { accountRef: null }, 'name the user by accountRef'],
    ['jo-group', { entitlement: { name: 'Other' } }, 'cannot be changed'],
    ['jo-group', { entitlement: { name: null } }, 'named by name or by arn'],
    [
      'jo-group',
      { entitlement: { name: null, arn: 'arn:aws:iam::012345678901:group/Other' } },
      'cannot be changed',
    ],
    ['jo-billing', { entitlement: { type: 'CustomerManagedPolicy' } }, 'cannot be changed'],
    ['jo-own', { entitlement: { document: null } }, 'an InlinePolicy needs a document'],
  ] as const) {
    await expect(patch(world(), name, { spec }, kind)).rejects.toThrow(says);
  }
});

test('resyncs write nothing, to AWS or to the objects; documents are compared by what they mean', async () => {
  await world().iam.send(
    new PutUserPolicyCommand({
      UserName: 'jo',
      PolicyName: 'own',
      PolicyDocument: JSON.stringify({
        Statement: [
          { Resource: ['*'], Action: ['S3:deletebucket'], Effect: 'Deny' },
          { Action: ['s3:ListBucket', 's3:GetObject'], Effect: 'Allow', Resource: '*' },
        ],
        Version: '2012-10-17',
      }),
    }),
  );
  await resyncs(world(), 1);
  const versions = async () => {
    const text = await world().kubectl(['get', 'awsbind', '-n', 'bindings', '-o', 'json']);
    const { items } = JSON.parse(text) as { items: { metadata: { resourceVersion: string } }[] };
    return items.map(({ metadata }) => metadata.resourceVersion);
  };
  const before = await versions();
  await world().simulator.resetCalls();
  await resyncs(world(), 2);
  expect(await operatorWrites(world())).toEqual([]);
  expect(await versions()).toEqual(before);
  const { byOperation } = await world().simulator.calls();
  expect(Object.keys(byOperation).filter((name) => /Policy|Group/.test(name))).toEqual([]);
});

test('a declared document that changes is written; one that was changed in AWS is drift, and mended', async () => {
  const other = { ...document, Statement: document.Statement.slice(0, 1) };
  await patch(world(), 'jo-own', { spec: { entitlement: { document: other } } }, kind);
  await ready('jo-own');
  expect(JSON.parse((await user(world(), 'jo')).inlinePolicies['own'] ?? '')).toEqual(other);
  await event(world(), 'jo-own', 'Updated');
  await settle();
  await world().iam.send(
    new PutUserPolicyCommand({ UserName: 'jo', PolicyName: 'own', PolicyDocument: JSON.stringify(document) }),
  );
  await world().iam.send(new RemoveUserFromGroupCommand({ UserName: 'jo', GroupName: 'Later' }));
  for (const name of ['jo-own', 'jo-group']) {
    await event(world(), name, 'DriftMended');
    expect((await world().binding(name)).status?.drift).toMatchObject({ what: expect.any(String) });
  }
  expect(JSON.parse((await user(world(), 'jo')).inlinePolicies['own'] ?? '')).toEqual(other);
  expect((await user(world(), 'jo')).groups).toEqual(['Later']);
});

test('a user that no AwsAccount manages: waited for, followed over a rename, not mistaken for another of its name', async () => {
  const { iam } = world();
  await makeGroups('Readers');
  await world().apply(bound('sam', 'sam', group('readers')));
  await world().until(kind, 'sam', { status: 'Unknown', reason: 'WaitingForAccount' });
  await iam.send(new CreateUserCommand({ UserName: 'sam' }));
  await ready('sam');
  expect((await user(world(), 'sam')).groups).toEqual(['Readers']);
  await settle();
  await iam.send(new UpdateUserCommand({ UserName: 'sam', NewUserName: 'samira' }));
  await eventually(async () =>
    (await world().binding('sam')).status?.userName === 'samira' ? true : undefined,
  );
  await iam.send(new RemoveUserFromGroupCommand({ UserName: 'samira', GroupName: 'Readers' }));
  await seen('samira', ({ groups }) => groups.includes('Readers'));
  await world().operator.stop();
  await iam.send(new RemoveUserFromGroupCommand({ UserName: 'samira', GroupName: 'Readers' }));
  await iam.send(new DeleteUserCommand({ UserName: 'samira' }));
  await iam.send(new CreateUserCommand({ UserName: 'sam' }));
  await world().startOperator();
  await world().until(kind, 'sam', { status: 'False', reason: 'IdentityChanged' });
  expect((await user(world(), 'sam')).groups).toEqual([]);
  const { userId } = await user(world(), 'sam');
  await patch(
    world(),
    'sam',
    { metadata: { annotations: { 'aws.idhub.io/confirm-user-id': userId } } },
    kind,
  );
  await ready('sam');
  expect((await user(world(), 'sam')).groups).toEqual(['Readers']);
});

test('a group that was deleted in AWS: waits without noise, and is bound again when there is one', async () => {
  const { iam } = world();
  await settle();
  await iam.send(new RemoveUserFromGroupCommand({ UserName: 'jo', GroupName: 'Later' }));
  await iam.send(new DeleteGroupCommand({ GroupName: 'Later' }));
  await world().until(kind, 'jo-group', { status: 'Unknown', reason: 'WaitingForEntitlement' });
  await world().simulator.resetCalls();
  await resyncs(world(), 3);
  const { byOperation } = await world().simulator.calls();
  expect(byOperation['AddUserToGroup'] ?? 0).toBe(0);
  expect(byOperation['ListGroupsForUser'] ?? 0).toBeLessThan(6);
  expect(await warnings('jo-group')).toEqual([]);
  await makeGroups('Later');
  await ready('jo-group');
  expect((await user(world(), 'jo')).groups).toEqual(['Later']);
});

test('state Absent takes an edge away that nobody bound, and keeps it away', async () => {
  const { iam } = world();
  await makeGroups('Old');
  await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  const join = () => iam.send(new AddUserToGroupCommand({ UserName: 'ann', GroupName: 'Old' }));
  await join();
  await world().apply(bound('ann-old', 'ann', group('Old'), { state: 'Absent' }));
  await seen('ann', ({ groups }) => groups.length === 0);
  await ready('ann-old');
  await settle();
  await join();
  await seen('ann', ({ groups }) => groups.length === 0);
  await event(world(), 'ann-old', 'DriftMended');
  await patch(world(), 'ann-old', { spec: { state: 'Present' } }, kind);
  await seen('ann', ({ groups }) => groups.includes('Old'));
  await ready('ann-old');
});

test.each([
  ['RevokeIfCreated', 'there before', ['Staff']],
  ['RevokeIfCreated', 'made from here', []],
  ['Revoke', 'there before', []],
  ['Keep', 'made from here', ['Staff']],
])('deleted with onDelete %s, an edge that was %s: groups %j', async (onDelete, origin, left) => {
  const { iam } = world();
  const name = `${onDelete}-${origin.replaceAll(' ', '-')}`.toLowerCase();
  await makeGroups('Staff').catch(() => undefined);
  await iam.send(new CreateUserCommand({ UserName: name }));
  if (origin === 'there before') {
    await iam.send(new AddUserToGroupCommand({ UserName: name, GroupName: 'Staff' }));
  }
  await world().apply(bound(name, name, group('Staff'), { onDelete }));
  await ready(name);
  await removeBindings(world(), name);
  await gone(world(), name, 20_000, kind);
  expect((await user(world(), name)).groups).toEqual(left);
});

test('a quota is seen before it is hit: what fills it is named, and AWS is not asked', async () => {
  const { iam } = world();
  const groups = Array.from({ length: 10 }, (_, index) => `full-${index}`);
  await makeGroups(...groups, 'one-more');
  await iam.send(new CreateUserCommand({ UserName: 'full' }));
  for (const GroupName of groups) {
    await iam.send(new AddUserToGroupCommand({ UserName: 'full', GroupName }));
  }
  const big = {
    ...document,
    Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: `arn:aws:s3:::${'x'.repeat(2_000)}` }],
  };
  await iam.send(
    new PutUserPolicyCommand({
      UserName: 'full',
      PolicyName: 'small',
      PolicyDocument: JSON.stringify(document),
    }),
  );
  await resyncs(world(), 1);
  await world().apply(
    bound('full-group', 'full', group('one-more')),
    bound('full-own', 'full', { type: 'InlinePolicy', name: 'big', document: big }),
  );
  const { message } = await world().until(kind, 'full-group', { status: 'False', reason: 'LimitExceeded' });
  for (const name of groups) {
    expect(message).toContain(name);
  }
  const inline = await world().until(kind, 'full-own', { status: 'False', reason: 'LimitExceeded' });
  expect(inline.message).toMatch(/2048 characters together; this one has \d+, beside small \(\d+\)/);
  expect(await operations(world(), 'full')).toEqual([]);
  await iam.send(new RemoveUserFromGroupCommand({ UserName: 'full', GroupName: 'full-3' }));
  await ready('full-group');
});

test('all of that is within docs/aws-policy and the rights of the operator', async () => {
  const { errors } = await world().simulator.calls();
  expect(Object.entries(errors).filter(([, codes]) => 'AccessDenied' in codes)).toEqual([]);
  const metrics = await world().metrics();
  expect(metrics).toMatch(/^rest_client_requests_total\{code="200"/m);
  expect(metrics).not.toMatch(/^rest_client_requests_total\{code="40[13]"/m);
});
