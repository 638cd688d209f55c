import { content, names, pathParameter, problems, queryParameter, type Area } from './parts.ts';

/** What is about no connection: the same at every server. */
const servers = [{ url: '/' }];

export const reportsArea: Area = {
  schemas: {},
  paths: {
    '/reports/{namespace}/{name}': {
      servers,
      get: {
        operationId: 'getReport',
        tags: ['reports'],
        summary: 'The report of a reconciliation that is complete',
        description:
          'Newline-delimited JSON: a line on the run, a line a change, and a line that says how many there were; one without that was broken off.',
        security: [{ kubernetes: [] }],
        parameters: [
          pathParameter('namespace', 'Of the AwsReconciliation.', names.namespace),
          pathParameter('name', 'Of the AwsReconciliation.', names.object),
          queryParameter('resource', 'Only changes of these.', {
            type: 'string',
            enum: ['Account', 'Entitlement'],
          }),
          queryParameter('change', 'Only these changes.', {
            type: 'string',
            enum: ['Created', 'Changed', 'Deleted', 'LeftFilter'],
          }),
        ],
        responses: {
          200: { description: 'The report.', content: content('application/x-ndjson', { type: 'string' }) },
          ...problems('problem+json', { more: [409] }),
        },
      },
    },
    '/openapi.json': {
      servers,
      get: {
        operationId: 'getOpenApi',
        tags: ['reports'],
        summary: 'This document',
        security: [],
        responses: {
          200: { description: 'This document.', content: content('application/json', { type: 'object' }) },
          ...problems('problem+json', { without: [401, 403] }),
        },
      },
    },
  },
};
