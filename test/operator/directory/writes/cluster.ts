import {
  ApiError,
  TransportError,
  apiVersionOf,
  type Client,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type ResourceType,
} from '../../../../operator/runtime/index.ts';
import { Crash } from '../../../src/fake-aws.ts';

type Json = Record<string, unknown>;
type Stored = KubeObject & { readonly spec?: object; readonly status?: object };

/** Objects as an API server and its garbage collector keep them; the process that writes to it can be killed at any write. */
export class Cluster {
  /** `create awsaccounts jo`, in their order. */
  readonly writes: string[] = [];
  /** The process ends after this many writes: the last of them is done, and nobody hears of it. */
  writesUntilCrash = Number.POSITIVE_INFINITY;
  /** The answer to the first write that begins like this does not come. */
  losesAnswer: string | undefined;
  /** Asked before each write; what it answers is thrown. */
  refuse: (write: string) => Error | undefined = () => undefined;
  readonly #objects = new Map<string, Stored>();
  readonly #now: () => number;
  version = 100;

  constructor({ now }: { readonly now: () => number }) {
    this.#now = now;
  }

  list<T extends KubeObject>({ plural }: ResourceType<T>): readonly T[] {
    return [...this.#objects]
      .filter(([id]) => id.startsWith(`${plural}|`))
      .map(([, object]) => copy(object) as unknown as T);
  }

  find<T extends KubeObject>({ plural }: ResourceType<T>, name: string): T | undefined {
    const object = this.#objects.get(`${plural}|ns/${name}`);
    return object === undefined ? undefined : (copy(object) as unknown as T);
  }

  /** What somebody else applies: the spec as it is given, annotations laid over those that are there. */
  apply(plural: string, object: KubeObject & { readonly spec?: object }): void {
    const { name } = object.metadata;
    const before = this.#objects.get(`${plural}|ns/${name}`);
    if (before === undefined) {
      this.#create(plural, object);
    } else {
      const annotations = { ...before.metadata.annotations, ...object.metadata.annotations };
      this.#save(plural, { ...before, ...object, metadata: { ...before.metadata, annotations } }, before);
    }
  }

  /** Somebody deletes an object. */
  delete(plural: string, name: string): void {
    this.#delete(plural, { namespace: 'ns', name });
  }

  get client(): Client {
    const known: Partial<Client> = {
      get: (type, key) => this.#answer(() => copy(this.#found(type.plural, key)) as never),
      create: (type, object) =>
        this.#write(`create ${type.plural} ${object.metadata.name}`, () =>
          this.#create(type.plural, { ...object, apiVersion: apiVersionOf(type), kind: type.kind }),
        ) as never,
      mergePatch: (type, key, patch) =>
        this.#write(`patch ${type.plural} ${key.name}`, () =>
          this.#patch(type.plural, key, patch as Json),
        ) as never,
      delete: (type, key, options) =>
        this.#write(`delete ${type.plural} ${key.name}`, () => {
          const { uid, resourceVersion } = options?.preconditions ?? {};
          const { metadata } = this.#found(type.plural, key);
          conflictUnless(uid === undefined || uid === metadata.uid);
          conflictUnless(resourceVersion === undefined || resourceVersion === metadata.resourceVersion);
          this.#delete(type.plural, key);
        }),
      applyStatus: (type, object) =>
        this.#write(`status ${type.plural} ${object.metadata.name}`, () => {
          const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
          const { status: _before, ...rest } = this.#found(type.plural, key);
          const { status } = object as unknown as Stored;
          return this.#save(type.plural, status === undefined ? rest : { ...rest, status }, rest);
        }) as never,
    };
    return known as Client;
  }

  informer<T extends KubeObject>(
    type: ResourceType<T>,
    indexes: Readonly<Record<string, (object: T) => readonly string[]>> = {},
  ): Informer<T> {
    const version = (): number => this.version;
    return {
      type,
      hasSynced: true,
      get revision() {
        return version();
      },
      get: ({ name }) => this.find(type, name),
      list: () => this.list(type),
      byIndex: (index, value) => this.list(type).filter((object) => indexes[index]?.(object).includes(value)),
      set: () => undefined,
    };
  }

  #answer<R>(work: () => R): Promise<R> {
    return Promise.resolve().then(() => {
      this.#alive();
      return work();
    });
  }

  #write<R>(what: string, work: () => R): Promise<R> {
    return this.#answer(() => {
      const refusal = this.refuse(what);
      if (refusal !== undefined) {
        throw refusal;
      }
      const result = work();
      this.writes.push(what);
      this.writesUntilCrash -= 1;
      this.#alive();
      if (this.losesAnswer !== undefined && what.startsWith(this.losesAnswer)) {
        this.losesAnswer = undefined;
        throw new TransportError('the answer is lost');
      }
      return copy(result);
    });
  }

  #alive(): void {
    if (this.writesUntilCrash <= 0) {
      throw new Crash();
    }
  }

  #found(plural: string, key: ObjectKey): Stored {
    const object = this.#objects.get(`${plural}|${key.namespace}/${key.name}`);
    if (object === undefined) {
      throw new ApiError({ code: 404, reason: 'NotFound', message: `${plural} ${key.name} not found` });
    }
    return object;
  }

  #create(plural: string, object: KubeObject): Stored {
    const { namespace = '', name } = object.metadata;
    if (this.#objects.has(`${plural}|${namespace}/${name}`)) {
      throw new ApiError({ code: 409, reason: 'AlreadyExists', message: `${name} exists` });
    }
    const creationTimestamp = new Date(this.#now()).toISOString();
    const metadata = { ...object.metadata, uid: `uid-${this.version}`, generation: 1, creationTimestamp };
    return this.#save(plural, { ...object, metadata }, undefined);
  }

  #patch(plural: string, key: ObjectKey, patch: Json): Stored {
    const before = this.#found(plural, key);
    const { uid, resourceVersion } = (patch['metadata'] ?? {}) as KubeObject['metadata'];
    conflictUnless(uid === undefined || uid === before.metadata.uid);
    conflictUnless(resourceVersion === undefined || resourceVersion === before.metadata.resourceVersion);
    return this.#save(plural, merged(before, patch) as Stored, before);
  }

  #save(plural: string, object: Stored, before: Stored | undefined): Stored {
    const generation = (before?.metadata.generation ?? 0) + 1;
    const changed = before === undefined || JSON.stringify(object.spec) !== JSON.stringify(before.spec);
    const next = copy({
      ...object,
      metadata: { ...object.metadata, ...(changed ? { generation } : {}) },
    });
    if (before !== undefined && JSON.stringify(next) === JSON.stringify(before)) {
      return before;
    }
    this.version += 1;
    next.metadata.resourceVersion = String(this.version);
    const { namespace = '', name, deletionTimestamp, finalizers = [] } = next.metadata;
    const id = `${plural}|${namespace}/${name}`;
    if (deletionTimestamp !== undefined && finalizers.length === 0) {
      this.#objects.delete(id);
      this.#collect(next.metadata.uid);
    } else {
      this.#objects.set(id, next);
    }
    return next;
  }

  #delete(plural: string, key: ObjectKey): void {
    const object = this.#found(plural, key);
    const deletionTimestamp = `${new Date(this.#now()).toISOString().slice(0, 19)}Z`;
    this.#save(plural, { ...object, metadata: { ...object.metadata, deletionTimestamp } }, object);
  }

  /** What belonged to an object goes with it. */
  #collect(uid: string | undefined): void {
    for (const [id, { metadata }] of this.#objects) {
      if (metadata.ownerReferences?.some((owner) => owner.uid === uid) === true) {
        const plural = id.slice(0, id.indexOf('|'));
        if (metadata.deletionTimestamp === undefined) {
          this.#delete(plural, { namespace: metadata.namespace ?? '', name: metadata.name });
        }
      }
    }
  }
}

function conflictUnless(holds: boolean): void {
  if (!holds) {
    throw new ApiError({ code: 409, reason: 'Conflict', message: 'the object has changed' });
  }
}

/** Not by `structuredClone`, whose objects are of another realm than those of a test, and so never strictly equal. */
function copy<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) {
    return patch;
  }
  const result: Json =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete result[name];
    } else if (value !== undefined) {
      result[name] = merged(result[name], value);
    }
  }
  return result;
}
