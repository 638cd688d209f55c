import { expect, test } from '@jest/globals';
import { matches, meet } from '../../../src/guard/glob.ts';

test.each([
  ['root', 'root', true],
  ['root', 'ROOT', true],
  ['root', 'roots', false],
  ['root', 'roo', false],
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['*', 'anything at all', true],
  ['**', 'a', true],
  ['admin-*', 'Admin-jo', true],
  ['admin-*', 'admin-', true],
  ['admin-*', 'xadmin-jo', false],
  ['*-break-glass', 'eu-break-glass', true],
  ['*-break-glass', 'eu-break-glass-2', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['a*b*c', 'a--b--b--c', true],
  ['a*b*c', 'a--c--b', false],
  ['*ab', 'aab', true],
  ['*aab', 'aaab', true],
  ['a.c', 'abc', false],
  ['a+', 'aa', false],
  ['arn:*:iam::aws:policy/*', 'arn:aws-cn:iam::aws:policy/job-function/Billing', true],
])('%j on %j: %j', (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected);
});

test('a pattern that makes others try everything takes no time', () => {
  const began = performance.now();
  expect(matches(`${'*a'.repeat(500)}b`, 'a'.repeat(2_000))).toBe(false);
  expect(performance.now() - began).toBeLessThan(1_000);
});

test.each([
  ['a*', '*b', true],
  ['a*', 'b*', false],
  ['abc', 'a?c', true],
  ['abc', 'a?d', false],
  ['*', '', true],
  ['?', '', false],
  ['*x*', 'a*c', true],
  ['a', 'a', true],
  ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::aws:policy/*/ReadOnlyAccess', false],
  ['arn:aws:iam::aws:policy/job-function/*', 'arn:aws:iam::aws:policy/*/Billing', true],
])('%j and %j can mean the same: %j', (one, other, expected) => {
  expect(meet(one, other)).toBe(expected);
  expect(meet(other, one)).toBe(expected);
});

test('patterns meet just where a text matches both', () => {
  const letters = ['', 'a', 'b', '*', '?'];
  const patterns = letters.flatMap((x) => letters.flatMap((y) => letters.map((z) => x + y + z)));
  const texts = ['', 'a', 'b'].flatMap((w) =>
    ['', 'a', 'b'].flatMap((x) => ['', 'a', 'b'].flatMap((y) => ['', 'a', 'b'].map((z) => w + x + y + z))),
  );
  for (const one of patterns) {
    for (const other of patterns) {
      const expected = texts.some((text) => matches(one, text) && matches(other, text));
      if (meet(one, other) !== expected) {
        throw new Error(`${one} and ${other}: ${meet(one, other)}`);
      }
    }
  }
});
