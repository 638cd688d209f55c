import {
  denyPolicyName,
  isDenyAll,
  isDisabledTag,
  type CredentialFacts,
  type ObservedUser,
} from '../account/index.ts';
import { inlineArn, nameInArn, typeOfPolicy, type EntitlementType } from '../entitlement/index.ts';
import { decodeValue, type AccountSchema } from '../schema/index.ts';
import type { GroupPolicies } from './details.ts';

/** What belongs together of a user: a change is told by these. */
export const fieldGroups = [
  'name',
  'path',
  'attributes',
  'boundary',
  'entitlements',
  'state',
  'credentials',
  'activity',
] as const;

export type FieldGroup = (typeof fieldGroups)[number];

/** A group or policy that a user has. */
export interface UserEntitlement {
  readonly type: EntitlementType;
  readonly name: string;
  /** An inline policy has none in AWS: the user's with `/policy/<name>` after it. */
  readonly arn: string;
  /** The group through which it is had; undefined where it is the user's own. */
  readonly inheritedFrom?: string;
  /** Of an inline policy: of what its document means. */
  readonly fingerprint?: string | undefined;
}

/** A user as it is reconciled: what an identity product is told. What is undefined here is not known, unless it says so. */
export interface UserRecord {
  readonly userId: string;
  readonly userName: string;
  readonly arn: string;
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** By the names of the account schema, decoded. One that the user does not have is not in it. */
  readonly attributes: Readonly<Record<string, string>>;
  /** ARN; `null`: there is none. */
  readonly boundary: string | null;
  /** No Deny on everything stands on the user. */
  readonly active: boolean | undefined;
  readonly entitlements: readonly UserEntitlement[] | undefined;
  readonly credentials: CredentialFacts | undefined;
  /** When the password or a key was last used, milliseconds since the epoch; `null`: never, as far as AWS knows. */
  readonly lastActivity: number | null | undefined;
}

export interface RecordContext {
  readonly schema: AccountSchema;
  /** `settings.policyGroup`: also what is inherited through groups. */
  readonly policyGroup: boolean;
  /** Of the account. */
  group(name: string): GroupPolicies | undefined;
  /** What is known of the credentials of a user. */
  credentials(userId: string): CredentialFacts | undefined;
  /**
   * What tells when its password and keys were last used; undefined where that is not asked for
   * (`settings.passwordLastUsed`), or AWS has not told.
   */
  lastUse(userId: string): CredentialFacts | undefined;
  /** Whether the edges of this user, and its Deny, were read. */
  hasEdges(userId: string): boolean;
}

/** The record of a user. Pure. */
export function userRecord(user: ObservedUser, context: RecordContext): UserRecord {
  const edges = context.hasEdges(user.userId);
  const lastUse = context.lastUse(user.userId);
  return {
    userId: user.userId,
    userName: user.userName,
    arn: user.arn,
    path: user.path,
    createdAt: user.createdAt,
    attributes: attributesOf(user, context.schema),
    boundary: user.boundary ?? null,
    active: edges ? user.deny !== 'inline' && user.deny !== 'managed' : undefined,
    entitlements: edges ? entitlementsOf(user, context) : undefined,
    credentials: context.credentials(user.userId),
    lastActivity: lastUse === undefined ? undefined : lastActivityOf(user, lastUse),
  };
}

function attributesOf(user: ObservedUser, schema: AccountSchema): Readonly<Record<string, string>> {
  const tags = new Map(user.tags.filter((tag) => !isDisabledTag(tag.key)).map((tag) => [tag.key, tag.value]));
  const attributes: Record<string, string> = {};
  for (const { name, tagKey, syncDirection } of schema.values()) {
    const decoded = syncDirection === 'no-sync' ? undefined : decodeValue(tagKey, tags);
    if (decoded !== undefined) {
      attributes[name] = decoded.value;
    }
  }
  return attributes;
}

/** The group that a user is in, or a policy of its own; our Deny is the state of the user, and nothing that it has. */
function entitlementsOf(user: ObservedUser, context: RecordContext): readonly UserEntitlement[] {
  const own: UserEntitlement[] = [
    ...user.groups.map((name): UserEntitlement => {
      return { type: 'Group', name, arn: context.group(name)?.arn ?? groupArn(user.arn, name) };
    }),
    ...user.attachedPolicies
      .filter(({ arn }) => !isDenyAll(arn))
      .map(({ name, arn }): UserEntitlement => ({ type: typeOfPolicy(arn), name, arn })),
    ...user.inlinePolicies
      .filter(({ name }) => name !== denyPolicyName)
      .map(({ name, fingerprint }): UserEntitlement => {
        return { type: 'InlinePolicy', name, arn: inlineArn(user.arn, name), fingerprint };
      }),
  ];
  const inherited = context.policyGroup
    ? user.groups.flatMap((name) => inheritedThrough(name, context.group(name)))
    : [];
  return [...own, ...inherited];
}

function inheritedThrough(name: string, group: GroupPolicies | undefined): readonly UserEntitlement[] {
  return (group?.policies ?? []).map((policy): UserEntitlement => {
    const inline = /^inline\/(.+)$/.exec(policy)?.[1];
    return inline === undefined
      ? {
          type: typeOfPolicy(policy),
          name: nameInArn(policy),
          arn: policy,
          inheritedFrom: name,
        }
      : {
          type: 'InlinePolicy',
          name: inline,
          arn: inlineArn(group?.arn ?? '', inline),
          inheritedFrom: name,
        };
  });
}

/** Where a group of this name without a path would be. */
function groupArn(userArn: string, name: string): string {
  return `${userArn.split(':').slice(0, 5).join(':')}:group/${name}`;
}

function lastActivityOf(user: ObservedUser, credentials: CredentialFacts): number | null {
  const times = [
    user.passwordLastUsed,
    credentials.passwordLastUsed,
    ...credentials.keys.map(({ lastUsed }) => lastUsed),
  ].filter((time) => time !== undefined);
  return times.length === 0 ? null : Math.max(...times);
}
