import { describe, expect, test } from '@jest/globals';
import type { InputOf } from '../../../src/aws/index.ts';
import { IncompleteReadingError, readCatalogue } from '../../../src/reconciliation/index.ts';
import { answering } from '../answering.ts';

const options = {
  signal: new AbortController().signal,
  pageSize: 2,
  accountId: '111122223333',
  snapshot: {
    groups: () => [
      { group: 'readers', id: 'AGPA1', arn: 'arn:aws:iam::111122223333:group/readers', policies: [] },
    ],
  },
} as const;

const readOnly = {
  PolicyName: 'ReadOnlyAccess',
  PolicyId: 'ANPA1',
  Arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
  Path: '/',
  AttachmentCount: 3,
};
const billing = {
  PolicyName: 'Billing',
  PolicyId: 'ANPA2',
  Arn: 'arn:aws:iam::aws:policy/job-function/Billing',
  Path: '/job-function/',
  PermissionsBoundaryUsageCount: 1,
};
const admins = {
  GroupName: 'admins',
  GroupId: 'AGPA2',
  Arn: 'arn:aws:iam::111122223333:group/x/admins',
};
const own = { PolicyName: 'Own', PolicyId: 'ANPA3', Arn: 'arn:aws:iam::111122223333:policy/Own' };

type Lists = Readonly<Record<'AWS' | 'Local' | 'groups', readonly object[]>>;

const whole: Lists = {
  AWS: [{ Policies: [] }, { Policies: [readOnly] }, { Policies: [billing] }],
  Local: [{}, { Policies: [own] }],
  groups: [{ Groups: [] }, { Groups: [admins] }],
};

function serving(lists: Lists) {
  const asked: unknown[] = [];
  const page = (all: readonly object[], input: { Marker?: string | undefined }) => {
    asked.push(input);
    const index = Number(input.Marker ?? 0);
    return index + 1 < all.length
      ? { ...all[index], IsTruncated: true, Marker: String(index + 1) }
      : { ...all[index], IsTruncated: false };
  };
  const api = answering({
    ListPolicies: (input: InputOf<'ListPolicies'>) => page(lists[input.Scope as 'AWS' | 'Local'], input),
    ListGroups: (input: InputOf<'ListGroups'>) => page(lists.groups, input),
  });
  return { api, asked };
}

describe('what can be given', () => {
  test('is the groups of a reading, the policies of AWS and the account’s own, to the last page', async () => {
    const { api, asked } = serving(whole);
    expect(await readCatalogue(api, options)).toEqual({
      groups: [{ groupId: 'AGPA1', name: 'readers', arn: 'arn:aws:iam::111122223333:group/readers' }],
      policies: [
        {
          policyId: 'ANPA1',
          name: 'ReadOnlyAccess',
          arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
          attachments: 3,
          boundaries: 0,
          description: undefined,
        },
        {
          policyId: 'ANPA2',
          name: 'Billing',
          arn: 'arn:aws:iam::aws:policy/job-function/Billing',
          attachments: 0,
          boundaries: 1,
          description: undefined,
        },
        {
          policyId: 'ANPA3',
          name: 'Own',
          arn: 'arn:aws:iam::111122223333:policy/Own',
          attachments: 0,
          boundaries: 0,
          description: undefined,
        },
      ],
    });
    expect(asked).toHaveLength(5);
    expect(asked[0]).toEqual({ Scope: 'AWS', MaxItems: 2 });
  });

  test('is listed with its groups where there is no new reading', async () => {
    const { api } = serving(whole);
    const { groups } = await readCatalogue(api, { ...options, snapshot: undefined });
    expect(groups).toEqual([
      { groupId: 'AGPA2', name: 'admins', arn: 'arn:aws:iam::111122223333:group/x/admins' },
    ]);
  });

  test('may have no group and no policy of the account', async () => {
    const { api } = serving({ ...whole, Local: [{}], groups: [{}] });
    const read = await readCatalogue(api, { ...options, snapshot: undefined });
    expect([read.groups.length, read.policies.length]).toEqual([0, 2]);
  });

  const foreign = 'arn:aws:iam::444455556666:policy/Own';
  test.each([
    ['shows no policy of AWS', { AWS: [{}] }, /no policy of AWS/],
    ['shows another account’s policies', { Local: [{ Policies: [{ ...own, Arn: foreign }] }] }, foreign],
    ['shows a policy without an id', { Local: [{ Policies: [{ ...own, PolicyId: undefined }] }] }, /without/],
    [
      'shows a group without a name',
      { groups: [{ Groups: [{ ...admins, GroupName: undefined }] }] },
      /without/,
    ],
    ['shows another account’s groups', { groups: [{ Groups: [{ ...admins, Arn: foreign }] }] }, foreign],
  ])('C12: is not known from a list that %s', async (_, lists, message) => {
    const { api } = serving({ ...whole, ...lists });
    const reading = readCatalogue(api, { ...options, snapshot: undefined });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toBeInstanceOf(IncompleteReadingError);
  });
});
