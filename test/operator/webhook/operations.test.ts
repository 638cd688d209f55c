import { describe, expect, test } from '@jest/globals';
import {
  DirectoryThrottledError,
  DirectoryUnavailableError,
  type WriteOutcome,
} from '../../../src/idhub/index.ts';
import type { Operation, Standing } from '../../../src/idhub/operations/index.ts';
import { aws, pending, refused } from '../../src/idhub/operations/given.ts';
import { settle } from '../runtime/fake-clock.ts';
import { create, waitMs, World } from './desk.ts';

const { signal } = new AbortController();

const day = 86_400_000;

describe('an operation', () => {
  test.each<[Operation, string]>([
    [
      { operationId: 'o', kind: 'update', account: { id: 'AIDA1' }, data: { userName: 'joe' } },
      'change AIDA1 {"userName":"joe"}',
    ],
    [
      { operationId: 'o', kind: 'update', account: { userName: 'JO' }, data: { attributes: { mail: null } } },
      'change AIDA1 {"attributes":{"mail":null}}',
    ],
    [{ operationId: 'o', kind: 'enable', account: { userName: 'jo' } }, 'change AIDA1 {"active":true}'],
    [{ operationId: 'o', kind: 'disable', account: { userName: 'jo' } }, 'change AIDA1 {"active":false}'],
    [{ operationId: 'o', kind: 'delete', account: { userName: 'jo' } }, 'remove AIDA1'],
    [
      { operationId: 'o', kind: 'resetPassword', account: { userName: 'jo' } },
      'change AIDA1 {"password":{"kind":"generated"}}',
    ],
    [
      {
        operationId: 'o',
        kind: 'resetPassword',
        account: { userName: 'jo' },
        password: { value: 'S3cret!', resetRequired: true },
      },
      'change AIDA1 {"password":{"kind":"given","password":"S3cret!","resetRequired":true}}',
    ],
    [
      {
        operationId: 'o',
        kind: 'addEntitlement',
        account: { userName: 'jo' },
        entitlements: [{ type: 'Group', name: 'devs' }],
      },
      'change AIDA1 {"entitlements":{"add":[{"type":"Group","name":"devs"}],"remove":[]}}',
    ],
    [
      {
        operationId: 'o',
        kind: 'removeEntitlement',
        account: { userName: 'jo' },
        entitlements: [{ type: 'Group', name: 'devs' }],
      },
      'change AIDA1 {"entitlements":{"add":[],"remove":[{"type":"Group","name":"devs"}]}}',
    ],
    [create('o', 'sam'), 'create sam'],
  ])('%j becomes one write', async (operation, write) => {
    const world = new World();
    world.account.add('jo');
    const { submit } = await world.start();
    const [standing] = await submit(operation);
    expect(standing?.status).toBe('done');
    expect(world.account.asked).toEqual([write]);
    expect(world.account.contexts[0]).toMatchObject({ caller: 'idhub', operationId: 'o' });
  });

  test('tells whom it was about', async () => {
    const world = new World();
    const { submit } = await world.start();
    const arn = 'arn:aws:iam::111122223333:user/jo';
    expect(await submit(create('o1', 'jo'))).toEqual([
      { status: 'done', account: { id: 'AIDA1', userName: 'jo', arn } },
    ]);
    expect(await submit({ operationId: 'o2', kind: 'delete', account: { userName: 'jo' } })).toEqual([
      { status: 'done', account: { id: 'AIDA1', userName: 'jo' } },
    ]);
  });

  test('is in the audit log once, with its end', async () => {
    const world = new World();
    const { audited, submit } = await world.start();
    await submit(create('o1', 'jo'));
    await submit(create('o1', 'jo'), create('o2', 'jo'));
    const who = { kind: 'create', caller: 'idhub', requestId: 'r' };
    expect(audited).toEqual([
      { ...who, operationId: 'o1', ending: expect.objectContaining({ status: 'done' }) },
      { ...who, operationId: 'o2', ending: expect.objectContaining({ reason: 'uniqueness' }) },
    ]);
    expect(world.account.contexts[0]).toMatchObject({ requestId: 'r' });
  });

  test('on nobody is refused, and stays refused', async () => {
    const world = new World();
    const { submit } = await world.start();
    const disable: Operation = { operationId: 'o', kind: 'disable', account: { userName: 'jo' } };
    const [first] = await submit(disable);
    expect(first).toEqual({ status: 'refused', reason: 'missing', message: 'There is no IAM user "jo".' });
    world.account.add('jo');
    expect(await submit(disable)).toEqual([first]);
    expect(world.account.asked).toEqual([]);
  });

  test('on nobody in a reading from before it is looked at anew when it is sent again', async () => {
    const world = new World();
    world.account.takenAt = world.clock.now() - 1;
    const { submit } = await world.start();
    const disable: Operation = { operationId: 'o', kind: 'disable', account: { userName: 'jo' } };
    expect(await submit(disable)).toMatchObject([{ status: 'refused', reason: 'missing' }]);
    world.account.add('jo');
    expect(await submit(disable)).toMatchObject([{ status: 'done' }]);
  });

  test.each<[string, Operation['kind'], (world: World) => void, object]>([
    [
      'no whole reading is there',
      'disable',
      ({ account }) => void (account.partial = true),
      { status: 'failed' },
    ],
    ['and a whole reading has them', 'disable', ({ account }) => void account.add('jo'), { status: 'done' }],
    [
      'and only writes miss them',
      'enable',
      ({ account }) => {
        account.add('jo');
        account.before = () => refused('missing', 'There is no account.');
      },
      { status: 'failed', reason: 'unavailable' },
    ],
  ])('on somebody who is not seen is not refused: %s', async (_what, kind, given, wanted) => {
    const world = new World();
    world.account.unseen = 'jo';
    given(world);
    const { submit } = await world.start();
    const operation = { operationId: 'o', kind, account: { userName: 'jo' } } as Operation;
    expect(await submit(operation)).toMatchObject([wanted]);
    expect(world.kept('configmaps')).not.toContain('refused');
  });

  test('that is refused says why, and stays refused', async () => {
    const world = new World();
    world.account.add('jo');
    const { submit } = await world.start();
    const [first] = await submit(create('o', 'jo'));
    expect(first).toEqual({ status: 'refused', reason: 'uniqueness', message: '"jo" is there already.' });
    expect(await submit(create('o', 'jo'))).toEqual([first]);
    expect(world.account.asked).toHaveLength(1);
  });

  test('that others stand in the way of can be sent again', async () => {
    const world = new World();
    world.account.before = () => refused('conflict', 'Others are at work on it.');
    const { submit } = await world.start();
    expect(await submit(create('o', 'jo'))).toMatchObject([{ status: 'failed', reason: 'conflict' }]);
    world.account.before = () => undefined;
    expect(await submit(create('o', 'jo'))).toMatchObject([{ status: 'done' }]);
  });

  test.each([
    [
      'the account cannot be told of',
      (world: World) => {
        world.account.away = true;
      },
      'AWS was not read yet.',
      7_000,
      'unavailable',
    ],
    [
      'the directory does not know',
      (world: World) => {
        world.account.before = () => new DirectoryUnavailableError('Soon.', { retryAfterMs: 3_000 });
      },
      'Soon.',
      3_000,
      'unavailable',
    ],
    [
      'the caller shuts out too many',
      (world: World) => {
        world.account.before = () => new DirectoryThrottledError('Slowly.', { retryAfterMs: 9_000 });
      },
      'Slowly.',
      9_000,
      'throttled',
    ],
  ])('is not taken for refused where %s', async (_what, spoil, message, retryAfterMs, reason) => {
    const world = new World();
    world.account.add('jo');
    const { submit } = await world.start();
    spoil(world);
    const disable: Operation = { operationId: 'o', kind: 'disable', account: { id: 'AIDA1' } };
    expect(await submit(disable)).toEqual([{ status: 'failed', reason, message, retryAfterMs }]);
    world.account.away = false;
    world.account.before = () => undefined;
    expect(await submit(disable)).toMatchObject([{ status: 'done' }]);
  });
});

describe('the same operationId', () => {
  test('and body is done once, in whatever order its members are, and is answered alike for 7 days', async () => {
    const world = new World();
    const { submit } = await world.start();
    const [first] = await submit(create('o', 'jo'));
    await world.clock.advance(7 * day - 1);
    expect(await submit({ data: { userName: 'jo' }, kind: 'create', operationId: 'o' })).toEqual([first]);
    expect(world.account.asked).toHaveLength(1);
    await world.clock.advance(2);
    await submit(create('o', 'jo'));
    expect(world.account.asked).toHaveLength(2);
  });

  test('is known by another process', async () => {
    const world = new World();
    const one = await world.start();
    const [first] = await one.submit(create('o', 'jo'));
    one.kill();
    const { submit } = await world.start();
    expect(await submit(create('o', 'jo'))).toEqual([first]);
    expect(world.account.asked).toHaveLength(1);
  });

  test('with another body is refused, as long as the other is under way and after it', async () => {
    const world = new World();
    let go = (): void => undefined;
    world.account.before = () =>
      new Promise((resolve) => {
        go = () => resolve(undefined);
      });
    const { submit } = await world.start();
    const first = submit(create('o', 'jo'));
    await settle();
    const used = [{ status: 'refused', reason: 'operationIdUsed', message: expect.stringContaining('"o"') }];
    expect(await submit(create('o', 'sam'))).toEqual(used);
    go();
    await first;
    expect(await submit(create('o', 'sam'))).toEqual(used);
    expect(await submit(create('o', 'jo'))).toEqual(await first);
    expect(world.account.users.map(({ userName }) => userName)).toEqual(['jo']);
  });

  test('sent twenty times at once is done once', async () => {
    const world = new World();
    const { submit } = await world.start();
    const all = await Promise.all(Array.from({ length: 20 }, () => submit(create('o', 'jo'))));
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(world.account.asked).toEqual(['create jo']);
  });

  test('on another connection is another operation', async () => {
    const world = new World();
    const { desk, submit } = await world.start();
    await submit(create('o', 'jo'));
    const elsewhere = { namespace: 'other', name: 'aws' };
    await desk.submit(elsewhere, [create('o', 'sam')], { caller: 'idhub', signal });
    expect(world.account.asked).toEqual(['create jo', 'create sam']);
  });
});

describe('a list', () => {
  test('does what is about one user in its order, and others at once, within the bound', async () => {
    const world = new World();
    const users = Array.from({ length: 6 }, (_, at) => `u${at}`);
    const { submit } = await world.start({ atOnce: 3 });
    world.account.before = async () => {
      await settle();
      return undefined;
    };
    const operations = users.flatMap((userName): Operation[] => [
      create(`${userName}-1`, userName),
      {
        operationId: `${userName}-2`,
        kind: 'addEntitlement',
        account: { userName },
        entitlements: [{ arn: 'arn:x' }],
      },
      {
        operationId: `${userName}-3`,
        kind: 'update',
        account: { userName },
        data: { userName: `${userName}-new` },
      },
      { operationId: `${userName}-4`, kind: 'enable', account: { userName: `${userName}-new` } },
      { operationId: `${userName}-5`, kind: 'delete', account: { userName: `${userName}-NEW` } },
    ]);
    const standings = await submit(...operations);
    expect(standings.map(({ status }) => status)).toEqual(operations.map(() => 'done'));
    expect(world.account.most).toBe(3);
    expect(world.account.users).toEqual([]);
  });

  test('keeps the order of one user who is named by name and by id', async () => {
    const world = new World();
    world.account.add('jo');
    world.account.before = async () => {
      await settle();
      return undefined;
    };
    const { submit } = await world.start();
    await submit(
      { operationId: '1', kind: 'disable', account: { userName: 'Jo' } },
      { operationId: '2', kind: 'enable', account: { id: 'AIDA1' } },
      { operationId: '3', kind: 'disable', account: { userName: 'jo' } },
    );
    expect(world.account.asked).toEqual([
      'change AIDA1 {"active":false}',
      'change AIDA1 {"active":true}',
      'change AIDA1 {"active":false}',
    ]);
    expect(world.account.most).toBe(1);
  });

  test('with one id twice is done once; a refusal does not stop the rest', async () => {
    const world = new World();
    world.account.add('sam');
    const { submit } = await world.start();
    const standings = await submit(
      create('1', 'sam'),
      create('2', 'jo'),
      create('2', 'jo'),
      create('2', 'other'),
      create('3', 'kim'),
    );
    expect(standings.map((one) => ('reason' in one ? one.reason : one.status))).toEqual([
      'uniqueness',
      'done',
      'done',
      'operationIdUsed',
      'done',
    ]);
  });
});

test('a disable does not wait behind others that hang', async () => {
  const world = new World();
  world.account.add('leaver');
  world.account.before = (write) => (write.startsWith('create') ? new Promise(() => undefined) : undefined);
  const { desk, submit } = await world.start({ atOnce: 2 });
  const others = submit(...Array.from({ length: 20 }, (_, at) => create(`c${at}`, `joiner${at}`)));
  await settle();
  world.clock.freeze(5_000);
  expect(await submit({ operationId: 'd', kind: 'disable', account: { userName: 'leaver' } })).toMatchObject([
    { status: 'done' },
  ]);
  expect(world.account.asked).toHaveLength(3);
  expect(desk.backlog).toEqual({ underWay: 20, oldestAt: world.clock.now() - 5_000 });
  await world.clock.advance(waitMs);
  expect((await others).every(({ status }) => status === 'pending')).toBe(true);
});

describe('what does not end in time', () => {
  async function late(world: World, ...operations: Operation[]) {
    const process = await world.start();
    const answer = process.submit(...operations);
    await world.clock.advance(waitMs);
    return { process, standings: await answer };
  }

  test('is pending, goes on, and its end can be asked for', async () => {
    const world = new World();
    let slow = true;
    world.account.before = () => (slow ? pending(5_000) : undefined);
    const { process, standings } = await late(world, create('o', 'jo'));
    expect(standings).toMatchObject([{ status: 'pending' }]);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({
      kind: 'create',
      status: 'pending',
    });
    slow = false;
    await world.clock.advance(5_000);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({ operationId: 'o', status: 'done' });
    expect(world.kept('secrets')).toBe('[[]]');
    expect(await process.desk.standing(aws, 'unknown', signal)).toBeUndefined();
  });

  test('is gone on with by the next process, in the same order, with its password, once', async () => {
    const world = new World();
    world.account.add('sam');
    world.account.before = (write) => (write.includes('AIDA1') ? pending(60_000) : undefined);
    const first: Operation = {
      operationId: '1',
      kind: 'resetPassword',
      account: { userName: 'sam' },
      password: { value: 'C4nary-value' },
    };
    const second: Operation = { operationId: '2', kind: 'disable', account: { id: 'AIDA1' } };
    const { process, standings } = await late(world, first, second, create('3', 'kim'));
    expect(standings.map(({ status }) => status)).toEqual(['pending', 'pending', 'done']);
    expect(world.kept('configmaps')).not.toContain('C4nary-value');
    process.kill();
    await settle();
    world.account.before = () => undefined;
    world.account.asked.length = 0;
    const next = await world.start();
    expect(world.account.asked).toEqual([
      'change AIDA1 {"password":{"kind":"given","password":"C4nary-value"}}',
      'change AIDA1 {"active":false}',
    ]);
    expect(next.protectedValues).toEqual(['C4nary-value']);
    expect(await next.submit(first, second)).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    expect(world.account.asked).toHaveLength(2);
    expect(world.kept('secrets')).toBe('[[]]');
  });

  test('is tried again where the API server or AWS is in trouble meanwhile', async () => {
    const world = new World();
    world.account.before = () => pending(1_000);
    const { process } = await late(world, create('o', 'jo'));
    world.account.before = () => new Error('odd');
    await world.clock.advance(10_000);
    expect(process.troubles).toContain('o: odd');
    process.client.fail = () => {
      throw new Error('away');
    };
    world.account.before = () => undefined;
    await world.clock.advance(10_000);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({ status: 'pending' });
    process.client.fail = () => undefined;
    await world.clock.advance(10_000);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({ status: 'done' });
    expect(world.account.users).toHaveLength(1);
  });

  test.each(['applied', 'not applied'])(
    'is neither pending nor failed where nobody knows whether it is written down (%s), and nothing of it stays',
    async (what) => {
      const world = new World();
      world.account.before = () => pending(1_000);
      const process = await world.start();
      const { client } = process;
      const make = client.create.bind(client);
      client.create = async (type, object, options) => {
        const timesOut = type.plural === 'secrets';
        if (!timesOut || what === 'applied') {
          const made = await make(type, object, options);
          if (!timesOut) {
            return made;
          }
        }
        throw new Error('timed out');
      };
      const answer = process.submit(create('o', 'jo')).catch((error: unknown) => error);
      await world.clock.advance(waitMs);
      expect(await answer).toBeInstanceOf(DirectoryUnavailableError);
      expect(process.troubles).toEqual(['o: timed out']);
      client.create = make;
      await world.clock.advance(5_000);
      expect(world.kept('secrets')).toContain('jo');
      world.account.before = () => undefined;
      await world.clock.advance(5_000);
      expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({ status: 'done' });
      expect(world.kept('secrets')).toBe('[[]]');
      process.kill();
      await world.start();
      expect(world.account.users).toHaveLength(1);
    },
  );

  test('is told as failed where there is no room to write it down', async () => {
    const world = new World();
    world.account.before = () => pending(1_000);
    const process = await world.start();
    const value = 'x'.repeat(700_000);
    const answer = process.submit({
      operationId: 'o',
      kind: 'create',
      data: { userName: 'jo', attributes: { value } },
    });
    await world.clock.advance(waitMs);
    expect(await answer).toMatchObject([{ status: 'failed', reason: 'unavailable' }]);
    expect(world.kept('secrets')).toBe('[]');
  });

  test('is followed for 7 days once it is accepted', async () => {
    const world = new World();
    world.account.before = () => pending(3_600_000);
    const { process } = await late(world, create('o', 'jo'));
    await world.clock.advance(7 * day - 7_200_000);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({ status: 'pending' });
    await world.clock.advance(3 * 3_600_000);
    expect(world.kept('secrets')).toBe('[[]]');
    expect(await process.desk.standing(aws, 'o', signal)).toBeUndefined();
  });

  const enable: Operation = { operationId: 'o', kind: 'enable', account: { id: 'AIDA1' } };
  const add: Operation = {
    operationId: 'o',
    kind: 'addEntitlement',
    account: { id: 'AIDA1' },
    entitlements: [{ arn: 'arn:x' }],
  };
  const disable: Operation = { operationId: 'o', kind: 'disable', account: { id: 'AIDA1' } };
  const rename: Operation = {
    operationId: 'o',
    kind: 'update',
    account: { id: 'AIDA1' },
    data: { userName: 'joe' },
  };

  test.each<[Operation, number]>([
    [enable, 1],
    [add, 1],
    [rename, 1],
    [disable, 3],
    [{ operationId: 'o', kind: 'delete', account: { id: 'AIDA1' } }, 3],
  ])('ends as refused where others overrule it: %j', async (operation, times) => {
    const world = new World();
    world.account.add('jo');
    world.account.before = () => pending(1_000);
    const { process } = await late(world, operation);
    world.account.asked.length = 0;
    world.account.before = () => refused('conflict', 'Somebody else has changed the object.');
    await world.clock.advance(600_000);
    expect(world.account.asked).toHaveLength(times);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({
      status: 'refused',
      reason: 'conflict',
      message: 'Somebody else has changed the object.',
    });
    expect(world.kept('secrets')).toBe('[[]]');
  });

  test.each<[Operation, boolean]>([
    [enable, true],
    [add, true],
    [disable, false],
    [rename, false],
  ])('once accepted is not begun anew where it lets somebody in: %j', async (operation, joins) => {
    const world = new World();
    world.account.add('jo');
    world.account.before = () => pending(1_000);
    const { process } = await late(world, operation);
    process.kill();
    await settle();
    world.account.contexts.length = 0;
    await world.start();
    expect(world.account.contexts.map((context) => context.joins ?? false)).toEqual([joins]);
  });

  test.each<[Operation, number]>([
    [enable, 300_000],
    [add, 300_000],
    [disable, 3_600_000],
    [rename, 3_600_000],
  ])('is not begun after a time: %j', async (operation, most) => {
    const hang: Operation = { operationId: '1', kind: 'resetPassword', account: { id: 'AIDA1' } };
    for (const [waited, asked] of [
      [most - waitMs - 5_000, 1],
      [most, 0],
    ] as const) {
      const world = new World();
      world.account.add('jo');
      world.account.before = () => new Promise(() => undefined);
      const { process } = await late(world, hang, operation);
      process.kill();
      await world.clock.advance(waited);
      world.account.before = () => undefined;
      world.account.asked.length = 0;
      const next = await world.start();
      expect(world.account.asked.filter((write) => !write.includes('password'))).toHaveLength(asked);
      expect(await next.desk.standing(aws, 'o', signal)).toMatchObject(
        asked === 1 ? { status: 'done' } : { status: 'refused', reason: 'conflict' },
      );
      expect(world.kept('secrets')).toBe('[[]]');
    }
  });

  test('begun long ago by a process that was killed, it is only joined', async () => {
    const world = new World();
    world.account.add('jo');
    world.account.before = () => new Promise(() => undefined);
    const { process } = await late(world, rename);
    process.kill();
    await world.clock.advance(3_600_000);
    world.account.contexts.length = 0;
    world.account.before = () => refused('conflict', 'It is not under way.');
    const next = await world.start();
    expect(world.account.contexts).toMatchObject([{ joins: true }]);
    expect(await next.desk.standing(aws, 'o', signal)).toMatchObject({ status: 'refused' });
  });

  test.each<[Operation, number, string]>([
    [rename, 10, 'refused'],
    [create('o', 'kim'), 10, 'refused'],
    [enable, 1, 'refused'],
    [disable, 60, 'pending'],
  ])('in the way of which others are again and again: %j', async (operation, times, status) => {
    const world = new World();
    world.account.add('jo');
    let go = (): void => undefined;
    world.account.before = () =>
      new Promise((resolve) => {
        go = () => resolve(refused('conflict', 'Another write is not finished.'));
      });
    const { process } = await late(world, operation);
    world.account.before = () => refused('conflict', 'Another write is not finished.');
    go();
    await world.clock.advance(294_000);
    expect(world.account.asked).toHaveLength(times - (status === 'pending' ? 1 : 0));
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({ status });
  });

  test.each<[Operation, object]>([
    [enable, { status: 'refused', reason: 'conflict' }],
    [add, { status: 'refused', reason: 'conflict' }],
    [disable, { status: 'done' }],
    [rename, { status: 'done' }],
  ])('waits behind the write of others, unless it lets somebody in: %j', async (operation, wanted) => {
    const world = new World();
    world.account.add('jo');
    world.account.before = () => ({ ...pending(5_000), behind: true }) as WriteOutcome;
    const { process } = await late(world, operation);
    await world.clock.advance(5_000);
    world.account.before = () => undefined;
    await world.clock.advance(5_000);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject(wanted);
    expect(world.account.contexts.every(({ joins }) => joins === undefined)).toBe(true);
  });

  test('waits for others who are at work, and goes on after them', async () => {
    const world = new World();
    world.account.add('jo');
    let go = (): void => undefined;
    world.account.before = () =>
      new Promise((resolve) => {
        go = () => resolve(refused('conflict', 'Another write is not finished.'));
      });
    const { process } = await late(world, disable);
    go();
    await world.clock.advance(5_000);
    world.account.before = () => undefined;
    go();
    await world.clock.advance(5_000);
    expect(await process.desk.standing(aws, 'o', signal)).toMatchObject({ status: 'done' });
  });

  test('does not let in who was shut out by a later one, whatever they are called in it', async () => {
    const world = new World();
    world.account.add('jo');
    world.account.before = (write) => (write.includes('password') ? new Promise(() => undefined) : undefined);
    const byName = { userName: 'jo' };
    const { process } = await late(
      world,
      { operationId: '1', kind: 'resetPassword', account: byName },
      { operationId: '2', kind: 'enable', account: byName },
      { ...disable, operationId: '3' },
    );
    process.kill();
    await settle();
    // Nothing is known yet of who is who.
    world.account.away = true;
    world.account.before = (write) => (write.includes('password') ? pending(30_000) : undefined);
    const next = await world.start();
    world.account.away = false;
    await world.clock.advance(10_000);
    expect(await next.desk.standing(aws, '3', signal)).toMatchObject({ status: 'done' });
    world.account.before = () => undefined;
    await world.clock.advance(60_000);
    expect(await next.desk.standing(aws, '2', signal)).toMatchObject({
      status: 'refused',
      reason: 'conflict',
    });
    expect(world.account.named('jo')?.active).toBe(false);
  });

  test('is not overtaken by a later one while it cannot be told how it stands, and holds up nobody else', async () => {
    const world = new World();
    world.account.add('jo');
    world.account.add('sam');
    world.account.before = () => pending(60_000);
    const { process } = await late(world, enable, { ...disable, operationId: 's', account: { id: 'AIDA2' } });
    process.kill();
    await settle();
    world.account.before = () => undefined;
    world.account.asked.length = 0;
    let unread = true;
    const next = await world.start({
      hold: (operationId) => {
        if (operationId === 'o' && unread) {
          throw new Error('unreadable');
        }
      },
    });
    const later = next.submit({ ...disable, operationId: 'later' });
    await settle();
    expect(world.account.asked).toEqual(['change AIDA2 {"active":false}']);
    unread = false;
    await world.clock.advance(waitMs);
    await later;
    expect(world.account.asked.slice(1)).toEqual([
      'change AIDA1 {"active":true}',
      'change AIDA1 {"active":false}',
    ]);
  });

  test('is nothing that a caller who left would stop', async () => {
    const world = new World();
    let go = (): void => undefined;
    world.account.before = () =>
      new Promise((resolve) => {
        go = () => resolve(undefined);
      });
    const { desk } = await world.start();
    const left = new AbortController();
    const answer = desk.submit(aws, [create('o', 'jo')], { caller: 'idhub', signal: left.signal });
    await settle();
    left.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
    go();
    await settle();
    expect(await desk.standing(aws, 'o', signal)).toMatchObject({ status: 'done' });
  });
});

test('nothing is taken before the leader knows what was accepted', async () => {
  const world = new World();
  const process = await world.start();
  process.kill();
  await expect(process.submit(create('o', 'jo'))).rejects.toThrow(DirectoryUnavailableError);
  await expect(process.desk.standing(aws, 'o', signal)).rejects.toThrow(DirectoryUnavailableError);
});

describe('killed at any point, the repeat is answered alike, and done once', () => {
  const cases: readonly (readonly [string, Operation])[] = [
    ['create', create('o', 'sam')],
    [
      'update by name',
      { operationId: 'o', kind: 'update', account: { userName: 'jo' }, data: { userName: 'joe' } },
    ],
    ['disable', { operationId: 'o', kind: 'disable', account: { userName: 'jo' } }],
    ['delete by name', { operationId: 'o', kind: 'delete', account: { userName: 'jo' } }],
    ['reset', { operationId: 'o', kind: 'resetPassword', account: { userName: 'jo' } }],
  ];
  test.each(cases)('%s', async (_what, operation) => {
    const undisturbed = new World();
    undisturbed.account.add('jo');
    const calm = await undisturbed.start();
    const before = calm.client.calls.length;
    const wanted = await calm.submit(operation);
    const calls = calm.client.calls.length - before;
    expect(calls).toBeGreaterThan(3);
    const seen = (world: World) =>
      world.account.users.map(({ operations, ...user }) => ({ ...user, operations }));
    // Dead before each call to the API server, and before and after the write.
    for (let at = 0; at <= calls + 1; at += 1) {
      const world = new World();
      world.account.add('jo');
      const dying = await world.start();
      if (at < calls) {
        dying.client.dieAfter(at);
      } else {
        const die = (): never => {
          dying.kill();
          throw new Error('killed');
        };
        world.account[at === calls ? 'before' : 'after'] = die;
      }
      const answer: readonly Standing[] = await dying.submit(operation).catch(() => []);
      dying.kill();
      await settle();
      expect(answer.filter(({ status }) => status === 'done' || status === 'refused')).toEqual([]);
      world.account.before = () => undefined;
      world.account.after = () => undefined;
      const next = await world.start();
      expect(await next.submit(operation)).toEqual(wanted);
      expect(seen(world)).toEqual(seen(undisturbed));
      next.kill();
      expect(await (await world.start()).submit(operation)).toEqual(wanted);
    }
  });

  test('whatever was answered as pending is done without being asked for again, once, and told alike', async () => {
    const operation: Operation = {
      operationId: 'o',
      kind: 'resetPassword',
      account: { userName: 'jo' },
      password: { value: 'given' },
    };
    let pendings = 0;
    for (let at = 0; at < 12; at += 1) {
      const world = new World();
      world.account.add('jo');
      world.account.before = () => pending(1_000);
      const dying = await world.start();
      const answer = dying.submit(operation).catch(() => []);
      await settle();
      dying.client.dieAfter(at);
      // Slow at first, then done at some time before or after it is killed.
      await world.clock.advance(waitMs);
      world.account.before = () => undefined;
      const standings = await answer;
      await world.clock.advance(1_000);
      dying.kill();
      await settle();
      const next = await world.start();
      await world.clock.advance(1_000);
      if (standings[0]?.status === 'pending') {
        pendings += 1;
        const told = await next.desk.standing(aws, 'o', signal);
        expect(told).toMatchObject({ status: 'done', account: { id: 'AIDA1' } });
      }
      expect(await next.submit(operation)).toMatchObject([{ status: 'done', account: { id: 'AIDA1' } }]);
      expect(world.account.named('jo')).toMatchObject({ password: 'given', operations: ['o'] });
      await world.clock.advance(60_000);
      expect(world.kept('secrets')).toMatch(/^\[(\[\])?\]$/);
    }
    expect(pendings).toBeGreaterThan(3);
  });

  test('a deletion by name does not meet another user who got the name meanwhile', async () => {
    const world = new World();
    world.account.add('jo');
    const dying = await world.start();
    world.account.after = () => {
      dying.kill();
      throw new Error('killed');
    };
    const operation: Operation = { operationId: 'o', kind: 'delete', account: { userName: 'jo' } };
    await dying.submit(operation).catch(() => undefined);
    world.account.after = () => undefined;
    world.account.add('jo');
    const { submit } = await world.start();
    expect(await submit(operation)).toEqual([{ status: 'done', account: { id: 'AIDA1', userName: 'jo' } }]);
    expect(world.account.users.map(({ id }) => id)).toEqual(['AIDA2']);
  });
});
