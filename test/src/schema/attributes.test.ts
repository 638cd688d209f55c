import { describe, expect, test } from '@jest/globals';
import { accountSchema, checkAttributes, type AttributeChange } from '../../../src/schema/index.ts';

const guide = accountSchema([], '').schema;

function changed(changes: readonly AttributeChange[], prefix = ''): ReturnType<typeof accountSchema> {
  return accountSchema(changes, prefix);
}

describe('the account schema', () => {
  test('is the guide’s when nothing is changed', () => {
    expect([...guide.keys()]).toEqual([
      'city',
      'companyName',
      'country',
      'department',
      'displayName',
      'employeeId',
      'employeeType',
      'givenName',
      'jobTitle',
      'mail',
      'mobilePhone',
      'postalCode',
      'state',
      'streetAddress',
      'surname',
      'usageLocation',
    ]);
    for (const definition of guide.values()) {
      expect(definition.tagKey).toBe(definition.name);
      expect(definition.syncDirection).toBe('idhub-to-app');
    }
  });

  test('takes a prefix for every tag, also for one whose key is given', () => {
    const { schema, problems } = changed([{ name: 'costCentre', tagKey: 'cc' }, { name: 'team' }], 'person/');
    expect(problems).toEqual([]);
    expect(schema.get('city')?.tagKey).toBe('person/city');
    expect(schema.get('costCentre')?.tagKey).toBe('person/cc');
    expect(schema.get('team')?.tagKey).toBe('person/team');
  });

  test('adds, renames, changes and removes', () => {
    const { schema, problems } = changed([
      { name: 'team', syncDirection: 'app-to-idhub' },
      { name: 'division', renames: 'department', maxLength: 10 },
      { name: 'city', syncDirection: 'bi-directional' },
      { name: 'mail', removed: true },
    ]);
    expect(problems).toEqual([]);
    expect(schema.get('team')).toEqual({ name: 'team', tagKey: 'team', syncDirection: 'app-to-idhub' });
    expect(schema.get('division')).toEqual({
      name: 'division',
      guideName: 'department',
      tagKey: 'department',
      syncDirection: 'idhub-to-app',
      maxLength: 10,
    });
    expect(schema.has('department')).toBe(false);
    expect(schema.get('city')).toEqual({
      name: 'city',
      guideName: 'city',
      tagKey: 'city',
      syncDirection: 'bi-directional',
      maxLength: 128,
    });
    expect(schema.has('mail')).toBe(false);
    expect(guide.has('mail')).toBe(true);
  });

  test.each<[string, AttributeChange[], string, RegExp]>([
    ['IAM’s own name', [{ name: 'userName' }], '', /"userName" is IAM's own/],
    ['IAM’s own name in other case', [{ name: 'ARN', removed: true }], '', /"ARN" is IAM's own/],
    ['nothing to remove', [{ name: 'shoeSize', removed: true }], '', /no attribute "shoeSize" to remove/],
    ['nothing to rename', [{ name: 'a', renames: 'shoeSize' }], '', /no attribute "shoeSize" to rename/],
    ['renamed onto another', [{ name: 'mail', renames: 'city' }], '', /cannot be renamed to "mail"/],
    [
      'one tag for two',
      [{ name: 'town', tagKey: 'City' }],
      '',
      /"city" and "town" would share the tag "City"/,
    ],
    [
      'one tag for two, with a prefix',
      [{ name: 'town', tagKey: 'CITY' }],
      'p:',
      /"city" and "town" would share/,
    ],
    [
      'a name that differs in case only',
      [{ name: 'Mail', tagKey: 'post' }],
      '',
      /"mail" and "Mail" differ in case only/,
    ],
  ])('refuses %s', (_, changes, prefix, sentence) => {
    const { problems } = changed(changes, prefix);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(sentence);
  });
});

describe('attributes against the schema', () => {
  test.each([
    ['the guide’s own example', { givenName: 'Joan', usageLocation: 'London', displayName: "Joan O'Brien" }],
    ['the longest that is allowed', { streetAddress: 'x'.repeat(1024) }],
    ['characters, not UTF-16 units', { employeeId: '😀'.repeat(16) }],
    ['a canonical value', { employeeType: 'Contractor' }],
    ['nothing', {}],
  ])('accepts %s', (_, attributes) => {
    expect(checkAttributes(guide, attributes)).toEqual([]);
  });

  test.each([
    ['too long', { employeeId: 'x'.repeat(17) }, /"employeeId" has 17 characters; at most 16/],
    [
      'not canonical',
      { employeeType: 'employee' },
      /must be one of Employee, Contractor, Consultant, Vendor/,
    ],
    ['unknown', { shoeSize: '43' }, /"shoeSize" is not in the account schema, which has city, /],
    ['a name of the object prototype', { constructor: 'x' }, /"constructor" is not in the account schema/],
  ])('refuses what is %s', (_, attributes, sentence) => {
    const problems = checkAttributes(guide, attributes);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(sentence);
  });

  test('says everything that is wrong at once', () => {
    expect(checkAttributes(guide, { shoeSize: '43', employeeType: 'x', city: 'Berlin' })).toHaveLength(2);
  });
});
