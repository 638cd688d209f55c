import { describe, expect, test } from '@jest/globals';
import {
  PasswordPolicies,
  StoredPasswordKey,
  UnusablePasswordKey,
} from '../../../../operator/controllers/account/password-tools.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
import { FakeAws } from '../../../src/fake-aws.ts';
import { FakeSecrets } from './fake-secrets.ts';

const { signal } = new AbortController();
const name = 'idhub-aws-connector-keys';
const entry = 'passwordHmac';

function keyOf(secrets: FakeSecrets, fill = 1) {
  const hidden: string[] = [];
  const key = new StoredPasswordKey({
    client: secrets as never,
    namespace: 'ops',
    make: () => Buffer.alloc(32, fill),
    protectSecret: (value) => hidden.push(value),
  });
  return { key, hidden };
}

const secretsWith = (data?: Record<string, string>): FakeSecrets => {
  const secrets = new FakeSecrets(() => undefined);
  if (data !== undefined) {
    secrets.put(name, data);
  }
  return secrets;
};

describe('the key that passwords are known by', () => {
  test('is made once, kept out of the logs, and found again by every process', async () => {
    const secrets = secretsWith();
    const { key, hidden } = keyOf(secrets);
    const { hash } = await key.obtain(signal);
    const stored = secrets.data(name)?.[entry] ?? '';
    expect(Buffer.from(stored, 'base64')).toEqual(Buffer.alloc(32, 1));
    expect(hidden).toContain(stored);
    const again = await keyOf(secrets, 2).key.obtain(signal);
    expect(again.hash('AIDA1', 'x')).toBe(hash('AIDA1', 'x'));
    expect(secrets.data(name)?.[entry]).toBe(stored);
  });

  test('tells users and passwords apart, says which key it is, and nothing of the password', async () => {
    const one = await keyOf(secretsWith(), 1).key.obtain(signal);
    const other = await keyOf(secretsWith(), 2).key.obtain(signal);
    const all = [
      one.hash('AIDA1', 'x'),
      one.hash('AIDA2', 'x'),
      one.hash('AIDA1', 'y'),
      other.hash('AIDA1', 'x'),
    ];
    expect(new Set(all).size).toBe(4);
    const ids = all.map((hash) => hash.split(':')[0]);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[3]);
    expect(all.join('')).toMatch(/^([0-9a-f]{8}:[A-Za-z0-9_-]{43}){4}$/);
  });

  test('of another process that was first counts', async () => {
    const secrets = secretsWith();
    secrets.refuse = () => {
      secrets.put(name, { [entry]: Buffer.alloc(32, 9).toString('base64') });
      secrets.refuse = () => undefined;
      return undefined;
    };
    const rival = await keyOf(secretsWith({ [entry]: Buffer.alloc(32, 9).toString('base64') })).key.obtain(
      signal,
    );
    const { hash } = await keyOf(secrets).key.obtain(signal);
    expect(hash('u', 'x')).toBe(rival.hash('u', 'x'));
  });

  test.each([
    ['spoilt', { [entry]: 'short' }],
    ['without the entry', { other: 'x' }],
  ])('%s is never written over: somebody has to say that it is lost', async (_what, data) => {
    const secrets = secretsWith(data);
    await expect(keyOf(secrets).key.obtain(signal)).rejects.toThrow(UnusablePasswordKey);
    expect(secrets.data(name)).toEqual(data);
  });

  test('refused is told; a fault passes and is tried again', async () => {
    const secrets = secretsWith();
    const { key } = keyOf(secrets);
    secrets.refuse = () => new ApiError({ code: 403, reason: 'Forbidden', message: 'forbidden' });
    await expect(key.obtain(signal)).rejects.toThrow(
      /ops\/idhub-aws-connector-keys.*right to get and create/,
    );
    secrets.refuse = () => new ApiError({ code: 503, reason: 'ServiceUnavailable', message: 'later' });
    await expect(key.obtain(signal)).rejects.toThrow('later');
    secrets.refuse = () => undefined;
    await expect(key.obtain(signal)).resolves.toBeDefined();
  });
});

test('a password policy is read once in five minutes, for each account, and when it proved wrong', async () => {
  const clock = { ms: 0, now: () => clock.ms };
  const policies = new PasswordPolicies({ clock });
  const [one, other] = [new FakeAws(), new FakeAws()];
  one.passwordPolicy = { MinimumPasswordLength: 30, AllowUsersToChangePassword: true };
  const ask = () => policies.of(one, { signal });
  expect(await ask()).toEqual({ minimumLength: 30, allowsChange: true });
  expect(await policies.of(other, { signal })).toEqual({ minimumLength: 8, allowsChange: false });
  clock.ms = 299_000;
  await ask();
  expect(one.calls).toHaveLength(1);
  policies.forget(one);
  await ask();
  clock.ms = 599_000;
  await ask();
  expect(one.calls).toHaveLength(3);
});
