import { remembered, type Applied, type ObservedUser } from '../../../src/account/index.ts';
import { edgeKey, readReference } from '../../../src/entitlement/index.ts';
import type { AccountWrite, EntitlementReference, Refusal } from '../../../src/idhub/index.ts';
import { decodeValue, sameName } from '../../../src/schema/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { isEnabled, memoryOf, sameEntry, writeApplied } from '../../controllers/account/index.ts';
import type { UsableConnection } from '../../controllers/connection/index.ts';
import { isShutOut } from '../../controllers/discovery/index.ts';
import { annotations } from '../../controllers/names.ts';
import { namedOf, refused } from './checks.ts';
import { hasEdge } from './judge.ts';
import {
  fingerprint,
  type Entry,
  type EntryChange,
  type FieldChange,
  type Named,
  type Wants,
} from './note.ts';
import {
  entriesPatch,
  isLost,
  merged,
  nested,
  printOf,
  valueAt,
  withEntries,
  type AccountPatch,
} from './undo.ts';

/** What a write is laid on. */
export interface Target {
  /** The object; of a user that nobody declared, the one that is to be made for it. */
  readonly account: AwsAccount;
  /** The object is to be made. */
  readonly made: boolean;
  /** Undefined: it is to be made too. */
  readonly user: ObservedUser | undefined;
  /** The attributes in AWS. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly connection: UsableConnection;
  readonly caller: string;
  readonly now: number;
}

export interface Planned {
  readonly patch: AccountPatch;
  readonly fields: readonly FieldChange[];
  readonly entries: readonly EntryChange[];
  /** Those that are for when all else is done. */
  readonly later: readonly EntryChange[];
  readonly wants: Wants;
}

/** `spec.entitlements` takes so many. */
const maxEntries = 40;

/**
 * What a write changes of the object; all of it empty where everything is so already, unless `anyway`. The password is
 * not in it. Pure.
 */
export function planWrite(write: AccountWrite, target: Target, anyway = false): Planned | Refusal {
  const draft = new Draft(target);
  draft.name(write.userName);
  draft.path(write.path);
  draft.attributes(write.attributes ?? {});
  draft.externalId(write.externalId);
  const refusal =
    draft.active(write.active) ??
    draft.entitlements(write.entitlements?.add ?? [], write.entitlements?.remove ?? []);
  return refusal ?? draft.planned(anyway);
}

/** What a write that is refused is taken for, and what not. */
export function isRefusal(planned: Planned | Refusal): planned is Refusal {
  return 'message' in planned;
}

export function isEmpty({ patch, entries }: Planned): boolean {
  return Object.keys(patch).length === 0 && entries.length === 0;
}

/** What has an object manage the user that it observes, without a change of that user. Pure. */
export function takeover(
  account: AwsAccount,
  user: ObservedUser,
  connection: UsableConnection,
  now: number,
): AccountPatch {
  const planned = planWrite(
    {},
    { account, made: false, user, attributes: {}, connection, caller: '', now },
    true,
  );
  return isRefusal(planned) ? {} : planned.patch;
}

class Draft {
  readonly #target: Target;
  readonly #changes: (FieldChange & { readonly value: unknown })[] = [];
  #entries: EntryChange[] = [];
  readonly #later: EntryChange[] = [];
  #list: readonly Entry[];
  #wants: Wants = {};
  #applied: Applied | undefined;

  constructor(target: Target) {
    this.#target = target;
    this.#list = target.account.spec.entitlements ?? [];
    this.#applied = memoryOf(target.account).applied;
  }

  name(userName: string | undefined): void {
    const { account, user, made } = this.#target;
    if (userName === undefined || user === undefined) {
      return;
    }
    const renaming = this.#applied !== undefined && !sameName(this.#applied.userName, account.spec.userName);
    const stays = made || !renaming || sameName(account.spec.userName, userName);
    if (sameName(userName, user.userName) && stays) {
      return;
    }
    this.#want({ userName });
    if (!made || !sameName(account.spec.userName, userName)) {
      this.#set(['spec', 'userName'], userName, user.userName);
    }
    if (this.#applied !== undefined && !sameName(this.#applied.userName, user.userName)) {
      // A name that was declared and changed in AWS since is followed, unless it is asked for anew.
      this.#applied = { ...this.#applied, userName: user.userName };
    }
  }

  path(path: string | undefined): void {
    const { account, user } = this.#target;
    // What the object declares is on its way to AWS.
    const declared = user === undefined ? undefined : account.spec.path;
    if (path !== undefined && (path !== user?.path || (declared ?? path) !== path)) {
      this.#want({ path });
      this.#set(['spec', 'path'], path, user?.path ?? null);
    }
  }

  attributes(asked: Readonly<Record<string, string | null>>): void {
    const { account, attributes, connection, user } = this.#target;
    const wanted: Record<string, string | null> = {};
    for (const [name, value] of Object.entries(asked)) {
      const inAws = attributes[name] ?? null;
      const declared = account.spec.attributes?.[name] ?? null;
      if (inAws === value && (declared === value || declared === null)) {
        continue;
      }
      const definition = connection.schema.get(name);
      wanted[name] = value === null ? null : fingerprint(value);
      this.#set(['spec', 'attributes', name], value, inAws);
      if (this.#applied === undefined || definition === undefined || user === undefined) {
        continue;
      }
      if (value === null) {
        // Whoever wrote it: it is asked to go.
        const tags = new Map(user.tags.map((tag) => [tag.key, tag.value]));
        const keys = decodeValue(definition.tagKey, tags)?.keys ?? [];
        this.#applied = { ...this.#applied, tags: [...new Set([...this.#applied.tags, ...keys])].sort() };
      } else if (definition.syncDirection === 'bi-directional' && declared === value) {
        // It is written where it is another one than was written last.
        const { [name]: _last, ...written } = this.#applied.written;
        this.#applied = { ...this.#applied, written };
      }
    }
    if (Object.keys(wanted).length > 0) {
      this.#want({ attributes: wanted });
    }
  }

  externalId(externalId: string | null | undefined): void {
    const at = ['annotations', annotations.externalId];
    const value = externalId === '' ? null : externalId;
    if (value !== undefined && valueAt(this.#target.account, at) !== value) {
      this.#set(at, value);
    }
  }

  active(active: boolean | undefined): Refusal | undefined {
    const { account, user, caller } = this.#target;
    if (active === undefined || (user === undefined && active)) {
      return undefined;
    }
    const shut = user !== undefined && isClosed(user);
    if (isEnabled(account) === active && shut !== active && user !== undefined) {
      return undefined;
    }
    if (active && user?.deny === 'managed' && remembered(user.tags) === undefined) {
      const message = `AWSDenyAll was attached to IAM user "${user.userName}" by others; have it detached in AWS`;
      return refused('mutability', message);
    }
    this.#want({ active });
    this.#set(['spec', 'enabled'], active, user === undefined ? null : !shut);
    const at = ['annotations', annotations.disabledBy];
    this.#set(at, active ? null : (valueAt(account, at) ?? caller), shut ? caller : null);
    return undefined;
  }

  /** What observes its user, or is made for it, manages it from here on: only what is asked for is written. */
  manage(): void {
    const { account, user, made, connection, now } = this.#target;
    if (user === undefined || made || account.spec.management !== 'Observe') {
      return;
    }
    this.#set(['spec', 'management'], 'Manage');
    this.#set(['annotations', annotations.userId], user.userId);
    const asked = this.#wants.userName !== undefined;
    const applied = this.#applied ?? freshMemory(user, connection, now);
    this.#applied = { ...applied, userName: asked ? user.userName : account.spec.userName };
    if (this.#wants.active === undefined && isEnabled(account) === isShutOut(user)) {
      this.#set(['spec', 'enabled'], !isShutOut(user), !isShutOut(user));
    }
  }

  entitlements(
    add: readonly EntitlementReference[],
    remove: readonly EntitlementReference[],
  ): Refusal | undefined {
    const { connection, user } = this.#target;
    const seen = new Map<string, 'add' | 'remove'>();
    const present: Named[] = [];
    const absent: Named[] = [];
    for (const [reference, what] of [
      ...remove.map((each) => [each, 'remove'] as const),
      ...add.map((each) => [each, 'add'] as const),
    ]) {
      const named = namedOf(reference);
      if ('message' in named) {
        return named;
      }
      const read = readReference(named, connection.caller);
      if (read.kind === 'invalid') {
        return refused('invalidValue', read.message);
      }
      const key = edgeKey(read.reference);
      if (seen.get(key) === what) {
        continue;
      }
      if (seen.has(key)) {
        return refused('invalidValue', `${key} is to be added and removed at once`);
      }
      seen.set(key, what);
      const had = user !== undefined && hasEdge(user, named, connection.caller);
      const entry = this.#list.find((each) => {
        const other = readReference(each, connection.caller);
        return other.kind === 'read' && edgeKey(other.reference) === key;
      });
      const declared = entry === undefined ? undefined : (entry.state ?? 'Present');
      const wantsIt = what === 'add';
      const ends = wantsIt && entry !== undefined && this.#isOver(entry);
      if (had === wantsIt && !ends && (declared === undefined || (declared === 'Present') === wantsIt)) {
        continue;
      }
      const change = this.#changeOf(entry, entry ?? named, wantsIt, had);
      if (isLost(change)) {
        this.#later.push(change);
        continue;
      }
      (wantsIt ? present : absent).push(entry ?? named);
      this.#put(change);
    }
    if (this.#changes.length + this.#entries.length === 0) {
      // There is nothing else that could be refused.
      for (const change of this.#later.splice(0)) {
        absent.push(change.set);
        this.#put(change);
      }
    }
    if (present.length + absent.length > 0) {
      this.#want({ ...(present.length > 0 ? { present } : {}), ...(absent.length > 0 ? { absent } : {}) });
    }
    return this.#makeRoom();
  }

  planned(anyway: boolean): Planned {
    if (anyway || this.#changes.length > 0 || this.#entries.length > 0) {
      this.manage();
    }
    const { account } = this.#target;
    const before = account.metadata.annotations?.[annotations.applied];
    const applied = this.#applied === undefined ? undefined : writeApplied(this.#applied);
    const memory: AccountPatch =
      applied === undefined || applied === before ? {} : { annotations: { [annotations.applied]: applied } };
    const observes = account.spec.management === 'Observe';
    const patch = merged(
      nested(this.#changes.map(({ at, value }) => [at, value])),
      entriesPatch(account.spec.entitlements ?? [], this.#list),
    );
    return {
      patch: {
        ...patch,
        ...(memory.annotations === undefined
          ? {}
          : { annotations: { ...patch.annotations, ...memory.annotations } }),
      },
      fields: [
        ...this.#changes.map(({ value: _value, ...field }) => field),
        ...(observes && memory.annotations !== undefined
          ? [{ at: ['annotations', annotations.applied], set: printOf(applied), was: before ?? null }]
          : []),
      ],
      entries: this.#entries,
      later: this.#later,
      wants: this.#wants,
    };
  }

  #set(at: readonly string[], value: unknown, inAws?: unknown): void {
    const { account, made } = this.#target;
    const was = valueAt(account, at);
    // The object tells what AWS had, unless it is silent, or only observes.
    const silent = was === null || made || account.spec.management === 'Observe';
    this.#changes.push({
      at,
      value,
      set: printOf(value),
      was,
      ...(silent && inAws !== undefined ? { inAws } : {}),
    });
  }

  #want(wants: Wants): void {
    this.#wants = { ...this.#wants, ...wants };
  }

  #changeOf(was: Entry | undefined, named: Named, present: boolean, had: boolean): EntryChange {
    const { type, name, arn } = named;
    const plain = { type, ...(name === undefined ? {} : { name }), ...(arn === undefined ? {} : { arn }) };
    const { state: _state, expiresAt, ...kept }: Entry = was ?? plain;
    // What is asked for now is not to end in the past.
    const rest = expiresAt === undefined || this.#isOver({ expiresAt }) ? kept : { ...kept, expiresAt };
    const set: Entry = present ? rest : { ...plain, state: 'Absent' };
    return { set, was: was ?? null, had };
  }

  #put(change: EntryChange): void {
    this.#entries = [...this.#entries, change];
    this.#list = withEntries(this.#list, [[change, change.set]]);
  }

  /** By the clock of AWS. */
  #isOver({ expiresAt }: Pick<Entry, 'expiresAt'>): boolean {
    const { connection, now } = this.#target;
    return expiresAt !== undefined && Date.parse(expiresAt) <= now + connection.api.skewMs;
  }

  /** What is Absent and has done its work makes room. */
  #makeRoom(): Refusal | undefined {
    const { connection, user } = this.#target;
    const idle = this.#list.filter(
      (entry) =>
        entry.state === 'Absent' &&
        !this.#entries.some(({ set }) => sameEntry(set, entry)) &&
        !(user !== undefined && hasEdge(user, entry, connection.caller)),
    );
    const over = Math.max(0, this.#list.length + this.#later.length - maxEntries);
    if (over > idle.length) {
      const message = `spec.entitlements of the AwsAccount takes ${maxEntries} entries; bind what is more with AwsEntitlementBindings`;
      return refused('quota', message);
    }
    const out = new Set(idle.slice(0, over));
    this.#list = this.#list.filter((entry) => !out.has(entry));
    return undefined;
  }
}

/** The memory of an object that takes a user just as it is: nothing of it is ours to remove. */
export function freshMemory(
  user: ObservedUser,
  { caller, api }: Pick<UsableConnection, 'caller' | 'api'>,
  now: number,
): Applied {
  return {
    account: caller.accountId,
    userName: user.userName,
    tags: [],
    boundary: null,
    written: {},
    // So that nobody takes the user for one that was made from here.
    since: Math.max(now, user.createdAt - api.skewMs + 10_000),
  };
}

/** Who cannot get in, by whatever denies everything. */
export function isClosed(user: ObservedUser): boolean {
  return user.deny === 'managed' || isShutOut(user);
}
