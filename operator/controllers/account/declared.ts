import type { Declared, DeletionPolicy, Owner } from '../../../src/account/index.ts';
import { fold } from '../../../src/schema/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { keyString, type ObjectKey } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import type { UsableConnection } from '../connection/index.ts';

/** What an account asks for, with the defaults of its connection. */
export function declaredOf(account: AwsAccount, defaults: UsableConnection['defaults']): Declared {
  const { spec, metadata } = account;
  return {
    userName: spec.userName,
    path: spec.path,
    attributes: spec.attributes ?? {},
    tags: spec.tags ?? {},
    enabled: isEnabled(account),
    boundary: spec.permissionsBoundary ?? defaults.permissionsBoundary,
    adoptionPolicy: spec.adoptionPolicy ?? defaults.adoptionPolicy ?? 'Never',
    onExternalDelete: spec.onExternalDelete ?? 'Hold',
    confirmedId: metadata.annotations?.[annotations.confirmUserId],
  };
}

/** Whether the user is to be able to sign in; what IDHub has disabled stays so, whatever the spec says. */
export function isEnabled({ spec, metadata }: AwsAccount): boolean {
  return (spec.enabled ?? true) && metadata.annotations?.[annotations.disabledBy] === undefined;
}

export function deletionPolicyOf(
  account: AwsAccount,
  defaults: UsableConnection['defaults'],
): DeletionPolicy {
  return account.spec.deletionPolicy ?? defaults.deletionPolicy ?? 'Retain';
}

export function ownerOf(account: AwsAccount, installation: string): Owner {
  return { installation, namespace: account.metadata.namespace ?? '', name: account.metadata.name };
}

/** Where an account stands among those that name the same user: see `index` of the same name. */
export function userKey(account: AwsAccount): string {
  return userKeyOf(connectionKey(account), account.spec.userName);
}

/** The same for a user that is named without an account. */
export function userKeyOf(connection: ObjectKey, userName: string): string {
  return `${keyString(connection)}/${fold(userName)}`;
}

/** The connection that an account is of, perhaps in another namespace. */
export function connectionKey(account: AwsAccount): ObjectKey {
  const { namespace, name } = account.spec.connectionRef;
  return { namespace: namespace ?? account.metadata.namespace ?? '', name };
}

/**
 * The account that has the first claim to a user, of all that name it: one that stands for a user
 * already, else the oldest, else the first by name. The others own nothing; who only observes claims
 * nothing.
 */
export function firstClaim(accounts: readonly AwsAccount[]): AwsAccount | undefined {
  const rank = (account: AwsAccount): string =>
    [
      account.metadata.annotations?.[annotations.applied] === undefined ? '1' : '0',
      account.metadata.creationTimestamp ?? '',
      account.metadata.name,
    ].join(' ');
  return accounts
    .filter((account) => account.spec.management !== 'Observe')
    .toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1))[0];
}
