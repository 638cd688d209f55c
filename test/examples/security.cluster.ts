import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../cluster/index.ts';
import { eventually } from '../support/process.ts';

jest.setTimeout(120_000);

const namespace = 'idhub-demo';

/** One of its own: a policy of the API server counts for everybody. */
let plane: ControlPlane;

beforeAll(async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/security.md'), 'utf8');
  const blocks = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  plane = await startControlPlane();
  await plane.installCrds();
  await plane.createNamespace(namespace);
  await plane.must(['apply', '--validate=strict', '-f', '-'], blocks.join('---\n'));
  for (const role of ['people', 'auditor']) {
    await plane.must([
      'create',
      'rolebinding',
      role,
      '-n',
      namespace,
      `--role=idhub-${role}`,
      `--user=${role}`,
    ]);
  }
});

afterAll(async () => plane?.stop());

test.each([
  ['people', 'patch', 'awsaccounts', 'yes'],
  ['people', 'create', 'awsentitlementbindings', 'yes'],
  ['people', 'get', 'awsconnections', 'yes'],
  ['people', 'patch', 'awsconnections', 'no'],
  ['people', 'create', 'awsreconciliations', 'no'],
  ['people', 'get', 'secrets', 'no'],
  ['people', 'patch', 'awsaccounts/status', 'no'],
  ['auditor', 'list', 'awsaccounts', 'yes'],
  ['auditor', 'get', 'awsreconciliations/report', 'yes'],
  ['auditor', 'patch', 'awsaccounts', 'no'],
  ['auditor', 'get', 'secrets', 'no'],
])('the role of %s: may it %s %s? %s', async (user, verb, resource, answer) => {
  const [plural = '', subresource] = resource.split('/');
  const what = plural.startsWith('aws') ? `${plural}.aws.idhub.io` : plural;
  const args = ['auth', 'can-i', verb, what, '-n', namespace, `--as=${user}`];
  const { stdout } = await plane.kubectl([
    ...args,
    ...(subresource === undefined ? [] : [`--subresource=${subresource}`]),
  ]);
  expect(stdout.trim()).toBe(answer);
});

test('approvals are written by members of the group alone, and all else by whoever may', async () => {
  const account = JSON.stringify({
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsAccount',
    metadata: { namespace, name: 'lena' },
    spec: { connectionRef: { name: 'aws' }, userName: 'lena' },
  });
  const asPeople = ['--as=people', '--as-group=somebody'];
  await plane.must(['create', '-f', '-', ...asPeople], account);
  const annotate = (what: string, as: readonly string[] = asPeople) =>
    plane.kubectl(['annotate', 'awsaccount', 'lena', '-n', namespace, '--overwrite', what, ...as]);
  const refused = { code: 1, stderr: expect.stringContaining('only members of idhub-approvers') as unknown };
  // A policy is in force a moment after it is made.
  await eventually(
    async () => ((await annotate('aws.idhub.io/approve-deletions=jo')).code === 1 ? true : undefined),
    { withinMs: 30_000, everyMs: 250, what: 'the policy' },
  );
  for (const name of ['approve-deletions', 'abandon', 'confirm-user-id']) {
    expect(await annotate(`aws.idhub.io/${name}=true${Date.now()}`)).toMatchObject(refused);
  }
  const approver = ['--as=people', '--as-group=idhub-approvers'];
  expect(await annotate('aws.idhub.io/approve-deletions=ann', approver)).toMatchObject({ code: 0 });
  // What an approver has written stays, and is in nobody's way.
  expect(await annotate('aws.idhub.io/paused=true')).toMatchObject({ code: 0 });
  expect(await annotate('aws.idhub.io/approve-deletions=somebody-else')).toMatchObject(refused);
  expect(await annotate('aws.idhub.io/disabled-by=oncall')).toMatchObject({ code: 0 });
  expect(await annotate('aws.idhub.io/approve-deletions-')).toMatchObject({ code: 0 });
});
