import type { Informer, InformerOptions } from './contracts.ts';
import type { Logger } from './logger.ts';
import { compareResourceVersions, keyOf, keyString } from './types.ts';
import type { KubeObject, ObjectKey, ResourceType } from './types.ts';

/** Told of each change: appeared (no `before`), changed, went (no `after`). */
export type ChangeHandler<T> = (before: T | undefined, after: T | undefined) => void;

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  readonly keys: Map<string, Set<string>>;
}

export interface CacheOptions<T extends KubeObject> extends InformerOptions<T> {
  readonly type: ResourceType<T>;
  readonly logger: Logger;
  /** Called for each exception of a handler, index or transform function. */
  readonly onHandlerError: () => void;
}

/**
 * The objects of one kind with their indexes. Objects are frozen when they come in. What comes from
 * several sources (watch, list, answers of own writes) never replaces something newer.
 */
export class Cache<T extends KubeObject> implements Informer<T> {
  readonly type: ResourceType<T>;
  readonly #options: CacheOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  /** The resource version up to which each watched namespace is known; '' stands for all. */
  readonly #seen = new Map<string, string>();
  #hasSynced = false;
  #revision = 0;

  constructor(options: CacheOptions<T>) {
    this.type = options.type;
    this.#options = options;
    for (const [name, valuesOf] of Object.entries(options.indexes ?? {})) {
      this.#indexes.set(name, { valuesOf, keys: new Map() });
    }
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get revision(): number {
    return this.#revision;
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyString(key));
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) {
      throw new RangeError(`${this.type.plural} have no index ${index}`);
    }
    return Array.from(found.keys.get(value) ?? [], (key) => this.#objects.get(key)).filter(
      (object) => object !== undefined,
    );
  }

  set(object: T): void {
    const { resourceVersion, namespace } = object.metadata;
    const seen = this.#seen.get('') ?? this.#seen.get(namespace ?? '');
    // Absent at a version that the watch has passed means deleted since.
    const isNews = (compareResourceVersions(resourceVersion, seen) ?? 0) > 0;
    if (isNews || this.get(keyOf(object)) !== undefined) {
      this.put(object);
    }
  }

  /** Handlers run at once, in order; what they throw is contained. The answer unsubscribes. */
  subscribe(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    return () => void this.#handlers.delete(handler);
  }

  /** Takes an object from a watch or an own write, unless the cache has a newer one. */
  put(object: T): void {
    const key = keyString(keyOf(object));
    const before = this.#objects.get(key);
    const order = compareResourceVersions(object.metadata.resourceVersion, before?.metadata.resourceVersion);
    if (before !== undefined && order !== undefined && order <= 0) {
      return;
    }
    this.#store(key, before, object);
  }

  /** Takes a deletion from a watch, unless the object came back since. */
  drop(object: T): void {
    const key = keyString(keyOf(object));
    const before = this.#objects.get(key);
    const order = compareResourceVersions(object.metadata.resourceVersion, before?.metadata.resourceVersion);
    if (before !== undefined && (order === undefined || order >= 0)) {
      this.#remove(key, before);
    }
  }

  /** All before `resourceVersion` is known for `scope`, a namespace or '' for all. */
  reached(scope: string, resourceVersion: string): void {
    this.#seen.set(scope, resourceVersion);
  }

  /**
   * Takes a consistent list: what is not in it is gone. Only answers of own writes that are newer
   * than the list outlive it; when the list is older than what was seen before, the server's
   * storage was restored, and the list counts.
   */
  replace(scope: string, items: readonly T[], resourceVersion: string): void {
    const restored = (compareResourceVersions(resourceVersion, this.#seen.get(scope)) ?? 0) < 0;
    const listed = new Set<string>();
    for (const item of items) {
      listed.add(keyString(keyOf(item)));
      if (restored) {
        const key = keyString(keyOf(item));
        this.#store(key, this.#objects.get(key), item);
      } else {
        this.put(item);
      }
    }
    for (const [key, object] of this.#objects) {
      const { namespace = '', resourceVersion: version } = object.metadata;
      const inScope = scope === '' || namespace === scope;
      const newer = !restored && (compareResourceVersions(version, resourceVersion) ?? 0) > 0;
      if (inScope && !listed.has(key) && !newer) {
        this.#remove(key, object);
      }
    }
    this.reached(scope, resourceVersion);
  }

  /** Every scope has been listed. */
  synced(): void {
    this.#hasSynced = true;
  }

  #store(key: string, before: T | undefined, object: T): void {
    const { transform } = this.#options;
    const kept =
      transform === undefined ? object : (this.#contain('transform', () => transform(object)) ?? object);
    deepFreeze(kept);
    if (before !== undefined) {
      this.#unindex(key, before);
    }
    this.#objects.set(key, kept);
    this.#revision += 1;
    for (const index of this.#indexes.values()) {
      for (const value of this.#valuesOf(index, kept)) {
        let keys = index.keys.get(value);
        if (keys === undefined) {
          keys = new Set();
          index.keys.set(value, keys);
        }
        keys.add(key);
      }
    }
    this.#tell(before, kept);
  }

  #remove(key: string, before: T): void {
    this.#unindex(key, before);
    this.#objects.delete(key);
    this.#revision += 1;
    this.#tell(before, undefined);
  }

  #unindex(key: string, object: T): void {
    for (const index of this.#indexes.values()) {
      for (const value of this.#valuesOf(index, object)) {
        const keys = index.keys.get(value);
        keys?.delete(key);
        if (keys?.size === 0) {
          index.keys.delete(value);
        }
      }
    }
  }

  #valuesOf(index: Index<T>, object: T): readonly string[] {
    return this.#contain('index', () => index.valuesOf(object)) ?? [];
  }

  #tell(before: T | undefined, after: T | undefined): void {
    for (const handler of this.#handlers) {
      this.#contain('handler', () => handler(before, after));
    }
  }

  #contain<R>(what: string, run: () => R): R | undefined {
    try {
      return run();
    } catch (error) {
      this.#options.onHandlerError();
      this.#options.logger.error(`the ${what} function of an informer failed`, {
        resource: this.type.plural,
        error,
      });
      return undefined;
    }
  }
}

function deepFreeze(value: unknown): void {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const one of Object.values(value)) {
      deepFreeze(one);
    }
  }
}
