import {
  announcedMs,
  askAfterMs,
  deleteKey,
  listKeys,
  makeKey,
  makerOf,
  nextKeyStep,
  noKeys,
  readUser,
  remembered,
  switchKey,
  withKey,
  type KeyFacts,
  type KeyMemory,
  type KeyStep,
  type LiveKey,
  type Maker,
  type NewKey,
  type Stray,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { isAlreadyExists, isConflict } from '../../runtime/index.ts';
import type { ConnectionRegistry } from '../connection/index.ts';
import { annotations } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { keyMemoryOf, keyStatus, overlapMs, periodMs, shownKeys, writeKeyMemory } from './key-memory.ts';
import { KeySecret } from './key-secret.ts';
import type { PartInputs, PartOutcome } from './parts.ts';
import type { Pass } from './pass.ts';
import type { AccountRecord } from './record.ts';
import { verdictOf } from './status.ts';
import { vaultName, type AccountVault, type VaultReading } from './vault.ts';

/** Steps that a pass may need at the most; more would be a circle. */
const maxSteps = 40;
const writeAgainMs = 60_000;
const confirmMs = 60_000;
const againMs = 5_000;
/** A call that makes a key is given up after this long in the pacer, before its announcement runs out. */
const giveUpMs = announcedMs - 5 * 60_000;
/** The time of a key in the credential report has whole seconds. */
const sameTimeMs = 2_000;
/** AWS notes the use of a key once in 15 minutes. */
const useLagMs = 30 * 60_000;
/** A stray is switched off within this time after it was found. */
const switchedMs = 60_000;

/** What the credential report says of the keys of a user. It may be hours old. */
export interface KeyReport {
  /** Milliseconds since the epoch. */
  readonly asOf: number;
  readonly keys: readonly {
    readonly active: boolean;
    readonly lastUsed?: number;
    /** When the key was made. */
    readonly rotatedAt?: number;
  }[];
}

/** What it works with. */
export interface KeyTools {
  readonly vault: AccountVault;
  readonly record: Pick<AccountRecord, 'remember'>;
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
  /** By key: when CloudTrail was last asked who made it. */
  readonly asked: Map<string, number>;
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
      if (
        !isAwsError(error) ||
        error.isTransient ||
        error.kind === 'badCredentials' ||
        error.kind === 'notFound'
      ) {
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
        const fresh =
          step.problem?.reason === 'AccessKeyInactive' &&
          !this.#account.status?.conditions?.some(({ reason }) => reason === 'AccessKeyInactive');
        return fresh ? Math.min(confirmMs, step.afterMs ?? Infinity) : step.afterMs;
      }
      const again = await this.#do(step);
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
    if (goesByName.has(step.do) && !(await this.#isStillTheirs())) {
      return againMs;
    }
    switch (step.do) {
      case 'look':
        this.#keys = await listKeys(connection.api, userName, calls);
        this.looked = true;
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

  /** Announce, make, publish, record. Whatever breaks off in between is found and finished later. */
  async #make(why: string): Promise<number | undefined> {
    const { connection } = this.#pass;
    const { userName } = this.#options.inputs.user;
    const name = vaultName(this.#account);
    const calls = { signal: this.#signal };
    const { none: _none, baseline: _baseline, lapsed: _lapsed, ...before } = this.#memory ?? noKeys;
    const known = this.#keys.map(({ id }) => id);
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
      this.#problems.push({
        reason: 'SecretNotWritten',
        message:
          `Secret ${name} cannot be written (${error instanceof Error ? error.message : String(error)}); the access key ` +
          'that was made for it was deleted again. Give the operator the right to write Secrets in this namespace',
      });
      return writeAgainMs;
    }
    this.#keys = [...this.#keys, { id: key.id, active: true, createdAt: key.createdAt }];
    this.#notes.push(`access key ${key.id} made, since ${why} (Secret ${name})`);
    const { programmatic } = this.#account.spec;
    const overlap = programmatic === undefined ? 0 : overlapMs(programmatic);
    await this.#remember(withKey(before, key, { secretName: name, overlapMs: overlap, now: this.#now }));
    return undefined;
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
    const labels = this.#labels;
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
      secret:
        reading.kind === 'ours'
          ? {
              kind: 'ours',
              accessKeyId: reading.credentials.accessKeyId,
              whole: reading.credentials.secretAccessKey !== undefined,
              labelled:
                reading.credentials.userName === labels.userName &&
                reading.credentials.accountId === labels.accountId,
              bare:
                reading.credentials.accessKeyId === undefined && reading.credentials.password === undefined,
            }
          : { kind: reading.kind },
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

const goesByName: ReadonlySet<KeyStep['do']> = new Set(['look', 'make', 'switch', 'delete']);

/** The keys as the status shows them. */
function lastSeen(account: AwsAccount): LiveKey[] {
  return (account.status?.accessKeys ?? []).map(({ id, status, createdAt }) => ({
    id,
    active: status === 'Active',
    createdAt: Date.parse(createdAt ?? '') || 0,
  }));
}

/** The row of a stray has the time of its making, or that at which it was switched off when it was found. */
function usedBy(report: KeyReport | undefined, { createdAt, at }: Stray): boolean | undefined {
  if (report === undefined || report.asOf < at + useLagMs) {
    return undefined;
  }
  const row = report.keys.find(
    ({ rotatedAt = 0 }) =>
      Math.abs(rotatedAt - createdAt) <= sameTimeMs ||
      (rotatedAt >= at - sameTimeMs && rotatedAt <= at + switchedMs),
  );
  return row === undefined ? undefined : row.lastUsed !== undefined;
}
