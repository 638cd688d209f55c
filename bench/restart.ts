import type { Stage } from './stage.ts';

export interface RestartResult {
  /** From the start of the new process until every account was worked on with a snapshot of its own. */
  readonly seconds: number;
  readonly awsWrites: number;
  readonly awsReads: number;
  /** The most memory that the new process had, MB (10^6 bytes). */
  readonly rssMb: number;
}

/** All users exist; the operator is killed (SIGKILL) and started anew. */
export async function restart(
  stage: Stage,
  options: { readonly progress: (line: string) => void },
): Promise<RestartResult> {
  const { progress } = options;
  await stage.open();
  progress('making the users');
  const maker = await stage.startOperator(['--aws-max-rate=1000', '--workers=50']);
  await stage.untilReady(maker);
  await maker.end('SIGTERM');
  // What was put off is done with the next snapshot: an operator that has run for a while has done it.
  const keeper = await stage.startOperator();
  await stage.untilWorkedOff(keeper);
  await stage.verify();
  await keeper.end('SIGKILL');
  await stage.resetAwsCalls();

  progress('starting the operator anew');
  const heir = await stage.startOperator();
  const lookedAt = await stage.untilWorkedOff(heir);
  const calls = await stage.awsCalls();
  const rssMb = await heir.peakRssMb();
  await heir.end('SIGTERM');
  await stage.verify();
  return {
    seconds: Math.round((lookedAt - heir.startedAt) / 10) / 100,
    awsWrites: calls.writes,
    awsReads: calls.reads,
    rssMb,
  };
}
