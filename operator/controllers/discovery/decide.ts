import { createHash } from 'node:crypto';
import { remembered, type ObservedUser } from '../../../src/account/index.ts';
import { refusesUser, type Guard } from '../../../src/guard/index.ts';
import {
  userRecord,
  type RecordContext,
  type ScopeFilter,
  type Snapshot,
} from '../../../src/reconciliation/index.ts';
import { fold, sameName } from '../../../src/schema/index.ts';
import type { AwsAccount, AwsConnection } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type ObjectKey } from '../../runtime/index.ts';
import { annotations } from '../names.ts';

/** On an AwsAccount that was made for a user that was found in AWS. */
export const discoveredLabel = 'aws.idhub.io/discovered';

/** How many accounts are made for users that are found, where the connection does not say. */
export const defaultLimit = 100;

export interface DiscoveryInputs {
  readonly connection: AwsConnection;
  readonly snapshot: Snapshot;
  readonly context: Pick<RecordContext, 'schema' | 'policyGroup'> & { readonly lastActivity: boolean };
  readonly filter: ScopeFilter | undefined;
  readonly guard: Guard;
  readonly communicationUser: string | undefined;
  /** AwsAccounts that may use the connection, of whatever namespace. */
  readonly accounts: readonly AwsAccount[];
  /** Whether there is an AwsAccount of this name. */
  readonly exists: (key: ObjectKey) => boolean;
}

export interface Discovery {
  /** To be made now. */
  readonly make: readonly AwsAccount[];
  /** Names that were meant for users that were found, and that objects for other users have. */
  readonly taken: readonly string[];
  /** Accounts that were made for users that were found, and are there. */
  readonly made: number;
  /** Users that would get one, were it not for the limit. */
  readonly more: number;
  /** Users of whom it cannot be told whether they match. */
  readonly unknown: number;
}

/** Which users of a complete reading get an account that observes them. Pure. */
export function decideDiscovery(inputs: DiscoveryInputs): Discovery {
  const { connection, snapshot, filter, guard, communicationUser, accounts, exists } = inputs;
  const names = new Set(accounts.map(({ spec }) => fold(spec.userName)));
  const ids = new Set(accounts.flatMap(({ metadata }) => metadata.annotations?.[annotations.userId] ?? []));
  const made = accounts.filter((account) => isDiscovered(account)).length;
  const context: RecordContext = {
    ...inputs.context,
    group: (name) => snapshot.group(name),
    credentials: (userId) => snapshot.credentials(userId),
    hasEdges: () => true,
    lastUse: (userId) =>
      inputs.context.lastActivity && snapshot.unread.size === 0 ? snapshot.credentials(userId) : undefined,
  };
  const found: AwsAccount[] = [];
  let unknown = 0;
  for (const user of snapshot.users()) {
    const { userId, userName } = user;
    const passedBy =
      names.has(fold(userName)) ||
      ids.has(userId) ||
      (communicationUser !== undefined && sameName(userName, communicationUser)) ||
      refusesUser(guard, userName) !== undefined;
    const match = passedBy ? 'no' : (filter?.matches(userRecord(user, context)) ?? 'yes');
    if (match === 'yes') {
      found.push(discovered(connection, user));
    }
    unknown += match === 'unknown' ? 1 : 0;
  }
  // In one order, so that a limit lets the same ones in each time.
  found.sort((one, other) => (one.spec.userName < other.spec.userName ? -1 : 1));
  const taken = found.filter((account) => exists(keyOf(account)));
  const free = found.filter((account) => !exists(keyOf(account)));
  const room = Math.max(0, (connection.spec.discovery?.limit ?? defaultLimit) - made);
  return {
    make: free.slice(0, room),
    taken: taken.map(({ metadata }) => metadata.name),
    made,
    more: Math.max(0, free.length - room),
    unknown,
  };
}

/** Whether an account was made here, for whatever connection. */
export function isDiscovered({ metadata }: AwsAccount): boolean {
  return metadata.labels?.[discoveredLabel] === 'true';
}

/**
 * The account of a user that was found. It knows its user by the unique id from the first day. Who is disabled is
 * declared so: managing somebody does not let them in again.
 */
function discovered(connection: AwsConnection, user: ObservedUser): AwsAccount {
  const { userId, userName } = user;
  const { name, namespace = '' } = connection.metadata;
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsAccount',
    metadata: {
      name: objectName(keyString(keyOf(connection)), userName),
      namespace,
      labels: { [discoveredLabel]: 'true' },
      annotations: { [annotations.userId]: userId },
    },
    spec: {
      connectionRef: { name },
      userName,
      management: 'Observe',
      deletionPolicy: 'Retain',
      ...(isShutOut(user) ? { enabled: false } : {}),
    },
  };
}

/** A Deny of ours, or the memory of a disable, stands on the user: an account that says nothing would take it away. */
export function isShutOut({ deny, tags }: ObservedUser): boolean {
  return remembered(tags) !== undefined || deny === 'inline' || deny === 'altered';
}

/**
 * A name for the object of a user: legal in Kubernetes (RFC 1123), told by people, and never that of another user,
 * whatever IAM allows in names.
 */
export function objectName(connection: string, userName: string): string {
  const told = fold(userName)
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  const hash = createHash('sha256')
    .update(`${connection} ${fold(userName)}`)
    .digest('hex')
    .slice(0, 10);
  return told === '' ? `user-${hash}` : `${told}-${hash}`;
}
