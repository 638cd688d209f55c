import type { PartInputs } from './parts.ts';
import type { AccountVault, Credentials, Holder, VaultReading } from './vault.ts';

interface Labels {
  readonly userName: string;
  readonly accountId: string;
}

interface KeySecretOptions {
  readonly vault: AccountVault;
  readonly inputs: PartInputs;
}

/** Whose credentials a pass is about. */
export function holderOf({ pass, user }: PartInputs): Holder {
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
