import type { ConnectionName } from '../../../src/idhub/index.ts';

/** Address of something below `base`, for the header field Location and for bodies. */
export function locationOf(base: string, ...parts: readonly string[]): string {
  return [base, ...parts.map(encodeURIComponent)].join('/');
}

/** Address of the report of a run, beside the mount that `base` is the address of. */
export function reportOf(
  base: string,
  { namespace, name }: Pick<ConnectionName, 'namespace' | 'name'>,
): string {
  const root = base.replace(/(\/connections\/[^/]+\/[^/]+)?\/webhook\/v1$/, '');
  return locationOf(root, 'reports', namespace, name);
}
