export { endingOf, isFinished } from './memory.ts';
export { openReport, type StoredReport } from './report-store.ts';
export { SpoiltSetError } from './secret-set.ts';
