import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readResource, ScimError, type JsonValue } from '../../../src/scim/index.ts';
import { enterpriseUrn, user, userUrn } from './types.ts';

const read = (body: unknown) => Object.fromEntries(readResource(body, user).values);

describe('a body', () => {
  test.each<[string, JsonValue, Record<string, JsonValue>]>([
    ['nothing', {}, {}],
    ['a name in other letters', { USERNAME: 'Jo@X' }, { userName: 'Jo@X' }],
    ['a name that others have for it', { cn: 'Jo' }, { displayName: 'Jo' }],
    ['with the URN before', { [`${userUrn}:userName`]: 'jo' }, { userName: 'jo' }],
    ['an extension', { [enterpriseUrn]: { department: 'IT' } }, { department: 'IT' }],
    [
      'an extension in other letters',
      { [enterpriseUrn.toUpperCase()]: { DEPARTMENT: 'IT' } },
      {
        department: 'IT',
      },
    ],
    ['an extension without anything', { [enterpriseUrn]: null }, {}],
    ['an attribute of it with its URN', { [`${enterpriseUrn}:department`]: 'IT' }, { department: 'IT' }],
    [
      'dotted keys',
      { 'name.givenName': 'Jo', 'name.familyName': 'Doe' },
      {
        name: { givenName: 'Jo', familyName: 'Doe' },
      },
    ],
    ['null', { displayName: null, emails: null }, { displayName: null, emails: null }],
    ['an empty list', { emails: [] }, { emails: null }],
    ['null as a part', { name: { givenName: 'Jo', familyName: null } }, { name: { givenName: 'Jo' } }],
    [
      'one value without a list',
      { emails: { value: 'a@b', TYPE: 'work' } },
      {
        emails: [{ value: 'a@b', type: 'work' }],
      },
    ],
    [
      'texts as values',
      { entitlements: ['arn:one', 'arn:two'] },
      {
        entitlements: [{ value: 'arn:one' }, { value: 'arn:two' }],
      },
    ],
    [
      'a pointer as a value',
      { entitlements: [{ $ref: 'https://host/scim/v2/Entitlement/A%2FB?x=1' }] },
      {
        entitlements: [{ $ref: 'https://host/scim/v2/Entitlement/A%2FB?x=1', value: 'A/B' }],
      },
    ],
    [
      'parts that mean nothing',
      { emails: [{ value: 'a@b', verified: true }] },
      { emails: [{ value: 'a@b' }] },
    ],
    ['what only the service writes', { id: '7', meta: { version: 'x' }, groups: [{ value: 'g' }] }, {}],
    [
      'numbers and times',
      { logins: 7, score: 0.5, hired: '2026-01-31T00:00:00Z' },
      {
        logins: 7,
        score: 0.5,
        hired: '2026-01-31T00:00:00Z',
      },
    ],
    ['schemas as a text', { schemas: userUrn, userName: 'jo' }, { userName: 'jo' }],
    ['schemas in other letters', { schemas: [userUrn.toUpperCase(), 'urn:other'] }, {}],
    ['no schemas', { schemas: null }, {}],
    ['a password', { password: 'p' }, { password: 'p' }],
    ['an external id', { externalId: 'E1' }, { externalId: 'E1' }],
  ])('%s', (_what, body, expected) => {
    expect(read(body)).toEqual(expected);
  });

  test.each<[JsonValue, boolean]>([
    [true, true],
    [false, false],
    ['True', true],
    ['False', false],
    ['TRUE', true],
    ['false', false],
    ['Inactive', false],
  ])('C24: active %j is %s', (active, expected) => {
    expect(read({ active })).toEqual({ active: expected });
    expect(read({ accountEnabled: active })).toEqual({ active: expected });
  });

  test.each<[JsonValue, string]>([
    [null, 'invalidSyntax: The body is a JSON object.'],
    [[], 'invalidSyntax: The body is a JSON object.'],
    ['{}', 'invalidSyntax: The body is a JSON object.'],
    [{ schemas: [] }, 'invalidSyntax: "schemas" is a list with'],
    [{ schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'] }, 'invalidSyntax: "schemas" is a list with'],
    [{ schemas: { 0: userUrn } }, 'invalidSyntax: "schemas" is a list with'],
    [{ userName: 'a', USERNAME: 'b' }, 'invalidSyntax: "userName" is there twice.'],
    [{ active: true, status: 'inactive' }, 'invalidSyntax: "active" is there twice.'],
    [{ name: { givenName: 'a', GIVENNAME: 'b' } }, 'invalidSyntax: "name.givenName" is there twice.'],
    [{ 'name.givenName': 'a', 'NAME.givenName': 'b' }, 'invalidSyntax: "name" is there twice.'],
    [{ 'emails.value': 'a@b' }, 'invalidSyntax: "emails" has several values: write a list of objects.'],
    [{ active: 'no' }, 'invalidValue: "active" is true or false.'],
    [{ active: 0 }, 'invalidValue: "active" is true or false.'],
    [{ active: null }, 'invalidValue: "active" must have a value.'],
    [{ userName: null }, 'invalidValue: "userName" must have a value.'],
    [{ userName: 7 }, 'invalidValue: "userName" is a text.'],
    [{ userName: ['jo'] }, 'invalidValue: "userName" is a text.'],
    [{ logins: 7.5 }, 'invalidValue: "logins" is a whole number.'],
    [{ logins: '7' }, 'invalidValue: "logins" is a whole number.'],
    [{ score: 'high' }, 'invalidValue: "score" is a number.'],
    [{ hired: 'yesterday' }, 'invalidValue: "hired" is a time such as'],
    [{ hired: '2026-13-31T00:00:00Z' }, 'invalidValue: "hired" is a time such as'],
    [{ name: 'Jo Doe' }, 'invalidValue: "name" is an object.'],
    [{ name: ['Jo'] }, 'invalidValue: "name" is an object.'],
    [{ emails: [7] }, 'invalidValue: "emails" is an object.'],
    [{ emails: [null] }, 'invalidValue: "emails" has null among its values.'],
    [{ emails: [{ value: { value: 'x' } }] }, 'invalidValue: "emails.value" is a text.'],
    [{ [enterpriseUrn]: 'IT' }, `invalidValue: "${enterpriseUrn}" is an object.`],
  ])('%j is refused', (body, expected) => {
    try {
      read(body);
      expect('read').toBe('refused');
    } catch (error) {
      const { scimType, message } = error as ScimError;
      expect(`${scimType}: ${message}`).toContain(expected);
    }
  });

  test('what means nothing here is passed over, and told for the log, not without end', () => {
    const body: Record<string, JsonValue> = { userName: 'jo', shoeSize: 7, 'urn:other:User': { a: 1 } };
    expect(readResource(body, user).ignored).toEqual(['shoeSize', 'urn:other:User']);
    for (let at = 0; at < 1_000; at += 1) {
      body[`${'x'.repeat(1_000)}${at}`] = at;
    }
    const { ignored } = readResource(body, user);
    expect(ignored).toHaveLength(50);
    expect(Math.max(...ignored.map(({ length }) => length))).toBeLessThan(100);
  });

  test('nothing reaches a prototype', () => {
    const body = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"name":{"__proto__":{"polluted":true}}}',
    ) as unknown;
    expect(read(body)).toEqual({ name: {} });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each(['https://host/Entitlement/A', `https://host/Entitlement/A${'/'.repeat(1_000_000)}`])(
    'what is pointed at is read in one go, however long it is',
    (address) => {
      const found = read({ entitlements: [{ $ref: address }, { $ref: '/?'.repeat(500_000) }] });
      expect(found['entitlements']).toEqual([
        { $ref: address, value: 'A' },
        { $ref: expect.anything(), value: '' },
      ]);
    },
  );

  test('whatever is sent, it is read or refused as a SCIM error', () => {
    const key = fc.constantFrom(
      'userName',
      'active',
      'emails',
      'name',
      'name.givenName',
      enterpriseUrn,
      'schemas',
      'x',
    );
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue({ maxDepth: 3 })), (body) => {
        try {
          const { values } = readResource(body, user);
          expect(['boolean', 'undefined']).toContain(typeof values.get('active'));
        } catch (error) {
          expect(error).toBeInstanceOf(ScimError);
        }
      }),
      { numRuns: 2_000, seed: 20_260_102 },
    );
  });
});
