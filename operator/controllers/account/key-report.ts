import type { LiveKey, Stray } from '../../../src/account/index.ts';

/** The time of a key in the credential report has whole seconds. */
const sameTimeMs = 2_000;
/** AWS notes the use of a key once in 15 minutes. */
const useLagMs = 30 * 60_000;
/** A stray is switched off within this time after it was found. */
const switchedMs = 60_000;

/** What the credential report says of the keys of a user. It may be hours old. */
export interface KeyReport {
  /** Milliseconds since the epoch. */
  readonly asOf: number;
  readonly keys: readonly {
    readonly active: boolean;
    readonly lastUsed?: number;
    /** When the key was made or last switched. */
    readonly rotatedAt?: number;
  }[];
}

/**
 * Whether a report shows other keys than those that were seen last, before it. A key that was switched since
 * it was made may count as another: that costs a look.
 */
export function isContradicted(report: KeyReport, seen: readonly LiveKey[]): boolean {
  const newest = Math.max(0, ...seen.map(({ createdAt }) => createdAt));
  const isActive = ({ active }: { readonly active: boolean }): boolean => active;
  const open = seen.filter(isActive);
  const shown = report.keys.filter(isActive);
  return (
    report.asOf > newest &&
    (shown.length !== open.length ||
      (seen.length > open.length &&
        shown.some(
          ({ rotatedAt }) =>
            rotatedAt !== undefined &&
            open.every(({ createdAt }) => Math.abs(createdAt - rotatedAt) > sameTimeMs),
        )))
  );
}

/**
 * Whether a stray was used; undefined where no report is new enough, or none of its rows is the stray's.
 *
 * The row of a stray has the time of its making, or that at which it was switched off when it was found.
 */
export function usedBy(report: KeyReport | undefined, { createdAt, at }: Stray): boolean | undefined {
  if (report === undefined || report.asOf < at + useLagMs) {
    return undefined;
  }
  const row = report.keys.find(
    ({ active, rotatedAt = 0 }) =>
      !active &&
      (Math.abs(rotatedAt - createdAt) <= sameTimeMs ||
        (rotatedAt >= at - sameTimeMs && rotatedAt <= at + switchedMs)),
  );
  return row === undefined ? undefined : row.lastUsed !== undefined;
}
