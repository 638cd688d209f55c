import { hash } from 'node:crypto';
import type { ObservedUser } from '../../src/account/index.ts';
import type { DirectoryAccount, DirectoryEntitlement } from '../../src/idhub/index.ts';
import {
  userRecord,
  type EntitlementRecord,
  type RecordContext,
  type Snapshot,
  type UserEntitlement,
} from '../../src/reconciliation/index.ts';
import type { AccountSchema } from '../../src/schema/index.ts';

/** What the AwsAccounts of the cluster say of a user. */
export interface Standing {
  readonly externalId: string | undefined;
  readonly managed: boolean;
}

/** How users of one reading are told of. */
export interface TellingOptions {
  /** Of it only what the reading has is used, never what is laid over it. */
  readonly snapshot: Pick<Snapshot, 'group' | 'credentialsOf' | 'unread'>;
  readonly schema: AccountSchema;
  /** `settings.policyGroup`. */
  readonly policyGroup: boolean;
  /** `settings.passwordLastUsed`. */
  readonly lastActivity: boolean;
}

interface Told extends Standing {
  readonly account: DirectoryAccount;
}

/** Turns the users of one reading into what clients are told of them, each once for as long as nothing of it changes. */
export class Telling {
  readonly #options: TellingOptions;
  /** Users are never changed, but replaced. */
  readonly #told = new WeakMap<ObservedUser, Told>();

  constructor(options: TellingOptions) {
    this.#options = options;
  }

  account(user: ObservedUser, { externalId, managed }: Standing): DirectoryAccount {
    const known = this.#told.get(user);
    if (known !== undefined && known.externalId === externalId && known.managed === managed) {
      return known.account;
    }
    const account = this.#tell(user, { externalId, managed });
    this.#told.set(user, { externalId, managed, account });
    return account;
  }

  #tell(user: ObservedUser, standing: Standing): DirectoryAccount {
    const { lastActivity, policyGroup, schema, snapshot } = this.#options;
    const credentials = (): ReturnType<Snapshot['credentialsOf']> => snapshot.credentialsOf(user);
    const context: RecordContext = {
      schema,
      policyGroup,
      group: (name) => snapshot.group(name),
      credentials,
      // A reading without the credential report does not tell when keys were last used.
      lastUse: () => (lastActivity && snapshot.unread.size === 0 ? credentials() : undefined),
      hasEdges: () => true,
    };
    const record = userRecord(user, context);
    // What a group that nobody has read is, and gives its members, is not known until the next reading.
    const unread = user.groups.some((name) => snapshot.group(name) === undefined);
    const told = {
      ...record,
      entitlements: unread ? undefined : record.entitlements?.toSorted(byArn),
      ...standing,
    };
    return { ...told, version: versionOf(told) };
  }
}

/** A group or policy with its version, which changes with `more` too. */
export function entitlementTold(
  record: EntitlementRecord,
  more: readonly string[] = [],
): DirectoryEntitlement {
  return { ...record, version: digest([record, more]) };
}

/**
 * Of everything that is told. When AWS last put the credential report together is no news of the user: an entity
 * tag would change every four hours otherwise.
 */
function versionOf({ credentials, ...rest }: Omit<DirectoryAccount, 'version'>): string {
  const { asOf: _asOf, ...facts } = credentials ?? { asOf: 0 };
  return digest([rest, credentials === undefined ? null : facts]);
}

/** 132 bits of SHA-256 are enough that no two versions are alike. */
function digest(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url').slice(0, 22);
}

/** AWS has no order of its own for them, and what we write comes last: two readings are to tell the same. */
function byArn(one: UserEntitlement, other: UserEntitlement): number {
  const key = ({ arn, inheritedFrom = '' }: UserEntitlement): string => `${arn} ${inheritedFrom}`;
  return key(one) < key(other) ? -1 : 1;
}
