/** Where a reference is known to be not as AWS is: exactly what it does, and what settles it. */
export interface Leniency {
  readonly step: string;
  /** As in `Difference.at`. */
  readonly at: string;
  /** What the reference does, exactly; the suite fails when it does so no longer. */
  readonly reference: unknown;
  /** What AWS does, and the simulator with it; undefined: the member is absent. */
  readonly aws: unknown;
  /** The page of AWS that says so. */
  readonly source: string;
}

export const motoLeniencies: readonly Leniency[] = [];

export const ministackLeniencies: readonly Leniency[] = [];
