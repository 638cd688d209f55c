import { describe, expect, test } from '@jest/globals';
import { UnusablePasswordKey } from '../../../../operator/controllers/account/password-tools.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import type { CredentialFacts } from '../../../../src/account/index.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
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
import type { Desk } from './desk.ts';

const hour = 3_600_000;
const none = { console: { access: 'None' } } as const;
const denied = 'IDHubDisabled';

async function adopted(desk: Desk, spec: object): Promise<void> {
  desk.cluster.apply('jo', { ...spec, adoptionPolicy: 'IfUnowned' });
  await desk.read();
  await tick(desk);
}

describe('disabled and enabled', () => {
  test('the password goes, none is set meanwhile, and a new one is back before the Deny goes (C08)', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const before = expectPublished(desk);
    desk.clock.ms += hour;
    desk.cluster.apply('jo', { ...managed, enabled: false });
    await desk.run('jo');
    expect(user(desk).console).toBe(false);
    const since = desk.aws.calls.length;
    desk.cluster.apply('jo', { console: { access: 'Managed', reset: { requestId: 'r1' } }, enabled: false });
    await desk.run('jo');
    await desk.read();
    await desk.run('jo');
    expect(consoleCalls(desk, since)).toEqual([]);
    expect(desk.cluster.object('jo').status?.access?.console).toBe('None');
    desk.cluster.apply('jo', { console: { access: 'Managed', reset: { requestId: 'r1' } }, enabled: true });
    const opening = desk.aws.writes.length;
    await desk.run('jo');
    expect(desk.aws.writes.slice(opening)).toEqual([
      'TagUser',
      'CreateLoginProfile',
      'DeleteUserPolicy',
      'UntagUser',
    ]);
    // One password, for the enable and the reset together.
    expect(expectPublished(desk)).not.toBe(before);
    expect(user(desk).resetRequired).toBe(true);
    expect(desk.events.map(({ message }) => message).join('\n')).toMatch(
      /password set, since the one before was removed when the account was disabled \(Secret jo-credentials\)/,
    );
    expect(memory(desk)['back']).toBeUndefined();
    const calls = desk.aws.calls.length;
    await goOn(desk, 600_000);
    expect(consoleCalls(desk, calls)).toEqual([]);
  });

  test('the password of a Secret is set again with the enable, the one that is in it then', async () => {
    const desk = await deskWith(given);
    await tick(desk);
    desk.cluster.apply('jo', { ...given, enabled: false });
    await tick(desk);
    desk.cluster.vault.put('initial', { password: second });
    await goOn(desk, 60_000);
    expect(user(desk).console).toBe(false);
    desk.cluster.apply('jo', { ...given, enabled: true });
    await tick(desk);
    expect(user(desk)).toMatchObject({ console: true, password: second });
    expect(writes(desk)).toEqual(['CreateLoginProfile', 'DeleteLoginProfile', 'CreateLoginProfile']);
  });

  test('what cannot be set stops no enable, and is set when it can be', async () => {
    const desk = await deskWith(given);
    await tick(desk);
    desk.cluster.apply('jo', { ...given, enabled: false });
    await tick(desk);
    desk.cluster.vault.put('initial', { password: 'Sh0rt!' });
    desk.cluster.apply('jo', { ...given, enabled: true });
    await tick(desk);
    expect(user(desk).inline.has(denied)).toBe(false);
    expect(desk.ready('jo')).toBe('False PasswordPolicyViolation');
    await desk.start();
    desk.cluster.vault.put('initial', { password: first });
    await goOn(desk, 60_000);
    expect(user(desk)).toMatchObject({ console: true, password: first });
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('an enable that does not come to its end sets no password a second time', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.cluster.apply('jo', { ...managed, enabled: false });
    await desk.run('jo');
    desk.aws.refuse = ({ operation }) => (operation === 'DeleteUserPolicy' ? 'accessDenied' : undefined);
    desk.cluster.apply('jo', { ...managed, enabled: true });
    for (let round = 0; round < 4; round += 1) {
      await desk.read();
      await goOn(desk, 600_000);
    }
    await desk.start();
    await tick(desk);
    expect(user(desk).inline.has(denied)).toBe(true);
    expect(writes(desk)).toEqual(['CreateLoginProfile', 'DeleteLoginProfile', 'CreateLoginProfile']);
    desk.aws.refuse = () => undefined;
    await goOn(desk, 60_000);
    await desk.run('jo');
    expectPublished(desk);
    expect(user(desk).inline.has(denied)).toBe(false);
  });

  test('a disable in the middle of a password write wins: no login profile is left', async () => {
    for (const spec of [managed, given]) {
      for (let write = 1; write <= 6; write += 1) {
        const desk = await deskWith(spec);
        desk.aws.crashAs = 'unreachable';
        desk.aws.writesUntilCrash = write;
        await desk.reconcile('jo').catch(() => undefined);
        desk.cluster.apply('jo', { ...spec, enabled: false });
        await tick(desk);
        expect(user(desk).console).toBe(false);
        expect(user(desk).inline.has(denied)).toBe(true);
        expect(memory(desk)['pending'] ?? null).toBeNull();
        desk.cluster.apply('jo', { ...spec, enabled: true });
        await tick(desk);
        expect(user(desk).console).toBe(true);
        expect(user(desk).password).toBe(
          spec === given ? first : desk.cluster.vault.data(secretName)?.['password'],
        );
      }
    }
  });

  test('a login profile that AWS does not show yet when it is disabled is removed all the same', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.aws.refuse = ({ operation }) => (operation === 'GetLoginProfile' ? 'notFound' : undefined);
    desk.clock.ms += 1_000;
    desk.cluster.apply('jo', { ...managed, enabled: false });
    await tick(desk);
    expect(user(desk).console).toBe(false);
  });

  test('right after the login profile was made AWS refuses to remove it: it is tried until it is gone', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.aws.profileSettles = true;
    desk.cluster.apply('jo', { ...managed, enabled: false });
    await tick(desk);
    expect(user(desk).inline.has(denied)).toBe(true);
    desk.aws.profileSettles = false;
    await tick(desk);
    expect(user(desk).console).toBe(false);
  });

  test('an account that was made disabled gets its password with the first enable', async () => {
    const desk = await deskWith({ ...managed, enabled: false });
    await desk.run('jo');
    expect(consoleCalls(desk).filter((call) => call !== 'GetLoginProfile')).toEqual([]);
    desk.cluster.apply('jo', managed);
    await desk.run('jo');
    expectPublished(desk);
  });

  test('a user that was found in AWS and is enabled again gets a generated one (C08)', async () => {
    const desk = await deskWith({});
    desk.cluster.accounts.clear();
    desk.aws.add('jo', { console: true, password: 'theirs' });
    await adopted(desk, { ...managed, enabled: false });
    expect(user(desk).console).toBe(false);
    await adopted(desk, managed);
    expectPublished(desk);
  });

  test('without a word on the console nothing is set, and the event says so (C07)', async () => {
    const desk = await deskWith({});
    await desk.run('jo');
    user(desk).console = true;
    desk.cluster.apply('jo', { enabled: false });
    await desk.run('jo');
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    expect(user(desk).console).toBe(false);
    expect(writes(desk)).toEqual(['DeleteLoginProfile']);
    expect(desk.events.map(({ message }) => message).join('\n')).toContain('set a new one in AWS');
  });
});

describe('a user that was there before', () => {
  test('keeps its password where nothing is said, where it is Unmanaged, and where it is Managed (C07 a)', async () => {
    for (const spec of [{}, { console: { access: 'Unmanaged' } }, managed, given]) {
      const desk = await deskWith({});
      desk.cluster.accounts.clear();
      desk.aws.add('jo', { console: true, password: 'theirs' });
      await adopted(desk, spec);
      await goOn(desk, 600_000);
      expect(desk.ready('jo')).toBe('True AsDeclared');
      expect(user(desk).password).toBe('theirs');
      expect(writes(desk)).toEqual([]);
    }
  });

  test('and gets the next one that is declared', async () => {
    const desk = await deskWith({});
    desk.cluster.accounts.clear();
    desk.aws.add('jo', { console: true, password: 'theirs' });
    await adopted(desk, given);
    desk.cluster.vault.put('initial', { password: second });
    await goOn(desk, 60_000);
    expect(user(desk).password).toBe(second);
    await adopted(desk, { console: { access: 'Managed', reset: { requestId: 'r1' } } });
    expectPublished(desk);
  });

  test('without key, password or any use of them is as declared (C07 e)', async () => {
    const desk = await deskWith({});
    desk.cluster.accounts.clear();
    desk.aws.add('jo');
    await adopted(desk, {});
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.cluster.object('jo').status?.lastActivity).toBeUndefined();
  });

  test('without one gets one; a lost or spoilt memory writes none over it', async () => {
    const desk = await deskWith({});
    desk.cluster.accounts.clear();
    desk.aws.add('jo');
    await adopted(desk, managed);
    expectPublished(desk);
    const password = user(desk).password;
    for (const text of ['{', '[]', '7', '{"pending":{}}', '{"user":"AIDA-another"}']) {
      desk.cluster.apply('jo', managed, { [annotations.console]: text });
      await tick(desk);
      expect(user(desk).password).toBe(password);
    }
    expect(writes(desk)).toEqual(['CreateLoginProfile']);
  });

  test('made in the place of a deleted one, has none of that one’s passwords', async () => {
    const desk = await deskWith({ ...managed, onExternalDelete: 'Recreate' });
    await desk.run('jo');
    const before = expectPublished(desk);
    desk.aws.users.pop();
    desk.clock.ms += hour;
    await desk.read();
    await desk.run('jo');
    await desk.run('jo');
    expect(expectPublished(desk)).not.toBe(before);
  });
});

describe('None, Managed, Unmanaged', () => {
  test('None removes what is there, with Secret and right, and makes no call later', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.clock.ms += hour;
    desk.cluster.apply('jo', none);
    await desk.run('jo');
    expect(user(desk).console).toBe(false);
    expect(user(desk).attached.size).toBe(0);
    expect(desk.cluster.vault.secrets.has(secretName)).toBe(false);
    expect(desk.cluster.object('jo').status?.credentialsSecretName).toBeUndefined();
    const calls = desk.aws.calls.length;
    for (let round = 0; round < 10; round += 1) {
      await desk.read();
      await goOn(desk, 600_000);
    }
    expect(consoleCalls(desk, calls)).toEqual([]);
    expect(desk.cluster.object('jo').status?.access?.console).toBe('None');
  });

  test('each follows each, on a user with and without a password', async () => {
    const kinds = [none, managed, { console: { access: 'Unmanaged' } } as const, {}];
    for (const one of kinds) {
      for (const other of kinds) {
        for (const third of kinds) {
          const desk = await deskWith(one);
          await desk.run('jo');
          desk.clock.ms += hour;
          desk.cluster.apply('jo', other);
          await desk.run('jo');
          desk.clock.ms += hour;
          const there = user(desk).console;
          desk.cluster.apply('jo', third);
          await desk.run('jo');
          expect(user(desk).console).toBe(third === managed || (third !== none && there));
          expect(desk.ready('jo')).toBe('True AsDeclared');
          const calls = desk.aws.calls.length;
          await goOn(desk, 600_000);
          expect(consoleCalls(desk, calls)).toEqual([]);
        }
      }
    }
  });

  test('what others do while it is Unmanaged stays when it is Managed again, and goes when it is None again', async () => {
    const desk = await deskWith(none);
    await desk.run('jo');
    desk.cluster.apply('jo', { console: { access: 'Unmanaged' } });
    await desk.run('jo');
    Object.assign(user(desk), { console: true, password: 'theirs' });
    desk.cluster.apply('jo', managed);
    await desk.run('jo');
    expect(user(desk).password).toBe('theirs');
    desk.cluster.apply('jo', none);
    await desk.run('jo');
    expect(user(desk).console).toBe(false);
  });

  test('a password that somebody removes in AWS is set again when that is looked for', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.clock.ms += hour;
    user(desk).console = false;
    await desk.read();
    await desk.run('jo');
    expect(user(desk).console).toBe(false);
    desk.cluster.apply('jo', managed, { [annotations.reconcileAt]: '1' });
    await desk.run('jo');
    expectPublished(desk);
    expect(desk.cluster.object('jo').status?.drift?.fields).toEqual(['console']);
  });
});

describe('the right to choose another one', () => {
  test('is not given where the user has it, and then not taken away', async () => {
    const desk = await deskWith({});
    await desk.run('jo');
    user(desk).attached.add(changeArn);
    desk.cluster.apply('jo', managed);
    await desk.run('jo');
    expect(desk.aws.count('AttachUserPolicy')).toBe(0);
    desk.cluster.apply('jo', none);
    await desk.run('jo');
    expect([...user(desk).attached]).toEqual([changeArn]);
  });

  test('is not taken away while a binding wants it, and goes after that', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.bound = true;
    desk.cluster.apply('jo', none);
    await desk.run('jo');
    await desk.run('jo');
    expect([...user(desk).attached]).toEqual([changeArn]);
    desk.bound = false;
    await desk.run('jo');
    expect(user(desk).attached.size).toBe(0);
  });

  test('finds no room: told, and nothing else stops', async () => {
    const desk = await deskWith({});
    await desk.run('jo');
    for (let index = 0; index < 10; index += 1) {
      user(desk).attached.add(`arn:aws:iam::aws:policy/P${index}`);
    }
    desk.cluster.apply('jo', { ...managed, programmatic: { access: 'Managed' } });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False LimitExceeded');
    expect(desk.message('jo')).toMatch(/10 managed policies/);
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
    expectPublished(desk);
    expect(desk.aws.count('AttachUserPolicy')).toBe(0);
    user(desk).attached.delete('arn:aws:iam::aws:policy/P1');
    await goOn(desk, 600_000);
    expect(user(desk).attached.has(changeArn)).toBe(true);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('stays with a user that is let go of, and so do password and Secret', async () => {
    const desk = await deskWith({ ...managed, deletionPolicy: 'Retain' });
    await desk.run('jo');
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.has('jo')).toBe(false);
    expect([...user(desk).attached]).toEqual([changeArn]);
    expectPublished(desk);
    expect(desk.cluster.vault.secrets.get(secretName)?.metadata.ownerReferences ?? []).toEqual([]);
  });

  test.each([
    ['nothing said', given, {}, false],
    ['the connection says so', given, { settings: { changePasswordNextSignIn: true } }, true],
    [
      'the account says otherwise',
      { console: { ...given.console, resetRequired: false } },
      { settings: { changePasswordNextSignIn: true } },
      false,
    ],
    ['the account says so', { console: { ...given.console, resetRequired: true } }, {}, true],
    ['generated', managed, {}, true],
    ['generated, and not wanted', { console: { access: 'Managed', resetRequired: false } }, {}, false],
  ] as const)('goes with a change that is required: %s', async (_name, spec, options, required) => {
    const desk = await deskWith(spec, options);
    await tick(desk);
    expect(user(desk).resetRequired).toBe(required);
    expect([...user(desk).attached]).toEqual(required ? [changeArn] : []);
  });
});

describe('secrets stay secret (C29)', () => {
  test('no password in objects, events and logs, whatever fails', async () => {
    const fragile = new Set<string>([
      'CreateLoginProfile',
      'UpdateLoginProfile',
      'AttachUserPolicy',
      'DeleteUserPolicy',
    ]);
    for (const spec of [managed, given]) {
      for (const kind of ['accessDenied', 'unreachable', 'invalid', 'temporary', 'limitExceeded'] as const) {
        const desk = await deskWith(spec);
        const passwords = new Set(spec === given ? [first, second] : []);
        const note = (): void => {
          const stored = desk.cluster.vault.data(secretName)?.['password'];
          if (stored !== undefined) {
            passwords.add(stored);
          }
        };
        for (const fails of [true, false]) {
          desk.aws.refuse = ({ operation }) => (fails && fragile.has(operation) ? kind : undefined);
          await tick(desk);
          note();
          desk.cluster.vault.put('initial', { password: second });
          desk.cluster.apply('jo', { console: { ...spec.console, reset: { requestId: String(fails) } } });
          await tick(desk);
          note();
          desk.cluster.apply('jo', { ...spec, enabled: false });
          await tick(desk);
          desk.cluster.apply('jo', spec);
          await tick(desk);
          note();
        }
        const told = JSON.stringify([desk.cluster.object('jo'), desk.events, desk.logs]);
        expect([...passwords].filter((password) => told.includes(password))).toEqual([]);
        for (const password of passwords) {
          expect(desk.protectedValues).toContain(password);
        }
      }
    }
  });

  test('a Secret that cannot be written is told, nothing is set, and it is tried again', async () => {
    const desk = await deskWith();
    const forbidden = new ApiError({ code: 403, reason: 'Forbidden', message: 'secrets is forbidden' });
    desk.cluster.vault.refuse = () => forbidden;
    await tick(desk);
    expect(desk.ready('jo')).toBe('False SecretNotWritten');
    expect(writes(desk)).toEqual([]);
    desk.cluster.vault.refuse = () => undefined;
    await goOn(desk, 60_000);
    expectPublished(desk);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });
});

test('without the key that passwords are known by none is set, and the rest of the account is done', async () => {
  const desk = await deskWith({ ...given, programmatic: { access: 'Managed' } });
  const { passwordKey } = desk;
  desk.passwordKey = { obtain: () => Promise.reject(new UnusablePasswordKey('the key is spoilt')) };
  await desk.start();
  await tick(desk);
  expect(desk.ready('jo')).toBe('False SecretNotWritten');
  expect(desk.message('jo')).toContain('the key is spoilt');
  expect(desk.aws.count('CreateAccessKey')).toBe(1);
  expect(writes(desk)).toEqual([]);
  desk.passwordKey = passwordKey;
  await desk.start();
  await tick(desk);
  expect(user(desk).password).toBe(first);
});

describe('what the credential report says', () => {
  function report(desk: Desk, facts: Partial<CredentialFacts>): void {
    const said: CredentialFacts = { asOf: desk.clock.ms, console: true, mfa: false, keys: [], ...facts };
    desk.report = { of: () => said };
  }
  const looks = (desk: Desk): number => desk.aws.count('GetLoginProfile');

  test('None: a password that somebody gave is removed; a report from before that makes no call', async () => {
    const desk = await deskWith(none);
    await desk.run('jo');
    user(desk).console = true;
    desk.clock.ms += hour;
    report(desk, {});
    await desk.read();
    await desk.run('jo');
    expect(user(desk).console).toBe(false);
    expect(desk.cluster.object('jo').status?.drift?.fields).toEqual(['console']);
    const before = looks(desk);
    for (let round = 0; round < 3; round += 1) {
      await desk.start();
      await goOn(desk, 600_000);
    }
    expect(looks(desk)).toBe(before);
  });

  test('Managed: one that somebody removed is set again; a look that finds one is taken once for each report', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    report(desk, { console: false, asOf: desk.clock.ms - hour });
    await desk.read();
    await desk.run('jo');
    expect(looks(desk)).toBe(0);
    desk.clock.ms += hour;
    report(desk, { console: false });
    for (let round = 0; round < 3; round += 1) {
      await desk.read();
      await goOn(desk, 600_000);
    }
    // Removed and made again by others: there is one.
    expect(looks(desk)).toBe(1);
    expect(writes(desk)).toEqual(['CreateLoginProfile']);
    user(desk).console = false;
    report(desk, { console: false });
    await desk.read();
    await desk.run('jo');
    expectPublished(desk);
    expect(desk.cluster.object('jo').status?.drift?.fields).toEqual(['console']);
  });

  test('a password that the person chose since takes the right away, and it comes back with the next reset', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const setAt = memory(desk)['setAt'] as number;
    report(desk, { passwordChangedAt: setAt - 1_000 });
    await desk.read();
    await desk.run('jo');
    expect([...user(desk).attached]).toEqual([changeArn]);
    user(desk).password = 'their own';
    desk.clock.ms += 5 * hour;
    report(desk, { passwordChangedAt: setAt + hour });
    await desk.read();
    await desk.run('jo');
    expect(user(desk).attached.size).toBe(0);
    expect(user(desk).password).toBe('their own');
    const calls = desk.aws.calls.length;
    await goOn(desk, 600_000);
    expect(consoleCalls(desk, calls)).toEqual([]);
    desk.cluster.apply('jo', { console: { access: 'Managed', reset: { requestId: 'r1' } } });
    await desk.run('jo');
    expect([...user(desk).attached]).toEqual([changeArn]);
    expectPublished(desk);
  });
});
