import { expect, test } from '@jest/globals';
import { trackedFiles } from './tracked.ts';

test('no file of the product is longer than 400 lines, but for generated ones', () => {
  const files = trackedFiles(
    (path) => /^(src|operator)\/.*\.ts$/.test(path) && !path.startsWith('operator/api/'),
  );
  const long = [...files]
    .map(([path, text]) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > 400);
  expect(long).toEqual([]);
  expect(files.size).toBeGreaterThan(40);
});
