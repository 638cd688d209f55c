import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createHttpMetrics } from '../../operator/http-metrics.ts';

test('refusals are counted from 0, so that the first thousand of a part are an increase', async () => {
  const registry = new Registry();
  const metrics = createHttpMetrics(registry);
  const requests = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('idhub_http_requests_total'));
  expect(await requests()).toEqual([]);
  metrics.serves(['scim', 'reports']);
  expect(await requests()).toEqual([
    'idhub_http_requests_total{mount="scim",code="401"} 0',
    'idhub_http_requests_total{mount="scim",code="403"} 0',
    'idhub_http_requests_total{mount="reports",code="401"} 0',
    'idhub_http_requests_total{mount="reports",code="403"} 0',
    'idhub_http_requests_total{mount="none",code="401"} 0',
    'idhub_http_requests_total{mount="none",code="403"} 0',
  ]);
  metrics.observeRequest({ mount: 'scim', code: 401, seconds: 0.1 });
  expect(await requests()).toContain('idhub_http_requests_total{mount="scim",code="401"} 1');
});
