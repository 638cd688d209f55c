import type { CredentialFacts, ObservedUser } from '../../account/index.ts';
import type { Baseline, EncodedBaseline, Resource } from '../baseline.ts';
import type { DeletionLimits, Missing } from '../breaker.ts';
import type { Change, Counts } from '../diff.ts';
import type { Catalogue } from '../entitlement-record.ts';
import type { RecordContext, UserRecord } from '../record.ts';
import type { Snapshot } from '../picture.ts';
import type { Unread } from '../read-account.ts';
import type { Fallback, IncrementalReader } from '../trail/index.ts';

export type Mode = 'Full' | 'Incremental';

/** Which users a limited run is about. */
export interface ScopeFilter {
  /** An attribute that could not be read makes it unknown. */
  matches(this: void, record: UserRecord): 'yes' | 'no' | 'unknown';
  /** All that match are under this path. */
  readonly pathPrefix: string | undefined;
}

export interface RunRequest {
  /** Of the run: what was committed under it is done. */
  readonly uid: string;
  readonly mode: Mode;
  readonly resources: readonly Resource[];
  readonly filter: ScopeFilter | undefined;
  /** IAM user names: only these, read live. */
  readonly users: readonly string[] | undefined;
  /** Report only. */
  readonly dryRun: boolean;
  readonly limits: DeletionLimits;
  /** The token of the deletions that somebody lets go. */
  readonly approval: string | undefined;
  /** Unique ids of users that were deleted from here: nobody is surprised by their absence. */
  readonly released: ReadonlySet<string>;
  /** Whether deletions of this scope, or of another one of the account, were stopped and not let go yet. */
  readonly stopped: { readonly own: boolean; readonly others: boolean };
  readonly signal: AbortSignal;
}

export interface RunPorts {
  /** Twelve digits: the account that is being read. */
  readonly accountId: string;
  readonly context: Pick<RecordContext, 'schema' | 'policyGroup'> & { readonly lastActivity: boolean };
  /** AWS's time, milliseconds since the epoch. */
  now(this: void): number;
  /** Reads the account: complete, begun after the call, or it throws. */
  readWhole(this: void, signal: AbortSignal): Promise<Snapshot>;
  /** The last complete reading of the account, whatever its age. */
  latest(this: void): Snapshot | undefined;
  /** How many calls that takes. */
  wholeCalls(this: void): number;
  /** Every user of the account under a path, to the last page. */
  listUnder(
    this: void,
    pathPrefix: string,
    signal: AbortSignal,
  ): Promise<readonly Pick<ObservedUser, 'userId' | 'userName'>[]>;
  readonly trail: IncrementalReader;
  /** Groups and managed policies, complete, or it throws. */
  readCatalogue(this: void, snapshot: Snapshot | undefined, signal: AbortSignal): Promise<Catalogue>;
  readonly baselines: BaselinePort;
  /** Writes the report of this run, also over one of an earlier try. */
  writeReport(this: void, report: Report, signal: AbortSignal): Promise<void>;
  progress(this: void, step: string, done?: number, of?: number): void;
}

/** What was last reconciled of the scope of the run. */
export interface BaselinePort {
  /** Undefined where nothing ever was. @throws where it cannot be read whole */
  load(this: void, signal: AbortSignal): Promise<EncodedBaseline | undefined>;
  /** In one step, or not at all. @throws where another one was committed since it was loaded */
  commit(this: void, next: EncodedBaseline, signal: AbortSignal): Promise<void>;
}

export interface Report {
  readonly header: ReportHeader;
  /** One JSON text a change, without line breaks. */
  readonly lines: readonly string[];
}

export interface ReportHeader {
  readonly account: string;
  readonly mode: Mode;
  readonly dryRun: boolean;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly counts: Counts;
  readonly changes: number;
  readonly fallback?: Omit<Fallback, 'kind'>;
}

/** What a run has found. */
export interface RunSummary {
  /** How it was read in the end. */
  readonly mode: Mode;
  readonly counts: Counts;
  /** The first of them, without records. */
  readonly changes: readonly Omit<Change, 'record'>[];
  /** How many there are. */
  readonly reported: number;
  /** Up to when changes are known, milliseconds since the epoch; undefined where that is not so of all. */
  readonly cursor: number | undefined;
  readonly fallback: Omit<Fallback, 'kind'> | undefined;
  /** Nothing was known of the scope before. */
  readonly first: boolean;
  /** All of the scope was compared. */
  readonly whole: boolean;
  /** What could not be read of anybody and was not compared, and why. */
  readonly unread: readonly { readonly what: Unread; readonly why: string }[];
  /** Names that were asked for, that nobody has and nobody is known to have had. */
  readonly absent: readonly string[];
  /** Deletions beyond the limit were let go. */
  readonly approved: boolean;
}

export type RunOutcome =
  | { readonly kind: 'complete'; readonly summary: RunSummary }
  /** More is missing than may be: nothing was reported, nothing is taken for deleted. */
  | {
      readonly kind: 'stopped';
      readonly summary: RunSummary;
      readonly deletions: readonly Missing[];
      readonly allowed: number;
      readonly token: string;
    }
  /** What was reconciled before is of another AWS account. */
  | { readonly kind: 'otherAccount'; readonly expected: string };

export type KnownBaseline = Baseline<RunSummary>;

/** A reading, as the comparison takes it. */
export interface Facts {
  readonly users: readonly ObservedUser[];
  readonly snapshot: Snapshot | undefined;
  /** Where groups, and what they give, are known from. */
  readonly groups: Pick<Snapshot, 'group'> | undefined;
  /** Newer than those of the snapshot. */
  readonly credentials: ReadonlyMap<string, CredentialFacts>;
  /** By unique id: why credentials that may have changed could not be read. */
  readonly denied: ReadonlyMap<string, string>;
  /** Users whose edges were not read. */
  readonly withoutEdges: ReadonlySet<string>;
  /** Every user of the account. */
  readonly whole: boolean;
  readonly deleted: readonly string[];
  readonly unknown: readonly { readonly userId: string | undefined; readonly userName: string }[];
}
