import { describe, expect, test } from '@jest/globals';
import { AwsError } from '../../../src/aws/index.ts';
import {
  isPolicyViolation,
  nextConsoleStep,
  noConsole,
  type ConsoleFacts,
  type ConsoleMemory,
} from '../../../src/account/index.ts';

const now = 10_000_000_000;
const hour = 3_600_000;
/** Set a day ago. */
const set: ConsoleMemory = { ...noConsole, setAt: now - 24 * hour, checkedAt: now - 24 * hour };
const given = (password: string, key = 'k1') => ({ kind: 'given', hash: `${key}:${password}` }) as const;
const missing = { kind: 'missing', why: 'there is none' } as const;
const pending = { hash: 'k1:a', generated: true, resetId: null, how: 'update', at: now } as const;
const refused = { input: null, resetId: null, at: now - 60_000, message: 'too short' } as const;
const published = { secret: 'jo-credentials', userName: 'jo' };

const facts: ConsoleFacts = {
  access: 'Managed',
  memory: set,
  made: false,
  opening: false,
  switchedOff: false,
  profile: undefined,
  lookAnyway: false,
  input: { kind: 'generated' },
  resetId: undefined,
  changed: false,
  rightBound: false,
  rightGone: false,
  rightTried: false,
  secretName: 'jo-credentials',
  userName: 'jo',
  now,
};

type Row = readonly [string, Partial<ConsoleFacts>, object];

function check(rows: readonly Row[]): void {
  test.each(rows)('%s', (_name, change, expected) => {
    expect(nextConsoleStep({ ...facts, ...change })).toMatchObject(expected);
  });
}

const create = { do: 'set', how: 'create' };
const update = { do: 'set', how: 'update' };
const look = { do: 'look' };
const rest = { do: 'rest' };

describe('Managed, nothing to do', () => {
  check([
    ['it was set', {}, rest],
    ['it is what the Secret holds', { memory: { ...set, input: 'k1:a' }, input: given('a') }, rest],
    ['the Secret is gone after it was set', { memory: { ...set, input: 'k1:a' }, input: missing }, rest],
    ['the Secret is no longer named', { memory: { ...set, input: 'k1:a' } }, rest],
    ['the reset was obeyed', { memory: { ...set, resetId: 'r1' }, resetId: 'r1' }, rest],
    ['the reset is no longer asked for', { memory: { ...set, resetId: 'r1' } }, rest],
    ['a look has found it', { profile: true }, rest],
  ]);
  test('and rest says no problem', () => {
    expect(nextConsoleStep(facts)).toEqual({ do: 'rest' });
  });
});

describe('Managed, to be set', () => {
  check([
    ['the user was made in this pass', { made: true, memory: undefined }, create],
    ['another password is in the Secret', { memory: { ...set, input: 'k1:a' }, input: given('b') }, update],
    ['a Secret is named now', { input: given('a') }, update],
    ['a reset is asked for', { resetId: 'r1' }, update],
    ['another reset is asked for', { memory: { ...set, resetId: 'r1' }, resetId: 'r2' }, update],
    ['it could not be set when there was none', { memory: { ...noConsole, absent: true } }, create],
    ['it was announced', { memory: { ...set, pending } }, update],
    [
      'somebody removed it in AWS',
      { profile: false },
      { ...create, mended: true, why: expect.stringContaining('removed in AWS') },
    ],
  ]);
});

describe('Managed, where the past is not known', () => {
  const baseline = { ...noConsole, baseline: true } as const;
  check([
    ['declared anew: look', { memory: undefined }, look],
    ['declared anew, there is none', { memory: undefined, profile: false }, create],
    [
      'declared anew, there is one: recorded',
      { memory: undefined, profile: true },
      { do: 'remember', memory: { ...noConsole, checkedAt: now } },
    ],
    ['declared anew with a Secret', { memory: undefined, profile: true, input: given('a') }, update],
    ['declared anew with a reset', { memory: undefined, profile: true, resetId: 'r1' }, update],
    ['baseline: look', { memory: baseline }, look],
    ['baseline, there is none', { memory: baseline, profile: false }, create],
    [
      'baseline, there is one: what there is, is recorded',
      { memory: baseline, profile: true, input: given('a'), resetId: 'r1' },
      { do: 'remember', memory: { ...noConsole, input: 'k1:a', resetId: 'r1', checkedAt: now } },
    ],
    [
      'baseline, there is one, and the Secret is not there yet: it waits',
      { memory: baseline, profile: true, input: missing },
      { do: 'rest', problem: { reason: 'PasswordSecretNotFound' } },
    ],
    [
      'a hash under another key: recorded',
      { memory: { ...set, input: 'k0:b' }, input: given('a') },
      { do: 'remember', memory: { ...set, input: 'k1:a', checkedAt: now } },
    ],
    ['none was wanted before: look', { memory: { ...noConsole, none: true } }, look],
    ['left to others meanwhile: look', { memory: { ...set, lapsed: true } }, look],
    [
      'left to others meanwhile, and as it was',
      { memory: { ...set, input: 'k1:a', lapsed: true }, input: given('a'), profile: true },
      { do: 'remember', memory: { ...set, input: 'k1:a', checkedAt: now } },
    ],
    [
      'left to others meanwhile, and another one is in the Secret',
      { memory: { ...set, input: 'k1:a', lapsed: true }, input: given('b'), profile: true },
      update,
    ],
    [
      'left to others and removed by them is no drift',
      { memory: { ...set, lapsed: true }, profile: false },
      { ...create, why: '' },
    ],
  ]);
});

describe('Managed, a disabled user is let in again', () => {
  const baseline = { ...noConsole, baseline: true } as const;
  check([
    ['it was set before the disable', { opening: true }, create],
    ['it was set again already: look', { opening: true, memory: { ...set, back: true } }, look],
    [
      'it was set again already, and is there',
      { opening: true, memory: { ...set, back: true }, profile: true },
      rest,
    ],
    [
      'it was set again, and disabled again',
      { opening: true, memory: { ...set, back: true }, profile: false },
      create,
    ],
    [
      'of an unknown one the disable removed the password',
      { opening: true, memory: baseline, switchedOff: true },
      create,
    ],
    ['of an unknown one nothing was removed: look', { opening: true, memory: baseline }, look],
    ['it was made disabled: look', { opening: true, memory: undefined }, look],
    [
      'when it is open, that is over',
      { memory: { ...set, back: true } },
      { do: 'remember', memory: { ...set, checkedAt: now } },
    ],
    [
      'the Secret is not there: that there is none is remembered first',
      { opening: true, input: missing, memory: { ...set, input: 'k1:a' } },
      { do: 'remember', memory: { absent: true } },
    ],
    [
      'and then told',
      { opening: true, input: missing, memory: { ...set, input: 'k1:a', absent: true } },
      { do: 'rest', problem: { reason: 'PasswordSecretNotFound' } },
    ],
  ]);
});

describe('Managed, what cannot be set', () => {
  const young = { ...set, setAt: now - 5_000 };
  check([
    [
      'no password in the Secret',
      { input: missing },
      { do: 'rest', problem: { reason: 'PasswordSecretNotFound' } },
    ],
    [
      'refused a minute ago',
      { memory: { ...set, refused: { ...refused, input: 'k1:a' } }, input: given('a') },
      {
        do: 'rest',
        problem: { reason: 'PasswordPolicyViolation', message: 'too short' },
        afterMs: hour - 60_000,
      },
    ],
    [
      'refused, and another one now',
      { memory: { ...set, refused: { ...refused, input: 'k1:a' } }, input: given('b') },
      update,
    ],
    [
      'refused, and another reset now',
      { memory: { ...set, refused: { ...refused, resetId: 'r1' } }, resetId: 'r2' },
      update,
    ],
    [
      'refused an hour ago',
      { memory: { ...set, refused: { ...refused, resetId: 'r1', at: now - hour } }, resetId: 'r1' },
      update,
    ],
    [
      'set a moment ago and not to be seen yet',
      { memory: young, profile: false },
      { do: 'rest', afterMs: 60_000 },
    ],
  ]);
});

describe('Managed, what goes with it', () => {
  const right = { ...set, mustChange: true, changeRight: true };
  check([
    [
      'the right to change it is due',
      { memory: { ...set, mustChange: true, rightDue: true } },
      { do: 'giveRight' },
    ],
    ['and cannot be given', { memory: { ...set, mustChange: true, rightDue: true }, rightTried: true }, rest],
    ['it is kept while it is needed', { memory: right }, rest],
    [
      'it is given back where it went with a binding, or somebody took it away',
      { memory: right, rightGone: true },
      { do: 'giveRight' },
    ],
    ['once in a pass', { memory: right, rightGone: true, rightTried: true }, rest],
    [
      'also where it was there before, and not from here',
      { memory: { ...set, mustChange: true }, rightGone: true },
      { do: 'giveRight' },
    ],
    ['and not where no change is asked for', { memory: set, rightGone: true }, rest],
    ['it goes when the person has changed it', { memory: right, changed: true }, { do: 'takeRight' }],
    ['or when no change is asked for', { memory: { ...right, mustChange: false } }, { do: 'takeRight' }],
    ['but not while a binding wants it', { memory: { ...right, mustChange: false }, rightBound: true }, rest],
    [
      'that the person has changed it is remembered also where no right came from here',
      { memory: { ...set, mustChange: true }, changed: true },
      { do: 'remember', memory: { mustChange: false } },
    ],
    [
      'the Secret has another name',
      { memory: { ...set, published }, secretName: 'b' },
      { do: 'move', from: 'jo-credentials' },
    ],
    ['the user has another name', { memory: { ...set, published }, userName: 'ann' }, { do: 'label' }],
    [
      'a person’s Secret took the place of the generated one',
      { memory: { ...set, published, input: 'k1:a' }, input: given('a') },
      { do: 'unpublish', secret: 'jo-credentials' },
    ],
  ]);
});

describe('None', () => {
  const none = { access: 'None' } as const;
  const settled = { ...noConsole, none: true } as const;
  check([
    ['settled', { ...none, memory: settled }, rest],
    ['declared anew: look', { ...none, memory: undefined }, look],
    ['baseline: look', { ...none, memory: { ...noConsole, baseline: true } }, look],
    ['it was Managed: look', none, look],
    [
      'the user was made in this pass',
      { ...none, memory: undefined, made: true },
      { do: 'remember', memory: { none: true } },
    ],
    ['there is one', { ...none, profile: true }, { do: 'remove' }],
    ['somebody made one', { ...none, memory: settled, profile: true }, { do: 'remove', mended: true }],
    [
      'one was being set: it may be there',
      { ...none, memory: { ...set, pending }, profile: false },
      { do: 'remove' },
    ],
    [
      'set a moment ago: it may be there',
      { ...none, memory: { ...set, setAt: now - 1 }, profile: false },
      { do: 'remove' },
    ],
    [
      'the right to change it goes',
      { ...none, memory: { ...set, changeRight: true }, profile: false },
      { do: 'takeRight' },
    ],
    [
      'it is taken out of the Secret',
      { ...none, memory: { ...set, published }, profile: false },
      { do: 'unpublish' },
    ],
    [
      'and then it is settled',
      { ...none, memory: { ...set, resetId: 'r1' }, profile: false },
      { do: 'remember', memory: { none: true, resetId: 'r1' } },
    ],
    ['before a disabled user is let in: look', { ...none, memory: settled, opening: true }, look],
    ['the report contradicts: look', { ...none, memory: settled, lookAnyway: true }, look],
    ['left to others meanwhile: look', { ...none, memory: { ...settled, lapsed: true } }, look],
  ]);
});

test.each([
  ['PasswordPolicyViolation', 'Password should have a minimum length of 12', true],
  [
    'ValidationError',
    "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must satisfy regular expression pattern",
    true,
  ],
  ['ValidationError', "1 validation error detected: Value at 'userName' failed to satisfy constraint", false],
  ['InvalidInput', 'no', false],
])('%s, "%s": the password itself is refused: %s', (code, message, expected) => {
  const error = new AwsError({ kind: 'invalid', operation: 'CreateLoginProfile', code, message });
  expect(isPolicyViolation(error)).toBe(expected);
});
