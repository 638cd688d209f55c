import { ReconnectPolicy } from './backoff.ts';
import { Cache } from './cache.ts';
import type {
  Client,
  Controller,
  ControllerOptions,
  Informer,
  InformerOptions,
  LeaseHolder,
  Manager,
  ManagerOptions,
} from './contracts.ts';
import { QueueController } from './controller.ts';
import { fencedClient } from './fence.ts';
import { LeaderElector } from './leader-election.ts';
import { ManagerMetrics } from './metrics.ts';
import { Reflector } from './reflector.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from './types.ts';

/** How long reconciles may take to heed their signal before the lease is left to expire. */
const abortGraceMs = 5_000;

/** A new leader that cannot list for this long makes way for another: two requests that hang, and a third. */
const catchUpMs = 150_000;

/** How many of what is missing are told by name. */
const namedAtMost = 4;

/** A manager; nothing starts before its `run`. */
export function createManager(options: ManagerOptions): Manager {
  return new RuntimeManager(options);
}

type Phase = 'new' | 'syncing' | 'standby' | 'leading' | 'stopping' | 'ended';

class RuntimeManager implements Manager {
  readonly client: Client;
  readonly #options: ManagerOptions;
  readonly #metrics: ManagerMetrics;
  readonly #elector: LeaderElector | undefined;
  readonly #caches = new Map<string, Cache<KubeObject>>();
  readonly #reflectors: Reflector<KubeObject>[] = [];
  readonly #controllers: QueueController[] = [];
  readonly #tasks: ((signal: AbortSignal) => Promise<void>)[] = [];
  readonly #unlisted = new Map<Cache<KubeObject>, Set<string>>();
  readonly #synced = Promise.withResolvers<void>();
  #phase: Phase = 'new';

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#metrics = new ManagerMetrics(options.registry, options.clock);
    this.client = fencedClient(options.client, () => this.leading);
    const { leaderElection } = options;
    if (leaderElection !== undefined) {
      const gauge = this.#metrics.leader.labels(leaderElection.name);
      gauge.set(0);
      this.#elector = new LeaderElector({
        ...options,
        ...leaderElection,
        onChange: (leading) => gauge.set(leading ? 1 : 0),
      });
    }
  }

  get leader(): LeaseHolder | undefined {
    return this.#elector?.holder;
  }

  get leading(): boolean {
    const mayWrite = this.#phase === 'leading' || this.#phase === 'stopping';
    return mayWrite && (this.#elector?.leading ?? true);
  }

  informer<T extends KubeObject>(
    type: ResourceType<T>,
    informerOptions: InformerOptions<T> = {},
  ): Informer<T> {
    const id = `${apiVersionOf(type)}/${type.plural}`;
    if (this.#phase !== 'new' || this.#caches.has(id)) {
      throw new Error(`an informer of ${id} was made already, or the manager runs`);
    }
    const { logger } = this.#options;
    const cache = new Cache<T>({
      ...informerOptions,
      type,
      logger,
      onHandlerError: () => this.#metrics.handlerErrors.inc({ resource: type.plural }),
    });
    // A cache takes and gives one kind only; what is stored here is never asked by another type.
    this.#caches.set(id, cache as unknown as Cache<KubeObject>);
    const namespaces = type.namespaced ? (this.#options.namespaces ?? ['']) : [''];
    this.#unlisted.set(cache as unknown as Cache<KubeObject>, new Set(namespaces));
    for (const namespace of namespaces) {
      const reflector = new Reflector<T>({
        ...this.#options,
        type,
        namespace,
        cache,
        onListed: () => this.#listed(cache as unknown as Cache<KubeObject>, namespace),
      });
      this.#reflectors.push(reflector as unknown as Reflector<KubeObject>);
    }
    return cache;
  }

  controller(options: ControllerOptions): Controller {
    if (this.#phase !== 'new') {
      throw new Error('controllers are made before the manager runs');
    }
    const controller = new QueueController(options, {
      ...this.#options,
      metrics: this.#metrics,
      leading: () => this.leading,
    });
    this.#controllers.push(controller);
    return controller;
  }

  onLeading(task: (signal: AbortSignal) => Promise<void>): void {
    if (this.#phase !== 'new') {
      throw new Error('tasks are given before the manager runs');
    }
    this.#tasks.push(task);
  }

  unready(): string | undefined {
    switch (this.#phase) {
      case 'new':
        return this.#options.client.reachable ? 'starting' : 'the API server does not answer';
      case 'syncing':
        return `not listed yet: ${named(this.#reflectors.filter(({ listed }) => !listed))}`;
      case 'standby':
      case 'leading':
        return this.#options.client.reachable ? undefined : 'the API server does not answer';
      case 'stopping':
      case 'ended':
        return 'ending';
    }
  }

  healthy(): boolean {
    return this.#phase !== 'ended' && (this.#elector?.healthy ?? true);
  }

  async run(signal: AbortSignal): Promise<'stopped' | 'lease-lost'> {
    if (this.#phase !== 'new') {
      throw new Error('a manager runs once');
    }
    this.#phase = 'syncing';
    const caches = new AbortController();
    const reflecting = Promise.all(this.#reflectors.map((one) => one.run(caches.signal)));
    const lease = new AbortController();
    let held: Promise<'stopped' | 'lost'> | undefined;
    try {
      if (this.#unlisted.size === 0) {
        this.#synced.resolve();
      }
      await untilAborted(this.#synced.promise, signal);
      this.#phase = 'standby';
      this.#options.logger.info('caches are synced');
      await this.#elector?.acquire(signal);
      signal.throwIfAborted();
      held = this.#elector?.hold(lease.signal);
      if (held !== undefined && !(await this.#catchUp(signal, held))) {
        return 'lease-lost';
      }
      this.#phase = 'leading';
      return await this.#lead(signal, held ?? new Promise<never>(() => undefined));
    } catch (error) {
      if (signal.aborted) {
        return 'stopped';
      }
      throw error;
    } finally {
      lease.abort();
      await held;
      await this.#elector?.release();
      this.#phase = 'ended';
      caches.abort();
      await reflecting;
    }
  }

  /**
   * Lists everything anew: who led before may have acted on changes that this process has not
   * seen, since a watch can hang, or wait after an outage, without a word. @returns false where that could not be done
   */
  async #catchUp(signal: AbortSignal, held: Promise<unknown>): Promise<boolean> {
    const { clock, logger } = this.#options;
    const over = new AbortController();
    const end = await Promise.race([
      Promise.all(this.#reflectors.map((one) => one.refresh())).then(() => 'current' as const),
      held.then(() => 'lost' as const),
      aborted(signal),
      clock.sleep(catchUpMs, over.signal).then(
        () => 'late' as const,
        () => 'late' as const,
      ),
    ]);
    over.abort();
    signal.throwIfAborted();
    if (end === 'late') {
      const missing = named(this.#reflectors.filter(({ awaited }) => awaited));
      logger.error('what there is could not be listed anew: another shall lead', { missing });
    }
    return end === 'current';
  }

  async #lead(signal: AbortSignal, held: Promise<'stopped' | 'lost'>): Promise<'stopped' | 'lease-lost'> {
    const { clock, gracePeriodMs, logger } = this.#options;
    /** Of reconciles. */
    const work = new AbortController();
    /** Of tasks, told of the end as soon as it is asked for. */
    const tasks = new AbortController();
    for (const controller of this.#controllers) {
      controller.start(work.signal);
    }
    const running = this.#tasks.map((task) => this.#repeat(task, tasks.signal));
    const lost = held.then(() => 'lost' as const);
    const first = await Promise.race([lost, aborted(signal)]);
    const ended = Promise.all([...running, ...this.#controllers.map((one) => one.stop())]);
    const over = new AbortController();
    let end: 'lost' | 'drained' | 'late' = 'lost';
    if (first !== 'lost') {
      this.#phase = 'stopping';
      logger.info('stopping', { gracePeriodMs });
      tasks.abort(new Error('the manager stops'));
      end = await Promise.race([
        lost,
        ended.then(() => 'drained' as const),
        clock.sleep(gracePeriodMs, over.signal).then(
          () => 'late' as const,
          () => 'late' as const,
        ),
      ]);
      over.abort();
    }
    if (end === 'drained') {
      return 'stopped';
    }
    const why = end === 'lost' ? 'the lease is lost' : 'the grace period is over';
    tasks.abort(new Error(why));
    work.abort(new Error(why));
    logger.warn('running reconciles are broken off', { why });
    const settled = new AbortController();
    const late = await Promise.race([
      ended.then(() => false),
      clock.sleep(abortGraceMs, settled.signal).then(
        () => true,
        () => true,
      ),
    ]);
    settled.abort();
    if (late) {
      // Somebody may still write: the lease is not given to another before it expires.
      this.#elector?.abandon();
    }
    return end === 'lost' ? 'lease-lost' : 'stopped';
  }

  /** Runs a task; one that fails is started again after a while. */
  async #repeat(task: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const backoff = new ReconnectPolicy(this.#options);
    while (!signal.aborted) {
      try {
        await task(signal);
        return;
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        const waitMs = backoff.next();
        this.#options.logger.error('a task of the leader failed', { error, waitMs });
        await this.#options.clock.sleep(waitMs, signal).catch(() => undefined);
      }
    }
  }

  #listed(cache: Cache<KubeObject>, namespace: string): void {
    this.#metrics.relists.inc({ resource: cache.type.plural });
    const missing = this.#unlisted.get(cache);
    missing?.delete(namespace);
    if (missing?.size === 0) {
      this.#unlisted.delete(cache);
      cache.synced();
      if (this.#unlisted.size === 0) {
        this.#synced.resolve();
      }
    }
  }
}

function named(reflectors: readonly Reflector<KubeObject>[]): string {
  const first = reflectors
    .slice(0, namedAtMost)
    .map(({ place, fault }) => (fault === undefined ? place : `${place} (${fault})`));
  const more = reflectors.length - first.length;
  return `${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve('aborted');
    }
    signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    promise,
    aborted(signal).then(() => {
      throw signal.reason;
    }),
  ]);
}
