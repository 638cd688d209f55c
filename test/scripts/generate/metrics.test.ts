import { expect, test } from '@jest/globals';
import { metricsPage } from '../../../scripts/generate/metrics-page.ts';
import { processMetrics, type ProcessMetric } from '../../../scripts/generate/process-metrics.ts';

const metrics = await processMetrics();
const of = (name: string): ProcessMetric | undefined => metrics.find((metric) => metric.name === name);

test('metrics are read from what is registered: kind, labels, values, help and buckets', () => {
  expect(new Set(metrics.map(({ name }) => name)).size).toBe(metrics.length);
  expect(of('idhub_aws_call_duration_seconds')).toEqual({
    name: 'idhub_aws_call_duration_seconds',
    part: 'product',
    kind: 'histogram',
    labels: ['service', 'operation'],
    values: {},
    help: 'Time a call to AWS took, without its wait for the pacer.',
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
  });
  expect(of('workqueue_depth')).toMatchObject({
    part: 'runtime',
    labels: ['name', 'controller', 'priority'],
  });
  expect(of('idhub_link_state')?.values['state']).toContain('DOWN');
  expect(of('process_resident_memory_bytes')).toMatchObject({ part: 'process', kind: 'gauge' });
});

test('help is a sentence of plain text, and names follow the conventions of Prometheus', () => {
  for (const { name, part, kind, help } of metrics.filter((metric) => metric.part !== 'process')) {
    expect([name, help]).toEqual([name, expect.stringMatching(/^[A-Z0-9][^`[\]]*\.$/)]);
    expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
    expect([name, name.startsWith('idhub_')]).toEqual([name, part === 'product']);
  }
});

test('the page has a row for each', () => {
  const page = metricsPage(metrics);
  for (const { name, kind, buckets } of metrics) {
    expect(page).toContain(`\n| \`${name}\` | ${kind} | `);
    expect(page.includes(`| \`${name}\` | ${buckets.join(', ')} |`)).toBe(kind === 'histogram');
  }
  expect(page).toContain('Answers of `--http-address` by part of it');
  // Values that the help names are marked there, others are told after it.
  expect(page).toContain(
    'Reconciles by result: `success`, `error`, `requeue` (a conflict), `requeue_after`. |',
  );
  expect(page).toContain('`ready` is `True`, `False` or `Unknown`. |');
  expect(page).toContain('[Operations](webhook.md#operations) of the webhook');
});

test('a link whose word or metric is gone is a fault, and no silence', () => {
  const other = metrics.map((metric) =>
    metric.name === 'idhub_accounts' ? { ...metric, help: 'Other words.' } : metric,
  );
  expect(() => metricsPage(other)).toThrow('the help of idhub_accounts does not say "reason"');
  expect(() => metricsPage(metrics.filter(({ name }) => name !== 'idhub_accounts'))).toThrow(
    'no such metric: idhub_accounts',
  );
});
