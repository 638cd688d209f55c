export { RunEngine } from './engine.ts';
export { connectionOf, endingOf, isFinished } from './memory.ts';
export type { RunMetrics } from './metrics.ts';
export { isApproved, laneOf, ReconciliationReconciler } from './reconciler.ts';
export { labelsOf } from './labels.ts';
export { OutboxSpoiltError, type CommittedReport, type Outbox, type StagedReport } from './outbox.ts';
export { openReport, packedLines, unpackedLines, type StoredReport } from './report-store.ts';
export { derivedName, SecretSets, SpoiltSetError, type Place, type SecretSet } from './secret-set.ts';
