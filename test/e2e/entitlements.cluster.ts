import { AddUserToGroupCommand, CreateGroupCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from '@jest/globals';
import type { AwsAccount, AwsEntitlementBinding } from '../../operator/api/v1alpha1/index.ts';
import type { UserDump } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { changes, events, gone, operatorWrites, patch, resyncs, settled, user, worldFor } from './support.ts';

const world = worldFor('entitlements');
const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const group = (name: string) => ({ type: 'Group', name });
const policy = { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' };
const document = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
};

beforeAll(async () => {
  for (const GroupName of ['Dev', 'Ops', 'Audit']) {
    await world().iam.send(new CreateGroupCommand({ GroupName }));
  }
});

/** The bindings of an account, by what they name. */
async function owned(account: string): Promise<Map<string, AwsEntitlementBinding>> {
  const text = await world().kubectl(['get', 'awsbind', '-n', world().namespace, '-o', 'json']);
  const { items } = JSON.parse(text) as { items: AwsEntitlementBinding[] };
  return new Map(
    items
      .filter(({ spec }) => spec.accountRef?.name === account)
      .map((binding) => [binding.spec.entitlement.name ?? binding.spec.entitlement.arn ?? '', binding]),
  );
}

async function bindingOf(account: string, entitlement: string): Promise<AwsEntitlementBinding> {
  const found = (await owned(account)).get(entitlement);
  if (found === undefined) {
    throw new Error(`${account} has no binding of ${entitlement}`);
  }
  return found;
}

async function join(name: string, entitlements: readonly object[], spec: object = {}): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, entitlements, ...spec }));
  await world().until('awsaccount', name, { status: 'True' });
}

async function seen(userName: string, what: (dump: UserDump) => boolean): Promise<void> {
  await eventually(async () => (what(await user(world(), userName)) ? true : undefined), {
    what: `${userName} to be so`,
    everyMs: 50,
  });
}

async function kubectlDelete(kind: string, name: string, ...flags: readonly string[]): Promise<void> {
  await world().kubectl(['delete', kind, name, '-n', world().namespace, ...flags]);
}

async function noneOwned(account: string): Promise<void> {
  await eventually(async () => ((await owned(account)).size === 0 ? true : undefined), {
    what: `no binding of ${account}`,
    everyMs: 100,
  });
}

test('a joiner is one object: two groups and a policy, one write each, no warning, Ready when all are', async () => {
  await join('joiner', [group('Dev'), group('Ops'), policy]);
  const joiner = await world().account('joiner');
  expect(joiner.status?.entitlements).toEqual({ declared: 3, ready: 3 });
  const dump = await user(world(), 'joiner');
  expect([...dump.groups].sort()).toEqual(['Dev', 'Ops']);
  expect(dump.attachedPolicies).toEqual([readOnly]);
  expect((await changes(world(), 'joiner')).sort()).toEqual([
    'AddUserToGroup',
    'AddUserToGroup',
    'AttachUserPolicy',
    'CreateUser',
  ]);
  for (const { metadata, status } of (await owned('joiner')).values()) {
    expect(metadata.name).toMatch(/^joiner-[0-9a-f]{10}$/);
    expect(metadata.ownerReferences?.[0]).toMatchObject({ uid: joiner.metadata.uid, controller: true });
    expect(status).toMatchObject({ origin: 'Created', state: 'Present' });
  }
  const warnings = (await events(world(), 'joiner')).filter(({ type }) => type === 'Warning');
  expect(warnings).toEqual([]);
});

test('and then nothing is written any more, neither to AWS nor to the API server', async () => {
  await settled(world(), 'joiner');
  const versions = async (): Promise<unknown> => [
    (await world().account('joiner')).metadata.resourceVersion,
    [...(await owned('joiner')).values()].map(({ metadata }) => metadata.resourceVersion),
  ];
  const before = await versions();
  const writes = (await operatorWrites(world())).length;
  await resyncs(world(), 3);
  expect(await versions()).toEqual(before);
  expect((await operatorWrites(world())).length).toBe(writes);
});

test('an entry taken out is taken away; one that is named in another way is not touched in AWS', async () => {
  await patch(world(), 'joiner', {
    spec: { entitlements: [{ type: 'Group', name: '/Dev' }, policy] },
  });
  await noneNamed('joiner', 'Ops');
  await noneNamed('joiner', 'Dev');
  await world().until('awsaccount', 'joiner', { status: 'True' });
  const dump = await user(world(), 'joiner');
  expect([...dump.groups]).toEqual(['Dev']);
  expect(dump.attachedPolicies).toEqual([readOnly]);
  expect((await changes(world(), 'joiner')).filter((each) => each.includes('Group')).slice(2)).toEqual([
    'RemoveUserFromGroup',
  ]);
  // Whoever came last holds it, and takes it away.
  await patch(world(), 'joiner', { spec: { entitlements: [policy] } });
  await seen('joiner', ({ groups }) => groups.length === 0);
});

async function noneNamed(account: string, entitlement: string): Promise<void> {
  await eventually(async () => ((await owned(account)).has(entitlement) ? undefined : true), {
    what: `no binding of ${account} to ${entitlement}`,
    everyMs: 100,
  });
}

test('documents, times and policies of an entry follow it; an expired one is taken away', async () => {
  const own = { type: 'InlinePolicy', name: 'Own', document };
  await join('changing', [own]);
  const { uid } = (await bindingOf('changing', 'Own')).metadata;
  const wider = { ...document, Statement: [{ Effect: 'Allow', Action: ['s3:*'], Resource: '*' }] };
  await patch(world(), 'changing', {
    spec: { entitlements: [{ ...own, document: wider, onDelete: 'Revoke' }] },
  });
  await seen('changing', ({ inlinePolicies }) => inlinePolicies['Own']?.includes('s3:*') === true);
  const expiresAt = new Date(Date.now() + 2_000).toISOString();
  await patch(world(), 'changing', { spec: { entitlements: [{ ...own, document: wider, expiresAt }] } });
  await seen('changing', ({ inlinePolicies }) => inlinePolicies['Own'] === undefined);
  await world().until('awsaccount', 'changing', { status: 'True' });
  const binding = await bindingOf('changing', 'Own');
  expect(binding.metadata.uid).toBe(uid);
  expect(binding.spec).toMatchObject({ expiresAt });
  expect(binding.spec.onDelete).toBeUndefined();
});

test('what somebody does to an owned binding is put back', async () => {
  await join('handled', [group('Dev')]);
  const { metadata, spec } = await bindingOf('handled', 'Dev');
  await patch(
    world(),
    metadata.name,
    { spec: { state: 'Absent', onDelete: 'Keep' } },
    'awsentitlementbinding',
  );
  await eventually(
    async () => {
      const now = (await bindingOf('handled', 'Dev')).spec;
      return JSON.stringify(now) === JSON.stringify(spec) ? true : undefined;
    },
    { what: 'the spec of before' },
  );
  await world().until('awsaccount', 'handled', { status: 'True' });
  await seen('handled', ({ groups }) => groups.includes('Dev'));
  const before = await changes(world(), 'handled');
  await kubectlDelete('awsbind', metadata.name);
  await eventually(
    async () => {
      const again = (await owned('handled')).get('Dev')?.metadata.uid;
      return again !== undefined && again !== metadata.uid ? true : undefined;
    },
    { withinMs: 60_000, what: 'another binding' },
  );
  await world().until('awsaccount', 'handled', { status: 'True' });
  expect([...(await user(world(), 'handled')).groups]).toEqual(['Dev']);
  // Nobody took the account away within half a minute: the edge went with its binding, and is made anew.
  expect(await changes(world(), 'handled')).toEqual([...before, 'RemoveUserFromGroup', 'AddUserToGroup']);
  expect((await bindingOf('handled', 'Dev')).status?.origin).toBe('Created');
});

test('one of its name that is for somebody else is left alone until it is gone', async () => {
  await join('other', []);
  await join('blocked', [group('Dev')]);
  const { name } = (await bindingOf('blocked', 'Dev')).metadata;
  await patch(world(), 'blocked', { spec: { entitlements: [] } });
  await gone(world(), name, 20_000, 'awsbind');
  await world().apply(
    world().bindingManifest(name, { accountRef: { name: 'other' }, entitlement: group('Ops') }),
  );
  await patch(world(), 'blocked', { spec: { entitlements: [group('Dev')] } });
  await world().until('awsaccount', 'blocked', { status: 'False', reason: 'EntitlementConflict' });
  await kubectlDelete('awsbind', name);
  await world().until('awsaccount', 'blocked', { status: 'True' });
  expect([...(await user(world(), 'blocked')).groups]).toEqual(['Dev']);
  expect([...(await user(world(), 'other')).groups]).toEqual([]);
});

test('a group that is not there is waited for, without a warning', async () => {
  await world().apply(
    world().accountManifest('early', { userName: 'early', entitlements: [group('Later'), group('Dev')] }),
  );
  const { message } = await world().until('awsaccount', 'early', {
    status: 'Unknown',
    reason: 'EntitlementsNotReady',
  });
  expect(message).toContain('Group Later');
  await seen('early', ({ groups }) => groups.includes('Dev'));
  await world().iam.send(new CreateGroupCommand({ GroupName: 'Later' }));
  await world().until('awsaccount', 'early', { status: 'True' });
  expect((await events(world(), 'early')).filter(({ type }) => type === 'Warning')).toEqual([]);
});

test('a user that is taken over keeps what it had when the entry goes, unless that says otherwise', async () => {
  await world().iam.send(new CreateUserCommand({ UserName: 'taken' }));
  for (const GroupName of ['Dev', 'Ops', 'Audit']) {
    await world().iam.send(new AddUserToGroupCommand({ UserName: 'taken', GroupName }));
  }
  await resyncs(world(), 1);
  const entries = [group('Dev'), { ...group('Ops'), onDelete: 'Revoke' }];
  await join('taken', entries, { adoptionPolicy: 'IfUnowned' });
  expect((await bindingOf('taken', 'Dev')).status?.origin).toBe('PreExisting');
  expect((await changes(world(), 'taken')).filter((each) => each.includes('Group'))).toEqual([]);
  await patch(world(), 'taken', { spec: { entitlements: [] } });
  await noneOwned('taken');
  expect([...(await user(world(), 'taken')).groups].sort()).toEqual(['Audit', 'Dev']);
});

test('a disabled account keeps its bindings and their edges, and follows changes of them', async () => {
  await join('away', [group('Dev')]);
  await patch(world(), 'away', { spec: { enabled: false, entitlements: [group('Dev'), group('Ops')] } });
  await world().until('awsaccount', 'away', { status: 'True' });
  const dump = await user(world(), 'away');
  expect([...dump.groups].sort()).toEqual(['Dev', 'Ops']);
  expect(dump.inlinePolicies).toHaveProperty('IDHubDisabled');
  expect((await owned('away')).size).toBe(2);
});

test.each([
  ['Retain', 'background'],
  ['Retain', 'foreground'],
  ['Disable', 'background'],
] as const)(
  '%s, deleted in the %s: the user keeps its edges, the bindings go',
  async (deletionPolicy, how) => {
    const name = `kept-${deletionPolicy.toLowerCase()}-${how}`;
    await join(name, [group('Dev'), policy], { deletionPolicy });
    await kubectlDelete('awsaccount', name, `--cascade=${how}`, '--timeout=20s');
    await noneOwned(name);
    const dump = await user(world(), name);
    expect([...dump.groups]).toEqual(['Dev']);
    expect(dump.attachedPolicies).toEqual([readOnly]);
    expect(dump.tags).not.toHaveProperty('aws.idhub.io/owner');
  },
);

test.each(['background', 'foreground'])('Delete in the %s: user, edges and bindings go', async (how) => {
  const name = `doomed-${how}`;
  await join(name, [group('Dev'), policy], { deletionPolicy: 'Delete' });
  await kubectlDelete('awsaccount', name, `--cascade=${how}`, '--timeout=20s');
  await noneOwned(name);
  expect(await world().simulator.user(name)).toBeUndefined();
});

test('an entry taken out in the moment of the deletion is still taken away, the others stay', async () => {
  await join('hasty', [group('Dev'), group('Ops')]);
  await world().operator.stop();
  await patch(world(), 'hasty', { spec: { entitlements: [group('Dev')] } });
  await kubectlDelete('awsaccount', 'hasty', '--wait=false');
  await world().startOperator();
  await gone(world(), 'hasty');
  await noneOwned('hasty');
  expect([...(await user(world(), 'hasty')).groups]).toEqual(['Dev']);
});

test('two accounts of one name, one after the other: the edges go on to the next', async () => {
  await join('again', [group('Dev')]);
  const manifest = (await world().account('again')) satisfies AwsAccount;
  await kubectlDelete('awsaccount', 'again', '--timeout=20s');
  await join('again', [group('Dev')], { adoptionPolicy: 'IfUnowned' });
  expect((await world().account('again')).metadata.uid).not.toBe(manifest.metadata.uid);
  expect([...(await user(world(), 'again')).groups]).toEqual(['Dev']);
  expect((await changes(world(), 'again')).filter((each) => each.includes('Group'))).toEqual([
    'AddUserToGroup',
  ]);
});
