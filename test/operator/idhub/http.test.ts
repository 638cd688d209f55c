import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { sendOverHttp } from '../../../operator/idhub/http.ts';
import { systemClock, type Clock } from '../../../operator/runtime/index.ts';
import { selfSigned } from '../../support/certificate.ts';

const servers: Pick<Server, 'close' | 'closeAllConnections'>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: (...visit: Parameters<RequestListener>) => unknown): Promise<string> {
  const server = createServer((...visit) => void listener(...visit));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const { signal } = new AbortController();
const send = (clock: Clock = systemClock): ReturnType<typeof sendOverHttp> =>
  sendOverHttp({ clock, userAgent: 'test/1' });
const get = (url: string) => ({ method: 'GET' as const, url, headers: {}, ca: undefined });

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

describe('requests to Keycloak and IDHub', () => {
  test('a form goes out with its length, an answer comes back with any status', async () => {
    const seen: object[] = [];
    const url = await serve(async (request, response) => {
      const { method, url: path, headers } = request;
      seen.push({
        method,
        path,
        type: headers['content-type'],
        length: headers['content-length'],
        agent: headers['user-agent'],
        body: await bodyOf(request),
      });
      response.writeHead(400, { 'retry-after': '7' });
      response.end('{"error":"x"}');
    });
    const form = {
      method: 'POST' as const,
      url: `${url}/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'a=ü',
      ca: undefined,
    };
    expect(await send()(form, signal)).toEqual({ status: 400, retryAfterMs: 7_000, body: '{"error":"x"}' });
    expect(seen).toEqual([
      {
        method: 'POST',
        path: '/token',
        type: 'application/x-www-form-urlencoded',
        length: '4',
        agent: 'test/1',
        body: 'a=ü',
      },
    ]);
  });

  test('a redirect is not followed: a token goes where it was meant for', async () => {
    const paths: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' });
      response.end();
    });
    expect((await send()(get(`${url}/info`), signal)).status).toBe(302);
    expect(paths).toEqual(['/info']);
  });

  test.each([
    ['0', undefined],
    ['soon', undefined],
    ['999999999', 3_600_000],
  ])('Retry-After: %s', async (header, expected) => {
    const url = await serve((_, response) => {
      response.writeHead(503, { 'retry-after': header });
      response.end();
    });
    expect((await send()(get(url), signal)).retryAfterMs).toBe(expected);
  });

  test('nobody there, an answer that breaks off, and one that is too large', async () => {
    const gone = await serve(() => undefined);
    servers.at(-1)?.close();
    await expect(send()(get(gone), signal)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const broken = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(send()(get(broken), signal)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const large = await serve((_, response) => {
      response.writeHead(200);
      response.on('error', () => undefined);
      for (let part = 0; part < 20; part += 1) {
        response.write('x'.repeat(100_000));
      }
      response.end();
    });
    await expect(send()(get(large), signal)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  });

  test('no whole answer in time', async () => {
    const late = Promise.withResolvers<() => void>();
    const clock: Clock = {
      ...systemClock,
      setTimeout: (run) => {
        late.resolve(run);
        return () => undefined;
      },
    };
    const arrived = Promise.withResolvers<void>();
    const url = await serve((_, response) => {
      response.write('half');
      arrived.resolve();
    });
    const answer = send(clock)(get(url), signal);
    await arrived.promise;
    (await late.promise)();
    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('https: only who is trusted gets the token; ca.crt adds an authority', async () => {
    const mine = selfSigned('127.0.0.1');
    const server = createSecureServer({ key: mine.key, cert: mine.cert }, (_, response) =>
      response.end('{}'),
    );
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(send()(get(url), signal)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    await expect(send()({ ...get(url), ca: selfSigned('127.0.0.1').cert }, signal)).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    expect(await send()({ ...get(url), ca: mine.cert }, signal)).toMatchObject({ status: 200, body: '{}' });
  });

  test('an abort ends it', async () => {
    const stop = new AbortController();
    const url = await serve(() => stop.abort(new Error('nobody waits')));
    await expect(send()(get(url), stop.signal)).rejects.toThrow('aborted');
  });
});
