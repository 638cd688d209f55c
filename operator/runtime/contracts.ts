import type { Registry } from 'prom-client';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { OpenApiDocument } from './openapi.ts';
import type { KubeObject, ObjectKey, ObjectMeta, Reconciler, ResourceType } from './types.ts';

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called at the last moment before anything is sent; what it throws, the call rejects with. */
  readonly guard?: (() => void) | undefined;
}

export interface ListOptions extends RequestOptions {
  /** All namespaces when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects a page; 500 unless told. */
  readonly pageSize?: number | undefined;
}

export interface ObjectList<T> {
  readonly items: T[];
  /** The version of the snapshot that all pages show. */
  readonly resourceVersion: string;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchOptions extends RequestOptions {
  readonly namespace?: string | undefined;
  readonly resourceVersion: string;
  /** The server ends the stream after this many seconds. */
  readonly timeoutSeconds: number;
  /** Without a byte for this long the stream ends, as if the server had ended it; 120 s unless told. */
  readonly idleTimeoutMs?: number | undefined;
}

/** The fields of an object that one field manager wants; kind and version are filled in. */
export type Applied<T extends KubeObject> = Partial<Omit<T, 'metadata'>> & {
  readonly metadata: Partial<ObjectMeta> & Pick<ObjectMeta, 'name'>;
};

/**
 * Typed access to an API server. Every call rejects with `ApiError` (an answer other than 2xx),
 * `TransportError` (no usable answer) or the signal's reason. Nothing is retried, except once
 * after a 401 with freshly read credentials.
 */
export interface Client {
  /** The last exchange got an answer below 500. False until the first one. */
  readonly reachable: boolean;
  get<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, options?: RequestOptions): Promise<T>;
  /** A consistent snapshot, all pages of it. */
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(type: ResourceType<T>, object: T, options?: RequestOptions): Promise<T>;
  delete(
    type: ResourceType<KubeObject>,
    key: ObjectKey,
    options?: RequestOptions & {
      readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
    },
  ): Promise<void>;
  /** RFC 7386. A `metadata.resourceVersion` in the patch makes a change in between a conflict. */
  mergePatch<T extends KubeObject>(
    type: ResourceType<T>,
    key: ObjectKey,
    patch: object,
    options?: RequestOptions,
  ): Promise<T>;
  /** Server-side apply of `object`, which holds only the fields that `fieldManager` wants. */
  apply<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    options: RequestOptions & { readonly fieldManager: string; readonly force?: boolean },
  ): Promise<T>;
  /** Server-side apply on `/status`, by force: one field manager owns the whole of it. */
  applyStatus<T extends KubeObject>(
    type: ResourceType<T>,
    object: Applied<T>,
    options: RequestOptions & { readonly fieldManager: string },
  ): Promise<T>;
  /**
   * Events from `resourceVersion` on, bookmarks among them. Ends when the server ends the stream
   * (half a line at its end is dropped) or nothing came for too long; throws when the connection breaks.
   */
  watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /**
   * What is served of a group and version: `/openapi/v3/apis/GROUP/VERSION`, which the ClusterRole system:discovery
   * lets everybody read who is authenticated. Undefined where it is the one of `etag` still. 404: nothing is served of it.
   */
  openApi(
    groupVersion: Pick<ResourceType<KubeObject>, 'group' | 'version'>,
    options?: RequestOptions & { readonly etag?: string | undefined },
  ): Promise<{ readonly document: OpenApiDocument; readonly etag: string | undefined } | undefined>;
}

/** A cache of one kind of object, kept current by a list and a watch. Its objects are frozen. */
export interface Informer<T extends KubeObject> {
  readonly type: ResourceType<T>;
  get(key: ObjectKey): T | undefined;
  list(): readonly T[];
  /** Objects for which the index function gave `value`; throws on an unknown index. */
  byIndex(index: string, value: string): readonly T[];
  /** The first list is in. */
  readonly hasSynced: boolean;
  /** Changes with every object that comes, changes or goes. */
  readonly revision: number;
  /**
   * Puts the answer of an own write into the cache when it is newer than what is there, so that
   * the next reconcile does not act on what was before the write.
   */
  set(object: T): void;
}

export interface InformerOptions<T extends KubeObject> {
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** Applied before an object is kept, for instance to drop `managedFields`. */
  readonly transform?: (object: T) => T;
}

/** Members are methods so that watches of different kinds fit into one list. */
export interface Watch<T extends KubeObject> {
  readonly informer: Informer<T>;
  /** The keys to reconcile when the object appeared, changed or went; its own key unless told. */
  map?(object: T): readonly ObjectKey[];
  /**
   * Whether a change is worth a reconcile. Unless told: generation, labels, annotations,
   * deletion timestamp or finalizers differ, never the status alone.
   */
  changed?(before: T, after: T): boolean;
  /** Priority of a change of this object; 0 unless told. First listings are always at low priority. */
  priority?(object: T): number;
}

export interface BackoffOptions {
  /** First delay after an error, ms. */
  readonly baseMs: number;
  /** First delay after a conflict, ms. */
  readonly conflictBaseMs: number;
  /** Longest delay, ms. */
  readonly maxMs: number;
}

export interface ControllerOptions {
  /** Label of metrics and logs. */
  readonly name: string;
  readonly reconciler: Reconciler;
  /** Reconciles at once, over different keys. */
  readonly workers: number;
  readonly watches: readonly Watch<KubeObject>[];
  readonly backoff?: Partial<BackoffOptions>;
}

export interface EnqueueOptions {
  /** Higher goes first; 0 unless told. */
  readonly priority?: number | undefined;
  readonly afterMs?: number | undefined;
}

export interface Controller {
  readonly name: string;
  /** Asks for a reconcile; of several requests for one key the earliest and the highest count. */
  enqueue(key: ObjectKey, options?: EnqueueOptions): void;
}

export interface LeaderElectionOptions {
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Unique to this process. */
  readonly identity: string;
  /** 15 s unless told. */
  readonly leaseDurationMs?: number;
  /** 10 s unless told. */
  readonly renewDeadlineMs?: number;
  /** 2 s unless told. */
  readonly retryPeriodMs?: number;
  /** What the holder puts on the Lease for others to read, asked for with each renewal. */
  readonly annotations?: () => Readonly<Record<string, string>>;
}

/** Who holds a Lease, by what was last seen of it. */
export interface LeaseHolder {
  readonly identity: string;
  /** Of the Lease: a holder before may have left some. */
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Without it this process counts as the leader. */
  readonly leaderElection?: LeaderElectionOptions;
  /** Namespaces to watch; all when absent. */
  readonly namespaces?: readonly string[];
  /** How long running reconciles may go on after a stop, ms. */
  readonly gracePeriodMs: number;
  /**
   * Awaited before each list of an informer, and before each watch that goes on where another ended; what it throws
   * counts as their failure. An API server ends the watches of a kind a second after its definition has changed.
   */
  readonly admit?: (signal: AbortSignal) => Promise<void>;
}

/**
 * Runs informers, then, once their caches are synced and the lease is held, controllers and tasks.
 */
export interface Manager {
  /** The given client, its writes refused with `NotLeadingError` while `leading` is false. */
  readonly client: Client;
  /** One for a type; asking again with other options is an error, as is asking after `run`. */
  informer<T extends KubeObject>(type: ResourceType<T>, options?: InformerOptions<T>): Informer<T>;
  controller(options: ControllerOptions): Controller;
  /** Started once the lease is held and caches are synced; ends at the latest with its signal. */
  onLeading(task: (signal: AbortSignal) => Promise<void>): void;
  /**
   * Runs until `signal` aborts, then takes no new items, lets running reconciles finish within the
   * grace period, and gives the lease back last. `lease-lost`: all signals were aborted at once, or
   * what there is could not be listed once the lease was won; the process should end.
   */
  run(signal: AbortSignal): Promise<'stopped' | 'lease-lost'>;
  /**
   * Undefined where caches are synced and the API server answers; else what is missing, without a word of the
   * server's, since anybody may read it.
   */
  unready(): string | undefined;
  /** False when the lease was lost or its renewal hangs: the process should be restarted. */
  healthy(): boolean;
  /**
   * Whether this process may write now: the lease was renewed less than the renew deadline ago by
   * clocks that go on while the process is frozen. Ask before each external write.
   */
  readonly leading: boolean;
  /**
   * Who holds the Lease, as this process last saw it, a few seconds ago at most. Undefined where nobody does or that
   * is not known, and without leader election.
   */
  readonly leader: LeaseHolder | undefined;
}

/** What happened to an object, for people who look at it. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase, for programs. */
  readonly reason: string;
  /** A sentence for people; cut at 1,024 characters. */
  readonly message: string;
  /** What was done or tried, one word in CamelCase. */
  readonly action: string;
}

export interface EventRecorder {
  /** Queues an event about `object`. Never throws, never waits. */
  event(object: KubeObject, note: EventNote): void;
}
