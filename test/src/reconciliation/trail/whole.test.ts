import { describe, expect, test } from '@jest/globals';
import type { WholeReading } from '../../../../src/reconciliation/index.ts';
import { cursorAfterWhole } from '../../../../src/reconciliation/trail/index.ts';
import { policyDocument } from '../../../simulator/harness.ts';
import { iamCalls, minute, names, partial, reconciled, run, signal } from './stage.ts';

const policy = policyDocument({ Effect: 'Allow', Action: 's3:Get*', Resource: '*' });
const password = 'Correct-horse-1';

describe('groups and policies spread to those who have them', () => {
  async function withGroup() {
    const made = await reconciled();
    const { iam } = made;
    await iam.createGroup({ GroupName: 'ops' });
    await iam.addUserToGroup({ UserName: 'jo', GroupName: 'ops' });
    const { Policy } = await iam.createPolicy({ PolicyName: 'P', PolicyDocument: policy });
    await iam.attachUserPolicy({ UserName: 'sam', PolicyArn: Policy?.Arn });
    made.clock.advance(60 * minute);
    await made.snapshots.refresh(signal);
    const before = { known: made.before.known, cursor: { at: made.clock.now(), seen: [] } };
    made.clock.advance(minute);
    return { ...made, before, arn: Policy?.Arn ?? '' };
  }

  test('a group with members that is renamed: the account is read as a whole', async () => {
    const made = await withGroup();
    await made.iam.updateGroup({ GroupName: 'ops', NewGroupName: 'dev' });
    made.clock.advance(5 * minute);
    const reading = (await run(made, made.before)) as WholeReading;
    expect(reading).toMatchObject({ kind: 'whole', catalogue: true });
    const jo = reading.snapshot.byName('jo');
    expect(jo?.groups).toEqual(['dev']);
    expect(reading.cursor.at).toBe(made.clock.now());
  });

  test('what members inherit: as a whole where that is told, not at all where it is not', async () => {
    const made = await withGroup();
    await made.iam.attachGroupPolicy({ GroupName: 'ops', PolicyArn: made.arn });
    made.clock.advance(5 * minute);
    expect(await run(made, made.before)).toMatchObject({ kind: 'users', users: [] });
    expect(await run(made, made.before, { policyGroup: true })).toMatchObject({ kind: 'whole' });
  });

  test('a policy that gets another version: who it is attached to', async () => {
    const made = await withGroup();
    const input = { PolicyArn: made.arn, PolicyDocument: policy, SetAsDefault: true };
    await made.iam.createPolicyVersion(input);
    made.clock.advance(5 * minute);
    const reading = partial(await run(made, made.before));
    expect(reading.users).toMatchObject([{ user: { userName: 'sam' }, edges: true }]);
  });

  test('a user in a group that the last reading does not know: as a whole', async () => {
    const made = await withGroup();
    await made.iam.createGroup({ GroupName: 'fresh' });
    await made.iam.addUserToGroup({ UserName: 'kim', GroupName: 'fresh' });
    made.clock.advance(5 * minute);
    expect(await run(made, made.before)).toMatchObject({ kind: 'whole' });
  });

  test('without any reading of the account: as a whole', async () => {
    const made = await withGroup();
    await made.iam.updateGroup({ GroupName: 'ops', NewGroupName: 'dev' });
    made.clock.advance(5 * minute);
    expect(await run(made, made.before, { unread: true })).toMatchObject({ kind: 'whole' });
  });
});

describe('where reading one by one costs more than reading everything', () => {
  test('everything is read, and live what that does not show', async () => {
    const made = await reconciled();
    const { iam, clock } = made;
    for (const UserName of ['jo', 'sam', 'kim']) {
      await iam.tagUser({ UserName, Tags: [{ Key: 'a', Value: '1' }] });
    }
    await iam.createLoginProfile({ UserName: 'sam', Password: password });
    clock.advance(5 * minute);
    const reading = (await run(made, made.before, { wholeCalls: 2 })) as WholeReading;
    expect(reading).toMatchObject({ kind: 'whole', unknown: [], trail: { hinted: 3 } });
    expect([...reading.credentials]).toMatchObject([
      [made.before.known.byName('sam')?.userId, { console: true, keys: [], mfa: false }],
    ]);
    expect(
      iamCalls(made)
        .filter((name) => name !== 'GetAccountAuthorizationDetails' && name !== 'ListUsers')
        .sort(),
    ).toEqual(['GetLoginProfile', 'GetUser', 'ListAccessKeys', 'ListMFADevices']);
    expect(await run(made, made.before, { wholeCalls: 3 })).toMatchObject({ kind: 'users' });
  });

  test('credentials are read also of somebody whose rename is still to come', async () => {
    const made = await reconciled({ cloudTrail: { delayMs: 10 * minute } });
    await made.iam.createLoginProfile({ UserName: 'sam', Password: password });
    made.clock.advance(5 * minute);
    await made.iam.updateUser({ UserName: 'sam', NewUserName: 'samuel' });
    made.clock.advance(5 * minute);
    const reading = (await run(made, made.before, { wholeCalls: 0 })) as WholeReading;
    expect([...reading.credentials]).toMatchObject([
      [made.before.known.byName('sam')?.userId, { console: true }],
    ]);
  });

  test('who could not be read live is held', async () => {
    const made = await reconciled();
    await made.iam.createLoginProfile({ UserName: 'sam', Password: password });
    const happened = made.clock.now();
    made.clock.advance(50 * minute);
    await made.control.fault({
      operation: 'ListAccessKeys',
      error: { code: 'ServiceFailure', status: 500 },
      times: -1,
    });
    const reading = (await run(made, made.before, { wholeCalls: 0 })) as WholeReading;
    expect(reading.unknown).toMatchObject([{ userName: 'sam' }]);
    expect(reading.cursor.at - 30 * minute).toBeLessThanOrEqual(happened);
  });

  test('also where single users may not be read', async () => {
    const made = await reconciled();
    await made.iam.tagUser({ UserName: 'jo', Tags: [{ Key: 'a', Value: '1' }] });
    made.clock.advance(5 * minute);
    await made.control.fault({ operation: 'GetUser', error: { code: 'AccessDenied' }, times: -1 });
    expect(await run(made, made.before)).toMatchObject({ kind: 'whole', unknown: [] });
  });

  test('credentials that may not be read are unknown, and hold nothing up', async () => {
    const made = await reconciled();
    await made.iam.createAccessKey({ UserName: 'jo' });
    made.clock.advance(5 * minute);
    await made.control.fault({ operation: 'GetLoginProfile', error: { code: 'AccessDenied' }, times: -1 });
    const reading = partial(await run(made, made.before));
    expect(reading.users).toMatchObject([
      { user: { userName: 'jo' }, credentials: undefined, denied: expect.stringContaining('AccessDenied') },
    ]);
    expect(reading.unknown).toEqual([]);
    expect(reading.cursor.at).toBe(made.clock.now());
  });
});

describe('a few users by name', () => {
  test('are read with everything; who is not there is searched by id', async () => {
    const made = await reconciled();
    const { iam, clock } = made;
    await iam.updateUser({ UserName: 'jo', NewUserName: 'joan' });
    await iam.deleteUser({ UserName: 'sam' });
    clock.advance(5 * minute);
    const { known } = made.before;
    const reading = await made.reader().readUsers({ names: ['Jo', 'sam', 'kim', 'nobody'], known, signal });
    expect(reading.users.map(({ user }) => user.userName).sort()).toEqual(['joan', 'kim']);
    expect(reading.users.every(({ edges, credentials }) => edges && credentials !== undefined)).toBe(true);
    expect(reading.deleted).toEqual([known.byName('sam')]);
    expect(reading.unknown).toEqual([]);
  });
});

test('C11: no more than eight users are read at once', async () => {
  const made = await reconciled(
    { latencyMs: 5 },
    Array.from({ length: 40 }, (_, index) => `u${index}`),
  );
  for (let index = 0; index < 40; index += 1) {
    await made.iam.tagUser({ UserName: `u${index}`, Tags: [{ Key: 'a', Value: '1' }] });
  }
  made.clock.advance(5 * minute);
  await made.control.resetCalls();
  expect(names(await run(made, made.before))).toHaveLength(40);
  const { peakInFlight } = await made.control.calls();
  expect(peakInFlight).toBeGreaterThan(1);
  expect(peakInFlight).toBeLessThanOrEqual(8);
});

describe('after a whole reading', () => {
  async function readWhole() {
    const made = await reconciled();
    const { clock, iam } = made;
    await iam.createLoginProfile({ UserName: 'jo', Password: password });
    await iam.tagUser({ UserName: 'sam', Tags: [{ Key: 'a', Value: '1' }] });
    clock.advance(10 * minute);
    const reportAt = clock.now();
    clock.advance(10 * minute);
    await iam.createAccessKey({ UserName: 'kim' });
    await iam.tagUser({ UserName: 'kim', Tags: [{ Key: 'a', Value: '1' }] });
    clock.advance(10 * minute);
    const cursor = cursorAfterWhole({ at: clock.now(), credentials: reportAt }, []);
    clock.advance(minute);
    return { ...made, before: { known: made.before.known, cursor } };
  }

  test('what it has shown needs no event; of credentials only what came after the report is read', async () => {
    const made = await readWhole();
    const first = partial(await run(made, made.before));
    expect(first.users).toMatchObject([
      { user: { userName: 'kim' }, credentials: { keys: [{ active: true }] } },
    ]);
    expect(first.trail.events).toBe(1);
    expect(made.count('GetUser')).toBe(2);
    made.clock.advance(minute);
    const second = partial(await run(made, { ...made.before, cursor: first.cursor }));
    expect(second).toMatchObject({ users: [], trail: { events: 0 } });
    expect(iamCalls(made)).toEqual([]);
  });

  test('what happened right before it, or since, is looked at', async () => {
    const made = await readWhole();
    const { clock, iam } = made;
    const cursor = cursorAfterWhole({ at: clock.now() + 30_000, credentials: clock.now() }, []);
    await iam.tagUser({ UserName: 'sam', Tags: [{ Key: 'a', Value: '2' }] });
    clock.advance(5 * minute);
    await iam.tagUser({ UserName: 'jo', Tags: [{ Key: 'a', Value: '2' }] });
    clock.advance(5 * minute);
    expect(names(await run(made, { ...made.before, cursor }))).toEqual(['jo', 'sam']);
  });
});
