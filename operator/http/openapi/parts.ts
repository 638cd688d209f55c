import type { JsonSchema } from '../../../src/idhub/index.ts';
import type { ErrorFormat, Method } from '../frame/index.ts';

/** Parts of an OpenAPI 3.1 document, as they are written here. */
export type PathItem = Readonly<Partial<Record<Lowercase<Method>, object>>> & { readonly servers?: object };

export interface Area {
  /** By the whole path from the server's root: `/webhook/v1/operations`. */
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly schemas: Readonly<Record<string, JsonSchema>>;
}

export function schemaRef(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

export function pathParameter(name: string, description: string, schema: JsonSchema = {}): object {
  return {
    name,
    in: 'path',
    required: true,
    description,
    schema: { type: 'string', minLength: 1, ...schema },
  };
}

export function queryParameter(name: string, description: string, schema: JsonSchema): object {
  return { name, in: 'query', description, schema };
}

/** A body of one media type. */
export function content(type: string, schema: JsonSchema): object {
  return { [type]: { schema } };
}

const meanings: Readonly<Record<number, string>> = {
  400: 'The request makes no sense; the detail says what to write instead.',
  401: 'Nobody who is known here.',
  403: 'The caller may not use this connection, or may not do this.',
  404: 'There is no such thing.',
  405: 'Another method is wanted; the header field Allow names those that there are.',
  408: 'The body did not come in time.',
  409: 'It cannot be done as things stand.',
  412: 'The resource is another one than If-Match says.',
  413: 'The body is too long.',
  414: 'The address is too long.',
  415: 'The body is of another media type than is read here.',
  429: 'Too much in a short time.',
  501: 'That is not offered.',
  503: 'It cannot be told, or done, now; asking again later helps.',
};

const everywhere = [400, 401, 403, 404, 405, 414, 429, 503];
const withBody = [408, 409, 413, 415];

/** What may be answered in place of what was asked for. */
export function problems(
  format: ErrorFormat,
  options: {
    readonly body?: boolean;
    readonly more?: readonly number[];
    readonly without?: readonly number[];
  } = {},
): Readonly<Record<string, object>> {
  const { body = false, more = [], without = [] } = options;
  const statuses = [...new Set([...everywhere, ...(body ? withBody : [413, 415]), ...more])]
    .filter((status) => !without.includes(status))
    .toSorted((one, other) => one - other);
  return Object.fromEntries(statuses.map((status) => [String(status), problem(format, status)]));
}

function problem(format: ErrorFormat, status: number): object {
  return {
    description: meanings[status] ?? '',
    ...([429, 503].includes(status)
      ? { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } }
      : {}),
    content:
      format === 'scim'
        ? content('application/scim+json', schemaRef('ScimError'))
        : content('application/problem+json', schemaRef('Problem')),
  };
}

/** Header fields of an answer that names a thing of its own. */
export const locationHeader = {
  Location: { description: 'Address of what was made.', schema: { type: 'string', format: 'uri' } },
} as const;

/** Names of namespaces, and of other objects (RFC 1123, labels and subdomains). */
export const names = {
  namespace: { maxLength: 63, pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' },
  object: { maxLength: 253, pattern: '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$' },
} as const;
