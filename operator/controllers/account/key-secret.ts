import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import type { AccountVault, Credentials, VaultReading } from './vault.ts';

interface Labels {
  readonly userName: string;
  readonly accountId: string;
}

interface KeySecretOptions {
  readonly vault: AccountVault;
  readonly account: AwsAccount;
  readonly signal: AbortSignal;
}

/** The Secret of an account as one pass sees it: read once, and again after each write. */
export class KeySecret {
  readonly #options: KeySecretOptions;
  #last: { readonly name: string; readonly reading: VaultReading } | undefined;

  constructor(options: KeySecretOptions) {
    this.#options = options;
  }

  async read(name: string): Promise<VaultReading> {
    if (this.#last?.name !== name) {
      const { vault, account, signal } = this.#options;
      this.#last = { name, reading: await vault.read(account, name, signal) };
    }
    return this.#last.reading;
  }

  /** In one call; entries that are not named stay. */
  async write(name: string, change: { readonly [K in keyof Credentials]?: string | null }): Promise<void> {
    const { vault, account, signal } = this.#options;
    const reading = await this.read(name);
    if (reading.kind === 'foreign') {
      throw new Error(`Secret ${name} is not this object's`);
    }
    this.#last = undefined;
    await vault.write(account, name, reading, change, signal);
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
    const { vault, account, signal } = this.#options;
    const old = await vault.read(account, from, signal);
    if (old.kind !== 'ours') {
      return false;
    }
    await this.write(to, { ...old.credentials, ...labels });
    await vault.remove(account, from, signal);
    return true;
  }

  /** Takes the key out, and the Secret with it where nothing else is in it. */
  async unpublish(name: string): Promise<void> {
    const reading = await this.read(name);
    if (reading.kind === 'ours' && reading.credentials.password === undefined) {
      const { vault, account, signal } = this.#options;
      this.#last = undefined;
      await vault.remove(account, name, signal);
    } else if (reading.kind === 'ours') {
      await this.write(name, { accessKeyId: null, secretAccessKey: null });
    }
  }
}
