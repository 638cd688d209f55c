import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { parse } from 'yaml';
import { valueRows, valuesTable, withTable, type ValuesSchema } from '../../scripts/generate/values-table.ts';

const root = join(import.meta.dirname, '../..');
const chart = join(root, 'charts/idhub-aws-connector');
const read = (...parts: string[]): string => readFileSync(join(...parts), 'utf8');

interface Schema {
  readonly description?: string;
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
}

const schema = JSON.parse(read(chart, 'values.schema.json')) as Schema;
const values = parse(read(chart, 'values.yaml')) as Record<string, unknown>;

/** Every object of the schema by its path. */
function objects(node: Schema, path = ''): readonly (readonly [string, Schema])[] {
  const below = Object.entries(node.properties ?? {}).flatMap(([name, each]) =>
    objects(each, `${path}.${name}`),
  );
  const items = node.items === undefined ? [] : objects(node.items, `${path}[]`);
  return [
    ...(node.type === 'object' && node.description !== undefined ? [[path, node] as const] : []),
    ...below,
    ...items,
  ];
}

describe('the schema', () => {
  test('lets no object have what it does not name, and each map have strings alone', () => {
    const found = [['', schema] as const, ...objects(schema)];
    expect(found.length).toBeGreaterThan(30);
    const open = found.filter(
      ([, { additionalProperties: more, properties }]) =>
        more !== false && !(properties === undefined && typeof more === 'object'),
    );
    // What Helm puts there for charts that are part of others.
    expect(open.map(([path]) => path)).toEqual(['.global']);
  });

  test('has a word on each value, and a default for each, and no others', () => {
    const missing: string[] = [];
    const walk = (node: Schema, given: unknown, path: string): void => {
      const described = Object.entries(node.properties ?? {}).filter(
        ([, each]) => each.description !== undefined,
      );
      const keys =
        given !== null && typeof given === 'object' && !Array.isArray(given) ? Object.keys(given) : [];
      if (path !== '' && keys.length === 0) {
        return;
      }
      for (const [name, each] of described) {
        if (!keys.includes(name)) {
          missing.push(`default of ${path}.${name}`);
        } else {
          walk(each, (given as Record<string, unknown>)[name], `${path}.${name}`);
        }
      }
      for (const key of described.length === 0 ? [] : keys) {
        if (node.properties?.[key]?.description === undefined) {
          missing.push(`word on ${path}.${key}`);
        }
      }
    };
    walk(schema, values, '');
    // claims: of resources that few clusters have.
    expect(missing).toEqual(['default of .global', 'default of .resources.claims']);
  });
});

test('the definitions are those of crds/', () => {
  const names = readdirSync(join(root, 'crds')).sort();
  expect(readdirSync(join(chart, 'files/crds')).sort()).toEqual(names);
  for (const name of names) {
    expect(read(chart, 'files/crds', name)).toBe(read(root, 'crds', name));
  }
});

test('chart and product have one version', () => {
  const { version } = JSON.parse(read(root, 'package.json')) as { version: string };
  expect(parse(read(chart, 'Chart.yaml'))).toMatchObject({ version, appVersion: version });
});

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly severity: string;
  readonly summary: string;
}

const { alerts } = parse(read(chart, 'files/alerts.yaml')) as { alerts: readonly Alert[] };
const dashboard = JSON.parse(read(chart, 'files/dashboard.json')) as {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string }[];
  }[];
};
const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

describe('metrics that are named', () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const documented = [...read(root, 'docs/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
    ([, name = '', kind = '', labels = '']) => ({
      name,
      kind,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
    }),
  );
  const known = new Map(documented.map((each) => [each.name, each]));

  const named = (expr: string): string[] =>
    [
      ...expr
        .replaceAll(/\{[^}]*\}/g, '')
        .matchAll(
          /\b(?:idhub|controller_runtime|workqueue|informer|leader_election|rest_client|event_recorder|process|nodejs)_\w+/g,
        ),
    ].map(([name]) => name);

  test.each([
    ['alerts', alerts.map(({ expr }) => expr)],
    ['the dashboard', expressions],
  ])('by %s are metrics of the process, and so are their labels', (_, given) => {
    expect(given.length).toBeGreaterThan(12);
    for (const expr of given) {
      const names = named(expr);
      expect([expr, names.length]).not.toEqual([expr, 0]);
      for (const full of names) {
        const histogram = full.replace(/_(bucket|sum|count)$/, '');
        const found = known.get(full) ?? known.get(histogram);
        if (found === undefined) {
          expect([full, registry.getSingleMetric(full) !== undefined]).toEqual([full, true]);
          continue;
        }
        expect([full, found.kind === 'histogram']).toEqual([full, full !== histogram && !known.has(full)]);
        const selector = new RegExp(`${full}\\{([^}]*)\\}`).exec(expr)?.[1] ?? '';
        for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=|!)/g)) {
          expect([full, ...found.labels]).toContain(label);
        }
      }
    }
  });
});

describe('alerts', () => {
  const operations = read(root, 'docs/operations.md');

  test.each(alerts)('$alert has a runbook, a severity and a sentence', ({ alert, severity, summary }) => {
    expect(operations).toContain(`\n### ${alert}\n`);
    expect(['critical', 'warning', 'info']).toContain(severity);
    expect(summary).toMatch(/\.$/);
  });

  test('each runbook is of an alert', () => {
    const runbooks = [...operations.matchAll(/^### (Idhub\w+)$/gm)].map(([, name]) => name);
    expect(runbooks).toEqual(alerts.map(({ alert }) => alert));
  });
});

test('panels of the dashboard have a number and a place each', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
});

describe('the table of values', () => {
  const little: ValuesSchema = {
    properties: {
      a: { description: 'An a.', enum: ['x', 'y'] },
      b: { description: 'A b.', properties: { c: { description: 'A | c.' }, d: { description: 'A d.' } } },
      e: { description: 'An e.', properties: { f: {} } },
      g: { description: 'A g.' },
    },
  };
  const rows = valueRows(little, { a: 'x', b: { c: 1, d: '' }, e: { f: true } });

  test('has a row for what has a default, the fields of an object one each', () => {
    expect(rows.map(({ path, fallback }) => [path, fallback])).toEqual([
      ['a', 'x'],
      ['b.c', 1],
      ['b.d', ''],
      ['e', { f: true }],
    ]);
    expect(valuesTable(rows).split('\n').slice(2)).toEqual([
      '| `a` | `x` | An a. One of `x`, `y`. |',
      '| `b.c` | `1` | A \\| c. |',
      '| `b.d` |  | A d. |',
      '| `e` | `{"f":true}` | An e. |',
    ]);
  });

  test('goes between its marks, however often', () => {
    const marks = 'x\n<!-- values: written by npm run generate -->\nold\n<!-- end of values -->\ny\n';
    const once = withTable(marks, 'T');
    expect(once).toBe('x\n<!-- values: written by npm run generate -->\n\nT\n\n<!-- end of values -->\ny\n');
    expect(withTable(once, 'T')).toBe(once);
    expect(() => withTable('no marks', 'T')).toThrow('there is no place for the table');
  });
});
