import { describe, expect, test } from '@jest/globals';
import {
  accountCollection,
  entitlementCollection,
  groupCollection,
  Lists,
  type Collection,
  type ListPage,
} from '../../../../src/idhub/lists/index.ts';
import { accountKind, userKind } from '../../../../src/idhub/resources/index.ts';
import { DirectoryUnavailableError, type DirectoryAccount } from '../../../../src/idhub/index.ts';
import type { ListQuery } from '../../../../src/scim/index.ts';
import {
  account,
  catalogueOf,
  group,
  guideSchema,
  inGroup,
  policy,
  policyArn,
  viewOf,
} from '../directory.ts';

const base = 'https://aws.example.com/scim/v2';
const all: ListQuery = {
  filter: undefined,
  sortBy: undefined,
  descending: false,
  startIndex: 1,
  count: undefined,
  wanted: {},
};

const jo = account({
  userId: 'AIDA1',
  userName: 'Jo@X',
  externalId: 'E1',
  attributes: { givenName: 'Jo', surname: 'Doe', mail: 'jo@example.com', department: 'Sales' },
  entitlements: [inGroup('readers')],
});
const al = account({
  userId: 'AIDA2',
  userName: 'al',
  active: false,
  createdAt: Date.UTC(2026, 5, 1),
  attributes: { surname: 'coe', department: 'O\'Ps "\\' },
  entitlements: [{ type: 'AwsManagedPolicy', name: 'ViewOnly', arn: policyArn('ViewOnly') }],
  lastActivity: Date.UTC(2026, 6, 1),
});
const cy = account({ userId: 'AIDA3', userName: 'Cy', path: '/eu/', attributes: { surname: 'Doe' } });

const view = viewOf({ accounts: [cy, jo, al], groups: [group('readers'), group('Admins')] });
const collections = {
  Account: accountCollection(view, accountKind(guideSchema), base),
  Users: accountCollection(view, userKind(guideSchema), base),
  Groups: groupCollection(view, base),
  Entitlement: entitlementCollection(
    catalogueOf([policy('Billing'), policy('ViewOnly', { usedAs: 'PermissionsPolicy' })]),
    base,
  ),
};

function listed(
  which: readonly Collection[],
  query: Partial<ListQuery>,
  lists = new Lists({ clock: { now: () => 0 } }),
): Promise<ListPage> {
  return lists.page({
    caller: 'idhub',
    connection: { namespace: 'a', name: 'b' },
    address: `${base}/Account`,
    query: { ...all, ...query },
    collections: () => Promise.resolve(which),
  });
}

async function names(which: readonly Collection[], query: Partial<ListQuery>): Promise<readonly unknown[]> {
  const { resources, total } = await listed(which, query);
  expect(total).toBe(resources.length);
  return resources.map((resource) => resource['userName'] ?? resource['displayName']);
}

describe('filters', () => {
  test.each<[keyof typeof collections, string, string[]]>([
    ['Account', 'userName eq "JO@x"', ['Jo@X']],
    ['Account', 'USERNAME Eq "JO@X"', ['Jo@X']],
    ['Account', 'userName eq "nobody"', []],
    ['Account', 'id eq "AIDA3"', ['Cy']],
    ['Account', 'id eq "aida3"', []],
    ['Account', 'externalId eq "E1"', ['Jo@X']],
    ['Account', 'externalId eq "e1"', []],
    ['Account', 'externalId pr', ['Jo@X']],
    ['Account', 'department eq "O\'Ps \\"\\\\"', ['al']],
    ['Account', 'active eq false', ['al']],
    ['Account', 'accountEnabled eq "False"', ['al']],
    ['Account', 'lastName eq "Doe" and not (path sw "/eu/")', ['Jo@X']],
    ['Account', 'entitlements[type eq "Group" and display eq "readers"]', ['Jo@X']],
    ['Account', `entitlements eq "${policyArn('ViewOnly')}"`, ['al']],
    ['Account', 'meta.created gt "2026-03-01T00:00:00Z"', ['al']],
    ['Account', 'lastActivity ge "2026-07-01T00:00:00Z"', ['al']],
    ['Account', 'permissionsBoundary pr', []],
    ['Account', 'meta.resourceType eq "Account" and userName ne "Cy"', ['Jo@X', 'al']],
    ['Account', 'urn:sath:params:scim:schemas:core:1.0:Account:surname co "do"', []],
    ['Account', 'urn:sath:params:scim:schemas:core:1.0:Account:surname co "Do"', ['Jo@X', 'Cy']],
    ['Users', 'name.familyName eq "coe" or emails[type eq "work" and value co "example"]', ['Jo@X', 'al']],
    ['Users', 'emails.value eq "jo@example.com"', ['Jo@X']],
    ['Users', 'emails[type eq "work"].value eq "jo@example.com"', ['Jo@X']],
    ['Users', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales"', ['Jo@X']],
    ['Users', 'groups.value eq "AGPAreaders"', ['Jo@X']],
    ['Users', 'groups[display eq "readers"] and (active eq true)', ['Jo@X']],
    ['Groups', 'displayName eq "admins"', ['Admins']],
    ['Groups', 'members.value eq "AIDA1"', ['readers']],
    ['Groups', 'members pr', ['readers']],
    ['Entitlement', 'usedAs eq "PermissionsPolicy"', ['ViewOnly']],
    ['Entitlement', `entitlementArn eq "${policyArn('Billing')}"`, ['Billing']],
    ['Entitlement', 'type eq "AwsManagedPolicy" and displayName sw "b"', ['Billing']],
  ])('%s: %s', async (which, filter, expected) => {
    expect(await names([collections[which]], { filter })).toEqual(expected);
  });

  test.each(['userName eq "jo@x"', 'id eq "AIDA1"'])(
    '%s: by the id, whichever object it comes as',
    async (filter) => {
      const copying = { ...view, account: () => ({ ...jo }), accountByName: () => ({ ...jo }) };
      const collection = accountCollection(copying, accountKind(guideSchema), base);
      expect(await names([collection], { filter })).toEqual(['Jo@X']);
    },
  );

  test.each<[string, string]>([
    ['shoeSize eq 9', 'invalidFilter'],
    ['password eq "x"', 'invalidFilter'],
    ['userName eq', 'invalidFilter'],
    ['(userName pr', 'invalidFilter'],
  ])('%s is refused', async (filter, scimType) => {
    await expect(listed([collections.Account], { filter })).rejects.toMatchObject({ scimType, status: 400 });
  });

  test.each<[string, Partial<DirectoryAccount>]>([
    ['active eq true', { active: undefined }],
    ['not (active eq true)', { active: undefined }],
    ['entitlements pr', { entitlements: undefined }],
    ['lastActivity pr', { lastActivity: undefined }],
  ])('%s: what is not known is no short list', async (filter, more) => {
    const dark = viewOf({ accounts: [jo, account({ userId: 'AIDA9', ...more })] });
    const collection = accountCollection(dark, accountKind(guideSchema), base);
    await expect(listed([collection], { filter })).rejects.toBeInstanceOf(DirectoryUnavailableError);
    await expect(listed([collection], { filter: `userName eq "jo@x" and ${filter}` })).resolves.toBeDefined();
  });

  test.each<[string, Partial<DirectoryAccount>, 'account' | 'user' | 'group', string[]]>([
    ['active', { active: undefined }, 'account', ['active']],
    ['entitlements', { entitlements: undefined }, 'account', ['entitlements']],
    ['entitlements of a user', { entitlements: undefined }, 'user', ['entitlements', 'groups']],
    ['members', { entitlements: undefined }, 'group', ['members']],
  ])('%s that could not be read are told of as such, not left out', async (_, more, which, unknown) => {
    const dark = viewOf({
      accounts: [jo, account({ userId: 'AIDA9', ...more })],
      groups: [group('readers')],
    });
    const collection =
      which === 'group'
        ? groupCollection(dark, base)
        : accountCollection(dark, (which === 'user' ? userKind : accountKind)(guideSchema), base);
    const [, another = 'members'] = ['', ...unknown];
    for (const wanted of [{}, { attributes: ['id', another] }, { excludedAttributes: ['displayName'] }]) {
      await expect(listed([collection], { wanted })).rejects.toThrow(DirectoryUnavailableError);
    }
    for (const wanted of [{ attributes: ['id', 'displayName'] }, { excludedAttributes: unknown }]) {
      await expect(listed([collection], { wanted })).resolves.toMatchObject({ total: collection.size });
    }
    await expect(listed([collection], { count: 0 })).resolves.toMatchObject({ total: collection.size });
  });

  test('when somebody was last active may be unknown', async () => {
    const dark = viewOf({ accounts: [account({ lastActivity: undefined })] });
    const collection = accountCollection(dark, accountKind(guideSchema), base);
    await expect(listed([collection], {})).resolves.toMatchObject({ total: 1 });
  });

  test('of groups: who is in them is not guessed at', async () => {
    const dark = viewOf({ accounts: [account({ entitlements: undefined })], groups: [group('readers')] });
    await expect(listed([groupCollection(dark, base)], { filter: 'members pr' })).rejects.toBeInstanceOf(
      DirectoryUnavailableError,
    );
  });

  test('over several types: one that has no such attribute has nothing that fits', async () => {
    const every = Object.values(collections);
    expect(await names(every, { filter: 'entitlementArn pr' })).toEqual(['Billing', 'ViewOnly']);
    expect(await names(every, { filter: 'displayName sw "b"' })).toEqual(['Billing']);
    expect(await names(every, { filter: 'userName eq "cy"' })).toEqual(['Cy', 'Cy']);
    await expect(listed(every, { filter: 'shoeSize pr' })).rejects.toMatchObject({
      scimType: 'invalidFilter',
    });
  });
});

describe('orders', () => {
  test.each<[keyof typeof collections, Partial<ListQuery>, string[]]>([
    ['Account', {}, ['Jo@X', 'al', 'Cy']],
    ['Account', { sortBy: 'userName' }, ['al', 'Cy', 'Jo@X']],
    ['Account', { sortBy: 'USERNAME', descending: true }, ['Jo@X', 'Cy', 'al']],
    ['Account', { sortBy: 'surname' }, ['Jo@X', 'Cy', 'al']],
    ['Account', { sortBy: 'mail' }, ['Jo@X', 'al', 'Cy']],
    ['Account', { sortBy: 'mail', descending: true }, ['al', 'Cy', 'Jo@X']],
    ['Account', { sortBy: 'meta.created', descending: true }, ['al', 'Jo@X', 'Cy']],
    ['Account', { sortBy: 'lastActivity' }, ['al', 'Jo@X', 'Cy']],
    ['Account', { sortBy: 'active' }, ['al', 'Jo@X', 'Cy']],
    ['Users', { sortBy: 'name.familyName' }, ['al', 'Jo@X', 'Cy']],
    ['Users', { sortBy: 'emails' }, ['Jo@X', 'al', 'Cy']],
    [
      'Users',
      { sortBy: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department' },
      ['al', 'Jo@X', 'Cy'],
    ],
    ['Groups', { sortBy: 'displayName' }, ['Admins', 'readers']],
  ])('%s by %j', async (which, query, expected) => {
    expect(await names([collections[which]], query)).toEqual(expected);
  });

  test.each(['shoeSize', 'password', 'name', 'meta'])('by %s is refused', async (sortBy) => {
    await expect(listed([collections.Users], { sortBy })).rejects.toMatchObject({ scimType: 'invalidValue' });
  });
});

describe('pages', () => {
  const many = Array.from({ length: 25 }, (_, index) =>
    account({ userId: `AIDA${String(index).padStart(3, '0')}`, userName: `user-${index}` }),
  );

  /** A directory that changes, a clock, and lists. */
  function world(limits: ConstructorParameters<typeof Lists>[0]['limits'] = {}): {
    accounts: DirectoryAccount[];
    now: number;
    asked: number;
    lists: Lists;
    page(
      query: Partial<ListQuery>,
      more?: { caller?: string; address?: string; name?: string },
    ): Promise<ListPage>;
  } {
    const it = {
      accounts: [...many],
      now: 1_000_000,
      asked: 0,
      lists: undefined as unknown as Lists,
      page: (
        query: Partial<ListQuery>,
        {
          caller = 'idhub',
          address = `${base}/Account`,
          name = 'b',
        }: { caller?: string; address?: string; name?: string } = {},
      ) =>
        it.lists.page({
          caller,
          address,
          connection: { namespace: 'a', name },
          query: { ...all, count: 10, ...query },
          collections: () => {
            it.asked += 1;
            const now = viewOf({ accounts: it.accounts });
            return Promise.resolve([accountCollection(now, accountKind(guideSchema), base)]);
          },
        }),
    };
    it.lists = new Lists({ clock: { now: () => it.now }, limits });
    return it;
  }

  const ids = ({ resources }: ListPage): readonly unknown[] => resources.map(({ id }) => id);
  const begun = (): ReturnType<typeof world> => {
    const it = world();
    // Past the time in which a list may have been begun before the start.
    it.now += 600_000;
    return it;
  };

  test.each<[Partial<ListQuery>, number, number]>([
    [{}, 10, 25],
    [{ count: undefined }, 25, 25],
    [{ count: 0 }, 0, 25],
    [{ count: 1_000_000 }, 25, 25],
    [{ startIndex: 21 }, 5, 25],
    [{ startIndex: 26 }, 0, 25],
    [{ startIndex: 1_000_000_000 }, 0, 25],
    [{ filter: 'userName ew "1"', count: 2 }, 2, 3],
  ])('%j', async (query, length, total) => {
    const page = await begun().page(query);
    expect([page.resources.length, page.total, page.startIndex]).toEqual([
      length,
      total,
      query.startIndex ?? 1,
    ]);
  });

  test('a page has no more than the service gives at once', async () => {
    const lists = new Lists({ clock: { now: () => 0 }, maxPage: 7 });
    const collection = accountCollection(viewOf({ accounts: many }), accountKind(guideSchema), base);
    expect(await listed([collection], { count: undefined }, lists)).toMatchObject({ total: 25 });
    expect((await listed([collection], { count: undefined }, lists)).resources).toHaveLength(7);
  });

  test('whoever goes while a list is read moves nobody out of it, and whoever comes is in the next', async () => {
    const it = begun();
    const first = ids(await it.page({ startIndex: 1 }));
    it.accounts = [account({ userId: 'AIDA000x', userName: 'new' }), ...many.slice(5)];
    const second = ids(await it.page({ startIndex: 11 }));
    it.now += 599_999;
    const third = ids(await it.page({ startIndex: 21, count: 100 }));
    expect([...first, ...second, ...third]).toEqual(many.map(({ userId }) => userId));
    expect(it.asked).toBe(1);
    expect(ids(await it.page({ startIndex: 1 }))).toContain('AIDA000x');
  });

  test('a list that was left for too long is begun again', async () => {
    const it = begun();
    await it.page({});
    it.now += 600_000;
    await expect(it.page({ startIndex: 11 })).rejects.toMatchObject({
      status: 409,
      message: expect.stringMatching(/startIndex=1/),
    });
    await it.page({});
    await expect(it.page({ startIndex: 11 })).resolves.toMatchObject({ total: 25 });
  });

  test('after a start, a page of a list that may have been begun before it is refused', async () => {
    const it = world();
    await expect(it.page({ startIndex: 11 })).rejects.toMatchObject({ status: 409 });
    it.now += 600_000;
    await expect(it.page({ startIndex: 11 })).resolves.toMatchObject({ total: 25 });
  });

  test('as it is where another process has answered until now', async () => {
    const it = begun();
    it.lists.begin();
    await expect(it.page({ startIndex: 11 })).rejects.toMatchObject({ status: 409 });
    await it.page({});
    await expect(it.page({ startIndex: 11 })).resolves.toMatchObject({ total: 25 });
  });

  test('a list whose first page was all of it goes on with nothing', async () => {
    const it = world();
    await it.page({ count: 25 });
    expect(it.lists.kept).toBe(0);
    expect(ids(await it.page({ startIndex: 26 }))).toEqual([]);
  });

  test('a question with one answer does not end a list that is being read', async () => {
    const it = begun();
    await it.page({});
    it.accounts = many.slice(1);
    await it.page({ count: 100 });
    expect((await it.page({ startIndex: 11 })).total).toBe(25);
  });

  test('nor does a look at its beginning in pages of another size', async () => {
    const it = begun();
    await it.page({});
    it.accounts = many.slice(1);
    await it.page({ count: 1 });
    expect((await it.page({ startIndex: 11 })).total).toBe(25);
    expect((await it.page({ startIndex: 2, count: 1 })).total).toBe(24);
    it.now += 600_000;
    await it.page({ count: 1 });
    await expect(it.page({ startIndex: 11 })).rejects.toMatchObject({ status: 409 });
  });

  test.each<[string, Partial<ListQuery>, object]>([
    ['caller', {}, { caller: 'okta' }],
    ['connection', {}, { name: 'c' }],
    ['address', {}, { address: `${base}/Users` }],
    ['filter', { filter: 'userName pr' }, {}],
    ['order', { sortBy: 'userName' }, {}],
    ['direction', { descending: true }, {}],
  ])('another %s has lists of its own', async (_, query, more) => {
    const it = begun();
    await it.page({});
    it.accounts = many.slice(1);
    expect((await it.page({ ...query, startIndex: 11 }, more)).total).toBe(24);
    expect((await it.page({ startIndex: 11 })).total).toBe(25);
  });

  test('pages may differ in size, and in what is shown', async () => {
    const it = begun();
    await it.page({});
    it.accounts = [];
    const page = await it.page({ startIndex: 11, count: 3, wanted: { attributes: ['userName'] } });
    expect(page.resources).toHaveLength(3);
  });

  test('what is kept is bounded in number: what was used longest ago goes first, and is not forgotten', async () => {
    const it = world({ lists: 2 });
    it.now += 600_000;
    await it.page({}, { caller: 'one' });
    await it.page({}, { caller: 'two' });
    await it.page({ startIndex: 11 }, { caller: 'one' });
    await it.page({}, { caller: 'three' });
    expect(it.lists.kept).toBe(2);
    await expect(it.page({ startIndex: 11 }, { caller: 'two' })).rejects.toMatchObject({ status: 409 });
    await expect(it.page({ startIndex: 11 }, { caller: 'one' })).resolves.toBeDefined();
    await expect(it.page({ startIndex: 11 }, { caller: 'three' })).resolves.toBeDefined();
  });

  test('and in memory: each moment counts once', async () => {
    const it = world({ resources: 50 });
    const shared = [accountCollection(viewOf({ accounts: many }), accountKind(guideSchema), base)];
    const read = (caller: string): Promise<ListPage> =>
      it.lists.page({
        caller,
        address: base,
        connection: { namespace: 'a', name: 'b' },
        query: { ...all, count: 10 },
        collections: () => Promise.resolve(shared),
      });
    for (const caller of ['one', 'two', 'three', 'four']) {
      await read(caller);
    }
    expect(it.lists.kept).toBe(4);
    await it.page({}, { caller: 'five' });
    expect(it.lists.kept).toBe(5);
    await it.page({}, { caller: 'six' });
    // The four of one moment are gone.
    expect(it.lists.kept).toBe(2);
  });

  test.each<[string, Parameters<typeof world>[0], (index: number) => string, number]>([
    // Three lists of 25.
    ['what lists name', { entries: 75 }, (index) => `caller-${index}`, 3],
    ['lists of one caller', { perCaller: 4 }, () => 'one', 4],
    ['lists of one caller, by default', {}, () => 'one', 20],
  ])('bounded are also %s: the oldest go', async (_, limits, callerOf, kept) => {
    const it = world(limits);
    it.now += 600_000;
    await it.page({}, { caller: 'other' });
    const ask = (index: number, startIndex: number): Promise<ListPage> =>
      it.page({ filter: `userName ne "${index}"`, startIndex }, { caller: callerOf(index) });
    for (let index = 0; index < 30; index += 1) {
      await ask(index, 1);
    }
    await expect(ask(30 - kept, 11)).resolves.toMatchObject({ total: 25 });
    await expect(ask(29 - kept, 11)).rejects.toMatchObject({ status: 409 });
    const others = await it.page({ startIndex: 11 }, { caller: 'other' }).then(
      ({ total }) => total,
      (error: unknown) => (error as { status: number }).status,
    );
    // One caller does not push out another.
    expect(others).toBe(limits?.entries === undefined ? 25 : 409);
  });

  test('one list is kept, whatever it weighs', async () => {
    const it = world({ resources: 1 });
    await it.page({});
    await it.page({}, { caller: 'other' });
    expect(it.lists.kept).toBe(1);
    await expect(it.page({ startIndex: 11 }, { caller: 'other' })).resolves.toBeDefined();
  });

  test('a thousand questions leave no more lists behind than are allowed', async () => {
    const it = world({ remembered: 100, lists: 10 });
    for (let index = 0; index < 1_000; index += 1) {
      await it.page({ filter: `userName ne "${index}"` });
    }
    expect(it.lists.kept).toBe(10);
  });
});
