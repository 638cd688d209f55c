import { beforeEach, describe, expect, test } from '@jest/globals';
import { watchedDirectories } from '../../../operator/http/index.ts';
import { createLogger } from '../../../operator/runtime/index.ts';
import {
  DirectoryUnavailableError,
  type AccountWrite,
  type Directory,
  type DirectoryAccount,
  type DirectoryView,
  type WriteContext,
  type WriteOutcome,
} from '../../../src/idhub/index.ts';
import { FakeClock } from '../runtime/fake-clock.ts';

const connection = { namespace: 'team', name: 'aws' };
const signal = new AbortController().signal;

let clock: FakeClock;
/** Users by id: whether they are active. */
let users: Map<string, boolean | undefined>;
let done: string[];
let heldBack: number;
let log: Record<string, unknown>[];
let outcome: WriteOutcome;
let viewFault: Error | undefined;

beforeEach(() => {
  clock = new FakeClock();
  users = new Map(Array.from({ length: 300 }, (_, index) => [`id-${index}`, true]));
  done = [];
  heldBack = 0;
  log = [];
  outcome = { kind: 'done', account: undefined, changed: true };
  viewFault = undefined;
});

const account = (id: string): DirectoryAccount | undefined =>
  users.has(id) ? ({ userId: id, active: users.get(id) } as DirectoryAccount) : undefined;

const inner: Directory = {
  connection,
  view: () => Promise.reject(new Error('not asked')),
  latest: () => {
    if (viewFault !== undefined) {
      throw viewFault;
    }
    return { account } as unknown as DirectoryView;
  },
  catalogue: () => Promise.reject(new Error('not asked')),
  create: async (write) => {
    done.push(`create ${write.userName}`);
    return outcome;
  },
  change: async (id, write) => {
    done.push(`change ${id} ${write.active}`);
    return outcome;
  },
  remove: async (id) => {
    done.push(`remove ${id}`);
    return outcome;
  },
};

function directory(burst = 50): Directory {
  const directories = watchedDirectories({
    directories: { list: () => [connection], get: () => inner },
    burst,
    clock,
    logger: createLogger({
      level: 'info',
      clock,
      write: (line) => log.push(JSON.parse(line) as Record<string, unknown>),
    }),
    countHeldBack: () => {
      heldBack += 1;
    },
  });
  const found = directories.get(connection);
  if (found === undefined) {
    throw new Error('none');
  }
  return found;
}

const context = (caller = 'idhub'): WriteContext => ({ caller, requestId: 'r-1', signal });

/** `done`, or how many seconds one is told to wait. */
async function told(write: Promise<WriteOutcome>): Promise<string> {
  try {
    return (await write).kind;
  } catch (error) {
    const { name, retryAfterMs } = error as { name: string; retryAfterMs: number };
    return `${name} ${Math.ceil(retryAfterMs / 1_000)}`;
  }
}

describe('200 deactivations in a minute', () => {
  test.each<['disable' | 'delete']>([['disable'], ['delete']])(
    '%s: most are held back, and counted',
    async (act) => {
      const target = directory();
      const results: string[] = [];
      for (let index = 0; index < 200; index += 1) {
        results.push(
          await told(
            act === 'disable'
              ? target.change(`id-${index}`, { active: false }, context())
              : target.remove(`id-${index}`, context()),
          ),
        );
        await clock.advance(300);
      }
      // 50 at once, and one more each 12 s of the minute.
      expect(done).toHaveLength(54);
      expect(results.slice(0, 50)).toEqual(Array.from({ length: 50 }, () => 'done'));
      expect(results[51]).toMatch(/^DirectoryThrottledError ([1-9]|1[0-2])$/);
      expect(heldBack).toBe(146);
      expect(log.filter(({ level }) => level === 'warn')).toHaveLength(146);
      await clock.advance(600_000);
      expect(await told(target.remove('id-299', context()))).toBe('done');
    },
  );

  test('of another caller are counted on their own', async () => {
    const target = directory(1);
    expect(await told(target.remove('id-1', context('a')))).toBe('done');
    expect(await told(target.remove('id-2', context('b')))).toBe('done');
    expect(await told(target.remove('id-3', context('a')))).toBe('DirectoryThrottledError 600');
  });

  test('as many as one likes where there is no limit', async () => {
    const target = directory(0);
    for (let index = 0; index < 200; index += 1) {
      expect(await told(target.remove(`id-${index}`, context()))).toBe('done');
    }
  });
});

describe('the limit is not used up by', () => {
  test.each<[string, (target: Directory) => Promise<WriteOutcome>]>([
    ['changes', (target) => target.change('id-2', { attributes: { mail: 'a@example.com' } }, context())],
    ['enabling', (target) => target.change('id-2', { active: true }, context())],
    ['new accounts', (target) => target.create({ userName: 'new', active: false }, context())],
    ['a disable of somebody who is disabled', (target) => target.change('off', { active: false }, context())],
    ['somebody who is not there', (target) => target.remove('nobody', context())],
    ['the same again, as after a 503', (target) => target.remove('id-1', context())],
  ])('%s', async (_, act) => {
    users.set('off', false);
    const target = directory(1);
    expect(await told(target.remove('id-1', context()))).toBe('done');
    expect(await told(act(target))).toBe('done');
    expect(await told(target.remove('id-3', context()))).toBe('DirectoryThrottledError 600');
  });

  test('what is not known is counted', async () => {
    users.set('unknown', undefined);
    const target = directory(2);
    expect(await told(target.change('unknown', { active: false }, context()))).toBe('done');
    viewFault = new DirectoryUnavailableError('Stale.', { retryAfterMs: 1_000 });
    expect(await told(target.change('id-1', { active: false }, context()))).toBe('done');
    expect(await told(target.change('id-2', { active: false }, context()))).toMatch(/^DirectoryThrottled/);
  });
});

describe('the audit log', () => {
  const audit = (): unknown[] => log.filter(({ msg }) => msg === 'audit');
  const write: AccountWrite = {
    attributes: { mail: 'secret@example.com' },
    active: false,
    password: { kind: 'given', password: 'p4ssw0rd-canary' },
    externalId: 'x',
    entitlements: {
      add: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
      remove: [{ type: 'Group', name: 'admins' }],
    },
  };

  test('has who, what and the result of each write, and no value', async () => {
    outcome = { kind: 'done', account: account('id-1') as DirectoryAccount, changed: true };
    await directory().change('id-1', write, context());
    expect(audit()).toMatchObject([
      {
        of: 'account',
        id: 'r-1',
        caller: 'idhub',
        connection: 'team/aws',
        act: 'disable',
        account: 'id-1',
        fields: ['password', 'externalId', 'mail'],
        active: false,
        added: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
        removed: ['Group/admins'],
        result: 'done',
        changed: true,
      },
    ]);
    expect(JSON.stringify(log)).not.toMatch(/canary|secret@/);
  });

  test.each<[WriteOutcome, object]>([
    [{ kind: 'pending', retryAfterMs: 1, message: 'Goes on.' }, { result: 'pending' }],
    [
      { kind: 'refused', refusal: { kind: 'uniqueness', message: 'canary is taken.' } },
      { result: 'refused', refusal: 'uniqueness' },
    ],
  ])('%j', async (told_, expected) => {
    outcome = told_;
    await directory().create({ userName: 'jo' }, context());
    expect(audit()).toMatchObject([{ act: 'create', userName: 'jo', ...expected }]);
    expect(JSON.stringify(log)).not.toContain('canary');
  });

  test('has what was held back, and what failed', async () => {
    const target = directory(1);
    await told(target.remove('id-1', context()));
    await told(target.remove('id-2', context()));
    const failing = { ...inner, remove: () => Promise.reject(new Error('broken')) };
    const directories = watchedDirectories({
      directories: { list: () => [], get: () => failing },
      burst: 0,
      clock,
      logger: createLogger({
        level: 'info',
        clock,
        write: (line) => log.push(JSON.parse(line) as Record<string, unknown>),
      }),
      countHeldBack: () => undefined,
    });
    await expect(directories.get(connection)?.remove('id-1', context())).rejects.toThrow('broken');
    expect(audit()).toMatchObject([{ result: 'done' }, { result: 'heldBack' }, { result: 'failed' }]);
  });
});
