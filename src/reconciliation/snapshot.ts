import { isDisabledTag, type Edges, type ObservedUser } from '../account/index.ts';
import type { Clock } from '../ports.ts';
import type { ReadingGate } from './gate.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { Picture, type Snapshot } from './picture.ts';
import type { AccountReading } from './read-account.ts';

export interface SnapshotStoreOptions {
  readonly clock: Clock;
  readonly read: (signal: AbortSignal) => Promise<AccountReading>;
  /** What readings of all AWS accounts go through; absent: nothing keeps them. */
  readonly gate?: Pick<ReadingGate, 'enter'>;
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

/** A reading under way, and how many wait for it. */
interface Running {
  readonly aborter: AbortController;
  readonly done: Promise<void>;
  waiting: number;
}

/** Keeps the snapshot of one connection. Readings are single-flight, complete or not used. */
export class SnapshotStore {
  readonly #options: SnapshotStoreOptions;
  readonly #overlay = new Map<string, Overlay>();
  /** By user, oldest first: edges are others' to write than the rest of a user, and are laid over on their own. */
  readonly #edgeNotes = new Map<string, readonly EdgeNote[]>();
  /** When a user was lost, milliseconds since the epoch. */
  readonly #lost = new Map<string, number>();
  /** Of the last complete reading; before the first, only what was written and looked at meanwhile. */
  #picture = new Picture({ users: [], reading: undefined });
  #running: Running | undefined;
  /** The last reading that was begun is not complete. */
  #failed = false;

  constructor(options: SnapshotStoreOptions) {
    this.#options = options;
  }

  /**
   * What is known now, undefined until the first reading is complete. It changes with our own writes; a later
   * reading makes another one.
   */
  get current(): Snapshot | undefined {
    return this.#picture.snapshot;
  }

  /**
   * Reads the account anew; a call while a reading is under way joins it. It goes on until everybody who waits for
   * it has left.
   * @throws whatever keeps it from being complete, and the reason of the signal
   */
  async refresh(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#running ??= this.#begin();
    await this.#join(this.#running, signal);
  }

  /**
   * A snapshot of its own, which later writes and readings do not change, of a reading that began after the call.
   * @throws as `refresh`
   */
  async takeNew(signal: AbortSignal): Promise<Snapshot> {
    const earlier = this.#running;
    if (earlier !== undefined) {
      // Its outcome is nothing to us: it does not show what happened since it began.
      await this.#join(earlier, signal).catch(() => signal.throwIfAborted());
    }
    // Whoever waited as well may have begun it already: then it began after this call too.
    await this.refresh(signal);
    const copy = this.#picture.copy().snapshot;
    if (copy === undefined) {
      throw new Error('a reading ended without a snapshot');
    }
    return copy;
  }

  /**
   * How a user is after a write of ours. Its edges to groups and policies are others' to write, at the
   * same time perhaps: those that are known stay.
   */
  record(user: ObservedUser): void {
    const now = this.#options.clock.now();
    const written = this.#withEdges(user);
    this.#overlay.set(user.userId, { wroteAt: now, seenAt: now, userId: user.userId, user: written });
    this.#picture.put(written);
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
    this.#picture.put(doubted);
  }

  /**
   * What a live read has shown: newer than the snapshot, older than any reading that begins later.
   * @returns the user as it is to be taken
   */
  observe(seen: ObservedUser): ObservedUser {
    const { userId } = seen;
    const wroteAt = this.touchedAt(userId);
    const written = wroteAt === undefined ? undefined : this.#picture.get(userId);
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
    this.#picture.put(user);
    return user;
  }

  /**
   * A user that a live look did not find where the reading shows it: renamed or deleted in AWS, the next
   * reading tells which.
   */
  lose(userId: string): void {
    this.#lost.set(userId, this.#options.clock.now());
    this.#picture.drop(userId);
  }

  /** Users that were lost since the last reading began. */
  get lost(): readonly string[] {
    return [...this.#lost.keys()];
  }

  /** What is known of a user: `unseen` by the last reading is gone for good, since no unique id comes twice. */
  fate(userId: string): 'there' | 'deleted' | 'lost' | 'unseen' {
    if (this.#picture.has(userId)) {
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
    this.#picture.drop(userId);
  }

  /** When a write of ours last touched this user; undefined where that is settled or never was. */
  touchedAt(userId: string): number | undefined {
    const at = this.#overlay.get(userId)?.wroteAt;
    return at !== undefined && this.#options.clock.now() - at < settleMs ? at : undefined;
  }

  #begin(): Running {
    const aborter = new AbortController();
    const running: Running = { aborter, done: this.#read(aborter.signal), waiting: 0 };
    const end = (): void => {
      this.#running = this.#running === running ? undefined : this.#running;
    };
    // Nobody may be left who waits for it.
    running.done.then(end, end);
    return running;
  }

  /** Waits for a reading, or until the signal aborts; the last to leave ends it. */
  async #join(running: Running, signal: AbortSignal): Promise<void> {
    running.waiting += 1;
    try {
      await unlessAborted(running.done, signal);
    } finally {
      running.waiting -= 1;
      if (running.waiting === 0 && signal.aborted) {
        running.aborter.abort(signal.reason);
        // A reading that was given up is nobody's to join.
        this.#running = this.#running === running ? undefined : this.#running;
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { gate } = this.#options;
    const leave = gate === undefined ? undefined : await gate.enter(this.#failed, signal);
    const began = this.#options.clock.now();
    // Until it is complete.
    this.#failed = true;
    const { users, ...reading } = await this.#options.read(signal).finally(() => leave?.());
    signal.throwIfAborted();
    this.#failed = false;
    this.#picture = new Picture({ users, reading: { ...reading, takenAt: began } });
    for (const [userId, overlay] of this.#overlay) {
      const settled = overlay.wroteAt === undefined || overlay.wroteAt + settleMs < began;
      if (settled && overlay.seenAt < began) {
        this.#overlay.delete(userId);
      } else if (overlay.user === undefined) {
        this.#picture.drop(userId);
      } else {
        this.#picture.put(this.#withEdges(overlay.user));
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
        this.#picture.drop(userId);
      }
    }
  }

  #note(userId: string, note: EdgeNote): void {
    if (this.#picture.has(userId)) {
      this.#edgeNotes.set(userId, [...(this.#edgeNotes.get(userId) ?? []), note]);
      this.#changeEdges(userId, note.change);
    }
  }

  #changeEdges(userId: string, change: EdgeNote['change']): void {
    const user = this.#picture.get(userId);
    if (user !== undefined) {
      this.#picture.put({ ...user, ...change(user) });
    }
  }

  #withEdges(user: ObservedUser): ObservedUser {
    const known = this.#picture.get(user.userId);
    if (known === undefined) {
      return user;
    }
    const { groups, attachedPolicies, inlinePolicies } = known;
    return { ...user, groups, attachedPolicies, inlinePolicies };
  }
}
