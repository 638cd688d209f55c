import { describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import type { FakeUser } from '../../../src/fake-aws.ts';
import { looks, usable } from '../../../src/account/world.ts';
import { Desk, type DeskOptions } from './desk.ts';

const ownerTag = 'aws.idhub.io/owner';
const boundary = 'arn:aws:iam::111122223333:policy/Boundary';

const begin = (options: DeskOptions = {}): Promise<Desk> => new Desk(options).start();

/** The user of that name, which must be there. */
function userOf(desk: Desk, name: string): FakeUser {
  const user = desk.aws.find(name);
  if (user === undefined) {
    throw new Error(`there is no IAM user ${name}`);
  }
  return user;
}

describe('a new account', () => {
  test('is one AWS write and no read, with its owner on it, and two writes of the object', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { attributes: { surname: "O'Brien" } });
    await desk.reconcile('jo');
    expect(desk.aws.calls.map(({ operation }) => operation)).toEqual(['CreateUser']);
    expect([...userOf(desk, 'jo').tags]).toEqual([
      [ownerTag, 'inst/ns/jo'],
      ['surname', 'idhub:1/1:O=27Brien'],
    ]);
    expect(desk.cluster.writes).toEqual(['patch jo', 'status jo']);
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.reasons()).toEqual(['Created']);
  });

  test('comes to rest: no write to AWS or to the cluster in any later pass', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {
      attributes: { city: 'Berlin' },
      tags: { team: 'a' },
      permissionsBoundary: boundary,
      path: '/x/',
    });
    await desk.run('jo');
    const { resourceVersion } = desk.cluster.object('jo').metadata;
    const { writes } = desk.aws;
    for (let pass = 0; pass < 20; pass += 1) {
      desk.clock.ms += 600_000;
      await desk.read();
      await desk.run('jo');
    }
    expect(desk.aws.writes).toEqual(writes);
    expect(desk.cluster.object('jo').metadata.resourceVersion).toBe(resourceVersion);
  });

  test('that is deleted before the first look gets no finalizer, and no user is made', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    const { metadata } = desk.cluster.object('jo');
    metadata.finalizers = ['somebody/else'];
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.object('jo').metadata.finalizers).toEqual(['somebody/else']);
    expect(desk.aws.calls).toEqual([]);
    expect(desk.cluster.writes).toEqual([]);
  });

  test('that AWS does not show for a while is made once', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {});
    await desk.reconcile('jo');
    const until = desk.clock.ms + 5_000;
    desk.aws.refuse = ({ operation }) =>
      operation === 'GetUser' && desk.clock.ms < until ? 'notFound' : undefined;
    desk.cluster.apply('jo', { tags: { team: 'a' } });
    await desk.run('jo');
    expect(desk.aws.count('CreateUser')).toBe(1);
    expect(userOf(desk, 'jo').tags.get('team')).toBe('a');
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test.each(['crash', 'unreachable'] as const)(
    'whose making was not heard of (%s), and that AWS does not show for a while, is still made once',
    async (how) => {
      const desk = await begin();
      desk.cluster.apply('jo', { tags: { team: 'a' } });
      desk.aws.crashAs = how;
      desk.aws.writesUntilCrash = 1;
      await desk.reconcile('jo').catch(() => undefined);
      const until = desk.clock.ms + 12_000;
      desk.hides = () => desk.clock.ms < until;
      desk.aws.refuse = ({ operation }) => (operation === 'GetUser' && desk.hides() ? 'notFound' : undefined);
      if (how === 'crash') {
        await desk.start();
      }
      await desk.run('jo');
      expect(desk.ready('jo')).toBe('True AsDeclared');
      expect(desk.aws.users).toHaveLength(1);
      expect(desk.cluster.object('jo').metadata.annotations?.['aws.idhub.io/user-id'] ?? '').toMatch(
        /^(AIDA.*)?$/,
      );
    },
  );

  test('whose name changed before its making was heard of leaves no user behind', async () => {
    for (const how of ['crash', 'unreachable'] as const) {
      const desk = await begin();
      desk.cluster.apply('jo', {});
      desk.aws.crashAs = how;
      desk.aws.writesUntilCrash = 1;
      await desk.reconcile('jo').catch(() => undefined);
      const until = desk.clock.ms + 12_000;
      desk.hides = () => desk.clock.ms < until;
      desk.aws.refuse = ({ operation }) => (operation === 'GetUser' && desk.hides() ? 'notFound' : undefined);
      desk.cluster.apply('jo', { userName: 'joan' });
      if (how === 'crash') {
        await desk.start();
      }
      await desk.run('jo');
      await desk.read();
      await desk.run('jo');
      expect([how, desk.aws.users.map(({ userName }) => userName)]).toEqual([how, ['joan']]);
      expect(desk.ready('jo')).toBe('True AsDeclared');
    }
  });

  test('that is deleted before its making was heard of leaves no user behind', async () => {
    for (const how of ['crash', 'unreachable'] as const) {
      const desk = await begin();
      desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
      desk.aws.crashAs = how;
      desk.aws.writesUntilCrash = 1;
      await desk.reconcile('jo').catch(() => undefined);
      const until = desk.clock.ms + 12_000;
      desk.hides = () => desk.clock.ms < until;
      desk.aws.refuse = ({ operation }) => (operation === 'GetUser' && desk.hides() ? 'notFound' : undefined);
      desk.cluster.delete('jo');
      if (how === 'crash') {
        await desk.start();
      }
      await desk.run('jo');
      expect([how, desk.aws.users.length, desk.cluster.accounts.size]).toEqual([how, 0, 0]);
    }
  });

  test('the communication user is never managed', async () => {
    const desk = await begin();
    desk.aws.add('idhub');
    await desk.read();
    desk.cluster.apply('mine', { userName: 'IDHub', adoptionPolicy: 'Always', enabled: false });
    await desk.run('mine');
    expect(desk.ready('mine')).toBe('False CommunicationUser');
    expect(desk.aws.calls).toEqual([]);
  });
});

describe('a user that exists already', () => {
  test('is never taken silently, and another name leaves it alone', async () => {
    const desk = await begin();
    const jo = desk.aws.add('jo', { tags: new Map([['cost', '1']]) });
    const before = looks(desk.aws, jo);
    await desk.read();
    desk.cluster.apply('a', { userName: 'JO' });
    await desk.run('a');
    expect(desk.ready('a')).toBe('False AlreadyExists');
    expect(desk.aws.writes).toEqual([]);
    expect(desk.cluster.object('a').metadata.finalizers).toEqual([]);
    expect(desk.cluster.object('a').status).not.toHaveProperty('userId');

    desk.cluster.apply('a', { userName: 'joan' });
    await desk.run('a');
    expect(desk.ready('a')).toBe('True AsDeclared');
    expect(desk.aws.find('joan')).toBeDefined();
    desk.cluster.delete('a');
    await desk.run('a');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(looks(desk.aws, jo)).toEqual(before);
  });

  test('and that the snapshot does not show yet is found by the refusal to make it', async () => {
    const desk = await begin();
    desk.aws.add('jo');
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AlreadyExists');
    expect(desk.aws.calls.map(({ operation }) => operation)).toEqual(['CreateUser', 'GetUser']);
  });

  test.each([
    ['nobody’s', undefined, 'IfUnowned', true],
    ['another installation’s', 'other/ns/jo', 'IfUnowned', false],
    ['another object’s', 'inst/ns/x', 'IfUnowned', false],
    ['another installation’s', 'other/ns/jo', 'Always', true],
  ] as const)('that is %s (%s) is taken with %s: %s', async (_, mark, adoptionPolicy, taken) => {
    const desk = await begin();
    const user = desk.aws.add('Jo', {
      tags: new Map(
        mark === undefined
          ? [['cost', '1']]
          : [
              ['cost', '1'],
              [ownerTag, mark],
            ],
      ),
    });
    await desk.read();
    desk.cluster.apply('jo', { adoptionPolicy, tags: { team: 'a' } });
    await desk.run('jo');
    expect(user.userName).toBe('Jo');
    expect(desk.aws.count('CreateUser')).toBe(0);
    if (taken) {
      expect(desk.ready('jo')).toBe('True AsDeclared');
      expect(desk.reasons()).toContain('Adopted');
      expect(Object.fromEntries(user.tags)).toEqual({ cost: '1', team: 'a', [ownerTag]: 'inst/ns/jo' });
      expect(desk.cluster.writes[0]).toBe('patch jo');
      const { length } = desk.aws.writes;
      await desk.read();
      await desk.run('jo');
      expect(desk.aws.writes).toHaveLength(length);
    } else {
      expect(desk.aws.writes).toEqual([]);
    }
  });
});

describe('two objects for one user', () => {
  test('the second owns nothing, and its deletion touches nothing and ends at once', async () => {
    const desk = await begin();
    desk.cluster.apply('a', { userName: 'JO', tags: { team: 'a' } });
    desk.cluster.apply('b', { userName: 'jo', tags: { team: 'b' }, deletionPolicy: 'Delete' });
    await desk.run('a');
    await desk.run('b');
    expect([desk.ready('a'), desk.ready('b')]).toEqual(['True AsDeclared', 'False Conflict']);
    const before = looks(desk.aws, userOf(desk, 'jo'));
    const { length } = desk.aws.writes;
    desk.cluster.delete('b');
    await desk.run('b');
    expect(desk.cluster.accounts.has('b')).toBe(false);
    expect(desk.aws.writes).toHaveLength(length);
    expect(looks(desk.aws, userOf(desk, 'jo'))).toEqual(before);
  });

  test('the second takes over once the first is gone', async () => {
    const desk = await begin();
    desk.cluster.apply('a', { userName: 'JO', deletionPolicy: 'Delete' });
    desk.cluster.apply('b', { userName: 'jo' });
    await desk.run('a');
    await desk.run('b');
    desk.cluster.delete('a');
    await desk.run('a');
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(userOf(desk, 'jo').tags.get(ownerTag)).toBe('inst/ns/b');
  });
});

describe('memory', () => {
  test('outlives status and cluster: restored without status, nothing is written to AWS', async () => {
    const desk = await begin();
    desk.cluster.apply('a', { attributes: { city: 'Berlin' }, tags: { team: 'a' } });
    desk.cluster.apply('b', { enabled: false });
    desk.cluster.apply('c', { userName: 'c-old' });
    for (const name of ['a', 'b', 'c']) {
      await desk.run(name);
    }
    // Renamed in AWS, deleted in AWS.
    userOf(desk, 'c-old').userName = 'c-new';
    desk.cluster.apply('gone', {});
    await desk.run('gone');
    desk.aws.users.splice(desk.aws.users.indexOf(userOf(desk, 'gone')), 1);
    desk.clock.ms += 3_600_000;
    for (const name of ['a', 'b', 'c', 'gone']) {
      desk.cluster.restore(name);
    }
    const { length } = desk.aws.writes;
    await desk.start();
    for (const name of ['a', 'b', 'c', 'gone']) {
      await desk.run(name);
    }
    expect(desk.aws.writes.slice(length)).toEqual([]);
    expect(['a', 'b', 'c', 'gone'].map((name) => desk.ready(name))).toEqual([
      'True AsDeclared',
      'True AsDeclared',
      'True RenamedInAws',
      'False DeletedOutside',
    ]);
  });

  test('a cluster with another installation id owns none of them', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    const { length } = desk.aws.writes;
    desk.cluster.restore('jo');
    desk.installation = 'other';
    await desk.start();
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AlreadyExists');
    expect(desk.aws.writes).toHaveLength(length);
  });
});

describe('what happens in AWS', () => {
  test('drift is mended once and told', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { tags: { team: 'a' }, permissionsBoundary: boundary, path: '/x/' });
    await desk.run('jo');
    const user = userOf(desk, 'jo');
    const right = looks(desk.aws, user);
    user.tags.set('team', 'z');
    user.tags.delete(ownerTag);
    user.boundary = undefined;
    user.path = '/';
    await desk.read();
    await desk.run('jo');
    expect(looks(desk.aws, user)).toEqual(right);
    expect(desk.aws.count('PutUserPermissionsBoundary')).toBe(1);
    expect(desk.reasons()).toEqual(['Created', 'DriftMended']);
    expect(desk.cluster.object('jo').status?.drift?.fields).toEqual(['path', 'permissionsBoundary', 'tags']);
  });

  test('a key that somebody switched on again is closed within the hour', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    const user = userOf(desk, 'jo');
    user.keys.set('AKIA1', 'Active');
    desk.cluster.apply('jo', { enabled: false });
    await desk.run('jo');
    expect(usable(user)).toEqual([]);
    user.keys.set('AKIA1', 'Active');
    const { requeueAfterMs } = await desk.reconcile('jo');
    expect(requeueAfterMs).toBeLessThanOrEqual(3_600_000);
    desk.clock.ms += 3_600_000;
    await desk.run('jo');
    expect(usable(user)).toEqual([]);
    expect(desk.reasons().at(-1)).toBe('DriftMended');
  });

  test.each([
    ['Hold', 'False DeletedOutside', 1],
    ['Recreate', 'True AsDeclared', 2],
  ] as const)(
    'a deletion is not seen from a name alone, and %s: %s',
    async (onExternalDelete, ready, made) => {
      const desk = await begin();
      desk.cluster.apply('jo', { onExternalDelete });
      await desk.run('jo');
      desk.clock.ms += 120_000;
      desk.aws.users.pop();
      await desk.read();
      await desk.run('jo');
      expect(desk.ready('jo')).toBe(ready);
      expect(desk.aws.count('CreateUser')).toBe(made);
      if (onExternalDelete === 'Hold') {
        desk.cluster.apply('jo', { onExternalDelete: 'Recreate' });
        await desk.run('jo');
        expect(desk.ready('jo')).toBe('True AsDeclared');
      }
    },
  );

  test('a name that was made again is another person, until somebody confirms', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { tags: { team: 'a' } });
    await desk.run('jo');
    desk.clock.ms += 120_000;
    desk.aws.users.pop();
    const other = desk.aws.add('jo');
    await desk.read();
    const { length } = desk.aws.writes;
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False IdentityChanged');
    expect(desk.message('jo')).toContain(`aws.idhub.io/confirm-user-id=${other.userId}`);
    expect(desk.aws.writes).toHaveLength(length);
    desk.cluster.apply('jo', { tags: { team: 'a' } }, { 'aws.idhub.io/confirm-user-id': other.userId });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(other.tags.get('team')).toBe('a');
  });

  test('a rename is followed, and a third name is asked for by the spec', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    const user = userOf(desk, 'jo');
    user.userName = 'joan';
    await desk.read();
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True RenamedInAws');
    expect(desk.aws.count('UpdateUser')).toBe(0);
    desk.cluster.apply('jo', { userName: 'johanna' });
    await desk.run('jo');
    expect(user.userName).toBe('johanna');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.aws.users).toHaveLength(1);
  });

  test('who only observes writes nothing, whatever differs', async () => {
    const desk = await begin();
    const user = desk.aws.add('jo', { keys: new Map([['AKIA1', 'Active']]) });
    await desk.read();
    desk.cluster.apply('jo', {
      management: 'Observe',
      enabled: false,
      tags: { a: '1' },
      deletionPolicy: 'Delete',
    });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True Observed');
    expect(desk.cluster.object('jo').status?.userId).toBe(user.userId);
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.aws.writes).toEqual([]);
  });
});

describe('a change of mind', () => {
  test.each(['aws', 'cluster'] as const)(
    'a disable after an enable that died at any write to %s leaves nothing open',
    async (where) => {
      for (let write = 1; ; write += 1) {
        const desk = await begin({
          settings: { enableProgrammaticAccess: true, disableWith: 'CredentialsOnly' },
        });
        await disabled(desk);
        desk.cluster.apply('jo', whole);
        const died = await desk.dies(write, where, () => desk.run('jo'));
        desk.cluster.apply('jo', { ...whole, enabled: false });
        await desk.start();
        await desk.run('jo');
        expect([write, usable(userOf(desk, 'jo'))]).toEqual([write, []]);
        if (!died) {
          return;
        }
      }
    },
  );

  test.each(['aws', 'cluster'] as const)(
    'an enable after a disable that died at any write to %s leaves nothing shut that was open',
    async (where) => {
      for (let write = 1; ; write += 1) {
        const desk = await begin({ settings: { enableProgrammaticAccess: true } });
        await existing(desk);
        const before = looks(desk.aws, userOf(desk, 'jo')) as object;
        desk.cluster.apply('jo', { ...whole, enabled: false });
        const died = await desk.dies(write, where, () => desk.run('jo'));
        desk.cluster.apply('jo', whole);
        await desk.start();
        await desk.run('jo');
        const after = looks(desk.aws, userOf(desk, 'jo')) as object;
        // The console password is gone for good once it was removed.
        expect([write, { ...after, console: true }]).toEqual([write, before]);
        if (!died) {
          return;
        }
      }
    },
  );
});

describe('what AWS refuses', () => {
  test('a boundary that may not be removed: it is said, and everything else is done', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { permissionsBoundary: boundary });
    await desk.run('jo');
    desk.aws.refuse = ({ operation }) =>
      operation === 'DeleteUserPermissionsBoundary' ? 'accessDenied' : undefined;
    desk.cluster.apply('jo', { tags: { team: 'a' }, path: '/x/' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AccessDenied');
    expect(desk.message('jo')).toContain('DeleteUserPermissionsBoundary');
    expect(userOf(desk, 'jo')).toMatchObject({ path: '/x/', boundary });
    expect(userOf(desk, 'jo').tags.get('team')).toBe('a');
    desk.aws.refuse = () => undefined;
    await desk.read();
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(userOf(desk, 'jo').boundary).toBeUndefined();
  });

  test('tags can be changed without the right to rename', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    desk.aws.refuse = ({ operation }) => (operation === 'UpdateUser' ? 'accessDenied' : undefined);
    desk.cluster.apply('jo', { tags: { team: 'a' } });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('credentials: one call for each account and no repetition, since the connection looks after them', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {});
    desk.aws.refuse = () => 'badCredentials';
    expect(await desk.reconcile('jo')).toEqual({});
    expect(desk.aws.calls).toHaveLength(1);
    expect(desk.ready('jo')).toBe('Unknown InvalidCredentials');
    desk.aws.refuse = () => undefined;
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('nothing for good where a fault passes: it is thrown, and said', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', {});
    desk.aws.refuse = () => 'throttled';
    await expect(desk.reconcile('jo')).rejects.toMatchObject({ kind: 'throttled' });
    expect(desk.ready('jo')).toBe('Unknown Throttled');
    desk.aws.refuse = () => undefined;
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.aws.users).toHaveLength(1);
  });
});

/** A user with one of everything that stands in the way of its deletion. */
function furnish(desk: Desk, user: FakeUser): void {
  const virtual = 'arn:aws:iam::111122223333:mfa/jo';
  desk.aws.devices.add(virtual);
  user.console = true;
  user.keys.set('AKIA1', 'Active').set('AKIA2', 'Inactive');
  user.ssh.set('APKA1', 'Active');
  user.certificates.set('CERT1', 'Active');
  user.services.set('ACCA1', 'Active');
  user.mfa.add(virtual);
  user.groups.add('people');
  user.attached.add('arn:aws:iam::aws:policy/ReadOnlyAccess');
  user.inline.set('mine', '');
}

describe('the end of an account', () => {
  test.each([
    ['Delete', 0, undefined],
    ['Disable', 1, []],
    ['Retain', 1, ['console', 'AKIA1', 'APKA1', 'CERT1', 'ACCA1']],
  ] as const)('%s', async (deletionPolicy, left, open) => {
    const desk = await begin();
    desk.cluster.apply('jo', { deletionPolicy, permissionsBoundary: boundary });
    await desk.run('jo');
    const user = userOf(desk, 'jo');
    furnish(desk, user);
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.users).toHaveLength(left);
    expect(desk.aws.count('DeleteUserPermissionsBoundary')).toBe(0);
    if (open === undefined) {
      expect(desk.reasons().filter((reason) => reason === 'Deleted')).toHaveLength(1);
      expect(desk.aws.devices.size).toBe(0);
    } else {
      expect(usable(user)).toEqual(open);
      expect(user.tags.has(ownerTag)).toBe(false);
      expect(user.boundary).toBe(boundary);
    }
  });

  test('what cannot be removed is named, nothing claims success, and once it can it ends by itself', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    await desk.run('jo');
    furnish(desk, userOf(desk, 'jo'));
    let denied = true;
    desk.aws.refuse = ({ operation }) =>
      denied && operation === 'DeleteSigningCertificate' ? 'accessDenied' : undefined;
    desk.cluster.delete('jo');
    await desk.reconcile('jo');
    expect(desk.ready('jo')).toBe('False DeletionBlocked');
    expect(desk.message('jo')).toMatch(/signing certificate CERT1 \(DeleteSigningCertificate: /);
    expect(desk.reasons()).not.toContain('Deleted');
    expect(desk.aws.users).toHaveLength(1);
    denied = false;
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.users).toEqual([]);
    expect(desk.reasons().filter((reason) => reason === 'Deleted')).toHaveLength(1);
  });

  test('the object goes only after the user was seen to be gone', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    await desk.run('jo');
    desk.cluster.delete('jo');
    desk.aws.refuse = (call) => {
      if (call.operation === 'DeleteUser') {
        desk.aws.refuse = ({ operation }) => (operation === 'GetUser' ? 'service' : undefined);
      }
      return undefined;
    };
    await expect(desk.reconcile('jo')).rejects.toMatchObject({ kind: 'service' });
    expect(desk.cluster.accounts.has('jo')).toBe(true);
    desk.aws.refuse = () => undefined;
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
  });

  test('the object stays for as long as AWS still shows the user', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    await desk.run('jo');
    const user = userOf(desk, 'jo');
    desk.cluster.delete('jo');
    let deleted = false;
    desk.aws.refuse = ({ operation }) => {
      if (operation === 'GetUser' && deleted && !desk.aws.users.includes(user)) {
        desk.aws.users.push(user);
      }
      deleted ||= operation === 'DeleteUser';
      return undefined;
    };
    const { requeueAfterMs } = await desk.reconcile('jo');
    expect(requeueAfterMs).toBeGreaterThan(0);
    expect(desk.cluster.accounts.has('jo')).toBe(true);
    expect(desk.reasons()).not.toContain('Deleted');
    desk.aws.refuse = () => undefined;
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.users).toEqual([]);
  });

  test('a user that was renamed in AWS is found and deleted', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    await desk.run('jo');
    desk.clock.ms += 120_000;
    userOf(desk, 'jo').userName = 'joan';
    const stranger = desk.aws.add('jo');
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.aws.users).toEqual([stranger]);
    expect(desk.cluster.accounts.size).toBe(0);
  });

  test('abandoned it is let go of without a call, and that is counted', async () => {
    const desk = await begin();
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    await desk.run('jo');
    const { length } = desk.aws.calls;
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' }, { 'aws.idhub.io/abandon': 'true' });
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.calls).toHaveLength(length);
    expect(desk.abandoned).toBe(1);
  });
});

interface Scenario {
  readonly title: string;
  readonly settings?: DeskOptions['settings'];
  readonly prepare: (desk: Desk) => Promise<void>;
  /** What a person then does. */
  readonly act: (desk: Desk) => void;
  /** Whether the object is there in the end. */
  readonly stays: boolean;
}

const whole: Partial<AwsAccount['spec']> = {
  attributes: { surname: "O'Brien", streetAddress: "x'".repeat(300) },
  tags: { team: 'a' },
  permissionsBoundary: boundary,
  path: '/x/',
};

async function existing(desk: Desk, spec: Partial<AwsAccount['spec']> = whole): Promise<void> {
  desk.cluster.apply('jo', spec);
  await desk.run('jo');
  furnish(desk, userOf(desk, 'jo'));
  await desk.read();
}

async function disabled(desk: Desk): Promise<void> {
  await existing(desk);
  desk.cluster.apply('jo', { ...whole, enabled: false });
  await desk.run('jo');
}

const nothing = (): Promise<void> => Promise.resolve();

const scenarios: readonly Scenario[] = [
  { title: 'made', prepare: nothing, act: ({ cluster }) => cluster.apply('jo', whole), stays: true },
  {
    title: 'made and disabled at once',
    prepare: nothing,
    act: ({ cluster }) => cluster.apply('jo', { ...whole, enabled: false }),
    stays: true,
  },
  {
    title: 'adopted',
    prepare: async (desk) => {
      furnish(
        desk,
        desk.aws.add('jo', {
          tags: new Map([
            ['cost', '1'],
            ['TEAM2', 'x'],
          ]),
        }),
      );
      await desk.read();
    },
    act: ({ cluster }) => cluster.apply('jo', { ...whole, adoptionPolicy: 'IfUnowned' }),
    stays: true,
  },
  {
    title: 'changed in everything',
    prepare: existing,
    act: ({ cluster }) =>
      cluster.apply('jo', {
        userName: 'joan',
        path: '/y/',
        tags: { Team: 'b' },
        attributes: { city: 'Bonn' },
      }),
    stays: true,
  },
  {
    title: 'disabled',
    prepare: existing,
    act: ({ cluster }) => cluster.apply('jo', { ...whole, enabled: false }),
    stays: true,
  },
  {
    title: 'disabled, with the inline quota full',
    prepare: async (desk) => {
      await existing(desk);
      desk.aws.inlineQuotaFull = true;
    },
    act: ({ cluster }) => cluster.apply('jo', { ...whole, enabled: false }),
    stays: true,
  },
  {
    title: 'disabled and renamed',
    prepare: existing,
    act: ({ cluster }) => cluster.apply('jo', { userName: 'joan', enabled: false }),
    stays: true,
  },
  {
    title: 'enabled',
    settings: { enableProgrammaticAccess: true },
    prepare: disabled,
    act: ({ cluster }) => cluster.apply('jo', whole),
    stays: true,
  },
  {
    title: 'deleted',
    prepare: (desk) => existing(desk, { ...whole, deletionPolicy: 'Delete' }),
    act: ({ cluster }) => cluster.delete('jo'),
    stays: false,
  },
  {
    title: 'let go of, disabled',
    prepare: (desk) => existing(desk, { ...whole, deletionPolicy: 'Disable' }),
    act: ({ cluster }) => cluster.delete('jo'),
    stays: false,
  },
  { title: 'let go of', prepare: existing, act: ({ cluster }) => cluster.delete('jo'), stays: false },
  {
    title: 'made again after a deletion in AWS',
    prepare: async (desk) => {
      await existing(desk, { ...whole, onExternalDelete: 'Recreate' });
      desk.aws.users.pop();
      desk.clock.ms += 120_000;
      await desk.read();
    },
    act: () => undefined,
    stays: true,
  },
];

/** Everything in AWS and of the object that a person could tell apart, but for ids and times. */
function ending(desk: Desk): unknown {
  const object = desk.cluster.accounts.get('jo');
  return {
    users: desk.aws.users.map((user) => looks(desk.aws, user)),
    devices: [...desk.aws.devices],
    spec: object?.spec,
    ready: object === undefined ? undefined : desk.ready('jo'),
    finalizers: object?.metadata.finalizers,
  };
}

describe.each(scenarios)('an account that is $title', ({ prepare, act, stays, settings }) => {
  const options: DeskOptions = settings === undefined ? {} : { settings };

  async function reach(): Promise<unknown> {
    const desk = await begin(options);
    await prepare(desk);
    act(desk);
    await desk.run('jo');
    expect(desk.cluster.accounts.has('jo')).toBe(stays);
    return ending(desk);
  }

  test.each(['aws', 'cluster'] as const)('ends the same after a crash at any write to %s', async (where) => {
    const end = await reach();
    for (let write = 1; ; write += 1) {
      const desk = await begin(options);
      await prepare(desk);
      act(desk);
      const made = desk.aws.count('CreateUser');
      const died = await desk.dies(write, where, () => desk.run('jo'));
      await desk.start();
      await desk.run('jo');
      expect([write, ending(desk)]).toEqual([write, end]);
      const refused = desk.aws.count('CreateUser') - made;
      expect(refused).toBeLessThanOrEqual(2);
      if (!died) {
        expect(write).toBeGreaterThan(1);
        return;
      }
    }
  });

  test('ends the same after a fault of the network at any change in AWS, without a new process', async () => {
    const end = await reach();
    for (let write = 1; ; write += 1) {
      const desk = await begin(options);
      await prepare(desk);
      act(desk);
      desk.aws.crashAs = 'unreachable';
      desk.aws.writesUntilCrash = write;
      await desk.run('jo');
      // Whatever was not known right away is known by the next readings of the account.
      for (let reading = 0; reading < 2; reading += 1) {
        desk.clock.ms += 600_000;
        await desk.read();
        await desk.run('jo');
      }
      expect([write, ending(desk)]).toEqual([write, end]);
      if (desk.aws.writesUntilCrash > 0) {
        expect(write).toBeGreaterThan(1);
        return;
      }
    }
  });
});
