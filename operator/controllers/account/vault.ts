import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { isNotFound, type Client, type OwnerReference } from '../../runtime/index.ts';
import { annotations, secretType, type Secret } from '../names.ts';
import { ownerOf } from './declared.ts';
import { ownerValue } from '../../../src/account/index.ts';

export interface VaultOptions {
  readonly client: Client;
  readonly installation: string;
  /** Keeps secret values out of the logs from here on. */
  readonly protectSecret: (value: string) => void;
}

/** What the Secret of an account holds; each is absent where there is none. */
export interface Credentials {
  readonly userName?: string;
  readonly accountId?: string;
  readonly password?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
}

export type VaultReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'ours'; readonly secret: Secret; readonly credentials: Credentials }
  /** A Secret of that name that is not this account's: it is never written. */
  | { readonly kind: 'foreign' };

const entries = ['userName', 'accountId', 'password', 'accessKeyId', 'secretAccessKey'] as const;

/** The name of the Secret that generated credentials of an account go to. */
export function vaultName(account: AwsAccount): string {
  return account.spec.credentialsSecretName ?? `${account.metadata.name}-credentials`;
}

/**
 * The Secrets that generated passwords and access keys are published in: one an account, owned by it,
 * read by name, never listed. A Secret of the same name that is somebody else's is never written.
 */
export class AccountVault {
  readonly #options: VaultOptions;

  constructor(options: VaultOptions) {
    this.#options = options;
  }

  async read(account: AwsAccount, name: string, signal: AbortSignal): Promise<VaultReading> {
    const secret = await this.#get(account, name, signal);
    if (secret === undefined) {
      return { kind: 'absent' };
    }
    if (!this.#isOurs(account, secret)) {
      return { kind: 'foreign' };
    }
    const credentials = Object.fromEntries(
      entries.flatMap((entry) => {
        const value = secret.data?.[entry];
        return value === undefined ? [] : [[entry, Buffer.from(value, 'base64').toString('utf8')]];
      }),
    ) as Credentials;
    this.#protect(credentials);
    return { kind: 'ours', secret, credentials };
  }

  /**
   * Writes these entries in one call, and leaves the others as they are; null takes an entry out.
   * `reading` is what the caller has seen: a change since then is a conflict, and is thrown.
   */
  async write(
    account: AwsAccount,
    name: string,
    reading: Exclude<VaultReading, { kind: 'foreign' }>,
    change: { readonly [K in keyof Credentials]?: string | null },
    signal: AbortSignal,
  ): Promise<void> {
    this.#protect(change);
    const { client } = this.#options;
    const namespace = account.metadata.namespace ?? '';
    const data = Object.fromEntries(
      Object.entries(change).map(([entry, value]) => [
        entry,
        value === null ? null : Buffer.from(value).toString('base64'),
      ]),
    );
    const owned = {
      annotations: { [annotations.secretOwner]: this.#mark(account) },
      ownerReferences: [ownerReference(account)],
    };
    if (reading.kind === 'absent') {
      const present = Object.entries(data).filter((entry): entry is [string, string] => entry[1] !== null);
      await client.create<Secret>(
        secretType,
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, namespace, ...owned },
          data: Object.fromEntries(present),
        },
        { signal },
      );
      return;
    }
    const { uid, resourceVersion } = reading.secret.metadata;
    await client.mergePatch(
      secretType,
      { namespace, name },
      { metadata: { uid, resourceVersion, ...owned }, data },
      { signal },
    );
  }

  /** Takes the owner away, so that the garbage collector leaves the Secret when the object goes. */
  async release(account: AwsAccount, name: string, signal: AbortSignal): Promise<void> {
    const reading = await this.read(account, name, signal);
    if (reading.kind === 'ours' && reading.secret.metadata.deletionTimestamp === undefined) {
      const { uid, resourceVersion, ownerReferences = [] } = reading.secret.metadata;
      const others = ownerReferences.filter((owner) => owner.uid !== account.metadata.uid);
      if (others.length === ownerReferences.length) {
        return;
      }
      await this.#options.client.mergePatch(
        secretType,
        { namespace: account.metadata.namespace ?? '', name },
        { metadata: { uid, resourceVersion, ownerReferences: others.length > 0 ? others : null } },
        { signal },
      );
    }
  }

  /** Deletes a Secret of ours that is no longer the one; any other is left alone. */
  async remove(account: AwsAccount, name: string, signal: AbortSignal): Promise<void> {
    const reading = await this.read(account, name, signal);
    if (reading.kind !== 'ours') {
      return;
    }
    const { uid, resourceVersion } = reading.secret.metadata;
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    const key = { namespace: account.metadata.namespace ?? '', name };
    try {
      await this.#options.client.delete(secretType, key, { signal, preconditions });
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }

  /** Any Secret of the namespace by name, for a password that a person gives. */
  async value(
    account: AwsAccount,
    name: string,
    key: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const secret = await this.#get(account, name, signal);
    const encoded = secret?.data?.[key];
    if (encoded === undefined) {
      return undefined;
    }
    const value = Buffer.from(encoded, 'base64').toString('utf8');
    this.#options.protectSecret(value);
    return value;
  }

  async #get(account: AwsAccount, name: string, signal: AbortSignal): Promise<Secret | undefined> {
    const key = { namespace: account.metadata.namespace ?? '', name };
    try {
      return await this.#options.client.get(secretType, key, { signal });
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /** By the owner reference; by our mark where there is none: let go of before, or restored with a new uid. */
  #isOurs(account: AwsAccount, { metadata }: Secret): boolean {
    const owners = metadata.ownerReferences ?? [];
    if (owners.some((owner) => owner.uid === account.metadata.uid)) {
      return true;
    }
    const marked = metadata.annotations?.[annotations.secretOwner] === this.#mark(account);
    return (
      marked && owners.every((owner) => owner.kind === 'AwsAccount' && owner.name === account.metadata.name)
    );
  }

  #mark(account: AwsAccount): string {
    return ownerValue(ownerOf(account, this.#options.installation));
  }

  #protect({ password, secretAccessKey }: { readonly [K in keyof Credentials]?: string | null }): void {
    for (const value of [password, secretAccessKey]) {
      if (typeof value === 'string' && value !== '') {
        this.#options.protectSecret(value);
      }
    }
  }
}

function ownerReference(account: AwsAccount): OwnerReference {
  const { name, uid = '' } = account.metadata;
  return { apiVersion: 'aws.idhub.io/v1alpha1', kind: 'AwsAccount', name, uid, controller: true };
}
