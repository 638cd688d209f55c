import { CreateGroupCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { startGate, type HoldSpec } from './gate.ts';
import { changes, snapshotEvery, user, worldFor } from './support.ts';
import { systemNamespace } from './world.ts';

const namespace = 'webhook';
/** Of this suite's operator alone: what it keeps of operations is there. */
const own = 'webhook-system';
const token = 'a-made-up-token-of-an-e2e-test';
const flags = [
  snapshotEvery,
  `--namespace=${own}`,
  '--http-auth-secret=callers',
  `--default-connection=${namespace}/aws`,
  '--http-caller-rate=1000',
  '--http-shutout-burst=0',
];
const world = worldFor(namespace, { operator: flags });

interface Answer {
  readonly status: number;
  readonly location: string | null;
  readonly body: Record<string, unknown>;
}

async function urlOf(process_ = world().operator): Promise<string> {
  const line = await process_.line((each) => each.includes('serving SCIM'));
  return `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
}

async function ask(path: string, body?: unknown, url?: string): Promise<Answer> {
  const response = await fetch(`${url ?? (await urlOf())}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    location: response.headers.get('location'),
    body: JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>,
  };
}

/** As clients do that are told to come again. */
async function asked(path: string, body?: unknown, url?: string): Promise<Answer> {
  return eventually(
    async () => {
      const answer = await ask(path, body, url);
      return answer.status === 503 || answer.status === 401 ? undefined : answer;
    },
    { withinMs: 60_000, everyMs: 300, what: path },
  );
}

const operations = '/webhook/v1/operations';
const post = (body: unknown): Promise<Answer> => asked(operations, body);
const done = (operationId: string) => ({ status: 200, body: { operationId, status: 'done' } });

/** What is kept of operations, as text. */
async function kept(kind: 'configmaps' | 'secrets'): Promise<string> {
  const text = await world().kubectl(['get', kind, '-n', own, '-o', 'json']);
  const { items } = JSON.parse(text) as {
    items: { metadata: { name: string }; data?: Record<string, string> }[];
  };
  return JSON.stringify(
    items
      .filter(({ metadata }) => metadata.name.startsWith('idhub-aws-connector-operations'))
      .map(({ data = {} }) =>
        Object.values(data).map((each) =>
          kind === 'secrets' ? Buffer.from(each, 'base64').toString() : each,
        ),
      ),
  );
}

beforeAll(async () => {
  const role = { kind: 'Role', name: 'operator' };
  const metadata = { namespace: own, name: 'operator' };
  await world().apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: own } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: own, name: 'callers' },
      stringData: { 'token.e2e': token, 'connections.e2e': `${namespace}/aws` },
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata,
      // As operator-rbac.yaml has them of ConfigMaps.
      rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch', 'delete'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', ...role },
      subjects: [{ kind: 'ServiceAccount', name: 'operator', namespace: systemNamespace }],
    },
  );
  await world().iam.send(new CreateGroupCommand({ GroupName: 'Dev' }));
  await world().iam.send(new CreateUserCommand({ UserName: 'brown' }));
  await world().restartOperator('SIGTERM');
  await asked(`${operations}/none`);
});

test('a person comes, moves and leaves by operations alone', async () => {
  const Dev = { type: 'Group', name: 'Dev' };
  const created = await post({
    operationId: 'ann-1',
    kind: 'create',
    data: { userName: 'ann', attributes: { department: 'Sales' }, password: {}, entitlements: [Dev] },
  });
  const ann = await user(world(), 'ann');
  expect(created).toMatchObject({
    status: 200,
    body: {
      operationId: 'ann-1',
      kind: 'create',
      status: 'done',
      account: { id: ann.userId, userName: 'ann', arn: ann.arn },
    },
  });
  expect(ann).toMatchObject({ tags: { department: 'Sales' }, groups: ['Dev'], hasLoginProfile: true });

  const account = { id: ann.userId };
  expect(
    await post({
      operationId: 'ann-2',
      kind: 'update',
      account,
      data: { userName: 'ann.lee', attributes: { department: null, jobTitle: 'Boss' } },
    }),
  ).toMatchObject(done('ann-2'));
  expect(await user(world(), 'ann.lee')).toMatchObject({ userId: ann.userId, tags: { jobTitle: 'Boss' } });
  expect((await user(world(), 'ann.lee')).tags).not.toHaveProperty('department');

  const value = 'C4nary-Value!2026';
  const reset = {
    operationId: 'ann-3',
    kind: 'resetPassword',
    account,
    password: { value, resetRequired: false },
  };
  expect(await post(reset)).toMatchObject(done('ann-3'));
  expect(await world().simulator.checkPassword('ann.lee', value)).toBe(true);
  const before = await changes(world());
  expect(await post(reset)).toMatchObject(done('ann-3'));
  expect(await changes(world())).toEqual(before);

  expect(
    await post({ operationId: 'ann-4', kind: 'removeEntitlement', account, entitlements: [Dev] }),
  ).toMatchObject(done('ann-4'));
  expect((await user(world(), 'ann.lee')).groups).toEqual([]);
  expect(await post({ operationId: 'ann-5', kind: 'disable', account })).toMatchObject(done('ann-5'));
  expect((await user(world(), 'ann.lee')).hasLoginProfile).toBe(false);
  expect(await post({ operationId: 'ann-6', kind: 'enable', account })).toMatchObject(done('ann-6'));
  expect(
    await post({ operationId: 'ann-7', kind: 'delete', account: { userName: 'ann.lee' } }),
  ).toMatchObject({
    ...done('ann-7'),
    body: { account: { id: ann.userId, userName: 'ann.lee' } },
  });
  expect(await world().simulator.user('ann.lee')).toBeUndefined();
  expect(await asked(`${operations}/ann-7`)).toMatchObject(done('ann-7'));
  expect(
    (await kept('configmaps')) + (await kept('secrets')) + world().operator.lines.join('\n'),
  ).not.toContain(value);
});

test('a user that nobody declared is taken over; a list has a result each, in the order of each user', async () => {
  const account = { userName: 'brown' };
  const { status, body } = await post([
    { operationId: 'b-1', kind: 'addEntitlement', account, entitlements: [{ type: 'Group', name: 'Dev' }] },
    { operationId: 'b-2', kind: 'create', data: { userName: 'kim' } },
    { operationId: 'b-3', kind: 'create', data: { userName: 'BROWN' } },
    { operationId: 'b-4', kind: 'disable', account },
    { operationId: 'b-5', kind: 'disable', account: { userName: 'nobody' } },
    { operationId: 'b-6', kind: 'fly' },
    { operationId: 'b-7', kind: 'disable', account: { userName: 'kim' } },
  ]);
  expect(status).toBe(200);
  const results = body['results'] as {
    operationId: string;
    status: string;
    reason?: string;
    message?: string;
  }[];
  expect(results.map((each) => [each.operationId, each.reason ?? each.status])).toEqual([
    ['b-1', 'done'],
    ['b-2', 'done'],
    ['b-3', 'uniqueness'],
    ['b-4', 'done'],
    ['b-5', 'missing'],
    ['b-6', 'invalidOperation'],
    ['b-7', 'done'],
  ]);
  const brown = await user(world(), 'brown');
  expect(brown.groups).toEqual(['Dev']);
  expect(await changes(world(), 'brown')).toEqual(
    expect.arrayContaining(['AddUserToGroup', 'PutUserPolicy']),
  );
  const used = await ask(operations, { operationId: 'b-2', kind: 'create', data: { userName: 'other' } });
  expect(used.status).toBe(409);
});

test('what AWS holds up is pending, survives a kill, and ends without being asked for again', async () => {
  await world().simulator.fault({
    operation: 'CreateUser',
    user: 'slow',
    times: -1,
    error: { code: 'ServiceUnavailable', status: 503 },
  });
  const operation = {
    operationId: 'slow-1',
    kind: 'create',
    data: { userName: 'slow', password: { value: 'C4nary-Slow!2026' } },
  };
  const pending = await post(operation);
  expect(pending).toMatchObject({ status: 202, body: { status: 'pending' } });
  expect(await kept('secrets')).toContain('slow-1');
  expect(await kept('configmaps')).not.toContain('C4nary');
  await world().restartOperator();
  await world().simulator.clearFaults();
  const path = new URL(pending.location ?? '').pathname;
  await eventually(async () => ((await asked(path)).body['status'] === 'done' ? true : undefined), {
    withinMs: 90_000,
    everyMs: 500,
    what: 'the end of slow-1',
  });
  const { userId } = await user(world(), 'slow');
  expect(await world().simulator.checkPassword('slow', 'C4nary-Slow!2026')).toBe(true);
  expect(await post(operation)).toMatchObject({
    status: 200,
    body: { status: 'done', account: { id: userId } },
  });
  expect((await changes(world(), 'slow')).filter((each) => each === 'CreateUser')).toHaveLength(1);
  await eventually(async () => ((await kept('secrets')).includes('slow-1') ? undefined : true), {
    what: 'the body to be gone',
  });
});

describe('killed in between, the repeat is answered alike, and it is done once', () => {
  const records = /\/configmaps(\/idhub-aws-connector-operations-|$)/;
  test.each<[string, HoldSpec]>([
    ['before it is noted that it begins', { method: 'POST', path: records, when: 'before' }],
    ['after it is noted that it begins', { method: 'POST', path: records, when: 'after' }],
    ['before its end is noted', { method: 'PATCH', path: records, when: 'before' }],
    ['after its end is noted, and before it is told', { method: 'PATCH', path: records, when: 'after' }],
  ])('%s', async (what, hold) => {
    const name = `k${what.length}`;
    const { kubeconfigPath } = await world().plane.serviceAccount(systemNamespace, 'operator');
    const gate = await startGate(world().plane, kubeconfigPath);
    try {
      world().operator.kill('SIGKILL');
      await world().operator.exited;
      const { process: dying } = world().spawnOperator([...flags, `--kubeconfig=${gate.kubeconfigPath}`]);
      const url = await urlOf(dying);
      await asked(`${operations}/none`, undefined, url);
      const { reached } = gate.hold(hold);
      const operation = { operationId: name, kind: 'create', data: { userName: name, password: {} } };
      const answer = ask(operations, operation, url).catch(() => undefined);
      await reached;
      dying.kill('SIGKILL');
      await dying.exited;
      expect(await answer).toBeUndefined();
      await world().startOperator(flags);
      const repeated = await post(operation);
      const { userId, arn } = await user(world(), name);
      expect(repeated).toMatchObject({
        status: 200,
        body: { status: 'done', account: { id: userId, userName: name, arn } },
      });
      expect((await post(operation)).body).toEqual(repeated.body);
      const made = await changes(world(), name);
      expect(made.filter((each) => each === 'CreateUser')).toHaveLength(1);
      expect(made.filter((each) => each === 'CreateLoginProfile')).toHaveLength(1);
    } finally {
      await gate.stop();
    }
  });
});

test('a reconciliation is made once, and told with its report', async () => {
  const body = { operationId: 'recon-1', resources: ['Account'], filter: 'userName sw "k"' };
  const made = await asked('/webhook/v1/reconciliations', body);
  expect(made).toMatchObject({ status: 201, body: { namespace, operationId: 'recon-1', status: 'running' } });
  const name = String(made.body['name']);
  await world().until('awsreconciliation', name, { type: 'Complete', status: 'True' });
  const path = new URL(made.location ?? '').pathname;
  expect(await asked(path)).toMatchObject({
    status: 200,
    body: { name, status: 'complete', reason: 'Completed' },
  });
  expect(await asked('/webhook/v1/reconciliations', body)).toMatchObject({ status: 200, body: { name } });
  expect(String(made.body['report'])).toMatch(new RegExp(`/reports/${namespace}/${name}$`));
  expect((await ask('/webhook/v1/reconciliations', { ...body, dryRun: true })).status).toBe(409);
  const both = await ask('/webhook/v1/reconciliations', {
    operationId: 'recon-2',
    users: ['kim'],
    filter: 'userName eq "kim"',
  });
  expect([both.status, both.body['detail']]).toEqual([400, expect.stringContaining('exclude each other')]);
});

test('the document of the port is there for anybody, and credentials are asked for elsewhere', async () => {
  const url = await urlOf();
  const document = await fetch(`${url}/openapi.json`);
  expect([document.status, ((await document.json()) as { openapi: string }).openapi]).toEqual([200, '3.1.0']);
  expect((await fetch(`${url}${operations}/none`)).status).toBe(401);
});
