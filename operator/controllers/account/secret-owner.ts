import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { ApiError, isConflict } from '../../runtime/index.ts';
import { consoleSecretOf } from './console-memory.ts';
import { keySecretOf } from './key-memory.ts';
import { holderOf } from './key-secret.ts';
import { nothingDone, type Part, type PartInputs, type PartOutcome } from './parts.ts';
import { vaultName, type AccountVault } from './vault.ts';

interface SecretOwnerOptions {
  readonly vault: AccountVault;
}

/** How long the garbage collector is given to take what an object of that name has left. */
const passingMs = 15_000;
const writeAgainMs = 60_000;

/**
 * Makes the object the owner of the Secret that it remembers, whatever becomes of password and key: after
 * a restore, or when an object takes back what one before it has let go of. Looks where the status does not
 * say yet that the Secret is its own, so once in the life of an object.
 */
export class SecretOwnerPart implements Part {
  readonly #vault: AccountVault;

  constructor({ vault }: SecretOwnerOptions) {
    this.#vault = vault;
  }

  async bring(inputs: PartInputs): Promise<PartOutcome> {
    const { pass, opening } = inputs;
    const { account, signal } = pass;
    const outcome = nothingDone(inputs);
    const { credentialsSecretName, conditions = [] } = account.status ?? {};
    const failed = conditions.some(({ reason }) => reason === 'SecretNotWritten');
    const names = secretsOf(account).filter((name) => failed || name !== credentialsSecretName);
    if (opening || names.length === 0) {
      return outcome;
    }
    const holder = holderOf(inputs);
    for (const name of names) {
      const reading = await this.#vault.read(holder, name, signal);
      if (reading.kind === 'foreign' && reading.passing) {
        return { ...outcome, afterMs: passingMs };
      }
      if (reading.kind === 'ours' && !reading.owned) {
        try {
          await this.#vault.own(holder, name, reading, signal);
        } catch (error) {
          signal.throwIfAborted();
          if (isConflict(error) || !(error instanceof ApiError) || error.code >= 500 || error.code === 429) {
            throw error;
          }
          const message =
            `this object cannot be made the owner of its Secret ${name} (${error.message}). Give the operator ` +
            'the right to write Secrets in this namespace';
          return { ...outcome, problems: [{ reason: 'SecretNotWritten', message }], afterMs: writeAgainMs };
        }
      }
    }
    return outcome;
  }

  /** Those who publish in a Secret let go of it. */
  async release(): Promise<void> {}
}

/** Where credentials are by what the object remembers, or are about to be. */
function secretsOf(account: AwsAccount): readonly string[] {
  const { console: password, programmatic } = account.spec;
  const generated = password?.access === 'Managed' && password.passwordSecretRef === undefined;
  const names = [
    keySecretOf(account),
    consoleSecretOf(account),
    programmatic?.access === 'Managed' || generated ? vaultName(account) : undefined,
  ];
  return [...new Set(names.filter((name) => name !== undefined))];
}
