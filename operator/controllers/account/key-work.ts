import {
  announcedMs,
  askAfterMs,
  deleteKey,
  goesByName,
  listKeys,
  makeKey,
  makerOf,
  nextKeyStep,
  noKeys,
  settledMemory,
  readUser,
  remembered,
  standingReasons,
  switchKey,
  withKey,
  type KeyFacts,
  type KeyMemory,
  type KeyStep,
  type LiveKey,
  type Maker,
  type NewKey,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { isAlreadyExists, isConflict } from '../../runtime/index.ts';
import type { ConnectionRegistry } from '../connection/index.ts';
import { annotations } from '../names.ts';
import { periodMs } from '../period.ts';
import type { Verdict } from './conditions.ts';
import { keyMemoryOf, keyStatus, lastSeen, overlapMs, shownKeys, writeKeyMemory } from './key-memory.ts';
import { usedBy, type KeyReport } from './key-report.ts';
import { KeySecret, notWritten, secretFacts } from './key-secret.ts';
import type { PartInputs, PartOutcome } from './parts.ts';
import type { Pass } from './pass.ts';
import type { AccountRecord } from './record.ts';
import { isForGood, verdictOf } from './status.ts';
import { vaultName, type AccountVault, type VaultReading } from './vault.ts';

/** Steps that a pass may need at the most; more would be a circle. */
const maxSteps = 40;
const writeAgainMs = 60_000;
const maxPauseMs = 3_600_000;
const confirmMs = 60_000;
const againMs = 5_000;
/** A call that makes a key is given up after this long in the pacer, before its announcement runs out. */
const giveUpMs = announcedMs - 5 * 60_000;

/** What it works with. */
export interface KeyTools {
  readonly vault: AccountVault;
  readonly record: Pick<AccountRecord, 'remember' | 'lapse'>;
  readonly registry: Pick<ConnectionRegistry, 'requestSnapshot'>;
}

/** What of a pass the keys need. */
export interface KeyInputs extends Pick<PartInputs, 'user' | 'opening' | 'opened'> {
  readonly pass: Pick<Pass, 'account' | 'connection' | 'live' | 'made' | 'now' | 'signal'>;
}

interface KeyWorkOptions extends KeyTools {
  readonly inputs: KeyInputs;
  readonly access: KeyFacts['access'];
  readonly report: KeyReport | undefined;
  readonly lookAnyway: boolean;
  /** How often in a row the Secret could not be written. */
  readonly refusals: number;
  /** By key: when CloudTrail was last asked who made it. */
  readonly asked: Map<string, number>;
  /** What a look showed a while ago that nothing has changed since, where something stands. */
  readonly lastLook: readonly LiveKey[] | undefined;
}

/** One pass over the keys of one user: decide, do one thing, decide again. */
export class KeyWork {
  readonly #options: KeyWorkOptions;
  readonly #makers = new Map<string, Maker>();
  readonly #notes: string[] = [];
  readonly #problems: Verdict[] = [];
  readonly #mended = new Set<string>();
  /** What is known of the keys: by a look of this pass, else by the last status. */
  #keys: readonly LiveKey[];
  /** A look was taken in this pass. */
  looked = false;
  /** The last look stands for one of this pass. */
  reused = false;
  /** What a look showed, where that waits for somebody to act. */
  standing: readonly LiveKey[] | undefined;
  /** The Secret could not be written. */
  unwritten = false;
  /** Nothing was usable when the pass began: what is now, somebody else has opened. */
  readonly #wasNone: boolean;
  /** The name is known to be still that user's. */
  #sure: boolean;
  #account: AwsAccount;
  #memory: KeyMemory | undefined;
  readonly #secret: KeySecret;

  constructor(options: KeyWorkOptions) {
    this.#options = options;
    const { pass } = options.inputs;
    this.#account = pass.account;
    this.#secret = new KeySecret({ vault: options.vault, inputs: options.inputs });
    this.#memory = keyMemoryOf(pass.account, options.inputs.user.userId);
    this.#wasNone = this.#memory?.none === true && this.#memory.revoking !== true;
    this.#sure = pass.made || pass.live?.userId === options.inputs.user.userId;
    const seen = options.inputs.opened?.seenKeys;
    this.#keys = seen ?? (pass.made ? [] : lastSeen(pass.account));
    // A user that was made a moment ago has no key; a second round of the same pass may have made one.
    this.looked = seen !== undefined || (pass.made && this.#memory === undefined);
  }

  async run(): Promise<PartOutcome> {
    let afterMs: number | undefined;
    try {
      afterMs = await this.#steps();
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!isForGood(error)) {
        throw error;
      }
      // For good, until somebody acts: the rest of the account goes on.
      this.#problems.push(verdictOf(error));
    }
    const memory = this.#memory;
    const known = this.looked || this.#account.status?.accessKeys !== undefined;
    const keys = known ? shownKeys(this.#keys, memory) : undefined;
    return {
      account: this.#account,
      user: this.#options.inputs.user,
      problems: this.#problems,
      notes: this.#notes,
      mended: [...this.#mended],
      status: keyStatus(keys, memory),
      afterMs,
      ...(this.looked ? { seenKeys: this.#keys } : {}),
    };
  }

  async #steps(): Promise<number | undefined> {
    for (let count = 0; count < maxSteps; count += 1) {
      const step = nextKeyStep(await this.#facts());
      if (step.do === 'rest') {
        if (step.problem !== undefined) {
          this.#problems.push(step.problem);
        }
        // What AWS lists may be from before a change: seen for the first time, it is looked at once more.
        const reason = step.problem?.reason;
        const fresh =
          reason === 'AccessKeyInactive' &&
          !this.#account.status?.conditions?.some((condition) => condition.reason === reason);
        this.standing =
          reason !== undefined && standingReasons.has(reason) && !fresh ? this.#keys : undefined;
        return fresh ? Math.min(confirmMs, step.afterMs ?? Infinity) : step.afterMs;
      }
      // Nothing is done on the word of a look of a while ago.
      const again = await this.#do(this.reused ? { do: 'look' } : step);
      if (again !== undefined) {
        return again;
      }
    }
    throw new Error('access keys do not come to rest');
  }

  /** @returns ms after which to go on, where this pass cannot */
  async #do(step: Exclude<KeyStep, { do: 'rest' }>): Promise<number | undefined> {
    const { connection } = this.#pass;
    const { userName } = this.#options.inputs.user;
    const calls = { signal: this.#signal };
    if (step.do === 'look' && !this.looked && this.#options.lastLook !== undefined) {
      this.#keys = this.#options.lastLook;
      this.looked = true;
      this.reused = true;
      return undefined;
    }
    if (goesByName.has(step.do) && !(await this.#isStillTheirs())) {
      return againMs;
    }
    switch (step.do) {
      case 'look':
        this.#keys = await listKeys(connection.api, userName, calls);
        this.looked = true;
        this.reused = false;
        return undefined;
      case 'remember':
        await this.#remember(step.memory);
        break;
      case 'make':
        return this.#make(step.why);
      case 'switch':
        await switchKey(connection.api, userName, step.id, step.to, calls);
        this.#keys = this.#keys.map((key) =>
          key.id === step.id ? { ...key, active: step.to === 'Active' } : key,
        );
        if (this.#wasNone) {
          this.#mended.add('accessKeys');
        }
        await this.#remember(step.next);
        break;
      case 'delete':
        await deleteKey(connection.api, userName, step.id, calls);
        this.#keys = this.#keys.filter(({ id }) => id !== step.id);
        await this.#remember(step.next);
        break;
      case 'ask': {
        this.#options.asked.set(step.id, this.#pass.now);
        const background = { ...calls, priority: 'background' } as const;
        this.#makers.set(step.id, await makerOf(connection.api, step.id, connection.caller, background));
        return undefined;
      }
      case 'move':
        if (await this.#secret.move(step.from, vaultName(this.#account), this.#labels)) {
          this.#notes.push(`credentials moved from Secret ${step.from} to ${vaultName(this.#account)}`);
        }
        await this.#remember(step.next);
        return undefined;
      case 'label':
        await this.#secret.write(vaultName(this.#account), this.#labels);
        return undefined;
      case 'unpublish':
        await this.#secret.unpublish(this.#memory?.secret ?? vaultName(this.#account));
        return undefined;
    }
    if (step.note !== undefined) {
      this.#notes.push(step.note);
    }
    if ('mended' in step) {
      this.#mended.add('accessKeys');
    }
    return undefined;
  }

  /**
   * What is listed and written goes by the name of the last reading: before the first of it, whether the name
   * is still that user's. What AWS does not find then is the key.
   */
  async #isStillTheirs(): Promise<boolean> {
    if (!this.#sure) {
      const { connection } = this.#pass;
      const { userName, userId } = this.#options.inputs.user;
      const live = await readUser(connection.api, userName, undefined, { signal: this.#signal });
      this.#sure = live?.userId === userId;
      if (!this.#sure && connection.snapshots.touchedAt(userId) === undefined) {
        // Renamed or deleted in AWS since the reading: only a complete one can tell which.
        this.#options.registry.requestSnapshot(connection.key);
      }
    }
    return this.#sure;
  }

  /** Known to be writable, announced, made, published, recorded. Whatever breaks off in between is found and finished later. */
  async #make(why: string): Promise<number | undefined> {
    const { connection } = this.#pass;
    const { userName } = this.#options.inputs.user;
    const name = vaultName(this.#account);
    const calls = { signal: this.#signal };
    const before = settledMemory(this.#memory ?? noKeys);
    const known = this.#keys.map(({ id }) => id);
    const unwritten = await this.#secret.prepare(name, this.#labels);
    if (unwritten !== undefined) {
      this.#problems.push(unwritten);
      return this.#pauseMs();
    }
    await this.#remember({ ...before, secret: name, intent: { at: this.#now, known } });
    let key: NewKey;
    try {
      const until = AbortSignal.any([this.#signal, AbortSignal.timeout(giveUpMs)]);
      key = await makeKey(connection.api, userName, this.#now, { signal: until });
    } catch (error) {
      if (isAwsError(error) && (!error.isTransient || error.kind === 'throttled')) {
        // AWS has refused: there is nothing to look for.
        await this.#remember(before);
      }
      if (isAwsError(error, 'limitExceeded')) {
        this.#problems.push({
          reason: 'AccessKeyLimit',
          message: `${error.message}. Keys that were not made here are never deleted; delete one in AWS to make room`,
        });
        return writeAgainMs;
      }
      throw error;
    }
    try {
      await this.#secret.publish(name, {
        ...this.#labels,
        accessKeyId: key.id,
        secretAccessKey: key.secret,
      });
    } catch (error) {
      // Nobody will ever have its secret, and this process knows that it is ours.
      await deleteKey(connection.api, userName, key.id, calls);
      await this.#remember(before);
      if (isConflict(error) || isAlreadyExists(error)) {
        throw error;
      }
      this.#problems.push(notWritten(name, error, 'the access key that was made for it was deleted again'));
      return this.#pauseMs();
    }
    this.#keys = [...this.#keys, { id: key.id, active: true, createdAt: key.createdAt }];
    this.#notes.push(`access key ${key.id} made, since ${why} (Secret ${name})`);
    const { programmatic } = this.#account.spec;
    const overlap = programmatic === undefined ? 0 : overlapMs(programmatic);
    await this.#remember(withKey(before, key, { secretName: name, overlapMs: overlap, now: this.#now }));
    return undefined;
  }

  /** Ever longer, where it is refused again and again. */
  #pauseMs(): number {
    this.unwritten = true;
    return Math.min(maxPauseMs, writeAgainMs * 2 ** this.#options.refusals);
  }

  async #facts(): Promise<KeyFacts> {
    const { access, report, inputs, lookAnyway, asked } = this.#options;
    const { spec } = this.#account;
    const memory = this.#memory;
    const declared = vaultName(this.#account);
    // What broke off, and what is to go, is in the Secret that was declared then.
    const intent = memory?.intent ?? null;
    const name = access === 'None' || intent !== null ? (memory?.secret ?? declared) : declared;
    const settled = access === 'None' && memory?.none === true && memory.revoking !== true && !this.looked;
    const ends = (access === 'Unmanaged' || access === 'Leaving') && intent === null;
    const reading: VaultReading = settled || ends ? { kind: 'absent' } : await this.#secret.read(name);
    const rotateAfter = spec.programmatic?.rotateAfter;
    const reactivates = this.#pass.connection.settings.enableProgrammaticAccess;
    const switchedOff = (remembered(inputs.user.tags) ?? []).flatMap((item) =>
      item.kind === 'accessKey' ? [item.id] : [],
    );
    return {
      access,
      rotateAfterMs: rotateAfter === undefined || access !== 'Managed' ? undefined : periodMs(rotateAfter),
      overlapMs: spec.programmatic === undefined ? 0 : overlapMs(spec.programmatic),
      memory,
      live: this.looked ? this.#keys : undefined,
      lastSeen: this.#keys,
      lookAnyway: lookAnyway && !this.looked,
      secretName: declared,
      secret: secretFacts(reading, this.#labels),
      makers: this.#makers,
      askable: (id) => this.#isAskable(id, asked.get(id)),
      used: (stray) => usedBy(report, stray),
      leftOff: inputs.opening && !reactivates ? switchedOff : [],
      now: this.#now,
    };
  }

  #isAskable(id: string, last: number | undefined): boolean {
    const stray = this.#memory?.strays.find((each) => each.id === id);
    return (
      stray !== undefined && (last === undefined || this.#pass.now - last >= askAfterMs(stray, this.#now))
    );
  }

  async #remember(memory: KeyMemory): Promise<void> {
    const text = writeKeyMemory(memory, this.#options.inputs.user.userId);
    if (this.#account.metadata.annotations?.[annotations.accessKeys] !== text) {
      const noted = { annotations: { [annotations.accessKeys]: text } };
      this.#account = await this.#options.record.remember(this.#account, noted, this.#signal);
    }
    for (const id of this.#options.asked.keys()) {
      if (
        this.#memory?.strays.some((stray) => stray.id === id) &&
        !memory.strays.some((stray) => stray.id === id)
      ) {
        this.#options.asked.delete(id);
      }
    }
    this.#memory = memory;
  }

  get #pass(): KeyInputs['pass'] {
    return this.#options.inputs.pass;
  }

  get #signal(): AbortSignal {
    return this.#pass.signal;
  }

  /** By AWS's clock. */
  get #now(): number {
    return this.#pass.now + this.#pass.connection.api.skewMs;
  }

  get #labels(): { readonly userName: string; readonly accountId: string } {
    return {
      userName: this.#options.inputs.user.userName,
      accountId: this.#pass.connection.caller.accountId,
    };
  }
}
