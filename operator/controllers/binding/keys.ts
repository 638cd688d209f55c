import { namedKey } from '../../../src/entitlement/index.ts';
import { fold } from '../../../src/schema/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, parseKey, type Informer, type ObjectKey } from '../../runtime/index.ts';
import { memoryOf } from './memory.ts';

/** The account that a binding names, in its own namespace. */
export function accountKey({ metadata, spec }: AwsEntitlementBinding): ObjectKey | undefined {
  return spec.accountRef === undefined
    ? undefined
    : { namespace: metadata.namespace ?? '', name: spec.accountRef.name };
}

/** The connection that a binding names itself, perhaps in another namespace. */
export function namedConnection({ metadata, spec }: AwsEntitlementBinding): ObjectKey | undefined {
  return spec.connectionRef === undefined
    ? undefined
    : {
        namespace: spec.connectionRef.namespace ?? metadata.namespace ?? '',
        name: spec.connectionRef.name,
      };
}

/** Whose bindings stand together: see the index `user`. */
export function accountUserKey(account: ObjectKey): string {
  return `account/${keyString(account)}`;
}

export function namedUserKey(connection: ObjectKey, userName: string): string {
  return `named/${keyString(connection)}/${fold(userName)}`;
}

export function userIdKey(awsAccount: string, userId: string): string {
  return `id/${awsAccount}/${userId}`;
}

/** However they name the user, and also where they hold nothing of it. */
function seenUserKey(userId: string): string {
  return `seen/${userId}`;
}

/** Index `user`: by the account or the name that a binding gives, and by the user that it was found to be. */
export function userKeys(binding: AwsEntitlementBinding): readonly string[] {
  const account = accountKey(binding);
  const connection = namedConnection(binding);
  const memory = memoryOf(binding);
  const met = new Set([binding.status?.userId, memory?.userId]);
  return [
    ...[...met].flatMap((userId) => (userId === undefined ? [] : [seenUserKey(userId)])),
    ...(account === undefined ? [] : [accountUserKey(account)]),
    ...(connection === undefined || binding.spec.userName === undefined
      ? []
      : [namedUserKey(connection, binding.spec.userName)]),
    ...(memory === undefined
      ? []
      : [
          userIdKey(memory.account, memory.userId),
          namedUserKey(parseKey(memory.connection), memory.userName),
        ]),
  ];
}

/** Index `connection`: the one that a binding needs, by what it holds or by what it names. */
export function bindingConnections(binding: AwsEntitlementBinding): readonly string[] {
  const held = memoryOf(binding)?.connection;
  const named = namedConnection(binding);
  return [
    ...new Set([...(held === undefined ? [] : [held]), ...(named === undefined ? [] : [keyString(named)])]),
  ];
}

/** Index `account`: the AwsAccount whose user it is. */
export function bindingAccounts(binding: AwsEntitlementBinding): readonly string[] {
  const account = accountKey(binding);
  return account === undefined ? [] : [keyString(account)];
}

/** Whether a binding holds the edge of a user to a managed policy, and is to go on holding it. */
export function isBound(
  bindings: Informer<AwsEntitlementBinding>,
  user: { readonly awsAccount: string; readonly userId: string },
  arn: string,
): boolean {
  return bindings.byIndex('user', userIdKey(user.awsAccount, user.userId)).some((binding) => {
    const memory = memoryOf(binding);
    return (
      binding.metadata.deletionTimestamp === undefined &&
      memory?.userId === user.userId &&
      memory.entitlement === arn &&
      memory.origin !== null
    );
  });
}

/** Bindings that say something of one edge of a user, however they name it, but for those of the account itself. */
export function othersOnEdge(
  bindings: Informer<AwsEntitlementBinding>,
  user: {
    readonly userId: string;
    readonly userName: string;
    readonly connection: ObjectKey;
    readonly account: AwsAccount;
  },
  named: Parameters<typeof namedKey>[0],
): readonly AwsEntitlementBinding[] {
  const { userId, userName, connection, account } = user;
  const keys = [seenUserKey(userId), accountUserKey(keyOf(account)), namedUserKey(connection, userName)];
  const found = new Set(keys.flatMap((key) => bindings.byIndex('user', key)));
  return [...found].filter(
    ({ metadata, spec }) =>
      metadata.deletionTimestamp === undefined &&
      metadata.ownerReferences?.some(({ uid }) => uid === account.metadata.uid) !== true &&
      namedKey(spec.entitlement) === namedKey(named),
  );
}

/**
 * Bindings to be looked at when this one changes or goes: itself, those that name the same edge, and those
 * of the same user that had no room.
 */
export function companions(
  binding: AwsEntitlementBinding,
  bindings: Informer<AwsEntitlementBinding>,
): readonly ObjectKey[] {
  const said = ({ spec }: AwsEntitlementBinding): string => namedKey(spec.entitlement);
  const edge = said(binding);
  const others = userKeys(binding)
    .flatMap((key) => bindings.byIndex('user', key))
    .filter(
      (other) => other.metadata.uid !== binding.metadata.uid && (said(other) === edge || lacksRoom(other)),
    );
  return [binding, ...others].map(keyOf);
}

function lacksRoom({ status }: AwsEntitlementBinding): boolean {
  return (
    status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'LimitExceeded') === true
  );
}

/** Whether our own note on a binding says something that others on its edge wait for. */
export function heldHasChanged(before: AwsEntitlementBinding, after: AwsEntitlementBinding): boolean {
  const was = memoryOf(before);
  const is = memoryOf(after);
  const released = was !== undefined && was.origin !== null && is?.origin === null;
  return was?.revoked !== is?.revoked || released || (isObeyed(after) && !isObeyed(before));
}

/** An edge that is to be absent is: there is room for another. */
function isObeyed({ spec, status }: AwsEntitlementBinding): boolean {
  return (
    spec.state === 'Absent' &&
    status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true
  );
}

/** Whether a change of an account means something to those who wait for its user. */
export function userMayHaveChanged(before: AwsAccount, after: AwsAccount): boolean {
  const said = ({ metadata, status, spec }: AwsAccount): string => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    return JSON.stringify([
      metadata.uid,
      metadata.deletionTimestamp,
      status?.userId,
      status?.userName,
      status?.state === 'Absent' || status?.state === 'Unknown',
      ready?.reason,
      spec.management,
      spec.userName,
    ]);
  };
  return said(before) !== said(after);
}
