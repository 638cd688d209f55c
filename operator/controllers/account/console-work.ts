import {
  hasLoginProfile,
  nextConsoleStep,
  remembered,
  removePassword,
  type ConsoleFacts,
  type ConsoleMemory,
  type ConsoleStep,
  type PasswordInput,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { giveChangeRight, isChangeRightBound, isChangeRightGone, takeChangeRight } from './console-right.ts';
import { PasswordWriter } from './console-set.ts';
import { ConsoleState, type ConsoleTools, type Stop } from './console-state.ts';
import type { PartInputs, PartOutcome } from './parts.ts';
import { UnusablePasswordKey } from './password-tools.ts';
import { verdictOf } from './status.ts';
import { vaultName } from './vault.ts';

/** Steps that a pass may need at the most; more would be a circle. */
const maxSteps = 20;
const keyAgainMs = 60_000;
/** Times of the report have whole seconds, and so has what is known of AWS's clock. */
const sameTimeMs = 2_000;

interface ConsoleWorkOptions {
  readonly tools: ConsoleTools;
  readonly inputs: PartInputs;
  readonly access: 'Managed' | 'None';
  readonly memory: ConsoleMemory | undefined;
  readonly lookAnyway: boolean;
  /** When the password was last changed, by the credential report. */
  readonly changedAt: number | undefined;
}

/** One pass over the console password of one user: decide, do one thing, decide again. */
export class ConsoleWork {
  readonly #options: ConsoleWorkOptions;
  readonly #state: ConsoleState;
  readonly #writer: PasswordWriter;
  #given: string | undefined;
  #profile: boolean | undefined;
  #rightTried = false;
  /** A live look was taken. */
  looked = false;

  constructor(options: ConsoleWorkOptions) {
    this.#options = options;
    this.#state = new ConsoleState(options.tools, options.inputs, options.memory);
    this.#writer = new PasswordWriter(this.#state);
  }

  async run(): Promise<PartOutcome> {
    const state = this.#state;
    let stop: Stop = {};
    try {
      stop = await this.#steps();
    } catch (error) {
      state.pass.signal.throwIfAborted();
      if (error instanceof UnusablePasswordKey) {
        state.problems.push({ reason: 'SecretNotWritten', message: error.message });
        stop = { afterMs: keyAgainMs };
      } else {
        const passes = isAwsError(error) && (error.isTransient || error.kind === 'badCredentials');
        if (!isAwsError(error) || passes || error.kind === 'notFound') {
          throw error;
        }
        // For good, until somebody acts: the rest of the account goes on.
        state.problems.push(verdictOf(error));
      }
    }
    const { account, user, problems, notes, mended, memory } = state;
    return {
      account,
      user,
      problems,
      notes,
      mended: [...mended],
      status: memory.published === null ? {} : { credentialsSecretName: memory.published.secret },
      afterMs: stop.afterMs,
    };
  }

  async #steps(): Promise<Stop> {
    const input = await this.#input();
    for (let count = 0; count < maxSteps; count += 1) {
      const step = nextConsoleStep(this.#facts(input));
      if (step.do === 'rest') {
        if (step.problem !== undefined) {
          this.#state.problems.push(step.problem);
        }
        return step;
      }
      const stop = await this.#do(step);
      if (stop !== undefined) {
        return stop;
      }
    }
    throw new Error('the console password does not come to rest');
  }

  /** @returns where this pass cannot go on */
  async #do(step: Exclude<ConsoleStep, { do: 'rest' }>): Promise<Stop | undefined> {
    const state = this.#state;
    const { api } = state.pass.connection;
    const { memory, user, calls } = state;
    switch (step.do) {
      case 'look':
        this.#profile = await hasLoginProfile(api, user.userName, calls);
        this.looked = true;
        return undefined;
      case 'remember':
        await state.remember(step.memory);
        return undefined;
      case 'set': {
        const before = memory.setAt;
        const stop = await this.#writer.set(step, this.#given);
        if (state.memory.pending === null && state.memory.setAt !== before) {
          this.#profile = true;
        }
        return stop;
      }
      case 'remove':
        await removePassword(api, user.userName, calls);
        if (this.#profile === true) {
          state.notes.push('console password removed');
        }
        if (step.mended === true) {
          state.mended.add('console');
        }
        this.#profile = false;
        await state.remember({ ...memory, setAt: null, pending: null, checkedAt: state.now });
        return undefined;
      case 'giveRight': {
        this.#rightTried = true;
        const problem = await giveChangeRight(state);
        if (problem !== undefined) {
          state.problems.push(problem);
        }
        return undefined;
      }
      case 'takeRight':
        await takeChangeRight(state);
        return undefined;
      case 'move':
        return this.#move(step.from, memory);
      case 'label': {
        const secret = memory.published?.secret ?? vaultName(state.account);
        if ((await state.secret.read(secret)).kind === 'ours') {
          await state.secret.write(secret, state.labels);
        }
        await state.remember({ ...memory, published: { secret, userName: user.userName } });
        return undefined;
      }
      case 'unpublish':
        await this.#unpublish(step.secret);
        await state.remember({ ...memory, published: null });
        return undefined;
    }
  }

  /** The whole Secret, with a key that may be in it; done already where keys have moved it. */
  async #move(from: string, memory: ConsoleMemory): Promise<Stop | undefined> {
    const state = this.#state;
    const to = vaultName(state.account);
    if ((await state.secret.read(to)).kind === 'foreign') {
      state.problems.push({
        reason: 'SecretConflict',
        message:
          `the password stays in Secret ${from}: Secret ${to} is there and is not this object's; choose another ` +
          'spec.credentialsSecretName, or delete that Secret',
      });
      return {};
    }
    if (await state.secret.move(from, to, state.labels)) {
      state.notes.push(`credentials moved from Secret ${from} to ${to}`);
    }
    await state.remember({ ...memory, published: { secret: to, userName: state.user.userName } });
    return undefined;
  }

  /** Takes the password out, and the Secret with it where no key is in it. */
  async #unpublish(name: string): Promise<void> {
    const { secret } = this.#state;
    const reading = await secret.read(name);
    if (reading.kind === 'ours' && reading.credentials.accessKeyId === undefined) {
      await secret.remove(name);
    } else if (reading.kind === 'ours') {
      await secret.write(name, { password: null });
    }
  }

  /** The password that is declared. */
  async #input(): Promise<PasswordInput> {
    const { account, tools, pass } = this.#state;
    const ref = account.spec.console?.passwordSecretRef;
    if (this.#options.access === 'None' || ref === undefined) {
      return { kind: 'generated' };
    }
    const key = ref.key ?? 'password';
    const value = await tools.vault.value(account, ref.name, key, pass.signal);
    if (value === undefined || value === '') {
      const why = `there is no password in Secret ${ref.name}, key ${key}; put one there, this object goes on by itself`;
      return { kind: 'missing', why };
    }
    this.#given = value;
    return { kind: 'given', hash: await this.#state.hash(value) };
  }

  #facts(input: PasswordInput): ConsoleFacts {
    const { inputs, access, lookAnyway, changedAt } = this.#options;
    const { stored, memory, account, user, now } = this.#state;
    return {
      access,
      memory: stored,
      made: inputs.pass.made,
      opening: inputs.opening,
      switchedOff: remembered(user.tags)?.some(({ kind }) => kind === 'console') === true,
      profile: this.#profile,
      lookAnyway,
      input,
      resetId: account.spec.console?.reset?.requestId,
      changed: changedAt !== undefined && memory.setAt !== null && changedAt > memory.setAt + sameTimeMs,
      rightBound: memory.changeRight && isChangeRightBound(this.#state),
      rightGone: isChangeRightGone(this.#state),
      rightTried: this.#rightTried,
      secretName: vaultName(account),
      userName: user.userName,
      now,
    };
  }
}
