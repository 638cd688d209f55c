import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { longFirst, longSuites, type KnownSuite } from './long-first.ts';

const root = join(import.meta.dirname, '../..');
const [longest = '', second = ''] = longSuites;

/** `!` after a name: it failed; `=`: it has a time. */
function order(...names: readonly string[]): readonly string[] {
  const about = (name: string): KnownSuite => ({
    name: name.replace(/[!=]+$/, ''),
    timed: name.includes('='),
    failed: name.includes('!'),
  });
  return longFirst(names, about);
}

test('every suite that is said to be long is there', () => {
  expect(longSuites.filter((name) => !existsSync(join(root, name)))).toEqual([]);
});

test('without times, long suites come first, in their order, and the rest stays as it is', () => {
  expect(order('b', second, 'a', longest, 'c')).toEqual([longest, second, 'b', 'a', 'c']);
});

test('times count for more, and what failed comes before all', () => {
  expect(order('a=', `${longest}=`)).toEqual(['a=', `${longest}=`]);
  expect(order('b!=', 'c', second)).toEqual(['b!=', second, 'c']);
});
