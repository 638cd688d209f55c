import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { maxBatch, OperationParser, operationKinds, RunParser } from '../../src/idhub/index.ts';
import { openApiDocument } from '../../operator/http/openapi/document.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/webhook.md'), 'utf8');

/** Words in backquotes at the beginning of rows of the table below a heading. */
function rowsAfter(heading: string): string[] {
  const text = page.slice(page.indexOf(heading));
  const table = /(?:^\|.*\n)+/m.exec(text)?.[0] ?? '';
  return [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([A-Za-z]+)`/g)].map(([, word = '']) => word),
  );
}

test('the examples of the page are taken', () => {
  const bodies = [...page.matchAll(/-d '(\{[\s\S]*?\})'/g)].map(
    ([, body = '']) => JSON.parse(body) as unknown,
  );
  const [operation, run] = bodies;
  expect(new OperationParser().parse(operation, '')).toMatchObject({ kind: 'operation' });
  expect(new RunParser().parse(run)).toMatchObject({ kind: 'run' });
  expect(bodies).toHaveLength(2);
  expect(page).toContain(`a list ${maxBatch} operations`);
});

test('the page has every kind, status and reason, and no other', () => {
  const { schemas } = (
    openApiDocument({ version: '1' }) as { components: { schemas: Record<string, unknown> } }
  ).components;
  const reasons = (schemas['OperationRefused'] as { properties: { reason: { enum: string[] } } }).properties
    .reason.enum;
  expect(rowsAfter('## Operations').filter((word) => word !== 'kind')).toEqual(operationKinds);
  expect(rowsAfter('### The answer').filter((word) => word !== 'status')).toEqual([
    'done',
    'refused',
    'pending',
    'failed',
  ]);
  expect(rowsAfter('Reasons:').filter((word) => word !== 'reason')).toEqual(reasons);
});

test('the page has every path of the webhook', () => {
  const { paths } = openApiDocument({ version: '1' }) as { paths: Record<string, object> };
  const told = Object.entries(paths).flatMap(([path, item]) =>
    path.startsWith('/webhook/') ? Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`) : [],
  );
  expect(told).toHaveLength(4);
  for (const each of told) {
    expect(page).toContain(`\`${each}\``);
  }
});
