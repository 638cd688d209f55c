import { isDeepStrictEqual } from 'node:util';
import { expect, test } from '@jest/globals';
import { eventually, type StartedProcess } from '../support/process.ts';
import { startGate } from './gate.ts';
import { operatorWrites, patch, snapshotEvery, untilAll, user, worldFor } from './support.ts';
import { connectionManifest, secretManifest } from './world.ts';

const world = worldFor('leading', { start: false });

interface Replica {
  readonly name: string;
  readonly process: StartedProcess;
  metricsUrl(): Promise<string>;
}

function replica(name: string, ...further: string[]): Replica {
  const flags = [snapshotEvery, '--leader-elect', `--identity=${name}`, ...further];
  return { name, ...world().spawnOperator(flags) };
}

async function holder(): Promise<string> {
  return world().kubectl([
    'get',
    'lease',
    'idhub-aws-connector',
    '-n',
    'idhub-system',
    '--ignore-not-found',
    '-o',
    'jsonpath={.spec.holderIdentity}',
  ]);
}

async function leads(one: Replica, withinMs = 40_000): Promise<void> {
  await eventually(async () => ((await holder()) === one.name ? true : undefined), {
    withinMs,
    everyMs: 100,
    what: `${one.name} to lead`,
  });
}

const accounts = (prefix: string, tags: object = {}): object[] =>
  Array.from({ length: 20 }, (_, index) =>
    world().accountManifest(`${prefix}-${index}`, { userName: `${prefix}-${index}`, tags }),
  );
const names = (prefix: string): string[] => Array.from({ length: 20 }, (_, index) => `${prefix}-${index}`);

async function madeOnce(prefix: string): Promise<void> {
  const made = (await operatorWrites(world())).filter(
    ({ operation, code, user: name }) =>
      operation === 'CreateUser' && code === 'OK' && name?.startsWith(`${prefix}-`),
  );
  expect(made.map(({ user: name }) => name ?? '').sort()).toEqual(names(prefix).sort());
}

let first: Replica;
let second: Replica;

test('one of two leads; the other is ready and asks AWS nothing', async () => {
  first = replica('first');
  await leads(first);
  await world().apply(
    secretManifest('leading', 'aws-credentials', world().credentials),
    connectionManifest('leading', 'aws', world().simulatorUrl),
  );
  await world().until('awsconnection', 'aws', { status: 'True' });
  second = replica('second');
  const url = await second.metricsUrl();
  await eventually(async () => ((await fetch(`${url}/readyz`)).status === 200 ? true : undefined));
  await world().apply(...accounts('one'));
  await untilAll(world(), names('one'), { status: 'True' });
  await madeOnce('one');
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).not.toMatch(/^idhub_aws_calls_total\{/m);
  expect(metrics).toMatch(/^leader_election_master_status\{[^}]*\} 0$/m);
});

test('SIGTERM under load: exit code 0, the other goes on in under 5 s, nobody is made twice', async () => {
  await world().simulator.configure({ latencyMs: 300 });
  await world().apply(...accounts('two'));
  await eventually(async () => ((await world().simulator.user('two-0')) === undefined ? undefined : true));
  const began = Date.now();
  first.process.kill('SIGTERM');
  const exited = first.process.exited.then((code) => ({ code, at: Date.now() }));
  await leads(second, 20_000);
  const { code, at } = await exited;
  expect(code).toBe(0);
  expect(Date.now() - at).toBeLessThan(5_000);
  expect(at - began).toBeLessThan(25_000);
  await world().simulator.configure({ latencyMs: 0 });
  await untilAll(world(), names('two'), { status: 'True' });
  await madeOnce('two');
});

test('frozen past its lease and woken: it writes nothing and ends; the other has taken over', async () => {
  first = replica('third');
  await first.metricsUrl();
  second.process.kill('SIGSTOP');
  await leads(first);
  await world().apply(...accounts('three'));
  await untilAll(world(), names('three'), { status: 'True', withinMs: 40_000 });
  await patch(world(), 'three-0', { spec: { tags: { late: 'yes' } } });
  await untilAll(world(), ['three-0'], { status: 'True' });
  const before = (await operatorWrites(world())).length;
  second.process.kill('SIGCONT');
  expect(await second.process.exited).toBe(1);
  await madeOnce('three');
  expect((await operatorWrites(world())).length).toBe(before);
  expect(await holder()).toBe('third');
  expect((await user(world(), 'three-0')).tags).toMatchObject({ late: 'yes' });
  expect(
    second.process.lines.some((line) => line.includes('lease was lost') || line.includes('lease is lost')),
  ).toBe(true);
});

test('the API server out of reach of the leader alone: it ends before another can lead, and nobody is made twice', async () => {
  const { plane } = world();
  const { kubeconfigPath } = await plane.serviceAccount('idhub-system', 'operator');
  const gate = await startGate(plane, kubeconfigPath);
  try {
    const alone = replica('fourth', `--kubeconfig=${gate.kubeconfigPath}`);
    await alone.metricsUrl();
    first.process.kill('SIGTERM');
    await leads(alone);
    const other = replica('fifth');
    await other.metricsUrl();
    await world().simulator.configure({ latencyMs: 300 });
    await world().apply(...accounts('four'));
    await eventually(async () => ((await world().simulator.user('four-0')) === undefined ? undefined : true));
    await gate.stop();
    expect(await alone.process.exited).toBe(1);
    expect(await holder()).toBe('fourth');
    await leads(other);
    await world().simulator.configure({ latencyMs: 0 });
    await untilAll(world(), names('four'), { status: 'True', withinMs: 40_000 });
    await madeOnce('four');
    first = other;
  } finally {
    await gate.stop();
  }
});

test('one whose watches hang takes over: who was disabled meanwhile is not let in', async () => {
  const { plane } = world();
  const { kubeconfigPath } = await plane.serviceAccount('idhub-system', 'operator');
  const gate = await startGate(plane, kubeconfigPath);
  try {
    await world().apply(world().accountManifest('leaver', { userName: 'leaver' }));
    await untilAll(world(), ['leaver'], { status: 'True' });
    const deaf = replica('deaf', `--kubeconfig=${gate.kubeconfigPath}`);
    const url = await deaf.metricsUrl();
    await eventually(async () => ((await fetch(`${url}/readyz`)).status === 200 ? true : undefined));
    await eventually(() => gate.muteWatches().some((path) => path.endsWith('/awsaccounts')) || undefined);
    await patch(world(), 'leaver', { spec: { enabled: false } });
    const disabled = async (): Promise<boolean> =>
      isDeepStrictEqual(Object.keys((await user(world(), 'leaver')).inlinePolicies), ['IDHubDisabled']);
    await eventually(async () => (await disabled()) || undefined, { withinMs: 20_000 });
    await world().until('awsaccount', 'leaver', { type: 'Ready', status: 'True' });
    const before = (await operatorWrites(world())).length;
    first.process.kill('SIGKILL');
    await leads(deaf);
    await world().apply(...accounts('five'));
    await untilAll(world(), names('five'), { status: 'True', withinMs: 60_000 });
    expect(await disabled()).toBe(true);
    const since = (await operatorWrites(world())).slice(before);
    expect(since.filter(({ user: name }) => name === 'leaver')).toEqual([]);
    expect(await deaf.process.stop()).toBe(0);
  } finally {
    await gate.stop();
  }
});
