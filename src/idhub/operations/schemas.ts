import type { OperationKind } from './model.ts';

/**
 * JSON Schemas (2020-12) of operations, one a kind: what they are made of. What a value may be is for AWS and the
 * account schema to say, and is a refusal of the operation alone.
 */

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Of an `operationId`: it goes into annotations and paths, and is the request id of a password reset (at most 128). */
export const operationIdSchema: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 128,
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]*$',
  description:
    'Names the operation of this connection. The same id and body again is not done again, and is answered alike for 7 days; another body with it is refused.',
};

const userName: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 64,
  description: 'Name of the IAM user.',
};
const path: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 512,
  description: 'IAM path, such as /sales/.',
};
const attributeNames: JsonSchema = { type: 'string', minLength: 1, maxLength: 128 };
const attributeValue = { type: 'string', maxLength: 8_192 } as const;

const target: JsonSchema = {
  description: 'Whom it is about: by the unique id of the IAM user, or by its name.',
  type: 'object',
  oneOf: [
    {
      type: 'object',
      properties: { id: { type: 'string', minLength: 1, maxLength: 128 } },
      required: ['id'],
      additionalProperties: false,
    },
    { type: 'object', properties: { userName }, required: ['userName'], additionalProperties: false },
  ],
};

const password: JsonSchema = {
  type: 'object',
  description: 'A console password. Without a value one is generated, and left in the Secret of the account.',
  properties: {
    value: { type: 'string', minLength: 1, maxLength: 128, writeOnly: true },
    resetRequired: { type: 'boolean', description: 'Whether it has to be changed at the next sign-in.' },
  },
  additionalProperties: false,
};

const entitlement: JsonSchema = {
  description: 'A group or policy, by its ARN, or by type and name.',
  type: 'object',
  oneOf: [
    {
      type: 'object',
      properties: { arn: { type: 'string', minLength: 1, maxLength: 2_048 } },
      required: ['arn'],
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: {
        type: {
          type: 'string',
          enum: ['Group', 'AwsManagedPolicy', 'CustomerManagedPolicy', 'InlinePolicy'],
        },
        name: { type: 'string', minLength: 1, maxLength: 128 },
      },
      required: ['type', 'name'],
      additionalProperties: false,
    },
  ],
};

const entitlements: JsonSchema = { type: 'array', minItems: 1, maxItems: 100, items: entitlement };

const newAccount: JsonSchema = {
  type: 'object',
  properties: {
    userName,
    path,
    externalId: { type: 'string', minLength: 1, maxLength: 256 },
    active: { type: 'boolean' },
    attributes: {
      type: 'object',
      maxProperties: 100,
      propertyNames: attributeNames,
      additionalProperties: attributeValue,
      description: 'By the names of the account schema.',
    },
    password,
    entitlements: { ...entitlements, minItems: 0 },
  },
  required: ['userName'],
  additionalProperties: false,
};

const accountChange: JsonSchema = {
  type: 'object',
  minProperties: 1,
  properties: {
    userName: { ...userName, description: 'Another name renames.' },
    path,
    externalId: { type: ['string', 'null'], minLength: 1, maxLength: 256 },
    attributes: {
      type: 'object',
      maxProperties: 100,
      propertyNames: attributeNames,
      additionalProperties: { ...attributeValue, type: ['string', 'null'] },
      description: 'By the names of the account schema; null takes one away. What is absent stays.',
    },
  },
  additionalProperties: false,
};

const ofKind = (
  kind: OperationKind,
  description: string,
  required: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema => ({
  type: 'object',
  description,
  properties: {
    operationId: operationIdSchema,
    kind: { type: 'string', const: kind },
    ...required,
    ...optional,
  },
  required: ['operationId', 'kind', ...Object.keys(required)],
  additionalProperties: false,
});

/** The bodies that are taken. */
export const operationSchemas: Readonly<Record<OperationKind, JsonSchema>> = {
  create: ofKind('create', 'Makes an IAM user.', { data: newAccount }),
  update: ofKind('update', 'Changes a user.', { account: target, data: accountChange }),
  enable: ofKind('enable', 'Gives a disabled user back what was switched off.', { account: target }),
  disable: ofKind('disable', 'Leaves a user nothing that can be used.', { account: target }),
  delete: ofKind('delete', 'Deletes a user with everything that it owns.', { account: target }),
  resetPassword: ofKind(
    'resetPassword',
    'Sets another console password, once for this operationId.',
    { account: target },
    { password },
  ),
  addEntitlement: ofKind('addEntitlement', 'Gives a user groups and policies.', {
    account: target,
    entitlements,
  }),
  removeEntitlement: ofKind('removeEntitlement', 'Takes groups and policies from a user.', {
    account: target,
    entitlements,
  }),
};
