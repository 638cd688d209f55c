import type { LiveKey, ObservedUser } from '../../../src/account/index.ts';
import type { AwsAccount, AwsAccountStatus } from '../../api/v1alpha1/index.ts';
import type { Verdict } from './conditions.ts';
import type { Pass } from './pass.ts';

/** A user that is ours, as a pass has left it, for those who bring the rest of the account in line. */
export interface PartInputs {
  /** `account` is the newest version of the object. */
  readonly pass: Pass;
  readonly user: ObservedUser;
  /** What a disable switched off is coming back; the Deny still stands, and goes when all parts are done. */
  readonly opening: boolean;
  /** The credentials of a disabled user were looked at in this pass, and shut. */
  readonly audited?: boolean;
  /** What came of the parts while what was switched off came back, earlier in this pass. */
  readonly opened?: PartOutcome | undefined;
  /** What the parts before have to report. */
  readonly reported?: Partial<AwsAccountStatus>;
}

export interface PartOutcome {
  /** The object after what was remembered on it. */
  readonly account: AwsAccount;
  readonly user: ObservedUser;
  /** What was asked for and is not done; stops nothing else. */
  readonly problems: readonly Verdict[];
  /** What was done, for the event: `password set`, `access key AKIA… made`. */
  readonly notes: readonly string[];
  /** What was put right that somebody had changed in AWS: names of fields. */
  readonly mended: readonly string[];
  /** The part's own fields of the status; fields that it leaves out keep nothing. */
  readonly status: Partial<AwsAccountStatus>;
  /** Milliseconds until the part has to look again. */
  readonly afterMs: number | undefined;
  /** The access keys, looked at in this pass. */
  readonly seenKeys?: readonly LiveKey[];
}

/**
 * What belongs to an account beside its user: the console password, access keys, entitlements. Each
 * decides from its own memory on the object and makes no call when all is as declared.
 */
export interface Part {
  /**
   * Brings this part in line. Called at the end of every pass over a user that is ours, and before the
   * Deny of an enabled user is lifted; of a disabled user it only reports.
   * @throws {AwsError} what passes: the whole is repeated then
   */
  bring(inputs: PartInputs): Promise<PartOutcome>;
  /** The object is about to let go of a user that stays (Retain, Disable, abandoned): what must outlive it. */
  release(account: AwsAccount, signal: AbortSignal): Promise<void>;
}

/** Several parts as one: each sees what the one before it has left. */
export class Parts implements Part {
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.#parts = parts;
  }

  async bring(inputs: PartInputs): Promise<PartOutcome> {
    let outcome: PartOutcome = nothingDone(inputs);
    for (const part of this.#parts) {
      const next = await part.bring({
        ...inputs,
        pass: { ...inputs.pass, account: outcome.account },
        user: outcome.user,
        reported: outcome.status,
      });
      const due = Math.min(outcome.afterMs ?? Infinity, next.afterMs ?? Infinity);
      outcome = {
        account: next.account,
        user: next.user,
        problems: [...outcome.problems, ...next.problems],
        notes: [...outcome.notes, ...next.notes],
        mended: [...outcome.mended, ...next.mended],
        status: { ...outcome.status, ...next.status },
        afterMs: Number.isFinite(due) ? due : undefined,
        ...keysSeen(next.seenKeys ?? outcome.seenKeys),
      };
    }
    return outcome;
  }

  async release(account: AwsAccount, signal: AbortSignal): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    // One after another: two may let go of the same Secret.
    for (const part of this.#parts) {
      try {
        await part.release(account, signal);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined) {
      throw failure.error;
    }
  }
}

function keysSeen(seenKeys: readonly LiveKey[] | undefined): Pick<PartOutcome, 'seenKeys'> {
  return seenKeys === undefined ? {} : { seenKeys };
}

/** The outcome of a part that has nothing to do and nothing to report. */
export function nothingDone({ pass, user }: PartInputs): PartOutcome {
  return {
    account: pass.account,
    user,
    problems: [],
    notes: [],
    mended: [],
    status: {},
    afterMs: undefined,
  };
}
