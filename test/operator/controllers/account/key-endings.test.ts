import { describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { Desk, type DeskOptions } from './desk.ts';

const hour = 3_600_000;
const minute = 60_000;
const managed = { programmatic: { access: 'Managed' } } as const;
const rotating = { programmatic: { access: 'Managed', rotateAfter: '2h', overlap: '10m' } } as const;

async function deskWith(spec: Partial<AwsAccount['spec']>, options: DeskOptions = {}): Promise<Desk> {
  const desk = await new Desk(options).start();
  desk.cluster.apply('jo', spec);
  await desk.run('jo');
  return desk;
}

function keys(desk: Desk): Record<string, string> {
  return Object.fromEntries(desk.aws.find('jo')?.keys ?? []);
}

function memory(desk: Desk): Record<string, unknown> {
  const text = desk.cluster.object('jo').metadata.annotations?.[annotations.accessKeys];
  return JSON.parse(text ?? '{}') as Record<string, unknown>;
}

async function goOn(desk: Desk, ms: number, spec?: Partial<AwsAccount['spec']>): Promise<void> {
  desk.clock.ms += ms;
  if (spec !== undefined) {
    desk.cluster.apply('jo', spec);
  }
  await desk.read();
  await desk.run('jo');
}

/** Died after CreateAccessKey, and a new process is there. */
async function brokenOff(spec: Partial<AwsAccount['spec']> = managed): Promise<Desk> {
  const desk = await new Desk().start();
  await desk.dies(2, 'aws', async () => {
    desk.cluster.apply('jo', spec);
    await desk.run('jo');
  });
  await desk.start();
  expect(Object.values(keys(desk))).toEqual(['Active']);
  return desk;
}

/** Two keys: one was replaced a moment ago. */
async function rotated(spec: Partial<AwsAccount['spec']>): Promise<Desk> {
  const desk = await deskWith(spec);
  desk.clock.ms += 121 * minute;
  await desk.reconcile('jo');
  expect(Object.values(keys(desk))).toEqual(['Active', 'Active']);
  return desk;
}

describe('let go of (Retain, Disable)', () => {
  test.each(['Retain', 'Disable'] as const)('%s: a replaced key is ended first', async (deletionPolicy) => {
    const desk = await rotated({ ...rotating, deletionPolicy });
    const current = desk.cluster.vault.data('jo-credentials')?.['accessKeyId'];
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(Object.keys(keys(desk))).toEqual([current]);
  });

  test('a key of a creation that broke off is switched off first', async () => {
    const desk = await brokenOff();
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(Object.values(keys(desk))).toEqual(['Inactive']);
  });

  test('a key that does not show yet is waited for', async () => {
    const desk = await brokenOff();
    const until = desk.clock.ms + 20_000;
    desk.aws.hidesKey = () => desk.clock.ms < until;
    desk.cluster.delete('jo');
    await desk.reconcile('jo');
    expect(desk.ready('jo')).toBe('False AccessKeyPending');
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(Object.values(keys(desk))).toEqual(['Inactive']);
  });

  test('what AWS refuses to end keeps the object, and is said', async () => {
    const desk = await rotated({ ...rotating, deletionPolicy: 'Retain' });
    desk.aws.refuse = ({ operation }) => (operation === 'DeleteAccessKey' ? 'accessDenied' : undefined);
    desk.cluster.delete('jo');
    await desk.reconcile('jo');
    expect(desk.ready('jo')).toBe('False AccessDenied');
    desk.aws.refuse = () => undefined;
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(Object.keys(keys(desk))).toHaveLength(1);
  });

  test('abandoned: AWS is not touched', async () => {
    const desk = await rotated({ ...rotating, deletionPolicy: 'Retain' });
    const calls = desk.aws.calls.length;
    desk.cluster.annotate('jo', { [annotations.abandon]: 'true' });
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.calls).toHaveLength(calls);
  });
});

describe('no longer ours to keep (Unmanaged)', () => {
  test('a replaced key goes when its time is over, the current one stays', async () => {
    const desk = await rotated(rotating);
    const current = desk.cluster.vault.data('jo-credentials')?.['accessKeyId'];
    desk.cluster.apply('jo', {});
    await desk.reconcile('jo');
    expect(Object.values(keys(desk))).toEqual(['Active', 'Active']);
    await goOn(desk, 11 * minute);
    expect(keys(desk)).toEqual({ [current ?? '']: 'Active' });
    const calls = desk.aws.calls.length;
    await goOn(desk, 5 * hour);
    expect(desk.aws.calls).toHaveLength(calls);
  });

  test('a key of a creation that broke off is switched off, and deleted when CloudTrail names us', async () => {
    const desk = await brokenOff();
    await goOn(desk, minute, {});
    expect(Object.values(keys(desk))).toEqual(['Inactive']);
    desk.aws.trail = true;
    await goOn(desk, hour);
    expect(keys(desk)).toEqual({});
    expect(memory(desk)).toMatchObject({ intent: null, strays: [], lapsed: true });
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test("a disabled user's keys stay off, whoever made them", async () => {
    const desk = await brokenOff();
    const made = [...desk.aws.made.values()][0];
    if (made !== undefined) {
      made.maker = 'arn:aws:iam::111122223333:user/admin';
    }
    desk.aws.trail = true;
    await goOn(desk, minute, { enabled: false });
    await goOn(desk, hour);
    expect(Object.values(keys(desk))).toEqual(['Inactive']);
  });
});

test('observed for a while: a key that was deleted meanwhile is noticed', async () => {
  const desk = await deskWith(managed);
  await goOn(desk, hour, { ...managed, management: 'Observe' });
  const [id = ''] = Object.keys(keys(desk));
  desk.aws.find('jo')?.keys.clear();
  await goOn(desk, hour, { ...managed, management: 'Manage' });
  expect(Object.keys(keys(desk))).toHaveLength(1);
  expect(Object.keys(keys(desk))).not.toContain(id);
});

describe('disable and enable', () => {
  const reactivating = { settings: { enableProgrammaticAccess: true } };
  const none = { programmatic: { access: 'None' } } as const;

  test('None keeps none usable: a key that the disable switched off stays off', async () => {
    const desk = await deskWith(none, reactivating);
    desk.aws.find('jo')?.keys.set('AKIAADMIN', 'Active');
    await goOn(desk, hour, { ...none, enabled: false });
    expect(keys(desk)).toEqual({ AKIAADMIN: 'Inactive' });
    await goOn(desk, hour, none);
    expect(keys(desk)).toEqual({ AKIAADMIN: 'Inactive' });
    expect(desk.cluster.object('jo').status?.access?.programmatic).toBe('Disabled');
  });

  test('a disable that AWS refuses: the status says that the key is Active', async () => {
    const desk = await deskWith(managed);
    desk.aws.refuse = ({ operation }) =>
      /^(UpdateAccessKey|PutUserPolicy|AttachUserPolicy)$/.test(operation) ? 'accessDenied' : undefined;
    for (let round = 0; round < 3; round += 1) {
      await goOn(desk, hour, { ...managed, enabled: false });
      expect(desk.cluster.object('jo').status?.accessKeys).toMatchObject([{ status: 'Active' }]);
      expect(desk.cluster.object('jo').status?.access?.programmatic).toBe('Enabled');
    }
    desk.aws.refuse = () => undefined;
    await goOn(desk, hour);
    expect(desk.cluster.object('jo').status?.accessKeys).toMatchObject([{ status: 'Inactive' }]);
    expect(desk.cluster.object('jo').status?.access?.programmatic).toBe('Disabled');
  });

  test('an enable that AWS refuses half way: the status says that the key is Active', async () => {
    const desk = await deskWith(managed, reactivating);
    await goOn(desk, hour, { ...managed, enabled: false });
    desk.aws.refuse = ({ operation }) => (operation === 'DeleteUserPolicy' ? 'accessDenied' : undefined);
    await goOn(desk, hour, managed);
    expect(Object.values(keys(desk))).toEqual(['Active']);
    expect(desk.cluster.object('jo').status?.accessKeys).toMatchObject([{ status: 'Active' }]);
    expect(desk.cluster.object('jo').status?.access?.programmatic).toBe('Enabled');
  });

  test('a key that was left off and came back by an enable is no longer taken for off', async () => {
    const settings = { enableProgrammaticAccess: false };
    const desk = await deskWith(managed, { settings });
    await goOn(desk, hour, { ...managed, enabled: false });
    await goOn(desk, hour, managed);
    const [id = ''] = Object.keys(keys(desk));
    expect(memory(desk)['off']).toBe(true);
    desk.aws.find('jo')?.keys.set(id, 'Active');
    settings.enableProgrammaticAccess = true;
    await desk.start();
    await goOn(desk, hour, { ...managed, enabled: false });
    await goOn(desk, hour, managed);
    expect(keys(desk)).toEqual({ [id]: 'Active' });
    expect(memory(desk)['off']).toBeUndefined();
    expect(desk.cluster.object('jo').status?.access?.programmatic).toBe('Enabled');
  });

  test('a key that was deleted while the user was disabled does not count as opened', async () => {
    const desk = await deskWith({}, reactivating);
    desk.aws.find('jo')?.keys.set('AKIAX', 'Active');
    await goOn(desk, hour, { enabled: false });
    desk.aws.find('jo')?.keys.clear();
    await goOn(desk, minute, {});
    expect(desk.cluster.object('jo').status?.access?.programmatic).not.toBe('Enabled');
  });

  test('one look tells an enable all about the keys', async () => {
    const desk = await deskWith(managed, reactivating);
    await goOn(desk, hour, { ...managed, enabled: false });
    const looks = desk.aws.count('ListAccessKeys');
    desk.cluster.apply('jo', managed);
    await desk.reconcile('jo');
    expect(desk.aws.count('ListAccessKeys') - looks).toBe(1);
    expect(desk.cluster.object('jo').status?.accessKeys).toMatchObject([{ status: 'Active' }]);
  });

  test('a key that goes in the opening is not in the status any more', async () => {
    const desk = await deskWith(managed);
    await goOn(desk, hour, { ...managed, enabled: false });
    await goOn(desk, hour, { ...none, enabled: false });
    await goOn(desk, hour, none);
    expect(keys(desk)).toEqual({});
    expect(desk.cluster.object('jo').status?.accessKeys).toBeUndefined();
  });
});

describe('what waits for somebody', () => {
  test('is looked at again after ten minutes, not with each pass', async () => {
    const desk = await deskWith({});
    desk.aws.find('jo')?.keys.set('AKIA1', 'Active').set('AKIA2', 'Active');
    desk.cluster.apply('jo', managed);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AccessKeyLimit');
    const looks = desk.aws.count('ListAccessKeys');
    for (let round = 0; round < 9; round += 1) {
      desk.clock.ms += minute;
      await desk.reconcile('jo');
    }
    expect(desk.aws.count('ListAccessKeys')).toBe(looks);
    expect(desk.ready('jo')).toBe('False AccessKeyLimit');
    desk.aws.find('jo')?.keys.delete('AKIA2');
    desk.clock.ms += minute;
    await desk.reconcile('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('is looked at at once where that is asked for, or where the Secret is deleted for a new key', async () => {
    for (const cause of ['asked', 'secret'] as const) {
      const desk = await deskWith(managed);
      const [id = ''] = Object.keys(keys(desk));
      desk.aws.find('jo')?.keys.set(id, 'Inactive');
      await goOn(desk, hour, managed);
      desk.cluster.annotate('jo', { [annotations.reconcileAt]: '1' });
      await desk.run('jo');
      await goOn(desk, 61_000);
      expect(desk.ready('jo')).toBe('False AccessKeyInactive');
      desk.clock.ms += minute;
      if (cause === 'asked') {
        desk.aws.find('jo')?.keys.set(id, 'Active');
        desk.cluster.annotate('jo', { [annotations.reconcileAt]: '2' });
      } else {
        desk.cluster.vault.secrets.clear();
      }
      await desk.reconcile('jo');
      expect(desk.ready('jo')).toBe('True AsDeclared');
    }
  });

  test('a report that shows other keys leads to one look', async () => {
    const desk = await deskWith(managed);
    const [id = ''] = Object.keys(keys(desk));
    desk.aws.find('jo')?.keys.set(id, 'Inactive');
    desk.clock.ms += 5 * hour;
    const report = { asOf: desk.clock.ms, console: false, mfa: false, keys: [{ active: false }] };
    desk.report = { of: () => report };
    await desk.read();
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AccessKeyInactive');
  });
});

test('a Secret that is deleted within an overlap: the key that was replaced makes room', async () => {
  const desk = await rotated({ programmatic: { access: 'Managed', rotateAfter: '2h', overlap: '1h' } });
  const current = desk.cluster.vault.data('jo-credentials')?.['accessKeyId'] ?? '';
  desk.cluster.vault.secrets.clear();
  await desk.reconcile('jo');
  const next = desk.cluster.vault.data('jo-credentials')?.['accessKeyId'] ?? '';
  expect(keys(desk)).toEqual({ [current]: 'Active', [next]: 'Active' });
  expect(desk.ready('jo')).toBe('True AsDeclared');
});
