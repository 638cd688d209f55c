/** What a resource is made of (RFC 7643, 7), and how that is told to clients. */

export const attributeTypes = [
  'string',
  'boolean',
  'decimal',
  'integer',
  'dateTime',
  'binary',
  'reference',
  'complex',
] as const;
export type AttributeType = (typeof attributeTypes)[number];

export type Mutability = 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
export type Returned = 'always' | 'never' | 'default' | 'request';
export type Uniqueness = 'none' | 'server' | 'global';

/** An attribute with every characteristic. */
export interface Attribute {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: Mutability;
  readonly returned: Returned;
  readonly uniqueness: Uniqueness;
  /** Suggestions: other values are not refused for it (RFC 7643, 7). */
  readonly canonicalValues?: readonly string[];
  /** Of a reference: names of resource types, `external` or `uri`. */
  readonly referenceTypes?: readonly string[];
  /** Of a complex attribute; one deep (RFC 7643, 2.3.8). */
  readonly subAttributes?: readonly Attribute[];
  /** Other names that clients have for it; read, never told. */
  readonly aliases?: readonly string[];
  /** Of a boolean attribute: other texts that are read, in small letters; never told. */
  readonly spellings?: Readonly<Record<string, boolean>>;
  /** Of an attribute with several values: how many a request may give; 1000 where nothing is said. Never told. */
  readonly maxValues?: number;
}

/** What is left out is as RFC 7643, 2.2 has it: optional, one text, in any case, read and written, returned, not unique. */
export type AttributeOptions = Pick<Attribute, 'name' | 'description'> & Partial<Attribute>;

/** A schema: of a resource type, or one that extends it. */
export interface Schema {
  /** A URN. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly Attribute[];
}

export interface ResourceType {
  readonly name: string;
  /** Below the root: `/Users`. */
  readonly endpoint: string;
  readonly description: string;
  readonly schema: Schema;
  readonly extensions: readonly SchemaExtension[];
}

export interface SchemaExtension {
  readonly schema: Schema;
  /** Whether each resource has it. */
  readonly required: boolean;
}

/** A value as JSON has it. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [name: string]: JsonValue | undefined };

const schemaUrn = 'urn:ietf:params:scim:schemas:core:2.0:Schema';
const resourceTypeUrn = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType';

/**
 * An attribute by what is special of it.
 * @throws {Error} for a definition that makes no sense: a mistake of the program
 */
export function attribute(options: AttributeOptions): Attribute {
  const { name, type = 'string', subAttributes } = options;
  if (!/^(?:[A-Za-z][\w$-]*|\$ref)$/.test(name)) {
    throw new Error(`"${name}" is no name of an attribute (RFC 7643, 2.1)`);
  }
  if ((type === 'complex') !== (subAttributes !== undefined)) {
    throw new Error(`attribute "${name}": complex attributes, and no others, have sub-attributes`);
  }
  if (subAttributes?.some((each) => each.type === 'complex') === true) {
    throw new Error(`attribute "${name}": a sub-attribute is not complex (RFC 7643, 2.3.8)`);
  }
  if (options.mutability === 'writeOnly' && options.returned !== 'never') {
    throw new Error(`attribute "${name}": what is only written is never returned (RFC 7643, 7)`);
  }
  return {
    multiValued: false,
    required: false,
    // Binary values and references are compared exactly (RFC 7643, 2.3.6, 2.3.7).
    caseExact: type === 'binary' || type === 'reference',
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...options,
    type,
  };
}

/**
 * A resource type that holds together.
 * @throws {Error} where two attributes of it cannot be told apart: names are read without regard to case
 */
export function resourceType(options: ResourceType): ResourceType {
  const seen = new Map<string, string>();
  for (const schema of schemasOf(options)) {
    for (const name of schema.attributes.flatMap((each) => [each.name, ...(each.aliases ?? [])])) {
      const folded = name.toLowerCase();
      if (commonNames.has(folded)) {
        throw new Error(`${options.name}: "${name}" is an attribute of every resource (RFC 7643, 3.1)`);
      }
      const other = seen.get(folded);
      if (other !== undefined) {
        throw new Error(`${options.name}: both ${other} and ${schema.id} have an attribute "${name}"`);
      }
      seen.set(folded, schema.id);
    }
  }
  return options;
}

/** The schema of a resource type, then those that extend it. */
export function schemasOf({ schema, extensions }: ResourceType): readonly Schema[] {
  return [schema, ...extensions.map((extension) => extension.schema)];
}

/** What every resource has, and no schema lists (RFC 7643, 3.1). */
export const commonAttributes: readonly Attribute[] = [
  attribute({
    name: 'schemas',
    type: 'reference',
    referenceTypes: ['uri'],
    multiValued: true,
    required: true,
    returned: 'always',
    description: 'The URNs of the schemas that the resource has.',
  }),
  attribute({
    name: 'id',
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
    description: 'What the service calls the resource.',
  }),
  attribute({
    name: 'externalId',
    caseExact: true,
    description: 'What the client calls the resource.',
  }),
  attribute({
    name: 'meta',
    type: 'complex',
    mutability: 'readOnly',
    description: 'Of the resource itself.',
    subAttributes: [
      attribute({ name: 'resourceType', caseExact: true, mutability: 'readOnly', description: 'Its type.' }),
      attribute({
        name: 'created',
        type: 'dateTime',
        mutability: 'readOnly',
        description: 'When it was made.',
      }),
      attribute({
        name: 'lastModified',
        type: 'dateTime',
        mutability: 'readOnly',
        description: 'When it was changed.',
      }),
      attribute({
        name: 'location',
        type: 'reference',
        referenceTypes: ['uri'],
        mutability: 'readOnly',
        description: 'Where it is.',
      }),
      attribute({ name: 'version', caseExact: true, mutability: 'readOnly', description: 'Its entity tag.' }),
    ],
  }),
];

const commonNames: ReadonlySet<string> = new Set(commonAttributes.map(({ name }) => name.toLowerCase()));

/** A schema as `/Schemas` tells it: the keys of RFC 7643, 7, and no others. */
export function schemaResource(schema: Schema, location: string): JsonObject {
  const { id, name, description, attributes } = schema;
  return {
    schemas: [schemaUrn],
    id,
    name,
    description,
    attributes: attributes.map(attributeObject),
    meta: { resourceType: 'Schema', location },
  };
}

function attributeObject(definition: Attribute): JsonObject {
  const { name, type, subAttributes, multiValued, description, required } = definition;
  const { canonicalValues, caseExact, mutability, returned, uniqueness, referenceTypes } = definition;
  return {
    name,
    type,
    ...(subAttributes === undefined ? {} : { subAttributes: subAttributes.map(attributeObject) }),
    multiValued,
    description,
    required,
    ...(canonicalValues === undefined ? {} : { canonicalValues }),
    caseExact,
    mutability,
    returned,
    uniqueness,
    ...(referenceTypes === undefined ? {} : { referenceTypes }),
  };
}

/** A resource type as `/ResourceTypes` tells it (RFC 7643, 6). */
export function resourceTypeResource(type: ResourceType, location: string): JsonObject {
  const { name, endpoint, description, schema, extensions } = type;
  return {
    schemas: [resourceTypeUrn],
    id: name,
    name,
    endpoint,
    description,
    schema: schema.id,
    schemaExtensions: extensions.map((extension) => ({
      schema: extension.schema.id,
      required: extension.required,
    })),
    meta: { resourceType: 'ResourceType', location },
  };
}
