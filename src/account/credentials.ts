import { isAwsError, pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { SwitchedOff } from './switched-off.ts';

/** A credential of a user and whether it works now. */
export interface Credential {
  readonly item: Exclude<SwitchedOff, { kind: 'managedDeny' }>;
  readonly active: boolean;
}

type List = (api: AwsApi, userName: string, options: CallOptions) => Promise<readonly Credential[]>;

const listConsole: List = async (api, userName, options) => {
  try {
    await api.call('GetLoginProfile', { UserName: userName }, options);
    return [{ item: { kind: 'console' }, active: true }];
  } catch (error) {
    if (isAwsError(error, 'notFound')) {
      return [];
    }
    throw error;
  }
};

const listAccessKeys: List = async (api, userName, options) => {
  const found: Credential[] = [];
  for await (const page of pages(api, 'ListAccessKeys', { UserName: userName }, options)) {
    for (const { AccessKeyId: id = '', Status: status } of page.AccessKeyMetadata ?? []) {
      found.push({ item: { kind: 'accessKey', id }, active: status === 'Active' });
    }
  }
  return found;
};

const listSshKeys: List = async (api, userName, options) => {
  const found: Credential[] = [];
  for await (const page of pages(api, 'ListSSHPublicKeys', { UserName: userName }, options)) {
    for (const { SSHPublicKeyId: id = '', Status: status } of page.SSHPublicKeys ?? []) {
      found.push({ item: { kind: 'sshKey', id }, active: status === 'Active' });
    }
  }
  return found;
};

const listCertificates: List = async (api, userName, options) => {
  const found: Credential[] = [];
  for await (const page of pages(api, 'ListSigningCertificates', { UserName: userName }, options)) {
    for (const { CertificateId: id = '', Status: status } of page.Certificates ?? []) {
      found.push({ item: { kind: 'certificate', id }, active: status === 'Active' });
    }
  }
  return found;
};

const listServiceCredentials: List = async (api, userName, options) => {
  const found: Credential[] = [];
  for await (const page of pages(api, 'ListServiceSpecificCredentials', { UserName: userName }, options)) {
    for (const { ServiceSpecificCredentialId: id = '', Status: status } of page.ServiceSpecificCredentials ??
      []) {
      found.push({ item: { kind: 'serviceCredential', id }, active: status === 'Active' });
    }
  }
  return found;
};

/** Every kind of credential that lets a user in: how each is listed, live, to the last page. */
export const credentialLists: readonly List[] = [
  listConsole,
  listAccessKeys,
  listSshKeys,
  listCertificates,
  listServiceCredentials,
];

/**
 * Sets a credential Active or Inactive. A console password has no such state: switching it off
 * deletes the login profile, and the password with it. A credential that is gone is no error.
 * @returns false where there is no such credential any more
 */
export async function switchCredential(
  api: AwsApi,
  userName: string,
  item: Credential['item'],
  status: 'Active' | 'Inactive',
  options: CallOptions,
): Promise<boolean> {
  const base = { UserName: userName, Status: status };
  try {
    switch (item.kind) {
      case 'console':
        if (status === 'Active') {
          return false;
        }
        await api.call('DeleteLoginProfile', { UserName: userName }, options);
        break;
      case 'accessKey':
        await api.call('UpdateAccessKey', { ...base, AccessKeyId: item.id }, options);
        break;
      case 'sshKey':
        await api.call('UpdateSSHPublicKey', { ...base, SSHPublicKeyId: item.id }, options);
        break;
      case 'certificate':
        await api.call('UpdateSigningCertificate', { ...base, CertificateId: item.id }, options);
        break;
      case 'serviceCredential':
        await api.call(
          'UpdateServiceSpecificCredential',
          { ...base, ServiceSpecificCredentialId: item.id },
          options,
        );
        break;
    }
    return true;
  } catch (error) {
    if (isAwsError(error, 'notFound')) {
      return false;
    }
    throw error;
  }
}
