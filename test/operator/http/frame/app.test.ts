import { describe, expect, test } from '@jest/globals';
import {
  Origins,
  Problem,
  routerOf,
  startConnectorServer,
  type Leader,
  type Mount,
  type Route,
} from '../../../../operator/http/frame/index.ts';
import { DirectoryThrottledError, DirectoryUnavailableError } from '../../../../src/idhub/index.ts';
import { settle } from '../../runtime/fake-clock.ts';
import { bearer, raw, serveMounts, type ServedFrame } from '../served.ts';

const scimError = 'urn:ietf:params:scim:api:messages:2.0:Error';
const json = { ...bearer, 'content-type': 'application/scim+json' };

/** Says what it was asked. */
const echo: Route = {
  path: '/things/:id',
  GET: (request, response, visit) => {
    response.json({
      id: request.params['id'],
      query: request.query,
      connection: visit.connection,
      caller: visit.caller?.name,
      baseUrl: visit.baseUrl,
    });
  },
  PUT: (request, response, visit) => {
    visit.note({ thing: request.params['id'] as string });
    response.json({ body: request.body as unknown, bytes: visit.body.length, context: visit.writeContext() });
  },
};

function mount(routes: readonly Route[] = [echo], more: Partial<Mount> = {}): Mount {
  return {
    name: 'scim',
    path: '/scim/v2',
    perConnection: true,
    access: 'caller',
    format: 'scim',
    bodyLimit: 1_000,
    mediaTypes: ['application/scim+json', 'application/json'],
    leaderOnly: false,
    router: routerOf(routes),
    ...more,
  };
}

/** What a throwing handler is answered. */
function throwing(error: unknown): Promise<ServedFrame> {
  return serveMounts({
    mounts: [
      mount([
        {
          path: '/x',
          GET: () => {
            throw error as Error;
          },
        },
      ]),
    ],
  });
}

async function scimErrorOf(answer: Response): Promise<{ status: number; detail: string; scimType?: string }> {
  expect(answer.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
  const body = (await answer.json()) as { schemas: string[]; status: string; detail: string };
  expect(body).toMatchObject({ schemas: [scimError], status: String(answer.status) });
  expect(body.detail).not.toMatch(/\n| at \S+ \(|node_modules|\.ts:/);
  return { ...body, status: answer.status };
}

describe('a mount', () => {
  test('is asked about the default connection, and about each by name', async () => {
    const served = await serveMounts({ mounts: [mount()] });
    expect(await (await served.get('/scim/v2/things/7?a=1&a=2&b=')).json()).toEqual({
      id: '7',
      query: { a: ['1', '2'], b: '' },
      connection: { namespace: 'team', name: 'aws' },
      caller: 'jo',
      baseUrl: `${served.url}/scim/v2`,
    });
    expect(await (await served.get('/connections/team/aws/scim/v2/things/7')).json()).toMatchObject({
      connection: { namespace: 'team', name: 'aws' },
      baseUrl: `${served.url}/connections/team/aws/scim/v2`,
    });
  });

  test.each<[number, string]>([
    [404, '/connections/team/none/scim/v2/things/7'],
    [403, '/connections/other/aws/scim/v2/things/7'],
    [403, '/connections/other/none/scim/v2/things/7'],
    [404, '/scim/v2'],
    [404, '/scim/v2/'],
    [404, '/scim/v2/nothing'],
    [404, '/scim/v2/things/7/'],
    [404, '/scim/v2/Things/7'],
    [404, '/scim/v2//things/7'],
    [400, '/scim/v2/things/%zz'],
    [414, `/scim/v2/things/${'x'.repeat(9_000)}`],
  ])('%d as a SCIM error: %s', async (status, path) => {
    const served = await serveMounts({ mounts: [mount()] });
    const answer = await served.get(path);
    expect(answer.status).toBe(status);
    await scimErrorOf(answer);
  });

  test.each([
    '/scim',
    '/scim/v2x/things/7',
    '/SCIM/v2/things/7',
    '/scim%2Fv2/things/7',
    '/connections/team/aws/things/7',
    '/connections/team/aws/connections/team/aws/scim/v2/things/7',
    '/connections/Team/aws/scim/v2/things/7',
    '/connections/..%2fteam/aws/scim/v2/things/7',
    '/connections/team/aws/open/things/7',
    '//scim/v2/things/7',
  ])('there is none: %s', async (path) => {
    const open = mount([echo], { name: 'open', path: '/open', perConnection: false, access: 'open' });
    const served = await serveMounts({ mounts: [mount(), open] });
    // As it is: fetch would put such a path in order.
    const answer = await raw(served.port, `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('There is /scim/v2, /open.');
  });

  test('without a default connection says that a path has to name one', async () => {
    const served = await serveMounts({
      mounts: [mount()],
      connections: { default: undefined, has: () => true },
    });
    const answer = await served.get('/scim/v2/things/7');
    expect(answer.status).toBe(404);
    expect((await scimErrorOf(answer)).detail).toContain('/connections/NAMESPACE/NAME');
  });

  test('of those that fit, the longest path is taken', async () => {
    const health = mount([{ path: '/', GET: (_request, response) => void response.json({}) }], {
      name: 'health',
      path: '/scim/v2/things',
      access: 'open',
    });
    const served = await serveMounts({ mounts: [mount(), health] });
    expect((await fetch(`${served.url}/scim/v2/things`)).status).toBe(200);
    expect((await fetch(`${served.url}/scim/v2/thing`)).status).toBe(401);
    expect(served.answered.map((each) => each.mount)).toEqual(['health', 'scim']);
  });

  test('who is not known is not asked for more: neither the body nor whether there is such a path', async () => {
    const served = await serveMounts({ mounts: [mount()] });
    for (const path of ['/scim/v2/things/7', '/scim/v2/nothing', '/connections/team/none/scim/v2/things/7']) {
      const answer = await fetch(`${served.url}${path}`, { method: 'PUT', body: 'nonsense' });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      await scimErrorOf(answer);
    }
  });

  test('another method: 405, and which there are', async () => {
    const served = await serveMounts({ mounts: [mount()] });
    for (const method of ['POST', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await served.get('/scim/v2/things/7', { method });
      expect([method, answer.status, answer.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD, PUT']);
      await scimErrorOf(answer);
    }
    expect((await served.get('/scim/v2/things/7', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('a body', () => {
  const put = (
    served: ServedFrame,
    body: string | Buffer,
    headers: Record<string, string> = json,
  ): Promise<Response> => served.get('/scim/v2/things/7', { method: 'PUT', body: body as string, headers });

  test.each([
    'application/scim+json',
    'application/json',
    'application/scim+json; charset=utf-8',
    'Application/JSON;charset="UTF-8"; x=y',
  ])('of type %s is read', async (type) => {
    const served = await serveMounts({ mounts: [mount()] });
    const answer = await put(served, '{"a":"ü"}', { ...bearer, 'content-type': type });
    expect(await answer.json()).toMatchObject({ body: { a: 'ü' }, bytes: 10, context: { caller: 'jo' } });
  });

  test.each<[number, string, string | Buffer, Record<string, string>, RegExp]>([
    [415, 'another type', '{}', { 'content-type': 'text/plain' }, /application\/scim\+json or/],
    [415, 'a type that begins alike', '{}', { 'content-type': 'application/json5' }, /Content-Type/],
    [415, 'a form', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, /Content-Type/],
    [415, 'no type', Buffer.from('{}'), {}, /Content-Type/],
    [415, 'one that is packed', '{}', { ...json, 'content-encoding': 'gzip' }, /Content-Encoding/],
    [400, 'no JSON', '{', json, /not JSON/],
    [400, 'no UTF-8', Buffer.from([0x22, 0xff, 0x22]), json, /not UTF-8/],
    [400, 'a prototype', '{"a":{"__proto__":{"b":1}}}', json, /not JSON/],
    [400, 'a prototype in disguise', '{"\\u005f_proto__":1}', json, /not JSON/],
    [400, 'brackets in brackets', `${'['.repeat(65)}${']'.repeat(65)}`, json, /64 brackets/],
    [413, 'too much', `"${'x'.repeat(1_000)}"`, json, /1000 bytes/],
    [413, 'far too much', `"${'x'.repeat(6_000_000)}"`, json, /1000 bytes/],
  ])('%d for %s', async (status, _, body, headers, says) => {
    const served = await serveMounts({ mounts: [mount()] });
    const answer = await put(served, body, { ...bearer, ...headers });
    expect(answer.status).toBe(status);
    const { detail, scimType } = await scimErrorOf(answer);
    expect(detail).toMatch(says);
    expect(scimType).toBe(status === 400 ? 'invalidSyntax' : undefined);
    // The connection goes on.
    expect((await put(served, '"\\"[[\\\\"')).status).toBe(200);
  });

  test.each<[number, string]>([
    [400, '{"a":"\\ud800x"}'],
    [400, '{"a":["\\uDC00"]}'],
    [400, '{"a":{"\\uDbff":1}}'],
    [400, '{"a":"\\udc00\\ud800"}'],
    [200, '{"a":"\\ud83d\\ude00"}'],
    [200, '{"a":"\\\\ud800"}'],
  ])('%d for the text in %s: half of a surrogate pair is no character', async (status, body) => {
    const served = await serveMounts({ mounts: [mount()] });
    const answer = await put(served, body);
    expect(answer.status).toBe(status);
    expect((await answer.json()) as object).toMatchObject(
      status === 200
        ? { body: JSON.parse(body) as object }
        : { scimType: 'invalidValue', detail: expect.stringContaining('surrogate') },
    );
  });

  test('of unknown length is cut off at the limit too', async () => {
    const served = await serveMounts({ mounts: [mount()] });
    const part = 'x'.repeat(600);
    const answer = await raw(
      served.port,
      `PUT /scim/v2/things/7 HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer jo-token\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${`258\r\n${part}\r\n`.repeat(3)}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('that trickles in: 408, and the connection ends', async () => {
    const known = Promise.withResolvers<void>();
    const served = await serveMounts({
      mounts: [mount()],
      limits: { bodyMs: 10_000 },
      authenticator: {
        authenticate: async () => {
          known.resolve();
          return { name: 'jo', may: () => true };
        },
      },
    });
    const answer = raw(
      served.port,
      'PUT /scim/v2/things/7 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer jo-token\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a":',
    );
    await known.promise;
    await served.clock.advance(10_000);
    expect(await answer).toMatch(/^HTTP\/1\.1 408 [^]*"status":"408"/);
  });

  test('is asked for only when it is wanted (Expect: 100-continue)', async () => {
    const served = await serveMounts({ mounts: [mount()] });
    const head = (authorization: string): string =>
      `PUT /scim/v2/things/7 HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n`;
    expect(await raw(served.port, head('Bearer wrong'))).toMatch(/^HTTP\/1\.1 401 /);
    expect(await raw(served.port, `${head('Bearer jo-token')}{}`)).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /,
    );
  });
});

describe('what a handler throws', () => {
  test.each<[number, unknown, RegExp, string | null]>([
    [409, new Problem(409, 'Taken.', { scimType: 'uniqueness' }), /^Taken\.$/, null],
    [503, new DirectoryUnavailableError('Stale.', { retryAfterMs: 1_500 }), /^Stale\.$/, '2'],
    [429, new DirectoryThrottledError('Many.', { retryAfterMs: 6_000 }), /^Many\.$/, '6'],
    [500, new Error('secret internals'), /its log says why/, null],
    [500, new TypeError("Cannot read properties of undefined (reading 'x')"), /its log says why/, null],
    [500, 'a string', /its log says why/, null],
  ])('%d', async (status, error, says, retryAfter) => {
    const served = await throwing(error);
    const answer = await served.get('/scim/v2/x');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect((await scimErrorOf(answer)).detail).toMatch(says);
  });

  test('is told as the mount knows it, before anything else', async () => {
    class OwnError extends Error {}
    const served = await serveMounts({
      mounts: [
        mount([{ path: '/x', GET: () => Promise.reject(new OwnError('own')) }], {
          problemOf: (error) => (error instanceof OwnError ? new Problem(501, 'Own.') : undefined),
        }),
      ],
    });
    expect((await served.get('/scim/v2/x')).status).toBe(501);
  });

  test('after the answer began: it is broken off', async () => {
    const served = await serveMounts({
      mounts: [
        mount([
          {
            path: '/x',
            GET: (_request, response) => {
              response.write('{"half":');
              throw new Error('broken');
            },
          },
        ]),
      ],
    });
    await expect(served.get('/scim/v2/x').then((answer) => answer.text())).rejects.toThrow('terminated');
  });
});

test('a handler that does not come to its end is answered for, and its late answer goes nowhere', async () => {
  const late = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const served = await serveMounts({
    mounts: [
      mount(
        [
          {
            path: '/x',
            GET: async (_request, response) => {
              reached.resolve();
              await late.promise;
              setImmediate(ended.resolve);
              response.json({});
            },
          },
        ],
        { answerMs: 30_000 },
      ),
    ],
  });
  const answer = served.get('/scim/v2/x');
  await reached.promise;
  await served.clock.advance(30_000);
  expect((await answer).status).toBe(503);
  late.resolve();
  await ended.promise;
  await settle();
  expect(served.log.map(({ msg }) => msg)).toEqual(['request']);
});

describe('locations', () => {
  const spoofed = {
    ...bearer,
    'x-forwarded-host': 'evil.test',
    'x-forwarded-proto': 'https',
    forwarded: 'host=evil.test',
  };
  const baseUrl = async (origins: Origins, headers: Record<string, string> = spoofed): Promise<unknown> => {
    const served = await serveMounts({ mounts: [mount()], origins });
    const answer = await raw(
      served.port,
      `GET /scim/v2/things/7 HTTP/1.1\r\nhost: evil.test\r\nconnection: close\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n`,
    );
    return (JSON.parse(answer.split('\r\n\r\n')[1] ?? '') as { baseUrl: string }).baseUrl.replace(
      String(served.port),
      'PORT',
    );
  };

  test('are of --public-url, whatever a request says', async () => {
    for (const trustedProxies of [[], ['127.0.0.1']]) {
      expect(
        await baseUrl(new Origins({ publicUrl: 'https://aws.example.com/idhub/', trustedProxies })),
      ).toBe('https://aws.example.com/idhub/scim/v2');
    }
  });

  test('are of the address itself, unless a trusted proxy says more', async () => {
    expect(await baseUrl(new Origins({ publicUrl: undefined, trustedProxies: ['10.0.0.0/8'] }))).toBe(
      'http://127.0.0.1:PORT/scim/v2',
    );
    const trusting = new Origins({ publicUrl: undefined, trustedProxies: ['127.0.0.0/8'] });
    expect(await baseUrl(trusting)).toBe('https://evil.test/scim/v2');
    for (const bad of ['evil.test/x', 'a b', 'evil.test"', '', 'evil.test:99999999']) {
      expect(await baseUrl(trusting, { ...spoofed, 'x-forwarded-host': bad })).toBe(
        'http://127.0.0.1:PORT/scim/v2',
      );
    }
  });
});

describe('the log', () => {
  test('has a line for each request, and one of the audit log for each that writes', async () => {
    const search: Route = {
      path: '/.search',
      POST: (_request, response, visit) => {
        visit.readsOnly();
        response.json({});
      },
    };
    const served = await serveMounts({ mounts: [mount([echo, search])] });
    const secret = 'body-secret-1234';
    await (await served.get('/scim/v2/things/7?filter=jo')).text();
    await (await served.get('/scim/v2/.search', { method: 'POST', body: '{}', headers: json })).text();
    const done = await served.get('/scim/v2/things/7', {
      method: 'PUT',
      body: `{"a":"${secret}"}`,
      headers: json,
    });
    await done.text();
    const bad = await served.get('/scim/v2/things/7', {
      method: 'PUT',
      body: `{"a":"${secret}"`,
      headers: json,
    });
    await bad.text();
    await (
      await served.get('/scim/v2/things/7', { method: 'DELETE', headers: { authorization: 'Bearer wrong' } })
    ).text();
    expect(served.log.filter(({ msg }) => msg === 'request')).toHaveLength(5);
    const about = { method: 'PUT', path: '/scim/v2/things/7', address: '127.0.0.1' };
    expect(served.log.filter(({ msg }) => msg === 'audit')).toMatchObject([
      {
        ...about,
        id: done.headers.get('x-request-id'),
        caller: 'jo',
        connection: 'team/aws',
        thing: '7',
        code: 200,
        result: 'done',
      },
      {
        ...about,
        id: bad.headers.get('x-request-id'),
        caller: 'jo',
        code: 400,
        result: 'refused',
        detail: 'The body is not JSON.',
      },
      { method: 'DELETE', code: 401, result: 'refused' },
    ]);
    const text = JSON.stringify(served.log);
    for (const part of [secret, 'jo-token', 'filter']) {
      expect(text).not.toContain(part);
    }
  });

  test('has the address of the connection, whatever somebody who is not trusted says', async () => {
    const origins = new Origins({ publicUrl: undefined, trustedProxies: ['10.0.0.0/8'] });
    const served = await serveMounts({ mounts: [mount()], origins });
    await (
      await served.get('/scim/v2/things/7', { headers: { ...bearer, 'x-forwarded-for': '192.0.2.7' } })
    ).text();
    await settle();
    expect(served.log.at(-1)?.['address']).toBe('127.0.0.1');
  });

  test('has the address that a trusted proxy tells, and no other', async () => {
    const origins = new Origins({ publicUrl: undefined, trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    const served = await serveMounts({ mounts: [mount()], origins });
    for (const [forwarded, address] of [
      ['192.0.2.7', '192.0.2.7'],
      ['192.0.2.66, 192.0.2.7', '192.0.2.7'],
      ['192.0.2.7, 10.1.2.3', '192.0.2.7'],
      ['nonsense', '127.0.0.1'],
      ['192.0.2.7, nonsense', '127.0.0.1'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
      ['2001:db8::1', '2001:db8::1'],
    ]) {
      await (
        await served.get('/scim/v2/things/7', { headers: { ...bearer, 'x-forwarded-for': forwarded ?? '' } })
      ).text();
      await settle();
      expect([forwarded, served.log.at(-1)?.['address']]).toEqual([forwarded, address]);
    }
  });
});

test('what only the leader answers is handed on to it by the others, whole and once checked', async () => {
  const handed: string[] = [];
  const leader: Leader = {
    here: false,
    received: () => undefined,
    forward: async (request, response, visit) => {
      handed.push(`${request.method} ${request.originalUrl} ${visit.body.toString()}`);
      response.json({ from: 'the leader' });
    },
  };
  const served = await serveMounts({
    mounts: [mount([echo], { leaderOnly: true }), mount([echo], { path: '/here', name: 'here' })],
    leader,
  });
  const put = { method: 'PUT', body: '{"a":1}', headers: json };
  expect(await (await served.get('/scim/v2/things/7?x=1', put)).json()).toEqual({ from: 'the leader' });
  expect((await served.get('/here/things/7', put)).status).toBe(200);
  expect(
    (await served.get('/scim/v2/things/7', { ...put, headers: { 'content-type': 'application/json' } }))
      .status,
  ).toBe(401);
  expect(handed).toEqual(['PUT /scim/v2/things/7?x=1 {"a":1}']);
  // The leader writes the line of the audit log.
  expect(served.log.filter(({ msg, code }) => msg === 'audit' && code === 200)).toMatchObject([
    { path: '/here/things/7' },
  ]);
});

test('a head that Node does not read is answered as the mount answers', async () => {
  const served = await serveMounts({ mounts: [mount()] });
  const long = await raw(served.port, `GET /scim/v2/things/7 HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(long).toMatch(/^HTTP\/1\.1 431 [^]*application\/scim\+json[^]*"status":"431"/);
  const noHost = await raw(
    served.port,
    'GET /scim/v2/things/7 HTTP/1.1\r\nconnection: close\r\nauthorization: Bearer jo-token\r\n\r\n',
  );
  expect(noHost).toMatch(/^HTTP\/1\.1 200 /);
  const unexpected = await raw(
    served.port,
    'GET /scim/v2/nothing HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: the-worst\r\nauthorization: Bearer jo-token\r\n\r\n',
  );
  expect(unexpected).toMatch(/^HTTP\/1\.1 404 [^]*application\/scim\+json/);
});

test('an address that is taken is refused with what to do', async () => {
  const { port } = await serveMounts({ mounts: [] });
  await expect(
    startConnectorServer({
      host: '127.0.0.1',
      port,
      ...({ mounts: [] } as unknown as Omit<Parameters<typeof startConnectorServer>[0], 'host' | 'port'>),
      clock: { monotonic: () => 0, setTimeout: () => () => undefined },
    }),
  ).rejects.toThrow(/^--http-address 127\.0\.0\.1:\d+ cannot be bound \(.*EADDRINUSE.*\); give another one/);
});
