export { RunEngine } from './engine.ts';
export { connectionOf, endingOf, isFinished } from './memory.ts';
export type { RunMetrics } from './metrics.ts';
export { isApproved, laneOf, ReconciliationReconciler } from './reconciler.ts';
export { openReport, type StoredReport } from './report-store.ts';
export { SpoiltSetError } from './secret-set.ts';
