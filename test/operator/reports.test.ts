import { beforeEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import {
  awsConnectionType,
  awsReconciliationType,
  type AwsReconciliation,
} from '../../operator/api/v1alpha1/index.ts';
import { opened, writeStopped } from '../../operator/controllers/breaker.ts';
import { annotations, secretType, type Secret } from '../../operator/controllers/names.ts';
import { writeEnding } from '../../operator/controllers/reconciliation/memory.ts';
import { ReportSecrets } from '../../operator/controllers/reconciliation/report-store.ts';
import type { OpenedReport } from '../../operator/http/index.ts';
import { Reports } from '../../operator/reports.ts';
import { connection } from './controllers/material.ts';
import { FakeClient, unreachable } from './runtime/fake-api.ts';

const { signal } = new AbortController();
const key = { namespace: 'ns', name: 'nightly' };
const changes = [
  { resource: 'Account', change: 'Created', name: 'jo' },
  { resource: 'Account', change: 'Deleted', name: 'mo' },
];

type Condition = NonNullable<NonNullable<AwsReconciliation['status']>['conditions']>[number];

function condition(type: string, status: Condition['status'], more: Partial<Condition> = {}): Condition {
  return { type, status, reason: 'Completed', message: 'All was read.', lastTransitionTime: '', ...more };
}

let client: FakeClient;
let reports: Reports;

beforeEach(async () => {
  client = new FakeClient();
  reports = new Reports({ client, namespaces: undefined });
  await client.create(awsConnectionType, connection());
});

async function make(more: {
  readonly spec?: Partial<AwsReconciliation['spec']>;
  readonly conditions?: readonly Condition[];
  readonly annotations?: Record<string, string>;
  /** Of its report; undefined: it has none. */
  readonly lines?: readonly object[];
}): Promise<AwsReconciliation> {
  const run = await client.create(awsReconciliationType, {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsReconciliation',
    metadata: { ...key, ...(more.annotations === undefined ? {} : { annotations: more.annotations }) },
    spec: { connectionRef: { name: 'main' }, ...more.spec },
    ...(more.conditions === undefined ? {} : { status: { conditions: [...more.conditions] } }),
  });
  if (more.lines !== undefined) {
    await new ReportSecrets({ client }).write(
      run,
      {
        header: { mode: 'Full', changes: more.lines.length },
        lines: more.lines.map((line) => JSON.stringify(line)),
      },
      signal,
    );
  }
  return run;
}

const complete = [condition('Complete', 'True'), condition('Failed', 'False')];

async function read(answer: OpenedReport): Promise<{ header: object; text: string }> {
  if (answer.kind !== 'report') {
    throw new Error(`${answer.kind}: ${answer.message}`);
  }
  let text = '';
  for await (const shard of answer.report.shards) {
    text += shard.toString('utf8');
  }
  return { header: answer.report.header, text };
}

async function breakerOf(text: string | null): Promise<void> {
  await client.mergePatch(
    awsConnectionType,
    { namespace: 'ns', name: 'main' },
    { metadata: { annotations: { [annotations.breaker]: text } } },
  );
}

const stopped = (scope = 'default'): string | null =>
  writeStopped(opened([], { scope, resources: ['Account'], run: 'ns/hourly', since: 1, deletions: 40 }));

test('of a complete run: what is said of it, and every change', async () => {
  await make({ conditions: complete, lines: changes });
  expect(await read(await reports.open(key, signal))).toEqual({
    header: { connection: 'ns/main', mode: 'Full', changes: 2 },
    text: changes.map((line) => `${JSON.stringify(line)}\n`).join(''),
  });
});

test('of a run whose status was lost, as the object remembers', async () => {
  const ending = {
    run: 'ns/nightly',
    reason: 'Completed',
    message: 'All was read.',
    at: 1,
    counts: {},
    token: undefined,
  } as const;
  const annotated = (outcome: 'Complete' | 'Failed'): Record<string, string> => ({
    [annotations.finished]: writeEnding({ ...ending, outcome }),
  });
  await make({ annotations: annotated('Complete'), lines: changes });
  expect((await reports.open(key, signal)).kind).toBe('report');
  await client.delete(awsReconciliationType, key);
  await make({ annotations: annotated('Failed') });
  expect((await reports.open(key, signal)).kind).toBe('missing');
});

test('is none before the run has ended, though it may be written already', async () => {
  await make({
    conditions: [condition('Ready', 'False', { reason: 'Running', message: 'The account is being read.' })],
    lines: changes,
  });
  expect(await reports.open(key, signal)).toEqual({
    kind: 'unfinished',
    message: 'The run has not ended. The account is being read.',
  });
});

test.each<[string, Parameters<typeof make>[0], RegExp]>([
  [
    'one that failed, though an earlier try has left one',
    {
      conditions: [
        condition('Complete', 'False'),
        condition('Failed', 'True', { reason: 'InvalidFilter', message: 'There is no "dept".' }),
      ],
      lines: changes,
    },
    /^The run has no report: it failed\. InvalidFilter: There is no "dept"\.$/,
  ],
  ['one whose report is gone', { conditions: complete }, /its report is no longer there/],
])('there is none of %s', async (_, given, says) => {
  await make(given);
  expect(await reports.open(key, signal)).toEqual({
    kind: 'missing',
    message: expect.stringMatching(says) as unknown,
  });
});

test('there is none of a run that is not there, or of a namespace that is not looked after', async () => {
  expect(await reports.open(key, signal)).toEqual({
    kind: 'missing',
    message: 'There is no AwsReconciliation "nightly" in the namespace "ns".',
  });
  await make({ conditions: complete, lines: changes });
  const calls = client.calls.length;
  const elsewhere = new Reports({ client, namespaces: ['other'] });
  expect(await elsewhere.open(key, signal)).toEqual({
    kind: 'missing',
    message: 'This connector does not look after the namespace "ns".',
  });
  expect(client.calls).toHaveLength(calls);
});

test('stops with the breaker, of any scope, and says which run it was and how to go on', async () => {
  await make({ conditions: complete, lines: changes });
  await breakerOf(stopped());
  expect(await reports.open(key, signal)).toEqual({
    kind: 'stopped',
    message:
      'No lists are given: the breaker of AwsConnection "ns/main" is open: AwsReconciliation "ns/hourly" found 40 missing, more than may be deleted at once. ' +
      'Approve them as that run says (kubectl describe awsrecon hourly -n ns), or mend what hides them: the next Full run of the same filter and resources that is within the limit closes it. Where that run is gone, make a new AwsReconciliation: it stops with a token to approve.',
  });
  await breakerOf(stopped('f00d'));
  expect((await reports.open(key, signal)).kind).toBe('stopped');
  await breakerOf(null);
  expect((await reports.open(key, signal)).kind).toBe('report');
});

test('stops too where nobody can read what the connection remembers of its breaker', async () => {
  await make({ conditions: complete, lines: changes });
  await breakerOf('spoilt');
  expect(await reports.open(key, signal)).toMatchObject({
    kind: 'stopped',
    message: expect.stringContaining('deletions were stopped, more than may be deleted') as unknown,
  });
});

test('stops where a reading lacks too many, before any run has seen it', async () => {
  await make({ conditions: complete, lines: changes });
  const breaker = { open: true, missing: 40, allowed: 10, since: '2026-01-01T00:00:00Z' };
  await client.applyStatus(awsConnectionType, { ...connection(), status: { breaker } } as never);
  expect(await reports.open(key, signal)).toMatchObject({
    kind: 'stopped',
    message: expect.stringContaining('40 users are missing in the last reading') as unknown,
  });
});

test('is kept where the connection has gone', async () => {
  await make({ conditions: complete, lines: changes });
  await client.delete(awsConnectionType, { namespace: 'ns', name: 'main' });
  expect((await reports.open(key, signal)).kind).toBe('report');
});

test('stops with the breaker of a connection of another namespace', async () => {
  await make({
    spec: { connectionRef: { name: 'main', namespace: 'shared' } },
    conditions: complete,
    lines: changes,
  });
  expect((await reports.open(key, signal)).kind).toBe('report');
  await client.create(
    awsConnectionType,
    connection({
      metadata: { namespace: 'shared', annotations: { [annotations.breaker]: stopped() ?? '' } },
    }),
  );
  expect((await reports.open(key, signal)).kind).toBe('stopped');
});

/** Secrets of the report: the head, or what it needs. */
function kept(isHead: boolean): readonly Secret[] {
  const heads = (client.store.list('secrets') as Secret[]).toSorted(
    (one, other) => one.metadata.name.length - other.metadata.name.length,
  );
  return isHead ? heads.slice(0, 1) : heads.slice(1);
}

test.each([
  ['its head is spoilt', true, /^The report is no longer whole: Secret ".+" is not as it was written; /],
  ['a part is spoilt', false, /^The report is no longer whole: Secret ".+" is not as it was written, and /],
])('there is none where %s', async (_, isHead, says) => {
  await make({ conditions: complete, lines: changes });
  for (const { metadata } of kept(isHead)) {
    const secret = { namespace: 'ns', name: metadata.name };
    await client.mergePatch(secretType, secret, { data: { content: 'eA==' } });
  }
  expect(await reports.open(key, signal)).toEqual({
    kind: 'missing',
    message: expect.stringMatching(says) as unknown,
  });
});

test('there is none where its last part is gone: nothing is begun that would break off', async () => {
  // More than one Secret takes: what cannot be packed.
  const lines = Array.from({ length: 3 }, () => ({ noise: randomBytes(450_000).toString('base64') }));
  await make({ conditions: complete, lines });
  const parts = kept(false);
  expect(parts.length).toBeGreaterThan(1);
  const last = parts.at(-1)?.metadata.name ?? '';
  await client.delete(secretType, { namespace: 'ns', name: last });
  expect(await reports.open(key, signal)).toEqual({
    kind: 'missing',
    message: expect.stringContaining(`Secret "${last}" is not there`) as unknown,
  });
});

test('of a dry run there is one as of any other', async () => {
  await make({ spec: { dryRun: true }, conditions: complete, lines: changes });
  expect((await reports.open(key, signal)).kind).toBe('report');
});

test('a run that failed or goes on says so, also while the breaker is open: no list is waited for in vain', async () => {
  await make({ conditions: [condition('Failed', 'True', { reason: 'DeletionThresholdExceeded' })] });
  await breakerOf(stopped());
  expect(await reports.open(key, signal)).toMatchObject({
    kind: 'missing',
    message: expect.stringContaining('DeletionThresholdExceeded') as unknown,
  });
});

test('an API server that does not answer is no answer', async () => {
  client.fail = unreachable;
  await expect(reports.open(key, signal)).rejects.toThrow('nothing listens');
});
