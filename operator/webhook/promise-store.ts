import {
  StoreFullError,
  type ConnectionName,
  type PromisedOperation,
  type PromiseStore,
} from '../../src/idhub/index.ts';
import { managedByUs, secretType, type Secret } from '../controllers/names.ts';
import { isNotFound, type Client } from '../runtime/index.ts';
import { entryOf } from './entries.ts';

const name = 'idhub-aws-connector-operations';
/** Below the 1 MiB that the API server takes of one object; base64 is a third longer. */
const maxBytes = 675_000;

export interface OperationSecretOptions {
  /** One that writes only while this process leads. */
  readonly client: Client;
  /** Of the operator. */
  readonly namespace: string;
  /** Keeps a value out of logs. */
  readonly protectSecret: (value: string, life?: 'passing') => void;
  /** An entry makes no sense: nobody goes on with it. */
  readonly unreadable: (key: string) => void;
}

/**
 * Accepted operations in one Secret of the operator's namespace, until they have ended: their bodies may have
 * passwords in them. Read by name; written by the leader alone, one change after the other.
 */
export class OperationSecret implements PromiseStore {
  readonly #options: OperationSecretOptions;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: OperationSecretOptions) {
    this.#options = options;
  }

  async list(signal: AbortSignal): Promise<readonly PromisedOperation[]> {
    const secret = await this.#get(signal);
    const all = Object.entries(secret?.data ?? {}).flatMap(([key, text]) => {
      const promised = parsed(text);
      if (promised === undefined) {
        this.#options.unreadable(key);
        return [];
      }
      this.#protect(promised);
      return [promised];
    });
    return all.toSorted((one, other) => one.order - other.order);
  }

  add(operations: readonly PromisedOperation[], signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      const secret = await this.#get(signal);
      const data: Record<string, string> = {};
      for (const { connection, operation, caller, requestId, digest, order } of operations) {
        const text = JSON.stringify({ connection, operation, caller, requestId, digest, order });
        data[entryOf(connection, operation.operationId)] = Buffer.from(text).toString('base64');
      }
      const bytes = Object.values({ ...secret?.data, ...data }).reduce((sum, { length }) => sum + length, 0);
      if (bytes > (maxBytes * 4) / 3) {
        throw new StoreFullError('Too many operations are pending; send it again later.');
      }
      const { client, namespace } = this.#options;
      if (secret === undefined) {
        const metadata = { name, namespace, labels: { ...managedByUs } };
        await client.create(secretType, { apiVersion: 'v1', kind: 'Secret', metadata, data }, { signal });
      } else {
        await this.#patch(secret, data, signal);
      }
    });
  }

  remove(
    operations: readonly {
      readonly connection: ConnectionName;
      readonly operation: { readonly operationId: string };
    }[],
    signal: AbortSignal,
  ): Promise<void> {
    return this.#inTurn(async () => {
      const secret = await this.#get(signal);
      const keys = operations
        .map(({ connection, operation }) => entryOf(connection, operation.operationId))
        .filter((key) => secret?.data?.[key] !== undefined);
      if (secret !== undefined && keys.length > 0) {
        await this.#patch(secret, Object.fromEntries(keys.map((key) => [key, null])), signal);
      }
    });
  }

  async #patch({ metadata }: Secret, data: object, signal: AbortSignal): Promise<void> {
    const { client, namespace } = this.#options;
    const { uid, resourceVersion } = metadata;
    await client.mergePatch(
      secretType,
      { namespace, name },
      { metadata: { uid, resourceVersion }, data },
      { signal },
    );
  }

  async #get(signal: AbortSignal): Promise<Secret | undefined> {
    const { client, namespace } = this.#options;
    try {
      return await client.get(secretType, { namespace, name }, { signal });
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /** A password that came with an operation is as secret after a restart as it was before. */
  #protect({ operation }: PromisedOperation): void {
    const password =
      operation.kind === 'create'
        ? operation.data.password
        : operation.kind === 'resetPassword'
          ? operation.password
          : undefined;
    if (password?.value !== undefined) {
      this.#options.protectSecret(password.value, 'passing');
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

function parsed(text: string): PromisedOperation | undefined {
  try {
    const promised = JSON.parse(
      Buffer.from(text, 'base64').toString('utf8'),
    ) as Partial<PromisedOperation> | null;
    const { connection, operation, order } = promised ?? {};
    return connection !== undefined && operation !== undefined && typeof order === 'number'
      ? (promised as PromisedOperation)
      : undefined;
  } catch {
    return undefined;
  }
}
