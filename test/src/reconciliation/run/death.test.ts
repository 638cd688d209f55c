import { describe, expect, test } from '@jest/globals';
import type { RunRequest, UserRecord } from '../../../../src/reconciliation/index.ts';
import { Died, RunDesk, user } from './desk.ts';

interface Story {
  readonly run: Partial<RunRequest>;
  /** What happens in AWS between the run before and this one. */
  readonly happens: (desk: RunDesk) => void;
  readonly told: readonly string[];
  /** What it takes. */
  readonly steps: readonly string[];
}

const own = { inlinePolicies: [{ name: 'own', fingerprint: 'f', size: 1 }] };
const everybody = [user('A', 'jo', { path: '/eu/', ...own }), user('B', 'sam', { path: '/eu/' })];
const later = [user('A', 'joan', { path: '/eu/' }), user('C', 'kim', { path: '/eu/' })];
const readers = { groupId: 'AGPA1', name: 'readers', arn: 'arn:aws:iam::111122223333:group/readers' };
const trail = { pages: 1, events: 3, hinted: 3 };
const told = ['Deleted sam', 'Changed joan (jo) name entitlements', 'Created kim'];
const ofLater = later.map((each) => ({ user: each, edges: true, credentials: undefined }));
const sam = { userId: 'B', userName: 'sam' };
const active = {
  matches: (record: UserRecord) =>
    record.active === undefined ? ('unknown' as const) : record.active ? ('yes' as const) : ('no' as const),
  pathPrefix: undefined,
};
const followed = {
  kind: 'users' as const,
  users: ofLater,
  deleted: [sam],
  unknown: [],
  catalogue: false,
  trail,
  cursor: { at: 2_000_000, seen: [] },
};

const stories: Readonly<Record<string, Story>> = {
  'a full run': {
    run: { resources: ['Account', 'Entitlement'] },
    happens: (desk) => {
      desk.users = later;
      desk.catalogue = { groups: [], policies: [] };
    },
    told: [...told, 'Deleted readers', 'Deleted own'],
    steps: ['load', 'readWhole', 'listUnder', 'readCatalogue', 'readCatalogue', 'writeReport', 'commit'],
  },
  'an incremental run': {
    run: { mode: 'Incremental' },
    happens: (desk) => {
      desk.users = later;
      desk.trail = followed;
    },
    told,
    steps: ['load', 'trail', 'writeReport', 'commit'],
  },
  'an incremental run that falls back': {
    run: { mode: 'Incremental' },
    happens: (desk) => {
      desk.users = later;
      desk.trail = { kind: 'fallback', reason: 'CursorTooOld', message: '120 days' };
    },
    told,
    steps: ['load', 'trail', 'readWhole', 'listUnder', 'writeReport', 'commit'],
  },
  'an incremental run that has to read the whole account for its filter': {
    run: { mode: 'Incremental', filter: active },
    happens: (desk) => {
      desk.users = later;
      desk.trail = { ...followed, users: ofLater.map((each) => ({ ...each, edges: false })) };
    },
    told,
    steps: ['load', 'trail', 'readWhole', 'listUnder', 'writeReport', 'commit'],
  },
  'a run by names': {
    run: { users: ['jo', 'sam', 'kim'] },
    happens: (desk) => {
      desk.users = later;
      desk.live = { users: ofLater, deleted: [sam], unknown: [] };
    },
    told,
    steps: ['load', 'readUsers', 'writeReport', 'commit'],
  },
  'a run under a path': {
    run: { filter: { matches: () => 'yes', pathPrefix: '/eu/' } },
    happens: (desk) => {
      desk.users = [...everybody.slice(1), ...later];
      desk.live = { users: ofLater, deleted: [], unknown: [] };
      desk.wholeCalls = 100;
    },
    told: ['Changed joan (jo) name entitlements', 'Created kim'],
    steps: ['load', 'listUnder', 'readUsers', 'writeReport', 'commit'],
  },
};

async function begun({ run, happens }: Story): Promise<RunDesk> {
  const desk = new RunDesk();
  desk.users = everybody;
  desk.catalogue = { groups: [readers], policies: [] };
  const { filter, resources = ['Account'] } = run;
  await desk.run({ uid: 'first', resources, filter: filter && { ...filter, pathPrefix: undefined } });
  happens(desk);
  desk.steps.length = 0;
  return desk;
}

const deaths = Object.entries(stories).flatMap(([name, story]) =>
  story.steps.flatMap((step, at) =>
    (['before', 'after'] as const).map((when) => [name, when, `${step} (${at})`, at, story] as const),
  ),
);

describe.each(Object.entries(stories))('%s', (_name, story) => {
  test('takes these steps, and no other', async () => {
    const desk = await begun(story);
    await desk.run({ uid: 'run-2', ...story.run });
    expect(desk.steps).toEqual(story.steps);
    expect(desk.told()).toEqual(story.told);
  });
});

describe('C13: whoever dies', () => {
  test.each(deaths)('in %s, %s %s, and begins again, tells each change once', async (...death) => {
    const [, when, , at, story] = death;
    const desk = await begun(story);
    desk.dies = { at, when };
    await expect(desk.run({ uid: 'run-2', ...story.run })).rejects.toThrow(Died);
    const outcome = await desk.run({ uid: 'run-2', ...story.run });
    expect(outcome).toMatchObject({ kind: 'complete', summary: { reported: story.told.length } });
    expect(desk.told()).toEqual(story.told);
    // The one after it has nothing more to tell.
    const { filter, resources = ['Account'] } = story.run;
    desk.trail = undefined;
    desk.wholeCalls = 3;
    const next = await desk.run({ uid: 'run-3', resources, filter });
    expect(next).toMatchObject({ kind: 'complete', summary: { counts: { created: 0, changed: 0 } } });
    expect(desk.told()).toEqual([]);
  });

  test('and was overtaken by another run, tells what that one has not told', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo')];
    await desk.run({ uid: 'first' });
    desk.users = [user('A', 'jo'), user('B', 'sam')];
    desk.dies = { at: 'writeReport', when: 'after' };
    await expect(desk.run({ uid: 'run-2' })).rejects.toThrow(Died);
    await desk.run({ uid: 'run-3' });
    expect(desk.told()).toEqual(['Created sam']);
    desk.users = [user('A', 'jo'), user('B', 'sam'), user('C', 'kim')];
    await desk.run({ uid: 'run-2' });
    expect(desk.told()).toEqual(['Created kim']);
  });

  test('or loses against another run, has changed nothing', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo')];
    await desk.run({ uid: 'first' });
    desk.users = [user('A', 'jo'), user('B', 'sam')];
    const [one, other] = await Promise.allSettled([desk.run({ uid: 'run-2' }), desk.run({ uid: 'run-3' })]);
    expect([one.status, other.status].sort()).toEqual(['fulfilled', 'rejected']);
    await desk.run({ uid: one.status === 'rejected' ? 'run-2' : 'run-3' });
    expect(desk.told()).toEqual([]);
  });

  test('after its commit, is known to be done when 19 others were done since', async () => {
    const desk = new RunDesk();
    desk.users = [user('A', 'jo')];
    await desk.run({ uid: 'run-0' });
    for (let index = 1; index < 20; index += 1) {
      desk.users = [...desk.users, user(`U${index}`, `user-${index}`)];
      await desk.run({ uid: `run-${index}` });
    }
    const reports = desk.reports.length;
    expect(await desk.run({ uid: 'run-0' })).toMatchObject({ summary: { counts: { created: 1 } } });
    expect(desk.reports).toHaveLength(reports);
  });
});
