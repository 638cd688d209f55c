import {
  AttachUserPolicyCommand,
  CreateGroupCommand,
  CreateUserCommand,
  DeleteUserCommand,
  TagUserCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import type { AwsEntitlementBinding } from '../../operator/api/v1alpha1/index.ts';
import type { Secret } from '../../operator/controllers/names.ts';
import type { UserDump } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { giveCredentials, managedPolicy } from './belongings.ts';
import {
  gone,
  operatorWrites,
  patch,
  remove,
  removeBindings,
  resyncs,
  settled,
  snapshotEvery,
  untilAll,
  worldFor,
} from './support.ts';
import { communicationUser, startWorld, type World } from './world.ts';

const before = worldFor('restored');
let rebuilt: ControlPlane | undefined;
let afterwards: World | undefined;

beforeAll(async () => {
  rebuilt = await startControlPlane();
  await rebuilt.installCrds();
});
afterAll(async () => {
  await afterwards?.stop();
  await rebuilt?.stop();
});

function after(): World {
  if (afterwards === undefined) {
    throw new Error('the rebuilt cluster is there after the first test');
  }
  return afterwards;
}

interface Stored {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
}

/** Objects as a backup tool keeps them: without status, and without what the old API server gave them. */
async function backUp(world: World): Promise<Stored[]> {
  const text = await world.kubectl([
    'get',
    'awsaccounts,awsentitlementbindings,awsconnections,secrets',
    '-n',
    world.namespace,
    '-o',
    'json',
  ]);
  const { items } = JSON.parse(text) as {
    items: (Stored & { status?: unknown; metadata: Record<string, unknown> })[];
  };
  return items.map(({ metadata: { name, namespace, labels, annotations }, ...item }) => {
    delete item.status;
    return Object.assign(item, { metadata: { name, namespace, labels, annotations } }) as unknown as Stored;
  });
}

async function credentialsOf(world: World, name: string): Promise<Secret> {
  const args = ['get', 'secret', `${name}-credentials`, '-n', world.namespace, '-o', 'json'];
  return JSON.parse(await world.kubectl(args)) as Secret;
}

/** Users, and what they own, without when a key was last used: that changes by looking. */
async function users(): Promise<readonly UserDump[]> {
  const { users: all } = await before().simulator.account();
  return JSON.parse(
    JSON.stringify(all, (key, value: unknown) => (key === 'lastUsed' ? undefined : value)),
  ) as UserDump[];
}

const settledNames = [
  'plain',
  'rich',
  'shut',
  'adopted',
  'shared-lead',
  'followed',
  'watched',
  'member',
  'keyed',
  'signed-in',
  'given',
  'away',
];
const team = { type: 'Group', name: 'Team' };
const readOnly = { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' };
const readOnlyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const bindings: Record<string, object> = {
  created: { accountRef: { name: 'rich' }, entitlement: { type: 'Group', name: 'Team' } },
  'by-name': {
    connectionRef: { name: 'aws' },
    userName: 'rich',
    entitlement: {
      type: 'InlinePolicy',
      name: 'own',
      document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] },
    },
  },
  'pre-existing': {
    accountRef: { name: 'adopted' },
    entitlement: { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' },
  },
  absent: { accountRef: { name: 'plain' }, entitlement: { type: 'Group', name: 'Team' }, state: 'Absent' },
  expired: {
    accountRef: { name: 'shared-lead' },
    entitlement: { type: 'AwsManagedPolicy', arn: readOnlyArn },
    expiresAt: '2020-01-01T00:00:00Z',
  },
};
const bindingNames = Object.keys(bindings);
let state: readonly UserDump[];
let versions: string;

test('a cluster with accounts of every kind is backed up and lost', async () => {
  const { iam } = before();
  const boundary = await managedPolicy(iam, 'Fence');
  await iam.send(new CreateGroupCommand({ GroupName: team.name }));
  for (const name of ['adopted', 'watched']) {
    await iam.send(new CreateUserCommand({ UserName: name }));
  }
  await patch(
    before(),
    'aws',
    { spec: { schema: { attributes: [{ name: 'city', syncDirection: 'bi-directional' }] } } },
    'awsconnection',
  );
  await before().until('awsconnection', 'aws', { status: 'True' });
  const spec: Record<string, object> = {
    rich: {
      path: '/people/',
      permissionsBoundary: boundary,
      attributes: { surname: "O'Brien", streetAddress: '5, High St. '.repeat(60) },
      tags: { CostCenter: '4711' },
      deletionPolicy: 'Delete',
    },
    adopted: { adoptionPolicy: 'IfUnowned' },
    keyed: { programmatic: { access: 'Managed', rotateAfter: '90d' } },
    'signed-in': { console: { access: 'Managed' } },
    given: { console: { access: 'Managed', passwordSecretRef: { name: 'given-password' } } },
    away: { console: { access: 'Managed' } },
    'shared-lead': { attributes: { city: 'Berlin' } },
    watched: { management: 'Observe' },
    recreating: { onExternalDelete: 'Hold' },
    member: { entitlements: [team, readOnly] },
  };
  const names = [...settledNames, 'lost', 'replaced'];
  await before().apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: before().namespace, name: 'given-password' },
    stringData: { password: 'A-given-1-value' },
  });
  await before().apply(
    ...names.map((name) => before().accountManifest(name, { userName: name, ...spec[name] })),
  );
  await untilAll(before(), names, { status: 'True' });
  for (const name of names.filter((each) => each !== 'watched')) {
    await settled(before(), name);
  }
  await giveCredentials(iam, 'shut');
  await patch(before(), 'shut', { spec: { enabled: false } });
  await patch(before(), 'away', { spec: { enabled: false } });
  await untilAll(before(), ['shut', 'away'], { status: 'True' });
  await iam.send(new AttachUserPolicyCommand({ UserName: 'adopted', PolicyArn: readOnlyArn }));
  await iam.send(new AttachUserPolicyCommand({ UserName: 'shared-lead', PolicyArn: readOnlyArn }));
  await resyncs(before(), 1);
  await before().apply(...bindingNames.map((name) => before().bindingManifest(name, bindings[name] ?? {})));
  for (const name of bindingNames) {
    await before().until('awsentitlementbinding', name, { status: 'True' });
  }
  // What has expired was given again by somebody, who means it.
  await iam.send(new AttachUserPolicyCommand({ UserName: 'shared-lead', PolicyArn: readOnlyArn }));
  await before().restartOperator();
  await iam.send(new TagUserCommand({ UserName: 'shared-lead', Tags: [{ Key: 'city', Value: 'Bonn' }] }));
  await iam.send(new UpdateUserCommand({ UserName: 'followed', NewUserName: 'Followed.Elsewhere' }));
  await before().until('awsaccount', 'followed', { status: 'True', reason: 'RenamedInAws' });
  await eventually(async () =>
    (await before().account('shared-lead')).status?.attributes?.['city'] === 'Bonn' ? true : undefined,
  );
  expect(await before().operator.stop()).toBe(0);
  // While there was no operator, two were deleted in AWS, and one of the names was made again.
  await iam.send(new DeleteUserCommand({ UserName: 'lost' }));
  await iam.send(new DeleteUserCommand({ UserName: 'replaced' }));
  await iam.send(new CreateUserCommand({ UserName: 'replaced' }));
  state = await users();
});

test('restored without status into a new cluster with the same installation id: no write, nobody is made again', async () => {
  if (rebuilt === undefined) {
    throw new Error('no second control plane');
  }
  const stored = await backUp(before());
  expect(stored.every((item) => !('status' in item))).toBe(true);
  afterwards = await startWorld({
    plane: rebuilt,
    namespace: 'restored',
    aws: before(),
    start: false,
    operator: [snapshotEvery],
  });
  await before().simulator.resetCalls();
  await after().apply(...stored.filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt'));
  await after().startOperator();
  await after().until('awsconnection', 'aws', { status: 'True' });
  await untilAll(after(), settledNames, { status: 'True' });
  await after().until('awsaccount', 'followed', { status: 'True', reason: 'RenamedInAws' });
  await after().until('awsaccount', 'replaced', { status: 'False', reason: 'IdentityChanged' });
  await resyncs(after(), 3);
  expect(await operatorWrites(after())).toEqual([]);
  expect(await users()).toEqual(state);
  // The status is there again, from AWS and from the memory on the objects.
  for (const name of bindingNames) {
    await after().until('awsentitlementbinding', name, { status: 'True' });
    const edgeOf = async (world: World): Promise<unknown> => {
      const { metadata, status } = await world.binding(name);
      return [
        metadata.annotations?.['aws.idhub.io/edge'],
        metadata.finalizers,
        status?.origin,
        status?.since,
      ];
    };
    expect(await edgeOf(after())).toEqual(await edgeOf(before()));
  }
  expect((await after().account('shut')).status).toMatchObject({ state: 'Disabled' });
  expect((await after().account('shut')).status?.switchedOff).toHaveLength(5);
  expect((await after().account('keyed')).status).toMatchObject({
    access: { programmatic: 'Enabled' },
    credentialsSecretName: 'keyed-credentials',
  });
  for (const name of ['keyed', 'signed-in']) {
    const { uid } = (await after().account(name)).metadata;
    const [now, then] = [await credentialsOf(after(), name), await credentialsOf(before(), name)];
    expect(now.data).toEqual(then.data);
    expect(then.metadata.ownerReferences?.map((owner) => owner.uid)).not.toContain(uid);
    expect(now.metadata.ownerReferences).toEqual([
      { apiVersion: 'aws.idhub.io/v1alpha1', kind: 'AwsAccount', name, uid, controller: true },
    ]);
  }
  expect((await after().account('shared-lead')).status?.attributes).toEqual({ city: 'Bonn' });
  expect((await after().account('rich')).metadata.finalizers).toEqual(['aws.idhub.io/finalizer']);
  const annotations = async (world: World, name: string): Promise<unknown> => {
    const { annotations: all = {} } = (await world.account(name)).metadata;
    return [all['aws.idhub.io/user-id'], all['aws.idhub.io/applied']];
  };
  for (const name of settledNames) {
    expect(await annotations(after(), name)).toEqual(await annotations(before(), name));
  }
});

test('the password in a restored Secret is still the one, and what is asked for next is done', async () => {
  const password = async (): Promise<string> => {
    const path = 'jsonpath={.data.password}';
    const args = ['get', 'secret', 'signed-in-credentials', '-n', after().namespace, '-o', path];
    return Buffer.from(await after().kubectl(args), 'base64').toString();
  };
  const old = await password();
  expect(await after().simulator.checkPassword('signed-in', old)).toBe(true);
  await patch(after(), 'signed-in', { spec: { console: { reset: { requestId: 'ticket-1' } } } });
  await patch(after(), 'given-password', { stringData: { password: 'Another-given-2-value' } }, 'secret');
  await patch(after(), 'away', { spec: { enabled: true } });
  await untilAll(after(), ['signed-in', 'away'], { status: 'True' });
  const fresh = await password();
  expect(fresh).not.toBe(old);
  expect(await after().simulator.checkPassword('signed-in', fresh)).toBe(true);
  expect((await after().simulator.user('away'))?.hasLoginProfile).toBe(true);
  await eventually(async () =>
    (await after().simulator.checkPassword('given', 'Another-given-2-value')) ? true : undefined,
  );
  await after().simulator.resetCalls();
});

test('bindings of an account are its own again, know what came from here, and take it away with their entry', async () => {
  const { metadata, status } = await after().account('member');
  expect(status?.entitlements).toEqual({ declared: 2, ready: 2 });
  const text = await after().kubectl(['get', 'awsbind', '-n', after().namespace, '-o', 'json']);
  const { items } = JSON.parse(text) as { items: AwsEntitlementBinding[] };
  const own = items.filter(({ spec }) => spec.accountRef?.name === 'member');
  expect(own).toHaveLength(2);
  for (const binding of own) {
    expect(binding.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([metadata.uid]);
    expect(binding.status?.origin).toBe('Created');
  }
  await patch(after(), 'member', { spec: { entitlements: [] } });
  await eventually(async () => {
    const member = await after().simulator.user('member');
    return member?.groups.length === 0 && member.attachedPolicies.length === 0 ? true : undefined;
  });
  await after().simulator.resetCalls();
});

test('who was deleted in AWS meanwhile is told of, not made again', async () => {
  // IAM is given a minute to show a user: the account has to be older than that.
  await after().until('awsaccount', 'lost', { status: 'False', reason: 'DeletedOutside', withinMs: 75_000 });
  expect(await operatorWrites(after())).toEqual([]);
});

test('what was remembered still counts: enabling brings back what the lost cluster switched off', async () => {
  await patch(after(), 'shut', { spec: { enabled: true } });
  await after().until('awsaccount', 'shut', { status: 'True' });
  const shut = await after().simulator.user('shut');
  expect(shut?.inlinePolicies).toEqual({});
  expect(shut?.sshPublicKeys.map(({ status }) => status)).toEqual(['Active']);
  expect(Object.keys(shut?.tags ?? {})).toEqual(['aws.idhub.io/owner']);
  await patch(after(), 'shut', { spec: { enabled: false } });
  await after().until('awsaccount', 'shut', { status: 'True' });
});

test('bindings remember where their edges came from: what was made is taken away, what was there stays', async () => {
  await removeBindings(after(), ...bindingNames);
  for (const name of bindingNames) {
    await gone(after(), name, 20_000, 'awsentitlementbinding');
  }
  const rich = await after().simulator.user('rich');
  expect([rich?.groups, rich?.inlinePolicies]).toEqual([[], {}]);
  for (const name of ['adopted', 'shared-lead']) {
    expect((await after().simulator.user(name))?.attachedPolicies).toEqual([readOnlyArn]);
  }
});

test('with another installation id the users are somebody else’s: hands off on change, and a deletion waits', async () => {
  versions = JSON.stringify(await users());
  await after().operator.stop();
  await after().startOperator([snapshotEvery, '--installation-id=another']);
  await before().simulator.resetCalls();
  const names = ['plain', 'rich', 'shut', 'adopted', 'shared-lead', 'followed'];
  await untilAll(after(), names, { status: 'False', reason: 'AlreadyExists' });
  await patch(after(), 'plain', { spec: { enabled: false, tags: { a: '1' } } });
  await patch(after(), 'shut', { spec: { enabled: true } });
  await untilAll(after(), ['plain', 'shut'], { status: 'False', reason: 'AlreadyExists' });
  await remove(after(), 'rich');
  await remove(after(), 'adopted');
  await gone(after(), 'adopted');
  // To be deleted, it waits: who is to leave must not stay in unnoticed.
  await after().until('awsaccount', 'rich', { status: 'False', reason: 'Conflict' });
  await resyncs(after(), 2);
  expect(await operatorWrites(after())).toEqual([]);
  expect(JSON.stringify(await users())).toBe(versions);
  expect((await before().simulator.account()).users.map(({ userName }) => userName)).toContain(
    communicationUser,
  );
});
