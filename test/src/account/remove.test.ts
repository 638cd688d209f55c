import { describe, expect, test } from '@jest/globals';
import { removeUser } from '../../../src/account/index.ts';
import type { AwsErrorKind, Operation } from '../../../src/aws/index.ts';
import { Crash, FakeAws, type FakeUser } from '../fake-aws.ts';
import { boundary } from './material.ts';
import { options, usable } from './world.ts';

const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const denyAll = 'arn:aws:iam::aws:policy/AWSDenyAll';
const virtual = 'arn:aws:iam::111122223333:mfa/jo';

/** Someone who owns one of everything, and two where AWS allows it. */
function furnish(aws: FakeAws): FakeUser {
  aws.devices.add(virtual);
  return aws.add('jo', {
    boundary,
    console: true,
    keys: new Map([
      ['AKIA1', 'Active'],
      ['AKIA2', 'Inactive'],
    ]),
    ssh: new Map([['APKA1', 'Active']]),
    certificates: new Map([['CERT1', 'Active']]),
    services: new Map([['ACCA1', 'Active']]),
    mfa: new Set([virtual, 'GAHT12345678']),
    groups: new Set(['people', 'readers']),
    attached: new Set([denyAll, 'arn:aws:iam::111122223333:policy/Own', readOnly]),
    inline: new Map([
      ['IDHubDisabled', ''],
      ['mine', ''],
    ]),
  });
}

function begin(): { aws: FakeAws; user: FakeUser } {
  const aws = new FakeAws();
  return { aws, user: furnish(aws) };
}

const refusing =
  (operation: Operation, kind: AwsErrorKind) =>
  (call: { operation: Operation }): AwsErrorKind | undefined =>
    call.operation === operation ? kind : undefined;

/** Another try, by whoever has looked at the user meanwhile. */
function again(aws: FakeAws): ReturnType<typeof removeUser> {
  return removeUser(aws, 'jo', { ...options, tags: aws.observe('jo').tags });
}

describe('a user with everything that it owns', () => {
  test.each([
    ['in whole pages', 100, false],
    ['one item a page', 1, false],
    ['one item a page after an empty one', 1, true],
  ])('is removed, %s', async (_, pageSize, emptyPages) => {
    const { aws } = begin();
    aws.pageSize = pageSize;
    aws.emptyPages = emptyPages;
    const outcome = await removeUser(aws, 'jo', options);
    expect(outcome).toEqual({
      kind: 'removed',
      children: [
        'console password',
        'access key AKIA1',
        'access key AKIA2',
        `MFA device ${virtual}`,
        'MFA device GAHT12345678',
        'SSH public key APKA1',
        'signing certificate CERT1',
        'service-specific credential ACCA1',
        'membership of group people',
        'membership of group readers',
        'attached policy arn:aws:iam::111122223333:policy/Own',
        `attached policy ${readOnly}`,
        'inline policy mine',
        `attached policy ${denyAll}`,
        'inline policy IDHubDisabled',
      ],
    });
    expect(aws.users).toEqual([]);
    expect(aws.devices.size).toBe(0);
    expect(aws.writes.at(-1)).toBe('DeleteUser');
  });

  test('is removed without a call on its boundary, which a service control policy may forbid', async () => {
    const { aws } = begin();
    aws.refuse = refusing('DeleteUserPermissionsBoundary', 'accessDenied');
    expect((await removeUser(aws, 'jo', options)).kind).toBe('removed');
    expect(aws.count('DeleteUserPermissionsBoundary')).toBe(0);
  });

  test('who owns nothing is removed, and so is who is gone already', async () => {
    const aws = new FakeAws();
    aws.add('jo');
    expect(await removeUser(aws, 'jo', options)).toEqual({ kind: 'removed', children: [] });
  });

  test('a child that somebody else removes meanwhile is no failure', async () => {
    const { aws, user } = begin();
    aws.refuse = ({ operation }) => {
      if (operation === 'DeleteSSHPublicKey') {
        user.ssh.clear();
      }
      if (operation === 'DeactivateMFADevice') {
        user.mfa.clear();
      }
      return undefined;
    };
    expect((await removeUser(aws, 'jo', options)).kind).toBe('removed');
    expect(aws.devices.size).toBe(0);
  });

  test('a hardware device is deactivated and not deleted: it has no resource of its own', async () => {
    const aws = new FakeAws();
    aws.add('jo', { mfa: new Set(['GAHT12345678', 'arn:aws:iam::111122223333:u2f/user/jo/KEY']) });
    await removeUser(aws, 'jo', options);
    expect(aws.count('DeactivateMFADevice')).toBe(2);
    expect(aws.count('DeleteVirtualMFADevice')).toBe(0);
  });
});

describe('what cannot be removed', () => {
  test.each<[Operation, string]>([
    ['DeleteLoginProfile', 'console password'],
    ['DeleteAccessKey', 'access key AKIA1'],
    ['DeactivateMFADevice', `MFA device ${virtual}`],
    ['DeleteVirtualMFADevice', `MFA device ${virtual}`],
    ['DeleteSSHPublicKey', 'SSH public key APKA1'],
    ['DeleteSigningCertificate', 'signing certificate CERT1'],
    ['DeleteServiceSpecificCredential', 'service-specific credential ACCA1'],
    ['RemoveUserFromGroup', 'membership of group people'],
    ['DetachUserPolicy', `attached policy arn:aws:iam::111122223333:policy/Own`],
    ['DeleteUserPolicy', 'inline policy mine'],
    ['DeleteUser', 'user jo'],
  ])('%s: it is named, nothing claims success, and once allowed it ends', async (operation, what) => {
    const { aws } = begin();
    // Else it would be the Deny, which comes first among the policies, that is refused.
    const denied = (input: Readonly<Record<string, unknown>>): boolean =>
      input['PolicyName'] !== 'IDHubDisabled' && input['PolicyArn'] !== denyAll;
    aws.refuse = (call) => (call.operation === operation && denied(call.input) ? 'accessDenied' : undefined);
    const outcome = await removeUser(aws, 'jo', options);
    expect(outcome).toMatchObject({ kind: 'blocked' });
    const failures = outcome.kind === 'blocked' ? outcome.failures : [];
    expect(failures[0]).toMatchObject({ what, error: { kind: 'accessDenied', operation } });
    expect(aws.users).toHaveLength(1);
    aws.refuse = () => undefined;
    expect((await again(aws)).kind).toBe('removed');
    expect(aws.users).toEqual([]);
    expect(aws.devices.size).toBe(0);
  });

  test('keeps neither its brothers nor the user from being shut out: the Deny stays', async () => {
    const { aws, user } = begin();
    aws.refuse = refusing('DeleteSigningCertificate', 'accessDenied');
    const outcome = await removeUser(aws, 'jo', options);
    expect(outcome.kind === 'blocked' ? outcome.failures.map(({ what }) => what) : []).toEqual([
      'signing certificate CERT1',
    ]);
    expect(usable(user)).toEqual(['CERT1']);
    expect([...user.inline.keys()]).toEqual(['IDHubDisabled']);
    expect([...user.attached]).toEqual([denyAll]);
    expect(user.groups.size).toBe(0);
    expect(aws.count('DeleteUser')).toBe(0);
  });

  test('all of it is named at once', async () => {
    const { aws } = begin();
    aws.refuse = ({ operation }) =>
      /^Delete(SSH|Access|Signing)/.test(operation) ? 'accessDenied' : undefined;
    const outcome = await removeUser(aws, 'jo', options);
    expect(outcome.kind === 'blocked' ? outcome.failures.map(({ what }) => what) : []).toEqual([
      'access key AKIA1',
      'access key AKIA2',
      'SSH public key APKA1',
      'signing certificate CERT1',
    ]);
  });

  test('a conflict on the user itself, by something that nobody knows to list', async () => {
    const { aws } = begin();
    aws.refuse = refusing('DeleteUser', 'deleteConflict');
    expect(await removeUser(aws, 'jo', options)).toMatchObject({
      kind: 'blocked',
      failures: [{ what: 'user jo', error: { kind: 'deleteConflict' } }],
    });
  });
});

describe('faults', () => {
  test.each<AwsErrorKind>(['throttled', 'temporary', 'unreachable', 'service', 'badCredentials'])(
    '%s is thrown, for the whole is repeated then',
    async (kind) => {
      for (const operation of ['DeleteAccessKey', 'DeleteUser'] as const) {
        const { aws } = begin();
        aws.refuse = refusing(operation, kind);
        await expect(removeUser(aws, 'jo', options)).rejects.toMatchObject({ kind, operation });
        expect(aws.users).toHaveLength(1);
      }
    },
  );

  test('a list that is refused is never taken for an empty one', async () => {
    const { aws } = begin();
    aws.refuse = refusing('ListSigningCertificates', 'accessDenied');
    await expect(removeUser(aws, 'jo', options)).rejects.toMatchObject({
      operation: 'ListSigningCertificates',
    });
    expect(aws.count('DeleteUser')).toBe(0);
  });

  test('a crash after any change: the next run removes what is left', async () => {
    for (let writes = 1; ; writes += 1) {
      const { aws } = begin();
      aws.writesUntilCrash = writes;
      const ended = await removeUser(aws, 'jo', options).then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(Crash);
          return false;
        },
      );
      aws.writesUntilCrash = Number.POSITIVE_INFINITY;
      if (aws.users.length > 0) {
        expect((await again(aws)).kind).toBe('removed');
      }
      expect([writes, aws.users, [...aws.devices]]).toEqual([writes, [], []]);
      if (ended) {
        expect(writes).toBeGreaterThan(16);
        return;
      }
    }
  });

  test('a fault between a virtual device and its user leaves no device behind', async () => {
    const { aws } = begin();
    aws.devices.add(`${virtual}2`);
    aws.find('jo')?.mfa.add(`${virtual}2`);
    for (const kind of ['throttled', 'accessDenied'] as const) {
      aws.refuse = refusing('DeleteVirtualMFADevice', kind);
      await again(aws).catch(() => undefined);
    }
    aws.refuse = () => undefined;
    expect((await again(aws)).kind).toBe('removed');
    expect(aws.devices.size).toBe(0);
  });

  test('a device of which nothing could be noted is removed all the same', async () => {
    const { aws, user } = begin();
    Array.from({ length: 50 }, (_, index) => user.tags.set(`t${index}`, ''));
    expect((await again(aws)).kind).toBe('removed');
    expect(aws.devices.size).toBe(0);
  });

  test('an aborted signal ends it', async () => {
    const { aws } = begin();
    await expect(removeUser(aws, 'jo', { signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow(
      'over',
    );
    expect(aws.users).toHaveLength(1);
  });
});
