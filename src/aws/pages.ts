import type { AwsApi, CallOptions } from './api.ts';
import type { InputOf, Operation, OutputOf } from './operations.ts';

/** Operations that answer in pages with `IsTruncated` and `Marker`. */
type Paged = {
  [K in Operation]: 'Marker' extends keyof InputOf<K> ? K : never;
}[Operation];

/**
 * Every page of a list call, to the end: a page may be short or empty and still have more to come
 * (IAM API reference, IsTruncated). A list that repeats its marker is an error, not an endless loop.
 */
export async function* pages<K extends Paged>(
  api: AwsApi,
  operation: K,
  input: Omit<InputOf<K>, 'Marker'>,
  options: CallOptions,
): AsyncGenerator<OutputOf<K>> {
  const seen = new Set<string>();
  let marker: string | undefined;
  for (;;) {
    const page = await api.call(
      operation,
      { ...input, ...(marker === undefined ? {} : { Marker: marker }) },
      options,
    );
    yield page;
    const { IsTruncated: more, Marker: next } = page as { IsTruncated?: boolean; Marker?: string };
    if (more !== true) {
      return;
    }
    if (next === undefined || seen.has(next)) {
      throw new Error(`${operation}: AWS says that there is more, and gives no new marker`);
    }
    seen.add(next);
    marker = next;
  }
}
