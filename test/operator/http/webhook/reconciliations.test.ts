import { describe, expect, test } from '@jest/globals';
import { OperationParser, RunParser } from '../../../../src/idhub/index.ts';
import type { AwsReconciliation } from '../../../../operator/api/v1alpha1/index.ts';
import { webhookMount } from '../../../../operator/http/webhook/index.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
import { RunObjects } from '../../../../operator/webhook/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { bearer, serveMounts } from '../served.ts';

const path = '/webhook/v1/reconciliations';

async function served() {
  const client = new FakeClient();
  const { schema } = accountSchema([], '');
  const unused = (): never => {
    throw new Error('no operations here');
  };
  const frame = await serveMounts({
    mounts: [
      webhookMount({
        operations: { submit: unused, standing: unused },
        runs: new RunObjects({ client, schemaOf: () => schema }),
        parser: new OperationParser(),
        runParser: new RunParser(),
      }),
    ],
  });
  const post = (body: unknown, at = path) =>
    frame.get(at, {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const runs = () => client.store.list('awsreconciliations') as AwsReconciliation[];
  const get = (at: string) => frame.get(at);
  return { client, post, runs, ...frame, get };
}

async function told(answer: Response): Promise<Record<string, unknown>> {
  return (await answer.json()) as Record<string, unknown>;
}

describe('a reconciliation', () => {
  test('is made once for its operationId, and told with its report', async () => {
    const { post, get, runs, url, client } = await served();
    const asked = {
      operationId: 'r1',
      mode: 'Incremental',
      resources: ['Account'],
      filter: 'userName sw "a"',
      dryRun: true,
    };
    const first = await post(asked);
    const body = await told(first);
    const name = String(body['name']);
    expect(first.status).toBe(201);
    expect(first.headers.get('location')).toBe(`${url}${path}/${name}`);
    expect(body).toEqual({
      namespace: 'team',
      name,
      operationId: 'r1',
      status: 'running',
      reason: 'Running',
      message: expect.any(String),
      report: `${url}/reports/team/${name}`,
    });
    const { operationId: _, ...spec } = asked;
    expect(runs().map((run) => run.spec)).toEqual([
      { connectionRef: { name: 'aws' }, ...spec, ttlSecondsAfterFinished: 604_800 },
    ]);
    const again = await post(asked, `/connections/team/aws${path}`);
    expect([again.status, (await told(again))['report']]).toEqual([202, `${url}/reports/team/${name}`]);
    client.store.patch(
      'awsreconciliations',
      { namespace: 'team', name },
      {
        status: {
          conditions: [
            { type: 'Complete', status: 'True' },
            { type: 'Ready', status: 'True', reason: 'Completed', message: 'Done.' },
          ],
          mode: 'Full',
          counts: { read: 3 },
          startedAt: '2026-01-01T00:00:00Z',
          finishedAt: '2026-01-01T00:01:00Z',
        },
      },
    );
    const ended = {
      status: 'complete',
      reason: 'Completed',
      mode: 'Full',
      counts: { read: 3 },
      finishedAt: '2026-01-01T00:01:00Z',
    };
    const last = await post(asked);
    expect([last.status, await told(last)]).toMatchObject([200, ended]);
    const one = await get(`${path}/${name}`);
    expect([one.status, await told(one)]).toMatchObject([200, ended]);
    expect(runs()).toHaveLength(1);
  });

  test('whose operationId was used for another one is a conflict', async () => {
    const { post, runs } = await served();
    await post({ operationId: 'r1' });
    const answer = await post({ operationId: 'r1', mode: 'Full' });
    expect([answer.status, (await told(answer))['detail']]).toEqual([409, expect.stringContaining('"r1"')]);
    expect(runs()).toHaveLength(1);
  });

  test('that twenty ask for at once is made once', async () => {
    const { post, runs } = await served();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post({ operationId: 'r1' })));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      201,
      ...Array.from({ length: 19 }, () => 202),
    ]);
    expect(runs()).toHaveLength(1);
  });

  test('that failed says why, also where its status was lost', async () => {
    const { post, get, client } = await served();
    const { name } = await told(await post({ operationId: 'r1' }));
    const key = { namespace: 'team', name: String(name) };
    const finished = JSON.stringify({
      run: `team/${String(name)}`,
      outcome: 'Failed',
      reason: 'InvalidFilter',
      message: 'The filter makes no sense.',
      at: 1,
    });
    client.store.patch('awsreconciliations', key, {
      metadata: { annotations: { 'aws.idhub.io/finished': finished } },
    });
    expect(await told(await get(`${path}/${String(name)}`))).toMatchObject({
      status: 'failed',
      reason: 'InvalidFilter',
      message: 'The filter makes no sense.',
    });
  });

  test.each<[unknown, string]>([
    [undefined, 'The body must be object.'],
    [{}, 'The body needs "operationId".'],
    [{ operationId: 'r', mode: 'Fast' }, '/mode is one of: Full, Incremental.'],
    [{ operationId: 'r', users: [] }, '/users has at least 1.'],
    [{ operationId: 'r', connection: 'x' }, 'The body has no "connection".'],
    [{ operationId: 'r', filter: 'shoeSize gt 3' }, '/filter: '],
  ])('cannot be %j', async (body, detail) => {
    const { post, runs } = await served();
    const answer = await post(body);
    expect([answer.status, (await told(answer))['detail']]).toEqual([400, expect.stringContaining(detail)]);
    expect(runs()).toEqual([]);
  });

  test('that the API server does not take is told in its words', async () => {
    const { post, client } = await served();
    client.fail = () => {
      const message = 'spec.users and spec.filter exclude each other';
      throw new ApiError({
        code: 422,
        reason: 'Invalid',
        message: 'AwsReconciliation "x" is invalid',
        details: { causes: [{ message }] },
      });
    };
    const answer = await post({ operationId: 'r', users: ['jo'], filter: 'userName eq "jo"' });
    expect([answer.status, (await told(answer))['detail']]).toEqual([
      400,
      'spec.users and spec.filter exclude each other',
    ]);
  });

  test('of another connection, or of none, is not there', async () => {
    const { get, client } = await served();
    client.store.create('awsreconciliations', {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsReconciliation',
      metadata: { namespace: 'team', name: 'nightly' },
      spec: { connectionRef: { name: 'second' } },
    } as AwsReconciliation);
    for (const name of ['nightly', 'none', 'A%20b', '..%2Fx']) {
      expect((await get(`${path}/${name}`)).status).toBe(404);
    }
  });
});
