import { describe, expect, test } from '@jest/globals';
import type { CredentialFacts } from '../../../../src/account/index.ts';
import { diffUsers } from '../../../../src/reconciliation/diff.ts';
import type { UserRecord } from '../../../../src/reconciliation/index.ts';
import { RunDesk, snapshotOf, user } from './desk.ts';

const trail = { pages: 1, events: 1, hinted: 1 };
const cursor = { at: 77, seen: [] };

describe('C12: a whole reading', () => {
  test('of nobody is one where everybody who was known was deleted from here', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo'), user('B', 'sam')];
    await desk.run();
    desk.users = [];
    await expect(desk.run({ uid: 'run-2', released: new Set(['A']) })).rejects.toThrow('1 are known');
    await desk.run({ uid: 'run-2', released: new Set(['A', 'B']) });
    expect(desk.told()).toEqual(['Deleted jo', 'Deleted sam']);
  });

  test('deletes nobody of whom nothing can be said', async () => {
    const row = { userId: 'A', userName: 'jo', hashes: {}, credentialsAsOf: undefined };
    const { changes, counts, rows } = await diffUsers(new Map([['A', row]]), {
      records: [],
      matches: () => 'yes',
      everybody: new Set(),
      deleted: [],
      unknown: [{ userId: 'A' }, { userId: undefined }],
      hidden: new Map(),
    });
    expect(changes).toEqual([]);
    expect(counts).toMatchObject({ deleted: 0, unknown: 2 });
    expect([...rows.keys()]).toEqual(['A']);
  });
});

describe('what is learnt late', () => {
  test('of what somebody has is told', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo', { groups: ['admins'] })];
    await desk.run();
    desk.groups = ['admins'];
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual(['Changed jo entitlements state']);
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual([]);
  });

  test('a credential looked at live does not take away when keys were last used', async () => {
    const desk = new RunDesk();
    const facts: CredentialFacts = {
      asOf: 5,
      console: true,
      mfa: false,
      keys: [{ active: true, lastUsed: 4 }],
    };
    desk.lastActivity = true;
    desk.users = [user('A', 'jo')];
    desk.credentials = { A: facts };
    await desk.run();
    desk.trail = {
      kind: 'whole',
      snapshot: snapshotOf(desk.users, { credentials: desk.credentials }),
      credentials: new Map([['A', { asOf: 9, console: false, mfa: false, keys: [{ active: true }] }]]),
      unknown: [],
      catalogue: false,
      trail,
      cursor,
    };
    await desk.run({ uid: 'run-2', mode: 'Incremental' });
    expect(desk.told()).toEqual(['Changed jo credentials']);
  });
});

describe('what a run knows nothing of', () => {
  test('of anybody is said, with why', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo')];
    desk.unread = new Map([['credentials', 'AccessDenied']]);
    expect(await desk.run()).toMatchObject({
      summary: { unread: [{ what: 'credentials', why: 'AccessDenied' }] },
    });
    desk.unread = new Map();
    expect(await desk.run({ uid: 'run-2' })).toMatchObject({ summary: { unread: [] } });
  });

  test('of single users is said as well', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo')];
    await desk.run();
    const denied = 'AccessDenied: iam:ListAccessKeys';
    const live = { user: user('A', 'jo'), edges: true, credentials: undefined, denied };
    desk.live = { users: [live], deleted: [], unknown: [] };
    expect(await desk.run({ uid: 'run-2', users: ['jo'] })).toMatchObject({
      summary: {
        unread: [{ what: 'credentials', why: denied }],
        counts: { read: 1, unchanged: 0, unknown: 1 },
      },
    });
    desk.trail = {
      kind: 'whole',
      snapshot: snapshotOf(desk.users),
      credentials: new Map(),
      denied: new Map([['A', denied]]),
      unknown: [],
      catalogue: false,
      trail,
      cursor,
    };
    expect(await desk.run({ uid: 'run-3', mode: 'Incremental' })).toMatchObject({
      summary: { unread: [{ what: 'credentials', why: denied }], counts: { unchanged: 0, unknown: 1 } },
    });
  });

  test('are names that nobody has; who was renamed, is gone or hidden by a fault is somebody', async () => {
    const desk = new RunDesk();
    desk.users = ['jo', 'sam', 'kim', 'lee'].map((name) => user(name.toUpperCase(), name));
    await desk.run();
    desk.live = {
      users: [{ user: user('JO', 'joan'), edges: true, credentials: undefined }],
      deleted: [{ userId: 'SAM', userName: 'sam' }],
      unknown: [
        { userId: 'KIM', userName: 'kim', message: 'Throttling' },
        { userId: undefined, userName: 'new', message: 'Throttling' },
      ],
    };
    const users = ['Jo', 'sam', 'kim', 'New', 'nobody', 'Joan'];
    expect(await desk.run({ uid: 'run-2', users })).toMatchObject({ summary: { absent: ['nobody'] } });
  });
});

describe('C11: a filter that cannot be answered', () => {
  const readers = {
    matches: ({ entitlements }: UserRecord) =>
      entitlements === undefined
        ? ('unknown' as const)
        : entitlements.some(({ name }) => name === 'readers')
          ? ('yes' as const)
          : ('no' as const),
    pathPrefix: undefined,
  };

  test('by what an incremental run has read, is answered by the whole account', async () => {
    const desk = new RunDesk();
    desk.groups = ['readers'];
    desk.users = [user('A', 'jo', { groups: ['readers'] }), user('B', 'sam', { groups: ['readers'] })];
    await desk.run({ filter: readers });
    desk.users = [
      user('A', 'jo', { groups: ['readers'], tags: [{ key: 'department', value: 'Sales' }] }),
      user('B', 'sam'),
    ];
    const live = user('A', 'jo', { tags: [{ key: 'department', value: 'Sales' }] });
    desk.trail = {
      kind: 'users',
      users: [{ user: live, edges: false, credentials: undefined }],
      deleted: [],
      unknown: [],
      catalogue: false,
      trail,
      cursor,
    };
    const outcome = await desk.run({ uid: 'run-2', mode: 'Incremental', filter: readers });
    expect(outcome).toMatchObject({
      kind: 'complete',
      summary: { mode: 'Incremental', cursor: 77, whole: true, fallback: undefined, counts: { unknown: 0 } },
    });
    expect(desk.told()).toEqual(['Changed jo attributes', 'LeftFilter sam']);
  });

  test('by what is read live under a path, is answered by the whole account', async () => {
    const desk = new RunDesk();
    const jo = user('A', 'jo', { path: '/eu/' });
    desk.lastActivity = true;
    desk.wholeCalls = 40;
    desk.users = [jo, user('B', 'sam')];
    desk.credentials = { A: { asOf: 5, console: true, mfa: false, keys: [{ active: true, lastUsed: 4 }] } };
    desk.live = { users: [{ user: jo, edges: true, credentials: undefined }], deleted: [], unknown: [] };
    const filter = {
      matches: ({ lastActivity, path }: UserRecord) =>
        path !== '/eu/'
          ? ('no' as const)
          : lastActivity === undefined
            ? ('unknown' as const)
            : ('yes' as const),
      pathPrefix: '/eu/',
    };
    expect(await desk.run({ filter })).toMatchObject({ summary: { counts: { unknown: 0 } } });
    expect(desk.told()).toEqual(['Created jo']);
    expect(desk.steps).toEqual(['load', 'listUnder', 'readUsers', 'readWhole', 'writeReport', 'commit']);
    // What nobody can tell remains unknown.
    desk.credentials = {};
    expect(await desk.run({ uid: 'run-2', filter })).toMatchObject({ summary: { counts: { unknown: 1 } } });
    expect(desk.told()).toEqual([]);
  });

  test('by what is known of somebody new, is not taken for one who has nothing', async () => {
    const desk = new RunDesk();
    desk.groups = ['readers'];
    desk.users = [user('A', 'jo')];
    await desk.run();
    desk.users = [user('A', 'jo'), user('B', 'sam', { groups: ['readers'] })];
    desk.trail = {
      kind: 'users',
      users: [{ user: user('B', 'sam'), edges: false, credentials: undefined }],
      deleted: [],
      unknown: [],
      catalogue: false,
      trail,
      cursor,
    };
    await desk.run({ uid: 'run-2', mode: 'Incremental' });
    expect(desk.told()).toEqual(['Created sam']);
    expect(JSON.parse(desk.reports.at(-1)?.lines[0] ?? '')).toMatchObject({
      record: { active: true, entitlements: [{ name: 'readers' }] },
    });
  });
});

describe('a group that nobody has read', () => {
  test('is read with the account, for users that are read by name', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo'), user('B', 'sam')];
    await desk.run();
    const live = user('A', 'jo', { groups: ['newcomers'] });
    desk.users = [live];
    desk.groups = ['newcomers'];
    desk.earlierGroups = [];
    desk.live = { users: [{ user: live, edges: true, credentials: undefined }], deleted: [], unknown: [] };
    desk.steps.length = 0;
    const outcome = await desk.run({ uid: 'run-2', users: ['jo'] });
    expect(desk.steps).toEqual(['load', 'readUsers', 'readWhole', 'writeReport', 'commit']);
    // Only those that were asked for are compared.
    expect(desk.told()).toEqual(['Changed jo entitlements']);
    expect(outcome).toMatchObject({ summary: { whole: false } });
  });

  test('is looked for once more before it counts as deleted', async () => {
    const desk = new RunDesk();
    const groups = ['readers', 'writers'].map((name) => ({
      groupId: `AGPA-${name}`,
      name,
      arn: `arn:aws:iam::111122223333:group/${name}`,
    }));
    const resources = ['Entitlement'] as const;
    desk.catalogue = { groups, policies: [] };
    await desk.run({ resources });
    // Renamed while the pages were read, it was on none of them.
    desk.hiddenGroups = ['writers'];
    await desk.run({ uid: 'run-2', resources });
    expect(desk.told()).toEqual([]);
    desk.catalogue = { groups: groups.slice(0, 1), policies: [] };
    await desk.run({ uid: 'run-3', resources });
    expect(desk.told()).toEqual(['Deleted writers']);
  });
});

test('a run under a path that has read everybody there is whole, and CloudTrail can be followed from it', async () => {
  const desk = new RunDesk();
  desk.wholeCalls = 40;
  const jo = user('A', 'jo', { path: '/eu/' });
  desk.users = [jo, user('B', 'sam')];
  const filter = { matches: () => 'yes' as const, pathPrefix: '/eu/' };
  desk.live = { users: [{ user: jo, edges: true, credentials: undefined }], deleted: [], unknown: [] };
  await desk.run({ filter });
  expect(await desk.run({ uid: 'again', filter })).toMatchObject({
    summary: { whole: true, cursor: 1_000_000 },
  });
  desk.live = { users: [], deleted: [], unknown: [{ userId: 'A', userName: 'jo', message: 'Throttling' }] };
  expect(await desk.run({ uid: 'run-2', filter })).toMatchObject({
    summary: { whole: false, cursor: undefined, counts: { unknown: 1 } },
  });
});

test('an incremental run about entitlements alone knows whose inline policies went with them', async () => {
  const desk = new RunDesk();
  const own = { inlinePolicies: [{ name: 'own', fingerprint: 'f', size: 1 }] };
  const resources = ['Entitlement'] as const;
  desk.users = [user('A', 'jo', own), user('B', 'sam', own)];
  await desk.run({ resources });
  desk.users = [user('B', 'sam', own)];
  desk.follows = (known) => ({
    kind: 'users',
    users: [],
    deleted: [known.byName('JO')].filter((one) => one !== undefined),
    unknown: [],
    catalogue: false,
    trail,
    cursor,
  });
  await desk.run({ uid: 'run-2', mode: 'Incremental', resources });
  expect(desk.told()).toEqual(['Deleted own']);
});
