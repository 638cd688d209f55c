import {
  isHalfEnabled,
  listKeys,
  remembered,
  type KeyFacts,
  type KeyMemory,
  type LiveKey,
} from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type ObjectKey } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import { keyMemoryOf, keySecretOf, keyStatus, lastSeen, shownKeys } from './key-memory.ts';
import { isContradicted, type KeyReport } from './key-report.ts';
import { KeyWork, type KeyInputs, type KeyTools } from './key-work.ts';
import {
  nothingDone,
  type Ending,
  type Leaving,
  type Part,
  type PartInputs,
  type PartOutcome,
} from './parts.ts';
import { isForGood } from './status.ts';
import { vaultName } from './vault.ts';

export interface AccessKeyPartOptions extends KeyTools {
  /** What the credential report says of a user; undefined where it cannot be read. */
  readonly reportOf: (inputs: PartInputs) => KeyReport | undefined;
}

/** What this process knows of the keys of one object. */
interface Known {
  /** Which credential report a live look was already taken for. */
  lookedFor: number | undefined;
  /** By key: when CloudTrail was last asked who made it. */
  readonly asked: Map<string, number>;
  /** How often in a row the Secret could not be written. */
  refusals: number;
  /** The look that showed something that waits for somebody to act. */
  standing: { readonly at: number; readonly of: string; readonly keys: readonly LiveKey[] } | undefined;
}

/** Where something waits for somebody to act, keys are looked at again after this long. */
const standingMs = 600_000;
const againMs = 60_000;

/** The access key of an account: made once, published whole, rotated, and never lost track of. */
export class AccessKeyPart implements Part {
  readonly #options: AccessKeyPartOptions;
  readonly #known = new Map<string, Known>();

  constructor(options: AccessKeyPartOptions) {
    this.#options = options;
  }

  async bring(inputs: PartInputs): Promise<PartOutcome> {
    const { pass, user, opening } = inputs;
    const { account } = pass;
    const access = account.spec.programmatic?.access ?? 'Unmanaged';
    const memory = keyMemoryOf(account, user.userId);
    if (access === 'Unmanaged') {
      return this.#leave(inputs, memory);
    }
    if (isClosed(inputs)) {
      return this.#closed(inputs, memory);
    }
    const known = this.#of(keyOf(account));
    const report = this.#options.reportOf(inputs);
    const contradicted =
      report !== undefined && known.lookedFor !== report.asOf && isContradicted(report, lastSeen(account));
    const lookAnyway = pass.forced || opening || contradicted || isStale(account, memory);
    const work = this.#work(inputs, access, { report, lookAnyway });
    const outcome = await work.run();
    if (report !== undefined && work.looked) {
      known.lookedFor = report.asOf;
    }
    known.refusals = work.unwritten ? known.refusals + 1 : 0;
    if (!work.reused) {
      const of = standingOf(outcome.account, report);
      known.standing = work.standing === undefined ? undefined : { at: pass.now, of, keys: work.standing };
    }
    return outcome;
  }

  async release(account: AwsAccount, signal: AbortSignal): Promise<void> {
    const { spec, metadata, status } = account;
    const noted =
      metadata.annotations?.[annotations.accessKeys] ?? metadata.annotations?.[annotations.console];
    if ((spec.programmatic ?? spec.console ?? noted ?? status?.credentialsSecretName) === undefined) {
      return;
    }
    const names = new Set([vaultName(account), keySecretOf(account) ?? vaultName(account)]);
    for (const name of names) {
      await this.#options.vault.release(account, name, signal);
    }
  }

  /** A key that a creation may have left, and one that was replaced, would stay for good. */
  async finish({ user, ...pass }: Leaving): Promise<Ending> {
    const memory = keyMemoryOf(pass.account, user.userId);
    if (memory === undefined || !isBegun(memory)) {
      return { notes: [], waits: undefined };
    }
    const inputs = { pass: { ...pass, live: user, made: false }, user, opening: false };
    const { notes, problems, afterMs } = await this.#work(inputs, 'Leaving', {}).run();
    const [verdict] = problems;
    return { notes, waits: verdict === undefined ? undefined : { verdict, afterMs: afterMs ?? againMs } };
  }

  forget(key: ObjectKey): void {
    this.#known.delete(keyString(key));
  }

  #work(
    inputs: KeyInputs,
    access: KeyFacts['access'],
    { report, lookAnyway = false }: { report?: KeyReport | undefined; lookAnyway?: boolean },
  ): KeyWork {
    const { account, now } = inputs.pass;
    const { asked, refusals, standing } = this.#of(keyOf(account));
    const stands =
      !lookAnyway &&
      standing !== undefined &&
      now - standing.at < standingMs &&
      standing.of === standingOf(account, report);
    return new KeyWork({
      ...this.#options,
      inputs,
      access,
      report,
      lookAnyway,
      asked,
      refusals,
      lastLook: stands ? standing.keys : undefined,
    });
  }

  /** A disable has switched off what there was; nothing is made, rotated or deleted meanwhile. */
  async #closed(inputs: PartInputs, memory: KeyMemory | undefined): Promise<PartOutcome> {
    const { pass, user, audited = false, refused = false, opened } = inputs;
    const off = remembered(user.tags) !== undefined && !isHalfEnabled(user.tags);
    const shown = pass.account.status?.accessKeys;
    if (audited || (off && !refused)) {
      const keys = shown?.map((key) => ({ ...key, status: 'Inactive' as const }));
      return { ...nothingDone(inputs), status: keyStatus(keys, memory) };
    }
    const seen = opened?.seenKeys ?? (pass.live === undefined ? undefined : await this.#look(inputs));
    const keys = seen === undefined ? shown : shownKeys(seen, memory);
    return { ...nothingDone(inputs), status: keyStatus(keys, memory) };
  }

  /** How far a disable or an enable came that AWS refused. */
  async #look({ pass, user }: PartInputs): Promise<readonly LiveKey[] | undefined> {
    try {
      return await listKeys(pass.connection.api, user.userName, { signal: pass.signal });
    } catch (error) {
      if (!isForGood(error)) {
        throw error;
      }
      return undefined;
    }
  }

  /**
   * Keys are not touched, but for what was begun here: a key that an interruption left, one that was replaced
   * and is due. What is remembered of them is old by the time that they are again.
   */
  async #leave(inputs: PartInputs, memory: KeyMemory | undefined): Promise<PartOutcome> {
    if (memory === undefined) {
      return nothingDone(inputs);
    }
    const { pass, user } = inputs;
    const ends = isBegun(memory) && !isClosed(inputs);
    const report = ends ? this.#options.reportOf(inputs) : undefined;
    const outcome = ends ? await this.#work(inputs, 'Unmanaged', { report }).run() : nothingDone(inputs);
    const { account } = outcome;
    const status = keyStatus(undefined, keyMemoryOf(account, user.userId));
    return { ...outcome, status, account: await this.#options.record.lapse(account, pass.signal) };
  }

  #of(key: ObjectKey): Known {
    const id = keyString(key);
    let known = this.#known.get(id);
    if (known === undefined) {
      known = { lookedFor: undefined, asked: new Map(), refusals: 0, standing: undefined };
      this.#known.set(id, known);
    }
    return known;
  }
}

/** The user is disabled, or is still. */
function isClosed({ pass, user, opening }: PartInputs): boolean {
  return !pass.declared.enabled || (!opening && remembered(user.tags) !== undefined);
}

/** Something in AWS waits to be ended. */
function isBegun({ intent, previous, strays }: KeyMemory): boolean {
  return intent !== null || previous !== null || strays.length > 0;
}

/** What a look stands for: with another one of these it is old. */
function standingOf(account: AwsAccount, report: KeyReport | undefined): string {
  const { uid, generation, annotations: noted } = account.metadata;
  return JSON.stringify([uid, generation, noted?.[annotations.accessKeys], report?.asOf]);
}

/**
 * Whether the status is from before what is remembered: a process ended in between. Also where an enable
 * was brought to its end and not told.
 */
function isStale({ status }: AwsAccount, memory: KeyMemory | undefined): boolean {
  if (memory === undefined || status?.accessKeys === undefined) {
    return false;
  }
  const shown = status.accessKeys.flatMap(({ id, managed }) => (managed ? [id] : []));
  const own = [memory.current?.id, memory.previous?.id].filter((id) => id !== undefined);
  return status.state === 'Disabled' || shown.length !== own.length || own.some((id) => !shown.includes(id));
}
