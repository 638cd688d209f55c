export { readCatalogue } from './catalogue.ts';
export { committedIn, SpoiltBaselineError, type EncodedBaseline, type Resource } from './baseline.ts';
export type { DeletionLimits, Missing } from './breaker.ts';
export type { Change, Counts } from './diff.ts';
export {
  catalogueRecords,
  inlineRecords,
  type Catalogue,
  type CatalogueGroup,
  type CataloguePolicy,
  type EntitlementRecord,
} from './entitlement-record.ts';
export { missingBeyond } from './missing.ts';
export { userRecord, type RecordContext, type UserEntitlement, type UserRecord } from './record.ts';
export { ReadingGate } from './gate.ts';
export { IncompleteReadingError } from './incomplete.ts';
export {
  runReconciliation,
  type BaselinePort,
  type Report,
  type RunOutcome,
  type RunPorts,
  type RunRequest,
  type RunSummary,
  type ScopeFilter,
} from './run/index.ts';
export { listUsers } from './list-users.ts';
export { scopeOf, type Scope } from './scope.ts';
export { CredentialReports, type CredentialReport, type ReadReport } from './credential-report.ts';
export type { Snapshot } from './picture.ts';
export type { GroupPolicies } from './details.ts';
export { readAccount, type AccountReading, type Unread } from './read-account.ts';
export { SnapshotStore } from './snapshot.ts';
export { TrailReader, type TrailReaderOptions } from './trail/index.ts';
export type {
  Fallback,
  FallbackReason,
  IncrementalReader,
  IncrementalRequest,
  KnownUser,
  KnownUsers,
  LiveReading,
  LiveUser,
  PartialReading,
  TrailCount,
  TrailCursor,
  UnknownUser,
  WholeReading,
} from './trail/index.ts';
