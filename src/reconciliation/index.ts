export { CredentialReports } from './credential-report.ts';
export { readAccount, type AccountReading, type GroupPolicies } from './read-account.ts';
export { SnapshotStore, type Snapshot } from './snapshot.ts';
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
