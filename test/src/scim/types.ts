import { attribute, resourceType, type ResourceType } from '../../../src/scim/index.ts';

/** Resource types to test the protocol with: what other SCIM services have, not what this one has. */

const description = 'For a test.';
const of = (name: string, more: Partial<Parameters<typeof attribute>[0]> = {}) =>
  attribute({ name, description, ...more });

export const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

export const user: ResourceType = resourceType({
  name: 'User',
  endpoint: '/Users',
  description,
  schema: {
    id: userUrn,
    name: 'User',
    description,
    attributes: [
      of('userName', { required: true, uniqueness: 'server', returned: 'always' }),
      of('name', { type: 'complex', subAttributes: [of('givenName'), of('familyName'), of('formatted')] }),
      of('displayName', { aliases: ['cn'] }),
      of('nickName', { returned: 'request' }),
      of('active', {
        type: 'boolean',
        required: true,
        aliases: ['status', 'accountEnabled'],
        spellings: { inactive: false },
      }),
      of('password', { mutability: 'writeOnly', returned: 'never' }),
      of('logins', { type: 'integer' }),
      of('score', { type: 'decimal' }),
      of('hired', { type: 'dateTime' }),
      of('employeeId', { mutability: 'immutable' }),
      of('emails', {
        type: 'complex',
        multiValued: true,
        subAttributes: [of('value'), of('type'), of('primary', { type: 'boolean' }), of('display')],
      }),
      of('addresses', {
        type: 'complex',
        multiValued: true,
        subAttributes: [of('formatted'), of('locality'), of('type')],
      }),
      of('entitlements', {
        type: 'complex',
        multiValued: true,
        subAttributes: [
          of('value', { caseExact: true, required: true }),
          of('display', { mutability: 'readOnly' }),
          of('type'),
          of('$ref', { type: 'reference', referenceTypes: ['Entitlement'] }),
        ],
      }),
      of('nickNames', { multiValued: true }),
      of('groups', {
        type: 'complex',
        multiValued: true,
        mutability: 'readOnly',
        subAttributes: [of('value', { mutability: 'readOnly' })],
      }),
    ],
  },
  extensions: [
    {
      required: false,
      schema: {
        id: enterpriseUrn,
        name: 'EnterpriseUser',
        description,
        attributes: [
          of('department'),
          of('employeeNumber'),
          of('manager', { type: 'complex', subAttributes: [of('value'), of('displayName')] }),
        ],
      },
    },
  ],
});

export const group: ResourceType = resourceType({
  name: 'Group',
  endpoint: '/Groups',
  description,
  schema: {
    id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
    name: 'Group',
    description,
    attributes: [
      of('displayName', { mutability: 'readOnly' }),
      of('members', {
        type: 'complex',
        multiValued: true,
        subAttributes: [
          of('value', { caseExact: true, mutability: 'immutable' }),
          of('display', { mutability: 'readOnly' }),
          of('$ref', { type: 'reference', referenceTypes: ['User'], mutability: 'immutable' }),
        ],
      }),
    ],
  },
  extensions: [],
});
