import type { Stage } from './stage.ts';

export interface ReconResult {
  /** In AWS, the communication user and the administrator not counted. */
  readonly users: number;
  /** Calls to AWS of the run. */
  readonly calls: number;
  readonly callsByOperation: Readonly<Record<string, number>>;
  /** From the making of the run until it was seen to be complete. */
  readonly seconds: number;
  /** The most memory that the operator had, MB (10^6 bytes). */
  readonly rssMb: number;
}

/** Users are there whom nobody declares; one full run of users and entitlements tells of all of them. */
export async function recon(
  stage: Stage,
  options: { readonly users: number; readonly progress: (line: string) => void },
): Promise<ReconResult> {
  const { users, progress } = options;
  await stage.open(0);
  // Readings of the connection itself are not part of the run.
  const operator = await stage.startOperator(['--snapshot-interval=1h']);
  progress('waiting for the first reading');
  await stage.untilUsersRead(operator, users);
  await stage.resetAwsCalls();
  progress('a full run');
  const begun = performance.now();
  const { counts } = await stage.reconcile('full', {});
  const seconds = Math.round((performance.now() - begun) / 10) / 100;
  const { byOperation, total } = await stage.awsCalls();
  const rssMb = await operator.peakRssMb();
  await operator.end('SIGTERM');
  if ((counts?.created ?? 0) < users) {
    throw new Error(
      `the run has told of ${counts?.created} users and entitlements, and there are ${users} users`,
    );
  }
  return { users, calls: total, callsByOperation: byOperation, seconds, rssMb };
}
