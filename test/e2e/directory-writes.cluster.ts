import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateUserCommand,
  TagUserCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../operator/api/v1alpha1/index.ts';
import { eventually } from '../support/process.ts';
import { changes, patch, resyncs, snapshotEvery, user, worldFor } from './support.ts';
import { systemNamespace } from './world.ts';

const namespace = 'directory-writes';
const token = 'a-made-up-token-of-an-e2e-test';
const people = 300;
const world = worldFor(namespace, {
  operator: [
    snapshotEvery,
    '--http-auth-secret=directory-writes',
    `--default-connection=${namespace}/aws`,
    '--http-caller-rate=1000',
    '--http-shutout-burst=0',
  ],
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly id?: string };
}

const accountSchema = 'urn:sath:params:scim:schemas:core:1.0:Account';
const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

async function ask(method: string, path: string, body?: object): Promise<Answer> {
  const line = await world().operator.line((each) => each.includes('serving SCIM'));
  const { port } = JSON.parse(line) as { port: number };
  const response = await fetch(`http://127.0.0.1:${port}/scim/v2${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) };
}

/** As clients do that are told to come again. */
async function asked(method: string, path: string, body?: object): Promise<Answer> {
  return eventually(
    async () => {
      const answer = await ask(method, path, body);
      return answer.status === 503 || answer.status === 429 ? undefined : answer;
    },
    { withinMs: 60_000, everyMs: 500, what: `${method} ${path}` },
  );
}

function operations(...list: readonly object[]): object {
  return { schemas: [patchSchema], Operations: list };
}

async function idOf(userName: string): Promise<string> {
  return (await user(world(), userName)).userId;
}

async function objects(): Promise<readonly AwsAccount[]> {
  const text = await world().kubectl(['get', 'awsacc', '-n', namespace, '-o', 'json']);
  return (JSON.parse(text) as { items: AwsAccount[] }).items;
}

async function objectOf(userName: string): Promise<AwsAccount> {
  const found = (await objects()).find(({ spec }) => spec.userName === userName);
  if (found === undefined) {
    throw new Error(`there is no object for ${userName}`);
  }
  return found;
}

const arnOfGroup = (name: string): string => `arn:aws:iam::${world().accounts[0]?.id}:group/${name}`;

beforeAll(async () => {
  const { iam } = world();
  await world().apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: systemNamespace, name: 'directory-writes' },
    stringData: { 'token.e2e': token, 'connections.e2e': `${namespace}/aws` },
  });
  for (const GroupName of ['Dev', 'Ops']) {
    await iam.send(new CreateGroupCommand({ GroupName }));
  }
  for (let at = 0; at < people; at += 1) {
    const UserName = `person-${String(at).padStart(3, '0')}`;
    await iam.send(
      new CreateUserCommand({
        UserName,
        Tags: [
          { Key: 'department', Value: 'Sales' },
          { Key: 'Cost', Value: '7' },
        ],
      }),
    );
    await iam.send(new AddUserToGroupCommand({ UserName, GroupName: 'Dev' }));
  }
  await resyncs(world(), 1);
});

describe('an account with 300 users and grants that nobody declared', () => {
  test('is read whole, and nothing is written by that', async () => {
    const { status, body } = await asked('GET', `/Account?count=${people + 50}`);
    expect(status).toBe(200);
    // And the user that the connection works as, and the administrator.
    expect(body['totalResults']).toBe(people + 2);
    expect(await objects()).toEqual([]);
  });

  test('is changed, granted, revoked, disabled and deleted by requests alone', async () => {
    const id = await idOf('person-001');
    const changed = await asked(
      'PATCH',
      `/Account/${id}`,
      operations({ op: 'replace', path: 'department', value: 'Legal' }),
    );
    expect(changed).toMatchObject({ status: 200, body: { id, department: 'Legal', active: true } });
    const after = await user(world(), 'person-001');
    expect(after.tags).toMatchObject({ department: 'Legal', Cost: '7' });
    expect(await changes(world(), 'person-001')).toEqual(['TagUser']);

    const granted = await asked(
      'PATCH',
      `/Account/${id}`,
      operations(
        { op: 'add', path: 'entitlements', value: [{ value: arnOfGroup('Ops') }] },
        { op: 'remove', path: `entitlements[value eq "${arnOfGroup('Dev')}"]` },
      ),
    );
    expect(granted.status).toBe(200);
    expect((await user(world(), 'person-001')).groups).toEqual(['Ops']);

    const disabled = await asked(
      'PATCH',
      `/Account/${id}`,
      operations({ op: 'replace', path: 'active', value: false }),
    );
    expect(disabled).toMatchObject({ status: 200, body: { active: false } });
    expect((await objectOf('person-001')).metadata.annotations).toMatchObject({
      'aws.idhub.io/disabled-by': 'token.e2e',
    });

    expect((await asked('DELETE', `/Account/${id}`)).status).toBe(204);
    expect(await world().simulator.user('person-001')).toBeUndefined();
    expect(await objects()).toEqual([]);
    expect((await asked('GET', `/Account/${id}`)).status).toBe(404);
  });

  test('twenty at one time, each for somebody else', async () => {
    const names = Array.from({ length: 20 }, (_each, at) => `person-${String(100 + at)}`);
    const answers = await Promise.all(
      names.map(async (name) =>
        asked(
          'PATCH',
          `/Account/${await idOf(name)}`,
          operations({ op: 'replace', path: 'department', value: name }),
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    for (const name of names) {
      expect((await user(world(), name)).tags).toMatchObject({ department: name, Cost: '7' });
    }
  });
});

describe('an account of its own', () => {
  test('C26: of twenty that ask for one name at one time, one makes it', async () => {
    for (let round = 0; round < 8; round += 1) {
      const userName = `twenty-${round}`;
      const body = { schemas: [accountSchema], userName, department: 'Sales' };
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask('POST', '/Account', body)));
      const statuses = answers.map(({ status }) => status).sort((one, other) => one - other);
      expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
      expect(answers.filter(({ body: { scimType } }) => scimType === 'uniqueness')).toHaveLength(19);
      const made = (await changes(world(), userName)).filter((each) => each === 'CreateUser');
      expect(made).toHaveLength(1);
    }
    const again = { schemas: [accountSchema], userName: 'TWENTY-0', department: 'Other' };
    expect(await ask('POST', '/Account', again)).toMatchObject({
      status: 409,
      body: { scimType: 'uniqueness' },
    });
    expect((await user(world(), 'twenty-0')).tags).toMatchObject({ department: 'Sales' });
  });

  test('has the password that was given, which is kept nowhere', async () => {
    const made = await asked('POST', '/Account', {
      schemas: [accountSchema],
      userName: 'with-password',
      password: 'Example-Of-A-Password-1',
    });
    expect(made.status).toBe(201);
    expect((await user(world(), 'with-password')).hasLoginProfile).toBe(true);
    const { items } = JSON.parse(
      await world().kubectl(['get', 'secrets', '-n', namespace, '-o', 'json']),
    ) as { items: { metadata: { name: string } }[] };
    expect(items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('password-'))).toEqual(
      [],
    );
    expect(world().operator.lines.join('\n')).not.toContain('Example-Of-A-Password');
    expect(JSON.stringify(await objects())).not.toContain('Example-Of-A-Password');
  });

  test('that AWS refuses a part of leaves no trace', async () => {
    const refused = await asked('POST', '/Account', {
      schemas: [accountSchema],
      userName: 'refused',
      entitlements: [{ value: arnOfGroup('Dev') }, { value: arnOfGroup('Nobody-Has-This') }],
    });
    expect(refused).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect(await world().simulator.user('refused')).toBeUndefined();
    expect((await objects()).filter(({ spec }) => spec.userName === 'refused')).toEqual([]);
  });
});

describe('with GitOps in the way', () => {
  test('who re-applies its state every 5 s does not let in whom IDHub has shut out', async () => {
    const manifest = world().accountManifest('git', {
      userName: 'git',
      enabled: true,
      attributes: { department: 'Sales' },
      deletionPolicy: 'Delete',
    });
    await world().apply(manifest);
    await world().until('awsaccount', 'git', { status: 'True' });
    const id = await idOf('git');
    let times = 0;
    const over = new AbortController();
    const gitOps = (async () => {
      while (!over.signal.aborted) {
        await world().apply(manifest);
        times += 1;
        await new Promise((resolve) => {
          setTimeout(resolve, 5_000);
        });
      }
    })();
    try {
      const disabled = await asked(
        'PATCH',
        `/Account/${id}`,
        operations({ op: 'replace', path: 'active', value: false }),
      );
      expect(disabled).toMatchObject({ status: 200, body: { active: false } });
      const from = times;
      await eventually(() => Promise.resolve(times >= from + 3 ? true : undefined), {
        withinMs: 30_000,
        what: 'three times more',
      });
      await resyncs(world(), 1);
      expect((await user(world(), 'git')).inlinePolicies).toHaveProperty('IDHubDisabled');
      expect(await asked('GET', `/Account/${id}`)).toMatchObject({ body: { active: false } });
      const enabled = await asked(
        'PATCH',
        `/Account/${id}`,
        operations({ op: 'replace', path: 'active', value: true }),
      );
      expect(enabled).toMatchObject({ status: 200, body: { active: true } });
    } finally {
      over.abort();
      await gitOps;
    }
  });
});

/** Asks, kills the operator a moment later, and asks again as clients do that got no answer. */
async function killedAmid(afterMs: number, method: string, path: string, body?: object): Promise<Answer> {
  const first = ask(method, path, body).catch(() => undefined);
  await new Promise((resolve) => {
    setTimeout(resolve, afterMs);
  });
  await world().restartOperator();
  await first;
  return asked(method, path, body);
}

/** Nothing of unfinished work is left in the cluster. */
async function untilSettled(): Promise<void> {
  await eventually(
    async () => {
      const open = (await objects()).filter(
        ({ metadata }) => metadata.annotations?.['aws.idhub.io/undo'] !== undefined,
      );
      return open.length === 0 ? true : undefined;
    },
    { withinMs: 60_000, what: 'no unfinished write' },
  );
  const names = await world().kubectl(['get', 'secrets', '-n', namespace, '-o', 'name']);
  expect(names).not.toContain('password-');
}

describe('kill -9 amid a request', () => {
  const moments = [0, 20, 45, 80, 130];

  test('a change and a grant come to their end, and who asks again is told', async () => {
    for (const [round, afterMs] of moments.entries()) {
      const name = `person-${String(200 + round)}`;
      const body = operations(
        { op: 'replace', path: 'department', value: `Round-${round}` },
        { op: 'add', path: 'entitlements', value: [{ value: arnOfGroup('Ops') }] },
      );
      const answer = await killedAmid(afterMs, 'PATCH', `/Account/${await idOf(name)}`, body);
      expect(answer).toMatchObject({ status: 200, body: { department: `Round-${round}` } });
      expect((await user(world(), name)).groups.toSorted()).toEqual(['Dev', 'Ops']);
    }
    await untilSettled();
  });

  test('an account is made once, with its password', async () => {
    for (const [round, afterMs] of moments.entries()) {
      const userName = `joiner-${round}`;
      const password = `Example-Of-A-Password-${round}`;
      const body = { schemas: [accountSchema], userName, password };
      expect((await killedAmid(afterMs, 'POST', '/Account', body)).status).toBe(201);
      expect((await user(world(), userName)).hasLoginProfile).toBe(true);
    }
    await untilSettled();
    expect((await objects()).filter(({ spec }) => spec.userName.startsWith('joiner-'))).toHaveLength(
      moments.length,
    );
  });

  test('a deletion comes to its end', async () => {
    for (const [round, afterMs] of moments.entries()) {
      const name = `person-${String(220 + round)}`;
      const answer = await killedAmid(afterMs, 'DELETE', `/Account/${await idOf(name)}`);
      // 404: it was done before it was asked again.
      expect([204, 404]).toContain(answer.status);
      expect(await world().simulator.user(name)).toBeUndefined();
    }
    await untilSettled();
  });

  test('what is refused is taken back', async () => {
    for (const [round, afterMs] of moments.entries()) {
      const name = `person-${String(240 + round)}`;
      const before = await user(world(), name);
      const body = operations(
        { op: 'replace', path: 'department', value: 'Other' },
        { op: 'add', path: 'entitlements', value: [{ value: arnOfGroup('Nobody-Has-This') }] },
      );
      const answer = await killedAmid(afterMs, 'PATCH', `/Account/${await idOf(name)}`, body);
      expect(answer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
      await untilSettled();
      expect(await user(world(), name)).toEqual(before);
      expect((await objects()).filter(({ spec }) => spec.userName === name)).toEqual([]);
    }
  });
});

test('a user of another installation is refused', async () => {
  const Tags = [{ Key: 'aws.idhub.io/owner', Value: 'another/ns/x' }];
  await world().iam.send(new TagUserCommand({ UserName: 'person-260', Tags }));
  await resyncs(world(), 1);
  const path = `/Account/${await idOf('person-260')}`;
  const refused = await asked('PATCH', path, operations({ op: 'replace', path: 'active', value: false }));
  expect(refused).toMatchObject({ status: 400, body: { scimType: 'mutability' } });
});

test('a protected user is refused, and nothing of it is written', async () => {
  await patch(world(), 'aws', { spec: { guard: { protectedUsers: ['person-29*'] } } }, 'awsconnection');
  await world().until('awsconnection', 'aws', { status: 'True' });
  await resyncs(world(), 1);
  const id = await idOf('person-290');
  for (const [method, body] of [
    ['PATCH', operations({ op: 'replace', path: 'active', value: false })],
    ['DELETE', undefined],
  ] as const) {
    expect((await asked(method, `/Account/${id}`, body)).status).toBe(403);
  }
  expect((await objects()).filter(({ spec }) => spec.userName === 'person-290')).toEqual([]);
  expect(await changes(world(), 'person-290')).toEqual([]);
});
