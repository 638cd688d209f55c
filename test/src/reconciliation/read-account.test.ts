import { describe, expect, test } from '@jest/globals';
import { AwsError, type AwsApi, type Operation } from '../../../src/aws/index.ts';
import { IncompleteReadingError, readAccount } from '../../../src/reconciliation/index.ts';
import { answering } from '../answering.ts';
import { FakeClock } from '../fake-clock.ts';

const clock = new FakeClock();
const options = {
  signal: new AbortController().signal,
  pageSize: 100,
  passwordLastUsed: false,
  caller: { accountId: '111122223333', userId: 'A' },
  clock,
} as const;

const deny = encodeURIComponent('{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}');

const jo = {
  UserName: 'jo',
  UserId: 'A',
  Arn: 'arn:aws:iam::111122223333:user/x/jo',
  Path: '/x/',
  CreateDate: new Date(7_000),
  Tags: [{ Key: 'city', Value: 'Bonn' }],
  PermissionsBoundary: { PermissionsBoundaryArn: 'arn:aws:iam::111122223333:policy/B' },
  GroupList: ['readers'],
  AttachedManagedPolicies: [{ PolicyName: 'P', PolicyArn: 'arn:aws:iam::aws:policy/P' }],
  UserPolicyList: [{ PolicyName: 'IDHubDisabled', PolicyDocument: deny }],
};
const sam = {
  UserName: 'sam',
  UserId: 'B',
  Arn: 'arn:aws:iam::111122223333:user/sam',
  CreateDate: new Date(8_000),
};
const readers = {
  GroupName: 'readers',
  GroupId: 'AGPA1',
  Arn: 'arn:aws:iam::111122223333:group/readers',
};

/** Pages by their marker; the first is asked for without one. */
function paged(pages: Partial<Record<Operation, readonly object[]>>): { api: AwsApi; asked: unknown[] } {
  const asked: unknown[] = [];
  const serve = (operation: Operation) => (input: { Marker?: string | undefined }) => {
    asked.push(input);
    const index = Number(input.Marker ?? 0);
    const all = pages[operation] ?? [];
    const more = index + 1 < all.length;
    return { ...all[index], IsTruncated: more, ...(more ? { Marker: String(index + 1) } : {}) };
  };
  return {
    asked,
    api: answering({
      GetAccountAuthorizationDetails: serve('GetAccountAuthorizationDetails'),
      ListUsers: serve('ListUsers'),
    }),
  };
}

describe('a whole account', () => {
  test('is read to the last page, also over pages that are short or empty', async () => {
    const { api, asked } = paged({
      GetAccountAuthorizationDetails: [
        {},
        { UserDetailList: [jo] },
        { UserDetailList: [] },
        { UserDetailList: [sam] },
      ],
    });
    const reading = await readAccount(api, options);
    expect(reading.pages).toBe(4);
    expect(reading.groups.size).toBe(0);
    expect(asked).toEqual([
      { Filter: ['User', 'Group'], MaxItems: 100 },
      { Filter: ['User', 'Group'], MaxItems: 100, Marker: '1' },
      { Filter: ['User', 'Group'], MaxItems: 100, Marker: '2' },
      { Filter: ['User', 'Group'], MaxItems: 100, Marker: '3' },
    ]);
    expect(reading.users).toEqual([
      {
        userName: 'jo',
        userId: 'A',
        arn: 'arn:aws:iam::111122223333:user/x/jo',
        path: '/x/',
        createdAt: 7_000,
        tags: [{ key: 'city', value: 'Bonn' }],
        boundary: 'arn:aws:iam::111122223333:policy/B',
        deny: 'inline',
        groups: ['readers'],
        attachedPolicies: [{ name: 'P', arn: 'arn:aws:iam::aws:policy/P' }],
        inlinePolicies: [{ name: 'IDHubDisabled', fingerprint: expect.any(String), size: 61 }],
        passwordLastUsed: undefined,
      },
      {
        userName: 'sam',
        userId: 'B',
        arn: 'arn:aws:iam::111122223333:user/sam',
        path: '/',
        createdAt: 8_000,
        tags: [],
        boundary: undefined,
        deny: 'absent',
        groups: [],
        attachedPolicies: [],
        inlinePolicies: [],
        passwordLastUsed: undefined,
      },
    ]);
  });

  test('with what groups pass on, where that is asked for', async () => {
    const everything = '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}';
    const { api, asked } = paged({
      GetAccountAuthorizationDetails: [
        { UserDetailList: [jo] },
        {
          GroupDetailList: [
            {
              ...readers,
              AttachedManagedPolicies: [{ PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
              GroupPolicyList: [{ PolicyName: 'own' }],
            },
            {
              GroupName: 'owners',
              GroupId: 'AGPA2',
              Arn: 'arn:aws-cn:iam::111122223333:group/owners',
              GroupPolicyList: [{ PolicyName: 'all', PolicyDocument: encodeURIComponent(everything) }],
            },
            { GroupName: 'nothing', GroupId: 'AGPA3', Arn: 'arn:aws:iam::111122223333:group/nothing' },
          ],
        },
      ],
    });
    const { groups } = await readAccount(api, options);
    expect(asked[0]).toMatchObject({ Filter: ['User', 'Group'] });
    expect([...groups.values()]).toEqual([
      {
        group: 'readers',
        id: 'AGPA1',
        arn: 'arn:aws:iam::111122223333:group/readers',
        policies: ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'inline/own'],
        powers: [],
      },
      {
        group: 'owners',
        id: 'AGPA2',
        arn: 'arn:aws-cn:iam::111122223333:group/owners',
        policies: ['inline/all'],
        powers: ['arn:aws-cn:iam::aws:policy/AdministratorAccess'],
      },
      {
        group: 'nothing',
        id: 'AGPA3',
        arn: 'arn:aws:iam::111122223333:group/nothing',
        policies: [],
        powers: [],
      },
    ]);
  });

  test('with when passwords were last used, joined by the unique id', async () => {
    const young = { UserName: 'jo', UserId: 'NEW', CreateDate: new Date(clock.now()) };
    const { api } = paged({
      GetAccountAuthorizationDetails: [{ UserDetailList: [jo, sam] }],
      ListUsers: [
        { Users: [{ ...young, PasswordLastUsed: new Date(1) }] },
        { Users: [{ UserName: 'renamed', UserId: 'A', PasswordLastUsed: new Date(9_000) }, { UserId: 'B' }] },
      ],
    });
    const reading = await readAccount(api, { ...options, passwordLastUsed: true });
    expect(reading.pages).toBe(3);
    expect(reading.users.map(({ passwordLastUsed }) => passwordLastUsed)).toEqual([9_000, undefined]);
  });

  test.each(['GetAccountAuthorizationDetails', 'ListUsers'] as const)(
    'of which a page of %s fails is no account at all',
    async (operation) => {
      const error = new AwsError({ kind: 'throttled', operation, code: 'Throttling', message: 'x' });
      const whole = paged({
        GetAccountAuthorizationDetails: [{ UserDetailList: [jo] }, { UserDetailList: [sam] }],
        ListUsers: [{}, {}],
      });
      const api: AwsApi = {
        ...whole.api,
        call: (asked, input, call) =>
          asked === operation && (input as { Marker?: string }).Marker === '1'
            ? Promise.reject(error)
            : whole.api.call(asked, input, call),
      };
      await expect(readAccount(api, { ...options, passwordLastUsed: true })).rejects.toBe(error);
    },
  );

  test.each([
    ['repeats its marker', { IsTruncated: true, Marker: 'x' }],
    ['gives none', { IsTruncated: true }],
  ])('whose list says that there is more and %s is an error, not an endless loop', async (_, page) => {
    const api = answering({ GetAccountAuthorizationDetails: () => page });
    await expect(readAccount(api, options)).rejects.toThrow(/there is more, and gives no new marker/);
  });
});

describe('C12: what cannot be all there is', () => {
  const whole = {
    GetAccountAuthorizationDetails: [{ UserDetailList: [jo, sam], GroupDetailList: [readers] }],
  };
  const read = (pages: Parameters<typeof paged>[0], more: Partial<Parameters<typeof readAccount>[1]> = {}) =>
    readAccount(paged(pages).api, { ...options, ...more });

  test.each([
    ['nobody is shown', { GetAccountAuthorizationDetails: [{}] }, /shows 0 users, and the one/],
    [
      'the caller itself is not shown',
      { GetAccountAuthorizationDetails: [{ UserDetailList: [sam] }] },
      /shows 1 users, and the one whose credentials these are \(A\)/,
    ],
    [
      'a user has no id',
      { GetAccountAuthorizationDetails: [{ UserDetailList: [jo, { ...sam, UserId: undefined }] }] },
      /without a name, an id or an ARN/,
    ],
    [
      'a group has no name',
      { GetAccountAuthorizationDetails: [{ UserDetailList: [jo], GroupDetailList: [{ GroupId: 'AGPA1' }] }] },
      /group without a name/,
    ],
  ])('is no reading: %s', async (_, pages, message) => {
    await expect(read(pages)).rejects.toThrow(message);
    await expect(read(pages)).rejects.toBeInstanceOf(IncompleteReadingError);
  });

  test.each([
    ['users', { UserDetailList: [jo, { ...sam, Arn: 'arn:aws:iam::444455556666:user/sam' }] }],
    [
      'groups',
      {
        UserDetailList: [jo],
        GroupDetailList: [{ ...readers, Arn: 'arn:aws:iam::444455556666:group/readers' }],
      },
    ],
  ])('is no reading: %s of another AWS account', async (_, page) => {
    await expect(read({ GetAccountAuthorizationDetails: [page] })).rejects.toMatchObject({
      name: 'IncompleteReadingError',
      foreign: true,
      message: expect.stringContaining(
        'the credentials belong to AWS account 111122223333, and AWS shows arn:aws:iam::444455556666:',
      ),
    });
  });

  test.each([
    [0, true],
    [3, false],
    [undefined, false],
  ])('an account may have nobody where the caller is no user, and AWS counts %s', async (Users, complete) => {
    const api = answering({
      GetAccountAuthorizationDetails: () => ({}),
      GetAccountSummary: () => ({ SummaryMap: { Users } }),
    });
    const caller = { accountId: '111122223333', userId: undefined };
    const reading = readAccount(api, { ...options, caller });
    const outcome = await reading.catch((error: Error) => error);
    expect(outcome).toMatchObject(
      complete
        ? { users: [], pages: 2 }
        : { message: expect.stringContaining('AWS shows no user, and counts') },
    );
  });

  describe('two lists of users that differ', () => {
    const listing = (ids: readonly string[]) => [
      { Users: ids.map((id) => ({ UserName: `user-${id}`, UserId: id, CreateDate: new Date(1_000) })) },
    ];
    /** AWS, where these users are there when they are asked for. */
    const reading = (listed: readonly string[], there: Readonly<Record<string, string>>) => {
      const { api } = paged({ ...whole, ListUsers: listing(listed) });
      const asked: string[] = [];
      return {
        asked,
        reading: readAccount(
          {
            ...api,
            call: ((operation: Operation, input: { UserName: string }, call: never) => {
              if (operation !== 'GetUser') {
                return api.call(operation, input, call);
              }
              asked.push(input.UserName);
              const id = there[input.UserName];
              const gone = { kind: 'notFound', operation, code: 'NoSuchEntity', message: 'x' } as const;
              return id === undefined
                ? Promise.reject(new AwsError(gone))
                : Promise.resolve({ User: { UserId: id } });
            }) as AwsApi['call'],
          },
          { ...options, passwordLastUsed: true },
        ),
      };
    };

    test.each([
      ['ListUsers shows somebody more', ['A', 'B', 'C'], { 'user-C': 'C' }],
      ['ListUsers shows somebody less', ['A'], { sam: 'B' }],
    ])('are no reading: %s', async (_, listed, there) => {
      await expect(reading(listed, there).reading).rejects.toThrow(
        /GetAccountAuthorizationDetails shows 2 users, ListUsers \d: [\w-]+ is in one of the lists only/,
      );
    });

    test.each([
      ['was deleted between them', {}],
      ['was deleted and made anew', { 'user-C': 'D', sam: 'E' }],
    ])('are one where who is in one of them only %s', async (_, there) => {
      const { reading: done, asked } = reading(['A', 'C'], there);
      expect((await done).users.map(({ userName }) => userName)).toEqual(['jo', 'sam']);
      expect(asked).toEqual(['user-C', 'sam']);
      expect((await done).pages).toBe(4);
    });

    test('are no reading where many do, without a look at each', async () => {
      const many = Array.from({ length: 12 }, (_, index) => `X${index}`);
      const { reading: done, asked } = reading(['A', 'B', ...many], {});
      await expect(done).rejects.toThrow('ListUsers 14: 12 are in one of the lists only');
      expect(asked).toEqual([]);
    });
  });

  test('a user that is shown twice is one, as it was shown last', async () => {
    const { users } = await read({
      GetAccountAuthorizationDetails: [
        { UserDetailList: [jo] },
        { UserDetailList: [{ ...jo, UserName: 'joan' }] },
      ],
    });
    expect(users.map(({ userName }) => userName)).toEqual(['joan']);
  });
});

describe('what AWS refuses', () => {
  const denied = (operation: Operation) =>
    new AwsError({ kind: 'accessDenied', operation, code: 'AccessDenied', message: 'not yours' });

  test('of the time of last use is unknown, and the rest is read', async () => {
    const { api } = paged({ GetAccountAuthorizationDetails: [{ UserDetailList: [jo] }] });
    const refusing: AwsApi = {
      ...api,
      call: (operation, input, call) =>
        operation === 'ListUsers' ? Promise.reject(denied(operation)) : api.call(operation, input, call),
    };
    const reading = await readAccount(refusing, { ...options, passwordLastUsed: true });
    expect(reading.unread).toEqual(new Map([['passwordLastUsed', expect.stringContaining('not yours')]]));
    expect(reading.users).toHaveLength(1);
    expect(reading.pages).toBe(2);
  });

  test('of the whole account is an error, and ends what is read beside it', async () => {
    let ended: AbortSignal | undefined;
    const api: AwsApi = {
      ...answering({}),
      call: (operation, _input, { signal }) => {
        if (operation === 'GetAccountAuthorizationDetails') {
          return Promise.reject(denied(operation));
        }
        ended = signal;
        return new Promise(() => undefined);
      },
    };
    await expect(readAccount(api, { ...options, passwordLastUsed: true })).rejects.toThrow('not yours');
    expect(ended?.aborted).toBe(true);
  });
});
