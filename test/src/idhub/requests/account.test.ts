import { describe, expect, test } from '@jest/globals';
import {
  accountToCreate,
  accountToPatch,
  accountToReplace,
  type AccountContext,
} from '../../../../src/idhub/requests/index.ts';
import { accountKind, userKind, type AccountKind } from '../../../../src/idhub/resources/index.ts';
import type { AccountWrite, DirectoryAccount } from '../../../../src/idhub/index.ts';
import { accountSchema, type AttributeChange } from '../../../../src/schema/index.ts';
import { account, guideSchema, viewOf } from '../directory.ts';

function context(
  kind: (schema: typeof guideSchema) => AccountKind,
  changes: readonly AttributeChange[] = [],
): AccountContext {
  const { schema } = accountSchema(changes, '');
  return {
    kind: kind(schema),
    view: viewOf({ schema }),
    catalogue: () => Promise.reject(new Error('nobody asked')),
  };
}

const asAccount = context(accountKind);
const asUser = context(userKind);

/** All that a PUT clears. */
function cleared(names: readonly string[], but: Record<string, string> = {}): Record<string, string | null> {
  return { ...Object.fromEntries(names.map((name) => [name, null])), ...but };
}

const all = [...guideSchema.keys()];
const ofUsers = all.filter((name) => name !== 'usageLocation');
const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function patchOf(...operations: readonly object[]): object {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: operations };
}

describe('POST', () => {
  test.each<[string, AccountContext, object, AccountWrite]>([
    ['a name is enough', asAccount, { userName: 'Jo' }, { userName: 'Jo' }],
    [
      'everything of an Account',
      asAccount,
      {
        schemas: ['urn:sath:params:scim:schemas:core:1.0:Account'],
        userName: 'Jo',
        externalId: 'e-1',
        active: 'False',
        password: 'Pa55 word!',
        path: '/eu/',
        givenName: 'Jo',
        mail: '',
        country: null,
        arn: 'arn:made:up',
      },
      {
        userName: 'Jo',
        externalId: 'e-1',
        active: false,
        password: { kind: 'given', password: 'Pa55 word!' },
        path: '/eu/',
        attributes: { givenName: 'Jo' },
      },
    ],
    [
      'names as newer documents of the vendor have them',
      asAccount,
      { USERNAME: 'Jo', firstName: 'Jo', lastName: 'Doe', status: 'Inactive' },
      { userName: 'Jo', active: false, attributes: { givenName: 'Jo', surname: 'Doe' } },
    ],
    ['accountEnabled', asAccount, { userName: 'Jo', accountEnabled: true }, { userName: 'Jo', active: true }],
    [
      'the guide’s names where the connection has the newer ones',
      context(accountKind, [{ name: 'firstName', renames: 'givenName' }]),
      { userName: 'Jo', givenName: 'Jo' },
      { userName: 'Jo', attributes: { firstName: 'Jo' } },
    ],
    [
      'what AWS leads, and what nobody synchronises, is passed over',
      context(accountKind, [
        { name: 'mail', syncDirection: 'app-to-idhub' },
        { name: 'city', syncDirection: 'no-sync' },
        { name: 'state', syncDirection: 'bi-directional' },
      ]),
      { userName: 'Jo', mail: 'a@b', city: 'London', state: 'NY' },
      { userName: 'Jo', attributes: { state: 'NY' } },
    ],
    [
      'a user as Entra ID makes it',
      asUser,
      {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', enterprise],
        externalId: '00aa00aa-bbbb-cccc',
        userName: 'jo@example.com',
        active: true,
        displayName: 'Jo Doe',
        emails: [{ primary: true, type: 'work', value: 'jo@example.com' }],
        meta: { resourceType: 'User' },
        name: { formatted: 'Jo Doe', familyName: 'Doe', givenName: 'Jo' },
        title: 'Manager',
        preferredLanguage: 'en-GB',
        addresses: [{ type: 'work', streetAddress: 'High St. 5', locality: 'London', country: 'UK' }],
        phoneNumbers: [
          { type: 'work', value: '1' },
          { type: 'mobile', value: '2' },
        ],
        [enterprise]: { employeeNumber: 'E1', department: 'Sales', manager: { value: 'x' } },
        roles: [],
      },
      {
        userName: 'jo@example.com',
        externalId: '00aa00aa-bbbb-cccc',
        active: true,
        attributes: {
          displayName: 'Jo Doe',
          givenName: 'Jo',
          surname: 'Doe',
          jobTitle: 'Manager',
          mail: 'jo@example.com',
          mobilePhone: '2',
          streetAddress: 'High St. 5',
          city: 'London',
          country: 'UK',
          employeeId: 'E1',
          department: 'Sales',
        },
      },
    ],
    [
      'a user as Okta makes it',
      asUser,
      {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
        userName: 'jo@example.com',
        name: { givenName: 'Jo', familyName: 'Doe' },
        emails: [
          { primary: true, value: 'jo@example.com', type: 'work' },
          { primary: false, value: 'jo@home.example', type: 'home' },
        ],
        displayName: 'Jo Doe',
        locale: 'en-US',
        externalId: '00ujl29u0le5T6Aj10h7',
        groups: [],
        password: '1mz050nq',
        active: true,
      },
      {
        userName: 'jo@example.com',
        externalId: '00ujl29u0le5T6Aj10h7',
        active: true,
        password: { kind: 'given', password: '1mz050nq' },
        attributes: { displayName: 'Jo Doe', givenName: 'Jo', surname: 'Doe', mail: 'jo@example.com' },
      },
    ],
    [
      'e-mail without a type',
      asUser,
      { userName: 'Jo', emails: [{ value: 'a@b', primary: true }] },
      { userName: 'Jo', attributes: { mail: 'a@b' } },
    ],
    [
      'the only e-mail, whatever it is called',
      asUser,
      { userName: 'Jo', emails: [{ value: 'a@b', type: 'home' }] },
      { userName: 'Jo', attributes: { mail: 'a@b' } },
    ],
    [
      'entitlements of Users are told, and not written',
      asUser,
      { userName: 'Jo', entitlements: [{ value: 'arn:aws:iam::aws:policy/ViewOnly' }] },
      { userName: 'Jo' },
    ],
  ])('%s', async (_, given, body, expected) => {
    expect(await accountToCreate(body, given)).toEqual(expected);
  });

  test.each<[string, AccountContext, object, string, RegExp]>([
    ['no name', asAccount, { givenName: 'Jo' }, 'invalidValue', /"userName" is required/],
    ['a name that IAM refuses', asAccount, { userName: 'jo doe' }, 'invalidValue', /1 to 64 letters/],
    ['a name of 65', asAccount, { userName: 'x'.repeat(65) }, 'invalidValue', /1 to 64 letters/],
    ['a path without its end', asAccount, { userName: 'Jo', path: '/eu' }, 'invalidValue', /"path" is \/ or/],
    [
      'a password that IAM cannot have',
      asAccount,
      { userName: 'Jo', password: 'pä€' },
      'invalidValue',
      /"password" has 1 to 128 characters/,
    ],
    ['an empty password', asAccount, { userName: 'Jo', password: '' }, 'invalidValue', /"password" has 1/],
    ['active that is no boolean', asAccount, { userName: 'Jo', active: 'no' }, 'invalidValue', /active/],
    ['active that is nothing', asAccount, { userName: 'Jo', active: null }, 'invalidValue', /active/],
    ['active twice', asAccount, { userName: 'Jo', active: true, status: 'Active' }, 'invalidSyntax', /twice/],
    [
      'too long',
      asAccount,
      { userName: 'Jo', employeeId: 'x'.repeat(17) },
      'invalidValue',
      /17 characters; at most 16/,
    ],
    [
      'not one of the values',
      asUser,
      { userName: 'Jo', userType: 'Friend' },
      'invalidValue',
      /"employeeType" must be one of/,
    ],
    [
      'longer than an object can hold',
      asAccount,
      { userName: 'Jo', mail: 'x'.repeat(4_097) },
      'invalidValue',
      /more than 4096/,
    ],
    [
      'two e-mails for work',
      asUser,
      {
        userName: 'Jo',
        emails: [
          { type: 'work', value: 'a@b' },
          { type: 'Work', value: 'c@d' },
        ],
      },
      'invalidValue',
      /several values of type work/,
    ],
    [
      'a long externalId',
      asUser,
      { userName: 'Jo', externalId: 'x'.repeat(1_025) },
      'invalidValue',
      /more than 1024/,
    ],
    ['another schema', asUser, { schemas: ['urn:x'], userName: 'Jo' }, 'invalidSyntax', /schemas/],
  ])('refuses %s', async (_, given, body, scimType, message) => {
    await expect(accountToCreate(body, given)).rejects.toMatchObject({
      scimType,
      message: expect.stringMatching(message),
    });
  });
});

describe('PUT', () => {
  const jo = account({ attributes: { givenName: 'Jo', mail: 'a@b' }, externalId: 'e-1' });

  test.each<[string, AccountContext, object, AccountWrite]>([
    [
      'what is not there is cleared, but active, password, path and entitlements stay',
      asAccount,
      { userName: 'Jo', department: 'Sales' },
      { userName: 'Jo', externalId: null, attributes: cleared(all, { department: 'Sales' }) },
    ],
    [
      'what is there is written',
      asAccount,
      { userName: 'Jo2', externalId: 'e-2', active: false, password: 'x', path: '/a/' },
      {
        userName: 'Jo2',
        externalId: 'e-2',
        active: false,
        password: { kind: 'given', password: 'x' },
        path: '/a/',
        attributes: cleared(all),
      },
    ],
    [
      'an empty list of entitlements takes them all',
      asAccount,
      { userName: 'Jo', entitlements: [] },
      {
        userName: 'Jo',
        externalId: null,
        attributes: cleared(all),
        entitlements: { add: [], remove: [] },
      },
    ],
    [
      'what Users cannot say is not cleared by it',
      asUser,
      { userName: 'Jo', name: { givenName: 'Jo' } },
      { userName: 'Jo', externalId: null, attributes: cleared(ofUsers, { givenName: 'Jo' }) },
    ],
    [
      'what AWS leads is not cleared',
      context(accountKind, [
        { name: 'mail', syncDirection: 'app-to-idhub' },
        { name: 'city', syncDirection: 'no-sync' },
      ]),
      { userName: 'Jo' },
      {
        userName: 'Jo',
        externalId: null,
        attributes: cleared(all.filter((name) => name !== 'mail' && name !== 'city')),
      },
    ],
  ])('%s', async (_, given, body, expected) => {
    expect(await accountToReplace(body, jo, given)).toEqual(expected);
  });

  test('needs a name', async () => {
    await expect(accountToReplace({ givenName: 'Jo' }, jo, asAccount)).rejects.toMatchObject({
      scimType: 'invalidValue',
    });
  });
});

describe('PATCH', () => {
  const jo: DirectoryAccount = account({
    externalId: 'e-1',
    attributes: {
      givenName: 'Jo',
      surname: 'Doe',
      mail: 'a@b',
      mobilePhone: '1',
      city: 'London',
      department: 'Sales',
    },
  });

  test.each<[string, AccountContext, readonly object[], AccountWrite | undefined]>([
    ...['Replace', 'replace', 'REPLACE', 'add'].flatMap(
      (op): [string, AccountContext, readonly object[], AccountWrite][] => [
        [`C24: ${op} "False"`, asUser, [{ op, path: 'active', value: 'False' }], { active: false }],
        [`C24: ${op} "false"`, asUser, [{ op, path: 'active', value: 'false' }], { active: false }],
        [`C24: ${op} false`, asUser, [{ op, path: 'active', value: false }], { active: false }],
        [`C24: ${op} without a path`, asUser, [{ op, value: { active: 'False' } }], { active: false }],
      ],
    ),
    ['status', asAccount, [{ op: 'replace', path: 'status', value: 'Inactive' }], { active: false }],
    [
      'one attribute',
      asAccount,
      [{ op: 'replace', path: 'department', value: 'Ops' }],
      { attributes: { department: 'Ops' } },
    ],
    ['an attribute goes', asAccount, [{ op: 'remove', path: 'mail' }], { attributes: { mail: null } }],
    [
      'a part; of the other nothing is said',
      asUser,
      [{ op: 'replace', path: 'name.givenName', value: 'Joan' }],
      { attributes: { givenName: 'Joan' } },
    ],
    [
      'an e-mail as Entra ID changes it',
      asUser,
      [{ op: 'Replace', path: 'emails[type eq "work"].value', value: 'c@d' }],
      { attributes: { mail: 'c@d' } },
    ],
    [
      'an address that is not there yet, as Entra ID makes it',
      context(userKind),
      [{ op: 'Add', path: 'addresses[type eq "work"].postalCode', value: '99' }],
      { attributes: { postalCode: '99' } },
    ],
    [
      'a phone of another type is not kept, and of the mobile one nothing is said',
      asUser,
      [{ op: 'Add', path: 'phoneNumbers[type eq "work"].value', value: '7' }],
      undefined,
    ],
    [
      'dotted names and URNs as keys, as Entra ID writes them',
      asUser,
      [{ op: 'Add', value: { 'name.familyName': 'Roe', [`${enterprise}:department`]: 'Ops' } }],
      { attributes: { surname: 'Roe', department: 'Ops' } },
    ],
    ['another name', asUser, [{ op: 'replace', path: 'userName', value: 'Joan' }], { userName: 'Joan' }],
    ...[{ givenName: 'Jo' }, { givenName: 'Jo', nickName: 'x' }].map(
      (value): [string, AccountContext, readonly object[], AccountWrite] => [
        'parts of a name, also as they are known',
        asUser,
        [{ op: 'replace', path: 'name', value }],
        { attributes: { givenName: 'Jo' } },
      ],
    ),
    [
      'a part goes, and no other',
      asUser,
      [{ op: 'replace', value: { name: { familyName: null } } }],
      { attributes: { surname: null } },
    ],
    [
      'a name goes, with all parts',
      asUser,
      [{ op: 'remove', path: 'name' }],
      { attributes: { givenName: null, surname: null } },
    ],
    [
      'a list that is replaced says all',
      asUser,
      [{ op: 'replace', path: 'addresses', value: [{ type: 'work', locality: 'Rome' }] }],
      {
        attributes: { streetAddress: null, city: 'Rome', state: null, postalCode: null, country: null },
      },
    ],
    [
      'a part of an element goes',
      asUser,
      [{ op: 'remove', path: 'addresses[type eq "work"].locality' }],
      { attributes: { city: null } },
    ],
    [
      'an e-mail of another type beside the one that is kept',
      asUser,
      [{ op: 'add', path: 'emails', value: [{ type: 'home', value: 'x@y' }] }],
      undefined,
    ],
    [
      'an e-mail of another type in its place',
      asUser,
      [{ op: 'replace', path: 'emails', value: [{ type: 'home', value: 'x@y' }] }],
      { attributes: { mail: 'x@y' } },
    ],
    ['externalId goes', asUser, [{ op: 'remove', path: 'externalId' }], { externalId: null }],
    [
      'a password',
      asUser,
      [{ op: 'replace', path: 'password', value: 'new one' }],
      { password: { kind: 'given', password: 'new one' } },
    ],
    [
      'what the standard has and nothing stands for is passed over beside the rest',
      asUser,
      [
        { op: 'replace', path: 'name.formatted', value: 'Jo Doe' },
        { op: 'add', path: 'nickName', value: 'J' },
        { op: 'add', path: `${enterprise}:manager`, value: 'x' },
        { op: 'replace', path: 'active', value: true },
      ],
      { active: true },
    ],
    [
      'about nothing that is kept: nothing',
      asUser,
      [{ op: 'replace', value: { nickName: 'J', photos: [{ value: 'x' }] } }],
      undefined,
    ],
    [
      'read-only among the keys of a value is passed over',
      asUser,
      [{ op: 'replace', value: { id: 'x', groups: [], title: 'Boss' } }],
      { attributes: { jobTitle: 'Boss' } },
    ],
  ])('%s', async (_, given, operations, expected) => {
    expect(await accountToPatch(patchOf(...operations), jo, given)).toEqual(expected);
  });

  test.each<[string, AccountContext, readonly object[], string]>([
    ['C24: active "no"', asUser, [{ op: 'replace', path: 'active', value: 'no' }], 'invalidValue'],
    ['C24: active 0', asUser, [{ op: 'replace', path: 'active', value: 0 }], 'invalidValue'],
    ['C24: active null', asUser, [{ op: 'replace', path: 'active', value: null }], 'invalidValue'],
    ['the ARN', asAccount, [{ op: 'replace', path: 'arn', value: 'x' }], 'mutability'],
    ['groups', asUser, [{ op: 'add', path: 'groups', value: [{ value: 'x' }] }], 'mutability'],
    [
      'entitlements of Users',
      asUser,
      [{ op: 'add', path: 'entitlements', value: [{ value: 'x' }] }],
      'mutability',
    ],
    [
      'what AWS leads',
      context(accountKind, [{ name: 'mail', syncDirection: 'app-to-idhub' }]),
      [{ op: 'replace', path: 'mail', value: 'x' }],
      'mutability',
    ],
    ['a password goes', asUser, [{ op: 'remove', path: 'password' }], 'mutability'],
    ['the name goes', asUser, [{ op: 'remove', path: 'userName' }], 'mutability'],
    ['what there is not', asAccount, [{ op: 'replace', path: 'shoeSize', value: '9' }], 'invalidPath'],
    [
      'a name that IAM refuses',
      asAccount,
      [{ op: 'replace', path: 'userName', value: 'a b' }],
      'invalidValue',
    ],
    [
      'the second of two: nothing is done',
      asAccount,
      [
        { op: 'replace', path: 'department', value: 'Ops' },
        { op: 'replace', path: 'employeeId', value: 'x'.repeat(17) },
      ],
      'invalidValue',
    ],
  ])('refuses %s', async (_, given, operations, scimType) => {
    await expect(accountToPatch(patchOf(...operations), jo, given)).rejects.toMatchObject({ scimType });
  });
});
