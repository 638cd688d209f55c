import type { ObjectMeta } from '../../runtime/index.ts';
import { annotations } from '../names.ts';

/** A scope of which a connection remembers what was last reconciled. */
export interface KnownScope {
  readonly scope: string;
  /** The filter as a run wrote it, or its beginning. */
  readonly filter: string;
}

/** How many scopes a connection remembers, those not counted that may not be forgotten. */
export const maxScopes = 20;
/** 20 of them are 6 kB of the 256 kB that annotations have. */
const filterLength = 300;

/** The scopes that a connection remembers, the longest unused first; none where somebody spoilt that. */
export function knownScopes({ annotations: noted }: Pick<ObjectMeta, 'annotations'>): readonly KnownScope[] {
  try {
    const list = JSON.parse(noted?.[annotations.scopes] ?? '[]') as unknown;
    return Array.isArray(list) && list.every(isScope) ? list : [];
  } catch {
    return [];
  }
}

/** With one that is in use now. Pure. */
export function used(before: readonly KnownScope[], scope: string, filter: string): readonly KnownScope[] {
  return [...without(before, [scope]), { scope, filter: filter.slice(0, filterLength) }];
}

/** Pure. */
export function without(before: readonly KnownScope[], scopes: readonly string[]): readonly KnownScope[] {
  return before.filter(({ scope }) => !scopes.includes(scope));
}

/** Which scopes are to be forgotten: the longest unused of those that may be, as many as are too many. Pure. */
export function superfluous(
  known: readonly KnownScope[],
  isKept: (scope: KnownScope) => boolean,
): readonly KnownScope[] {
  const free = known.filter((scope) => !isKept(scope));
  return free.slice(0, Math.max(0, free.length - maxScopes));
}

/** Whether a filter of today is the one that was noted. */
export function isSameFilter(known: KnownScope, filter: string): boolean {
  return known.filter === filter.slice(0, filterLength);
}

/** The annotation; null takes it away. */
export function writeScopes(scopes: readonly KnownScope[]): string | null {
  return scopes.length === 0 ? null : JSON.stringify(scopes);
}

function isScope(each: unknown): each is KnownScope {
  const { scope, filter } = (each ?? {}) as Partial<KnownScope>;
  return typeof scope === 'string' && typeof filter === 'string';
}
