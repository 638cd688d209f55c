import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Clock } from './clock.ts';
import type { QueueObserver, WorkQueue } from './workqueue.ts';

/** 10^-8 to 1,000 seconds, as controller-runtime's queue histograms have it. */
const queueBuckets = Array.from({ length: 12 }, (_, index) => 10 ** (index - 8));
const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5,
  1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 45, 60];

/** The same metric of a registry, whoever asks first. */
function once<M>(registry: Registry, name: string, make: () => M): M {
  return (registry.getSingleMetric(name) as M | undefined) ?? make();
}

/** Names and labels as client-go's `rest_client_*`, without the host. */
export function restMetrics(registry: Registry) {
  return {
    requests: once(
      registry,
      'rest_client_requests_total',
      () =>
        new Counter({
          name: 'rest_client_requests_total',
          help: 'Requests to the API server, by status code and method.',
          labelNames: ['code', 'method'],
          registers: [registry],
        }),
    ),
    duration: once(
      registry,
      'rest_client_request_duration_seconds',
      () =>
        new Histogram({
          name: 'rest_client_request_duration_seconds',
          help: 'Time until the answer of the API server was there; of a watch, until it began.',
          labelNames: ['verb'],
          buckets: requestBuckets,
          registers: [registry],
        }),
    ),
  };
}

/** What events came to. */
export function eventMetrics(registry: Registry) {
  return {
    dropped: once(
      registry,
      'event_recorder_dropped_total',
      () =>
        new Counter({
          name: 'event_recorder_dropped_total',
          help: 'Events that were not written, by cause: full (too many waited), refused, failed.',
          labelNames: ['cause'],
          registers: [registry],
        }),
    ),
  };
}

/** All metrics that client, manager, controllers and event recorder of one registry have. */
export function runtimeMetrics(registry: Registry, clock: Pick<Clock, 'monotonic'>) {
  return {
    rest: restMetrics(registry),
    events: eventMetrics(registry),
    manager: new ManagerMetrics(registry, clock),
  };
}

/** Names and labels as controller-runtime's, and the runtime's own two at the end. */
export class ManagerMetrics {
  readonly #registry: Registry;
  readonly #queues = new Map<string, WorkQueue>();
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly reconciles;
  readonly reconcileErrors;
  readonly reconcileTime;
  readonly maxConcurrent;
  readonly activeWorkers;
  readonly leader;
  readonly handlerErrors;
  readonly relists;
  readonly adds;
  readonly retries;
  readonly depth;
  readonly waited;
  readonly worked;

  constructor(registry: Registry, clock: Pick<Clock, 'monotonic'>) {
    this.#registry = registry;
    this.#clock = clock;
    this.reconciles = this.#counter(
      'controller_runtime_reconcile_total',
      'Reconciles by result: success, error, requeue (a conflict), requeue_after.',
      ['controller', 'result'],
    );
    this.reconcileErrors = this.#counter(
      'controller_runtime_reconcile_errors_total',
      'Reconciles that failed, conflicts not among them.',
      ['controller'],
    );
    this.reconcileTime = this.#histogram(
      'controller_runtime_reconcile_time_seconds',
      'How long a reconcile took.',
      ['controller'],
      reconcileBuckets,
    );
    this.maxConcurrent = this.#gauge(
      'controller_runtime_max_concurrent_reconciles',
      'Workers of a controller.',
      ['controller'],
    );
    this.activeWorkers = this.#gauge(
      'controller_runtime_active_workers',
      'Workers of a controller that are busy.',
      ['controller'],
    );
    this.leader = this.#gauge(
      'leader_election_master_status',
      '1 while this process holds the Lease, else 0; not there where nobody has to lead.',
      ['name'],
    );
    this.handlerErrors = this.#counter(
      'informer_handler_errors_total',
      'Exceptions of functions that were told of a change; each was contained.',
      ['resource'],
    );
    this.relists = this.#counter(
      'informer_lists_total',
      'Full lists of a resource; more than one a start means lost watches.',
      ['resource'],
    );
    const names = ['name', 'controller'];
    this.adds = this.#counter('workqueue_adds_total', 'Keys that became ready.', names);
    this.retries = this.#counter('workqueue_retries_total', 'Adds with a delay.', names);
    this.depth = this.#gauge('workqueue_depth', 'Keys that are ready, by priority.', [...names, 'priority']);
    this.waited = this.#histogram(
      'workqueue_queue_duration_seconds',
      'How long a key was ready before a worker took it.',
      names,
      queueBuckets,
    );
    this.worked = this.#histogram(
      'workqueue_work_duration_seconds',
      'How long a worker had a key.',
      names,
      queueBuckets,
    );
    this.#running('workqueue_unfinished_work_seconds', 'Seconds of work in progress.', (ages) =>
      ages.reduce((sum, age) => sum + age, 0),
    );
    this.#running(
      'workqueue_longest_running_processor_seconds',
      'How long the longest work in progress has taken so far.',
      (ages) => Math.max(0, ...ages),
    );
  }

  /** The observer of the work queue `name`; `attach` the queue once it is made. */
  queue(name: string): { observer: QueueObserver; attach: (queue: WorkQueue) => void } {
    const labels = { name, controller: name };
    const { adds, retries, depth, waited, worked } = this;
    adds.inc(labels, 0);
    retries.inc(labels, 0);
    depth.set({ ...labels, priority: '0' }, 0);
    return {
      observer: {
        added: () => adds.inc(labels),
        retried: () => retries.inc(labels),
        depth: (priority, change) => depth.inc({ ...labels, priority: String(priority) }, change),
        waited: (seconds) => waited.observe(labels, seconds),
        worked: (seconds) => worked.observe(labels, seconds),
      },
      attach: (queue) => void this.#queues.set(name, queue),
    };
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    const registers = [this.#registry];
    return once(this.#registry, name, () => new Counter({ name, help, labelNames, registers }));
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    const registers = [this.#registry];
    return once(this.#registry, name, () => new Gauge({ name, help, labelNames, registers }));
  }

  #histogram(name: string, help: string, labelNames: string[], buckets: number[]): Histogram {
    const registers = [this.#registry];
    return once(this.#registry, name, () => new Histogram({ name, help, labelNames, buckets, registers }));
  }

  #running(name: string, help: string, fold: (ages: readonly number[]) => number): void {
    const queues = this.#queues;
    const clock = this.#clock;
    once(
      this.#registry,
      name,
      () =>
        new Gauge({
          name,
          help,
          labelNames: ['name', 'controller'],
          registers: [this.#registry],
          collect() {
            const now = clock.monotonic();
            for (const [queue, { running }] of queues) {
              const ages = Array.from(running, (since) => (now - since) / 1000);
              this.set({ name: queue, controller: queue }, fold(ages));
            }
          },
        }),
    );
  }
}
