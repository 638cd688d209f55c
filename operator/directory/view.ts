import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ObservedUser } from '../../src/account/index.ts';
import type { DirectoryAccount, DirectoryEntitlement, DirectoryView } from '../../src/idhub/index.ts';
import { catalogueRecords, type GroupPolicies, type Snapshot } from '../../src/reconciliation/index.ts';
import { fold, type AccountSchema } from '../../src/schema/index.ts';
import { entitlementTold, type Standing, type Telling } from './told.ts';

export interface SnapshotViewOptions {
  readonly snapshot: Snapshot;
  readonly schema: AccountSchema;
  readonly telling: Telling;
  readonly standing: (user: ObservedUser) => Standing;
}

/** Users turned into what is told between two turns of the event loop: a few milliseconds' worth. */
const batch = 200;

interface Entry extends Standing {
  readonly user: ObservedUser;
}

/**
 * The users and groups of a snapshot as they are when it is made: who they are is written down at once, what is told
 * of each when it is asked for.
 */
export class SnapshotView implements DirectoryView {
  readonly takenAt: number;
  readonly schema: AccountSchema;
  readonly #telling: Telling;
  /** By unique id, ascending. */
  readonly #entries: readonly Entry[];
  readonly #ids: ReadonlyMap<string, Entry>;
  readonly #groups: readonly GroupPolicies[];
  #names: ReadonlyMap<string, Entry> | undefined;
  #accounts: readonly DirectoryAccount[] | undefined;
  #members: ReadonlyMap<string, readonly Entry[]> | undefined;
  #told: ReadonlyMap<string, DirectoryEntitlement> | undefined;

  constructor({ snapshot, schema, telling, standing }: SnapshotViewOptions) {
    this.takenAt = snapshot.takenAt;
    this.schema = schema;
    this.#telling = telling;
    this.#entries = Array.from(snapshot.users(), (user): Entry => {
      const { externalId, managed } = standing(user);
      return { user, externalId, managed };
    }).sort((one, other) => (one.user.userId < other.user.userId ? -1 : 1));
    this.#ids = new Map(this.#entries.map((entry) => [entry.user.userId, entry]));
    this.#groups = [...snapshot.groups()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Unique ids of all accounts. */
  get ids(): ReadonlyMap<string, unknown> {
    return this.#ids;
  }

  /** Writes down what is told of everybody, and lets others in meanwhile. */
  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#accounts !== undefined) {
      return;
    }
    for (let start = 0; start < this.#entries.length; start += batch) {
      this.#entries.slice(start, start + batch).forEach((entry) => this.#tell(entry));
      await nextTurn();
      signal.throwIfAborted();
    }
    this.accounts();
  }

  accounts(): readonly DirectoryAccount[] {
    this.#accounts ??= this.#entries.map((entry) => this.#tell(entry));
    return this.#accounts;
  }

  account(id: string): DirectoryAccount | undefined {
    const entry = this.#ids.get(id);
    return entry === undefined ? undefined : this.#tell(entry);
  }

  accountByName(userName: string): DirectoryAccount | undefined {
    this.#names ??= new Map(this.#entries.map((entry) => [fold(entry.user.userName), entry]));
    const entry = this.#names.get(fold(userName));
    return entry === undefined ? undefined : this.#tell(entry);
  }

  groups(): readonly DirectoryEntitlement[] {
    return [...this.#entitlements().values()];
  }

  group(id: string): DirectoryEntitlement | undefined {
    return this.#entitlements().get(id);
  }

  members(groupId: string): readonly DirectoryAccount[] {
    return this.#membersOf(groupId).map((entry) => this.#tell(entry));
  }

  #tell(entry: Entry): DirectoryAccount {
    return this.#telling.account(entry.user, entry);
  }

  #membersOf(groupId: string): readonly Entry[] {
    this.#members ??= this.#membership();
    return this.#members.get(groupId) ?? [];
  }

  #membership(): ReadonlyMap<string, readonly Entry[]> {
    const ids = new Map(this.#groups.map(({ group, id }) => [fold(group), id]));
    const members = new Map<string, Entry[]>(this.#groups.map(({ id }) => [id, []]));
    for (const entry of this.#entries) {
      for (const group of entry.user.groups) {
        members.get(ids.get(fold(group)) ?? '')?.push(entry);
      }
    }
    return members;
  }

  /** A client is told of a group and who is in it. */
  #entitlements(): ReadonlyMap<string, DirectoryEntitlement> {
    this.#told ??= new Map(
      catalogueRecords({
        groups: this.#groups.map(({ id, group, arn }) => ({ groupId: id, name: group, arn })),
        policies: [],
      }).map((record) => {
        const members = this.#membersOf(record.id).flatMap(({ user }) => [user.userId, user.userName]);
        return [record.id, entitlementTold(record, members)];
      }),
    );
    return this.#told;
  }
}
