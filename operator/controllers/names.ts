import type { KubeObject, ObjectMeta, OwnerReference, ResourceType } from '../runtime/index.ts';

/** Held on every object that stands for something in AWS, and on the Secrets of connections. */
export const finalizer = 'aws.idhub.io/finalizer';
/** Field manager of every server-side apply. */
export const fieldManager = 'idhub-aws-connector';

/** Annotations that people write. */
export const annotations = {
  /** `true`: nothing is read or written for this object until it is taken away. */
  paused: 'aws.idhub.io/paused',
  /** Any new value: look at AWS now, live. */
  reconcileAt: 'aws.idhub.io/reconcile-at',
  /** On an object that is being deleted: let go of it without touching AWS. */
  abandon: 'aws.idhub.io/abandon',
  /** Who disabled the account; wins over `spec.enabled`. */
  disabledBy: 'aws.idhub.io/disabled-by',
  /** What a client of the HTTP port calls the account (SCIM `externalId`). */
  externalId: 'aws.idhub.io/external-id',
  /** Ours: the last write that a client asked for through the HTTP port; a new value is a new write. */
  operation: 'aws.idhub.io/operation',
  /** Ours: a write that is not finished, and what the object goes back to where it is refused, JSON. */
  undo: 'aws.idhub.io/undo',
  /** The unique id that a person confirms after `IdentityChanged`. */
  confirmUserId: 'aws.idhub.io/confirm-user-id',
  /** Ours: the unique id of the IAM user. */
  userId: 'aws.idhub.io/user-id',
  /** Ours: what was last declared on the IAM user, JSON. */
  applied: 'aws.idhub.io/applied',
  /** Lets a deletion go that the guard holds back; its value says who approves. */
  approveDeletions: 'aws.idhub.io/approve-deletions',
  /** Ours: what was last set of the console password, and what is about to be, JSON. */
  console: 'aws.idhub.io/console',
  /** Ours: the access keys that were made from here, and the one that is about to be, JSON. */
  accessKeys: 'aws.idhub.io/access-keys',
  /** Ours, on a Secret: the account whose credentials it holds, as in the owner tag. */
  secretOwner: 'aws.idhub.io/owner',
  /** Ours: which edge a binding holds, and where it came from, JSON. */
  edge: 'aws.idhub.io/edge',
  /** Ours: what is left of the burst of deletions of a connection, JSON. */
  deletions: 'aws.idhub.io/deletions',
  /** Ours, on a run: that it has ended, and how, JSON. */
  finished: 'aws.idhub.io/finished',
  /** Ours, on a connection: the runs whose deletions were stopped, by scope, JSON. */
  breaker: 'aws.idhub.io/breaker',
  /** Ours, on a connection: the filters of which it is remembered what was last reconciled, JSON. */
  scopes: 'aws.idhub.io/scopes',
  /** Ours, on a connection: for which time a run was made last, JSON. */
  lastSchedule: 'aws.idhub.io/last-schedule',
  /** Ours, on a run: the time of the schedule that it was made for. */
  scheduledAt: 'aws.idhub.io/scheduled-at',
  /** Ours: the AWS account of a connection. */
  accountId: 'aws.idhub.io/account-id',
  /** Ours: the Secret of a connection that has our finalizer. */
  secretName: 'aws.idhub.io/secret-name',
} as const;

export interface Secret extends KubeObject {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export const secretType: ResourceType<Secret> = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
};

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export const configMapType: ResourceType<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};

/** What the operator itself writes into metadata; it is no news to it. */
const own: ReadonlySet<string> = new Set<string>([
  annotations.userId,
  annotations.applied,
  annotations.console,
  annotations.accessKeys,
  annotations.edge,
  annotations.deletions,
  annotations.externalId,
  annotations.undo,
  annotations.finished,
  annotations.accountId,
  annotations.lastSchedule,
  annotations.scopes,
  annotations.secretName,
]);

/**
 * Whether a change of an object is somebody else's: the spec, an annotation that people write, the
 * deletion, or our finalizer taken away. Our own notes on the object wake nobody.
 */
export function changedByOthers(before: KubeObject, after: KubeObject): boolean {
  const a = before.metadata;
  const b = after.metadata;
  return (
    a.uid !== b.uid ||
    a.generation !== b.generation ||
    a.deletionTimestamp !== b.deletionTimestamp ||
    (hasFinalizer(a) && !hasFinalizer(b)) ||
    othersAnnotations(a) !== othersAnnotations(b)
  );
}

function othersAnnotations(metadata: ObjectMeta): string {
  const entries = Object.entries(metadata.annotations ?? {}).filter(([name]) => !own.has(name));
  return JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

export function isTrue(metadata: ObjectMeta, annotation: string): boolean {
  return metadata.annotations?.[annotation]?.toLowerCase() === 'true';
}

export function hasFinalizer(metadata: ObjectMeta): boolean {
  return metadata.finalizers?.includes(finalizer) === true;
}

/** Whether an object that is being deleted is to be let go of without touching AWS. */
export function isAbandoned(metadata: ObjectMeta): boolean {
  return metadata.deletionTimestamp !== undefined && isTrue(metadata, annotations.abandon);
}

/** The owner reference to an object, as the garbage collector reads it. */
export function ownerReference({ apiVersion, kind, metadata }: KubeObject): OwnerReference {
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true };
}

/** Whose own an object is. */
export function controllerOf({ ownerReferences }: ObjectMeta): OwnerReference | undefined {
  return ownerReferences?.find(({ controller }) => controller === true);
}

/** On every object that the operator makes beside those of its kinds that people make. */
export const managedByUs = { 'app.kubernetes.io/managed-by': 'idhub-aws-connector' } as const;
