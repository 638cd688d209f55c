import { connectorArea } from './connector.ts';
import type { Area } from './parts.ts';
import { reportsArea } from './reports.ts';
import { scimArea } from './scim.ts';
import { webhookArea } from './webhook.ts';

const areas: readonly Area[] = [scimArea, connectorArea, webhookArea, reportsArea];

/** The OpenAPI 3.1 document of the port: every path of every mount, once for the default connection; servers tell the others. */
export function openApiDocument({ version }: { readonly version: string }): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'AWS connector of IDHub',
      version,
      description:
        'SCIM 2.0, the connector endpoints and the webhook of IDHub, and reports. The paths speak of the default connection; below /connections/{namespace}/{name} they speak of that one.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      { url: '/', description: 'The default connection.' },
      {
        url: '/connections/{namespace}/{name}',
        description: 'One connection.',
        variables: {
          namespace: { default: 'default', description: 'Of the AwsConnection.' },
          name: { default: 'aws', description: 'Of the AwsConnection.' },
        },
      },
    ],
    tags: [
      { name: 'scim', description: 'RFC 7643, RFC 7644.' },
      { name: 'connector', description: "What IDHub's onboarding asks for." },
      { name: 'webhook', description: 'Operations and reconciliations that IDHub asks for.' },
      { name: 'reports', description: 'What reconciliations have found.' },
    ],
    security: [{ basic: [] }, { bearer: [] }],
    paths: Object.assign({}, ...areas.map(({ paths }) => paths)) as Area['paths'],
    components: {
      schemas: {
        Problem: {
          type: 'object',
          description: 'RFC 9457.',
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string', description: 'What is wrong, and what to do.' },
          },
          required: ['type', 'title', 'status', 'detail'],
          additionalProperties: false,
        },
        ...(Object.assign({}, ...areas.map(({ schemas }) => schemas)) as Area['schemas']),
      },
      headers: {
        RetryAfter: {
          description: 'Seconds until asking again can help.',
          schema: { type: 'integer', minimum: 0 },
        },
      },
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'As the Secret of the port has them.' },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'As the Secret of the port has them, or of the OIDC issuer.',
        },
        kubernetes: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token of the cluster for the audience idhub-aws-connector.',
        },
      },
    },
  };
}
