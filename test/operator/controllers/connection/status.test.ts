import { defaultUserQuotas } from '../../../../src/connection/index.ts';
import { describe, expect, test } from '@jest/globals';
import type { AwsConnection, AwsConnectionStatus } from '../../../../operator/api/v1alpha1/index.ts';
import { listsStopped, writeStopped } from '../../../../operator/controllers/breaker.ts';
import type {
  ConnectionState,
  PushStanding,
  ScheduleStanding,
} from '../../../../operator/controllers/connection/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { connectionStatus } from '../../../../operator/controllers/connection/status.ts';
import { resolveSettings } from '../../../../src/connection/index.ts';
import { SnapshotStore } from '../../../../src/reconciliation/index.ts';
import { observed } from '../../../src/account/material.ts';
import { FakeClock } from '../../../src/fake-clock.ts';
import { connection, snapshotsOf, working } from '../material.ts';

const now = Date.UTC(2026, 0, 15, 12, 0, 0);
const at = '2026-01-15T12:00:00Z';

function status(
  object: AwsConnection,
  state: ConnectionState | undefined,
  more: {
    needed?: { accounts: number; bindings: number };
    schedule?: ScheduleStanding;
    push?: PushStanding | 'off';
    now?: number;
  } = {},
) {
  return connectionStatus({
    connection: object,
    state,
    accounts: 4,
    needed: more.needed ?? { accounts: 0, bindings: 0 },
    schedule: more.schedule,
    push: more.push,
    now: more.now ?? now,
  });
}

const conditionsOf = ({
  conditions,
}: {
  conditions?: readonly { type: string; status: string; reason: string }[];
}) =>
  Object.fromEntries(
    (conditions ?? []).map(({ type, status: value, reason }) => [type, `${value} ${reason}`]),
  );

describe('the status of a connection', () => {
  test('that works says whose it is, and what was read', async () => {
    const state = await working();
    const link = state.link;
    if (link === undefined) {
      throw new Error('there is no link');
    }
    const read = { ...state, link: { ...link, snapshots: await snapshotsOf([observed()]) } };
    expect(status(connection(), read)).toEqual({
      observedGeneration: 3,
      accounts: 4,
      account: { id: '111122223333', partition: 'aws', alias: 'acme' },
      caller: { arn: 'arn:aws:iam::111122223333:user/idhub', accessKeyId: 'AKIA1' },
      quotas: [{ name: 'users', used: 7, quota: 5000 }],
      snapshot: { takenAt: '2026-01-01T00:00:00Z', users: 1, groups: 0, calls: 1 },
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'Verified',
          message: 'account 111122223333, as arn:aws:iam::111122223333:user/idhub',
          observedGeneration: 3,
          lastTransitionTime: at,
        },
        {
          type: 'Synced',
          status: 'True',
          reason: 'SnapshotComplete',
          message: 'the account was read to the last page',
          observedGeneration: 3,
          lastTransitionTime: at,
        },
        {
          type: 'CloudTrailRegion',
          status: 'True',
          reason: 'HomeRegion',
          message: "IAM's events are in us-east-1",
          observedGeneration: 3,
          lastTransitionTime: at,
        },
      ],
    });
  });

  test('is the same a minute later, so that nothing is written', async () => {
    const state = await working();
    const first = status(connection(), state);
    expect(status(connection({ status: first }), state, { now: now + 60_000 })).toEqual(first);
  });

  test('tells what could not be read of anybody, and why', async () => {
    const state = await working();
    const snapshots = new SnapshotStore({
      clock: new FakeClock(),
      read: () =>
        Promise.resolve({
          users: [observed()],
          groups: new Map([['x', { group: 'x', id: 'AGPA1', arn: 'arn', policies: [] }]]),
          unread: new Map([['credentials', 'AWS says no']]),
          pages: 7,
        }),
    });
    await snapshots.refresh(new AbortController().signal);
    const { link } = state;
    const told = status(connection(), { ...state, link: link && { ...link, snapshots } });
    expect(told.snapshot).toEqual({
      takenAt: '2026-01-01T00:00:00Z',
      users: 1,
      groups: 1,
      calls: 7,
      unknown: [{ what: 'credentials', why: 'AWS says no' }],
    });
    expect(conditionsOf(told)).toMatchObject({ Synced: 'True SnapshotComplete' });
  });

  test('of which nothing is known yet says so little', () => {
    expect(status(connection(), undefined)).toEqual({ observedGeneration: 3, accounts: 4, conditions: [] });
  });

  test.each([
    ['SecretNotFound', 'False'],
    ['InvalidCredentials', 'False'],
    ['AccountMismatch', 'False'],
    ['Verifying', 'Unknown'],
    ['Paused', 'Unknown'],
  ] as const)('that is %s is Ready %s, and keeps what was known', async (reason, expected) => {
    const before = status(connection(), await working());
    const state: ConnectionState = {
      ...(await working()),
      link: undefined,
      terms: undefined,
      facts: undefined,
      verdict: { reason, message: 'why' },
    };
    const after = status(connection({ status: before }), state);
    expect(after).toEqual({ ...before, conditions: after.conditions });
    expect(conditionsOf(after)).toEqual({
      Ready: `${expected} ${reason}`,
      Synced: `${expected} ${reason}`,
      CloudTrailRegion: 'True HomeRegion',
    });
  });

  test('that is verified and not read yet does not claim to be Ready', async () => {
    const state = await working();
    const { link } = state;
    const unread = { current: undefined } as NonNullable<typeof link>['snapshots'];
    const told = status(connection(), { ...state, link: link && { ...link, snapshots: unread } });
    expect(conditionsOf(told)).toEqual({ CloudTrailRegion: 'True HomeRegion' });
    expect(told).not.toHaveProperty('snapshot');
  });

  test('that is being deleted says who still needs it', async () => {
    const object = connection({ metadata: { deletionTimestamp: at } });
    const told = status(object, await working(), { needed: { accounts: 2, bindings: 3 } });
    expect(told.conditions?.[0]).toMatchObject({
      type: 'Ready',
      status: 'False',
      reason: 'InUse',
      message: expect.stringMatching(
        /^2 AwsAccount and 3 AwsEntitlementBinding objects still need .*abandon=true$/,
      ),
    });
  });

  test('warns of a region of CloudTrail that has no events', async () => {
    const state = await working();
    const terms = state.terms && {
      ...state.terms,
      settings: resolveSettings({ cloudTrailRegion: 'us-east-2' }).settings,
    };
    expect(conditionsOf(status(connection(), { ...state, terms }))['CloudTrailRegion']).toBe(
      'False NotHomeRegion',
    );
  });

  test('loses an alias that the account has lost', async () => {
    const state = await working();
    const before = status(connection(), state);
    const after = status(connection({ status: before }), {
      ...state,
      facts: { alias: undefined, quotas: {}, perUser: defaultUserQuotas },
    });
    expect(after.account).toEqual({ id: '111122223333', partition: 'aws' });
    expect(after.quotas).toEqual([]);
  });

  describe('the breaker', () => {
    const run = 'ns/nightly';
    const stopped = [{ scope: 'default', resources: ['Account'], run, since: now - 60_000, deletions: 40 }];
    const open = connection({
      metadata: { annotations: { [annotations.breaker]: writeStopped(stopped) ?? '' } },
    });
    const before = (breaker: NonNullable<AwsConnectionStatus['breaker']>): AwsConnection =>
      connection({ status: { breaker } });

    test('is told as long as a run is stopped', async () => {
      const told = status(open, await working());
      expect(told.breaker).toEqual({ since: '2026-01-15T11:59:00Z', run: 'ns/nightly', deletions: 40 });
      expect(conditionsOf(told)['WithinDeletionLimit']).toBe('False DeletionThresholdExceeded');
      expect(listsStopped({ ...open, status: told })).toContain(
        'AwsReconciliation "ns/nightly" found 40 missing',
      );
      const after = status(connection({ status: told }), await working());
      expect(after.breaker).toBeUndefined();
      expect(conditionsOf(after)['WithinDeletionLimit']).toBe('True WithinLimit');
      expect(listsStopped(connection({ status: after }))).toBeUndefined();
    });

    test('is told as long as a reading lacks too many, and goes by itself', async () => {
      const state = { ...(await working()), missing: { users: 24, allowed: 3, since: now - 1_000 } };
      const told = status(connection(), state);
      expect(told.breaker).toEqual({ since: '2026-01-15T11:59:59Z', missing: 24 });
      expect(listsStopped(connection({ status: told }))).toContain(
        '24 users are missing in the last reading',
      );
      expect(status(connection({ status: told }), await working()).breaker).toBeUndefined();
    });

    test('of a connection that has never had one is not spoken of', async () => {
      expect(conditionsOf(status(connection(), await working()))).not.toHaveProperty('WithinDeletionLimit');
    });

    test('stays as it was until the account was read', async () => {
      const breaker = { since: '2026-01-15T11:59:59Z', missing: 24 };
      expect(status(before(breaker), undefined).breaker).toEqual(breaker);
    });
  });
});

describe('whether changes reach the receiver', () => {
  const refuses = {
    status: 'False',
    verdict: { reason: 'ReceiverRefuses', message: 'HTTP 401' },
  } as const satisfies PushStanding;

  test('is said; what is not known yet stays; switched off, it is said no more', async () => {
    const state = await working();
    const said = status(connection(), state, { push: refuses });
    expect(conditionsOf(said)).toMatchObject({ Pushed: 'False ReceiverRefuses' });
    const after = connection({ status: said });
    expect(conditionsOf(status(after, state))).toMatchObject({ Pushed: 'False ReceiverRefuses' });
    expect(conditionsOf(status(after, state, { push: 'off' }))).not.toHaveProperty('Pushed');
    expect(conditionsOf(status(connection(), state))).not.toHaveProperty('Pushed');
  });
});
