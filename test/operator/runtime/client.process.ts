import { once } from 'node:events';
import { copyFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Registry, type Counter } from 'prom-client';
import {
  TransportError,
  createClient,
  createLogger,
  isAlreadyExists,
  isConflict,
  isGone,
  isNotFound,
  systemClock,
  type Client,
} from '../../../operator/runtime/index.ts';
import { thing, things } from './fake-api.ts';
import { FakeServer, json, kubeconfigFor, refuse } from './fake-server.ts';
import { fastClock } from './fast-clock.ts';

jest.setTimeout(30_000);

let server: FakeServer;
let port: number;
let registry: Registry;
const cleanups: (() => Promise<void> | void)[] = [];

beforeEach(async () => {
  server = new FakeServer();
  port = await server.start();
  registry = new Registry();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) {
    await cleanup();
  }
  await server.stop();
});

async function connect(
  options: { user?: object; cluster?: object; factor?: number; at?: number } = {},
): Promise<Client & { dir: string; kubeconfig: string }> {
  const { path, dir, remove } = await kubeconfigFor(options.at ?? port, options.user, options.cluster);
  const client = createClient({
    kubeconfig: path,
    clock: fastClock(options.factor ?? 1),
    logger: createLogger({ level: 'error', clock: systemClock, write: () => undefined }),
    registry,
  });
  cleanups.push(remove, () => client.close());
  return Object.assign(client, { dir, kubeconfig: path });
}

const key = { namespace: 'default', name: 'a' };

describe('client', () => {
  test('a hundred requests one after another use one connection', async () => {
    const client = await connect();
    expect(client.reachable).toBe(false);
    await client.create(things, thing('a'));
    for (let index = 0; index < 99; index += 1) {
      await client.get(things, key);
    }
    expect(server.connections).toBe(1);
    expect(client.reachable).toBe(true);
    expect(server.requests.at(-1)?.headers).toMatchObject({
      authorization: 'Bearer plain-token',
      'user-agent': 'controller-runtime-node',
    });
    const counter = registry.getSingleMetric('rest_client_requests_total') as Counter;
    expect((await counter.get()).values).toEqual(
      expect.arrayContaining([
        { value: 99, labels: { code: '200', method: 'GET' } },
        { value: 1, labels: { code: '200', method: 'POST' } },
      ]),
    );
  });

  test('writes as the API server wants them', async () => {
    const client = await connect();
    const created = await client.create(things, thing('a', { spec: { color: 'red' } }));
    const options = { fieldManager: 'me & you' };
    await client.apply(
      things,
      { metadata: { ...key }, spec: { color: 'blue' } },
      { ...options, force: true },
    );
    await client
      .applyStatus(things, { metadata: { ...key }, status: { x: 1 } }, options)
      .catch(() => undefined);
    await client.mergePatch(things, key, { spec: null });
    await client.delete(things, key, { preconditions: { uid: created.metadata.uid ?? '' } });
    expect(server.requests.map((one) => `${one.method} ${one.path}?${one.query.toString()}`)).toEqual([
      'POST /apis/example.org/v1/namespaces/default/things?',
      'PATCH /apis/example.org/v1/namespaces/default/things/a?fieldManager=me+%26+you&force=true',
      'PATCH /apis/example.org/v1/namespaces/default/things/a/status?fieldManager=me+%26+you&force=true',
      'PATCH /apis/example.org/v1/namespaces/default/things/a?',
      'DELETE /apis/example.org/v1/namespaces/default/things/a?',
    ]);
    expect(server.requests.map((one) => one.headers['content-type'])).toEqual([
      'application/json',
      'application/apply-patch+yaml',
      'application/apply-patch+yaml',
      'application/merge-patch+json',
      'application/json',
    ]);
    await expect(client.get(things, { namespace: '', name: 'a' })).rejects.toThrow(TypeError);
    await expect(client.get(things, { namespace: 'n', name: '' })).rejects.toThrow(TypeError);
  });

  test.each([
    [404, 'NotFound', isNotFound],
    [409, 'Conflict', isConflict],
    [409, 'AlreadyExists', isAlreadyExists],
    [410, 'Expired', isGone],
  ] as const)('%d %s is an ApiError that says so', async (code, reason, is) => {
    const client = await connect();
    server.behaviour = (_request, response) => {
      response.setHeader('retry-after', '7');
      refuse(response, { code, reason, message: 'the server says' });
      return 'answered';
    };
    const error = await client.get(things, key).catch((one: unknown) => one);
    expect([isNotFound, isConflict, isAlreadyExists, isGone].filter((one) => one(error))).toEqual([is]);
    expect(error).toMatchObject({ code, reason, message: 'the server says', retryAfterMs: 7_000 });
    expect(client.reachable).toBe(true);
  });

  test('a patch for an earlier object of the name is a conflict', async () => {
    const client = await connect();
    server.behaviour = (_request, response) => {
      const details = { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.uid' }] };
      json(response, 422, { kind: 'Status', code: 422, reason: 'Invalid', message: 'immutable', details });
      return 'answered';
    };
    expect(isConflict(await client.get(things, key).catch((error: unknown) => error))).toBe(true);
  });

  test('an error tells neither the body of an answer nor what was sent', async () => {
    const client = await connect({ user: { token: 'very-secret-token' } });
    server.behaviour = (_request, response) => {
      response.writeHead(502, { 'x-secret': 'header' }).end('<html>internal page</html>');
      return 'answered';
    };
    const error = await client
      .create(things, thing('a', { spec: { color: 'sent' } }))
      .catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 502, message: 'the API server answered 502' });
    expect(JSON.stringify(Object.entries(error as Error))).not.toMatch(/internal|secret|sent/);
    expect(client.reachable).toBe(false);
  });

  test('a list follows its pages, fills in the kind, and begins anew when its snapshot is gone', async () => {
    const client = await connect();
    for (let index = 0; index < 25; index += 1) {
      server.store.create('things', thing(`t${index}`));
    }
    let gone = true;
    server.behaviour = (request, response) => {
      if (gone && request.query.get('continue') === '20') {
        gone = false;
        refuse(response, { code: 410, reason: 'Expired', message: 'the continue token is too old' });
        return 'answered';
      }
      return 'pass';
    };
    const { items, resourceVersion } = await client.list(things, {
      pageSize: 10,
      namespace: 'default',
      labelSelector: 'a=b',
      fieldSelector: 'c=d',
    });
    expect(items.map((one) => one.metadata.name)).toHaveLength(25);
    expect(new Set(items.map((one) => one.metadata.name)).size).toBe(25);
    expect(items[0]).toMatchObject({ apiVersion: 'example.org/v1', kind: 'Thing' });
    expect(resourceVersion).toBe('125');
    expect(server.requests.map((one) => one.query.get('limit'))).toEqual(['10', '10', '10', '100']);
    expect(server.requests[0]?.query.get('labelSelector')).toBe('a=b');
    expect(server.requests[0]?.query.get('fieldSelector')).toBe('c=d');
  });

  test('a token file is read again within a minute, and at once after a 401', async () => {
    const { dir } = await connect();
    const file = join(dir, 'token');
    await writeFile(file, 'first\n');
    const client = await connect({
      user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile: file } } },
      factor: 1_000,
    });
    server.store.create('things', thing('a'));
    const tokens = (): (string | undefined)[] => server.requests.map((one) => one.headers.authorization);
    await client.get(things, key);
    await writeFile(file, 'second');
    await systemClock.sleep(60);
    await client.get(things, key);
    expect(tokens()).toEqual(['Bearer first', 'Bearer second']);
    let valid = 'Bearer second';
    server.behaviour = (request, response) => {
      if (request.headers.authorization === valid) {
        return 'pass';
      }
      refuse(response, { code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
      return 'answered';
    };
    await client.get(things, key);
    await writeFile(file, 'third');
    valid = 'Bearer third';
    await client.get(things, key);
    expect(tokens().slice(2)).toEqual(['Bearer second', 'Bearer second', 'Bearer third']);
    valid = 'nothing';
    await expect(client.get(things, key)).rejects.toMatchObject({ code: 401 });
  });

  test('a token of the kubeconfig itself is read again after a 401, by one of many at once', async () => {
    const client = await connect({ user: { token: 'old' } });
    server.store.create('things', thing('a'));
    await client.get(things, key);
    const { path, remove } = await kubeconfigFor(port, { token: 'new' });
    await copyFile(path, client.kubeconfig);
    await remove();
    server.behaviour = (request, response) => {
      if (request.headers.authorization === 'Bearer new') {
        return 'pass';
      }
      refuse(response, { code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
      return 'answered';
    };
    await Promise.all(Array.from({ length: 10 }, () => client.get(things, key)));
  });

  test('an exec plugin gives the token, and is asked again only after a 401', async () => {
    const { dir } = await connect();
    const script = join(dir, 'plugin.mjs');
    await writeFile(
      script,
      `import fs from 'node:fs';
       const file = ${JSON.stringify(join(dir, 'runs'))};
       const runs = fs.existsSync(file) ? Number(fs.readFileSync(file)) + 1 : 1;
       fs.writeFileSync(file, String(runs));
       process.stdout.write(JSON.stringify({ status: { token: 'run-' + runs } }));`,
    );
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [script] };
    const client = await connect({ user: { exec }, factor: 100 });
    server.store.create('things', thing('a'));
    await client.get(things, key);
    await systemClock.sleep(500);
    await client.get(things, key);
    expect(server.requests.map((one) => one.headers.authorization)).toEqual(['Bearer run-1', 'Bearer run-1']);
    server.behaviour = (request, response) => {
      if (request.headers.authorization === 'Bearer run-2') {
        return 'pass';
      }
      refuse(response, { code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
      return 'answered';
    };
    await client.get(things, key);
  });

  test('a guard is asked when there is a connection, and what it throws keeps the request from being sent', async () => {
    const client = await connect();
    let asked = 0;
    const guard = (): void => {
      asked += 1;
      if (asked > 1) {
        throw new Error('not any more');
      }
    };
    await client.create(things, thing('a'), { guard });
    await expect(client.mergePatch(things, key, {}, { guard })).rejects.toThrow('not any more');
    expect(asked).toBe(2);
    expect(server.requests).toHaveLength(1);
  });

  test('an abort ends a request with the reason of the caller; a silent server with ours', async () => {
    const client = await connect({ factor: 200 });
    server.behaviour = () => 'answered';
    const stop = new AbortController();
    const reason = new Error('enough');
    const waiting = client.get(things, key, { signal: stop.signal });
    await systemClock.sleep(20);
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(client.get(things, key, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(client.get(things, key)).rejects.toThrow(TransportError);
    server.behaviour = (_request, response) => {
      response.writeHead(200).write('{"kind"');
      return 'answered';
    };
    await expect(client.get(things, key)).rejects.toThrow('no answer within 30000 ms');
  });

  test('refuses answers over its limit, answers that are no JSON, and servers that are not there', async () => {
    const client = await connect();
    server.behaviour = (_request, response) => {
      response.writeHead(200).end(Buffer.alloc(17 * 2 ** 20, 32));
      return 'answered';
    };
    await expect(client.get(things, key)).rejects.toThrow('longer than');
    server.behaviour = (_request, response) => {
      response.writeHead(200).end('{');
      return 'answered';
    };
    await expect(client.get(things, key)).rejects.toThrow('the answer is no JSON');
    const away = await connect({ at: 1 });
    await expect(away.get(things, key)).rejects.toThrow(/ECONNREFUSED/);
    expect(away.reachable).toBe(false);
  });

  test('a connection that the server closed while idle does not fail a read', async () => {
    const client = await connect();
    server.store.create('things', thing('a'));
    for (let index = 0; index < 20; index += 1) {
      await client.get(things, key);
      server.behaviour = (_request, response) => {
        server.behaviour = () => 'pass';
        response.socket?.resetAndDestroy();
        return 'answered';
      };
    }
    expect(server.connections).toBeGreaterThan(10);
  });

  test("uses the kubeconfig's proxy and no other", async () => {
    const seen: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', (request, near: Socket) => {
      seen.push(request.url ?? '');
      const far = connectTcp(port, '127.0.0.1', () => {
        near.write('HTTP/1.1 200 Connection established\r\n\r\n');
        near.pipe(far).pipe(near);
      });
      cleanups.push(() => {
        near.destroy();
        far.destroy();
      });
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    cleanups.push(() => void proxy.close());
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const before = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, ALL_PROXY: url });
    try {
      server.store.create('things', thing('a'));
      const direct = await connect();
      await direct.get(things, key);
      expect(seen).toEqual([]);
      const through = await connect({ cluster: { 'proxy-url': url } });
      await through.get(things, key);
      await through.get(things, key);
      expect(seen).toEqual([`127.0.0.1:${port}`]);
    } finally {
      for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'ALL_PROXY']) {
        delete process.env[name];
      }
      Object.assign(process.env, before);
    }
  });

  test('what is served of a group and version: read once, and again only when it has changed', async () => {
    const document = { paths: { '/apis/example.org/v1/things': {} }, components: { schemas: {} } };
    const asked: unknown[] = [];
    server.behaviour = ({ path, headers }, response) => {
      if (!path.startsWith('/openapi/')) {
        return 'pass';
      }
      asked.push([path, headers['if-none-match']]);
      if (path !== '/openapi/v3/apis/example.org/v1') {
        response.writeHead(404).end();
      } else if (headers['if-none-match'] === '"7"') {
        response.writeHead(304, { etag: '"7"' }).end();
      } else {
        response.setHeader('etag', '"7"');
        json(response, 200, document);
      }
      return 'answered';
    };
    const client = await connect();
    expect(await client.openApi(things)).toEqual({ document, etag: '"7"' });
    expect(await client.openApi(things, { etag: '"6"' })).toEqual({ document, etag: '"7"' });
    expect(await client.openApi(things, { etag: '"7"' })).toBeUndefined();
    expect(client.reachable).toBe(true);
    const refused = await client
      .openApi({ group: 'example.org', version: 'v2' })
      .catch((error: unknown) => error);
    expect(isNotFound(refused)).toBe(true);
    await client.openApi({ group: '', version: 'v1' }).catch(() => undefined);
    expect(asked).toEqual([
      ['/openapi/v3/apis/example.org/v1', undefined],
      ['/openapi/v3/apis/example.org/v1', '"6"'],
      ['/openapi/v3/apis/example.org/v1', '"7"'],
      ['/openapi/v3/apis/example.org/v2', undefined],
      ['/openapi/v3/api/v1', undefined],
    ]);
  });
});
