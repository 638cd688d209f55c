import {
  ApiError,
  TransportError,
  apiVersionOf,
  keyString,
  type Client,
  type KubeObject,
  type ObjectKey,
  type OpenApiDocument,
  type ResourceType,
  type WatchEvent,
} from '../../../operator/runtime/index.ts';

export interface Thing extends KubeObject {
  spec?: { color?: string; owner?: string };
  status?: Record<string, unknown>;
}

export const things: ResourceType<Thing> = {
  group: 'example.org',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  namespaced: true,
};

export interface StoredEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly plural: string;
  readonly object: KubeObject;
}

/** Objects with resource versions, generations, finalizers and a history, as etcd and the API server. */
export class FakeStore {
  version = 100;
  /** Events at or before this version are no longer kept. */
  compacted = 0;
  readonly history: StoredEvent[] = [];
  readonly listeners = new Set<(event: StoredEvent) => void>();
  readonly #objects = new Map<string, KubeObject>();

  list(plural: string, namespace = ''): KubeObject[] {
    return [...this.#objects]
      .filter(([id]) => id.startsWith(`${plural}|`))
      .map(([, object]) => object)
      .filter((object) => namespace === '' || object.metadata.namespace === namespace);
  }

  get(plural: string, key: ObjectKey): KubeObject {
    const object = this.#objects.get(idOf(plural, key));
    if (object === undefined) {
      throw new ApiError({ code: 404, reason: 'NotFound', message: `${plural} ${key.name} not found` });
    }
    return object;
  }

  create(plural: string, object: KubeObject): KubeObject {
    const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
    if (this.#objects.has(idOf(plural, key))) {
      throw new ApiError({ code: 409, reason: 'AlreadyExists', message: `${key.name} exists` });
    }
    const uid = `uid-${this.version + 1}`;
    return this.#save('ADDED', plural, {
      ...object,
      metadata: { ...object.metadata, uid, generation: 1 },
    });
  }

  patch(plural: string, key: ObjectKey, patch: object): KubeObject {
    const before = this.get(plural, key);
    const after = mergePatch(before, patch) as Thing;
    const { resourceVersion, uid } = after.metadata;
    if (
      (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) ||
      uid !== before.metadata.uid
    ) {
      throw new ApiError({ code: 409, reason: 'Conflict', message: 'the object has been modified' });
    }
    if (JSON.stringify(after) === JSON.stringify(before)) {
      return before;
    }
    if (JSON.stringify(after.spec) !== JSON.stringify((before as Thing).spec)) {
      after.metadata.generation = (before.metadata.generation ?? 0) + 1;
    }
    const gone = after.metadata.deletionTimestamp !== undefined && !after.metadata.finalizers?.length;
    return this.#save(gone ? 'DELETED' : 'MODIFIED', plural, after);
  }

  remove(plural: string, key: ObjectKey): void {
    const object = this.get(plural, key);
    if (object.metadata.finalizers?.length) {
      this.patch(plural, key, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    } else {
      this.#save('DELETED', plural, object);
    }
  }

  #save(type: StoredEvent['type'], plural: string, object: KubeObject): KubeObject {
    this.version += 1;
    const saved = structuredClone({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.version) },
    });
    const id = idOf(plural, { namespace: saved.metadata.namespace ?? '', name: saved.metadata.name });
    if (type === 'DELETED') {
      this.#objects.delete(id);
    } else {
      this.#objects.set(id, saved);
    }
    const event = { type, plural, object: saved };
    this.history.push(event);
    for (const listener of this.listeners) {
      listener(event);
    }
    return saved;
  }
}

function idOf(plural: string, key: ObjectKey): string {
  return `${plural}|${keyString(key)}`;
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return patch;
  }
  const result: Record<string, unknown> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete result[name];
    } else if (value !== undefined) {
      result[name] = mergePatch(result[name], value);
    }
  }
  return result;
}

/** A client on a store, without a network; `fail` may throw before any call, or hold it back. */
export class FakeClient implements Client {
  readonly store: FakeStore;
  reachable = true;
  /** The calls so far, such as `GET leases`. */
  readonly calls: string[] = [];
  fail: (call: string, signal?: AbortSignal) => Promise<void> | void = () => undefined;

  constructor(store: FakeStore = new FakeStore()) {
    this.store = store;
  }

  /** Nothing answers until the other side is told to; requests hang until their signal aborts. */
  blackHole(): void {
    this.fail = (_call, signal) => hangs(signal);
  }

  /** The process behind it dies once it has made this many calls. */
  dieAfter(calls: number): void {
    let left = calls;
    this.fail = () => {
      left -= 1;
      if (left < 0) {
        throw new Error('killed');
      }
    };
  }

  async get<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    options: { signal?: AbortSignal | undefined } = {},
  ) {
    await this.#call('GET', type, options.signal);
    return structuredClone(this.store.get(type.plural, key)) as T;
  }

  async list<T extends KubeObject>(
    type: ResourceType<T>,
    options: { namespace?: string | undefined; signal?: AbortSignal | undefined } = {},
  ) {
    await this.#call('LIST', type, options.signal);
    const items = this.store.list(type.plural, options.namespace).map((one) => structuredClone(one) as T);
    return { items, resourceVersion: String(this.store.version) };
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: { signal?: AbortSignal | undefined } = {},
  ) {
    await this.#call('POST', type, options.signal);
    const full = { ...structuredClone<T>(object), apiVersion: apiVersionOf(type), kind: type.kind };
    return structuredClone(this.store.create(type.plural, full)) as T;
  }

  async delete(
    type: ResourceType<KubeObject>,
    key: ObjectKey,
    options: { signal?: AbortSignal | undefined } = {},
  ) {
    await this.#call('DELETE', type, options.signal);
    this.store.remove(type.plural, key);
  }

  async mergePatch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    patch: object,
    options: { signal?: AbortSignal | undefined } = {},
  ) {
    await this.#call('PATCH', type, options.signal);
    return structuredClone(this.store.patch(type.plural, key, structuredClone(patch))) as T;
  }

  async apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: { metadata: { name: string; namespace?: string } },
    options: { signal?: AbortSignal | undefined } = {},
  ) {
    await this.#call('APPLY', type, options.signal);
    const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
    return structuredClone(this.store.patch(type.plural, key, structuredClone(object))) as T;
  }

  async applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: { metadata: { name: string; namespace?: string } },
    options: { signal?: AbortSignal | undefined } = {},
  ) {
    await this.#call('APPLYSTATUS', type, options.signal);
    const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
    return structuredClone(this.store.patch(type.plural, key, structuredClone(object))) as T;
  }

  readonly #watches = new Set<() => void>();

  /** The server ends the watches that are open. */
  endWatches(): void {
    this.#watches.forEach((end) => end());
  }

  /** Undefined as with an API server that serves nothing of the group. */
  published: { readonly document: OpenApiDocument; readonly etag: string } | undefined;

  async openApi(
    _groupVersion: object,
    options: { signal?: AbortSignal | undefined; etag?: string | undefined } = {},
  ) {
    this.calls.push('OPENAPI');
    await this.fail('OPENAPI', options.signal);
    if (this.published === undefined) {
      throw new ApiError({ code: 404, message: 'the API server answered 404' });
    }
    return this.published.etag === options.etag ? undefined : this.published;
  }

  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: { namespace?: string | undefined; resourceVersion: string; signal?: AbortSignal | undefined },
  ): AsyncGenerator<WatchEvent<T>, void, undefined> {
    await this.#call('WATCH', type, options.signal);
    const from = Number(options.resourceVersion);
    if (from < this.store.compacted) {
      throw new ApiError({ code: 410, reason: 'Expired', message: 'too old resource version' });
    }
    const fits = ({ plural, object }: StoredEvent): boolean =>
      plural === type.plural &&
      Number(object.metadata.resourceVersion) > from &&
      (!options.namespace || object.metadata.namespace === options.namespace);
    const queue = this.store.history.filter(fits);
    let wake = (): void => undefined;
    const listener = (event: StoredEvent): void => {
      if (fits(event)) {
        queue.push(event);
        wake();
      }
    };
    this.store.listeners.add(listener);
    const stop = (): void => wake();
    let ended = false;
    const end = (): void => {
      ended = true;
      wake();
    };
    this.#watches.add(end);
    options.signal?.addEventListener('abort', stop);
    try {
      for (;;) {
        options.signal?.throwIfAborted();
        const event = queue.shift();
        if (event === undefined && ended) {
          return;
        }
        if (event === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else {
          yield { type: event.type, object: structuredClone(event.object) as T };
        }
      }
    } finally {
      this.store.listeners.delete(listener);
      this.#watches.delete(end);
      options.signal?.removeEventListener('abort', stop);
    }
  }

  async #call(verb: string, type: ResourceType<KubeObject>, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const call = `${verb} ${type.plural}`;
    this.calls.push(call);
    await this.fail(call, signal);
  }
}

/** No answer, until who waits for one gives up. */
export function hangs(signal?: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

export function unreachable(): never {
  throw new TransportError('ECONNREFUSED: nothing listens');
}

export function thing(name: string, more: Partial<Thing> = {}): Thing {
  return {
    apiVersion: 'example.org/v1',
    kind: 'Thing',
    ...more,
    metadata: { namespace: 'default', ...more.metadata, name },
  };
}
