import { awsAccountType, type AwsAccount } from '../../api/v1alpha1/index.ts';
import { isNotFound, type Client, type OwnerReference } from '../../runtime/index.ts';
import { annotations, secretType, type Secret } from '../names.ts';
import { ownerOf } from './declared.ts';
import { memoryOf } from './memory.ts';
import { ownerValue } from '../../../src/account/index.ts';

export interface VaultOptions {
  readonly client: Client;
  readonly installation: string;
  /** Keeps secret values out of the logs from here on. */
  readonly protectSecret: (value: string, life?: 'passing') => void;
}

/** What the Secret of an account holds; each is absent where there is none. */
export interface Credentials {
  readonly userName?: string;
  readonly accountId?: string;
  readonly password?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
}

/** Whose credentials: those of one IAM user, by its unique id and its AWS account, for one object. */
export interface Holder {
  readonly account: AwsAccount;
  readonly userId: string | undefined;
  readonly awsAccount: string | undefined;
}

export type VaultReading =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'ours';
      readonly secret: Secret;
      readonly credentials: Credentials;
      /** The object is its owner, and no object of that name that is gone. */
      readonly owned: boolean;
    }
  /** A Secret of that name that is not this account's: it is never written. */
  | {
      readonly kind: 'foreign';
      /** It belongs to an object of the same name that is gone: the garbage collector is about to take it. */
      readonly passing: boolean;
    };

const entries = ['userName', 'accountId', 'password', 'accessKeyId', 'secretAccessKey'] as const;

/** The name of the Secret that generated credentials of an account go to. */
export function vaultName(account: AwsAccount): string {
  return account.spec.credentialsSecretName ?? `${account.metadata.name}-credentials`;
}

/**
 * The Secrets that generated passwords and access keys are published in: one an account, owned by it,
 * read by name, never listed. Each says whose credentials it holds. A Secret of the same name that is
 * somebody else's, or holds the credentials of another user, is never written.
 */
export class AccountVault {
  readonly #options: VaultOptions;

  constructor(options: VaultOptions) {
    this.#options = options;
  }

  async read(holder: Holder, name: string, signal: AbortSignal): Promise<VaultReading> {
    const { account } = holder;
    const secret = await this.#get(account, name, signal);
    if (secret === undefined) {
      return { kind: 'absent' };
    }
    if (!this.#isOurs(holder, secret)) {
      const owners = secret.metadata.ownerReferences ?? [];
      const passing = owners.length > 0 && this.#isMarked(account, secret);
      return { kind: 'foreign', passing: passing && owners.every((owner) => isStale(account, owner)) };
    }
    const credentials = Object.fromEntries(
      entries.flatMap((entry) => {
        const value = secret.data?.[entry];
        return value === undefined ? [] : [[entry, Buffer.from(value, 'base64').toString('utf8')]];
      }),
    ) as Credentials;
    this.#protect(credentials);
    const { ownerReferences = [] } = secret.metadata;
    const owned = ownerReferences.some((owner) => isOwner(account, owner));
    const stale = ownerReferences.some((owner) => isStale(account, owner));
    return { kind: 'ours', secret, credentials, owned: owned && !stale };
  }

  /**
   * Writes these entries in one call, and leaves the others as they are; null takes an entry out.
   * `reading` is what the caller has seen: a change since then is a conflict, and is thrown.
   */
  async write(
    holder: Holder,
    name: string,
    reading: Exclude<VaultReading, { kind: 'foreign' }>,
    change: { readonly [K in keyof Credentials]?: string | null },
    signal: AbortSignal,
  ): Promise<void> {
    this.#protect(change);
    const { account, userId, awsAccount } = holder;
    const { client } = this.#options;
    const namespace = account.metadata.namespace ?? '';
    const data = Object.fromEntries(
      Object.entries(change).map(([entry, value]) => [
        entry,
        value === null ? null : Buffer.from(value).toString('base64'),
      ]),
    );
    const owned = {
      annotations: {
        [annotations.secretOwner]: this.#mark(account),
        ...(userId === undefined ? {} : { [annotations.userId]: userId }),
        ...(awsAccount === undefined ? {} : { [annotations.accountId]: awsAccount }),
      },
      ownerReferences: withOwner(account, reading.kind === 'ours' ? reading.secret : undefined),
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

  /** Makes the object the owner of a Secret that is its own, and leaves all else of it. */
  async own(
    { account }: Holder,
    name: string,
    { secret }: VaultReading & { kind: 'ours' },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#setOwners(account, name, secret, withOwner(account, secret), signal);
  }

  /**
   * Takes the owner away, so that the garbage collector leaves the Secret when the object goes; also one
   * of that name from before a restore.
   */
  async release(account: AwsAccount, name: string, signal: AbortSignal): Promise<void> {
    const { userId, applied } = memoryOf(account);
    const reading = await this.read({ account, userId, awsAccount: applied?.account }, name, signal);
    if (reading.kind !== 'ours' || reading.secret.metadata.deletionTimestamp !== undefined) {
      return;
    }
    const { ownerReferences = [] } = reading.secret.metadata;
    const others = ownerReferences.filter((owner) => !isOwner(account, owner) && !isStale(account, owner));
    if (others.length < ownerReferences.length) {
      await this.#setOwners(account, name, reading.secret, others, signal);
    }
  }

  /** Deletes a Secret of ours that is no longer the one; any other is left alone. */
  async remove(holder: Holder, name: string, signal: AbortSignal): Promise<void> {
    const { account } = holder;
    const reading = await this.read(holder, name, signal);
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
    this.#options.protectSecret(value, 'passing');
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

  /**
   * By the owner reference. Where there is none (let go of before, or restored for an object with a new
   * uid), by our mark and the user: the credentials of another one are not lost for a name.
   */
  #isOurs({ account, userId, awsAccount }: Holder, secret: Secret): boolean {
    const { annotations: noted, ownerReferences: owners = [] } = secret.metadata;
    if (owners.some((owner) => isOwner(account, owner))) {
      return true;
    }
    return (
      this.#isMarked(account, secret) &&
      userId !== undefined &&
      noted?.[annotations.userId] === userId &&
      noted[annotations.accountId] === awsAccount &&
      owners.every((owner) => isStale(account, owner))
    );
  }

  #isMarked(account: AwsAccount, { metadata }: Secret): boolean {
    return metadata.annotations?.[annotations.secretOwner] === this.#mark(account);
  }

  async #setOwners(
    account: AwsAccount,
    name: string,
    { metadata: { uid, resourceVersion } }: Secret,
    owners: readonly OwnerReference[],
    signal: AbortSignal,
  ): Promise<void> {
    await this.#options.client.mergePatch(
      secretType,
      { namespace: account.metadata.namespace ?? '', name },
      { metadata: { uid, resourceVersion, ownerReferences: owners.length > 0 ? owners : null } },
      { signal },
    );
  }

  #mark(account: AwsAccount): string {
    return ownerValue(ownerOf(account, this.#options.installation));
  }

  #protect({ password, secretAccessKey }: { readonly [K in keyof Credentials]?: string | null }): void {
    for (const value of [password, secretAccessKey]) {
      if (typeof value === 'string' && value !== '') {
        this.#options.protectSecret(value, 'passing');
      }
    }
  }
}

function isOwner({ metadata }: AwsAccount, owner: OwnerReference): boolean {
  return owner.uid === metadata.uid;
}

/** Names an object of this name that is not this one, and so is gone. */
function isStale({ metadata }: AwsAccount, { apiVersion, kind, name, uid }: OwnerReference): boolean {
  const group = apiVersion.split('/')[0];
  return (
    group === awsAccountType.group &&
    kind === awsAccountType.kind &&
    name === metadata.name &&
    uid !== metadata.uid
  );
}

/** The owners of a Secret, with this object among them. */
function withOwner(account: AwsAccount, secret: Secret | undefined): OwnerReference[] {
  const { name, uid = '' } = account.metadata;
  const present = (secret?.metadata.ownerReferences ?? []).filter((owner) => !isStale(account, owner));
  if (present.some((owner) => isOwner(account, owner))) {
    return present;
  }
  const { kind, group, version } = awsAccountType;
  return [...present, { apiVersion: `${group}/${version}`, kind, name, uid, controller: true }];
}
