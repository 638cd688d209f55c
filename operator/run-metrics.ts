import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { AwsConnection, AwsReconciliation } from './api/v1alpha1/index.ts';
import { listsStopped } from './controllers/breaker.ts';
import { connectionOf, type RunMetrics } from './controllers/reconciliation/index.ts';
import type { ScheduledOutcome } from './controllers/schedule/index.ts';
import { keyOf, keyString } from './runtime/index.ts';

export interface RunMetricsOptions {
  readonly registry: Registry;
  readonly connections: () => readonly AwsConnection[];
  readonly runs: () => readonly AwsReconciliation[];
  readonly now: () => number;
}

/** Metrics of runs and of the breaker. Label sets are closed. */
export function createRunMetrics({ registry, connections, runs, now }: RunMetricsOptions): RunMetrics & {
  readonly scheduled: (outcome: ScheduledOutcome) => void;
} {
  const registers = [registry];
  const ended = new Counter({
    name: 'idhub_reconciliations_total',
    help: 'Runs that have ended, by mode and by how they ended: complete, stopped (by the guard) or failed.',
    labelNames: ['mode', 'outcome'],
    registers,
  });
  const changes = new Counter({
    name: 'idhub_reconciliation_changes_total',
    help: 'Changes that runs have reported, by what has happened to the user.',
    labelNames: ['change'],
    registers,
  });
  const seconds = new Histogram({
    name: 'idhub_reconciliation_duration_seconds',
    help: 'Time that the last try of a run took, from its first call to what is remembered.',
    labelNames: ['mode'],
    buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000],
    registers,
  });
  const scheduled = new Counter({
    name: 'idhub_scheduled_runs_total',
    help: 'Times of schedules that came: a run was made, held up by one that has not ended, or missed; and runs that were replaced.',
    labelNames: ['outcome'],
    registers,
  });
  /** By connection: when a run was last complete, as this process has seen it. */
  const seen = new Map<string, number>();
  const gauges = [
    new Gauge({
      name: 'idhub_reconciliation_age_seconds',
      help: 'Time since a run of a connection was last complete, dry runs not counted; none where no such run is there any more since the operator has started.',
      labelNames: ['connection'],
      registers: [],
      collect() {
        this.reset();
        const known = new Set(connections().map((connection) => keyString(keyOf(connection))));
        for (const [connection, at] of latest(seen, runs())) {
          if (known.has(connection)) {
            this.set({ connection }, Math.max(0, (now() - at) / 1_000));
          } else {
            seen.delete(connection);
          }
        }
      },
    }),
    new Gauge({
      name: 'idhub_breaker_open',
      help: '1 while lists of a connection are stopped, since more users are missing than may be deleted at once.',
      labelNames: ['connection'],
      registers: [],
      collect() {
        this.reset();
        for (const connection of connections()) {
          this.set(
            { connection: keyString(keyOf(connection)) },
            listsStopped(connection) === undefined ? 0 : 1,
          );
        }
      },
    }),
  ];
  gauges.forEach((gauge) => registry.registerMetric(gauge));
  return {
    ended: (mode, outcome, took) => {
      ended.inc({ mode, outcome });
      if (took !== undefined) {
        seconds.observe({ mode }, took);
      }
    },
    changed: (change, count) => changes.inc({ change }, count),
    scheduled: (outcome) => scheduled.inc({ outcome }),
    completed: (connection, at) => void seen.set(connection, at),
  };
}

/** What a process before this one has done is in the runs that are still there. */
function latest(
  seen: ReadonlyMap<string, number>,
  runs: readonly AwsReconciliation[],
): ReadonlyMap<string, number> {
  const found = new Map(seen);
  for (const run of runs) {
    const { conditions = [], finishedAt } = run.status ?? {};
    const complete = conditions.some(({ type, status }) => type === 'Complete' && status === 'True');
    if (complete && run.spec.dryRun !== true && finishedAt !== undefined) {
      const connection = keyString(connectionOf(run));
      found.set(connection, Math.max(found.get(connection) ?? 0, Date.parse(finishedAt)));
    }
  }
  return found;
}
