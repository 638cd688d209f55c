import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../src/account/index.ts';
import type { AccountWrite, WriteOutcome } from '../../../../src/idhub/index.ts';
import type { SyncDirection } from '../../../../src/schema/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { main, Rig } from './rig.ts';

const done = (userName: string, more: object = {}) => ({
  kind: 'done',
  changed: true,
  account: expect.objectContaining({ userName, ...more }),
});

const refused = (kind: string, message: RegExp) => ({
  kind: 'refused',
  refusal: { kind, message: expect.stringMatching(message) },
});

const noPath: Rig['aws']['refuse'] = ({ operation, input }) =>
  operation === 'UpdateUser' && input['NewPath'] === '/new/' ? 'accessDenied' : undefined;

/** A user that nobody declared, with what people have given it. */
async function brownfield(options: ConstructorParameters<typeof Rig>[0] = {}): Promise<Rig> {
  const rig = new Rig(options);
  rig.aws.add('jo', {
    path: '/old/',
    tags: new Map([
      ['mail', 'old@example.org'],
      ['jobTitle', 'Cook'],
      ['Cost', '7'],
    ]),
    groups: new Set(['Dev']),
    console: true,
    password: 'before',
    keys: new Map([['AKIA1', 'Active']]),
  });
  return rig.start();
}

/** One that an object stands for. */
async function managed(options: ConstructorParameters<typeof Rig>[0] = {}): Promise<Rig> {
  const rig = await new Rig(options).start();
  rig.apply('jo', { attributes: { mail: 'jo@example.org', jobTitle: 'Cook' }, path: '/people/' });
  await rig.calm();
  rig.aws.calls.length = 0;
  return rig;
}

async function observed(): Promise<Rig> {
  const rig = await brownfield();
  rig.apply('jo', { management: 'Observe' });
  await rig.calm();
  return rig;
}

describe('an account is made', () => {
  test('as it is asked for, through one object', async () => {
    const rig = await new Rig().start();
    const outcome = await rig.create('Jo', {
      path: '/people/',
      attributes: { mail: 'jo@example.org', surname: "O'Brien", city: null },
      externalId: 'E1',
    });
    expect(outcome).toEqual(
      done('Jo', {
        path: '/people/',
        attributes: { mail: 'jo@example.org', surname: "O'Brien" },
        externalId: 'E1',
        managed: true,
        active: true,
      }),
    );
    expect(rig.aws.writes).toEqual(['CreateUser']);
    expect(rig.note('Jo')).toBeUndefined();
    expect(rig.cluster.writes.filter((write) => write.startsWith('create'))).toHaveLength(1);
    expect(rig.account('Jo').spec).toEqual({
      connectionRef: { name: 'main' },
      userName: 'Jo',
      path: '/people/',
      attributes: { mail: 'jo@example.org', surname: "O'Brien" },
      adoptionPolicy: 'Never',
    });
  });

  test('inactive: nothing of it is ever usable', async () => {
    const rig = await new Rig().start();
    expect(await rig.create('jo', { active: false })).toEqual(done('jo', { active: false }));
    expect(rig.account('jo').metadata.annotations?.[annotations.disabledBy]).toBe('idhub');
    expect(rig.user('jo').inline.has('IDHubDisabled')).toBe(true);
  });

  test('with groups and policies', async () => {
    const rig = await new Rig().start();
    const add = [{ type: 'Group', name: 'Dev' }, { arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }];
    const outcome = await rig.create('jo', { entitlements: { add, remove: [] } });
    expect(outcome).toEqual(
      done('jo', {
        entitlements: [
          expect.objectContaining({ type: 'Group', name: 'Dev' }),
          expect.objectContaining({ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }),
        ],
      }),
    );
  });

  test.each<[string, (rig: Rig) => void]>([
    ['there is such a user, in other letters', (rig) => void rig.aws.add('JO')],
    ['an object has the name', (rig) => rig.apply('somebody', { userName: 'Jo' })],
  ])('not where %s', async (_name, before) => {
    const rig = new Rig();
    before(rig);
    await rig.start();
    const writes = rig.cluster.writes.length;
    expect(await rig.create('jo')).toEqual(refused('uniqueness', /already/));
    expect(rig.cluster.writes).toHaveLength(writes);
    expect(rig.aws.writes).toEqual([]);
  });

  test('not where somebody else was faster in AWS: no trace of it is left, and the other one stays', async () => {
    const rig = await new Rig().start();
    rig.aws.add('jo', { tags: new Map([['mail', 'other@example.org']]) });
    expect(await rig.create('jo', { attributes: { mail: 'jo@example.org' } })).toEqual(
      refused('uniqueness', /exists/),
    );
    await rig.calm();
    expect(rig.accounts()).toEqual([]);
    expect(rig.user('jo').tags).toEqual(new Map([['mail', 'other@example.org']]));
    expect(rig.aws.writes).toEqual(['CreateUser']);
  });

  test('once, of twenty that ask for it at one time', async () => {
    const rig = await new Rig().start();
    const asked = Array.from({ length: 20 }, () =>
      rig.writes.create(main, { userName: 'jo', attributes: { mail: 'jo@example.org' } }, rig.context()),
    );
    const outcomes: WriteOutcome[] = [];
    for (const each of asked) {
      outcomes.push(await rig.outcome(each));
    }
    const kinds = outcomes.map((each) => (each.kind === 'refused' ? each.refusal.kind : each.kind));
    expect(kinds.filter((kind) => kind === 'done')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'uniqueness')).toHaveLength(19);
    expect(rig.aws.users).toHaveLength(1);
    expect(rig.accounts()).toHaveLength(1);
  });

  test('again with the operation that made it is answered as it was', async () => {
    const rig = await new Rig().start();
    await rig.create('jo', {}, { operationId: 'op-7' });
    expect(await rig.create('jo', {}, { operationId: 'op-7' })).toMatchObject({
      kind: 'done',
      account: { userName: 'jo' },
    });
    expect(await rig.create('jo', {}, { operationId: 'op-8' })).toEqual(refused('uniqueness', /already/));
    expect(rig.aws.count('CreateUser')).toBe(1);
  });

  test('too late for the answer: who asks again is told, also when it was done meanwhile', async () => {
    const rig = await new Rig().start();
    rig.aws.refuse = ({ operation }) => (operation === 'CreateUser' ? 'throttled' : undefined);
    const pending = await rig.create('jo', { attributes: { mail: 'a@b' } });
    expect(pending).toEqual({
      kind: 'pending',
      retryAfterMs: 5_000,
      message: expect.stringMatching(/not finished/),
    });
    rig.aws.refuse = () => undefined;
    await rig.calm();
    expect(await rig.create('jo', { attributes: { mail: 'other' } })).toEqual(
      refused('uniqueness', /already/),
    );
    expect(await rig.create('jo', { attributes: { mail: 'a@b' } })).toEqual(done('jo'));
    expect(await rig.create('jo', { attributes: { mail: 'a@b' } })).toEqual(refused('uniqueness', /already/));
    expect(rig.note('jo')).toBeUndefined();
  });

  test('in the place of one whose user was deleted in AWS: another person, who has nothing of the first', async () => {
    const rig = await new Rig().start();
    const add = [{ type: 'Group', name: 'Dev' }];
    await rig.create('jo', { attributes: { city: 'Ulm' }, entitlements: { add, remove: [] } });
    const { userId } = rig.user('jo');
    // The unique id is written on the object a little later.
    await rig.calm();
    rig.aws.users.length = 0;
    await rig.clock.advance(120_000);
    await rig.read();
    await rig.calm();
    expect(rig.account('jo').status?.conditions?.[0]).toMatchObject({ reason: 'DeletedOutside' });
    const outcome = await rig.create('jo', { attributes: { mail: 'jo@example.org' } });
    expect(outcome).toEqual(done('jo', { attributes: { mail: 'jo@example.org' }, entitlements: [] }));
    expect(rig.user('jo').userId).not.toBe(userId);
    expect(rig.accounts()).toHaveLength(1);
  });

  test('right after a deletion of that name', async () => {
    const rig = await new Rig().start();
    await rig.create('jo', { attributes: { city: 'Ulm' } });
    const { userId } = rig.user('jo');
    const leaving = rig.writes.remove(main, userId, rig.context());
    await rig.clock.advance(0);
    const joining = rig.writes.create(main, { userName: 'jo' }, rig.context());
    expect(await rig.outcome(leaving)).toMatchObject({ kind: 'done' });
    expect(await rig.outcome(joining)).toEqual(done('jo', { attributes: {} }));
    expect(rig.user('jo').userId).not.toBe(userId);
  });

  test('by a process that was killed before it told: who asks again is told, unless somebody still waits', async () => {
    const rig = await new Rig().start();
    await rig.create('jo', {});
    await rig.start();
    const id = rig.account('jo').metadata.annotations?.[annotations.operation] ?? '';
    const other = rig.waiting.open(id);
    expect(await rig.create('jo', {})).toEqual(refused('uniqueness', /already/));
    other.close();
    expect(await rig.create('jo', {})).toEqual(done('jo'));
    expect(await rig.create('jo', {})).toEqual(refused('uniqueness', /already/));
    await rig.start();
    await rig.clock.advance(900_000);
    expect(await rig.create('jo', {})).toEqual(refused('uniqueness', /already/));
  });

  test('refused by AWS: nothing of it is left', async () => {
    const rig = await new Rig().start();
    rig.aws.refuse = ({ operation }) => (operation === 'AttachUserPolicy' ? 'accessDenied' : undefined);
    const add = [{ type: 'Group', name: 'Dev' }, { arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }];
    expect(await rig.create('jo', { entitlements: { add, remove: [] } })).toEqual(
      refused('forbidden', /ReadOnlyAccess/),
    );
    await rig.calm();
    expect(rig.aws.users).toEqual([]);
    expect(rig.accounts()).toEqual([]);
    expect(rig.bindings()).toEqual([]);
  });
});

describe('what is refused before anything is written', () => {
  const guard = { protectedUsers: ['root-*', 'jo'], deniedPolicies: ['arn:aws:iam::aws:policy/ReadOnly*'] };
  test.each<[string, AccountWrite & { userName: string }, string, RegExp]>([
    ['a name that IAM does not take', { userName: 'jo brandt' }, 'invalidValue', /letters/],
    ['a path that IAM does not take', { userName: 'k', path: 'people' }, 'invalidValue', /path/],
    ['an attribute that is not there', { userName: 'k', attributes: { size: '4' } }, 'invalidValue', /size/],
    [
      'a value that is too long',
      { userName: 'k', attributes: { employeeId: '12345678901234567' } },
      'invalidValue',
      /16/,
    ],
    [
      'one of other values',
      { userName: 'k', attributes: { employeeType: 'Boss' } },
      'invalidValue',
      /one of/,
    ],
    ['an attribute of AWS', { userName: 'k', attributes: { mail: 'a@b' } }, 'mutability', /app-to-idhub/],
    ['a user that is protected', { userName: 'root-1' }, 'forbidden', /protected/],
    ['the communication user', { userName: 'IDHub' }, 'forbidden', /works as/],
    [
      'a policy that is denied',
      {
        userName: 'k',
        entitlements: { add: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }], remove: [] },
      },
      'forbidden',
      /denied/,
    ],
    [
      'a group that gives the account away',
      { userName: 'k', entitlements: { add: [{ type: 'Group', name: 'Admins' }], remove: [] } },
      'forbidden',
      /gives away/,
    ],
    [
      'an inline policy without a document',
      { userName: 'k', entitlements: { add: [{ type: 'InlinePolicy', name: 'own' }], remove: [] } },
      'invalidValue',
      /document/,
    ],
    [
      'what another account has',
      {
        userName: 'k',
        entitlements: { add: [{ arn: 'arn:aws:iam::999999999999:group/Dev' }], remove: [] },
      },
      'invalidValue',
      /another account/,
    ],
    [
      'what is no ARN of a group or policy',
      { userName: 'k', entitlements: { add: [{ arn: 'arn:aws:s3:::x' }], remove: [] } },
      'invalidValue',
      /not the ARN/,
    ],
    [
      'more groups than fit',
      {
        userName: 'k',
        entitlements: {
          add: Array.from({ length: 11 }, (_each, at) => ({ type: 'Group' as const, name: `G${at}` })),
          remove: [],
        },
      },
      'quota',
      /10 groups/,
    ],
    [
      'a password of somebody who is disabled',
      { userName: 'k', active: false, password: { kind: 'generated' } },
      'mutability',
      /disabled/,
    ],
    [
      'more tags than fit',
      { userName: 'k', attributes: { streetAddress: "'".repeat(1_024), displayName: 'x' } },
      'done',
      /./,
    ],
  ])('%s', async (_name, write, kind, message) => {
    const rig = await new Rig({
      guard,
      attributes: [{ name: 'mail', syncDirection: 'app-to-idhub' }],
    }).start();
    const outcome = await rig.create(write.userName, write);
    if (kind === 'done') {
      expect(outcome.kind).toBe('done');
      return;
    }
    expect(outcome).toEqual(refused(kind, message));
    expect(rig.cluster.writes).toEqual([]);
    expect(rig.aws.calls).toEqual([]);
  });

  test('a protected user that is there is not changed, granted, disabled or deleted', async () => {
    const rig = await brownfield({ guard });
    for (const write of [{ active: false }, { attributes: { city: 'Ulm' } }, { userName: 'k' }]) {
      expect(await rig.change('jo', write)).toEqual(refused('forbidden', /protected/));
    }
    expect(await rig.remove('jo')).toEqual(refused('forbidden', /protected/));
    expect(rig.cluster.writes).toEqual([]);
  });

  test('a user of another installation', async () => {
    const rig = await brownfield();
    rig.user('jo').tags.set(ownerTag, 'other/ns/jo');
    await rig.read();
    expect(await rig.change('jo', { active: false })).toEqual(refused('mutability', /other\/ns\/jo/));
    expect(await rig.remove('jo')).toEqual(refused('mutability', /other\/ns\/jo/));
    expect(rig.cluster.writes).toEqual([]);
  });

  test('who is not there, and another version than the one that was seen', async () => {
    const rig = await brownfield();
    const nobody = rig.writes.change(main, 'AIDANOBODY', { active: false }, rig.context());
    expect(await rig.outcome(nobody)).toEqual(refused('missing', /AIDANOBODY/));
    const seen = rig.views.latest(main).account(rig.user('jo').userId)?.version ?? '';
    expect(await rig.change('jo', { active: false }, { ifVersion: ['x'] })).toEqual(
      refused('version', /version/),
    );
    expect(rig.cluster.writes).toEqual([]);
    expect((await rig.change('jo', { active: false }, { ifVersion: ['x', seen] })).kind).toBe('done');
  });

  test('a name that another user has', async () => {
    const rig = await brownfield();
    rig.aws.add('Lena');
    await rig.read();
    expect(await rig.change('jo', { userName: 'lena' })).toEqual(refused('uniqueness', /another IAM user/));
    expect(rig.cluster.writes).toEqual([]);
  });
});

describe('an account that an object stands for is changed', () => {
  test.each<[string, AccountWrite, object, string[]]>([
    [
      'attributes',
      { attributes: { mail: 'new@example.org', city: 'Ulm' } },
      { attributes: { mail: 'new@example.org', jobTitle: 'Cook', city: 'Ulm' } },
      ['TagUser'],
    ],
    [
      'one taken away',
      { attributes: { jobTitle: null } },
      { attributes: { mail: 'jo@example.org' } },
      ['UntagUser'],
    ],
    ['the path', { path: '/new/' }, { path: '/new/' }, ['UpdateUser']],
    ['the name', { userName: 'lena' }, { userName: 'lena' }, ['UpdateUser']],
    ['what a client calls it', { externalId: 'E1' }, { externalId: 'E1' }, []],
    ['disabled', { active: false }, { active: false }, ['PutUserPolicy', 'TagUser']],
  ])('%s', async (_name, write, shown, calls) => {
    const rig = await managed();
    const userId = rig.user('jo').userId;
    const outcome = await rig.change('jo', write);
    expect(outcome).toEqual({
      kind: 'done',
      changed: true,
      account: expect.objectContaining({ userId, ...shown }),
    });
    expect(rig.aws.writes).toEqual(calls);
    expect(rig.accounts().map(({ metadata }) => metadata.annotations?.[annotations.undo])).toEqual([
      undefined,
    ]);
  });

  test.each<[string, AccountWrite]>([
    ['attributes', { attributes: { mail: 'jo@example.org', city: null } }],
    ['name and path', { userName: 'JO', path: '/people/' }],
    ['active', { active: true }],
    ['no externalId', { externalId: null }],
    ['nothing', {}],
    ['entitlements', { entitlements: { add: [], remove: [{ type: 'Group', name: 'Dev' }] } }],
  ])('what is so already is no write: %s', async (_name, write) => {
    const rig = await managed();
    const before = rig.cluster.writes.length;
    expect(await rig.change('jo', write)).toMatchObject({ kind: 'done', changed: false });
    expect(rig.cluster.writes).toHaveLength(before);
    expect(rig.aws.calls).toEqual([]);
  });

  test('one that only observes is managed from then on, and nothing else is written', async () => {
    const rig = await brownfield();
    rig.apply('jo', { management: 'Observe' });
    await rig.calm();
    expect(await rig.change('jo', { attributes: { city: 'Ulm' } })).toEqual(done('jo', { managed: true }));
    expect(rig.accounts()).toHaveLength(1);
    expect(rig.account('jo').spec).toMatchObject({ management: 'Manage', attributes: { city: 'Ulm' } });
    expect([...rig.user('jo').tags.keys()].sort()).toEqual(
      ['Cost', ownerTag, 'city', 'jobTitle', 'mail'].sort(),
    );
    expect(rig.aws.writes).toEqual(['TagUser']);
  });

  test('GitOps that applies its own state again does not let in whom IDHub has shut out', async () => {
    const rig = await managed();
    await rig.change('jo', { active: false });
    for (let times = 0; times < 3; times += 1) {
      rig.apply('jo', {
        attributes: { mail: 'jo@example.org', jobTitle: 'Cook' },
        path: '/people/',
        enabled: true,
      });
      await rig.calm();
      expect(rig.user('jo').inline.has('IDHubDisabled')).toBe(true);
    }
    expect(await rig.change('jo', { active: true })).toEqual(done('jo', { active: true }));
    expect(rig.user('jo').inline.size).toBe(0);
  });

  test('who was renamed in AWS gets the name that is asked for', async () => {
    const rig = await managed();
    rig.user('jo').userName = 'lena';
    await rig.clock.advance(60_000);
    await rig.read();
    await rig.calm();
    expect(await rig.change('lena', { userName: 'jo' })).toEqual(done('jo'));
  });
});

describe('a user that nobody declared', () => {
  test('is changed, and only as it is asked for', async () => {
    const rig = await brownfield();
    const { userId } = rig.user('jo');
    expect(await rig.change('jo', { attributes: { mail: 'new@example.org' } })).toEqual(
      done('jo', { userId, managed: true, path: '/old/' }),
    );
    const user = rig.user('jo');
    expect(Object.fromEntries(user.tags)).toEqual({
      mail: 'new@example.org',
      jobTitle: 'Cook',
      Cost: '7',
      [ownerTag]: expect.stringMatching(/^inst\/ns\/jo-/),
    });
    expect(user).toMatchObject({ path: '/old/', console: true, password: 'before' });
    expect(user.keys).toEqual(new Map([['AKIA1', 'Active']]));
    expect(user.groups).toEqual(new Set(['Dev']));
    expect(rig.aws.writes).toEqual(['TagUser']);
    expect(rig.account('jo').metadata.annotations?.[annotations.userId]).toBe(userId);
  });

  test.each<[string, AccountWrite, object]>([
    [
      'an attribute is taken away',
      { attributes: { jobTitle: null } },
      { attributes: { mail: 'old@example.org' } },
    ],
    ['renamed', { userName: 'lena' }, { userName: 'lena' }],
    ['moved', { path: '/new/' }, { path: '/new/' }],
    ['disabled', { active: false }, { active: false }],
    ['called by a client', { externalId: 'E1' }, { externalId: 'E1' }],
    [
      'granted',
      { entitlements: { add: [{ type: 'Group', name: 'ops' }], remove: [] } },
      { entitlements: [expect.objectContaining({ name: 'Dev' }), expect.objectContaining({ name: 'Ops' })] },
    ],
    [
      'revoked',
      { entitlements: { add: [], remove: [{ type: 'Group', name: 'dev' }] } },
      { entitlements: [] },
    ],
  ])('%s', async (_name, write, shown) => {
    const rig = await brownfield();
    const { userId } = rig.user('jo');
    expect(await rig.change('jo', write)).toEqual({
      kind: 'done',
      changed: true,
      account: expect.objectContaining({ userId, ...shown }),
    });
  });

  test('is shut out at once, whatever write is under way', async () => {
    const rig = await managed();
    let away = true;
    rig.aws.refuse = ({ operation }) => (away && operation === 'TagUser' ? 'throttled' : undefined);
    expect(await rig.change('jo', { attributes: { city: 'Ulm' } })).toMatchObject({ kind: 'pending' });
    expect(rig.user('jo').inline.size).toBe(0);
    const shut = await rig.change('jo', { active: false }, { caller: 'hr' });
    expect(shut).toMatchObject({ kind: 'pending', message: expect.stringMatching(/another write/) });
    expect([...rig.user('jo').inline.keys()]).toEqual(['IDHubDisabled']);
    expect(rig.account('jo').metadata.annotations?.[annotations.disabledBy]).toBe('hr');
    away = false;
    await rig.calm();
    expect(await rig.change('jo', { active: false }, { caller: 'hr' })).toMatchObject({
      kind: 'done',
      account: { active: false },
    });
    expect(rig.user('jo').tags.get('city')).toBe('Ulm');
    expect(rig.note('jo')).toBeUndefined();
  });

  test('who is shut out is not let in by another change', async () => {
    const rig = await brownfield();
    await rig.change('jo', { active: false });
    // The object is let go of, and the user stays as it is.
    const { name } = rig.account('jo').metadata;
    rig.cluster.delete('awsaccounts', name);
    await rig.calm();
    expect(rig.accounts()).toEqual([]);
    expect(await rig.change('jo', { attributes: { city: 'Ulm' } })).toEqual(done('jo', { active: false }));
    expect(rig.account('jo').spec.enabled).toBe(false);
    expect(await rig.change('jo', { active: true })).toEqual(done('jo', { active: true }));
  });

  test('whose deny is others’ is not let in', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { attached: new Set(['arn:aws:iam::aws:policy/AWSDenyAll']) });
    await rig.start();
    expect(await rig.change('jo', { active: true })).toEqual(refused('mutability', /AWSDenyAll/));
  });
});

describe('what AWS refuses is taken back', () => {
  test('of an object that was there, to the letter', async () => {
    const rig = await managed();
    const before = rig.account('jo').spec;
    rig.aws.refuse = ({ operation, input }) =>
      operation === 'UpdateUser' && input['NewPath'] === '/new/' ? 'accessDenied' : undefined;
    const outcome = await rig.change('jo', {
      path: '/new/',
      attributes: { mail: 'new@example.org', city: 'Ulm', jobTitle: null },
      externalId: 'E1',
    });
    expect(outcome).toEqual(refused('forbidden', /AccessDenied/));
    await rig.calm();
    expect(rig.account('jo').spec).toEqual(before);
    expect(rig.account('jo').metadata.annotations?.[annotations.externalId]).toBeUndefined();
    expect(rig.note('jo')).toBeUndefined();
    const { tags, path } = rig.user('jo');
    expect(path).toBe('/people/');
    expect(Object.fromEntries(tags)).toEqual({
      mail: 'jo@example.org',
      jobTitle: 'Cook',
      [ownerTag]: 'inst/ns/jo',
    });
  });

  test('of a user that nobody declared: it is as it was, and nobody’s', async () => {
    const rig = await brownfield();
    const before = rig.picture('jo');
    rig.aws.refuse = ({ operation, input }) =>
      operation === 'UpdateUser' && input['NewPath'] === '/new/' ? 'accessDenied' : undefined;
    const outcome = await rig.change('jo', {
      path: '/new/',
      attributes: { mail: 'new@example.org', city: 'Ulm', jobTitle: null },
      entitlements: { add: [{ type: 'Group', name: 'Ops' }], remove: [{ type: 'Group', name: 'Dev' }] },
    });
    expect(outcome).toEqual(refused('forbidden', /AccessDenied/));
    await rig.calm();
    expect(rig.accounts()).toEqual([]);
    expect(rig.bindings()).toEqual([]);
    expect(rig.picture('jo')).toEqual(before);
  });

  test('of one that is only observed: it observes again, and the user is nobody’s', async () => {
    const rig = await brownfield();
    rig.apply('jo', { management: 'Observe' });
    await rig.calm();
    const before = [rig.picture('jo'), rig.account('jo').spec];
    rig.aws.refuse = noPath;
    const write = { path: '/new/', attributes: { city: 'Ulm', mail: null }, userName: 'lena' };
    expect(await rig.change('jo', write)).toEqual(refused('forbidden', /AccessDenied/));
    await rig.calm();
    expect([rig.picture('jo'), rig.account('jo').spec]).toEqual(before);
  });

  test.each<[string, SyncDirection]>([
    ['that we lead', 'idhub-to-app'],
    ['that both lead', 'bi-directional'],
  ])(
    'a name, and an attribute %s, that were written before something else was refused',
    async (_name, syncDirection) => {
      const rig = await managed({ attributes: [{ name: 'mail', syncDirection }] });
      const before = [rig.picture('jo'), rig.account('jo').spec];
      // Tags come last, so that all else has reached AWS.
      rig.aws.refuse = ({ operation, input }) =>
        operation === 'UntagUser' || (operation === 'UpdateUser' && input['NewPath'] === '/new/')
          ? 'accessDenied'
          : undefined;
      const write = { userName: 'lena', path: '/new/', attributes: { mail: 'new@example.org' } };
      expect(await rig.change('jo', write)).toEqual(refused('forbidden', /AccessDenied/));
      await rig.calm();
      expect([rig.picture('jo'), rig.account('jo').spec]).toEqual(before);
    },
  );

  test.each<[string, () => Promise<Rig>]>([
    ['that was declared', managed],
    ['that nobody declared', brownfield],
    ['that was only observed', observed],
  ])('but nobody is let in again: a disable of a user %s stays', async (_name, make) => {
    const rig = await make();
    const jo = rig.user('jo');
    jo.console = true;
    await rig.calm();
    const deny = { denied: true };
    rig.aws.refuse = ({ operation }) =>
      deny.denied && ['DeleteLoginProfile', 'TagUser'].includes(operation) ? 'accessDenied' : undefined;
    const write = { active: false, attributes: { city: 'Ulm' } };
    expect(await rig.change('jo', write)).toEqual(
      refused('forbidden', /AccessDenied.*that the account is shut out stays/),
    );
    await rig.calm();
    expect([...rig.user('jo').inline.keys()]).toEqual(['IDHubDisabled']);
    expect(rig.account('jo').metadata.annotations?.[annotations.disabledBy]).toBe('idhub');
    expect(rig.account('jo').spec).toMatchObject({ enabled: false });
    expect(rig.account('jo').spec.management ?? 'Manage').toBe('Manage');
    expect(rig.note('jo')).toBeUndefined();
    expect(rig.aws.calls.filter(({ operation }) => operation === 'CreateLoginProfile')).toEqual([]);
    // Once AWS takes the rest, it is done without anybody asking.
    deny.denied = false;
    await rig.rounds(3);
    expect(rig.user('jo').console).toBe(false);
    expect(Object.fromEntries(rig.user('jo').tags)).not.toHaveProperty('city');
  });

  test('what others have changed meanwhile stays theirs', async () => {
    const rig = await managed();
    rig.aws.refuse = ({ operation, input }) =>
      operation === 'UpdateUser' && input['NewPath'] === '/new/' ? 'accessDenied' : undefined;
    let times = 0;
    rig.meanwhile = () => {
      times += 1;
      if (times === 1) {
        const { spec } = rig.account('jo');
        rig.apply('jo', { ...spec, attributes: { ...spec.attributes, mail: 'git@example.org' } });
      }
    };
    await rig.change('jo', { path: '/new/', attributes: { mail: 'new@example.org', city: 'Ulm' } });
    rig.meanwhile = () => undefined;
    await rig.calm();
    expect(rig.account('jo').spec).toMatchObject({
      path: '/people/',
      attributes: { mail: 'git@example.org', jobTitle: 'Cook' },
    });
  });
});
