import type { ApplyOutcome, LiveKey, ObservedUser } from '../../../src/account/index.ts';
import type { AwsAccount, AwsAccountStatus } from '../../api/v1alpha1/index.ts';
import type { ObjectKey } from '../../runtime/index.ts';
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
  /** AWS refused a disable or an enable in this pass: how far it came is not known. */
  readonly refused?: boolean;
  /** Whether an enable of this pass switched an access key on; undefined where there was none. */
  readonly keysOpened?: boolean | undefined;
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

/** What the steps of a pass over a user came to. */
export interface Changed {
  readonly mended: readonly string[];
  readonly refused: readonly Verdict[];
  readonly known: Pick<PartInputs, 'audited' | 'refused' | 'keysOpened' | 'opened'>;
}

/** What those steps let the parts know. */
export function knownOf(outcome: ApplyOutcome, opened: PartOutcome | undefined): Changed['known'] {
  return {
    audited: outcome.done.includes('disable'),
    refused: outcome.refused.some(({ step }) => step === 'disable' || step === 'enable'),
    keysOpened: outcome.opened?.some(({ kind }) => kind === 'accessKey'),
    opened,
  };
}

/** A user that the object is about to let go of, and that stays. */
export interface Leaving extends Pick<Pass, 'account' | 'connection' | 'now' | 'signal'> {
  readonly user: ObservedUser;
}

/** What was ended for that. */
export interface Ending {
  readonly notes: readonly string[];
  /** What is not ended yet. */
  readonly waits: { readonly verdict: Verdict; readonly afterMs: number } | undefined;
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
  /** Ends in AWS what was begun there and nobody would end later. Called before `release`, of a user that is ours. */
  finish?(leaving: Leaving): Promise<Ending>;
  /** The object is gone. */
  forget?(key: ObjectKey): void;
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

  async finish(leaving: Leaving): Promise<Ending> {
    const notes: string[] = [];
    for (const part of this.#parts) {
      const ending = await part.finish?.(leaving);
      notes.push(...(ending?.notes ?? []));
      if (ending?.waits !== undefined) {
        return { notes, waits: ending.waits };
      }
    }
    return { notes, waits: undefined };
  }

  forget(key: ObjectKey): void {
    this.#parts.forEach((part) => part.forget?.(key));
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
