/** One run in the line for what it works on. */
export interface Ticket {
  readonly lane: string;
  /** Of the run. */
  readonly uid: string;
}

/**
 * Runs of one connection and scope go one after the other. A lane is free, or held by one run. Pure, but
 * for its memory.
 */
export class Lanes {
  readonly #holders = new Map<string, string>();
  /** Runs that this process has begun once, or could not begin: they stand in nobody's way while they wait. */
  readonly #tried = new Set<string>();

  /**
   * Takes the lane.
   * @param older uids of unfinished runs in the same lane that were made before
   * @returns the uid of the run that goes first; undefined where the lane is held by this one now
   */
  enter({ lane, uid }: Ticket, older: readonly string[]): string | undefined {
    const holder = this.#holders.get(lane);
    const first = holder ?? older.find((other) => !this.#tried.has(other));
    if (first !== undefined && first !== uid) {
      return first;
    }
    this.#holders.set(lane, uid);
    return undefined;
  }

  leave({ lane, uid }: Ticket): void {
    this.#tried.add(uid);
    if (this.#holders.get(lane) === uid) {
      this.#holders.delete(lane);
    }
  }

  /** The run waits for something else than the lane. */
  pass(uid: string): void {
    this.#tried.add(uid);
  }

  /** The run is gone, or has ended. */
  forget(uid: string): void {
    this.#tried.delete(uid);
  }
}
