import {
  AwsError,
  ignoring,
  isAwsError,
  pages,
  type AwsApi,
  type CallOptions,
  type InputOf,
  type Operation,
  type OutputOf,
} from '../aws/index.ts';
import { partKey, type Tag } from '../schema/index.ts';
import { denyPolicyName, isDenyAll } from './deny.ts';
import { reservedTagPrefix } from './ownership.ts';

export interface RemoveOptions extends CallOptions {
  /** What the user carries, read live. */
  readonly tags?: readonly Tag[];
}

/** One thing that a user owns and that must go before the user can. */
interface Child {
  readonly what: string;
  /** Our Deny: it stays for as long as something that lets the user in could not be removed. */
  readonly keepsOut?: boolean;
  remove(): Promise<void>;
}

/** A child that could not be removed: what it is, and what AWS said. */
export interface RemovalFailure {
  readonly what: string;
  readonly error: AwsError;
}

export type RemovalOutcome =
  | { readonly kind: 'removed'; readonly children: readonly string[] }
  | { readonly kind: 'blocked'; readonly failures: readonly RemovalFailure[] };

/**
 * Deletes a user with everything it owns. What it owns is listed live and page by page, not taken
 * from what anybody declared. The boundary stays until the user goes: AWS does not ask for it to be
 * removed, and a service control policy may forbid that call. A child that cannot be removed does
 * not keep the others; the outcome names each that is left.
 * @throws {AwsError} transient faults and refused credentials
 */
export async function removeUser(
  api: AwsApi,
  userName: string,
  options: RemoveOptions,
): Promise<RemovalOutcome> {
  const removed: string[] = [];
  const failures: RemovalFailure[] = [];
  const last: Child[] = [];
  const attempt = async (child: Child): Promise<void> => {
    try {
      await child.remove();
      removed.push(child.what);
    } catch (error) {
      if (isAwsError(error, 'notFound')) {
        return;
      }
      if (!(error instanceof AwsError) || error.isTransient || error.kind === 'badCredentials') {
        throw error;
      }
      failures.push({ what: child.what, error });
    }
  };
  for await (const child of childrenOf(api, userName, options)) {
    if (child.keepsOut === true) {
      last.push(child);
      continue;
    }
    await attempt(child);
  }
  for (const child of failures.length > 0 ? [] : last) {
    await attempt(child);
  }
  if (failures.length > 0) {
    return { kind: 'blocked', failures };
  }
  try {
    await api.call('DeleteUser', { UserName: userName }, options);
  } catch (error) {
    if (!isAwsError(error, 'notFound')) {
      if (isAwsError(error, 'deleteConflict', 'accessDenied', 'invalid')) {
        return { kind: 'blocked', failures: [{ what: `user ${userName}`, error }] };
      }
      throw error;
    }
  }
  return { kind: 'removed', children: removed };
}

/** The tags that note a virtual MFA device from before it is deactivated until it is deleted. */
const mfaTag = `${reservedTagPrefix}removing-mfa`;

type ListOperation = Parameters<typeof pages>[1];

/** How to list one kind of child and remove what was found. */
async function* childrenOf(api: AwsApi, userName: string, options: RemoveOptions): AsyncGenerator<Child> {
  const user = { UserName: userName };
  const remove =
    <K extends Operation>(operation: K, input: InputOf<K>) =>
    async (): Promise<void> => {
      await api.call(operation, input, options);
    };
  async function* each<K extends ListOperation>(
    operation: K,
    children: (page: OutputOf<K>) => readonly Child[],
  ): AsyncGenerator<Child> {
    // The list is read to its end before anything is removed, so that its markers stay good.
    const found: Child[] = [];
    for await (const page of pages(api, operation, user as never, options)) {
      found.push(...children(page));
    }
    yield* found;
  }

  yield { what: 'console password', remove: remove('DeleteLoginProfile', user) };
  yield* each('ListAccessKeys', (page) =>
    (page.AccessKeyMetadata ?? []).map(({ AccessKeyId: id }) => ({
      what: `access key ${id}`,
      remove: remove('DeleteAccessKey', { ...user, AccessKeyId: id }),
    })),
  );
  // Noted by an earlier try that did not come to its end: no list of the user shows them any more.
  const noted = (options.tags ?? []).filter((tag) => tag.key.startsWith(mfaTag)).map((tag) => tag.value);
  for (const serial of noted) {
    yield {
      what: `MFA device ${serial}`,
      // A conflict: it is still assigned, and the list below shows it.
      remove: () =>
        ignoring(
          api.call('DeleteVirtualMFADevice', { SerialNumber: serial }, options),
          'notFound',
          'deleteConflict',
        ),
    };
  }
  let devices = noted.length;
  yield* each('ListMFADevices', (page) =>
    (page.MFADevices ?? []).map(({ SerialNumber: serial }) => ({
      what: `MFA device ${serial}`,
      remove: async () => {
        // A virtual device is a resource of its own, and its serial number is its ARN.
        const virtual = serial?.includes(':mfa/') === true;
        if (virtual && !noted.includes(serial)) {
          devices += 1;
          const note = { Key: partKey(mfaTag, devices), Value: serial };
          await ignoring(api.call('TagUser', { ...user, Tags: [note] }, options), 'limitExceeded', 'invalid');
        }
        await ignoring(
          api.call('DeactivateMFADevice', { ...user, SerialNumber: serial }, options),
          'notFound',
        );
        if (virtual) {
          await api.call('DeleteVirtualMFADevice', { SerialNumber: serial }, options);
        }
      },
    })),
  );
  yield* each('ListSSHPublicKeys', (page) =>
    (page.SSHPublicKeys ?? []).map(({ SSHPublicKeyId: id }) => ({
      what: `SSH public key ${id}`,
      remove: remove('DeleteSSHPublicKey', { ...user, SSHPublicKeyId: id }),
    })),
  );
  yield* each('ListSigningCertificates', (page) =>
    (page.Certificates ?? []).map(({ CertificateId: id }) => ({
      what: `signing certificate ${id}`,
      remove: remove('DeleteSigningCertificate', { ...user, CertificateId: id }),
    })),
  );
  yield* each('ListServiceSpecificCredentials', (page) =>
    (page.ServiceSpecificCredentials ?? []).map(({ ServiceSpecificCredentialId: id }) => ({
      what: `service-specific credential ${id}`,
      remove: remove('DeleteServiceSpecificCredential', { ...user, ServiceSpecificCredentialId: id }),
    })),
  );
  yield* each('ListGroupsForUser', (page) =>
    (page.Groups ?? []).map(({ GroupName: name }) => ({
      what: `membership of group ${name}`,
      remove: remove('RemoveUserFromGroup', { ...user, GroupName: name }),
    })),
  );
  yield* each('ListAttachedUserPolicies', (page) =>
    (page.AttachedPolicies ?? []).map(({ PolicyArn: arn }) => ({
      what: `attached policy ${arn}`,
      keepsOut: isDenyAll(arn),
      remove: remove('DetachUserPolicy', { ...user, PolicyArn: arn }),
    })),
  );
  yield* each('ListUserPolicies', (page) =>
    (page.PolicyNames ?? []).map((name) => ({
      what: `inline policy ${name}`,
      keepsOut: name === denyPolicyName,
      remove: remove('DeleteUserPolicy', { ...user, PolicyName: name }),
    })),
  );
}
