import {
  AttachGroupPolicyCommand,
  CreateAccountAliasCommand,
  CreateLoginProfileCommand,
  DeleteAccessKeyCommand,
  PutGroupPolicyCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { allowAll, join } from './belongings.ts';
import {
  changes,
  event,
  exists,
  gone,
  operations,
  patch,
  remove,
  resyncs,
  settled,
  snapshotEvery,
  untilAll,
  user,
  worldFor,
} from './support.ts';
import {
  communicationUser,
  connectionManifest,
  iamClient,
  makeCommunicationUser,
  newKey,
  secretManifest,
  type Credentials,
} from './world.ts';

const world = worldFor('connecting', { simulator: ['--accounts=2'], operator: [snapshotEvery] });

/** Makes a connection of this name and the Secret that it names. */
async function connect(name: string, credentials: Credentials | undefined, spec: object = {}): Promise<void> {
  const { namespace, simulatorUrl } = world();
  await world().apply(
    ...(credentials === undefined ? [] : [secretManifest(namespace, `${name}-credentials`, credentials)]),
    connectionManifest(namespace, name, simulatorUrl, spec),
  );
}

async function putSecret(name: string, credentials: Credentials): Promise<void> {
  await world().apply(secretManifest(world().namespace, name, credentials));
}

async function callsOf(accessKeyId: string): Promise<number> {
  return (await world().simulator.calls()).byAccessKey[accessKeyId] ?? 0;
}

const unknownKey: Credentials = { accessKeyId: 'AKIA0000000000000000', secretAccessKey: 'x'.repeat(40) };
let boguslySince = 0;

test('credentials that AWS does not know are verified for a while, since they may be new', async () => {
  await connect('bogus', unknownKey);
  boguslySince = Date.now();
  await world().until('awsconnection', 'bogus', { status: 'Unknown', reason: 'Verifying' });
});

describe('what a connection says', () => {
  test('account, alias, partition, caller, quotas and their use, snapshot', async () => {
    const [account] = world().accounts;
    await world().iam.send(new CreateAccountAliasCommand({ AccountAlias: 'acme-prod' }));
    await eventually(async () =>
      (await world().connection()).status?.account?.alias === 'acme-prod' ? true : undefined,
    );
    const { status, metadata } = await world().connection();
    expect(status).toMatchObject({
      account: { id: account?.id, alias: 'acme-prod', partition: 'aws' },
      caller: {
        arn: `arn:aws:iam::${account?.id}:user/${communicationUser}`,
        accessKeyId: world().credentials.accessKeyId,
      },
      snapshot: { users: 2 },
    });
    expect(status?.quotas).toContainEqual({ name: 'users', used: 2, quota: 5000 });
    expect(status?.conditions?.map(({ type, status: is }) => `${type}=${is}`).sort()).toEqual([
      'CloudTrailRegion=True',
      'Ready=True',
      'Synced=True',
    ]);
    expect(metadata.annotations?.['aws.idhub.io/account-id']).toBe(account?.id);
    expect(await event(world(), 'aws', 'Verified')).toMatchObject({ type: 'Normal' });
  });

  test('what is wrong with it, each with a sentence that says what to do', async () => {
    const [, second] = world().accounts;
    const key = world().credentials;
    await Promise.all([
      connect('no-secret', undefined),
      connect('half-secret', { accessKeyId: key.accessKeyId, secretAccessKey: '' }),
      connect('wrong-user', key, { userName: 'somebody-else' }),
      connect('wrong-account', key, { accountId: second?.id }),
      connect('zone', key, { settings: { timeZone: 'Mars/Olympus' } }),
      connect('schema', key, { schema: { attributes: [{ name: 'mail2', renames: 'nosuch' }] } }),
      connect('trail', key, { settings: { cloudTrailRegion: 'us-east-2' } }),
    ]);
    const wrong = async (name: string, reason: string, says: RegExp): Promise<void> => {
      const { message } = await world().until('awsconnection', name, { status: 'False', reason });
      expect(message).toMatch(says);
    };
    await wrong('no-secret', 'SecretNotFound', /no-secret-credentials.*create it/);
    await wrong('half-secret', 'SecretInvalid', /secretAccessKey/);
    await wrong('wrong-user', 'UserNameMismatch', /somebody-else/);
    await wrong('wrong-account', 'AccountMismatch', new RegExp(`${world().accounts[0]?.id}.*${second?.id}`));
    await wrong('zone', 'InvalidTimeZone', /Mars\/Olympus.*Europe\/Berlin/);
    await wrong('schema', 'InvalidSchema', /nosuch/);
    // A region without IAM's events is a warning; the connection works.
    await world().until('awsconnection', 'trail', { status: 'True' });
    const { message } = await world().until('awsconnection', 'trail', {
      type: 'CloudTrailRegion',
      status: 'False',
      reason: 'NotHomeRegion',
    });
    expect(message).toContain('us-east-1');
    await patch(
      world(),
      'trail',
      { spec: { settings: { timeZone: 'IST', cloudTrailRegion: null } } },
      'awsconnection',
    );
    await world().until('awsconnection', 'trail', { type: 'CloudTrailRegion', status: 'True' });
    await putSecret('no-secret-credentials', await makeCommunicationUser(world().iam, 'other-connector'));
    for (const name of ['half-secret', 'wrong-user', 'wrong-account', 'zone', 'schema', 'trail']) {
      await world().kubectl(['delete', 'awsconnection', name, '-n', 'connecting', '--timeout=20s']);
    }
  });

  test('paused: AWS is not asked', async () => {
    const own = await newKey(world().iam, communicationUser);
    await connect('pausing', own);
    await world().until('awsconnection', 'pausing', { status: 'True' });
    await patch(
      world(),
      'pausing',
      { metadata: { annotations: { 'aws.idhub.io/paused': 'true' } } },
      'awsconnection',
    );
    await world().until('awsconnection', 'pausing', { status: 'Unknown', reason: 'Paused' });
    const before = await callsOf(own.accessKeyId);
    await resyncs(world(), 2);
    expect(await callsOf(own.accessKeyId)).toBe(before);
    await world().kubectl(['delete', 'awsconnection', 'pausing', '-n', 'connecting', '--timeout=20s']);
    await world().iam.send(
      new DeleteAccessKeyCommand({ UserName: communicationUser, AccessKeyId: own.accessKeyId }),
    );
  });
});

describe('settings are live', () => {
  test('pageSize, policyGroup, passwordLastUsed and timeZone', async () => {
    await world().apply(world().accountManifest('member', { userName: 'member' }));
    await settled(world(), 'member');
    await join(world().iam, 'member', 'staff');
    await world().iam.send(
      new AttachGroupPolicyCommand({
        GroupName: 'staff',
        PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
      }),
    );
    await world().iam.send(
      new PutGroupPolicyCommand({ GroupName: 'staff', PolicyName: 'own', PolicyDocument: allowAll }),
    );
    await world().iam.send(
      new CreateLoginProfileCommand({ UserName: 'member', Password: 'Initial-Passw0rd!' }),
    );
    expect(await world().simulator.signIn('member', 'Initial-Passw0rd!')).toBe(true);
    // What we made ourselves counts for half a minute; a new process believes its eyes.
    await world().restartOperator();
    boguslySince = Date.now();
    await resyncs(world(), 1);
    expect((await world().account('member')).status).not.toHaveProperty('inheritedPolicies');
    expect((await world().account('member')).status).not.toHaveProperty('passwordLastUsed');
    await patch(
      world(),
      'aws',
      { spec: { settings: { pageSize: 1, policyGroup: true, passwordLastUsed: true, timeZone: 'IST' } } },
      'awsconnection',
    );
    const status = await eventually(async () => {
      const seen = (await world().account('member')).status;
      return seen?.passwordLastUsed === undefined || seen.inheritedPolicies === undefined ? undefined : seen;
    });
    expect(status.groups).toEqual(['staff']);
    expect(status.inheritedPolicies).toEqual([
      { group: 'staff', policy: 'arn:aws:iam::aws:policy/ReadOnlyAccess' },
      { group: 'staff', policy: 'inline/own' },
    ]);
    const signedIn = Date.parse((await user(world(), 'member')).passwordLastUsed ?? '');
    expect(Date.parse(status.passwordLastUsed ?? '')).toBe(Math.floor(signedIn / 1000) * 1000);
    expect(status.passwordLastUsed).toMatch(/\+05:30$/);
    // One item a page: administrator, communication user, member and the group are four pages.
    const before = (await world().simulator.calls()).byOperation;
    await patch(
      world(),
      'aws',
      { metadata: { annotations: { 'aws.idhub.io/reconcile-at': 'now' } } },
      'awsconnection',
    );
    await eventually(async () => {
      const now = (await world().simulator.calls()).byOperation;
      const grown = (name: string): number => (now[name] ?? 0) - (before[name] ?? 0);
      return grown('ListUsers') >= 3 && grown('GetAccountAuthorizationDetails') >= 4 ? true : undefined;
    });
    // C12: what must not be read is unknown, and the rest is read all the same.
    const snapshot = async () => (await world().connection()).status?.snapshot;
    await world().simulator.fault({ operation: 'ListUsers', error: { code: 'AccessDenied' }, times: -1 });
    await resyncs(world(), 1);
    const unknown = await eventually(async () => {
      const read = await snapshot();
      return read?.unknown === undefined ? undefined : read;
    });
    expect(unknown).toMatchObject({ groups: 1, unknown: [{ what: 'passwordLastUsed' }] });
    expect(unknown.unknown?.[0]?.why).toContain('ListUsers: AccessDenied');
    expect(await world().metrics()).toMatch(
      /idhub_snapshot_unknown\{connection="[^"]+",what="passwordLastUsed"\} 1/,
    );
    await world().until('awsconnection', 'aws', { status: 'True' });
    await world().simulator.clearFaults();
    await patch(world(), 'aws', { spec: { settings: null } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
    await eventually(async () => ((await snapshot())?.unknown === undefined ? true : undefined));
    await eventually(async () =>
      (await world().account('member')).status?.inheritedPolicies === undefined ? true : undefined,
    );
  });

  test('defaults.permissionsBoundary applies to accounts that say nothing', async () => {
    await patch(
      world(),
      'aws',
      { spec: { defaults: { permissionsBoundary: 'arn:aws:iam::aws:policy/ReadOnlyAccess' } } },
      'awsconnection',
    );
    await eventually(async () => (await user(world(), 'member')).permissionsBoundary);
    expect((await user(world(), 'member')).permissionsBoundary).toBe(
      'arn:aws:iam::aws:policy/ReadOnlyAccess',
    );
    await patch(world(), 'aws', { spec: { defaults: null } }, 'awsconnection');
    await eventually(async () =>
      (await user(world(), 'member')).permissionsBoundary === undefined ? true : undefined,
    );
  });
});

describe('credentials', () => {
  test('a changed Secret is used within a minute, without a restart, and at once when AWS refuses the old key', async () => {
    const old = world().credentials;
    const next = await newKey(world().iam, communicationUser);
    const { pid } = world().operator;
    await putSecret('aws-credentials', next);
    await world().iam.send(
      new UpdateAccessKeyCommand({
        UserName: communicationUser,
        AccessKeyId: old.accessKeyId,
        Status: 'Inactive',
      }),
    );
    await eventually(
      async () =>
        (await world().connection()).status?.caller?.accessKeyId === next.accessKeyId ? true : undefined,
      { withinMs: 10_000, what: 'the new key to be in use at once' },
    );
    await world().until('awsconnection', 'aws', { status: 'True' });
    const before = await callsOf(old.accessKeyId);
    await resyncs(world(), 2);
    expect(await callsOf(old.accessKeyId)).toBe(before);
    expect(await callsOf(next.accessKeyId)).toBeGreaterThan(0);
    expect(world().operator.pid).toBe(pid);
    await world().iam.send(
      new DeleteAccessKeyCommand({ UserName: communicationUser, AccessKeyId: old.accessKeyId }),
    );

    // The old key works on: the new one is found by reading the Secret again.
    const third = await newKey(world().iam, communicationUser);
    await putSecret('aws-credentials', third);
    await eventually(
      async () =>
        (await world().connection()).status?.caller?.accessKeyId === third.accessKeyId ? true : undefined,
      { withinMs: 60_000, everyMs: 500, what: 'the third key to be in use within a minute' },
    );
    await world().iam.send(
      new DeleteAccessKeyCommand({ UserName: communicationUser, AccessKeyId: next.accessKeyId }),
    );
  });

  test('a new key that AWS does not know yet is Verifying, then Ready', async () => {
    const fresh = await newKey(world().iam, communicationUser);
    await world().simulator.fault({
      accessKeyId: fresh.accessKeyId,
      error: { code: 'InvalidClientTokenId' },
      times: 3,
    });
    await connect('fresh', fresh);
    await world().until('awsconnection', 'fresh', { status: 'Unknown', reason: 'Verifying' });
    await world().until('awsconnection', 'fresh', { status: 'True', withinMs: 30_000 });
    await world().simulator.clearFaults();
    await world().kubectl(['delete', 'awsconnection', 'fresh', '-n', 'connecting', '--timeout=20s']);
    await world().iam.send(
      new DeleteAccessKeyCommand({ UserName: communicationUser, AccessKeyId: fresh.accessKeyId }),
    );
  });

  test('a revoked key: the connection says so, its accounts wait, and AWS is asked a handful of times, not once for each', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `idle-${index}`);
    await world().apply(...names.map((name) => world().accountManifest(name, { userName: name })));
    await untilAll(world(), names, { status: 'True' });
    const accessKeyId = (await world().connection()).status?.caller?.accessKeyId ?? '';
    await world().iam.send(
      new DeleteAccessKeyCommand({ UserName: communicationUser, AccessKeyId: accessKeyId }),
    );
    await eventually(async () =>
      (await world().connection()).status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
        ? undefined
        : true,
    );
    const before = await callsOf(accessKeyId);
    // All of them have work to do now.
    await world().apply(
      ...names.map((name) => world().accountManifest(name, { userName: name, tags: { later: 'yes' } })),
    );
    await untilAll(world(), names, { status: 'Unknown', reason: 'ConnectionNotReady' });
    expect((await callsOf(accessKeyId)) - before).toBeLessThan(8);
    await putSecret('aws-credentials', await newKey(world().iam, communicationUser));
    await untilAll(world(), names, { status: 'True', withinMs: 45_000 });
    expect((await user(world(), 'idle-0')).tags).toMatchObject({ later: 'yes' });
    expect(await changes(world(), 'idle-39')).toEqual(['CreateUser', 'TagUser']);
  });

  test('credentials of another AWS account: no write there, no deletion, and all goes on when they are right again', async () => {
    const [, second] = world().accounts;
    if (second === undefined) {
      throw new Error('the simulator has two accounts');
    }
    const there = iamClient(world().simulatorUrl, second);
    const stranger = await makeCommunicationUser(there, communicationUser);
    await world().apply(world().accountManifest('stays', { userName: 'stays', deletionPolicy: 'Delete' }));
    await settled(world(), 'stays');
    const here = await newKey(world().iam, communicationUser);
    const usedBefore = (await world().connection()).status?.caller?.accessKeyId ?? '';
    await putSecret('aws-credentials', stranger);
    await world().iam.send(
      new UpdateAccessKeyCommand({
        UserName: communicationUser,
        AccessKeyId: usedBefore,
        Status: 'Inactive',
      }),
    );
    const { message } = await world().until('awsconnection', 'aws', {
      status: 'False',
      reason: 'AccountMismatch',
      withinMs: 60_000,
    });
    expect(message).toContain(second.id);
    await world().apply(world().accountManifest('stays-too', { userName: 'stays-too' }));
    await remove(world(), 'stays');
    await world().until('awsaccount', 'stays-too', { status: 'Unknown', reason: 'ConnectionNotReady' });
    await world().until('awsaccount', 'stays', { status: 'False', reason: 'ConnectionNotReady' });
    expect((await world().simulator.account(second.id)).users.map(({ userName }) => userName).sort()).toEqual(
      [second.adminUserName, communicationUser].sort(),
    );
    expect(await world().simulator.user('stays')).toBeDefined();
    expect(await operations(world(), 'stays-too')).toEqual([]);
    await putSecret('aws-credentials', here);
    await world().until('awsconnection', 'aws', { status: 'True', withinMs: 60_000 });
    await gone(world(), 'stays');
    expect(await world().simulator.user('stays')).toBeUndefined();
    await world().until('awsaccount', 'stays-too', { status: 'True' });
    there.destroy();
  });
});

describe('who needs it', () => {
  test('an account that names no connection waits, and goes on by itself', async () => {
    await world().apply(
      world().accountManifest('early', { userName: 'early', connectionRef: { name: 'later' } }),
    );
    const { message } = await world().until('awsaccount', 'early', {
      status: 'False',
      reason: 'ConnectionNotFound',
    });
    expect(message).toContain('"later"');
    const accessKeyId = (await world().connection()).status?.caller?.accessKeyId;
    const secret = JSON.parse(
      await world().kubectl(['get', 'secret', 'aws-credentials', '-n', 'connecting', '-o', 'json']),
    ) as { data: { secretAccessKey: string } };
    await connect('later', {
      accessKeyId: accessKeyId ?? '',
      secretAccessKey: Buffer.from(secret.data.secretAccessKey, 'base64').toString(),
    });
    await world().until('awsaccount', 'early', { status: 'True' });
  });

  test('it and its Secret stay while an account stands for a user, and go after the last', async () => {
    const finalizers = async (kind: string, name: string): Promise<string> =>
      world().kubectl(['get', kind, name, '-n', 'connecting', '-o', 'jsonpath={.metadata.finalizers}']);
    expect(await finalizers('secret', 'later-credentials')).toContain('aws.idhub.io/finalizer');
    await world().kubectl(['delete', 'awsconnection', 'later', '-n', 'connecting', '--wait=false']);
    await world().kubectl(['delete', 'secret', 'later-credentials', '-n', 'connecting', '--wait=false']);
    const { message } = await world().until('awsconnection', 'later', { status: 'False', reason: 'InUse' });
    expect(message).toContain('1 AwsAccount');
    await resyncs(world(), 1);
    // It still works: a change and the deletion itself.
    await patch(world(), 'early', { spec: { tags: { still: 'works' }, deletionPolicy: 'Delete' } });
    await world().until('awsaccount', 'early', { status: 'True' });
    expect((await user(world(), 'early')).tags).toMatchObject({ still: 'works' });
    expect(await exists(world(), 'secret', 'later-credentials')).toBe(true);
    await remove(world(), 'early');
    await gone(world(), 'early');
    await gone(world(), 'later', 20_000, 'awsconnection');
    await gone(world(), 'later-credentials', 20_000, 'secret');
    expect(await world().simulator.user('early')).toBeUndefined();
  });

  test('another Secret: the one before is let go of', async () => {
    const key = await world().kubectl(['get', 'secret', 'aws-credentials', '-n', 'connecting', '-o', 'json']);
    const copy = JSON.parse(key) as { data: object };
    await world().apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'connecting', name: 'other-credentials' },
      data: copy.data,
    });
    await patch(
      world(),
      'aws',
      { spec: { credentials: { secretRef: { name: 'other-credentials' } } } },
      'awsconnection',
    );
    await world().until('awsconnection', 'aws', { status: 'True' });
    await world().kubectl(['delete', 'secret', 'aws-credentials', '-n', 'connecting', '--timeout=20s']);
    await resyncs(world(), 1);
    await world().until('awsconnection', 'aws', { status: 'True' });
  });
});

test('after the time that a new key may need, credentials that AWS does not know are invalid', async () => {
  const { message } = await world().until('awsconnection', 'bogus', {
    status: 'False',
    reason: 'InvalidCredentials',
    withinMs: Math.max(1_000, 80_000 - (Date.now() - boguslySince)),
  });
  expect(message).toContain('put a valid access key into the Secret');
  expect(await callsOf(unknownKey.accessKeyId)).toBeLessThan(40);
});

test("a Secret that was missing is found without anybody's nudge", async () => {
  await world().until('awsconnection', 'no-secret', { status: 'True' });
});
