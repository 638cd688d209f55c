import {
  accountKind,
  DirectoryUnavailableError,
  userKind,
  type AccountKind,
  type Directories,
  type Directory,
  type DirectoryView,
  type WriteContext,
} from '../../../src/idhub/index.ts';
import type { AccountSchema } from '../../../src/schema/index.ts';
import {
  fits,
  ScimError,
  type JsonObject,
  type ResourceType,
  type Versions,
} from '../../../src/scim/index.ts';
import type { Visit } from '../frame/index.ts';

/** What a request is about: an AWS account, and who asks. */
export interface Scene {
  readonly directory: Directory;
  /** Address of the service as clients reach it, without a slash at its end. */
  readonly base: string;
  readonly signal: AbortSignal;
  /** What goes with a write. */
  context(versions: Versions | undefined): WriteContext;
}

/** A resource as it is told. */
export interface Found {
  readonly type: ResourceType;
  readonly id: string;
  readonly version: string;
  readonly resource: JsonObject;
  /** Attributes of it that could not be read: for `requireKnown`. */
  readonly unknown: readonly string[];
}

/**
 * @param base address of the service, without a slash at its end
 * @throws {ScimError} 404
 * @throws {DirectoryUnavailableError}
 */
export function sceneOf(directories: Directories, visit: Visit, base: string): Scene {
  const { connection, signal } = visit;
  const directory = directories.get(connection);
  if (directory === undefined) {
    throw new ScimError(404, `There is no AwsConnection "${connection.namespace}/${connection.name}".`);
  }
  return {
    directory,
    base,
    signal,
    context: (versions) => ({
      ...visit.writeContext(),
      ...(versions === undefined || versions === 'any' ? {} : { ifVersion: versions }),
    }),
  };
}

/**
 * Looks something up without waiting for lists to be possible, and says that it is missing only when they are: a
 * client takes a 404 for a deletion.
 * @throws {ScimError} 404 @throws {DirectoryUnavailableError}
 */
export async function lookUp<T>(
  { directory, signal }: Scene,
  find: (view: DirectoryView) => T | undefined,
  missing: string,
): Promise<{ readonly view: DirectoryView; readonly found: T }> {
  const latest = directory.latest();
  const known = find(latest);
  if (known !== undefined) {
    return { view: latest, found: known };
  }
  const view = await directory.view(signal);
  const found = find(view);
  if (found === undefined) {
    throw new ScimError(404, missing);
  }
  return { view, found };
}

/** @throws {ScimError} 412 where a condition names other versions */
export function requireVersion(versions: Versions | undefined, version: string): void {
  if (versions !== undefined && !fits(versions, version)) {
    throw new ScimError(412, 'It was changed since: read it again.');
  }
}

/** The two types that an IAM user is told as. */
export interface AccountKinds {
  readonly account: AccountKind;
  readonly user: AccountKind;
}

/** Makes the types of an account schema, each once for as long as the schema is in use. */
export class Kinds {
  readonly #made = new WeakMap<AccountSchema, AccountKinds>();

  of(schema: AccountSchema): AccountKinds {
    const made = this.#made.get(schema) ?? { account: accountKind(schema), user: userKind(schema) };
    this.#made.set(schema, made);
    return made;
  }
}

/** What is known now; after a write, what was known before is good enough to tell of it with. */
export function latestOr({ directory }: Scene, before: DirectoryView): DirectoryView {
  try {
    return directory.latest();
  } catch (error) {
    if (error instanceof DirectoryUnavailableError) {
      return before;
    }
    throw error;
  }
}
