import { beforeEach, describe, expect, test } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import { Callers, SecretCredentials } from '../../../../operator/http/auth/index.ts';
import type { Problem } from '../../../../operator/http/frame/index.ts';
import { createLogger, type KubeObject, type ResourceType } from '../../../../operator/runtime/index.ts';
import { FakeClient, unreachable } from '../../runtime/fake-api.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';

const secret = { namespace: 'idhub-system', name: 'callers' };
const token = 'test-token-0123456789';
const newer = 'newer-token-0123456789';

/** Counts how often the Secret was read. */
class Counting extends FakeClient {
  reads = 0;

  override async get<T extends KubeObject>(
    type: ResourceType<T>,
    key: { namespace: string; name: string },
    options: { signal?: AbortSignal } = {},
  ): Promise<T> {
    this.reads += 1;
    return super.get(type, key, options);
  }
}

let client: Counting;
let clock: FakeClock;
let callers: Callers;
let refused: number;
let log: string[];
let secrets: string[];

beforeEach(() => {
  client = new Counting();
  clock = new FakeClock();
  refused = 0;
  log = [];
  secrets = [];
  const logger = createLogger({ level: 'trace', clock, write: (line) => log.push(line) });
  callers = new Callers({
    secret: new SecretCredentials({
      client,
      secret,
      clock,
      logger,
      protectSecret: (each) => secrets.push(each),
    }),
    oidc: undefined,
    clock,
    logger,
    countRefused: () => {
      refused += 1;
    },
  });
});

async function keep(data: Record<string, string>): Promise<void> {
  const encoded = Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  try {
    client.store.get('secrets', secret);
    client.store.patch('secrets', secret, { data: null });
    client.store.patch('secrets', secret, { data: encoded });
  } catch {
    client.store.create('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: secret,
      data: encoded,
    } as KubeObject);
  }
}

/** The name of who comes in, or the status. */
async function enter(authorization: string | readonly string[], from = '10.0.0.1'): Promise<string | number> {
  const request = {
    headersDistinct: {
      authorization: typeof authorization === 'string' ? [authorization] : [...authorization],
    },
  } as unknown as IncomingMessage;
  try {
    return (await callers.authenticate(request, from)).name;
  } catch (error) {
    return (error as Problem).status;
  }
}

const shapes: (string | readonly string[])[] = [
  [],
  '',
  'Bearer',
  'Bearer ',
  'Bearer undefined',
  'Bearer null',
  'bearer x',
  'Basic ',
  'Basic Og==',
  'Basic dW5kZWZpbmVkOnVuZGVmaW5lZA==',
  ['Bearer ', 'Bearer '],
  ['Bearer ', `Bearer ${token}`],
];

describe('without anything that lets anybody in, nobody comes in: 503', () => {
  test.each<[string, Record<string, string> | undefined]>([
    ['no Secret', undefined],
    ['an empty Secret', {}],
    ['an empty token', { 'token.a': '' }],
    ['an empty password', { 'basic.a': 'idhub:' }],
    ['empty Basic', { 'basic.a': ':' }],
    ['another entry', { password: token }],
  ])('%s', async (_, data) => {
    if (data !== undefined) {
      await keep(data);
    }
    for (const shape of shapes) {
      expect([shape, await enter(shape, `10.0.0.${shapes.indexOf(shape)}`)]).toEqual([shape, 503]);
    }
  });
});

test('without a Secret and an issuer, the answer names the flags', async () => {
  const none = new Callers({
    secret: undefined,
    oidc: undefined,
    clock,
    logger: createLogger({ level: 'error', clock }),
    countRefused: () => undefined,
  });
  await expect(
    none.authenticate({ headersDistinct: {} } as IncomingMessage, '10.0.0.1'),
  ).rejects.toMatchObject({ status: 503, message: expect.stringContaining('--http-auth-secret') as unknown });
});

test('what is no credential is 401, in whatever shape, and says how to come in', async () => {
  await keep({ 'token.a': token, 'basic.b': 'idhub:some password' });
  for (const shape of shapes) {
    expect([shape, await enter(shape, `10.0.0.${shapes.indexOf(shape)}`)]).toEqual([shape, 401]);
  }
  await expect(
    callers.authenticate({ headersDistinct: {} } as IncomingMessage, '10.0.9.9'),
  ).rejects.toMatchObject({
    headers: {
      'www-authenticate':
        'Basic realm="idhub-aws-connector", charset="UTF-8", Bearer realm="idhub-aws-connector"',
    },
  });
  // Those that are credentials at all.
  expect(refused).toBe(5);
});

test('tokens of any other length are 401, and nothing breaks', async () => {
  await keep({ 'token.a': token });
  for (const other of ['x', token.slice(0, -1), `${token}0`, 'y'.repeat(10_000)]) {
    expect(await enter(`Bearer ${other}`)).toBe(401);
  }
  expect(await enter(`Bearer ${token}`)).toBe('token.a');
});

test('rotation: old and new beside each other, then the new alone', async () => {
  await keep({ 'token.a': token });
  expect(await enter(`Bearer ${token}`)).toBe('token.a');
  await keep({ 'token.a': token, 'token.b': newer });
  await clock.advance(1_000);
  // Refused by what is known, so that it is read again at once.
  expect(await enter(`Bearer ${newer}`)).toBe('token.b');
  expect(await enter(`Bearer ${token}`)).toBe('token.a');
  await keep({ 'token.b': newer });
  await clock.advance(30_000);
  expect(await enter(`Bearer ${token}`)).toBe(401);
  expect(await enter(`Bearer ${newer}`)).toBe('token.b');
  expect(secrets).toEqual(expect.arrayContaining([token, newer]));
});

test('the Secret is read once in 30 s by those who come in, once a second by those who do not', async () => {
  await keep({ 'token.a': token });
  for (let count = 0; count < 50; count += 1) {
    await enter(`Bearer ${token}`);
  }
  expect(client.reads).toBe(1);
  await clock.advance(5_000);
  for (let count = 0; count < 15; count += 1) {
    expect(await enter('Bearer wrong')).toBe(401);
  }
  expect(client.reads).toBe(2);
  await clock.advance(1_000);
  await Promise.all(Array.from({ length: 4 }, () => enter('Bearer wrong')));
  expect(client.reads).toBe(3);
});

test('while the API server does not answer, what was known is believed for 5 minutes', async () => {
  await keep({ 'token.a': token });
  expect(await enter(`Bearer ${token}`)).toBe('token.a');
  client.fail = unreachable;
  await clock.advance(299_000);
  expect(await enter(`Bearer ${token}`)).toBe('token.a');
  expect(await enter('Bearer wrong')).toBe(401);
  await clock.advance(2_000);
  expect(await enter(`Bearer ${token}`)).toBe(503);
  client.fail = () => undefined;
  expect(await enter(`Bearer ${token}`)).toBe('token.a');
});

test('an API server that does not answer at the first request: 503, not 401', async () => {
  client.fail = unreachable;
  expect(await enter(`Bearer ${token}`)).toBe(503);
});

describe('refused logins', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const guess = async (kind: 'bearer' | 'basic', times: number): Promise<(string | number)[]> => {
    const answers: (string | number)[] = [];
    for (let count = 0; count < times; count += 1) {
      answers.push(await enter(kind === 'bearer' ? `Bearer guess-${count}` : basic(`idhub:guess ${count}`)));
    }
    return answers;
  };

  test('from one address are looked at 20 times, then one each 5 s', async () => {
    await keep({ 'token.a': token });
    expect(await guess('bearer', 22)).toEqual([...Array.from({ length: 20 }, () => 401), 429, 429]);
    // Not even the right one, which is how a guess would look.
    expect(await enter(`Bearer ${token}`)).toBe(429);
    expect(await enter(`Bearer ${token}`, '10.0.0.2')).toBe('token.a');
    await clock.advance(5_000);
    expect(await enter(`Bearer ${token}`)).toBe('token.a');
  });

  test('of one user keep out neither another nor a token', async () => {
    await keep({ 'token.a': token, 'basic.b': 'idhub:some password', 'basic.c': 'entra:some password' });
    expect((await guess('basic', 21)).at(-1)).toBe(429);
    expect(await enter(basic('idhub:some password'))).toBe(429);
    expect(await enter(basic('entra:some password'))).toBe('entra');
    expect(await enter(`Bearer ${token}`)).toBe('token.a');
  });

  test('that are the same again keep out nobody else, and are not looked at without end', async () => {
    await keep({ 'token.a': token });
    for (let count = 0; count < 21; count += 1) {
      expect(await enter('Bearer forgotten-client')).toBe(401);
    }
    expect(await enter('Bearer forgotten-client')).toBe(429);
    expect(await enter(`Bearer ${token}`)).toBe('token.a');
    // Nor do they open anything else: each other one is a guess.
    expect((await guess('bearer', 20)).filter((status) => status === 429)).toHaveLength(1);
  });

  test('are none where nothing is shown: clients may ask what to show, each time', async () => {
    await keep({ 'basic.b': 'idhub:some password' });
    for (let count = 0; count < 50; count += 1) {
      expect(await enter([])).toBe(401);
    }
    expect(await enter(basic('idhub:some password'))).toBe('idhub');
    expect(refused).toBe(0);
  });

  test('do not shut out who came in from there before, behind the same proxy', async () => {
    await keep({ 'token.a': token });
    expect(await enter(`Bearer ${token}`)).toBe('token.a');
    expect((await guess('bearer', 40)).at(-1)).toBe(429);
    expect(await enter(`Bearer ${token}`)).toBe('token.a');
    // Nor do they open anything that was taken back since.
    await keep({ 'token.b': newer });
    await clock.advance(30_000);
    expect(await enter(`Bearer ${token}`)).toBe(401);
  });
});

test('no line of the log has a credential', async () => {
  await keep({ 'token.a': token, 'basic.b': 'idhub:some password', 'token.bad': 'sh0rt-one' });
  await enter(`Bearer ${token}`);
  await enter('Bearer guessed-token-987654');
  await enter(`Basic ${Buffer.from('idhub:guessed password').toString('base64')}`);
  const text = log.join('\n');
  expect(text).toContain('"token.bad\\" has fewer than 16 characters');
  for (const part of [token, 'some password', 'guessed', 'sh0rt-one']) {
    expect(text).not.toContain(part);
  }
});

test('a Secret that is not there is in the log, by its name', async () => {
  const said: string[] = [];
  const source = new SecretCredentials({
    client,
    secret: { namespace: 'idhub-system', name: 'nowhere' },
    clock,
    logger: createLogger({ level: 'info', clock, write: (line) => said.push(line) }),
    protectSecret: () => undefined,
  });
  expect((await source.current()).there).toBe(false);
  expect(said.join('')).toMatch(/"level":"warn".*the Secret of callers is not there.*nowhere/);
});
