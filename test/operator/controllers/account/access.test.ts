import { describe, expect, test } from '@jest/globals';
import {
  accessOf,
  accessStatus,
  lastActivityOf,
  type AccessFacts,
} from '../../../../operator/controllers/account/access.ts';
import type { CredentialFacts } from '../../../../src/account/index.ts';

const second = 1_000;
const now = Date.UTC(2026, 0, 15, 12);
const at = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
const ago = (minutes: number): number => now - minutes * 60 * second;

function facts(more: Partial<AccessFacts> = {}): AccessFacts {
  return {
    made: false,
    off: undefined,
    auditedAt: undefined,
    password: { setAt: undefined, none: false },
    keysAreOurs: false,
    keys: undefined,
    keyMemory: undefined,
    keysOpened: false,
    report: undefined,
    past: { access: {}, lastActivity: undefined },
    passwordLastUsed: undefined,
    now,
    ...more,
  };
}

function report(more: Partial<CredentialFacts> = {}): CredentialFacts {
  return { asOf: ago(60), console: false, mfa: false, keys: [], ...more };
}

const key = (status: 'Active' | 'Inactive') => ({ id: 'AKIAX', status, managed: true });
const past = (
  console: 'Enabled' | 'None' | 'Unknown',
  programmatic: 'Enabled' | 'Disabled' | 'None' | 'Unknown',
  since: number,
) => ({ access: { console, programmatic, since: at(since) }, lastActivity: undefined });
const current = { id: 'AKIAX', createdAt: ago(30) };

test.each<[string, Partial<AccessFacts>, string]>([
  ['nothing is known: Unknown', {}, 'Unknown Unknown'],
  ['a user that was made just now has nothing', { made: true }, 'None None'],
  ['by the report: nothing (C07e)', { report: report() }, 'None None'],
  [
    'by the report: a password and an Active key',
    { report: report({ console: true, keys: [{ active: false }, { active: true }] }) },
    'Enabled Enabled',
  ],
  [
    'by the report: keys that are all Inactive',
    { report: report({ keys: [{ active: false }] }) },
    'None Disabled',
  ],
  [
    'a password that we set counts for more than an older report',
    { password: { setAt: ago(30), none: false }, report: report() },
    'Enabled None',
  ],
  [
    'and for less than a newer one, where somebody took it away',
    { password: { setAt: ago(90), none: false }, report: report() },
    'None None',
  ],
  [
    'a password that we took away is gone, whatever the report still says',
    { password: { setAt: undefined, none: true }, report: report({ console: true }) },
    'None None',
  ],
  [
    'made and given a password in one pass',
    { made: true, password: { setAt: now, none: false } },
    'Enabled None',
  ],
  [
    'the same, where the time of AWS was measured a little later',
    {
      made: true,
      password: { setAt: now - 900, none: false },
      keysAreOurs: true,
      keyMemory: { current: { id: 'AKIA1', createdAt: now - 900 } },
    },
    'Enabled Enabled',
  ],
  [
    'keys of ours as they were looked at',
    { keysAreOurs: true, keys: [key('Inactive')], report: report({ keys: [{ active: true }] }) },
    'None Disabled',
  ],
  ['one of them Active', { keysAreOurs: true, keys: [key('Inactive'), key('Active')] }, 'Unknown Enabled'],
  [
    'a key that is remembered, before the first look after a restore',
    { keysAreOurs: true, keyMemory: { current }, report: report() },
    'None Enabled',
  ],
  [
    'which a newer report does not know any more',
    { keysAreOurs: true, keyMemory: { current: { id: 'AKIAX', createdAt: ago(90) } }, report: report() },
    'None None',
  ],
  [
    'a key that stays off after an enable is not taken for usable',
    { keysAreOurs: true, keyMemory: { current, off: true }, report: report({ keys: [{ active: false }] }) },
    'None Disabled',
  ],
  [
    'none kept, and none there',
    { keysAreOurs: true, keyMemory: { current: null, none: true } },
    'Unknown None',
  ],
  [
    'none kept, and others switched off',
    {
      keysAreOurs: true,
      keyMemory: { current: null, none: true },
      report: report({ keys: [{ active: true }] }),
    },
    'None Disabled',
  ],
  [
    'disabled: shut by the last look, whatever the report said before',
    {
      off: [{ kind: 'console' }, { kind: 'accessKey', id: 'AKIAX' }],
      auditedAt: ago(10),
      report: report({ console: true, keys: [{ active: true }] }),
    },
    'None Disabled',
  ],
  ['disabled, with no key at all', { off: [], auditedAt: ago(10), report: report() }, 'None None'],
  [
    'disabled, and something was made since: the truth, until the next audit',
    {
      off: [],
      auditedAt: ago(70),
      report: report({ console: true, keys: [{ active: true }] }),
      past: past('None', 'None', ago(200)),
    },
    'Enabled Enabled',
  ],
  [
    'disabled, restored without status: nothing speaks for it being open',
    { off: [{ kind: 'accessKey', id: 'AKIAX' }] },
    'None Disabled',
  ],
  [
    'a key that was Inactive before the disable is still there',
    { off: [], auditedAt: ago(10), past: past('None', 'Disabled', ago(20)) },
    'None Disabled',
  ],
  [
    'enabled again just now: the keys that came back',
    {
      keysOpened: true,
      report: report({ keys: [{ active: false }] }),
      past: past('None', 'Disabled', ago(10)),
    },
    'None Enabled',
  ],
  [
    'and after it, until a report that is newer says otherwise',
    { report: report({ keys: [{ active: false }] }), past: past('None', 'Enabled', ago(10)) },
    'None Enabled',
  ],
  [
    'which it does',
    { report: report({ keys: [{ active: false }] }), past: past('None', 'Enabled', ago(70)) },
    'None Disabled',
  ],
  [
    'what was known stays while there is no report',
    { past: past('Enabled', 'None', ago(999)) },
    'Enabled None',
  ],
  [
    'Unknown is overruled by anything',
    { report: report({ console: true }), past: past('Unknown', 'Unknown', ago(1)) },
    'Enabled None',
  ],
])('access, %s', (_, more, wanted) => {
  const { console, programmatic } = accessOf(facts(more));
  expect(`${console} ${programmatic}`).toBe(wanted);
});

describe('since when', () => {
  test('is kept for as long as nothing changes, also where nothing is known', () => {
    for (const known of [facts(), facts({ report: report({ console: true }) })]) {
      const first = accessOf(known);
      const later = { ...known, now: now + 3_600_000, past: { ...known.past, access: first } };
      expect(accessOf(later)).toEqual(first);
      const renewed = { ...later, report: later.report && { ...later.report, asOf: now + 1_800_000 } };
      expect(accessOf(renewed)).toEqual(first);
    }
  });

  test('moves with either of the two', () => {
    const known = facts({
      past: past('None', 'None', ago(90)),
      report: report({ keys: [{ active: true }] }),
    });
    expect(accessOf(known)).toEqual({ console: 'None', programmatic: 'Enabled', since: at(now) });
  });
});

test.each<[string, Partial<AccessFacts>, number | undefined]>([
  [
    'never used is a normal value',
    { report: report({ console: true, keys: [{ active: true }] }) },
    undefined,
  ],
  ['the password', { report: report({ passwordLastUsed: 5, keys: [{ active: true, lastUsed: 4 }] }) }, 5],
  [
    'the second key',
    {
      report: report({
        passwordLastUsed: 5,
        keys: [
          { active: true, lastUsed: 4 },
          { active: false, lastUsed: 9 },
        ],
      }),
    },
    9,
  ],
  [
    'the password as the users are listed, newer than the report',
    { passwordLastUsed: 7, report: report({ passwordLastUsed: 5 }) },
    7,
  ],
  [
    'what was known before, of a key that is gone',
    { past: { access: {}, lastActivity: 8 }, report: report({ passwordLastUsed: 5 }) },
    8,
  ],
])('last activity: %s', (_, more, wanted) => {
  expect(lastActivityOf(facts(more))).toBe(wanted);
});

test('what is known of one user is not said of another with the same object', () => {
  const status = {
    userId: 'AIDAOLD',
    access: { console: 'Enabled', programmatic: 'Enabled', since: at(now) },
    lastActivity: at(now),
  };
  const pass = {
    account: {
      apiVersion: '',
      kind: '',
      metadata: { name: 'jo' },
      spec: { connectionRef: { name: 'main' }, userName: 'jo' },
      status,
    },
    connection: { api: { skewMs: 0 }, settings: { timeZone: 'UTC', enableProgrammaticAccess: false } },
    snapshot: { credentials: () => undefined },
    now,
    made: false,
  } as unknown as Parameters<typeof accessStatus>[0];
  const user = (userId: string) =>
    ({ userId, tags: [], passwordLastUsed: undefined }) as unknown as Parameters<typeof accessStatus>[1];
  const known = { keys: undefined, audited: false };
  expect(accessStatus(pass, user('AIDANEW'), known)).toEqual({
    access: { console: 'Unknown', programmatic: 'Unknown', since: at(now) },
  });
  expect(accessStatus(pass, user('AIDAOLD'), known)).toMatchObject({
    access: { console: 'Enabled' },
    lastActivity: at(now),
  });
});
