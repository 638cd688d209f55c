import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteUserPolicyCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { giveEverything, managedPolicy } from './belongings.ts';
import { gone, patch, remove, resyncs, settled, user, worldFor } from './support.ts';
import { communicationUser } from './world.ts';

const world = worldFor('privileged');

const { Statement: statements } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../docs/aws-policy/all.json'), 'utf8'),
) as { Statement: { Action: string[] }[] };
const allowed = new Set(statements.flatMap(({ Action }) => Action));

/** Takes one action away, of all users but for the named one where there is a resource to name. */
async function takeAway(action: string, resource = '*'): Promise<void> {
  await world().iam.send(
    new PutUserPolicyCommand({
      UserName: communicationUser,
      PolicyName: 'TakenAway',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Deny', Action: action, Resource: resource }],
      }),
    }),
  );
}

async function giveBack(): Promise<void> {
  await world().iam.send(
    new DeleteUserPolicyCommand({ UserName: communicationUser, PolicyName: 'TakenAway' }),
  );
}

test('a whole life of an account is within docs/aws-policy, and nothing else is asked of AWS or of the API server', async () => {
  const boundary = await managedPolicy(world().iam, 'Fence');
  await patch(
    world(),
    'aws',
    { spec: { settings: { passwordLastUsed: true, policyGroup: true, enableProgrammaticAccess: true } } },
    'awsconnection',
  );
  await world().apply(
    world().accountManifest('life', {
      userName: 'life',
      tags: { a: '1' },
      permissionsBoundary: boundary,
      deletionPolicy: 'Delete',
    }),
  );
  await settled(world(), 'life');
  await giveEverything(world().iam, 'life');
  await resyncs(world(), 1);
  for (const spec of [
    { tags: { a: '2' }, path: '/x/', permissionsBoundary: null },
    { tags: { a: null, b: '1' }, permissionsBoundary: boundary },
    { enabled: false },
    { enabled: true },
  ]) {
    await patch(world(), 'life', { spec });
    await world().until('awsaccount', 'life', { status: 'True' });
  }
  await remove(world(), 'life');
  await gone(world(), 'life');
  expect(await world().simulator.user('life')).toBeUndefined();
  const { errors, byOperation } = await world().simulator.calls();
  expect(Object.entries(errors).filter(([, codes]) => 'AccessDenied' in codes)).toEqual([]);
  expect(Object.keys(byOperation)).toContain('DeactivateMFADevice');
  const metrics = await world().metrics();
  expect(metrics).toMatch(/^rest_client_requests_total\{code="200"/m);
  expect(metrics).not.toMatch(/^rest_client_requests_total\{code="40[13]"/m);
  const asked = [...metrics.matchAll(/^idhub_aws_calls_total\{.*operation="(\w+)"/gm)].map(
    ([, name]) => name ?? '',
  );
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter((name) => name !== 'GetCallerIdentity' && !allowed.has(`iam:${name}`))).toEqual([]);
});

const users = 'arn:aws:iam::*:user/*';
const cases: readonly (readonly [action: string, spec: object])[] = [
  ['iam:TagUser', { tags: { changed: 'yes' } }],
  ['iam:UntagUser', { tags: { a: null } }],
  ['iam:UpdateUser', { path: '/moved/' }],
  ['iam:GetLoginProfile', { enabled: false }],
  ['iam:DeleteUserPolicy', { enabled: true }],
];

test('each right that is missing is named in the condition, and missed only until it is given back', async () => {
  await world().apply(
    world().accountManifest('lacking', { userName: 'lacking', tags: { a: '1' }, deletionPolicy: 'Delete' }),
  );
  await settled(world(), 'lacking');
  for (const [action, spec] of cases) {
    await takeAway(action, users);
    await patch(world(), 'lacking', { spec });
    const { message } = await world().until('awsaccount', 'lacking', {
      status: 'False',
      reason: 'AccessDenied',
    });
    expect(message).toContain(action.replace('iam:', ''));
    expect(message).toContain('docs/aws-policy');
    await giveBack();
    await world().until('awsaccount', 'lacking', { status: 'True' });
  }
  expect(await user(world(), 'lacking')).toMatchObject({ path: '/moved/', tags: { changed: 'yes' } });
  await takeAway('iam:DeleteUser', users);
  await remove(world(), 'lacking');
  const { message } = await world().until('awsaccount', 'lacking', {
    status: 'False',
    reason: 'DeletionBlocked',
  });
  expect(message).toContain('DeleteUser');
  await giveBack();
  await gone(world(), 'lacking', 45_000);
});

test('without PutUserPolicy, a disable shuts the user out with AWSDenyAll instead', async () => {
  await world().apply(world().accountManifest('no-inline', { userName: 'no-inline' }));
  await settled(world(), 'no-inline');
  await takeAway('iam:PutUserPolicy', users);
  await patch(world(), 'no-inline', { spec: { enabled: false } });
  await world().until('awsaccount', 'no-inline', { status: 'True' });
  const { attachedPolicies, inlinePolicies } = await user(world(), 'no-inline');
  expect(attachedPolicies).toEqual(['arn:aws:iam::aws:policy/AWSDenyAll']);
  expect(inlinePolicies).toEqual({});
  await giveBack();
});

test('without UpdateUser, tags are changed all the same', async () => {
  await world().apply(world().accountManifest('only-tags', { userName: 'only-tags', tags: { a: '1' } }));
  await settled(world(), 'only-tags');
  await takeAway('iam:UpdateUser', users);
  await patch(world(), 'only-tags', { spec: { path: '/x/', tags: { a: '2' } } });
  await world().until('awsaccount', 'only-tags', { status: 'False', reason: 'AccessDenied' });
  expect((await user(world(), 'only-tags')).tags).toMatchObject({ a: '2' });
  await giveBack();
  await world().until('awsaccount', 'only-tags', { status: 'True' });
});

test('a right of the connection that is missing is named, and its return is noticed', async () => {
  await takeAway('iam:GetAccountAuthorizationDetails');
  await world().restartOperator();
  const { message } = await world().until('awsconnection', 'aws', {
    status: 'False',
    reason: 'AccessDenied',
  });
  expect(message).toContain('GetAccountAuthorizationDetails');
  await giveBack();
  await world().until('awsconnection', 'aws', { status: 'True', withinMs: 40_000 });
  await eventually(async () =>
    (await world().account('only-tags')).status?.state === 'Enabled' ? true : undefined,
  );
});
