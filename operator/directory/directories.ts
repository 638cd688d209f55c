import {
  DirectoryUnavailableError,
  type ConnectionName,
  type Directories,
  type Directory,
} from '../../src/idhub/index.ts';
import type { AwsConnection } from '../api/v1alpha1/index.ts';
import { keyOf, keyString, type Informer } from '../runtime/index.ts';
import type { Catalogues } from './catalogues.ts';
import type { DirectoryWrites } from './ports.ts';
import type { SnapshotViews } from './views.ts';

export interface KubernetesDirectoriesOptions {
  readonly connections: Informer<AwsConnection>;
  readonly views: Pick<SnapshotViews, 'latest' | 'list'>;
  readonly catalogues: Pick<Catalogues, 'list'>;
  readonly writes: DirectoryWrites;
}

/** A directory for each AwsConnection of the cluster. */
export class KubernetesDirectories implements Directories {
  readonly #options: KubernetesDirectoriesOptions;

  constructor(options: KubernetesDirectoriesOptions) {
    this.#options = options;
  }

  list(): readonly ConnectionName[] {
    const { connections } = this.#options;
    this.#requireObjects();
    return connections
      .list()
      .map(keyOf)
      .sort((one, other) => (keyString(one) < keyString(other) ? -1 : 1));
  }

  get({ namespace, name }: ConnectionName): Directory | undefined {
    const connection = { namespace, name };
    const { catalogues, connections, views, writes } = this.#options;
    this.#requireObjects();
    return connections.get(connection) === undefined
      ? undefined
      : {
          connection,
          view: (signal) => views.list(connection, signal),
          latest: () => views.latest(connection),
          catalogue: (signal) => catalogues.list(connection, signal),
          create: (write, context) => writes.create(connection, write, context),
          change: (id, write, context) => writes.change(connection, id, write, context),
          remove: (id, context) => writes.remove(connection, id, context),
        };
  }

  #requireObjects(): void {
    if (!this.#options.connections.hasSynced) {
      throw starting();
    }
  }
}

/**
 * Stands in for directories until they are there: the port is open before the objects of the cluster are known, and
 * nobody is told that there is nothing.
 */
export class LateDirectories implements Directories {
  #given: Directories | undefined;

  give(directories: Directories): void {
    this.#given = directories;
  }

  list(): readonly ConnectionName[] {
    return this.#directories().list();
  }

  get(connection: ConnectionName): Directory | undefined {
    return this.#directories().get(connection);
  }

  #directories(): Directories {
    if (this.#given === undefined) {
      throw starting();
    }
    return this.#given;
  }
}

function starting(): DirectoryUnavailableError {
  return new DirectoryUnavailableError(
    'The connector has just started and does not know the objects of the cluster yet.',
    { retryAfterMs: 2_000 },
  );
}
