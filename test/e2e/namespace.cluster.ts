import { CreateGroupCommand } from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { giveCredentials } from './belongings.ts';
import { operatorWrites, snapshotEvery, user, worldFor } from './support.ts';
import { connectionManifest, secretManifest } from './world.ts';

const spaces = ['ns-delete', 'ns-retain', 'ns-disable', 'ns-crash', 'ns-keep', 'ns-nosecret', 'ns-stuck'];
const world = worldFor('spaces', { operator: [snapshotEvery, `--watch-namespaces=spaces,${spaces.join()}`] });
const count = 5;

const namesIn = (space: string): string[] => Array.from({ length: count }, (_, index) => `${space}-${index}`);

const kept = { type: 'Group', name: 'Kept' };
const free = { type: 'Group', name: 'Free' };

beforeAll(async () => {
  for (const { name: GroupName } of [kept, free]) {
    await world().iam.send(new CreateGroupCommand({ GroupName }));
  }
});

/**
 * A namespace with a connection, its Secret and five accounts, all of them Ready and remembered.
 * @param bound with ten bindings: one that belongs to each account, and one that stands for itself
 */
async function fill(space: string, deletionPolicy: string, bound = false): Promise<void> {
  const entitlements = bound ? [kept] : [];
  await world().apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: space } });
  await world().apply(
    secretManifest(space, 'aws-credentials', world().credentials),
    connectionManifest(space, 'aws', world().simulatorUrl),
    ...namesIn(space).map((name) =>
      world().accountManifest(name, { userName: name, deletionPolicy, entitlements }, { namespace: space }),
    ),
    ...(bound ? namesIn(space) : []).map((name) =>
      world().bindingManifest(
        `${name}-free`,
        { accountRef: { name }, entitlement: free },
        { namespace: space },
      ),
    ),
  );
  for (const name of bound ? namesIn(space) : []) {
    await eventually(async () => ((await user(world(), name)).groups.length === 2 ? true : undefined), {
      what: `two groups of ${name}`,
    });
  }
  await eventually(
    async () => {
      const ids = await world().kubectl([
        'get',
        'awsaccount',
        '-n',
        space,
        '-o',
        'jsonpath={range .items[*]}{.metadata.annotations.aws\\.idhub\\.io/user-id} {end}',
      ]);
      return ids.split(' ').filter((id) => id.startsWith('AIDA')).length === count ? true : undefined;
    },
    { what: `five accounts in ${space}` },
  );
}

async function deleteNamespace(space: string): Promise<void> {
  await world().kubectl(['delete', 'namespace', space, '--wait=false']);
}

async function isGone(space: string): Promise<void> {
  await world().kubectl(['wait', '--for=delete', `namespace/${space}`, '--timeout=60s']);
}

async function dropSecret(space: string): Promise<void> {
  await world().kubectl([
    'patch',
    'secret',
    'aws-credentials',
    '-n',
    space,
    '--type=merge',
    '-p',
    '{"metadata":{"finalizers":null}}',
  ]);
  await world().kubectl([
    'delete',
    'secret',
    'aws-credentials',
    '-n',
    space,
    '--ignore-not-found',
    '--timeout=15s',
  ]);
}

test('by policy: users go, stay and are nobody’s, or stay shut out; connection, Secret and namespace go', async () => {
  const policies = { 'ns-delete': 'Delete', 'ns-retain': 'Retain', 'ns-disable': 'Disable' };
  await Promise.all(Object.entries(policies).map(([space, policy]) => fill(space, policy, true)));
  const [first = ''] = namesIn('ns-disable');
  await giveCredentials(world().iam, first);
  await Promise.all(Object.keys(policies).map(deleteNamespace));
  await Promise.all(Object.keys(policies).map(isGone));
  for (const name of namesIn('ns-delete')) {
    expect(await world().simulator.user(name)).toBeUndefined();
  }
  for (const name of namesIn('ns-retain')) {
    expect(await user(world(), name)).toMatchObject({
      tags: {},
      inlinePolicies: {},
      groups: ['Kept'],
    });
  }
  for (const name of namesIn('ns-disable')) {
    const { inlinePolicies, groups } = await user(world(), name);
    expect(Object.keys(inlinePolicies)).toEqual(['IDHubDisabled']);
    expect(groups).toEqual(['Kept']);
  }
  expect((await user(world(), first)).accessKeys.map(({ status }) => status)).toEqual([
    'Inactive',
    'Inactive',
  ]);
  expect(world().operator.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

test('killed in the middle of it: the next process finishes', async () => {
  await fill('ns-crash', 'Delete', true);
  await world().simulator.fault({ operation: 'DeleteUser', latencyMs: 60_000, after: 2, times: -1 });
  await deleteNamespace('ns-crash');
  await eventually(async () => ((await world().simulator.faults())[0]?.hits === 3 ? true : undefined));
  await world().restartOperator('SIGKILL');
  await world().simulator.clearFaults();
  await isGone('ns-crash');
  for (const name of namesIn('ns-crash')) {
    expect(await world().simulator.user(name)).toBeUndefined();
  }
});

test('killed while bindings go: those of accounts leave their edge, the others take theirs away', async () => {
  await fill('ns-keep', 'Retain', true);
  await world().simulator.fault({ operation: 'RemoveUserFromGroup', latencyMs: 60_000, after: 2, times: -1 });
  await deleteNamespace('ns-keep');
  await eventually(async () => ((await world().simulator.faults())[0]?.hits === 3 ? true : undefined));
  await world().restartOperator('SIGKILL');
  await world().simulator.clearFaults();
  await isGone('ns-keep');
  for (const name of namesIn('ns-keep')) {
    expect(await user(world(), name)).toMatchObject({ tags: {}, groups: ['Kept'] });
  }
});

test('the Secret is gone by force: the credentials in memory still clean up', async () => {
  await fill('ns-nosecret', 'Delete');
  await dropSecret('ns-nosecret');
  await deleteNamespace('ns-nosecret');
  await isGone('ns-nosecret');
  for (const name of namesIn('ns-nosecret')) {
    expect(await world().simulator.user(name)).toBeUndefined();
  }
});

test('the Secret is gone and the process is a new one: it says what is missing; abandon sets it free', async () => {
  await fill('ns-stuck', 'Delete');
  await world().operator.stop();
  await dropSecret('ns-stuck');
  await deleteNamespace('ns-stuck');
  await world().simulator.resetCalls();
  await world().startOperator();
  const messages = await eventually(async () => {
    const text = await world().kubectl([
      'get',
      'awsaccount',
      '-n',
      'ns-stuck',
      '-o',
      'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].message}{"\\n"}{end}',
    ]);
    const all = text
      .split('\n')
      .filter((line) => line.includes('SecretNotFound') && line.includes('clean up'));
    return all.length === count ? all : undefined;
  });
  expect(messages[0]).toContain('"aws-credentials"');
  expect(messages[0]).toContain('aws.idhub.io/abandon');
  await world().kubectl(['annotate', 'awsaccount', '--all', '-n', 'ns-stuck', 'aws.idhub.io/abandon=true']);
  await isGone('ns-stuck');
  for (const name of namesIn('ns-stuck')) {
    expect((await user(world(), name)).tags).toEqual({ 'aws.idhub.io/owner': `spaces/ns-stuck/${name}` });
  }
  expect((await operatorWrites(world())).filter((write) => write.user?.startsWith('ns-stuck'))).toEqual([]);
  expect(await world().metrics()).toMatch(/^idhub_abandoned_total\{kind="AwsAccount"\} 5$/m);
});
