import { beforeEach, describe, expect, test } from '@jest/globals';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { exportJWK, SignJWT, type JWK, type JWTHeaderParameters } from 'jose';
import { Callers, OidcTokens, SecretCredentials } from '../../../../operator/http/auth/index.ts';
import type { OidcTokensOptions } from '../../../../operator/http/auth/oidc.ts';
import type { Caller, Problem } from '../../../../operator/http/frame/index.ts';
import { createLogger, type KubeObject } from '../../../../operator/runtime/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';

const issuer = 'https://id.example.com/realms/a';
const discovery = `${issuer}/.well-known/openid-configuration`;
const jwksUrl = `${issuer}/certs`;

interface Key {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
}

async function makeKey(kid: string, alg = 'RS256'): Promise<Key> {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'EdDSA'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' };
  return { kid, alg, privateKey: pair.privateKey, jwk };
}

const first = await makeKey('first');
const second = await makeKey('second');
const stranger = await makeKey('first');

let clock: FakeClock;
let keys: readonly Key[];
/** What is asked of the issuer. */
let asked: string[];
let answer: (url: string) => Response | Promise<Response>;
let callers: Callers;
let log: string[];

const json = (body: unknown): Response => new Response(JSON.stringify(body), { status: 200 });

function withOptions(options: Partial<OidcTokensOptions> = {}, secret?: SecretCredentials): Callers {
  const logger = createLogger({ level: 'trace', clock, write: (line) => log.push(line) });
  const oidc = new OidcTokens({
    issuer,
    audiences: ['aws'],
    clients: undefined,
    jwksUrl: undefined,
    allowHttp: false,
    clock,
    logger,
    fetch: async (url) => {
      const address = url as string;
      asked.push(address);
      return answer(address);
    },
    ...options,
  });
  return new Callers({ secret, oidc, clock, logger, countRefused: () => undefined });
}

beforeEach(() => {
  clock = new FakeClock();
  keys = [first];
  asked = [];
  log = [];
  answer = (url) =>
    url === discovery ? json({ issuer, jwks_uri: jwksUrl }) : json({ keys: keys.map(({ jwk }) => jwk) });
  callers = withOptions();
});

interface Made {
  readonly key?: Key;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Partial<JWTHeaderParameters>;
}

function token({ key = first, claims = {}, header = {} }: Made = {}): Promise<string> {
  const now = Math.floor(clock.now() / 1_000);
  const all = {
    iss: issuer,
    aud: 'aws',
    sub: 'sub-1',
    azp: 'idhub',
    typ: 'Bearer',
    iat: now,
    exp: now + 60,
    ...claims,
  };
  const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(kept)
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(key.privateKey);
}

let from = 0;
async function enter(text: string): Promise<string | number> {
  from += 1;
  const request = { headersDistinct: { authorization: [`Bearer ${text}`] } } as unknown as IncomingMessage;
  try {
    return (await callers.authenticate(request, `10.0.0.${from % 250}`)).name;
  } catch (error) {
    return (error as Problem).status;
  }
}

describe('a token is good', () => {
  test('of this issuer, for us, in its time; the keys are found by discovery and read once', async () => {
    expect(await enter(await token())).toBe('oidc:idhub/sub-1');
    expect(await enter(await token({ claims: { aud: ['other', 'aws'] } }))).toBe('oidc:idhub/sub-1');
    expect(asked).toEqual([discovery, jwksUrl]);
  });

  test.each<[string, Made, string]>([
    [
      'an access token of RFC 9068',
      { header: { typ: 'at+jwt' }, claims: { typ: undefined } },
      'oidc:idhub/sub-1',
    ],
    ['no typ', { claims: { typ: undefined } }, 'oidc:idhub/sub-1'],
    ['a client without a subject', { claims: { sub: undefined } }, 'oidc:idhub'],
    ['client_id', { claims: { azp: undefined, client_id: 'entra' } }, 'oidc:entra/sub-1'],
    ['a subject alone', { claims: { azp: undefined } }, 'oidc:sub-1'],
    ['a subject that is not printable', { claims: { sub: 'a\nb"ü' } }, 'oidc:idhub/a?b"?'],
    [
      'expired within the skew of clocks',
      { claims: { exp: Date.UTC(2026, 0, 1) / 1_000 - 25 } },
      'oidc:idhub/sub-1',
    ],
    [
      'valid within the skew of clocks',
      { claims: { nbf: Date.UTC(2026, 0, 1) / 1_000 + 25 } },
      'oidc:idhub/sub-1',
    ],
  ])('%s', async (_, made, name) => {
    expect(await enter(await token(made))).toBe(name);
  });

  test.each(['ES256', 'EdDSA', 'PS256', 'RS512'])('signed with %s', async (alg) => {
    const key = await makeKey('k', alg);
    keys = [key, first];
    expect(await enter(await token({ key }))).toBe('oidc:idhub/sub-1');
  });
});

describe('a token is 401', () => {
  test.each<[string, Made]>([
    ['of another issuer', { claims: { iss: 'https://evil.test' } }],
    ['of the issuer with a slash', { claims: { iss: `${issuer}/` } }],
    ['for somebody else', { claims: { aud: 'account' } }],
    ['for nobody', { claims: { aud: undefined } }],
    ['that never ends', { claims: { exp: undefined } }],
    ['that has expired', { claims: { exp: Date.UTC(2026, 0, 1) / 1_000 - 31 } }],
    ['that is not valid yet', { claims: { nbf: Date.UTC(2026, 0, 1) / 1_000 + 31 } }],
    ['signed with another key of the same name', { key: stranger }],
    ['an ID token', { claims: { typ: 'ID' } }],
    ['a refresh token', { claims: { typ: 'Refresh' } }],
    ['for a logout', { header: { typ: 'logout+jwt' } }],
    ['of nobody', { claims: { sub: undefined, azp: undefined } }],
  ])('%s', async (_, made) => {
    expect(await enter(await token(made))).toBe(401);
  });

  test('with an extension that has to be understood', async () => {
    const [, body, signature] = (await token()).split('.');
    const head = { alg: 'RS256', kid: 'first', crit: ['x'], x: 1 };
    const encoded = Buffer.from(JSON.stringify(head)).toString('base64url');
    expect(await enter([encoded, body, signature].join('.'))).toBe(401);
  });

  test('without a signature, or signed with the public key as a secret', async () => {
    const [head = '', body = ''] = (await token()).split('.');
    const encode = (header: object): string => Buffer.from(JSON.stringify(header)).toString('base64url');
    const publicKey = JSON.stringify(first.jwk);
    for (const alg of ['HS256', 'HS512']) {
      const input = `${encode({ alg, kid: 'first' })}.${body}`;
      const mac = createHmac(alg === 'HS256' ? 'sha256' : 'sha512', publicKey)
        .update(input)
        .digest('base64url');
      expect(await enter(`${input}.${mac}`)).toBe(401);
    }
    for (const alg of ['none', 'NONE', '']) {
      expect(await enter(`${encode({ alg })}.${body}.`)).toBe(401);
      expect(await enter(`${encode({ alg, kid: 'first' })}.${body}.AA`)).toBe(401);
    }
    expect(await enter(`${head}.${body}.${'A'.repeat(342)}`)).toBe(401);
  });

  test.each(['x', 'a.b', 'a.b.c', '....', 'e30.e30.e30', `${'A'.repeat(4_000)}.e30.e30`])(
    '%s',
    async (text) => {
      expect(await enter(text)).toBe(401);
    },
  );

  test('that brings its own key', async () => {
    const header = { jwk: stranger.jwk, jku: 'https://evil.test/keys', x5u: 'https://evil.test/x' };
    expect(await enter(await token({ key: stranger, header }))).toBe(401);
    expect(asked.filter((url) => url.includes('evil'))).toEqual([]);
  });
});

describe('with --oidc-clients', () => {
  test.each<[string, Made['claims'], string | number]>([
    ['azp', { azp: 'idhub' }, 'oidc:idhub/sub-1'],
    ['client_id', { azp: undefined, client_id: 'entra' }, 'oidc:entra/sub-1'],
    ['another azp', { azp: 'web' }, 401],
    ['another azp beside', { azp: 'web', client_id: 'idhub' }, 401],
    ['no client', { azp: undefined }, 401],
    ['an empty one', { azp: '' }, 401],
    ['a list', { azp: undefined, client_id: ['idhub'] }, 401],
    ['other letters', { azp: 'IDHub' }, 401],
  ])('%s', async (_, claims, expected) => {
    callers = withOptions({ clients: ['idhub', 'entra'] });
    expect(await enter(await token({ claims: claims ?? {} }))).toBe(expected);
  });
});

describe('which connections, says the Secret of callers', () => {
  const secret = { namespace: 'idhub-system', name: 'callers' };
  const aws = { namespace: 'team', name: 'aws' };
  const other = { namespace: 'other', name: 'aws' };
  let client: FakeClient;

  const keep = (data: Record<string, string>): void => {
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    client.store.create('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: secret,
      data: Object.fromEntries(encoded),
    } as KubeObject);
  };

  const come = async (): Promise<Caller> => {
    from += 1;
    const request = {
      headersDistinct: { authorization: [`Bearer ${await token()}`] },
    } as unknown as IncomingMessage;
    return callers.authenticate(request, `10.1.0.${from % 250}`);
  };

  beforeEach(() => {
    client = new FakeClient();
    const logger = createLogger({ level: 'error', clock });
    callers = withOptions(
      {},
      new SecretCredentials({ client, secret, clock, logger, protectSecret: () => undefined }),
    );
  });

  test('and nothing is open where it is gone, or does not say it any more', async () => {
    keep({ 'connections.oidc': 'team/*' });
    const caller = await come();
    expect([caller.may(aws), caller.may(other)]).toEqual([true, false]);
    client.store.remove('secrets', secret);
    await clock.advance(30_000);
    await expect(come()).rejects.toMatchObject({ status: 503, retryAfter: 30 });
    keep({ 'token.a': 'test-token-0123456789' });
    await clock.advance(30_000);
    await expect(come()).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('connections.oidc') as unknown,
    });
    client.store.remove('secrets', secret);
    keep({ 'connections.oidc': '*' });
    await clock.advance(1_000);
    // Looked at again at once.
    expect((await come()).may(other)).toBe(true);
  });
});

test('a new token comes in whatever others behind the same address do', async () => {
  const show = async (text: string): Promise<string | number> => {
    const request = { headersDistinct: { authorization: [`Bearer ${text}`] } } as unknown as IncomingMessage;
    return callers.authenticate(request, '10.9.9.9').then(
      ({ name }) => name,
      (error: unknown) => (error as Problem).status,
    );
  };
  for (let count = 0; count < 20; count += 1) {
    expect(await show(await token({ claims: { exp: count } }))).toBe(401);
  }
  expect(await show(await token({ claims: { exp: 20 } }))).toBe(429);
  expect(await show(await token())).toBe('oidc:idhub/sub-1');
  expect(await show(await token({ claims: { sub: 'sub-2' } }))).toBe('oidc:idhub/sub-2');
});

describe('keys', () => {
  test('that are new open at once; ones that were taken back not any more after 5 minutes', async () => {
    expect(await enter(await token())).toBe('oidc:idhub/sub-1');
    keys = [first, second];
    await clock.advance(10_000);
    expect(await enter(await token({ key: second }))).toBe('oidc:idhub/sub-1');
    keys = [second];
    await clock.advance(299_000);
    expect(await enter(await token())).toBe('oidc:idhub/sub-1');
    await clock.advance(1_000);
    expect(await enter(await token())).toBe(401);
    expect(await enter(await token({ key: second }))).toBe('oidc:idhub/sub-1');
  });

  test('that nobody knows do not make us ask the issuer without end', async () => {
    const unknown = await makeKey('unknown');
    for (let count = 0; count < 100; count += 1) {
      expect(await enter(await token({ key: unknown }))).toBe(401);
    }
    expect(asked).toHaveLength(2);
    await clock.advance(10_000);
    const text = await token({ key: unknown });
    await Promise.all(Array.from({ length: 20 }, () => enter(text)));
    expect(asked).toHaveLength(4);
  });

  test('at an address of its own need no discovery', async () => {
    callers = withOptions({ jwksUrl });
    expect(await enter(await token())).toBe('oidc:idhub/sub-1');
    expect(asked).toEqual([jwksUrl]);
  });
});

describe('an issuer that does not answer', () => {
  test.each<[string, (url: string) => Response | Promise<Response>]>([
    ['refuses connections', () => Promise.reject(new TypeError('fetch failed'))],
    ['is broken', () => new Response('oops', { status: 500 })],
    ['answers no JSON', () => new Response('<html>')],
    ['answers a list', () => json([])],
    ['answers without end', () => new Response('x'.repeat(2_000_000))],
    ['is another one', () => json({ issuer: 'https://evil.test', jwks_uri: jwksUrl })],
    ['says no address', () => json({ issuer })],
    ['says an address in the clear', () => json({ issuer, jwks_uri: 'http://id.example.com/certs' })],
    ['says an address of a file', () => json({ issuer, jwks_uri: 'file:///etc/passwd' })],
    ['has no keys', (url) => (url === discovery ? json({ issuer, jwks_uri: jwksUrl }) : json({}))],
  ])('%s: 503, not 401, and it is not asked again within 10 s', async (_, fault) => {
    const sound = answer;
    answer = fault;
    expect(await enter(await token())).toBe(503);
    const so = asked.length;
    expect(await enter(await token())).toBe(503);
    expect(asked).toHaveLength(so);
    answer = sound;
    await clock.advance(10_000);
    expect(await enter(await token())).toBe('oidc:idhub/sub-1');
  });

  test('its keys are believed for an hour; a key that it did not have is 503', async () => {
    expect(await enter(await token())).toBe('oidc:idhub/sub-1');
    answer = () => Promise.reject(new TypeError('fetch failed'));
    await clock.advance(3_590_000);
    expect(await enter(await token())).toBe('oidc:idhub/sub-1');
    expect(await enter(await token({ key: second }))).toBe(503);
    // What is wrong whatever the keys are stays wrong.
    expect(await enter(await token({ claims: { aud: 'other' } }))).toBe(401);
    await clock.advance(11_000);
    expect(await enter(await token())).toBe(503);
  });
});

test('no token is in the log, and why it was refused is, at level debug', async () => {
  const expired = await token({ claims: { exp: 1 } });
  await enter(expired);
  const text = log.join('\n');
  expect(text).toContain('ERR_JWT_EXPIRED');
  expect(text).not.toContain(expired.split('.')[2]);
});
