import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { knownNames } from '../../scripts/import-env/plan.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const page = await read('docs/idhub.md');
const chart = await read('charts/idhub-aws-connector/README.md');
const deployment = await read('charts/idhub-aws-connector/templates/deployment.yaml');

/** Rows of the table of step 4: the values and the flags in them. */
const rows = [...page.matchAll(/^\| (`[a-z][^|]*) \| (`--[^|]*) \|/gm)].map(
  ([, values = '', flags = '']) => ({
    values: [...values.matchAll(/`([^`]+)`/g)].map(([, value = '']) => value),
    flags: [...flags.matchAll(/`(--[^`]+)`/g)].map(([, flag = '']) => flag),
  }),
);

test('each value of the onboarding is one of the chart’s', () => {
  expect(rows.length).toBeGreaterThan(15);
  const values = rows.flatMap((row) => row.values);
  const set = [...page.matchAll(/--set ([\w.]+)=/g)].map(([, value = '']) => value);
  expect([...values, ...set].filter((value) => !chart.includes(`\n| \`${value}\` |`))).toEqual([]);
  expect(set.filter((value) => !values.includes(value))).toEqual([]);
});

test('each flag beside it is what the chart makes of the value', () => {
  for (const { values, flags } of rows) {
    for (const flag of flags) {
      const described = values.some((value) =>
        new RegExp(`^\\| \`${value}\` \\|.*${flag}\\b`, 'm').test(chart),
      );
      expect([flag, described || flag.startsWith('--tls-')]).toEqual([flag, true]);
      expect(deployment).toContain(flag);
    }
  }
});

test('every value of the chart for IDHub, its callers and the receiver of changes is in the onboarding', () => {
  const listed = [
    ...chart.matchAll(
      /^\| `((?:idhub|push|http\.oidc)\.\w+|http\.(?:authSecret|publicUrl|defaultConnection|delete))` \|/gm,
    ),
  ].map(([, value = '']) => value);
  expect(listed.length).toBeGreaterThan(10);
  const named = new Set(rows.flatMap(({ values }) => values));
  expect(listed.filter((value) => !named.has(value))).toEqual([]);
});

test('every name of the guide’s .env is on the page', () => {
  const names = page.replaceAll('KEYCLOAK_*', '').match(/\b[A-Z]+(?:_[A-Z]+)+\b|\bPORT\b/g);
  expect(knownNames.length).toBeGreaterThan(10);
  expect(knownNames.filter((name) => names?.includes(name) !== true)).toEqual([]);
});
