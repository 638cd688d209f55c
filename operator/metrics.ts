import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CallRecord } from '../src/aws/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from './api/v1alpha1/index.ts';
import type { ConnectionRegistry } from './controllers/connection/index.ts';

/** The product's own metrics. Label sets are closed: no user names, no messages. */
export interface Metrics {
  observeCall(connection: string, record: CallRecord): void;
  countAbandoned(kind: string): void;
}

/** Kinds whose objects can be let go of without touching AWS. */
export const abandonedKinds = ['AwsConnection', 'AwsAccount', 'AwsEntitlementBinding'] as const;

interface CallLabels extends Omit<CallRecord, 'seconds'> {
  readonly connection: string;
}

export interface MetricsOptions {
  readonly registry: Registry;
  readonly connections: ConnectionRegistry;
  readonly accounts: () => readonly AwsAccount[];
  readonly bindings: () => readonly AwsEntitlementBinding[];
  readonly now: () => number;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const { registry, connections, accounts, bindings, now } = options;
  const registers = [registry];
  /** By connection: the series there are, so that they go with it. */
  const called = new Map<string, Map<string, CallLabels>>();
  const calls = new Counter({
    name: 'idhub_aws_calls_total',
    help: 'Calls to AWS by outcome: ok, aborted, or the class of the error.',
    labelNames: ['connection', 'service', 'operation', 'outcome'],
    registers: [],
    collect() {
      for (const [connection, series] of called) {
        if (!connections.states().has(connection)) {
          called.delete(connection);
          series.forEach((labels) => this.remove({ ...labels }));
        }
      }
    },
  });
  registry.registerMetric(calls);
  const seconds = new Histogram({
    name: 'idhub_aws_call_duration_seconds',
    help: 'Time a call to AWS took, without its wait for the pacer.',
    labelNames: ['service', 'operation'],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  const abandoned = new Counter({
    name: 'idhub_abandoned_total',
    help: 'Objects that were let go of without touching AWS, as their annotation asked, by kind.',
    labelNames: ['kind'],
    registers,
  });
  // From 0 on: of a series that begins with 1, Prometheus sees no increase, so that nobody would be told.
  abandonedKinds.forEach((kind) => abandoned.inc({ kind }, 0));
  const gauges = [
    new Gauge({
      name: 'idhub_snapshot_age_seconds',
      help: 'Age of the last complete reading of an AWS account.',
      labelNames: ['connection'],
      registers: [],
      collect() {
        this.reset();
        for (const [connection, { link }] of connections.states()) {
          const takenAt = link?.snapshots.current?.takenAt;
          if (takenAt !== undefined) {
            this.set({ connection }, (now() - takenAt) / 1_000);
          }
        }
      },
    }),
    new Gauge({
      name: 'idhub_snapshot_users',
      help: 'IAM users in the last complete reading of an AWS account.',
      labelNames: ['connection'],
      registers: [],
      collect() {
        this.reset();
        for (const [connection, { link }] of connections.states()) {
          const size = link?.snapshots.current?.size;
          if (size !== undefined) {
            this.set({ connection }, size);
          }
        }
      },
    }),
    new Gauge({
      name: 'idhub_snapshot_complete',
      help: '1 where the last reading of an AWS account was complete; 0 where it failed, and the one before, if any, stays in use.',
      labelNames: ['connection'],
      registers: [],
      collect() {
        this.reset();
        for (const [connection, { link, readingFailed }] of connections.states()) {
          if (readingFailed !== undefined || link?.snapshots.current !== undefined) {
            this.set({ connection }, readingFailed === undefined ? 1 : 0);
          }
        }
      },
    }),
    new Gauge({
      name: 'idhub_snapshot_unknown',
      help: '1 for what could not be read in the last complete reading of an AWS account.',
      labelNames: ['connection', 'what'],
      registers: [],
      collect() {
        this.reset();
        for (const [connection, { link }] of connections.states()) {
          for (const what of link?.snapshots.current?.unread.keys() ?? []) {
            this.set({ connection, what }, 1);
          }
        }
      },
    }),
    new Gauge({
      name: 'idhub_connection_ready',
      help: '1 where a connection can be used, else 0; the reason is that of its condition Ready.',
      labelNames: ['connection', 'reason'],
      registers: [],
      collect() {
        this.reset();
        for (const [connection, { verdict, terms }] of connections.states()) {
          const ready = verdict === undefined && terms !== undefined;
          this.set(
            { connection, reason: verdict?.reason ?? (ready ? 'Verified' : 'Verifying') },
            ready ? 1 : 0,
          );
        }
      },
    }),
    new Gauge({
      name: 'idhub_accounts',
      help: 'AwsAccount objects by the status and the reason of Ready.',
      labelNames: ['ready', 'reason'],
      registers: [],
      collect() {
        this.reset();
        for (const account of accounts()) {
          const ready = account.status?.conditions?.find((condition) => condition.type === 'Ready');
          this.inc({ ready: ready?.status ?? 'Unknown', reason: ready?.reason ?? 'Pending' });
        }
      },
    }),
    new Gauge({
      name: 'idhub_bindings',
      help: 'AwsEntitlementBinding objects by the status and the reason of Ready.',
      labelNames: ['ready', 'reason'],
      registers: [],
      collect() {
        this.reset();
        for (const binding of bindings()) {
          const ready = binding.status?.conditions?.find((condition) => condition.type === 'Ready');
          this.inc({ ready: ready?.status ?? 'Unknown', reason: ready?.reason ?? 'Pending' });
        }
      },
    }),
  ];
  gauges.forEach((gauge) => registry.registerMetric(gauge));
  return {
    observeCall: (connection, { service, operation, outcome, seconds: took }) => {
      const labels = { connection, service, operation, outcome };
      const series = called.get(connection) ?? new Map<string, CallLabels>();
      called.set(connection, series.set(`${operation} ${outcome}`, labels));
      calls.inc(labels);
      seconds.observe({ service, operation }, took);
    },
    countAbandoned: (kind) => abandoned.inc({ kind }),
  };
}
