/** One run in the line for what it works on. */
export interface Ticket {
  readonly lane: string;
  /** Of the run. */
  readonly uid: string;
}

/**
 * Runs of one connection and scope go one after the other. Who is told to wait is named by the answer
 * that lets others go, and by no other: runs that fail in turn do not call each other.
 */
export class Lanes {
  /** By lane: the run that is under way. */
  readonly #holders = new Map<string, string>();
  /** By lane: runs that were told to wait. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Runs that were begun once, or could not be: they stand in nobody's way while they wait for something else. */
  readonly #tried = new Set<string>();

  /**
   * Takes the lane.
   * @param older uids of unfinished runs in the same lane that were made before
   * @returns the uid of the run that goes first; undefined where the lane is held by this one now
   */
  enter({ lane, uid }: Ticket, older: readonly string[]): string | undefined {
    const first = this.#holders.get(lane) ?? older.find((other) => !this.#tried.has(other));
    if (first !== undefined && first !== uid) {
      this.#waiting.set(lane, (this.#waiting.get(lane) ?? new Set()).add(uid));
      return first;
    }
    this.#holders.set(lane, uid);
    return undefined;
  }

  /** The run's turn is over, or it waits for something else. @returns the uids of those that may look again */
  leave({ lane, uid }: Ticket): readonly string[] {
    this.#tried.add(uid);
    return this.#next(lane, uid);
  }

  /** The run is gone. @returns the uids of those that may look again */
  forget({ lane, uid }: Ticket): readonly string[] {
    this.#tried.delete(uid);
    return this.#next(lane, uid);
  }

  #next(lane: string, uid: string): readonly string[] {
    if (this.#holders.get(lane) === uid) {
      this.#holders.delete(lane);
    }
    const waiting = [...(this.#waiting.get(lane) ?? [])].filter((other) => other !== uid);
    this.#waiting.delete(lane);
    return waiting;
  }
}
