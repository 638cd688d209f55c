import { describe, expect, test } from '@jest/globals';
import { readBurst, writeBurst } from '../../../../src/guard/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { Desk } from './desk.ts';

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `u${index + 100}`);

/** Accounts whose users are there. */
async function filled(
  count: number,
  spec: Partial<AwsAccount['spec']> = { deletionPolicy: 'Delete' },
): Promise<Desk> {
  const desk = await new Desk().start();
  for (const name of names(count)) {
    desk.cluster.apply(name, spec);
    await desk.run(name);
  }
  await desk.read();
  desk.aws.calls.length = 0;
  return desk;
}

/** One pass over each that is there. @returns how many users are left */
async function pass(desk: Desk, all: readonly string[]): Promise<number> {
  await Promise.all(
    all.filter((name) => desk.cluster.accounts.has(name)).map((name) => desk.reconcile(name)),
  );
  return desk.aws.users.length;
}

const burstOf = (desk: Desk) =>
  readBurst(desk.cluster.connection.metadata.annotations?.[annotations.deletions], desk.clock.ms);

describe('deletions of users', () => {
  test('20 go at once, then one every 30 seconds; who waits is left alone', async () => {
    const desk = await filled(23);
    const all = names(23);
    all.forEach((name) => desk.cluster.delete(name));
    expect(await pass(desk, all)).toBe(3);
    const left = desk.aws.users.map(({ userName }) => userName);
    const waiting = left[0] ?? '';
    expect(desk.ready(waiting)).toBe('False DeletionWaits');
    expect(desk.message(waiting)).toMatch(/3 deletions of IAM users wait.*approve-deletions=/);
    const ofWaiting = desk.aws.calls.filter(({ input }) => input['UserName'] === waiting);
    expect(ofWaiting.filter(({ operation }) => operation !== 'GetUser')).toEqual([]);
    const result = await desk.reconcile(waiting);
    expect(result.requeueAfterMs).toBeGreaterThan(29_000);
    expect(result.requeueAfterMs).toBeLessThan(91_000);
    desk.clock.ms += 29_000;
    expect(await pass(desk, all)).toBe(3);
    desk.clock.ms += 1_000;
    expect(await pass(desk, all)).toBe(2);
    expect(await pass(desk, all)).toBe(2);
    desk.clock.ms += 60_000;
    expect(await pass(desk, all)).toBe(0);
    expect(desk.cluster.accounts.size).toBe(0);
  });

  test('those that wait are told apart: each has its own time', async () => {
    const desk = await filled(23);
    const all = names(23);
    all.forEach((name) => desk.cluster.delete(name));
    await pass(desk, all);
    const after = await Promise.all(
      desk.aws.users.map(async ({ userName }) => (await desk.reconcile(userName)).requeueAfterMs ?? 0),
    );
    expect(after.map((ms) => Math.round(ms / 30_000)).sort((a, b) => a - b)).toEqual([1, 2, 3]);
  });

  test('a new process does not give a second burst', async () => {
    const desk = await filled(23);
    const all = names(23);
    all.forEach((name) => desk.cluster.delete(name));
    await pass(desk, all);
    await desk.start();
    expect(await pass(desk, all)).toBe(3);
  });

  test('it is written before the first call that deletes', async () => {
    const desk = await filled(1);
    const [name = ''] = names(1);
    const userId = desk.aws.find(name)?.userId;
    desk.cluster.delete(name);
    desk.cluster.writes.length = 0;
    expect(await desk.dies(1, 'aws', async () => void (await desk.reconcile(name)))).toBe(true);
    expect(desk.cluster.writes.slice(0, 2)).toEqual(['patch connection', `patch ${name}`]);
    expect(burstOf(desk).tokens).toBe(19);
    // That it will be missing in AWS is no surprise from here on.
    expect(burstOf(desk).released).toEqual([userId]);
  });

  test('one that was begun takes no second place, also after a crash', async () => {
    const desk = await filled(1);
    const [name = ''] = names(1);
    desk.aws.find(name)?.keys.set('AKIA1', 'Active').set('AKIA2', 'Active');
    desk.cluster.delete(name);
    await desk.dies(1, 'aws', async () => void (await desk.reconcile(name)));
    desk.cluster.connection = {
      ...desk.cluster.connection,
      metadata: {
        ...desk.cluster.connection.metadata,
        annotations: {
          [annotations.deletions]: writeBurst({
            tokens: 0,
            at: desk.clock.ms,
            approval: undefined,
            released: [],
          }),
        },
      },
    };
    await desk.start();
    await desk.run(name).catch(() => undefined);
    expect(desk.aws.users).toEqual([]);
  });

  test('what a backup brings back is counted anew', async () => {
    const desk = await filled(1);
    const [name = ''] = names(1);
    desk.aws.find(name)?.keys.set('AKIA1', 'Active').set('AKIA2', 'Active');
    desk.cluster.delete(name);
    await desk.dies(1, 'aws', async () => void (await desk.reconcile(name)));
    expect(desk.aws.find(name)?.keys.size).toBe(1);
    desk.cluster.restore(name);
    await desk.start();
    await desk.run(name).catch(() => undefined);
    expect(burstOf(desk).tokens).toBe(18);
  });
});

describe('approval', () => {
  async function waiting(): Promise<{ desk: Desk; all: readonly string[]; left: readonly string[] }> {
    const desk = await filled(22);
    const all = names(22);
    all.forEach((name) => desk.cluster.delete(name));
    await pass(desk, all);
    return { desk, all, left: desk.aws.users.map(({ userName }) => userName) };
  }

  test('on the object lets this one go, and says who', async () => {
    const { desk, all, left } = await waiting();
    const [first = '', second = ''] = left;
    const id = desk.aws.find(first)?.userId;
    expect(burstOf(desk).released).toHaveLength(20);
    desk.cluster.annotate(first, { [annotations.approveDeletions]: 'jo.doe' });
    expect(await pass(desk, all)).toBe(1);
    expect(burstOf(desk).released).toHaveLength(21);
    expect(burstOf(desk).released).toContain(id);
    expect(desk.aws.find(second)).toBeDefined();
    expect(desk.events.find(({ reason }) => reason === 'DeletionApproved')).toMatchObject({
      name: first,
      message: expect.stringMatching(/approved by "jo\.doe" on this object, seen at 2026-/),
    });
  });

  test('words that were on the object before it had to wait approve nothing; others do', async () => {
    const desk = await filled(22);
    const all = names(22);
    all.forEach((name) => desk.cluster.annotate(name, { [annotations.approveDeletions]: 'every template' }));
    all.forEach((name) => desk.cluster.delete(name));
    expect(await pass(desk, all)).toBe(2);
    expect(await pass(desk, all)).toBe(2);
    const [first = ''] = desk.aws.users.map(({ userName }) => userName);
    desk.cluster.annotate(first, { [annotations.approveDeletions]: 'jo.doe' });
    expect(await pass(desk, all)).toBe(1);
  });

  test.each(['', ' ', 'false'])('%j approves nothing', async (value) => {
    const { desk, all, left } = await waiting();
    desk.cluster.annotate(left[0] ?? '', { [annotations.approveDeletions]: value });
    expect(await pass(desk, all)).toBe(2);
  });

  test('on the connection lets all go that were deleted until it was seen, and none later', async () => {
    const desk = await filled(23);
    const all = names(23);
    const late = all[22] ?? '';
    all.slice(0, 22).forEach((name) => desk.cluster.delete(name));
    await pass(desk, all.slice(0, 22));
    const { connection } = desk.cluster;
    const approval = { value: 'change 4711', at: desk.clock.ms };
    desk.cluster.connection = {
      ...connection,
      metadata: {
        ...connection.metadata,
        annotations: { [annotations.deletions]: writeBurst({ ...burstOf(desk), approval }) },
      },
    };
    desk.clock.ms += 5_000;
    desk.cluster.delete(late);
    expect(await pass(desk, all)).toBe(1);
    expect(desk.ready(late)).toBe('False DeletionWaits');
    expect(desk.events.filter(({ reason }) => reason === 'DeletionApproved')).toHaveLength(2);
    expect(desk.events.find(({ reason }) => reason === 'DeletionApproved')?.message).toContain(
      'approved by "change 4711" on AwsConnection "ns/main"',
    );
  });
});

describe('what never waits', () => {
  test.each(['Disable', 'Retain'] as const)('letting go with %s', async (deletionPolicy) => {
    const desk = await filled(25, { deletionPolicy });
    const all = names(25);
    all.forEach((name) => desk.cluster.delete(name));
    await pass(desk, all);
    expect(desk.cluster.accounts.size).toBe(0);
    expect(desk.aws.users).toHaveLength(25);
    expect(desk.cluster.connection.metadata.annotations?.[annotations.deletions]).toBeUndefined();
  });

  test('200 disables at once', async () => {
    const desk = await filled(200);
    const all = names(200);
    all.forEach((name) => desk.cluster.apply(name, { deletionPolicy: 'Delete', enabled: false }));
    await pass(desk, all);
    expect(desk.aws.users.filter(({ inline }) => inline.size === 0)).toEqual([]);
    expect(all.filter((name) => desk.ready(name) !== 'True AsDeclared')).toEqual([]);
  });

  test('an object whose user is gone already', async () => {
    const desk = await filled(21);
    const all = names(21);
    const [, ...rest] = all;
    const [first = ''] = all;
    desk.aws.users.splice(
      desk.aws.users.findIndex(({ userName }) => userName === first),
      1,
    );
    await desk.read();
    rest.forEach((name) => desk.cluster.delete(name));
    await pass(desk, rest);
    desk.clock.ms += 1_000;
    desk.cluster.delete(first);
    desk.clock.ms += 1_000;
    await desk.read();
    await desk.reconcile(first);
    expect(desk.cluster.accounts.has(first)).toBe(false);
  });
});
