export { RunEngine } from './engine.ts';
export { endingOf, isFinished } from './memory.ts';
export type { RunMetrics } from './metrics.ts';
export { connectionOf, laneOf, ReconciliationReconciler } from './reconciler.ts';
export { openReport, type StoredReport } from './report-store.ts';
export { SpoiltSetError } from './secret-set.ts';
