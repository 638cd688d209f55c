export type {
  BaselinePort,
  Report,
  ReportHeader,
  RunOutcome,
  RunPorts,
  RunRequest,
  RunSummary,
  ScopeFilter,
} from './model.ts';
export { runReconciliation } from './run.ts';
