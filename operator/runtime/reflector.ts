import { ReconnectPolicy } from './backoff.ts';
import type { Cache } from './cache.ts';
import type { Clock } from './clock.ts';
import type { Client } from './contracts.ts';
import { ApiError, TransportError, isGone } from './errors.ts';
import type { Logger } from './logger.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** A watch that the server ends sooner than this counts as failed (client-go: VeryShortWatchError). */
const shortWatchMs = 1_000;
/** How often it is looked whether the API server answers others again, while a failure is waited out. */
const lookMs = 2_000;

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client;
  readonly type: ResourceType<T>;
  /** A namespace, or '' for all of them. */
  readonly namespace: string;
  readonly cache: Cache<T>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly onListed: () => void;
  /** Without a byte for this long a watch is opened anew; the client's default unless told. */
  readonly idleTimeoutMs?: number | undefined;
  /** Awaited before each list, and before each watch that goes on where another ended. */
  readonly admit?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/**
 * Keeps a cache current, as client-go's reflector does: a list, then watches from where the last one ended;
 * never two requests at once. Lists are consistent reads, so that a fresh one is never older than what was
 * seen. After a lost connection or a 429 the watch goes on where it was; after any other refusal (410 above
 * all, as status or as event) there is a fresh list. Every failure waits as `ReconnectPolicy` says, or as
 * long as the server asked; a watch that ended or fell silent is opened anew at once. Where the server did not answer,
 * or with 5xx alone, and answers others again, the wait is over, since it may have grown to a minute meanwhile.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  #backoff: ReconnectPolicy;
  readonly #logger: Logger;
  /** Where the next watch starts; undefined asks for a list. */
  #resourceVersion: string | undefined;
  #fault: string | undefined;
  #listed = false;
  /** Ends what is under way, so that a list comes next. */
  #anew = new AbortController();
  /** There while somebody waits for a list that begins after it was asked for. */
  #refreshed: PromiseWithResolvers<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#backoff = new ReconnectPolicy(options);
    this.#logger = options.logger.child({
      resource: options.type.plural,
      ...(options.namespace === '' ? {} : { namespace: options.namespace }),
    });
  }

  /** What it is about, such as `awsaccounts in team-a`. */
  get place(): string {
    const { type, namespace } = this.#options;
    return namespace === '' ? type.plural : `${type.plural} in ${namespace}`;
  }

  /** Whether the cache was filled once. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Why the last request failed, such as `403 Forbidden`; undefined where none has since the last list. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Whether somebody waits for `refresh`. */
  get awaited(): boolean {
    return this.#refreshed !== undefined;
  }

  /** Resolves with a list that began now or later; what is under way is broken off for it, and no wait goes before it. */
  refresh(): Promise<void> {
    if (this.#refreshed === undefined) {
      this.#refreshed = Promise.withResolvers();
      this.#backoff = new ReconnectPolicy(this.#options);
      this.#fault = undefined;
      this.#anew.abort(new Error('a list is wanted'));
    }
    return this.#refreshed.promise;
  }

  /** Resolves once `signal` aborted and its request ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#anew = new AbortController();
      const either = AbortSignal.any([signal, this.#anew.signal]);
      if (this.#refreshed !== undefined) {
        this.#resourceVersion = undefined;
      }
      try {
        // One look serves all reflectors: it is not ended for one of them.
        await this.#options.admit?.(signal);
        const from = this.#resourceVersion ?? (await this.#list(either));
        await this.#watch(from, either);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!this.#anew.signal.aborted) {
          await this.#failed(error, either);
        }
      }
    }
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, type, namespace, cache } = this.#options;
    const { items, resourceVersion } = await client.list(type, { namespace, signal });
    // Asked for anew while the answer was on its way: it may be older than that.
    signal.throwIfAborted();
    cache.replace(namespace, items, resourceVersion);
    this.#resourceVersion = resourceVersion;
    this.#listed = true;
    this.#fault = undefined;
    this.#logger.debug('listed', { items: items.length, resourceVersion });
    this.#options.onListed();
    this.#refreshed?.resolve();
    this.#refreshed = undefined;
    return resourceVersion;
  }

  async #watch(from: string, signal: AbortSignal): Promise<void> {
    const { client, type, namespace, cache, clock, random, idleTimeoutMs } = this.#options;
    const start = clock.monotonic();
    let events = 0;
    for await (const event of client.watch(type, {
      namespace,
      resourceVersion: from,
      timeoutSeconds: Math.floor(300 * (1 + random())),
      idleTimeoutMs,
      signal,
    })) {
      events += 1;
      const version =
        event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
      switch (event.type) {
        case 'ADDED':
        case 'MODIFIED':
          cache.put(event.object);
          break;
        case 'DELETED':
          cache.drop(event.object);
          break;
        case 'BOOKMARK':
          break;
      }
      if (version !== undefined && version !== '') {
        this.#resourceVersion = version;
        cache.reached(namespace, version);
      }
    }
    if (events === 0 && clock.monotonic() - start < shortWatchMs) {
      throw new TransportError('the server ended the watch at once');
    }
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    this.#fault = faultOf(error);
    const busy = error instanceof ApiError && error.code === 429;
    if (!(error instanceof TransportError) && !busy) {
      this.#resourceVersion = undefined;
    }
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.max(this.#backoff.next(), asked);
    if (isGone(error)) {
      this.#logger.info('the watch is too old, listing again', { waitMs: Math.round(waitMs) });
    } else {
      this.#logger.warn('list or watch failed', { error, waitMs: Math.round(waitMs) });
    }
    await this.#pause(waitMs, asked === 0 && !busy, signal).catch(() => undefined);
  }

  async #pause(ms: number, mayEndEarly: boolean, signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    let unreachable = false;
    for (let left = ms; left > 0; left -= lookMs) {
      unreachable ||= !client.reachable;
      await clock.sleep(mayEndEarly ? Math.min(left, lookMs) : left, signal);
      if (!mayEndEarly || (unreachable && client.reachable && this.#backoff.restart())) {
        return;
      }
    }
  }
}

function faultOf(error: unknown): string {
  if (error instanceof ApiError) {
    // What the server writes there is a word; anything else is no reason to show to everybody.
    return /^[A-Za-z]{1,40}$/.test(error.reason) ? `${error.code} ${error.reason}` : String(error.code);
  }
  return error instanceof TransportError ? 'the API server does not answer' : 'see the log';
}
