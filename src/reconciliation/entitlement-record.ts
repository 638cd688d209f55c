import { inlineArn, typeOfPolicy, type EntitlementType } from '../entitlement/index.ts';
import type { UserRecord } from './record.ts';

/** A group or policy as it is reconciled: the entitlement of the guide's schema, and what tells it from others. */
export interface EntitlementRecord {
  /** IAM's unique id; of an inline policy that of its user, and its name. */
  readonly id: string;
  readonly type: EntitlementType;
  readonly displayName: string;
  readonly description: string;
  readonly entitlementArn: string;
  /** The guide's `used as`. */
  readonly usedAs: UsedAs;
}

/**
 * How an entitlement is given: by membership, or as the console of AWS tells it of policies (`PolicyUsageType`,
 * IAM API reference): as permissions, as a boundary, as both, or not at all.
 */
export type UsedAs =
  'GroupMembership' | 'PermissionsPolicy' | 'PermissionsBoundary' | 'PermissionsPolicyAndBoundary' | 'None';

export interface CatalogueGroup {
  readonly groupId: string;
  readonly name: string;
  readonly arn: string;
}

export interface CataloguePolicy {
  readonly policyId: string;
  readonly name: string;
  readonly arn: string;
  /** Users, groups and roles that it is attached to. */
  readonly attachments: number;
  /** Users and roles whose boundary it is. */
  readonly boundaries: number;
  /** AWS does not tell it in lists. */
  readonly description: string | undefined;
}

/** Groups and managed policies, of AWS and of the account: all of them. */
export interface Catalogue {
  readonly groups: readonly CatalogueGroup[];
  readonly policies: readonly CataloguePolicy[];
}

/** The records of everything but inline policies. Pure. */
export function catalogueRecords({ groups, policies }: Catalogue): readonly EntitlementRecord[] {
  return [
    ...groups.map(({ groupId, name, arn }): EntitlementRecord => {
      return {
        id: groupId,
        type: 'Group',
        displayName: name,
        description: `IAM group ${name}`,
        entitlementArn: arn,
        usedAs: 'GroupMembership',
      };
    }),
    ...policies.map(({ policyId, name, arn, attachments, boundaries, description }): EntitlementRecord => {
      const type = typeOfPolicy(arn);
      const told =
        description ?? `${type === 'AwsManagedPolicy' ? 'AWS-managed' : 'Customer-managed'} policy ${name}`;
      return {
        id: policyId,
        type,
        displayName: name,
        description: told,
        entitlementArn: arn,
        usedAs: usedAs(attachments > 0, boundaries > 0),
      };
    }),
  ];
}

function usedAs(attached: boolean, bounds: boolean): UsedAs {
  if (attached) {
    return bounds ? 'PermissionsPolicyAndBoundary' : 'PermissionsPolicy';
  }
  return bounds ? 'PermissionsBoundary' : 'None';
}

/** The inline policies of a user as entitlements; undefined where its edges are not known. Pure. */
export function inlineRecords(user: UserRecord): readonly EntitlementRecord[] | undefined {
  return user.entitlements
    ?.filter(({ type, inheritedFrom }) => type === 'InlinePolicy' && inheritedFrom === undefined)
    .map(({ name }) => ({
      id: inlineId(user.userId, name),
      type: 'InlinePolicy',
      displayName: name,
      description: `Inline policy ${name} of IAM user ${user.userName}`,
      entitlementArn: inlineArn(user.arn, name),
      usedAs: 'PermissionsPolicy',
    }));
}

export function inlineId(userId: string, name: string): string {
  return `${userId}/${name}`;
}

/** The user whose inline policy it is. */
export function userOfInline(id: string): string {
  return id.slice(0, id.indexOf('/'));
}

/** The name of the user whose inline policy it is; undefined of others. */
export function holderOf({ displayName, entitlementArn, type }: EntitlementRecord): string | undefined {
  return type === 'InlinePolicy'
    ? entitlementArn.slice(0, -inlineArn('', displayName).length).split('/').at(-1)
    : undefined;
}
