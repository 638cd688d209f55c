import { committedIn, SpoiltBaselineError } from '../../../src/reconciliation/index.ts';
import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type Client } from '../../runtime/index.ts';
import { ownerReference } from '../names.ts';
import { labelsOf } from './labels.ts';
import { derivedName, SecretSets, SpoiltSetError, type Place, type SecretSet } from './secret-set.ts';

/** What was last reconciled of a scope, as bytes. */
export interface StoredBaseline {
  readonly meta: string;
  readonly parts: readonly Buffer[];
  /** What the next commit replaces. */
  readonly set: SecretSet;
}

export interface BaselineSecretsOptions {
  readonly client: Client;
}

/** What was last reconciled, in Secrets of the connection: a set a scope. The leader alone writes. */
export class BaselineSecrets {
  readonly #sets: SecretSets;

  constructor(options: BaselineSecretsOptions) {
    this.#sets = new SecretSets(options);
  }

  /**
   * Undefined where nothing was ever committed.
   * @throws {SpoiltSetError} where it cannot be read whole: never an empty one
   */
  async load(
    connection: AwsConnection,
    scope: string,
    signal: AbortSignal,
  ): Promise<StoredBaseline | undefined> {
    const place = placeOf(connection, scope);
    const found = await this.#sets.open(place, signal);
    if (found === undefined) {
      return undefined;
    }
    const set = await this.#sets.own(place, found, signal);
    const parts: Buffer[] = [];
    for await (const part of this.#sets.parts(place, set, signal)) {
      parts.push(part);
    }
    return { meta: set.meta, parts, set };
  }

  /**
   * Uids of the latest runs that were committed; none where nothing ever was.
   * @throws {SpoiltSetError} where that cannot be told
   */
  async committed(
    connection: AwsConnection,
    scope: string,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const found = await this.#sets.open(placeOf(connection, scope), signal);
    try {
      return new Set(found === undefined ? [] : committedIn(found.meta));
    } catch (error) {
      throw error instanceof SpoiltBaselineError ? this.spoilt(connection, scope, error.message) : error;
    }
  }

  /**
   * Puts what was found in the place of what was known.
   * @throws {ApiError} a conflict, where another one was committed since `before` was loaded
   */
  async commit(
    connection: AwsConnection,
    scope: string,
    before: StoredBaseline | undefined,
    next: { readonly meta: string; readonly parts: readonly Buffer[] },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#sets.write(placeOf(connection, scope), before?.set, next, signal);
  }

  /**
   * Nothing of the scope is remembered any more.
   * @throws {ApiError} a conflict, where another one was committed meanwhile
   * @throws {SpoiltSetError} where it cannot be told what belongs to it
   */
  async forget(connection: AwsConnection, scope: string, signal: AbortSignal): Promise<void> {
    await this.#sets.remove(placeOf(connection, scope), signal);
  }

  /** What is there makes no sense to who reads it. */
  spoilt(connection: AwsConnection, scope: string, why: string): SpoiltSetError {
    return new SpoiltSetError(`Secret "${placeOf(connection, scope).head}": ${why}`);
  }
}

function placeOf(connection: AwsConnection, scope: string): Place {
  const name = keyString(keyOf(connection));
  return {
    namespace: connection.metadata.namespace ?? '',
    // Of the name, not of the uid: what a backup brings back is found again.
    head: derivedName(keyOf(connection), 'baseline', `${name} ${scope}`),
    mark: `baseline ${name} ${scope}`,
    owner: ownerReference(connection),
    labels: labelsOf('baseline'),
  };
}
