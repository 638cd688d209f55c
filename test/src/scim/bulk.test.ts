import { describe, expect, test } from '@jest/globals';
import {
  errorBody,
  readBulk,
  runBulk,
  type BulkOperation,
  type BulkResult,
  type JsonObject,
  type JsonValue,
} from '../../../src/scim/index.ts';

const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
const post = (bulkId: string, data: JsonObject = {}, path = '/Users') => ({
  method: 'POST',
  path,
  bulkId,
  data,
});

/** Carries out what is told, and keeps what was begun. */
function service(fail: (operation: BulkOperation) => number | undefined = () => undefined) {
  const begun: BulkOperation[] = [];
  let running = 0;
  let most = 0;
  return {
    begun,
    most: () => most,
    execute: async (operation: BulkOperation): Promise<BulkResult & { id?: string }> => {
      begun.push(operation);
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      await Promise.resolve();
      running -= 1;
      const status = fail(operation);
      if (status !== undefined) {
        return { status, response: { status: String(status) } };
      }
      return operation.method === 'POST'
        ? { status: 201, id: `id-${operation.bulkId}`, location: `https://host${operation.path}/id` }
        : { status: 200, version: '"v"' };
    },
  };
}

async function run(body: JsonObject, over = service(), atOnce = 8) {
  const answer = await runBulk({
    request: readBulk({ schemas, ...body }, 100),
    atOnce,
    base: 'https://host',
    execute: over.execute,
    errorOf: (error) => ({ status: error.status, response: { ...errorBody(error), schemas: [] } }),
  });
  return (answer['Operations'] as JsonObject[]).map((each) => each['status']);
}

describe('a bulk request (RFC 7644, 3.7)', () => {
  test('is answered operation by operation, in its order', async () => {
    const over = service(({ path }) => (path === '/Users/gone' ? 404 : undefined));
    const answer = await runBulk({
      request: readBulk(
        {
          schemas,
          Operations: [
            post('a'),
            { method: 'patch', path: '/Users/1', version: 'W/"v1"', data: { Operations: [] } },
            { method: 'DELETE', path: '/Users/gone' },
            { method: 'PUT', path: '/Users/2', bulkId: 'p', data: {} },
          ],
        },
        100,
      ),
      atOnce: 8,
      base: 'https://host/scim/v2',
      execute: over.execute,
      errorOf: () => ({ status: 500 }),
    });
    expect(answer).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkResponse'],
      Operations: [
        { location: 'https://host/Users/id', method: 'POST', bulkId: 'a', status: '201' },
        { location: 'https://host/scim/v2/Users/1', method: 'PATCH', version: '"v"', status: '200' },
        {
          location: 'https://host/scim/v2/Users/gone',
          method: 'DELETE',
          response: { status: '404' },
          status: '404',
        },
        {
          location: 'https://host/scim/v2/Users/2',
          method: 'PUT',
          bulkId: 'p',
          version: '"v"',
          status: '200',
        },
      ],
    });
    expect(over.begun[1]).toMatchObject({ method: 'PATCH', version: 'W/"v1"' });
  });

  test('what names others by bulkId comes after them, with their ids', async () => {
    const over = service();
    const members = [{ value: 'bulkId:jo' }, { value: 'bulkId:al' }, { value: 'bulkId: no reference' }];
    expect(
      await run(
        {
          Operations: [
            { method: 'PATCH', path: '/Groups/bulkId:g', data: { x: 'bulkId:jo' } },
            post('g', { members: members.slice(0, 2) }, '/Groups'),
            post('jo'),
            post('al'),
          ],
        },
        over,
      ),
    ).toEqual(['200', '201', '201', '201']);
    expect(over.begun.map(({ bulkId, path }) => bulkId ?? path)).toEqual(['jo', 'al', 'g', '/Groups/id-g']);
    expect(over.begun[2]?.data).toEqual({ members: [{ value: 'id-jo' }, { value: 'id-al' }] });
    expect(over.begun[3]?.data).toEqual({ x: 'id-jo' });
  });

  test.each<[string, JsonValue[], string[]]>([
    ['names nobody', [post('a', { x: 'bulkId:none' })], ['409']],
    ['names what failed', [post('bad'), post('b', { x: 'bulkId:bad' }), post('c')], ['400', '409', '201']],
    ['waits for itself', [post('a', { x: 'bulkId:a' })], ['409']],
    [
      'waits in a circle',
      [post('a', { x: 'bulkId:b' }), post('b', { x: 'bulkId:a' }), post('c')],
      ['409', '409', '201'],
    ],
  ])('an operation that %s fails, and the others do not', async (_what, Operations, statuses) => {
    const over = service(({ bulkId }) => (bulkId === 'bad' ? 400 : undefined));
    expect(await run({ Operations }, over)).toEqual(statuses);
  });

  test.each([
    [1, ['400']],
    [2, ['400', '400']],
    [3, ['400', '400', '400']],
    [undefined, ['400', '400', '400']],
  ])('after %s errors nothing more is begun', async (failOnErrors, statuses) => {
    const over = service(() => 400);
    const Operations = [post('a'), post('b'), post('c')];
    expect(await run({ Operations, ...(failOnErrors === undefined ? {} : { failOnErrors }) }, over)).toEqual(
      statuses,
    );
    expect(over.begun).toHaveLength(statuses.length);
  });

  test('side by side, as many as may; those on one resource one after the other', async () => {
    const many = service();
    await run({ Operations: Array.from({ length: 20 }, (_, at) => post(`b${at}`)) }, many, 4);
    expect(many.most()).toBe(4);
    const one = service();
    const patch = (at: number) => ({ method: 'PATCH', path: '/Users/1', data: { at } });
    await run({ Operations: [patch(0), patch(1), { method: 'DELETE', path: '/users/1' }] }, one);
    expect(one.most()).toBe(1);
    expect(one.begun.map(({ method, data }) => [method, (data as JsonObject | undefined)?.['at']])).toEqual([
      ['PATCH', 0],
      ['PATCH', 1],
      ['DELETE', undefined],
    ]);
  });

  test('those that change the same come one after the other, and one that may change anything alone', async () => {
    const changes: Readonly<Record<string, readonly string[] | 'all'>> = {
      '/a': ['x'],
      '/b': ['x', 'y'],
      '/c': ['y'],
      '/d': ['z'],
      '/e': 'all',
      '/f': ['z'],
      '/g': ['x'],
    };
    const rounds: string[][] = [];
    let round: string[] | undefined;
    await runBulk({
      request: readBulk(
        { schemas, Operations: Object.keys(changes).map((path) => ({ method: 'PUT', path, data: {} })) },
        100,
      ),
      atOnce: 8,
      base: '',
      changedBy: ({ path }) => changes[path] ?? 'all',
      errorOf: () => ({ status: 500 }),
      execute: async ({ path }) => {
        if (round === undefined) {
          round = [];
          rounds.push(round);
        }
        round.push(path);
        await Promise.resolve();
        round = undefined;
        return { status: 200 };
      },
    });
    expect(rounds).toEqual([['/a', '/d'], ['/b'], ['/c'], ['/e'], ['/f', '/g']]);
  });

  test.each<[string, JsonValue[], string[]]>([
    [
      'what gives its name free',
      [post('b'), { method: 'DELETE', path: '/free' }, post('a')],
      ['b', '/free', 'a'],
    ],
    [
      'and not what waits for it',
      [
        { method: 'PATCH', path: '/x', data: { value: 'bulkId:a' } },
        { method: 'DELETE', path: '/X', bulkId: 'free' },
        post('a'),
      ],
      ['a', '/x', 'free'],
    ],
  ])('a POST comes after %s', async (_what, Operations, expected) => {
    const begun: string[] = [];
    const answer = await runBulk({
      request: readBulk({ schemas, Operations }, 100),
      atOnce: 8,
      base: '',
      frees: ({ method }) => method === 'DELETE',
      errorOf: ({ status }) => ({ status }),
      execute: async ({ bulkId, path, method }) => {
        begun.push(bulkId ?? path);
        await Promise.resolve();
        return { status: 200, ...(method === 'POST' ? { id: `id-${bulkId}` } : {}) };
      },
    });
    expect(begun).toEqual(expected);
    expect((answer['Operations'] as JsonObject[]).map(({ status }) => status)).toEqual(
      Operations.map(() => '200'),
    );
  });

  test.each<[JsonValue, string]>([
    [[], 'The body is a JSON object.'],
    [{ schemas: ['urn:other'], Operations: [post('a')] }, '"schemas" is a list with'],
    [{ schemas }, '"Operations" is a list'],
    [{ schemas, Operations: [] }, '"Operations" is a list'],
    [{ schemas, Operations: ['x'] }, 'Operation 1: it is an object.'],
    [
      { schemas, Operations: [post('a'), { method: 'GET', path: '/Users' }] },
      'Operation 2: "method" is one of',
    ],
    [{ schemas, Operations: [{ method: 'POST', path: 'Users', bulkId: 'a' }] }, '"path" begins with a slash'],
    [{ schemas, Operations: [{ method: 'POST', path: '/Users', data: {} }] }, 'a POST has a "bulkId"'],
    [{ schemas, Operations: [{ method: 'PUT', path: '/Users/1' }] }, 'a PUT has "data".'],
    [{ schemas, Operations: [{ method: 'PUT', path: '/Users/1', bulkId: 7, data: {} }] }, '"bulkId"'],
    [
      { schemas, Operations: [{ method: 'DELETE', path: '/Users/1', version: 7 }] },
      '"version" is an entity tag',
    ],
    [{ schemas, Operations: [post('a'), post('a')] }, 'Two operations have the same "bulkId".'],
    [{ schemas, failOnErrors: 0, Operations: [post('a')] }, '"failOnErrors" is a whole number above 0.'],
    [{ schemas, failOnErrors: '1', Operations: [post('a')] }, '"failOnErrors" is a whole number above 0.'],
  ])('%j is refused', (body, message) => {
    expect(() => readBulk(body, 100)).toThrow(message);
  });

  test('more operations than are taken', () => {
    const Operations = Array.from({ length: 101 }, (_, at) => post(`b${at}`));
    expect(() => readBulk({ schemas, Operations }, 100)).toThrow(expect.objectContaining({ status: 413 }));
  });

  test('what is no failure of an operation is one of the whole', async () => {
    const request = readBulk({ schemas, Operations: [post('a')] }, 100);
    const execute = () => Promise.reject(new Error('the service ends'));
    await expect(
      runBulk({ request, atOnce: 8, base: '', execute, errorOf: () => ({ status: 500 }) }),
    ).rejects.toThrow('the service ends');
  });
});
