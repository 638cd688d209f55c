import { CreateUserCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import type { Secret } from '../../operator/controllers/names.ts';
import { eventually } from '../support/process.ts';
import { startGate, type Gate, type HoldSpec } from './gate.ts';
import { gone, operatorWrites, worldFor } from './support.ts';
import { systemNamespace } from './world.ts';

const namespace = 'killing-runs';
const world = worldFor(namespace, { operator: [] });
let gate: Gate;

beforeAll(async () => {
  const { kubeconfigPath } = await world().plane.serviceAccount(systemNamespace, 'operator');
  gate = await startGate(world().plane, kubeconfigPath);
  await world().operator.stop();
  // The last one counts.
  await world().startOperator([`--kubeconfig=${gate.kubeconfigPath}`]);
});
afterAll(() => gate.stop());

const accounts = { resources: ['Account'] };
const secrets = new RegExp(`/namespaces/${namespace}/secrets$`);
const baseline = new RegExp(`/namespaces/${namespace}/secrets/aws-baseline-[0-9a-f]+$`);
const object = (name: string): RegExp => new RegExp(`/awsreconciliations/${name}$`);
const status = (name: string): RegExp => new RegExp(`/awsreconciliations/${name}/status$`);

async function complete(name: string): Promise<AwsReconciliation> {
  await world().until('awsreconciliation', name, { type: 'Complete', status: 'True' });
  return world().run(name);
}

async function reached(promise: Promise<void>, what: string): Promise<void> {
  let held = false;
  void promise.then(() => {
    held = true;
  });
  await eventually(async () => (held ? true : undefined), { withinMs: 20_000, what: `${what} to be held` });
}

async function secretNames(): Promise<string[]> {
  const text = await world().kubectl(['get', 'secret', '-n', namespace, '-o', 'json']);
  return (JSON.parse(text) as { items: Secret[] }).items.map(({ metadata }) => metadata.name);
}

test('what is known before', async () => {
  await world().apply(world().runManifest('known', accounts));
  await complete('known');
});

const points: readonly [string, (name: string) => HoldSpec][] = [
  ['before the account is read', (name) => ({ method: 'PATCH', path: status(name), when: 'after' })],
  ['before the report has anything', () => ({ method: 'POST', path: secrets, when: 'before' })],
  ['with half a report', () => ({ method: 'POST', path: secrets, after: 1, when: 'before' })],
  ['before it is noted what will be remembered', () => ({ method: 'PATCH', path: baseline, when: 'before' })],
  ['before it is remembered', () => ({ method: 'PATCH', path: baseline, after: 1, when: 'before' })],
  [
    'once it is remembered, before the answer',
    () => ({ method: 'PATCH', path: baseline, after: 1, when: 'after' }),
  ],
  [
    'while what was known before is taken away',
    () => ({ method: 'DELETE', path: /aws-baseline/, when: 'before' }),
  ],
  [
    'before its status tells of its end',
    (name) => ({ method: 'PATCH', path: status(name), after: 1, when: 'before' }),
  ],
  [
    'before the object remembers its end',
    (name) => ({ method: 'PATCH', path: object(name), when: 'before' }),
  ],
];

test.each(points.map(([what, spec], index) => [what, spec, index] as const))(
  'killed %s: what has changed is reported once, and nothing is lost',
  async (what, spec, index) => {
    const name = `killed-${index}`;
    await world().iam.send(new CreateUserCommand({ UserName: `joiner-${index}` }));
    const hold = gate.hold(spec(name));
    await world().apply(world().runManifest(name, accounts));
    await reached(hold.reached, what);
    world().operator.kill('SIGKILL');
    expect(await world().operator.exited).toBe('SIGKILL');
    gate.open();
    await world().startOperator();
    const { status: said } = await complete(name);
    expect(said?.counts).toMatchObject({ created: 1, changed: 0, deleted: 0 });
    expect(said?.changes).toMatchObject([{ change: 'Created', name: `joiner-${index}` }]);
    expect(said?.report).toEqual({ changes: 1 });
  },
);

test('after all of that nothing has changed, and nothing is left over', async () => {
  await world().iam.send(new CreateUserCommand({ UserName: 'last' }));
  await world().apply(world().runManifest('after', accounts));
  expect((await complete('after')).status?.counts).toMatchObject({ created: 1, changed: 0, deleted: 0 });
  const names = (await secretNames()).filter((name) => name.startsWith('aws-baseline-'));
  // The head, and what it names.
  expect(names).toHaveLength(2);
});

test('runs that a backup brings back without status are not run again, and nothing is written to AWS', async () => {
  const names = points.map((_, index) => `killed-${index}`);
  const args = ['get', 'awsrecon', ...names, '-n', namespace, '-o', 'json'];
  const { items } = JSON.parse(await world().kubectl(args)) as { items: AwsReconciliation[] };
  await world().kubectl(['delete', 'awsrecon', ...names, '-n', namespace]);
  await gone(world(), names[0] ?? '', 20_000, 'awsreconciliation');
  await world().iam.send(new CreateUserCommand({ UserName: 'while-away' }));
  await world().restartOperator();
  await eventually(async () => (/^idhub_snapshot_users/m.test(await world().metrics()) ? true : undefined), {
    what: 'the first reading',
  });
  const calls = async (): Promise<number> =>
    (await world().simulator.calls()).byOperation['GetAccountAuthorizationDetails'] ?? 0;
  const before = await calls();
  await world().apply(
    ...items.map(({ apiVersion, kind, metadata: { name, annotations = {} }, spec }) => {
      return { apiVersion, kind, metadata: { namespace, name, annotations }, spec };
    }),
  );
  for (const { metadata, status: earlier } of items) {
    const { status: now } = await complete(metadata.name);
    expect(now).toMatchObject({ counts: earlier?.counts, finishedAt: earlier?.finishedAt });
    expect(now?.attempts).toBeUndefined();
  }
  expect(await calls()).toBe(before);
  // It is for the next run to tell.
  await world().apply(world().runManifest('next', accounts));
  expect((await complete('next')).status?.counts).toMatchObject({ created: 1, deleted: 0 });
  expect(await operatorWrites(world())).toEqual([]);
});
