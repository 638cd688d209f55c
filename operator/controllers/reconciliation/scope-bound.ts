import { awsConnectionType, type AwsConnection } from '../../api/v1alpha1/index.ts';
import {
  isConflict,
  keyOf,
  keyString,
  type Client,
  type Informer,
  type Logger,
  type ObjectKey,
} from '../../runtime/index.ts';
import { stoppedRuns } from '../breaker.ts';
import { noteOnConnection } from '../connection-note.ts';
import { annotations } from '../names.ts';
import type { BaselineSecrets } from './baseline-store.ts';
import {
  isSameFilter,
  knownScopes,
  superfluous,
  used,
  without,
  writeScopes,
  type KnownScope,
} from './scopes.ts';

export interface ScopeBoundOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  readonly baselines: Pick<BaselineSecrets, 'forget'>;
  readonly logger: Logger;
}

/** A write of the connection that meets another one is repeated so often. */
const maxTries = 5;

/**
 * Keeps what is remembered of filters within bounds. Each filter is noted on the connection before anything is
 * remembered of it, and struck off after all of that is gone: killed in between, nothing is lost sight of.
 */
export class ScopeBound {
  readonly #options: ScopeBoundOptions;
  /** `namespace/name scope` of the runs that are under way. */
  readonly #busy = new Map<string, number>();

  constructor(options: ScopeBoundOptions) {
    this.#options = options;
  }

  /** While the work goes on, its scope is not forgotten. */
  async during<T>(connection: ObjectKey, scope: string, work: () => Promise<T>): Promise<T> {
    const name = busyName(connection, scope);
    this.#busy.set(name, (this.#busy.get(name) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#busy.get(name) ?? 1) - 1;
      if (left === 0) {
        this.#busy.delete(name);
      } else {
        this.#busy.set(name, left);
      }
    }
  }

  /** Notes that something is about to be remembered of a scope. @param filter undefined: of all users */
  async use(
    connection: ObjectKey,
    scope: string,
    filter: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (filter !== undefined) {
      await this.#change(connection, (before) => used(before, scope, filter), signal);
    }
  }

  /**
   * Forgets the longest unused scopes beyond the bound. Never those of which deletions are stopped (the run that
   * closes the breaker has to know who is missing), that the schedule names, or that a run is at work on.
   * @returns the filters that were forgotten; what cannot be is tried again with the next run
   */
  async trim(
    connection: ObjectKey,
    scheduled: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { baselines, connections, logger } = this.#options;
    const object = connections.get(connection);
    if (object === undefined) {
      return [];
    }
    // Asked anew for each, since that is forgotten one after the other.
    const isKept = (known: KnownScope): boolean => {
      const { metadata, spec } = connections.get(connection) ?? object;
      const schedule = spec.reconciliation?.filter?.trim();
      return (
        known.scope === scheduled ||
        stoppedRuns(metadata).some(({ scope }) => scope === known.scope) ||
        (schedule !== undefined && isSameFilter(known, schedule)) ||
        this.#busy.has(busyName(connection, known.scope))
      );
    };
    const gone: KnownScope[] = [];
    for (const each of superfluous(knownScopes(object.metadata), isKept)) {
      // One that has begun meanwhile finds its commit refused where this was faster, and begins anew.
      if (isKept(each)) {
        continue;
      }
      try {
        await baselines.forget(object, each.scope, signal);
        gone.push(each);
      } catch (error) {
        signal.throwIfAborted();
        const fields = { connection: keyString(connection), filter: each.filter, error };
        logger.warn('what was last reconciled of a filter could not be forgotten', fields);
      }
    }
    const scopes = gone.map(({ scope }) => scope);
    if (scopes.length > 0) {
      await this.#change(connection, (before) => without(before, scopes), signal);
    }
    return gone.map(({ filter }) => filter);
  }

  async #change(
    key: ObjectKey,
    change: (before: readonly KnownScope[]) => readonly KnownScope[],
    signal: AbortSignal,
  ): Promise<void> {
    const { client, connections } = this.#options;
    let object = connections.get(key);
    for (let tries = 1; object !== undefined; tries += 1) {
      const { metadata } = object;
      const text = metadata.annotations?.[annotations.scopes] ?? null;
      const wanted = writeScopes(change(knownScopes(metadata)));
      if (wanted === text) {
        return;
      }
      try {
        await noteOnConnection(this.#options, object, annotations.scopes, wanted, signal);
        return;
      } catch (error) {
        if (!isConflict(error) || tries === maxTries) {
          throw error;
        }
        object = await client.get(awsConnectionType, keyOf(object), { signal });
      }
    }
  }
}

function busyName(connection: ObjectKey, scope: string): string {
  return `${keyString(connection)} ${scope}`;
}
