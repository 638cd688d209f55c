import { describe, expect, test } from '@jest/globals';
import {
  conflictOf,
  decide,
  firstClaim,
  type Decision,
  type Situation,
} from '../../../../operator/controllers/binding/decide.ts';

const base: Situation = {
  wants: 'Present',
  memory: undefined,
  edge: 'absent',
  looked: false,
  newlyOurs: false,
  expiresAt: null,
  shared: false,
  sharedCreated: false,
};
const created = { origin: 'Created', revoked: null } as const;
const found = { origin: 'PreExisting', revoked: null } as const;
const none = { origin: null, revoked: null } as const;
const at = '2026-01-01T00:00:00Z';
const revoked = { origin: null, revoked: at } as const;

type Row = readonly [what: string, situation: Partial<Situation>, decision: Decision];

describe('an edge that is to be there', () => {
  test.each<Row>([
    [
      'is there and was not known: it had been there before',
      { edge: 'asDeclared' },
      { do: 'keep', ...found },
    ],
    ['is there by another binding', { edge: 'asDeclared', sharedCreated: true }, { do: 'keep', ...created }],
    ['is there and remembered', { edge: 'asDeclared', memory: created }, { do: 'keep', ...created }],
    [
      'keeps its origin',
      { edge: 'asDeclared', memory: found, sharedCreated: true },
      { do: 'keep', ...found },
    ],
    [
      'was given by somebody after it was absent',
      { edge: 'asDeclared', memory: none },
      { do: 'keep', ...found },
    ],
    ['is armed again while it is there', { edge: 'asDeclared', memory: revoked }, { do: 'keep', ...found }],
    ['is not there: look first', {}, { do: 'look' }],
    ['is not there by a live look', { looked: true }, { do: 'add', origin: 'Created' }],
    ['of a user that was made just now needs no look', { newlyOurs: true }, { do: 'add', origin: 'Created' }],
    ['was announced, perhaps made, and nobody heard', { newlyOurs: true, memory: created }, { do: 'look' }],
    ['is gone', { memory: created }, { do: 'look' }],
    ['is gone by a live look', { memory: created, looked: true }, { do: 'add', origin: 'Created' }],
    [
      'had been there and is gone: what is made now is ours',
      { memory: found, looked: true },
      { do: 'add', origin: 'Created' },
    ],
    [
      'is armed again after it was taken away',
      { memory: revoked, looked: true },
      { do: 'add', origin: 'Created' },
    ],
    ['has another document: look first', { edge: 'different', memory: created }, { do: 'look' }],
    [
      'has another document',
      { edge: 'different', memory: created, looked: true },
      { do: 'rewrite', origin: 'Created' },
    ],
    [
      'had been there with another document',
      { edge: 'different', looked: true },
      { do: 'rewrite', origin: 'PreExisting' },
    ],
  ])('%s', (_what, situation, decision) => {
    expect(decide({ ...base, ...situation })).toEqual(decision);
  });
});

describe('an edge that is not to be there', () => {
  test.each<Row>([
    ['is there, whoever made it', { edge: 'asDeclared' }, { do: 'remove', revoked: null }],
    ['is there again', { edge: 'asDeclared', memory: none }, { do: 'remove', revoked: null }],
    ['is there with any document', { edge: 'different', memory: found }, { do: 'remove', revoked: null }],
    ['is not there, and that is new: look', {}, { do: 'look' }],
    ['is not there by a live look', { looked: true }, { do: 'keep', ...none }],
    ['is known not to be there', { memory: none }, { do: 'keep', ...none }],
    ['of a user that was made just now', { newlyOurs: true }, { do: 'keep', ...none }],
  ])('%s', (_what, situation, decision) => {
    expect(decide({ ...base, wants: 'Absent', ...situation })).toEqual(decision);
  });
});

describe('an edge whose time is over', () => {
  test.each<Row>([
    ['goes, made from here or not', { edge: 'asDeclared', memory: created }, { do: 'remove', revoked: at }],
    [
      'goes, had it been there before or not',
      { edge: 'asDeclared', memory: found },
      { do: 'remove', revoked: at },
    ],
    ['goes where nothing is remembered', { edge: 'different' }, { do: 'remove', revoked: at }],
    ['stays for another binding', { edge: 'asDeclared', memory: created, shared: true }, { do: 'yield' }],
    ['is held and does not show: the call tells', { memory: created }, { do: 'remove', revoked: at }],
    ['is held, also after a look', { memory: found, looked: true }, { do: 'remove', revoked: at }],
    ['is gone already: look once', { memory: none }, { do: 'look' }],
    ['is gone already', { memory: none, looked: true }, { do: 'keep', ...revoked }],
    [
      'goes once: who gives it again means it',
      { edge: 'asDeclared', memory: revoked },
      { do: 'keep', ...revoked },
    ],
    [
      'obeys a new time',
      { edge: 'asDeclared', memory: { origin: null, revoked: 'earlier' } },
      { do: 'remove', revoked: at },
    ],
  ])('%s', (_what, situation, decision) => {
    expect(decide({ ...base, wants: 'Expired', expiresAt: at, ...situation })).toEqual(decision);
  });
});

test('nothing is written that was not looked at, but on a user made just now, and what is held taken away', () => {
  for (const wants of ['Present', 'Absent', 'Expired'] as const) {
    for (const memory of [undefined, created, found, none, revoked]) {
      for (const shared of [false, true]) {
        const { do: what } = decide({ ...base, wants, memory, shared, expiresAt: at });
        const ends = wants !== 'Present' && memory !== undefined && memory.origin !== null;
        const allowed = ends ? ['remove', 'yield'] : ['look', 'keep', 'yield'];
        expect(allowed).toContain(what);
      }
    }
  }
});

test('of several claims one that has acted counts, then the oldest, then the first by name; what has expired claims nothing', () => {
  const claim = (name: string, createdAt: string, wants: Situation['wants'] = 'Present') => ({
    name,
    noted: false,
    createdAt,
    wants,
    document: undefined,
  });
  expect(firstClaim([])).toBeUndefined();
  expect(firstClaim([claim('ns/b', '1'), claim('ns/a', '1'), claim('ns/0', '2')])?.name).toBe('ns/a');
  expect(firstClaim([claim('ns/a', '1', 'Expired'), claim('ns/b', '2', 'Absent')])?.name).toBe('ns/b');
  expect(firstClaim([claim('ns/a', '1'), { ...claim('ns/b', '2'), noted: true }])?.name).toBe('ns/b');
});

test('the later of two claims that do not agree gives way; what has expired disturbs nobody', () => {
  const claim = (name: string, wants: Situation['wants'], document?: string) => ({
    name,
    noted: false,
    createdAt: name,
    wants,
    document,
  });
  const present = claim('1', 'Present', 'a');
  expect(conflictOf(claim('2', 'Absent'), present)).toBe(present);
  expect(conflictOf(claim('2', 'Present', 'b'), present)).toBe(present);
  expect(conflictOf(claim('2', 'Present', 'a'), present)).toBeUndefined();
  expect(conflictOf(claim('2', 'Expired', 'b'), present)).toBeUndefined();
  expect(conflictOf(claim('0', 'Absent'), present)).toBeUndefined();
  expect(conflictOf(claim('2', 'Absent', 'a'), claim('1', 'Absent', 'b'))).toBeUndefined();
  expect(conflictOf(present, undefined)).toBeUndefined();
});
