import {
  isYoung,
  remembered,
  removePassword,
  withoutFlags,
  type ConsoleMemory,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import { consoleMemoryOf, consoleSecretOf, writeConsoleMemory } from './console-memory.ts';
import type { ConsoleTools } from './console-state.ts';
import { ConsoleWork } from './console-work.ts';
import { nothingDone, type Part, type PartInputs, type PartOutcome } from './parts.ts';
import { verdictOf } from './status.ts';

/** How often the Secret that a person keeps a password in is looked at, at most. */
const pollMs = 45_000;
/** Up to this share earlier, so that what began together does not go on together. */
const spreadShare = 0.2;

export type ConsolePartOptions = ConsoleTools & { readonly random: () => number };

/** The console password of an account: there or not as declared, set once for each cause, never lost. */
export class ConsolePart implements Part {
  readonly #options: ConsolePartOptions;
  /** By object: which credential report a live look was already taken for. */
  readonly #lookedFor = new Map<string, number>();

  constructor(options: ConsolePartOptions) {
    this.#options = options;
  }

  async bring(inputs: PartInputs): Promise<PartOutcome> {
    const { pass, user, opening } = inputs;
    const { account } = pass;
    const access = account.spec.console?.access ?? 'Unmanaged';
    const memory = consoleMemoryOf(account, user.userId, pass.made);
    if (access === 'Unmanaged') {
      return this.#leave(inputs, memory);
    }
    if (!pass.declared.enabled || (!opening && remembered(user.tags) !== undefined)) {
      return this.#closed(inputs, memory);
    }
    const report = pass.snapshot.credentials(user.userId);
    const key = keyString(keyOf(account));
    const known = Math.max(memory?.setAt ?? 0, memory?.checkedAt ?? 0);
    const contradicted =
      report !== undefined &&
      report.asOf > known &&
      report.console === (memory?.none === true) &&
      this.#lookedFor.get(key) !== report.asOf;
    const work = new ConsoleWork({
      tools: this.#options,
      inputs,
      access,
      memory,
      lookAnyway: pass.forced || contradicted,
      changedAt: report?.passwordChangedAt,
    });
    const outcome = await work.run();
    if (contradicted && work.looked) {
      this.#lookedFor.set(key, report.asOf);
    }
    const polled = account.spec.console?.passwordSecretRef === undefined ? Infinity : this.#spread(pollMs);
    const due = Math.min(polled, outcome.afterMs ?? Infinity);
    return { ...outcome, afterMs: Number.isFinite(due) ? due : undefined };
  }

  /** The password stays as it is, and so does the right to change it. */
  async release(account: AwsAccount, signal: AbortSignal): Promise<void> {
    this.#lookedFor.delete(keyString(keyOf(account)));
    const secret = consoleSecretOf(account);
    if (secret !== undefined) {
      await this.#options.vault.release(account, secret, signal);
    }
  }

  /** The password is not touched. What is remembered of it is old by the time that it is again. */
  async #leave(inputs: PartInputs, memory: ConsoleMemory | undefined): Promise<PartOutcome> {
    const off = remembered(inputs.user.tags)?.some(({ kind }) => kind === 'console') === true;
    const notes =
      inputs.opening && off
        ? ['the console password was removed when the account was disabled; set a new one in AWS']
        : [];
    const outcome = { ...nothingDone(inputs), notes, status: statusOf(memory) };
    if (memory === undefined || memory.lapsed === true) {
      return outcome;
    }
    const lapsed = memory.baseline === true ? null : { ...memory, lapsed: true as const, pending: null };
    return { ...outcome, account: await this.#remember(inputs, lapsed) };
  }

  /**
   * A disable has removed the password; nothing is set meanwhile. What was being set when it came may have
   * been made after the disable looked: that is removed here.
   */
  async #closed(inputs: PartInputs, memory: ConsoleMemory | undefined): Promise<PartOutcome> {
    const { pass, user } = inputs;
    const outcome = { ...nothingDone(inputs), status: statusOf(memory) };
    const found = remembered(user.tags)?.some(({ kind }) => kind === 'console') === true;
    const begun =
      memory !== undefined &&
      (memory.pending !== null || memory.back === true || (!found && isYoung(memory, this.#awsNow(inputs))));
    if (pass.declared.enabled || !begun) {
      return outcome;
    }
    const { connection, signal } = pass;
    try {
      await removePassword(connection.api, user.userName, { signal, priority: 'urgent' });
    } catch (error) {
      if (!isAwsError(error) || error.isTransient || error.kind === 'badCredentials') {
        throw error;
      }
      return { ...outcome, problems: [verdictOf(error)] };
    }
    const { none, baseline, lapsed, absent } = memory;
    const kept = {
      ...(none === undefined ? {} : { none }),
      ...(baseline === undefined ? {} : { baseline }),
      ...(lapsed === undefined ? {} : { lapsed }),
      ...(absent === undefined ? {} : { absent }),
    };
    const closed = { ...withoutFlags(memory), ...kept, pending: null, setAt: null };
    return { ...outcome, account: await this.#remember(inputs, closed) };
  }

  #remember({ pass, user }: PartInputs, memory: ConsoleMemory | null): Promise<AwsAccount> {
    const note = memory === null ? null : writeConsoleMemory(memory, user.userId);
    const noted = { annotations: { [annotations.console]: note } };
    return this.#options.record.remember(pass.account, noted, pass.signal);
  }

  #awsNow({ pass }: PartInputs): number {
    return this.#options.clock.now() + pass.connection.api.skewMs;
  }

  #spread(ms: number): number {
    return ms * (1 - this.#options.random() * spreadShare);
  }
}

function statusOf(memory: ConsoleMemory | undefined): PartOutcome['status'] {
  const published = memory?.published ?? null;
  return published === null ? {} : { credentialsSecretName: published.secret };
}
