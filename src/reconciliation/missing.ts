import { decodeBaseline, type EncodedBaseline } from './baseline.ts';
import { allowedDeletions, isBeyond, type DeletionLimits } from './breaker.ts';
import type { Snapshot } from './picture.ts';

export interface MissingOptions {
  /** What was last reconciled of all users. */
  readonly known: EncodedBaseline;
  readonly snapshot: Snapshot;
  /** Twelve digits: the account of the snapshot. */
  readonly accountId: string;
  /** Unique ids of users that were deleted from here. */
  readonly released: ReadonlySet<string>;
  readonly limits: DeletionLimits;
}

/**
 * How many users of those that were last reconciled a complete reading lacks; undefined where they are no
 * more than may be missing, or where they are of another account. Pure.
 * @throws {SpoiltBaselineError}
 */
export function missingBeyond(
  options: MissingOptions,
): { readonly users: number; readonly allowed: number } | undefined {
  const { accountId, limits, released, snapshot } = options;
  const baseline = decodeBaseline(options.known);
  if (baseline.accountId !== accountId) {
    return undefined;
  }
  const missing = Array.from(baseline.users.values(), ({ userId, userName }) => ({
    id: userId,
    name: userName,
  })).filter(({ id }) => snapshot.byId(id) === undefined && !released.has(id));
  const known = baseline.users.size;
  return isBeyond({ missing, known, limits })
    ? { users: missing.length, allowed: allowedDeletions(known, limits) }
    : undefined;
}
