import {
  AddUserToGroupCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreatePolicyCommand,
  CreateServiceSpecificCredentialCommand,
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  EntityAlreadyExistsException,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
  UploadSigningCertificateCommand,
  UploadSSHPublicKeyCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { CERTIFICATES, sshPublicKey } from '../simulator/index.ts';

/** Ids of credentials that were given to a user. */
export interface Credentials {
  readonly activeKey: string;
  readonly activeKeySecret: string;
  /** Switched off by an administrator, long before anything of ours. */
  readonly inactiveKey: string;
  readonly sshKey: string;
  readonly certificate: string;
  readonly serviceCredential: string;
}

let number = 0;

/** Everything that lets a user in: password, two access keys (one Inactive), SSH key, certificate, Git credential. */
export async function giveCredentials(iam: IAMClient, userName: string): Promise<Credentials> {
  const user = { UserName: userName };
  const index = number++;
  await iam.send(new CreateLoginProfileCommand({ ...user, Password: 'Initial-Passw0rd!' }));
  const { AccessKey: active } = await iam.send(new CreateAccessKeyCommand(user));
  const { AccessKey: inactive } = await iam.send(new CreateAccessKeyCommand(user));
  await iam.send(
    new UpdateAccessKeyCommand({ ...user, AccessKeyId: inactive?.AccessKeyId, Status: 'Inactive' }),
  );
  const { SSHPublicKey: ssh } = await iam.send(
    new UploadSSHPublicKeyCommand({ ...user, SSHPublicKeyBody: sshPublicKey(index) }),
  );
  const { Certificate: certificate } = await iam.send(
    new UploadSigningCertificateCommand({
      ...user,
      CertificateBody: CERTIFICATES[index % CERTIFICATES.length],
    }),
  );
  const { ServiceSpecificCredential: service } = await iam.send(
    new CreateServiceSpecificCredentialCommand({ ...user, ServiceName: 'codecommit.amazonaws.com' }),
  );
  return {
    activeKey: active?.AccessKeyId ?? '',
    activeKeySecret: active?.SecretAccessKey ?? '',
    inactiveKey: inactive?.AccessKeyId ?? '',
    sshKey: ssh?.SSHPublicKeyId ?? '',
    certificate: certificate?.CertificateId ?? '',
    serviceCredential: service?.ServiceSpecificCredentialId ?? '',
  };
}

/** Makes the group if it is not there, and puts the user into it. */
export async function join(iam: IAMClient, userName: string, group: string): Promise<void> {
  try {
    await iam.send(new CreateGroupCommand({ GroupName: group }));
  } catch (error) {
    if (!(error instanceof EntityAlreadyExistsException)) {
      throw error;
    }
  }
  await iam.send(new AddUserToGroupCommand({ UserName: userName, GroupName: group }));
}

/** A customer managed policy that allows everything. */
export async function managedPolicy(iam: IAMClient, name: string): Promise<string> {
  const { Policy: policy } = await iam.send(
    new CreatePolicyCommand({ PolicyName: name, PolicyDocument: allowAll }),
  );
  return policy?.Arn ?? '';
}

export const allowAll = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

/** Everything that a user can own, none of it declared by us. */
export async function giveEverything(iam: IAMClient, userName: string): Promise<Credentials> {
  const user = { UserName: userName };
  const credentials = await giveCredentials(iam, userName);
  const codes = { AuthenticationCode1: '123456', AuthenticationCode2: '654321' };
  const { VirtualMFADevice: virtual } = await iam.send(
    new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: `phone-${userName}` }),
  );
  await iam.send(new EnableMFADeviceCommand({ ...user, ...codes, SerialNumber: virtual?.SerialNumber }));
  await iam.send(
    new EnableMFADeviceCommand({
      ...user,
      ...codes,
      SerialNumber: `GAHT${String(number++).padStart(8, '0')}`,
    }),
  );
  await iam.send(new PutUserPolicyCommand({ ...user, PolicyName: 'own', PolicyDocument: allowAll }));
  await iam.send(
    new AttachUserPolicyCommand({ ...user, PolicyArn: await managedPolicy(iam, `managed-${userName}`) }),
  );
  await iam.send(
    new AttachUserPolicyCommand({ ...user, PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }),
  );
  await join(iam, userName, 'developers');
  await join(iam, userName, 'operators');
  return credentials;
}
