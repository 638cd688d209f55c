import { collectDefaultMetrics, Registry } from 'prom-client';
import type { AwsErrorKind, CallRecord } from '../../src/aws/index.ts';
import {
  operationKinds,
  type LinkOutcome,
  type LinkReport,
  type LinkRequest,
  type LinkState,
} from '../../src/idhub/index.ts';
import type { Unread } from '../../src/reconciliation/index.ts';
import { ConnectionRegistry } from '../../operator/controllers/connection/index.ts';
import { PushStates, type PushMetrics } from '../../operator/controllers/push/index.ts';
import type { RunMetrics } from '../../operator/controllers/reconciliation/index.ts';
import type { ScheduledOutcome } from '../../operator/controllers/schedule/index.ts';
import { createDefinitionsMetric, neededDefinitions } from '../../operator/definitions/index.ts';
import { createHttpMetrics } from '../../operator/http-metrics.ts';
import { createLinkMetrics } from '../../operator/idhub/metrics.ts';
import { abandonedKinds, createMetrics } from '../../operator/metrics.ts';
import { createPushMetrics } from '../../operator/push-metrics.ts';
import { createRunMetrics } from '../../operator/run-metrics.ts';
import { runtimeMetrics, systemClock } from '../../operator/runtime/index.ts';
import { createWebhookMetrics } from '../../operator/webhook-metrics.ts';

export type Part = 'product' | 'runtime' | 'process';

export interface ProcessMetric {
  readonly name: string;
  readonly part: Part;
  readonly kind: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** Without `le`. */
  readonly labels: readonly string[];
  /** Of labels whose values are a closed set. */
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly help: string;
  /** Upper bounds of a histogram, without infinity. */
  readonly buckets: readonly number[];
}

/** What prom-client keeps of a metric, and its types do not tell. */
interface Kept {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly upperBounds?: readonly number[];
  get(): Promise<{ readonly type: ProcessMetric['kind'] }>;
}

/** The members of a union of strings: the compiler sees to it that none is missing, and none too many. */
function all<T extends string>(members: Readonly<Record<T, true>>): readonly string[] {
  return Object.keys(members);
}

const conditionStatus = ['True', 'False', 'Unknown'];
const modes = all<Parameters<RunMetrics['ended']>[0]>({ Full: true, Incremental: true });

/** By metric and label. */
const closed: Readonly<Record<string, ProcessMetric['values']>> = {
  idhub_aws_calls_total: {
    outcome: all<CallRecord['outcome']>({
      ok: true,
      aborted: true,
      ...({
        notFound: true,
        alreadyExists: true,
        deleteConflict: true,
        limitExceeded: true,
        temporary: true,
        throttled: true,
        accessDenied: true,
        badCredentials: true,
        invalid: true,
        unreachable: true,
        service: true,
      } satisfies Record<AwsErrorKind, true>),
    }),
  },
  idhub_crd_outdated: { crd: neededDefinitions.kinds.map(({ crd }) => crd) },
  idhub_snapshot_unknown: { what: all<Unread>({ passwordLastUsed: true, credentials: true }) },
  idhub_accounts: { ready: conditionStatus },
  idhub_bindings: { ready: conditionStatus },
  idhub_operations_total: { kind: operationKinds, result: ['done', 'refused'] },
  idhub_reconciliations_total: {
    mode: modes,
    outcome: all<Parameters<RunMetrics['ended']>[1]>({ complete: true, stopped: true, failed: true }),
  },
  idhub_reconciliation_changes_total: {
    change: all<Parameters<RunMetrics['changed']>[0]>({
      created: true,
      changed: true,
      deleted: true,
      left: true,
    }),
  },
  idhub_reconciliation_duration_seconds: { mode: modes },
  idhub_scheduled_runs_total: {
    outcome: all<ScheduledOutcome>({ made: true, held: true, missed: true, replaced: true }),
  },
  idhub_push_requests_total: {
    outcome: all<Parameters<PushMetrics['requested']>[0]>({
      taken: true,
      refused: true,
      unavailable: true,
      gone: true,
    }),
  },
  idhub_link_state: {
    state: all<LinkState>({
      NOT_CONFIGURED: true,
      UP: true,
      DOWN: true,
      OUT_OF_SERVICE: true,
      UNKNOWN: true,
    }),
  },
  idhub_link_requests_total: {
    request: all<LinkRequest>({
      refresh: true,
      login: true,
      credentials: true,
      exchange: true,
      'target-system': true,
      info: true,
      store: true,
    }),
    outcome: all<LinkOutcome>({ ok: true, refused: true, unreachable: true, fault: true, unstored: true }),
  },
  idhub_abandoned_total: { kind: abandonedKinds },
  leader_election_master_status: { name: ['idhub-aws-connector'] },
  controller_runtime_reconcile_total: { result: ['success', 'error', 'requeue', 'requeue_after'] },
  event_recorder_dropped_total: { cause: ['full', 'refused', 'failed'] },
};

/**
 * Every metric that an operator can serve, with all that is optional switched on, from the code that makes them: each
 * is registered as the process registers it, and read back.
 * @throws {Error} where values are told of a metric or label that is not there
 */
export async function processMetrics(): Promise<readonly ProcessMetric[]> {
  const parts: readonly (readonly [Part, Registry])[] = [
    ['product', productRegistry()],
    ['runtime', runtimeRegistry()],
    ['process', defaultRegistry()],
  ];
  const found: ProcessMetric[] = [];
  for (const [part, registry] of parts) {
    for (const metric of registry.getMetricsAsArray() as unknown as readonly Kept[]) {
      const { name, help, labelNames, upperBounds = [] } = metric;
      const { type: kind } = await metric.get();
      const labels = labelNames.filter((label) => label !== 'le');
      found.push({ name, part, kind, labels, values: closed[name] ?? {}, help, buckets: upperBounds });
    }
  }
  const odd = Object.entries(closed).flatMap(([name, values]) =>
    Object.keys(values)
      .filter((label) => found.find((metric) => metric.name === name)?.labels.includes(label) !== true)
      .map((label) => `${name}{${label}}`),
  );
  if (odd.length > 0) {
    throw new Error(`no such label: ${odd.join(', ')}`);
  }
  return found;
}

function productRegistry(): Registry {
  const registry = new Registry();
  const now = (): number => 0;
  const connections = new ConnectionRegistry();
  createDefinitionsMetric(registry);
  createMetrics({ registry, connections, accounts: () => [], bindings: () => [], now });
  createWebhookMetrics({ registry, backlog: () => ({ underWay: 0, oldestAt: undefined }), now });
  createHttpMetrics(registry);
  createRunMetrics({ registry, connections: () => [], runs: () => [], now });
  createPushMetrics({ registry, states: new PushStates(), now });
  const report: LinkReport = {
    state: 'NOT_CONFIGURED',
    message: '',
    checkedAt: undefined,
    version: undefined,
  };
  createLinkMetrics({ registry, report: () => report });
  return registry;
}

function runtimeRegistry(): Registry {
  const registry = new Registry();
  runtimeMetrics(registry, systemClock);
  return registry;
}

function defaultRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
