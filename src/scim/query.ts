import { ScimError } from './error.ts';
import { isObject } from './path.ts';
import type { Wanted } from './projection.ts';
import { requireSchema } from './read.ts';
import { short } from './short.ts';
import type { JsonObject, JsonValue } from './schema.ts';

const searchUrn = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const listUrn = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

const longestPath = 1_024;

/** What a list is asked for (RFC 7644, 3.4.2). */
export interface ListQuery {
  /** As it was written; one without a character is none. */
  readonly filter: string | undefined;
  /** A path, as it was written. */
  readonly sortBy: string | undefined;
  readonly descending: boolean;
  /** The first is 1. */
  readonly startIndex: number;
  /** How many at most; undefined: as many as a page has. */
  readonly count: number | undefined;
  readonly wanted: Wanted;
}

/**
 * Reads the parameters of a GET. Names are told without regard to case, unknown ones are passed over, and numbers
 * out of range are read as RFC 7644, 3.4.2.4 says.
 * @throws {ScimError} `invalidValue`
 */
export function readQuery(parameters: Readonly<Record<string, unknown>>): ListQuery {
  const by = new Map(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]));
  const text = (name: string): string | undefined => {
    const value = by.get(name.toLowerCase());
    if (value !== undefined && typeof value !== 'string') {
      throw new ScimError('invalidValue', `"${name}" is given once.`);
    }
    return value === undefined || value === '' ? undefined : value;
  };
  const number = (name: string): number | undefined => {
    const value = text(name);
    return value === undefined ? undefined : wholeNumber(name, value);
  };
  return queryOf({ text, number }, readWanted(parameters));
}

/**
 * Reads which attributes are wanted from the parameters of any request.
 * @throws {ScimError} `invalidValue` where both lists are there (RFC 7644, 3.9)
 */
export function readWanted(parameters: Readonly<Record<string, unknown>>): Wanted {
  const list = (name: string): readonly string[] | undefined => {
    const key = Object.keys(parameters).find((each) => each.toLowerCase() === name.toLowerCase());
    const given = key === undefined ? undefined : parameters[key];
    const texts: readonly unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given];
    const names = texts.flatMap((each) => (typeof each === 'string' ? split(each) : []));
    return names.length === 0 ? undefined : names;
  };
  return wantedOf(list('attributes'), list('excludedAttributes'));
}

/**
 * Reads the body of a POST to `/.search` (RFC 7644, 3.4.3).
 * @throws {ScimError} `invalidSyntax`, `invalidValue`
 */
export function readSearch(body: unknown): ListQuery {
  if (!isObject(body)) {
    throw new ScimError('invalidSyntax', 'The body is a JSON object.');
  }
  requireSchema(valueOf(body, 'schemas'), searchUrn);
  const text = (name: string): string | undefined => {
    const value = valueOf(body, name);
    if (value !== undefined && typeof value !== 'string') {
      throw new ScimError('invalidValue', `"${name}" is a text.`);
    }
    return value === '' ? undefined : value;
  };
  const number = (name: string): number | undefined => {
    const value = valueOf(body, name);
    return value === undefined ? undefined : wholeNumber(name, value);
  };
  const list = (name: string): readonly string[] | undefined => {
    const value = valueOf(body, name);
    const names: readonly JsonValue[] =
      typeof value === 'string' ? split(value) : Array.isArray(value) ? value : [];
    if ((value !== undefined && typeof value !== 'string' && !Array.isArray(value)) || !names.every(isText)) {
      throw new ScimError('invalidValue', `"${name}" is a list of names.`);
    }
    return names.length === 0 ? undefined : names;
  };
  return queryOf({ text, number }, wantedOf(list('attributes'), list('excludedAttributes')));
}

/** @param given what parameters or a body say of a name */
function queryOf(
  {
    text,
    number,
  }: {
    readonly text: (name: string) => string | undefined;
    readonly number: (name: string) => number | undefined;
  },
  wanted: Wanted,
): ListQuery {
  return {
    filter: text('filter'),
    sortBy: pathOf(text('sortBy')),
    descending: isDescending(text('sortOrder')),
    startIndex: firstOf(number('startIndex')),
    count: countOf(number('count')),
    wanted,
  };
}

/** A page of a list (RFC 7644, 3.4.2). */
export function listResponse(page: {
  readonly resources: readonly JsonObject[];
  /** Of all that fit. */
  readonly total: number;
  readonly startIndex: number;
}): JsonObject {
  return {
    schemas: [listUrn],
    totalResults: page.total,
    startIndex: page.startIndex,
    itemsPerPage: page.resources.length,
    Resources: page.resources,
  };
}

function wantedOf(
  attributes: readonly string[] | undefined,
  excludedAttributes: readonly string[] | undefined,
): Wanted {
  if (attributes !== undefined && excludedAttributes !== undefined) {
    throw new ScimError('invalidValue', 'Either "attributes" or "excludedAttributes", not both.');
  }
  return { attributes, excludedAttributes };
}

/** `null` is not said. */
function valueOf(body: JsonObject, name: string): JsonValue | undefined {
  const key = Object.keys(body).find((each) => each.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : (body[key] ?? undefined);
}

function isText(value: JsonValue): value is string {
  return typeof value === 'string';
}

function split(names: string): readonly string[] {
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function wholeNumber(name: string, value: JsonValue): number {
  const number = typeof value === 'string' && /^[-+]?\d{1,15}$/.test(value.trim()) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw new ScimError(
      'invalidValue',
      `"${name}" is a whole number, and not ${short(JSON.stringify(value))}.`,
    );
  }
  return number;
}

function pathOf(sortBy: string | undefined): string | undefined {
  if (sortBy !== undefined && sortBy.length > longestPath) {
    throw new ScimError('invalidValue', `"sortBy" has at most ${longestPath} characters.`);
  }
  return sortBy;
}

function firstOf(startIndex = 1): number {
  return Math.max(1, startIndex);
}

function countOf(count: number | undefined): number | undefined {
  return count === undefined ? undefined : Math.max(0, count);
}

function isDescending(order = 'ascending'): boolean {
  const folded = order.toLowerCase();
  if (folded !== 'ascending' && folded !== 'descending') {
    throw new ScimError('invalidValue', '"sortOrder" is ascending or descending.');
  }
  return folded === 'descending';
}
