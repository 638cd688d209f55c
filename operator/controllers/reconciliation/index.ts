export { isFinished } from './memory.ts';
export { openReport, type StoredReport } from './report-store.ts';
