import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../src/account/index.ts';
import type { WriteOutcome } from '../../../../src/idhub/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import type { FakeUser } from '../../../src/fake-aws.ts';
import { died, readOnly, Rig } from './rig.ts';

interface Story {
  readonly name: string;
  readonly before: (rig: Rig) => void;
  readonly ask: (rig: Rig) => Promise<WriteOutcome>;
  /** What AWS refuses. */
  readonly refuses?: Rig['aws']['refuse'];
  /** The user when it is done. */
  readonly after: object | undefined;
  /** The request names a user that is gone when it is done. */
  readonly ends?: true;
}

const password = { kind: 'given', password: 'Sunny-Day-1' } as const;
const dev = { type: 'Group', name: 'Dev' } as const;
const remove = [dev];
const add = [{ type: 'Group', name: 'Ops' } as const, { arn: readOnly }];
const noPath: Rig['aws']['refuse'] = ({ operation, input }) =>
  operation === 'UpdateUser' && input['NewPath'] === '/new/' ? 'accessDenied' : undefined;

function brownfield(rig: Rig): void {
  rig.aws.add('jo', {
    groups: new Set(['Dev']),
    tags: new Map([['mail', 'old@example.org']]),
    console: true,
    password: 'before',
  });
}

function observed(rig: Rig): void {
  brownfield(rig);
  rig.apply('jo', { management: 'Observe' });
}

function declared(rig: Rig): void {
  brownfield(rig);
  rig.apply('jo', {
    adoptionPolicy: 'IfUnowned',
    attributes: { mail: 'old@example.org' },
    entitlements: [{ type: 'Group', name: 'Dev' }],
  });
}

const stories: readonly Story[] = [
  {
    name: 'an account is made',
    before: () => undefined,
    ask: (rig) => rig.create('jo', { attributes: { mail: 'a@b' }, entitlements: { add: [dev], remove: [] } }),
    after: { groups: ['Dev'], mail: 'a@b' },
  },
  {
    name: 'an account is made with a password',
    before: () => undefined,
    ask: (rig) => rig.create('jo', { password }),
    after: { password: 'Sunny-Day-1' },
  },
  {
    name: 'an account that cannot be made is taken back',
    before: () => undefined,
    ask: (rig) => rig.create('jo', { password, entitlements: { add, remove: [] } }),
    refuses: ({ operation }) => (operation === 'AttachUserPolicy' ? 'accessDenied' : undefined),
    after: undefined,
  },
  ...[brownfield, observed, declared].flatMap((before): Story[] => [
    {
      name: `${before.name}: all of it is changed`,
      before,
      ask: (rig) =>
        rig.change('jo', { attributes: { mail: 'a@b' }, path: '/new/', entitlements: { add, remove } }),
      after: { groups: ['Ops'], attached: [readOnly], mail: 'a@b', path: '/new/', password: 'before' },
    },
    {
      name: `${before.name}: a password is set`,
      before,
      ask: (rig) => rig.change('jo', { password, attributes: { mail: 'a@b' } }),
      after: { groups: ['Dev'], mail: 'a@b', password: 'Sunny-Day-1' },
    },
    {
      name: `${before.name}: what cannot be done is taken back`,
      before,
      ask: (rig) =>
        rig.change('jo', {
          attributes: { mail: 'a@b', city: 'Ulm' },
          path: '/new/',
          password,
          entitlements: { add, remove },
        }),
      refuses: noPath,
      after: { groups: ['Dev'], attached: [], mail: 'old@example.org', path: '/', password: 'before' },
    },
    {
      name: `${before.name}: disabled`,
      before,
      ask: (rig) => rig.change('jo', { active: false }),
      after: { groups: ['Dev'], inline: ['IDHubDisabled'] },
    },
    {
      name: `${before.name}: deleted`,
      before,
      ask: (rig) => rig.remove('jo'),
      after: undefined,
      ends: true,
    },
  ]),
];

/** What of a user the stories speak of. */
function pictureOf(user: FakeUser | undefined): object | undefined {
  return (
    user && {
      groups: [...user.groups],
      attached: [...user.attached],
      inline: [...user.inline.keys()],
      path: user.path,
      password: user.password,
      mail: user.tags.get('mail'),
      city: user.tags.get('city'),
      owned: user.tags.has(ownerTag),
    }
  );
}

async function stage(story: Story): Promise<Rig> {
  const rig = new Rig();
  story.before(rig);
  await rig.start();
  await rig.calm();
  rig.aws.refuse = story.refuses ?? rig.aws.refuse;
  rig.cluster.writes.length = 0;
  rig.aws.calls.length = 0;
  return rig;
}

describe.each(stories)('$name', (story) => {
  test('whoever is killed at whatever write: it comes to the same end', async () => {
    const whole = await stage(story);
    const object = JSON.stringify(whole.accounts().map(({ spec }) => spec));
    const first = pictureOf(whole.aws.find('jo'));
    const outcome = await story.ask(whole);
    await whole.calm();
    const last = pictureOf(whole.aws.find('jo'));
    const kind = story.refuses === undefined ? 'done' : 'refused';
    expect(outcome.kind).toBe(kind);
    expect(last).toEqual(story.after === undefined ? undefined : expect.objectContaining(story.after));
    if (story.refuses !== undefined) {
      expect(last).toEqual(first);
    }
    const steps = { cluster: whole.cluster.writes.length, aws: whole.aws.writes.length };
    expect(steps.cluster).toBeGreaterThan(2);
    for (const where of ['cluster', 'aws'] as const) {
      for (let at = 1; at <= steps[where]; at += 1) {
        const rig = await stage(story);
        rig[where].writesUntilCrash = at;
        const dead = await died(async () => {
          await story.ask(rig);
          await rig.calm();
        });
        if (!dead && where === 'aws' && story.refuses !== undefined) {
          // What AWS refuses changes nothing, and kills nobody.
          break;
        }
        expect([where, at, dead]).toEqual([where, at, true]);
        await rig.start();
        await rig.calm();
        const seen = pictureOf(rig.aws.find('jo'));
        const notes = rig
          .accounts()
          .map(({ metadata }) => metadata.annotations?.[annotations.undo])
          .filter((note) => note !== undefined);
        expect([where, at, notes, rig.secrets()]).toEqual([where, at, [], []]);
        // It is done, or it never was: nothing in between.
        const ends = [last, first].some((end) => JSON.stringify(end) === JSON.stringify(seen));
        expect({ where, at, seen, ends }).toEqual({ where, at, seen, ends: true });
        if (story.refuses !== undefined) {
          expect(seen).toEqual(first);
          expect(JSON.stringify(rig.accounts().map(({ spec }) => spec))).toBe(object);
          continue;
        }
        if (story.ends === true && seen === undefined) {
          continue;
        }
        expect([where, at, (await story.ask(rig)).kind]).toEqual([where, at, 'done']);
        await rig.calm();
        expect(pictureOf(rig.aws.find('jo'))).toEqual(last);
        expect(rig.accounts().length).toBe(whole.accounts().length);
        expect(rig.secrets()).toEqual([]);
      }
    }
  });
});
