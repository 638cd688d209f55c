import {
  generatePassword,
  isPolicyViolation,
  isReuse,
  setPassword,
  withoutFlags,
  type ConsoleMemory,
  type ConsoleStep,
} from '../../../src/account/index.ts';
import { ApiError, isAlreadyExists, isConflict } from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';
import type { ConsoleState, Stop } from './console-state.ts';
import { vaultName } from './vault.ts';

const writeAgainMs = 60_000;

type SetStep = ConsoleStep & { do: 'set' };

/** A password that is about to be set. */
interface Attempt {
  readonly step: SetStep;
  readonly password: string;
  readonly hash: string;
  readonly generated: boolean;
  readonly resetId: string | null;
  /** What the Secret held before, of a generated one. */
  readonly previous: string | undefined;
}

/** Sets passwords in one pass. */
export class PasswordWriter {
  readonly #state: ConsoleState;
  /** Of a password that a pass before announced, and may have set. */
  readonly #resumed: string | undefined;
  #regenerated = false;

  constructor(state: ConsoleState) {
    this.#state = state;
    this.#resumed = state.stored?.pending?.hash;
  }

  /**
   * Announce, publish what was generated, set, record. Whatever breaks off in between, the next pass sets
   * the same password. `given` is the one that a person keeps in a Secret.
   * @returns where this pass cannot go on, with the problem told
   * @throws {AwsError} but for a password that AWS's policy refuses, which is remembered
   */
  async set(step: SetStep, given: string | undefined): Promise<Stop | undefined> {
    const state = this.#state;
    const { spec } = state.account;
    const resetId = spec.console?.reset?.requestId ?? null;
    const name = vaultName(state.account);
    const reading = given === undefined ? await state.secret.read(name) : undefined;
    if (reading?.kind === 'foreign') {
      return this.#block(step, {
        reason: 'SecretConflict',
        message:
          `Secret ${name} is there and is not this object's, so no password is put there and none is set; ` +
          'choose another spec.credentialsSecretName, or delete that Secret',
      });
    }
    const before = reading?.kind === 'ours' ? reading.credentials.password : undefined;
    const stored = before !== undefined && (await this.#isPending(before, resetId)) ? before : undefined;
    const password = given ?? stored ?? (await this.#generate());
    const hash = await state.hash(password);
    const generated = given === undefined;
    const previous = stored === undefined && step.how === 'update' ? before : undefined;
    const attempt: Attempt = { step, password, hash, generated, resetId, previous };
    const { memory } = state;
    const { userName } = state.user;
    const { how = step.how, at = state.now } = memory.pending ?? {};
    await state.remember({
      ...memory,
      ...(generated ? { published: { secret: name, userName } } : {}),
      pending: { hash, generated, resetId, how, at },
    });
    if (generated && stored === undefined) {
      const stop = await this.#publish(name, password);
      if (stop !== undefined) {
        return stop;
      }
    }
    const { changePasswordNextSignIn } = state.pass.connection.settings;
    const resetRequired = spec.console?.resetRequired ?? (generated || changePasswordNextSignIn);
    try {
      const { api } = state.pass.connection;
      await setPassword(api, userName, { password, resetRequired, how }, state.calls);
    } catch (error) {
      if (!isPolicyViolation(error)) {
        throw error;
      }
      // One that was announced before and is refused as used before is set: only the answer was lost.
      if (!isReuse(error) || hash !== this.#resumed) {
        return this.#refused(error.message, attempt);
      }
    }
    await this.#done(attempt, resetRequired);
    return undefined;
  }

  async #done({ step, hash, generated, resetId }: Attempt, resetRequired: boolean): Promise<void> {
    const state = this.#state;
    const { memory, now } = state;
    const done: ConsoleMemory = {
      ...withoutFlags(memory),
      ...(state.inputs.opening ? { back: true } : {}),
      input: generated ? null : hash,
      resetId: resetId ?? memory.resetId,
      setAt: now,
      checkedAt: now,
      mustChange: resetRequired,
      rightDue: resetRequired,
      pending: null,
      refused: null,
    };
    await state.remember(done);
    const { console: declared } = state.account.spec;
    const secret = generated
      ? `Secret ${vaultName(state.account)}`
      : `from Secret ${declared?.passwordSecretRef?.name ?? ''}`;
    state.notes.push(`console password set${step.why} (${secret})`);
    if (step.mended === true) {
      state.mended.add('console');
    }
  }

  /** Whether a password in the Secret is the one that was announced, for the same cause. */
  async #isPending(password: string, resetId: string | null): Promise<boolean> {
    const { pending } = this.#state.memory;
    return (
      pending?.generated === true &&
      pending.resetId === resetId &&
      pending.hash === (await this.#state.hash(password))
    );
  }

  async #generate(): Promise<string> {
    const { tools, pass, user, calls } = this.#state;
    const policy = await tools.policies.of(pass.connection.api, calls);
    return generatePassword(policy, user.userName, tools.randomInt);
  }

  async #publish(name: string, password: string): Promise<Stop | undefined> {
    const { secret, labels, problems, pass } = this.#state;
    try {
      await secret.write(name, { ...labels, password });
      return undefined;
    } catch (error) {
      pass.signal.throwIfAborted();
      const changed = isConflict(error) || isAlreadyExists(error);
      if (changed || !(error instanceof ApiError) || error.code >= 500 || error.code === 429) {
        throw error;
      }
      problems.push({
        reason: 'SecretNotWritten',
        message:
          `Secret ${name} cannot be written (${error.message}), so no password is set. Give the operator the ` +
          'right to write Secrets in this namespace',
      });
      return { afterMs: writeAgainMs };
    }
  }

  /** AWS does not take the password: that is remembered, and the Secret does not claim otherwise. */
  async #refused(sentence: string, attempt: Attempt): Promise<Stop | undefined> {
    const state = this.#state;
    const { step, generated, resetId, hash, previous } = attempt;
    const { name = '', key = 'password' } = state.account.spec.console?.passwordSecretRef ?? {};
    const message = generated
      ? `AWS refuses the password that was generated (${sentence}). It is tried again`
      : `AWS refuses the password in Secret ${name}, key ${key} (${sentence}). Put one there that fits the ` +
        'password policy of the AWS account';
    if (generated) {
      // The policy may have changed since it was read.
      state.tools.policies.forget(state.pass.connection.api);
      await state.secret.write(vaultName(state.account), { password: previous ?? null });
    }
    const again = generated && !this.#regenerated;
    this.#regenerated = true;
    const input = generated ? null : hash;
    await state.remember({
      ...withoutFlags(state.memory),
      ...(step.how === 'create' ? { absent: true } : {}),
      pending: null,
      refused: again ? null : { input, resetId, at: state.now, message },
    });
    return undefined;
  }

  /** It cannot be set for now; that there is no password is remembered for later passes. */
  async #block(step: SetStep, problem: Verdict): Promise<Stop> {
    const { memory } = this.#state;
    if (step.how === 'create' && memory.pending === null && memory.absent !== true) {
      await this.#state.remember({ ...withoutFlags(memory), absent: true });
    }
    this.#state.problems.push(problem);
    return {};
  }
}
