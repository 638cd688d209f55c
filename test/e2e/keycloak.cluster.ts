import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { startIdhubServer, type IdhubServer } from '../idhub/index.ts';
import {
  makeCaller,
  makeTenant,
  offlineTokens,
  rotateKeys,
  startKeycloak,
  type Keycloak,
  type Tenant,
} from '../keycloak/index.ts';
import { runCommand } from '../support/command.ts';
import { eventually } from '../support/process.ts';
import { patch, snapshotEvery, worldFor } from './support.ts';
import { systemNamespace } from './world.ts';

const namespace = 'e2e-keycloak';
/** The operator's namespace is everybody's, so its name is this suite's own. */
const secretName = 'e2e-keycloak';
const audience = 'AWS-connector';
/** Filled before the operator starts. */
const flags: string[] = [
  snapshotEvery,
  `--idhub-secret=${secretName}`,
  '--idhub-interval=1s',
  `--default-connection=${namespace}/aws`,
  '--log-level=trace',
];
let keycloak: Keycloak;
let idhub: IdhubServer;
let tenant: Tenant;
/** Every token that was given out by hand. */
const given: string[] = [];
let logs = '';
/** Tokens by which IDHub signs in at the connector, each a new one. */
let caller: Awaited<ReturnType<typeof makeCaller>>;
/** One from the beginning, that lives for two seconds. */
let early = '';

beforeAll(async () => {
  keycloak = await startKeycloak({ log: (line) => console.error(line) });
  idhub = await startIdhubServer({ keycloakPort: keycloak.port, realm: 'IDHub' });
  tenant = await makeTenant(keycloak, {
    url: `${idhub.url}/auth`,
    realm: 'alpha',
    idhubRealm: 'IDHub',
    tokenSeconds: 5,
    rotates: true,
  });
  caller = await makeCaller(keycloak, tenant, { clientId: 'idhub', audience, tokenSeconds: 2 });
  flags.push(`--oidc-issuer=${tenant.url}/realms/${tenant.realm}`, `--oidc-audience=${audience}`);
}, 600_000);
const world = worldFor(namespace, { operator: flags });

afterAll(async () => {
  await keycloak?.close();
  await idhub?.close();
  await world().kubectl(['delete', 'secret', secretName, '-n', systemNamespace, '--ignore-not-found']);
});

async function linkState(): Promise<string | undefined> {
  return /^idhub_link_state\{state="([A-Z_]+)"\} 1$/m.exec(await world().metrics())?.[1];
}

const untilLink = (state: string, withinMs = 20_000): Promise<true> =>
  eventually(async () => ((await linkState()) === state ? true : undefined), {
    withinMs,
    everyMs: 200,
    what: `the link to be ${state}; it is told: ${world().operator.lines.findLast((line) => line.includes('the link to IDHub'))}`,
  });

async function entries(): Promise<Record<string, string>> {
  const text = await world().kubectl(['get', 'secret', secretName, '-n', systemNamespace, '-o', 'json']);
  const { data } = JSON.parse(text) as { data: Record<string, string> };
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()]),
  );
}

const setEntries = async (values: Record<string, string>): Promise<void> => {
  await world().kubectl([
    'patch',
    'secret',
    secretName,
    '-n',
    systemNamespace,
    '--type=merge',
    '-p',
    JSON.stringify({ stringData: values }),
  ]);
};

function kidOf(token: string): unknown {
  const [head = ''] = token.split('.');
  return (JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid?: unknown }).kid;
}

/** Waits until the Secret has another refresh token than these. */
const untilRotated = (...known: readonly (string | undefined)[]): Promise<string> =>
  eventually(
    async () => {
      const { refreshToken } = await entries();
      return known.includes(refreshToken) ? undefined : refreshToken;
    },
    { withinMs: 20_000, everyMs: 100, what: 'another refresh token in the Secret' },
  );

/** What the connector answers to a token, or to none. */
async function healthOf(
  token: string | undefined,
): Promise<{ readonly code: number; readonly status?: string; readonly message?: string }> {
  const line = await world().operator.line((each) => each.includes('webhook and reports'));
  const { port } = JSON.parse(line) as { port: number };
  const response = await fetch(`http://127.0.0.1:${port}/connector/health`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  return { code: response.status, ...((await response.json()) as object) };
}

const shown = async (token: string | undefined): Promise<number> => (await healthOf(token)).code;

const asked = (what: string): number => idhub.requests.filter((each) => each.includes(what)).length;

describe('the guide’s steps, with a real Keycloak', () => {
  let folder = '';
  let manifests = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'import-env-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('without the Secret IDHub is not configured, and AWS is reconciled', async () => {
    await untilLink('NOT_CONFIGURED');
    await world().until('awsconnection', 'aws', { status: 'True' });
    expect(idhub.requests.filter((each) => each.includes('TargetSystem'))).toEqual([]);
  });

  test('the .env with the tokens of step 3 becomes manifests that work', async () => {
    const { access, refresh } = await offlineTokens(tenant);
    given.push(access, refresh);
    const { accessKeyId, secretAccessKey } = world().credentials;
    await writeFile(
      join(folder, '.env'),
      [
        `AWS_ACCESS_KEY: '${accessKeyId}'`,
        `AWS_SECRET_ACCESS_KEY: '${secretAccessKey}'`,
        `IDHUB_HOSTNAME: '${idhub.url}'`,
        `KEYCLOAK_ACCESS_TOKEN: ${access}`,
        `KEYCLOAK_CLIENT_ID: '${tenant.clientId}'`,
        `KEYCLOAK_REFRESH_TOKEN: ${refresh}`,
        `KEYCLOAK_REALM: '${tenant.realm}'`,
        `ACCOUNT_SCHEMA: '{"attributes":[{"name":"userName"},{"name":"mail"},{"name":"team"}]}'`,
      ].join('\n'),
    );
    const result = await runCommand(
      process.execPath,
      [
        join(import.meta.dirname, '../../scripts/import-env.ts'),
        `--namespace=${namespace}`,
        `--system-namespace=${systemNamespace}`,
        '--name=imported',
        `--idhub-secret=${secretName}`,
        join(folder, '.env'),
      ],
      { env: {} },
    );
    expect(result.code).toBe(0);
    expect(result.stderr).not.toContain(refresh);
    expect(result.stderr).not.toContain(secretAccessKey);
    manifests = result.stdout;
    await world().kubectl(['apply', '--server-side', '-f', '-'], manifests);
    await untilLink('UP');
    expect(asked('TargetSystem 200')).toBeGreaterThan(0);
    expect(asked('/info 200')).toBeGreaterThan(0);
    expect(asked('200 token-exchange')).toBeGreaterThan(0);
    // Its AWS is the simulated one here; nothing else is put right by hand.
    await patch(
      world(),
      'imported',
      { spec: { endpoints: (await world().connection()).spec.endpoints } },
      'awsconnection',
    );
    await world().until('awsconnection', 'imported', { status: 'True' });
    const imported = await world().connection('imported');
    expect(imported.spec.schema?.attributes).toContainEqual({ name: 'team' });
    expect(imported.spec.schema?.attributes).toContainEqual({ name: 'city', removed: true });
    expect(parseAllDocuments(manifests)).toHaveLength(6);
  });

  test('a new refresh token is kept each time, also over a kill, and nobody signs in by password', async () => {
    const before = asked('password');
    const first = await untilRotated(given[1]);
    await world().restartOperator('SIGKILL');
    const second = await untilRotated(given[1], first);
    await world().restartOperator('SIGTERM');
    await untilRotated(given[1], first, second);
    await untilLink('UP');
    expect(asked('password')).toBe(before);
    expect(asked('400 refresh_token')).toBe(0);
  });

  test('the manifests a second time: refused, and the token that is used up does not come back', async () => {
    const present = (await entries())['refreshToken'];
    await expect(world().kubectl(['apply', '--server-side', '-f', '-'], manifests)).rejects.toThrow(
      'conflict with "idhub-aws-connector"',
    );
    expect((await entries())['refreshToken']).not.toBe(given[1]);
    given.push(present ?? '');
  });
});

describe('IDHub signs in at the connector with tokens of Keycloak', () => {
  test('a token for us comes in; none, one of another realm, for others, of another kind or changed does not', async () => {
    early = await caller.token();
    given.push(early);
    expect(await shown(early)).toBe(200);
    const own = await offlineTokens(tenant);
    given.push(own.access, own.refresh, own.id);
    const [head = '', body = '', signature = ''] = early.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const forged = Buffer.from(JSON.stringify({ ...claims, azp: 'admin' })).toString('base64url');
    const unsigned = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const others = {
      none: undefined,
      'for another audience': own.access,
      'a refresh token': own.refresh,
      'an ID token': own.id,
      'other claims': `${head}.${forged}.${signature}`,
      'no signature': `${unsigned}.${body}.`,
    };
    const answers = await Promise.all(
      Object.entries(others).map(async ([name, token]) => [name, await shown(token)] as const),
    );
    expect(Object.fromEntries(answers)).toEqual(
      Object.fromEntries(Object.keys(others).map((name) => [name, 401])),
    );
  });

  test('Keycloak signs with a new key: its tokens come in, and those of the key before too', async () => {
    const before = await caller.token();
    await rotateKeys(keycloak, tenant.realm);
    const after = await caller.token();
    given.push(before, after);
    expect(kidOf(after)).not.toBe(kidOf(before));
    // Keys are read for an unknown one at most every 10 s.
    await eventually(async () => ((await shown(after)) === 200 ? true : undefined), {
      withinMs: 15_000,
      everyMs: 1_000,
      what: 'a token of the new key to come in',
    });
    expect(await shown(before)).toBe(200);
  });
});

describe('when things go wrong', () => {
  test('Keycloak is down: DOWN, accounts are made and disabled all the same; it is back: UP', async () => {
    const token = await caller.token();
    given.push(token);
    await keycloak.stop();
    await untilLink('DOWN');
    // The keys are known: whoever has a token still comes in, and is told.
    expect(await healthOf(token)).toMatchObject({
      code: 200,
      status: 'DOWN',
      message: expect.stringContaining('Keycloak'),
    });
    await world().apply(world().accountManifest('ada', { userName: 'ada' }));
    await world().until('awsaccount', 'ada', { status: 'True' });
    await patch(world(), 'ada', { spec: { enabled: false } });
    await world().until('awsaccount', 'ada', { status: 'True' });
    expect((await world().simulator.user('ada'))?.inlinePolicies).not.toEqual({});
    expect(await linkState()).toBe('DOWN');
    const passwords = asked('password');
    await keycloak.start();
    await untilLink('UP', 75_000);
    expect(asked('password')).toBe(passwords);
    expect(await healthOf(await caller.token())).toMatchObject({ code: 200, status: 'UP' });
  });

  test('IDHub is out of service, and back', async () => {
    idhub.targetStatus = 503;
    await untilLink('OUT_OF_SERVICE');
    idhub.targetStatus = undefined;
    await untilLink('UP', 75_000);
  });

  test('a token that was used before: DOWN with what to do; with the service account’s password all is well again by itself', async () => {
    await setEntries({ refreshToken: given[1] ?? '' });
    await untilLink('DOWN');
    const line = await world().operator.line((each) => each.includes('Get a new offline token'));
    expect(JSON.parse(line)).toMatchObject({ level: 'warn', state: 'DOWN' });
    expect(line).toMatch(
      /invalid_grant (Maximum allowed refresh token reuse exceeded|Session doesn't have required client|Session not active|Stale token)/,
    );
    await setEntries({ username: tenant.username, password: tenant.password });
    await untilLink('UP', 75_000);
    expect((await entries())['refreshToken']).not.toBe(given[1]);
    given.push((await entries())['refreshToken'] ?? '');
  });

  test('a confidential client instead: client_credentials, and nothing is kept', async () => {
    const before = asked('200 client_credentials');
    await setEntries({
      refreshToken: '',
      username: '',
      password: '',
      clientId: caller.clientId,
      clientSecret: caller.secret,
      exchangeClientId: tenant.clientId,
    });
    await eventually(() => (asked('200 client_credentials') > before ? true : undefined), {
      what: 'client_credentials',
    });
    await untilLink('UP');
    expect((await entries())['refreshToken']).toBe('');
    given.push(caller.secret);
  });

  test('the token from the beginning has expired, also for clocks that are half a minute apart', async () => {
    const { exp } = JSON.parse(Buffer.from(early.split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number;
    };
    await eventually(() => (Date.now() > exp * 1_000 + 31_000 ? true : undefined), { withinMs: 40_000 });
    expect(await shown(early)).toBe(401);
    expect(await shown(await caller.token())).toBe(200);
  });

  test('no token and no password is in logs, metrics or events', async () => {
    logs = world().operator.lines.join('\n');
    const told = [
      logs,
      await world().metrics(),
      await world().kubectl(['get', 'events', '-A', '-o', 'json']),
      await world().kubectl(['get', 'awsconn,awsacc', '-A', '-o', 'json']),
    ].join('\n');
    expect(logs).toContain('the link to IDHub');
    for (const secret of [...given, tenant.password]) {
      expect(told.includes(secret)).toBe(false);
    }
    // Whatever else is a JWT.
    expect(told).not.toMatch(/eyJ[\w-]{10,}\.eyJ[\w-]{10,}\./);
  });
});
