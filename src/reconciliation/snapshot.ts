import {
  isDisabledTag,
  ownerTag,
  tagValue,
  type CredentialFacts,
  type Edges,
  type ObservedUser,
} from '../account/index.ts';
import { fold } from '../schema/index.ts';
import type { Clock } from '../ports.ts';
import type { CredentialReport } from './credential-report.ts';
import type { AccountReading, GroupPolicies } from './read-account.ts';

/** The last complete reading of an account, with our own newer writes laid over it. */
export interface Snapshot {
  /** When the reading began, milliseconds since the epoch: what it shows is at least as new. */
  readonly takenAt: number;
  readonly size: number;
  users(): Iterable<ObservedUser>;
  byId(userId: string): ObservedUser | undefined;
  /** Without regard to case, as IAM compares names. */
  byName(userName: string): ObservedUser | undefined;
  /** By the value of the owner tag. */
  byOwner(value: string): ObservedUser | undefined;
  inheritedBy(user: ObservedUser): readonly GroupPolicies[];
  /** Without regard to case. */
  group(name: string): GroupPolicies | undefined;
  /**
   * What the credential report says of a user, with none of our own later writes in it (`asOf`); undefined
   * where there is no report, or where the user is not in it, made or renamed since.
   */
  credentials(userId: string): CredentialFacts | undefined;
}

export interface SnapshotStoreOptions {
  readonly clock: Clock;
  readonly read: (signal: AbortSignal) => Promise<AccountReading>;
}

/**
 * How long AWS may go on showing what was before a write of ours (IAM is eventually consistent).
 * A reading that began within this time after a write does not overrule it.
 */
const settleMs = 30_000;

interface Overlay {
  /** When we last wrote; undefined where the user was only looked at. */
  readonly wroteAt: number | undefined;
  readonly seenAt: number;
  readonly userId: string;
  /** Undefined: deleted by us. */
  readonly user: ObservedUser | undefined;
}

/** What was written to a user's edges, or seen of them, since a reading that may not show it yet. */
interface EdgeNote {
  readonly at: number;
  /** By us; else it was only looked at. */
  readonly wrote: boolean;
  readonly change: (edges: Edges) => Partial<Edges>;
}

/** Keeps the snapshot of one connection. Readings are single-flight, complete or not used. */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #overlay = new Map<string, Overlay>();
  /** By user, oldest first: edges are others' to write than the rest of a user, and are laid over on their own. */
  readonly #edgeNotes = new Map<string, readonly EdgeNote[]>();
  /** When a user was lost, milliseconds since the epoch. */
  readonly #lost = new Map<string, number>();
  #users = new Map<string, ObservedUser>();
  #names = new Map<string, string>();
  #owners = new Map<string, string>();
  #groups: ReadonlyMap<string, GroupPolicies> = new Map();
  #report: CredentialReport | undefined;
  #takenAt: number | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SnapshotStoreOptions) {
    this.#options = options;
  }

  /** Undefined until the first reading is complete. */
  get current(): Snapshot | undefined {
    const takenAt = this.#takenAt;
    return takenAt === undefined
      ? undefined
      : {
          takenAt,
          size: this.#users.size,
          users: () => this.#users.values(),
          byId: (userId) => this.#users.get(userId),
          byName: (userName) => this.#at(this.#names.get(fold(userName))),
          byOwner: (value) => this.#at(this.#owners.get(value)),
          inheritedBy: (user) => user.groups.flatMap((group) => this.#groups.get(fold(group)) ?? []),
          group: (name) => this.#groups.get(fold(name)),
          credentials: (userId) => {
            const user = this.#users.get(userId);
            return user === undefined ? undefined : this.#report?.of(user.arn, user.createdAt);
          },
        };
  }

  /** Reads the account anew; a call while one is under way joins it. */
  refresh(signal: AbortSignal): Promise<void> {
    this.#running ??= this.#read(signal).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /**
   * How a user is after a write of ours. Its edges to groups and policies are others' to write, at the
   * same time perhaps: those that are known stay.
   */
  record(user: ObservedUser): void {
    const now = this.#options.clock.now();
    const written = this.#withEdges(user);
    this.#overlay.set(user.userId, { wroteAt: now, seenAt: now, userId: user.userId, user: written });
    this.#put(written);
  }

  /** A write of ours to a user's edges. */
  recordEdges(userId: string, change: (edges: Edges) => Partial<Edges>): void {
    this.#note(userId, { at: this.#options.clock.now(), wrote: true, change });
  }

  /** A live list of a user's edges, with our own newer writes in it: newer than any reading that began before. */
  observeEdges(userId: string, edges: Partial<Edges>): void {
    this.#note(userId, { at: this.#options.clock.now(), wrote: false, change: () => edges });
  }

  /** How a user may be after a write whose end is not known: whatever AWS shows next counts. */
  doubt(user: ObservedUser): void {
    const { userId } = user;
    const doubted = this.#withEdges(user);
    this.#overlay.set(userId, {
      wroteAt: undefined,
      seenAt: this.#options.clock.now(),
      userId,
      user: doubted,
    });
    this.#put(doubted);
  }

  /**
   * What a live read has shown: newer than the snapshot, older than any reading that begins later.
   * @returns the user as it is to be taken
   */
  observe(seen: ObservedUser): ObservedUser {
    const { userId } = seen;
    const wroteAt = this.touchedAt(userId);
    const written = wroteAt === undefined ? undefined : this.#users.get(userId);
    // Right after a write AWS may show what was before it. What a disable notes on a user is ours alone, so that
    // our own knowledge of it counts: a disable that looks again must not forget what it switched off.
    const known = this.#withEdges(seen);
    const user =
      written === undefined
        ? known
        : {
            ...known,
            tags: [
              ...seen.tags.filter((tag) => !isDisabledTag(tag.key)),
              ...written.tags.filter((tag) => isDisabledTag(tag.key)),
            ],
          };
    this.#overlay.set(userId, { wroteAt, seenAt: this.#options.clock.now(), userId, user });
    this.#put(user);
    return user;
  }

  /**
   * A user that a live look did not find where the reading shows it: renamed or deleted in AWS, the next
   * reading tells which.
   */
  lose(userId: string): void {
    this.#lost.set(userId, this.#options.clock.now());
    this.#drop(userId);
  }

  /** What is known of a user: `unseen` by the last reading is gone for good, since no unique id comes twice. */
  fate(userId: string): 'there' | 'deleted' | 'lost' | 'unseen' {
    if (this.#users.has(userId)) {
      return 'there';
    }
    if (this.#lost.has(userId)) {
      return 'lost';
    }
    const overlay = this.#overlay.get(userId);
    return overlay !== undefined && overlay.user === undefined ? 'deleted' : 'unseen';
  }

  /** A user that we deleted. */
  forget(userId: string): void {
    const now = this.#options.clock.now();
    this.#overlay.set(userId, { wroteAt: now, seenAt: now, userId, user: undefined });
    this.#drop(userId);
  }

  /** When a write of ours last touched this user; undefined where that is settled or never was. */
  touchedAt(userId: string): number | undefined {
    const at = this.#overlay.get(userId)?.wroteAt;
    return at !== undefined && this.#options.clock.now() - at < settleMs ? at : undefined;
  }

  async #read(signal: AbortSignal): Promise<void> {
    const began = this.#options.clock.now();
    const reading = await this.#options.read(signal);
    this.#users = new Map();
    this.#names = new Map();
    this.#owners = new Map();
    for (const user of reading.users) {
      this.#put(user);
    }
    for (const [userId, overlay] of this.#overlay) {
      const settled = overlay.wroteAt === undefined || overlay.wroteAt + settleMs < began;
      if (settled && overlay.seenAt < began) {
        this.#overlay.delete(userId);
      } else if (overlay.user === undefined) {
        this.#drop(userId);
      } else {
        this.#put(this.#withEdges(overlay.user));
      }
    }
    for (const [userId, notes] of this.#edgeNotes) {
      const newer = notes.filter(({ at, wrote }) => at + (wrote ? settleMs : 0) >= began);
      if (newer.length === 0) {
        this.#edgeNotes.delete(userId);
      } else {
        this.#edgeNotes.set(userId, newer);
        newer.forEach(({ change }) => this.#changeEdges(userId, change));
      }
    }
    for (const [userId, at] of this.#lost) {
      if (at < began) {
        this.#lost.delete(userId);
      } else {
        this.#drop(userId);
      }
    }
    this.#groups = reading.groups;
    this.#report = reading.credentials;
    this.#takenAt = began;
  }

  #note(userId: string, note: EdgeNote): void {
    if (this.#users.has(userId)) {
      this.#edgeNotes.set(userId, [...(this.#edgeNotes.get(userId) ?? []), note]);
      this.#changeEdges(userId, note.change);
    }
  }

  #changeEdges(userId: string, change: EdgeNote['change']): void {
    const user = this.#users.get(userId);
    if (user !== undefined) {
      this.#put({ ...user, ...change(user) });
    }
  }

  #withEdges(user: ObservedUser): ObservedUser {
    const known = this.#users.get(user.userId);
    if (known === undefined) {
      return user;
    }
    const { groups, attachedPolicies, inlinePolicies } = known;
    return { ...user, groups, attachedPolicies, inlinePolicies };
  }

  #at(userId: string | undefined): ObservedUser | undefined {
    return userId === undefined ? undefined : this.#users.get(userId);
  }

  #put(user: ObservedUser): void {
    this.#drop(user.userId);
    this.#users.set(user.userId, user);
    this.#names.set(fold(user.userName), user.userId);
    const owner = tagValue(user.tags, ownerTag);
    if (owner !== undefined) {
      this.#owners.set(owner, user.userId);
    }
  }

  #drop(userId: string): void {
    const known = this.#users.get(userId);
    if (known === undefined) {
      return;
    }
    this.#users.delete(userId);
    const name = fold(known.userName);
    if (this.#names.get(name) === userId) {
      this.#names.delete(name);
    }
    const owner = tagValue(known.tags, ownerTag);
    if (owner !== undefined && this.#owners.get(owner) === userId) {
      this.#owners.delete(owner);
    }
  }
}
