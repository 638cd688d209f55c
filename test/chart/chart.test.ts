import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { valueRows, valuesTable, withTable, type ValuesSchema } from '../../scripts/generate/values-table.ts';
import { readQuery } from './promql.ts';
import { ProcessSeries } from './series.ts';

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
  readonly needs?: string;
  readonly for?: string;
  readonly severity: string;
  readonly summary: string;
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string;
}

const { alerts } = parse(read(chart, 'files/alerts.yaml')) as { alerts: readonly Alert[] };
const dashboard = JSON.parse(read(chart, 'files/dashboard.json')) as {
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
};
const variables = dashboard.templating.list.filter(({ type }) => type === 'query');

/** A query that is shipped, with the labels that the words beside it speak of. */
interface Shipped {
  readonly title: string;
  readonly expr: string;
  readonly spoken: readonly string[];
}

const wordsOf = (text: string, pattern: RegExp): readonly string[] =>
  Array.from(text.matchAll(pattern), ([, word = '']) => word);

const queries: readonly Shipped[] = [
  ...alerts.map(({ alert, expr, summary }) => ({
    title: `alert ${alert}`,
    // What Helm puts there is a number: test/chart/render.process.ts reads it.
    expr: expr.replaceAll(/\{\{.*?\}\}/g, '1'),
    spoken: wordsOf(summary, /\$labels\.(\w+)/g),
  })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({
      title: `panel ${title}`,
      expr,
      spoken: wordsOf(legendFormat, /\{\{\s*(\w+)\s*\}\}/g),
    })),
  ),
];

const series = await ProcessSeries.read();
const labelsOf = (name: string): ReadonlySet<string> => series.labelsOf(name);

test('there are queries of alerts and of the dashboard', () => {
  expect(alerts.length).toBeGreaterThan(12);
  expect(queries.length).toBeGreaterThan(alerts.length + 20);
});

describe.each(queries)('$title: $expr', ({ expr, spoken }) => {
  test('reads metrics of the process by labels and values that they have, each as what it is', () => {
    const { selectors } = readQuery(expr, labelsOf);
    expect(selectors.length).toBeGreaterThan(0);
    for (const { name, matchers, over } of selectors) {
      const lost = matchers.filter(({ label }) => !labelsOf(name).has(label));
      expect([name, lost]).toEqual([name, []]);
      expect(matchers.flatMap((matcher) => series.strangeValues(name, matcher))).toEqual([]);
      const counts = series.metricOf(name).kind !== 'gauge';
      expect(counts ? ['rate', 'increase'] : ['delta', 'max_over_time', undefined]).toContain(over);
    }
  });

  // Other operators have metrics of these names, too.
  test('leaves out what is not of this operator', () => {
    const { selectors } = readQuery(expr, labelsOf);
    const foreign = selectors.filter(({ name }) => series.metricOf(name).part !== 'product');
    const named = foreign.filter(({ matchers }) =>
      matchers.some(({ label, value }) => label === 'name' && value === 'idhub-aws-connector'),
    );
    const joined = expr.split(' and on (job, instance) idhub_operations_under_way').length - 1;
    expect(named.length + joined).toBe(foreign.length);
  });

  test('has the labels that are spoken of', () => {
    const labels = readQuery(expr, labelsOf).labels ?? new Set();
    expect(spoken.filter((label) => !labels.has(label))).toEqual([]);
  });
});

test.each(variables)('the variable $name of the dashboard is of a label that is there', ({ query }) => {
  const [, name = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
  expect([...labelsOf(name)]).toContain(label);
});

test('each variable that a query names is there', () => {
  const named = new Set(queries.flatMap(({ expr }) => wordsOf(expr, /\$\{?(\w+)/g)));
  expect([...named].sort()).toEqual(variables.map(({ name }) => name).sort());
});

test('a metric, label or value that is not there would be seen', () => {
  expect(() => readQuery('sum(idhub_nothing)', labelsOf)).toThrow('the process has no series idhub_nothing');
  expect(() => readQuery('idhub_aws_call_duration_seconds', labelsOf)).toThrow('no series');
  expect(() => readQuery('idhub_accounts_bucket', labelsOf)).toThrow('no series');
  expect(() => readQuery('sum by (person) (idhub_accounts)', labelsOf)).toThrow('no label person');
  const asks = (label: string, operator: string, value: string): readonly string[] =>
    series.strangeValues('idhub_accounts', { label, operator, value });
  expect(asks('ready', '=', 'Maybe')).toEqual(['idhub_accounts{ready="Maybe"}']);
  expect(asks('ready', '=~', 'True|Nope')).toEqual(['idhub_accounts{ready="Nope"}']);
  expect(asks('reason', '=', 'Anything')).toEqual([]);
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
