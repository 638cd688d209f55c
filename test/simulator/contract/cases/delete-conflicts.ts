import type { Scenario, Step } from '../types.ts';
import { certificate, sshPublicKey } from './material.ts';

const document = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
});

/** What a user can own, and the calls that give it one. */
const children: Readonly<Record<string, readonly Pick<Step, 'call' | 'input' | 'keep'>[]>> = {
  'an access key': [{ call: 'iam.CreateAccessKey' }],
  'a login profile': [{ call: 'iam.CreateLoginProfile', input: { Password: 'Correct-Horse-7-Battery' } }],
  'an inline policy': [{ call: 'iam.PutUserPolicy', input: { PolicyName: 'Own', PolicyDocument: document } }],
  'an attached policy': [
    { call: 'iam.AttachUserPolicy', input: { PolicyArn: 'arn:aws:iam::aws:policy/AWSDenyAll' } },
  ],
  'an SSH key': [{ call: 'iam.UploadSSHPublicKey', input: { SSHPublicKeyBody: sshPublicKey } }],
  'a signing certificate': [
    { call: 'iam.UploadSigningCertificate', input: { CertificateBody: certificate } },
  ],
  'a service-specific credential': [
    { call: 'iam.CreateServiceSpecificCredential', input: { ServiceName: 'codecommit.amazonaws.com' } },
  ],
  'an MFA device': [
    {
      call: 'iam.CreateVirtualMFADevice',
      input: { VirtualMFADeviceName: 'owned', UserName: undefined },
      keep: { serial: 'VirtualMFADevice.SerialNumber' },
    },
    {
      call: 'iam.EnableMFADevice',
      input: { SerialNumber: '{serial}', AuthenticationCode1: '123456', AuthenticationCode2: '654321' },
    },
  ],
  'a group': [
    { call: 'iam.CreateGroup', input: { GroupName: 'owning', UserName: undefined } },
    { call: 'iam.AddUserToGroup', input: { GroupName: 'owning' } },
  ],
};

/** Each kind of child keeps its user from being deleted; only the code is compared with what made it. */
export const deleteConflictScenarios: readonly Scenario[] = Object.entries(children).map(([child, calls]) => {
  const UserName = `owner-of-${child.replaceAll(' ', '-')}`;
  return {
    name: `delete a user that owns ${child}`,
    steps: [
      { name: `conflict: create the owner of ${child}`, call: 'iam.CreateUser', input: { UserName } },
      ...calls.map((step, index): Step => ({
        ...step,
        name: `conflict: give ${child}, call ${index + 1}`,
        input: { UserName, ...step.input },
        view: () => 'made',
      })),
      { name: `conflict: delete the owner of ${child}`, call: 'iam.DeleteUser', input: { UserName } },
    ],
  };
});
