import { DeleteUserCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import type { AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import { eventually } from '../support/process.ts';
import { event, patch, snapshotEvery, worldFor } from './support.ts';
import { startEmptyAws } from './empty-aws.ts';
import { connectionManifest, iamClient, makeCommunicationUser, secretManifest } from './world.ts';

/** The administrator and the communication user are two of them. */
const users = 60;
const world = worldFor('breaking', {
  simulator: ['--accounts=2', `--users=${users - 2}`],
  operator: [snapshotEvery],
});
const read = 'GetAccountAuthorizationDetails';

async function begin(name: string, spec: object = {}): Promise<void> {
  await world().apply(world().runManifest(name, { resources: ['Account'], ...spec }));
}

async function complete(name: string, spec: object = {}): Promise<AwsReconciliation> {
  await begin(name, spec);
  await world().until('awsreconciliation', name, { type: 'Complete', status: 'True' });
  return world().run(name);
}

async function names(): Promise<string[]> {
  return (await world().simulator.account()).users
    .map(({ userName }) => userName)
    .filter((name) => !/idhub|admin/.test(name));
}

/** Waits until the lists of the connection are stopped, or go on. */
async function lists(state: 'stopped' | 'open'): Promise<void> {
  await world().until('awsconnection', 'aws', {
    type: 'WithinDeletionLimit',
    status: state === 'stopped' ? 'False' : 'True',
  });
}

const breaker = async (): Promise<string> =>
  /^idhub_breaker_open\{connection="breaking\/aws"\} (\d)$/m.exec(await world().metrics())?.[1] ?? '-';

test('60 users are known', async () => {
  expect((await complete('known')).status?.counts?.created).toBe(users);
  expect(await breaker()).toBe('0');
});

describe('C12: no deletion follows from', () => {
  test.each([
    ['throttling', 'Throttling', 'Throttled'],
    ['AccessDenied', 'AccessDenied', 'AccessDenied'],
    ['a fault of the service', 'ServiceFailure', 'AwsUnreachable'],
  ])('(ii, iii) %s, for longer than it is repeated', async (_what, code, reason) => {
    const name = `fault-${code.toLowerCase()}`;
    await world().simulator.fault({ operation: read, error: { code }, times: -1 });
    await begin(name);
    await world().until('awsreconciliation', name, { status: 'False', reason, withinMs: 60_000 });
    expect((await world().run(name)).status?.counts).toBeUndefined();
    await world().simulator.clearFaults();
    // Who has to act has done so: a new look at the run is asked for.
    await lookAgain(name);
    await world().until('awsreconciliation', name, { type: 'Complete', status: 'True' });
    expect((await world().run(name)).status?.counts).toMatchObject({ deleted: 0, unchanged: users });
  });

  test('(i) a listing that is complete and empty', async () => {
    const { credentials, namespace, simulatorUrl } = world();
    const aws = await startEmptyAws(simulatorUrl);
    try {
      await world().apply(
        secretManifest(namespace, 'proxied-credentials', credentials),
        connectionManifest(namespace, 'proxied', aws.url),
      );
      const spec = { connectionRef: { name: 'proxied' } };
      expect((await complete('proxied', spec)).status?.counts?.created).toBe(users);
      aws.empty = true;
      await begin('empty', spec);
      await world().until('awsreconciliation', 'empty', { status: 'False', reason: 'Incomplete' });
      expect((await world().run('empty')).status?.counts).toBeUndefined();
      // Nor does the connection use it: what was read before stays in use, and it says so.
      await world().until('awsconnection', 'proxied', {
        type: 'Synced',
        status: 'False',
        reason: 'SnapshotIncomplete',
      });
      await world().until('awsconnection', 'proxied', { status: 'True' });
      expect((await world().connection('proxied')).status?.snapshot?.users).toBe(users);
      expect((await world().connection('proxied')).status?.breaker).toBeUndefined();
      aws.empty = false;
      await lookAgain('empty');
      await world().until('awsreconciliation', 'empty', { type: 'Complete', status: 'True' });
      expect((await world().run('empty')).status?.counts).toMatchObject({ deleted: 0, unchanged: users });
      await world().until('awsconnection', 'proxied', { type: 'Synced', status: 'True' });
    } finally {
      await world().kubectl(['delete', 'awsconn', 'proxied', '-n', namespace, '--wait=false']);
      await aws.stop();
    }
  });

  test('(iv) credentials of another account', async () => {
    const [, other] = world().accounts;
    if (other === undefined) {
      throw new Error('there is one account only');
    }
    const client = iamClient(world().simulatorUrl, other);
    const elsewhere = await makeCommunicationUser(client, 'idhub-elsewhere');
    client.destroy();
    await world().apply(secretManifest('breaking', 'elsewhere', elsewhere));
    const use = (name: string): Promise<void> =>
      patch(world(), 'aws', { spec: { credentials: { secretRef: { name } } } }, 'awsconnection');
    await use('elsewhere');
    await world().until('awsconnection', 'aws', { status: 'False', reason: 'AccountMismatch' });
    await begin('elsewhere');
    await world().until('awsreconciliation', 'elsewhere', {
      status: 'Unknown',
      reason: 'ConnectionNotReady',
    });
    await use('aws-credentials');
    await world().until('awsreconciliation', 'elsewhere', { type: 'Complete', status: 'True' });
    expect((await world().run('elsewhere')).status?.counts).toMatchObject({ deleted: 0 });
  });
});

describe('C12 (v): 40 % of the users are missing', () => {
  let missing: string[];

  test('the lists stop with the next reading, without a run', async () => {
    missing = (await names()).slice(0, 24);
    for (const UserName of missing) {
      await world().iam.send(new DeleteUserCommand({ UserName }));
    }
    await lists('stopped');
    // A reading that came between two of these deletions has seen fewer.
    await eventually(
      async () => ((await world().connection()).status?.breaker?.missing === 24 ? true : undefined),
      { what: 'all 24 to be missing' },
    );
    expect(await breaker()).toBe('1');
  });

  test('a run is stopped with a list, and reports nothing', async () => {
    await begin('stopped');
    await world().until('awsreconciliation', 'stopped', {
      type: 'Failed',
      status: 'True',
      reason: 'DeletionThresholdExceeded',
    });
    const { status } = await world().run('stopped');
    expect(status?.guard).toMatchObject({ deletions: 24, allowed: 3 });
    expect([...(status?.guard?.names ?? [])].sort()).toEqual([...missing].sort());
    expect(status?.report).toBeUndefined();
    await event(world(), 'stopped', 'DeletionThresholdExceeded');
    await eventually(
      async () => {
        const { breaker: said } = (await world().connection()).status ?? {};
        return said?.run === 'breaking/stopped' && said.deletions === 24 ? true : undefined;
      },
      { what: 'the connection to tell of the run' },
    );
  });

  test('other words approve nothing; an approval of another list neither', async () => {
    const { status } = await world().run('stopped');
    const token = status?.guard?.token ?? '';
    for (const value of ['jo.doe', `${token}0`]) {
      await approve('stopped', value);
    }
    // One more goes: the list is another one.
    const [late = ''] = await names();
    await world().iam.send(new DeleteUserCommand({ UserName: late }));
    missing.push(late);
    await approve('stopped', token);
    await eventually(
      async () => ((await world().run('stopped')).status?.guard?.deletions === 25 ? true : undefined),
      {
        what: 'the run to be stopped again',
      },
    );
    await world().until('awsreconciliation', 'stopped', { type: 'Failed', status: 'True' });
    expect((await world().run('stopped')).status?.guard?.token).not.toBe(token);
    expect(await breaker()).toBe('1');
  });

  test('killed and started again, the breaker is as it was', async () => {
    await world().restartOperator();
    await world().until('awsconnection', 'aws', { status: 'True' });
    await lists('stopped');
    expect(await breaker()).toBe('1');
  });

  test('its token approves exactly those, who did it is told, and lists go on', async () => {
    const { status } = await world().run('stopped');
    await approve('stopped', status?.guard?.token ?? '');
    await world().until('awsreconciliation', 'stopped', { type: 'Complete', status: 'True' });
    const done = await world().run('stopped');
    expect(done.status?.counts).toMatchObject({ deleted: 25, created: 0, changed: 0 });
    expect(done.status?.changes?.map(({ name }) => name).sort()).toEqual([...missing].sort());
    expect((await event(world(), 'stopped', 'DeletionApproved')).message).toMatch(/25 deletions.*kubectl/);
    await lists('open');
    expect((await world().connection()).status?.breaker).toBeUndefined();
    expect(await breaker()).toBe('0');
  });

  test('then two users are truly deleted: exactly two deletions', async () => {
    const [one = '', two = ''] = await names();
    // 5 % of 35 is one, 10 % are three.
    await patch(world(), 'aws', { spec: { guard: { maxDeletions: { percent: 10 } } } }, 'awsconnection');
    for (const UserName of [one, two]) {
      await world().iam.send(new DeleteUserCommand({ UserName }));
    }
    const done = await complete('truly');
    expect(done.status?.changes?.map(({ change, name }) => `${change} ${name}`).sort()).toEqual(
      [`Deleted ${one}`, `Deleted ${two}`].sort(),
    );
  });
});

/** Who had to act has done so. */
async function lookAgain(name: string): Promise<void> {
  const annotations = { 'aws.idhub.io/reconcile-at': 'now' };
  await patch(world(), name, { metadata: { annotations } }, 'awsreconciliation');
}

async function approve(name: string, value: string): Promise<void> {
  await world().kubectl([
    'annotate',
    'awsrecon',
    name,
    '-n',
    'breaking',
    '--overwrite',
    `aws.idhub.io/approve-deletions=${value}`,
  ]);
}
