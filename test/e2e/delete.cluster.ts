import {
  CreateUserCommand,
  DeleteUserCommand,
  PutUserPermissionsBoundaryCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import { giveCredentials, giveEverything, join, managedPolicy } from './belongings.ts';
import {
  event,
  events,
  exists,
  gone,
  operations,
  operatorWrites,
  patch,
  remove,
  resyncs,
  settled,
  user,
  worldFor,
} from './support.ts';

const world = worldFor('deleting');

async function made(name: string, spec: object = { deletionPolicy: 'Delete' }): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, ...spec }));
  await settled(world(), name);
}

async function errorsOf(operation: string): Promise<Readonly<Record<string, number>>> {
  return (await world().simulator.calls()).errors[operation] ?? {};
}

describe('Delete', () => {
  test('everything that a user can own goes, then the user, then its absence is looked at, then the finalizer', async () => {
    await made('jo');
    await giveEverything(world().iam, 'jo');
    const before = await user(world(), 'jo');
    expect([
      before.accessKeys.length,
      before.mfaDevices.length,
      before.sshPublicKeys.length,
      before.signingCertificates.length,
      before.serviceSpecificCredentials.length,
      Object.keys(before.inlinePolicies).length,
      before.attachedPolicies.length,
      before.groups.length,
      before.hasLoginProfile,
    ]).toEqual([2, 2, 1, 1, 1, 1, 2, 2, true]);
    await world().simulator.resetCalls();
    await remove(world(), 'jo');
    await gone(world(), 'jo');
    const account = await world().simulator.account();
    expect(account.users.map(({ userName }) => userName)).not.toContain('jo');
    expect(account.virtualMfaDevices).toEqual([]);
    // What others may still use stays.
    expect(account.groups.map(({ groupName, members }) => [groupName, members])).toEqual([
      ['developers', []],
      ['operators', []],
    ]);
    expect(account.policies.map(({ policyName }) => policyName)).toContain('managed-jo');
    const done = await operations(world());
    expect(done.at(-1)).toBe('DeleteUser');
    expect(done.filter((each) => each.includes('!') && !each.endsWith('!NoSuchEntity'))).toEqual([]);
    expect((await errorsOf('GetUser'))['NoSuchEntity']).toBeGreaterThanOrEqual(1);
    await event(world(), 'jo', 'Deleted');
    const told = (await events(world(), 'jo')).filter(({ reason }) => reason === 'Deleted');
    expect(told).toMatchObject([{ count: 1, type: 'Normal' }]);
  });

  test('a child that may not be removed is named with its call; allowed again, it goes by itself', async () => {
    await made('held');
    const { certificate } = await giveCredentials(world().iam, 'held');
    await world().simulator.fault({
      operation: 'DeleteSigningCertificate',
      user: 'held',
      error: { code: 'AccessDenied', message: 'not authorized to perform: iam:DeleteSigningCertificate' },
      times: -1,
    });
    await remove(world(), 'held');
    const { message } = await world().until('awsaccount', 'held', {
      status: 'False',
      reason: 'DeletionBlocked',
    });
    expect(message).toContain('DeleteSigningCertificate');
    expect(message).toContain(certificate);
    expect(message).toContain('shut out meanwhile');
    await resyncs(world(), 2);
    // All else went, and nothing claims success.
    expect(await user(world(), 'held')).toMatchObject({
      hasLoginProfile: false,
      accessKeys: [],
      sshPublicKeys: [],
      serviceSpecificCredentials: [],
      // What could not be removed lets nobody in meanwhile.
      signingCertificates: [{ id: certificate, status: 'Inactive' }],
      inlinePolicies: { IDHubDisabled: expect.any(String) },
    });
    expect((await events(world(), 'held')).map(({ reason }) => reason)).not.toContain('Deleted');
    expect(await operations(world(), 'held')).not.toContain('DeleteUser');
    await world().simulator.clearFaults();
    await gone(world(), 'held', 40_000);
    expect(await world().simulator.user('held')).toBeUndefined();
    await event(world(), 'held', 'Deleted');
  });

  test('the permissions boundary goes with the user, without the call that an SCP may forbid', async () => {
    const arn = await managedPolicy(world().iam, 'Fence');
    await made('bounded', { deletionPolicy: 'Delete', permissionsBoundary: arn });
    await made('foreign-bound');
    await world().iam.send(
      new PutUserPermissionsBoundaryCommand({ UserName: 'foreign-bound', PermissionsBoundary: arn }),
    );
    await remove(world(), 'bounded', 'foreign-bound');
    await gone(world(), 'bounded');
    await gone(world(), 'foreign-bound');
    for (const name of ['bounded', 'foreign-bound']) {
      expect(await world().simulator.user(name)).toBeUndefined();
      expect(await operations(world(), name)).not.toContain('DeleteUserPermissionsBoundary');
    }
  });

  test('lists are read to their end although pages are short or empty', async () => {
    await made('many');
    for (let index = 0; index < 8; index += 1) {
      await join(world().iam, 'many', `group-${index}`);
    }
    await world().simulator.configure({ shortPages: true });
    try {
      await remove(world(), 'many');
      await gone(world(), 'many');
    } finally {
      await world().simulator.configure({ shortPages: false });
    }
    expect(await world().simulator.user('many')).toBeUndefined();
    expect((await operations(world(), 'many')).filter((each) => each === 'RemoveUserFromGroup')).toHaveLength(
      8,
    );
    expect((await operations(world(), 'many')).filter((each) => each.includes('DeleteConflict'))).toEqual([]);
  });

  test('lost answers and faults in the middle: it goes on where it was', async () => {
    await made('rough');
    await giveCredentials(world().iam, 'rough');
    await world().simulator.fault(
      { operation: 'DeleteLoginProfile', user: 'rough', drop: 'after' },
      { operation: 'DeleteAccessKey', user: 'rough', error: { code: 'ServiceFailure' } },
      { operation: 'DeleteSSHPublicKey', user: 'rough', drop: 'before' },
      { operation: 'ListSigningCertificates', user: 'rough', drop: 'after' },
      { operation: 'DeleteUser', user: 'rough', drop: 'after' },
    );
    await remove(world(), 'rough');
    await gone(world(), 'rough', 25_000);
    expect((await world().simulator.faults()).filter(({ hits }) => hits === 0)).toEqual([]);
    await world().simulator.clearFaults();
    expect(await world().simulator.user('rough')).toBeUndefined();
    const deletions = (await operatorWrites(world(), 'rough')).filter(
      ({ operation, code }) => operation === 'DeleteUser' && code === 'OK',
    );
    expect(deletions).toHaveLength(1);
  });

  test('the finalizer stays for as long as AWS still shows the user', async () => {
    await made('slow');
    await resyncs(world(), 1);
    await world().simulator.configure({ consistencyDelayMs: 3_000 });
    try {
      await world().simulator.resetCalls();
      await remove(world(), 'slow');
      await gone(world(), 'slow', 15_000);
      const { byOperation } = await world().simulator.calls();
      // Looked at least twice: it was still there first, and then it was not.
      expect(byOperation['GetUser']).toBeGreaterThanOrEqual(2);
      expect((await errorsOf('GetUser'))['NoSuchEntity']).toBeGreaterThanOrEqual(1);
    } finally {
      await world().simulator.configure({ consistencyDelayMs: 0 });
    }
  });

  test('a disabled user goes as well, its Deny after everything that lets it in', async () => {
    await made('off', { deletionPolicy: 'Delete', enabled: false });
    await giveCredentials(world().iam, 'off');
    await world().simulator.resetCalls();
    await remove(world(), 'off');
    await gone(world(), 'off');
    const done = await operations(world(), 'off');
    expect(done.slice(-2)).toEqual(['DeleteUserPolicy', 'DeleteUser']);
    expect(await world().simulator.user('off')).toBeUndefined();
  });

  test('the Deny of a disabled user stays while a key of it cannot be removed', async () => {
    await made('sticky', { deletionPolicy: 'Delete', enabled: false });
    await giveCredentials(world().iam, 'sticky');
    await world().simulator.fault({
      operation: 'DeleteAccessKey',
      user: 'sticky',
      error: { code: 'AccessDenied' },
      times: -1,
    });
    await remove(world(), 'sticky');
    await world().until('awsaccount', 'sticky', { status: 'False', reason: 'DeletionBlocked' });
    await resyncs(world(), 1);
    expect(Object.keys((await user(world(), 'sticky')).inlinePolicies)).toEqual(['IDHubDisabled']);
    await world().simulator.clearFaults();
    await gone(world(), 'sticky', 40_000);
  });
});

describe('whom it is about', () => {
  test('a user that is gone already: the object goes, nothing is written', async () => {
    await made('leaver');
    await world().iam.send(new DeleteUserCommand({ UserName: 'leaver' }));
    await world().restartOperator();
    await remove(world(), 'leaver');
    await gone(world(), 'leaver');
    expect(await operations(world(), 'leaver')).toEqual(['CreateUser']);
  });

  test('a user that was renamed in AWS is found by its unique id', async () => {
    await made('before');
    // A process that made the user a moment ago would wait half a minute for IAM to settle.
    await world().restartOperator();
    await world().iam.send(new UpdateUserCommand({ UserName: 'before', NewUserName: 'afterwards' }));
    await remove(world(), 'before');
    await gone(world(), 'before');
    expect(await world().simulator.user('afterwards')).toBeUndefined();
    expect(await operations(world(), 'afterwards')).toContain('DeleteUser');
  });

  test('a name that was made again is somebody else, who is left alone', async () => {
    await made('twice');
    await world().iam.send(new DeleteUserCommand({ UserName: 'twice' }));
    await world().iam.send(new CreateUserCommand({ UserName: 'twice' }));
    await world().restartOperator();
    await remove(world(), 'twice');
    await gone(world(), 'twice');
    expect(await user(world(), 'twice')).toMatchObject({ tags: {} });
    expect(await operations(world(), 'twice')).toEqual(['CreateUser']);
  });
});

describe('Retain, Disable, and who decides', () => {
  test('Retain is the default, and takes the owner tag away; nothing else', async () => {
    await made('kept', { tags: { a: '1' } });
    const { userId } = await user(world(), 'kept');
    await giveCredentials(world().iam, 'kept');
    const before = await user(world(), 'kept');
    await remove(world(), 'kept');
    await gone(world(), 'kept');
    expect(await operations(world(), 'kept')).toEqual(['CreateUser', 'UntagUser']);
    expect(await user(world(), 'kept')).toEqual({ ...before, userId, tags: { a: '1' } });
  });

  test('Disable shuts the user out and lets go of it', async () => {
    await made('shut', { deletionPolicy: 'Disable' });
    const given = await giveCredentials(world().iam, 'shut');
    await remove(world(), 'shut');
    await gone(world(), 'shut');
    const left = await user(world(), 'shut');
    expect(left.hasLoginProfile).toBe(false);
    for (const each of [
      ...left.accessKeys,
      ...left.sshPublicKeys,
      ...left.signingCertificates,
      ...left.serviceSpecificCredentials,
    ]) {
      expect(each.status).toBe('Inactive');
    }
    expect(left.accessKeys.map(({ accessKeyId }) => accessKeyId)).toContain(given.activeKey);
    expect(Object.keys(left.inlinePolicies)).toEqual(['IDHubDisabled']);
    expect(Object.keys(left.tags)).toEqual(['aws.idhub.io/disabled']);
    expect((await operations(world(), 'shut')).at(-1)).toBe('UntagUser');
  });

  test("the connection's default applies where the account says nothing, also one that came later", async () => {
    await made('by-default', {});
    await made('by-itself', { deletionPolicy: 'Retain' });
    await patch(world(), 'aws', { spec: { defaults: { deletionPolicy: 'Delete' } } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
    await resyncs(world(), 1);
    await remove(world(), 'by-default', 'by-itself');
    await gone(world(), 'by-default');
    await gone(world(), 'by-itself');
    expect(await world().simulator.user('by-default')).toBeUndefined();
    expect(await world().simulator.user('by-itself')).toBeDefined();
  });

  test('abandon lets go of it without a look at AWS; it is counted and logged', async () => {
    await made('stuck');
    await world().simulator.fault({ user: 'stuck', error: { code: 'AccessDenied' }, times: -1 });
    await remove(world(), 'stuck');
    await world().until('awsaccount', 'stuck', { status: 'False', reason: 'AccessDenied' });
    expect(await exists(world(), 'awsaccount', 'stuck')).toBe(true);
    await patch(world(), 'stuck', { metadata: { annotations: { 'aws.idhub.io/abandon': 'true' } } });
    await gone(world(), 'stuck');
    await world().simulator.clearFaults();
    expect(await user(world(), 'stuck')).toMatchObject({
      tags: { 'aws.idhub.io/owner': 'deleting/deleting/stuck' },
    });
    expect(await world().metrics()).toMatch(/^idhub_abandoned_total\{kind="AwsAccount"\} 1$/m);
    expect(
      world().operator.lines.filter((line) => line.includes('"stuck"') && line.includes('"warn"')),
    ).toHaveLength(1);
  });

  test('paused: a deletion waits', async () => {
    await made('waiting');
    await patch(world(), 'waiting', { metadata: { annotations: { 'aws.idhub.io/paused': 'true' } } });
    await remove(world(), 'waiting');
    await resyncs(world(), 2);
    expect(await world().simulator.user('waiting')).toBeDefined();
    await patch(world(), 'waiting', { metadata: { annotations: { 'aws.idhub.io/paused': null } } });
    await gone(world(), 'waiting');
    expect(await world().simulator.user('waiting')).toBeUndefined();
  });
});
