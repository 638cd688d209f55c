import type { Random } from '../chaos/random.ts';

/** Names that requests make and change accounts under: few, so that what they leave behind is bounded. */
export const names: readonly string[] = Array.from({ length: 12 }, (_, index) => `fuzz-${index}`);

const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  -0.5,
  2 ** 60,
  '',
  ' ',
  'False',
  'true',
  'null',
  '\u0000',
  '\u202e\ud800',
  'ü',
  '😀'.repeat(40),
  'x'.repeat(300),
  'x'.repeat(9_000),
  "'; DROP TABLE users; --",
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '%00%2e%2e',
  '{{7*7}}${7*7}',
  'arn:aws:iam::aws:policy/AdministratorAccess',
  'arn:aws:iam::aws:policy/ReadOnlyAccess',
  'constructor',
  'hasOwnProperty',
  'toString',
  [],
  {},
  [[]],
  [null],
  { value: null },
  { $ref: 'http://127.0.0.1/' },
];

/** A value that has no business where it will stand. */
export function oddValue(random: Random): unknown {
  return random.pick(odd);
}

const keys = [
  'constructor',
  'toString',
  'valueOf',
  'schemas',
  'id',
  'meta',
  'value',
  'path',
  'op',
  '',
  'a.b',
  'a b',
  '$ref',
  'USERNAME',
];

/** A JSON value with changes somewhere in it: one of its values is another with the probability `rate`. */
export function mutated(random: Random, value: unknown, rate: number): unknown {
  if (random.chance(rate)) {
    return oddValue(random);
  }
  if (Array.isArray(value)) {
    const items = value.map((each: unknown) => mutated(random, each, rate));
    if (random.chance(rate)) {
      items.push(...items.slice(0, 3), oddValue(random));
    }
    return random.chance(rate / 2) ? items.toReversed() : items;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(() => !random.chance(rate))
      .map(([key, each]): [string, unknown] => [
        random.chance(rate / 2) ? random.pick(keys) : random.chance(rate / 2) ? key.toUpperCase() : key,
        mutated(random, each, rate),
      ]);
    if (random.chance(rate)) {
      entries.push([random.pick(keys), oddValue(random)]);
    }
    return Object.fromEntries(entries);
  }
  if (typeof value === 'string' && random.chance(rate)) {
    const at = random.int(0, value.length);
    return (
      value.slice(0, at) +
      random.pick(['"', '\\', '\n', '[', ']', '(', ' eq ', '.', ':', '\u0000', '']) +
      value.slice(at)
    );
  }
  return value;
}

/** Bytes of a text with some of them gone, doubled or others. */
export function spoiled(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length === 0) {
    return bytes;
  }
  switch (random.int(0, 4)) {
    case 0:
      return bytes.subarray(0, random.int(0, bytes.length - 1));
    case 1: {
      const copy = Buffer.from(bytes);
      for (let count = random.int(1, 8); count > 0; count -= 1) {
        copy[random.int(0, copy.length - 1)] = random.int(0, 255);
      }
      return copy;
    }
    case 2:
      return Buffer.concat([bytes, bytes.subarray(0, random.int(1, bytes.length))]);
    case 3:
      return Buffer.concat([
        Buffer.from(random.pick(['[', '{"a":', '"', '[['.repeat(200), '\ufeff', '//'])),
        bytes,
      ]);
    default: {
      const key = random.pick(['__proto__', 'constructor', '\\u005f_proto__']);
      return Buffer.from(text.replace('{', `{"${key}":{"isAdmin":true},`));
    }
  }
}
