import { describe, expect, test } from '@jest/globals';
import { ownerTag, type ObservedUser } from '../../../src/account/index.ts';
import { SnapshotStore, type AccountReading, type ReadingGate } from '../../../src/reconciliation/index.ts';
import { observed } from '../account/material.ts';
import { FakeClock, settle } from '../fake-clock.ts';

const { signal } = new AbortController();

function user(userId: string, userName: string, more: Partial<ObservedUser> = {}): ObservedUser {
  return observed({ userId, userName, ...more });
}

const owned = (value: string) => ({ tags: [{ key: ownerTag, value }] });

/** A store whose readings are answered by hand. */
class Desk {
  readonly clock = new FakeClock();
  readonly store: SnapshotStore;
  readonly open: {
    readonly signal: AbortSignal;
    readonly answer: (reading: AccountReading) => void;
    readonly fail: (error: Error) => void;
  }[] = [];

  constructor(gate?: Pick<ReadingGate, 'enter'>) {
    this.store = new SnapshotStore({
      ...(gate === undefined ? {} : { gate }),
      clock: this.clock,
      read: (asked) =>
        new Promise((answer, fail) => {
          this.open.push({ signal: asked, answer, fail });
        }),
    });
  }

  async reading(users: readonly ObservedUser[], more: Partial<AccountReading> = {}): Promise<void> {
    const running = this.store.refresh(signal);
    this.answer(users, more);
    await running;
  }

  answer(users: readonly ObservedUser[], more: Partial<AccountReading> = {}): void {
    this.open.shift()?.answer({ users, groups: new Map(), pages: 1, ...more });
  }

  names(): readonly (string | undefined)[] {
    return ['A', 'B', 'C'].map((id) => this.store.current?.byId(id)?.userName);
  }
}

describe('a snapshot', () => {
  test('is not there before the first reading is complete', async () => {
    const desk = new Desk();
    expect(desk.store.current).toBeUndefined();
    const running = desk.store.refresh(signal);
    await settle();
    expect(desk.store.current).toBeUndefined();
    desk.answer([]);
    await running;
    expect(desk.store.current?.size).toBe(0);
  });

  test('finds by id, by name without regard to case, and by owner', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'Jo.Doe', owned('inst/ns/jo')), user('B', 'sam')]);
    const { current } = desk.store;
    expect(current?.size).toBe(2);
    expect(current?.byId('A')?.userName).toBe('Jo.Doe');
    expect(current?.byName('jo.DOE')?.userId).toBe('A');
    expect(current?.byOwner('inst/ns/jo')?.userId).toBe('A');
    for (const missing of [current?.byId('a'), current?.byName('jo'), current?.byOwner('inst/ns')]) {
      expect(missing).toBeUndefined();
    }
  });

  test('shows what users inherit from their groups', async () => {
    const desk = new Desk();
    const policies = {
      group: 'readers',
      id: 'AGPA1',
      arn: 'arn:aws:iam::111122223333:group/readers',
      policies: ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'inline/x'],
    };
    await desk.reading([user('A', 'jo', { groups: ['readers', 'unknown'] })], {
      groups: new Map([['readers', policies]]),
    });
    const jo = desk.store.current?.byId('A');
    expect(jo === undefined ? [] : desk.store.current?.inheritedBy(jo)).toEqual([policies]);
  });

  test('says of a user what the credential report does, by ARN and when it was made', async () => {
    const desk = new Desk();
    const facts = { asOf: 1, console: true, mfa: false, keys: [] };
    const credentials = {
      of: (arn: string, createdAt: number) => (arn === 'arn-A' && createdAt === 7 ? facts : undefined),
    };
    const users = [user('A', 'jo', { arn: 'arn-A', createdAt: 7 }), user('B', 'sam', { arn: 'arn-A' })];
    await desk.reading(users, { credentials });
    expect(['A', 'B', 'C'].map((id) => desk.store.current?.credentials(id))).toEqual([
      facts,
      undefined,
      undefined,
    ]);
    await desk.reading(users);
    expect(desk.store.current?.credentials('A')).toBeUndefined();
  });

  test('is as old as the beginning of its reading', async () => {
    const desk = new Desk();
    const began = desk.clock.now();
    const running = desk.store.refresh(signal);
    await desk.clock.advance(5_000);
    desk.answer([]);
    await running;
    expect(desk.store.current?.takenAt).toBe(began);
  });
});

describe('readings', () => {
  test('are made one at a time: whoever asks meanwhile waits for the same one', async () => {
    const desk = new Desk();
    const first = desk.store.refresh(signal);
    const second = desk.store.refresh(signal);
    await settle();
    expect(desk.open).toHaveLength(1);
    desk.answer([user('A', 'jo')]);
    await Promise.all([first, second]);
    void desk.store.refresh(signal);
    expect(desk.open).toHaveLength(1);
  });

  test('that fail leave the last one in use, and the next one is made anew', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    const { takenAt } = desk.store.current ?? {};
    await desk.clock.advance(600_000);
    const running = desk.store.refresh(signal);
    const joined = desk.store.refresh(signal);
    desk.open.shift()?.fail(new Error('AccessDenied'));
    await expect(running).rejects.toThrow('AccessDenied');
    await expect(joined).rejects.toThrow('AccessDenied');
    expect(desk.store.current?.takenAt).toBe(takenAt);
    expect(desk.names()).toEqual(['jo', undefined, undefined]);
    await desk.reading([user('B', 'sam')]);
    expect(desk.names()).toEqual([undefined, 'sam', undefined]);
  });
});

describe('a reading that somebody waits for', () => {
  test('goes on while anybody does: who leaves takes it from nobody', async () => {
    const desk = new Desk();
    const leaving = new AbortController();
    const left = desk.store.refresh(leaving.signal);
    const stayed = desk.store.refresh(signal);
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(desk.open[0]?.signal.aborted).toBe(false);
    desk.answer([user('A', 'jo')]);
    await stayed;
    expect(desk.names()).toEqual(['jo', undefined, undefined]);
  });

  test('is ended by the last who leaves, and shows nothing if it comes all the same', async () => {
    const desk = new Desk();
    const leaving = new AbortController();
    const left = desk.store.refresh(leaving.signal);
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    expect(desk.open[0]?.signal.aborted).toBe(true);
    const next = desk.store.refresh(signal);
    desk.answer([user('A', 'jo')]);
    await settle();
    expect(desk.store.current).toBeUndefined();
    desk.answer([user('B', 'sam')]);
    await next;
    expect(desk.names()).toEqual([undefined, 'sam', undefined]);
  });

  test('of somebody who has left already is not begun', async () => {
    const desk = new Desk();
    await expect(desk.store.refresh(AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    expect(desk.open).toHaveLength(0);
  });
});

describe('a reading and those of other accounts', () => {
  test('waits for its place, begins then, and gives it back however it ends', async () => {
    const asked: boolean[] = [];
    let open: (() => void) | undefined;
    let places = 0;
    const desk = new Desk({
      enter: async (troubled) => {
        asked.push(troubled);
        await new Promise<void>((go) => {
          open = go;
        });
        places += 1;
        return () => {
          places -= 1;
        };
      },
    });
    const first = desk.store.refresh(signal);
    await desk.clock.advance(5_000);
    expect(desk.open).toHaveLength(0);
    open?.();
    await settle();
    expect(places).toBe(1);
    desk.open.shift()?.fail(new Error('Throttling'));
    await expect(first).rejects.toThrow('Throttling');
    expect(places).toBe(0);
    const second = desk.store.refresh(signal);
    open?.();
    await settle();
    desk.answer([]);
    await second;
    expect(desk.store.current?.takenAt).toBe(desk.clock.now());
    const third = desk.store.refresh(signal);
    open?.();
    await settle();
    desk.answer([]);
    await third;
    expect(places).toBe(0);
    // After one that failed it is in trouble, until one is complete.
    expect(asked).toEqual([false, true, false]);
  });
});

describe('a snapshot of its own', () => {
  test('is of a reading that began after it was asked for', async () => {
    const desk = new Desk();
    const early = desk.store.refresh(signal);
    const taking = desk.store.takeNew(signal);
    await desk.clock.advance(10);
    desk.answer([user('A', 'jo')]);
    await early;
    await settle();
    expect(desk.open).toHaveLength(1);
    desk.answer([user('B', 'sam')]);
    const taken = await taking;
    expect(taken.takenAt).toBe(desk.clock.now());
    expect([...taken.users()].map(({ userName }) => userName)).toEqual(['sam']);
  });

  test('does not need the earlier reading to succeed, and shares the next with others', async () => {
    const desk = new Desk();
    const early = desk.store.refresh(signal);
    const both = [desk.store.takeNew(signal), desk.store.takeNew(signal)];
    desk.open.shift()?.fail(new Error('AccessDenied'));
    await expect(early).rejects.toThrow('AccessDenied');
    await settle();
    expect(desk.open).toHaveLength(1);
    desk.answer([user('A', 'jo')]);
    expect((await Promise.all(both)).map(({ size }) => size)).toEqual([1, 1]);
  });

  test('stays as it is, whatever is written or read afterwards', async () => {
    const desk = new Desk();
    const taking = desk.store.takeNew(signal);
    desk.answer([user('A', 'jo', owned('o'))]);
    const taken = await taking;
    desk.store.record(user('A', 'joan'));
    desk.store.record(user('B', 'new'));
    await desk.clock.advance(60_000);
    await desk.reading([]);
    expect(desk.store.current?.size).toBe(0);
    expect(taken.size).toBe(1);
    expect(taken.byName('jo')?.userId).toBe('A');
    expect(taken.byOwner('o')?.userId).toBe('A');
    expect(taken.byId('B')).toBeUndefined();
  });

  test('is not there where the reading fails', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    const taking = desk.store.takeNew(signal);
    await settle();
    desk.open.shift()?.fail(new Error('Throttling'));
    await expect(taking).rejects.toThrow('Throttling');
  });
});

describe('our own writes over a reading', () => {
  test('are seen at once', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo', owned('o')), user('B', 'sam')]);
    desk.store.record(user('A', 'joan'));
    desk.store.record(user('C', 'new', owned('n')));
    desk.store.forget('B');
    const { current } = desk.store;
    expect(desk.names()).toEqual(['joan', undefined, 'new']);
    expect(current?.size).toBe(2);
    expect(current?.byName('jo')).toBeUndefined();
    expect(current?.byName('sam')).toBeUndefined();
    expect(current?.byOwner('o')).toBeUndefined();
    expect(current?.byOwner('n')?.userId).toBe('C');
  });

  test('before the first reading are kept for it', async () => {
    const desk = new Desk();
    desk.store.record(user('A', 'jo'));
    expect(desk.store.current).toBeUndefined();
    await desk.reading([]);
    expect(desk.names()).toEqual(['jo', undefined, undefined]);
  });

  test.each([
    ['during it', 0, 0, true],
    ['just before it began', 1, 0, true],
    ['while AWS may still show what was before', 29_000, 0, true],
    ['long before it began', 31_000, 0, false],
    ['long ago, but the reading itself took long', 0, 300_000, true],
  ])(
    'stand against a reading that does not show them, when made %s: %s ms, %s ms',
    async (_, before, during, stands) => {
      const desk = new Desk();
      await desk.reading([user('A', 'jo'), user('B', 'sam')]);
      const write = () => {
        desk.store.record(user('A', 'joan'));
        desk.store.record(user('C', 'new'));
        desk.store.forget('B');
      };
      let running: Promise<void>;
      if (before > 0) {
        write();
        await desk.clock.advance(before);
        running = desk.store.refresh(signal);
      } else {
        running = desk.store.refresh(signal);
        await desk.clock.advance(10);
        write();
      }
      await desk.clock.advance(during);
      desk.answer([user('A', 'jo'), user('B', 'sam')]);
      await running;
      expect(desk.names()).toEqual(stands ? ['joan', undefined, 'new'] : ['jo', 'sam', undefined]);
    },
  );

  test('give way to the next reading that began late enough', async () => {
    const desk = new Desk();
    await desk.reading([]);
    desk.store.record(user('A', 'jo'));
    await desk.reading([]);
    expect(desk.names()).toEqual(['jo', undefined, undefined]);
    await desk.clock.advance(31_000);
    await desk.reading([]);
    expect(desk.names()).toEqual([undefined, undefined, undefined]);
  });

  test('the last of several counts', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    desk.store.forget('A');
    desk.store.record(user('A', 'joan'));
    await desk.reading([user('A', 'jo')]);
    expect(desk.names()).toEqual(['joan', undefined, undefined]);
    desk.store.forget('A');
    await desk.reading([user('A', 'jo')]);
    expect(desk.names()).toEqual([undefined, undefined, undefined]);
  });

  test('a name that goes from one user to another is the other’s, in any order', async () => {
    for (const order of [
      [user('A', 'old'), user('B', 'jo')],
      [user('B', 'jo'), user('A', 'old')],
    ]) {
      const desk = new Desk();
      await desk.reading([user('A', 'jo', owned('o')), user('B', 'sam')]);
      order.forEach((each) => desk.store.record(each));
      expect(desk.store.current?.byName('jo')?.userId).toBe('B');
      expect(desk.store.current?.byName('old')?.userId).toBe('A');
    }
  });

  test('a user that was made again under its name does not lose it to the forgotten one', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo', owned('o'))]);
    desk.store.record(user('B', 'jo', owned('o')));
    desk.store.forget('A');
    expect(desk.store.current?.byName('jo')?.userId).toBe('B');
    expect(desk.store.current?.byOwner('o')?.userId).toBe('B');
  });

  test('are known for as long as AWS may show what was before', async () => {
    const desk = new Desk();
    expect(desk.store.touchedAt('A')).toBeUndefined();
    desk.store.record(user('A', 'jo'));
    const at = desk.clock.now();
    await desk.clock.advance(29_999);
    expect(desk.store.touchedAt('A')).toBe(at);
    await desk.clock.advance(1);
    expect(desk.store.touchedAt('A')).toBeUndefined();
    desk.store.forget('A');
    expect(desk.store.touchedAt('A')).toBe(desk.clock.now());
  });
});

describe('a live look over a reading', () => {
  test('is seen at once, and is no write of ours', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    desk.store.observe(user('A', 'joan'));
    expect(desk.names()).toEqual(['joan', undefined, undefined]);
    expect(desk.store.touchedAt('A')).toBeUndefined();
  });

  test('stands against a reading that began before it, and gives way to one that began after it', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    const running = desk.store.refresh(signal);
    await desk.clock.advance(10);
    desk.store.observe(user('A', 'joan'));
    await desk.clock.advance(10);
    desk.answer([user('A', 'jo')]);
    await running;
    expect(desk.names()).toEqual(['joan', undefined, undefined]);
    await desk.reading([user('A', 'johanna')]);
    expect(desk.names()).toEqual(['johanna', undefined, undefined]);
  });

  test('does not end the time in which a write of ours stands', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    desk.store.record(user('A', 'joan'));
    const at = desk.clock.now();
    await desk.clock.advance(1_000);
    desk.store.observe(user('A', 'joan', { path: '/x/' }));
    expect(desk.store.touchedAt('A')).toBe(at);
    await desk.clock.advance(1_000);
    await desk.reading([user('A', 'jo')]);
    expect(desk.store.current?.byId('A')).toMatchObject({ userName: 'joan', path: '/x/' });
    await desk.clock.advance(30_000);
    await desk.reading([user('A', 'jo')]);
    expect(desk.names()).toEqual(['jo', undefined, undefined]);
  });
});

describe('edges', () => {
  const withGroup =
    (group: string) =>
    ({ groups }: Pick<ObservedUser, 'groups'>) => ({
      groups: [...groups.filter((each) => each !== group), group],
    });
  const groups = (desk: Desk) => desk.store.current?.byId('A')?.groups;

  test('that we wrote stand over a reading that may not show them, the rest of the user does not', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo', { groups: ['a', 'b'] })]);
    desk.store.recordEdges('A', withGroup('ours'));
    expect(groups(desk)).toEqual(['a', 'b', 'ours']);
    expect(desk.store.touchedAt('A')).toBeUndefined();
    await desk.clock.advance(29_000);
    await desk.reading([user('A', 'joan', { groups: ['b'] })]);
    // What others changed is seen: the name, and an edge that is not ours.
    expect(desk.names()).toEqual(['joan', undefined, undefined]);
    expect(groups(desk)).toEqual(['b', 'ours']);
    await desk.clock.advance(2_000);
    await desk.reading([user('A', 'joan', { groups: ['b'] })]);
    expect(groups(desk)).toEqual(['b']);
  });

  test('and the rest of a user are written at the same time without losing each other', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo', { groups: ['a'] })]);
    const before = user('A', 'jo', { groups: ['a'], path: '/x/' });
    desk.store.recordEdges('A', withGroup('ours'));
    desk.store.record(before);
    desk.store.observe(before);
    desk.store.recordEdges('A', withGroup('more'));
    expect(desk.store.current?.byId('A')).toMatchObject({ path: '/x/', groups: ['a', 'ours', 'more'] });
    await desk.reading([user('A', 'jo', { groups: ['a', 'theirs'] })]);
    expect(desk.store.current?.byId('A')).toMatchObject({
      path: '/x/',
      groups: ['a', 'theirs', 'ours', 'more'],
    });
  });

  test('that were looked at stand over a reading that began before, not over a later one', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo', { groups: ['a'] })]);
    const running = desk.store.refresh(signal);
    await desk.clock.advance(10);
    desk.store.observeEdges('A', { groups: ['live'] });
    await desk.clock.advance(10);
    desk.answer([user('A', 'jo', { groups: ['a'] })]);
    await running;
    expect(groups(desk)).toEqual(['live']);
    await desk.reading([user('A', 'jo', { groups: ['a'] })]);
    expect(groups(desk)).toEqual(['a']);
  });

  test('of a user that is not there are nobody’s', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    desk.store.recordEdges('A', withGroup('ours'));
    desk.store.forget('A');
    desk.store.recordEdges('B', withGroup('ours'));
    await desk.reading([]);
    expect(desk.store.current?.size).toBe(0);
  });
});

describe('a user that is not where it was', () => {
  test('is lost until a reading tells: renamed, or gone', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo'), user('B', 'sam')]);
    expect(desk.store.fate('A')).toBe('there');
    const running = desk.store.refresh(signal);
    await desk.clock.advance(10);
    desk.store.lose('A');
    desk.store.lose('B');
    expect(desk.names()).toEqual([undefined, undefined, undefined]);
    desk.answer([user('A', 'jo'), user('B', 'sam')]);
    await running;
    // That reading began before.
    expect([desk.store.fate('A'), desk.store.fate('B')]).toEqual(['lost', 'lost']);
    await desk.clock.advance(10);
    await desk.reading([user('A', 'joan')]);
    expect(desk.names()).toEqual(['joan', undefined, undefined]);
    expect([desk.store.fate('A'), desk.store.fate('B')]).toEqual(['there', 'unseen']);
  });

  test('was deleted by us', async () => {
    const desk = new Desk();
    await desk.reading([user('A', 'jo')]);
    desk.store.forget('A');
    expect(desk.store.fate('A')).toBe('deleted');
  });
});
