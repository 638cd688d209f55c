import type { ConnectionName } from '../../../src/idhub/index.ts';
import { isNamespaceName, isObjectName } from '../../runtime/index.ts';
import type { Mount } from './mount.ts';

/** Where a path leads. */
export interface Place {
  readonly mount: Mount;
  /** What comes before the mount's own paths. */
  readonly prefix: string;
  /** The connection that the path names; undefined where it names none. */
  readonly connection: ConnectionName | undefined;
}

const named = /^\/connections\/([^/]+)\/([^/]+)(?=\/)/;

/**
 * The mount that a path is in. Paths are compared as they are: what is percent-encoded up to the end of
 * a mount's path leads nowhere.
 */
export function placeOf(mounts: readonly Mount[], pathname: string): Place | undefined {
  const direct = longest(mounts, pathname);
  if (direct !== undefined) {
    return { mount: direct, prefix: direct.path, connection: undefined };
  }
  const [prefix = '', namespace = '', name = ''] = named.exec(pathname) ?? [];
  if (!isNamespaceName(namespace) || !isObjectName(name)) {
    return undefined;
  }
  const rest = pathname.slice(prefix.length);
  const mount = longest(
    mounts.filter(({ perConnection }) => perConnection),
    rest,
  );
  return mount && { mount, prefix: `${prefix}${mount.path}`, connection: { namespace, name } };
}

function longest(mounts: readonly Mount[], pathname: string): Mount | undefined {
  return mounts
    .filter(({ path }) => pathname === path || pathname.startsWith(`${path}/`))
    .reduce<Mount | undefined>(
      (best, each) => (best !== undefined && best.path.length >= each.path.length ? best : each),
      undefined,
    );
}
