import { describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
import { Desk } from './desk.ts';

const hour = 3_600_000;
const day = 24 * hour;
const managed = { programmatic: { access: 'Managed' } } as const;
const secretName = 'jo-credentials';

async function deskWith(spec: Partial<AwsAccount['spec']> = managed): Promise<Desk> {
  const desk = await new Desk().start();
  desk.cluster.apply('jo', spec);
  return desk;
}

function keys(desk: Desk): Record<string, string> {
  return Object.fromEntries(desk.aws.find('jo')?.keys ?? []);
}

function ids(desk: Desk): string[] {
  return Object.keys(keys(desk));
}

function memory(desk: Desk): Record<string, unknown> {
  const text = desk.cluster.object('jo').metadata.annotations?.[annotations.accessKeys];
  return JSON.parse(text ?? '{}') as Record<string, unknown>;
}

/** One Active key, and it is the one in the Secret, with its secret. */
function expectOneUsable(desk: Desk, name = secretName): string {
  const active = Object.entries(keys(desk)).filter(([, status]) => status === 'Active');
  expect(active).toHaveLength(1);
  const [id = ''] = active[0] ?? [];
  expect(desk.cluster.vault.data(name)).toMatchObject({
    userName: 'jo',
    accountId: '111122223333',
    accessKeyId: id,
    secretAccessKey: desk.aws.made.get(id)?.secret,
  });
  return id;
}

async function goOn(desk: Desk, ms: number): Promise<void> {
  desk.clock.ms += ms;
  await desk.run('jo');
}

/** A key that somebody else makes in AWS. */
function foreign(desk: Desk, id: string, status: 'Active' | 'Inactive' = 'Active'): void {
  desk.aws.find('jo')?.keys.set(id, status);
}

describe('a key is made and published', () => {
  test('for a user that is made in the place of a deleted one, which has none of that one’s keys', async () => {
    const desk = await deskWith({ ...managed, onExternalDelete: 'Recreate' });
    await desk.run('jo');
    const first = expectOneUsable(desk);
    desk.aws.users.pop();
    desk.clock.ms += hour;
    await desk.read();
    await desk.run('jo');
    await desk.run('jo');
    expect(desk.aws.count('CreateUser')).toBe(2);
    expect(expectOneUsable(desk)).not.toBe(first);
  });

  test('for a joiner, without a look; the Secret is whole and belongs to the object (C06 a)', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const id = expectOneUsable(desk);
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
    expect(desk.aws.count('ListAccessKeys')).toBe(0);
    const { metadata } = desk.cluster.object('jo');
    expect(desk.cluster.vault.secrets.get(secretName)?.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'aws.idhub.io/v1alpha1',
        kind: 'AwsAccount',
        name: 'jo',
        uid: metadata.uid,
        controller: true,
      },
    ]);
    expect(desk.cluster.object('jo').status).toMatchObject({
      credentialsSecretName: secretName,
      accessKeys: [{ id, status: 'Active', managed: true }],
    });
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('and ten resyncs, a restart and a restore without status make no AWS call for it', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    for (let round = 0; round < 10; round += 1) {
      await desk.read();
      await goOn(desk, 600_000);
    }
    await desk.start();
    await desk.run('jo');
    const before = desk.aws.calls.length;
    desk.cluster.restore('jo');
    await desk.start();
    await desk.run('jo');
    await desk.run('jo');
    expect(desk.aws.calls.slice(before).filter(({ operation }) => operation.includes('Key'))).toEqual([]);
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
    expect(desk.aws.count('ListAccessKeys')).toBe(0);
    expectOneUsable(desk);
  });

  test('not where keys are not spoken of, or Unmanaged', async () => {
    for (const spec of [{}, { programmatic: { access: 'Unmanaged' } } as const]) {
      const desk = await deskWith(spec);
      await desk.run('jo');
      expect(desk.aws.calls.filter(({ operation }) => operation.includes('AccessKey'))).toEqual([]);
      expect(desk.cluster.vault.secrets.size).toBe(0);
    }
  });

  test("not over a Secret that is somebody else's, and no key before that is known (C06 b)", async () => {
    const desk = await deskWith();
    desk.cluster.vault.put(secretName, { mine: 'x' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False SecretConflict');
    expect(desk.aws.count('CreateAccessKey')).toBe(0);
    expect(desk.cluster.vault.data(secretName)).toEqual({ mine: 'x' });
    desk.cluster.vault.secrets.clear();
    await desk.run('jo');
    expectOneUsable(desk);
  });

  test('not for a user that is disabled', async () => {
    const desk = await deskWith({ ...managed, enabled: false });
    await desk.run('jo');
    expect(ids(desk)).toEqual([]);
    desk.cluster.apply('jo', { ...managed, enabled: true });
    await desk.run('jo');
    expectOneUsable(desk);
  });
});

describe('whatever breaks off', () => {
  const life = [managed, { programmatic: { access: 'Managed', rotateAfter: '2h', overlap: '10m' } }] as const;

  /** A joiner whose key is made, and rotated later; the process dies or an answer is lost at one write. */
  async function live(
    write: number,
    where: 'aws' | 'cluster',
    how: 'crash' | 'lost',
  ): Promise<Desk | undefined> {
    const desk = await new Desk().start();
    let hit = false;
    const maybe = async (act: () => Promise<void>): Promise<void> => {
      if (await desk.dies(write, where, act)) {
        hit = true;
        await desk.start();
        desk.aws.crashAs = 'crash';
        await desk.run('jo');
      }
    };
    const died = async (act: () => Promise<void>): Promise<void> => {
      if (how === 'crash') {
        await maybe(act);
        return;
      }
      desk.aws.crashAs = 'unreachable';
      desk.cluster.crashAs = 'lost';
      (where === 'aws' ? desk.aws : desk.cluster).writesUntilCrash = write;
      for (let round = 0; ; round += 1) {
        try {
          await act();
          break;
        } catch (error) {
          if (!(error instanceof ApiError) || round > 5) {
            throw error;
          }
        }
      }
      hit = (where === 'aws' ? desk.aws : desk.cluster).writesUntilCrash <= 0;
    };
    await died(async () => {
      desk.cluster.apply('jo', life[0]);
      await desk.run('jo');
    });
    const first = hit;
    if (!hit) {
      await died(async () => {
        desk.cluster.apply('jo', life[1]);
        await goOn(desk, 3 * hour);
      });
    }
    if (!hit) {
      return undefined;
    }
    const orphans = Object.entries(keys(desk)).filter(
      ([id, status]) => status === 'Active' && id !== (memory(desk)['previous'] as { id: string } | null)?.id,
    );
    expect(orphans).toHaveLength(1);
    expect(desk.aws.count('CreateAccessKey')).toBeLessThanOrEqual(first ? 2 : 3);
    desk.aws.trail = true;
    desk.cluster.apply('jo', managed);
    await goOn(desk, hour);
    await goOn(desk, hour);
    return desk;
  }

  test.each([
    ['aws', 'crash'],
    ['aws', 'lost'],
    ['cluster', 'crash'],
    ['cluster', 'lost'],
  ] as const)('at each write to %s in turn (%s): one usable key, and no other left', async (where, how) => {
    let write = 1;
    for (; ; write += 1) {
      const desk = await live(write, where, how);
      if (desk === undefined) {
        break;
      }
      expectOneUsable(desk);
      expect(ids(desk)).toHaveLength(1);
      expect(memory(desk)).toMatchObject({ previous: null, intent: null, strays: [] });
      expect(desk.ready('jo')).toBe('True AsDeclared');
    }
    expect(write).toBeGreaterThan(where === 'aws' ? 2 : 5);
  });

  test('after CreateAccessKey and before the Secret: 2 calls at most; after the Secret: 1 (C05 i, ii)', async () => {
    const before = await new Desk().start();
    // CreateUser, then CreateAccessKey.
    await before.dies(2, 'aws', async () => {
      before.cluster.apply('jo', managed);
      await before.run('jo');
    });
    expect(ids(before)).toHaveLength(1);
    expect(before.cluster.vault.data(secretName)).toEqual({ userName: 'jo', accountId: '111122223333' });
    await before.start();
    await before.run('jo');
    expectOneUsable(before);
    expect(before.aws.count('CreateAccessKey')).toBe(2);

    const after = await new Desk().start();
    const secretWritten = before.cluster.writes.indexOf(`secret create ${secretName}`);
    expect(secretWritten).toBeGreaterThan(0);
    for (let write = 1; ; write += 1) {
      after.cluster.accounts.clear();
      after.cluster.vault.secrets.clear();
      after.aws.users.length = 0;
      after.aws.calls.length = 0;
      await after.start();
      await after.dies(write, 'cluster', async () => {
        after.cluster.apply('jo', managed);
        await after.run('jo');
      });
      if (after.cluster.vault.data(secretName)?.['accessKeyId'] !== undefined) {
        break;
      }
    }
    await after.start();
    await after.run('jo');
    expectOneUsable(after);
    expect(after.aws.count('CreateAccessKey')).toBe(1);
    expect(after.aws.count('DeleteAccessKey')).toBe(0);
  });

  test('a key that AWS does not list yet is waited for, not made twice', async () => {
    const desk = await new Desk().start();
    await desk.dies(2, 'aws', async () => {
      desk.cluster.apply('jo', managed);
      await desk.run('jo');
    });
    const until = desk.clock.ms + 20_000;
    desk.aws.hidesKey = () => desk.clock.ms < until;
    await desk.start();
    await desk.reconcile('jo');
    expect(desk.ready('jo')).toBe('False AccessKeyPending');
    await desk.run('jo');
    expectOneUsable(desk);
    expect(ids(desk)).toHaveLength(2);
  });

  test('two passes on one stale cache: one of them is refused before it makes a key', async () => {
    const desk = await deskWith({});
    await desk.run('jo');
    desk.cluster.apply('jo', managed);
    const stale = desk.cluster.object('jo');
    await desk.run('jo');
    desk.cluster.stale = stale;
    await expect(desk.reconcile('jo')).rejects.toThrow('has changed');
    desk.cluster.stale = undefined;
    await desk.run('jo');
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
    expectOneUsable(desk);
  });

  test('a Secret that cannot be written: no key is made for it, and it is tried ever more seldom', async () => {
    const desk = await deskWith();
    let tried = 0;
    desk.cluster.vault.refuse = () => {
      tried += 1;
      return new ApiError({ code: 403, reason: 'Forbidden', message: 'no' });
    };
    const until = desk.clock.ms + 2 * hour;
    while (desk.clock.ms < until) {
      desk.clock.ms += (await desk.reconcile('jo')).requeueAfterMs ?? 60_000;
    }
    expect(desk.aws.count('CreateAccessKey')).toBe(0);
    expect(desk.ready('jo')).toBe('False SecretNotWritten');
    expect(desk.message('jo')).toContain('Give the operator the right to write Secrets');
    expect(tried).toBeGreaterThan(5);
    expect(tried).toBeLessThan(9);
    desk.cluster.vault.refuse = () => undefined;
    await desk.run('jo');
    expectOneUsable(desk);
  });

  test.each([false, true])(
    'a Secret that cannot be written once the key is made (DeleteAccessKey refused: %s): nothing usable is left',
    async (refused) => {
      const desk = await deskWith();
      desk.cluster.vault.refuse = (what) =>
        what.startsWith('patch')
          ? new ApiError({ code: 403, reason: 'Forbidden', message: 'no' })
          : undefined;
      desk.aws.refuse = ({ operation }) =>
        refused && operation === 'DeleteAccessKey' ? 'accessDenied' : undefined;
      await desk.reconcile('jo');
      expect(desk.aws.count('CreateAccessKey')).toBe(1);
      expect(Object.values(keys(desk))).toEqual(refused ? ['Inactive'] : []);
    },
  );

  test('the default name of the Secret is too long: that is said, and no key is made', async () => {
    const name = 'j'.repeat(250);
    const desk = await new Desk().start();
    desk.cluster.apply(name, { ...managed, userName: 'jo' });
    await desk.run(name);
    expect(desk.ready(name)).toBe('False SecretNotWritten');
    expect(desk.message(name)).toContain('spec.credentialsSecretName');
    expect(desk.aws.count('CreateAccessKey')).toBe(0);
  });
});

describe('a stray', () => {
  /** Died after CreateAccessKey, and was started again. */
  async function strayed(maker?: string): Promise<{ desk: Desk; stray: string }> {
    const desk = await new Desk().start();
    await desk.dies(2, 'aws', async () => {
      desk.cluster.apply('jo', managed);
      await desk.run('jo');
    });
    const [stray = ''] = ids(desk);
    const made = desk.aws.made.get(stray);
    if (made !== undefined && maker !== undefined) {
      made.maker = maker;
    }
    await desk.start();
    await desk.run('jo');
    return { desk, stray };
  }

  test('is switched off at once, another is made, and it goes when CloudTrail says that it is ours', async () => {
    const { desk, stray } = await strayed();
    expect(keys(desk)[stray]).toBe('Inactive');
    expectOneUsable(desk);
    desk.aws.trail = true;
    await goOn(desk, hour);
    expect(ids(desk)).not.toContain(stray);
    expectOneUsable(desk);
  });

  test('is asked for once a minute at most, in the background', async () => {
    const { desk } = await strayed();
    const asked = desk.aws.calls.filter(({ operation }) => operation === 'LookupEvents');
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every(({ priority }) => priority === 'background')).toBe(true);
    const before = asked.length;
    for (let round = 0; round < 5; round += 1) {
      await desk.reconcile('jo');
    }
    expect(desk.aws.count('LookupEvents')).toBe(before);
  });

  test('that somebody else made is theirs: Active again, and left alone from then on', async () => {
    const { desk, stray } = await strayed('arn:aws:iam::111122223333:user/admin');
    expect(keys(desk)[stray]).toBe('Inactive');
    desk.aws.trail = true;
    await goOn(desk, hour);
    expect(keys(desk)[stray]).toBe('Active');
    expect(memory(desk)['strays']).toEqual([]);
    await goOn(desk, 2 * day);
    expect(keys(desk)[stray]).toBe('Active');
  });

  test('of which nothing is known stays, Inactive', async () => {
    const { desk, stray } = await strayed();
    await goOn(desk, 2 * day);
    expect(keys(desk)[stray]).toBe('Inactive');
    expectOneUsable(desk);
  });

  test.each([
    ['without use, newer than it: it goes after a day', 2 * day, undefined, true],
    ['older than it: it stays', 0, undefined, false],
    ['with use: it stays', 2 * day, 5_000, false],
  ])('by a credential report %s', async (_case, age, lastUsed, goes) => {
    const { desk, stray } = await strayed();
    const rotatedAt = desk.aws.made.get(stray)?.createdAt ?? 0;
    const row = { active: false, rotatedAt, ...(lastUsed === undefined ? {} : { lastUsed }) };
    const facts = { asOf: rotatedAt + age, console: false, mfa: false, keys: [{ active: true }, row] };
    desk.report = { of: () => facts };
    await desk.read();
    await goOn(desk, day - hour);
    expect(ids(desk)).toContain(stray);
    desk.clock.ms += 2 * hour;
    await desk.read();
    await desk.run('jo');
    expect(ids(desk).includes(stray)).toBe(!goes);
    expectOneUsable(desk);
  });

  test('without the right to read CloudTrail stops nothing', async () => {
    const { desk } = await strayed();
    desk.aws.refuse = ({ operation }) => (operation === 'LookupEvents' ? 'accessDenied' : undefined);
    await goOn(desk, hour);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });
});

describe('rotation', () => {
  const rotating = { programmatic: { access: 'Managed', rotateAfter: '10d', overlap: '1d' } } as const;

  test('by age: the new one is published, the old one works through the overlap, and goes', async () => {
    const desk = await deskWith(rotating);
    await desk.run('jo');
    const one = expectOneUsable(desk);
    await goOn(desk, 10 * day - hour);
    expect(ids(desk)).toEqual([one]);
    await goOn(desk, 2 * hour);
    const two = desk.cluster.vault.data(secretName)?.['accessKeyId'] ?? '';
    expect(two).not.toBe(one);
    expect(keys(desk)).toEqual({ [one]: 'Active', [two]: 'Active' });
    expect(desk.cluster.vault.data(secretName)?.['secretAccessKey']).toBe(desk.aws.made.get(two)?.secret);
    const next = (await desk.reconcile('jo')).requeueAfterMs ?? 0;
    expect(next).toBeGreaterThan(day - 2 * hour);
    await goOn(desk, next);
    expect(ids(desk)).toEqual([two]);
    expect(desk.aws.writes.slice(-2)).toEqual(['UpdateAccessKey', 'DeleteAccessKey']);
    for (let days = 0; days < 95; days += 1) {
      await goOn(desk, day);
      expect(ids(desk).length).toBeLessThanOrEqual(2);
      const current = desk.cluster.vault.data(secretName)?.['accessKeyId'] ?? '';
      expect(keys(desk)[current]).toBe('Active');
    }
    expect(desk.aws.count('CreateAccessKey')).toBe(11);
  });

  test('with a key of somebody else in the way: it waits, and says whose they are', async () => {
    const desk = await deskWith(rotating);
    await desk.run('jo');
    const one = expectOneUsable(desk);
    foreign(desk, 'AKIAFOREIGN');
    await goOn(desk, 11 * day);
    expect(desk.ready('jo')).toBe('False AccessKeyLimit');
    expect(desk.message('jo')).toContain(`${one} (made here) and AKIAFOREIGN (not made here)`);
    expect(keys(desk)).toEqual({ [one]: 'Active', AKIAFOREIGN: 'Active' });
    desk.aws.find('jo')?.keys.delete('AKIAFOREIGN');
    await goOn(desk, hour);
    expect(desk.cluster.vault.data(secretName)?.['accessKeyId']).not.toBe(one);
  });

  test('stands still while the user is disabled', async () => {
    const desk = await deskWith(rotating);
    await desk.run('jo');
    desk.cluster.apply('jo', { ...rotating, enabled: false });
    await goOn(desk, 11 * day);
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
    expect(Object.values(keys(desk))).toEqual(['Inactive']);
  });
});

describe('what others do', () => {
  test('the Secret is deleted: the key is replaced, and the old one works on for a while', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const one = expectOneUsable(desk);
    desk.cluster.vault.secrets.clear();
    await desk.run('jo');
    const two = desk.cluster.vault.data(secretName)?.['accessKeyId'] ?? '';
    expect(keys(desk)).toEqual({ [one]: 'Active', [two]: 'Active' });
    await goOn(desk, day + hour);
    expect(expectOneUsable(desk)).toBe(two);
    expect(ids(desk)).toEqual([two]);
  });

  test('the key is deleted in AWS: a look that is asked for finds that, and a new one is made', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const one = expectOneUsable(desk);
    desk.aws.find('jo')?.keys.clear();
    desk.clock.ms += hour;
    desk.cluster.apply('jo', managed, { [annotations.reconcileAt]: 'now' });
    await desk.run('jo');
    expect(expectOneUsable(desk)).not.toBe(one);
    expect(desk.events.map(({ message }) => message).join()).toContain(`access key ${one} is gone from AWS`);
    expect(desk.cluster.object('jo').status?.drift?.fields).toEqual(['accessKeys']);
  });

  test('the key is set Inactive in AWS: it stays so, and is said until it is Active again', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const one = expectOneUsable(desk);
    desk.aws.find('jo')?.keys.set(one, 'Inactive');
    desk.cluster.apply('jo', managed, { [annotations.reconcileAt]: 'now' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AccessKeyInactive');
    expect(keys(desk)).toEqual({ [one]: 'Inactive' });
    await goOn(desk, hour);
    expect(desk.ready('jo')).toBe('False AccessKeyInactive');
    desk.cluster.vault.secrets.clear();
    await desk.run('jo');
    expect(expectOneUsable(desk)).not.toBe(one);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('keys of others are never touched by Managed', async () => {
    const desk = await new Desk().start();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    foreign(desk, 'AKIA1');
    foreign(desk, 'AKIA2', 'Inactive');
    desk.cluster.apply('jo', managed);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AccessKeyLimit');
    expect(keys(desk)).toEqual({ AKIA1: 'Active', AKIA2: 'Inactive' });
    expect(desk.aws.count('CreateAccessKey')).toBe(0);
  });

  test('an account that was taken over: nothing from ignorance, until keys are asked for anew', async () => {
    const desk = await new Desk().start();
    desk.aws.add('jo', { keys: new Map([['AKIA1', 'Active']]) });
    await desk.read();
    const adopted = { ...managed, adoptionPolicy: 'IfUnowned' } as const;
    desk.cluster.apply('jo', adopted);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False AccessKeysUnknown');
    expect(keys(desk)).toEqual({ AKIA1: 'Active' });
    desk.cluster.apply('jo', { ...adopted, programmatic: { access: 'Unmanaged' } });
    await desk.run('jo');
    desk.cluster.apply('jo', adopted);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(Object.keys(keys(desk))).toHaveLength(2);
  });

  test('memory that was lost is found again in the Secret', async () => {
    for (const spoilt of ['{"baseline":true}', 'spoilt', '']) {
      const desk = await deskWith();
      await desk.run('jo');
      const one = expectOneUsable(desk);
      desk.cluster.apply('jo', managed, { [annotations.accessKeys]: spoilt });
      await desk.run('jo');
      expect(expectOneUsable(desk)).toBe(one);
      expect(memory(desk)['current']).toMatchObject({ id: one });
      expect(desk.aws.count('CreateAccessKey')).toBe(1);
    }
  });
});

describe('None', () => {
  const none = { programmatic: { access: 'None' } } as const;

  test('deletes ours, switches others off, empties the Secret, and asks no more', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const one = expectOneUsable(desk);
    foreign(desk, 'AKIAFOREIGN');
    desk.cluster.apply('jo', none);
    await desk.run('jo');
    expect(keys(desk)).toEqual({ AKIAFOREIGN: 'Inactive' });
    expect(ids(desk)).not.toContain(one);
    expect(desk.cluster.vault.secrets.size).toBe(0);
    expect(desk.cluster.object('jo').status?.drift).toBeUndefined();
    const calls = desk.aws.calls.length;
    await goOn(desk, hour);
    expect(desk.aws.calls).toHaveLength(calls);
    foreign(desk, 'AKIAFOREIGN');
    desk.cluster.apply('jo', none, { [annotations.reconcileAt]: 'now' });
    await desk.run('jo');
    expect(keys(desk)).toEqual({ AKIAFOREIGN: 'Inactive' });
    expect(desk.cluster.object('jo').status?.drift?.fields).toEqual(['accessKeys']);
  });

  test('leaves a password in the Secret', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const secret = desk.cluster.vault.secrets.get(secretName);
    desk.cluster.vault.put(
      secretName,
      { ...desk.cluster.vault.data(secretName), password: 'kept' },
      { ownerReferences: secret?.metadata.ownerReferences ?? [] },
    );
    desk.cluster.apply('jo', none);
    await desk.run('jo');
    expect(desk.cluster.vault.data(secretName)).toEqual({
      userName: 'jo',
      accountId: '111122223333',
      password: 'kept',
    });
    expect(ids(desk)).toEqual([]);
  });

  test('broken off at each write, and turned back to Managed, ends as declared', async () => {
    for (const where of ['aws', 'cluster'] as const) {
      for (let write = 1; ; write += 1) {
        const desk = await deskWith();
        await desk.run('jo');
        foreign(desk, 'AKIAFOREIGN');
        desk.cluster.apply('jo', none);
        const died = await desk.dies(write, where, () => desk.run('jo'));
        await desk.start();
        await desk.run('jo');
        expect(keys(desk)).toEqual({ AKIAFOREIGN: 'Inactive' });
        expect(desk.cluster.vault.secrets.size).toBe(0);
        desk.cluster.apply('jo', managed);
        await desk.run('jo');
        expectOneUsable(desk);
        if (!died) {
          break;
        }
      }
    }
  });
});

describe('the Secret', () => {
  test('moves with everything in it, complete before the old one goes (C06 c), whatever breaks off', async () => {
    for (let write = 1; ; write += 1) {
      const desk = await deskWith();
      await desk.run('jo');
      const one = expectOneUsable(desk);
      desk.cluster.apply('jo', { ...managed, credentialsSecretName: 'elsewhere' });
      const died = await desk.dies(write, 'cluster', () => desk.run('jo'));
      expect(desk.cluster.vault.secrets.size).toBeGreaterThan(0);
      await desk.start();
      await desk.run('jo');
      expect(expectOneUsable(desk, 'elsewhere')).toBe(one);
      expect([...desk.cluster.vault.secrets.keys()]).toEqual(['elsewhere']);
      expect(desk.aws.count('CreateAccessKey')).toBe(1);
      if (!died) {
        break;
      }
    }
  });

  test("does not move onto one that is somebody else's", async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.cluster.vault.put('elsewhere', { mine: 'x' });
    desk.cluster.apply('jo', { ...managed, credentialsSecretName: 'elsewhere' });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False SecretConflict');
    expect(desk.cluster.vault.data('elsewhere')).toEqual({ mine: 'x' });
    expectOneUsable(desk);
  });

  test('follows a rename of the user', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    desk.cluster.apply('jo', { ...managed, userName: 'joanna' });
    await desk.run('jo');
    expect(desk.cluster.vault.data(secretName)?.['userName']).toBe('joanna');
    expect(desk.aws.count('CreateAccessKey')).toBe(1);
  });

  test.each(['Retain', 'Disable'] as const)(
    'stays with the user under %s (C06 d)',
    async (deletionPolicy) => {
      const desk = await deskWith({ ...managed, deletionPolicy });
      await desk.run('jo');
      desk.cluster.delete('jo');
      await desk.run('jo');
      expect(desk.cluster.accounts.size).toBe(0);
      expect(ids(desk)).toHaveLength(1);
      expect(desk.cluster.vault.secrets.get(secretName)?.metadata.ownerReferences).toBeUndefined();
    },
  );

  test('goes with the user under Delete: its owner stays the object', async () => {
    const desk = await deskWith({ ...managed, deletionPolicy: 'Delete' });
    await desk.run('jo');
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.aws.find('jo')).toBeUndefined();
    expect(desk.cluster.vault.secrets.get(secretName)?.metadata.ownerReferences).toHaveLength(1);
  });
});

describe('disable and enable', () => {
  test.each([
    [true, 'Active'],
    [false, 'Inactive'],
  ] as const)(
    'with enableProgrammaticAccess %s the key comes back %s, and nothing nags',
    async (setting, status) => {
      const desk = await new Desk({ settings: { enableProgrammaticAccess: setting } }).start();
      desk.cluster.apply('jo', managed);
      await desk.run('jo');
      const one = expectOneUsable(desk);
      desk.cluster.apply('jo', { ...managed, enabled: false });
      await desk.run('jo');
      expect(keys(desk)).toEqual({ [one]: 'Inactive' });
      expect(desk.cluster.object('jo').status?.accessKeys).toMatchObject([{ id: one, status: 'Inactive' }]);
      desk.cluster.apply('jo', managed);
      await desk.run('jo');
      expect(keys(desk)).toEqual({ [one]: status });
      expect(desk.ready('jo')).toBe('True AsDeclared');
      desk.cluster.apply('jo', managed, { [annotations.reconcileAt]: 'now' });
      await desk.run('jo');
      expect(desk.ready('jo')).toBe('True AsDeclared');
      expect(desk.cluster.object('jo').status?.accessKeys).toMatchObject([{ id: one, status }]);
      expect(desk.aws.count('CreateAccessKey')).toBe(1);
    },
  );
});

test('the secret is in the Secret and nowhere else, and kept out of the logs (C29)', async () => {
  const desk = await deskWith({ programmatic: { access: 'Managed', rotateAfter: '2h', overlap: '10m' } });
  await desk.run('jo');
  await goOn(desk, 3 * hour);
  const secrets = [...desk.aws.made.values()].map(({ secret }) => secret);
  expect(secrets.length).toBeGreaterThan(1);
  for (const secret of secrets) {
    expect(desk.protectedValues).toContain(secret);
    const told = JSON.stringify([[...desk.cluster.accounts.values()], desk.events, desk.logs]);
    expect(told).not.toContain(secret);
  }
});

describe('what is slow, or half done', () => {
  test.each([
    [1, 'aws'],
    [2, 'aws'],
    [1, 'cluster'],
    [2, 'cluster'],
    [3, 'cluster'],
  ] as const)(
    'None that broke off at write %i to %s, and Managed again: one usable key',
    async (write, where) => {
      const desk = await deskWith();
      await desk.run('jo');
      await goOn(desk, hour);
      await desk.dies(write, where, async () => {
        desk.cluster.apply('jo', { programmatic: { access: 'None' } });
        await desk.run('jo');
      });
      desk.cluster.apply('jo', managed);
      await desk.start();
      await desk.run('jo');
      for (let hours = 0; hours < 5; hours += 1) {
        await desk.read();
        await goOn(desk, hour);
      }
      expectOneUsable(desk);
    },
  );

  test('a call that takes longer than AWS needs to show its outcome, and whose answer is lost: one key in the end', async () => {
    const desk = await deskWith();
    let hiddenUntil = 0;
    let first = '';
    desk.aws.crashAs = 'unreachable';
    desk.aws.writesUntilCrash = 2;
    desk.aws.refuse = ({ operation }) => {
      if (operation === 'CreateAccessKey' && hiddenUntil === 0) {
        desk.clock.ms += 65_000;
        hiddenUntil = desk.clock.ms + 5_000;
      }
      return undefined;
    };
    desk.aws.hidesKey = (id) => {
      first ||= id;
      return id === first && desk.clock.ms < hiddenUntil;
    };
    await desk.run('jo');
    desk.aws.trail = true;
    for (let hours = 0; hours < 30; hours += 1) {
      await desk.read();
      await goOn(desk, hour);
    }
    expect(ids(desk)).toHaveLength(1);
    expectOneUsable(desk);
  });

  test('a disable that broke off before the key, and an enable that leaves keys off: the key is off (C08)', async () => {
    const desk = await new Desk({ settings: { enableProgrammaticAccess: false } }).start();
    desk.cluster.apply('jo', managed);
    await desk.run('jo');
    await goOn(desk, hour);
    // The Deny and the note are written, the key is not reached.
    await desk.dies(2, 'aws', async () => {
      desk.cluster.apply('jo', { ...managed, enabled: false });
      await desk.run('jo');
    });
    expect(Object.values(keys(desk))).toEqual(['Active']);
    desk.cluster.apply('jo', managed);
    await desk.start();
    await desk.run('jo');
    await goOn(desk, hour);
    expect(Object.values(keys(desk))).toEqual(['Inactive']);
  });

  test('a status from before what is remembered is corrected by a look', async () => {
    const desk = await deskWith();
    await desk.run('jo');
    const first = expectOneUsable(desk);
    await goOn(desk, hour);
    const before = desk.cluster.object('jo').status;
    desk.cluster.vault.secrets.clear();
    await desk.run('jo');
    const second = ids(desk).find((id) => id !== first);
    desk.cluster.report('jo', before);
    await desk.start();
    await desk.run('jo');
    expect(desk.cluster.object('jo').status?.accessKeys?.map(({ id }) => id)).toContain(second);
  });
});
