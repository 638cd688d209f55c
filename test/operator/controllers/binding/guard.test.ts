import { beforeEach, describe, expect, test } from '@jest/globals';
import { annotations } from '../../../../operator/controllers/names.ts';
import { Desk, readOnly } from './desk.ts';

const admin = 'arn:aws:iam::aws:policy/AdministratorAccess';
const boundary = 'arn:aws:iam::111122223333:policy/Boundary';
const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const policy = (arn: string) => ({ entitlement: { type: 'AwsManagedPolicy' as const, arn } });
const named = (name: string) => ({ entitlement: { type: 'AwsManagedPolicy' as const, name } });

let desk: Desk;
beforeEach(async () => {
  desk = new Desk();
  desk.aws.policies.add(admin);
});

async function given(guard: Desk['guard']): Promise<void> {
  desk.guard = guard;
  await desk.start();
  // Not new: an edge would have to be looked for.
  desk.made('jo', 3_600_000);
  await desk.read();
}

async function refused(name: string): Promise<void> {
  await desk.run(name);
  expect(desk.aws.calls).toEqual([]);
  expect(desk.ready(name)).toBe('False Refused');
}

describe('refused without a call to AWS', () => {
  test.each([
    ['AdministratorAccess by ARN', {}, policy(admin), /until spec\.guard\.allowedPolicies/],
    ['AdministratorAccess by name', {}, named('administratoraccess'), /AdministratorAccess/i],
    ['a policy that is denied', { deniedPolicies: ['*/ReadOnly*'] }, policy(readOnly), /deniedPolicies/],
    [
      'a policy that is denied, by name',
      { deniedPolicies: [readOnly] },
      named('ReadOnlyAccess'),
      /deniedPolicies/,
    ],
    [
      'a policy that is not listed',
      { allowedPolicies: [readOnly] },
      policy('arn:aws:iam::aws:policy/X'),
      /not among/,
    ],
    ['a policy that is not listed, by name', { allowedPolicies: [readOnly] }, named('X'), /not among/],
    [
      'an inline document',
      {},
      { entitlement: { type: 'InlinePolicy' as const, name: 'own', document: everything } },
      /amounts to AdministratorAccess/,
    ],
    [
      'an inline policy by name',
      { deniedPolicies: ['inline/own'] },
      { entitlement: { type: 'InlinePolicy' as const, name: 'own', document: { Statement: [] } } },
      /deniedPolicies/,
    ],
    ['a protected user', { protectedUsers: ['J*'] }, policy(readOnly), /protected/],
    [
      'a user without the boundary',
      { permissionsBoundary: boundary },
      policy(readOnly),
      /no permissions boundary/,
    ],
  ])('%s', async (_what, guard, spec, says) => {
    await given(guard);
    desk.apply('b', spec, { annotations: { [annotations.reconcileAt]: 'now' } });
    desk.object('b');
    await desk.reconcile('b');
    expect(desk.aws.calls).toEqual([]);
    expect(desk.ready('b')).toBe('False Refused');
    expect(desk.message('b')).toMatch(says);
  });

  test('a group that has a policy which is denied', async () => {
    desk.groupPolicies.set('Ops', [readOnly, admin]);
    await given({});
    desk.apply('b', { entitlement: { type: 'Group', name: 'Ops' } });
    await refused('b');
    expect(desk.message('b')).toContain(admin);
    desk.apply('c', { entitlement: { type: 'Group', name: 'Dev' } });
    await desk.run('c');
    expect(desk.ready('c')).toBe('True AsDeclared');
  });
});

describe('an edge that is there when a rule comes to forbid it', () => {
  test('stays, is said, and may be taken away', async () => {
    await given({});
    desk.apply('b', policy(readOnly));
    await desk.run('b');
    expect(desk.ready('b')).toBe('True AsDeclared');
    desk.guard = { deniedPolicies: [readOnly] };
    await desk.start();
    desk.aws.calls.length = 0;
    await refused('b');
    expect([...desk.user().attached]).toEqual([readOnly]);
    await desk.remove('b');
    expect([...desk.user().attached]).toEqual([]);
  });

  test('taken away outside, it is not given again; Absent and an expiry go on', async () => {
    await given({});
    desk.apply('b', { ...policy(readOnly), expiresAt: desk.time(3_600_000) });
    await desk.run('b');
    desk.guard = { deniedPolicies: [readOnly] };
    await desk.start();
    desk.apply('gone', { ...named('Billing'), state: 'Absent' });
    await desk.run('gone');
    expect(desk.ready('gone')).toBe('True AsDeclared');
    desk.clock.ms += 3_700_000;
    await desk.run('b');
    expect(desk.ready('b')).toBe('True Expired');
    expect([...desk.user().attached]).toEqual([]);
  });

  test('of a protected user stays also when it is to go, and the object goes', async () => {
    await given({});
    desk.apply('b', policy(readOnly));
    await desk.run('b');
    desk.guard = { protectedUsers: ['jo'] };
    await desk.start();
    desk.aws.calls.length = 0;
    desk.apply('b', { ...policy(readOnly), state: 'Absent' });
    await refused('b');
    await desk.remove('b');
    expect(desk.aws.calls).toEqual([]);
    expect(desk.bindings.has('b')).toBe(false);
    expect([...desk.user().attached]).toEqual([readOnly]);
  });
});

test('a user that gets the forced boundary gets what was asked for, without anybody’s doing', async () => {
  await given({ permissionsBoundary: boundary });
  desk.apply('b', policy(readOnly));
  expect(await desk.reconcile('b')).toMatchObject({ requeueAfterMs: 10_000 });
  desk.user().boundary = boundary;
  await desk.read();
  await desk.run('b');
  expect(desk.ready('b')).toBe('True AsDeclared');
});
