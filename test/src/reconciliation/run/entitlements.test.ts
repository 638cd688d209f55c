import { describe, expect, test } from '@jest/globals';
import { RunDesk, user } from './desk.ts';

const policy = (policyId: string, name: string, owner: string, more = {}) => ({
  policyId,
  name,
  arn: `arn:aws:iam::${owner}:policy/${name}`,
  attachments: 0,
  boundaries: 0,
  description: undefined,
  ...more,
});

const group = (groupId: string, name: string) => ({
  groupId,
  name,
  arn: `arn:aws:iam::111122223333:group/${name}`,
});

const resources = ['Account', 'Entitlement'] as const;

async function furnished(): Promise<RunDesk> {
  const desk = new RunDesk();
  desk.groups = ['readers'];
  desk.users = [user('A', 'jo', { inlinePolicies: [{ name: 'own', fingerprint: 'f', size: 1 }] })];
  desk.catalogue = {
    groups: [group('AGPA1', 'readers')],
    policies: [
      policy('ANPA1', 'ReadOnlyAccess', 'aws', { attachments: 2 }),
      policy('ANPA2', 'Limits', '111122223333', { boundaries: 1, description: 'What people may do at most' }),
      policy('ANPA3', 'Both', '111122223333', { attachments: 1, boundaries: 1 }),
      policy('ANPA4', 'Idle', '111122223333'),
    ],
  };
  await desk.run({ uid: 'first', resources });
  return desk;
}

describe('entitlements', () => {
  test('are groups and the three kinds of policies, with how they are used', async () => {
    const desk = await furnished();
    const told = (desk.reports.at(-1)?.lines ?? [])
      .map((line) => JSON.parse(line) as { resource: string; record: Record<string, string> })
      .filter(({ resource }) => resource === 'Entitlement')
      .map(({ record }) => [
        record['type'],
        record['displayName'],
        record['usedAs'],
        record['entitlementArn'],
      ]);
    expect(told).toEqual([
      ['Group', 'readers', 'GroupMembership', 'arn:aws:iam::111122223333:group/readers'],
      ['AwsManagedPolicy', 'ReadOnlyAccess', 'PermissionsPolicy', 'arn:aws:iam::aws:policy/ReadOnlyAccess'],
      ['CustomerManagedPolicy', 'Limits', 'PermissionsBoundary', 'arn:aws:iam::111122223333:policy/Limits'],
      [
        'CustomerManagedPolicy',
        'Both',
        'PermissionsPolicyAndBoundary',
        'arn:aws:iam::111122223333:policy/Both',
      ],
      ['CustomerManagedPolicy', 'Idle', 'None', 'arn:aws:iam::111122223333:policy/Idle'],
      ['InlinePolicy', 'own', 'PermissionsPolicy', 'arn:aws:iam::111122223333:user/jo/policy/own'],
    ]);
  });

  test('that were renamed, made again or taken away are told by their ids', async () => {
    const desk = await furnished();
    const { groups: _groups, policies } = desk.catalogue;
    desk.catalogue = {
      groups: [group('AGPA1', 'viewers')],
      policies: [...policies.slice(0, 3), policy('ANPA9', 'Idle', '111122223333')],
    };
    await desk.run({ uid: 'run-2', resources });
    expect(desk.told()).toEqual(['Deleted Idle', 'Changed viewers (readers)', 'Created Idle']);
  });

  test('are not read where only accounts are asked for, and what is known of them stays', async () => {
    const desk = await furnished();
    const { catalogue } = desk;
    desk.catalogue = { groups: [], policies: [] };
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual([]);
    desk.catalogue = catalogue;
    await desk.run({ uid: 'run-3', resources });
    expect(desk.told()).toEqual([]);
  });

  test('beyond the limit stop the run, inline policies of users that go not counted', async () => {
    const desk = await furnished();
    desk.catalogue = { groups: [], policies: [] };
    const stopped = await desk.run({ uid: 'run-2', resources });
    expect(stopped).toMatchObject({ kind: 'stopped', allowed: 1 });
    expect(stopped.kind === 'stopped' && stopped.deletions.map(({ name }) => name)).toEqual([
      'readers',
      'ReadOnlyAccess',
      'Limits',
      'Both',
      'Idle',
    ]);
  });

  test('an incremental run compares the inline policies of those whom it has read, and no others', async () => {
    const desk = new RunDesk();
    const own = (fingerprint: string) => ({ inlinePolicies: [{ name: 'own', fingerprint, size: 1 }] });
    desk.users = [user('A', 'jo', own('f')), user('B', 'sam', own('f'))];
    await desk.run({ uid: 'first', resources });
    desk.trail = {
      kind: 'users',
      users: [{ user: user('A', 'jo'), edges: true, credentials: undefined }],
      deleted: [],
      unknown: [],
      catalogue: false,
      trail: { pages: 1, events: 1, hinted: 1 },
      cursor: { at: 77, seen: [] },
    };
    await desk.run({ uid: 'run-2', mode: 'Incremental', resources });
    expect(desk.told()).toEqual(['Changed jo entitlements', 'Deleted own']);
  });

  test('inline policies of a user whose edges were not read are not gone', async () => {
    const desk = await furnished();
    // The group is so new that nobody has read what it gives.
    desk.users = [user('A', 'jo', { groups: ['newcomers'] })];
    await desk.run({ uid: 'run-2', resources });
    expect(desk.told()).toEqual([]);
  });
});
