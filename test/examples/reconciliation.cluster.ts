import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CreateUserCommand, DeleteUserCommand, TagUserCommand } from '@aws-sdk/client-iam';
import type { AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import { sharedControlPlane } from '../cluster/index.ts';
import { worldFor } from '../e2e/support.ts';
import { eventually, startProcess } from '../support/process.ts';

const namespace = 'walkthrough';
// No reading comes by itself: what closes the breaker is the approved run.
const world = worldFor(namespace, { operator: ['--snapshot-interval=1h'] });
const people = ['ada', 'grace', 'edsger', 'barbara', 'donald', 'alan'];

/** What people do in AWS before the commands of a chapter. */
const meanwhile: Readonly<Record<string, () => Promise<void>>> = {
  'A first run': () => all(people, (UserName) => world().iam.send(new CreateUserCommand({ UserName }))),
  'What changed since': async () => {
    await world().iam.send(
      new TagUserCommand({ UserName: 'ada', Tags: [{ Key: 'department', Value: 'Engines' }] }),
    );
    await world().iam.send(new CreateUserCommand({ UserName: 'linus' }));
    await world().iam.send(new DeleteUserCommand({ UserName: 'alan' }));
  },
  'At three in the morning': async () => {
    await all(['grace', 'edsger', 'barbara', 'donald'], (UserName) =>
      world().iam.send(new DeleteUserCommand({ UserName })),
    );
    await world().apply({
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsReconciliation',
      metadata: { namespace, name: 'morning' },
      spec: { connectionRef: { name: 'aws' } },
    });
    await eventually(
      async () =>
        conditionOf(await runOf('morning'), 'Failed') === 'DeletionThresholdExceeded' ? true : undefined,
      { what: 'the breaker to open' },
    );
    const now = `aws.idhub.io/reconcile-at=${new Date().toISOString()}`;
    await world().kubectl(['annotate', 'awsconn', 'aws', '-n', namespace, now]);
    await eventually(
      async () => ((await world().connection()).status?.breaker?.missing === 4 ? true : undefined),
      { what: 'a reading that lacks them' },
    );
  },
};

async function all(names: readonly string[], act: (name: string) => Promise<unknown>): Promise<void> {
  await Promise.all(names.map(act));
}

async function runOf(name: string): Promise<AwsReconciliation> {
  return JSON.parse(
    await world().kubectl(['get', 'awsrecon', name, '-n', namespace, '-o', 'json']),
  ) as AwsReconciliation;
}

/** The reason of a condition that is True. */
function conditionOf({ status }: AwsReconciliation, type: string): string | undefined {
  return status?.conditions?.find((each) => each.type === type && each.status === 'True')?.reason;
}

interface Chapter {
  readonly heading: string;
  readonly commands: readonly string[];
}

/** The chapters of a page with the commands in them. */
async function chapters(): Promise<readonly Chapter[]> {
  const page = await readFile(join(import.meta.dirname, '../../docs/reconciliation.md'), 'utf8');
  return page
    .split(/^#{2,3} /m)
    .slice(1)
    .map((text) => ({
      heading: text.slice(0, text.indexOf('\n')),
      commands: [...text.matchAll(/^( *)```sh\n([^]*?)^ *```$/gm)].map(([, indent = '', block = '']) =>
        block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      ),
    }))
    .filter(({ commands }) => commands.length > 0);
}

/** As a person types it; what needs a pod of the operator goes to its process instead. */
async function shell(script: string, reports: string): Promise<string> {
  const { kubectlPath, kubeconfigPath } = sharedControlPlane();
  const process_ = startProcess('bash', [
    '-euo',
    'pipefail',
    '-c',
    [
      `kubectl() { if [ "$1" != port-forward ]; then '${kubectlPath}' --kubeconfig '${kubeconfigPath}' -n ${namespace} "$@"; fi; }`,
      `NAMESPACE=${namespace}`,
      script.replaceAll('http://127.0.0.1:7002', reports),
    ].join('\n'),
  ]);
  const code = await process_.exited;
  const output = process_.lines.join('\n');
  if (code !== 0) {
    throw new Error(`${script}\nended with ${code}:\n${output}`);
  }
  return output;
}

test('docs/reconciliation.md: each command does what the page says, in its order', async () => {
  const serving = await world().operator.line((line) => line.includes('webhook and reports'));
  const reports = `http://127.0.0.1:${(JSON.parse(serving) as { port: number }).port}`;
  const said = new Map<string, string>();
  for (const { heading, commands } of await chapters()) {
    await meanwhile[heading]?.();
    for (const command of commands) {
      said.set(heading, `${said.get(heading) ?? ''}${await shell(command, reports)}\n`);
    }
  }
  expect([...said.keys()]).toEqual([
    'A first run',
    'What changed since',
    'Some users only',
    'Incremental',
    'At three in the morning',
    'Reports',
    'Schedules',
  ]);
  expect(said.get('A first run')).toContain('Completed');
  expect((await runOf('first')).status?.counts).toMatchObject({ changed: 0, deleted: 0 });
  expect(said.get('What changed since')?.split('\n')).toEqual(
    expect.arrayContaining([
      'Deleted Account alan ',
      'Created Account linus ',
      'Changed Account ada ["attributes"]',
    ]),
  );
  expect((await runOf('look')).status?.counts).toMatchObject({ created: 0, changed: 0, deleted: 0 });
  expect(said.get('Some users only')).toContain('Created ada\n');
  expect((await runOf('engines')).status?.counts).toMatchObject({ created: 1, deleted: 0 });
  expect((await runOf('two-people')).status?.counts).toMatchObject({ read: 2, unchanged: 2 });
  expect(said.get('Incremental')).toMatch(/^Incremental \d{4}-/m);
  expect(said.get('At three in the morning')).toContain('4 missing, 1 allowed: ');
  const morning = await runOf('morning');
  expect(conditionOf(morning, 'Complete')).toBe('Completed');
  expect(morning.status?.counts).toMatchObject({ deleted: 4 });
  const lines = said
    .get('Reports')
    ?.split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { name?: string; change?: string; end?: boolean });
  expect(lines?.at(-1)).toMatchObject({ end: true });
  expect(lines?.filter(({ change }) => change === 'Deleted').map(({ name }) => name)).toEqual(['alan']);
  expect(said.get('Schedules')).toMatch(/^next: \d{4}-\d\d-\d\dT0[01]:00:00Z$/m);
});
