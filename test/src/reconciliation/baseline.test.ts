import { describe, expect, test } from '@jest/globals';
import {
  decodeBaseline,
  encodeBaseline,
  knownUsers,
  SpoiltBaselineError,
  type Baseline,
} from '../../../src/reconciliation/baseline.ts';

const hashes = {
  name: 'aaaaaaaaaaaa',
  path: 'bbbbbbbbbbbb',
  attributes: 'cccccccccccc',
  state: 'dddddddddddd',
};

function baseline(users: number): Baseline<string> {
  const name = (index: number) => `${'ü'.repeat(10)}-${String(index).padStart(54, '0')}`;
  return {
    accountId: '111122223333',
    takenAt: 7,
    cursors: { Account: { at: 5, seen: ['e1'] } },
    committed: [{ uid: 'run-1', summary: 'done' }],
    users: new Map(
      Array.from({ length: users }, (_, index) => {
        const userId = `AIDA${String(index).padStart(17, '0')}`;
        const credentialsAsOf = index % 2 === 0 ? index : undefined;
        return [userId, { userId, userName: name(index), hashes, credentialsAsOf }];
      }),
    ),
    entitlements: new Map([['AGPA1', { id: 'AGPA1', name: 'readers', type: 'Group', hash: 'x' }]]),
  };
}

describe('a baseline', () => {
  test('of 5,000 users fits into a few Secrets, and is read back as it was', () => {
    const known = baseline(5_000);
    const encoded = encodeBaseline(known);
    expect(encoded.parts.length).toBeLessThanOrEqual(3);
    expect(Math.max(...encoded.parts.map((part) => part.length))).toBeLessThan(1_000_000);
    expect(decodeBaseline(encoded)).toEqual(known);
  });

  test.each([
    ['a part is missing', (parts: readonly Buffer[]) => parts.slice(1)],
    ['a part was changed', (parts: readonly Buffer[]) => [Buffer.from('["u"]'), ...parts.slice(1)]],
    ['there is none', () => []],
    ['parts changed places', (parts: readonly Buffer[]) => parts.toReversed()],
  ])('that is spoilt is an error, never an empty one: %s', (_what, spoil) => {
    const { meta, parts } = encodeBaseline(baseline(10_000));
    expect(parts.length).toBeGreaterThan(1);
    expect(() => decodeBaseline({ meta, parts: spoil(parts) })).toThrow(SpoiltBaselineError);
  });

  test.each(['', '{', 'null', '{"format":2}', '[]'])('of which the head is %s is an error', (meta) => {
    const { parts } = encodeBaseline(baseline(1));
    expect(() => decodeBaseline({ meta, parts })).toThrow(SpoiltBaselineError);
  });

  test('finds users by name without regard to case', () => {
    const users = knownUsers(baseline(2).users);
    expect(users.byName(`${'Ü'.repeat(10)}-${'0'.repeat(53)}1`)?.userId).toBe('AIDA00000000000000001');
  });
});
