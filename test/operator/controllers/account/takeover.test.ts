import { describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import type { FakeUser } from '../../../src/fake-aws.ts';
import { Desk } from './desk.ts';

const hour = 3_600_000;
const ownerTag = 'aws.idhub.io/owner';
const boundary = 'arn:aws:iam::111122223333:policy/Fence';
const declared: Partial<AwsAccount['spec']> = {
  programmatic: { access: 'Managed' },
  console: { access: 'Managed' },
  tags: { team: 'a', city: 'Bonn' },
  permissionsBoundary: boundary,
};

/** Somebody's user, with all that this object declares on it already. */
function person(desk: Desk): FakeUser {
  return desk.aws.add('jo', {
    keys: new Map([['AKIAOLD', 'Active']]),
    console: true,
    tags: new Map([
      ['team', 'a'],
      ['city', 'Bonn'],
    ]),
    boundary,
  });
}

async function expectBaseline(desk: Desk, user: FakeUser): Promise<void> {
  await desk.run('jo');
  expect(desk.ready('jo')).toBe('False AccessKeysUnknown');
  expect([...user.keys]).toEqual([['AKIAOLD', 'Active']]);
  // The one that it had; nobody here has set another.
  expect([user.console, user.password]).toEqual([true, undefined]);
  const { metadata } = desk.cluster.object('jo');
  expect(metadata.annotations?.[annotations.userId]).toBe(user.userId);
  // Nothing of what it had goes when it is no longer declared.
  const { tags: _tags, permissionsBoundary: _boundary, ...rest } = desk.cluster.object('jo').spec;
  desk.cluster.apply('jo', rest);
  await desk.run('jo');
  expect(Object.fromEntries(user.tags)).toMatchObject({ team: 'a', city: 'Bonn' });
  expect(user.boundary).toBe(boundary);
}

describe('for a user that is taken over the present is the baseline: nothing is made, set or taken away', () => {
  test('found in the reading of the account', async () => {
    const desk = await new Desk().start();
    const user = person(desk);
    await desk.read();
    desk.cluster.apply('jo', { ...declared, adoptionPolicy: 'IfUnowned' });
    await expectBaseline(desk, user);
  });

  test('found by the refusal to make it', async () => {
    const desk = await new Desk().start();
    const user = person(desk);
    desk.cluster.apply('jo', { ...declared, adoptionPolicy: 'IfUnowned' });
    await desk.reconcile('jo');
    expect(desk.aws.count('CreateUser')).toBe(1);
    await expectBaseline(desk, user);
  });

  test('refused at first, and allowed later', async () => {
    const desk = await new Desk().start();
    const user = person(desk);
    desk.cluster.apply('jo', declared);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AlreadyExists');
    desk.cluster.apply('jo', { ...declared, adoptionPolicy: 'IfUnowned' });
    await expectBaseline(desk, user);
  });

  test('from another owner', async () => {
    const desk = await new Desk().start();
    const user = person(desk);
    user.tags.set(ownerTag, 'other/ns/jo');
    desk.cluster.apply('jo', { ...declared, adoptionPolicy: 'Always' });
    await expectBaseline(desk, user);
  });

  test('confirmed in the place of the one before', async () => {
    const desk = await new Desk().start();
    desk.cluster.apply('jo', declared);
    await desk.run('jo');
    desk.clock.ms += hour;
    desk.aws.users.length = 0;
    const user = person(desk);
    await desk.read();
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False IdentityChanged');
    desk.cluster.apply('jo', declared, { [annotations.confirmUserId]: user.userId });
    await expectBaseline(desk, user);
  });

  test('confirmed under another name, by an old tag', async () => {
    const desk = await new Desk().start();
    const user = person(desk);
    user.userName = 'joan';
    user.tags.set(ownerTag, 'inst/ns/jo');
    await desk.read();
    desk.cluster.apply('jo', declared);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False IdentityChanged');
    desk.cluster.apply('jo', declared, { [annotations.confirmUserId]: user.userId });
    await expectBaseline(desk, user);
  });
});

test('whatever breaks off, a user that is taken over keeps its key and its password', async () => {
  for (const where of ['aws', 'cluster'] as const) {
    for (let write = 1; ; write += 1) {
      const desk = await new Desk().start();
      const user = person(desk);
      desk.cluster.apply('jo', { ...declared, adoptionPolicy: 'IfUnowned' });
      const died = await desk.dies(write, where, () => desk.run('jo'));
      await desk.start();
      await expectBaseline(desk, user);
      if (!died) {
        break;
      }
    }
  }
});

describe('an object that goes while another owner has its user', () => {
  async function taken(deletionPolicy: 'Delete' | 'Disable' | 'Retain'): Promise<[Desk, FakeUser]> {
    const desk = await new Desk().start();
    desk.cluster.apply('jo', { ...declared, deletionPolicy });
    await desk.run('jo');
    desk.clock.ms += hour;
    await desk.run('jo');
    const user = desk.aws.find('jo');
    if (user === undefined) {
      throw new Error('there is no user');
    }
    user.tags.set(ownerTag, 'other/ns/jo');
    await desk.read();
    desk.cluster.delete('jo');
    desk.aws.calls.length = 0;
    await desk.run('jo');
    return [desk, user];
  }

  test.each(['Delete', 'Disable'] as const)('waits with %s, and says how to go on', async (policy) => {
    const [desk, user] = await taken(policy);
    expect(desk.ready('jo')).toBe('False Conflict');
    expect(desk.message('jo')).toContain('other/ns/jo');
    expect(desk.message('jo')).toContain('aws.idhub.io/abandon=true');
    // A confirmation of that id is from another time: it deletes nobody.
    desk.cluster.annotate('jo', { [annotations.confirmUserId]: user.userId });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False Conflict');
    expect(desk.aws.writes).toEqual([]);
    desk.cluster.annotate('jo', { 'aws.idhub.io/abandon': 'true' });
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.writes).toEqual([]);
    expect(desk.cluster.vault.secrets.get('jo-credentials')?.metadata.ownerReferences ?? []).toEqual([]);
  });

  test.each(['Delete', 'Disable'] as const)('goes on with %s once that one lets go', async (policy) => {
    const [desk, user] = await taken(policy);
    user.tags.delete(ownerTag);
    await desk.read();
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.find('jo') === undefined).toBe(policy === 'Delete');
    expect([...user.keys.values()].includes('Active')).toBe(false);
  });

  test('goes at once with Retain', async () => {
    const [desk, user] = await taken('Retain');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.writes).toEqual([]);
    expect(user.tags.get(ownerTag)).toBe('other/ns/jo');
  });
});
