import { CreateUserCommand } from '@aws-sdk/client-iam';
import { afterAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned, type SelfSigned } from '../support/certificate.ts';
import { eventually } from '../support/process.ts';
import { patch, settled, snapshotEvery, user, worldFor } from './support.ts';
import { PortClient, portUrl, scimJson, untilListed, writeCallers } from './port.ts';

const namespace = 'callers';
const secret = 'e2e-callers';
const shutoutBurst = 5;
const flags = [
  snapshotEvery,
  `--http-auth-secret=${secret}`,
  '--list-max-age=10m',
  `--default-connection=${namespace}/aws`,
  '--trusted-proxies=127.0.0.1',
  `--http-shutout-burst=${shutoutBurst}`,
  '--log-level=trace',
];
const world = worldFor(namespace, { operator: flags });
const token = 'e2e-callers-token-0123456789';
const newer = 'e2e-callers-newer-0123456789';
const basic = `Basic ${Buffer.from('idhub:e2e callers password').toString('base64')}`;

afterAll(async () => writeCallers(world(), secret, undefined));

/** What is answered to a request with exactly these Authorization headers; each call from another address. */
let address = 0;
async function status(path: string, authorization: readonly string[], method = 'GET'): Promise<number> {
  const { port } = new URL(await portUrl(world().operator));
  address += 1;
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(
        [
          `${method} ${path} HTTP/1.1`,
          'host: a',
          'connection: close',
          `x-forwarded-for: 198.51.100.${address % 250}`,
          ...authorization.map((each) => `authorization: ${each}`),
          'content-length: 0',
          '\r\n',
        ].join('\r\n'),
      );
    });
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(Number(text.split(' ')[1])));
  });
}

const paths = [
  ['GET', '/scim/v2/Users'],
  ['GET', '/scim/v2/Account/AIDAX'],
  ['DELETE', '/scim/v2/Account/AIDAX'],
  ['GET', '/scim/v2/ServiceProviderConfig'],
  ['POST', '/scim/v2/Bulk'],
  ['POST', '/webhook/v1/operations'],
  ['GET', `/connections/${namespace}/aws/scim/v2/Users`],
] as const;

const shapes: readonly (readonly string[])[] = [
  [],
  [''],
  ['Bearer'],
  ['Bearer '],
  ['Bearer x'],
  ['bearer undefined'],
  ['Bearer null'],
  ['Basic '],
  ['Basic Og=='],
  ['Basic dW5kZWZpbmVkOnVuZGVmaW5lZA=='],
  ['Bearer ', 'Bearer '],
  ['Bearer x', `Bearer ${token}`],
  [`Bearer ${token}`, `Bearer ${token}`],
  [`Bearer ${token}x`],
  [`Bearer ${token.slice(1)}`],
];

test('without a Secret, or with empty entries, nobody comes in: 503 for every shape of every request (C28)', async () => {
  for (const entries of [undefined, {}, { 'token.a': '', 'basic.a': ':', 'basic.b': 'idhub:' }]) {
    await writeCallers(world(), secret, entries);
    for (const [method, path] of paths) {
      for (const shape of shapes) {
        expect([entries, method, path, shape, await status(path, shape, method)]).toEqual([
          entries,
          method,
          path,
          shape,
          503,
        ]);
      }
    }
  }
});

let client: PortClient;

test('with callers, every other shape is 401, and the right ones come in', async () => {
  await writeCallers(world(), secret, {
    'token.a': token,
    'basic.b': 'idhub:e2e callers password',
    'token.c': 'e2e-callers-elsewhere-0123456789',
    'connections.c': 'elsewhere/*',
  });
  await eventually(
    async () =>
      (await status('/scim/v2/ServiceProviderConfig', [`Bearer ${token}`])) === 200 ? true : undefined,
    { withinMs: 60_000, what: 'the Secret to be read' },
  );
  for (const [method, path] of paths) {
    for (const shape of shapes) {
      expect([method, path, shape, await status(path, shape, method)]).toEqual([method, path, shape, 401]);
    }
  }
  client = new PortClient({ url: await portUrl(world().operator), authorization: `Bearer ${token}` });
  await untilListed(client);
  expect(await status('/scim/v2/Users', [basic])).toBe(200);
  const elsewhere = ['Bearer e2e-callers-elsewhere-0123456789'];
  for (const path of ['/scim/v2/Users', `/connections/${namespace}/aws/scim/v2/Users`]) {
    expect(await status(path, elsewhere)).toBe(403);
  }
});

test('tokens are rotated without a restart: both in the overlap, then the old one not any more (C28)', async () => {
  const all = { 'basic.b': 'idhub:e2e callers password' };
  await writeCallers(world(), secret, { ...all, 'token.a': token, 'token.d': newer });
  await eventually(
    async () => ((await status('/scim/v2/Users', [`Bearer ${newer}`])) === 200 ? true : undefined),
    { withinMs: 5_000, everyMs: 200, what: 'the new token to open' },
  );
  expect(await status('/scim/v2/Users', [`Bearer ${token}`])).toBe(200);
  await writeCallers(world(), secret, { ...all, 'token.d': newer });
  await eventually(
    async () => ((await status('/scim/v2/Users', [`Bearer ${token}`])) === 401 ? true : undefined),
    { withinMs: 60_000, everyMs: 1_000, what: 'the old token to be refused' },
  );
  expect(await status('/scim/v2/Users', [`Bearer ${newer}`])).toBe(200);
  client = new PortClient({ url: client.url, authorization: `Bearer ${newer}` });
});

test('every error below /scim/v2 is a SCIM error, whatever it is about (C27)', async () => {
  const json = { 'content-type': `${scimJson}; charset=utf-8` };
  const huge = `{"userName":"${'x'.repeat(6_000_000)}"}`;
  for (const [code, method, path, body, headers] of [
    [400, 'POST', '/scim/v2/Account', '{', json],
    [413, 'POST', '/scim/v2/Account', huge, json],
    [415, 'POST', '/scim/v2/Account', '{}', { 'content-type': 'text/html' }],
    [404, 'GET', '/scim/v2/Nothing', undefined, {}],
    [404, 'GET', '/scim/v2/Account/AIDANOTHING', undefined, {}],
    [404, 'GET', '/connections/callers/none/scim/v2/Account', undefined, {}],
    [405, 'DELETE', '/scim/v2/Account', undefined, {}],
    [400, 'GET', '/scim/v2/Account?filter=userName%20eq', undefined, {}],
    [401, 'GET', '/scim/v2/Account', undefined, { authorization: 'Bearer wrong' }],
  ] as const) {
    const answer = await client.send(method, path, body, headers);
    expect([method, path, answer.status]).toEqual([method, path, code]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/);
    const told = (await answer.json()) as { schemas: unknown; status: unknown; detail: string };
    expect(told).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(code),
      detail: expect.any(String) as unknown,
    });
    expect(JSON.stringify(told)).not.toMatch(/node_modules|\.ts:|\.mjs:|<html/i);
  }
});

test('the Host of a request changes no location; each location leads somewhere (C27)', async () => {
  await world().iam.send(new CreateUserCommand({ UserName: 'located' }));
  const listed = await eventually(
    async () => {
      const { Resources } = await client.json<{ Resources: { meta: { location: string } }[] }>(
        'GET',
        '/scim/v2/Users?filter=userName%20eq%20%22located%22',
      );
      return Resources[0];
    },
    { withinMs: 20_000, everyMs: 300, what: 'the user to be listed' },
  );
  expect(new URL(listed.meta.location).origin).toBe(client.url);
  const spoofed = await withHost('evil.test', new URL(listed.meta.location).pathname);
  expect(spoofed).toContain(listed.meta.location);
  expect(spoofed).not.toContain('evil');
  const kinds = await client.json<{ Resources: { meta: { location: string } }[] }>(
    'GET',
    '/scim/v2/ResourceTypes',
  );
  const schemas = await client.json<{ Resources: { meta: { location: string } }[] }>(
    'GET',
    '/scim/v2/Schemas',
  );
  for (const { meta } of [listed, ...kinds.Resources, ...schemas.Resources]) {
    const answer = await fetch(meta.location, { headers: { authorization: `Bearer ${newer}` } });
    expect([meta.location, answer.status]).toEqual([meta.location, 200]);
  }
});

test('one caller disables few at once, the rest is 429 and counted; what kubectl asks for is done at once (C28)', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `leaver-${index}`);
  await Promise.all(names.map((name) => world().iam.send(new CreateUserCommand({ UserName: name }))));
  const found = await eventually(
    async () => {
      const { Resources } = await client.json<{ Resources: { id: string; userName: string }[] }>(
        'GET',
        '/scim/v2/Users?filter=userName%20sw%20%22leaver-%22&count=200',
      );
      return Resources.length === names.length ? Resources : undefined;
    },
    { withinMs: 20_000, everyMs: 300, what: 'the leavers to be listed' },
  );
  const codes: number[] = [];
  const disable = {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'replace', path: 'active', value: false }],
  };
  for (const { id } of found) {
    const answer = await client.send('PATCH', `/scim/v2/Users/${id}`, disable);
    codes.push(answer.status);
    if (answer.status === 429) {
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    await answer.text();
  }
  expect(codes.filter((code) => code === 200)).toHaveLength(shutoutBurst);
  expect(codes.filter((code) => code === 429)).toHaveLength(names.length - shutoutBurst);
  expect(await world().metrics()).toMatch(
    new RegExp(`^idhub_http_shutouts_held_back_total ${names.length - shutoutBurst}$`, 'm'),
  );
  expect(
    world().operator.lines.filter((line) => line.includes('"msg":"audit"') && line.includes('heldBack')),
  ).toHaveLength(names.length - shutoutBurst);
  await world().apply(
    world().accountManifest('last', { userName: 'leaver-39', adoptionPolicy: 'Always', enabled: true }),
  );
  await settled(world(), 'last');
  await patch(world(), 'last', { spec: { enabled: false } });
  await eventually(
    async () =>
      Object.keys((await user(world(), 'leaver-39')).inlinePolicies).length > 0 ? true : undefined,
    { withinMs: 10_000, what: 'the disable in AWS' },
  );
});

/** The answer to a request with another Host than its own. */
async function withHost(host: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    plainRequest(
      `${client.url}${path}`,
      { headers: { host, authorization: `Bearer ${newer}` } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => {
          text += part;
        });
        answer.once('end', () => resolve(text));
      },
    )
      .once('error', reject)
      .end();
  });
}

function codeOver(url: string, trusted: SelfSigned): Promise<string> {
  return new Promise((resolve) => {
    tlsRequest(
      `${url}/scim/v2/ServiceProviderConfig`,
      { ca: trusted.cert, agent: false, headers: { authorization: `Bearer ${newer}` } },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(String(answer.statusCode)));
      },
    )
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end();
  });
}

test('with a certificate the port speaks TLS, and a renewed one is in use without a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'e2e-callers-'));
  const write = async ({ cert, key }: SelfSigned): Promise<void> => {
    await writeFile(join(folder, 'tls.key'), key);
    await writeFile(join(folder, 'tls.crt'), cert);
  };
  const [one, two] = [selfSigned('127.0.0.1'), selfSigned('127.0.0.1')];
  await write(one);
  const secured = world().spawnOperator([
    ...flags,
    `--tls-cert-file=${join(folder, 'tls.crt')}`,
    `--tls-key-file=${join(folder, 'tls.key')}`,
  ]);
  try {
    const url = await portUrl(secured.process);
    expect(url).toMatch(/^https:/);
    await eventually(async () => ((await codeOver(url, one)) === '200' ? true : undefined), {
      what: 'an answer over TLS',
    });
    expect(await codeOver(url, two)).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    await writeFile(join(folder, 'tls.crt'), 'half a certificate');
    await secured.process.line((line) => line.includes('the one before stays'));
    expect(await codeOver(url, one)).toBe('200');
    await write(two);
    await eventually(async () => ((await codeOver(url, two)) === '200' ? true : undefined), {
      withinMs: 20_000,
      everyMs: 500,
      what: 'the renewed certificate',
    });
    const metrics = await (await fetch(`${await secured.metricsUrl()}/metrics`)).text();
    expect(metrics).toMatch(/^idhub_http_certificate_refused_total [1-9]/m);
  } finally {
    await secured.process.stop();
    await rm(folder, { recursive: true });
  }
});

test('no line of the log has a credential', () => {
  const log = world().operator.lines.join('\n');
  expect(log).toContain('"caller":"token.a"');
  expect(log).toContain('"caller":"idhub"');
  for (const part of [
    token,
    newer,
    'e2e callers password',
    basic.split(' ')[1] ?? '',
    'e2e-callers-elsewhere',
  ]) {
    expect(log).not.toContain(part);
  }
});
