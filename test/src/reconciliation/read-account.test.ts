import { describe, expect, test } from '@jest/globals';
import { AwsError, type AwsApi, type Operation } from '../../../src/aws/index.ts';
import { readAccount } from '../../../src/reconciliation/index.ts';
import { answering } from '../answering.ts';

const options = {
  signal: new AbortController().signal,
  pageSize: 100,
  passwordLastUsed: false,
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
              GroupName: 'readers',
              GroupId: 'AGPA1',
              AttachedManagedPolicies: [{ PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
              GroupPolicyList: [{ PolicyName: 'own' }],
            },
            {
              GroupName: 'owners',
              Arn: 'arn:aws-cn:iam::111122223333:group/owners',
              GroupPolicyList: [{ PolicyName: 'all', PolicyDocument: encodeURIComponent(everything) }],
            },
            { GroupName: 'nothing' },
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
        arn: '',
        policies: ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'inline/own'],
        powers: [],
      },
      {
        group: 'owners',
        id: '',
        arn: 'arn:aws-cn:iam::111122223333:group/owners',
        policies: ['inline/all'],
        powers: ['arn:aws-cn:iam::aws:policy/AdministratorAccess'],
      },
      { group: 'nothing', id: '', arn: '', policies: [], powers: [] },
    ]);
  });

  test('with when passwords were last used, joined by the unique id', async () => {
    const { api } = paged({
      GetAccountAuthorizationDetails: [{ UserDetailList: [jo, sam] }],
      ListUsers: [
        { Users: [{ UserName: 'jo', UserId: 'OTHER', PasswordLastUsed: new Date(1) }] },
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
