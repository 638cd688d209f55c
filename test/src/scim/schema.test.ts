import { describe, expect, test } from '@jest/globals';
import {
  attribute,
  commonAttributes,
  resourceType,
  resourceTypeResource,
  schemaResource,
  type AttributeOptions,
  type Schema,
} from '../../../src/scim/index.ts';

const description = 'For a test.';
const value = attribute({ name: 'value', description });

describe('an attribute (RFC 7643, 2.2 and 7)', () => {
  test('says every characteristic, also those that were left out', () => {
    expect(attribute({ name: 'title', description })).toEqual({
      name: 'title',
      type: 'string',
      multiValued: false,
      description,
      required: false,
      caseExact: false,
      mutability: 'readWrite',
      returned: 'default',
      uniqueness: 'none',
    });
  });

  test.each([
    [{ name: 'used as', description }, 'is no name of an attribute'],
    [{ name: '__proto__', description }, 'is no name of an attribute'],
    [{ name: '1st', description }, 'is no name of an attribute'],
    [{ name: 'emails', type: 'complex', description }, 'have sub-attributes'],
    [{ name: 'emails', subAttributes: [value], description }, 'have sub-attributes'],
    [
      {
        name: 'a',
        type: 'complex',
        description,
        subAttributes: [attribute({ name: 'b', type: 'complex', description, subAttributes: [value] })],
      },
      'a sub-attribute is not complex',
    ],
    [{ name: 'password', mutability: 'writeOnly', description }, 'is never returned'],
  ] satisfies [AttributeOptions, string][])('%j cannot be: %s', (options, message) => {
    expect(() => attribute(options)).toThrow(message);
  });

  test.each([['$ref'], ['used-as'], ['x509Certificates'], ['cost_center$']])(
    '%s is a name of one (RFC 7643, 2.1)',
    (name) => {
      expect(attribute({ name, description }).name).toBe(name);
    },
  );

  test.each([
    ['reference', true],
    ['binary', true],
    ['string', false],
  ] as const)('a %s is compared exactly: %s', (type, caseExact) => {
    expect(attribute({ name: 'a', type, description }).caseExact).toBe(caseExact);
  });
});

const core: Schema = {
  id: 'urn:example:core:User',
  name: 'User',
  description: 'A user.',
  attributes: [
    attribute({ name: 'userName', required: true, uniqueness: 'server', description: 'Its name.' }),
    attribute({
      name: 'emails',
      type: 'complex',
      multiValued: true,
      description: 'Its addresses.',
      subAttributes: [
        value,
        attribute({ name: 'type', canonicalValues: ['work', 'home'], description: 'What for.' }),
        attribute({ name: '$ref', type: 'reference', referenceTypes: ['external'], description: 'Where.' }),
      ],
    }),
  ],
};
const more: Schema = {
  id: 'urn:example:extension:User',
  name: 'More',
  description: 'More of a user.',
  attributes: [attribute({ name: 'department', description: 'Where it works.' })],
};
const user = {
  name: 'User',
  endpoint: '/Users',
  description: 'A user.',
  schema: core,
  extensions: [{ schema: more, required: false }],
};

describe('/Schemas', () => {
  const plain = {
    type: 'string',
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
  };

  test('tells what a schema is, with the keys of the standard and no others', () => {
    expect(schemaResource(core, 'https://host/scim/v2/Schemas/urn:example:core:User')).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
      id: 'urn:example:core:User',
      name: 'User',
      description: 'A user.',
      attributes: [
        { ...plain, name: 'userName', required: true, uniqueness: 'server', description: 'Its name.' },
        {
          ...plain,
          name: 'emails',
          type: 'complex',
          multiValued: true,
          description: 'Its addresses.',
          subAttributes: [
            { ...plain, name: 'value', description },
            { ...plain, name: 'type', canonicalValues: ['work', 'home'], description: 'What for.' },
            {
              ...plain,
              name: '$ref',
              type: 'reference',
              referenceTypes: ['external'],
              caseExact: true,
              description: 'Where.',
            },
          ],
        },
      ],
      meta: { resourceType: 'Schema', location: 'https://host/scim/v2/Schemas/urn:example:core:User' },
    });
  });

  test('leaves out what comes from elsewhere and is no key of the standard', () => {
    const foreign = { ...attribute({ name: 'city', description }), syncDirection: 'no-sync' };
    const schema = { ...core, attributes: [foreign] };
    const [told] = schemaResource(schema, '').attributes as Record<string, unknown>[];
    expect(told).not.toHaveProperty('syncDirection');
  });
});

describe('a resource type', () => {
  test('is told with its schemas (RFC 7643, 6)', () => {
    expect(resourceTypeResource(resourceType(user), 'https://host/scim/v2/ResourceTypes/User')).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
      id: 'User',
      name: 'User',
      endpoint: '/Users',
      description: 'A user.',
      schema: 'urn:example:core:User',
      schemaExtensions: [{ schema: 'urn:example:extension:User', required: false }],
      meta: { resourceType: 'ResourceType', location: 'https://host/scim/v2/ResourceTypes/User' },
    });
  });

  test.each([
    ['USERNAME', 'both urn:example:core:User and urn:example:extension:User have an attribute "USERNAME"'],
    ['Meta', '"Meta" is an attribute of every resource'],
  ])('two attributes %s are one too many', (name, message) => {
    const schema = { ...more, attributes: [attribute({ name, description })] };
    expect(() => resourceType({ ...user, extensions: [{ schema, required: false }] })).toThrow(message);
  });

  test('every resource has schemas, id, externalId and meta (RFC 7643, 3.1)', () => {
    expect(commonAttributes.map(({ name, returned }) => [name, returned])).toEqual([
      ['schemas', 'always'],
      ['id', 'always'],
      ['externalId', 'default'],
      ['meta', 'default'],
    ]);
  });
});
