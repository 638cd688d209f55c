import { beforeEach, describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../src/account/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { Desk, readOnly } from './desk.ts';

const named = { connectionRef: { name: 'main' }, userName: 'jo' };
const minute = 60_000;
const document = (action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }],
});
const inline = (action: string) => ({
  entitlement: { type: 'InlinePolicy' as const, name: 'own', document: document(action) },
});

let desk: Desk;
beforeEach(async () => {
  desk = await new Desk().start();
  desk.made('jo', 24 * 60 * minute);
  await desk.read();
});

describe('who comes and who goes', () => {
  test('one that has not looked yet inherits that the edge was made from here, and takes it away in the end', async () => {
    desk.apply('x', {});
    await desk.run('x');
    desk.apply('y', {});
    desk.delete('x');
    await desk.run('x');
    expect(desk.bindings.has('x')).toBe(false);
    expect(desk.user().groups.size).toBe(1);
    expect(desk.memory('y').origin).toBe('Created');
    expect(desk.object('y').metadata.finalizers).toHaveLength(1);
    desk.delete('y');
    await desk.run('y');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.aws.writes).toEqual(['AddUserToGroup', 'RemoveUserFromGroup']);
  });

  test('one that met the edge before somebody took it away inherits it too', async () => {
    desk.user().groups.add('Dev');
    await desk.read();
    desk.apply('y', {});
    await desk.run('y');
    expect(desk.memory('y').origin).toBe('PreExisting');
    desk.user().groups.clear();
    desk.clock.ms += minute;
    await desk.read();
    desk.apply('x', {});
    await desk.run('x');
    expect(desk.memory('x').origin).toBe('Created');
    await desk.remove('x');
    expect(desk.memory('y').origin).toBe('Created');
    await desk.remove('y');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one of an account that wants to have the name later is none of them: the edge goes', async () => {
    desk.apply('x', {});
    await desk.run('x');
    // The next account waits for the name until this user was renamed.
    desk.account('next', { userName: 'jo' });
    desk.apply('y', { accountRef: { name: 'next' } });
    await desk.run('y');
    await desk.remove('x');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one of another namespace that uses the connection is one of them', async () => {
    desk.apply('x', {});
    desk.apply(
      'y',
      { ...named, connectionRef: { name: 'main', namespace: 'ns' } },
      { namespace: 'elsewhere' },
    );
    await desk.run('x', 'y');
    expect(desk.memory('y').origin).toBe('Created');
    await desk.remove('x');
    expect(desk.user().groups.size).toBe(1);
    expect(desk.message('y')).toContain('has group Dev');
    await desk.remove('y');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one of a namespace that the connection does not serve is none of them', async () => {
    desk.permits = (namespace) => namespace === 'ns';
    desk.apply('x', {});
    desk.apply(
      'y',
      { ...named, connectionRef: { name: 'main', namespace: 'ns' } },
      { namespace: 'elsewhere' },
    );
    await desk.run('x', 'y');
    expect(desk.ready('y')).toBe('False NamespaceNotAllowed');
    await desk.remove('x');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one that names the edge under a wrong path is none: the edge does not stay for it', async () => {
    desk.apply('x', { entitlement: { type: 'Group', name: 'team/Ops' } });
    desk.apply('y', { entitlement: { type: 'Group', name: 'other/Ops' } });
    await desk.run('x', 'y');
    expect(desk.ready('y')).toBe('False InvalidEntitlement');
    await desk.remove('x');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one under another name for the same user, which does nothing yet, is woken when the first goes', async () => {
    desk.apply('a', {});
    desk.clock.ms += 1_000;
    desk.apply('b', { ...named, state: 'Absent' });
    await desk.run('a', 'b');
    expect(desk.ready('b')).toBe('False Conflict');
    desk.apply('a', { onDelete: 'Keep' });
    await desk.remove('a');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one of its account, which does nothing yet, is woken when the first goes, which names the user itself', async () => {
    desk.apply('a', named);
    desk.clock.ms += 1_000;
    desk.apply('b', { state: 'Absent' });
    await desk.run('a', 'b');
    expect(desk.ready('b')).toBe('False Conflict');
    desk.apply('a', { ...named, onDelete: 'Keep' });
    await desk.remove('a');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one that names the user is woken when the first goes, which is of its account and never held anything', async () => {
    for (let index = 0; index < 10; index += 1) {
      desk.user().groups.add(`g${index}`);
    }
    await desk.read();
    desk.apply('a', {});
    desk.clock.ms += 1_000;
    desk.apply('b', { ...named, state: 'Absent' });
    await desk.run('a', 'b');
    expect(desk.ready('a')).toBe('False LimitExceeded');
    expect(desk.ready('b')).toBe('False Conflict');
    await desk.remove('a');
    expect(desk.ready('b')).toBe('True AsDeclared');
  });

  test('one that had no room, of the account, is woken when another that names the user goes', async () => {
    for (let index = 0; index < 9; index += 1) {
      desk.user().groups.add(`g${index}`);
    }
    await desk.read();
    desk.apply('x', named);
    desk.apply('y', { entitlement: { type: 'Group', name: 'Ops' } });
    await desk.run('x', 'y');
    expect(desk.ready('y')).toBe('False LimitExceeded');
    await desk.remove('x');
    expect(desk.ready('y')).toBe('True AsDeclared');
  });

  test('one that had no room is woken when another of the user goes', async () => {
    for (let index = 0; index < 9; index += 1) {
      desk.user().groups.add(`g${index}`);
    }
    await desk.read();
    desk.apply('x', {});
    desk.apply('y', { entitlement: { type: 'Group', name: 'Ops' } });
    await desk.run('x', 'y');
    expect(desk.ready('y')).toBe('False LimitExceeded');
    await desk.remove('x');
    expect(desk.ready('y')).toBe('True AsDeclared');
  });
});

describe('who came first', () => {
  /** A backup brings both back at one time, without status: neither is older then. */
  const restore = async (...names: readonly string[]): Promise<void> => {
    desk.clock.ms += 60 * minute;
    for (const name of names) {
      desk.restore(name);
      const object = desk.object(name);
      const metadata = { ...object.metadata, creationTimestamp: desk.time(0) };
      desk.bindings.set(name, { ...object, metadata });
    }
    await desk.start();
    desk.aws.calls.length = 0;
  };

  test.each([
    ['Present', {}, { state: 'Absent' }],
    ['Absent', { state: 'Absent' }, {}],
    ['one of two documents', inline('s3:*'), inline('ec2:*')],
  ] as const)('is still first after a restore: %s', async (_, first, second) => {
    desk.apply('z', first);
    desk.clock.ms += minute;
    desk.apply('a', second);
    await desk.run('z', 'a');
    expect(desk.ready('a')).toBe('False Conflict');
    await restore('z', 'a');
    await desk.run('a', 'z', 'a');
    expect(desk.aws.writes).toEqual([]);
    expect([desk.ready('z'), desk.ready('a')]).toEqual(['True AsDeclared', 'False Conflict']);
  });

  test('one that became Absent and gives way to Present hands on that the edge was made from here', async () => {
    desk.user().groups.add('Dev');
    await desk.read();
    desk.apply('y', named);
    await desk.run('y');
    desk.user().groups.clear();
    desk.clock.ms += minute;
    await desk.read();
    desk.apply('x', {});
    await desk.run('x');
    desk.apply('x', { state: 'Absent' });
    await desk.run('x');
    expect(desk.ready('x')).toBe('False Conflict');
    await desk.remove('x');
    expect(desk.memory('y').origin).toBe('Created');
    await desk.remove('y');
    expect(desk.user().groups.size).toBe(0);
  });

  test('one that a rule of the connection forbids does nothing, and stands in nobody’s way', async () => {
    desk.guard = { deniedPolicies: ['*/Billing'] };
    await desk.start();
    const entitlement = { type: 'AwsManagedPolicy' as const, name: 'Billing' };
    desk.user().attached.add('arn:aws:iam::aws:policy/job-function/Billing');
    await desk.read();
    desk.apply('old', { entitlement });
    desk.clock.ms += minute;
    desk.apply('revoke', { entitlement, state: 'Absent' });
    await desk.run('old', 'revoke');
    expect([desk.ready('old'), desk.ready('revoke')]).toEqual(['False Refused', 'True AsDeclared']);
    expect(desk.user().attached.size).toBe(0);
    await desk.run('old', 'revoke');
    expect(desk.aws.writes).toEqual(['DetachUserPolicy']);
  });

  test('that an edge of another user was made from here says nothing of this one', async () => {
    desk.apply('x', { onDelete: 'Keep' });
    await desk.run('x');
    // Whom the account stands for now has the edge from somebody else.
    const ann = desk.aws.add('ann', { groups: new Set(['Dev']), tags: new Map([[ownerTag, 'inst/ns/jo']]) });
    desk.user().tags.delete(ownerTag);
    desk.account('jo', { userName: 'ann' }, desk.clock.ms);
    await desk.read();
    desk.apply('y', { ...named, userName: 'ann' });
    await desk.run('y');
    expect(desk.memory('y').origin).toBe('PreExisting');
    await desk.remove('y');
    expect([...ann.groups]).toEqual(['Dev']);
  });
});

describe('one inline policy with two documents', () => {
  test('is the first one’s; the later is Conflict, and has it when the first is gone', async () => {
    desk.apply('a', inline('s3:*'));
    desk.clock.ms += 1_000;
    desk.apply('b', inline('ec2:*'));
    await desk.run('a', 'b', 'a', 'b');
    expect(desk.aws.writes).toEqual(['PutUserPolicy']);
    expect(desk.ready('b')).toBe('False Conflict');
    expect(desk.message('b')).toMatch(/"ns\/a" came first .* its own document/);
    await desk.remove('a');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.aws.writes).toEqual(['PutUserPolicy', 'PutUserPolicy']);
    await desk.remove('b');
    expect(desk.user().inline.size).toBe(0);
  });

  test('that mean the same is shared', async () => {
    desk.apply('a', inline('s3:*'));
    desk.apply('b', inline('S3:*'));
    await desk.run('a', 'b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.aws.writes).toEqual(['PutUserPolicy']);
  });
});

describe('what shuts a disabled user out', () => {
  test.each([
    ['by name', { type: 'AwsManagedPolicy', name: 'AWSDenyAll' }],
    ['by ARN', { type: 'AwsManagedPolicy', arn: 'arn:aws:iam::aws:policy/AWSDenyAll' }],
    ['in other letters', { type: 'AwsManagedPolicy', name: 'awsdenyall' }],
    ['inline', { type: 'InlinePolicy', name: 'idhubdisabled', document: document('*') }],
  ] as const)('is no entitlement, %s', async (_, entitlement) => {
    desk.user().attached.add('arn:aws:iam::aws:policy/AWSDenyAll');
    await desk.read();
    desk.apply('b', { entitlement, state: 'Absent' });
    await desk.run('b');
    expect(desk.ready('b')).toBe('False InvalidEntitlement');
    expect(desk.aws.calls).toEqual([]);
  });
});

describe('an account object that is gone', () => {
  beforeEach(async () => {
    desk.apply('b', {
      entitlement: { type: 'AwsManagedPolicy', arn: readOnly },
      expiresAt: desk.time(30 * minute),
    });
    await desk.run('b');
    desk.accounts.delete('jo');
  });

  test('leaves the edge, and its time is still kept', async () => {
    expect(await desk.run('b')).toBe(30 * minute);
    expect(desk.ready('b')).toBe('Unknown WaitingForAccount');
    expect(desk.user().attached.size).toBe(1);
    desk.clock.ms += 30 * minute;
    await desk.run('b');
    expect(desk.user().attached.size).toBe(0);
    expect(desk.ready('b')).toBe('True Expired');
    const calls = desk.aws.calls.length;
    await desk.run('b');
    expect(desk.aws.calls).toHaveLength(calls);
  });

  test('and whose user is gone too is waited for', async () => {
    desk.aws.users.splice(0);
    desk.aws.add('jo', { attached: new Set([readOnly]) });
    desk.clock.ms += 31 * minute;
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown WaitingForAccount');
    expect(desk.user().attached.size).toBe(1);
  });
});

describe('an account that only observes', () => {
  test('reports whoever has the name; its binding does not go over to another person', async () => {
    desk.aws.add('pat');
    desk.account('pat', { management: 'Observe' });
    await desk.read();
    desk.apply('b', { accountRef: { name: 'pat' } });
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    desk.aws.users.splice(desk.aws.users.indexOf(desk.user('pat')), 1);
    const other = desk.aws.add('pat');
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('False IdentityChanged');
    expect(other.groups.size).toBe(0);
    desk.annotate('b', { [annotations.confirmUserId]: other.userId });
    await desk.run('b');
    expect([...other.groups]).toEqual(['Dev']);
  });

  test('gives nothing of its own: what is in its entitlements waits until it manages again', async () => {
    desk.aws.add('pat');
    desk.account('pat', { management: 'Observe' });
    await desk.read();
    const { apiVersion, kind } = { apiVersion: 'aws.idhub.io/v1alpha1', kind: 'AwsAccount' };
    desk.apply(
      'b',
      { accountRef: { name: 'pat' } },
      { ownerReferences: [{ apiVersion, kind, name: 'pat', uid: 'account-pat', controller: true }] },
    );
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown WaitingForAccount');
    expect(desk.aws.writes).toEqual([]);
  });
});

describe('what AWS refuses', () => {
  test('was not made from here: who makes it later is somebody else', async () => {
    desk.aws.refuse = ({ operation }) => (operation === 'AttachUserPolicy' ? 'accessDenied' : undefined);
    desk.apply('b', { entitlement: { type: 'AwsManagedPolicy', arn: readOnly } });
    await desk.run('b');
    expect(desk.ready('b')).toBe('False AccessDenied');
    expect(desk.memory('b').origin).toBeNull();
    desk.user().attached.add(readOnly);
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.memory('b').origin).toBe('PreExisting');
    await desk.remove('b');
    expect(desk.user().attached.size).toBe(1);
  });

  test('a group that went since the reading: nothing is held', async () => {
    desk.aws.groups.delete('Dev');
    desk.apply('b', {});
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown WaitingForEntitlement');
    expect(desk.memory('b').origin).toBeNull();
    expect(desk.warnings()).toEqual([]);
  });
});

test('a user that was deleted from here takes its edges along: the binding goes at once', async () => {
  desk.apply('b', {});
  await desk.run('b');
  const { userId } = desk.user();
  desk.aws.users.splice(0);
  desk.forget(userId);
  const at = desk.clock.ms;
  await desk.remove('b');
  expect(desk.bindings.size).toBe(0);
  expect(desk.clock.ms).toBe(at);
});

test('a user that is not where it was may have another name: the binding waits for a reading, and takes its edge', async () => {
  desk.apply('b', {});
  await desk.run('b');
  desk.clock.ms += minute;
  await desk.read();
  desk.user().userName = 'joanna';
  desk.aws.add('jo');
  desk.lose(desk.user('joanna').userId);
  await desk.remove('b');
  expect(desk.user('joanna').groups.size).toBe(0);
  expect(desk.aws.writes).toEqual(['AddUserToGroup', 'RemoveUserFromGroup']);
});
