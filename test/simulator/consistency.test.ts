import { describe, expect, test } from '@jest/globals';
import { bench, code, manualClock } from './harness.ts';

describe('for as long as consistencyDelayMs says', () => {
  test('a new user is not read, and its name is taken at once', async () => {
    const { iam, control } = await bench({ consistencyDelayMs: 5_000, now: manualClock().now });
    await iam.createUser({ UserName: 'u', Tags: [{ Key: 'k', Value: 'old' }] });
    expect(await code(iam.getUser({ UserName: 'u' }))).toBe('NoSuchEntityException');
    expect((await iam.listUsers({})).Users?.map((user) => user.UserName)).toEqual(['administrator']);
    expect(await code(iam.createUser({ UserName: 'U' }))).toBe('EntityAlreadyExistsException');
    expect(await code(iam.tagUser({ UserName: 'u', Tags: [{ Key: 'k', Value: 'new' }] }))).toBe('OK');
    await control.advanceClock(5_000);
    expect((await iam.getUser({ UserName: 'u' })).User?.Tags).toEqual([{ Key: 'k', Value: 'new' }]);
    expect((await iam.listUsers({})).Users).toHaveLength(2);
  });

  test('changes and deletions are not read either, one after the other', async () => {
    const clock = manualClock();
    const { iam, control } = await bench({ consistencyDelayMs: 5_000, now: clock.now });
    await iam.createUser({ UserName: 'u' });
    await control.advanceClock(10_000);
    await iam.tagUser({ UserName: 'u', Tags: [{ Key: 'a', Value: '1' }] });
    clock.advance(3_000);
    await iam.tagUser({ UserName: 'u', Tags: [{ Key: 'a', Value: '2' }] });
    const tags = async (): Promise<readonly (string | undefined)[] | undefined> =>
      (await iam.listUserTags({ UserName: 'u' })).Tags?.map((tag) => tag.Value);
    expect(await tags()).toEqual([]);
    clock.advance(2_000);
    expect(await tags()).toEqual(['1']);
    clock.advance(3_000);
    expect(await tags()).toEqual(['2']);
    await iam.deleteUser({ UserName: 'u' });
    expect(await tags()).toEqual(['2']);
    expect((await iam.getAccountAuthorizationDetails({})).UserDetailList).toHaveLength(2);
    clock.advance(5_000);
    expect(await code(iam.getUser({ UserName: 'u' }))).toBe('NoSuchEntityException');
    expect((await iam.getAccountAuthorizationDetails({})).UserDetailList).toHaveLength(1);
  });

  test('a rename is read under the old name', async () => {
    const clock = manualClock();
    const { iam } = await bench({ consistencyDelayMs: 5_000, now: clock.now });
    await iam.createUser({ UserName: 'old' });
    clock.advance(5_000);
    await iam.updateUser({ UserName: 'old', NewUserName: 'new' });
    expect(await code(iam.getUser({ UserName: 'new' }))).toBe('NoSuchEntityException');
    expect(await code(iam.getUser({ UserName: 'old' }))).toBe('OK');
    clock.advance(5_000);
    expect(await code(iam.getUser({ UserName: 'old' }))).toBe('NoSuchEntityException');
    expect(await code(iam.getUser({ UserName: 'new' }))).toBe('OK');
  });

  test('a new access key is refused', async () => {
    const clock = manualClock();
    const { iam, asUser } = await bench({ consistencyDelayMs: 5_000, now: clock.now });
    await iam.createUser({ UserName: 'u' });
    clock.advance(5_000);
    const { sts } = await asUser('u');
    expect(await code(sts.getCallerIdentity({}))).toBe('InvalidClientTokenId');
    clock.advance(5_000);
    expect(await code(sts.getCallerIdentity({}))).toBe('OK');
  });
});

test('a login profile can be unmodifiable for a while after it was made', async () => {
  const clock = manualClock();
  const { iam } = await bench({ loginProfileSettleMs: 2_000, now: clock.now });
  await iam.createUser({ UserName: 'u' });
  await iam.createLoginProfile({ UserName: 'u', Password: 'Correct-horse-1' });
  expect(await code(iam.deleteLoginProfile({ UserName: 'u' }))).toBe(
    'EntityTemporarilyUnmodifiableException',
  );
  expect(await code(iam.updateLoginProfile({ UserName: 'u', PasswordResetRequired: true }))).toBe(
    'EntityTemporarilyUnmodifiableException',
  );
  clock.advance(2_000);
  await iam.deleteLoginProfile({ UserName: 'u' });
});

test('beyond the rate limit of its account a call is throttled, with status 400', async () => {
  const clock = manualClock();
  const { iam, sts, simulator, as, control } = await bench({
    accounts: 2,
    rateLimit: { perSecond: 10, burst: 3 },
    now: clock.now,
  });
  for (const _ of [1, 2, 3]) {
    expect(await code(iam.listUsers({}))).toBe('OK');
  }
  await expect(iam.listUsers({})).rejects.toMatchObject({
    name: 'Throttling',
    message: 'Rate exceeded',
    $metadata: { httpStatusCode: 400 },
  });
  const [, other] = simulator.accounts;
  expect(await code(as(other ?? { accessKeyId: '', secretAccessKey: '' }).iam.listUsers({}))).toBe('OK');
  expect(await code(sts.getCallerIdentity({}))).toBe('OK');
  clock.advance(100);
  expect(await code(iam.listUsers({}))).toBe('OK');
  expect(await code(iam.listUsers({}))).toBe('Throttling');
  expect((await control.calls()).throttled).toBe(2);
});
