import {
  maxBatch,
  operationIdSchema,
  operationKinds,
  operationSchemas,
  runSchema,
  type JsonSchema,
} from '../../../src/idhub/index.ts';
import { content, locationHeader, names, pathParameter, problems, schemaRef, type Area } from './parts.ts';

const nameOf = (kind: string): string => `${kind.charAt(0).toUpperCase()}${kind.slice(1)}Operation`;

const operation: JsonSchema = {
  oneOf: operationKinds.map((kind) => schemaRef(nameOf(kind))),
  discriminator: {
    propertyName: 'kind',
    mapping: Object.fromEntries(operationKinds.map((kind) => [kind, `#/components/schemas/${nameOf(kind)}`])),
  },
};

const about = {
  operationId: { type: ['string', 'null'], description: 'null where the body did not say.' },
  kind: { type: ['string', 'null'], enum: [...operationKinds, null] },
} as const;

const retryAfter = { type: 'integer', minimum: 0, description: 'Seconds.' } as const;
const message = { type: 'string', description: 'For people.' } as const;

function result(
  status: string,
  description: string,
  properties: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[] = [],
): JsonSchema {
  const all = { ...about, status: { type: 'string', const: status }, ...properties };
  return {
    type: 'object',
    description,
    properties: all,
    required: Object.keys(all).filter((name) => !optional.includes(name)),
    additionalProperties: false,
  };
}

const schemas: Readonly<Record<string, JsonSchema>> = {
  ...Object.fromEntries(operationKinds.map((kind) => [nameOf(kind), operationSchemas[kind]])),
  Operation: operation,
  OperationDone: result('done', 'It is so in AWS.', {
    account: {
      type: 'object',
      properties: { id: { type: 'string' }, userName: { type: 'string' }, arn: { type: 'string' } },
      required: ['id', 'userName'],
      additionalProperties: false,
    },
  }),
  OperationRefused: result(
    'refused',
    'It was not done, and nothing of it is left. The same operation again is answered alike.',
    {
      reason: {
        type: 'string',
        enum: [
          'missing',
          'uniqueness',
          'mutability',
          'invalidValue',
          'quota',
          'forbidden',
          'version',
          'conflict',
          'invalidOperation',
          'operationIdUsed',
        ],
      },
      message,
      errors: {
        type: 'array',
        items: { type: 'string' },
        description: 'What is wrong with the body, by place.',
      },
    },
    ['errors'],
  ),
  OperationPending: result('pending', 'Accepted: it goes on whatever happens to the connector.', {
    message,
    retryAfter,
    location: { type: 'string', format: 'uri', description: 'Where to ask how it ended.' },
  }),
  OperationFailed: result('failed', 'Not ended, and nobody goes on with it: send it again.', {
    reason: { type: 'string', enum: ['unavailable', 'throttled', 'interrupted', 'conflict'] },
    message,
    retryAfter,
  }),
  OperationResult: {
    oneOf: ['Done', 'Refused', 'Pending', 'Failed'].map((each) => schemaRef(`Operation${each}`)),
    discriminator: {
      propertyName: 'status',
      mapping: Object.fromEntries(
        ['Done', 'Refused', 'Pending', 'Failed'].map((each) => [
          each.toLowerCase(),
          `#/components/schemas/Operation${each}`,
        ]),
      ),
    },
  },
  OperationResults: {
    type: 'object',
    properties: { results: { type: 'array', items: schemaRef('OperationResult') } },
    required: ['results'],
    additionalProperties: false,
  },
  ReconciliationRequest: runSchema,
  Reconciliation: {
    type: 'object',
    properties: {
      namespace: { type: 'string' },
      name: { type: 'string' },
      operationId: { type: 'string' },
      status: { type: 'string', enum: ['running', 'complete', 'failed'] },
      reason: {
        type: 'string',
        description: 'One word for programs, as in the conditions of AwsReconciliation.',
      },
      message,
      mode: { type: 'string', enum: ['Full', 'Incremental'], description: 'How it was read in the end.' },
      counts: { type: 'object', additionalProperties: { type: 'integer' } },
      startedAt: { type: 'string', format: 'date-time' },
      finishedAt: { type: 'string', format: 'date-time' },
      report: { type: 'string', format: 'uri', description: 'Where the report is once the run is complete.' },
    },
    required: ['namespace', 'name', 'status', 'reason', 'message', 'report'],
    additionalProperties: false,
  },
};

const results = content('application/json', {
  oneOf: [schemaRef('OperationResult'), schemaRef('OperationResults')],
});
const oneResult = content('application/json', schemaRef('OperationResult'));
const reconciliation = content('application/json', schemaRef('Reconciliation'));
const retryHeader = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } };

export const webhookArea: Area = {
  schemas,
  paths: {
    '/webhook/v1/operations': {
      post: {
        operationId: 'submitOperations',
        tags: ['webhook'],
        summary: 'Does one operation, or a list of them',
        description:
          'Those on one user are done in their order, those on different users at once. What is wrong with one of a list is the result of that one alone.',
        requestBody: {
          required: true,
          content: content('application/json', {
            oneOf: [
              schemaRef('Operation'),
              { type: 'array', minItems: 1, maxItems: maxBatch, items: schemaRef('Operation') },
            ],
          }),
        },
        responses: {
          200: { description: 'All have ended.', content: results },
          202: {
            description: 'Some go on. Location and Retry-After are those of one operation alone.',
            headers: { ...locationHeader, ...retryHeader },
            content: results,
          },
          ...problems('problem+json', { body: true }),
        },
      },
    },
    '/webhook/v1/operations/{operationId}': {
      get: {
        operationId: 'getOperation',
        tags: ['webhook'],
        summary: 'How an operation of the last 7 days stands',
        parameters: [pathParameter('operationId', 'As it was sent.', operationIdSchema)],
        responses: {
          200: { description: 'It has ended, or nobody goes on with it.', content: oneResult },
          202: {
            description: 'It goes on.',
            headers: { ...locationHeader, ...retryHeader },
            content: oneResult,
          },
          ...problems('problem+json'),
        },
      },
    },
    '/webhook/v1/reconciliations': {
      post: {
        operationId: 'startReconciliation',
        tags: ['webhook'],
        summary: 'Makes a reconciliation, once for its operationId',
        requestBody: {
          required: true,
          content: content('application/json', schemaRef('ReconciliationRequest')),
        },
        responses: {
          200: {
            description: 'It was made earlier, and has ended.',
            headers: locationHeader,
            content: reconciliation,
          },
          201: { description: 'It was made.', headers: locationHeader, content: reconciliation },
          202: {
            description: 'It was made earlier, and goes on.',
            headers: locationHeader,
            content: reconciliation,
          },
          ...problems('problem+json', { body: true }),
        },
      },
    },
    '/webhook/v1/reconciliations/{name}': {
      get: {
        operationId: 'getReconciliation',
        tags: ['webhook'],
        summary: 'How a reconciliation of the connection stands',
        parameters: [
          pathParameter(
            'name',
            'Of the AwsReconciliation, in the namespace of the connection.',
            names.object,
          ),
        ],
        responses: {
          200: { description: 'As it stands.', content: reconciliation },
          ...problems('problem+json'),
        },
      },
    },
  },
};
