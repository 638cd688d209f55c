import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateUserCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { sharedControlPlane } from '../cluster/index.ts';
import { PortClient, portUrl, untilListed, writeCallers } from '../e2e/port.ts';
import { worldFor } from '../e2e/support.ts';
import { startProcess } from '../support/process.ts';

const namespace = 'onboarding-page';
const secret = 'e2e-onboarding-page';
const password = 'e2e-onboarding-page-password';
const world = worldFor(namespace, {
  operator: [`--http-auth-secret=${secret}`, `--default-connection=${namespace}/aws`],
});
const people = ['ada', 'grace', 'edsger'];
let url: string;

beforeAll(async () => {
  for (const UserName of people) {
    await world().iam.send(new CreateUserCommand({ UserName }));
  }
  await writeCallers(world(), secret, { 'basic.idhub': `idhub:${password}` });
  url = await portUrl(world().operator);
  const authorization = `Basic ${Buffer.from(`idhub:${password}`).toString('base64')}`;
  await world().until('awsconnection', 'aws', { status: 'True' });
  const now = `aws.idhub.io/reconcile-at=${new Date().toISOString()}`;
  await world().kubectl(['annotate', 'awsconn', 'aws', '-n', namespace, now]);
  await untilListed(new PortClient({ url, authorization }), '/scim/v2/Account?filter=userName eq "edsger"');
});
afterAll(async () => writeCallers(world(), secret, undefined));

/** Commands of a step of docs/idhub.md. */
async function step(heading: string): Promise<readonly string[]> {
  const page = await readFile(join(import.meta.dirname, '../../docs/idhub.md'), 'utf8');
  const text = page.split(/^#{2,3} /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block);
}

/** As a person types it, with what is written in capitals filled in. */
async function shell(script: string): Promise<string> {
  const { kubectlPath, kubeconfigPath } = sharedControlPlane();
  const typed = script
    .replaceAll('https://connector.example.com:7002', url)
    .replaceAll('NAMESPACE', namespace)
    .replaceAll('PASSWORD', password)
    .replaceAll(/^curl /gm, 'curl -s --fail-with-body -w "\\n" ');
  const process_ = startProcess('bash', [
    '-euo',
    'pipefail',
    '-c',
    `kubectl() { '${kubectlPath}' --kubeconfig '${kubeconfigPath}' "$@"; }\n${typed}`,
  ]);
  const code = await process_.exited;
  expect({ script, code, lines: code === 0 ? [] : process_.lines }).toEqual({ script, code: 0, lines: [] });
  return process_.lines.join('\n');
}

test('docs/idhub.md, step 6: what the wizard asks is answered', async () => {
  const [asked = ''] = await step("6. IDHub's wizard");
  const answers = (await shell(asked)).split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(answers).toMatchObject([
    { status: 'UP', parts: [{ name: 'aws', status: 'UP' }, { name: 'idhub' }] },
    { status: 'UP' },
    { resourceTypes: ['Account', 'Entitlement'], accountNameField: 'userName' },
  ]);
});

test('docs/idhub.md, step 7: the list has everybody, and the first run ends with everybody as created', async () => {
  const [list = '', run = ''] = await step('7. The first reconciliation');
  const read = JSON.parse(await shell(list)) as { totalResults: number; Resources: unknown[] };
  expect(read.Resources).toHaveLength(2);
  expect(read.totalResults).toBeGreaterThanOrEqual(people.length);
  const table = (await shell(run)).split('\n').slice(-2);
  expect(table[0]).toMatch(/^NAME +MODE +CONNECTION +COMPLETE +CREATED +CHANGED +DELETED +REASON/);
  const [, , , complete, created, changed, deleted, reason] = table[1]?.split(/ +/) ?? [];
  expect({ complete, changed, deleted, reason }).toEqual({
    complete: 'True',
    changed: '0',
    deleted: '0',
    reason: 'Completed',
  });
  expect(Number(created)).toBeGreaterThan(read.totalResults);
});
