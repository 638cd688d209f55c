import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeValue, encodeValue, isContinuation, maxTags, partKey } from '../../../src/schema/index.ts';

/** IAM API reference, Tag: the letters of a value, and its most characters. */
const legal = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
const longest = 256;

function tagsOf(key: string, parts: readonly string[]): Map<string, string> {
  return new Map(parts.map((part, index) => [partKey(key, index + 1), part]));
}

/** Whatever a person can be called, and whatever can be made to look like our own marks. */
const anyValue = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom(..."=0123456789ABCDEFabcdef:/idhub%' ".split('')), maxLength: 600 }),
  fc.string({ unit: fc.constantFrom('a', 'ß', '李', 'é', '𝒳'), maxLength: 1100 }),
  fc
    .tuple(fc.nat(120), fc.nat(120), fc.string({ maxLength: 40 }))
    .map(([part, parts, text]) => `idhub:${part}/${parts}:${text}`),
);

const legalValue = fc.oneof(
  fc.string({
    unit: fc.constantFrom(...'=0123456789ABCDEFabcdef:/idhub.+-@_ '.split('')),
    maxLength: longest,
  }),
  fc
    .tuple(
      fc.nat(4),
      fc.nat(4),
      fc.string({ unit: fc.constantFrom('=', '2', '7', 'C', '3', 'x', ':'), maxLength: 80 }),
    )
    .map(([part, parts, text]) => `idhub:${part}/${parts}:${text}`),
);

describe('an attribute as tags', () => {
  test('is read back to the letter, and AWS takes every part', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const parts = encodeValue(value);
        expect(parts.filter((part) => part.length > longest || !legal.test(part))).toEqual([]);
        const decoded = decodeValue('key', tagsOf('key', parts));
        expect(decoded?.value).toBe(value);
        expect(decoded?.keys).toEqual(parts.map((_, index) => partKey('key', index + 1)));
      }),
      { numRuns: 700 },
    );
  });

  test('is read back for any length up to 4,096 characters, for as long as a user can carry its tags', () => {
    const long = fc.tuple(
      fc.integer({ min: 1, max: 4_096 }),
      fc.constantFrom('x', "'", 'é', '李', '&', ',', '=', '€', '\n'),
      fc.constantFrom('', '5, High St. ', 'idhub:1/2:'),
    );
    fc.assert(
      fc.property(long, ([length, letter, start]) => {
        const value = (start + letter.repeat(length)).slice(0, 4_096);
        const parts = encodeValue(value);
        fc.pre(parts.length <= maxTags);
        expect(parts.filter((part) => part.length > longest || !legal.test(part))).toEqual([]);
        expect(decodeValue('key', tagsOf('key', parts))?.value).toBe(value);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['plain text', 'Berlin', ['Berlin']],
    ['nothing', '', ['']],
    ['a name in other letters', '李小龍', ['李小龍']],
    ['256 letters', 'x'.repeat(256), ['x'.repeat(256)]],
    ['an apostrophe', "O'Brien", ['idhub:1/1:O=27Brien']],
    ['a comma', '5, High St.', ['idhub:1/1:5=2C High St.']],
    ['an equals sign, which AWS takes', 'a=27', ['a=27']],
    ['an equals sign beside a comma', 'a=27,', ['idhub:1/1:a=3D27=2C']],
    ['what looks like our own mark', 'idhub:1/1:x', ['idhub:1/1:idhub:1/1:x']],
    ['257 letters', 'x'.repeat(257), [`idhub:1/2:${'x'.repeat(244)}`, `idhub:2/2:${'x'.repeat(13)}`]],
    ['a sign of four bytes', '😀', ['idhub:1/1:=F0=9F=98=80']],
  ])('%s', (_, value, parts) => {
    expect(encodeValue(value)).toEqual(parts);
    expect(decodeValue('k', tagsOf('k', parts))?.value).toBe(value);
  });
});

describe('what a person wrote into AWS', () => {
  test('is never misread: it is returned to the letter, or it is just what we would have written', () => {
    fc.assert(
      fc.property(fc.array(legalValue, { minLength: 1, maxLength: 4 }), (written) => {
        const tags = tagsOf('key', written);
        const decoded = decodeValue('key', tags);
        if (decoded?.keys.length === 1 && decoded.value === written[0]) {
          return;
        }
        const parts = encodeValue(decoded?.value ?? '');
        expect(parts).toEqual(written.slice(0, parts.length));
        expect(decoded?.keys).toHaveLength(parts.length);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['a mark with plain text', ['idhub:1/1:plain']],
    ['a mark of no parts', ['idhub:0/0:=27']],
    ['a second part that is missing', ['idhub:1/2:=27']],
    ['a second part that is not one', [encodeValue("'".repeat(100))[0] ?? '', 'Berlin']],
    ['an escape that is none', ['idhub:1/1:=2']],
    ['an escape in small letters', ['idhub:1/1:O=27Brien=2c']],
    ['an escape of what is no UTF-8', ['idhub:1/1:=FF']],
    ['an escape of a letter that needs none', ['idhub:1/1:=41=27']],
    ['the second part in place of the first', ['idhub:2/2:=27', 'idhub:1/2:=27']],
    ['percent signs as text', ['idhub:1/1:25=27=']],
  ])('%s stays as it is', (_, written) => {
    expect(decodeValue('k', tagsOf('k', written))).toEqual({ value: written[0], keys: ['k'] });
  });

  test('is absent where there is no such tag', () => {
    expect(decodeValue('k', new Map([['k.2', 'x']]))).toBeUndefined();
  });
});

test.each([
  ['idhub:1/2:x', false],
  ['idhub:2/2:x', true],
  ['idhub:12/13:', true],
  ['Berlin', false],
  ['', false],
  ['xidhub:2/2:', false],
])('%s is a continuation: %s', (value, expected) => {
  expect(isContinuation(value)).toBe(expected);
});
