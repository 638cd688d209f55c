import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import { isConflict, keyOf, keyString, type Client } from '../../runtime/index.ts';
import { ownerReference } from '../names.ts';
import {
  derivedName,
  labelsOf,
  OutboxSpoiltError,
  SecretSets,
  SpoiltSetError,
  unpackedLines,
  type Place,
  type SecretSet,
} from '../reconciliation/index.ts';
import { emptyQueue, readQueue, writeQueue, type Entry, type PushQueue } from './queue.ts';

/** The changes of one run, as they are kept. */
export interface KeptChanges {
  /** What the report says of the run as a whole. */
  readonly header: Readonly<Record<string, unknown>>;
  /** Whole lines of newline-delimited JSON. @throws {SpoiltSetError} */
  readonly lines: AsyncIterable<Buffer>;
}

export interface PushStoreOptions {
  readonly client: Client;
}

const maxTries = 5;

/** What is to be sent for a connection, in Secrets of it: a list, and the changes of each run in it. */
export class PushStore {
  readonly #sets: SecretSets;
  /** By connection: the change of its list that is under way. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor({ client }: PushStoreOptions) {
    this.#sets = new SecretSets({ client });
  }

  /** @throws {OutboxSpoiltError} */
  async load(connection: AwsConnection, signal: AbortSignal): Promise<PushQueue> {
    return (await this.#read(connection, signal)).queue;
  }

  /** Changes the list; what the function gives back as it was is not written. */
  async change(
    connection: AwsConnection,
    change: (queue: PushQueue) => PushQueue,
    signal: AbortSignal,
  ): Promise<PushQueue> {
    const name = keyString(keyOf(connection));
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(() => this.#change(connection, change, signal));
    const settled = turn.catch(() => undefined);
    this.#turns.set(name, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(name) === settled) {
        this.#turns.delete(name);
      }
    }
  }

  /** Writes the changes of a run, also over those of an earlier try of it. */
  async keep(
    connection: AwsConnection,
    uid: string,
    header: object,
    parts: readonly Buffer[],
    signal: AbortSignal,
  ): Promise<void> {
    const place = itemPlace(connection, uid);
    await this.#sets.write(
      place,
      await this.#sets.open(place, signal),
      { meta: JSON.stringify(header), parts },
      signal,
    );
  }

  /** @throws {SpoiltSetError} also by the lines, where they are not as they were written */
  async open(connection: AwsConnection, { uid }: Entry, signal: AbortSignal): Promise<KeptChanges> {
    const place = itemPlace(connection, uid);
    const found = await this.#sets.open(place, signal);
    if (found === undefined) {
      throw new SpoiltSetError(`Secret "${place.head}" is not there`);
    }
    const set = await this.#sets.own(place, found, signal);
    return {
      header: JSON.parse(set.meta) as Readonly<Record<string, unknown>>,
      lines: unpackedLines(this.#sets.parts(place, set, signal)),
    };
  }

  /** @throws {SpoiltSetError} where it cannot be told what belongs to it */
  remove(connection: AwsConnection, uid: string, signal: AbortSignal): Promise<void> {
    return this.#sets.remove(itemPlace(connection, uid), signal);
  }

  async #change(
    connection: AwsConnection,
    change: (queue: PushQueue) => PushQueue,
    signal: AbortSignal,
  ): Promise<PushQueue> {
    for (let tries = 1; ; tries += 1) {
      const { queue, set } = await this.#read(connection, signal);
      const wanted = change(queue);
      if (wanted === queue) {
        return queue;
      }
      try {
        const meta = writeQueue(wanted);
        await this.#sets.write(listPlace(connection), set, { meta, parts: [] }, signal);
        return wanted;
      } catch (error) {
        if (!isConflict(error) || tries === maxTries) {
          throw error;
        }
      }
    }
  }

  async #read(
    connection: AwsConnection,
    signal: AbortSignal,
  ): Promise<{ readonly queue: PushQueue; readonly set: SecretSet | undefined }> {
    const place = listPlace(connection);
    try {
      const found = await this.#sets.open(place, signal);
      if (found === undefined) {
        return { queue: emptyQueue, set: undefined };
      }
      const queue = readQueue(found.meta);
      if (queue === undefined) {
        throw new OutboxSpoiltError(
          `Secret "${place.head}", which says what is to be sent, is not as it was written`,
        );
      }
      return { queue, set: await this.#sets.own(place, found, signal) };
    } catch (error) {
      throw error instanceof SpoiltSetError ? new OutboxSpoiltError(error.message) : error;
    }
  }
}

function listPlace(connection: AwsConnection): Place {
  const name = keyString(keyOf(connection));
  return placeOf(connection, `push ${name}`);
}

function itemPlace(connection: AwsConnection, uid: string): Place {
  const name = keyString(keyOf(connection));
  return placeOf(connection, `push ${name} ${uid}`);
}

/** Of the name, not of the uid: what a backup brings back is found again. */
function placeOf(connection: AwsConnection, mark: string): Place {
  return {
    namespace: connection.metadata.namespace ?? '',
    head: derivedName(keyOf(connection), 'push', mark),
    mark,
    owner: ownerReference(connection),
    labels: labelsOf('push'),
  };
}
