import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { ConnectionRegistry } from '../../operator/controllers/connection/index.ts';
import { createMetrics } from '../../operator/metrics.ts';

test('abandonments are counted from 0, so that the first of a kind is an increase', async () => {
  const registry = new Registry();
  const metrics = createMetrics({
    registry,
    connections: new ConnectionRegistry(),
    accounts: () => [],
    bindings: () => [],
    now: () => 0,
  });
  const abandoned = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('idhub_abandoned_total'));
  expect(await abandoned()).toEqual([
    'idhub_abandoned_total{kind="AwsConnection"} 0',
    'idhub_abandoned_total{kind="AwsAccount"} 0',
    'idhub_abandoned_total{kind="AwsEntitlementBinding"} 0',
  ]);
  metrics.countAbandoned('AwsAccount');
  expect(await abandoned()).toContain('idhub_abandoned_total{kind="AwsAccount"} 1');
});
