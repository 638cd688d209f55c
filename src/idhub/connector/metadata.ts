import type { AccountSchema } from '../../schema/index.ts';
import type { JsonObject } from '../../scim/index.ts';
import { accountDocument, entitlementDocument, matchingAttributes } from './documents.ts';

export interface ConnectorDescription {
  /** Of the application that IDHub is to draft. */
  readonly name: string;
  readonly version: string;
  readonly businessOwner: string | undefined;
  readonly itOwner: string | undefined;
  readonly schema: AccountSchema;
  /** Where the resources are, without a slash at the end. */
  readonly base: string;
}

/** The guide's table of operations, and its features; tags as such are not among what IDHub writes. */
const capabilities = {
  userManagement: {
    create: true,
    update: true,
    enable: true,
    disable: true,
    delete: true,
    resetPassword: true,
  },
  policyManagement: { addToUser: true, removeFromUser: true },
  groupManagement: { addToUser: true, removeFromUser: true },
  tagManagement: { addToUser: false, removeFromUser: false },
  reconciliation: { full: true, incremental: true, limited: true, deletedUsers: true, entitlements: true },
} as const;

/** What IDHub asks of a connector to draft an application: the body of `/connector/metadata`. */
export function connectorMetadata(described: ConnectorDescription): JsonObject {
  const { name, version, businessOwner, itOwner, schema, base } = described;
  return {
    name,
    version,
    targetSystem: 'AWS',
    ...(businessOwner === undefined ? {} : { businessOwner }),
    ...(itOwner === undefined ? {} : { itOwner }),
    baseUrl: base,
    resourceTypes: ['Account', 'Entitlement'],
    accountSchema: accountDocument(schema, base),
    entitlementSchema: entitlementDocument(base),
    accountNameField: 'userName',
    reconciliationKeys: matchingAttributes(schema),
    capabilities,
  };
}
