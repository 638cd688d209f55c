import {
  AttachUserPolicyCommand,
  CreateUserCommand,
  DeleteUserPolicyCommand,
  ListUsersCommand,
  PutUserPolicyCommand,
  TagUserCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import type { UserDump } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { allowAll, giveCredentials } from './belongings.ts';
import { changes, event, operations, patch, resyncs, settled, user, worldFor } from './support.ts';
import { iamClient } from './world.ts';

const world = worldFor('disabling');
const denyAll = 'arn:aws:iam::aws:policy/AWSDenyAll';

async function made(name: string, spec: object = {}): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, ...spec }));
  await settled(world(), name);
}

async function enabled(name: string, value: boolean): Promise<void> {
  await patch(world(), name, { spec: { enabled: value } });
  await world().until('awsaccount', name, { status: 'True' });
}

/** What still lets somebody in. */
function open(dump: UserDump): string[] {
  return [
    ...(dump.hasLoginProfile ? ['console'] : []),
    ...dump.accessKeys.filter(({ status }) => status === 'Active').map(({ accessKeyId }) => accessKeyId),
    ...[...dump.sshPublicKeys, ...dump.signingCertificates, ...dump.serviceSpecificCredentials]
      .filter(({ status }) => status === 'Active')
      .map(({ id }) => id),
  ];
}

async function forgetAudit(name: string): Promise<void> {
  const twoHoursAgo = new Date(Date.now() - 7_200_000).toISOString().replace(/\.\d+Z$/, 'Z');
  await world().kubectl([
    'patch',
    'awsaccount',
    name,
    '-n',
    world().namespace,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status: { credentialsAuditedAt: twoHoursAgo } }),
  ]);
}

describe('disable', () => {
  test('the Deny first, then the memory of what is on, then each of it off; and back, without what others did', async () => {
    await made('jo');
    const given = await giveCredentials(world().iam, 'jo');
    await world().simulator.resetCalls();
    await enabled('jo', false);
    const done = await operations(world(), 'jo');
    expect(done.slice(0, 2)).toEqual(['PutUserPolicy', 'TagUser']);
    expect(done.slice(2).sort()).toEqual([
      'DeleteLoginProfile',
      'UpdateAccessKey',
      'UpdateSSHPublicKey',
      'UpdateServiceSpecificCredential',
      'UpdateSigningCertificate',
    ]);
    const off = await user(world(), 'jo');
    expect(open(off)).toEqual([]);
    expect(JSON.parse(off.inlinePolicies['IDHubDisabled'] ?? '{}')).toMatchObject({
      Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
    });
    const { status } = await world().account('jo');
    expect(status?.state).toBe('Disabled');
    expect([...(status?.switchedOff ?? [])].sort()).toEqual([
      `SSH public key ${given.sshKey}`,
      `access key ${given.activeKey}`,
      'console password',
      `service-specific credential ${given.serviceCredential}`,
      `signing certificate ${given.certificate}`,
    ]);
    expect(status?.credentialsAuditedAt).toBeDefined();
    await event(world(), 'jo', 'Disabled');

    await world().simulator.resetCalls();
    await enabled('jo', true);
    const on = await user(world(), 'jo');
    // Access keys stay off without settings.enableProgrammaticAccess, and a password is not invented.
    expect(open(on).sort()).toEqual([given.sshKey, given.certificate, given.serviceCredential].sort());
    expect(on.inlinePolicies).toEqual({});
    expect(Object.keys(on.tags)).toEqual(['aws.idhub.io/owner']);
    expect((await world().account('jo')).status).toMatchObject({ state: 'Enabled' });
    expect((await world().account('jo')).status?.switchedOff).toBeUndefined();
    await event(world(), 'jo', 'Enabled');
    const { message } = await event(world(), 'jo', 'Updated');
    expect(message).toContain('the console password was removed when the account was disabled');
    const back = await operations(world(), 'jo');
    expect(back.slice(-2)).toEqual(['DeleteUserPolicy', 'UntagUser']);
    await resyncs(world(), 2);
    expect(await operations(world(), 'jo')).toEqual(back);
  });

  test('the Deny ends what a session or a key of the user may do, also a key that somebody activates again', async () => {
    await made('live');
    await world().iam.send(
      new AttachUserPolicyCommand({
        UserName: 'live',
        PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
      }),
    );
    const given = await giveCredentials(world().iam, 'live');
    const theirs = iamClient(world().simulatorUrl, {
      accessKeyId: given.activeKey,
      secretAccessKey: given.activeKeySecret,
    });
    try {
      await theirs.send(new ListUsersCommand({}));
      await enabled('live', false);
      await world().iam.send(
        new UpdateAccessKeyCommand({ UserName: 'live', AccessKeyId: given.activeKey, Status: 'Active' }),
      );
      await expect(theirs.send(new ListUsersCommand({}))).rejects.toThrow(/explicit deny|not authorized/);
      expect(open(await user(world(), 'live'))).toEqual([given.activeKey]);
      // The credentials are looked at again within the hour; here the hour has passed.
      // Again and again, since a status that the operator is about to write has the time as it was before.
      await eventually(
        async () => {
          if (open(await user(world(), 'live')).length === 0) {
            return true;
          }
          await forgetAudit('live');
          return undefined;
        },
        { everyMs: 2_000, what: 'the key to be switched off again' },
      );
    } finally {
      theirs.destroy();
    }
    const { message } = await event(world(), 'live', 'DriftMended');
    expect(message).toContain(given.activeKey);
    await enabled('live', true);
    expect(open(await user(world(), 'live'))).not.toContain(given.inactiveKey);
  });

  test('with enableProgrammaticAccess the keys that we switched off come back, no other', async () => {
    await patch(world(), 'aws', { spec: { settings: { enableProgrammaticAccess: true } } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
    await made('keys');
    const given = await giveCredentials(world().iam, 'keys');
    await enabled('keys', false);
    expect(open(await user(world(), 'keys'))).toEqual([]);
    await enabled('keys', true);
    const on = await user(world(), 'keys');
    expect(open(on).sort()).toEqual(
      [given.activeKey, given.sshKey, given.certificate, given.serviceCredential].sort(),
    );
    expect(on.accessKeys.find(({ accessKeyId }) => accessKeyId === given.inactiveKey)?.status).toBe(
      'Inactive',
    );
  });

  test('an account that is declared disabled from the start is made and shut', async () => {
    await made('newcomer', { enabled: false });
    expect((await operations(world(), 'newcomer')).slice(0, 2)).toEqual(['CreateUser', 'PutUserPolicy']);
    expect(Object.keys((await user(world(), 'newcomer')).inlinePolicies)).toEqual(['IDHubDisabled']);
    expect((await world().account('newcomer')).status?.state).toBe('Disabled');
    await enabled('newcomer', true);
    expect((await user(world(), 'newcomer')).inlinePolicies).toEqual({});
  });

  test('the annotation disabled-by wins over the spec, so that no GitOps reverts it', async () => {
    await made('gitops');
    await patch(world(), 'gitops', { metadata: { annotations: { 'aws.idhub.io/disabled-by': 'idhub' } } });
    await eventually(async () =>
      Object.keys((await user(world(), 'gitops')).inlinePolicies).length > 0 ? true : undefined,
    );
    await patch(world(), 'gitops', { spec: { enabled: true, tags: { synced: 'yes' } } });
    await world().until('awsaccount', 'gitops', { status: 'True' });
    const shut = await user(world(), 'gitops');
    expect(shut.tags).toMatchObject({ synced: 'yes' });
    expect(Object.keys(shut.inlinePolicies)).toEqual(['IDHubDisabled']);
    await patch(world(), 'gitops', { metadata: { annotations: { 'aws.idhub.io/disabled-by': null } } });
    await eventually(async () =>
      Object.keys((await user(world(), 'gitops')).inlinePolicies).length === 0 ? true : undefined,
    );
  });
});

describe('what stands in the way', () => {
  test('no room for an inline policy: AWSDenyAll instead; only one that we attached is detached', async () => {
    await made('full');
    await made('foreign-deny');
    for (const name of ['full', 'foreign-deny']) {
      await world().iam.send(
        new PutUserPolicyCommand({
          UserName: name,
          PolicyName: 'large',
          PolicyDocument: JSON.stringify({
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Action: Array.from({ length: 76 }, (_, i) => `s3:GetObjectNumber${1000 + i}`),
                Resource: '*',
              },
            ],
          }),
        }),
      );
    }
    await world().iam.send(new AttachUserPolicyCommand({ UserName: 'foreign-deny', PolicyArn: denyAll }));
    // A new process has no writes of its own to lay over its first reading, and sees whose the policy is.
    await world().restartOperator();
    await world().until('awsconnection', 'aws', { status: 'True' });
    await resyncs(world(), 1);
    await enabled('full', false);
    await enabled('foreign-deny', false);
    for (const name of ['full', 'foreign-deny']) {
      const dump = await user(world(), name);
      expect(dump.attachedPolicies).toEqual([denyAll]);
      expect(Object.keys(dump.inlinePolicies)).toEqual(['large']);
      expect((await world().account(name)).status?.state).toBe('Disabled');
    }
    await enabled('full', true);
    await enabled('foreign-deny', true);
    expect((await user(world(), 'full')).attachedPolicies).toEqual([]);
    expect((await user(world(), 'foreign-deny')).attachedPolicies).toEqual([denyAll]);
  });

  test('a typo in a setting of the connection keeps no leaver in', async () => {
    await made('leaver');
    const zone = (timeZone: string | null) =>
      patch(world(), 'aws', { spec: { settings: { timeZone } } }, 'awsconnection');
    await zone('Europe/Atlantis');
    await world().until('awsconnection', 'aws', { status: 'False', reason: 'InvalidTimeZone' });
    await enabled('leaver', false);
    expect(Object.keys((await user(world(), 'leaver')).inlinePolicies)).toEqual(['IDHubDisabled']);
    await zone(null);
    await world().until('awsconnection', 'aws', { status: 'True' });
  });

  test('a step that fails: the others are done, nothing is forgotten, and it is finished later', async () => {
    await made('partly');
    const given = await giveCredentials(world().iam, 'partly');
    await world().simulator.fault(
      { operation: 'UpdateAccessKey', user: 'partly', error: { code: 'ServiceFailure' }, times: 2 },
      {
        operation: 'DeleteLoginProfile',
        user: 'partly',
        error: { code: 'EntityTemporarilyUnmodifiable' },
        times: 2,
      },
    );
    await enabled('partly', false);
    expect(open(await user(world(), 'partly'))).toEqual([]);
    expect((await world().simulator.faults()).map(({ hits }) => hits)).toEqual([2, 2]);
    await world().simulator.clearFaults();
    expect((await world().account('partly')).status?.switchedOff).toHaveLength(5);
    await enabled('partly', true);
    expect(open(await user(world(), 'partly'))).toContain(given.sshKey);
  });

  test('killed in the middle: the next process finishes it and remembers all', async () => {
    await made('killed');
    const given = await giveCredentials(world().iam, 'killed');
    await world().simulator.fault({ operation: 'UpdateSSHPublicKey', user: 'killed', latencyMs: 20_000 });
    await patch(world(), 'killed', { spec: { enabled: false } });
    await eventually(async () => ((await world().simulator.faults())[0]?.hits === 1 ? true : undefined));
    await world().restartOperator('SIGKILL');
    await world().simulator.clearFaults();
    await world().until('awsaccount', 'killed', { status: 'True' });
    expect(open(await user(world(), 'killed'))).toEqual([]);
    expect((await world().account('killed')).status?.switchedOff).toHaveLength(5);
    await enabled('killed', true);
    expect(open(await user(world(), 'killed')).sort()).toEqual(
      [given.activeKey, given.sshKey, given.certificate, given.serviceCredential].sort(),
    );
  });

  test('a user with 50 tags is shut all the same, and it is said that nothing can be noted on it', async () => {
    await made('crowded');
    await giveCredentials(world().iam, 'crowded');
    await world().iam.send(
      new TagUserCommand({
        UserName: 'crowded',
        Tags: Array.from({ length: 49 }, (_, index) => ({ Key: `t${index}`, Value: 'x' })),
      }),
    );
    await resyncs(world(), 1);
    await patch(world(), 'crowded', { spec: { enabled: false } });
    await eventually(async () => (open(await user(world(), 'crowded')).length === 0 ? true : undefined));
    expect(Object.keys((await user(world(), 'crowded')).inlinePolicies)).toEqual(['IDHubDisabled']);
    expect((await event(world(), 'crowded', 'Disabled')).message).toContain('50 tags');
    // It is settled: the same is not done again with every resync.
    await resyncs(world(), 1);
    const done = await changes(world(), 'crowded');
    await resyncs(world(), 2);
    expect(await changes(world(), 'crowded')).toEqual(done);
    expect((await world().account('crowded')).status?.state).toBe('Disabled');
  });

  test('CredentialsOnly leaves the Deny out', async () => {
    await patch(world(), 'aws', { spec: { settings: { disableWith: 'CredentialsOnly' } } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
    await made('plain');
    await giveCredentials(world().iam, 'plain');
    await enabled('plain', false);
    const dump = await user(world(), 'plain');
    expect(open(dump)).toEqual([]);
    expect(dump.inlinePolicies).toEqual({});
    expect((await world().account('plain')).status?.state).toBe('Disabled');
    await enabled('plain', true);
    await patch(world(), 'aws', { spec: { settings: { disableWith: null } } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
  });
});

describe('drift of a disabled user', () => {
  test('a Deny that was taken away or altered is put back', async () => {
    await made('watched', { enabled: false });
    await world().restartOperator();
    await world().iam.send(new DeleteUserPolicyCommand({ UserName: 'watched', PolicyName: 'IDHubDisabled' }));
    const stands = async (): Promise<true | undefined> => {
      const document = (await user(world(), 'watched')).inlinePolicies['IDHubDisabled'];
      return document !== undefined &&
        (JSON.parse(document) as { Statement: { Effect: string }[] }).Statement[0]?.Effect === 'Deny'
        ? true
        : undefined;
    };
    await eventually(stands, { what: 'the Deny to stand again' });
    await event(world(), 'watched', 'DriftMended');
    expect((await world().account('watched')).status?.drift?.fields).toContain('enabled');
    // What we wrote ourselves counts for half a minute; a new process believes its eyes.
    await world().restartOperator();
    await world().iam.send(
      new PutUserPolicyCommand({
        UserName: 'watched',
        PolicyName: 'IDHubDisabled',
        PolicyDocument: allowAll,
      }),
    );
    await eventually(stands, { what: 'the altered Deny to be mended' });
  });

  test('an adopted user that somebody shut before us is not opened by us', async () => {
    await world().iam.send(new CreateUserCommand({ UserName: 'found' }));
    const given = await giveCredentials(world().iam, 'found');
    await world().iam.send(
      new UpdateAccessKeyCommand({ UserName: 'found', AccessKeyId: given.activeKey, Status: 'Inactive' }),
    );
    await resyncs(world(), 1);
    await made('found', { adoptionPolicy: 'IfUnowned' });
    expect(await operations(world(), 'found')).toEqual(['TagUser']);
    await enabled('found', false);
    expect((await world().account('found')).status?.switchedOff).not.toContain(
      `access key ${given.activeKey}`,
    );
    await enabled('found', true);
    const dump = await user(world(), 'found');
    expect(dump.accessKeys.map(({ status }) => status)).toEqual(['Inactive', 'Inactive']);
    // Its password is not known to us: it does not come back, and nothing is retried for it.
    expect(dump.hasLoginProfile).toBe(false);
    const done = await operations(world(), 'found');
    await resyncs(world(), 2);
    expect(await operations(world(), 'found')).toEqual(done);
  });
});
