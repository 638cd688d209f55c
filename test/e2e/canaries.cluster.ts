import { afterAll, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { events, exists, patch, settled, snapshotEvery, worldFor } from './support.ts';
import { PortClient, portUrl, untilListed, writeCallers } from './port.ts';
import { connectionManifest, systemNamespace } from './world.ts';

const namespace = 'canaries';
const secret = 'e2e-canaries';
const world = worldFor(namespace, {
  operator: [
    snapshotEvery,
    `--http-auth-secret=${secret}`,
    '--list-max-age=10m',
    `--default-connection=${namespace}/aws`,
    '--trusted-proxies=127.0.0.1',
    '--log-level=trace',
  ],
});

afterAll(async () => writeCallers(world(), secret, undefined));

/** Secrets that were given in, by what they are. */
const given = {
  'bearer token': 'canary-bearer-token-7Qx1',
  'Basic password': 'canary-basic-password-7Qx2',
  'token of no use': 'canary-unknown-token-7Qx3',
  'SCIM password': 'Canary-Scim-Passw0rd!7Qx4',
  'SCIM password, changed': 'Canary-Scim-Changed0!7Qx5',
  'password that AWS refuses': 'canaryscimrefusedseven',
  'webhook password': 'Canary-Hook-Passw0rd!7Qx7',
  'webhook password of a reset': 'Canary-Hook-Reset0!7Qx8',
  'password in a body that is no JSON': 'canary-broken-body-7Qx9',
  'password that is an object': 'canary-object-password-7Qxa',
  'password in another type': 'canary-odd-type-7Qxb',
  'secret key of a connection that fails': 'canary+secret/access+key+7Qxc0000000000',
  'session token of a connection that fails': 'canary-session-token-7Qxd',
} as const;

/** Whole answers of the port, heads among them. */
const replies: string[] = [];

function clientOf(
  authorization: string,
): (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<{ status: number; text: string }> {
  return async (method, path, body, headers) => {
    const client = new PortClient({ url: await portUrl(world().operator), authorization });
    const answer = await client.send(method, path, body, headers);
    const text = await answer.text();
    replies.push(`${JSON.stringify(Object.fromEntries(answer.headers))}\n${text}`);
    return { status: answer.status, text };
  };
}

const scim = clientOf(`Bearer ${given['bearer token']}`);
const basic = clientOf(`Basic ${Buffer.from(`idhub:${given['Basic password']}`).toString('base64')}`);

const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const passwordPatch = (value: unknown): object => ({
  schemas: [patchOp],
  Operations: [{ op: 'replace', path: 'password', value }],
});

/** The same request until its answer is of this status: what is refused on the way, a fault causes. */
async function until(status: number, act: () => Promise<{ status: number; text: string }>): Promise<string> {
  let last = '';
  return eventually(
    async () => {
      const answer = await act();
      last = `${answer.status} ${answer.text}`;
      return answer.status === status ? answer.text : undefined;
    },
    { withinMs: 60_000, everyMs: 500, what: `an answer ${status}` },
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; last: ${last}`, { cause: error });
  });
}

let id = '';

test('accounts are made, given passwords and reset, with each call to AWS failing once', async () => {
  await writeCallers(world(), secret, {
    'token.a': given['bearer token'],
    'basic.b': `idhub:${given['Basic password']}`,
  });
  const url = await portUrl(world().operator);
  await untilListed(new PortClient({ url, authorization: `Bearer ${given['bearer token']}` }));
  const operations = [
    'CreateUser',
    'GetUser',
    'TagUser',
    'CreateLoginProfile',
    'UpdateLoginProfile',
    'PutUserPolicy',
    'GetLoginProfile',
    'ListAccessKeys',
  ];
  await world().simulator.fault(
    ...operations.map((operation) => ({
      operation,
      error: { code: 'ServiceFailure', status: 500 },
      times: 1,
    })),
  );
  const made = await until(201, () =>
    scim('POST', '/scim/v2/Users', {
      schemas: [userSchema],
      userName: 'canary',
      password: given['SCIM password'],
    }),
  );
  ({ id } = JSON.parse(made) as { id: string });
  const hit = (await world().simulator.faults()).filter(({ hits }) => hits > 0);
  expect(hit.map(({ operation }) => operation)).toEqual(
    expect.arrayContaining(['CreateUser', 'CreateLoginProfile']),
  );
  expect(await world().simulator.checkPassword('canary', given['SCIM password'])).toBe(true);
  await world().simulator.fault(
    ...operations.map((operation) => ({
      operation,
      error: { code: 'ServiceFailure', status: 500 },
      times: 1,
    })),
  );
  await until(200, () =>
    scim('PATCH', `/scim/v2/Users/${id}`, passwordPatch(given['SCIM password, changed'])),
  );
  expect(await world().simulator.checkPassword('canary', given['SCIM password, changed'])).toBe(true);
  await world().simulator.clearFaults();
  expect(
    (
      await basic('POST', '/webhook/v1/operations', {
        operationId: 'canary-1',
        kind: 'create',
        data: { userName: 'hook', password: { value: given['webhook password'] } },
      })
    ).status,
  ).toBe(200);
  expect(
    (
      await basic('POST', '/webhook/v1/operations', [
        {
          operationId: 'canary-2',
          kind: 'resetPassword',
          account: { userName: 'hook' },
          password: { value: given['webhook password of a reset'] },
        },
        { operationId: 'canary-3', kind: 'resetPassword', account: { userName: 'canary' }, password: {} },
      ])
    ).status,
  ).toBe(200);
  expect(await world().simulator.checkPassword('hook', given['webhook password of a reset'])).toBe(true);
}, 240_000);

test('what is wrong is refused, and not repeated', async () => {
  const users = '/scim/v2/Users';
  const broken = `{"userName":"x","password":"${given['password in a body that is no JSON']}"`;
  const object = { value: given['password that is an object'] };
  for (const [code, answer] of [
    [400, await scim('POST', users, broken)],
    [
      415,
      await scim('POST', users, `password=${given['password in another type']}`, {
        'content-type': 'text/plain',
      }),
    ],
    [400, await scim('POST', users, { schemas: [userSchema], userName: 'y', password: object })],
    [400, await scim('PATCH', `${users}/${id}`, passwordPatch(object))],
    [400, await scim('PATCH', `${users}/${id}`, passwordPatch(given['password that AWS refuses']))],
    [
      400,
      await basic('POST', '/webhook/v1/operations', {
        operationId: 'canary-4',
        kind: 'resetPassword',
        account: { userName: 'hook' },
        password: given['password that is an object'],
      }),
    ],
    [
      400,
      await basic('POST', '/webhook/v1/operations', {
        operationId: 'canary-5',
        kind: 'create',
        data: { userName: 'z', password: { value: [given['password that is an object']] } },
      }),
    ],
    [401, await clientOf(`Bearer ${given['token of no use']}`)('GET', users)],
    [
      401,
      await clientOf(`Basic ${Buffer.from(`idhub:${given['token of no use']}`).toString('base64')}`)(
        'GET',
        users,
      ),
    ],
    [404, await scim('GET', `${users}/nobody`)],
  ] as const) {
    expect([code, answer]).toEqual([code, { status: code, text: expect.any(String) as unknown }]);
  }
}, 120_000);

test('access keys are made, and a connection fails with its own credentials', async () => {
  // Of a key that AWS itself fails to make nobody knows whether it is there.
  await world().simulator.fault({ operation: 'CreateAccessKey', error: { code: 'AccessDenied' }, times: 1 });
  await world().apply(
    world().accountManifest('keyed', {
      userName: 'keyed',
      programmatic: { access: 'Managed' },
      console: { access: 'Managed' },
    }),
  );
  await settled(world(), 'keyed');
  await world().apply(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace, name: 'bad-credentials' },
      stringData: {
        accessKeyId: world().credentials.accessKeyId,
        secretAccessKey: given['secret key of a connection that fails'],
        sessionToken: given['session token of a connection that fails'],
      },
    },
    connectionManifest(namespace, 'bad', world().simulatorUrl),
  );
  await world().until('awsconnection', 'bad', { status: 'Unknown', reason: 'Verifying' });
  await patch(world(), 'keyed', { spec: { enabled: false } });
  await world().until('awsaccount', 'keyed', { status: 'True' });
}, 120_000);

interface Objects {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly data?: Readonly<Record<string, string>>;
  }[];
}

async function secretsIn(place: string): Promise<Objects['items']> {
  return (JSON.parse(await world().kubectl(['get', 'secrets', '-n', place, '-o', 'json'])) as Objects).items;
}

test('no secret is anywhere but in the Secrets that are to hold it (C29)', async () => {
  expect(await exists(world(), 'awsaccount', 'keyed')).toBe(true);
  expect(await events(world(), 'keyed')).not.toEqual([]);
  const canaries = new Map<string, string>(Object.entries(given));
  canaries.set('secret key of the connection', world().credentials.secretAccessKey);
  const holders = new Map<string, string[]>();
  const made: Record<string, string> = {};
  for (const { metadata, data = {} } of await secretsIn(namespace)) {
    for (const [key, value] of Object.entries(data)) {
      const text = Buffer.from(value, 'base64').toString();
      if (['password', 'secretAccessKey'].includes(key) && metadata.name.endsWith('-credentials')) {
        made[`${key} in ${metadata.name}`] = text;
      }
    }
  }
  // A password of the account that was reset without one, a password and a key of the other.
  expect(Object.keys(made).length).toBeGreaterThanOrEqual(3);
  for (const [what, value] of Object.entries(made)) {
    if (value !== world().credentials.secretAccessKey) {
      canaries.set(what, value);
    }
  }
  for (const place of [namespace, systemNamespace]) {
    for (const { metadata, data = {} } of await secretsIn(place)) {
      const text = Object.values(data)
        .map((value) => Buffer.from(value, 'base64').toString())
        .join('\n');
      for (const [what, value] of canaries) {
        if (text.includes(value)) {
          holders.set(what, [...(holders.get(what) ?? []), metadata.name]);
        }
      }
    }
  }
  const kinds =
    'awsconnections,awsaccounts,awsentitlementbindings,awsreconciliations,events,configmaps,leases';
  const places: Record<string, string> = {
    log: world().operator.lines.join('\n'),
    objects: await world().kubectl(['get', kinds, '-n', namespace, '-o', 'yaml', '--show-managed-fields']),
    'objects of the operator': await world().kubectl([
      'get',
      'configmaps,leases,events',
      '-n',
      systemNamespace,
      '-o',
      'yaml',
    ]),
    // kubectl keeps what the test itself applies on its Secrets.
    'metadata of Secrets': JSON.stringify(
      (await secretsIn(namespace))
        .map(({ metadata }) => metadata)
        .filter(({ name }) => !['aws-credentials', 'bad-credentials'].includes(name)),
    ),
    metrics: await world().metrics(),
    replies: replies.join('\n'),
  };
  expect(places['log']).toContain('"level":"trace"');
  for (const [place, text] of Object.entries(places)) {
    for (const [what, value] of canaries) {
      for (const form of [value, Buffer.from(value).toString('base64'), encodeURIComponent(value)]) {
        expect([place, what, text.includes(form)]).toEqual([place, what, false]);
      }
    }
  }
  // What was given in and refused is nowhere at all.
  for (const what of [
    'token of no use',
    'password in a body that is no JSON',
    'password that is an object',
    'password in another type',
  ]) {
    expect([what, holders.get(what)]).toEqual([what, undefined]);
  }
  expect(holders.get('bearer token')).toEqual([secret]);
  expect(holders.get('Basic password')).toEqual([secret]);
  expect(holders.get('secret key of a connection that fails')).toEqual(['bad-credentials']);
});
