import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyPatch, ScimError, type JsonObject, type JsonValue } from '../../../../src/scim/index.ts';
import { enterpriseUrn, group, user, userUrn } from '../types.ts';

const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const body = (...operations: JsonValue[]) => ({ schemas: [patchUrn], Operations: operations });

const jo: JsonObject = {
  schemas: [userUrn, enterpriseUrn],
  id: '1',
  userName: 'jo',
  name: { givenName: 'Jo', familyName: 'Doe' },
  active: true,
  employeeId: 'E1',
  emails: [
    { value: 'jo@example.com', type: 'work', primary: true },
    { value: 'jo@example.org', type: 'home' },
  ],
  addresses: [{ formatted: '5, High St.', type: 'work' }],
  entitlements: [{ value: 'arn:one', display: 'one', type: 'Group' }],
  nickNames: ['J'],
  [enterpriseUrn]: { department: 'Sales', employeeNumber: '7' },
};

/** What is other than before: by attribute, undefined where there is nothing any more. */
function changes(operations: JsonValue[], resource = jo): Record<string, JsonValue | undefined> {
  const before = applyPatch({
    type: user,
    resource,
    body: body({ op: 'replace', path: 'displayName', value: null }),
  }).values;
  const { values } = applyPatch({ type: user, resource, body: body(...operations) });
  const names = new Set([...before.keys(), ...values.keys()]);
  return Object.fromEntries(
    [...names]
      .filter((name) => JSON.stringify(before.get(name)) !== JSON.stringify(values.get(name)))
      .map((name) => [name, values.get(name)]),
  );
}

function refusal(operations: JsonValue, options = {}): string {
  try {
    applyPatch({
      type: user,
      resource: jo,
      body: { schemas: [patchUrn], Operations: operations },
      ...options,
    });
    return 'applied';
  } catch (error) {
    if (!(error instanceof ScimError)) {
      throw error;
    }
    return `${error.scimType ?? error.status}: ${error.message}`;
  }
}

const work = { value: 'jo@example.com', type: 'work', primary: true };
const home = { value: 'jo@example.org', type: 'home' };

describe('the operations of RFC 7644, 3.5.2', () => {
  test.each<[string, JsonValue, Record<string, JsonValue | undefined>]>([
    ['add sets what was not there', { op: 'add', path: 'displayName', value: 'Jo' }, { displayName: 'Jo' }],
    ['add replaces a single value', { op: 'add', path: 'userName', value: 'joe' }, { userName: 'joe' }],
    [
      'add says parts of a complex value',
      { op: 'add', path: 'name', value: { formatted: 'Jo Doe' } },
      { name: { givenName: 'Jo', familyName: 'Doe', formatted: 'Jo Doe' } },
    ],
    [
      'add adds to several values',
      { op: 'add', path: 'entitlements', value: [{ value: 'arn:two' }] },
      { entitlements: [{ value: 'arn:one', display: 'one', type: 'Group' }, { value: 'arn:two' }] },
    ],
    ['add of a value that is there changes nothing', { op: 'add', path: 'emails', value: [home] }, {}],
    [
      'a value of another type is another one',
      { op: 'add', path: 'emails', value: [{ value: 'jo@example.org', type: 'other' }] },
      { emails: [work, home, { value: 'jo@example.org', type: 'other' }] },
    ],
    [
      'a new primary value is the only one',
      { op: 'add', path: 'emails', value: [{ value: 'x@example.org', type: 'other', primary: true }] },
      {
        emails: [{ ...work, primary: false }, home, { value: 'x@example.org', type: 'other', primary: true }],
      },
    ],
    [
      'add without a path',
      { op: 'add', value: { displayName: 'J', nickNames: ['K'] } },
      {
        displayName: 'J',
        nickNames: ['J', 'K'],
      },
    ],
    [
      'replace sets a part',
      { op: 'replace', path: 'name.givenName', value: 'Joan' },
      {
        name: { givenName: 'Joan', familyName: 'Doe' },
      },
    ],
    [
      'replace leaves the other parts',
      { op: 'replace', path: 'name', value: { familyName: 'Roe' } },
      {
        name: { givenName: 'Jo', familyName: 'Roe' },
      },
    ],
    [
      'replace with null takes away',
      { op: 'replace', path: 'employeeNumber', value: null },
      {
        employeeNumber: undefined,
      },
    ],
    [
      'a part with null is taken away',
      { op: 'replace', path: 'name', value: { familyName: null } },
      {
        name: { givenName: 'Jo' },
      },
    ],
    ['replace replaces all values', { op: 'replace', path: 'emails', value: [home] }, { emails: [home] }],
    [
      'replace by an empty list',
      { op: 'replace', path: 'entitlements', value: [] },
      {
        entitlements: undefined,
      },
    ],
    [
      'replace of what a filter chooses',
      {
        op: 'replace',
        path: 'emails[type eq "work"]',
        value: { value: 'new@example.com', type: 'work' },
      },
      { emails: [{ value: 'new@example.com', type: 'work' }, home] },
    ],
    [
      'add to what a filter chooses',
      {
        op: 'add',
        path: 'emails[type eq "home"]',
        value: { display: 'At home' },
      },
      { emails: [work, { ...home, display: 'At home' }] },
    ],
    [
      'replace of a part of what a filter chooses',
      {
        op: 'replace',
        path: 'emails[type eq "work" and value ew "@example.com"].value',
        value: 'new@example.com',
      },
      { emails: [{ ...work, value: 'new@example.com' }, home] },
    ],
    ['remove takes away', { op: 'remove', path: 'name' }, { name: undefined }],
    ['remove takes a part away', { op: 'remove', path: 'name.familyName' }, { name: { givenName: 'Jo' } }],
    ['remove of all values', { op: 'remove', path: 'entitlements' }, { entitlements: undefined }],
    [
      'remove of what a filter chooses',
      { op: 'remove', path: 'emails[not (type eq "work")]' },
      {
        emails: [work],
      },
    ],
    [
      'remove of a part of it',
      { op: 'remove', path: 'emails[type eq "work"].primary' },
      {
        emails: [{ value: 'jo@example.com', type: 'work' }, home],
      },
    ],
    [
      'a value without its value is none',
      { op: 'remove', path: 'emails[type eq "work"].value' },
      {
        emails: [home],
      },
    ],
    ['remove of what is not there', { op: 'remove', path: 'displayName' }, {}],
    ['remove of a value that is not there', { op: 'remove', path: 'entitlements[value eq "arn:none"]' }, {}],
    ['what is set once may be said again', { op: 'replace', path: 'employeeId', value: 'E1' }, {}],
  ])('%s', (_what, operation, expected) => {
    expect(changes([operation])).toEqual(expected);
  });

  test('operations see what those before them did', () => {
    expect(
      changes([
        { op: 'add', path: 'entitlements', value: [{ value: 'arn:two' }, { value: 'arn:three' }] },
        { op: 'remove', path: 'entitlements[value eq "arn:two"]' },
        { op: 'remove', path: 'displayName' },
        { op: 'add', path: 'displayName', value: 'Jo' },
      ]),
    ).toEqual({
      entitlements: [{ value: 'arn:one', display: 'one', type: 'Group' }, { value: 'arn:three' }],
      displayName: 'Jo',
    });
  });
});

describe('what Entra ID sends', () => {
  test.each<[string, JsonValue, Record<string, JsonValue | undefined>]>([
    ['a capital', { op: 'Replace', path: 'active', value: 'False' }, { active: false }],
    ['nothing but capitals', { op: 'REPLACE', path: 'ACTIVE', value: 'false' }, { active: false }],
    ['a boolean', { op: 'replace', path: 'active', value: false }, { active: false }],
    ['no path', { op: 'Replace', value: { active: 'False' } }, { active: false }],
    ['an empty path', { op: 'replace', path: '', value: { active: false } }, { active: false }],
    [
      'dotted keys of a value without a path',
      {
        op: 'Add',
        value: { displayName: 'J', 'name.givenName': 'Joan', 'name.formatted': 'Joan Doe' },
      },
      { displayName: 'J', name: { givenName: 'Joan', familyName: 'Doe', formatted: 'Joan Doe' } },
    ],
    [
      'filters as keys',
      { op: 'Add', value: { 'emails[type eq "work"].value': 'new@example.com' } },
      {
        emails: [{ ...work, value: 'new@example.com' }, home],
      },
    ],
    [
      'an address of a kind that is not there',
      {
        op: 'Add',
        path: 'emails[type eq "other"].value',
        value: 'new@example.com',
      },
      { emails: [work, home, { type: 'other', value: 'new@example.com' }] },
    ],
    [
      'the same as a replacement',
      {
        op: 'Replace',
        path: 'addresses[type eq "home" and locality eq "Bonn"].formatted',
        value: '1, Low St.',
      },
      {
        addresses: [
          { formatted: '5, High St.', type: 'work' },
          { type: 'home', locality: 'Bonn', formatted: '1, Low St.' },
        ],
      },
    ],
    [
      'a primary one, as a text',
      {
        op: 'Replace',
        path: 'emails[primary eq "True"].value',
        value: 'new@example.com',
      },
      { emails: [{ ...work, value: 'new@example.com' }, home] },
    ],
    [
      'the URN of an extension before',
      {
        op: 'Add',
        path: `${enterpriseUrn}:department`,
        value: 'IT',
      },
      { department: 'IT' },
    ],
    [
      'the same as a key',
      { op: 'Add', value: { [`${enterpriseUrn}:department`]: 'IT' } },
      { department: 'IT' },
    ],
    [
      'an extension as a key',
      { op: 'Replace', value: { [enterpriseUrn]: { department: 'IT' } } },
      {
        department: 'IT',
      },
    ],
    [
      'an extension as a path',
      { op: 'Add', path: enterpriseUrn, value: { schemas: [enterpriseUrn], department: 'IT' } },
      {
        department: 'IT',
      },
    ],
    [
      'an extension taken away',
      { op: 'Remove', path: enterpriseUrn },
      {
        department: undefined,
        employeeNumber: undefined,
      },
    ],
    [
      'the URN of the type before',
      { op: 'Replace', path: `${userUrn}:name.givenName`, value: 'Joan' },
      {
        name: { givenName: 'Joan', familyName: 'Doe' },
      },
    ],
    [
      'a manager by its id alone',
      { op: 'Add', path: `${enterpriseUrn}:manager`, value: 'M1' },
      {
        manager: { value: 'M1' },
      },
    ],
    [
      'a value in a list, as it did before',
      {
        op: 'Replace',
        path: 'name.givenName',
        value: [{ $ref: null, value: 'Joan' }],
      },
      { name: { givenName: 'Joan', familyName: 'Doe' } },
    ],
    [
      'the same of a boolean',
      { op: 'Replace', path: 'active', value: [{ $ref: null, value: 'False' }] },
      {
        active: false,
      },
    ],
    [
      'a name that others have for it',
      { op: 'replace', path: 'status', value: 'Inactive' },
      {
        active: false,
      },
    ],
    [
      'a value without a list',
      { op: 'Add', path: 'entitlements', value: { $ref: null, value: 'arn:two' } },
      {
        entitlements: [{ value: 'arn:one', display: 'one', type: 'Group' }, { value: 'arn:two' }],
      },
    ],
    [
      'values to remove',
      { op: 'Remove', path: 'entitlements', value: [{ value: 'arn:one' }] },
      {
        entitlements: undefined,
      },
    ],
  ])('%s', (_what, operation, expected) => {
    expect(changes([operation])).toEqual(expected);
  });

  test('what only the service writes is passed over in a value, as Okta sends it along', () => {
    const value = { id: '1', schemas: [userUrn], meta: { version: 'x' }, groups: [], displayName: 'J' };
    expect(changes([{ op: 'replace', value }])).toEqual({ displayName: 'J' });
  });

  test('what the standard has and the type has not is passed over where that is told, and named', () => {
    const apply = (...operations: JsonValue[]) =>
      applyPatch({
        type: user,
        resource: jo,
        body: body(...operations),
        ignored: new Set(['photos', 'name.middlename', 'preferredlanguage']),
      });
    const { asked, ignored } = apply(
      { op: 'Add', path: 'photos[type eq "photo"].value', value: 'https://host/photo' },
      { op: 'Replace', path: `${userUrn}:name.middleName`, value: 'M' },
      { op: 'Add', value: { preferredLanguage: 'de', displayName: 'J', 'photos.value': 'x' } },
    );
    expect([...asked.keys()]).toEqual(['displayName']);
    expect(ignored).toEqual(['photos.value', 'name.middlename', 'preferredlanguage']);
    expect(() => apply({ op: 'add', path: 'name.nickName', value: 'x' })).toThrow('There is no attribute');
  });

  test('schemas may be missing, and operations be called without a capital', () => {
    const lower = { operations: [{ OP: 'Replace', Path: 'active', Value: false }] };
    expect(applyPatch({ type: user, resource: jo, body: lower }).values.get('active')).toBe(false);
  });
});

describe('C24: active', () => {
  const ops = ['Replace', 'replace', 'REPLACE', 'Add', 'add'];
  const values: JsonValue[] = ['False', 'false', 'FALSE', false];
  test.each(
    ops.flatMap((op) =>
      values.flatMap((value) => [
        { op, path: 'active', value },
        { op, value: { active: value } },
      ]),
    ),
  )('%j', (operation) => {
    expect(changes([operation])).toEqual({ active: false });
  });

  test.each<[JsonValue, string]>([
    ['no', 'invalidValue: "active" is true or false.'],
    ['', 'invalidValue: "active" is true or false.'],
    [0, 'invalidValue: "active" is true or false.'],
    [1, 'invalidValue: "active" is true or false.'],
    [null, 'invalidValue: "active" must have a value.'],
    [[false], 'invalidValue: "active" is true or false.'],
    [{ value: false }, 'invalidValue: "active" is true or false.'],
  ])('%j is neither', (value, expected) => {
    expect(refusal([{ op: 'replace', path: 'active', value }])).toBe(expected);
    expect(refusal([{ op: 'replace', value: { active: value } }])).toBe(expected);
  });

  test('it cannot be removed', () => {
    expect(refusal([{ op: 'remove', path: 'active' }])).toBe('mutability: "active" cannot be removed.');
  });
});

describe('C25: members of a group', () => {
  const members = ['u1', 'u2', 'u3'].map((value) => ({ value, display: value.toUpperCase() }));
  const readers: JsonObject = { schemas: [group.schema.id], id: 'g', displayName: 'readers', members };
  const left = (operation: JsonValue, options = {}) => {
    const after = applyPatch({ type: group, resource: readers, body: body(operation), ...options }).values;
    return ((after.get('members') ?? []) as JsonObject[]).map(({ value }) => value);
  };

  test.each<[string, JsonValue]>([
    ['Entra ID', { op: 'Remove', path: 'members', value: [{ value: 'u2' }] }],
    ['Entra ID, with $ref', { op: 'Remove', path: 'members', value: [{ $ref: null, value: 'u2' }] }],
    ['with display', { op: 'remove', path: 'members', value: [{ value: 'u2', display: 'other' }] }],
    ['an object', { op: 'remove', path: 'members', value: { value: 'u2' } }],
    ['a text', { op: 'remove', path: 'members', value: 'u2' }],
    ['texts', { op: 'remove', path: 'members', value: ['u2'] }],
    ['$ref alone', { op: 'remove', path: 'members', value: [{ $ref: 'https://host/Users/u2' }] }],
    ['Okta and the standard', { op: 'remove', path: 'members[value eq "u2"]' }],
    ['by display', { op: 'remove', path: 'members[display eq "u2"]' }],
    ['with the URN', { op: 'remove', path: `${group.schema.id}:members[value eq "u2"]` }],
    ['blanks', { op: 'remove', path: ' members[ value  eq  "u2" ] ' }],
  ])('%s removes exactly the one', (_who, operation) => {
    expect(left(operation)).toEqual(['u1', 'u3']);
    expect(left(operation, { guarded: ['members'] })).toEqual(['u1', 'u3']);
  });

  test.each<[string, JsonValue]>([
    ["in Entra's form", { op: 'Remove', path: 'members', value: [{ value: 'u9' }] }],
    ['by a filter', { op: 'remove', path: 'members[value eq "u9"]' }],
    ['by other letters', { op: 'remove', path: 'members', value: [{ value: 'U2' }] }],
    ['of none', { op: 'remove', path: 'members', value: [] }],
  ])('a member that is not there, %s: nothing', (_how, operation) => {
    expect(left(operation, { guarded: ['members'] })).toEqual(['u1', 'u2', 'u3']);
  });

  test('all at once: only where that is allowed', () => {
    expect(left({ op: 'remove', path: 'members' })).toEqual([]);
    for (const operation of [
      { op: 'remove', path: 'members' },
      { op: 'remove', path: 'members', value: null },
      { op: 'replace', path: 'members', value: null },
      { op: 'replace', value: { members: null } },
    ]) {
      expect(() => left(operation, { guarded: ['members'] })).toThrow('say which');
    }
    expect(left({ op: 'replace', path: 'members', value: [] }, { guarded: ['members'] })).toEqual([]);
  });

  test('what was named is told, also where it makes no difference', () => {
    const { asked, values } = applyPatch({
      type: group,
      resource: readers,
      body: body(
        { op: 'remove', path: 'members[value eq "u9"]' },
        { op: 'remove', path: 'members', value: [{ value: 'u8' }] },
        { op: 'add', path: 'members', value: [{ value: 'u1' }, { value: 'u4' }] },
        { op: 'remove', path: 'members[display eq "u3"]' },
      ),
    });
    const mentions = asked.get('members')?.mentions ?? [];
    expect(mentions.map(({ value, wanted }) => [wanted, value['value']])).toEqual([
      [false, 'u9'],
      [false, 'u8'],
      [true, 'u1'],
      [true, 'u4'],
      [false, 'u3'],
    ]);
    expect([...asked.keys()]).toEqual(['members']);
    expect((values.get('members') as JsonObject[]).map(({ value }) => value)).toEqual(['u1', 'u2', 'u4']);
  });

  test('a part of a member makes no member', () => {
    expect(() =>
      left({ op: 'replace', path: 'members[value eq "u9"].$ref', value: 'https://host/Users/u9' }),
    ).toThrow('No value of "members" fits');
  });

  test('an Okta group that is pushed: its own id and name beside the members', () => {
    expect(
      left({ op: 'replace', value: { id: 'g', displayName: 'readers', members: [{ value: 'u7' }] } }),
    ).toEqual(['u7']);
  });
});

describe('what is refused, with its keyword', () => {
  test.each<[JsonValue, string]>([
    [[], 'invalidSyntax: "Operations" is a list with an operation in it.'],
    ['add', 'invalidSyntax: "Operations" is a list'],
    [['add'], 'invalidSyntax: An operation is an object.'],
    [[{ op: 'move', path: 'a' }], 'invalidSyntax: "op" is one of add, remove and replace.'],
    [[{ path: 'active', value: false }], 'invalidSyntax: "op" is one of'],
    [[{ op: 'add', path: 7, value: 1 }], 'invalidPath: "path" is a text.'],
    [
      [{ op: 'add', path: 'nickname.first', value: 'x' }],
      'invalidPath: There is no attribute "nickname.first".',
    ],
    [[{ op: 'add', value: { shoeSize: 7 } }], 'invalidPath: There is no attribute "shoeSize".'],
    [[{ op: 'add', path: '__proto__.polluted', value: 'x' }], 'invalidPath: There is no attribute'],
    [[{ op: 'add', path: 'emails[', value: 'x' }], 'invalidPath: There is no attribute "emails[".'],
    [[{ op: 'add', path: 'emails[].value', value: 'x' }], 'invalidFilter: In the path'],
    [[{ op: 'add', path: 'emails[type is "x"].value', value: 'x' }], 'invalidFilter: In the path'],
    [[{ op: 'add', path: 'emails[size eq 7].value', value: 'x' }], 'invalidFilter: In the path'],
    [
      [{ op: 'add', path: 'emails[type eq "x"].size', value: 'x' }],
      'invalidPath: "emails" has no part "size".',
    ],
    [
      [{ op: 'remove', path: 'emails[type eq "x"] or entitlements[type eq "x"]' }],
      'invalidPath: "emails[type eq \\"x\\"] or'.replaceAll('\\', ''),
    ],
    [[{ op: 'remove', path: 'name[givenName eq "Jo"]' }], 'invalidPath: "name" has no values to choose from'],
    [[{ op: 'remove', path: 'nickNames[value eq "J"]' }], 'invalidPath: "nickNames" has no values'],
    [
      [{ op: 'replace', path: 'emails.value', value: 'x' }],
      'invalidPath: "emails" has several values: say which',
    ],
    [[{ op: 'remove' }], 'noTarget: A remove needs a "path".'],
    [
      [{ op: 'replace', path: 'emails[type eq "other"]', value: { value: 'x' } }],
      'noTarget: No value of "emails" fits',
    ],
    [
      [{ op: 'replace', path: 'emails[type sw "o"].value', value: 'x' }],
      'noTarget: No value of "emails" fits',
    ],
    [[{ op: 'replace', path: 'emails[type eq "a" or type eq "b"].value', value: 'x' }], 'noTarget:'],
    [[{ op: 'add', path: 'emails[value eq "x@y"].type', value: 'work' }], 'noTarget:'],
    [[{ op: 'add', path: 'emails[type eq "other"].display', value: 'x' }], 'noTarget:'],
    [[{ op: 'add', value: ['active'] }], 'invalidSyntax: The add without a "path" has no object'],
    [[{ op: 'add', path: 'displayName' }], 'invalidSyntax: The add of "displayName" has no "value".'],
    [[{ op: 'add', path: enterpriseUrn, value: 'IT' }], 'invalidValue: The "value" of'],
    [[{ op: 'replace', path: 'id', value: '2' }], 'mutability: "id" is the service\'s to write.'],
    [[{ op: 'replace', path: 'meta.version', value: '2' }], 'mutability: "meta.version" is the service'],
    [[{ op: 'add', path: 'groups', value: [{ value: 'g' }] }], 'mutability: "groups" is the service'],
    [[{ op: 'replace', path: 'schemas', value: [] }], 'mutability: "schemas" is the service'],
    [[{ op: 'replace', path: 'employeeId', value: 'E2' }], 'mutability: "employeeId" cannot be changed'],
    [[{ op: 'remove', path: 'employeeId' }], 'mutability: "employeeId" cannot be changed'],
    [[{ op: 'remove', path: 'userName' }], 'mutability: "userName" cannot be removed.'],
    [[{ op: 'replace', path: 'displayName', value: 7 }], 'invalidValue: "displayName" is a text.'],
    [[{ op: 'replace', path: 'displayName', value: ['x'] }], 'invalidValue: "displayName" is a text.'],
    [[{ op: 'replace', path: 'emails', value: [7] }], 'invalidValue: "emails" is an object.'],
    [[{ op: 'replace', path: 'emails', value: [null] }], 'invalidValue: "emails" has null among its values.'],
  ])('%j', (operations, expected) => {
    expect(refusal(operations)).toContain(expected);
  });

  test.each<[unknown, string]>([
    [undefined, 'The body is a JSON object.'],
    [[], 'The body is a JSON object.'],
    [
      { schemas: [userUrn], Operations: [{ op: 'add', value: {} }] },
      `"schemas" is a list with "${patchUrn}"`,
    ],
    [{ schemas: [patchUrn] }, '"Operations" is a list'],
  ])('the body %j', (given, message) => {
    expect(() => applyPatch({ type: user, resource: jo, body: given })).toThrow(message);
  });

  test('more operations than can be looked at', () => {
    const operations = Array.from({ length: 1_001 }, () => ({ op: 'add', path: 'displayName', value: 'x' }));
    expect(refusal(operations)).toBe('413: A request has 1000 operations at most.');
  });

  test.each<[string, number, JsonValue]>([
    ['invalidPath: A path', 1_025, { op: 'add', path: 'x'.repeat(1_025), value: 'x' }],
    ['invalidPath: A path', 60_000, { op: 'add', path: '['.repeat(60_000), value: 'x' }],
    ['invalidPath: A path', 60_000, { op: 'add', value: { ['['.repeat(60_000)]: 'x' } }],
    [
      'tooMany: "emails" has 1000',
      1_001,
      { op: 'add', path: 'emails', value: Array.from({ length: 1_001 }, (_, at) => `${at}@x`) },
    ],
  ])('%s: %d of them', (expected, _, operation) => {
    expect(refusal([operation])).toMatch(expected);
  });

  test('values are counted over all operations, of each attribute by itself', () => {
    const adds = (path: string, each: number) =>
      Array.from({ length: 5 }, (_, at) => ({
        op: at === 4 ? 'remove' : 'add',
        path,
        value: Array.from({ length: each }, (_value, index) => ({ value: `${at}-${index}` })),
      }));
    expect(refusal([...adds('emails', 200), ...adds('entitlements', 200)])).toBe('applied');
    expect(refusal(adds('emails', 201))).toBe('tooMany: "emails" has 1000 values at most in one request.');
  });

  test('all or nothing: what was right before stays without effect', () => {
    const before = structuredClone(jo);
    const frozen = deepFreeze(structuredClone(jo));
    expect(() =>
      applyPatch({
        type: user,
        resource: frozen,
        body: body(
          { op: 'replace', path: 'active', value: false },
          { op: 'remove', path: 'emails[type eq "work"]' },
          { op: 'replace', path: 'shoeSize', value: 7 },
        ),
      }),
    ).toThrow('There is no attribute "shoeSize"');
    expect(frozen).toEqual(before);
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

describe('whatever is sent', () => {
  const path = fc.oneof(
    fc.constantFrom(
      'active',
      'emails',
      'emails[type eq "work"].value',
      'emails[value eq "x"]',
      'name',
      'name.givenName',
      '__proto__',
      'constructor.prototype.x',
      'toString',
      'entitlements',
      enterpriseUrn,
      'schemas',
      'id',
      `${enterpriseUrn}:department`,
      'emails[type eq "x" and primary eq true].value',
      'nickNames',
    ),
    fc.string({ maxLength: 20 }),
  );
  const given = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constant(JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')),
    fc.constantFrom('True', [{ $ref: null, value: 'x' }], { value: 'x', type: 'work' }),
  ) as fc.Arbitrary<JsonValue>;
  const operation = fc.record(
    { op: fc.constantFrom('add', 'Remove', 'REPLACE', 'x'), path, value: given },
    { requiredKeys: ['op'] },
  );

  test('it is applied as a whole or refused as a SCIM error; the resource and the prototypes stay as they are', () => {
    const frozen = deepFreeze(structuredClone(jo));
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (operations) => {
        try {
          const { values } = applyPatch({ type: user, resource: frozen, body: { Operations: operations } });
          expect(typeof values.get('active')).toBe('boolean');
          expect(typeof values.get('userName')).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: 3_000, seed: 20_260_101 },
    );
  });

  test('adding twice is adding once, and removing undoes it', () => {
    const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 8 });
    fc.assert(
      fc.property(ids, ids, (there, added) => {
        const members = (values: readonly string[]) => values.map((value) => ({ value }));
        const resource = { schemas: [group.schema.id], id: 'g', members: members(there) };
        const add = { op: 'add', path: 'members', value: members(added) };
        const apply = (...operations: JsonValue[]) =>
          (
            (applyPatch({ type: group, resource, body: body(...operations) }).values.get('members') ??
              []) as JsonObject[]
          ).map((each) => each['value']);
        const once = apply(add);
        expect(new Set(once)).toEqual(new Set([...there, ...added]));
        expect(once).toHaveLength(new Set([...there, ...added]).size);
        expect(apply(add, add)).toEqual(once);
        const remove = { op: 'remove', path: 'members', value: members(added) };
        expect(apply(add, remove)).toEqual(there.filter((each) => !added.includes(each)));
      }),
    );
  });

  test.each([500, 1_000])('each of %d values is looked at once for what it is, in all operations', (size) => {
    let steps = 0;
    const emails = Array.from({ length: size }, (_, at) => ({
      get value() {
        steps += 1;
        return `${at % 7}@example.com`;
      },
      type: `t${at}`,
    }));
    const added = emails.slice(0, 50).map((_, at) => ({ value: '1@example.com', type: `new${at}` }));
    const operations = ['add', 'remove', 'add', 'remove', 'add'].map((op) => ({
      op,
      path: 'emails',
      value: added,
    }));
    const { values } = applyPatch({ type: user, resource: { ...jo, emails }, body: body(...operations) });
    expect(values.get('emails')).toHaveLength(size + added.length);
    expect(steps).toBeLessThan(2 * size);
  });

  test('a thousand operations on a group of five thousand take less than three seconds of one core', () => {
    const members = Array.from({ length: 5_000 }, (_, at) => ({ value: `AIDA${at}` }));
    const resource = { schemas: [group.schema.id], id: 'g', members };
    const operations = Array.from({ length: 1_000 }, (_, at) => ({
      op: 'remove',
      path: `members[value eq "AIDA${at}"]`,
    }));
    const from = process.cpuUsage();
    const { values } = applyPatch({ type: group, resource, body: body(...operations) });
    expect(values.get('members')).toHaveLength(4_000);
    expect(process.cpuUsage(from).user).toBeLessThan(3_000_000);
  });
});
