import type { AccountSchema } from '../../../src/schema/index.ts';
import type { Collection, DirectoryCatalogue, DirectoryView } from '../../../src/idhub/index.ts';
import { ScimError, type ResourceType, type Versions } from '../../../src/scim/index.ts';
import type { Found, Scene } from './scene.ts';

/** What came of a write; `found` is undefined where nothing is told of the resource. */
export interface Written {
  readonly status: 200 | 201 | 204;
  readonly found: Found | undefined;
  /** For the audit log: of AWS. */
  readonly id: string;
}

/** What may be done with the resources of one type. All reject with `ScimError` or `DirectoryUnavailableError`. */
export interface Endpoint {
  /** `/Users` */
  readonly path: string;
  type(schema: AccountSchema): ResourceType;
  /** All of them, now. */
  all(scene: Scene): Promise<Collection>;
  one(scene: Scene, id: string): Promise<Found>;
  create(scene: Scene, body: unknown): Promise<Written>;
  replace(scene: Scene, id: string, body: unknown, versions: Versions | undefined): Promise<Written>;
  /** @param told whether the client wants to see the resource afterwards, whatever the type does by itself */
  patch(
    scene: Scene,
    id: string,
    body: unknown,
    versions: Versions | undefined,
    told: boolean,
  ): Promise<Written>;
  remove(scene: Scene, id: string, versions: Versions | undefined): Promise<Written>;
}

/** @throws {ScimError} 501, always */
export function notDone(message: string): Promise<never> {
  return Promise.reject(new ScimError(501, message));
}

/** Where single entitlements are looked up. */
export function cataloguesOf({ directory, signal }: Scene, view: DirectoryView) {
  return { view, catalogue: (): Promise<DirectoryCatalogue> => directory.catalogue(signal) };
}
