import { describe, expect, test } from '@jest/globals';
import { trackedFiles } from './tracked.ts';

/** Words put together here, so that this file does not break its own rules. */
const word = (...parts: readonly string[]): string => parts.join('');

const isText = (path: string): boolean => !/\.(png|ico|svg|gz|tgz)$/.test(path);
const files = trackedFiles(isText);

/** Every line of a tracked file that the pattern finds, as `path:line: text`. */
function linesWith(pattern: RegExp, wanted: (path: string) => boolean = () => true): readonly string[] {
  return [...files]
    .filter(([path]) => wanted(path))
    .flatMap(([path, text]) =>
      text
        .split('\n')
        .map((line, index) => ({ line, at: `${path}:${index + 1}` }))
        .filter(({ line }) => pattern.test(line))
        .map(({ line, at }) => `${at}: ${line.trim().slice(0, 120)}`),
    );
}

const isCode = (path: string): boolean => /\.(ts|mjs|js|py|sh|go)$/.test(path);

describe('what no tracked file has', () => {
  // A checker that finds nothing in the whole tree could as well be blind: each names what it must find.
  test.each([
    ['the path of a home folder', /(?<![\w.~-])\/(home|Users)\/(?!me\b|user\b)[\w.-]+\//, '/home/jo/x'],
    [
      "the path of somebody's machine",
      /(?<![\w.~$}/-])\/(root|work|workspaces?|mnt|opt\/hostedtoolcache)\/[\w.-]/,
      '"/work/x"',
    ],
    [
      'the host of a package registry',
      new RegExp(
        [
          'registry\\.npmjs',
          'registry\\.yarnpkg',
          'pypi',
          'files\\.pythonhosted',
          'proxy\\.golang',
          'sum\\.golang',
        ]
          .map((host) => `${host}\\.(org|com)`)
          .concat('\\b(artifactory|nexus)\\.[\\w-]+\\.[a-z]+', 'repo1?\\.maven\\.(org|apache\\.org)')
          .join('|'),
      ),
      word('https://registry', '.npmjs', '.org/x'),
    ],
  ])('%s', (_, pattern, example) => {
    expect(example).toMatch(pattern);
    expect(linesWith(pattern, (path) => path !== 'test/house/tree.test.ts')).toEqual([]);
  });
});

describe('what no source has', () => {
  test.each([
    [
      'a note of something left undone',
      new RegExp(`\\b(${word('TO', 'DO')}|${word('FIX', 'ME')}|${word('HA', 'CK')})\\b`),
      word('// TO', 'DO: x'),
    ],
    [
      'an order to the compiler to look away',
      new RegExp(`@ts-(ignore|expect-error|nocheck)`),
      word('// @ts-', 'ignore'),
    ],
    [
      'an order to the linter to look away',
      new RegExp(`(es|ox)lint-disable`),
      word('/* eslint-', 'disable */'),
    ],
    [
      'a test that is left out, or alone',
      /\b(test|it|describe)\.(skip|only|todo)\b|\b(xtest|xit|xdescribe|fit|fdescribe)\(/,
      word('test.', 'skip('),
    ],
    ['a mock of a module', /\bjest\.(mock|unstable_mockModule|doMock)\(/, word('jest.', 'mock(')],
  ])('%s', (_, pattern, example) => {
    expect(example).toMatch(pattern);
    expect(linesWith(pattern, (path) => isCode(path) && path !== 'test/house/tree.test.ts')).toEqual([]);
  });
});
