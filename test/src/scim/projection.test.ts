import { describe, expect, test } from '@jest/globals';
import {
  attribute,
  filterLanguage,
  lookupOf,
  matches,
  parseFilter,
  projection,
  resourceOf,
  resourceType,
  valuesOf,
  type JsonObject,
  type Wanted,
} from '../../../src/scim/index.ts';
import { enterpriseUrn, user, userUrn } from './types.ts';

const jo: JsonObject = {
  schemas: [userUrn, enterpriseUrn],
  id: '1',
  externalId: 'E1',
  meta: { resourceType: 'User', location: 'https://host/Users/1', created: '2026-01-31T00:00:00Z' },
  userName: 'jo',
  name: { givenName: 'Jo', familyName: 'Doe' },
  nickName: 'J',
  password: 'never',
  active: true,
  emails: [
    { value: 'jo@example.com', type: 'work' },
    { value: 'jo@example.org', type: 'home' },
  ],
  hired: '2026-01-31T00:00:00Z',
  [enterpriseUrn]: { department: 'IT', employeeNumber: '7' },
  'used as': 'beside the definitions',
};
const { nickName: _request, password: _never, ...usual } = jo;
const always = { schemas: jo['schemas'], id: '1', userName: 'jo' };

describe('what is shown of a resource (RFC 7644, 3.9)', () => {
  test.each<[Wanted, Record<string, unknown>]>([
    [{}, usual],
    [{ attributes: ['displayName'] }, always],
    [{ attributes: ['ACTIVE'] }, { ...always, active: true }],
    [{ attributes: ['status'] }, { ...always, active: true }],
    [{ attributes: [`${userUrn}:active`] }, { ...always, active: true }],
    [{ attributes: ['nickName'] }, { ...always, nickName: 'J' }],
    [{ attributes: ['password'] }, always],
    [{ attributes: ['name'] }, { ...always, name: jo['name'] }],
    [{ attributes: ['name.givenName'] }, { ...always, name: { givenName: 'Jo' } }],
    [{ attributes: ['name.givenName', 'name'] }, { ...always, name: jo['name'] }],
    [{ attributes: ['name', 'name.givenName'] }, { ...always, name: jo['name'] }],
    [{ attributes: ['name.givenName', 'name.familyName'] }, { ...always, name: jo['name'] }],
    [{ attributes: ['name.formatted'] }, always],
    [
      { attributes: ['emails.value'] },
      {
        ...always,
        emails: [{ value: 'jo@example.com' }, { value: 'jo@example.org' }],
      },
    ],
    [{ attributes: [enterpriseUrn] }, { ...always, [enterpriseUrn]: jo[enterpriseUrn] }],
    [
      { attributes: [user.schema.id.toUpperCase()] },
      { ...always, name: jo['name'], nickName: 'J', active: true, emails: jo['emails'], hired: jo['hired'] },
    ],
    [{ excludedAttributes: [userUrn] }, omit('name', 'active', 'emails', 'hired')],
    [{ attributes: [`${enterpriseUrn}:department`] }, { ...always, [enterpriseUrn]: { department: 'IT' } }],
    [{ attributes: ['department'] }, { ...always, [enterpriseUrn]: { department: 'IT' } }],
    [{ attributes: ['used as'] }, { ...always, 'used as': 'beside the definitions' }],
    [{ attributes: ['shoeSize', '__proto__', ''] }, always],
    [{ attributes: ['meta.location'] }, { ...always, meta: { location: 'https://host/Users/1' } }],
    [{ excludedAttributes: ['userName', 'id', 'schemas'] }, usual],
    [{ excludedAttributes: ['emails', 'META', 'used as'] }, omit('emails', 'meta', 'used as')],
    [{ excludedAttributes: ['name.familyName'] }, { ...usual, name: { givenName: 'Jo' } }],
    [{ excludedAttributes: ['name.familyName', 'name.givenName'] }, omit('name')],
    [{ excludedAttributes: [enterpriseUrn] }, omit(enterpriseUrn)],
    [
      { excludedAttributes: [`${enterpriseUrn}:department`] },
      {
        ...usual,
        [enterpriseUrn]: { employeeNumber: '7' },
      },
    ],
    [{ excludedAttributes: ['shoeSize'] }, usual],
  ])('%j', (wanted, expected) => {
    expect(projection(user, wanted)(jo)).toEqual(expected);
  });

  test('of the parts, too, those always returned, on request and never', () => {
    const part = (name: string, returned: 'always' | 'request' | 'never' | 'default') =>
      attribute({ name, returned, description: '' });
    const type = resourceType({
      ...user,
      extensions: [],
      schema: {
        ...user.schema,
        attributes: [
          attribute({
            name: 'keys',
            type: 'complex',
            multiValued: true,
            description: '',
            subAttributes: [
              part('id', 'always'),
              part('state', 'default'),
              part('age', 'request'),
              part('secret', 'never'),
            ],
          }),
        ],
      },
    });
    const keys = (wanted: Wanted) =>
      projection(type, wanted)({ keys: [{ id: 'a', state: 'b', age: 'c', secret: 'd' }] })['keys'];
    expect(keys({})).toEqual([{ id: 'a', state: 'b' }]);
    expect(keys({ attributes: ['keys.age'] })).toEqual([{ id: 'a', age: 'c' }]);
    expect(keys({ attributes: ['keys.secret'] })).toEqual([{ id: 'a' }]);
    expect(keys({ excludedAttributes: ['keys.id', 'keys.state'] })).toEqual([{ id: 'a' }]);
  });

  test('the resource stays as it is', () => {
    const before = structuredClone(jo);
    projection(user, { excludedAttributes: ['name.givenName'] })(jo);
    expect(jo).toEqual(before);
  });
});

function omit(...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(usual).filter(([name]) => !names.includes(name)));
}

describe('the values of a resource', () => {
  test('go out as they came in', () => {
    const { 'used as': _beside, ...defined } = jo;
    expect(resourceOf(valuesOf(jo, user), user)).toEqual(defined);
  });

  test('an extension without a value is none', () => {
    const { [enterpriseUrn]: _extension, ...rest } = jo;
    expect(resourceOf(valuesOf(rest, user), user)['schemas']).toEqual([userUrn]);
  });

  test.each([
    ['userName eq "JO"', 'yes'],
    ['status eq true', 'yes'],
    ['emails[type eq "work"].value co "example.com"', 'yes'],
    ['emails eq "jo@example.org"', 'yes'],
    ['hired lt "2026-02-01"', 'yes'],
    ['meta.created ge "2026-01-31T00:00:00Z"', 'yes'],
    ['meta.resourceType eq "User"', 'yes'],
    ['meta.resourceType eq "user"', 'no'],
    [`${enterpriseUrn}:department eq "it"`, 'yes'],
    ['externalId eq "E1"', 'yes'],
    ['externalId eq "e1"', 'no'],
    ['schemas eq "urn:other"', 'no'],
    ['nickName pr', 'yes'],
    ['manager pr', 'no'],
  ])('fit a filter: %s: %s', (text, expected) => {
    const parsed = parseFilter(text, filterLanguage(user));
    expect(parsed).toMatchObject({ kind: 'filter' });
    if (parsed.kind === 'filter') {
      expect(matches(parsed.filter, lookupOf(jo, user))).toBe(expected);
    }
  });

  test('what is never returned cannot be asked for, so that nobody guesses it letter by letter', () => {
    expect(parseFilter('password sw "n"', filterLanguage(user))).toMatchObject({
      message: expect.stringContaining('there is no attribute "password"'),
    });
  });
});
