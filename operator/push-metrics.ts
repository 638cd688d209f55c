import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PushMetrics, PushStates } from './controllers/push/index.ts';

export interface PushMetricsOptions {
  readonly registry: Registry;
  readonly states: PushStates;
  readonly now: () => number;
}

/** Metrics of what is sent to `--push-url`. Label sets are closed. */
export function createPushMetrics({ registry, states, now }: PushMetricsOptions): PushMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'idhub_push_requests_total',
    help: 'Requests to the receiver of changes: taken, refused (somebody has to act), unavailable (it passes by itself), gone (it wants no more).',
    labelNames: ['outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'idhub_push_request_duration_seconds',
    help: 'Time until the receiver of changes had answered.',
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  const delivered = new Counter({
    name: 'idhub_push_changes_total',
    help: 'Changes that the receiver has taken.',
    registers,
  });
  const delay = new Histogram({
    name: 'idhub_push_delay_seconds',
    help: 'Time from the end of a run until changes of it were taken, a value for each request.',
    buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000],
    registers,
  });
  const gauge = (
    name: string,
    help: string,
    valueOf: (state: ReturnType<PushStates['all']>[number]) => number,
  ): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: ['connection'],
      registers: [],
      collect() {
        this.reset();
        for (const state of states.all()) {
          this.set({ connection: state.connection }, valueOf(state));
        }
      },
    });
  const gauges = [
    gauge('idhub_push_pending_changes', 'Changes that wait for the receiver.', ({ changes }) => changes),
    gauge(
      'idhub_push_pending_age_seconds',
      'Time since the end of the oldest run of which changes wait for the receiver; 0 where none do.',
      ({ oldest }) => (oldest === undefined ? 0 : Math.max(0, (now() - oldest) / 1_000)),
    ),
    gauge(
      'idhub_push_failing',
      '1 while changes cannot be sent, as the condition Pushed of the connection says.',
      ({ failing }) => (failing ? 1 : 0),
    ),
    gauge(
      'idhub_push_dropped_changes',
      'Changes that were ever dropped, since too many waited or they could not be read any more.',
      ({ dropped }) => dropped,
    ),
  ];
  gauges.forEach((each) => registry.registerMetric(each));
  return {
    requested: (outcome, took) => {
      requests.inc({ outcome });
      seconds.observe(took);
    },
    delivered: (changes, after) => {
      delivered.inc(changes);
      delay.observe(Math.max(0, after));
    },
  };
}
