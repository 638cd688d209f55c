import { AttachUserPolicyCommand, CreateGroupCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { exists, operatorWrites, snapshotEvery, user, worldFor } from './support.ts';
import { connectionManifest, secretManifest } from './world.ts';

const spaces = ['removal-whole', 'removal-killed', 'removal-stuck'];
const world = worldFor('removal', {
  operator: [snapshotEvery, `--watch-namespaces=removal,${spaces.join()}`],
});

const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const billing = 'arn:aws:iam::aws:policy/job-function/Billing';
const policies = { one: 'Delete', two: 'Delete', three: 'Disable', four: 'Retain', five: 'Retain' } as const;

beforeAll(async () => {
  for (const GroupName of ['removal-dev', 'removal-ops']) {
    await world().iam.send(new CreateGroupCommand({ GroupName }));
  }
});

/**
 * A namespace with a connection, its Secret, five accounts of every deletion policy and ten bindings:
 * two on each but the last account, one that keeps what it gave, and one on a user of nobody's.
 */
async function fill(space: string): Promise<void> {
  const name = (who: string): string => `${space}-${who}`;
  await world().iam.send(new CreateUserCommand({ UserName: name('guest') }));
  await world().iam.send(new AttachUserPolicyCommand({ UserName: name('guest'), PolicyArn: billing }));
  await world().apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: space } });
  const group = { type: 'Group', name: 'removal-dev' };
  const policy = { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' };
  const binding = (bound: string, spec: object): object =>
    world().bindingManifest(bound, spec, { namespace: space });
  const guest = { connectionRef: { name: 'aws' }, userName: name('guest') };
  await world().apply(
    secretManifest(space, 'aws-credentials', world().credentials),
    connectionManifest(space, 'aws', world().simulatorUrl),
    ...Object.entries(policies).map(([who, deletionPolicy]) =>
      world().accountManifest(who, { userName: name(who), deletionPolicy }, { namespace: space }),
    ),
    ...['one', 'two', 'three', 'four'].map((who) =>
      binding(`${who}-dev`, { accountRef: { name: who }, entitlement: group }),
    ),
    ...['one', 'three', 'four'].map((who) =>
      binding(`${who}-read`, { accountRef: { name: who }, entitlement: policy }),
    ),
    binding('five-kept', { accountRef: { name: 'five' }, entitlement: policy, onDelete: 'Keep' }),
    binding('guest-dev', { ...guest, entitlement: group }),
    binding('guest-billing', { ...guest, entitlement: { type: 'AwsManagedPolicy', name: 'Billing' } }),
  );
  await eventually(
    async () => {
      const ready = await world().kubectl([
        'get',
        'awsaccount,awsentitlementbinding',
        '-n',
        space,
        '-o',
        'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}',
      ]);
      return ready.split(' ').filter((status) => status === 'True').length === 15 ? true : undefined;
    },
    { what: `five accounts and ten bindings in ${space}` },
  );
}

async function removeNamespace(space: string): Promise<void> {
  await world().kubectl(['delete', 'namespace', space, '--wait=false']);
}

async function isGone(space: string, withinMs: number): Promise<void> {
  await world().kubectl(['wait', '--for=delete', `namespace/${space}`, `--timeout=${withinMs / 1_000}s`]);
}

/** Each deletion policy and each `onDelete` has had its way. */
async function expectRemoved(space: string): Promise<void> {
  const name = (who: string): string => `${space}-${who}`;
  expect(await world().simulator.user(name('one'))).toBeUndefined();
  expect(await world().simulator.user(name('two'))).toBeUndefined();
  const shut = await user(world(), name('three'));
  expect(Object.keys(shut.inlinePolicies)).toEqual(['IDHubDisabled']);
  // Bindings that stand alone obey their own onDelete, whatever becomes of the account.
  for (const who of ['three', 'four']) {
    expect(await user(world(), name(who))).toMatchObject({ groups: [], attachedPolicies: [] });
  }
  const kept = await user(world(), name('five'));
  expect(kept).toMatchObject({ groups: [], inlinePolicies: {} });
  expect(JSON.stringify(kept.attachedPolicies)).toContain(readOnly);
  for (const who of ['four', 'five']) {
    expect((await user(world(), name(who))).tags).toEqual({});
  }
  // What was there before the binding stays.
  const guest = await user(world(), name('guest'));
  expect(guest.groups).toEqual([]);
  expect(JSON.stringify(guest.attachedPolicies)).toContain(billing);
}

test('C19 a namespace with all that belongs to a connection goes, each thing as its policy says, the Secret last', async () => {
  const [space = ''] = spaces;
  await fill(space);
  let left: string[] = [];
  await removeNamespace(space);
  const began = Date.now();
  await eventually(
    async () => {
      const here = async (kind: string): Promise<string[]> =>
        (await world().kubectl(['get', kind, '-n', space, '--ignore-not-found', '-o', 'name']))
          .split('\n')
          .filter((line) => line !== '');
      const secret = await exists({ ...world(), namespace: space }, 'secret', 'aws-credentials');
      const needing = await here('awsaccount,awsentitlementbinding');
      if (!secret && needing.length > 0) {
        left = needing;
      }
      return !secret && needing.length === 0 ? true : undefined;
    },
    { withinMs: 60_000, everyMs: 50, what: 'the Secret to be let go of' },
  );
  expect(left).toEqual([]);
  await isGone(space, 60_000);
  expect(Date.now() - began).toBeLessThan(120_000);
  await expectRemoved(space);
  expect(world().operator.lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
});

test('C19 killed in the middle of it: the next process finishes, with the same result', async () => {
  const [, space = ''] = spaces;
  await fill(space);
  const began = Date.now();
  // Both deletions hang in their last call, and the edges in theirs.
  await world().simulator.fault({ operation: 'DeleteUser', latencyMs: 60_000, times: -1 });
  await world().simulator.fault({ operation: 'DetachUserPolicy', latencyMs: 60_000, after: 1, times: -1 });
  await removeNamespace(space);
  await eventually(
    async () => ((await world().simulator.faults()).every(({ hits }) => hits >= 1) ? true : undefined),
    { what: 'calls of both kinds to be under way' },
  );
  await world().restartOperator('SIGKILL');
  await world().simulator.clearFaults();
  await isGone(space, 90_000);
  expect(Date.now() - began).toBeLessThan(120_000);
  await expectRemoved(space);
});

test('C19 what cannot be cleaned up says what is missing, and abandon frees it', async () => {
  const [, , space = ''] = spaces;
  await fill(space);
  await world().operator.stop();
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
  await world().kubectl(['delete', 'secret', 'aws-credentials', '-n', space, '--ignore-not-found']);
  await removeNamespace(space);
  await world().simulator.resetCalls();
  await world().startOperator();
  const waiting = async (kind: string): Promise<readonly string[]> => {
    const text = await world().kubectl([
      'get',
      kind,
      '-n',
      space,
      '-o',
      'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].message}{"\\n"}{end}',
    ]);
    return text.split('\n').filter((line) => line.includes('SecretNotFound'));
  };
  await eventually(async () => ((await waiting('awsaccount')).length === 5 ? true : undefined), {
    what: 'accounts that say what is missing',
  });
  // Those that keep what they gave, or gave nothing, have nothing to clean up.
  const bindings = await eventually(
    async () => {
      const found = await waiting('awsentitlementbinding');
      return found.length === 8 ? found : undefined;
    },
    { what: 'bindings that say what is missing' },
  );
  expect(bindings[0]).toContain('aws.idhub.io/abandon');
  const held = await eventually(
    async () => {
      const text = await world().kubectl([
        'get',
        'awsconnection',
        'aws',
        '-n',
        space,
        '-o',
        'jsonpath={.status.conditions[?(@.type=="Ready")].message}',
      ]);
      return text.startsWith('5 AwsAccount and 8 AwsEntitlementBinding') ? text : undefined;
    },
    { what: 'the connection to say who needs it' },
  );
  expect(held).toContain('abandon=true');
  const abandon = ['--all', '-n', space, 'aws.idhub.io/abandon=true'];
  await world().kubectl(['annotate', 'awsaccount,awsentitlementbinding', ...abandon]);
  await isGone(space, 60_000);
  expect((await operatorWrites(world())).filter((write) => write.user?.startsWith(space))).toEqual([]);
  const metrics = await world().metrics();
  expect(metrics).toMatch(/^idhub_abandoned_total\{kind="AwsAccount"\} 5$/m);
  expect(metrics).toMatch(/^idhub_abandoned_total\{kind="AwsEntitlementBinding"\} 8$/m);
});
