import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { scimTypes } from '../../src/scim/index.ts';

/** docs/scim.md against the code. */
const text = readFileSync(new URL('../../docs/scim.md', import.meta.url), 'utf8');

test('errors have the status that their keyword has', () => {
  const rows = [...text.matchAll(/^\| (\d{3}) \| `(\w+)` \|/gm)].map(([, status, keyword]) => [
    keyword,
    Number(status),
  ]);
  expect(rows.length).toBeGreaterThan(6);
  expect(rows).toEqual(rows.map(([keyword]) => [keyword, scimTypes[keyword as keyof typeof scimTypes]]));
});

test('limits are those of the code', () => {
  const mount = readFileSync(new URL('../../operator/http/scim/mount.ts', import.meta.url), 'utf8');
  const [, operations] = /^const maxOperations = (\d+);$/m.exec(mount) ?? [];
  const [, mebibytes] = /^const maxBulkBytes = (\d+) \* 1_048_576;$/m.exec(mount) ?? [];
  expect(text).toContain(`${operations} operations and ${mebibytes} MiB at most`);
});
