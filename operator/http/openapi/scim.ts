import {
  accountKind,
  entitlementKind,
  groupKind,
  userKind,
  type JsonSchema,
} from '../../../src/idhub/index.ts';
import { accountSchema } from '../../../src/schema/index.ts';
import type { ResourceType } from '../../../src/scim/index.ts';
import {
  content,
  pathParameter,
  problems,
  queryParameter,
  schemaRef,
  type Area,
  type PathItem,
} from './parts.ts';
import { bulk, patch, resourceSchema, search, writtenSchema } from './scim-schemas.ts';

const media = 'application/scim+json';
const text = { type: 'string' } as const;
const list = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

const { schema } = accountSchema([], '');
const kinds = {
  Account: { type: accountKind(schema).type, writes: ['post', 'put', 'patch', 'delete'] },
  Users: { type: userKind(schema).type, writes: ['post', 'put', 'patch', 'delete'] },
  Groups: { type: groupKind.type, writes: ['put', 'patch'] },
  Entitlement: { type: entitlementKind.type, writes: [] },
} as const satisfies Record<string, { readonly type: ResourceType; readonly writes: readonly string[] }>;

/** In `components.schemas`; `Account` alone would be too common a word there. */
const nameOf = (endpoint: string): string => `Scim${endpoint}`;
const writtenName = (endpoint: string): string => `Scim${endpoint}Written`;

function listSchema(items: JsonSchema): JsonSchema {
  return {
    type: 'object',
    properties: {
      schemas: { type: 'array', items: { type: 'string', const: list } },
      totalResults: { type: 'integer', minimum: 0 },
      startIndex: { type: 'integer', minimum: 1 },
      itemsPerPage: { type: 'integer', minimum: 0 },
      Resources: { type: 'array', items },
    },
    required: ['schemas', 'totalResults'],
  };
}

const wanted = [
  queryParameter('attributes', 'Only these attributes, with commas between them.', text),
  queryParameter('excludedAttributes', 'Not these attributes, with commas between them.', text),
];

const query = [
  queryParameter('filter', 'RFC 7644, section 3.4.2.2.', text),
  queryParameter('sortBy', 'An attribute.', text),
  queryParameter('sortOrder', 'ascending is the default.', {
    type: 'string',
    enum: ['ascending', 'descending'],
  }),
  queryParameter('startIndex', 'Of the first resource, from 1.', { type: 'integer' }),
  queryParameter('count', 'How many at most.', { type: 'integer' }),
  ...wanted,
];

const ifMatch = {
  name: 'If-Match',
  in: 'header',
  description: 'Only if it is this version.',
  schema: text,
};
const etag = { ETag: { description: 'Its version.', schema: text } };
const body = (what: JsonSchema): object => ({
  required: true,
  content: { ...content(media, what), ...content('application/json', what) },
});
const errors = (options: Parameters<typeof problems>[1] = {}): object => problems('scim', options);
const one = (name: string): object => ({
  description: 'As it is in AWS.',
  headers: etag,
  content: content(media, schemaRef(name)),
});
const many = (items: JsonSchema): object => ({
  description: 'A page.',
  content: content(media, listSchema(items)),
});

function pathsOf(endpoint: keyof typeof kinds): Readonly<Record<string, PathItem>> {
  const { type, writes } = kinds[endpoint];
  const name = nameOf(endpoint);
  const tags = ['scim'];
  const id = pathParameter('id', "IAM's unique id.");
  const can = (method: string): boolean => (writes as readonly string[]).includes(method);
  const written501 = { body: true, more: [412, 501] };
  const post = {
    post: {
      operationId: `create${endpoint}`,
      tags,
      summary: can('post') ? `Makes one: ${type.description}` : 'Not offered.',
      requestBody: body(schemaRef(writtenName(endpoint))),
      responses: {
        ...(can('post')
          ? {
              201: {
                ...one(name),
                headers: { ...etag, Location: { schema: { type: 'string', format: 'uri' } } },
              },
            }
          : {}),
        ...errors(written501),
      },
    },
  };
  const change = (method: 'put' | 'patch'): object => ({
    [method]: {
      operationId: `${method === 'put' ? 'replace' : 'patch'}${endpoint}`,
      tags,
      summary: can(method) ? 'Changes one' : 'Not offered.',
      parameters: [id, ifMatch],
      requestBody: body(method === 'put' ? schemaRef(writtenName(endpoint)) : schemaRef('ScimPatch')),
      responses: {
        ...(can(method) ? { 200: one(name), 204: { description: 'So it is.', headers: etag } } : {}),
        ...errors(written501),
      },
    },
  });
  const remove = {
    delete: {
      operationId: `delete${endpoint}`,
      tags,
      summary: can('delete') ? 'Deletes one' : 'Not offered.',
      parameters: [id, ifMatch],
      responses: {
        ...(can('delete') ? { 204: { description: 'It is gone.' } } : {}),
        ...errors({ more: [409, 412, 501] }),
      },
    },
  };
  return {
    [`/scim/v2/${endpoint}`]: {
      get: {
        operationId: `list${endpoint}`,
        tags,
        summary: type.description,
        parameters: query,
        responses: { 200: many(schemaRef(name)), ...errors({ more: [409] }) },
      },
      ...post,
    },
    [`/scim/v2/${endpoint}/.search`]: searchItem(`search${endpoint}`, schemaRef(name)),
    [`/scim/v2/${endpoint}/{id}`]: {
      get: {
        operationId: `get${endpoint}`,
        tags,
        summary: 'One of them',
        parameters: [
          id,
          ...wanted,
          {
            name: 'If-None-Match',
            in: 'header',
            description: 'Only if it is another version.',
            schema: text,
          },
        ],
        responses: {
          200: one(name),
          304: { description: 'It is that version.' },
          ...errors({ more: [412] }),
        },
      },
      ...change('put'),
      ...change('patch'),
      ...remove,
    },
  };
}

function searchItem(operationId: string, items: JsonSchema): PathItem {
  return {
    post: {
      operationId,
      tags: ['scim'],
      summary: 'Searches, with the query in the body',
      requestBody: body(schemaRef('ScimSearch')),
      responses: { 200: many(items), ...errors({ body: true }) },
    },
  };
}

function described(path: string, operationId: string, summary: string): Readonly<Record<string, PathItem>> {
  const tags = ['scim'];
  return {
    [`/scim/v2/${path}`]: {
      get: {
        operationId: `list${operationId}`,
        tags,
        summary,
        responses: { 200: many({ type: 'object' }), ...errors() },
      },
    },
    [`/scim/v2/${path}/{id}`]: {
      get: {
        operationId: `get${operationId}`,
        tags,
        summary: 'One of them',
        parameters: [pathParameter('id', 'As the list tells it.')],
        responses: { 200: { description: 'It.', content: content(media, { type: 'object' }) }, ...errors() },
      },
    },
  };
}

const endpoints = Object.keys(kinds) as (keyof typeof kinds)[];

export const scimArea: Area = {
  schemas: {
    ...Object.fromEntries(
      endpoints.flatMap((each) => [
        [nameOf(each), resourceSchema(kinds[each].type)],
        [writtenName(each), writtenSchema(kinds[each].type)],
      ]),
    ),
    ScimPatch: patch,
    ScimSearch: search,
    ScimBulk: bulk,
    ScimError: {
      type: 'object',
      description: 'RFC 7644, section 3.12.',
      properties: {
        schemas: { type: 'array', items: text },
        status: { type: 'string', pattern: '^[1-5][0-9][0-9]$' },
        scimType: text,
        detail: text,
      },
      required: ['schemas', 'status'],
    },
  },
  paths: {
    '/scim/v2/ServiceProviderConfig': {
      get: {
        operationId: 'getServiceProviderConfig',
        tags: ['scim'],
        summary: 'What of SCIM is offered',
        responses: { 200: { description: 'It.', content: content(media, { type: 'object' }) }, ...errors() },
      },
    },
    ...described('ResourceTypes', 'ResourceTypes', 'The types of resources'),
    ...described('Schemas', 'Schemas', 'What resources of the connection are made of'),
    ...Object.assign({}, ...endpoints.map(pathsOf)),
    '/scim/v2': {
      get: {
        operationId: 'listAll',
        tags: ['scim'],
        summary: 'Resources of all types',
        parameters: query,
        responses: { 200: many({ type: 'object' }), ...errors({ more: [409] }) },
      },
    },
    '/scim/v2/.search': searchItem('searchAll', { type: 'object' }),
    '/scim/v2/Me': Object.fromEntries(
      ['get', 'post', 'put', 'patch', 'delete'].map((method) => [
        method,
        {
          operationId: `${method}Me`,
          tags: ['scim'],
          summary: 'Not offered: callers are no resources here.',
          responses: errors({ body: true, more: [501] }),
        },
      ]),
    ),
    '/scim/v2/Bulk': {
      post: {
        operationId: 'bulk',
        tags: ['scim'],
        summary: 'Several writes in one request',
        requestBody: body(schemaRef('ScimBulk')),
        responses: {
          200: {
            description: 'What came of each.',
            content: content(media, {
              type: 'object',
              properties: {
                schemas: { type: 'array', items: text },
                Operations: { type: 'array', items: { type: 'object' } },
              },
              required: ['schemas', 'Operations'],
            }),
          },
          ...errors({ body: true }),
        },
      },
    },
  },
};
