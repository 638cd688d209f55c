export { OperationDesk } from './desk.ts';
export type { AuditedOperation, OperationDeskOptions, Submission } from './options.ts';
export {
  operationKinds,
  type Ending,
  type Operation,
  type OperationKind,
  type OperationResult,
  type Standing,
} from './model.ts';
export { maxBatch, OperationParser, type ParsedOperation } from './parse.ts';
export {
  keptMs,
  StoreFullError,
  type OperationHost,
  type OperationRecord,
  type OperationStore,
  type PromisedOperation,
  type PromiseStore,
} from './ports.ts';
export { RunParser, runSchema, type MadeRun, type RunRequest, type Runs, type RunState } from './runs.ts';
export { operationIdSchema, operationSchemas, type JsonSchema } from './schemas.ts';
