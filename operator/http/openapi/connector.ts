import type { JsonSchema } from '../../../src/idhub/index.ts';
import { content, problems, schemaRef, type Area } from './parts.ts';

const text = { type: 'string' } as const;
const state: JsonSchema = {
  type: 'string',
  description: 'NOT_CONFIGURED, UP, DOWN, OUT_OF_SERVICE or UNKNOWN, or as --connector-states names them.',
};
const answer = (schema: string): object => ({
  200: { description: 'As it is.', content: content('application/json', schemaRef(schema)) },
  ...problems('problem+json'),
});

const schemaDocument: JsonSchema = {
  type: 'object',
  description: 'A schema document as the vendor writes them.',
  properties: {
    id: text,
    name: text,
    endpoint: text,
    description: text,
    schema: text,
    attributes: { type: 'array', items: { type: 'object' } },
    meta: { type: 'object' },
  },
  required: ['id', 'name', 'endpoint', 'schema'],
};

export const connectorArea: Area = {
  schemas: {
    ConnectorHealth: {
      type: 'object',
      properties: {
        status: state,
        message: text,
        parts: {
          type: 'array',
          items: {
            type: 'object',
            properties: { name: { type: 'string', enum: ['aws', 'idhub'] }, status: state, message: text },
            required: ['name', 'status', 'message'],
            additionalProperties: false,
          },
        },
      },
      required: ['status', 'message', 'parts'],
      additionalProperties: false,
    },
    ConnectorTest: {
      type: 'object',
      properties: { status: state, message: text },
      required: ['status', 'message'],
      additionalProperties: false,
    },
    ConnectorMetadata: {
      type: 'object',
      properties: {
        name: text,
        version: text,
        targetSystem: text,
        businessOwner: text,
        itOwner: text,
        baseUrl: { type: 'string', format: 'uri' },
        resourceTypes: { type: 'array', items: text },
        accountSchema: schemaDocument,
        entitlementSchema: schemaDocument,
        accountNameField: text,
        reconciliationKeys: { type: 'array', items: text },
        capabilities: { type: 'object' },
      },
      required: [
        'name',
        'version',
        'targetSystem',
        'baseUrl',
        'resourceTypes',
        'accountSchema',
        'entitlementSchema',
      ],
      additionalProperties: false,
    },
  },
  paths: {
    '/connector/health': {
      get: {
        operationId: 'getConnectorHealth',
        tags: ['connector'],
        summary: 'How the connector stands, with AWS and with IDHub',
        responses: answer('ConnectorHealth'),
      },
    },
    '/connector/test': {
      get: {
        operationId: 'testConnector',
        tags: ['connector'],
        summary: 'Whether the credentials of the AWS account are good now; 503 where they are not',
        responses: answer('ConnectorTest'),
      },
    },
    '/connector/metadata': {
      get: {
        operationId: 'getConnectorMetadata',
        tags: ['connector'],
        summary: 'What IDHub needs to draft the application',
        responses: answer('ConnectorMetadata'),
      },
    },
  },
};
