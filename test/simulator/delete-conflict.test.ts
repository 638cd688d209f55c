import { describe, expect, test } from '@jest/globals';
import type { IAM } from '@aws-sdk/client-iam';
import { ALLOW_ALL, bench, code, outcome } from './harness.ts';
import { CERTIFICATES, sshPublicKey } from './index.ts';

interface Child {
  readonly name: string;
  readonly says: string;
  readonly make: (iam: IAM, UserName: string) => Promise<unknown>;
  readonly remove: (iam: IAM, UserName: string) => Promise<unknown>;
}

const READ_ONLY = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const [certificate = ''] = CERTIFICATES;
const codes = { AuthenticationCode1: '123456', AuthenticationCode2: '654321' };

const CHILDREN: readonly Child[] = [
  {
    name: 'group membership',
    says: 'must remove users from group first',
    make: async (iam, UserName) => {
      await iam.createGroup({ GroupName: 'g' });
      await iam.addUserToGroup({ GroupName: 'g', UserName });
    },
    remove: (iam, UserName) => iam.removeUserFromGroup({ GroupName: 'g', UserName }),
  },
  {
    name: 'attached policy',
    says: 'must detach all policies first',
    make: (iam, UserName) => iam.attachUserPolicy({ UserName, PolicyArn: READ_ONLY }),
    remove: (iam, UserName) => iam.detachUserPolicy({ UserName, PolicyArn: READ_ONLY }),
  },
  {
    name: 'inline policy',
    says: 'must delete policies first',
    make: (iam, UserName) => iam.putUserPolicy({ UserName, PolicyName: 'p', PolicyDocument: ALLOW_ALL }),
    remove: (iam, UserName) => iam.deleteUserPolicy({ UserName, PolicyName: 'p' }),
  },
  {
    name: 'login profile',
    says: 'must delete login profile first',
    make: (iam, UserName) => iam.createLoginProfile({ UserName, Password: 'Correct-horse-1' }),
    remove: (iam, UserName) => iam.deleteLoginProfile({ UserName }),
  },
  {
    name: 'access key, though it is inactive',
    says: 'must delete access keys first',
    make: async (iam, UserName) => {
      const { AccessKey } = await iam.createAccessKey({ UserName });
      await iam.updateAccessKey({ UserName, AccessKeyId: AccessKey?.AccessKeyId, Status: 'Inactive' });
    },
    remove: async (iam, UserName) => {
      const { AccessKeyMetadata: [key] = [] } = await iam.listAccessKeys({ UserName });
      await iam.deleteAccessKey({ UserName, AccessKeyId: key?.AccessKeyId });
    },
  },
  {
    name: 'virtual MFA device',
    says: 'must delete MFA device first',
    make: async (iam, UserName) => {
      const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: 'phone' });
      const SerialNumber = VirtualMFADevice?.SerialNumber;
      await iam.enableMFADevice({ UserName, SerialNumber, ...codes });
    },
    remove: async (iam, UserName) => {
      const { MFADevices: [device] = [] } = await iam.listMFADevices({ UserName });
      const SerialNumber = device?.SerialNumber;
      expect(await code(iam.deleteVirtualMFADevice({ SerialNumber }))).toBe('DeleteConflictException');
      await iam.deactivateMFADevice({ UserName, SerialNumber });
      await iam.deleteVirtualMFADevice({ SerialNumber });
    },
  },
  {
    name: 'hardware MFA device',
    says: 'must delete MFA device first',
    make: (iam, UserName) => iam.enableMFADevice({ UserName, SerialNumber: 'GAHT12345678', ...codes }),
    remove: (iam, UserName) => iam.deactivateMFADevice({ UserName, SerialNumber: 'GAHT12345678' }),
  },
  {
    name: 'signing certificate',
    says: 'must delete certificates first',
    make: (iam, UserName) => iam.uploadSigningCertificate({ UserName, CertificateBody: certificate }),
    remove: async (iam, UserName) => {
      const { Certificates: [found] = [] } = await iam.listSigningCertificates({ UserName });
      await iam.deleteSigningCertificate({ UserName, CertificateId: found?.CertificateId });
    },
  },
  {
    name: 'SSH public key',
    says: 'must remove referenced objects first',
    make: (iam, UserName) => iam.uploadSSHPublicKey({ UserName, SSHPublicKeyBody: sshPublicKey(1) }),
    remove: async (iam, UserName) => {
      const { SSHPublicKeys: [key] = [] } = await iam.listSSHPublicKeys({ UserName });
      await iam.deleteSSHPublicKey({ UserName, SSHPublicKeyId: key?.SSHPublicKeyId });
    },
  },
  {
    name: 'service-specific credential',
    says: 'must remove referenced objects first',
    make: (iam, UserName) =>
      iam.createServiceSpecificCredential({ UserName, ServiceName: 'codecommit.amazonaws.com' }),
    remove: async (iam, UserName) => {
      const { ServiceSpecificCredentials: [found] = [] } = await iam.listServiceSpecificCredentials({
        UserName,
      });
      await iam.deleteServiceSpecificCredential({
        UserName,
        ServiceSpecificCredentialId: found?.ServiceSpecificCredentialId,
      });
    },
  },
];

describe('a user cannot be deleted while it owns', () => {
  test.each(CHILDREN)('$name', async ({ says, make, remove }) => {
    const { iam, control } = await bench();
    await iam.createUser({ UserName: 'u' });
    await make(iam, 'u');
    expect(await outcome(iam.deleteUser({ UserName: 'u' }))).toBe(
      `DeleteConflictException: Cannot delete entity, ${says}.`,
    );
    await remove(iam, 'u');
    await iam.deleteUser({ UserName: 'u' });
    expect(await control.user('u')).toBeUndefined();
    expect(await code(iam.deleteUser({ UserName: 'u' }))).toBe('NoSuchEntityException');
  });
});

test('a group cannot be deleted while it has members or policies', async () => {
  const { iam } = await bench();
  await iam.createGroup({ GroupName: 'g' });
  await iam.createUser({ UserName: 'u' });
  await iam.addUserToGroup({ GroupName: 'g', UserName: 'u' });
  expect(await outcome(iam.deleteGroup({ GroupName: 'g' }))).toMatch(/must remove users from group first/);
  await iam.removeUserFromGroup({ GroupName: 'g', UserName: 'u' });
  await iam.attachGroupPolicy({ GroupName: 'g', PolicyArn: READ_ONLY });
  expect(await outcome(iam.deleteGroup({ GroupName: 'g' }))).toMatch(/must detach all policies first/);
  await iam.detachGroupPolicy({ GroupName: 'g', PolicyArn: READ_ONLY });
  await iam.putGroupPolicy({ GroupName: 'g', PolicyName: 'p', PolicyDocument: ALLOW_ALL });
  expect(await outcome(iam.deleteGroup({ GroupName: 'g' }))).toMatch(/must delete policies first/);
  await iam.deleteGroupPolicy({ GroupName: 'g', PolicyName: 'p' });
  await iam.deleteGroup({ GroupName: 'g' });
});

test('a policy cannot be deleted while it is attached or has versions', async () => {
  const { iam } = await bench();
  const { Policy } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument: ALLOW_ALL });
  const PolicyArn = Policy?.Arn;
  await iam.createUser({ UserName: 'u' });
  await iam.attachUserPolicy({ UserName: 'u', PolicyArn });
  expect(await code(iam.deletePolicy({ PolicyArn }))).toBe('DeleteConflictException');
  await iam.detachUserPolicy({ UserName: 'u', PolicyArn });
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument: ALLOW_ALL, SetAsDefault: true });
  expect(await code(iam.deletePolicy({ PolicyArn }))).toBe('DeleteConflictException');
  expect(await code(iam.deletePolicyVersion({ PolicyArn, VersionId: 'v2' }))).toBe('DeleteConflictException');
  await iam.deletePolicyVersion({ PolicyArn, VersionId: 'v1' });
  await iam.deletePolicy({ PolicyArn });
  expect(await code(iam.getPolicy({ PolicyArn }))).toBe('NoSuchEntityException');
});
