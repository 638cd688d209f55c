import { Counter, Gauge, type Registry } from 'prom-client';
import type { OperationKind } from '../src/idhub/index.ts';

/** What operations that were posted have come to. Label sets are closed. */
export interface WebhookMetrics {
  readonly countOperation: (kind: OperationKind, result: 'done' | 'refused') => void;
}

export interface WebhookMetricsOptions {
  readonly registry: Registry;
  /** What is under way; `oldestAt` in milliseconds since the epoch, undefined where nothing is. */
  readonly backlog: () => { readonly underWay: number; readonly oldestAt: number | undefined };
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createWebhookMetrics({ registry, backlog, now }: WebhookMetricsOptions): WebhookMetrics {
  const registers = [registry];
  const operations = new Counter({
    name: 'idhub_operations_total',
    help: 'Operations of the webhook that have ended, by kind and result.',
    labelNames: ['kind', 'result'],
    registers,
  });
  const underWay = new Gauge({
    name: 'idhub_operations_under_way',
    help: 'Operations of the webhook that have not ended, accepted ones of earlier processes among them.',
    registers: [],
    collect() {
      this.set(backlog().underWay);
    },
  });
  const oldestAge = new Gauge({
    name: 'idhub_operations_oldest_age_seconds',
    help: 'How long ago the oldest operation that has not ended was taken; 0 where there is none. More than an hour is too long.',
    registers: [],
    collect() {
      const { oldestAt } = backlog();
      this.set(oldestAt === undefined ? 0 : Math.max(0, now() - oldestAt) / 1_000);
    },
  });
  registry.registerMetric(underWay);
  registry.registerMetric(oldestAge);
  return { countOperation: (kind, result) => operations.inc({ kind, result }) };
}
