import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonical, matches, parseFilter, pathPrefix } from '../../../../src/scim/filter/index.ts';
import type { Filter, FilterAttribute, Value } from '../../../../src/scim/filter/model.ts';

const language = {
  attributes: [
    { name: 'userName', type: 'string' },
    { name: 'title', type: 'string', caseExact: true },
    { name: 'path', type: 'string', caseExact: true },
    { name: 'active', type: 'boolean' },
    { name: 'created', type: 'dateTime' },
    { name: 'groups', type: 'string' },
    { name: 'logins', type: 'integer', aliases: ['loginCount'] },
    { name: 'manager', type: 'reference', caseExact: true },
    { name: 'certificate', type: 'binary', caseExact: true },
    {
      name: 'emails',
      type: 'complex',
      parts: [
        { name: 'value', type: 'string' },
        { name: 'type', type: 'string' },
      ],
    },
  ] satisfies FilterAttribute[],
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
};

function read(text: string): Filter {
  const parsed = parseFilter(text, language);
  if (parsed.kind === 'refused') {
    throw new Error(parsed.message);
  }
  return parsed.filter;
}

const person: Readonly<Record<string, readonly Value[] | 'unknown'>> = {
  userName: ['bjensen@Example.com'],
  title: ['Tour "Guide" \\ 5, High St.'],
  path: ['/eu/sales/'],
  active: [true],
  created: [Date.UTC(2011, 4, 13, 4, 42, 34)],
  groups: ['Readers', 'writers'],
  logins: [7],
  manager: ['https://host/Users/M1'],
  certificate: ['QUJD'],
  emails: [
    { value: 'bjensen@example.com', type: 'work' },
    { value: 'babs@jensen.org', type: 'home' },
  ],
};

const of = (values: typeof person, text: string) => matches(read(text), (name) => values[name] ?? []);

describe('C26: a filter (RFC 7644, 3.4.2.2)', () => {
  test.each([
    ['userName eq "bjensen@example.com"', 'yes'],
    ['USERNAME Eq "BJENSEN@example.com"', 'yes'],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName sw "B"', 'yes'],
    ['userName ne "bjensen@example.com"', 'no'],
    ['userName co "jensen"', 'yes'],
    ['userName sw "jensen"', 'no'],
    ['userName ew ".COM"', 'yes'],
    ['title pr', 'yes'],
    ['title pr and active eq true', 'yes'],
    ['title eq "tour \\"guide\\" \\\\ 5, high st."', 'no'],
    ['title eq "Tour \\"Guide\\" \\\\ 5, High St."', 'yes'],
    ['title co "\\u0022Guide"', 'yes'],
    ['created gt "2011-05-13T04:42:33Z"', 'yes'],
    ['created ge "2011-05-13T06:42:34+02:00"', 'yes'],
    ['created lt "2011-05-13T04:42:34Z"', 'no'],
    ['created le "2011-05-13T04:42:34Z"', 'yes'],
    ['created eq "2011-05-13T04:42:34.000"', 'yes'],
    ['created gt "2011-05-13"', 'yes'],
    ['created lt "2011-05-14t00:00:00z"', 'yes'],
    ['active eq "False"', 'no'],
    ['active eq "TRUE"', 'yes'],
    ['active ne false', 'yes'],
    ['groups eq "readers"', 'yes'],
    ['groups ne "readers"', 'no'],
    ['groups eq "others"', 'no'],
    ['emails eq "BABS@jensen.org"', 'yes'],
    ['emails.type eq "work"', 'yes'],
    ['emails[type eq "work" and value co "@example.com"]', 'yes'],
    ['emails[type eq "work" and value co "jensen.org"]', 'no'],
    ['emails.type eq "work" and emails.value co "jensen.org"', 'yes'],
    ['emails[type eq "work"].value eq "BJENSEN@example.com"', 'yes'],
    ['emails[type eq "work"].value eq "babs@jensen.org"', 'no'],
    ['emails[type eq "work" or type eq "home"].value sw "babs" and active eq true', 'yes'],
    ['logins gt 6.5', 'yes'],
    ['LoginCount le 6', 'no'],
    ['logins ne 7', 'no'],
    ['manager ew "/M1"', 'yes'],
    ['manager eq "https://host/Users/m1"', 'no'],
    ['certificate eq "QUJD"', 'yes'],
    ['emails[not (type eq "work")]', 'yes'],
    ['not (emails[type eq "work"])', 'no'],
    ['userName eq "x" or userName co "j" and active eq false', 'no'],
    ['(userName eq "x" or userName co "j") and active eq true', 'yes'],
    ['userName eq "x" and active eq true or title pr', 'yes'],
    ['not (userName eq "x") and not (active eq false)', 'yes'],
    ['title eq null', 'no'],
    ['title ne null', 'yes'],
  ] as const)('%s: %s', (text, expected) => {
    expect(of(person, text)).toBe(expected);
  });

  test.each([
    ['title pr', 'no'],
    ['title eq "x"', 'no'],
    ['title ne "x"', 'yes'],
    ['not (title eq "x")', 'yes'],
    ['title eq null', 'yes'],
    ['emails[type eq "work"]', 'no'],
    ['emails pr', 'no'],
    ['emails.value pr', 'no'],
  ] as const)('of who has nothing, %s: %s', (text, expected) => {
    expect(of({}, text)).toBe(expected);
  });

  test('a text without a character is no value', () => {
    expect(of({ title: [''] }, 'title pr')).toBe('no');
    expect(of({ emails: [{ value: '', type: 'work' }] }, 'emails.value pr or not (emails.type pr)')).toBe(
      'no',
    );
  });

  test.each([
    ['title eq "x"', 'unknown'],
    ['not (title eq "x")', 'unknown'],
    ['title ne "x"', 'unknown'],
    ['title pr', 'unknown'],
    ['emails[type eq "x"]', 'unknown'],
    ['title pr or active eq true', 'yes'],
    ['title pr or active eq false', 'unknown'],
    ['title pr and active eq true', 'unknown'],
    ['title pr and active eq false', 'no'],
  ] as const)('C11: of what could not be read, %s: %s', (text, expected) => {
    expect(of({ ...person, title: 'unknown', emails: 'unknown' }, text)).toBe(expected);
  });
});

describe('what is refused, with a sentence', () => {
  test.each([
    ['', 'the end stands where the name of an attribute'],
    ['userName', 'the end stands where pr or one of eq'],
    ['userName eq', 'the end stands where a value is expected'],
    ['userName eq jo', '"jo" at character 13 stands where a value'],
    ["userName eq 'jo'", 'character 13 ("\'") has no meaning here; texts stand in double quotes'],
    ['userName eq "jo', 'the text that begins at character 13 does not end'],
    ['userName eq "a\nb"', 'must be escaped'],
    ['userName is "jo"', '"is" at character 10 is no operator; write pr or one of eq'],
    ['userName eq "jo" title pr', '"title" at character 18 is too much; join conditions'],
    ['nickName pr', 'there is no attribute "nickName"; there are userName, title,'],
    ['emails.home pr', 'there are emails.value, emails.type'],
    ['__proto__ pr', 'has no meaning here'],
    ['constructor pr', 'there is no attribute "constructor"'],
    ['title eq 5', 'title is a text: write it in double quotes'],
    ['active eq "no"', 'write active eq true or active eq false'],
    ['active gt true', 'makes no sense'],
    ['created gt "yesterday"', 'a time is compared with eq'],
    ['created co "2011"', 'a time is compared with eq'],
    ['created gt "2026-02-30T00:00:00Z"', 'a time is compared with eq'],
    ['created gt "2026-01-31 10:00"', 'a time is compared with eq'],
    ['created gt "2026-01-31T25:00:00Z"', 'a time is compared with eq'],
    ['title gt null', 'null can be compared with eq and ne only'],
    ['title[value eq "x"]', 'title has no parts'],
    ['emails[type eq "work"].', 'has no meaning here'],
    ['emails[type eq "work"].home eq "x"', 'there is no attribute "home"; there are value, type'],
    ['emails[type eq "work"].value', 'the end stands where pr or one of eq'],
    ['logins eq "5"', 'a number is compared with eq'],
    ['logins co 5', 'a number is compared with eq'],
    ['manager eq 5', 'manager is a text'],
    ['certificate gt "QQ=="', 'what is binary has no order'],
    ['certificate eq true', 'certificate is a text'],
    ['emails[type eq "work"', 'the end stands where ] is expected'],
    ['not title pr', '"title" at character 5 stands where ( is expected'],
    ['(title pr', 'the end stands where ) is expected'],
    ['title pr)', '")" at character 9 is too much'],
    ['title pr and', 'the end stands where the name'],
    ['title pr // x', 'has no meaning here'],
  ])('%j', (text, sentence) => {
    const parsed = parseFilter(text, language);
    expect(parsed.kind === 'refused' ? parsed.message : parsed).toContain(sentence);
  });

  test.each([
    ['20,000 brackets', '('.repeat(20_000), 'at most 8192'],
    ['brackets in brackets', `${'('.repeat(100)}title pr${')'.repeat(100)}`, 'nested more than 40 deep'],
    ['a megabyte', `title eq "${'x'.repeat(1_000_000)}"`, 'at most 8192'],
    ['a long name', `${'x'.repeat(5_000)} pr`, `"${'x'.repeat(40)}…"`],
    ['a long value', `active eq "${'x'.repeat(5_000)}"`, `"${'x'.repeat(39)}…`],
    [
      'many conditions',
      Array.from({ length: 501 }, () => 'title pr').join(' or '),
      'more than 500 conditions',
    ],
  ])('%s', (_what, text, sentence) => {
    const parsed = parseFilter(text, language);
    expect(parsed.kind === 'refused' ? parsed.message : parsed).toContain(sentence);
    expect(JSON.stringify(parsed).length).toBeLessThan(500);
  });

  test('whatever is written, it is read or refused', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'userName',
        'eq',
        'and',
        'or',
        'not',
        '(',
        ')',
        '[',
        ']',
        '"x"',
        'true',
        'emails',
        '.',
        '\\',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(['filter', 'refused']).toContain(parseFilter(pieces.join(' '), language).kind);
      }),
    );
  });
});

const attributeOf = (name: string) => language.attributes.find((one) => one.name === name) as FilterAttribute;
const compare = fc
  .record({
    name: fc.constantFrom('userName', 'title', 'path'),
    operator: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
    operand: fc.string({ unit: 'binary' }),
  })
  .map(({ name, operator, operand }): Filter => {
    return { kind: 'compare', path: { attribute: attributeOf(name), part: undefined }, operator, operand };
  });
const { filter: anyFilter } = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    compare,
    fc.constantFrom('title', 'path').map((name): Filter => {
      return { kind: 'present', path: { attribute: attributeOf(name), part: undefined } };
    }),
    tie('filter').map((filter): Filter => ({ kind: 'not', filter })),
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
      )
      .map(([kind, parts]): Filter => {
        return { kind, filters: parts.flatMap((part) => (part.kind === kind ? part.filters : [part])) };
      }),
  ),
}));

describe('any filter', () => {
  test('is read from its text as it was', () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        const parsed = parseFilter(canonical(filter), language);
        // Beyond the bounds it is refused, and nothing else.
        fc.pre(parsed.kind === 'filter' || !/nested|conditions|characters/.test(parsed.message));
        expect(parsed).toEqual({ kind: 'filter', filter });
      }),
    );
  });

  test('obeys De Morgan, also where something is unknown', () => {
    const lookup = fc
      .array(fc.constantFrom('unknown' as const, [], ['x'], ['/a/']), { minLength: 3, maxLength: 3 })
      .map((found) => (name: string) => found[['userName', 'title', 'path'].indexOf(name)] ?? []);
    fc.assert(
      fc.property(anyFilter, anyFilter, lookup, (one, other, values) => {
        const not = (filter: Filter): Filter => ({ kind: 'not', filter });
        expect(matches(not({ kind: 'and', filters: [one, other] }), values)).toBe(
          matches({ kind: 'or', filters: [not(one), not(other)] }, values),
        );
      }),
    );
  });
});

describe('the path that IAM can filter by', () => {
  test.each([
    ['path sw "/eu/"', '/eu/'],
    ['path sw "/eu/sa"', '/eu/'],
    ['path eq "/eu/sales/"', '/eu/sales/'],
    ['path sw "/eu/" and title pr', '/eu/'],
    ['path sw "/eu/" and path sw "/eu/sales/"', '/eu/sales/'],
    ['path sw "/eu/a/" or path sw "/eu/b/"', '/eu/'],
    ['path sw "/"', undefined],
    ['path sw "/eu/" or title pr', undefined],
    ['not (path sw "/eu/")', undefined],
    ['path ew "/eu/"', undefined],
    ['path sw "/é/x/"', undefined],
    ['title sw "/eu/"', undefined],
  ])('%s: %s', (text, expected) => {
    expect(pathPrefix(read(text), 'path')).toBe(expected);
  });

  test('holds everything that fits', () => {
    const paths = ['/', '/eu/', '/eu/a/', '/eu/b/', '/us/'];
    fc.assert(
      fc.property(anyFilter, fc.constantFrom(...paths), (filter, path) => {
        const prefix = pathPrefix(filter, 'path');
        fc.pre(matches(filter, (name) => (name === 'path' ? [path] : ['x'])) === 'yes');
        expect(path.startsWith(prefix ?? '/')).toBe(true);
      }),
    );
  });
});
