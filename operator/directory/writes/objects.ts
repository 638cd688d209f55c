import { type ObservedUser } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { writeApplied } from '../../controllers/account/index.ts';
import type { UsableConnection } from '../../controllers/connection/index.ts';
import { isShutOut, objectName } from '../../controllers/discovery/index.ts';
import { annotations } from '../../controllers/names.ts';
import { keyString, type ObjectKey } from '../../runtime/index.ts';
import { freshMemory } from './plan.ts';

/** A name that no object has, in the namespace of the connection, the same for the same user. */
export function freeName(
  connection: ObjectKey,
  userName: string,
  exists: (key: ObjectKey) => boolean,
): string {
  const name = objectName(keyString(connection), userName);
  for (let count = 1; ; count += 1) {
    // Of a user that was renamed, or is gone, an object may still have the first.
    const next = count === 1 ? name : `${name}-${count}`;
    if (!exists({ namespace: connection.namespace, name: next })) {
      return next;
    }
  }
}

/** The object of a user that is to be made. It takes nobody who is there already. */
export function newAccount(connection: ObjectKey, name: string, userName: string): AwsAccount {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsAccount',
    metadata: { name, namespace: connection.namespace, annotations: {} },
    spec: { connectionRef: { name: connection.name }, userName, adoptionPolicy: 'Never' },
  };
}

/**
 * The object of a user that nobody declared: it stands for this very unique id, takes the user as it is, in
 * whatever state, and has nothing of it to remove.
 */
export function accountFor(
  user: ObservedUser,
  name: string,
  connection: UsableConnection,
  now: number,
): AwsAccount {
  const { key } = connection;
  const account = newAccount(key, name, user.userName);
  return {
    ...account,
    metadata: {
      ...account.metadata,
      annotations: {
        [annotations.userId]: user.userId,
        [annotations.applied]: writeApplied(freshMemory(user, connection, now)),
      },
    },
    // To manage somebody lets nobody in again.
    spec: isShutOut(user) ? { ...account.spec, enabled: false } : account.spec,
  };
}
