import { inlinePolicy } from '../../../../src/entitlement/index.ts';
import { describe, expect, test } from '@jest/globals';
import { AwsError, type AwsErrorKind } from '../../../../src/aws/index.ts';
import { accountStatus, verdictOf, type Findings } from '../../../../operator/controllers/account/status.ts';
import { observed } from '../../../src/account/material.ts';
import { account, usableConnection } from '../material.ts';

const now = Date.UTC(2026, 0, 15, 12, 0, 0);
const later = now + 60_000;
const fine = { status: 'True', reason: 'AsDeclared', message: 'fine' } as const;
const failed = { status: 'False', reason: 'AccessDenied', message: 'no' } as const;

function findings(more: Partial<Findings> = {}): Findings {
  return {
    ready: fine,
    synced: fine,
    user: observed(),
    connection: undefined,
    inherited: [],
    parts: undefined,
    audited: false,
    mended: [],
    ...more,
  };
}

const condition = (type: string, verdict: Findings['ready'], at = '2026-01-15T12:00:00Z') => ({
  type,
  ...verdict,
  observedGeneration: 3,
  lastTransitionTime: at,
});

describe('the status of an account', () => {
  test('says what AWS has, for the generation that was looked at', () => {
    expect(accountStatus(account(), findings(), now)).toEqual({
      observedGeneration: 3,
      conditions: [condition('Ready', fine), condition('Synced', fine)],
      userId: 'AIDAJO',
      arn: 'arn:aws:iam::111122223333:user/jo',
      userName: 'jo',
      path: '/',
      state: 'Enabled',
    });
  });

  test('is the same for the same findings a minute later, so that nothing is written', () => {
    const first = accountStatus(account(), findings(), now);
    expect(accountStatus(account({ status: first }), findings(), later)).toEqual(first);
  });

  test('moves the time of a condition only with its status', () => {
    const status = accountStatus(account(), findings(), now);
    const told = { ...fine, message: 'still fine' };
    const same = accountStatus(account({ status }), findings({ ready: told }), later);
    expect(same.conditions?.[0]).toEqual(condition('Ready', told));
    const other = accountStatus(account({ status }), findings({ ready: failed }), later);
    expect(other.conditions?.[0]).toEqual(condition('Ready', failed, '2026-01-15T12:01:00Z'));
  });

  test('keeps what is known while AWS was not asked', () => {
    const status = accountStatus(account(), findings({ mended: ['tags'] }), now);
    const kept = accountStatus(
      account({ status }),
      findings({ user: undefined, ready: failed, synced: failed }),
      later,
    );
    expect(kept).toEqual({
      ...status,
      conditions: [
        condition('Ready', failed, '2026-01-15T12:01:00Z'),
        condition('Synced', failed, '2026-01-15T12:01:00Z'),
      ],
    });
  });

  test.each([
    ['absent', 'Absent'],
    ['foreign', 'Unknown'],
  ] as const)('of a user that is %s says nothing of one', (user, state) => {
    const status = accountStatus(account(), findings(), now);
    expect(accountStatus(account({ status }), findings({ user, ready: failed }), now)).toMatchObject({
      state,
    });
    expect(accountStatus(account({ status }), findings({ user, ready: failed }), now)).not.toHaveProperty(
      'userId',
    );
  });

  test.each([
    ['nothing stands against it', {}, 'Enabled'],
    ['our Deny', { deny: 'inline' }, 'Disabled'],
    ['AWSDenyAll', { deny: 'managed' }, 'Disabled'],
    ['our Deny, changed', { deny: 'altered' }, 'Unknown'],
    [
      'a memory of a disable, and the Deny could not be put',
      { tags: [{ key: 'aws.idhub.io/disabled', value: 'v1' }] },
      'Unknown',
    ],
  ] as const)('%s: %s', (_, user, state) => {
    expect(accountStatus(account(), findings({ user: observed(user) }), now).state).toBe(state);
  });

  test('without a Deny, where the connection asks for none: Disabled', async () => {
    const connection = await usableConnection({ disableWith: 'CredentialsOnly' });
    const user = observed({ tags: [{ key: 'aws.idhub.io/disabled', value: 'v1' }] });
    expect(accountStatus(account(), findings({ user, connection }), now).state).toBe('Disabled');
  });

  test('names what a disable switched off, and when that was last looked at', () => {
    const user = observed({
      deny: 'inline',
      tags: [{ key: 'aws.idhub.io/disabled', value: 'v1 console key/AKIA1' }],
    });
    const status = accountStatus(account(), findings({ user, audited: true }), now);
    expect(status).toMatchObject({
      switchedOff: ['console password', 'access key AKIA1'],
      credentialsAuditedAt: '2026-01-15T12:00:00Z',
    });
    const next = accountStatus(account({ status }), findings({ user }), later);
    expect(next.credentialsAuditedAt).toBe('2026-01-15T12:00:00Z');
    const enabled = accountStatus(account({ status }), findings(), later);
    expect(enabled).not.toHaveProperty('credentialsAuditedAt');
    expect(enabled).not.toHaveProperty('switchedOff');
  });

  test('lists groups and policies in order, without our Deny', () => {
    const user = observed({
      groups: ['b', 'a'],
      attachedPolicies: [{ name: 'P', arn: 'arn:aws:iam::aws:policy/P' }],
      inlinePolicies: [inlinePolicy('own', '{}'), inlinePolicy('IDHubDisabled', '{}')],
    });
    expect(accountStatus(account(), findings({ user }), now)).toMatchObject({
      groups: ['a', 'b'],
      policies: ['arn:aws:iam::aws:policy/P', 'inline/own'],
    });
  });

  test('names the policies that come through groups', () => {
    const arn = 'arn:aws:iam::111122223333:group/readers';
    const inherited = [
      { group: 'readers', id: 'AGPA1', arn, policies: ['arn:aws:iam::aws:policy/P', 'inline/x'] },
    ];
    expect(accountStatus(account(), findings({ inherited }), now).inheritedPolicies).toEqual([
      { policy: 'arn:aws:iam::aws:policy/P', group: 'readers' },
      { policy: 'inline/x', group: 'readers' },
    ]);
  });

  test('reports the attributes that AWS leads for', async () => {
    const connection = await usableConnection({}, [{ name: 'city', syncDirection: 'app-to-idhub' }]);
    const user = observed({
      tags: [
        { key: 'city', value: 'idhub:1/1:L=27Aquila' },
        { key: 'mail', value: 'a@b' },
      ],
    });
    expect(accountStatus(account(), findings({ user, connection }), now).attributes).toEqual({
      city: "L'Aquila",
    });
  });

  test.each([
    [true, 'Europe/Berlin', '2026-01-15T13:00:00+01:00'],
    [true, 'IST', '2026-01-15T17:30:00+05:30'],
    [false, 'Europe/Berlin', undefined],
  ])(
    'when the password was last used, if asked (%s), in %s',
    async (passwordLastUsed, timeZone, expected) => {
      const connection = await usableConnection({ passwordLastUsed, timeZone });
      const user = observed({ passwordLastUsed: now });
      expect(accountStatus(account(), findings({ user, connection }), now).passwordLastUsed).toBe(expected);
    },
  );

  test('tells of drift until it tells of another', () => {
    const status = accountStatus(account(), findings({ mended: ['tags', 'path'] }), now);
    expect(status.drift).toEqual({ mendedAt: '2026-01-15T12:00:00Z', fields: ['tags', 'path'] });
    expect(accountStatus(account({ status }), findings(), later).drift).toEqual(status.drift);
    expect(accountStatus(account({ status }), findings({ mended: ['enabled'] }), later).drift).toEqual({
      mendedAt: '2026-01-15T12:01:00Z',
      fields: ['enabled'],
    });
  });

  test('says that a wish to look now was obeyed, once AWS was asked', () => {
    const metadata = { annotations: { 'aws.idhub.io/reconcile-at': '2' } };
    const status = { handledReconcileAt: '1' };
    const not = accountStatus(account({ metadata, status }), findings({ user: undefined }), now);
    expect(not.handledReconcileAt).toBe('1');
    expect(accountStatus(account({ metadata, status }), findings(), now).handledReconcileAt).toBe('2');
    expect(
      accountStatus(account({ metadata, status }), findings({ user: 'absent' }), now).handledReconcileAt,
    ).toBe('2');
  });
});

describe('what a failed call says of an account', () => {
  test.each<[AwsErrorKind, string]>([
    ['accessDenied', 'AccessDenied'],
    ['limitExceeded', 'LimitExceeded'],
    ['invalid', 'InvalidInput'],
    ['alreadyExists', 'NameTaken'],
    ['throttled', 'Throttled'],
    ['unreachable', 'AwsUnreachable'],
    ['service', 'AwsUnreachable'],
    ['badCredentials', 'InvalidCredentials'],
    ['notFound', 'AwsError'],
    ['deleteConflict', 'AwsError'],
    ['temporary', 'AwsError'],
  ])('%s is %s', (kind, reason) => {
    const verdict = verdictOf(
      new AwsError({ kind, operation: 'TagUser', code: 'X', message: 'AWS says no' }),
    );
    expect(verdict.reason).toBe(reason);
    expect(verdict.message).toContain('TagUser: X: AWS says no');
  });

  test.each([
    [new Error('broken'), 'broken'],
    ['text', 'text'],
  ])('anything else is told as it is', (error, message) => {
    expect(verdictOf(error)).toEqual({ reason: 'AwsError', message });
  });
});
