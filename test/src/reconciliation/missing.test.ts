import { expect, test } from '@jest/globals';
import { encodeBaseline, type UserRow } from '../../../src/reconciliation/baseline.ts';
import { missingBeyond, SnapshotStore, SpoiltBaselineError } from '../../../src/reconciliation/index.ts';
import { observed } from '../account/material.ts';

const accountId = '111122223333';
const limits = { count: 10, percent: 5 };
const { signal } = new AbortController();
const ids = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, index) => `AIDA${from + index}`);

function known(count: number, account = accountId) {
  const users = ids(count).map((userId): [string, UserRow] => [
    userId,
    { userId, userName: userId.toLowerCase(), hashes: {}, credentialsAsOf: undefined },
  ]);
  return encodeBaseline({
    accountId: account,
    takenAt: 1,
    users: new Map(users),
    entitlements: new Map(),
    cursors: {},
    committed: [],
  });
}

/** A reading that has the users from here on. */
async function reading(count: number, from = 0) {
  const clock = { now: () => 1, sleep: () => Promise.resolve() };
  const users = ids(count, from).map((userId) => observed({ userId, userName: userId.toLowerCase() }));
  const store = new SnapshotStore({
    clock,
    read: () => Promise.resolve({ users, groups: new Map(), pages: 1 }),
  });
  await store.refresh(signal);
  const snapshot = store.current;
  if (snapshot === undefined) {
    throw new Error('there is no snapshot');
  }
  return snapshot;
}

const none: ReadonlySet<string> = new Set();

test.each([
  ['nobody', 0, undefined],
  ['as many as may be', 3, undefined],
  ['one more', 4, { users: 4, allowed: 3 }],
  ['40 of a hundred', 24, { users: 24, allowed: 3 }],
  ['everybody', 60, { users: 60, allowed: 3 }],
])('%s is missing', async (_what, gone, expected) => {
  const snapshot = await reading(60 - gone, gone);
  expect(missingBeyond({ known: known(60), snapshot, accountId, released: none, limits })).toEqual(expected);
});

test('users that were deleted from here are not missing', async () => {
  const snapshot = await reading(36, 24);
  const released = new Set(ids(21));
  expect(missingBeyond({ known: known(60), snapshot, accountId, released, limits })).toBeUndefined();
  released.delete('AIDA0');
  expect(missingBeyond({ known: known(60), snapshot, accountId, released, limits })).toEqual({
    users: 4,
    allowed: 3,
  });
});

test('what is known of another account says nothing', async () => {
  const snapshot = await reading(1);
  const other = known(60, '999988887777');
  expect(missingBeyond({ known: other, snapshot, accountId, released: none, limits })).toBeUndefined();
});

test('what is spoilt is an error, not an empty list', async () => {
  const snapshot = await reading(60);
  const spoilt = { ...known(60), parts: [] };
  expect(() => missingBeyond({ known: spoilt, snapshot, accountId, released: none, limits })).toThrow(
    SpoiltBaselineError,
  );
});
