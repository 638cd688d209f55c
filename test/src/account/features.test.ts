import { describe, expect, test } from '@jest/globals';
import { removeUser } from '../../../src/account/index.ts';
import { operations } from '../../../src/aws/operations.ts';
import { FakeAws, type FakeUser } from '../fake-aws.ts';
import { boundary, declare, rulesWith } from './material.ts';
import { Controller, options, usable } from './world.ts';

type Feature = (typeof operations)[keyof typeof operations]['features'][number];

/** An account whose communication user has the policies of these features and no other. */
function allowing(...features: readonly Feature[]): { aws: FakeAws; user: FakeUser } {
  const aws = new FakeAws();
  aws.refuse = ({ operation }) =>
    (operations[operation].features as readonly Feature[]).some((feature) => features.includes(feature))
      ? undefined
      : 'accessDenied';
  const virtual = 'arn:aws:iam::111122223333:mfa/jo';
  aws.devices.add(virtual);
  const user = aws.add('jo', {
    tags: new Map([['aws.idhub.io/owner', 'inst/ns/jo']]),
    console: true,
    keys: new Map([['AKIA1', 'Active']]),
    ssh: new Map([['APKA1', 'Active']]),
    certificates: new Map([['CERT1', 'Active']]),
    services: new Map([['ACCA1', 'Active']]),
    mfa: new Set([virtual]),
    groups: new Set(['people']),
    attached: new Set(['arn:aws:iam::aws:policy/ReadOnlyAccess']),
    inline: new Map([['mine', '']]),
  });
  return { aws, user };
}

describe('the policy of a feature is enough for it', () => {
  test('accounts: every change', async () => {
    const { aws, user } = allowing('accounts');
    const controller = new Controller({ aws });
    const full = declare({ path: '/x/', boundary, tags: { a: '1' } });
    expect((await controller.again(full, user)).outcome.refused).toEqual([]);
    expect((await controller.again(declare({ userName: 'joan' }), user)).outcome.refused).toEqual([]);
    expect(aws.observe('joan')).toMatchObject({ path: '/x/', boundary: undefined });
  });

  test.each([
    ['an inline Deny', 'DenyPolicy', false],
    ['AWSDenyAll', 'DenyPolicy', true],
    ['credentials only', 'CredentialsOnly', false],
  ] as const)('accounts and disable: off and on again, with %s', async (_, disableWith, inlineQuotaFull) => {
    const { aws, user } = allowing('accounts', 'disable');
    aws.inlineQuotaFull = inlineQuotaFull;
    const controller = new Controller({ aws, rules: rulesWith([], { disableWith }) });
    for (const enabled of [false, true]) {
      const { outcome } = await controller.again(declare({ enabled }), user);
      expect(outcome.refused).toEqual([]);
      expect(usable(user)).toHaveLength(enabled ? 4 : 0);
    }
  });

  test('accounts and delete: whatever the user owns', async () => {
    const { aws } = allowing('accounts', 'delete');
    expect((await removeUser(aws, 'jo', { ...options, tags: aws.observe('jo').tags })).kind).toBe('removed');
    expect(aws.users).toEqual([]);
    expect(aws.devices.size).toBe(0);
  });
});

test('without the policy of disable nothing looks disabled', async () => {
  const { aws, user } = allowing('accounts', 'delete');
  const { outcome } = await new Controller({ aws }).again(declare({ enabled: false }), user);
  expect(outcome.refused).toMatchObject([{ step: 'disable', error: { kind: 'accessDenied' } }]);
  expect(usable(user)).toHaveLength(5);
});
