import type { Registry } from 'prom-client';
import type { Clock } from './clock.ts';
import type {
  Applied,
  Client,
  ListOptions,
  ObjectList,
  RequestOptions,
  WatchEvent,
  WatchOptions,
} from './contracts.ts';
import { TransportError, isGone } from './errors.ts';
import { createAccessSource, type KubeconfigOptions } from './kubeconfig.ts';
import type { Logger } from './logger.ts';
import { restMetrics } from './metrics.ts';
import type { OpenApiDocument } from './openapi.ts';
import { Transport, type Request, type Response } from './transport.ts';
import { apiVersionOf, type KubeObject, type ObjectKey, type ResourceType } from './types.ts';
import { collectionPath, errorFrom, objectPath, parseEvent, setSelectors, typed } from './wire.ts';

const requestTimeoutMs = 30_000;
const listTimeoutMs = 60_000;
const maxObjectBytes = 16 * 2 ** 20;
const maxPageBytes = 256 * 2 ** 20;
/** Over the server's own end of a watch. */
const watchMarginMs = 30_000;
/**
 * The API server sends a bookmark each minute, but only once its cache moved on since the watch began
 * (apiserver, cacheWatcher.process): silence is a dead peer or a quiet resource, and opening the watch
 * anew, which is cheap, tells which.
 */
const watchIdleMs = 120_000;

export interface ClientOptions extends KubeconfigOptions {
  readonly clock: Pick<Clock, 'monotonic' | 'setTimeout'>;
  readonly logger: Logger;
  /** For `rest_client_requests_total` and `rest_client_request_duration_seconds`. */
  readonly registry?: Registry | undefined;
  readonly userAgent?: string | undefined;
}

/** A client of the API server that a kubeconfig or the pod's ServiceAccount names. */
export function createClient(options: ClientOptions): Client & { close(): void } {
  const source = createAccessSource(options);
  const transport = new Transport({
    source,
    clock: options.clock,
    userAgent: options.userAgent ?? 'controller-runtime-node',
  });
  return new ApiClient(transport, options, () => source.close());
}

type Exchange = Omit<Request, 'timeoutMs' | 'maxBytes'> &
  Partial<Pick<Request, 'timeoutMs' | 'maxBytes'>> & { readonly verb?: string };

class ApiClient implements Client {
  readonly close: () => void;
  readonly #transport: Transport;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #logger: Logger;
  readonly #metrics: ReturnType<typeof restMetrics> | undefined;
  #reachable = false;

  constructor(transport: Transport, options: ClientOptions, close: () => void) {
    this.#transport = transport;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#metrics = options.registry === undefined ? undefined : restMetrics(options.registry);
    this.close = close;
  }

  get reachable(): boolean {
    return this.#reachable;
  }

  async get<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    options: RequestOptions = {},
  ): Promise<T> {
    return this.#object(type, {
      method: 'GET',
      path: objectPath(type, key),
      signal: options.signal,
      guard: options.guard,
    });
  }

  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    let pageSize = options.pageSize ?? 500;
    let items: T[] = [];
    let token = '';
    for (;;) {
      const query = new URLSearchParams({ limit: String(pageSize) });
      setSelectors(query, options);
      if (token !== '') {
        query.set('continue', token);
      }
      let page;
      try {
        page = await this.#json<{
          metadata?: { resourceVersion?: string; continue?: string };
          items?: T[];
        }>({
          method: 'GET',
          path: `${collectionPath(type, options.namespace)}?${query.toString()}`,
          signal: options.signal,
          guard: options.guard,
          timeoutMs: listTimeoutMs,
          maxBytes: maxPageBytes,
          verb: 'LIST',
        });
      } catch (error) {
        if (isGone(error) && token !== '' && pageSize < 100_000) {
          // The snapshot was compacted away between pages: again, with fewer of them.
          pageSize *= 10;
          items = [];
          token = '';
          continue;
        }
        throw error;
      }
      for (const item of page.items ?? []) {
        items.push(typed(type, item));
      }
      token = page.metadata?.continue ?? '';
      if (token === '') {
        return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
      }
    }
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: RequestOptions = {},
  ): Promise<T> {
    return this.#object(type, {
      method: 'POST',
      path: collectionPath(type, object.metadata.namespace),
      body: JSON.stringify(object),
      signal: options.signal,
      guard: options.guard,
    });
  }

  async delete(
    type: ResourceType<KubeObject>,
    key: ObjectKey,
    options: RequestOptions & {
      preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
    } = {},
  ): Promise<void> {
    const { preconditions } = options;
    await this.#json({
      method: 'DELETE',
      path: objectPath(type, key),
      ...(preconditions === undefined
        ? {}
        : { body: JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions }) }),
      signal: options.signal,
      guard: options.guard,
    });
  }

  async mergePatch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    patch: object,
    options: RequestOptions = {},
  ): Promise<T> {
    return this.#object(type, {
      method: 'PATCH',
      path: objectPath(type, key),
      contentType: 'application/merge-patch+json',
      body: JSON.stringify(patch),
      signal: options.signal,
      guard: options.guard,
    });
  }

  async apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    options: RequestOptions & { fieldManager: string; force?: boolean },
  ): Promise<T> {
    return this.#apply(type, object, '', { force: false, ...options });
  }

  async applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    options: RequestOptions & { fieldManager: string },
  ): Promise<T> {
    return this.#apply(type, object, '/status', { ...options, force: true });
  }

  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.resourceVersion,
      timeoutSeconds: String(options.timeoutSeconds),
    });
    const from = this.#clock.monotonic();
    let opened = false;
    const report = (code: string): void => {
      if (!opened) {
        opened = true;
        this.#count('GET', 'WATCH', code, from);
      }
    };
    try {
      const lines = this.#transport.lines(
        {
          method: 'GET',
          path: `${collectionPath(type, options.namespace)}?${query.toString()}`,
          signal: options.signal,
          guard: options.guard,
          timeoutMs: requestTimeoutMs,
          maxBytes: maxObjectBytes,
          idleTimeoutMs: options.idleTimeoutMs ?? watchIdleMs,
          lifetimeMs: options.timeoutSeconds * 1000 + watchMarginMs,
        },
        {
          opened: () => report('200'),
          refused: (response) => {
            report(String(response.status));
            throw errorFrom(response);
          },
        },
      );
      for await (const line of lines) {
        yield parseEvent(type, line);
      }
    } catch (error) {
      if (error instanceof TransportError) {
        report('<error>');
        this.#reachable = false;
      }
      throw error;
    }
  }

  async openApi(
    { group, version }: Pick<ResourceType<KubeObject>, 'group' | 'version'>,
    options: RequestOptions & { readonly etag?: string | undefined } = {},
  ): Promise<{ document: OpenApiDocument; etag: string | undefined } | undefined> {
    const answer = await this.#exchange({
      method: 'GET',
      path: `/openapi/v3/${group === '' ? 'api' : `apis/${group}`}/${version}`,
      ifNoneMatch: options.etag,
      signal: options.signal,
      guard: options.guard,
    });
    if (answer.status === 304 && options.etag !== undefined) {
      return undefined;
    }
    return { document: parsed(answer) as OpenApiDocument, etag: answer.headers.etag };
  }

  #apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    subresource: string,
    options: RequestOptions & { fieldManager: string; force: boolean },
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    const query = new URLSearchParams({
      fieldManager: options.fieldManager,
      force: String(options.force),
    });
    const path = objectPath(type, { name, namespace: namespace ?? '' });
    return this.#object(type, {
      method: 'PATCH',
      path: `${path}${subresource}?${query.toString()}`,
      contentType: 'application/apply-patch+yaml',
      body: JSON.stringify({ ...object, apiVersion: apiVersionOf(type), kind: type.kind }),
      signal: options.signal,
      guard: options.guard,
    });
  }

  async #object<T extends KubeObject>(
    type: ResourceType<T>,
    request: Omit<Request, 'timeoutMs' | 'maxBytes'>,
  ): Promise<T> {
    return typed(type, await this.#json<T>(request));
  }

  async #json<T>(request: Exchange): Promise<T> {
    return parsed(await this.#exchange(request)) as T;
  }

  async #exchange(request: Exchange): Promise<Response> {
    const from = this.#clock.monotonic();
    const { verb = request.method, ...rest } = request;
    let response;
    try {
      response = await this.#transport.request({
        timeoutMs: requestTimeoutMs,
        maxBytes: maxObjectBytes,
        ...rest,
      });
    } catch (error) {
      if (error instanceof TransportError) {
        this.#count(request.method, verb, '<error>', from);
      }
      throw error;
    }
    this.#count(request.method, verb, String(response.status), from);
    this.#logger.trace('API request', {
      method: request.method,
      path: request.path,
      status: response.status,
    });
    return response;
  }

  #count(method: string, verb: string, code: string, from: number): void {
    this.#reachable = /^[1-4]/.test(code);
    this.#metrics?.requests.inc({ code, method });
    this.#metrics?.duration.observe({ verb }, (this.#clock.monotonic() - from) / 1000);
  }
}

/** @throws {ApiError} where the answer is not 2xx @throws {TransportError} where it is no JSON */
function parsed(response: Response): unknown {
  if (response.status < 200 || response.status > 299) {
    throw errorFrom(response);
  }
  try {
    return JSON.parse(response.body);
  } catch {
    throw new TransportError('the answer is no JSON');
  }
}
