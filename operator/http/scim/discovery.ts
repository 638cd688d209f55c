import {
  resourceTypeResource,
  schemaResource,
  schemasOf,
  type JsonObject,
  type ResourceType,
  type Schema,
} from '../../../src/scim/index.ts';

/** What the service can do, as `/ServiceProviderConfig` tells it (RFC 7643, 5). */
export function serviceProviderConfig(
  base: string,
  { maxOperations, maxPayloadSize, maxResults }: ServiceLimits,
): JsonObject {
  const supported = { supported: true };
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: supported,
    bulk: { supported: true, maxOperations, maxPayloadSize },
    filter: { supported: true, maxResults },
    changePassword: supported,
    sort: supported,
    etag: supported,
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A token of the connector, or of the issuer that it was told.',
        specUri: 'https://www.rfc-editor.org/info/rfc6750',
        primary: true,
      },
      {
        type: 'httpbasic',
        name: 'HTTP Basic',
        description: 'A name and a password of the connector.',
        specUri: 'https://www.rfc-editor.org/info/rfc7617',
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  };
}

export interface ServiceLimits {
  /** Of a bulk request. */
  readonly maxOperations: number;
  /** Of a bulk request, bytes. */
  readonly maxPayloadSize: number;
  /** Of a list. */
  readonly maxResults: number;
}

export function resourceTypes(base: string, types: readonly ResourceType[]): readonly JsonObject[] {
  return types.map((type) => resourceTypeResource(type, `${base}/ResourceTypes/${type.name}`));
}

/** The schemas of resource types, each once. */
export function schemas(base: string, types: readonly ResourceType[]): readonly JsonObject[] {
  const each = new Map<string, Schema>(types.flatMap(schemasOf).map((schema) => [schema.id, schema]));
  return [...each.values()].map((schema) => schemaResource(schema, `${base}/Schemas/${schema.id}`));
}
