import {
  keptMs,
  StoreFullError,
  type ConnectionName,
  type OperationRecord,
  type OperationStore,
} from '../../src/idhub/index.ts';
import { configMapType, managedByUs, type ConfigMap } from '../controllers/names.ts';
import { isNotFound, type Client, type Clock } from '../runtime/index.ts';
import { entryOf } from './entries.ts';

const dayMs = 86_400_000;
/** Days that have records that count: today, and the seven before. */
const days = 8;
/** One more is being emptied, and one is free: should midnight come meanwhile, it is not the new day that is. */
const slots = days + 2;
/** ConfigMaps of a day. A change rewrites one of them, so that they are many and small. */
const buckets = 256;
/** Below the 1 MiB that the API server takes of one object, with room for what is around it. */
const maxShardBytes = 900_000;
/** Characters of records in memory; the least used shards go first. */
const maxHeld = 32_000_000;

/** Whose day a ConfigMap's records are of, `2026-11-26`. */
const dayAnnotation = 'aws.idhub.io/day';

export interface OperationConfigMapsOptions {
  /** One that writes only while this process leads. */
  readonly client: Client;
  /** Of the operator. */
  readonly namespace: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Characters of records in memory at most, but for those that are being written; default 32 million. */
  readonly maxHeld?: number;
}

/** A ConfigMap as it is known to be: nobody else writes it while this process leads. */
interface Shard {
  readonly name: string;
  /** Of the records; undefined: there is none. */
  day: string | undefined;
  object: ConfigMap | undefined;
  /** Entries that are to be written. */
  waiting: Map<string, string>;
  /** Characters of the records, as they were counted last. */
  held: number;
  /** It is in memory no more: whoever has it takes another. */
  isForgotten: boolean;
  /** The write under way, and what follows it. */
  writing: Promise<void> | undefined;
}

/**
 * Records of operations in ConfigMaps of the operator's namespace, read by name and never listed. Their names are
 * few and come again: one of ten days in turn, and one of 256 parts by the id of the operation; so whatever a
 * process leaves behind is found and taken away. Written by the leader alone.
 */
export class OperationConfigMaps implements OperationStore {
  readonly #options: OperationConfigMapsOptions;
  readonly #shards = new Map<string, Promise<Shard>>();
  #held = 0;

  constructor(options: OperationConfigMapsOptions) {
    this.#options = options;
  }

  async find(
    connection: ConnectionName,
    operationId: string,
    signal: AbortSignal,
  ): Promise<OperationRecord | undefined> {
    const key = entryOf(connection, operationId);
    const now = this.#options.clock.now();
    const dates = Array.from({ length: days }, (_, back) => dayOf(now - back * dayMs));
    const found = await Promise.all(
      dates.map(async (day) => {
        const shard = await this.#shard(day, key, signal);
        const text = shard.day === day ? (shard.waiting.get(key) ?? shard.object?.data?.[key]) : undefined;
        return text === undefined ? undefined : (JSON.parse(text) as OperationRecord);
      }),
    );
    return found
      .filter((record) => record !== undefined)
      .toSorted((one, other) => other.begunAt - one.begunAt)
      .find(({ begunAt }) => now - begunAt < keptMs);
  }

  async put(connection: ConnectionName, record: OperationRecord, signal: AbortSignal): Promise<void> {
    if (this.#options.clock.now() - record.begunAt >= keptMs) {
      return;
    }
    const key = entryOf(connection, record.operationId);
    const day = dayOf(record.begunAt);
    let shard = await this.#shard(day, key, signal);
    while (shard.isForgotten) {
      shard = await this.#shard(day, key, signal);
    }
    const text = JSON.stringify(record);
    if (shard.day === day && sizeOf(shard) + text.length > maxShardBytes) {
      throw new StoreFullError(
        'Too many operations were sent today: what comes of more of them could not be kept. Go on tomorrow.',
      );
    }
    shard.waiting.set(key, text);
    await this.#flush(shard, day, signal);
  }

  /** Takes away what is older than it has to be kept. Once a day is enough. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { client, clock, namespace } = this.#options;
    const today = Math.floor(clock.now() / dayMs);
    // The day before those that count.
    const slot = (today + slots - days) % slots;
    for (let bucket = 0; bucket < buckets; bucket += 1) {
      const name = nameOf(slot, bucket);
      const shard = await this.#shards.get(name)?.catch(() => undefined);
      if (shard !== undefined) {
        this.#forget(shard);
      }
      await client.delete(configMapType, { namespace, name }, { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) {
          throw error;
        }
      });
    }
  }

  #shard(day: string, key: string, signal: AbortSignal): Promise<Shard> {
    const name = nameOf((Date.parse(day) / dayMs) % slots, bucketOf(key));
    const present = this.#shards.get(name);
    if (present !== undefined) {
      this.#shards.delete(name);
      this.#shards.set(name, present);
      return present;
    }
    const read = this.#read(name, signal);
    this.#shards.set(name, read);
    read.then(
      (shard) => {
        this.#weigh(shard);
        void this.#trim();
      },
      () => {
        if (this.#shards.get(name) === read) {
          this.#shards.delete(name);
        }
      },
    );
    return read;
  }

  #weigh(shard: Shard): void {
    const now = shard.isForgotten ? 0 : sizeOf(shard);
    this.#held += now - shard.held;
    shard.held = now;
  }

  #forget(shard: Shard): void {
    this.#shards.delete(shard.name);
    shard.isForgotten = true;
    this.#weigh(shard);
  }

  /** Characters of records in memory. */
  get held(): number {
    return this.#held;
  }

  /** Those that are being written stay, since what is to be written is in them. */
  async #trim(): Promise<void> {
    for (const [name, reading] of this.#shards) {
      if (this.#held <= (this.#options.maxHeld ?? maxHeld)) {
        return;
      }
      const shard = await reading.catch(() => undefined);
      const isIdle = shard?.writing === undefined && shard?.waiting.size === 0;
      if (shard !== undefined && isIdle && this.#shards.get(name) === reading) {
        this.#forget(shard);
      }
    }
  }

  async #read(name: string, signal: AbortSignal): Promise<Shard> {
    const { client, namespace } = this.#options;
    const object = await client
      .get(configMapType, { namespace, name }, { signal })
      .catch((error: unknown) => {
        if (isNotFound(error)) {
          return undefined;
        }
        throw error;
      });
    const day = object?.metadata.annotations?.[dayAnnotation];
    return { name, day, object, waiting: new Map(), held: 0, isForgotten: false, writing: undefined };
  }

  /** Resolves when what waits now is written. Those who come during a write go together with the next one. */
  async #flush(shard: Shard, day: string, signal: AbortSignal): Promise<void> {
    const before = shard.writing;
    const mine = (async () => {
      await before?.catch(() => undefined);
      if (shard.waiting.size > 0) {
        const entries = new Map(shard.waiting);
        await this.#write(shard, day, entries, signal);
        entries.forEach((text, key) => {
          if (shard.waiting.get(key) === text) {
            shard.waiting.delete(key);
          }
        });
      }
    })();
    shard.writing = mine;
    try {
      await mine;
    } catch (error) {
      // It may be written or not: read it again before it is used.
      if (!shard.isForgotten) {
        this.#forget(shard);
      }
      throw error;
    } finally {
      if (shard.writing === mine) {
        shard.writing = undefined;
      }
      this.#weigh(shard);
      void this.#trim();
    }
  }

  async #write(
    shard: Shard,
    day: string,
    entries: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, namespace } = this.#options;
    const { name, object } = shard;
    const data = Object.fromEntries(entries);
    if (object === undefined) {
      shard.object = await client.create(
        configMapType,
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, namespace, labels: { ...managedByUs }, annotations: { [dayAnnotation]: day } },
          data,
        },
        { signal },
      );
      shard.day = day;
      return;
    }
    const { uid, resourceVersion } = object.metadata;
    // Of another day, ten or more ago: nobody may ask for it any more.
    const old = shard.day === day ? [] : Object.keys(object.data ?? {}).filter((key) => !entries.has(key));
    shard.object = await client.mergePatch(
      configMapType,
      { namespace, name },
      {
        metadata: { uid, resourceVersion, annotations: { [dayAnnotation]: day } },
        data: { ...Object.fromEntries(old.map((key) => [key, null])), ...data },
      },
      { signal },
    );
    shard.day = day;
  }
}

function sizeOf({ object, waiting }: Shard): number {
  const entries = [...Object.entries(object?.data ?? {}), ...waiting];
  return entries.reduce((sum, [key, text]) => sum + key.length + text.length + 10, 0);
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function nameOf(slot: number, bucket: number): string {
  return `idhub-aws-connector-operations-${slot}-${bucket.toString(16).padStart(2, '0')}`;
}

function bucketOf(key: string): number {
  return Number.parseInt(key.slice(0, 2), 16);
}
