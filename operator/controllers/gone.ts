import type { KubeObject, ResourceType } from '../runtime/index.ts';
import { done, isNotFound, type Client, type ObjectKey, type Result } from '../runtime/index.ts';

/**
 * Does one look at an object. Where a write finds nothing because the object itself is gone, which the cache does not
 * show yet, that is no failure: there is nothing left to do.
 */
export async function unlessGone<T extends KubeObject>(
  work: () => Promise<Result>,
  {
    client,
    type,
    key,
    signal,
  }: {
    readonly client: Client;
    readonly type: ResourceType<T>;
    readonly key: ObjectKey;
    readonly signal: AbortSignal;
  },
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isNotFound(error) && (await isGone(client, type, key, signal))) {
      return done();
    }
    throw error;
  }
}

async function isGone<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  key: ObjectKey,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await client.get(type, key, { signal });
    return false;
  } catch (error) {
    return isNotFound(error);
  }
}
