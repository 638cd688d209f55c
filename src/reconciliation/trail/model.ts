import type { CredentialFacts, ObservedUser } from '../../account/index.ts';
import type { Snapshot } from '../picture.ts';

/** Up to where CloudTrail was read. It is part of the baseline and moves with its commit, never before. */
export interface TrailCursor {
  /** When the last run that was committed began, by AWS's clock, in milliseconds since the epoch. */
  readonly at: number;
  /** Ids of events that were dealt with and that the overlap of the next window shows again. */
  readonly seen: readonly string[];
  /** Where the next window begins; absent: as far back as events come late. */
  readonly from?: number;
  /** The last whole reading, for as long as its time is within a window. */
  readonly read?: WholeRead;
}

/** What events need not tell any more, since the whole account was read. Times as those of the cursor. */
export interface WholeRead {
  /** When it began: all was read that had changed before. */
  readonly at: number;
  /** But credentials: of these only what had changed before this, since a credential report is older. */
  readonly credentials: number;
}

/** Why a run that was to be incremental reads everything instead. */
export type FallbackReason =
  'NoBaseline' | 'CursorTooOld' | 'CursorAhead' | 'TooMuchBacklog' | 'NoTrailRight' | 'NotHomeRegion';

export interface Fallback {
  readonly kind: 'fallback';
  readonly reason: FallbackReason;
  /** A sentence for people. */
  readonly message: string;
}

/** A user as it was last reconciled. */
export interface KnownUser {
  readonly userId: string;
  readonly userName: string;
}

/** Who was there when the scope was last reconciled. */
export interface KnownUsers {
  readonly size: number;
  byId(userId: string): KnownUser | undefined;
  /** Without regard to case, as IAM compares names. */
  byName(userName: string): KnownUser | undefined;
}

/** A user that was read live, and how much of it. */
export interface LiveUser {
  readonly user: ObservedUser;
  /** The edges in `user`, and its Deny, were read as well; else they are of an earlier reading, or empty. */
  readonly edges: boolean;
  /** Undefined where they were not read. */
  readonly credentials: CredentialFacts | undefined;
  /** Why AWS does not allow to see its credentials. */
  readonly denied?: string;
}

/** A user of whom nothing can be said in this run. */
export interface UnknownUser {
  /** Undefined where it was never reconciled and AWS did not tell. */
  readonly userId: string | undefined;
  readonly userName: string;
  /** What AWS said. */
  readonly message: string;
}

/** What was read of single users. */
export interface LiveReading {
  readonly users: readonly LiveUser[];
  /** Known users that a complete listing of the account does not have any more. */
  readonly deleted: readonly KnownUser[];
  readonly unknown: readonly UnknownUser[];
}

/** What an incremental run has read of CloudTrail. */
export interface TrailCount {
  /** Pages of `LookupEvents`. */
  readonly pages: number;
  /** Events that are new since the last run and speak of users, groups or policies. */
  readonly events: number;
  /** Users that these hint at. */
  readonly hinted: number;
}

/** The users that CloudTrail hints at, read live. */
export interface PartialReading extends LiveReading {
  readonly kind: 'users';
  /** What is told of groups and managed policies may have changed. */
  readonly catalogue: boolean;
  readonly trail: TrailCount;
  /** To be committed with the rest. */
  readonly cursor: TrailCursor;
}

/** Reading the whole account takes fewer calls than reading everybody who is hinted at. That is no fallback. */
export interface WholeReading {
  readonly kind: 'whole';
  /** Read for this run, complete. */
  readonly snapshot: Snapshot;
  readonly catalogue: boolean;
  /** By unique id: credentials of those whose credentials are hinted at, read live. */
  readonly credentials: ReadonlyMap<string, CredentialFacts>;
  /** By unique id: why AWS does not allow to see credentials that are hinted at. */
  readonly denied?: ReadonlyMap<string, string>;
  readonly unknown: readonly UnknownUser[];
  readonly trail: TrailCount;
  readonly cursor: TrailCursor;
}

/** What an incremental run needs of the account; a limited run by names uses `readUsers` as well. */
export interface IncrementalReader {
  /**
   * Reads CloudTrail from the cursor on, and everybody whom that hints at.
   * @throws whatever keeps it from knowing: nothing may be committed then
   */
  read(request: IncrementalRequest): Promise<Fallback | PartialReading | WholeReading>;
  /** Reads users by name, live, with everything; who is not found by name is searched by id. */
  readUsers(request: {
    readonly names: readonly string[];
    readonly known: KnownUsers;
    readonly signal: AbortSignal;
  }): Promise<LiveReading>;
}

export interface IncrementalRequest {
  /** Undefined: nothing was reconciled yet. */
  readonly cursor: TrailCursor | undefined;
  /** When the run began, by AWS's clock, in milliseconds since the epoch: the end of the window. */
  readonly until: number;
  readonly known: KnownUsers;
  readonly signal: AbortSignal;
}
