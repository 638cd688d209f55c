import { expect, test } from '@jest/globals';
import type { InputOf } from '../../../src/aws/index.ts';
import { readPolicies } from '../../../src/reconciliation/index.ts';
import { answering } from '../answering.ts';

const options = {
  signal: new AbortController().signal,
  pageSize: 2,
  accountId: '111122223333',
};

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
const own = { PolicyName: 'Own', PolicyId: 'ANPA3', Arn: 'arn:aws:iam::111122223333:policy/Own' };

function serving(lists: Readonly<Record<'AWS' | 'Local', readonly object[]>>) {
  const asked: unknown[] = [];
  const api = answering({
    ListPolicies: (input: InputOf<'ListPolicies'>) => {
      asked.push(input);
      const all = lists[input.Scope as 'AWS' | 'Local'];
      const index = Number(input.Marker ?? 0);
      return index + 1 < all.length
        ? { ...all[index], IsTruncated: true, Marker: String(index + 1) }
        : { ...all[index], IsTruncated: false };
    },
  });
  return { api, asked };
}

test('managed policies are those of AWS and the account’s own, to the last page', async () => {
  const { api, asked } = serving({
    AWS: [{ Policies: [] }, { Policies: [readOnly] }, { Policies: [billing] }],
    Local: [{}, { Policies: [own] }],
  });
  expect(await readPolicies(api, options)).toEqual([
    {
      type: 'AwsManagedPolicy',
      name: 'ReadOnlyAccess',
      id: 'ANPA1',
      arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
      path: '/',
      attachments: 3,
      boundaries: 0,
    },
    {
      type: 'AwsManagedPolicy',
      name: 'Billing',
      id: 'ANPA2',
      arn: 'arn:aws:iam::aws:policy/job-function/Billing',
      path: '/job-function/',
      attachments: 0,
      boundaries: 1,
    },
    {
      type: 'CustomerManagedPolicy',
      name: 'Own',
      id: 'ANPA3',
      arn: 'arn:aws:iam::111122223333:policy/Own',
      path: '/',
      attachments: 0,
      boundaries: 0,
    },
  ]);
  expect(asked).toHaveLength(5);
  expect(asked[0]).toEqual({ Scope: 'AWS', MaxItems: 2 });
});

test('an account may have no policy of its own', async () => {
  const { api } = serving({ AWS: [{ Policies: [readOnly] }], Local: [{}] });
  expect(await readPolicies(api, options)).toHaveLength(1);
});

test.each([
  ['shows no policy of AWS', { AWS: [{}], Local: [{ Policies: [own] }] }, /not complete/],
  [
    'shows policies of another account',
    {
      AWS: [{ Policies: [readOnly] }],
      Local: [{ Policies: [{ ...own, Arn: 'arn:aws:iam::444455556666:policy/Own' }] }],
    },
    /not of the account 111122223333/,
  ],
  [
    'shows a policy without an id',
    { AWS: [{ Policies: [{ ...readOnly, PolicyId: undefined }] }], Local: [{}] },
    /without a name, an id or an ARN/,
  ],
])('C12: a list that %s is none', async (_, lists, message) => {
  const { api } = serving(lists);
  await expect(readPolicies(api, options)).rejects.toThrow(message);
});
