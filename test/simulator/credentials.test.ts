import { describe, expect, test } from '@jest/globals';
import { bench, code, manualClock, outcome } from './harness.ts';
import { sshPublicKey } from './index.ts';

const GOOD = 'Correct-horse-1';

describe('passwords', () => {
  test('a login profile is made, changed, checked and deleted; only a hash is kept', async () => {
    const { iam, control } = await bench();
    await iam.createUser({ UserName: 'u' });
    expect(await outcome(iam.getLoginProfile({ UserName: 'u' }))).toBe(
      'NoSuchEntityException: Login Profile for User u cannot be found.',
    );
    await iam.createLoginProfile({ UserName: 'u', Password: GOOD, PasswordResetRequired: true });
    expect(await code(iam.createLoginProfile({ UserName: 'u', Password: GOOD }))).toBe(
      'EntityAlreadyExistsException',
    );
    expect(await control.checkPassword('U', GOOD)).toBe(true);
    expect(await control.checkPassword('u', 'other')).toBe(false);
    expect(await control.user('u')).toMatchObject({ hasLoginProfile: true, passwordResetRequired: true });
    await iam.updateLoginProfile({ UserName: 'u', PasswordResetRequired: false });
    expect(await control.checkPassword('u', GOOD)).toBe(true);
    expect(JSON.stringify(await control.account())).not.toContain(GOOD);
    await iam.deleteLoginProfile({ UserName: 'u' });
    expect(await control.checkPassword('u', GOOD)).toBe(false);
    expect(await code(iam.deleteLoginProfile({ UserName: 'u' }))).toBe('NoSuchEntityException');
  });

  test.each([
    ['short1A', 'Password should have a minimum length of 8'],
    ['onlylowercase', 'three of'],
    ['lower1234', 'three of'],
  ])("%s does not fit AWS's default policy", async (Password, says) => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u' });
    expect(await outcome(iam.createLoginProfile({ UserName: 'u', Password }))).toMatch(
      new RegExp(`^PasswordPolicyViolationException: .*${says}`),
    );
  });

  test("the account's policy decides once there is one", async () => {
    const { iam } = await bench();
    expect(await code(iam.getAccountPasswordPolicy({}))).toBe('NoSuchEntityException');
    await iam.updateAccountPasswordPolicy({
      MinimumPasswordLength: 14,
      RequireSymbols: true,
      PasswordReusePrevention: 2,
      MaxPasswordAge: 90,
    });
    expect((await iam.getAccountPasswordPolicy({})).PasswordPolicy).toMatchObject({
      MinimumPasswordLength: 14,
      ExpirePasswords: true,
      RequireNumbers: false,
    });
    await iam.createUser({ UserName: 'u' });
    const make = (Password: string): Promise<string> =>
      outcome(iam.createLoginProfile({ UserName: 'u', Password }));
    expect(await make('Correct-horse')).toMatch(/minimum length of 14/);
    expect(await make('correcthorsebattery')).toMatch(/at least one symbol/);
    expect(await make('correct-horse-a')).toBe('OK');
    const change = (Password: string): Promise<string> =>
      code(iam.updateLoginProfile({ UserName: 'u', Password }));
    expect(await change('correct-horse-a')).toBe('PasswordPolicyViolationException');
    expect(await change('correct-horse-b')).toBe('OK');
    expect(await change('correct-horse-a')).toBe('PasswordPolicyViolationException');
    expect(await change('correct-horse-c')).toBe('OK');
    expect(await change('correct-horse-a')).toBe('OK');
    await iam.deleteAccountPasswordPolicy({});
    expect(await code(iam.deleteAccountPasswordPolicy({}))).toBe('NoSuchEntityException');
  });

  test('a user changes the own password and need not change it again', async () => {
    const { iam, asUser, control } = await bench();
    await iam.createUser({ UserName: 'u' });
    await iam.createLoginProfile({ UserName: 'u', Password: GOOD, PasswordResetRequired: true });
    const user = await asUser('u');
    const wrong = { OldPassword: 'Wrong-horse-1', NewPassword: 'Correct-horse-2' };
    expect(await code(user.iam.changePassword(wrong))).toBe('AccessDenied');
    await user.iam.changePassword({ ...wrong, OldPassword: GOOD });
    expect(await control.checkPassword('u', 'Correct-horse-2')).toBe(true);
    expect(await control.user('u')).toMatchObject({ passwordResetRequired: false });
  });

  test('a sign-in sets PasswordLastUsed', async () => {
    const clock = manualClock();
    const { iam, control } = await bench({ now: clock.now });
    await iam.createUser({ UserName: 'u' });
    await iam.createLoginProfile({ UserName: 'u', Password: GOOD });
    expect(await control.signIn('u', 'wrong')).toBe(false);
    expect((await iam.getUser({ UserName: 'u' })).User?.PasswordLastUsed).toBeUndefined();
    clock.advance(60_000);
    expect(await control.signIn('u', GOOD)).toBe(true);
    expect((await iam.getUser({ UserName: 'u' })).User?.PasswordLastUsed).toEqual(new Date(clock.now()));
  });
});

describe('access keys', () => {
  test('are made with a secret that is never shown again', async () => {
    const { iam, control } = await bench();
    await iam.createUser({ UserName: 'u' });
    const { AccessKey } = await iam.createAccessKey({ UserName: 'u' });
    expect(AccessKey).toMatchObject({
      UserName: 'u',
      AccessKeyId: expect.stringMatching(/^AKIA[A-Z2-7]{16}$/),
      SecretAccessKey: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
      Status: 'Active',
    });
    const { AccessKeyMetadata } = await iam.listAccessKeys({ UserName: 'u' });
    expect(JSON.stringify([AccessKeyMetadata, await control.account()])).not.toContain(
      AccessKey?.SecretAccessKey,
    );
    expect(await outcome(iam.deleteAccessKey({ UserName: 'u', AccessKeyId: 'AKIAAAAAAAAAAAAAAAAA' }))).toBe(
      'NoSuchEntityException: The Access Key with id AKIAAAAAAAAAAAAAAAAA cannot be found.',
    );
  });

  test('tell when they were last used, for what, and by whom', async () => {
    const clock = manualClock();
    const { iam, as } = await bench({ now: clock.now });
    await iam.createUser({ UserName: 'u' });
    const { AccessKey } = await iam.createAccessKey({ UserName: 'u' });
    const AccessKeyId = AccessKey?.AccessKeyId ?? '';
    const secretAccessKey = AccessKey?.SecretAccessKey ?? '';
    expect((await iam.getAccessKeyLastUsed({ AccessKeyId })).AccessKeyLastUsed).toEqual({
      ServiceName: 'N/A',
      Region: 'N/A',
    });
    await as({ accessKeyId: AccessKeyId, secretAccessKey }, 'eu-west-1').sts.getCallerIdentity({});
    expect(await iam.getAccessKeyLastUsed({ AccessKeyId })).toMatchObject({
      UserName: 'u',
      AccessKeyLastUsed: { ServiceName: 'sts', Region: 'eu-west-1', LastUsedDate: new Date(clock.now()) },
    });
  });
});

test('SSH keys, certificates and service credentials are switched, and wrong ones refused', async () => {
  const { iam, control } = await bench();
  await iam.createUser({ UserName: 'u' });
  const { SSHPublicKey } = await iam.uploadSSHPublicKey({ UserName: 'u', SSHPublicKeyBody: sshPublicKey(1) });
  expect(SSHPublicKey).toMatchObject({
    SSHPublicKeyId: expect.stringMatching(/^APKA/),
    Fingerprint: expect.stringMatching(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/),
    Status: 'Active',
  });
  const SSHPublicKeyId = SSHPublicKey?.SSHPublicKeyId;
  await iam.updateSSHPublicKey({ UserName: 'u', SSHPublicKeyId, Status: 'Inactive' });
  expect(
    (await iam.getSSHPublicKey({ UserName: 'u', SSHPublicKeyId, Encoding: 'SSH' })).SSHPublicKey?.Status,
  ).toBe('Inactive');
  expect(await code(iam.uploadSSHPublicKey({ UserName: 'u', SSHPublicKeyBody: 'ssh-rsa AAAA' }))).toBe(
    'InvalidPublicKeyException',
  );
  expect(await code(iam.uploadSigningCertificate({ UserName: 'u', CertificateBody: 'none' }))).toBe(
    'MalformedCertificateException',
  );
  const made = await iam.createServiceSpecificCredential({
    UserName: 'u',
    ServiceName: 'codecommit.amazonaws.com',
  });
  const credential = made.ServiceSpecificCredential;
  const ServiceSpecificCredentialId = credential?.ServiceSpecificCredentialId;
  await iam.updateServiceSpecificCredential({
    UserName: 'u',
    ServiceSpecificCredentialId,
    Status: 'Inactive',
  });
  const reset = await iam.resetServiceSpecificCredential({ UserName: 'u', ServiceSpecificCredentialId });
  expect(reset.ServiceSpecificCredential?.ServicePassword).not.toBe(credential?.ServicePassword);
  const { ServiceSpecificCredentials } = await iam.listServiceSpecificCredentials({ UserName: 'u' });
  expect(ServiceSpecificCredentials).toEqual([
    expect.objectContaining({ Status: 'Inactive', UserName: 'u' }),
  ]);
  expect(JSON.stringify(ServiceSpecificCredentials)).not.toContain('ServicePassword');
  expect(await control.user('u')).toMatchObject({
    sshPublicKeys: [{ status: 'Inactive' }],
    serviceSpecificCredentials: [{ status: 'Inactive' }],
  });
  expect(
    await code(iam.updateAccessKey({ UserName: 'u', AccessKeyId: 'x'.repeat(20), Status: 'Active' })),
  ).toBe('NoSuchEntityException');
});

test('virtual MFA devices are assigned, listed and freed', async () => {
  const { iam, account } = await bench();
  await iam.createUser({ UserName: 'u' });
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({
    VirtualMFADeviceName: 'phone',
    Path: '/m/',
  });
  const SerialNumber = VirtualMFADevice?.SerialNumber;
  expect(SerialNumber).toBe(`arn:aws:iam::${account}:mfa/m/phone`);
  expect(VirtualMFADevice?.Base32StringSeed).toHaveLength(64);
  const assigned = async (AssignmentStatus: 'Assigned' | 'Unassigned'): Promise<number | undefined> =>
    (await iam.listVirtualMFADevices({ AssignmentStatus })).VirtualMFADevices?.length;
  expect([await assigned('Assigned'), await assigned('Unassigned')]).toEqual([0, 1]);
  const device = {
    UserName: 'u',
    SerialNumber,
    AuthenticationCode1: '111111',
    AuthenticationCode2: '222222',
  };
  await iam.enableMFADevice(device);
  expect([await assigned('Assigned'), await assigned('Unassigned')]).toEqual([1, 0]);
  await iam.createUser({ UserName: 'v' });
  expect(await code(iam.enableMFADevice({ ...device, UserName: 'v' }))).toBe('EntityAlreadyExistsException');
  const { VirtualMFADevices } = await iam.listVirtualMFADevices({});
  expect(VirtualMFADevices?.[0]?.User?.UserName).toBe('u');
  await iam.deactivateMFADevice({ UserName: 'u', SerialNumber });
  expect(await code(iam.deactivateMFADevice({ UserName: 'u', SerialNumber }))).toBe('NoSuchEntityException');
  await iam.deleteVirtualMFADevice({ SerialNumber });
  expect(await code(iam.deleteVirtualMFADevice({ SerialNumber }))).toBe('NoSuchEntityException');
});
