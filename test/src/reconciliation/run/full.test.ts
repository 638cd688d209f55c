import { describe, expect, test } from '@jest/globals';
import type { CredentialFacts } from '../../../../src/account/index.ts';
import type { UserRecord } from '../../../../src/reconciliation/index.ts';
import { Died, RunDesk, user } from './desk.ts';

const people = (count: number) =>
  Array.from({ length: count }, (_, index) => user(`AIDA${index}`, `person-${index}`));

const anybody = { matches: () => 'yes' as const, pathPrefix: undefined };

async function reconciled(count: number): Promise<RunDesk> {
  const desk = new RunDesk();
  desk.users = people(count);
  expect((await desk.run({ uid: 'first' })).kind).toBe('complete');
  return desk;
}

describe('a full run', () => {
  test('reports everybody when nothing was reconciled before, and nothing the next time', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo'), user('B', 'sam')];
    expect(await desk.run()).toMatchObject({
      kind: 'complete',
      summary: {
        mode: 'Full',
        counts: { read: 2, created: 2, unchanged: 0 },
        reported: 2,
        cursor: 1_000_000,
      },
    });
    expect(desk.told()).toEqual(['Created jo', 'Created sam']);
    const again = await desk.run({ uid: 'run-2' });
    expect(again).toMatchObject({
      summary: { counts: { created: 0, changed: 0, deleted: 0, unchanged: 2 } },
    });
    expect(desk.told()).toEqual([]);
  });

  test('a rename is a change, and a name that was made again a deletion and a creation', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo'), user('B', 'sam')];
    await desk.run();
    desk.users = [user('A', 'joan'), user('C', 'sam')];
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual(['Deleted sam', 'Changed joan (jo) name', 'Created sam']);
  });

  test.each([
    ['path', { path: '/sales/' }],
    ['attributes', { tags: [{ key: 'department', value: 'Sales' }] }],
    ['boundary', { boundary: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
    ['entitlements', { groups: ['readers'] }],
    ['entitlements', { inlinePolicies: [{ name: 'x', fingerprint: 'f', size: 1 }] }],
    ['state', { deny: 'inline' }],
  ] as const)('tells that the %s changed, once', async (group, change) => {
    const desk = new RunDesk();
    desk.groups = ['readers'];
    desk.users = [user('A', 'jo')];
    await desk.run();
    desk.users = [user('A', 'jo', change)];
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual([`Changed jo ${group}`]);
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual([]);
  });

  test('what cannot be read is unknown, no change, and no change when it is read again', async () => {
    const desk = new RunDesk();
    const facts: CredentialFacts = { asOf: 5, console: true, mfa: false, keys: [] };
    desk.users = [user('A', 'jo')];
    desk.credentials = { A: facts };
    await desk.run();
    desk.credentials = {};
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual([]);
    desk.credentials = { A: { ...facts, asOf: 6 } };
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual([]);
    desk.credentials = { A: { ...facts, asOf: 7, mfa: true } };
    await desk.run({ uid: 'run-4' });
    expect(desk.told()).toEqual(['Changed jo credentials']);
  });

  test('of credentials the newest knowledge counts: an older report does not undo a live look', async () => {
    const desk = new RunDesk();
    const before: CredentialFacts = { asOf: 5, console: true, mfa: false, keys: [] };
    desk.users = [user('A', 'jo')];
    desk.credentials = { A: before };
    await desk.run();
    const live = { ...before, asOf: 9, console: false };
    desk.live = {
      users: [{ user: user('A', 'jo'), edges: true, credentials: live }],
      deleted: [],
      unknown: [],
    };
    await desk.run({ uid: 'run-2', users: ['jo'] });
    expect(desk.told()).toEqual(['Changed jo credentials']);
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual([]);
  });

  test('keeps unknown users, whatever is wrong with them', async () => {
    const desk = await reconciled(3);
    const unknown = [{ userId: 'AIDA1', userName: 'person-1', message: 'AccessDenied' }];
    desk.live = { users: [], deleted: [], unknown };
    const outcome = await desk.run({ uid: 'run-2', users: ['person-1'] });
    expect(outcome).toMatchObject({ summary: { counts: { unknown: 1, deleted: 0 } } });
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual([]);
  });

  test('a dry run reports, and leaves what is known as it was', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo')];
    await desk.run({ dryRun: true });
    expect(desk.told()).toEqual(['Created jo']);
    expect(desk.baseline).toBeUndefined();
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual(['Created jo']);
  });
});

describe('a first run', () => {
  test('is one of which nothing was read as a whole before, for each thing that it compares', async () => {
    const desk = new RunDesk();
    const jo = user('A', 'jo');
    desk.users = [jo];
    desk.live = { users: [{ user: jo, edges: true, credentials: undefined }], deleted: [], unknown: [] };
    const resources = ['Account', 'Entitlement'] as const;
    expect(await desk.run({ uid: 'part', users: ['jo'] })).toMatchObject({ summary: { first: true } });
    expect(await desk.run({ uid: 'users' })).toMatchObject({ summary: { first: true } });
    expect(await desk.run({ uid: 'both', resources })).toMatchObject({ summary: { first: true } });
    expect(await desk.run({ uid: 'again', resources })).toMatchObject({ summary: { first: false } });
  });
});

describe('a run that is broken off', () => {
  const deaths = ['load', 'readWhole', 'readCatalogue', 'writeReport', 'commit'];
  test.each(deaths.flatMap((at) => (['before', 'after'] as const).map((when) => [when, at] as const)))(
    '%s %s, and begun again, reports each change once',
    async (when, at) => {
      const desk = new RunDesk();
      desk.users = [user('A', 'jo'), user('B', 'sam')];
      const resources = ['Account', 'Entitlement'] as const;
      await desk.run({ uid: 'first', resources });
      desk.users = [user('A', 'joan'), user('C', 'kim')];
      desk.dies = { at, when };
      await expect(desk.run({ uid: 'run-2', resources })).rejects.toThrow(Died);
      const outcome = await desk.run({ uid: 'run-2', resources });
      expect(outcome).toMatchObject({
        kind: 'complete',
        summary: { counts: { created: 1, changed: 1, deleted: 1 } },
      });
      expect(desk.told()).toEqual(['Deleted sam', 'Changed joan (jo) name', 'Created kim']);
      await desk.run({ uid: 'run-3', resources });
      expect(desk.told()).toEqual([]);
    },
  );

  test('is not done again once it is committed, whatever has changed since', async () => {
    const desk = await reconciled(2);
    desk.users = [];
    const begun = desk.steps.length;
    expect(await desk.run({ uid: 'first' })).toMatchObject({
      kind: 'complete',
      summary: { counts: { created: 2 } },
    });
    expect(desk.steps.slice(begun)).toEqual(['load']);
  });
});

describe('C12: deletions', () => {
  test('(i) an empty listing is an error', async () => {
    const desk = await reconciled(500);
    desk.users = [];
    await expect(desk.run({ uid: 'run-2' })).rejects.toThrow('nothing is taken for deleted');
    desk.users = people(500);
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual([]);
  });

  test('(iv) another AWS account is refused, without a look at it', async () => {
    const desk = await reconciled(500);
    desk.accountId = '444455556666';
    desk.users = [user('X', 'stranger')];
    const begun = desk.steps.length;
    expect(await desk.run({ uid: 'run-2' })).toEqual({ kind: 'otherAccount', expected: '111122223333' });
    expect(desk.steps.slice(begun)).toEqual(['load']);
  });

  test('(v) 40 % missing: stopped, with a list; approved: exactly those; three more: exactly three', async () => {
    const desk = await reconciled(500);
    desk.users = people(500).slice(0, 300);
    const reports = desk.reports.length;
    const stopped = await desk.run({ uid: 'run-2' });
    expect(stopped).toMatchObject({ kind: 'stopped', allowed: 10 });
    const { deletions, token } = stopped as Extract<typeof stopped, { kind: 'stopped' }>;
    expect(deletions.map(({ name }) => name)).toEqual(
      people(500)
        .slice(300)
        .map(({ userName }) => userName),
    );
    expect(desk.reports).toHaveLength(reports);
    expect(await desk.run({ uid: 'run-2', approval: 'yes' })).toMatchObject({ kind: 'stopped', token });

    const approved = await desk.run({ uid: 'run-2', approval: token });
    expect(approved).toMatchObject({
      kind: 'complete',
      summary: { approved: true, counts: { deleted: 200 } },
    });
    desk.users = people(500).slice(3, 300);
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual(['Deleted person-0', 'Deleted person-1', 'Deleted person-2']);
  });

  test('an approval is for that list alone', async () => {
    const desk = await reconciled(100);
    desk.users = people(100).slice(0, 60);
    const stopped = await desk.run({ uid: 'run-2' });
    const { token } = stopped as Extract<typeof stopped, { kind: 'stopped' }>;
    desk.users = people(100).slice(0, 59);
    expect(await desk.run({ uid: 'run-2', approval: token })).toMatchObject({ kind: 'stopped' });
  });

  test.each([
    [1, 0, 'complete'],
    [19, 1, 'complete'],
    [19, 2, 'stopped'],
    [100, 5, 'complete'],
    [100, 6, 'stopped'],
    [400, 10, 'complete'],
    [400, 11, 'stopped'],
  ])('of %i known, %i missing: %s', async (known, missing, kind) => {
    const desk = await reconciled(known);
    desk.users = people(known).slice(missing);
    expect((await desk.run({ uid: 'run-2' })).kind).toBe(kind);
  });

  test.each([
    ['a part', { users: ['person-0'] }, { own: true, others: false }, 'stopped'],
    ['a part', { users: ['person-0'] }, { own: false, others: true }, 'stopped'],
    ['what a filter matches', { filter: anybody }, { own: false, others: true }, 'stopped'],
    ['what a filter matches', { filter: anybody }, { own: true, others: false }, 'complete'],
    ['all', {}, { own: true, others: true }, 'complete'],
  ] as const)('while others are stopped, of %s (%j, %j): %s', async (_what, more, stopped, kind) => {
    const desk = await reconciled(100);
    desk.users = people(100).slice(1);
    desk.live = { users: [], deleted: [{ userId: 'AIDA0', userName: 'person-0' }], unknown: [] };
    const outcome = await desk.run({ uid: 'run-2', ...more, stopped });
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === 'stopped') {
      expect(outcome).toMatchObject({ allowed: 0, deletions: [{ name: 'person-0' }] });
      const { token } = outcome;
      await desk.run({ uid: 'run-2', ...more, stopped, approval: token });
    }
    expect(desk.told()).toEqual(['Deleted person-0']);
  });

  test('a part that deletes nobody goes on while others are stopped', async () => {
    const desk = await reconciled(2);
    desk.live = {
      users: [{ user: user('AIDA0', 'renamed'), edges: true, credentials: undefined }],
      deleted: [],
      unknown: [],
    };
    await desk.run({ uid: 'run-2', users: ['person-0'], stopped: { own: true, others: true } });
    expect(desk.told()).toEqual(['Changed renamed (person-0) name']);
  });

  test('what was deleted from here surprises nobody', async () => {
    const desk = await reconciled(100);
    desk.users = people(100).slice(40);
    const released = new Set(people(40).map(({ userId }) => userId));
    expect(await desk.run({ uid: 'run-2', released })).toMatchObject({
      kind: 'complete',
      summary: { approved: false, counts: { deleted: 40 } },
    });
  });
});

describe('a limited run', () => {
  const sales = {
    matches: ({ attributes: { department } }: UserRecord) =>
      department === 'Sales' ? ('yes' as const) : department === '?' ? ('unknown' as const) : ('no' as const),
    pathPrefix: undefined,
  };
  const of = (department: string) => ({ tags: [{ key: 'department', value: department }] });

  test('by a filter: who leaves it is not deleted, and who is unknown stays', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo', of('Sales')), user('B', 'sam', of('Sales')), user('C', 'kim', of('IT'))];
    await desk.run({ filter: sales });
    expect(desk.told()).toEqual(['Created jo', 'Created sam']);
    desk.users = [user('A', 'jo', of('IT')), user('B', 'sam', of('?')), user('C', 'kim', of('IT'))];
    expect(await desk.run({ uid: 'run-2', filter: sales })).toMatchObject({
      summary: { counts: { read: 3, left: 1, unknown: 1, deleted: 0 } },
    });
    expect(desk.told()).toEqual(['LeftFilter jo']);
    desk.users = [user('C', 'kim', of('IT'))];
    await desk.run({ uid: 'run-3', filter: sales });
    expect(desk.told()).toEqual(['Deleted sam']);
  });

  const under = {
    matches: ({ path }: UserRecord) => (path === '/eu/' ? ('yes' as const) : ('no' as const)),
    pathPrefix: '/eu/',
  };

  test('under a path: only those are read, where that takes fewer calls than everything', async () => {
    const desk = new RunDesk();
    desk.wholeCalls = 40;
    const jo = user('A', 'jo', { path: '/eu/' });
    desk.users = [jo, user('B', 'sam')];
    desk.live = { users: [{ user: jo, edges: true, credentials: undefined }], deleted: [], unknown: [] };
    await desk.run({ filter: under });
    expect(desk.told()).toEqual(['Created jo']);
    expect(desk.steps).toEqual(['load', 'listUnder', 'readUsers', 'writeReport', 'commit']);
    // Who is not there any more may be elsewhere: only everything tells.
    desk.users = [user('A', 'jo', { path: '/us/' }), user('B', 'sam')];
    desk.steps.length = 0;
    await desk.run({ uid: 'run-2', filter: under });
    expect(desk.told()).toEqual(['LeftFilter jo']);
    expect(desk.steps).toEqual(['load', 'listUnder', 'readWhole', 'writeReport', 'commit']);
  });

  test('by names: who is surely gone is deleted, within the limit', async () => {
    const desk = await reconciled(40);
    const gone = people(3).map(({ userId, userName }) => ({ userId, userName }));
    desk.live = { users: [], deleted: gone, unknown: [] };
    const users = gone.map(({ userName }) => userName);
    expect((await desk.run({ uid: 'run-2', users })).kind).toBe('stopped');
    desk.live = { users: [], deleted: gone.slice(0, 1), unknown: [] };
    await desk.run({ uid: 'run-3', users });
    expect(desk.told()).toEqual(['Deleted person-0']);
  });
});

describe('an incremental run', () => {
  test('compares only whom it was hinted at, and moves the cursor', async () => {
    const desk = await reconciled(3);
    desk.trail = {
      kind: 'users',
      users: [{ user: user('AIDA1', 'renamed'), edges: false, credentials: undefined }],
      deleted: [{ userId: 'AIDA2', userName: 'person-2' }],
      unknown: [],
      catalogue: false,
      trail: { pages: 1, events: 2, hinted: 2 },
      cursor: { at: 77, seen: ['e'] },
    };
    expect(await desk.run({ uid: 'run-2', mode: 'Incremental' })).toMatchObject({
      summary: { mode: 'Incremental', cursor: 77, fallback: undefined },
    });
    expect(desk.told()).toEqual(['Deleted person-2', 'Changed renamed (person-1) name']);
  });

  test('falls back to a full one, and says why', async () => {
    const desk = await reconciled(3);
    desk.trail = { kind: 'fallback', reason: 'CursorTooOld', message: 'the last run was 120 days ago' };
    expect(await desk.run({ uid: 'run-2', mode: 'Incremental' })).toMatchObject({
      summary: {
        mode: 'Full',
        fallback: { reason: 'CursorTooOld', message: 'the last run was 120 days ago' },
      },
    });
  });
});
