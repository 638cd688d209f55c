import type { Client, RequestOptions } from './contracts.ts';
import { NotLeadingError } from './errors.ts';

/**
 * The client with its writes refused unless `leading` says yes, asked when the write is called and once more
 * when there is a connection to send it on: between the two a process may have been frozen for long.
 */
export function fencedClient(client: Client, leading: () => boolean): Client {
  const guard = (): void => {
    if (!leading()) {
      throw new NotLeadingError();
    }
  };
  const fenced = async <R, O extends RequestOptions>(
    options: O | undefined,
    write: (options: O & { guard: () => void }) => Promise<R>,
  ): Promise<R> => {
    guard();
    return write({ ...(options as O), guard });
  };
  return {
    get reachable() {
      return client.reachable;
    },
    get: (type, key, options) => client.get(type, key, options),
    list: (type, options) => client.list(type, options),
    watch: (type, options) => client.watch(type, options),
    openApi: (groupVersion, options) => client.openApi(groupVersion, options),
    create: (type, object, options) => fenced(options, (all) => client.create(type, object, all)),
    delete: (type, key, options) => fenced(options, (all) => client.delete(type, key, all)),
    mergePatch: (type, key, patch, options) =>
      fenced(options, (all) => client.mergePatch(type, key, patch, all)),
    apply: (type, object, options) => fenced(options, (all) => client.apply(type, object, all)),
    applyStatus: (type, object, options) => fenced(options, (all) => client.applyStatus(type, object, all)),
  };
}
