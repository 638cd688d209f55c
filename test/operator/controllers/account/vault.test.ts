import { describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
import { Desk } from './desk.ts';

const hour = 3_600_000;
const secretName = 'jo-credentials';
const keyed = { programmatic: { access: 'Managed' } } as const;
const withPassword = { console: { access: 'Managed' } } as const;
const kinds = [
  ['an access key', keyed],
  ['a password', withPassword],
  ['both', { ...keyed, ...withPassword }],
] as const;

async function deskWith(spec: Partial<AwsAccount['spec']>): Promise<Desk> {
  const desk = await new Desk().start();
  desk.cluster.apply('jo', spec);
  await desk.run('jo');
  return desk;
}

function owners(desk: Desk, name = secretName): readonly string[] {
  return desk.cluster.vault.secrets.get(name)?.metadata.ownerReferences?.map((owner) => owner.uid) ?? [];
}

function uid(desk: Desk): string {
  return desk.cluster.object('jo').metadata.uid ?? '';
}

/** As a backup keeps it, with or without the owners of the old cluster. */
function restoreSecret(desk: Desk, keptOwners = false): void {
  const secret = desk.cluster.vault.secrets.get(secretName);
  if (secret === undefined) {
    throw new Error('there is no Secret');
  }
  const { ownerReferences = [], ...metadata } = secret.metadata;
  const restored = keptOwners ? { ...metadata, ownerReferences } : metadata;
  desk.cluster.vault.secrets.set(secretName, { ...secret, metadata: restored });
}

async function letGo(desk: Desk): Promise<void> {
  desk.cluster.delete('jo');
  await desk.run('jo');
  expect(desk.cluster.accounts.size).toBe(0);
}

describe.each(kinds)('the Secret that Retain leaves with a user, %s in it,', (_, spec) => {
  test('is not written for another user of an object of that name', async () => {
    const desk = await deskWith({ ...spec, deletionPolicy: 'Retain' });
    await letGo(desk);
    const left = desk.cluster.vault.secrets.get(secretName);
    desk.cluster.apply('jo', { ...spec, userName: 'joan' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False SecretConflict');
    expect(desk.cluster.vault.secrets.get(secretName)).toEqual(left);
    expect(desk.aws.find('joan')?.keys.size).toBe(0);
    desk.cluster.apply('jo', { ...spec, userName: 'joan', credentialsSecretName: 'of-joan' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.cluster.vault.data('of-joan')?.['userName']).toBe('joan');
    expect(desk.cluster.vault.secrets.get(secretName)).toEqual(left);
  });

  test('is neither deleted nor released for another user of an object of that name', async () => {
    const desk = await deskWith({ ...spec, deletionPolicy: 'Retain' });
    await letGo(desk);
    const left = desk.cluster.vault.secrets.get(secretName);
    const none = { programmatic: { access: 'None' }, console: { access: 'None' } } as const;
    desk.cluster.apply('jo', { ...none, userName: 'joan' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    await letGo(desk);
    expect(desk.cluster.vault.secrets.get(secretName)).toEqual(left);
  });

  test('has its owner again when an object of that name takes the user back, and stays as it is', async () => {
    const desk = await deskWith({ ...spec, deletionPolicy: 'Retain' });
    await letGo(desk);
    expect(owners(desk)).toEqual([]);
    const left = desk.cluster.vault.data(secretName);
    desk.cluster.apply('jo', { ...spec, adoptionPolicy: 'IfUnowned', deletionPolicy: 'Delete' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(owners(desk)).toEqual([uid(desk)]);
    expect(desk.cluster.vault.data(secretName)).toEqual(left);
  });
});

test('a Secret of another AWS account is not written, though the id is the same', async () => {
  const desk = await deskWith({ ...keyed, deletionPolicy: 'Retain' });
  restoreSecret(desk);
  const secret = desk.cluster.vault.secrets.get(secretName);
  const noted = { ...secret?.metadata.annotations, 'aws.idhub.io/account-id': '999900001111' };
  if (secret !== undefined) {
    const metadata = { ...secret.metadata, annotations: noted };
    desk.cluster.vault.secrets.set(secretName, { ...secret, metadata });
  }
  await desk.run('jo');
  expect(desk.ready('jo')).toBe('False SecretConflict');
});

test('what an object of that name left for the garbage collector is waited for, not written', async () => {
  const desk = await deskWith({ ...keyed, deletionPolicy: 'Delete' });
  await letGo(desk);
  const left = desk.cluster.vault.secrets.get(secretName);
  desk.cluster.apply('jo', keyed);
  const { requeueAfterMs } = await desk.reconcile('jo');
  expect(desk.ready('jo')).toBe('False SecretConflict');
  expect(desk.cluster.vault.secrets.get(secretName)).toEqual(left);
  expect(requeueAfterMs).toBeLessThanOrEqual(15_000);
  desk.cluster.vault.secrets.clear();
  await desk.run('jo');
  expect(desk.ready('jo')).toBe('True AsDeclared');
  expect(owners(desk)).toEqual([uid(desk)]);
});

describe.each(kinds)('a Secret with %s that was restored', (_, spec) => {
  test.each([
    ['without owners', false],
    ['with those of the old cluster', true],
  ])('%s has its owner again, once, and nothing else of it is written', async (_title, keptOwners) => {
    const desk = await deskWith(spec);
    await desk.run('jo');
    const before = desk.cluster.vault.data(secretName);
    const calls = desk.aws.writes.length;
    desk.cluster.restore('jo');
    restoreSecret(desk, keptOwners);
    await desk.start();
    await desk.run('jo');
    expect(owners(desk)).toEqual([uid(desk)]);
    expect(uid(desk)).toBe('restored-jo');
    expect(desk.cluster.vault.data(secretName)).toEqual(before);
    expect(desk.aws.writes).toHaveLength(calls);
    const { length } = desk.cluster.writes;
    desk.clock.ms += hour;
    await desk.read();
    await desk.run('jo');
    expect(desk.cluster.writes.slice(length).filter((what) => what.includes('secret'))).toEqual([]);
  });

  test('has its owner again where credentials are left alone by now, or the account is disabled', async () => {
    for (const now of [{}, { ...spec, enabled: false }]) {
      const desk = await deskWith(spec);
      desk.cluster.apply('jo', now);
      await desk.run('jo');
      desk.cluster.restore('jo');
      restoreSecret(desk);
      await desk.start();
      await desk.run('jo');
      expect(owners(desk)).toEqual([uid(desk)]);
    }
  });

  test('and whose object goes with Retain before anything has no owner that would take it along', async () => {
    const desk = await deskWith({ ...spec, deletionPolicy: 'Retain' });
    desk.clock.ms += hour;
    await desk.run('jo');
    desk.cluster.restore('jo');
    restoreSecret(desk, true);
    await desk.start();
    await letGo(desk);
    expect(desk.cluster.vault.secrets.has(secretName)).toBe(true);
    expect(owners(desk)).toEqual([]);
  });
});

test('an owner that may not be written is said until it may', async () => {
  const desk = await deskWith(withPassword);
  desk.cluster.restore('jo');
  restoreSecret(desk);
  desk.cluster.vault.refuse = () => new ApiError({ code: 403, reason: 'Forbidden', message: 'no' });
  await desk.start();
  for (let round = 0; round < 3; round += 1) {
    expect((await desk.reconcile('jo')).requeueAfterMs).toBeLessThanOrEqual(60_000);
    expect(desk.ready('jo')).toBe('False SecretNotWritten');
  }
  desk.cluster.vault.refuse = () => undefined;
  await desk.run('jo');
  expect(desk.ready('jo')).toBe('True AsDeclared');
  expect(owners(desk)).toEqual([uid(desk)]);
});

describe.each(['Retain', 'Disable', 'Delete'] as const)('an object that goes with %s', (deletionPolicy) => {
  async function begun(): Promise<Desk> {
    const desk = await deskWith({ ...keyed, ...withPassword, deletionPolicy });
    desk.clock.ms += hour;
    await desk.run('jo');
    expect(owners(desk)).toEqual([uid(desk)]);
    return desk;
  }

  test('leaves the Secret where its user was deleted in AWS', async () => {
    const desk = await begun();
    desk.aws.users.pop();
    await desk.read();
    await letGo(desk);
    expect(owners(desk)).toEqual([]);
  });

  test('leaves the Secret where the name is another person’s by now', async () => {
    const desk = await begun();
    desk.aws.users.pop();
    desk.aws.add('jo');
    await desk.read();
    await letGo(desk);
    expect(desk.aws.find('jo')).toBeDefined();
    expect(owners(desk)).toEqual([]);
  });
});

test('a user that somebody else has by now keeps its Secret under Retain', async () => {
  const desk = await deskWith({ ...keyed, deletionPolicy: 'Retain' });
  desk.clock.ms += hour;
  await desk.run('jo');
  desk.aws.find('jo')?.tags.set('aws.idhub.io/owner', 'other/ns/jo');
  await desk.read();
  await letGo(desk);
  expect(owners(desk)).toEqual([]);
  expect(desk.aws.find('jo')?.tags.get('aws.idhub.io/owner')).toBe('other/ns/jo');
});

test('a process that dies between the deletion of the user and the end leaves no Secret behind', async () => {
  for (let write = 1; ; write += 1) {
    const desk = await deskWith({ ...keyed, deletionPolicy: 'Delete' });
    desk.clock.ms += hour;
    await desk.run('jo');
    const owner = uid(desk);
    desk.cluster.delete('jo');
    const died = await desk.dies(write, 'cluster', () => desk.run('jo'));
    await desk.start();
    await desk.run('jo');
    expect(desk.cluster.accounts.size).toBe(0);
    expect(owners(desk)).toEqual([owner]);
    if (!died) {
      break;
    }
  }
});
