import { attribute } from '../../scim/index.ts';
import type { EntitlementType } from '../../entitlement/index.ts';
import type { DirectoryAccount } from '../model.ts';
import { unread, type Field, type Identity, type Read } from './kind.ts';

/** What `Account` and `Users` have alike. */

export const userNameField: Field<DirectoryAccount> = {
  attribute: attribute({
    name: 'userName',
    // IAM compares names without regard to case, and keeps it.
    description: 'Name of the IAM user: 1 to 64 letters, digits and any of _+=,.@-',
    required: true,
    uniqueness: 'server',
  }),
  read: ({ userName }) => userName,
};

export const activeField: Field<DirectoryAccount> = {
  attribute: attribute({
    name: 'active',
    type: 'boolean',
    // Always there: a user that is made can do something unless somebody says otherwise.
    required: true,
    // Other connectors of the vendor have `status`.
    spellings: { active: true, inactive: false },
    description: 'Whether the user can do anything at all: no Deny on everything stands on it.',
  }),
  read: ({ active }) => (active === undefined ? unread : active),
  known: ({ active }) => active !== undefined,
};

export const passwordField: Field<DirectoryAccount> = {
  attribute: attribute({
    name: 'password',
    description: 'Password for the AWS Management Console. It is written, and never told.',
    mutability: 'writeOnly',
    returned: 'never',
    caseExact: true,
  }),
  read: () => undefined,
};

export const entitlementTypes: readonly EntitlementType[] = [
  'Group',
  'AwsManagedPolicy',
  'CustomerManagedPolicy',
  'InlinePolicy',
];

/** @param written whether a client may write it in resources of this type */
export function entitlementsField(written: boolean): Field<DirectoryAccount> {
  const mutability = written ? 'readWrite' : 'readOnly';
  return {
    attribute: attribute({
      name: 'entitlements',
      type: 'complex',
      multiValued: true,
      mutability,
      description: 'Groups that the user is in, and policies that it has.',
      subAttributes: [
        attribute({
          name: 'value',
          mutability,
          caseExact: true,
          description: 'ARN: entitlementArn of the Entitlement.',
        }),
        attribute({ name: 'display', mutability, description: 'Name of the group or policy.' }),
        attribute({
          name: 'type',
          mutability,
          description: 'What it is.',
          canonicalValues: entitlementTypes,
        }),
        attribute({
          name: 'inheritedFrom',
          mutability: 'readOnly',
          description: 'Group through which the user has it; absent where it is the user’s own.',
        }),
      ],
    }),
    known: ({ entitlements }) => entitlements !== undefined,
    read: ({ entitlements }): Read =>
      entitlements === undefined
        ? unread
        : entitlements.map(({ arn, name, type, inheritedFrom }) => ({
            value: arn,
            display: name,
            type,
            ...(inheritedFrom === undefined ? {} : { inheritedFrom }),
          })),
  };
}

export function identityOfAccount({ userId, externalId, createdAt, version }: DirectoryAccount): Identity {
  return { id: userId, externalId, created: createdAt, version };
}
