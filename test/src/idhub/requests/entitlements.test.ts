import { describe, expect, test } from '@jest/globals';
import {
  accountToCreate,
  accountToPatch,
  accountToReplace,
  type AccountContext,
} from '../../../../src/idhub/requests/index.ts';
import { accountKind } from '../../../../src/idhub/resources/index.ts';
import {
  DirectoryUnavailableError,
  type DirectoryAccount,
  type EntitlementReference,
} from '../../../../src/idhub/index.ts';
import {
  account,
  catalogueOf,
  group,
  groupArn,
  guideSchema,
  inGroup,
  policy,
  policyArn,
  viewOf,
} from '../directory.ts';

const own = 'arn:aws:iam::111122223333:policy/team/Deploy';
const inline = 'arn:aws:iam::111122223333:user/Jo.Doe/policy/Own';

const jo: DirectoryAccount = account({
  entitlements: [
    inGroup('readers'),
    { type: 'CustomerManagedPolicy', name: 'Deploy', arn: own },
    { type: 'InlinePolicy', name: 'Own', arn: inline },
    { type: 'AwsManagedPolicy', name: 'ViewOnly', arn: policyArn('ViewOnly'), inheritedFrom: 'readers' },
  ],
});

const readers = { arn: groupArn('readers') };
const deploy = { arn: own };
const ownInline = { type: 'InlinePolicy', name: 'Own' } as const;
const admins = { arn: groupArn('admins') };
const billing = { arn: policyArn('job-function/Billing') };

function context(): AccountContext & { readonly asked: () => number } {
  let asked = 0;
  return {
    kind: accountKind(guideSchema),
    view: viewOf({ accounts: [jo], groups: [group('readers'), group('admins')] }),
    catalogue: () => {
      asked += 1;
      const twice = policy('Twice', {
        id: 'ANPA2',
        type: 'CustomerManagedPolicy',
        entitlementArn: `${own}2`,
      });
      return Promise.resolve(
        catalogueOf([
          policy('Billing', { entitlementArn: billing.arn }),
          policy('Twice'),
          twice,
          policy('Foreign', { id: 'AIDA9/Foreign', type: 'InlinePolicy' }),
        ]),
      );
    },
    asked: () => asked,
  };
}

function patchOf(...operations: readonly object[]): object {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
}

describe('what an entitlement is called', () => {
  test.each<[string, unknown, EntitlementReference, number]>([
    ['its ARN', { value: admins.arn }, admins, 0],
    ['its ARN as a text', admins.arn, admins, 0],
    ['its ARN, whatever else is said', { value: admins.arn, display: 'x', type: 'IAM Groups' }, admins, 0],
    ['type and name', { type: 'group', display: 'admins' }, { type: 'Group', name: 'admins' }, 0],
    [
      'type as the vendor spells it, and a path',
      { type: 'AWS Managed Policies', value: 'job-function/Billing' },
      { type: 'AwsManagedPolicy', name: 'job-function/Billing' },
      0,
    ],
    [
      'a policy of the account',
      { type: 'Customer Managed Policy', display: 'Deploy' },
      { type: 'CustomerManagedPolicy', name: 'Deploy' },
      0,
    ],
    ['a name', { display: 'ADMINS' }, admins, 1],
    ['a name as its value', { value: 'billing' }, billing, 1],
    ['the id of the Entitlement', { value: 'ANPABilling' }, billing, 1],
    ['the id of a group', { value: 'AGPAadmins' }, admins, 1],
  ])('%s', async (_, element, expected, asked) => {
    const given = context();
    const write = await accountToCreate({ userName: 'Al', entitlements: [element] }, given);
    expect(write.entitlements).toEqual({ add: [expected], remove: [] });
    expect(given.asked()).toBe(asked);
  });

  test('two names of one are one', async () => {
    const entitlements = [{ value: admins.arn }, { display: 'admins' }];
    const write = await accountToReplace({ userName: 'Jo', entitlements }, jo, context());
    expect(write?.entitlements?.add).toEqual([admins]);
  });

  test.each<[string, unknown, RegExp]>([
    ['nothing at all', {}, /has a "value", its ARN/],
    ['an empty name', { value: '' }, /has a "value", its ARN/],
    ['an ARN of another service', { value: 'arn:aws:s3:::bucket' }, /no ARN of a group or policy/],
    ['the ARN of a role', { value: 'arn:aws:iam::111122223333:role/x' }, /no ARN of a group or policy/],
    ['a name that there is not', { display: 'nowhere' }, /no group or policy "nowhere"/],
    [
      'a name of two',
      { display: 'twice' },
      /more than one: give its ARN, or a "type", one of AwsManagedPolicy, CustomerManagedPolicy/,
    ],
    ['somebody else’s inline policy', { display: 'Foreign' }, /no group or policy/],
    ['an inline policy', { type: 'Inline Policies', display: 'New' }, /has a document of its own/],
    ['the ARN of an inline policy', { value: inline }, /has a document of its own/],
    [
      'an unknown type',
      { type: 'nonsense', display: 'ViewOnly' },
      /"nonsense": it is one of Group, AwsManagedPolicy, CustomerManagedPolicy, InlinePolicy/,
    ],
  ])('refuses %s', async (_, element, message) => {
    const body = { userName: 'Al', entitlements: [element] };
    await expect(accountToCreate(body, context())).rejects.toMatchObject({
      scimType: 'invalidValue',
      message: expect.stringMatching(message),
    });
  });
});

describe('PUT', () => {
  test.each<[string, unknown[], readonly EntitlementReference[], readonly EntitlementReference[]]>([
    ['nothing: all of its own go', [], [], [readers, deploy, ownInline]],
    [
      'what was told: nothing goes, nothing is given twice, and what is inherited stays that',
      [
        { value: readers.arn, display: 'readers', type: 'Group' },
        { value: own },
        { value: inline },
        { value: policyArn('ViewOnly'), inheritedFrom: 'readers' },
      ],
      [readers, deploy],
      [],
    ],
    [
      'inherited, told without saying so',
      [{ value: policyArn('ViewOnly') }],
      [],
      [readers, deploy, ownInline],
    ],
    ['one more', [{ value: admins.arn }, { value: own }], [admins, deploy], [readers, ownInline]],
  ])('%s', async (_, entitlements, add, remove) => {
    const write = await accountToReplace({ userName: 'Jo', entitlements }, jo, context());
    expect(write?.entitlements).toEqual({ add, remove });
  });

  test('without entitlements they are not spoken of', async () => {
    const write = await accountToReplace({ userName: 'Jo' }, jo, context());
    expect(write).not.toHaveProperty('entitlements');
  });

  test('where they could not be read nothing is guessed', async () => {
    const unknown = account({ entitlements: undefined });
    await expect(
      accountToReplace({ userName: 'Jo', entitlements: [] }, unknown, context()),
    ).rejects.toBeInstanceOf(DirectoryUnavailableError);
  });
});

describe('PATCH', () => {
  test.each<[string, object[], readonly EntitlementReference[], readonly EntitlementReference[]]>([
    ['add', [{ op: 'add', path: 'entitlements', value: [{ value: admins.arn }] }], [admins], []],
    ['add without a path', [{ op: 'Add', value: { entitlements: [{ value: admins.arn }] } }], [admins], []],
    [
      'remove by a filter',
      [{ op: 'remove', path: `entitlements[value eq "${readers.arn}"]` }],
      [],
      [readers],
    ],
    [
      'remove by a value, as Entra ID does',
      [{ op: 'Remove', path: 'entitlements', value: [{ value: own }] }],
      [],
      [deploy],
    ],
    ...[
      { value: 'READERS' },
      { display: 'readers' },
      { value: 'AGPAreaders' },
      { value: readers.arn, type: 'IAM Groups' },
      { type: 'IAM Groups', display: 'readers' },
      { type: 'Group', value: 'readers' },
    ].map((value): [string, object[], readonly EntitlementReference[], readonly EntitlementReference[]] => [
      `remove ${JSON.stringify(value)}`,
      [{ op: 'remove', path: 'entitlements', value: [value] }],
      [],
      [readers],
    ]),
    ...[
      'value eq "readers"',
      'display eq "readers"',
      'value eq "AGPAreaders"',
      'type eq "IAM Groups"',
      `value eq "${readers.arn}" and type eq "IAM Groups"`,
    ].map((filter): [string, object[], readonly EntitlementReference[], readonly EntitlementReference[]] => [
      `remove by ${filter}`,
      [{ op: 'remove', path: `entitlements[${filter}]` }],
      [],
      [readers],
    ]),
    [
      'the last word about one counts, by whatever names',
      [
        { op: 'add', path: 'entitlements', value: [{ value: admins.arn }, { display: 'Billing' }] },
        { op: 'remove', path: 'entitlements', value: [{ display: 'admins' }, { value: billing.arn }] },
        { op: 'add', path: 'entitlements', value: [{ value: 'ANPABilling' }] },
      ],
      [billing],
      [admins],
    ],
    [
      'all go, and one comes back',
      [
        { op: 'add', path: 'entitlements', value: [{ value: admins.arn }] },
        { op: 'remove', path: 'entitlements' },
        { op: 'add', path: 'entitlements', value: [{ display: 'readers' }] },
      ],
      [readers],
      [deploy, ownInline, admins],
    ],
    [
      'one in the place of another',
      [{ op: 'replace', path: `entitlements[value eq "${own}"]`, value: { value: admins.arn } }],
      [admins],
      [deploy],
    ],
    [
      'remove what nobody has seen on it yet',
      [{ op: 'remove', path: 'entitlements', value: [{ value: admins.arn }] }],
      [],
      [admins],
    ],
    ['remove all of a type', [{ op: 'remove', path: 'entitlements[type eq "Group"]' }], [], [readers]],
    ['remove all', [{ op: 'remove', path: 'entitlements' }], [], [readers, deploy, ownInline]],
    [
      'replace',
      [{ op: 'replace', path: 'entitlements', value: [{ value: admins.arn }] }],
      [admins],
      [readers, deploy, ownInline],
    ],
    [
      'give what is inherited as its own',
      [{ op: 'add', path: 'entitlements', value: [{ value: policyArn('ViewOnly') }] }],
      [{ arn: policyArn('ViewOnly') }],
      [],
    ],
    [
      'one goes, one comes',
      [
        { op: 'remove', path: `entitlements[value eq "${own}"]` },
        { op: 'add', path: 'entitlements', value: { value: admins.arn } },
      ],
      [admins],
      [deploy],
    ],
  ])('%s', async (_, operations, add, remove) => {
    const write = await accountToPatch(patchOf(...operations), jo, context());
    expect(write).toEqual({ entitlements: { add, remove } });
  });

  test.each<[string, object[], string]>([
    [
      'to take what is inherited',
      [{ op: 'remove', path: `entitlements[value eq "${policyArn('ViewOnly')}"]` }],
      'mutability',
    ],
    [
      'to add nothing',
      [{ op: 'add', path: 'entitlements', value: [{ display: 'nowhere' }] }],
      'invalidValue',
    ],
    [
      'to take one of two',
      [{ op: 'remove', path: 'entitlements', value: [{ display: 'Twice' }] }],
      'invalidValue',
    ],
    ['to take one by a filter', [{ op: 'remove', path: 'entitlements[display eq "Twice"]' }], 'invalidValue'],
    ['to take a type', [{ op: 'remove', path: 'entitlements', value: [{ type: 'Group' }] }], 'invalidValue'],
    [
      'to take a role',
      [
        {
          op: 'remove',
          path: 'entitlements',
          value: [{ value: 'arn:aws:iam::111122223333:role/x' }],
        },
      ],
      'invalidValue',
    ],
    ['an unknown type', [{ op: 'remove', path: 'entitlements[type eq "nonsense"]' }], 'invalidValue'],
    ['to add a number', [{ op: 'add', path: 'entitlements', value: [7] }], 'invalidValue'],
  ])('refuses %s', async (_, operations, scimType) => {
    await expect(accountToPatch(patchOf(...operations), jo, context())).rejects.toMatchObject({ scimType });
  });
});

test.each([
  [{ op: 'remove', path: 'entitlements', value: [{ display: 'nowhere' }] }],
  [{ op: 'remove', path: 'entitlements[display eq "nowhere"]' }],
  [{ op: 'remove', path: 'entitlements[type eq "AWS Managed Policies"]' }],
  [{ op: 'remove', path: 'entitlements[inheritedFrom eq "nobody"]' }],
])('PATCH %j: there is nothing to do', async (operation) => {
  expect(await accountToPatch(patchOf(operation), jo, context())).toBeUndefined();
});

test('thousands of names are looked up, and the catalogue is gone through once', async () => {
  let steps = 0;
  const entitlements = Array.from({ length: 1_000 }, (_, at) => ({
    ...policy(`P${at}`),
    get displayName() {
      steps += 1;
      return `P${at}`;
    },
  }));
  const places = { ...context(), catalogue: () => Promise.resolve(catalogueOf(entitlements)) };
  const value = entitlements.map((_, at) => ({ display: `p${at}` }));
  const write = await accountToPatch(patchOf({ op: 'add', path: 'entitlements', value }), jo, places);
  expect(write?.entitlements?.add).toHaveLength(1_000);
  expect(steps).toBe(1_000);
});

describe('an account that nobody declared', () => {
  const found = { ...jo, managed: false, externalId: undefined, attributes: { givenName: 'Jo' } };

  test('is not made ours by a PUT of what it is', async () => {
    const body = {
      userName: 'Jo.Doe',
      givenName: 'Jo',
      active: true,
      path: '/',
      entitlements: [{ value: readers.arn }, { value: own }, { value: inline }],
    };
    expect(await accountToReplace(body, found, context())).toBeUndefined();
  });

  test('is by one that changes something, and asked for that only', async () => {
    const body = { userName: 'Jo.Doe', givenName: 'Joan', active: false, entitlements: [{ value: own }] };
    expect(await accountToReplace(body, found, context())).toEqual({
      active: false,
      attributes: { givenName: 'Joan' },
      entitlements: { add: [deploy], remove: [readers, ownInline] },
    });
  });

  test('nor by a PATCH of what it is', async () => {
    const operations = [
      { op: 'replace', path: 'active', value: true },
      { op: 'add', path: 'entitlements', value: [{ value: readers.arn }] },
    ];
    expect(await accountToPatch(patchOf(...operations), found, context())).toBeUndefined();
  });
});
