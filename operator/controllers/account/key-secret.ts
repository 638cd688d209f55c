import type { KeyFacts, ObservedUser } from '../../../src/account/index.ts';
import { ApiError, isAlreadyExists, isConflict } from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';
import type { Pass } from './pass.ts';
import type { AccountVault, Credentials, Holder, VaultReading } from './vault.ts';

interface Labels {
  readonly userName: string;
  readonly accountId: string;
}

interface HeldBy {
  readonly pass: Pick<Pass, 'account' | 'connection' | 'signal'>;
  readonly user: ObservedUser;
}

interface KeySecretOptions {
  readonly vault: AccountVault;
  readonly inputs: HeldBy;
}

/** Whose credentials a pass is about. */
export function holderOf({ pass, user }: HeldBy): Holder {
  return { account: pass.account, userId: user.userId, awsAccount: pass.connection.caller.accountId };
}

/** The Secret of an account as one pass sees it: read once, and again after each write. */
export class KeySecret {
  readonly #vault: AccountVault;
  readonly #holder: Holder;
  readonly #signal: AbortSignal;
  #last: { readonly name: string; readonly reading: VaultReading } | undefined;

  constructor({ vault, inputs }: KeySecretOptions) {
    this.#vault = vault;
    this.#holder = holderOf(inputs);
    this.#signal = inputs.pass.signal;
  }

  async read(name: string): Promise<VaultReading> {
    if (this.#last?.name !== name) {
      this.#last = { name, reading: await this.#vault.read(this.#holder, name, this.#signal) };
    }
    return this.#last.reading;
  }

  /** In one call; entries that are not named stay. */
  async write(name: string, change: { readonly [K in keyof Credentials]?: string | null }): Promise<void> {
    const reading = await this.read(name);
    if (reading.kind === 'foreign') {
      throw new Error(`Secret ${name} is not this object's`);
    }
    this.#last = undefined;
    await this.#vault.write(this.#holder, name, reading, change, this.#signal);
  }

  /**
   * Makes sure of the Secret before there is anything to put into it: a key is made only for one that can be
   * written, and is ours.
   * @returns what keeps it from being written
   */
  async prepare(name: string, labels: Labels): Promise<Verdict | undefined> {
    if (name.length > maxName) {
      return {
        reason: 'SecretNotWritten',
        message:
          `the name of Secret ${name} has ${name.length} characters, and ${maxName} are allowed, so no access key is ` +
          'made. Name another one in spec.credentialsSecretName',
      };
    }
    const reading = await this.read(name);
    if (reading.kind === 'ours' && isLabelled(reading.credentials, labels)) {
      return undefined;
    }
    try {
      await this.write(name, labels);
      return undefined;
    } catch (error) {
      this.#signal.throwIfAborted();
      this.#last = undefined;
      if (isConflict(error) || isAlreadyExists(error)) {
        throw error;
      }
      return notWritten(name, error, 'no access key is made');
    }
  }

  /** Writes a key with all that goes with it; returns also where only the answer of the write was lost. */
  async publish(name: string, whole: Required<Omit<Credentials, 'password'>>): Promise<void> {
    try {
      await this.write(name, whole);
    } catch (error) {
      this.#last = undefined;
      const reading = await this.read(name).catch(() => undefined);
      if (reading?.kind !== 'ours' || reading.credentials.secretAccessKey !== whole.secretAccessKey) {
        throw error;
      }
    }
  }

  /** The new Secret is complete before the old one goes. @returns whether there was one to move */
  async move(from: string, to: string, labels: Labels): Promise<boolean> {
    const old = await this.#vault.read(this.#holder, from, this.#signal);
    if (old.kind !== 'ours') {
      return false;
    }
    await this.write(to, { ...old.credentials, ...labels });
    await this.#vault.remove(this.#holder, from, this.#signal);
    return true;
  }

  /** Deletes it, where it is ours. */
  async remove(name: string): Promise<void> {
    this.#last = undefined;
    await this.#vault.remove(this.#holder, name, this.#signal);
  }

  /** Takes the key out, and the Secret with it where nothing else is in it. */
  async unpublish(name: string): Promise<void> {
    const reading = await this.read(name);
    if (reading.kind === 'ours' && reading.credentials.password === undefined) {
      await this.remove(name);
    } else if (reading.kind === 'ours') {
      await this.write(name, { accessKeyId: null, secretAccessKey: null });
    }
  }
}

/** Characters of an object's name at the most (DNS-1123 subdomain). */
const maxName = 253;

/** What a Secret that cannot be written means, and what to do. */
export function notWritten(name: string, error: unknown, outcome: string): Verdict {
  const said = error instanceof Error ? error.message : String(error);
  const advice =
    error instanceof ApiError && error.code === 422
      ? 'Name another one in spec.credentialsSecretName'
      : 'Give the operator the right to write Secrets in this namespace';
  return {
    reason: 'SecretNotWritten',
    message: `Secret ${name} cannot be written (${said}); ${outcome}. ${advice}`,
  };
}

/** A Secret as decisions see it: nothing of what it holds but the id. */
export function secretFacts(reading: VaultReading, labels: Labels): KeyFacts['secret'] {
  if (reading.kind !== 'ours') {
    return { kind: reading.kind };
  }
  const { accessKeyId, secretAccessKey, password } = reading.credentials;
  return {
    kind: 'ours',
    accessKeyId,
    whole: secretAccessKey !== undefined,
    labelled: isLabelled(reading.credentials, labels),
    bare: accessKeyId === undefined && password === undefined,
  };
}

function isLabelled({ userName, accountId }: Credentials, labels: Labels): boolean {
  return userName === labels.userName && accountId === labels.accountId;
}
