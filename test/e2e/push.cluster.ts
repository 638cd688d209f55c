import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { CreateUserCommand, DeleteUserCommand, TagUserCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Secret } from '../../operator/controllers/names.ts';
import { isSignedBy, Receiver, type Received } from '../src/push/receiver.ts';
import { eventually } from '../support/process.ts';
import { startGate, type Gate, type HoldSpec } from './gate.ts';
import { event, gone, operatorWrites, worldFor } from './support.ts';
import { systemNamespace } from './world.ts';

const namespace = 'pushing';
const secretName = 'push-keys-of-pushing';
const makeKey = (): string => `whsec_${randomBytes(32).toString('base64')}`;
const keys = { 'key.1': makeKey(), 'key.2': makeKey() };
const world = worldFor(namespace, { operator: [] });
const receiver = new Receiver();
let gate: Gate;
let port = 0;

const secretManifest = (...names: readonly (keyof typeof keys)[]): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace: systemNamespace, name: secretName },
  stringData: Object.fromEntries(names.map((name) => [name, keys[name]])),
});

beforeAll(async () => {
  const url = await receiver.start();
  port = Number(url.port);
  const { kubeconfigPath } = await world().plane.serviceAccount(systemNamespace, 'operator');
  gate = await startGate(world().plane, kubeconfigPath);
  await world().apply(secretManifest('key.1'));
  const badKey = JSON.stringify({ stringData: { 'key.9': 'swordfish' } });
  await world().kubectl(['patch', 'secret', secretName, '-n', systemNamespace, '--type=merge', '-p', badKey]);
  await world().operator.stop();
  // The last one counts.
  await world().startOperator([
    `--kubeconfig=${gate.kubeconfigPath}`,
    `--push-url=${url.href}`,
    `--push-secret=${secretName}`,
    '--log-level=debug',
  ]);
});
afterAll(async () => {
  await gate.stop();
  await receiver.stop();
});

interface Change {
  readonly notificationId: string;
  readonly resource: string;
  readonly change: string;
  readonly name: string;
}

const changesOf = ({ body }: Received): readonly Change[] =>
  (JSON.parse(body) as { data: { changes: readonly Change[] } }).data.changes;

/** Everything that the receiver got of a user, each notification once, in the order in which it came first. */
function toldOf(name: string): string[] {
  const seen = new Map<string, string>();
  for (const change of receiver.received.flatMap(changesOf)) {
    if (change.resource === 'Account' && change.name === name) {
      seen.set(change.notificationId, seen.get(change.notificationId) ?? change.change);
    }
  }
  return [...seen.values()];
}

async function until(what: string, is: () => boolean, withinMs = 30_000): Promise<void> {
  await eventually(async () => (is() ? true : undefined), { withinMs, everyMs: 50, what });
}

async function run(name: string): Promise<void> {
  await world().apply(world().runManifest(name, { resources: ['Account'] }));
  await world().until('awsreconciliation', name, { type: 'Complete', status: 'True' });
}

async function metric(name: string): Promise<number> {
  const match = new RegExp(`^${name}(?:\\{[^}]*\\})? (.+)$`, 'm').exec(await world().metrics());
  return Number(match?.[1] ?? NaN);
}

async function kept(): Promise<string[]> {
  const args = ['get', 'secret', '-n', namespace, '-l', 'aws.idhub.io/content=push', '-o', 'json'];
  const { items } = JSON.parse(await world().kubectl(args)) as { items: Secret[] };
  return items.map(({ metadata }) => metadata.name);
}

const create = (UserName: string) => world().iam.send(new CreateUserCommand({ UserName }));

test('a key that cannot be used is said at the start, without the key', async () => {
  const { operator } = world();
  const said = (line: string): boolean => line.includes('some keys are left out') && line.includes('key.9');
  await until('the log', () => operator.lines.some(said));
  expect(operator.lines.join('')).not.toContain('swordfish');
});

test('what the first run finds arrives signed, and nothing is left of it', async () => {
  await create('first');
  await run('one');
  await until('the first user', () => toldOf('first').length > 0);
  expect(toldOf('first')).toEqual(['Created']);
  expect(receiver.received.every((each) => isSignedBy(each, keys['key.1']))).toBe(true);
  await eventually(async () => ((await kept()).length === 1 ? true : undefined), { what: 'only the list' });
  await world().until('awsconnection', 'aws', { type: 'Pushed', status: 'True', reason: 'Delivered' });
});

test('a dry run is not sent, and a run without changes neither', async () => {
  await create('dry');
  const before = receiver.received.length;
  await world().apply(world().runManifest('dry', { resources: ['Account'], dryRun: true }));
  await world().until('awsreconciliation', 'dry', { type: 'Complete', status: 'True' });
  await run('real');
  await until('the user', () => toldOf('dry').length > 0);
  await run('idle');
  await run('idle-too');
  expect(toldOf('dry')).toEqual(['Created']);
  expect(receiver.received.length).toBe(before + 1);
});

test('a receiver that is away: runs go on and may be deleted, it is said, and all comes in order once it is back', async () => {
  const before = receiver.received.length;
  await receiver.stop();
  await create('mover');
  await run('away-1');
  await world().iam.send(
    new TagUserCommand({ UserName: 'mover', Tags: [{ Key: 'department', Value: 'Sales' }] }),
  );
  await run('away-2');
  await world().iam.send(new DeleteUserCommand({ UserName: 'mover' }));
  await run('away-3');
  await world().until('awsconnection', 'aws', {
    type: 'Pushed',
    status: 'False',
    reason: 'ReceiverUnavailable',
  });
  expect((await event(world(), 'aws', 'ReceiverUnavailable')).message).toContain('ECONNREFUSED');
  expect(await metric('idhub_push_pending_changes')).toBe(3);
  expect(await metric('idhub_push_failing')).toBe(1);
  // Foreground deletion takes what belongs to a run before the run itself.
  await world().kubectl(['delete', 'awsrecon', 'away-1', 'away-2', '-n', namespace, '--cascade=foreground']);
  await gone(world(), 'away-1', 20_000, 'awsreconciliation');
  await world().restartOperator();
  await receiver.start(port);
  await until('the deletion', () => toldOf('mover').includes('Deleted'));
  expect(toldOf('mover')).toEqual(['Created', 'Changed', 'Deleted']);
  expect(
    receiver.received
      .slice(before)
      .flatMap(changesOf)
      .map(({ change }) => change),
  ).toEqual(['Created', 'Changed', 'Deleted']);
  await world().until('awsconnection', 'aws', { type: 'Pushed', status: 'True' });
  expect(await metric('idhub_push_pending_changes')).toBe(0);
});

const secrets = new RegExp(`/namespaces/${namespace}/secrets$`);
const pushed = new RegExp(`/namespaces/${namespace}/secrets/aws-push-[0-9a-f]+$`);
const baseline = new RegExp(`/namespaces/${namespace}/secrets/aws-baseline-[0-9a-f]+$`);

const points: readonly [string, (name: string) => HoldSpec][] = [
  ['before anything is kept', () => ({ method: 'PATCH', path: pushed, when: 'before' })],
  ['with half of it kept', () => ({ method: 'POST', path: secrets, after: 3, when: 'before' })],
  [
    'once it is kept, before it is remembered',
    () => ({ method: 'PATCH', path: baseline, after: 1, when: 'before' }),
  ],
  ['once it is remembered', () => ({ method: 'PATCH', path: baseline, after: 1, when: 'after' })],
  [
    'before its status tells of its end',
    (name) => ({
      method: 'PATCH',
      path: new RegExp(`/awsreconciliations/${name}/status$`),
      after: 1,
      when: 'before',
    }),
  ],
];

test.each(points.map(([what, spec], index) => [what, spec, index] as const))(
  'killed %s: sent, and with one id',
  async (_what, spec, index) => {
    const name = `killed-${index}`;
    await create(name);
    const hold = gate.hold(spec(name));
    await world().apply(world().runManifest(name, { resources: ['Account'] }));
    await hold.reached;
    world().operator.kill('SIGKILL');
    expect(await world().operator.exited).toBe('SIGKILL');
    gate.open();
    await world().startOperator();
    await world().until('awsreconciliation', name, { type: 'Complete', status: 'True' });
    await until(name, () => toldOf(name).length > 0);
    // One more, so that what comes twice has come.
    await create(`${name}-after`);
    await run(`${name}-after`);
    await until(`${name}-after`, () => toldOf(`${name}-after`).length > 0);
    expect(toldOf(name)).toEqual(['Created']);
  },
);

test('killed while the receiver has it and has not answered: it comes again, the same, with the same id', async () => {
  const before = receiver.received.length;
  receiver.reply = () => ({ status: 0, instead: 'silence' });
  await create('silent');
  await run('silent');
  await until('the first try', () => receiver.received.length > before);
  world().operator.kill('SIGKILL');
  await world().operator.exited;
  receiver.reply = () => ({ status: 200 });
  await world().startOperator();
  await until('the second try', () => receiver.received.length > before + 1);
  const [one, other] = receiver.received.slice(before);
  expect(other?.headers['webhook-id']).toBe(one?.headers['webhook-id']);
  expect(other?.body).toBe(one?.body);
  expect(toldOf('silent')).toEqual(['Created']);
});

test('keys rotate without a gap: two signatures within a minute, then the new one alone', async () => {
  await world().apply(secretManifest('key.1', 'key.2'));
  const signedBy = async (name: string): Promise<boolean[]> => {
    await create(name);
    await run(name);
    await until(name, () => toldOf(name).length > 0);
    const received = receiver.received.find((each) => changesOf(each).some((change) => change.name === name));
    return Object.values(keys).map((key) => received !== undefined && isSignedBy(received, key));
  };
  const rotated = async (wanted: readonly boolean[], prefix: string): Promise<void> => {
    const from = Date.now();
    for (let count = 0; ; count += 1) {
      const found = await signedBy(`${prefix}-${count}`);
      if (found.join() === wanted.join()) {
        return;
      }
      expect(Date.now() - from).toBeLessThan(60_000);
      await once(AbortSignal.timeout(5_000), 'abort');
    }
  };
  await rotated([true, true], 'both');
  await world().kubectl([
    'patch',
    'secret',
    secretName,
    '-n',
    systemNamespace,
    '--type=merge',
    '-p',
    '{"data":{"key.1":null}}',
  ]);
  await rotated([false, true], 'new');
});

test('what the guard has stopped is not sent; once it is approved, it is', async () => {
  const limited = (maxDeletions: object | null): Promise<string> =>
    world().kubectl([
      'patch',
      'awsconn',
      'aws',
      '-n',
      namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { guard: { maxDeletions } } }),
    ]);
  await limited({ count: 1, percent: 1 });
  await world().until('awsconnection', 'aws', { status: 'True' });
  const before = receiver.received.length;
  const leavers = ['first', 'killed-0', 'killed-1'];
  for (const UserName of leavers) {
    await world().iam.send(new DeleteUserCommand({ UserName }));
  }
  await world().apply(world().runManifest('stopped', { resources: ['Account'] }));
  await world().until('awsreconciliation', 'stopped', {
    type: 'Failed',
    status: 'True',
    reason: 'DeletionThresholdExceeded',
  });
  expect(receiver.received.length).toBe(before);
  expect(await kept()).toHaveLength(1);
  const { status } = await world().run('stopped');
  const token = status?.guard?.token ?? '';
  await world().kubectl([
    'annotate',
    'awsrecon',
    'stopped',
    '-n',
    namespace,
    `aws.idhub.io/approve-deletions=${token}`,
  ]);
  await world().until('awsreconciliation', 'stopped', { type: 'Complete', status: 'True' });
  await until('the deletions', () => leavers.every((name) => toldOf(name).includes('Deleted')));
  expect(leavers.map((name) => toldOf(name).join())).toEqual(leavers.map(() => 'Created,Deleted'));
  await limited(null);
});

test('410 ends it, and a word of a person begins it again with nothing lost', async () => {
  receiver.reply = () => ({ status: 410 });
  await create('unwanted');
  await run('unwanted');
  await world().until('awsconnection', 'aws', { type: 'Pushed', status: 'False', reason: 'ReceiverGone' });
  await world().restartOperator();
  const before = receiver.received.length;
  await create('later');
  await run('later');
  expect(receiver.received.length).toBe(before);
  receiver.reply = () => ({ status: 200 });
  await world().kubectl(['annotate', 'awsconn', 'aws', '-n', namespace, 'aws.idhub.io/reconcile-at=now']);
  await until('later', () => toldOf('later').length > 0);
  expect(
    receiver.received
      .slice(before)
      .flatMap(changesOf)
      .map(({ name }) => name),
  ).toEqual(['unwanted', 'later']);
});

test('nothing was written to AWS, and no key and no path is in the log', async () => {
  expect(await operatorWrites(world())).toEqual([]);
  const log = world().operator.lines.join('\n');
  expect(log).toContain('"sent"');
  for (const secret of [...Object.values(keys).flatMap((key) => [key, key.slice(6)]), '/in?a=1']) {
    expect(log).not.toContain(secret);
  }
  expect(await metric('idhub_push_dropped_changes')).toBe(0);
});
