import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { accountFates, bindingFates } from '../../../../operator/directory/writes/reasons.ts';

/** The reasons that docs/reasons.md has for a kind. */
async function documented(kind: string): Promise<string[]> {
  const page = await readFile('docs/reasons.md', 'utf8');
  const section = page.split(/^## /m).find((part) => part.startsWith(`${kind}\n`)) ?? '';
  return [...section.matchAll(/^### (\w+)$/gm)].map(([, reason = '']) => reason).sort();
}

describe('what a reason says of a write is settled', () => {
  test.each<[string, object]>([
    ['AwsAccount', accountFates],
    ['AwsEntitlementBinding', bindingFates],
  ])('for every reason of %s, and no other', async (kind, fates) => {
    const reasons = await documented(kind);
    expect(reasons.length).toBeGreaterThan(10);
    expect(Object.keys(fates).sort()).toEqual(reasons);
  });

  test('what passes by itself refuses nothing', () => {
    for (const passing of [
      'Throttled',
      'AwsUnreachable',
      'InvalidCredentials',
      'ConnectionNotReady',
      'Paused',
    ] as const) {
      expect([passing, accountFates[passing], bindingFates[passing]]).toEqual([passing, 'open', 'open']);
    }
  });
});
