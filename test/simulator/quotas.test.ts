import { describe, expect, test } from '@jest/globals';
import { bench, code, outcome, policyDocument } from './harness.ts';
import { CERTIFICATES, sshPublicKey } from './index.ts';

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** An allowing document of exactly `size` characters without white space, and some white space beside. */
function documentOf(size: number): string {
  const make = (sid: string): string =>
    policyDocument({ Sid: sid, Effect: 'Allow', Action: 's3:GetObject', Resource: '*' });
  const empty = make('').length;
  return make('x'.repeat(size - empty)).replaceAll(',', ' ,\n\t ');
}

describe('quotas of a user', () => {
  test('2 access keys, and an inactive one counts', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u' });
    const { AccessKey } = await iam.createAccessKey({ UserName: 'u' });
    await iam.createAccessKey({ UserName: 'u' });
    await iam.updateAccessKey({ UserName: 'u', AccessKeyId: AccessKey?.AccessKeyId, Status: 'Inactive' });
    expect(await outcome(iam.createAccessKey({ UserName: 'u' }))).toBe(
      'LimitExceededException: Cannot exceed quota for AccessKeysPerUser: 2',
    );
  });

  test('50 tags', async () => {
    const { iam } = await bench();
    const tags = (from: number, count: number): { Key: string; Value: string }[] =>
      numbers(count).map((index) => ({ Key: `k${from + index}`, Value: 'v' }));
    await iam.createUser({ UserName: 'u', Tags: tags(0, 50) });
    expect(await code(iam.tagUser({ UserName: 'u', Tags: tags(50, 1) }))).toBe('LimitExceededException');
    await iam.tagUser({ UserName: 'u', Tags: [{ Key: 'K0', Value: 'changed' }] });
    expect(await code(iam.createUser({ UserName: 'v', Tags: tags(0, 51) }))).toBe('ValidationError');
  });

  test('10 groups, 10 attached policies', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u' });
    const { Policies = [] } = await iam.listPolicies({ Scope: 'AWS', MaxItems: 11 });
    for (const index of numbers(11)) {
      const GroupName = `g${index}`;
      await iam.createGroup({ GroupName });
      const joined = code(iam.addUserToGroup({ GroupName, UserName: 'u' }));
      expect(await joined).toBe(index < 10 ? 'OK' : 'LimitExceededException');
      const attached = code(iam.attachUserPolicy({ UserName: 'u', PolicyArn: Policies[index]?.Arn }));
      expect(await attached).toBe(index < 10 ? 'OK' : 'LimitExceededException');
    }
    await iam.addUserToGroup({ GroupName: 'g0', UserName: 'u' });
    await iam.attachUserPolicy({ UserName: 'u', PolicyArn: Policies[0]?.Arn });
  });

  test('inline policies of 2,048 characters in sum, white space not counted', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u' });
    const put = (PolicyName: string, size: number): Promise<string> =>
      outcome(iam.putUserPolicy({ UserName: 'u', PolicyName, PolicyDocument: documentOf(size) }));
    expect(await put('a', 1_024)).toBe('OK');
    expect(await put('b', 1_025)).toBe(
      'LimitExceededException: Maximum policy size of 2048 bytes exceeded for user u',
    );
    expect(await put('b', 1_024)).toBe('OK');
    expect(await put('b', 1_000)).toBe('OK');
  });

  test('5 SSH keys, 2 certificates, 2 credentials a service, and none twice', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u' });
    const ssh = (index: number): Promise<string> =>
      code(iam.uploadSSHPublicKey({ UserName: 'u', SSHPublicKeyBody: sshPublicKey(index) }));
    for (const index of numbers(5)) {
      expect(await ssh(index)).toBe('OK');
    }
    expect(await ssh(0)).toBe('DuplicateSSHPublicKeyException');
    expect(await ssh(5)).toBe('LimitExceededException');
    const upload = (index: number): Promise<string> =>
      code(iam.uploadSigningCertificate({ UserName: 'u', CertificateBody: CERTIFICATES[index] }));
    expect([await upload(0), await upload(0), await upload(1), await upload(2)]).toEqual([
      'OK',
      'DuplicateCertificateException',
      'OK',
      'LimitExceededException',
    ]);
    const credential = (ServiceName: string): Promise<string> =>
      code(iam.createServiceSpecificCredential({ UserName: 'u', ServiceName }));
    expect([
      await credential('codecommit.amazonaws.com'),
      await credential('codecommit.amazonaws.com'),
      await credential('codecommit.amazonaws.com'),
      await credential('cassandra.amazonaws.com'),
      await credential('nothing.amazonaws.com'),
    ]).toEqual(['OK', 'OK', 'LimitExceededException', 'OK', 'ServiceNotSupportedException']);
  });

  test('8 MFA devices; equal codes are wrong ones', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u' });
    const enable = (index: number, AuthenticationCode2 = '222222'): Promise<string> =>
      code(
        iam.enableMFADevice({
          UserName: 'u',
          SerialNumber: `GAHT0000000${index}`,
          AuthenticationCode1: '111111',
          AuthenticationCode2,
        }),
      );
    expect(await enable(0, '111111')).toBe('InvalidAuthenticationCodeException');
    for (const index of numbers(8)) {
      expect(await enable(index)).toBe('OK');
    }
    expect(await enable(0)).toBe('EntityAlreadyExistsException');
    expect(await enable(8)).toBe('LimitExceededException');
  });
});

test('quotas of an account are told by GetAccountSummary and kept', async () => {
  const { iam } = await bench({ accounts: [{ quotas: { users: 3, groups: 1, policies: 1 } }] });
  await iam.createUser({ UserName: 'a' });
  await iam.createUser({ UserName: 'b' });
  expect(await outcome(iam.createUser({ UserName: 'c' }))).toBe(
    'LimitExceededException: Cannot exceed quota for UsersPerAccount: 3',
  );
  await iam.createGroup({ GroupName: 'g' });
  expect(await code(iam.createGroup({ GroupName: 'h' }))).toBe('LimitExceededException');
  const { SummaryMap } = await iam.getAccountSummary({});
  expect(SummaryMap).toMatchObject({
    Users: 3,
    UsersQuota: 3,
    Groups: 1,
    GroupsQuota: 1,
    GroupsPerUserQuota: 10,
    AttachedPoliciesPerUserQuota: 10,
    AccessKeysPerUserQuota: 2,
    UserPolicySizeQuota: 2_048,
  });
});

test('a managed policy has 6,144 characters and 5 versions at most, and numbers are not used again', async () => {
  const { iam } = await bench();
  const PolicyDocument = documentOf(6_144);
  const tooLong = documentOf(6_145);
  expect(await code(iam.createPolicy({ PolicyName: 'q', PolicyDocument: tooLong }))).toBe(
    'LimitExceededException',
  );
  const { Policy } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument });
  const PolicyArn = Policy?.Arn;
  const add = (): Promise<string> => code(iam.createPolicyVersion({ PolicyArn, PolicyDocument }));
  for (const _ of numbers(4)) {
    expect(await add()).toBe('OK');
  }
  expect(await add()).toBe('LimitExceededException');
  await iam.deletePolicyVersion({ PolicyArn, VersionId: 'v3' });
  const { PolicyVersion } = await iam.createPolicyVersion({ PolicyArn, PolicyDocument });
  expect(PolicyVersion).toMatchObject({ VersionId: 'v6', IsDefaultVersion: false });
  await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: 'v6' });
  expect((await iam.getPolicy({ PolicyArn })).Policy?.DefaultVersionId).toBe('v6');
  expect(await code(iam.createPolicy({ PolicyName: 'P', PolicyDocument }))).toBe(
    'EntityAlreadyExistsException',
  );
});
