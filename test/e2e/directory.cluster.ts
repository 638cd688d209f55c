import { CreateUserCommand, DeleteUserCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import { eventually, type StartedProcess } from '../support/process.ts';
import { operatorWrites, snapshotEvery, worldFor } from './support.ts';
import { connectionManifest, secretManifest, systemNamespace } from './world.ts';

/** Users whom nobody has declared. */
const users = 300;
const namespace = 'directory';
/** Replicas of a Lease of their own: other suites have theirs in the operator's namespace. */
const ops = 'directory-ops';
const lease = 'idhub-aws-connector';
const read = 'GetAccountAuthorizationDetails';
const world = worldFor(namespace, { start: false, simulator: [`--users=${users}`] });
const token = 'directory-e2e-token';
const authorization = `Bearer ${token}`;

interface Replica {
  readonly name: string;
  readonly process: StartedProcess;
  readonly url: string;
  metricsUrl(): Promise<string>;
}

interface Answer {
  readonly code: number;
  readonly retryAfter: string | null;
  readonly body: {
    readonly totalResults?: number;
    readonly detail?: string;
    readonly Resources?: readonly { readonly id: string; readonly userName: string }[];
    readonly id?: string;
    readonly externalId?: string;
    readonly active?: boolean;
  };
}

async function start(name: string): Promise<Replica> {
  const spawned = world().spawnOperator([
    snapshotEvery,
    '--leader-elect',
    `--identity=${name}`,
    `--namespace=${ops}`,
    '--http-auth-secret=callers',
    `--default-connection=${namespace}/aws`,
  ]);
  const line = await spawned.process.line((each) => each.includes('"serving SCIM'));
  return { name, ...spawned, url: `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}` };
}

async function ask(replica: Replica, path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(`${replica.url}/scim/v2${path}`, {
    ...init,
    headers: { authorization, 'content-type': 'application/scim+json' },
  });
  const text = await answer.text();
  return {
    code: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
  };
}

/** Through the replica that does not lead. */
async function make(userName: string, more: object = {}): Promise<Answer> {
  const schemas = ['urn:sath:params:scim:schemas:core:1.0:Account'];
  const body = JSON.stringify({ schemas, userName, active: true, ...more });
  return ask(second, '/Account', { method: 'POST', body });
}

/** All accounts, page after page. */
async function list(replica: Replica): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const { code, body } = await ask(replica, `/Account?startIndex=${ids.length + 1}&count=100`);
    expect({ code, body: code === 200 ? undefined : body }).toEqual({ code: 200, body: undefined });
    ids.push(...(body.Resources ?? []).map(({ id }) => id));
    if ((body.Resources ?? []).length === 0 || ids.length >= (body.totalResults ?? 0)) {
      return ids;
    }
  }
}

async function inAws(): Promise<string[]> {
  return (await world().simulator.account()).users.map(({ userId }) => userId).sort();
}

async function leads(replica: Replica): Promise<void> {
  await eventually(
    async () => {
      const args = [
        'get',
        'lease',
        lease,
        '-n',
        ops,
        '--ignore-not-found',
        '-o',
        'jsonpath={.spec.holderIdentity}',
      ];
      return (await world().kubectl(args)) === replica.name ? true : undefined;
    },
    { withinMs: 40_000, everyMs: 100, what: `${replica.name} to lead` },
  );
}

/** Waits until a list is given; what was answered before that. */
async function untilListed(replica: Replica, withinMs = 40_000): Promise<readonly Answer[]> {
  const before: Answer[] = [];
  await eventually(
    async () => {
      const answer = await ask(replica, '/Account?count=1');
      if (answer.code === 200) {
        return true;
      }
      before.push(answer);
      return undefined;
    },
    { withinMs, everyMs: 200, what: `a list from ${replica.name}` },
  );
  return before;
}

let first: Replica;
let second: Replica;

test('two replicas, one of which leads', async () => {
  const rbac = 'rbac.authorization.k8s.io';
  await world().apply(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ops } },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'Role',
      metadata: { name: lease, namespace: ops },
      rules: [
        { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch', 'delete'] },
        { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'patch'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name: lease, namespace: ops },
      roleRef: { apiGroup: rbac, kind: 'Role', name: lease },
      subjects: [{ kind: 'ServiceAccount', name: 'operator', namespace: systemNamespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'callers', namespace: ops },
      stringData: { 'token.test': token },
    },
    secretManifest(namespace, 'aws-credentials', world().credentials),
    connectionManifest(namespace, 'aws', world().simulatorUrl),
  );
  first = await start('first');
  await leads(first);
  second = await start('second');
  await world().until('awsconnection', 'aws', { status: 'True' });
});

describe('an account with 300 users whom nobody declared', () => {
  test('is listed by ids, as it is in AWS', async () => {
    await untilListed(first);
    const ids = await list(first);
    expect(ids).toEqual(await inAws());
    // With the administrator of the simulation and the communication user.
    expect(ids).toHaveLength(users + 2);
  });

  test('is listed alike by the replica that does not lead, which asks AWS nothing', async () => {
    await untilListed(second);
    expect(await list(second)).toEqual(await inAws());
    const metrics = await (await fetch(`${await second.metricsUrl()}/metrics`)).text();
    expect(metrics).not.toMatch(/^idhub_aws_calls_total\{/m);
    expect(second.process.lines.some((line) => line.includes('"answeredBy":"first"'))).toBe(true);
    expect(first.process.lines.some((line) => line.includes('"forwardedBy":"second"'))).toBe(true);
  });

  test('what is made through the other replica is in its next list at once, with what the client calls it', async () => {
    const made = await make('joiner', { externalId: 'hr-7' });
    expect(made).toMatchObject({ code: 201, body: { userName: 'joiner', externalId: 'hr-7', active: true } });
    expect(await list(second)).toContain(made.body.id);
    const found = await ask(first, `/Account?filter=${encodeURIComponent('externalId eq "hr-7"')}`);
    expect(found.body.Resources?.map(({ id }) => id)).toEqual([made.body.id]);
  });

  test('groups and policies are listed', async () => {
    const { code, body } = await ask(second, '/Entitlement?count=1');
    expect(code).toBe(200);
    expect(body.totalResults).toBeGreaterThan(0);
  });
});

describe('503, and no short list, where', () => {
  test('a reading is not complete', async () => {
    await world().simulator.fault({ operation: read, error: { code: 'AccessDenied' }, times: -1 });
    const refused = await eventually(async () => {
      const answer = await ask(second, '/Account?count=1');
      return answer.code === 200 ? undefined : answer;
    });
    expect(refused).toMatchObject({
      code: 503,
      body: { detail: expect.stringContaining('is not complete') as unknown },
    });
    expect(Number(refused.retryAfter)).toBeGreaterThan(0);
    await world().simulator.clearFaults();
    await untilListed(second);
  });

  test('more users are missing than may be deleted at once', async () => {
    await world().apply(world().runManifest('known', { resources: ['Account'] }));
    await world().until('awsreconciliation', 'known', { type: 'Complete', status: 'True' });
    const some = (await world().simulator.account()).users
      .filter(({ userName }) => !/idhub|admin|joiner/.test(userName))
      .slice(0, 20);
    // No reading sees some of them only.
    await world().simulator.fault({ operation: read, error: { code: 'AccessDenied' }, times: -1 });
    await eventually(async () => ((await ask(second, '/Account?count=1')).code === 503 ? true : undefined));
    for (const { userName } of some) {
      await world().iam.send(new DeleteUserCommand({ UserName: userName }));
    }
    await world().simulator.clearFaults();
    const refused = await eventually(
      async () => {
        const answer = await ask(second, '/Account?startIndex=1&count=1');
        expect(answer.code).toBe(503);
        return answer.body.detail?.includes('No lists') === true ? answer : undefined;
      },
      { withinMs: 30_000, everyMs: 20 },
    );
    expect(refused.body.detail).toMatch(/No lists are given: .* 20 users/);
  });
});

describe('a leader that is killed', () => {
  test('is followed by the other replica, which says 503 until then; a client that repeats is answered, and nobody is made twice', async () => {
    // Those who are gone are approved as deleted by whoever looks after the account: the breaker is not of this test.
    await world().apply(world().runManifest('gone', { resources: ['Account'] }));
    await world().until('awsreconciliation', 'gone', { status: 'False' });
    const approval = (await world().run('gone')).status?.guard?.token ?? '';
    await world().kubectl([
      'annotate',
      'awsreconciliation',
      'gone',
      '-n',
      namespace,
      `aws.idhub.io/approve-deletions=${approval}`,
    ]);
    await untilListed(second);
    await world().iam.send(new CreateUserCommand({ UserName: 'late' }));
    // It dies while AWS makes a user for somebody who has asked the other replica.
    await world().simulator.fault({ operation: 'CreateUser', latencyMs: 10_000, times: 1 });
    const asked = make('orphan');
    await eventually(
      async () => (await world().simulator.faults()).some(({ hits }) => hits > 0) || undefined,
    );
    first.process.kill('SIGKILL');
    await first.process.exited;
    expect(await asked).toMatchObject({ code: 503, retryAfter: '3' });
    const before = await untilListed(second);
    expect(before.length).toBeGreaterThan(0);
    expect(new Set(before.map(({ code }) => code))).toEqual(new Set([503]));
    expect(before.every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true);
    await leads(second);
    // The client repeats what it has asked for until it is answered.
    const answers: number[] = [];
    const made = await eventually(
      async () => {
        const answer = await make('orphan');
        answers.push(answer.code);
        return answer.code === 503 ? undefined : answer;
      },
      { withinMs: 60_000, everyMs: 500 },
    );
    expect({ made: made.code, answers }).toMatchObject({ made: 201 });
    expect(await list(second)).toEqual(await inAws());
    const creations = (await operatorWrites(world(), 'orphan')).filter(
      ({ operation, code }) => operation === 'CreateUser' && code === 'OK',
    );
    expect(creations).toHaveLength(1);
  });

  test('and a new replica asks that one', async () => {
    first = await start('third');
    await untilListed(first);
    expect(await list(first)).toEqual(await inAws());
    expect(second.process.lines.some((line) => line.includes('"forwardedBy":"third"'))).toBe(true);
  });
});
