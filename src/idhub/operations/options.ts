import type { Clock } from '../../ports.ts';
import type { ConnectionName } from '../model.ts';
import type { Ending, OperationKind } from './model.ts';
import type { OperationHost, OperationStore, PromiseStore } from './ports.ts';

export interface OperationDeskOptions {
  readonly store: OperationStore;
  readonly promises: PromiseStore;
  /** The AWS account behind a connection; undefined where there is no such connection. @throws {DirectoryUnavailableError} */
  readonly host: (connection: ConnectionName) => OperationHost | undefined;
  /** What a body is known by without being kept: keyed, so that nobody can try passwords on it. */
  readonly digest: (scope: string, text: string, signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
  /** Something goes on only after a while; no secret is in it. */
  readonly trouble: (operationId: string, error: unknown) => void;
  /** An operation has ended, for the audit log; called once for each end, and not where it is told again. */
  readonly audit: (operation: AuditedOperation) => void;
  /** How long an answer waits for the end of operations, ms. */
  readonly waitMs: number;
  /** Operations on different users of one connection at once. */
  readonly atOnce: number;
}

/** Who did what, and with which result. No secret is in it. */
export interface AuditedOperation {
  readonly connection: ConnectionName;
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly caller: string;
  readonly requestId: string | undefined;
  readonly ending: Ending;
}

export interface Submission {
  /** For the audit log and annotations. */
  readonly caller: string;
  /** Of the HTTP request, for the audit log. */
  readonly requestId?: string | undefined;
  /** Aborts when nobody waits for the answer any more; what has begun goes on. */
  readonly signal: AbortSignal;
}
