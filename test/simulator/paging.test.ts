import { describe, expect, test } from '@jest/globals';
import type { IAM } from '@aws-sdk/client-iam';
import { ALLOW_ALL, bench, code } from './harness.ts';

interface Page {
  readonly items: readonly string[];
  readonly IsTruncated: boolean | undefined;
  readonly Marker: string | undefined;
}

type List = (iam: IAM, page: { MaxItems?: number; Marker?: string | undefined }) => Promise<Page>;

const names = (items: readonly (string | undefined)[] | undefined): string[] =>
  (items ?? []).map((item) => item ?? '');

const LISTS: Readonly<Record<string, List>> = {
  ListUsers: async (iam, page) => {
    const { Users, IsTruncated, Marker } = await iam.listUsers(page);
    return { items: names(Users?.map((user) => user.UserName)), IsTruncated, Marker };
  },
  ListGroupsForUser: async (iam, page) => {
    const { Groups, IsTruncated, Marker } = await iam.listGroupsForUser({ UserName: 'user-00001', ...page });
    return { items: names(Groups?.map((group) => group.GroupName)), IsTruncated, Marker };
  },
  ListUserPolicies: async (iam, page) => {
    const found = await iam.listUserPolicies({ UserName: 'user-00001', ...page });
    return { items: names(found.PolicyNames), IsTruncated: found.IsTruncated, Marker: found.Marker };
  },
  ListAttachedUserPolicies: async (iam, page) => {
    const found = await iam.listAttachedUserPolicies({ UserName: 'user-00001', ...page });
    const items = names(found.AttachedPolicies?.map((policy) => policy.PolicyArn));
    return { items, IsTruncated: found.IsTruncated, Marker: found.Marker };
  },
  ListAccessKeys: async (iam, page) => {
    const found = await iam.listAccessKeys({ UserName: 'user-00001', ...page });
    const items = names(found.AccessKeyMetadata?.map((key) => key.AccessKeyId));
    return { items, IsTruncated: found.IsTruncated, Marker: found.Marker };
  },
  ListUserTags: async (iam, page) => {
    const found = await iam.listUserTags({ UserName: 'user-00001', ...page });
    return {
      items: names(found.Tags?.map((tag) => tag.Key)),
      IsTruncated: found.IsTruncated,
      Marker: found.Marker,
    };
  },
  GetGroup: async (iam, page) => {
    const found = await iam.getGroup({ GroupName: 'g1', ...page });
    return {
      items: names(found.Users?.map((user) => user.UserName)),
      IsTruncated: found.IsTruncated,
      Marker: found.Marker,
    };
  },
  ListPolicies: async (iam, page) => {
    const { Policies, IsTruncated, Marker } = await iam.listPolicies(page);
    return { items: names(Policies?.map((policy) => policy.Arn)), IsTruncated, Marker };
  },
  GetAccountAuthorizationDetails: async (iam, page) => {
    const found = await iam.getAccountAuthorizationDetails(page);
    const items = [
      ...names(found.UserDetailList?.map((user) => user.Arn)),
      ...names(found.GroupDetailList?.map((group) => group.Arn)),
      ...names(found.Policies?.map((policy) => policy.Arn)),
    ];
    return { items, IsTruncated: found.IsTruncated, Marker: found.Marker };
  },
};

async function filled(shortPages: boolean): Promise<IAM> {
  const { iam } = await bench({ shortPages, accounts: [{ users: 23 }] });
  const UserName = 'user-00001';
  for (const index of [1, 2, 3, 4, 5]) {
    const GroupName = `g${index}`;
    await iam.createGroup({ GroupName });
    await iam.addUserToGroup({ GroupName, UserName });
    await iam.putUserPolicy({ UserName, PolicyName: `p${index}`, PolicyDocument: ALLOW_ALL });
    await iam.addUserToGroup({ GroupName: 'g1', UserName: `user-0000${index}` });
    const { Policy } = await iam.createPolicy({ PolicyName: `m${index}`, PolicyDocument: ALLOW_ALL });
    await iam.attachUserPolicy({ UserName, PolicyArn: Policy?.Arn });
  }
  await iam.createAccessKey({ UserName });
  await iam.createAccessKey({ UserName });
  return iam;
}

async function pages(list: List, iam: IAM, MaxItems: number): Promise<readonly Page[]> {
  const result: Page[] = [];
  let Marker: string | undefined;
  do {
    const page = await list(iam, { MaxItems, ...(Marker === undefined ? {} : { Marker }) });
    expect(page.items.length).toBeLessThanOrEqual(MaxItems);
    expect(page.Marker !== undefined).toBe(page.IsTruncated);
    result.push(page);
    Marker = page.Marker;
  } while (Marker !== undefined);
  return result;
}

describe('pages, put together, are the whole list', () => {
  test.each(Object.keys(LISTS))('%s', async (name) => {
    const list = LISTS[name] as List;
    const whole = await list(await filled(false), { MaxItems: 1000 });
    expect(whole.IsTruncated).toBe(false);
    expect(new Set(whole.items).size).toBe(whole.items.length);
    expect(whole.items.length).toBeGreaterThan(1);
    const plain = await pages(list, await filled(false), 2);
    expect(plain.flatMap(({ items }) => items)).toEqual(whole.items);
    expect(plain).toHaveLength(Math.ceil(whole.items.length / 2));
    const short = await pages(list, await filled(true), 2);
    expect(short.flatMap(({ items }) => items)).toEqual(whole.items);
    expect(short.some((page) => page.items.length === 0 && page.IsTruncated === true)).toBe(
      whole.items.length > 1,
    );
  });
});

test('without MaxItems a page has 100; more than 1,000 are refused', async () => {
  const { iam } = await bench({ accounts: [{ users: 120 }] });
  const { Users, IsTruncated } = await iam.listUsers({});
  expect([Users?.length, IsTruncated]).toEqual([100, true]);
  expect(await code(iam.listUsers({ MaxItems: 1001 }))).toBe('ValidationError');
  expect(await code(iam.listUsers({ MaxItems: 0 }))).toBe('ValidationError');
  expect(await code(iam.listUsers({ Marker: 'nonsense' }))).toBe('ValidationError');
});

test('a page goes on after its last item, also when that is gone by then', async () => {
  const { iam } = await bench({ accounts: [{ users: 10 }] });
  const first = await iam.listUsers({ MaxItems: 4 });
  await iam.deleteUser({ UserName: first.Users?.at(-1)?.UserName });
  const second = await iam.listUsers({ MaxItems: 100, Marker: first.Marker });
  expect(second.Users?.map((user) => user.UserName)).toEqual(
    [4, 5, 6, 7, 8, 9, 10].map((index) => `user-${String(index).padStart(5, '0')}`),
  );
});
