import { expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { Desk } from './desk.ts';

const hour = 3_600_000;
const minute = 60_000;
const managed = { programmatic: { access: 'Managed' } } as const;
const rotating = { programmatic: { access: 'Managed', rotateAfter: '2h', overlap: '10m' } } as const;

async function deskWith(spec: Partial<AwsAccount['spec']>): Promise<Desk> {
  const desk = await new Desk().start();
  desk.cluster.apply('jo', spec);
  await desk.run('jo');
  return desk;
}

function keys(desk: Desk, user = 'jo'): Record<string, string> {
  return Object.fromEntries(desk.aws.find(user)?.keys ?? []);
}

function memory(desk: Desk): Record<string, unknown> {
  const text = desk.cluster.object('jo').metadata.annotations?.[annotations.accessKeys];
  return JSON.parse(text ?? '{}') as Record<string, unknown>;
}

/** The user is deleted, and another person is given its name, since the last reading. */
function givenToAnother(desk: Desk): void {
  desk.aws.users.length = 0;
  desk.aws.add('jo').keys.set('AKIASTRANGER', 'Active');
}

test('a rotation that is due makes no key for another person of that name', async () => {
  const desk = await deskWith(rotating);
  const secret = desk.cluster.vault.data('jo-credentials');
  const before = memory(desk);
  desk.clock.ms += 115 * minute;
  await desk.read();
  await desk.reconcile('jo');
  givenToAnother(desk);
  desk.clock.ms += 10 * minute;
  expect((await desk.reconcile('jo')).requeueAfterMs).toBe(5_000);
  expect(keys(desk)).toEqual({ AKIASTRANGER: 'Active' });
  expect(desk.cluster.vault.data('jo-credentials')).toEqual(secret);
  expect(memory(desk)['current']).toEqual(before['current']);
  await desk.run('jo');
  expect(desk.ready('jo')).toMatch(/^False/);
  expect(keys(desk)).toEqual({ AKIASTRANGER: 'Active' });
});

test('a Secret that is gone makes no key for another person of that name', async () => {
  const desk = await deskWith(managed);
  desk.clock.ms += hour;
  await desk.read();
  givenToAnother(desk);
  desk.cluster.vault.secrets.clear();
  await desk.reconcile('jo');
  expect(keys(desk)).toEqual({ AKIASTRANGER: 'Active' });
  expect(desk.cluster.vault.secrets.size).toBe(0);
});

test('None switches nothing off of another person of that name', async () => {
  const desk = await deskWith(managed);
  desk.clock.ms += hour;
  await desk.run('jo');
  await desk.read();
  givenToAnother(desk);
  desk.cluster.apply('jo', { programmatic: { access: 'None' } });
  await desk.reconcile('jo');
  await desk.run('jo');
  expect(keys(desk)).toEqual({ AKIASTRANGER: 'Active' });
});

test('a user that was renamed in AWS: the replaced key goes all the same, once the new name is known', async () => {
  const desk = await deskWith(rotating);
  desk.clock.ms += 121 * minute;
  await desk.reconcile('jo');
  expect(Object.values(keys(desk))).toEqual(['Active', 'Active']);
  await desk.read();
  const user = desk.aws.find('jo');
  if (user !== undefined) {
    user.userName = 'jo2';
  }
  desk.clock.ms += 11 * minute;
  await desk.reconcile('jo');
  expect(memory(desk)['previous']).not.toBeNull();
  await desk.run('jo');
  expect(Object.values(keys(desk, 'jo2'))).toEqual(['Active']);
  expect(memory(desk)['previous']).toBeNull();
});

test('a key that somebody makes hours after an interruption is left alone', async () => {
  const desk = await new Desk().start();
  for (let write = 1; ; write += 1) {
    desk.cluster.accounts.clear();
    desk.aws.users.length = 0;
    desk.cluster.vault.secrets.clear();
    await desk.start();
    await desk.dies(write, 'cluster', async () => {
      desk.cluster.apply('jo', managed);
      await desk.run('jo');
    });
    if (typeof memory(desk)['intent'] === 'object' && memory(desk)['intent'] !== null) {
      break;
    }
  }
  expect(keys(desk)).toEqual({});
  desk.clock.ms += 4 * hour;
  desk.aws.find('jo')?.keys.set('AKIAADMIN', 'Active');
  const maker = 'arn:aws:iam::111122223333:user/admin';
  desk.aws.made.set('AKIAADMIN', { secret: 'x', createdAt: desk.clock.ms, maker });
  for (let hours = 0; hours < 30; hours += 1) {
    desk.clock.ms += hour;
    await desk.start();
    await desk.run('jo');
    expect(keys(desk)['AKIAADMIN']).toBe('Active');
  }
  expect(desk.ready('jo')).toBe('True AsDeclared');
});
