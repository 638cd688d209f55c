export { CredentialReports } from './credential-report.ts';
export { readAccount, type AccountReading, type GroupPolicies } from './read-account.ts';
export { SnapshotStore, type Snapshot } from './snapshot.ts';
