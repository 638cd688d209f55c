import { isDeepStrictEqual } from 'node:util';
import type { Applied, Client, Informer, RequestOptions } from './contracts.ts';
import { ApiError, isNotFound } from './errors.ts';
import { keyOf, type KubeObject, type ResourceType } from './types.ts';

export interface ApplyStatusOptions<T extends KubeObject> extends RequestOptions {
  readonly client: Client;
  readonly type: ResourceType<T>;
  /** The object as the cache has it. */
  readonly current: T;
  /** The whole status: this field manager owns all of it, and what is absent here is removed. */
  readonly status: object;
  readonly fieldManager: string;
  /** Fields of the status whose change alone is worth no write, such as times of the last look. */
  readonly ignore?: readonly string[];
  /** Is given the answer, so that the next reconcile sees this status. */
  readonly informer?: Informer<T>;
}

/**
 * Writes a status by server-side apply unless the cached object has an equal one. Resolves with whether it
 * wrote; rejects as `Client.applyStatus` does, and with a conflict when the object was deleted and made
 * anew meanwhile. The write carries no resource version: what was found out must not be lost because the
 * specification changed on the way.
 */
export async function applyStatusIfChanged<T extends KubeObject>(
  options: ApplyStatusOptions<T>,
): Promise<boolean> {
  const { client, type, current, fieldManager, informer, signal, ignore = [] } = options;
  const before = (current as { status?: object }).status ?? {};
  const wanted = JSON.parse(JSON.stringify(options.status)) as object;
  if (isDeepStrictEqual(without(before, ignore), without(wanted, ignore))) {
    return false;
  }
  const { namespace, name } = keyOf(current);
  const { uid } = current.metadata;
  const write = (fields: { readonly status?: object }): Promise<T> => {
    const metadata = namespace === '' ? { name } : { name, namespace };
    // The API server copies all other metadata from its own object, the uid among them.
    const applied = { metadata, ...fields } as unknown as Applied<T>;
    return client.applyStatus(type, applied, { fieldManager, signal });
  };
  const written = await write(Object.keys(wanted).length === 0 ? {} : { status: wanted });
  if (uid !== undefined && written.metadata.uid !== uid) {
    // Applying nothing takes back what this manager applied; `status: {}` would be refused as null.
    await write({});
    throw new ApiError({
      code: 409,
      reason: 'Conflict',
      message: `${type.kind} ${name} was deleted and made anew`,
    });
  }
  informer?.set(written);
  return true;
}

function without(object: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

export interface FinalizerOptions<T extends KubeObject> extends RequestOptions {
  readonly client: Client;
  readonly type: ResourceType<T>;
  /** The object as the cache has it. */
  readonly current: T;
  /** A qualified name, `domain/word`. */
  readonly finalizer: string;
  /** Is given the answer. */
  readonly informer?: Informer<T>;
}

/**
 * Resolves with whether the object has the finalizer now. Never added to an object that is being
 * deleted, which the API server forbids. Rejects with a conflict when the object changed since
 * `current` was read.
 */
export async function ensureFinalizer<T extends KubeObject>(options: FinalizerOptions<T>): Promise<boolean> {
  const { finalizers = [], deletionTimestamp } = options.current.metadata;
  if (finalizers.includes(options.finalizer)) {
    return true;
  }
  if (deletionTimestamp !== undefined) {
    return false;
  }
  await patchFinalizers(options, [...finalizers, options.finalizer]);
  return true;
}

/** Removes the finalizer; an object that is gone is fine. Conflicts as `ensureFinalizer`. */
export async function removeFinalizer<T extends KubeObject>(options: FinalizerOptions<T>): Promise<void> {
  const { finalizers = [] } = options.current.metadata;
  if (finalizers.includes(options.finalizer)) {
    const left = finalizers.filter((one) => one !== options.finalizer);
    await patchFinalizers(options, left).catch((error: unknown) => {
      if (!isNotFound(error)) {
        throw error;
      }
    });
  }
}

async function patchFinalizers<T extends KubeObject>(
  options: FinalizerOptions<T>,
  finalizers: readonly string[],
): Promise<void> {
  const { client, type, current, informer, signal } = options;
  const { uid, resourceVersion } = current.metadata;
  const patch = { metadata: { uid, resourceVersion, finalizers } };
  const written = await client.mergePatch(type, keyOf(current), patch, { signal });
  informer?.set(written);
}
