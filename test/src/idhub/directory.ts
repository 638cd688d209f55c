import { fold, accountSchema, type AccountSchema } from '../../../src/schema/index.ts';
import type {
  DirectoryAccount,
  DirectoryCatalogue,
  DirectoryEntitlement,
  DirectoryView,
} from '../../../src/idhub/index.ts';

/** Accounts, groups and policies for tests, as a directory would show them. */

export const guideSchema = accountSchema([], '').schema;

const accountId = '111122223333';

export function groupArn(name: string): string {
  return `arn:aws:iam::${accountId}:group/${name}`;
}

export function policyArn(name: string): string {
  return `arn:aws:iam::aws:policy/${name}`;
}

export function account(more: Partial<DirectoryAccount> = {}): DirectoryAccount {
  const userName = more.userName ?? 'Jo.Doe';
  const path = more.path ?? '/';
  return {
    userId: 'AIDA1',
    userName,
    arn: `arn:aws:iam::${accountId}:user${path}${userName}`,
    path,
    createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    attributes: {},
    boundary: null,
    active: true,
    entitlements: [],
    credentials: undefined,
    lastActivity: null,
    externalId: undefined,
    managed: true,
    version: 'v1',
    ...more,
  };
}

export function group(name: string, id = `AGPA${name}`): DirectoryEntitlement {
  return {
    id,
    type: 'Group',
    displayName: name,
    description: `IAM group ${name}`,
    entitlementArn: groupArn(name),
    usedAs: 'GroupMembership',
    version: `g-${name}`,
  };
}

export function policy(name: string, more: Partial<DirectoryEntitlement> = {}): DirectoryEntitlement {
  return {
    id: `ANPA${name}`,
    type: 'AwsManagedPolicy',
    displayName: name,
    description: `AWS-managed policy ${name}`,
    entitlementArn: policyArn(name),
    usedAs: 'None',
    version: `p-${name}`,
    ...more,
  };
}

export function inGroup(name: string): NonNullable<DirectoryAccount['entitlements']>[number] {
  return { type: 'Group', name, arn: groupArn(name) };
}

export function viewOf(
  options: {
    readonly accounts?: readonly DirectoryAccount[];
    readonly groups?: readonly DirectoryEntitlement[];
    readonly schema?: AccountSchema;
    readonly takenAt?: number;
  } = {},
): DirectoryView {
  const { accounts = [], groups = [], schema = guideSchema, takenAt = 0 } = options;
  const sorted = accounts.toSorted((one, other) => (one.userId < other.userId ? -1 : 1));
  const byId = new Map(sorted.map((each) => [each.userId, each]));
  const byName = new Map(sorted.map((each) => [fold(each.userName), each]));
  return {
    takenAt,
    schema,
    size: sorted.length,
    accounts: () => sorted,
    account: (id) => byId.get(id),
    accountByName: (name) => byName.get(fold(name)),
    groups: () => groups,
    group: (id) => groups.find((each) => each.id === id),
    members: (id) => {
      const arn = groups.find((each) => each.id === id)?.entitlementArn;
      return sorted.filter((each) =>
        each.entitlements?.some((held) => held.arn === arn && held.inheritedFrom === undefined),
      );
    },
  };
}

export function catalogueOf(entitlements: readonly DirectoryEntitlement[]): DirectoryCatalogue {
  return {
    takenAt: 0,
    entitlements: () => entitlements,
    entitlement: (id) => entitlements.find((each) => each.id === id),
  };
}
