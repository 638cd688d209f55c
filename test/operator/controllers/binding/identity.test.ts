import { beforeEach, describe, expect, test } from '@jest/globals';
import { annotations } from '../../../../operator/controllers/names.ts';
import { denyAllName, denyPolicyName, ownerTag } from '../../../../src/account/index.ts';
import type { FakeUser } from '../../../src/fake-aws.ts';
import { Desk, readOnly } from './desk.ts';

const named = { connectionRef: { name: 'main' }, userName: 'jo' };
const minute = 60_000;
const day = 24 * 60 * minute;

let desk: Desk;
beforeEach(async () => {
  desk = await new Desk().start();
  desk.made('jo', day);
  await desk.read();
});

/** The account object is made again under its name, for another user, while the first user is still there. */
async function anotherUser(groups: readonly string[] = []): Promise<FakeUser> {
  const tags = new Map([[ownerTag, 'inst/ns/jo']]);
  const ann = desk.aws.add('ann', { createdAt: desk.clock.ms - day, tags, groups: new Set(groups) });
  desk.user().tags.delete(ownerTag);
  desk.account('jo', { userName: 'ann' }, desk.clock.ms);
  await desk.read();
  return ann;
}

describe('an account that stands for another user now', () => {
  test('the edge of the first goes, the next has it, and it goes with the binding', async () => {
    desk.apply('x', {});
    await desk.run('x');
    const ann = await anotherUser();
    await desk.run('x');
    expect([...desk.user().groups]).toEqual([]);
    expect([...ann.groups]).toEqual(['Dev']);
    expect(desk.object('x').status).toMatchObject({ userId: ann.userId, origin: 'Created' });
    await desk.remove('x');
    expect([...ann.groups]).toEqual([]);
  });

  test.each([
    ['RevokeIfCreated', true, 1],
    ['Revoke', true, 0],
    ['Keep', false, 1],
  ] as const)(
    'the edge of the first is let go of as at the end: %s, there before: %s',
    async (onDelete, before, left) => {
      if (before) {
        desk.user().groups.add('Dev');
        await desk.read();
      }
      desk.apply('x', { onDelete });
      await desk.run('x');
      const ann = await anotherUser();
      await desk.run('x');
      expect(desk.user().groups.size).toBe(left);
      expect([...ann.groups]).toEqual(['Dev']);
    },
  );

  test('two that share the edge both leave: neither keeps it for the other', async () => {
    desk.apply('x', {});
    desk.apply('y', {});
    await desk.run('x', 'y');
    const ann = await anotherUser();
    await desk.run('x', 'y');
    expect(desk.user().groups.size).toBe(0);
    expect([...ann.groups]).toEqual(['Dev']);
  });

  test('one that names the first keeps its edge, and takes it away in the end', async () => {
    desk.apply('x', {});
    desk.apply('y', named);
    await desk.run('x', 'y');
    await anotherUser();
    await desk.run('x', 'y');
    expect([...desk.user().groups]).toEqual(['Dev']);
    await desk.remove('y');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one that came later and names the first goes on when the edge is left', async () => {
    desk.apply('x', { onDelete: 'Keep' });
    desk.clock.ms += 1_000;
    desk.apply('y', { ...named, state: 'Absent' });
    await desk.run('x', 'y');
    expect(desk.ready('y')).toBe('False Conflict');
    await anotherUser();
    await desk.run('x', 'y');
    expect(desk.ready('y')).toBe('True AsDeclared');
    expect(desk.user().groups.size).toBe(0);
  });

  test('is let go of once, also where the next user may not have it', async () => {
    desk.apply('x', {});
    await desk.run('x');
    desk.user().groups.add('a');
    await anotherUser(Array.from({ length: 10 }, (_, index) => `g${index}`));
    await desk.run('x');
    expect(desk.ready('x')).toBe('False LimitExceeded');
    const { length } = desk.aws.writes;
    desk.user().groups.add('Dev');
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('x');
    expect(desk.aws.writes).toHaveLength(length);
    expect(desk.user().groups.size).toBe(2);
  });

  test.each([1, 2, 3])('a process that dies at write %i to the cluster on the way', async (write) => {
    desk.apply('x', {});
    await desk.run('x');
    const ann = await anotherUser();
    await desk.dies(write, 'cluster', () => desk.run('x'));
    await desk.start();
    await desk.run('x');
    expect(desk.user().groups.size).toBe(0);
    expect([...ann.groups]).toEqual(['Dev']);
    await desk.remove('x');
    expect(ann.groups.size).toBe(0);
  });

  test('the first was not to be found: it is waited for, since it may have another name', async () => {
    desk.apply('x', {});
    await desk.run('x');
    desk.clock.ms += minute;
    const ann = await anotherUser();
    desk.lose(desk.user().userId);
    expect((await desk.reconcile('x')).requeueAfterMs).toBe(2_000);
    expect(ann.groups.size).toBe(0);
    desk.clock.ms += 1_000;
    await desk.read();
    await desk.run('x');
    expect(desk.user().groups.size).toBe(0);
    expect([...ann.groups]).toEqual(['Dev']);
  });

  test('whose edge stays for one that holds another one still is taken away', async () => {
    // z has an edge of pat, and its account is jo's by now: it cannot remember both.
    desk.aws.add('pat', { createdAt: desk.clock.ms - day, tags: new Map([[ownerTag, 'inst/ns/two']]) });
    desk.account('two', { userName: 'pat' }, desk.clock.ms);
    await desk.read();
    desk.apply('x', named);
    desk.apply('z', { accountRef: { name: 'two' } });
    await desk.run('x', 'z');
    desk.user('pat').tags.delete(ownerTag);
    desk.user().tags.set(ownerTag, 'inst/ns/two');
    desk.accounts.delete('jo');
    desk.account('two', { userName: 'jo' }, desk.clock.ms);
    await desk.read();
    await desk.remove('x');
    await desk.run('z');
    expect(desk.user('pat').groups.size).toBe(0);
    expect([...desk.user().groups]).toEqual(['Dev']);
    await desk.remove('z');
    expect(desk.user().groups.size).toBe(0);
  });

  describe('after the time is over', () => {
    beforeEach(async () => {
      desk.apply('x', { expiresAt: desk.time(60 * minute) });
      await desk.run('x');
    });

    test('the edge goes from whom it was given to, not from the next', async () => {
      const ann = await anotherUser(['Dev']);
      desk.clock.ms += 61 * minute;
      await desk.read();
      await desk.run('x');
      expect(desk.user().groups.size).toBe(0);
      expect([...ann.groups]).toEqual(['Dev']);
      expect(desk.ready('x')).toBe('True Expired');
      const calls = desk.aws.calls.length;
      await desk.run('x');
      expect(desk.aws.calls).toHaveLength(calls);
    });

    test('nothing is taken where that one is gone; a later time is for the next', async () => {
      const ann = await anotherUser(['Dev']);
      desk.aws.users.splice(desk.aws.users.indexOf(desk.user()), 1);
      desk.clock.ms += 61 * minute;
      await desk.read();
      const { length } = desk.aws.calls;
      await desk.run('x');
      expect(desk.ready('x')).toBe('True Expired');
      expect(desk.message('x')).toMatch(/to whom it was given, is gone/);
      expect([...ann.groups]).toEqual(['Dev']);
      expect(desk.aws.calls).toHaveLength(length);
      desk.apply('x', { expiresAt: desk.time(60 * minute) });
      await desk.run('x');
      expect(desk.object('x').status).toMatchObject({ userId: ann.userId, origin: 'PreExisting' });
    });
  });
});

describe('a name that is somebody else’s since the reading', () => {
  /** Deleted and made again. */
  const again = (more: Partial<FakeUser> = {}): FakeUser => {
    desk.aws.users.splice(desk.aws.users.indexOf(desk.user()), 1);
    return desk.aws.add('jo', { createdAt: desk.clock.ms, ...more });
  };
  const nextReading = async (): Promise<void> => {
    desk.clock.ms += 10 * minute;
    await desk.read();
  };

  test.each([
    ['of an account', {}],
    ['of an account, asked to look', { reconcileAt: true }],
  ])('is given nothing, %s', async (_, { reconcileAt = false }: { reconcileAt?: boolean }) => {
    const second = again();
    desk.apply('x', {}, reconcileAt ? { annotations: { [annotations.reconcileAt]: '1' } } : {});
    await desk.run('x');
    expect(desk.ready('x')).toBe('Unknown WaitingForAccount');
    await nextReading();
    await desk.run('x');
    expect(second.groups.size).toBe(0);
    expect(desk.aws.writes).toEqual([]);
  });

  test('is given nothing again where the first had the edge: it is another person', async () => {
    desk.apply('x', named);
    await desk.run('x');
    desk.user().groups.clear();
    desk.clock.ms += minute;
    await desk.read();
    const second = again();
    await desk.run('x');
    await nextReading();
    await desk.run('x');
    expect(desk.ready('x')).toBe('False IdentityChanged');
    expect(second.groups.size).toBe(0);
    expect(desk.aws.writes).toEqual(['AddUserToGroup']);
  });

  test('is whoever has it where it was never met before, and nothing of that is left behind', async () => {
    const second = again();
    desk.apply('x', named);
    await desk.run('x');
    await nextReading();
    await desk.run('x');
    expect(desk.object('x').status?.userId).toBe(second.userId);
    await desk.remove('x');
    expect(second.groups.size).toBe(0);
  });

  test.each([
    ['Absent', { state: 'Absent' }],
    ['expired', { expiresAt: '2020-01-01T00:00:00Z' }],
  ] as const)('is taken nothing from, %s', async (_, spec) => {
    desk.user().groups.add('Dev');
    await desk.read();
    const second = again({ groups: new Set(['Dev']) });
    desk.apply('x', spec);
    await desk.run('x');
    expect([...second.groups]).toEqual(['Dev']);
    expect(desk.aws.writes).toEqual([]);
  });

  test('is taken nothing from at the end of the object', async () => {
    desk.apply('x', {});
    await desk.run('x');
    desk.clock.ms += minute;
    await desk.read();
    const second = again({ groups: new Set(['Dev']) });
    desk.delete('x');
    await desk.run('x');
    await nextReading();
    await desk.run('x');
    expect([...second.groups]).toEqual(['Dev']);
    expect(desk.bindings.size).toBe(0);
  });

  test('is taken nothing from when the account turns to another user', async () => {
    desk.apply('x', {});
    await desk.run('x');
    desk.clock.ms += minute;
    const ann = await anotherUser();
    const second = again({ groups: new Set(['Dev']) });
    await desk.run('x');
    await nextReading();
    await desk.run('x');
    expect([...second.groups]).toEqual(['Dev']);
    expect([...ann.groups]).toEqual(['Dev']);
  });

  test('who was renamed is found by the next reading, and the edge is taken there', async () => {
    desk.apply('x', {});
    await desk.run('x');
    desk.clock.ms += minute;
    await desk.read();
    const first = desk.user();
    first.userName = 'joanna';
    const second = desk.aws.add('jo', { groups: new Set(['Dev']) });
    desk.delete('x');
    await desk.run('x');
    await nextReading();
    await desk.run('x');
    expect(first.groups.size).toBe(0);
    expect([...second.groups]).toEqual(['Dev']);
    expect(desk.bindings.size).toBe(0);
  });

  test('an answer of AWS that is older than our own write loses nobody', async () => {
    const { userId } = desk.user();
    desk.touch();
    const second = again();
    desk.apply('x', {});
    expect((await desk.reconcile('x')).requeueAfterMs).toBe(5_000);
    expect(desk.known(userId)).toBe(true);
    expect(second.groups.size).toBe(0);
  });
});

describe('a note that somebody wrote by hand', () => {
  const allow = { Version: '2012-10-17', Statement: [] };
  const note = (type: string, entitlement: string): Record<string, string> => ({
    [annotations.edge]: JSON.stringify({
      connection: 'ns/main',
      account: '111122223333',
      userId: desk.user().userId,
      userName: 'jo',
      type,
      entitlement,
      origin: 'Created',
      since: 0,
      revoked: null,
    }),
  });
  const deny = `arn:aws:iam::aws:policy/${denyAllName}`;
  const of = {
    inline: { type: 'InlinePolicy', name: 'harmless', document: allow },
    managed: { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' },
    own: { type: 'CustomerManagedPolicy', name: 'ReadOnlyAccess' },
    group: { type: 'Group', name: 'Dev' },
  } as const;

  beforeEach(async () => {
    desk.user().inline.set(denyPolicyName, '{}').set('other', '{}');
    desk.user().attached.add(deny).add(readOnly);
    desk.user().groups.add('Ops');
    await desk.read();
  });

  test.each([
    ['the Deny of a disabled user', of.inline, denyPolicyName],
    ['the Deny of AWS', of.managed, deny],
    ['the Deny that the object names itself', { ...of.inline, name: denyPolicyName }, denyPolicyName],
    ['the Deny that it names in other letters', { ...of.inline, name: 'idhubDISABLED' }, 'idhubDISABLED'],
    ['the Deny of AWS that it names itself', { type: 'AwsManagedPolicy', arn: deny }, deny],
    ['the Deny of AWS as one’s own', { ...of.own, name: denyAllName }, deny],
    ['another inline policy', of.inline, 'other'],
    ['a policy of AWS under the name of one’s own', of.own, readOnly],
    ['another group', of.group, 'arn:aws:iam::111122223333:group/team/Ops'],
  ] as const)('takes nothing away: %s', async (_, entitlement, held) => {
    for (const spec of [named, {}]) {
      desk.apply(
        'evil',
        { ...spec, entitlement },
        { annotations: note(entitlement.type, held), finalizers: ['aws.idhub.io/finalizer'] },
      );
      desk.delete('evil');
      await desk.run('evil');
      expect(desk.bindings.size).toBe(0);
    }
    expect(desk.aws.writes).toEqual([]);
  });

  test('is believed where it names what the object names, under whatever path', async () => {
    const entitlement = { type: 'Group', name: 'ops' } as const;
    const annotated = { annotations: note('Group', 'arn:aws:iam::111122223333:group/team/Ops') };
    desk.apply('b', { ...named, entitlement }, { ...annotated, finalizers: ['aws.idhub.io/finalizer'] });
    await desk.remove('b');
    expect(desk.aws.writes).toEqual(['RemoveUserFromGroup']);
  });
});
