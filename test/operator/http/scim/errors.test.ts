import { describe, expect, test } from '@jest/globals';
import { Origins } from '../../../../operator/http/frame/index.ts';
import { DirectoryThrottledError } from '../../../../src/idhub/index.ts';
import type { JsonObject } from '../../../../src/scim/index.ts';
import { raw } from '../served.ts';
import { patchOf, serveScim, type Answer, type ServedScim } from './served.ts';

const json = { 'content-type': 'application/json' };
const big = JSON.stringify({ userName: 'x'.repeat(6 * 1_048_576) });

interface Case {
  readonly name: string;
  readonly status: number;
  readonly scimType?: string;
  readonly send: (served: ServedScim) => Promise<Answer>;
}

const cases: readonly Case[] = [
  {
    name: 'broken JSON',
    status: 400,
    scimType: 'invalidSyntax',
    send: ({ send }) => send('POST', '/Users', '{'),
  },
  {
    name: 'a body that is no object',
    status: 400,
    scimType: 'invalidSyntax',
    send: ({ send }) => send('POST', '/Users', '[]'),
  },
  {
    name: 'no body',
    status: 400,
    scimType: 'invalidSyntax',
    send: ({ send }) => send('POST', '/Users'),
  },
  {
    name: 'a body of another schema',
    status: 400,
    scimType: 'invalidSyntax',
    send: ({ send }) => send('POST', '/Users', { schemas: ['urn:other'], userName: 'jo' }),
  },
  {
    name: 'a name that is missing',
    status: 400,
    scimType: 'invalidValue',
    send: ({ send }) => send('POST', '/Users', {}),
  },
  { name: 'six megabytes', status: 413, send: ({ send }) => send('POST', '/Users', big) },
  { name: 'an unknown type', status: 404, send: ({ send }) => send('GET', '/Shoes') },
  { name: 'an unknown path below a resource', status: 404, send: ({ send }) => send('GET', '/Groups/1/2') },
  { name: 'a path that makes no sense', status: 400, send: ({ send }) => send('GET', '/Users/%zz') },
  { name: 'an unknown schema', status: 404, send: ({ send }) => send('GET', '/Schemas/urn:none') },
  { name: 'a filter on discovery', status: 403, send: ({ send }) => send('GET', '/Schemas?filter=id pr') },
  {
    name: 'a method that the path has not',
    status: 405,
    send: ({ send }) => send('DELETE', '/ServiceProviderConfig'),
  },
  { name: 'a method that nothing has', status: 405, send: ({ send }) => send('OPTIONS', '/Users') },
  { name: 'GET of a bulk request', status: 405, send: ({ send }) => send('GET', '/Bulk') },
  {
    name: 'text',
    status: 415,
    send: ({ send }) => send('POST', '/Users', '{"userName":"jo"}', { 'content-type': 'text/plain' }),
  },
  {
    name: 'a misspelt type',
    status: 415,
    send: ({ send }) =>
      send('POST', '/Users', '{"userName":"jo"}', { 'content-type': 'application/scim-json' }),
  },
  {
    name: 'no token',
    status: 401,
    send: ({ send }) => send('GET', '/Users', undefined, { authorization: '' }),
  },
  {
    name: 'a bad token',
    status: 401,
    send: ({ send }) => send('GET', '/Users', undefined, { authorization: 'Bearer x' }),
  },
  {
    name: 'a connection of others',
    status: 403,
    send: ({ send }) => send('GET', '/connections/other/aws/scim/v2/Users'),
  },
  {
    name: 'a filter that cannot be read',
    status: 400,
    scimType: 'invalidFilter',
    send: ({ send }) => send('GET', '/Users?filter=userName eq jo'),
  },
  {
    name: 'a version that is gone',
    status: 412,
    send: ({ send, directory }) =>
      send('PUT', `/Users/${directory.has({}).userId}`, { userName: 'x' }, { 'if-match': '"old"' }),
  },
  {
    name: 'people shut out too fast',
    status: 429,
    send: ({ send, directory }) => {
      directory.failing = new DirectoryThrottledError('Slowly.', { retryAfterMs: 9_000 });
      return send('DELETE', '/Users/x');
    },
  },
  {
    name: 'what nobody thought of',
    status: 500,
    send: ({ send, directory }) => {
      directory.failing = new Error('canary at Object.<anonymous> (secret.ts:1:1)');
      return send('DELETE', '/Users/x');
    },
  },
];

describe('C27: every error below the root is one of SCIM', () => {
  test.each(cases)('$name: $status', async ({ status, scimType, send }) => {
    const answer = await send(await serveScim());
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
    expect(answer.body).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(status),
      ...(scimType === undefined ? {} : { scimType }),
      detail: expect.stringMatching(/^[A-Z"].*[.?]$/s),
    });
    const text = JSON.stringify(answer.body);
    expect(text).not.toMatch(/canary|\bat \S+ \(|<html|node_modules/i);
  });

  test('too many requests of one caller', async () => {
    const { send } = await serveScim({ limits: { perCaller: { burst: 1, perSecond: 0.1 } } });
    await send('GET', '/Users');
    const { status, headers, body } = await send('GET', '/Users');
    expect([status, headers.get('retry-after'), body['status']]).toEqual([429, '10', '429']);
  });

  test.each([
    ['application/scim+json'],
    ['application/scim+json; charset=utf-8'],
    ['application/json'],
    ['Application/JSON;charset="UTF-8"; odata=x'],
  ])('a body may be %s', async (type) => {
    const { send } = await serveScim();
    const made = await send('POST', '/Users', '{"userName":"jo"}', { 'content-type': type });
    expect([made.status, made.headers.get('content-type')]).toEqual([
      201,
      'application/scim+json; charset=utf-8',
    ]);
  });
});

describe('C27: addresses', () => {
  const located = (body: JsonObject): string[] =>
    [body, ...((body['Resources'] ?? []) as JsonObject[])].flatMap((each) => {
      const { location } = (each['meta'] ?? {}) as JsonObject;
      return typeof location === 'string' ? [location] : [];
    });

  test('are those that are configured, whatever a client says of the host', async () => {
    const origins = new Origins({ publicUrl: 'https://scim.example.com/idhub', trustedProxies: [] });
    const served = await serveScim({ origins });
    served.directory.has({ userName: 'jo' });
    const answer = await raw(
      served.port,
      'GET /scim/v2/Users HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: evil.test\r\n' +
        'X-Forwarded-Proto: http\r\nAuthorization: Bearer jo-token\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toContain('"location":"https://scim.example.com/idhub/scim/v2/Users/AIDA');
    expect(answer).not.toContain('evil');
    for (const path of [
      '/ServiceProviderConfig',
      '/ResourceTypes',
      '/Schemas',
      '/Users',
      '/Account',
      '/Groups',
    ]) {
      const { body } = await served.send('GET', path);
      const locations = located(body);
      expect(locations.length).toBeGreaterThan(0);
      for (const location of locations) {
        expect(location).toMatch(/^https:\/\/scim\.example\.com\/idhub\/scim\/v2\//);
      }
    }
  });

  test('lead to what they are told with', async () => {
    const { send, directory } = await serveScim();
    directory.has({ userName: 'jo', entitlements: [] });
    let read = 0;
    for (const path of [
      '/ServiceProviderConfig',
      '/ResourceTypes',
      '/Schemas',
      '/Users',
      '/Account',
      '/Groups',
      '/Entitlement',
    ]) {
      for (const location of located((await send('GET', path)).body)) {
        const { status, body } = await send('GET', new URL(location).pathname);
        expect([location, status, located(body)]).toEqual([location, 200, [location]]);
        read += 1;
      }
    }
    // 1 configuration, 4 types, 5 schemas, 2 ways to tell of jo, 2 groups, 4 entitlements
    expect(read).toBe(18);
  });
});

test('PATCH of what there is not is 404, and 400 of what makes no sense', async () => {
  const { send, directory } = await serveScim();
  const { userId } = directory.has({ userName: 'jo' });
  const off = patchOf({ op: 'replace', path: 'active', value: false });
  expect((await send('PATCH', '/Users/none', off)).status).toBe(404);
  const mixed = patchOf(
    { op: 'replace', path: 'active', value: false },
    { op: 'replace', path: 'shoeSize', value: 7 },
  );
  expect((await send('PATCH', `/Users/${userId}`, mixed, json)).body['scimType']).toBe('invalidPath');
  expect([directory.asked, directory.accounts[0]?.active]).toEqual([[], true]);
});
