import type { ConnectionName, Directory, DirectoryView } from '../model.ts';
import type { Ending, Operation, OperationKind } from './model.ts';

/** What is kept of an operation once it has begun. No secret is in it, and nothing that a secret could be tried on. */
export interface OperationRecord {
  readonly operationId: string;
  readonly kind: OperationKind;
  /** Of the body, keyed: see `OperationDeskOptions.digest`. */
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly begunAt: number;
  /** Whom it is about, as it was found when it began: what is repeated does not go by a name that others may have by now. */
  readonly account: { readonly id: string; readonly userName: string } | undefined;
  /** The account has taken it: it is followed from there on, and not asked for anew. */
  readonly accepted?: boolean;
  /** Undefined until it has one. */
  readonly ending: Ending | undefined;
}

/** How long it is known what came of an operation, ms. */
export const keptMs = 7 * 86_400_000;

/** Where records are kept, for at least `keptMs` from `begunAt`. Rejects where it cannot tell. */
export interface OperationStore {
  find(
    connection: ConnectionName,
    operationId: string,
    signal: AbortSignal,
  ): Promise<OperationRecord | undefined>;
  /**
   * Durable when it resolves; replaces the record of that id.
   * @throws {StoreFullError}
   */
  put(connection: ConnectionName, record: OperationRecord, signal: AbortSignal): Promise<void>;
}

/** An operation that was accepted and has not ended, with all that it takes to go on with it: also a password. */
export interface PromisedOperation {
  readonly connection: ConnectionName;
  readonly operation: Operation;
  readonly caller: string;
  /** Of the HTTP request, for the audit log. */
  readonly requestId?: string | undefined;
  readonly digest: string;
  /** When it was taken, thousandths of milliseconds since the epoch: later than that of each before it. */
  readonly order: number;
}

/** Where accepted operations are kept until they have ended. */
export interface PromiseStore {
  /** In the order in which they were accepted. */
  list(signal: AbortSignal): Promise<readonly PromisedOperation[]>;
  /**
   * All or none, durable when it resolves.
   * @throws {StoreFullError}
   */
  add(operations: readonly PromisedOperation[], signal: AbortSignal): Promise<void>;
  /** What is not there is none the less gone. */
  remove(
    operations: readonly Pick<PromisedOperation, 'connection' | 'operation'>[],
    signal: AbortSignal,
  ): Promise<void>;
}

/** No more can be kept; later there is room again. */
export class StoreFullError extends Error {
  override readonly name = 'StoreFullError';
}

/** One AWS account, as operations need it. */
export interface OperationHost {
  readonly directory: Pick<Directory, 'create' | 'change' | 'remove'>;
  /**
   * What is known of the account now, whether or not lists may be given out.
   * @throws {DirectoryUnavailableError}
   */
  latest(): Pick<DirectoryView, 'account' | 'accountByName'>;
  /**
   * As `latest`, and who is not in it is not there.
   * @throws {DirectoryUnavailableError}
   */
  view(signal: AbortSignal): Promise<Pick<DirectoryView, 'account' | 'accountByName' | 'takenAt'>>;
}
