import { attribute, resourceType } from '../../scim/index.ts';
import type { DirectoryEntitlement } from '../model.ts';
import { kindOf, locationOf, unread, type Field, type Kind } from './kind.ts';
import { groupUrn } from './urns.ts';

/** Group attributes (RFC 7643, 4.2). Groups are made, named and deleted in AWS; here their members change. */
const fields: readonly Field<DirectoryEntitlement>[] = [
  {
    attribute: attribute({
      name: 'displayName',
      mutability: 'readOnly',
      uniqueness: 'server',
      description: 'Name of the IAM group.',
    }),
    read: ({ displayName }) => displayName,
  },
  {
    attribute: attribute({
      name: 'members',
      type: 'complex',
      multiValued: true,
      description: 'IAM users that are in the group.',
      // As many users as an AWS account can have (IAM and AWS STS quotas).
      maxValues: 5_000,
      subAttributes: [
        attribute({
          name: 'value',
          mutability: 'immutable',
          caseExact: true,
          description: 'id of the user.',
        }),
        attribute({
          name: '$ref',
          type: 'reference',
          referenceTypes: ['User'],
          mutability: 'immutable',
          description: 'Address of the user.',
        }),
        attribute({ name: 'display', mutability: 'readOnly', description: 'Name of the user.' }),
        attribute({
          name: 'type',
          mutability: 'immutable',
          canonicalValues: ['User'],
          description: 'User: IAM groups have no groups in them.',
        }),
      ],
    }),
    known: (_, context) => context.membersKnown(),
    read: ({ id }, context) =>
      context.members(id)?.map(({ userId, userName }) => ({
        value: userId,
        $ref: locationOf({ endpoint: '/Users' }, userId, context),
        display: userName,
        type: 'User',
      })) ?? unread,
  },
];

/** IAM groups. Policies are no groups: they are told as `Entitlement`. */
export const groupKind: Kind<DirectoryEntitlement> = kindOf({
  type: resourceType({
    name: 'Group',
    endpoint: '/Groups',
    description: 'An IAM group.',
    schema: {
      id: groupUrn,
      name: 'Group',
      description: 'An IAM group and its members.',
      attributes: fields.map((field) => field.attribute),
    },
    extensions: [],
  }),
  fields: [fields],
  identity: ({ id, version }) => ({ id, externalId: undefined, created: undefined, version }),
});
