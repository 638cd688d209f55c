import type { AwsReconciliation } from '../../api/v1alpha1/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import type { Verdict } from './conditions.ts';
import type { Found } from './status.ts';

/** What one try of a run came to. */
export type Outcome =
  | {
      readonly kind: 'complete';
      readonly found: Found;
      readonly scope: string;
      /** All of the scope was read: who is missing beyond the limit is so no longer. */
      readonly whole: boolean;
      /** Nothing was known of the scope before. */
      readonly first: boolean;
      /** Deletions beyond the limit were let go. */
      readonly approved: boolean;
    }
  | {
      readonly kind: 'stopped';
      readonly found: Found;
      readonly guard: NonNullable<Found['guard']>;
      /** Of what kind they are. */
      readonly what: string;
      readonly scope: string;
    }
  /** It cannot get better: the run has failed. */
  | { readonly kind: 'refused'; readonly verdict: Verdict }
  /** It is tried again, and somebody may have to act. */
  | { readonly kind: 'waits'; readonly verdict: Verdict };

/** One try of a run. */
export interface Attempt {
  readonly run: AwsReconciliation;
  readonly connection: UsableConnection;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** What people wrote to let stopped deletions go; undefined where nobody did. */
  readonly approval: string | undefined;
  /** Unique ids of users that were deleted from here. */
  readonly released: ReadonlySet<string>;
  /** Aborts when the run is to end. */
  readonly signal: AbortSignal;
  progress(step: string, done?: number, of?: number): void;
}

/** Does the run: reads, compares, reports, remembers. Repeated after a fault or a kill, it reports each change once. */
export interface Engine {
  /** @throws {AwsError} {ApiError} {SpoiltSetError} and the signal's reason */
  attempt(attempt: Attempt): Promise<Outcome>;
}
