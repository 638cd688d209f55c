import { isAwsError, pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { SwitchedOff } from './switched-off.ts';

/** A credential of a user and whether it works now. */
export interface Credential {
  readonly item: Exclude<SwitchedOff, { kind: 'managedDeny' }>;
  readonly active: boolean;
}

/** Every credential of a user that lets somebody in, read live, to the last page. */
export async function listCredentials(
  api: AwsApi,
  userName: string,
  options: CallOptions,
): Promise<readonly Credential[]> {
  const input = { UserName: userName };
  const found: Credential[] = [];
  try {
    await api.call('GetLoginProfile', input, options);
    found.push({ item: { kind: 'console' }, active: true });
  } catch (error) {
    if (!isAwsError(error, 'notFound')) {
      throw error;
    }
  }
  for await (const page of pages(api, 'ListAccessKeys', input, options)) {
    for (const key of page.AccessKeyMetadata ?? []) {
      found.push({ item: { kind: 'accessKey', id: key.AccessKeyId ?? '' }, active: key.Status === 'Active' });
    }
  }
  for await (const page of pages(api, 'ListSSHPublicKeys', input, options)) {
    for (const key of page.SSHPublicKeys ?? []) {
      found.push({ item: { kind: 'sshKey', id: key.SSHPublicKeyId ?? '' }, active: key.Status === 'Active' });
    }
  }
  for await (const page of pages(api, 'ListSigningCertificates', input, options)) {
    for (const certificate of page.Certificates ?? []) {
      found.push({
        item: { kind: 'certificate', id: certificate.CertificateId ?? '' },
        active: certificate.Status === 'Active',
      });
    }
  }
  for await (const page of pages(api, 'ListServiceSpecificCredentials', input, options)) {
    for (const credential of page.ServiceSpecificCredentials ?? []) {
      found.push({
        item: { kind: 'serviceCredential', id: credential.ServiceSpecificCredentialId ?? '' },
        active: credential.Status === 'Active',
      });
    }
  }
  return found;
}

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
