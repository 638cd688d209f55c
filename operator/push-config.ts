import { isObjectName } from './runtime/index.ts';
import { readPushAddress } from '../src/push/index.ts';

/** Where changes are sent to, and what signs them. */
export interface PushConfig {
  readonly url: URL;
  /** Name of a Secret in the operator's namespace. */
  readonly secret: string;
}

/**
 * Reads the two flags, which go together; undefined where neither is given. What is wrong with an address may be
 * the password that is in it, so that no sentence repeats it. Pure.
 * @param refuse takes a sentence on what cannot be used
 * @param nameOf a flag, as sentences name it
 */
export function readPushConfig(
  given: { readonly url: string; readonly secret: string },
  nameOf: (flag: 'push-url' | 'push-secret') => string,
  refuse: (sentence: string) => void,
): PushConfig | undefined {
  const { secret, url } = given;
  if (url === '' && secret === '') {
    return undefined;
  }
  if (url === '' || secret === '') {
    const [there, missing] = url === '' ? (['secret', 'url'] as const) : (['url', 'secret'] as const);
    refuse(`${nameOf(`push-${there}`)} is given without --push-${missing}; give both, or neither`);
    return undefined;
  }
  if (!isObjectName(secret)) {
    refuse(`${nameOf('push-secret')} is "${secret}"; write the name of a Secret`);
  }
  const read = readPushAddress(url);
  if (read.kind === 'refused') {
    refuse(`${nameOf('push-url')} cannot be used; ${read.why}`);
    return undefined;
  }
  return { url: read.url, secret };
}
