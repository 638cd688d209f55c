import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import { allUsers, writeStopped } from '../../operator/controllers/breaker.ts';
import { ReportSecrets } from '../../operator/controllers/reconciliation/report-store.ts';
import { createClient, createLogger, systemClock } from '../../operator/runtime/index.ts';
import { sharedControlPlane } from '../cluster/index.ts';
import { eventually, type StartedProcess } from '../support/process.ts';
import { patch, worldFor } from './support.ts';

const namespace = 'reports';
const world = worldFor(namespace);
const changes = Array.from({ length: 3_000 }, (_, index) => ({
  resource: 'Account',
  change: index % 3 === 0 ? 'Deleted' : 'Created',
  name: `user-${index}`,
}));

async function httpUrl(operator: StartedProcess): Promise<string> {
  const line = await operator.line((each) => each.includes('webhook and reports'));
  return `http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}`;
}

/** A token of a ServiceAccount of this namespace, as a person gets one. */
async function token(name: string, ...flags: readonly string[]): Promise<string> {
  return (await world().kubectl(['create', 'token', name, '-n', namespace, ...flags])).trim();
}

const ours = '--audience=idhub-aws-connector';

async function get(address: string, bearer: string, method = 'GET'): Promise<Response> {
  return fetch(address, { method, headers: { authorization: `Bearer ${bearer}` } });
}

async function detailOf(answer: Response): Promise<string> {
  return ((await answer.json()) as { detail: string }).detail;
}

function parsed(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A run that has ended, with this report. */
async function endedRun(name: string): Promise<void> {
  const ending = {
    run: `${namespace}/${name}`,
    outcome: 'Complete',
    reason: 'Completed',
    message: 'All was read.',
    at: Date.now(),
    counts: { read: changes.length },
  };
  await world().apply({
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsReconciliation',
    metadata: { namespace, name, annotations: { 'aws.idhub.io/finished': JSON.stringify(ending) } },
    spec: { connectionRef: { name: 'aws' } },
  });
  const run = JSON.parse(
    await world().kubectl(['get', 'awsrecon', name, '-n', namespace, '-o', 'json']),
  ) as AwsReconciliation;
  const client = createClient({
    kubeconfig: sharedControlPlane().kubeconfigPath,
    clock: systemClock,
    logger: createLogger({ level: 'error', clock: systemClock }),
  });
  try {
    await new ReportSecrets({ client }).write(
      run,
      {
        header: { mode: 'Full', changes: changes.length },
        lines: changes.map((each) => JSON.stringify(each)),
      },
      new AbortController().signal,
    );
  } finally {
    client.close();
  }
}

let url: string;
let reader: string;

test('whoever may get awsreconciliations/report there reads the report, with a token of their own', async () => {
  await world().apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'reader' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'other' } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { namespace, name: 'report-reader' },
      rules: [{ apiGroups: ['aws.idhub.io'], resources: ['awsreconciliations/report'], verbs: ['get'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { namespace, name: 'report-reader' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'report-reader' },
      subjects: [{ kind: 'ServiceAccount', namespace, name: 'reader' }],
    },
  );
  await endedRun('nightly');
  url = `${await httpUrl(world().operator)}/reports/${namespace}`;
  reader = await token('reader', ours);
  const answer = await get(`${url}/nightly`, reader);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-encoding')).toBe('gzip');
  expect(parsed(await answer.text())).toEqual([
    { run: 'reports/nightly', connection: 'reports/aws', mode: 'Full', changes: 3_000 },
    ...changes,
    { end: true, changes: 3_000 },
  ]);
  const deleted = parsed(await (await get(`${url}/nightly?change=Deleted`, reader)).text());
  expect(deleted).toHaveLength(1_002);
  expect(deleted.at(-1)).toEqual({ end: true, changes: 1_000 });
});

test('who may not gets 403, a token for somebody else or for nobody 401, and what is not there 404', async () => {
  const other = await get(`${url}/nightly`, await token('other', ours));
  expect(other.status).toBe(403);
  expect(await detailOf(other)).toContain('"system:serviceaccount:reports:other" may not get');
  // Also of what there is not, and in another namespace.
  expect((await get(`${url}/nothing`, await token('other', ours))).status).toBe(403);
  expect((await get(`${url.replace(/reports$/, 'default')}/nightly`, reader)).status).toBe(403);
  for (const bad of [
    await token('reader'),
    await token('reader', '--audience=vault'),
    `${reader}x`,
    'nonsense',
  ]) {
    const answer = await get(`${url}/nightly`, bad);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  }
  expect((await fetch(`${url}/nightly`)).status).toBe(401);
  const none = await get(`${url}/nothing`, reader);
  expect(none.status).toBe(404);
  expect(await detailOf(none)).toBe('There is no AwsReconciliation "nothing" in the namespace "reports".');
  // What is sent to the connector is worth nothing at the API server itself.
  const review = JSON.parse(
    await world().kubectl(
      ['create', '-o', 'json', '-f', '-'],
      JSON.stringify({
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: {},
        spec: { token: reader },
      }),
    ),
  ) as { status: { authenticated?: boolean; error?: string } };
  expect(review.status).toMatchObject({ error: expect.stringContaining('invalid') as unknown });
  expect(review.status.authenticated).not.toBe(true);
});

test('while the breaker is open no list is given, and the answer says how to go on', async () => {
  const stopped = {
    scope: allUsers,
    resources: ['Account'],
    run: 'reports/hourly',
    since: Date.now(),
    deletions: 40,
  };
  await patch(
    world(),
    'aws',
    { metadata: { annotations: { 'aws.idhub.io/breaker': writeStopped([stopped]) } } },
    'awsconnection',
  );
  const answer = await get(`${url}/nightly`, reader);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '60']);
  expect(await detailOf(answer)).toContain('kubectl describe awsrecon hourly -n reports');
  await patch(
    world(),
    'aws',
    { metadata: { annotations: { 'aws.idhub.io/breaker': null } } },
    'awsconnection',
  );
  expect((await get(`${url}/nightly`, reader, 'HEAD')).status).toBe(200);
});

test('a replica that does not lead answers too; its port closes with SIGTERM', async () => {
  const rbac = (await readFile(join(import.meta.dirname, 'operator-rbac.yaml'), 'utf8'))
    .split('\n---\n')
    .slice(2)
    .join('\n---\n')
    .replaceAll('\n  namespace: idhub-system', `\n  namespace: ${namespace}`);
  await world().kubectl(['apply', '-f', '-'], rbac);
  await world().apply({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name: 'idhub-aws-connector' },
    spec: {
      holderIdentity: 'somebody-else',
      leaseDurationSeconds: 3_600,
      acquireTime: new Date().toISOString().replace('Z', '000Z'),
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  });
  const standby = world().spawnOperator([`--namespace=${namespace}`, '--leader-elect', '--identity=standby']);
  const metricsUrl = await standby.metricsUrl();
  await eventually(async () => ((await fetch(`${metricsUrl}/readyz`)).status === 200 ? true : undefined), {
    what: 'the standby to be ready',
  });
  const standbyUrl = `${await httpUrl(standby.process)}/reports/${namespace}/nightly`;
  const answer = await get(standbyUrl, reader);
  expect(answer.status).toBe(200);
  expect(parsed(await answer.text())).toHaveLength(3_002);
  const metrics = await (await fetch(`${metricsUrl}/metrics`)).text();
  expect(metrics).toMatch(/^leader_election_master_status\{[^}]*\} 0$/m);
  expect(metrics).toMatch(/^idhub_http_requests_total\{mount="reports",code="200"\} 1$/m);
  standby.process.kill('SIGTERM');
  expect(await standby.process.exited).toBe(0);
  await expect(get(standbyUrl, reader)).rejects.toThrow('fetch failed');
});

test('an address that is taken is told at the start; no log has a token', async () => {
  const taken = new URL(url).host;
  const refused = world().spawnOperator([`--http-address=${taken}`]);
  expect(await refused.process.exited).toBe(1);
  expect(refused.process.lines.join('\n')).toContain(`--http-address ${taken} cannot be bound`);
  const log = world().operator.lines.join('\n');
  expect(log).toContain('"caller":"system:serviceaccount:reports:reader"');
  expect(log).not.toContain(reader);
  expect(log).not.toContain(reader.split('.')[2]);
});
