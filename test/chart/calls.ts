/** A call of AWS that came to the simulator in its pod. */
export interface Call {
  /** When all of it was there, in milliseconds since 1970. */
  readonly at: number;
  /** The address that it came from: a pod's. */
  readonly from: string;
  readonly operation: string;
  /** Whom it is about; empty where it is about nobody. */
  readonly user: string;
}

/** What the simulator's pod has written: calls in their order. */
export function callsIn(log: string): readonly Call[] {
  return log
    .split('\n')
    .filter((line) => line.startsWith('{"at":'))
    .map((line) => JSON.parse(line) as Call);
}

/** Whether a call changes anything; IAM's and STS's names say so. */
export function changesAws({ operation }: Call): boolean {
  return !/^(?:Get|List|Generate|Simulate|Lookup|Describe|AssumeRole)/.test(operation);
}
