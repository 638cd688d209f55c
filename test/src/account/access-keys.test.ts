import { describe, expect, test } from '@jest/globals';
import {
  askAfterMs,
  nextKeyStep,
  noKeys,
  type KeyFacts,
  type KeyMemory,
} from '../../../src/account/index.ts';

const now = Date.UTC(2026, 0, 15);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const current = { id: 'AKIA1', createdAt: now - day };
const published = { kind: 'ours', accessKeyId: 'AKIA1', whole: true, labelled: true, bare: false } as const;
const settled: KeyMemory = { ...noKeys, current, secret: 's' };

function live(id: string, active = true, createdAt = now - day) {
  return { id, active, createdAt };
}

function facts(more: Partial<KeyFacts> = {}): KeyFacts {
  return {
    access: 'Managed',
    rotateAfterMs: undefined,
    overlapMs: day,
    memory: settled,
    live: undefined,
    lastSeen: [],
    lookAnyway: false,
    secretName: 's',
    secret: published,
    makers: new Map(),
    askable: () => false,
    used: () => false,
    leftOff: [],
    now,
    ...more,
  };
}

/** The step, and of a problem its reason. */
function step(more: Partial<KeyFacts>): string {
  const next = nextKeyStep(facts(more));
  switch (next.do) {
    case 'rest':
      return ['rest', ...(next.problem === undefined ? [] : [next.problem.reason])].join(' ');
    case 'switch':
      return `switch ${next.id} ${next.to}`;
    case 'delete':
    case 'ask':
      return `${next.do} ${next.id}`;
    case 'move':
      return `move ${next.from}`;
    case 'look':
    case 'remember':
    case 'make':
    case 'label':
    case 'unpublish':
      return next.do;
  }
}

const absent = { kind: 'absent' } as const;
const intent = { at: now - 5_000, known: ['AKIA1'] };
const stray = { id: 'AKIA2', createdAt: now - hour, at: now - hour, state: 'shut' } as const;

test.each<[string, Partial<KeyFacts>, string]>([
  ['all is as declared', {}, 'rest'],
  ['nothing is known', { memory: undefined, secret: absent }, 'look'],
  ['nothing is known, nothing is there', { memory: undefined, secret: absent, live: [] }, 'make'],
  ['a look is asked for', { lookAnyway: true }, 'look'],
  ['the past is not known', { memory: { ...noKeys, baseline: true } }, 'look'],
  ['the Secret tells the past', { memory: { ...noKeys, baseline: true }, live: [live('AKIA1')] }, 'remember'],
  [
    'nothing tells the past',
    { memory: { ...noKeys, baseline: true }, secret: absent, live: [live('AKIA1')] },
    'rest AccessKeysUnknown',
  ],
  [
    'there was nothing in the past',
    { memory: { ...noKeys, baseline: true }, secret: absent, live: [] },
    'make',
  ],
  [
    'a foreign Secret, no key',
    { memory: noKeys, secret: { kind: 'foreign' }, live: [] },
    'rest SecretConflict',
  ],
  [
    'two keys of others',
    { memory: noKeys, secret: absent, live: [live('A'), live('B')] },
    'rest AccessKeyLimit',
  ],
  ['the Secret is elsewhere', { secretName: 't', secret: absent }, 'move s'],
  ['the Secret is gone', { secret: absent }, 'look'],
  ['the Secret is gone, looked', { secret: absent, live: [live('AKIA1')] }, 'make'],
  [
    'the Secret has another key',
    { secret: { ...published, accessKeyId: 'X' }, live: [live('AKIA1')] },
    'make',
  ],
  ['the Secret lacks the secret', { secret: { ...published, whole: false }, live: [live('AKIA1')] }, 'make'],
  ['the user has another name', { secret: { ...published, labelled: false } }, 'label'],
  ['the key is gone', { live: [] }, 'remember'],
  [
    'the key is young and not listed',
    { memory: { ...settled, current: { id: 'AKIA1', createdAt: now - 10_000 } }, live: [] },
    'rest',
  ],
  ['the key is Inactive', { live: [live('AKIA1', false)] }, 'rest AccessKeyInactive'],
  ['the key was last seen Inactive', { lastSeen: [live('AKIA1', false)] }, 'look'],
  ['the key is left off by an enable', { leftOff: ['AKIA1'] }, 'look'],
  [
    'the key is left off by an enable, and is off',
    { leftOff: ['AKIA1'], live: [live('AKIA1', false)] },
    'remember',
  ],
  [
    'the key is left off by an enable, and the disable had not come to it',
    { leftOff: ['AKIA1'], live: [live('AKIA1')] },
    'switch AKIA1 Inactive',
  ],
  ['the key was left off', { memory: { ...settled, off: true }, live: [live('AKIA1', false)] }, 'rest'],
  [
    'the key was left off and is Active',
    { memory: { ...settled, off: true }, live: [live('AKIA1')] },
    'remember',
  ],
  ['the key is old', { rotateAfterMs: hour }, 'look'],
  ['the key is old, looked', { rotateAfterMs: hour, live: [live('AKIA1')] }, 'make'],
  [
    'the key is old and Inactive',
    { rotateAfterMs: hour, live: [live('AKIA1', false)] },
    'rest AccessKeyInactive',
  ],
  [
    'the key is old, no room',
    { rotateAfterMs: hour, live: [live('AKIA1'), live('X')] },
    'rest AccessKeyLimit',
  ],
  [
    'the Secret is gone within an overlap',
    {
      secret: absent,
      memory: { ...settled, previous: { id: 'AKIA0', until: now + 1 } },
      live: [live('AKIA0'), live('AKIA1')],
    },
    'delete AKIA0',
  ],
  [
    'the key is old, the one before still works',
    { rotateAfterMs: hour, memory: { ...settled, previous: { id: 'AKIA0', until: now + 1 } } },
    'rest',
  ],
  [
    'the one before is due',
    { memory: { ...settled, previous: { id: 'AKIA0', until: now } } },
    'delete AKIA0',
  ],
  [
    'the one before is due, and there is no other',
    { memory: { ...noKeys, previous: { id: 'AKIA0', until: now } }, secret: absent, live: [live('AKIA0')] },
    'make',
  ],
  [
    'a creation was open for hours, and a key came that is newer than it can be',
    {
      memory: { ...settled, intent: { at: now - 5 * hour, known: ['AKIA1'] } },
      live: [live('AKIA1'), live('AKIA2', true, now - hour)],
    },
    'remember',
  ],
  ['a creation is open', { memory: { ...settled, intent } }, 'look'],
  [
    'a creation is open, nothing shows yet: since when is remembered',
    { memory: { ...settled, intent: { ...intent, at: now - 2 * minute } }, live: [live('AKIA1')] },
    'remember',
  ],
  [
    'a creation is open, nothing shows yet',
    { memory: { ...settled, intent: { ...intent, until: now + 1_000 } }, live: [live('AKIA1')] },
    'rest AccessKeyPending',
  ],
  [
    'a creation is open, and nothing came of it',
    { memory: { ...settled, intent: { ...intent, until: now } }, live: [live('AKIA1')] },
    'remember',
  ],
  ['None was begun, before', { memory: { ...settled, none: true, revoking: true } }, 'look'],
  [
    'None was begun, before, and had switched the key off',
    { memory: { ...settled, none: true, revoking: true }, live: [live('AKIA1', false)] },
    'switch AKIA1 Active',
  ],
  [
    'None was begun, before, and had done nothing',
    { memory: { ...settled, none: true, revoking: true }, live: [live('AKIA1')] },
    'remember',
  ],
  [
    'a stray is Active',
    { memory: { ...settled, strays: [{ ...stray, state: 'seen' }] } },
    'switch AKIA2 Inactive',
  ],
  [
    'a stray may be asked about',
    { memory: { ...settled, strays: [stray] }, askable: () => true },
    'ask AKIA2',
  ],
  [
    'a stray is ours',
    { memory: { ...settled, strays: [stray] }, makers: new Map([['AKIA2', 'ours']]) },
    'delete AKIA2',
  ],
  [
    "a stray is another's, and we shut it",
    { memory: { ...settled, strays: [stray] }, makers: new Map([['AKIA2', 'other']]) },
    'switch AKIA2 Active',
  ],
  [
    "a stray is another's, and was Inactive",
    { memory: { ...settled, strays: [{ ...stray, state: 'idle' }] }, makers: new Map([['AKIA2', 'other']]) },
    'remember',
  ],
  ['a stray is a day old', { memory: { ...settled, strays: [{ ...stray, at: now - day }] } }, 'delete AKIA2'],
  [
    'a stray is a day old, and nobody knows whether it was used',
    { memory: { ...settled, strays: [{ ...stray, at: now - day }] }, used: () => undefined },
    'rest',
  ],
  [
    'a stray is a day old and was used',
    { memory: { ...settled, strays: [{ ...stray, at: now - day }] }, used: () => true },
    'rest',
  ],
])('Managed: %s', (_case, more, expected) => {
  expect(step(more)).toBe(expected);
});

test.each<[string, Partial<KeyFacts>, string]>([
  ['first declared', { memory: undefined }, 'look'],
  ['nothing is there', { memory: undefined, secret: absent, live: [] }, 'remember'],
  ['was brought about', { memory: { ...noKeys, none: true } }, 'rest'],
  ['was not finished', { memory: { ...noKeys, none: true, revoking: true } }, 'look'],
  ['is announced before anything is revoked', { live: [live('AKIA1')] }, 'remember'],
  [
    'ours go, listed or not',
    { memory: { ...settled, none: true, revoking: true }, live: [] },
    'delete AKIA1',
  ],
  [
    'others are switched off',
    { memory: { ...noKeys, none: true, revoking: true }, live: [live('X')] },
    'switch X Inactive',
  ],
  [
    'the Secret is emptied last',
    { memory: { ...noKeys, none: true, revoking: true }, live: [] },
    'unpublish',
  ],
  [
    'a stray of another stays off',
    { memory: { ...noKeys, none: true, strays: [stray] }, makers: new Map([['AKIA2', 'other']]) },
    'remember',
  ],
])('None: %s', (_case, more, expected) => {
  expect(step({ access: 'None', ...more })).toBe(expected);
});

test.each<[string, Partial<KeyFacts>, string, string]>([
  ['nothing is open', {}, 'rest', 'rest'],
  ['a creation is open', { memory: { ...settled, intent } }, 'look', 'look'],
  [
    'a stray is Active',
    { memory: { ...noKeys, strays: [{ ...stray, state: 'seen' }] } },
    'switch AKIA2 Inactive',
    'switch AKIA2 Inactive',
  ],
  ['a stray is shut', { memory: { ...noKeys, strays: [stray] }, askable: () => true }, 'ask AKIA2', 'rest'],
  [
    "a stray is another's",
    { memory: { ...noKeys, strays: [stray] }, makers: new Map([['AKIA2', 'other']]) },
    'switch AKIA2 Active',
    'rest',
  ],
  [
    'a replaced key still works',
    { memory: { ...settled, previous: { id: 'AKIA0', until: now + 1 } } },
    'rest',
    'delete AKIA0',
  ],
  [
    'a replaced key is due',
    { memory: { ...settled, previous: { id: 'AKIA0', until: now } } },
    'delete AKIA0',
    'delete AKIA0',
  ],
  ['the past is not known', { memory: { ...noKeys, baseline: true } }, 'rest', 'rest'],
])('no longer ours to keep, or let go of: %s', (_case, more, unmanaged, leaving) => {
  expect([step({ access: 'Unmanaged', ...more }), step({ access: 'Leaving', ...more })]).toEqual([
    unmanaged,
    leaving,
  ]);
});

describe('a creation that broke off', () => {
  const open = { memory: { ...settled, intent } };

  test('is recorded where the Secret has its key; the one before retires', () => {
    const next = nextKeyStep(
      facts({
        ...open,
        secret: { ...published, accessKeyId: 'AKIA2' },
        live: [live('AKIA1'), live('AKIA2', true, now - 4_000)],
      }),
    );
    expect(next).toMatchObject({
      memory: {
        current: { id: 'AKIA2', createdAt: now - 4_000 },
        previous: { id: 'AKIA1', until: now + day },
        intent: null,
      },
    });
  });

  test('leaves a stray where it is in no Secret; what was known or is older is none', () => {
    const known = { ...open.memory, intent: { ...intent, known: ['AKIA1'] } };
    const found = (createdAt: number) =>
      nextKeyStep(facts({ memory: known, live: [live('AKIA1'), live('AKIA2', true, createdAt)] }));
    expect(found(now - 4_000)).toMatchObject({
      memory: { intent: null, strays: [{ id: 'AKIA2', state: 'seen' }] },
    });
    expect(found(now - hour)).toMatchObject({ do: 'remember', memory: { intent: { until: now + minute } } });
  });

  test('of long ago: a key that is newer than it can be is somebody else’s', () => {
    const memory = { ...settled, intent: { at: now - 5 * hour, known: ['AKIA1'] } };
    const found = (afterMs: number) =>
      nextKeyStep(facts({ memory, live: [live('AKIA1'), live('AKIA2', true, memory.intent.at + afterMs)] }));
    expect(found(15 * minute)).toMatchObject({ memory: { intent: null, strays: [{ id: 'AKIA2' }] } });
    expect(found(15 * minute + 1_000)).toMatchObject({
      memory: { intent: { until: now + minute }, strays: [] },
    });
  });
});

test('rest says when to look again: the rotation, the end of an overlap, a stray', () => {
  const after = (more: Partial<KeyFacts>) => {
    const next = nextKeyStep(facts(more));
    return next.do === 'rest' ? next.afterMs : next.do;
  };
  expect(after({})).toBeUndefined();
  expect(after({ rotateAfterMs: 3 * day })).toBe(2 * day);
  expect(
    after({ rotateAfterMs: 3 * day, memory: { ...settled, previous: { id: 'P', until: now + hour } } }),
  ).toBe(hour);
  expect(after({ memory: { ...settled, strays: [stray] } })).toBe(hour / 2);
});

test('CloudTrail is asked once a minute at most, and ever more seldom', () => {
  expect([0, 10 * minute, 10 * hour].map((age) => askAfterMs({ at: now - age }, now))).toEqual([
    minute,
    5 * minute,
    hour,
  ]);
});
