import { attribute, resourceType, type AttributeOptions } from '../../scim/index.ts';
import type { DirectoryEntitlement } from '../model.ts';
import { kindOf, type Field, type Kind } from './kind.ts';
import { entitlementTypes } from './shared-fields.ts';
import { entitlementUrn } from './urns.ts';

/** The guide has each of these always in an entitlement. */
function field(
  options: AttributeOptions,
  read: (of: DirectoryEntitlement) => string,
): Field<DirectoryEntitlement> {
  return {
    attribute: attribute({ required: true, returned: 'always', mutability: 'readOnly', ...options }),
    read,
  };
}

const fields: readonly Field<DirectoryEntitlement>[] = [
  field(
    { name: 'displayName', description: 'Name of the group or policy.' },
    ({ displayName }) => displayName,
  ),
  field({ name: 'description', description: 'What it is.' }, ({ description }) => description),
  field(
    {
      name: 'entitlementArn',
      caseExact: true,
      uniqueness: 'server',
      description:
        'ARN. An inline policy has none in AWS: it is told by that of its user with /policy/ and its name after it.',
    },
    ({ entitlementArn }) => entitlementArn,
  ),
  field(
    {
      name: 'type',
      canonicalValues: entitlementTypes,
      description: 'Whether it is a group, or which policy.',
    },
    ({ type }) => type,
  ),
  field(
    {
      name: 'usedAs',
      canonicalValues: [
        'GroupMembership',
        'PermissionsPolicy',
        'PermissionsBoundary',
        'PermissionsPolicyAndBoundary',
        'None',
      ],
      description:
        'How it is given: by membership, as permissions, as a boundary, as both, or to nobody yet.',
    },
    ({ usedAs }) => usedAs,
  ),
];

/**
 * What can be given to users. `usedAs` stands in bodies under the vendor's name too, `used as`, which no schema
 * can list (RFC 7643, 2.1: no blank in a name).
 */
export const entitlementKind: Kind<DirectoryEntitlement> = kindOf({
  type: resourceType({
    name: 'Entitlement',
    endpoint: '/Entitlement',
    description: 'An IAM group or policy.',
    schema: {
      id: entitlementUrn,
      name: 'Entitlement',
      description: 'A group or policy that a user can have.',
      attributes: fields.map((each) => each.attribute),
    },
    extensions: [],
  }),
  fields: [fields],
  identity: ({ id, version }) => ({ id, externalId: undefined, created: undefined, version }),
  more: ({ usedAs }) => ({ 'used as': usedAs }),
});
