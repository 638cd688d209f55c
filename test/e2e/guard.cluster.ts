import {
  CreateGroupCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  PutGroupPolicyCommand,
} from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import {
  changes,
  event,
  events,
  exists,
  gone,
  operatorWrites,
  patch,
  remove,
  settled,
  snapshotEvery,
  untilAll,
  user,
  worldFor,
} from './support.ts';

const other = 'guard-other';
const world = worldFor('guard', { operator: [snapshotEvery, `--watch-namespaces=guard,${other}`] });

/** What the connection never does, in place of what it was before. */
async function guard(rules: object | null): Promise<void> {
  await patch(world(), 'aws', { spec: { guard: rules } }, 'awsconnection');
  await world().until('awsconnection', 'aws', { status: 'True' });
}

const namesOf = (what: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${what}-${String(index).padStart(2, '0')}`);

async function usersLeft(names: readonly string[]): Promise<number> {
  const found = await Promise.all(names.map((name) => world().simulator.user(name)));
  return found.filter((each) => each !== undefined).length;
}

test('protected users are not taken over, changed, shut out, bound or deleted', async () => {
  await world().iam.send(new CreateUserCommand({ UserName: 'Break-Glass-1' }));
  await guard({ protectedUsers: ['break-glass-*'] });
  await world().apply(
    world().accountManifest('glass', {
      userName: 'break-glass-1',
      adoptionPolicy: 'Always',
      enabled: false,
      deletionPolicy: 'Delete',
      tags: { a: 'b' },
    }),
    world().bindingManifest('glass', {
      connectionRef: { name: 'aws' },
      userName: 'Break-Glass-1',
      entitlement: { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' },
    }),
  );
  const { message } = await world().until('awsaccount', 'glass', { status: 'False', reason: 'Refused' });
  expect(message).toContain('spec.guard.protectedUsers has "break-glass-*"');
  await world().until('awsentitlementbinding', 'glass', { status: 'False', reason: 'Refused' });
  await remove(world(), 'glass');
  await gone(world(), 'glass');
  expect(await operatorWrites(world(), 'Break-Glass-1')).toEqual([]);
  expect(await user(world(), 'Break-Glass-1')).toMatchObject({ tags: {}, attachedPolicies: [] });
});

test('a forced boundary is what users get; another is refused, and so is an entitlement without it', async () => {
  const { Policy: policy } = await world().iam.send(
    new CreatePolicyCommand({
      PolicyName: 'Forced',
      PolicyDocument:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    }),
  );
  const forced = policy?.Arn ?? '';
  await world().iam.send(new CreateUserCommand({ UserName: 'unbound' }));
  await guard({ permissionsBoundary: forced });
  const readOnly = { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' };
  await world().apply(
    world().accountManifest('bounded', { userName: 'bounded' }),
    world().accountManifest('otherwise', {
      userName: 'otherwise',
      permissionsBoundary: forced.replace('Forced', 'Other'),
    }),
    world().bindingManifest('bounded', { accountRef: { name: 'bounded' }, entitlement: readOnly }),
    world().bindingManifest('unbound', {
      connectionRef: { name: 'aws' },
      userName: 'unbound',
      entitlement: readOnly,
    }),
  );
  await settled(world(), 'bounded');
  await world().until('awsentitlementbinding', 'bounded', { status: 'True' });
  expect(await changes(world(), 'bounded')).toEqual(['CreateUser', 'AttachUserPolicy']);
  expect(await user(world(), 'bounded')).toMatchObject({ permissionsBoundary: forced });
  await world().until('awsaccount', 'otherwise', { status: 'False', reason: 'Refused' });
  await world().until('awsentitlementbinding', 'unbound', { status: 'False', reason: 'Refused' });
  expect(await operatorWrites(world(), 'otherwise')).toEqual([]);
  expect(await operatorWrites(world(), 'unbound')).toEqual([]);
});

test('what gives the account away is refused until it is allowed, also through a group; what is there is taken away all the same', async () => {
  await guard(null);
  const admin = { type: 'AwsManagedPolicy', name: 'AdministratorAccess' };
  await world().iam.send(new CreateGroupCommand({ GroupName: 'owners' }));
  await world().iam.send(
    new PutGroupPolicyCommand({
      GroupName: 'owners',
      PolicyName: 'all',
      PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    }),
  );
  await world().apply(
    world().accountManifest('mighty', { userName: 'mighty' }),
    world().bindingManifest('mighty', { accountRef: { name: 'mighty' }, entitlement: admin }),
    world().bindingManifest('owner', {
      accountRef: { name: 'mighty' },
      entitlement: { type: 'Group', name: 'owners' },
    }),
  );
  await settled(world(), 'mighty');
  await world().until('awsentitlementbinding', 'mighty', { status: 'False', reason: 'Refused' });
  await world().until('awsentitlementbinding', 'owner', { status: 'False', reason: 'Refused' });
  expect(await changes(world(), 'mighty')).toEqual(['CreateUser']);
  await world().kubectl([
    'delete',
    'awsentitlementbinding',
    'owner',
    '-n',
    world().namespace,
    '--timeout=20s',
  ]);
  await guard({ allowedPolicies: ['arn:aws:iam::aws:policy/AdministratorAccess'] });
  await world().until('awsentitlementbinding', 'mighty', { status: 'True' });
  await guard({ deniedPolicies: ['*/Admin*'] });
  await world().until('awsentitlementbinding', 'mighty', { status: 'False', reason: 'Refused' });
  expect(await changes(world(), 'mighty')).toEqual(['CreateUser', 'AttachUserPolicy']);
  await world().kubectl([
    'delete',
    'awsentitlementbinding',
    'mighty',
    '-n',
    world().namespace,
    '--timeout=20s',
  ]);
  expect(await changes(world(), 'mighty')).toEqual(['CreateUser', 'AttachUserPolicy', 'DetachUserPolicy']);
  await guard(null);
});

test('another namespace may use the connection only while it is listed', async () => {
  await world().apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: other } });
  const connectionRef = { name: 'aws', namespace: world().namespace };
  await world().apply(
    world().accountManifest(
      'foreign',
      { userName: 'foreign', connectionRef, deletionPolicy: 'Delete' },
      { namespace: other },
    ),
    world().bindingManifest(
      'foreign',
      { accountRef: { name: 'foreign' }, entitlement: { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' } },
      { namespace: other },
    ),
  );
  const readyOf = async (kind: string): Promise<string> =>
    world().kubectl([
      'get',
      kind,
      'foreign',
      '-n',
      other,
      '--ignore-not-found',
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Ready")].reason}',
    ]);
  const says = (kind: string, reason: string) =>
    eventually(async () => ((await readyOf(kind)) === reason ? true : undefined), {
      what: `${kind} foreign ${reason}`,
    });
  await says('awsaccount', 'NamespaceNotAllowed');
  await says('awsentitlementbinding', 'NamespaceNotAllowed');
  expect(await operatorWrites(world(), 'foreign')).toEqual([]);
  const allow = (names: readonly string[]) =>
    patch(world(), 'aws', { spec: { allowedNamespaces: names } }, 'awsconnection');
  await allow([other]);
  await says('awsaccount', 'AsDeclared');
  await says('awsentitlementbinding', 'AsDeclared');
  expect(await changes(world(), 'foreign')).toEqual(['CreateUser', 'AttachUserPolicy']);
  await eventually(
    async () => (((await world().connection()).status?.accounts ?? 0) >= 4 ? true : undefined),
    {
      what: 'accounts of both namespaces to be counted',
    },
  );
  await allow([]);
  await says('awsaccount', 'NamespaceNotAllowed');
  await world().kubectl([
    'delete',
    'awsaccount,awsentitlementbinding',
    'foreign',
    '-n',
    other,
    '--wait=false',
  ]);
  await says('awsaccount', 'NamespaceNotAllowed');
  expect(await changes(world(), 'foreign')).toEqual(['CreateUser', 'AttachUserPolicy']);
  await allow(['*']);
  await eventually(
    async () =>
      (await readyOf('awsaccount')) + (await readyOf('awsentitlementbinding')) === '' ? true : undefined,
    { what: 'the objects of the other namespace to be gone' },
  );
  expect(await world().simulator.user('foreign')).toBeUndefined();
});

test('23 deletions at once: 20 go; a restart gives no more; then one after 30 seconds, and who is approved', async () => {
  const names = namesOf('leaver', 23);
  await world().apply(
    ...names.map((name) => world().accountManifest(name, { userName: name, deletionPolicy: 'Delete' })),
  );
  await untilAll(world(), names, { status: 'True' });
  // Whoever was deleted by the tests before has been counted too: the burst is whole again after ten minutes.
  await patch(
    world(),
    'aws',
    { metadata: { annotations: { 'aws.idhub.io/deletions': null } } },
    'awsconnection',
  );
  const began = Date.now();
  await remove(world(), ...names);
  await eventually(async () => ((await usersLeft(names)) === 3 ? true : undefined), {
    what: '20 to be deleted',
  });
  await world().restartOperator('SIGKILL');
  const waiting = await eventually(
    async () => {
      const found: string[] = [];
      for (const name of names) {
        if (await exists(world(), 'awsaccount', name)) {
          const { status } = await world().account(name);
          const ready = status?.conditions?.find(({ type }) => type === 'Ready');
          if (ready?.reason === 'DeletionWaits' && ready.message.includes('aws.idhub.io/approve-deletions')) {
            found.push(name);
          }
        }
      }
      return found.length === 3 ? found : undefined;
    },
    { what: 'three that wait' },
  );
  expect(await usersLeft(names)).toBe(3);
  const [first = ''] = waiting;
  await patch(world(), first, { metadata: { annotations: { 'aws.idhub.io/approve-deletions': 'jo.doe' } } });
  await gone(world(), first);
  expect(await event(world(), first, 'DeletionApproved')).toMatchObject({
    message: expect.stringMatching(
      /approved by "jo\.doe" \(written by kubectl[^)]*\) on this object, seen at 20/,
    ),
  });
  expect(await usersLeft(names)).toBe(2);
  await eventually(async () => ((await usersLeft(names)) === 1 ? true : undefined), {
    withinMs: 45_000,
    what: 'the next one after 30 seconds',
  });
  expect(Date.now() - began).toBeGreaterThan(25_000);
  const approval = { 'aws.idhub.io/approve-deletions': 'jo.doe, change 4711' };
  await patch(world(), 'aws', { metadata: { annotations: approval } }, 'awsconnection');
  await eventually(async () => ((await usersLeft(names)) === 0 ? true : undefined), { what: 'the last one' });
  expect((await event(world(), 'aws', 'DeletionApproved')).message).toContain('"jo.doe, change 4711"');
});

test('40 disables at once: none waits', async () => {
  const names = namesOf('off', 40);
  await world().apply(
    ...names.map((name) => world().accountManifest(name, { userName: name, deletionPolicy: 'Delete' })),
  );
  await untilAll(world(), names, { status: 'True' });
  await world().apply(
    ...names.map((name) =>
      world().accountManifest(name, { userName: name, deletionPolicy: 'Delete', enabled: false }),
    ),
  );
  await untilAll(world(), names, { status: 'True', withinMs: 20_000 });
  const users = await Promise.all(names.map((name) => user(world(), name)));
  expect(users.filter(({ inlinePolicies }) => inlinePolicies['IDHubDisabled'] === undefined)).toEqual([]);
  expect((await events(world(), names[0] ?? '')).map(({ reason }) => reason)).not.toContain('DeletionWaits');
});
