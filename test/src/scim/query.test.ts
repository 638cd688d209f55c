import { describe, expect, test } from '@jest/globals';
import {
  entityTag,
  fits,
  listResponse,
  readQuery,
  readSearch,
  readWanted,
  versionsOf,
  type JsonValue,
} from '../../../src/scim/index.ts';

const plain = {
  filter: undefined,
  sortBy: undefined,
  descending: false,
  startIndex: 1,
  count: undefined,
  wanted: { attributes: undefined, excludedAttributes: undefined },
};

describe('the parameters of a list (RFC 7644, 3.4.2)', () => {
  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{}, {}],
    [{ filter: 'userName eq "jo"' }, { filter: 'userName eq "jo"' }],
    [
      { FILTER: 'active eq true', StartIndex: '5' },
      { filter: 'active eq true', startIndex: 5 },
    ],
    [{ filter: '', sortBy: '', count: '' }, {}],
    [{ startIndex: '0' }, { startIndex: 1 }],
    [{ startIndex: '-7' }, { startIndex: 1 }],
    [{ count: '0' }, { count: 0 }],
    [{ count: '-1' }, { count: 0 }],
    [{ count: '100' }, { count: 100 }],
    [
      { sortBy: 'userName', sortOrder: 'Descending' },
      { sortBy: 'userName', descending: true },
    ],
    [{ sortOrder: 'ascending' }, {}],
    [
      { attributes: 'userName, name.givenName,,' },
      {
        wanted: { attributes: ['userName', 'name.givenName'], excludedAttributes: undefined },
      },
    ],
    [
      { attributes: ['userName', 'active'] },
      {
        wanted: { attributes: ['userName', 'active'], excludedAttributes: undefined },
      },
    ],
    [
      { excludedattributes: 'members' },
      {
        wanted: { attributes: undefined, excludedAttributes: ['members'] },
      },
    ],
    [{ attributes: '' }, {}],
    [{ other: 'x', __proto__: 'y' }, {}],
  ])('%j', (parameters, expected) => {
    expect(readQuery(parameters)).toEqual({ ...plain, ...expected });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ startIndex: 'one' }, '"startIndex" is a whole number, and not "one".'],
    [{ count: '1.5' }, '"count" is a whole number'],
    [{ count: '1e3' }, '"count" is a whole number'],
    [{ count: '9'.repeat(400) }, '"count" is a whole number'],
    [{ count: ['1', '2'] }, '"count" is given once.'],
    [{ filter: ['a pr', 'b pr'] }, '"filter" is given once.'],
    [{ sortBy: ' '.repeat(1_025) }, '"sortBy" has at most 1024 characters.'],
    [{ sortOrder: 'up' }, '"sortOrder" is ascending or descending.'],
    [{ attributes: 'a', excludedAttributes: 'b' }, 'not both'],
  ])('%j is refused', (parameters, message) => {
    expect(() => readQuery(parameters)).toThrow(expect.objectContaining({ scimType: 'invalidValue' }));
    expect(() => readQuery(parameters)).toThrow(message);
  });

  test('what is wanted goes with every request', () => {
    expect(readWanted({ attributes: 'id' })).toEqual({ attributes: ['id'], excludedAttributes: undefined });
    expect(readWanted({})).toEqual({ attributes: undefined, excludedAttributes: undefined });
  });
});

describe('/.search (RFC 7644, 3.4.3)', () => {
  const schemas = ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'];

  test.each<[Record<string, JsonValue>, Record<string, unknown>]>([
    [{ schemas }, {}],
    [{}, {}],
    [
      { schemas, attributes: ['userName'], filter: 'a pr', sortBy: 'a', sortOrder: 'descending' },
      {
        wanted: { attributes: ['userName'], excludedAttributes: undefined },
        filter: 'a pr',
        sortBy: 'a',
        descending: true,
      },
    ],
    [{ schemas, startIndex: 0, count: -5 }, { count: 0 }],
    [
      { schemas, StartIndex: 11, COUNT: '10' },
      { startIndex: 11, count: 10 },
    ],
    [
      { schemas, excludedAttributes: 'a,b' },
      {
        wanted: { attributes: undefined, excludedAttributes: ['a', 'b'] },
      },
    ],
    [{ schemas, filter: null, count: null, attributes: null, sortBy: null, sortOrder: null }, {}],
    [{ schemas, attributes: [] }, {}],
  ])('%j', (body, expected) => {
    expect(readSearch(body)).toEqual({ ...plain, ...expected });
  });

  test.each<[JsonValue, string]>([
    [[], 'The body is a JSON object.'],
    [{ schemas: ['urn:other'] }, '"schemas" is a list with'],
    [{ schemas, sortBy: 'a'.repeat(1_025) }, '"sortBy" has at most 1024 characters.'],
    [{ schemas, filter: 7 }, '"filter" is a text.'],
    [{ schemas, count: 1.5 }, '"count" is a whole number'],
    [{ schemas, attributes: [7] }, '"attributes" is a list of names.'],
    [{ schemas, attributes: {} }, '"attributes" is a list of names.'],
    [{ schemas, attributes: ['a'], excludedAttributes: ['b'] }, 'not both'],
  ])('%j is refused', (body, message) => {
    expect(() => readSearch(body)).toThrow(message);
  });
});

test('a page of a list', () => {
  expect(listResponse({ resources: [{ id: '1' }], total: 7, startIndex: 3 })).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: 7,
    startIndex: 3,
    itemsPerPage: 1,
    Resources: [{ id: '1' }],
  });
});

describe('entity tags (RFC 9110, 8.8.3 and 13.1)', () => {
  test.each([
    [undefined, undefined],
    ['', undefined],
    ['*', 'any'],
    [' * ', 'any'],
    ['"a1"', ['a1']],
    ['W/"a1"', ['a1']],
    ['"a1", W/"b2","c3"', ['a1', 'b2', 'c3']],
    ['""', ['']],
    ['a1', []],
    ['"a1', []],
  ])('%j names %j', (header, expected) => {
    expect(versionsOf(header)).toEqual(expected);
  });

  test('a version fits where it is named, or any is meant', () => {
    expect(fits(versionsOf(`"x", ${entityTag('v1')}`) ?? [], 'v1')).toBe(true);
    expect(fits('any', 'v1')).toBe(true);
    expect(fits(['v2'], 'v1')).toBe(false);
    expect(fits([], 'v1')).toBe(false);
  });
});
