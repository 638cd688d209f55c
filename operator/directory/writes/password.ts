import { createHash } from 'node:crypto';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { ownerReferenceTo } from '../../controllers/account/index.ts';
import { controllerOf, managedByUs, secretType, type Secret } from '../../controllers/names.ts';
import { isAlreadyExists, isNotFound, keyOf, type Client } from '../../runtime/index.ts';

/** Where a password that was given lies until it is used. */
export const passwordEntry = 'password';

/** The name of the Secret of one write: no other has it, and the note on the object tells it. */
export function passwordSecret(id: string): string {
  return `password-${createHash('sha256').update(id).digest('hex').slice(0, 24)}`;
}

/**
 * The Secrets that given passwords lie in until they are set: made after the note on the object that names them and
 * owned by that object, so that none is ever left without anybody who knows of it.
 */
export class PasswordSecrets {
  readonly #client: Client;

  constructor({ client }: { readonly client: Client }) {
    this.#client = client;
  }

  /** Made already is fine. @throws {ApiError} */
  async make(account: AwsAccount, name: string, password: string): Promise<void> {
    const { namespace = '' } = account.metadata;
    try {
      await this.#client.create(secretType, {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name,
          namespace,
          labels: { ...managedByUs },
          ownerReferences: [ownerReferenceTo(account)],
        },
        data: { [passwordEntry]: Buffer.from(password).toString('base64') },
      });
    } catch (error) {
      if (!isAlreadyExists(error)) {
        throw error;
      }
    }
  }

  async exists(account: AwsAccount, name: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#find(account, name, signal)) !== undefined;
  }

  /** Gone already is fine; one that is not the object's own is left alone. @throws {ApiError} */
  async remove(account: AwsAccount, name: string, signal: AbortSignal): Promise<void> {
    const secret = await this.#find(account, name, signal);
    if (secret === undefined) {
      return;
    }
    const { uid } = secret.metadata;
    try {
      await this.#client.delete(secretType, keyOf(secret), {
        signal,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  /** Whoever may write a note on an object may not have Secrets of others used or deleted by that. */
  async #find(account: AwsAccount, name: string, signal: AbortSignal): Promise<Secret | undefined> {
    const { namespace = '', uid } = account.metadata;
    try {
      const secret = await this.#client.get(secretType, { namespace, name }, { signal });
      return controllerOf(secret.metadata)?.uid === uid ? secret : undefined;
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }
}
