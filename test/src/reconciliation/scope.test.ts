import { describe, expect, test } from '@jest/globals';
import { scopeOf, type UserRecord } from '../../../src/reconciliation/index.ts';
import { accountSchema } from '../../../src/schema/index.ts';

const { schema } = accountSchema(
  [
    { name: 'team' },
    { name: 'costCentre', renames: 'postalCode' },
    { name: 'city', removed: true },
    { name: 'mail', syncDirection: 'no-sync' },
  ],
  '',
);

const record: UserRecord = {
  userId: 'AIDA1',
  userName: 'Jo.Doe',
  arn: 'arn:aws:iam::111122223333:user/eu/Jo.Doe',
  path: '/eu/',
  createdAt: Date.UTC(2026, 0, 2),
  attributes: { team: 'a', department: 'Sales', costCentre: '7' },
  boundary: null,
  active: true,
  entitlements: [
    { type: 'Group', name: 'readers', arn: 'arn:aws:iam::111122223333:group/readers' },
    { type: 'AwsManagedPolicy', name: 'X', arn: 'arn:aws:iam::aws:policy/X', inheritedFrom: 'readers' },
  ],
  credentials: undefined,
  lastActivity: null,
};

function fits(text: string, more: Partial<UserRecord> = {}): string {
  const scope = scopeOf(text, schema);
  return scope.kind === 'refused' ? scope.message : scope.filter.matches({ ...record, ...more });
}

describe('a filter over accounts', () => {
  test.each([
    ['team eq "a"', 'yes'],
    ['department eq "sales"', 'no'],
    ['costCentre eq "7"', 'yes'],
    ['userName eq "JO.DOE"', 'yes'],
    ['id eq "AIDA1" and path sw "/eu/" and arn ew "/Jo.Doe"', 'yes'],
    ['active eq true and created gt "2026-01-01T00:00:00Z"', 'yes'],
    ['permissionsBoundary pr', 'no'],
    ['lastActivity pr', 'no'],
    ['groups eq "Readers"', 'yes'],
    ['entitlements[type eq "Group" and display eq "readers"]', 'yes'],
    ['entitlements[type eq "Group" and display eq "X"]', 'no'],
    ['entitlements co "policy/X"', 'yes'],
    ['urn:sath:params:scim:schemas:core:1.0:Account:team pr', 'yes'],
    ['displayName pr', 'no'],
  ])('%s: %s', (text, expected) => {
    expect(fits(text)).toBe(expected);
  });

  test.each(['active eq true', 'groups pr', 'entitlements pr', 'lastActivity gt "2026-01-01T00:00:00Z"'])(
    'C11: %s is unknown where that could not be read',
    (text) => {
      const unread = { active: undefined, entitlements: undefined, lastActivity: undefined };
      expect(fits(text, unread)).toBe('unknown');
    },
  );

  test.each(['city pr', 'postalCode pr', 'mail pr', 'toString pr'])(
    '%s: there is no such attribute',
    (text) => {
      expect(fits(text)).toContain('there is no attribute');
    },
  );

  test.each([
    ['path sw "people"', 'path sw "people" makes no sense; every path begins with /'],
    ['path eq "eu/"', 'every path begins with /'],
    ['path sw ""', 'yes'],
    ['path co "eu"', 'yes'],
    ['path ne "eu"', 'yes'],
  ])('%s: %s', (text, says) => {
    expect(fits(text)).toContain(says);
  });

  test('is the same scope however it is written', () => {
    const texts = ['TEAM Eq "a"  AND (active eq "True")', 'team eq "a" and active eq true'];
    const [one, other] = texts.map((text) => scopeOf(text, schema));
    expect(one?.kind === 'scope' && one.canonical).toBe('team eq "a" and active eq true');
    expect(other?.kind === 'scope' && other.canonical).toBe('team eq "a" and active eq true');
  });

  test('says under which path all of them are', () => {
    const scope = scopeOf('path sw "/eu/" and team eq "a"', schema);
    expect(scope.kind === 'scope' && scope.filter.pathPrefix).toBe('/eu/');
  });
});
