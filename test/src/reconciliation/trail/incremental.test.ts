import { describe, expect, test } from '@jest/globals';
import type { Fallback } from '../../../../src/reconciliation/index.ts';
import { code, policyDocument } from '../../../simulator/harness.ts';
import {
  everybody,
  iamCalls,
  knownUsers,
  minute,
  names,
  partial,
  reconciled,
  run,
  signal,
  stage,
  type Reading,
} from './stage.ts';

const policy = policyDocument({ Effect: 'Allow', Action: 's3:Get*', Resource: '*' });
const password = 'Correct-horse-1';

test('where nothing happened nothing is read but one page of CloudTrail', async () => {
  const made = await reconciled();
  const reading = await run(made, made.before);
  expect(reading).toMatchObject({ kind: 'users', users: [], deleted: [], unknown: [], catalogue: false });
  expect(made.records.map(({ operation }) => operation)).toEqual(['LookupEvents']);
  expect(partial(reading).cursor.at).toBe(made.clock.now());
});

test('a change costs one read of one user, and only of what changed', async () => {
  const made = await reconciled({}, ['jo', 'sam', 'kim']);
  await made.iam.tagUser({ UserName: 'jo', Tags: [{ Key: 'city', Value: 'Bonn' }] });
  made.clock.advance(5 * minute);
  const reading = await run(made, made.before);
  expect(partial(reading)).toMatchObject({
    users: [
      {
        user: { userName: 'jo', tags: [{ key: 'city', value: 'Bonn' }] },
        edges: false,
        credentials: undefined,
      },
    ],
    trail: { pages: 1, events: 1, hinted: 1 },
  });
  expect(iamCalls(made)).toEqual(['GetUser']);
});

test('what hangs on a user is read where events speak of it', async () => {
  const made = await reconciled();
  const { iam } = made;
  await iam.createGroup({ GroupName: 'ops' });
  await made.snapshots.refresh(signal);
  await iam.addUserToGroup({ UserName: 'jo', GroupName: 'ops' });
  await iam.putUserPolicy({ UserName: 'jo', PolicyName: 'p', PolicyDocument: policy });
  await iam.createLoginProfile({ UserName: 'sam', Password: password });
  await iam.createAccessKey({ UserName: 'sam' });
  made.clock.advance(5 * minute);
  const reading = partial(await run(made, made.before));
  const [jo, sam] = [...reading.users].sort((a, b) => a.user.userName.localeCompare(b.user.userName));
  expect(jo).toMatchObject({
    user: { groups: ['ops'], inlinePolicies: [{ name: 'p' }], attachedPolicies: [], deny: 'absent' },
    edges: true,
    credentials: undefined,
  });
  expect(sam).toMatchObject({
    edges: false,
    credentials: { console: true, mfa: false, keys: [{ active: true }] },
  });
  expect(sam?.credentials?.asOf).toBe(made.clock.now());
  expect(reading.catalogue).toBe(true);
  expect(made.count('ListAccessKeys')).toBe(1);
  expect(made.count('ListGroupsForUser')).toBe(1);
});

test('a new user is read with everything', async () => {
  const made = await reconciled();
  await made.iam.createUser({ UserName: 'new' });
  made.clock.advance(5 * minute);
  const [user] = partial(await run(made, made.before)).users;
  expect(user).toMatchObject({
    user: { userName: 'new' },
    edges: true,
    credentials: { console: false, keys: [], mfa: false },
  });
});

describe('C14: late and unordered events', () => {
  test('an event of 10:00 that comes at 10:12 is seen by the next run, once', async () => {
    const made = await reconciled({ cloudTrail: { delayMs: 12 * minute } });
    await made.iam.tagUser({ UserName: 'jo', Tags: [{ Key: 'a', Value: '1' }] });
    made.clock.advance(5 * minute);
    const first = partial(await run(made, made.before));
    expect(first.users).toEqual([]);
    made.clock.advance(10 * minute);
    const second = partial(await run(made, { ...made.before, cursor: first.cursor }));
    expect(names(second)).toEqual(['jo']);
    made.clock.advance(5 * minute);
    const third = partial(await run(made, { ...made.before, cursor: second.cursor }));
    expect(third).toMatchObject({ users: [], trail: { events: 0, hinted: 0 } });
    expect(iamCalls(made)).toEqual([]);
  });

  test('a re-made name is a deletion and another user, in whatever order its events come', async () => {
    const made = await reconciled({ cloudTrail: { shuffle: true } });
    const before = made.before.known.byName('jo');
    await made.iam.deleteUser({ UserName: 'jo' });
    await made.iam.createUser({ UserName: 'JO' });
    made.clock.advance(5 * minute);
    const reading = partial(await run(made, made.before));
    expect(names(reading)).toEqual(['JO']);
    expect(reading.users[0]?.user.userId).not.toBe(before?.userId);
    expect(reading.deleted).toEqual([before]);
  });

  test('a deleted user is told with its id and name, after a complete listing', async () => {
    const made = await reconciled();
    await made.iam.deleteUser({ UserName: 'jo' });
    made.clock.advance(5 * minute);
    const reading = partial(await run(made, made.before));
    expect(reading).toMatchObject({ users: [], unknown: [] });
    expect(reading.deleted).toEqual([{ userName: 'jo', userId: made.before.known.byName('jo')?.userId }]);
    expect(iamCalls(made)).toEqual(['GetUser', 'ListUsers']);
  });

  test('CreateUser and DeleteUser that AWS denied are nothing', async () => {
    const made = await reconciled();
    const [AccessDenied] = [{ code: 'AccessDenied' }];
    await made.control.fault(
      { operation: 'CreateUser', error: AccessDenied },
      { operation: 'DeleteUser', error: AccessDenied },
    );
    expect(await code(made.iam.createUser({ UserName: 'new' }))).toBe('AccessDenied');
    expect(await code(made.iam.deleteUser({ UserName: 'jo' }))).toBe('AccessDenied');
    made.clock.advance(5 * minute);
    expect(await run(made, made.before)).toMatchObject({ users: [], deleted: [], unknown: [] });
    expect(iamCalls(made)).toEqual([]);
  });

  test('what was made and is gone again was nobody', async () => {
    const made = await reconciled();
    await made.iam.createUser({ UserName: 'brief' });
    await made.iam.deleteUser({ UserName: 'brief' });
    made.clock.advance(5 * minute);
    expect(await run(made, made.before)).toMatchObject({ users: [], deleted: [], unknown: [] });
  });
});

describe('a rename', () => {
  test('is the same user under another name, as are two that swap theirs', async () => {
    const made = await reconciled();
    const { iam } = made;
    const [jo, sam] = ['jo', 'sam'].map((name) => made.before.known.byName(name)?.userId);
    await iam.updateUser({ UserName: 'jo', NewUserName: 'x' });
    await iam.updateUser({ UserName: 'sam', NewUserName: 'jo' });
    await iam.updateUser({ UserName: 'x', NewUserName: 'sam' });
    made.clock.advance(5 * minute);
    const reading = partial(await run(made, made.before));
    expect(Object.fromEntries(reading.users.map(({ user }) => [user.userName, user.userId]))).toEqual({
      jo: sam,
      sam: jo,
    });
    expect(reading).toMatchObject({ deleted: [], unknown: [] });
    expect(made.count('ListUsers')).toBe(0);
  });

  test('whose event is still to come is found by the id, and takes along what events say of the old name', async () => {
    const made = await reconciled({ cloudTrail: { delayMs: 10 * minute } });
    const { iam } = made;
    await iam.attachUserPolicy({ UserName: 'jo', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' });
    made.clock.advance(5 * minute);
    await iam.updateUser({ UserName: 'jo', NewUserName: 'joan' });
    made.clock.advance(5 * minute);
    const reading = partial(await run(made, made.before));
    expect(reading).toMatchObject({
      users: [{ user: { userName: 'joan', attachedPolicies: [{ name: 'ReadOnlyAccess' }] }, edges: true }],
      deleted: [],
    });
    expect(reading.users[0]?.user.userId).toBe(made.before.known.byName('jo')?.userId);
  });

  test('that was told of is remembered for events of the old name that come later', async () => {
    const made = await reconciled();
    const { iam, control } = made;
    await control.configure({ cloudTrail: { delayMs: 10 * minute } });
    await iam.createLoginProfile({ UserName: 'jo', Password: password });
    await control.configure({ cloudTrail: { delayMs: 0 } });
    await iam.updateUser({ UserName: 'jo', NewUserName: 'joan' });
    made.clock.advance(5 * minute);
    const first = partial(await run(made, made.before));
    expect(first.users).toMatchObject([{ user: { userName: 'joan' }, credentials: undefined }]);
    const known = await everybody(made);
    made.clock.advance(10 * minute);
    const second = partial(await run(made, { known, cursor: first.cursor }));
    expect(second.users).toMatchObject([{ user: { userName: 'joan' }, credentials: { console: true } }]);
  });

  test('of somebody new whose events come one by one is followed in the end', async () => {
    const made = await reconciled();
    const { iam, control } = made;
    await iam.createUser({ UserName: 'a' });
    await control.configure({ cloudTrail: { delayMs: 10 * minute } });
    await iam.updateUser({ UserName: 'a', NewUserName: 'b' });
    made.clock.advance(5 * minute);
    const first = partial(await run(made, made.before));
    expect(first).toMatchObject({ users: [], deleted: [], unknown: [] });
    made.clock.advance(10 * minute);
    expect(names(await run(made, { ...made.before, cursor: first.cursor }))).toEqual(['b']);
  });
});

describe('what may not be lost', () => {
  const error = { code: 'ServiceFailure', status: 500 };

  test('a user whose read fails is unknown, and the cursor stays before its events', async () => {
    const made = await reconciled();
    const { iam, control, clock } = made;
    await iam.tagUser({ UserName: 'jo', Tags: [{ Key: 'a', Value: '1' }] });
    const happened = clock.now();
    clock.advance(45 * minute);
    await iam.tagUser({ UserName: 'sam', Tags: [{ Key: 'a', Value: '1' }] });
    clock.advance(5 * minute);
    await control.fault({ operation: 'GetUser', user: 'jo', error, times: -1 });
    const first = partial(await run(made, made.before));
    expect(names(first)).toEqual(['sam']);
    expect(first.unknown).toMatchObject([{ userName: 'jo', userId: made.before.known.byName('jo')?.userId }]);
    expect(first.cursor.at - 30 * minute).toBeLessThanOrEqual(happened);
    await control.clearFaults();
    clock.advance(60 * minute);
    const second = partial(await run(made, { ...made.before, cursor: first.cursor }));
    // Who was looked at then is not looked at again.
    expect(names(second)).toEqual(['jo']);
    expect(second.cursor.at).toBe(clock.now());
  });

  test('C12: a listing that is not complete deletes nobody', async () => {
    const made = await reconciled();
    await made.iam.deleteUser({ UserName: 'jo' });
    made.clock.advance(5 * minute);
    await made.control.fault({ operation: 'ListUsers', error, times: -1 });
    await expect(run(made, made.before)).rejects.toThrow('ServiceFailure');
    await made.control.clearFaults();
    // AWS shows an empty list, and no error.
    made.hook.before = (operation) => (operation === 'ListUsers' ? { Users: [] } : undefined);
    await expect(run(made, made.before)).rejects.toThrow('ListUsers is not complete');
  });

  test('C12: a listing without somebody who was just read is not complete', async () => {
    const made = await reconciled();
    await made.iam.deleteUser({ UserName: 'jo' });
    await made.iam.tagUser({ UserName: 'sam', Tags: [{ Key: 'a', Value: '1' }] });
    made.clock.advance(5 * minute);
    const kim = { UserName: 'kim', UserId: made.before.known.byName('kim')?.userId };
    made.hook.before = (operation) => (operation === 'ListUsers' ? { Users: [kim] } : undefined);
    await expect(run(made, made.before)).rejects.toThrow('user sam is not in it');
  });

  test('what AWS does not show yet is looked at again', async () => {
    const made = await reconciled({ consistencyDelayMs: 30_000 });
    const { iam, clock } = made;
    await iam.tagUser({ UserName: 'jo', Tags: [{ Key: 'city', Value: 'Bonn' }] });
    clock.advance(5_000);
    const first = partial(await run(made, made.before));
    expect(first.users).toMatchObject([{ user: { userName: 'jo', tags: [] } }]);
    clock.advance(5 * minute);
    const second = partial(await run(made, { ...made.before, cursor: first.cursor }));
    expect(second.users).toMatchObject([{ user: { userName: 'jo', tags: [{ value: 'Bonn' }] } }]);
    clock.advance(5 * minute);
    const third = partial(await run(made, { ...made.before, cursor: second.cursor }));
    expect(third.users).toEqual([]);
  });

  test('somebody who was made a moment ago and is not shown yet is not deleted', async () => {
    const made = await reconciled({ consistencyDelayMs: 30_000 });
    const { iam, clock } = made;
    const { User } = await iam.createUser({ UserName: 'new' });
    clock.advance(5_000);
    // An earlier run had the luck to see it.
    const { userId, userName } = { userId: User?.UserId ?? '', userName: 'new' };
    const known = knownUsers([{ userId, userName }]);
    const reading = partial(await run(made, { known, cursor: made.before.cursor }));
    expect(reading).toMatchObject({ users: [], deleted: [], unknown: [{ userId }] });
  });

  test('C13: killed at any page, the same run begins again and sees the same', async () => {
    const made = await reconciled();
    const { iam, clock, control } = made;
    await iam.deleteUser({ UserName: 'sam' });
    await iam.createLoginProfile({ UserName: 'jo', Password: password });
    for (let index = 0; index < 2_000; index += 1) {
      await control.signIn('jo', password);
    }
    await iam.tagUser({ UserName: 'kim', Tags: [{ Key: 'a', Value: '1' }] });
    clock.advance(5 * minute);
    for (const page of [0, 1, 39]) {
      made.hook.before = (operation) => {
        if (operation === 'LookupEvents' && made.count('LookupEvents') === page) {
          throw new Error('killed');
        }
        return undefined;
      };
      await expect(run(made, made.before)).rejects.toThrow('killed');
    }
    made.hook.before = () => undefined;
    const reading = partial(await run(made, made.before));
    expect(names(reading)).toEqual(['jo', 'kim']);
    expect(reading.deleted).toMatchObject([{ userName: 'sam' }]);
    expect(reading.trail.pages).toBe(41);
  });
});

describe('fallbacks', () => {
  const reasonOf = (reading: Reading): string => (reading as Fallback).reason;

  test('nothing was reconciled yet', async () => {
    const made = await reconciled();
    const { known } = made.before;
    const reading = await made.reader().read({ cursor: undefined, until: made.clock.now(), known, signal });
    expect(reasonOf(reading)).toBe('NoBaseline');
    expect(made.records).toEqual([]);
  });

  test('another region than that of IAM’s events', async () => {
    const made = await reconciled();
    const reading = await run(made, made.before, { cloudTrailRegion: 'us-east-2' });
    expect(reasonOf(reading)).toBe('NotHomeRegion');
    expect(reading).toHaveProperty('message', expect.stringMatching(/us-east-1.*us-east-2/));
  });

  test('no right to read CloudTrail', async () => {
    const made = await reconciled();
    await made.control.fault({
      operation: 'LookupEvents',
      error: { code: 'AccessDeniedException', status: 400 },
    });
    expect(reasonOf(await run(made, made.before))).toBe('NoTrailRight');
  });

  test('C13: a cursor of 120 days ago', async () => {
    const made = await reconciled();
    made.clock.advance(120 * 86_400_000);
    expect(reasonOf(await run(made, made.before))).toBe('CursorTooOld');
  });
});

test.each([
  ['eu-west-1', 'aws'],
  ['us-gov-east-1', 'aws-us-gov'],
  ['cn-northwest-1', 'aws-cn'],
] as const)('C14: a connection to %s sees what happens in partition %s', async (region, partition) => {
  // The simulator has events of IAM in the home region of the partition only, as AWS has.
  const made = await stage({ accounts: [{ partition }] }, { region });
  const cursor = { at: made.clock.now(), seen: [] };
  await made.iam.createUser({ UserName: 'jo' });
  made.clock.advance(5 * minute);
  expect(names(await run(made, { known: knownUsers([]), cursor }, { region }))).toEqual(['jo']);
});
