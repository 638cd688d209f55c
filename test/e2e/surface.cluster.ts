import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { processMetrics } from '../../scripts/generate/process-metrics.ts';
import { startProcess } from '../support/process.ts';
import { events, patch, settled, snapshotEvery, worldFor } from './support.ts';

const world = worldFor('surface', { operator: [snapshotEvery, '--log-level=trace'] });
const bundle = join(import.meta.dirname, '../../dist/operator.mjs');

async function run(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number | string; text: string }> {
  const started = startProcess(process.execPath, [bundle, ...args], { env });
  const code = await started.exited;
  return { code, text: started.lines.join('\n') };
}

test('--help names every flag, --version the version, and what makes no sense is refused with 2', async () => {
  const help = await run(['--help']);
  expect(help.code).toBe(0);
  for (const flag of [
    'kubeconfig',
    'namespace',
    'watch-namespaces',
    'installation-id',
    'leader-elect',
    'metrics-address',
    'http-address',
    'log-level',
    'allow-endpoint-override',
    'snapshot-interval',
    'grace-period',
  ]) {
    expect(help.text).toContain(`--${flag}`);
  }
  expect(help.text).toContain('IDHUB_AWS_LOG_LEVEL');
  expect(await run(['--version'])).toEqual({
    code: 0,
    text: expect.stringMatching(/^\d+\.\d+\.\d+$/) as unknown,
  });
  expect(await run(['--no-such-flag'])).toMatchObject({ code: 2 });
  expect(await run([], { IDHUB_AWS_LOG_LEVEL: 'loud' })).toMatchObject({
    code: 2,
    text: expect.stringContaining('IDHUB_AWS_LOG_LEVEL') as unknown,
  });
});

test('logs are JSON lines; metrics and probes answer', async () => {
  await world().apply(world().accountManifest('seen', { userName: 'seen' }));
  await settled(world(), 'seen');
  for (const line of world().operator.lines) {
    expect(JSON.parse(line)).toMatchObject({
      time: expect.any(String) as unknown,
      level: expect.any(String) as unknown,
      msg: expect.any(String) as unknown,
    });
  }
  for (const path of ['/healthz', '/readyz']) {
    expect((await fetch(`${world().metricsUrl}${path}`)).status).toBe(200);
  }
  expect((await fetch(`${world().metricsUrl}/nothing`)).status).toBe(404);
  expect((await fetch(`${world().metricsUrl}/metrics`, { method: 'POST' })).status).toBe(405);
  const metrics = await world().metrics();
  // The page is generated from what is registered without a cluster: a running operator serves just that.
  const served = Array.from(
    metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm),
    ([, name = '', kind = '']) => `${name} ${kind}`,
  );
  const page = await readFile(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
  const told = Array.from(
    page.matchAll(/^\| `(\w+)` \| ([a-z]+) \|/gm),
    ([, name = '', kind = '']) => `${name} ${kind}`,
  );
  expect(told.length).toBeGreaterThan(70);
  expect([...served].sort()).toEqual([...told].sort());
  const helps = Array.from(metrics.matchAll(/^# HELP (\S+) (.*)$/gm), ([, name, help]) => [name, help]);
  expect(Object.fromEntries(helps)).toEqual(
    Object.fromEntries((await processMetrics()).map(({ name, help }) => [name, help])),
  );
  expect(metrics).toMatch(/^idhub_connection_ready\{connection="surface\/aws",reason="Verified"\} 1$/m);
  expect(metrics).toMatch(/^idhub_accounts\{ready="True",reason="AsDeclared"\} 1$/m);
  // No label holds a person's name.
  expect(metrics).not.toContain('seen');
});

test('kubectl: columns, short names, category, explain, and waiting for Ready', async () => {
  const { namespace } = world();
  const kubectl = (args: readonly string[]): Promise<string> => world().kubectl(args);
  const table = (await kubectl(['get', 'awsacc', '-n', namespace])).split('\n');
  expect(table[0]).toMatch(/^NAME +USER +STATE +READY +REASON +CONNECTION +AGE *$/);
  expect(table[1]).toMatch(/^seen +seen +Enabled +True +AsDeclared +aws /);
  expect(await kubectl(['get', 'awsconn', '-n', namespace])).toMatch(
    new RegExp(`^NAME +ACCOUNT +ALIAS +USERS +READY +REASON +AGE *\naws +${world().accounts[0]?.id} `),
  );
  expect(await kubectl(['get', 'idhub', '-n', namespace, '-o', 'name'])).toContain(
    'awsaccount.aws.idhub.io/seen',
  );
  expect(await kubectl(['explain', 'awsaccount.spec.deletionPolicy'])).toContain('Retain');
  expect(await kubectl(['explain', 'awsconnection.spec.settings'])).toContain('pageSize');
  await kubectl(['wait', '--for=condition=Ready', 'awsaccount/seen', '-n', namespace, '--timeout=10s']);
});

test('no secret anywhere but in the Secret: logs at trace, objects, events, metrics, also when calls fail', async () => {
  const { secretAccessKey } = world().credentials;
  await world().simulator.fault(
    { operation: 'TagUser', user: 'seen', error: { code: 'ServiceFailure' } },
    {
      operation: 'TagUser',
      user: 'seen',
      error: { code: 'InvalidClientTokenId' },
    },
    { operation: 'TagUser', user: 'seen', drop: 'before' },
  );
  await patch(world(), 'seen', { spec: { tags: { a: '1' } } });
  await world().until('awsaccount', 'seen', { status: 'True' });
  const everything = [
    ...world().operator.lines,
    await world().metrics(),
    await world().kubectl(['get', 'awsaccounts,awsconnections,events,leases', '-A', '-o', 'yaml']),
    JSON.stringify(await events(world(), 'seen')),
  ].join('\n');
  expect(everything).toContain('"level":"trace"');
  expect(everything).not.toContain(secretAccessKey);
});

test('addresses are obeyed only where the operator is told to', async () => {
  await world().operator.stop();
  await world().startOperator([snapshotEvery, '--no-allow-endpoint-override']);
  const { message } = await world().until('awsconnection', 'aws', {
    status: 'False',
    reason: 'EndpointOverrideNotAllowed',
  });
  expect(message).toContain('--allow-endpoint-override');
});
