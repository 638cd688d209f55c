import { describe, expect, test } from '@jest/globals';
import { bench, code } from './harness.ts';
import { SimulatorControl, startSimulator } from './index.ts';

describe.each(['in the process', 'over HTTP'])('control %s', (where) => {
  async function controlled(options = {}) {
    const made = await bench(options);
    return {
      ...made,
      control: where === 'over HTTP' ? new SimulatorControl(made.simulator.url) : made.control,
    };
  }

  test('counts calls by operation and key, and remembers writes', async () => {
    const { iam, organizations, control, simulator, account } = await controlled({ organizations: {} });
    const [admin] = simulator.accounts;
    await iam.createUser({ UserName: 'u' });
    await code(iam.createUser({ UserName: 'U' }));
    await iam.listPolicies({});
    await organizations.listPolicies({ Filter: 'SERVICE_CONTROL_POLICY' });
    expect(await control.calls()).toMatchObject({
      total: 4,
      reads: 2,
      writes: 2,
      throttled: 0,
      byOperation: { CreateUser: 2, ListPolicies: 1, 'organizations:ListPolicies': 1 },
      byAccessKey: { [admin?.accessKeyId ?? '']: 4 },
      errors: { CreateUser: { EntityAlreadyExists: 1 } },
      startTimes: [expect.any(Number), expect.any(Number), expect.any(Number), expect.any(Number)],
    });
    const write = {
      account,
      operation: 'CreateUser',
      principal: `arn:aws:iam::${account}:user/administrator`,
      accessKeyId: admin?.accessKeyId,
    };
    expect(await control.writes()).toMatchObject([
      { ...write, user: 'u', code: 'OK' },
      { ...write, user: 'U', code: 'EntityAlreadyExists' },
    ]);
    await control.resetCalls();
    expect(await control.calls()).toMatchObject({ total: 0, byOperation: {}, startTimes: [] });
    expect(await control.writes()).toEqual([]);
  });

  test('a reset brings the beginning back, with the same keys', async () => {
    const { iam, sts, control } = await controlled({ accounts: [{ users: 2 }] });
    const before = await control.account();
    await iam.createUser({ UserName: 'u' });
    await iam.deleteUser({ UserName: 'user-00001' });
    await control.fault({ times: -1, error: { code: 'Throttling' } });
    await control.configure({ shortPages: true, latencyMs: 1 });
    await control.reset();
    expect(await code(sts.getCallerIdentity({}))).toBe('OK');
    const after = await control.account();
    expect(after.users.map(({ userName, userId }) => [userName, userId])).toEqual(
      before.users.map(({ userName, userId }) => [userName, userId]),
    );
    expect(await control.faults()).toEqual([]);
  });

  test('shows everything in an account', async () => {
    const { iam, control, account } = await controlled({ accounts: [{ alias: 'acme', users: 1 }] });
    await iam.createGroup({ GroupName: 'g' });
    await iam.addUserToGroup({ GroupName: 'g', UserName: 'user-00001' });
    const found = await control.account(account);
    expect(found).toMatchObject({
      id: account,
      partition: 'aws',
      alias: 'acme',
      users: [{ userName: 'administrator' }, { userName: 'user-00001', groups: ['g'] }],
      groups: [{ groupName: 'g', members: ['user-00001'] }],
      policies: [],
    });
    expect(await control.user('USER-00001')).toEqual(found.users[1]);
    expect(await control.user('none')).toBeUndefined();
    await expect(control.account('000000000000')).rejects.toThrow(/no account 000000000000/);
  });

  test('moves the clock', async () => {
    const { control } = await controlled();
    const before = await control.advanceClock(0);
    expect((await control.advanceClock(3_600_000)) - before).toBeGreaterThanOrEqual(3_600_000);
  });

  test('orders faults one at a time or several', async () => {
    const { iam, control } = await controlled();
    const faults = await control.fault(
      { error: { code: 'Throttling' } },
      { error: { code: 'AccessDenied' } },
    );
    expect(faults.map(({ id, hits }) => [id, hits])).toEqual([
      [1, 0],
      [2, 0],
    ]);
    expect(await code(iam.listUsers({}))).toBe('Throttling');
    expect(await code(iam.listUsers({}))).toBe('AccessDenied');
    expect(await code(iam.listUsers({}))).toBe('OK');
  });

  test('checks passwords', async () => {
    const { iam, control } = await controlled();
    await iam.createUser({ UserName: 'u' });
    await iam.createLoginProfile({ UserName: 'u', Password: 'Correct-horse-1' });
    expect(await control.checkPassword('u', 'Correct-horse-1')).toBe(true);
    expect(await control.signIn('u', 'Correct-horse-2')).toBe(false);
  });
});

test('the surface refuses what it does not know', async () => {
  const { simulator } = await bench();
  const send = async (method: string, path: string, body?: string): Promise<number> =>
    (await fetch(`${simulator.url}/_simulator/${path}`, { method, ...(body === undefined ? {} : { body }) }))
      .status;
  expect(await send('GET', 'nothing')).toBe(404);
  expect(await send('POST', 'faults', 'nonsense')).toBe(400);
  expect(await send('POST', 'clock', '{"advanceMs":"soon"}')).toBe(400);
  expect(await send('POST', 'faults', '{"clear":true}')).toBe(200);
  expect(await send('GET', 'accounts/%zz')).toBe(400);
});

test('a port that is taken is an error', async () => {
  const { simulator } = await bench();
  await expect(startSimulator({ port: simulator.port })).rejects.toThrow(/EADDRINUSE/);
});

test('accounts are apart: each key sees its own, aliases are unique in a partition', async () => {
  const { simulator, as } = await bench({ accounts: 3 });
  const clients = simulator.accounts.map((account) => as(account).iam);
  await Promise.all(clients.map((iam, index) => iam.createUser({ UserName: `only-${index}` })));
  for (const [index, iam] of clients.entries()) {
    expect((await iam.listUsers({})).Users?.map(({ UserName }) => UserName)).toEqual([
      'administrator',
      `only-${index}`,
    ]);
  }
  const [first, second] = clients;
  await first?.createAccountAlias({ AccountAlias: 'acme' });
  expect(await code(second?.createAccountAlias({ AccountAlias: 'acme' }) ?? Promise.resolve())).toBe(
    'EntityAlreadyExistsException',
  );
  expect((await first?.listAccountAliases({}))?.AccountAliases).toEqual(['acme']);
  await first?.deleteAccountAlias({ AccountAlias: 'acme' });
  expect((await first?.listAccountAliases({}))?.AccountAliases).toEqual([]);
});

test('the same seed gives the same accounts and keys, another one others', async () => {
  const one = await bench({ seed: 5, accounts: 2 });
  const two = await bench({ seed: 5, accounts: 2 });
  const three = await bench({ seed: 6, accounts: 2 });
  expect(two.simulator.accounts).toEqual(one.simulator.accounts);
  expect(three.simulator.accounts).not.toEqual(one.simulator.accounts);
  expect(one.simulator.accounts[0]?.id).toMatch(/^\d{12}$/);
});
