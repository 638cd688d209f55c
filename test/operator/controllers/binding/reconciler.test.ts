import { beforeEach, describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { bindingName } from '../../../../operator/controllers/account/owned-bindings.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { Desk, readOnly } from './desk.ts';

const named = { connectionRef: { name: 'main' }, userName: 'jo' };
const minute = 60_000;
const allow = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
const inline = (document: object = allow) => ({
  entitlement: { type: 'InlinePolicy' as const, name: 'own', document },
});

let desk: Desk;
beforeEach(async () => {
  desk = await new Desk().start();
});

async function given(name = 'jo'): Promise<void> {
  desk.made(name, 24 * 60 * minute);
  await desk.read();
}

describe('giving', () => {
  test('on a user that we made: one write, no read, announced before', async () => {
    desk.made('jo');
    await desk.read();
    desk.apply('b', {});
    await desk.run('b');
    expect(desk.aws.calls.map(({ operation }) => operation)).toEqual(['AddUserToGroup']);
    expect(desk.writes).toEqual(['patch b', 'status b']);
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.object('b').status).toMatchObject({
      state: 'Present',
      origin: 'Created',
      userId: desk.user().userId,
      userName: 'jo',
      entitlementName: 'Dev',
      entitlementArn: 'arn:aws:iam::111122223333:group/Dev',
      since: desk.time(0),
      lastVerified: desk.time(0),
    });
    expect(desk.object('b').metadata.finalizers).toHaveLength(1);
    expect(desk.reasons()).toEqual(['Granted']);
  });

  test('on another user: one look at who it is and one list, shared by its bindings, and one write each', async () => {
    await given();
    desk.apply('a', { entitlement: { type: 'AwsManagedPolicy', arn: readOnly } });
    desk.apply('b', { entitlement: { type: 'AwsManagedPolicy', arn: 'arn:aws:iam::aws:policy/X' } });
    await Promise.all([desk.reconcile('a'), desk.reconcile('b')]);
    expect(desk.aws.calls.map(({ operation }) => operation)).toEqual([
      'GetUser',
      'ListAttachedUserPolicies',
      'AttachUserPolicy',
      'AttachUserPolicy',
    ]);
  });

  test('a name is looked up: its path need not be known, its case does not matter', async () => {
    await given();
    desk.apply('a', { entitlement: { type: 'AwsManagedPolicy', name: 'billing' } });
    desk.apply('b', { entitlement: { type: 'AwsManagedPolicy', name: 'service-role/Billing' } });
    await desk.run('a', 'b');
    expect([...desk.user().attached]).toEqual(['arn:aws:iam::aws:policy/job-function/Billing']);
    expect(desk.ready('b')).toBe('False InvalidEntitlement');
    expect(desk.message('b')).toMatch(/not under \/service-role\/ but under \/job-function\//);
  });

  test('a group by path: the right one, and the wrong one', async () => {
    await given();
    desk.apply('a', { entitlement: { type: 'Group', name: 'team/ops' } });
    desk.apply('b', { entitlement: { type: 'Group', arn: 'arn:aws:iam::111122223333:group/Ops' } });
    await desk.run('a', 'b');
    expect(desk.ready('a')).toBe('True AsDeclared');
    expect([...desk.user().groups]).toEqual(['Ops']);
    expect(desk.ready('b')).toBe('False InvalidEntitlement');
  });

  test('in the partition of China, ARNs are of that partition', async () => {
    desk.partition = 'aws-cn';
    desk.aws.policies.add('arn:aws-cn:iam::aws:policy/PowerUserAccess');
    await desk.start();
    await given();
    desk.apply('a', { entitlement: { type: 'AwsManagedPolicy', name: 'PowerUserAccess' } });
    desk.apply('b', { entitlement: { type: 'AwsManagedPolicy', arn: readOnly } });
    desk.apply('c', {});
    await desk.run('a', 'b', 'c');
    expect([...desk.user().attached]).toEqual(['arn:aws-cn:iam::aws:policy/PowerUserAccess']);
    expect(desk.ready('b')).toBe('False InvalidEntitlement');
    expect(desk.object('c').status?.entitlementArn).toBe('arn:aws-cn:iam::111122223333:group/Dev');
  });

  test('an edge that is there is taken as it is, without a call', async () => {
    await given();
    desk.user().groups.add('Dev');
    await desk.read();
    desk.apply('b', {});
    await desk.run('b');
    expect(desk.aws.calls).toEqual([]);
    expect(desk.object('b').status).toMatchObject({ origin: 'PreExisting', state: 'Present' });
  });

  test('an edge that somebody made since the reading is found by the live look', async () => {
    await given();
    desk.user().groups.add('Dev');
    desk.apply('b', {});
    await desk.run('b');
    expect(desk.aws.writes).toEqual([]);
    expect(desk.memory('b').origin).toBe('PreExisting');
  });

  test('resyncs write nothing', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    const calls = desk.aws.calls.length;
    const writes = desk.writes.length;
    for (let round = 0; round < 10; round += 1) {
      desk.clock.ms += 10 * minute;
      await desk.read();
      await desk.run('b');
    }
    expect(desk.aws.calls).toHaveLength(calls);
    expect(desk.writes).toHaveLength(writes);
    desk.clock.ms += 24 * 60 * minute;
    await desk.run('b');
    expect(desk.object('b').status?.lastVerified).toBe(desk.time(0));
  });

  test('after a restore without status nothing is written to AWS', async () => {
    await given();
    desk.apply('a', {});
    desk.apply('b', { state: 'Absent', entitlement: { type: 'Group', name: 'Ops' } });
    await desk.run('a', 'b');
    const { length } = desk.aws.writes;
    desk.restore('a');
    desk.restore('b');
    await desk.start();
    await desk.run('a', 'b');
    expect(desk.aws.writes).toHaveLength(length);
    expect(desk.object('a').status).toMatchObject({ origin: 'Created', state: 'Present' });
    expect(desk.object('b').status).toMatchObject({ state: 'Absent' });
    expect(desk.object('a').metadata.finalizers).toHaveLength(1);
    const written = desk.writes.length;
    await desk.run('a', 'b');
    expect(desk.writes).toHaveLength(written);
    await desk.remove('a');
    expect(desk.user().groups.size).toBe(0);
  });

  test('a full quota is told with what fills it, and nothing is called', async () => {
    await given();
    for (let n = 0; n < 10; n += 1) {
      desk.user().groups.add(`g${n}`);
    }
    await desk.read();
    desk.apply('b', {});
    await desk.run('b');
    expect(desk.ready('b')).toBe('False LimitExceeded');
    expect(desk.message('b')).toMatch(/10 groups.*g0, g1.*g9/);
    expect(desk.aws.writes).toEqual([]);
    expect(desk.object('b').metadata.finalizers).toEqual([]);
  });

  test('the user that the connection works as is not touched', async () => {
    desk.aws.add('idhub');
    await desk.read();
    desk.apply('b', { connectionRef: { name: 'main' }, userName: 'IDHub' });
    await desk.run('b');
    expect(desk.ready('b')).toBe('False Refused');
    expect(desk.aws.calls).toEqual([]);
  });

  test('a namespace that the connection does not serve', async () => {
    await given();
    desk.permits = () => false;
    desk.apply('b', {});
    await desk.run('b');
    expect(desk.ready('b')).toBe('False NamespaceNotAllowed');
    expect(desk.aws.calls).toEqual([]);
  });
});

describe('waiting', () => {
  test('for the account object, its user, the group: no error, no event, then Ready', async () => {
    desk.apply('b', { entitlement: { type: 'Group', name: 'Late' } });
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown WaitingForAccount');
    desk.account('jo');
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown WaitingForAccount');
    expect(desk.message('b')).toMatch(/has no user yet/);
    desk.made('jo');
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown WaitingForEntitlement');
    desk.aws.groups.set('Late', '/');
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.warnings()).toEqual([]);
    expect(desk.aws.writes).toEqual(['AddUserToGroup']);
  });

  test('a group or user that was made just before the object is found at once', async () => {
    desk.clock.ms += 5_000;
    desk.aws.add('jo');
    desk.aws.groups.set('New', '/');
    desk.apply('b', { ...named, entitlement: { type: 'Group', name: 'New' } });
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.readings).toBe(2);
  });

  test('for a policy that AWS does not know, by ARN and by name', async () => {
    await given();
    const arn = 'arn:aws:iam::111122223333:policy/Deploy';
    desk.aws.gonePolicies.add(arn);
    desk.apply('a', { entitlement: { type: 'CustomerManagedPolicy', arn } });
    desk.apply('b', { entitlement: { type: 'CustomerManagedPolicy', name: 'Deploy' } });
    await desk.run('a', 'b');
    expect(desk.ready('a')).toBe('Unknown WaitingForEntitlement');
    expect(desk.ready('b')).toBe('Unknown WaitingForEntitlement');
    const { length } = desk.aws.writes;
    desk.clock.ms += minute;
    await desk.run('a', 'b');
    expect(desk.aws.writes).toHaveLength(length);
    desk.aws.gonePolicies.clear();
    desk.aws.policies.add(arn);
    desk.clock.ms += minute;
    await desk.run('a', 'b');
    expect(desk.ready('a')).toBe('True AsDeclared');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.warnings()).toEqual([]);
  });

  test('a user that AWS does not show yet after its making', async () => {
    desk.made('jo');
    await desk.read();
    const refused = desk.aws.users.splice(0);
    desk.apply('b', {});
    expect((await desk.reconcile('b')).requeueAfterMs).toBe(5_000);
    desk.aws.users.push(...refused);
    desk.clock.ms += 5_000;
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.warnings()).toEqual([]);
  });

  test('paused, without a connection, with one that is not ready', async () => {
    await given();
    desk.apply('b', {}, { annotations: { [annotations.paused]: 'true' } });
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown Paused');
    desk.annotate('b', { [annotations.paused]: 'false' });
    const state = desk.registry.obtain({ namespace: 'ns', name: 'main' });
    state.verdict = { reason: 'InvalidCredentials', message: 'no' };
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown ConnectionNotReady');
    desk.connected = false;
    await desk.run('b');
    expect(desk.ready('b')).toBe('False ConnectionNotFound');
    expect(desk.aws.calls).toEqual([]);
  });
});

describe('a user that no AwsAccount manages', () => {
  beforeEach(async () => {
    desk.aws.add('jo');
    await desk.read();
    desk.apply('b', named);
    await desk.run('b');
  });

  test('is bound, and followed when it is renamed', async () => {
    expect(desk.ready('b')).toBe('True AsDeclared');
    desk.user().userName = 'joanna';
    await desk.read();
    await desk.run('b');
    expect(desk.object('b').status?.userName).toBe('joanna');
    await desk.remove('b');
    expect([...desk.user('joanna').groups]).toEqual([]);
  });

  test('is another one under the same name: hands off until confirmed', async () => {
    desk.aws.users.splice(0);
    const other = desk.aws.add('jo');
    await desk.read();
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('False IdentityChanged');
    expect(other.groups.size).toBe(0);
    desk.annotate('b', { [annotations.confirmUserId]: other.userId });
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect([...other.groups]).toEqual(['Dev']);
  });

  test('is another one when the binding goes: left alone', async () => {
    desk.aws.users.splice(0);
    const other = desk.aws.add('jo', { groups: new Set(['Dev']) });
    desk.clock.ms += minute;
    await desk.read();
    await desk.remove('b');
    expect([...other.groups]).toEqual(['Dev']);
    expect(desk.bindings.size).toBe(0);
  });
});

describe('drift', () => {
  test('an edge that somebody took away is given again, told once', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.user().groups.clear();
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    await desk.run('b');
    expect([...desk.user().groups]).toEqual(['Dev']);
    expect(desk.reasons()).toEqual(['Granted', 'DriftMended']);
    expect(desk.object('b').status?.drift).toMatchObject({ what: 'the edge was gone' });
  });

  test('a snapshot that is behind is no drift: the live look says so', async () => {
    await given();
    desk.user().groups.add('Dev');
    await desk.read();
    desk.apply('b', {});
    await desk.run('b');
    desk.user().groups.clear();
    desk.clock.ms += minute;
    await desk.read();
    desk.user().groups.add('Dev');
    await desk.run('b');
    expect(desk.aws.writes).toEqual([]);
  });

  test('reconcile-at looks live, once', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.user().groups.clear();
    desk.clock.ms += minute;
    desk.annotate('b', { [annotations.reconcileAt]: '1' });
    await desk.run('b');
    expect([...desk.user().groups]).toEqual(['Dev']);
    expect(desk.object('b').status?.handledReconcileAt).toBe('1');
    const { length } = desk.aws.calls;
    await desk.run('b');
    expect(desk.aws.calls).toHaveLength(length);
  });

  test('a group that was deleted: waits, and goes on when it is there again', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.user().groups.clear();
    desk.aws.groups.delete('Dev');
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('Unknown WaitingForEntitlement');
    expect(desk.aws.writes).toHaveLength(1);
    desk.aws.groups.set('Dev', '/');
    await desk.read();
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.warnings()).toEqual([]);
  });
});

describe('inline policies', () => {
  test('are written, compared by meaning, and written again when they mean something else', async () => {
    await given();
    desk.apply('b', inline());
    await desk.run('b');
    expect(desk.object('b').status?.entitlementArn).toBe('arn:aws:iam::111122223333:user/jo/policy/own');
    const statement = { Resource: ['*'], Action: ['S3:*'], Effect: 'Allow' };
    desk.user().inline.set('own', JSON.stringify({ Statement: statement, Version: '2012-10-17' }));
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.aws.writes).toEqual(['PutUserPolicy']);
    desk.user().inline.set('own', JSON.stringify({ ...allow, Statement: [] }));
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.aws.writes).toEqual(['PutUserPolicy', 'PutUserPolicy']);
    expect(desk.reasons()).toEqual(['Granted', 'DriftMended']);
    const other = { ...allow, Statement: [{ ...statement, Action: 'ec2:*' }] };
    desk.apply('b', inline(other));
    await desk.run('b');
    expect(JSON.parse(desk.user().inline.get('own') ?? '')).toEqual(other);
    expect(desk.reasons()).toEqual(['Granted', 'DriftMended', 'Updated']);
  });

  test('one that is there with another document: had been there, is written as declared, and that is said', async () => {
    await given();
    desk.user().inline.set('own', '{"Version":"2012-10-17","Statement":[]}');
    await desk.read();
    desk.apply('b', inline());
    await desk.run('b');
    expect(desk.object('b').status?.origin).toBe('PreExisting');
    expect(desk.events[0]?.message).toMatch(/it was there with another document/);
    await desk.remove('b');
    expect(desk.user().inline.size).toBe(1);
  });

  test('the name of our own Deny is refused', async () => {
    await given();
    desk.apply('b', { entitlement: { type: 'InlinePolicy', name: 'IDHubDisabled', document: allow } });
    await desk.run('b');
    expect(desk.ready('b')).toBe('False InvalidEntitlement');
    expect(desk.aws.calls).toEqual([]);
  });

  test('what AWS does not take is told in its words', async () => {
    await given();
    desk.aws.refuse = ({ operation }) => (operation === 'PutUserPolicy' ? 'invalid' : undefined);
    desk.apply('b', inline());
    await desk.run('b');
    expect(desk.ready('b')).toBe('False InvalidInput');
    expect(desk.warnings()).toEqual(['InvalidInput']);
  });
});

describe('state Absent', () => {
  test('takes an edge away that nobody bound, and keeps it away', async () => {
    await given();
    desk.user().groups.add('Dev');
    await desk.read();
    desk.apply('b', { state: 'Absent' });
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.aws.calls.map(({ operation }) => operation)).toEqual(['GetUser', 'RemoveUserFromGroup']);
    desk.user().groups.add('Dev');
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.reasons()).toEqual(['Revoked', 'DriftMended']);
    await desk.remove('b');
    expect(desk.aws.writes).toHaveLength(2);
  });

  test('looks live the first time, since the reading may be behind', async () => {
    await given();
    desk.user().groups.add('Dev');
    desk.apply('b', { state: 'Absent' });
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.object('b').status).toMatchObject({ state: 'Absent' });
  });

  test('takes what it holds away also where AWS does not show it yet to a new process', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.user().groups.clear();
    desk.apply('b', { state: 'Absent' });
    await desk.start();
    desk.user().groups.add('Dev');
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.ready('b')).toBe('True AsDeclared');
  });

  test('against Present: the later is Conflict and names the other; when the first goes it acts', async () => {
    await given();
    desk.apply('a', {});
    desk.clock.ms += 1_000;
    desk.apply('b', { state: 'Absent' });
    await desk.run('b', 'a', 'b');
    expect(desk.ready('a')).toBe('True AsDeclared');
    expect(desk.ready('b')).toBe('False Conflict');
    expect(desk.message('b')).toContain('"ns/a"');
    expect(desk.user().groups.size).toBe(1);
    desk.apply('a', { onDelete: 'Keep' });
    await desk.remove('a');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.user().groups.size).toBe(0);
  });
});

describe('several bindings on one edge', () => {
  test('share it; the last one out removes it', async () => {
    await given();
    desk.apply('x', {});
    desk.apply('y', { entitlement: { type: 'Group', arn: 'arn:aws:iam::111122223333:group/Dev' } });
    desk.apply('z', named);
    await desk.run('x', 'y', 'z');
    expect(desk.aws.writes).toEqual(['AddUserToGroup']);
    expect(desk.memory('y').origin).toBe('Created');
    expect(desk.memory('z').origin).toBe('Created');
    await desk.remove('x');
    await desk.remove('z');
    expect(desk.user().groups.size).toBe(1);
    await desk.remove('y');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.aws.writes).toEqual(['AddUserToGroup', 'RemoveUserFromGroup']);
  });

  test('all deleted at once: it is removed', async () => {
    await given();
    desk.apply('x', {});
    desk.apply('y', {});
    await desk.run('x', 'y');
    desk.delete('x');
    desk.delete('y');
    await desk.run('x', 'y');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.bindings.size).toBe(0);
  });

  test('one expires: it stays for the other, and goes with that', async () => {
    await given();
    desk.apply('x', { expiresAt: desk.time(minute) });
    desk.apply('y', {});
    await desk.run('x', 'y');
    desk.clock.ms += 2 * minute;
    await desk.run('x');
    expect(desk.ready('x')).toBe('True Expired');
    expect(desk.message('x')).toContain('stays for AwsEntitlementBinding "ns/y"');
    expect(desk.user().groups.size).toBe(1);
    desk.apply('y', { onDelete: 'Keep' });
    await desk.remove('y');
    expect(desk.user().groups.size).toBe(0);
  });

  test('a binding of one user removes nothing of others', async () => {
    desk.made('jo', 60 * minute);
    desk.aws.add('a', { attached: new Set([readOnly]) });
    await desk.read();
    desk.apply('b', { entitlement: { type: 'AwsManagedPolicy', arn: readOnly } });
    await desk.run('b');
    await desk.remove('b');
    expect([...desk.user('a').attached]).toEqual([readOnly]);
    expect(new Set(desk.aws.calls.map(({ input }) => input['UserName']))).toEqual(new Set(['jo']));
  });
});

describe('expiry', () => {
  test('an expired one is not given again when the time of AWS seems to go back', async () => {
    await given();
    desk.apply('b', { expiresAt: desk.time(30 * minute) });
    await desk.run('b');
    desk.clock.ms += 30 * minute;
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    const { length } = desk.aws.writes;
    desk.clock.ms -= 900;
    await desk.reconcile('b');
    expect(desk.aws.writes).toHaveLength(length);
    expect(desk.ready('b')).toBe('True Expired');
    desk.apply('b', { expiresAt: desk.time(30 * minute) });
    await desk.run('b');
    expect(desk.user().groups.size).toBe(1);
  });

  test('at its time exactly, whatever the origin, once; a later time gives it again', async () => {
    await given();
    desk.user().groups.add('Dev');
    await desk.read();
    const expiresAt = desk.time(30 * minute);
    desk.apply('b', { expiresAt });
    expect(await desk.run('b')).toBe(30 * minute);
    desk.clock.ms += 30 * minute;
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.ready('b')).toBe('True Expired');
    expect(desk.object('b').status).toMatchObject({ state: 'Absent' });
    expect(desk.memory('b').revoked).toBe(expiresAt);
    expect(desk.reasons()).toEqual(['Expired']);
    desk.user().groups.add('Dev');
    desk.clock.ms += minute;
    await desk.read();
    await desk.run('b');
    expect(desk.user().groups.size).toBe(1);
    desk.user().groups.clear();
    desk.clock.ms += minute;
    await desk.read();
    desk.apply('b', { expiresAt: desk.time(60 * minute) });
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect([...desk.user().groups]).toEqual(['Dev']);
    expect(desk.memory('b')).toMatchObject({ origin: 'Created', revoked: null });
  });

  test('that passed while the operator was down is obeyed at the first look', async () => {
    await given();
    desk.apply('b', { expiresAt: desk.time(minute) });
    await desk.run('b');
    desk.clock.ms += 60 * minute;
    await desk.start();
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
  });

  test("goes by AWS's clock", async () => {
    await given();
    desk.aws.skewMs = 20 * minute;
    desk.apply('b', { expiresAt: desk.time(31 * minute) });
    expect(await desk.run('b')).toBe(11 * minute);
  });

  test('of an edge that AWS does not show yet to a new process takes it away all the same', async () => {
    await given();
    desk.apply('b', { expiresAt: desk.time(10_000) });
    await desk.reconcile('b');
    desk.user().groups.clear();
    desk.clock.ms += 10_000;
    await desk.start();
    desk.user().groups.add('Dev');
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.ready('b')).toBe('True Expired');
  });

  test('is obeyed where the edge was made, when the account object leads to another AWS account', async () => {
    await given();
    desk.apply('b', { expiresAt: desk.time(60 * minute) });
    await desk.run('b');
    desk.elsewhere('other', '999988887777');
    desk.account('jo', { connectionRef: { name: 'other' } });
    expect(await desk.run('b')).toBe(60 * minute);
    expect(desk.ready('b')).toBe('False AccountMismatch');
    desk.clock.ms += 60 * minute;
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
    expect(desk.ready('b')).toBe('True Expired');
    const { length } = desk.aws.calls;
    await desk.run('b');
    expect(desk.aws.calls).toHaveLength(length);
    expect(desk.ready('b')).toBe('True Expired');
  });

  test('is obeyed where the edge was made, when the connection of the account object is not ready', async () => {
    await given();
    desk.apply('b', { expiresAt: desk.time(60 * minute) });
    await desk.run('b');
    const { verdict } = { verdict: { reason: 'InvalidCredentials' as const, message: 'no' } };
    Object.assign(desk.elsewhere('other', '999988887777'), { verdict });
    desk.account('jo', { connectionRef: { name: 'other' } });
    expect(await desk.run('b')).toBe(60 * minute);
    expect(desk.ready('b')).toBe('Unknown ConnectionNotReady');
    desk.clock.ms += 60 * minute;
    await desk.run('b');
    expect(desk.user().groups.size).toBe(0);
  });

  test('is not taken back by a clock that is measured anew', async () => {
    await given();
    desk.apply('b', { expiresAt: desk.time(minute) });
    await desk.run('b');
    expect(desk.ready('b')).toBe('True Expired');
    const writes = desk.aws.writes.length;
    desk.aws.skewMs = -2_000;
    await desk.run('b');
    expect(desk.aws.writes).toHaveLength(writes);
    expect(desk.ready('b')).toBe('True Expired');
  });

  test('is at most a day away', async () => {
    await given();
    desk.apply('b', { expiresAt: desk.time(90 * 24 * 60 * minute) });
    expect(await desk.run('b')).toBe(24 * 60 * minute);
  });
});

describe('deletion', () => {
  test.each([
    ['RevokeIfCreated', false, 0],
    ['RevokeIfCreated', true, 1],
    ['Revoke', true, 0],
    ['Keep', false, 1],
  ] as const)('%s, edge there before: %s', async (onDelete, before, left) => {
    await given();
    if (before) {
      desk.user().groups.add('Dev');
      await desk.read();
    }
    desk.apply('b', { onDelete });
    await desk.run('b');
    // The account object may be gone already.
    desk.accounts.clear();
    await desk.remove('b');
    expect(desk.user().groups.size).toBe(left);
    expect(desk.bindings.size).toBe(0);
  });

  test.each([
    ['RevokeIfCreated', false, 0],
    ['Keep', false, 0],
    ['RevokeIfCreated', true, 1],
    ['Revoke', true, 0],
  ] as const)(
    'of one that became Absent a moment ago and was not looked at: what was made from here goes (%s, edge there before: %s)',
    async (onDelete, before, left) => {
      await given();
      if (before) {
        desk.user().groups.add('Dev');
        await desk.read();
      }
      desk.apply('b', {});
      await desk.run('b');
      desk.apply('b', { state: 'Absent', onDelete });
      await desk.remove('b');
      expect(desk.user().groups.size).toBe(left);
      expect(desk.bindings.size).toBe(0);
    },
  );

  test('of one that became Absent leaves an edge that another binding wants', async () => {
    await given();
    desk.apply('b', {});
    desk.apply('c', {});
    await desk.run('b', 'c');
    desk.apply('b', { state: 'Absent' });
    await desk.remove('b');
    expect(desk.user().groups.size).toBe(1);
    await desk.remove('c');
    expect(desk.user().groups.size).toBe(0);
  });

  test('of a user that is gone there is nothing to do', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.aws.users.splice(0);
    desk.clock.ms += minute;
    await desk.read();
    await desk.remove('b');
    expect(desk.bindings.size).toBe(0);
    expect(desk.aws.writes).toHaveLength(1);
  });

  test('of a user that was renamed since the reading: the next one tells', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.user().userName = 'joanna';
    await desk.remove('b');
    expect(desk.user('joanna').groups.size).toBe(0);
  });

  test('an edge that is gone already is fine', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.user().groups.clear();
    await desk.remove('b');
    expect(desk.bindings.size).toBe(0);
  });

  test('without a connection it waits with a sentence, and can be abandoned', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.registry.drop({ namespace: 'ns', name: 'main' });
    desk.connected = false;
    desk.delete('b');
    await desk.run('b');
    expect(desk.ready('b')).toBe('False ConnectionNotFound');
    expect(desk.message('b')).toContain(annotations.abandon);
    desk.annotate('b', { [annotations.abandon]: 'true' });
    await desk.run('b');
    expect(desk.bindings.size).toBe(0);
    expect(desk.abandoned).toBe(1);
    expect(desk.user().groups.size).toBe(1);
  });

  test('of a spoilt memory: nothing is taken away out of ignorance', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.annotate('b', { [annotations.edge]: '{"origin":"Created"' });
    await desk.remove('b');
    expect(desk.user().groups.size).toBe(1);
    expect(desk.bindings.size).toBe(0);
  });

  describe("an account's own binding", () => {
    const dev = { type: 'Group', name: 'Dev' } as const;
    const at = '2026-01-15T00:00:00Z';
    const owner = {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      name: 'jo',
      uid: 'account-jo',
      controller: true,
    };
    let name: string;

    beforeEach(async () => {
      await given();
      desk.account('jo', { entitlements: [dev] }, 0);
      name = bindingName('jo', dev);
      desk.apply(name, {}, { ownerReferences: [owner] });
      await desk.run(name);
      expect([...desk.user().groups]).toEqual(['Dev']);
    });

    const account = (change: object, spec: object = {}): AwsAccount => {
      const object = desk.accounts.get('jo') as AwsAccount;
      return {
        ...object,
        metadata: { ...object.metadata, ...change },
        spec: { ...object.spec, ...spec },
      };
    };

    test('goes without the edge when the account goes or is gone, or is another one of that name', async () => {
      const ends: readonly (AwsAccount | undefined)[] = [
        account({ deletionTimestamp: at }),
        account({ uid: 'another' }),
        undefined,
      ];
      for (const end of ends) {
        desk.accounts.clear();
        if (end !== undefined) {
          desk.accounts.set('jo', end);
        }
        await desk.remove(name);
        expect([...desk.user().groups]).toEqual(['Dev']);
        expect(desk.bindings.size).toBe(0);
        desk.account('jo', { entitlements: [dev] }, 0);
        desk.apply(name, {}, { ownerReferences: [owner] });
        await desk.run(name);
      }
    });

    test('goes first, as a namespace may have it: it waits for its account to follow, and leaves the edge', async () => {
      desk.apply(name, { onDelete: 'Revoke' }, { ownerReferences: [owner] });
      await desk.run(name);
      desk.delete(name);
      expect((await desk.reconcile(name)).requeueAfterMs).toBeGreaterThan(28_000);
      expect(desk.bindings.has(name)).toBe(true);
      desk.clock.ms += 10_000;
      desk.accounts.set('jo', account({ deletionTimestamp: at }, { entitlements: [dev] }));
      await desk.run(name);
      expect([...desk.user().groups]).toEqual(['Dev']);
      expect(desk.bindings.size).toBe(0);
    });

    test('deleted by hand, while its account stays: half a minute later the edge goes, and is made anew', async () => {
      desk.apply(name, {}, { ownerReferences: [owner] });
      await desk.run(name);
      desk.delete(name);
      expect((await desk.reconcile(name)).requeueAfterMs).toBeGreaterThan(28_000);
      expect([...desk.user().groups]).toEqual(['Dev']);
      desk.clock.ms += 31_000;
      await desk.run(name);
      expect([...desk.user().groups]).toEqual([]);
      expect(desk.bindings.size).toBe(0);
      desk.apply(name, {}, { ownerReferences: [owner] });
      await desk.run(name);
      expect(desk.memory(name).origin).toBe('Created');
    });

    test('with its entry, it takes the edge away', async () => {
      for (const without of [{}, { deletionTimestamp: at }]) {
        desk.account('jo', { entitlements: [dev] }, 0);
        desk.apply(name, {}, { ownerReferences: [owner] });
        await desk.run(name);
        desk.accounts.set('jo', account(without, { entitlements: [] }));
        await desk.remove(name);
        expect([...desk.user().groups]).toEqual([]);
      }
    });
  });

  test('faults of AWS pass; what was refused is told', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    let faults = 2;
    desk.aws.refuse = () => (faults-- > 0 ? 'service' : undefined);
    await desk.remove('b');
    expect(desk.user().groups.size).toBe(0);
  });
});

describe('a process that dies', () => {
  const end = async (): Promise<void> => {
    await desk.start();
    await desk.run('b');
  };

  test.each([1, 2, 3])('at write %i to the cluster while giving', async (write) => {
    await given();
    desk.apply('b', { expiresAt: desk.time(60 * minute) });
    await desk.dies(write, 'cluster', () => desk.run('b'));
    await end();
    expect(desk.memory('b').origin).toBe('Created');
    expect([...desk.user().groups]).toEqual(['Dev']);
    await desk.remove('b');
    expect(desk.user().groups.size).toBe(0);
  });

  test('after the call and before anybody heard: made from here all the same', async () => {
    await given();
    desk.apply('b', {});
    expect(await desk.dies(1, 'aws', () => desk.run('b'))).toBe(true);
    await end();
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.aws.writes).toEqual(['AddUserToGroup']);
    await desk.remove('b');
    expect(desk.user().groups.size).toBe(0);
  });

  test.each([1, 2, 3])('at write %i to the cluster while its time ends', async (write) => {
    await given();
    desk.apply('b', { expiresAt: desk.time(minute) });
    await desk.run('b');
    desk.clock.ms += 2 * minute;
    await desk.read();
    await desk.dies(write, 'cluster', () => desk.run('b'));
    await end();
    expect(desk.user().groups.size).toBe(0);
    expect(desk.ready('b')).toBe('True Expired');
    expect(desk.memory('b')).toMatchObject({ origin: null, revoked: desk.object('b').spec.expiresAt });
  });

  test('while it takes an edge away at its deletion', async () => {
    await given();
    desk.apply('b', {});
    await desk.run('b');
    desk.delete('b');
    expect(await desk.dies(1, 'aws', () => desk.run('b'))).toBe(true);
    await end();
    expect(desk.bindings.size).toBe(0);
    expect(desk.user().groups.size).toBe(0);
  });

  test('an answer that is lost', async () => {
    await given();
    desk.aws.crashAs = 'unreachable';
    desk.aws.writesUntilCrash = 1;
    desk.apply('b', {});
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    expect(desk.memory('b').origin).toBe('Created');
    expect([...desk.user().groups]).toEqual(['Dev']);
  });
});
