import { once } from 'node:events';
import { request as send, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { ReplicaLeader } from '../../../../operator/http/forward/index.ts';
import { announcementName } from '../../../../operator/http/forward/announcement.ts';
import { proofHeader, writeProof } from '../../../../operator/http/forward/proof.ts';
import { selfSigned } from '../../../support/certificate.ts';
import { eventually } from '../../../support/process.ts';
import { bearer, raw, wholeness } from '../served.ts';
import { FakeKey, Lease, pair, replica, secret, takes, type Replica } from './replicas.ts';

const json = { ...bearer, 'content-type': 'application/json' };

/** Ends with all its connections. */
async function dies({ clock, server }: Replica): Promise<void> {
  const ended = server.close(0);
  await clock.advance(0);
  await ended;
}

/** The line of the log about the last request. */
async function logged(served: Replica): Promise<Record<string, unknown>> {
  return eventually(async () => served.log.findLast(({ msg }) => msg === 'request'));
}

test('a request goes to the leader whole, and its answer comes back as it is', async () => {
  const seen: { url: string; body: unknown; headers: IncomingHttpHeaders; caller: string | undefined }[] = [];
  const { leading, following } = await pair({
    POST: (request, response, visit) => {
      const { body, headers, url } = request as { body: unknown } & typeof request;
      seen.push({ url, body, headers, caller: visit.caller?.name });
      response
        .status(201)
        .set({ 'content-type': 'application/scim+json', location: `${visit.baseUrl}/thing/1`, etag: 'W/"1"' })
        .end('{"id":"1"}');
    },
  });
  const answer = await following.get('/things/thing?count=2&x=%20y', {
    method: 'POST',
    headers: { ...json, 'x-more': 'yes', 'if-match': '"a"' },
    body: '{"name":"Jö"}',
  });
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('etag')]).toEqual([
    201,
    'application/scim+json',
    'W/"1"',
  ]);
  expect(await answer.text()).toBe('{"id":"1"}');
  expect(seen).toEqual([
    {
      url: '/thing?count=2&x=%20y',
      body: { name: 'Jö' },
      headers: expect.objectContaining({
        authorization: bearer.authorization,
        'x-more': 'yes',
        'if-match': '"a"',
        'x-forwarded-for': '127.0.0.1',
      }) as unknown,
      caller: 'jo',
    },
  ]);
  // As the client reaches the port that it has asked.
  expect(answer.headers.get('location')).toBe(`${following.url}/things/thing/1`);
  const [here, there] = [await logged(following), await logged(leading)];
  expect(here).toMatchObject({ code: 201, forwarded: true, answeredBy: 'one', caller: 'jo' });
  expect(there).toMatchObject({ code: 201, forwardedBy: 'two', forwardedId: here['id'], caller: 'jo' });
  expect(answer.headers.get('x-request-id')).toBe(there['id']);
  // What was written is said once, by who has written it.
  expect(leading.log.filter(({ msg }) => msg === 'audit')).toHaveLength(1);
  expect(following.log.filter(({ msg }) => msg === 'audit')).toHaveLength(0);
});

test.each([
  ['GET', 200],
  ['HEAD', 200],
  ['DELETE', 204],
] as const)('%s comes back with %d', async (method, code) => {
  const { following } = await pair({
    GET: (_request, response) => void response.status(200).set('content-length', '2').end('{}'),
    DELETE: (_request, response) => void response.status(204).end(),
  });
  const answer = await following.get('/things/thing', { method });
  expect([answer.status, await answer.text()]).toEqual([code, method === 'GET' ? '{}' : '']);
  // And the connection is good for the next one.
  expect((await following.get('/things/thing', { method })).status).toBe(code);
});

test('an error of the leader is told as it is', async () => {
  const { following } = await pair({ DELETE: () => undefined });
  const answer = await following.get('/things/other');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    404,
    'application/scim+json; charset=utf-8',
  ]);
  const unknown = await following.get('/things/thing', { headers: { authorization: 'Bearer none' } });
  expect(unknown.status).toBe(401);
});

test('a packed answer stays packed, and is streamed', async () => {
  const rest = Promise.withResolvers<void>();
  const packed = gzipSync('hello');
  const { following } = await pair({
    GET: async (_request, response) => {
      response.status(200).set('content-encoding', 'gzip');
      response.write(packed.subarray(0, 4));
      await rest.promise;
      response.end(packed.subarray(4));
    },
  });
  const asked = send(`${following.url}/things/thing`, { headers: { ...bearer, 'accept-encoding': 'gzip' } });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  answer.on('data', (part: Buffer) => parts.push(part));
  await eventually(async () => (parts.length > 0 ? true : undefined));
  expect(Buffer.concat(parts)).toEqual(packed.subarray(0, 4));
  rest.resolve();
  await once(answer, 'end');
  expect(answer.headers['content-encoding']).toBe('gzip');
  expect(Buffer.concat(parts)).toEqual(packed);
});

test('what speaks of one connection alone does not go on', async () => {
  const headers: IncomingHttpHeaders[] = [];
  const { following } = await pair({
    GET: (request, response) => {
      headers.push(request.headers);
      response.set({ 'x-hop': 'mine', connection: 'x-hop', 'keep-alive': 'timeout=99' }).end('{}');
    },
  });
  const answer = await raw(
    following.port,
    [
      'GET /things/thing HTTP/1.1',
      'host: somewhere.example',
      `authorization: ${bearer.authorization}`,
      'connection: close, x-secret',
      'x-secret: 1',
      'te: trailers',
      'proxy-authorization: Basic eDp5',
      'x-forwarded-for: 192.0.2.7',
      'x-kept: 2',
      '',
      '',
    ].join('\r\n'),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).not.toMatch(/x-hop|timeout=99/i);
  const [seen = {}] = headers;
  expect(seen).toMatchObject({ 'x-kept': '2', 'x-forwarded-for': '192.0.2.7, 127.0.0.1' });
  for (const name of ['x-secret', 'te', 'proxy-authorization']) {
    expect(seen).not.toHaveProperty(name);
  }
});

test('where a request comes from is believed of a replica alone', async () => {
  const { leading } = await pair({ GET: (_request, response) => void response.end('{}') });
  const at = leading.clock.now();
  const from = { by: 'two', id: 'id-9', address: '192.0.2.9', base: 'https://x.example' };
  const asked = { method: 'GET', url: '/things/thing' };
  const rows: readonly (readonly [proof: string, address: string])[] = [
    [writeProof(secret, asked, from, at), '192.0.2.9'],
    [writeProof(Buffer.alloc(32, 8), asked, from, at), '127.0.0.1'],
    [writeProof(secret, { ...asked, url: '/things/other' }, from, at), '127.0.0.1'],
    [writeProof(secret, { ...asked, method: 'POST' }, from, at), '127.0.0.1'],
    [writeProof(secret, asked, from, at - 300_001), '127.0.0.1'],
    [writeProof(secret, asked, from, at + 300_001), '127.0.0.1'],
    ['nonsense', '127.0.0.1'],
    [Buffer.from('{"a":1}').toString('base64url'), '127.0.0.1'],
  ];
  for (const [proof, address] of rows) {
    const answer = await leading.get('/things/thing', {
      headers: { ...bearer, [proofHeader]: proof, 'x-forwarded-for': '198.51.100.1' },
    });
    expect(answer.status).toBe(200);
    await answer.text();
    expect(await logged(leading)).toMatchObject({ address });
    leading.log.length = 0;
  }
});

test('a request is handed on once', async () => {
  const { lease, following, leading } = await pair({ GET: (_request, response) => void response.end('{}') });
  // The leader has lost the Lease to somebody who says that he is reached where it is itself.
  const other = new ReplicaLeader({
    identity: 'three',
    leading: () => true,
    holder: () => undefined,
    key: new FakeKey(secret),
    clock: leading.clock,
  });
  other.serves({ address: `127.0.0.1:${leading.port}`, certificate: () => undefined });
  takes(lease, { name: 'three', leader: other });
  const answer = await following.get('/things/thing');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3']);
  expect(await answer.json()).toMatchObject({
    detail: expect.stringContaining('Another replica has taken this one') as unknown,
  });
  expect(leading.log.filter(({ msg }) => msg === 'request')).toHaveLength(1);
});

interface AwayRow {
  readonly name: string;
  readonly spoil: (lease: Lease, leading: Replica) => Promise<void> | void;
  readonly detail: RegExp;
  readonly retryAfter: string;
}

const annotated = (lease: Lease, text: string): void => {
  lease.holder = { identity: 'one', annotations: { [announcementName]: text } };
};

const away: readonly AwayRow[] = [
  {
    name: 'nobody leads',
    spoil: (lease) => void (lease.holder = undefined),
    detail: /No replica of the connector leads/,
    retryAfter: '3',
  },
  {
    name: 'the leader has not said where it is',
    spoil: (lease) => void (lease.holder = { identity: 'one', annotations: {} }),
    detail: /\("one"\) has not said yet where/,
    retryAfter: '3',
  },
  {
    name: 'only one that led before has said where it is',
    spoil: (lease) =>
      void (lease.holder = { identity: 'three', annotations: lease.holder?.annotations ?? {} }),
    detail: /\("three"\) has not said yet where/,
    retryAfter: '3',
  },
  {
    name: 'somebody without the key has said where it is',
    spoil: (lease, { port }) => annotated(lease, JSON.stringify(['one', `127.0.0.1:${port}`, '', 'mac'])),
    detail: /has not said yet where/,
    retryAfter: '3',
  },
  {
    name: 'what is said is no announcement',
    spoil: (lease) => annotated(lease, '127.0.0.1:1'),
    detail: /has not said yet where/,
    retryAfter: '3',
  },
  {
    name: 'the leader is gone',
    spoil: (_lease, leading) => dies(leading),
    detail: /\("one"\) cannot be reached/,
    retryAfter: '10',
  },
];

test.each(away)('503 where $name', async ({ spoil, detail, retryAfter }) => {
  const { lease, leading, following } = await pair({ GET: (_request, response) => void response.end('{}') });
  await spoil(lease, leading);
  const answer = await following.get('/things/thing');
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, retryAfter]);
  expect(((await answer.json()) as { detail: string }).detail).toMatch(detail);
  expect(leading.log.filter(({ msg }) => msg === 'request')).toHaveLength(0);
});

test('the key is read again where it does not fit, and not by every request', async () => {
  const lease = new Lease();
  const leading = await replica('one', lease, [
    { path: '/thing', GET: (_request, response) => void response.end('{}') },
  ]);
  const key = new FakeKey(Buffer.alloc(32, 1));
  const following = await replica('two', lease, [], { key });
  takes(lease, leading);
  expect((await following.get('/things/thing')).status).toBe(503);
  expect((await following.get('/things/thing')).status).toBe(503);
  expect(key.loads).toBe(1);
  key.stored = secret;
  await following.clock.advance(5_000);
  expect((await following.get('/things/thing')).status).toBe(200);
  expect((await following.get('/things/thing')).status).toBe(200);
  expect(key.loads).toBe(2);
});

test('a hand-over: the new leader answers by itself, and the other asks it', async () => {
  const lease = new Lease();
  const told = (name: string) => [
    { path: '/thing', GET: (_request: unknown, response: { end(text: string): void }) => response.end(name) },
  ];
  const one = await replica('one', lease, told('one'));
  const two = await replica('two', lease, told('two'));
  const ask = async (served: Replica): Promise<string> => (await served.get('/things/thing')).text();
  takes(lease, one);
  expect([await ask(one), await ask(two)]).toEqual(['one', 'one']);
  takes(lease, two);
  expect([await ask(one), await ask(two)]).toEqual(['two', 'two']);
});

test('a client that leaves ends the work of the leader', async () => {
  const began = Promise.withResolvers<AbortSignal>();
  const { following } = await pair({
    GET: async (_request, _response, { signal }) => {
      began.resolve(signal);
      await once(signal, 'abort');
    },
  });
  const leaver = new AbortController();
  const asked = following.get('/things/thing', { signal: leaver.signal });
  const signal = await began.promise;
  leaver.abort();
  await expect(asked).rejects.toThrow('aborted');
  await eventually(async () => (signal.aborted ? true : undefined));
});

test('a leader that does not answer is given up in time, and told', async () => {
  const began = Promise.withResolvers<AbortSignal>();
  const { following } = await pair({
    GET: async (_request, _response, { signal }) => {
      began.resolve(signal);
      await once(signal, 'abort');
    },
  });
  const asked = following.get('/things/thing');
  const signal = await began.promise;
  await following.clock.advance(20_000);
  const answer = await asked;
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  await eventually(async () => (signal.aborted ? true : undefined));
});

test('a leader that dies before it answers: 503, and the client repeats', async () => {
  const began = Promise.withResolvers<void>();
  const { following, leading } = await pair({
    POST: async (_request, _response, { signal }) => {
      began.resolve();
      await once(signal, 'abort');
    },
  });
  const asked = following.get('/things/thing', { method: 'POST', headers: json, body: '{}' });
  await began.promise;
  await dies(leading);
  const answer = await asked;
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3']);
  expect(((await answer.json()) as { detail: string }).detail).toMatch(/\("one"\) has broken off/);
});

test('a leader that dies in the middle of an answer: it is broken off, and not taken for whole', async () => {
  const began = Promise.withResolvers<void>();
  const { following, leading } = await pair({
    GET: async (_request, response, { signal }) => {
      response.status(200).write('{"begin":');
      began.resolve();
      await once(signal, 'abort');
    },
  });
  const asked = following.get('/things/thing');
  await began.promise;
  const answer = await asked;
  expect(answer.status).toBe(200);
  const end = wholeness(answer);
  await dies(leading);
  expect(await end).toBe('broken off');
  expect(await logged(following)).toMatchObject({ code: 200, whole: false });
});

test('a slow client slows the leader down, and memory does not grow', async () => {
  const part = Buffer.alloc(65_536, 'x');
  const parts = 1_024;
  let written = 0;
  const { following } = await pair({
    GET: async (_request, response) => {
      response.status(200);
      for (let count = 0; count < parts; count += 1) {
        written += part.length;
        if (!response.write(part)) {
          await once(response, 'drain');
        }
      }
      response.end();
    },
  });
  const socket = connect(following.port, '127.0.0.1');
  socket.write(
    `GET /things/thing HTTP/1.1\r\nhost: x\r\nauthorization: ${bearer.authorization}\r\nconnection: close\r\n\r\n`,
  );
  socket.pause();
  let before = -1;
  await eventually(
    async () => {
      const stands = written > 0 && written === before;
      before = written;
      return stands ? true : undefined;
    },
    { everyMs: 200 },
  );
  // Kernels keep some megabytes of it on the way; the whole of it is 64.
  expect(written).toBeLessThan(32 * 1_048_576);
  let read = 0;
  socket.on('data', (data) => {
    read += data.length;
  });
  socket.resume();
  await once(socket, 'close');
  expect(read).toBeGreaterThan(parts * part.length);
});

test('a connection that the leader has ended meanwhile is no error', async () => {
  const { following, leading } = await pair({ GET: (_request, response) => void response.end('{}') });
  expect((await following.get('/things/thing')).status).toBe(200);
  // A leader that is a plain socket from now on: it ends the connection at the moment when it is used again.
  const { port } = leading;
  await dies(leading);
  let count = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      count += 1;
      if (count === 2) {
        socket.destroy();
        return;
      }
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect((await following.get('/things/thing')).status).toBe(200);
  expect((await following.get('/things/thing')).status).toBe(200);
  expect(count).toBe(3);
  server.close();
});

test('over TLS, nothing is sent to a port with another certificate than the leader has said', async () => {
  const [good, bad] = [selfSigned('127.0.0.1'), selfSigned('127.0.0.1')];
  const lease = new Lease();
  const seen: (string | undefined)[] = [];
  const serving = createTlsServer({ key: good.key, cert: good.cert }, (request, response) => {
    seen.push(request.headers.authorization);
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(serving, 'listening');
  const { port } = serving.address() as AddressInfo;
  const following = await replica('two', lease, []);
  const announced = (cert: string): void => {
    const leader = new ReplicaLeader({
      identity: 'one',
      leading: () => true,
      holder: () => undefined,
      key: new FakeKey(secret),
      clock: following.clock,
    });
    leader.serves({ address: `127.0.0.1:${port}`, certificate: () => Buffer.from(cert) });
    takes(lease, { name: 'one', leader });
  };
  announced(bad.cert);
  const refused = await following.get('/things/thing');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
  await refused.text();
  expect(seen).toEqual([]);
  announced(good.cert);
  expect((await following.get('/things/thing')).status).toBe(200);
  // While certificates are replaced, the leader may have what this replica has already.
  announced(bad.cert);
  following.leader.serves({ address: undefined, certificate: () => Buffer.from(good.cert) });
  expect((await following.get('/things/thing')).status).toBe(200);
  expect(seen).toEqual([bearer.authorization, bearer.authorization]);
  following.leader.close();
  serving.closeAllConnections();
  serving.close();
});
