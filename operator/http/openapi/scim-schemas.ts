import type { JsonSchema } from '../../../src/idhub/index.ts';
import { schemasOf, type Attribute, type ResourceType } from '../../../src/scim/index.ts';

const text = { type: 'string' } as const;

/** What one value of an attribute is in JSON. */
function valueOf(attribute: Attribute): JsonSchema {
  const { type, subAttributes = [], description } = attribute;
  switch (type) {
    case 'complex':
      return {
        type: 'object',
        description,
        properties: propertiesOf(subAttributes),
        additionalProperties: true,
      };
    case 'boolean':
      return { type: 'boolean', description };
    case 'integer':
      return { type: 'integer', description };
    case 'decimal':
      return { type: 'number', description };
    case 'dateTime':
      return { type: 'string', format: 'date-time', description };
    case 'string':
    case 'binary':
    case 'reference':
      return { type: 'string', description };
  }
}

/** Of what is told; what is only written is not. */
function propertiesOf(attributes: readonly Attribute[]): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(
    attributes
      .filter(({ returned }) => returned !== 'never')
      .map((attribute) => [
        attribute.name,
        attribute.multiValued ? { type: 'array', items: valueOf(attribute) } : valueOf(attribute),
      ]),
  );
}

const meta: JsonSchema = {
  type: 'object',
  properties: {
    resourceType: text,
    created: { type: 'string', format: 'date-time' },
    location: { type: 'string', format: 'uri' },
    version: text,
  },
};

/** A resource as it is told. A connection can have other attributes (spec.schema): /Schemas tells them. */
export function resourceSchema(type: ResourceType): JsonSchema {
  const [schema, ...extensions] = schemasOf(type);
  return {
    type: 'object',
    description: `${type.description} With the account schema of the vendor's guide; /Schemas tells that of the connection.`,
    properties: {
      schemas: { type: 'array', items: text },
      id: text,
      externalId: text,
      meta,
      ...propertiesOf(schema?.attributes ?? []),
      ...Object.fromEntries(
        extensions.map(({ id, attributes }) => [
          id,
          { type: 'object', properties: propertiesOf(attributes) },
        ]),
      ),
    },
    required: ['schemas'],
    additionalProperties: true,
  };
}

/** What a body says that it is. */
function messageOf(urn: string): JsonSchema {
  return { type: 'array', minItems: 1, maxItems: 1, items: { type: 'string', const: urn } };
}

const message = 'urn:ietf:params:scim:api:messages:2.0';

/** A resource as it is written. Names are read in any case, and booleans in more spellings than JSON has. */
export function writtenSchema(type: ResourceType): JsonSchema {
  const [schema, ...extensions] = schemasOf(type);
  const writable = (attributes: readonly Attribute[]): Readonly<Record<string, JsonSchema>> =>
    Object.fromEntries(
      attributes
        .filter(({ mutability }) => mutability !== 'readOnly')
        .map((attribute) => [
          attribute.name,
          attribute.multiValued ? { type: 'array', items: valueOf(attribute) } : valueOf(attribute),
        ]),
    );
  const unique = schema?.attributes.filter(({ uniqueness }) => uniqueness !== 'none') ?? [];
  return {
    type: 'object',
    properties: {
      schemas: {
        type: 'array',
        minItems: 1,
        items: { type: 'string', enum: schemasOf(type).map(({ id }) => id) },
      },
      externalId: text,
      ...writable(schema?.attributes ?? []),
      ...Object.fromEntries(
        extensions.map(({ id, attributes }) => [id, { type: 'object', properties: writable(attributes) }]),
      ),
    },
    required: ['schemas', ...unique.map(({ name }) => name)],
    additionalProperties: true,
  };
}

export const patch: JsonSchema = {
  type: 'object',
  description: 'RFC 7644, section 3.5.2.',
  properties: {
    schemas: messageOf(`${message}:PatchOp`),
    Operations: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: { op: { type: 'string', enum: ['add', 'remove', 'replace'] }, path: text, value: {} },
        required: ['op'],
      },
    },
  },
  required: ['schemas', 'Operations'],
};

export const search: JsonSchema = {
  type: 'object',
  description: 'RFC 7644, section 3.4.3.',
  properties: {
    schemas: messageOf(`${message}:SearchRequest`),
    filter: text,
    sortBy: text,
    sortOrder: { type: 'string', enum: ['ascending', 'descending'] },
    startIndex: { type: 'integer' },
    count: { type: 'integer' },
    attributes: { type: 'array', items: text },
    excludedAttributes: { type: 'array', items: text },
  },
  required: ['schemas'],
};

export const bulk: JsonSchema = {
  type: 'object',
  description: 'RFC 7644, section 3.7.',
  properties: {
    schemas: messageOf(`${message}:BulkRequest`),
    failOnErrors: { type: 'integer', minimum: 1 },
    Operations: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: {
          method: { type: 'string', enum: ['POST', 'PUT', 'PATCH', 'DELETE'] },
          path: { type: 'string', pattern: '^/(Account|Users|Groups|Entitlement)(/[^/]+)?$' },
          bulkId: text,
          version: text,
          data: { type: 'object' },
        },
        required: ['method', 'path'],
      },
    },
  },
  required: ['schemas', 'Operations'],
};
