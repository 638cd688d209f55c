import { describe, expect, test } from '@jest/globals';
import {
  changeArn,
  consoleCalls,
  deskWith,
  expectPublished,
  first,
  given,
  goOn,
  managed,
  memory,
  second,
  secretName,
  tick,
  user,
  writes,
} from './console-desk.ts';
import { passwordKey, type Desk } from './desk.ts';

describe('a password is generated and published', () => {
  test('for a joiner, without a look; the Secret belongs to the object, a change is required (C07)', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    expectPublished(desk);
    expect(user(desk).resetRequired).toBe(true);
    expect(consoleCalls(desk)).toEqual([
      'GetAccountPasswordPolicy',
      'CreateLoginProfile',
      'AttachUserPolicy',
    ]);
    expect([...user(desk).attached]).toEqual([changeArn]);
    const { metadata, status } = desk.cluster.object('jo');
    expect(desk.cluster.vault.secrets.get(secretName)?.metadata.ownerReferences?.[0]).toMatchObject({
      uid: metadata.uid,
    });
    expect(status).toMatchObject({
      credentialsSecretName: secretName,
      access: { console: 'Enabled' },
    });
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.events.map(({ message }) => message)).toContain(
      `console password set (Secret ${secretName})`,
    );
  });

  test('and ten resyncs, a restart and a restore without status make no call for it (C07 b)', async () => {
    for (const spec of [managed, given]) {
      const desk = await deskWith(spec);
      await tick(desk);
      const before = desk.aws.calls.length;
      for (let round = 0; round < 10; round += 1) {
        await desk.read();
        await goOn(desk, 600_000);
      }
      await desk.start();
      await tick(desk);
      desk.cluster.restore('jo');
      await desk.start();
      await tick(desk);
      expect(consoleCalls(desk, before)).toEqual([]);
      expect(writes(desk)).toEqual(['CreateLoginProfile']);
    }
  });

  test('with as many characters as the account asks for', async () => {
    const desk = await deskWith();
    desk.aws.passwordPolicy = { MinimumPasswordLength: 64, AllowUsersToChangePassword: true };
    await desk.run('jo');
    expect(expectPublished(desk)).toHaveLength(64);
    // The account lets its users choose: no right is needed.
    expect(user(desk).attached.size).toBe(0);
  });

  test('once more where the policy has become stricter meanwhile', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.aws.passwordPolicy = { MinimumPasswordLength: 64, AllowUsersToChangePassword: true };
    desk.cluster.apply('jo', { console: { access: 'Managed', reset: { requestId: 'r1' } } });
    await desk.run('jo');
    expect(expectPublished(desk)).toHaveLength(64);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test("not over a Secret that is somebody else's: nothing is set until it is gone (C06 b)", async () => {
    const desk = await deskWith();
    desk.cluster.vault.put(secretName, { mine: 'x' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False SecretConflict');
    expect(writes(desk)).toEqual([]);
    expect(desk.cluster.vault.data(secretName)).toEqual({ mine: 'x' });
    desk.cluster.vault.secrets.delete(secretName);
    await desk.run('jo');
    expectPublished(desk);
    expect(consoleCalls(desk)).not.toContain('GetLoginProfile');
  });

  test('is moved with its Secret, renamed with the user, and set no second time', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const password = expectPublished(desk);
    desk.cluster.apply('jo', { ...managed, credentialsSecretName: 'elsewhere' });
    await desk.run('jo');
    expect(desk.cluster.vault.secrets.has(secretName)).toBe(false);
    expect(expectPublished(desk, 'elsewhere')).toBe(password);
    expect(desk.cluster.object('jo').status?.credentialsSecretName).toBe('elsewhere');
    desk.cluster.apply('jo', { ...managed, credentialsSecretName: 'elsewhere', userName: 'jo.ann' });
    await desk.run('jo');
    expect(desk.cluster.vault.data('elsewhere')).toMatchObject({ userName: 'jo.ann', password });
    expect(writes(desk)).toEqual(['CreateLoginProfile']);
  });

  test('is moved together with an access key, by whichever is first', async () => {
    const both = { ...managed, programmatic: { access: 'Managed' } } as const;
    const desk = await deskWith(both);
    await desk.run('jo');
    const before = desk.cluster.vault.data(secretName);
    expect(Object.keys(before ?? {}).sort()).toEqual(
      ['accessKeyId', 'accountId', 'password', 'secretAccessKey', 'userName'].sort(),
    );
    desk.cluster.apply('jo', { ...both, credentialsSecretName: 'elsewhere' });
    await desk.run('jo');
    expect(desk.cluster.vault.data('elsewhere')).toEqual(before);
    expect(desk.cluster.vault.secrets.has(secretName)).toBe(false);
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
    expect(writes(desk)).toEqual(['CreateLoginProfile']);
    // Each leaves the other's entries when it goes.
    desk.cluster.apply('jo', {
      console: { access: 'None' },
      programmatic: { access: 'Managed' },
      credentialsSecretName: 'elsewhere',
    });
    await desk.run('jo');
    expect(desk.cluster.vault.data('elsewhere')?.['password']).toBeUndefined();
    expect(desk.cluster.vault.data('elsewhere')?.['accessKeyId']).toBe(before?.['accessKeyId']);
    expect(user(desk).console).toBe(false);
  });
});

describe('a password from a Secret', () => {
  test('is set once, again only when it changes (C07 b, d), and never over what the person chose (C07 c)', async () => {
    const desk = await deskWith(given);
    await tick(desk);
    expect(user(desk).password).toBe(first);
    expect(user(desk).resetRequired).toBe(false);
    expect(desk.cluster.vault.secrets.has(secretName)).toBe(false);
    user(desk).password = 'chosen by the person';
    // The same value under another resourceVersion is no change.
    desk.cluster.vault.put('initial', { password: first, other: 'x' });
    await goOn(desk, 60_000);
    expect(user(desk).password).toBe('chosen by the person');
    desk.cluster.vault.put('initial', { password: second });
    await goOn(desk, 60_000);
    await goOn(desk, 60_000);
    expect(user(desk).password).toBe(second);
    expect(writes(desk)).toEqual(['CreateLoginProfile', 'UpdateLoginProfile']);
  });

  test('is looked at within 60 seconds', async () => {
    const desk = await deskWith(given);
    await tick(desk);
    const { requeueAfterMs } = await desk.reconcile('jo');
    expect(requeueAfterMs).toBeLessThan(60_000);
    expect(requeueAfterMs).toBeGreaterThan(20_000);
  });

  test('that is not there is told, and waited for; everything else goes on', async () => {
    const desk = await deskWith({ ...given, tags: { team: 'a' } });
    desk.cluster.vault.secrets.delete('initial');
    await tick(desk);
    expect(desk.ready('jo')).toBe('False PasswordSecretNotFound');
    expect(desk.message('jo')).toContain('Secret initial, key password');
    desk.cluster.apply('jo', { ...given, tags: { team: 'b' } });
    await tick(desk);
    expect(user(desk).tags.get('team')).toBe('b');
    desk.cluster.vault.put('initial', { password: first });
    await goOn(desk, 60_000);
    expect(user(desk).password).toBe(first);
    expect(desk.ready('jo')).toBe('True AsDeclared');
    // It was used: it may go.
    desk.cluster.vault.secrets.delete('initial');
    await goOn(desk, 60_000);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('that AWS refuses is told with its sentence, stops nothing else, and is tried again when it changes', async () => {
    const desk = await deskWith({ ...given, programmatic: { access: 'Managed' } });
    desk.cluster.vault.put('initial', { password: 'Sh0rt!' });
    await tick(desk);
    expect(desk.ready('jo')).toBe('False PasswordPolicyViolation');
    expect(desk.message('jo')).toMatch(/Secret initial, key password .*minimum length of 8/);
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
    await goOn(desk, 60_000);
    await goOn(desk, 600_000);
    expect(desk.aws.count('CreateLoginProfile')).toBe(1);
    await goOn(desk, 3_600_000);
    expect(desk.aws.count('CreateLoginProfile')).toBe(2);
    desk.cluster.vault.put('initial', { password: first });
    await goOn(desk, 60_000);
    expect(user(desk).password).toBe(first);
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(JSON.stringify([desk.cluster.object('jo'), desk.events, desk.logs])).not.toContain('Sh0rt!');
  });

  test('takes the place of a generated one, which leaves its Secret; and back on a reset', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.cluster.apply('jo', given);
    await tick(desk);
    expect(user(desk).password).toBe(first);
    expect(desk.cluster.vault.secrets.has(secretName)).toBe(false);
    // A change is not required any more: the right to it that came from here goes.
    expect(user(desk).attached.size).toBe(0);
    desk.cluster.apply('jo', managed);
    await tick(desk);
    expect(user(desk).password).toBe(first);
    desk.cluster.apply('jo', { console: { access: 'Managed', reset: { requestId: 'r' } } });
    await tick(desk);
    expectPublished(desk);
  });

  test('under another key than it was known by is the baseline: a lost key writes no password', async () => {
    const desk = await deskWith(given);
    await tick(desk);
    desk.passwordKey = passwordKey('k2');
    desk.cluster.vault.put('initial', { password: second });
    await desk.start();
    await tick(desk);
    expect(writes(desk)).toEqual(['CreateLoginProfile']);
    desk.cluster.vault.put('initial', { password: first });
    await goOn(desk, 60_000);
    expect(writes(desk)).toEqual(['CreateLoginProfile', 'UpdateLoginProfile']);
  });
});

describe('a reset', () => {
  test('sets a new password, once for each request id', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const before = expectPublished(desk);
    const reset = (requestId: string) => ({ console: { access: 'Managed', reset: { requestId } } }) as const;
    desk.cluster.apply('jo', reset('r1'));
    await desk.run('jo');
    const after = expectPublished(desk);
    expect(after).not.toBe(before);
    await desk.start();
    await goOn(desk, 600_000);
    desk.cluster.apply('jo', managed);
    await desk.run('jo');
    desk.cluster.apply('jo', reset('r1'));
    await desk.run('jo');
    expect(expectPublished(desk)).toBe(after);
    desk.cluster.apply('jo', reset('r2'));
    await desk.run('jo');
    expect(expectPublished(desk)).not.toBe(after);
    expect(writes(desk)).toEqual(['CreateLoginProfile', 'UpdateLoginProfile', 'UpdateLoginProfile']);
  });

  test('uses the password that is given', async () => {
    const desk = await deskWith(given);
    await tick(desk);
    user(desk).password = 'chosen by the person';
    desk.cluster.apply('jo', { console: { ...given.console, reset: { requestId: 'r1' } } });
    await tick(desk);
    expect(user(desk).password).toBe(first);
  });

  test('right after the login profile was made waits until AWS lets it be changed', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.aws.profileSettles = true;
    desk.cluster.apply('jo', { console: { access: 'Managed', reset: { requestId: 'r1' } } });
    await tick(desk);
    const stored = desk.cluster.vault.data(secretName)?.['password'];
    expect(user(desk).password).not.toBe(stored);
    desk.aws.profileSettles = false;
    await tick(desk);
    expect(expectPublished(desk)).toBe(stored);
  });
});

describe('whatever breaks off, the user ends with exactly the stored password', () => {
  const scenes: readonly (readonly [string, number, (desk: Desk) => Promise<void>])[] = [
    ['a joiner', 3, async () => undefined],
    [
      'a reset',
      1,
      async (desk) => {
        await desk.run('jo');
        desk.cluster.apply('jo', { console: { access: 'Managed', reset: { requestId: 'r1' } } });
      },
    ],
    [
      'an enable',
      4,
      async (desk) => {
        await desk.run('jo');
        desk.cluster.apply('jo', { ...managed, enabled: false });
        await desk.run('jo');
        desk.cluster.apply('jo', { ...managed, enabled: true });
      },
    ],
    [
      'a new name of the Secret',
      0,
      async (desk) => {
        await desk.run('jo');
        desk.cluster.apply('jo', { ...managed, credentialsSecretName: 'elsewhere' });
      },
    ],
  ];
  for (const [scene, fewest, prepare] of scenes) {
    for (const where of ['aws', 'cluster'] as const) {
      for (const as of ['crash', 'lost'] as const) {
        test(`${scene}: ${as} at each write to ${where} (C07)`, async () => {
          for (let write = 1; ; write += 1) {
            const desk = await deskWith();
            desk.aws.passwordPolicy = {
              MinimumPasswordLength: 12,
              AllowUsersToChangePassword: false,
              forbidsReuse: true,
            };
            await prepare(desk);
            let broke: boolean;
            if (as === 'crash') {
              broke = await desk.dies(write, where, () => desk.run('jo'));
              await desk.start();
            } else {
              desk.aws.crashAs = 'unreachable';
              desk.cluster.crashAs = 'lost';
              const side = where === 'aws' ? desk.aws : desk.cluster;
              side.writesUntilCrash = write;
              await tick(desk);
              broke = side.writesUntilCrash <= 0;
            }
            await tick(desk);
            await desk.run('jo');
            const secret = scene.startsWith('a new name') ? 'elsewhere' : secretName;
            const password = expectPublished(desk, secret);
            expect(user(desk).inline.size).toBe(0);
            expect([...user(desk).attached]).toEqual([changeArn]);
            expect(memory(desk)).toMatchObject({ pending: null, changeRight: true, rightDue: false });
            expect(desk.ready('jo')).toBe('True AsDeclared');
            const calls = desk.aws.calls.length;
            await goOn(desk, 600_000);
            expect(consoleCalls(desk, calls)).toEqual([]);
            expect(user(desk).password).toBe(password);
            if (!broke) {
              expect(write).toBeGreaterThan(where === 'aws' ? fewest : 2);
              break;
            }
          }
        });
      }
    }
  }
});
