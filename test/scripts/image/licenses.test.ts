import { expect, test } from '@jest/globals';
import { isLicenseFile, licensesText, type Licensed } from '../../../scripts/image/licenses.ts';

test.each([
  ['LICENSE', true],
  ['license.md', true],
  ['LICENCE', true],
  ['LICENSE-MIT.txt', true],
  ['NOTICE', true],
  ['COPYING', true],
  ['license.js', false],
  ['licenser', false],
  ['README.md', false],
])('%s: %s', (name, is) => {
  expect(isLicenseFile(name)).toBe(is);
});

const packages: readonly Licensed[] = [
  { id: 'b@1.0.0', license: 'MIT', texts: ['Use it.\r\nAs you like.\n'] },
  { id: 'a@1.0.0', license: 'Apache-2.0', texts: ['Apache', 'Notice of a'] },
  { id: 'c@2.0.0', license: undefined, texts: [] },
  { id: 'd@1.0.0', license: 'MIT', texts: ['Use it.\nAs you like.'] },
];

test('each package is named with its license, each text is there once, with those that have it', () => {
  const text = licensesText(packages);
  expect(text).toContain('a@1.0.0: Apache-2.0\nb@1.0.0: MIT\nc@2.0.0: no license named\nd@1.0.0: MIT\n\n---');
  expect(text).toContain('-\n\na@1.0.0\n\nNotice of a\n');
  expect(text).toContain('-\n\nb@1.0.0\nd@1.0.0\n\nUse it.\nAs you like.\n');
  expect(text.split('Use it.')).toHaveLength(2);
  expect(licensesText(packages.toReversed())).toBe(text);
});
