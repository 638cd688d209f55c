import type { ConnectionName } from '../model.ts';
import type { Operation, Standing } from './model.ts';
import type { OperationRecord, PromisedOperation } from './ports.ts';

/** What an operation is known by: the same id is another's on another connection. */
export function keyOf({ namespace, name }: ConnectionName, operationId: string): string {
  return `${namespace}/${name} ${operationId}`;
}

/** An operation that is under way in this process. */
export class Flight implements PromisedOperation {
  readonly connection: ConnectionName;
  readonly operation: Operation;
  readonly caller: string;
  readonly requestId: string | undefined;
  readonly digest: string;
  readonly order: number;
  readonly key: string;
  /** It is written down: it goes on until it ends, in whichever process. */
  promised: boolean;
  /** What is kept of it. */
  record: OperationRecord | undefined;
  /** How often others stood in the way of it. */
  hindered = 0;
  /** How often that was after it was accepted: they have overruled it. */
  overruled = 0;
  /** Undefined until it has ended. */
  ended: Standing | undefined;
  /** Resolves when it has ended. */
  readonly landed: Promise<void>;
  readonly #land: () => void;

  constructor(
    { connection, operation, caller, requestId, digest, order }: PromisedOperation,
    promised: boolean,
  ) {
    this.connection = connection;
    this.operation = operation;
    this.caller = caller;
    this.requestId = requestId;
    this.digest = digest;
    this.order = order;
    this.promised = promised;
    this.key = keyOf(connection, operation.operationId);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.landed = promise;
    this.#land = resolve;
  }

  /** When it was taken, milliseconds since the epoch. */
  get at(): number {
    return this.order / 1_000;
  }

  end(standing: Standing): void {
    this.ended = standing;
    this.#land();
  }
}
