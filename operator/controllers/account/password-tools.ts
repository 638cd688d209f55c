import { createHash, createHmac } from 'node:crypto';
import { readPasswordPolicy, type PasswordPolicy } from '../../../src/account/index.ts';
import type { AwsApi, CallOptions } from '../../../src/aws/index.ts';
import { ApiError, isAlreadyExists, isNotFound, type Client, type Clock } from '../../runtime/index.ts';
import { secretType } from '../names.ts';

/** Nothing can be told of passwords: the key that they are known by cannot be read or made. */
export class UnusablePasswordKey extends Error {
  override readonly name = 'UnusablePasswordKey';
}

/** What a password is known by without being kept. */
export interface PasswordHasher {
  /** `<key id>:<HMAC-SHA-256>` of the password of one user; nobody without the key can try passwords on it. */
  readonly hash: (userId: string, password: string) => string;
}

export interface PasswordKey {
  /** @throws {UnusablePasswordKey} where somebody has to act */
  obtain(signal: AbortSignal): Promise<PasswordHasher>;
}

export interface PasswordKeyOptions {
  readonly client: Client;
  /** Of the operator. */
  readonly namespace: string;
  /** A new key: 32 bytes, unpredictable. */
  readonly make: () => Buffer;
  /** Keeps secret values out of the logs from here on. */
  readonly protectSecret: (value: string) => void;
}

const secretName = 'idhub-aws-connector-keys';
const entry = 'passwordHmac';
const leastBytes = 32;

/**
 * The key in a Secret of the operator's namespace, made there once and before it is used. It belongs into
 * backups: under another key, the passwords that are there are the baseline.
 */
export class StoredPasswordKey implements PasswordKey {
  readonly #options: PasswordKeyOptions;
  #hasher: PasswordHasher | undefined;

  constructor(options: PasswordKeyOptions) {
    this.#options = options;
  }

  async obtain(signal: AbortSignal): Promise<PasswordHasher> {
    this.#hasher ??= hasherOf(await this.#read(signal));
    return this.#hasher;
  }

  async #read(signal: AbortSignal): Promise<Buffer> {
    const { client, namespace } = this.#options;
    const where = `Secret ${namespace}/${secretName}`;
    try {
      const present = await this.#find(signal);
      if (present !== undefined) {
        return present;
      }
      const made = this.#options.make().toString('base64');
      this.#options.protectSecret(made);
      await client
        .create(
          secretType,
          {
            apiVersion: 'v1',
            kind: 'Secret',
            metadata: { name: secretName, namespace },
            data: { [entry]: Buffer.from(made).toString('base64') },
          },
          { signal },
        )
        .catch((error: unknown) => {
          // Another process was first: its key counts.
          if (!isAlreadyExists(error)) {
            throw error;
          }
        });
      const stored = await this.#find(signal);
      if (stored === undefined) {
        throw new UnusablePasswordKey(`${where} is gone right after it was made`);
      }
      return stored;
    } catch (error) {
      if (error instanceof ApiError && error.code < 500 && error.code !== 429) {
        throw new UnusablePasswordKey(
          `${where}, which passwords are known by, cannot be read or made (${error.message}). Give the operator ` +
            'the right to get and create Secrets in its namespace',
        );
      }
      throw error;
    }
  }

  async #find(signal: AbortSignal): Promise<Buffer | undefined> {
    const { client, namespace, protectSecret } = this.#options;
    try {
      const secret = await client.get(secretType, { namespace, name: secretName }, { signal });
      const text = Buffer.from(secret.data?.[entry] ?? '', 'base64').toString('utf8');
      const key = Buffer.from(text, 'base64');
      if (key.length < leastBytes) {
        throw new UnusablePasswordKey(
          `Secret ${namespace}/${secretName} has no usable ${entry}; restore it from a backup, or delete it to have a new one`,
        );
      }
      protectSecret(text);
      return key;
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }
}

function hasherOf(key: Buffer): PasswordHasher {
  const id = createHash('sha256').update('key id').update(key).digest('hex').slice(0, 8);
  return {
    hash: (userId, password) => {
      const digest = createHmac('sha256', key).update(`${userId}\n${password}`).digest('base64url');
      return `${id}:${digest}`;
    },
  };
}

/** How long a password policy is taken to be as it was read. */
const policyMs = 300_000;

/** The password policies of AWS accounts, read when they are needed, by the client of each. */
export class PasswordPolicies {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #read = new WeakMap<AwsApi, { readonly at: number; readonly policy: PasswordPolicy }>();

  constructor({ clock }: { readonly clock: Pick<Clock, 'now'> }) {
    this.#clock = clock;
  }

  /** @throws {AwsError} */
  async of(api: AwsApi, options: CallOptions): Promise<PasswordPolicy> {
    const known = this.#read.get(api);
    const now = this.#clock.now();
    if (known !== undefined && now - known.at < policyMs) {
      return known.policy;
    }
    const policy = await readPasswordPolicy(api, options);
    this.#read.set(api, { at: now, policy });
    return policy;
  }

  /** The next question is asked of AWS. */
  forget(api: AwsApi): void {
    this.#read.delete(api);
  }
}
