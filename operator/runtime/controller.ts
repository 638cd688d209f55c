import { RetryPolicy } from './backoff.ts';
import { Cache } from './cache.ts';
import type { Clock } from './clock.ts';
import type { Controller, ControllerOptions, EnqueueOptions, Watch } from './contracts.ts';
import { ApiError, NotLeadingError, isConflict } from './errors.ts';
import type { Logger } from './logger.ts';
import type { ManagerMetrics } from './metrics.ts';
import { keyOf, keyString, parseKey, type KubeObject, type ObjectKey } from './types.ts';
import { WorkQueue, lowPriority } from './workqueue.ts';

export interface ControllerDependencies {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: ManagerMetrics;
  /** Asked before each reconcile. */
  readonly leading: () => boolean;
}

/** Something other than the status changed. */
export function changedByUser(before: KubeObject, after: KubeObject): boolean {
  const a = before.metadata;
  const b = after.metadata;
  return (
    a.uid !== b.uid ||
    a.generation !== b.generation ||
    a.deletionTimestamp !== b.deletionTimestamp ||
    !sameEntries(a.labels, b.labels) ||
    !sameEntries(a.annotations, b.annotations) ||
    (a.finalizers ?? []).join('\n') !== (b.finalizers ?? []).join('\n')
  );
}

function sameEntries(
  a: Readonly<Record<string, string>> = {},
  b: Readonly<Record<string, string>> = {},
): boolean {
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
  );
}

/** Workers that take keys from a queue and reconcile them, and watches that fill the queue. */
export class QueueController implements Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #deps: ControllerDependencies;
  readonly #logger: Logger;
  readonly #queue: WorkQueue;
  readonly #retries: RetryPolicy;
  readonly #unsubscribe: (() => void)[] = [];
  #workers: Promise<unknown> = Promise.resolve();
  #started = false;

  constructor(options: ControllerOptions, deps: ControllerDependencies) {
    this.name = options.name;
    this.#options = options;
    this.#deps = deps;
    this.#logger = deps.logger.child({ controller: options.name });
    const { observer, attach } = deps.metrics.queue(options.name);
    this.#queue = new WorkQueue({ clock: deps.clock, observer });
    attach(this.#queue);
    this.#retries = new RetryPolicy({ ...deps, backoff: options.backoff });
    deps.metrics.maxConcurrent.set({ controller: this.name }, options.workers);
    deps.metrics.activeWorkers.set({ controller: this.name }, 0);
  }

  enqueue(key: ObjectKey, options: EnqueueOptions = {}): void {
    // Before the start nothing is kept: the first listing brings every object anyway.
    if (this.#started) {
      this.#queue.add(keyString(key), options);
    }
  }

  /** Subscribes to caches, which are synced, and starts the workers. */
  start(signal: AbortSignal): void {
    this.#started = true;
    for (const watch of this.#options.watches) {
      this.#subscribe(watch);
    }
    this.#workers = Promise.all(Array.from({ length: this.#options.workers }, () => this.#work(signal)));
  }

  /** Takes no more work; resolves when the running reconciles ended. */
  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) {
      unsubscribe();
    }
    this.#queue.shutDown();
    await this.#workers;
  }

  #subscribe(watch: Watch<KubeObject>): void {
    const { informer } = watch;
    const priorityOf = (object: KubeObject): number => watch.priority?.(object) ?? 0;
    if (!(informer instanceof Cache)) {
      throw new TypeError('a watch takes an informer of its own manager');
    }
    const enqueue = (object: KubeObject, at: number): void => {
      for (const key of watch.map?.(object) ?? [keyOf(object)]) {
        this.#queue.add(keyString(key), { priority: at });
      }
    };
    this.#unsubscribe.push(
      informer.subscribe((before: KubeObject | undefined, after: KubeObject | undefined) => {
        if (before === undefined || after === undefined) {
          const object = before ?? after;
          if (object !== undefined) {
            enqueue(object, priorityOf(object));
          }
        } else if (watch.changed?.(before, after) ?? changedByUser(before, after)) {
          // What the object pointed at before may want to know that it no longer does.
          if (watch.map !== undefined) {
            enqueue(before, priorityOf(after));
          }
          enqueue(after, priorityOf(after));
        }
      }),
    );
    for (const object of informer.list()) {
      try {
        enqueue(object, lowPriority);
      } catch (error) {
        this.#deps.metrics.handlerErrors.inc({ resource: informer.type.plural });
        this.#logger.error('the map function of a watch failed', { error });
      }
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const item = await this.#queue.get();
      // A process that was frozen past its lease wakes up here: it must not go on.
      if (item === undefined || signal.aborted || !this.#deps.leading()) {
        if (item !== undefined) {
          this.#queue.done(item.key);
        }
        if (item === undefined || signal.aborted) {
          return;
        }
        this.#queue.add(item.key, { priority: item.priority, afterMs: 1_000 });
        continue;
      }
      const busy = this.#deps.metrics.activeWorkers.labels(this.name);
      busy.inc();
      try {
        await this.#reconcile(item.key, item.priority, signal);
      } finally {
        busy.dec();
        this.#queue.done(item.key);
      }
    }
  }

  async #reconcile(key: string, priority: number, signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#deps;
    const from = clock.monotonic();
    let result: 'success' | 'error' | 'requeue' | 'requeue_after';
    try {
      const { requeueAfterMs } = await this.#options.reconciler.reconcile(parseKey(key), signal);
      this.#retries.succeeded(key);
      if (requeueAfterMs === undefined) {
        result = 'success';
      } else {
        result = 'requeue_after';
        this.#queue.add(key, { priority: lowPriority, afterMs: requeueAfterMs });
      }
    } catch (error) {
      if (signal.aborted || error instanceof NotLeadingError) {
        this.#logger.info('a reconcile was broken off', { object: key });
        return;
      }
      const conflict = isConflict(error);
      result = conflict ? 'requeue' : 'error';
      const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
      const kind = conflict ? 'conflict' : 'error';
      const afterMs = Math.max(asked, this.#retries.failed(key, kind));
      this.#queue.add(key, { priority, afterMs });
      if (conflict) {
        this.#logger.debug('the object changed meanwhile, again', { object: key });
      } else {
        metrics.reconcileErrors.inc({ controller: this.name });
        const retryInMs = Math.round(afterMs);
        this.#logger.error('a reconcile failed', { object: key, error, retryInMs });
      }
    }
    metrics.reconciles.inc({ controller: this.name, result });
    const seconds = (clock.monotonic() - from) / 1000;
    metrics.reconcileTime.observe({ controller: this.name }, seconds);
  }
}
