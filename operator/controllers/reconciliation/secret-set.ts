import { createHash } from 'node:crypto';
import {
  ApiError,
  isAlreadyExists,
  isNotFound,
  type Client,
  type ObjectKey,
  type OwnerReference,
} from '../../runtime/index.ts';
import { annotations, secretType, type Secret } from '../names.ts';

/** Bytes of one Secret: below the 1 MiB that the API server takes, with room for what is around them. */
export const maxShardBytes = 900_000;

/** Where a set is kept, and whose it is. */
export interface Place {
  readonly namespace: string;
  /** Name of the Secret that says which others belong to it; theirs begin with it. At most 230 characters. */
  readonly head: string;
  /** What it is, of whom: `baseline team/aws 1f2e`. A Secret that says otherwise is somebody else's. */
  readonly mark: string;
  readonly owner: OwnerReference;
  readonly labels: Readonly<Record<string, string>>;
}

/** A set as it was read: what the head says of it, and where its parts are. */
export interface SecretSet {
  readonly meta: string;
  readonly parts: readonly PartEntry[];
  readonly head: Secret;
}

interface PartEntry {
  readonly name: string;
  /** SHA-256 of the content, hexadecimal. */
  readonly digest: string;
}

interface Head {
  /** Undefined: nothing was committed yet. */
  readonly meta: string | undefined;
  readonly parts: readonly PartEntry[];
  /** Names of Secrets that are in nobody's use once another set is written: of earlier sets, and of writes that broke off. */
  readonly spare: readonly string[];
}

/** What is there cannot be used, and is not written over: a person has to look. */
export class SpoiltSetError extends Error {
  override readonly name = 'SpoiltSetError';
}

export interface SecretSetsOptions {
  readonly client: Client;
}

/**
 * Data of any size in Secrets, read by name and never listed: parts that are named by their content, and a
 * head that says which parts there are. A new set is written beside the one before; the write of the head,
 * which fails when the head was changed meanwhile, puts it into force, whole. Whoever is killed on the way
 * leaves the set before in force, and the next write takes away what was left over.
 */
export class SecretSets {
  readonly #client: Client;

  constructor({ client }: SecretSetsOptions) {
    this.#client = client;
  }

  /**
   * The head and, with it, what the set says of itself; undefined where nothing was ever committed.
   * @throws {SpoiltSetError} where the Secret of that name is somebody else's, or makes no sense
   */
  async open(place: Place, signal: AbortSignal): Promise<SecretSet | undefined> {
    const head = await this.#get(place, place.head, signal);
    if (head === undefined) {
      return undefined;
    }
    const { meta, parts } = readHead(place, head);
    return meta === undefined ? undefined : { meta, parts, head };
  }

  /**
   * The parts, one after the other.
   * @throws {SpoiltSetError} where one is not there, or is not what was written
   */
  async *parts(place: Place, { parts }: SecretSet, signal: AbortSignal): AsyncGenerator<Buffer> {
    for (const { name, digest } of parts) {
      const secret = await this.#get(place, name, signal);
      if (secret === undefined) {
        throw new SpoiltSetError(`Secret "${name}" is not there, and Secret "${place.head}" needs it`);
      }
      const content = Buffer.from(secret.data?.['content'] ?? '', 'base64');
      if (
        secret.metadata.annotations?.[annotations.secretOwner] !== place.mark ||
        digestOf(content) !== digest
      ) {
        throw new SpoiltSetError(
          `Secret "${name}" is not as it was written, and Secret "${place.head}" needs it`,
        );
      }
      yield content;
    }
  }

  /**
   * Makes the object of today the owner of a set that a backup has brought back, before the garbage collector
   * takes it for that of an object that is gone. What is its own already is left alone.
   */
  async own(place: Place, set: SecretSet, signal: AbortSignal): Promise<SecretSet> {
    if (isOwned(place, set.head)) {
      return set;
    }
    for (const { name } of set.parts) {
      const part = await this.#get(place, name, signal);
      if (part !== undefined && !isOwned(place, part)) {
        await this.#patch(place, part, {}, signal);
      }
    }
    return { ...set, head: await this.#patch(place, set.head, {}, signal) };
  }

  /**
   * Puts a new set into force.
   * @param before what was read, so that a set that was committed since is a conflict, and is thrown
   * @throws {SpoiltSetError} where a Secret of the name is somebody else's
   */
  async write(
    place: Place,
    before: SecretSet | undefined,
    set: { readonly meta: string; readonly parts: readonly Buffer[] },
    signal: AbortSignal,
  ): Promise<void> {
    const parts = set.parts.map((content) => ({ content, ...entryOf(place, content) }));
    const present = before?.head ?? (await this.#get(place, place.head, signal));
    const known: Head =
      present === undefined ? { meta: undefined, parts: [], spare: [] } : readHead(place, present);
    if (before === undefined && known.meta !== undefined) {
      const message = `Secret "${place.head}" was written by somebody else meanwhile`;
      throw new ApiError({ code: 409, reason: 'Conflict', message });
    }
    // Those of an object that was there before, as a backup brings them back, are written anew for this one.
    const owned = present !== undefined && isOwned(place, present);
    const held = new Set(known.parts.map(({ name }) => name));
    const fresh = parts.filter(({ name }) => !owned || !held.has(name));
    const wanted = new Set(parts.map(({ name }) => name));
    const spare = [...new Set([...known.spare, ...fresh.map(({ name }) => name)])];
    // What is about to be made is noted first, so that it is found again when this breaks off.
    const noted =
      present !== undefined && fresh.every(({ name }) => known.spare.includes(name))
        ? present
        : await this.#writeHead(place, present, { ...known, spare }, signal);
    for (const { name, content } of fresh) {
      await this.#make(place, name, content, signal);
    }
    const over = [...new Set([...spare, ...held])].filter((name) => !wanted.has(name));
    const entries = parts.map(({ name, digest }) => ({ name, digest }));
    const committed = await this.#writeHead(
      place,
      noted,
      { meta: set.meta, parts: entries, spare: over },
      signal,
    );
    // The set is in force: what cannot be taken away now is noted, and goes with the next one.
    await this.#clear(place, committed, over, signal).catch(() => undefined);
  }

  /**
   * Takes a set away, whole: from the first write on it is not in force, and the rest is taken away then; what is
   * left of that when it breaks off goes with the next call, or with the next set that is written.
   * @throws {ApiError} a conflict, where another set was written meanwhile
   * @throws {SpoiltSetError} where it cannot be told what belongs to it
   */
  async remove(place: Place, signal: AbortSignal): Promise<void> {
    const present = await this.#get(place, place.head, signal);
    if (present === undefined) {
      return;
    }
    const { meta, parts, spare } = readHead(place, present);
    const names = [...new Set([...spare, ...parts.map(({ name }) => name)])];
    const emptied: Head = { meta: undefined, parts: [], spare: names };
    const head = meta === undefined ? present : await this.#writeHead(place, present, emptied, signal);
    for (const name of names) {
      await this.#delete(place, await this.#get(place, name, signal), signal);
    }
    await this.#delete(place, head, signal, head.metadata.resourceVersion);
  }

  async #delete(
    { mark, namespace }: Place,
    secret: Secret | undefined,
    signal: AbortSignal,
    resourceVersion?: string,
  ): Promise<void> {
    if (secret?.metadata.annotations?.[annotations.secretOwner] !== mark) {
      return;
    }
    const { name, uid } = secret.metadata;
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    await this.#client
      .delete(secretType, { namespace, name }, { signal, preconditions })
      .catch(unlessNotFound);
  }

  async #clear(place: Place, head: Secret, names: readonly string[], signal: AbortSignal): Promise<void> {
    for (const name of names) {
      await this.#delete(place, await this.#get(place, name, signal), signal);
    }
    if (names.length > 0) {
      await this.#writeHead(place, head, { ...readHead(place, head), spare: [] }, signal);
    }
  }

  async #make(place: Place, name: string, content: Buffer, signal: AbortSignal): Promise<void> {
    const secret = objectOf(place, name, content);
    try {
      await this.#client.create(secretType, secret, { signal });
      return;
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
    // Its name is its content: it is there from a write that broke off, unless somebody else made it.
    const present = await this.#client.get(secretType, { namespace: place.namespace, name }, { signal });
    requireOurs(place, present);
    await this.#patch(place, present, { data: secret.data }, signal);
  }

  async #writeHead(
    place: Place,
    present: Secret | undefined,
    head: Head,
    signal: AbortSignal,
  ): Promise<Secret> {
    const secret = objectOf(place, place.head, Buffer.from(JSON.stringify(head)));
    if (present === undefined) {
      return this.#client.create(secretType, secret, { signal });
    }
    return this.#patch(place, present, { data: secret.data }, signal);
  }

  /** With its owner; a change since it was read is a conflict. */
  #patch(place: Place, { metadata }: Secret, change: object, signal: AbortSignal): Promise<Secret> {
    const { name, uid, resourceVersion } = metadata;
    return this.#client.mergePatch(
      secretType,
      { namespace: place.namespace, name },
      { metadata: { uid, resourceVersion, ownerReferences: [place.owner] }, ...change },
      { signal },
    );
  }

  async #get(place: Place, name: string, signal: AbortSignal): Promise<Secret | undefined> {
    try {
      return await this.#client.get(secretType, { namespace: place.namespace, name }, { signal });
    } catch (error) {
      unlessNotFound(error);
      return undefined;
    }
  }
}

/**
 * A name that no other object's derived name is, whatever characters and length (253) the object's own has.
 * @param identity what makes it unique
 */
export function derivedName({ name }: ObjectKey, what: string, identity: string): string {
  const short = name.slice(0, 100).replace(/[^a-z0-9]+$/, '');
  return `${short}-${what}-${createHash('sha256').update(identity).digest('hex').slice(0, 20)}`;
}

function isOwned({ owner }: Place, { metadata }: Secret): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === owner.uid) === true;
}

function objectOf(place: Place, name: string, content: Buffer): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: place.namespace,
      labels: { ...place.labels },
      annotations: { [annotations.secretOwner]: place.mark },
      ownerReferences: [place.owner],
    },
    data: { content: content.toString('base64') },
  };
}

function entryOf({ head }: Place, content: Buffer): PartEntry {
  const digest = digestOf(content);
  return { name: `${head}-${digest.slice(0, 16)}`, digest };
}

function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function requireOurs(place: Place, { metadata }: Secret): void {
  if (metadata.annotations?.[annotations.secretOwner] !== place.mark) {
    throw new SpoiltSetError(
      `Secret "${metadata.name}" is in the way: it was not made for this (${place.mark}). Move it, or delete it`,
    );
  }
}

function readHead(place: Place, secret: Secret): Head {
  requireOurs(place, secret);
  const head = parsed(Buffer.from(secret.data?.['content'] ?? '', 'base64').toString('utf8'));
  if (head === undefined) {
    throw new SpoiltSetError(`Secret "${place.head}" is not as it was written`);
  }
  return head;
}

function parsed(text: string): Head | undefined {
  try {
    const head = JSON.parse(text) as Partial<Head> | null;
    const { meta, parts, spare } = head ?? {};
    const good =
      (meta === undefined || typeof meta === 'string') &&
      Array.isArray(parts) &&
      parts.every(
        ({ name, digest }: Partial<PartEntry>) => typeof name === 'string' && typeof digest === 'string',
      ) &&
      Array.isArray(spare) &&
      spare.every((name) => typeof name === 'string');
    return good ? { meta, parts, spare } : undefined;
  } catch {
    return undefined;
  }
}

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) {
    throw error;
  }
}
