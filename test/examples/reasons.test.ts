import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

/** The members of the union type that a kind's reasons are. */
async function reasonsOf(kind: string): Promise<string[]> {
  const source = await readFile(join(root, `operator/controllers/${kind}/conditions.ts`), 'utf8');
  const union = /export type \w+Reason =([\s\S]*?);/.exec(source)?.[1] ?? '';
  return [...union.matchAll(/'(\w+)'/g)].map(([, reason = '']) => reason).sort();
}

test.each([
  ['connection', 'AwsConnection'],
  ['account', 'AwsAccount'],
  ['binding', 'AwsEntitlementBinding'],
  ['reconciliation', 'AwsReconciliation'],
])('docs/reasons.md has an entry for every reason of %s, and no other', async (kind, heading) => {
  const page = await readFile(join(root, 'docs/reasons.md'), 'utf8');
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const entries = [...section.matchAll(/^### (\w+)\n(.+)$/gm)].map(([, reason = '']) => reason);
  const reasons = await reasonsOf(kind);
  expect(reasons.length).toBeGreaterThan(10);
  expect(entries.sort()).toEqual(reasons);
});
