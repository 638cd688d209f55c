import { AttachUserPolicyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import type { UserDump } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { gone, patch, removeBindings, resyncs, settled, user, worldFor } from './support.ts';

const world = worldFor('binding-times');
const kind = 'awsentitlementbinding';
const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';

/** A binding of a user that no AwsAccount need manage. */
function bound(name: string, userName: string, entitlement: object, more: object = {}): object {
  return world().bindingManifest(name, {
    connectionRef: { name: 'aws' },
    userName,
    entitlement,
    ...more,
  });
}

async function ready(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await world().until(kind, name, { status: 'True' });
  }
}

async function seen(userName: string, what: (dump: UserDump) => boolean): Promise<void> {
  await eventually(async () => (what(await user(world(), userName)) ? true : undefined), {
    what: `${userName} to be so`,
    everyMs: 50,
  });
}

const inSeconds = (seconds: number): string =>
  `${new Date(Date.now() + seconds * 1_000).toISOString().slice(0, 19)}Z`;

test('killed between the note and the call: one edge, known to be made from here', async () => {
  const { iam, simulator } = world();
  await iam.send(new CreateUserCommand({ UserName: 'kim' }));
  await simulator.fault({ operation: 'AttachUserPolicy', user: 'kim', latencyMs: 60_000 });
  await world().apply(bound('kim', 'kim', { type: 'AwsManagedPolicy', arn: readOnly }));
  await eventually(async () =>
    (await world().binding('kim')).metadata.annotations?.['aws.idhub.io/edge'] === undefined
      ? undefined
      : true,
  );
  await eventually(async () => ((await simulator.faults()).some(({ hits }) => hits > 0) ? true : undefined));
  expect((await user(world(), 'kim')).attachedPolicies).toEqual([]);
  world().operator.kill('SIGKILL');
  await world().operator.exited;
  await simulator.clearFaults();
  await world().startOperator();
  await ready('kim');
  expect((await world().binding('kim')).status?.origin).toBe('Created');
  await removeBindings(world(), 'kim');
  await gone(world(), 'kim', 20_000, kind);
  expect((await user(world(), 'kim')).attachedPolicies).toEqual([]);
});

test('expiresAt takes the edge away whatever its origin, once; what passed in a downtime is obeyed at the start', async () => {
  const { iam } = world();
  await iam.send(new CreateUserCommand({ UserName: 'eve' }));
  await iam.send(new CreateUserCommand({ UserName: 'pat' }));
  for (const UserName of ['eve', 'pat']) {
    await iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: readOnly }));
  }
  await resyncs(world(), 1);
  const entitlement = { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' };
  const at = inSeconds(8);
  await world().apply(
    bound('eve', 'eve', entitlement, { expiresAt: at }),
    bound('pat', 'pat', entitlement, { expiresAt: inSeconds(3_600) }),
  );
  await ready('eve', 'pat');
  expect((await world().binding('eve')).status?.origin).toBe('PreExisting');
  await seen('eve', ({ attachedPolicies }) => attachedPolicies.length === 0);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at) - 1_500);
  await world().until(kind, 'eve', { status: 'True', reason: 'Expired' });
  const eve = (await world().binding('eve')).status;
  expect([eve?.state, eve?.conditions?.[0]?.message]).toEqual([
    'Absent',
    expect.stringContaining('is taken away'),
  ]);
  // Who gives it again afterwards means it.
  await iam.send(new AttachUserPolicyCommand({ UserName: 'eve', PolicyArn: readOnly }));
  await resyncs(world(), 2);
  expect((await user(world(), 'eve')).attachedPolicies).toEqual([readOnly]);
  expect((await user(world(), 'pat')).attachedPolicies).toEqual([readOnly]);

  await world().operator.stop();
  await patch(world(), 'pat', { spec: { expiresAt: inSeconds(-1) } }, kind);
  await world().startOperator();
  await seen('pat', ({ attachedPolicies }) => attachedPolicies.length === 0);
  await world().until(kind, 'pat', { status: 'True', reason: 'Expired' });
  expect((await user(world(), 'eve')).attachedPolicies).toEqual([readOnly]);
  // A later time gives it again.
  await patch(world(), 'pat', { spec: { expiresAt: inSeconds(3_600) } }, kind);
  await seen('pat', ({ attachedPolicies }) => attachedPolicies.length === 1);
});

test("expiresAt goes by AWS's clock, and is obeyed also when the account object is gone", async () => {
  const { iam, simulator } = world();
  await iam.send(new CreateUserCommand({ UserName: 'tim' }));
  await world().apply(
    bound('tim', 'tim', { type: 'AwsManagedPolicy', arn: readOnly }, { expiresAt: inSeconds(100) }),
    world().accountManifest('left', { userName: 'left' }),
    world().bindingManifest('left', {
      accountRef: { name: 'left' },
      entitlement: { type: 'AwsManagedPolicy', arn: readOnly },
      expiresAt: inSeconds(100),
    }),
  );
  await settled(world(), 'left');
  await ready('tim', 'left');
  await world().kubectl(['delete', 'awsaccount', 'left', '-n', 'binding-times']);
  await world().until(kind, 'left', { status: 'Unknown', reason: 'WaitingForAccount' });
  expect((await user(world(), 'left')).attachedPolicies).toEqual([readOnly]);
  await simulator.skewClock(120_000);
  await seen('tim', ({ attachedPolicies }) => attachedPolicies.length === 0);
  await seen('left', ({ attachedPolicies }) => attachedPolicies.length === 0);
  await simulator.skewClock(0);
  await removeBindings(world(), 'left');
  await gone(world(), 'left', 20_000, kind);
});
