import type { Scenario } from '../types.ts';
import { certificate, sshPublicKey } from './material.ts';

const of = (name: string): Record<string, string> => ({ UserName: name });

const password = 'Correct-Horse-7-Battery';

const loginProfileScenario: Scenario = {
  name: 'login profiles',
  steps: [
    { name: 'login: create a user', call: 'iam.CreateUser', input: of('console') },
    { name: 'login: get none', call: 'iam.GetLoginProfile', input: of('console') },
    {
      name: 'login: update none',
      call: 'iam.UpdateLoginProfile',
      input: { ...of('console'), Password: password },
    },
    { name: 'login: create another user', call: 'iam.CreateUser', input: of('weak') },
    {
      name: 'login: create with a weak password',
      call: 'iam.CreateLoginProfile',
      input: { ...of('weak'), Password: 'short' },
    },
    {
      name: 'login: create',
      call: 'iam.CreateLoginProfile',
      input: { ...of('console'), Password: password, PasswordResetRequired: true },
    },
    {
      name: 'login: create twice',
      call: 'iam.CreateLoginProfile',
      input: { ...of('console'), Password: password },
    },
    { name: 'login: get', call: 'iam.GetLoginProfile', input: of('console') },
    {
      name: 'login: update',
      call: 'iam.UpdateLoginProfile',
      input: { ...of('console'), Password: `${password}!`, PasswordResetRequired: false },
    },
    { name: 'login: get updated', call: 'iam.GetLoginProfile', input: of('console') },
    {
      name: 'login: create for nobody',
      call: 'iam.CreateLoginProfile',
      input: { ...of('nobody'), Password: password },
    },
    { name: 'login: delete', call: 'iam.DeleteLoginProfile', input: of('console') },
    { name: 'login: delete again', call: 'iam.DeleteLoginProfile', input: of('console') },
  ],
};

const key = { ...of('keys'), AccessKeyId: '{keyId}' };

const accessKeyScenario: Scenario = {
  name: 'access keys',
  steps: [
    { name: 'keys: create a user', call: 'iam.CreateUser', input: of('keys') },
    { name: 'keys: list none', call: 'iam.ListAccessKeys', input: of('keys') },
    {
      name: 'keys: create',
      call: 'iam.CreateAccessKey',
      input: of('keys'),
      keep: { keyId: 'AccessKey.AccessKeyId' },
    },
    { name: 'keys: create a second', call: 'iam.CreateAccessKey', input: of('keys') },
    { name: 'keys: create a third', call: 'iam.CreateAccessKey', input: of('keys') },
    { name: 'keys: create for nobody', call: 'iam.CreateAccessKey', input: of('nobody') },
    { name: 'keys: switch to nonsense', call: 'iam.UpdateAccessKey', input: { ...key, Status: 'Off' } },
    { name: 'keys: switch off', call: 'iam.UpdateAccessKey', input: { ...key, Status: 'Inactive' } },
    { name: 'keys: list', call: 'iam.ListAccessKeys', input: of('keys') },
    { name: 'keys: last used', call: 'iam.GetAccessKeyLastUsed', input: { AccessKeyId: '{keyId}' } },
    {
      name: 'keys: update one that is not',
      call: 'iam.UpdateAccessKey',
      input: { ...of('keys'), AccessKeyId: 'AKIAIOSFODNN7EXAMPLE', Status: 'Active' },
    },
    { name: 'keys: delete', call: 'iam.DeleteAccessKey', input: key },
    { name: 'keys: delete again', call: 'iam.DeleteAccessKey', input: key },
    { name: 'keys: list of nobody', call: 'iam.ListAccessKeys', input: of('nobody') },
  ],
};

const device = { SerialNumber: '{serial}' };
const codes = { AuthenticationCode1: '123456', AuthenticationCode2: '654321' };

const mfaScenario: Scenario = {
  name: 'MFA devices',
  steps: [
    { name: 'mfa: create a user', call: 'iam.CreateUser', input: of('token') },
    {
      name: 'mfa: create a device',
      call: 'iam.CreateVirtualMFADevice',
      input: { VirtualMFADeviceName: 'phone', Path: '/contract/' },
      keep: { serial: 'VirtualMFADevice.SerialNumber' },
    },
    {
      name: 'mfa: create it twice',
      call: 'iam.CreateVirtualMFADevice',
      input: { VirtualMFADeviceName: 'phone', Path: '/contract/' },
    },
    {
      name: 'mfa: unassigned',
      call: 'iam.ListVirtualMFADevices',
      input: { AssignmentStatus: 'Unassigned' },
    },
    { name: 'mfa: enable', call: 'iam.EnableMFADevice', input: { ...of('token'), ...device, ...codes } },
    {
      name: 'mfa: enable for nobody',
      call: 'iam.EnableMFADevice',
      input: { ...of('nobody'), ...device, ...codes },
    },
    { name: 'mfa: of the user', call: 'iam.ListMFADevices', input: of('token') },
    { name: 'mfa: of nobody', call: 'iam.ListMFADevices', input: of('nobody') },
    { name: 'mfa: assigned', call: 'iam.ListVirtualMFADevices', input: { AssignmentStatus: 'Assigned' } },
    { name: 'mfa: deactivate', call: 'iam.DeactivateMFADevice', input: { ...of('token'), ...device } },
    { name: 'mfa: deactivate again', call: 'iam.DeactivateMFADevice', input: { ...of('token'), ...device } },
    { name: 'mfa: of the user, none', call: 'iam.ListMFADevices', input: of('token') },
    {
      name: 'mfa: enable again',
      call: 'iam.EnableMFADevice',
      input: { ...of('token'), ...device, ...codes },
    },
    { name: 'mfa: delete while in use', call: 'iam.DeleteVirtualMFADevice', input: device },
    {
      name: 'mfa: deactivate at last',
      call: 'iam.DeactivateMFADevice',
      input: { ...of('token'), ...device },
    },
    {
      name: 'mfa: create a second device',
      call: 'iam.CreateVirtualMFADevice',
      input: { VirtualMFADeviceName: 'tablet' },
      keep: { serial: 'VirtualMFADevice.SerialNumber' },
    },
    { name: 'mfa: delete', call: 'iam.DeleteVirtualMFADevice', input: device },
    { name: 'mfa: delete again', call: 'iam.DeleteVirtualMFADevice', input: device },
  ],
};

const sshKey = { ...of('ssh'), SSHPublicKeyId: '{sshKeyId}' };

const sshScenario: Scenario = {
  name: 'SSH public keys',
  steps: [
    { name: 'ssh: create a user', call: 'iam.CreateUser', input: of('ssh') },
    {
      name: 'ssh: upload',
      call: 'iam.UploadSSHPublicKey',
      input: { ...of('ssh'), SSHPublicKeyBody: sshPublicKey },
      keep: { sshKeyId: 'SSHPublicKey.SSHPublicKeyId', fingerprint: 'SSHPublicKey.Fingerprint' },
    },
    { name: 'ssh: create another user', call: 'iam.CreateUser', input: of('badssh') },
    {
      name: 'ssh: upload nonsense',
      call: 'iam.UploadSSHPublicKey',
      input: { ...of('badssh'), SSHPublicKeyBody: 'ssh-rsa nonsense' },
    },
    { name: 'ssh: list', call: 'iam.ListSSHPublicKeys', input: of('ssh') },
    { name: 'ssh: get', call: 'iam.GetSSHPublicKey', input: { ...sshKey, Encoding: 'SSH' } },
    { name: 'ssh: switch off', call: 'iam.UpdateSSHPublicKey', input: { ...sshKey, Status: 'Inactive' } },
    { name: 'ssh: list switched off', call: 'iam.ListSSHPublicKeys', input: of('ssh') },
    { name: 'ssh: delete', call: 'iam.DeleteSSHPublicKey', input: sshKey },
    { name: 'ssh: delete again', call: 'iam.DeleteSSHPublicKey', input: sshKey },
    { name: 'ssh: list of nobody', call: 'iam.ListSSHPublicKeys', input: of('nobody') },
  ],
};

const signing = { ...of('signer'), CertificateId: '{certificateId}' };

const certificateScenario: Scenario = {
  name: 'signing certificates',
  steps: [
    { name: 'certificates: create a user', call: 'iam.CreateUser', input: of('signer') },
    {
      name: 'certificates: upload',
      call: 'iam.UploadSigningCertificate',
      input: { ...of('signer'), CertificateBody: certificate },
      keep: { certificateId: 'Certificate.CertificateId' },
    },
    {
      name: 'certificates: upload nonsense',
      call: 'iam.UploadSigningCertificate',
      input: { ...of('signer'), CertificateBody: 'nonsense' },
    },
    { name: 'certificates: list', call: 'iam.ListSigningCertificates', input: of('signer') },
    {
      name: 'certificates: switch off',
      call: 'iam.UpdateSigningCertificate',
      input: { ...signing, Status: 'Inactive' },
    },
    { name: 'certificates: list switched off', call: 'iam.ListSigningCertificates', input: of('signer') },
    { name: 'certificates: delete', call: 'iam.DeleteSigningCertificate', input: signing },
    { name: 'certificates: delete again', call: 'iam.DeleteSigningCertificate', input: signing },
  ],
};

export const credentialScenarios: readonly Scenario[] = [
  loginProfileScenario,
  accessKeyScenario,
  mfaScenario,
  sshScenario,
  certificateScenario,
];
