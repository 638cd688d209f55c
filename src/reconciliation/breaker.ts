import { hash } from 'node:crypto';

/** `AwsConnection.spec.guard.maxDeletions`: how much may be missing at once. */
export interface DeletionLimits {
  readonly count: number;
  /** Of what is known, 1 to 100. */
  readonly percent: number;
}

export interface Missing {
  readonly id: string;
  readonly name: string;
}

export interface Judgement {
  /** Everything that is missing and was not let go from here. */
  readonly missing: readonly Missing[];
  /** How many are known. */
  readonly known: number;
  readonly limits: DeletionLimits;
}

/** How many may be missing: whichever limit is met first, and one in any case. Pure. */
export function allowedDeletions(known: number, { count, percent }: DeletionLimits): number {
  return Math.max(1, Math.min(count, Math.floor((known * percent) / 100)));
}

/** Whether more is missing than may be. Pure. */
export function isBeyond({ missing, known, limits }: Judgement): boolean {
  return missing.length > allowedDeletions(known, limits);
}

/** Stands for exactly these deletions of this account. Pure. */
export function deletionToken(accountId: string, missing: readonly Missing[]): string {
  const ids = missing.map(({ id }) => id).sort();
  return hash('sha256', JSON.stringify([accountId, ids]), 'hex').slice(0, 16);
}
