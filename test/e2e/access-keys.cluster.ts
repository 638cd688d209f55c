import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  ListUsersCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Secret } from '../../operator/controllers/names.ts';
import { eventually } from '../support/process.ts';
import { startGate, type Gate, type HoldSpec } from './gate.ts';
import {
  changes,
  exists,
  gone,
  operatorWrites,
  patch,
  remove,
  resyncs,
  settled,
  snapshotEvery,
  untilAll,
  user,
  worldFor,
} from './support.ts';
import { iamClient, systemNamespace } from './world.ts';

const world = worldFor('keys');
const managed = { access: 'Managed' };
/** Ms that AWS's clock is ahead. */
let passed = 0;
let gate: Gate;

beforeAll(async () => {
  const { kubeconfigPath } = await world().plane.serviceAccount(systemNamespace, 'operator');
  gate = await startGate(world().plane, kubeconfigPath);
});
afterAll(() => gate.stop());

interface SecretObject extends Secret {
  readonly type: string;
  readonly metadata: Secret['metadata'] & { readonly uid: string };
}

async function secretOf(name: string): Promise<SecretObject> {
  return JSON.parse(
    await world().kubectl(['get', 'secret', name, '-n', world().namespace, '-o', 'json']),
  ) as SecretObject;
}

function entry(secret: Secret, name: string): string {
  return Buffer.from(secret.data?.[name] ?? '', 'base64').toString();
}

async function secretExists(name: string): Promise<boolean> {
  return exists(world(), 'secret', name);
}

/** What is in the Secret opens AWS, as nobody else but the user. */
async function works(secretName: string): Promise<boolean> {
  const secret = await secretOf(secretName);
  const client = iamClient(world().simulatorUrl, {
    accessKeyId: entry(secret, 'accessKeyId'),
    secretAccessKey: entry(secret, 'secretAccessKey'),
  });
  client.config.systemClockOffset = passed;
  try {
    await client.send(new ListUsersCommand({}));
    return true;
  } catch (error) {
    // Known to AWS, and not allowed to list users: the key and its secret are right.
    return (error as Error).name.startsWith('AccessDenied');
  } finally {
    client.destroy();
  }
}

async function keysOf(name: string): Promise<string[]> {
  return (await user(world(), name)).accessKeys.map(({ accessKeyId, status }) => `${accessKeyId} ${status}`);
}

/** One key, Active, whose secret is in the Secret; and no other, for the next readings too. */
async function oneUsableKey(name: string, secretName = `${name}-credentials`): Promise<string> {
  const id = entry(await secretOf(secretName), 'accessKeyId');
  expect(await keysOf(name)).toEqual([`${id} Active`]);
  expect(await works(secretName)).toBe(true);
  return id;
}

async function createdKeys(name: string): Promise<number> {
  return (await operatorWrites(world(), name)).filter(
    ({ operation, code }) => operation === 'CreateAccessKey' && code === 'OK',
  ).length;
}

async function make(name: string, spec: object = {}): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, programmatic: managed, ...spec }));
}

async function within(ms: number, promise: Promise<void>): Promise<void> {
  let reached = false;
  void promise.then(() => {
    reached = true;
  });
  await eventually(async () => (reached ? true : undefined), {
    withinMs: ms,
    what: 'the request to be held',
  });
}

/** Time of AWS that passes: its clock and what it tells of it, in steps that a client's signature survives. */
async function pass(minutes: number): Promise<void> {
  for (let left = minutes; left > 0; left -= 10) {
    const step = Math.min(left, 10) * 60_000;
    passed += step;
    await world().simulator.skewClock(passed);
    await world().simulator.advanceClock(step);
    await world().iam.send(new ListUsersCommand({ MaxItems: 1 }));
    await resyncs(world(), 1);
  }
}

async function kill(): Promise<void> {
  world().operator.kill('SIGKILL');
  expect(await world().operator.exited).toBe('SIGKILL');
}

describe('a key is published', () => {
  test('whole, in a Secret that belongs to the object (C06 a)', async () => {
    await make('joiner');
    await settled(world(), 'joiner');
    const account = await world().account('joiner');
    const secret = await secretOf('joiner-credentials');
    const id = await oneUsableKey('joiner');
    expect(secret.type).toBe('Opaque');
    expect(Object.keys(secret.data ?? {}).sort()).toEqual([
      'accessKeyId',
      'accountId',
      'secretAccessKey',
      'userName',
    ]);
    expect([entry(secret, 'userName'), entry(secret, 'accountId')]).toEqual([
      'joiner',
      world().accounts[0]?.id,
    ]);
    expect(secret.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'aws.idhub.io/v1alpha1',
        kind: 'AwsAccount',
        name: 'joiner',
        uid: account.metadata.uid,
        controller: true,
      },
    ]);
    expect(account.status).toMatchObject({
      access: { console: 'None', programmatic: 'Enabled' },
      accessKeys: [{ id, status: 'Active', managed: true }],
      credentialsSecretName: 'joiner-credentials',
    });
    expect(account.status).not.toHaveProperty('lastActivity');
    expect(await changes(world(), 'joiner')).toEqual(['CreateUser', 'CreateAccessKey']);
    await resyncs(world(), 2);
    expect(await changes(world(), 'joiner')).toEqual(['CreateUser', 'CreateAccessKey']);
  });

  test("not over somebody else's Secret, and no key is made for it (C06 b)", async () => {
    await world().apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: world().namespace, name: 'taken-credentials' },
      stringData: { accessKeyId: 'theirs' },
    });
    const before = await secretOf('taken-credentials');
    await make('taken');
    await world().until('awsaccount', 'taken', { status: 'False', reason: 'SecretConflict' });
    await resyncs(world(), 1);
    expect(await secretOf('taken-credentials')).toEqual(before);
    expect(await changes(world(), 'taken')).toEqual(['CreateUser']);
    await patch(world(), 'taken', { spec: { credentialsSecretName: 'free' } });
    await world().until('awsaccount', 'taken', { status: 'True' });
    await oneUsableKey('taken', 'free');
    expect(await secretOf('taken-credentials')).toEqual(before);
  });

  test('and moves with its name: the new one is whole, the old one is gone (C06 c)', async () => {
    await make('mover');
    await settled(world(), 'mover');
    const id = await oneUsableKey('mover');
    await patch(world(), 'mover', { spec: { credentialsSecretName: 'elsewhere' } });
    await world().until('awsaccount', 'mover', { status: 'True' });
    expect(await secretExists('mover-credentials')).toBe(false);
    expect(await oneUsableKey('mover', 'elsewhere')).toBe(id);
    expect((await world().account('mover')).status?.credentialsSecretName).toBe('elsewhere');
    expect(await createdKeys('mover')).toBe(1);
  });

  test('and stays with the user under Retain, without an owner that would take it along (C06 d)', async () => {
    await make('retained');
    await settled(world(), 'retained');
    const id = await oneUsableKey('retained');
    await remove(world(), 'retained');
    await gone(world(), 'retained');
    const { metadata } = await secretOf('retained-credentials');
    expect(metadata.ownerReferences).toBeUndefined();
    expect(metadata.deletionTimestamp).toBeUndefined();
    expect(await oneUsableKey('retained')).toBe(id);
    // Taken back, it is the same key, and its Secret has its owner again.
    await make('retained', { adoptionPolicy: 'IfUnowned' });
    await settled(world(), 'retained');
    expect(await oneUsableKey('retained')).toBe(id);
    expect(await createdKeys('retained')).toBe(1);
  });
});

describe('killed at each step in turn (C05)', () => {
  beforeAll(async () => {
    await world().operator.stop();
    await world().startOperator([snapshotEvery, `--kubeconfig=${gate.kubeconfigPath}`]);
    await world().until('awsconnection', 'aws', { status: 'True' });
  });

  const account = (name: string): RegExp => new RegExp(`/awsaccounts/${name}$`);
  const secrets = /\/namespaces\/keys\/secrets$/;

  test.each<[string, string, HoldSpec | 'CreateAccessKey', number]>([
    [
      'before the key is announced',
      'at-0',
      { method: 'PATCH', path: account('at-0'), after: 1, when: 'before' },
      1,
    ],
    ['when it was announced', 'at-1', { method: 'PATCH', path: account('at-1'), after: 1, when: 'after' }, 1],
    ['when AWS had made it, and its answer was lost', 'at-2', 'CreateAccessKey', 2],
    [
      'when AWS had told its secret, before the Secret',
      'at-3',
      { method: 'POST', path: secrets, when: 'before' },
      2,
    ],
    ['when the Secret was written', 'at-4', { method: 'POST', path: secrets, when: 'after' }, 1],
    [
      'before the key is recorded',
      'at-5',
      { method: 'PATCH', path: account('at-5'), after: 2, when: 'before' },
      1,
    ],
    ['when it was recorded', 'at-6', { method: 'PATCH', path: account('at-6'), after: 2, when: 'after' }, 1],
    [
      'before the status',
      'at-7',
      { method: 'PATCH', path: /\/awsaccounts\/at-7\/status$/, when: 'before' },
      1,
    ],
  ])('%s: one usable key, none left over', async (_, name, point, most) => {
    const before = Date.now();
    if (point === 'CreateAccessKey') {
      await world().simulator.fault(
        { operation: point, user: name, drop: 'after' },
        { operation: 'ListAccessKeys', user: name, latencyMs: 60_000, times: -1 },
      );
      await make(name);
      await eventually(async () => ((await keysOf(name).catch(() => [])).length > 0 ? true : undefined));
    } else {
      const { reached } = gate.hold(point);
      await make(name);
      await within(30_000, reached);
    }
    await kill();
    await world().simulator.clearFaults();
    gate.open();
    await world().startOperator();
    await eventually(
      async () => {
        const { status } = await world().account(name);
        const ready = status?.conditions?.find(({ type }) => type === 'Ready');
        return ready?.status === 'True' || ready?.reason === 'AccessKeyPending' ? true : undefined;
      },
      { withinMs: 30_000, what: 'the first look of the new process' },
    );
    // From there AWS is given a minute to show a key; here it passes.
    await pass(1.1);
    await world().until('awsaccount', name, { status: 'True' });
    const id = entry(await secretOf(`${name}-credentials`), 'accessKeyId');
    const others = (await user(world(), name)).accessKeys.filter(({ accessKeyId }) => accessKeyId !== id);
    expect(others.filter(({ status }) => status === 'Active')).toEqual([]);
    if (others.length > 0) {
      // CloudTrail shows who made it a quarter of an hour later, and is asked by a new process at once.
      await pass(20);
      await kill();
      await world().startOperator();
      await eventually(async () => ((await keysOf(name)).length === 1 ? true : undefined));
    }
    expect(await oneUsableKey(name)).toBe(id);
    expect(await createdKeys(name)).toBeLessThanOrEqual(most);
    expect(Date.now() - before).toBeLessThan(30_000);
  });
});

describe('whose Secret cannot be written', () => {
  afterAll(async () => {
    await world().operator.stop();
    await world().startOperator([snapshotEvery]);
  });

  test('by its rights (403): the key goes again, never more than one, and it is said', async () => {
    const rbac = (await readFile(join(import.meta.dirname, 'operator-rbac.yaml'), 'utf8'))
      .replaceAll('name: idhub-aws-connector', 'name: idhub-keys-limited')
      .replaceAll('name: operator', 'name: limited')
      .replace('verbs: [get, create, patch, delete]', 'verbs: [get, patch, delete]');
    const { kubeconfigPath } = await world().plane.serviceAccount(systemNamespace, 'limited', rbac);
    await world().operator.stop();
    await world().startOperator([snapshotEvery, `--kubeconfig=${kubeconfigPath}`]);
    await make('forbidden');
    const { message } = await world().until('awsaccount', 'forbidden', {
      status: 'False',
      reason: 'SecretNotWritten',
    });
    expect(message).toContain('forbidden-credentials');
    for (let count = 0; count < 3; count += 1) {
      expect((await keysOf('forbidden')).length).toBeLessThanOrEqual(1);
      await resyncs(world(), 1);
    }
    await world().operator.stop();
    expect(await keysOf('forbidden')).toEqual([]);
    const made = await createdKeys('forbidden');
    await world().startOperator([snapshotEvery]);
    await world().until('awsaccount', 'forbidden', { status: 'True' });
    await oneUsableKey('forbidden');
    expect(await createdKeys('forbidden')).toBe(made + 1);
  });
});

test('two processes at once: one key each, and its secret is in the Secret (C05)', async () => {
  const other = world().spawnOperator([snapshotEvery]);
  await other.metricsUrl();
  const names = Array.from({ length: 6 }, (_, index) => `raced-${index}`);
  await world().apply(
    ...names.map((name) => world().accountManifest(name, { userName: name, programmatic: managed })),
  );
  await untilAll(world(), names, { status: 'True' });
  other.process.kill('SIGKILL');
  await other.process.exited;
  await untilAll(world(), names, { status: 'True' });
  for (const name of names) {
    expect(
      (await keysOf(name)).filter((key) => key.endsWith('Active') && !key.endsWith('Inactive')),
    ).toHaveLength(1);
    expect(await works(`${name}-credentials`)).toBe(true);
  }
});

describe('rotation', () => {
  test('by age: the old key works through the overlap and goes then', async () => {
    await make('rotating', { programmatic: { ...managed, rotateAfter: '10m', overlap: '5m' } });
    await settled(world(), 'rotating');
    const first = await oneUsableKey('rotating');
    await pass(10.1);
    const second = await eventually(async () => {
      const id = entry(await secretOf('rotating-credentials'), 'accessKeyId');
      return id === first ? undefined : id;
    });
    expect((await keysOf('rotating')).sort()).toEqual([`${first} Active`, `${second} Active`].sort());
    expect(await works('rotating-credentials')).toBe(true);
    await resyncs(world(), 1);
    expect(await keysOf('rotating')).toHaveLength(2);
    await pass(5.1);
    await eventually(async () => ((await keysOf('rotating')).length === 1 ? true : undefined));
    expect(await oneUsableKey('rotating')).toBe(second);
    expect(await createdKeys('rotating')).toBe(2);
  });

  test('never by deleting a key of somebody else: it waits, and says whose they are', async () => {
    await make('crowded', { programmatic: { ...managed, rotateAfter: '10m', overlap: '5m' } });
    await settled(world(), 'crowded');
    const own = await oneUsableKey('crowded');
    const { AccessKey: foreign } = await world().iam.send(
      new CreateAccessKeyCommand({ UserName: 'crowded' }),
    );
    const theirs = foreign?.AccessKeyId ?? '';
    await pass(10.1);
    const { message } = await world().until('awsaccount', 'crowded', {
      status: 'False',
      reason: 'AccessKeyLimit',
    });
    expect(message).toContain(`${theirs} (not made here)`);
    await pass(5.1);
    await resyncs(world(), 1);
    expect((await keysOf('crowded')).sort()).toEqual([`${own} Active`, `${theirs} Active`].sort());
    expect(await works('crowded-credentials')).toBe(true);
  });
});

test('a user with two keys of others: no key is made, none is touched, the rest goes on', async () => {
  await world().iam.send(new CreateUserCommand({ UserName: 'full' }));
  for (let count = 0; count < 2; count += 1) {
    await world().iam.send(new CreateAccessKeyCommand({ UserName: 'full' }));
  }
  const keys = await keysOf('full');
  await make('full', { adoptionPolicy: 'IfUnowned', programmatic: { access: 'Unmanaged' } });
  await settled(world(), 'full');
  await patch(world(), 'full', { spec: { programmatic: managed, tags: { city: 'Bonn' } } });
  await world().until('awsaccount', 'full', { status: 'False', reason: 'AccessKeyLimit' });
  expect(await keysOf('full')).toEqual(keys);
  expect((await user(world(), 'full')).tags).toMatchObject({ city: 'Bonn' });
  await world().iam.send(
    new UpdateAccessKeyCommand({ UserName: 'full', AccessKeyId: keys[0]?.split(' ')[0], Status: 'Inactive' }),
  );
  await resyncs(world(), 1);
  expect(await keysOf('full')).toHaveLength(2);
});
