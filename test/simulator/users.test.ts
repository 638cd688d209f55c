import { describe, expect, test } from '@jest/globals';
import { bench, code, outcome } from './harness.ts';

describe('names', () => {
  test('are unique without regard to case and kept as written', async () => {
    const { iam } = await bench();
    const made = await iam.createUser({ UserName: 'Ada.Lovelace' });
    expect(made.User?.UserId).toMatch(/^AIDA[A-Z2-7]{17}$/);
    expect(await outcome(iam.createUser({ UserName: 'ada.lovelace' }))).toBe(
      'EntityAlreadyExistsException: User with name ada.lovelace already exists.',
    );
    expect((await iam.getUser({ UserName: 'ADA.LOVELACE' })).User?.UserName).toBe('Ada.Lovelace');
    await iam.createGroup({ GroupName: 'Admins' });
    expect(await code(iam.createGroup({ GroupName: 'ADMINS' }))).toBe('EntityAlreadyExistsException');
  });

  test('that do not exist are NoSuchEntity with 404', async () => {
    const { iam } = await bench();
    await expect(iam.getUser({ UserName: 'nobody' })).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      message: 'The user with name nobody cannot be found.',
      $metadata: { httpStatusCode: 404, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  test('are checked against the model before anything is looked up', async () => {
    const { iam } = await bench();
    await expect(iam.createUser({ UserName: "O'Brien" })).rejects.toMatchObject({
      name: 'ValidationError',
      $metadata: { httpStatusCode: 400 },
    });
    expect(await code(iam.createUser({ UserName: 'x'.repeat(65) }))).toBe('ValidationError');
    expect(await code(iam.createUser({ UserName: 'x', Path: 'no-slash' }))).toBe('ValidationError');
  });

  test('without a name, GetUser is about the caller', async () => {
    const { iam, asUser } = await bench();
    expect((await iam.getUser({})).User?.UserName).toBe('administrator');
    await iam.createUser({ UserName: 'bob' });
    const bob = await asUser('bob');
    expect((await bob.iam.getUser({})).User?.UserName).toBe('bob');
  });
});

describe('UpdateUser', () => {
  test('renames and moves, and keeps id, keys, password, tags and groups', async () => {
    const { iam, control } = await bench();
    await iam.createUser({ UserName: 'old', Tags: [{ Key: 'k', Value: 'v' }] });
    await iam.createGroup({ GroupName: 'g' });
    await iam.addUserToGroup({ UserName: 'old', GroupName: 'g' });
    await iam.createLoginProfile({ UserName: 'old', Password: 'Correct-horse-1' });
    await iam.createAccessKey({ UserName: 'old' });
    const before = await control.user('old');
    await iam.updateUser({ UserName: 'OLD', NewUserName: 'new', NewPath: '/staff/' });
    expect(await control.user('old')).toBeUndefined();
    const after = await control.user('new');
    expect(after).toEqual({
      ...before,
      userName: 'new',
      path: '/staff/',
      arn: before?.arn.replace('user/old', 'user/staff/new'),
    });
    expect((await iam.getGroup({ GroupName: 'g' })).Users?.map((user) => user.UserName)).toEqual(['new']);
  });

  test('refuses a name that exists, also the own one in other case', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'one' });
    await iam.createUser({ UserName: 'two' });
    expect(await code(iam.updateUser({ UserName: 'one', NewUserName: 'TWO' }))).toBe(
      'EntityAlreadyExistsException',
    );
    expect(await code(iam.updateUser({ UserName: 'one', NewUserName: 'ONE' }))).toBe(
      'EntityAlreadyExistsException',
    );
  });

  test('a re-created name is another person', async () => {
    const { iam } = await bench();
    const first = await iam.createUser({ UserName: 'bob' });
    await iam.deleteUser({ UserName: 'bob' });
    const second = await iam.createUser({ UserName: 'bob' });
    expect(second.User?.UserId).not.toBe(first.User?.UserId);
    expect(second.User?.Arn).toBe(first.User?.Arn);
  });
});

describe('tags', () => {
  test.each(["O'Brien", '5, High St.', 'a&b', 'a#b', '(x)', 'a;b'])(
    'the value %s is refused',
    async (Value) => {
      const { iam } = await bench();
      expect(await code(iam.createUser({ UserName: 'u', Tags: [{ Key: 'k', Value }] }))).toBe(
        'ValidationError',
      );
      await iam.createUser({ UserName: 'u' });
      expect(await code(iam.tagUser({ UserName: 'u', Tags: [{ Key: 'k', Value }] }))).toBe('ValidationError');
    },
  );

  test('letters of any script and the allowed signs come back as they were', async () => {
    const { iam } = await bench();
    const Tags = [
      { Key: 'Straße', Value: 'Größe 12 / Ärmel' },
      { Key: 'empty', Value: '' },
      { Key: 'signs', Value: '_.:/=+-@ ok' },
      { Key: '名前', Value: '日本 太郎' },
    ];
    await iam.createUser({ UserName: 'u', Tags });
    const { User } = await iam.getUser({ UserName: 'u' });
    expect(User?.Tags).toEqual(Tags);
  });

  test('keys are unique without regard to case: another case replaces', async () => {
    const { iam } = await bench();
    await iam.createUser({ UserName: 'u', Tags: [{ Key: 'Department', Value: 'foo' }] });
    await iam.tagUser({ UserName: 'u', Tags: [{ Key: 'department', Value: 'bar' }] });
    expect((await iam.listUserTags({ UserName: 'u' })).Tags).toEqual([{ Key: 'department', Value: 'bar' }]);
    await iam.untagUser({ UserName: 'u', TagKeys: ['DEPARTMENT'] });
    expect((await iam.listUserTags({ UserName: 'u' })).Tags).toEqual([]);
    const twice = [
      { Key: 'a', Value: '1' },
      { Key: 'A', Value: '2' },
    ];
    expect(await code(iam.tagUser({ UserName: 'u', Tags: twice }))).toBe('InvalidInputException');
    expect(await code(iam.createUser({ UserName: 'v', Tags: twice }))).toBe('InvalidInputException');
    expect(await code(iam.getUser({ UserName: 'v' }))).toBe('NoSuchEntityException');
  });

  test('aws: is reserved', async () => {
    const { iam } = await bench();
    expect(await code(iam.createUser({ UserName: 'u', Tags: [{ Key: 'AWS:x', Value: '1' }] }))).toBe(
      'InvalidInputException',
    );
  });
});

test('ListUsers filters by path on the server and never shows tags or boundary', async () => {
  const { iam, account } = await bench();
  await iam.createPolicy({
    PolicyName: 'edge',
    PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
  });
  const PermissionsBoundary = `arn:aws:iam::${account}:policy/edge`;
  await iam.createUser({
    UserName: 'in',
    Path: '/staff/',
    Tags: [{ Key: 'k', Value: 'v' }],
    PermissionsBoundary,
  });
  await iam.createUser({ UserName: 'out', Path: '/staffing/' });
  const { Users } = await iam.listUsers({ PathPrefix: '/staff/' });
  expect(Users?.map((user) => [user.UserName, user.Tags, user.PermissionsBoundary])).toEqual([
    ['in', undefined, undefined],
  ]);
  const { User } = await iam.getUser({ UserName: 'in' });
  expect(User?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(PermissionsBoundary);
  await iam.deleteUserPermissionsBoundary({ UserName: 'in' });
  expect((await iam.getUser({ UserName: 'in' })).User?.PermissionsBoundary).toBeUndefined();
  expect(await code(iam.deleteUserPermissionsBoundary({ UserName: 'in' }))).toBe('NoSuchEntityException');
});

test('a boundary need not be removed before the user is', async () => {
  const { iam } = await bench();
  const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
  await iam.createUser({ UserName: 'u', PermissionsBoundary });
  await iam.deleteUser({ UserName: 'u' });
  expect(
    await code(iam.createUser({ UserName: 'v', PermissionsBoundary: 'arn:aws:iam::aws:policy/None' })),
  ).toBe('NoSuchEntityException');
});
