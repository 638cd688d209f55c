/** `metadata` of a Kubernetes object, as far as a controller needs it. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339, seconds. */
  creationTimestamp?: string;
  /** RFC 3339, seconds; present once the object is being deleted. */
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: unknown[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** A kind of object and where the API server serves it. */
export interface ResourceType<T extends KubeObject> {
  /** The API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Carries the type only; never set. */
  readonly _type?: T;
}

/** What the work queue holds. `namespace` is empty for a cluster-scoped object. */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

export function apiVersionOf(type: ResourceType<KubeObject>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

export function keyOf(object: { readonly metadata: { name: string; namespace?: string } }): ObjectKey {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

/** `namespace/name`, or `name` for a cluster-scoped object. */
export function keyString(key: ObjectKey): string {
  return key.namespace === '' ? key.name : `${key.namespace}/${key.name}`;
}

/** The inverse of `keyString`; names of Kubernetes objects never hold a slash. */
export function parseKey(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash === -1
    ? { namespace: '', name: text }
    : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/**
 * Compares two resource versions of one kind of object: negative when `a` is older. Undefined when
 * one is absent or no decimal number (the API conventions promise numbers since Kubernetes 1.35).
 */
export function compareResourceVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined || !/^[1-9]\d*$/.test(a) || !/^[1-9]\d*$/.test(b)) {
    return undefined;
  }
  if (a.length !== b.length) {
    return a.length - b.length;
  }
  return a < b ? -1 : Number(a > b);
}

/** What a reconcile wants next. A failed reconcile throws instead. */
export interface Result {
  /** Milliseconds until the next look when nothing else wakes the key. */
  readonly requeueAfterMs?: number;
}

/** Nothing to do until something changes. */
export function done(): Result {
  return {};
}

/** Look again after `ms`, at low priority. The caller adds jitter. */
export function after(ms: number): Result {
  return { requeueAfterMs: Math.max(0, ms) };
}

export interface Reconciler {
  /**
   * Brings the outside in line with the object's declaration; reads both anew. Never runs twice at
   * once for one key. `signal` aborts when the lease is lost or the grace period is over.
   */
  reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result>;
}
