import { describe, expect, test } from '@jest/globals';
import {
  connectionKey,
  declaredOf,
  deletionPolicyOf,
  firstClaim,
  ownerOf,
  userKey,
} from '../../../../operator/controllers/account/declared.ts';
import { account } from '../material.ts';

const boundary = 'arn:aws:iam::111122223333:policy/B';

describe('what an account asks for', () => {
  test('has its defaults', () => {
    expect(declaredOf(account(), {})).toEqual({
      userName: 'jo',
      path: undefined,
      attributes: {},
      tags: {},
      enabled: true,
      boundary: undefined,
      adoptionPolicy: 'Never',
      onExternalDelete: 'Hold',
      confirmedId: undefined,
    });
    expect(deletionPolicyOf(account(), {})).toBe('Retain');
  });

  test('has the connection’s defaults where it says nothing, and its own word where it does', () => {
    const defaults = {
      deletionPolicy: 'Disable',
      adoptionPolicy: 'IfUnowned',
      permissionsBoundary: boundary,
    } as const;
    expect(declaredOf(account(), defaults)).toMatchObject({ adoptionPolicy: 'IfUnowned', boundary });
    expect(deletionPolicyOf(account(), defaults)).toBe('Disable');
    const spec = {
      adoptionPolicy: 'Never',
      permissionsBoundary: `${boundary}2`,
      deletionPolicy: 'Delete',
    } as const;
    expect(declaredOf(account({ spec }), defaults)).toMatchObject({
      adoptionPolicy: 'Never',
      boundary: `${boundary}2`,
    });
    expect(deletionPolicyOf(account({ spec }), defaults)).toBe('Delete');
  });

  test.each([
    [undefined, undefined, true],
    [true, undefined, true],
    [false, undefined, false],
    [true, '', false],
    [true, 'idhub', false],
    [undefined, 'idhub', false],
    [false, 'idhub', false],
  ])('enabled: %s in the spec, disabled by "%s": %s', (enabled, disabledBy, expected) => {
    const object = account({
      spec: enabled === undefined ? {} : { enabled },
      metadata: disabledBy === undefined ? {} : { annotations: { 'aws.idhub.io/disabled-by': disabledBy } },
    });
    expect(declaredOf(object, {}).enabled).toBe(expected);
  });

  test('a person’s confirmation of an id is an annotation', () => {
    const metadata = { annotations: { 'aws.idhub.io/confirm-user-id': 'AIDAB' } };
    expect(declaredOf(account({ metadata }), {}).confirmedId).toBe('AIDAB');
  });

  test('the owner is the installation, the namespace and the name', () => {
    expect(ownerOf(account(), 'inst')).toEqual({ installation: 'inst', namespace: 'ns', name: 'jo' });
  });
});

describe('which accounts name the same user', () => {
  test.each([
    ['names that differ in case only', account({ spec: { userName: 'JO' } }), true],
    ['another object', account({ metadata: { name: 'other' } }), true],
    ['another name', account({ spec: { userName: 'joan' } }), false],
    ['another connection', account({ spec: { connectionRef: { name: 'x' } } }), false],
    ['another namespace', account({ metadata: { namespace: 'x' } }), false],
  ])('%s', (_, other, same) => {
    expect(userKey(other) === userKey(account())).toBe(same);
  });

  test('the connection is in the account’s own namespace', () => {
    expect(connectionKey(account())).toEqual({ namespace: 'ns', name: 'main' });
  });
});

describe('the first claim', () => {
  const claim = (name: string, created: string, stands = false, observes = false) =>
    account({
      metadata: {
        name,
        creationTimestamp: created,
        annotations: stands ? { 'aws.idhub.io/applied': '{}' } : {},
      },
      spec: observes ? { management: 'Observe' } : {},
    });
  const early = '2026-01-01T00:00:00Z';
  const late = '2026-01-01T00:00:01Z';

  test.each([
    ['nobody', [], undefined],
    ['the only one', [claim('a', late)], 'a'],
    ['the older', [claim('a', late), claim('b', early)], 'b'],
    ['the first by name, of one second', [claim('b', early), claim('a', early)], 'a'],
    ['who stands for a user already, though younger', [claim('a', early), claim('b', late, true)], 'b'],
    ['the older of two that stand for it', [claim('a', late, true), claim('b', early, true)], 'b'],
    ['who manages, not who observes', [claim('a', early, false, true), claim('b', late)], 'b'],
    ['nobody, where all observe', [claim('a', early, false, true)], undefined],
  ])('is that of %s, in any order', (_, claims, winner) => {
    expect(firstClaim(claims)?.metadata.name).toBe(winner);
    expect(firstClaim(claims.toReversed())?.metadata.name).toBe(winner);
  });
});
