import type { Stage } from './stage.ts';

export interface SteadyResult {
  readonly accounts: number;
  /** Of all accounts together. */
  readonly bindings: number;
  /** Calls to AWS from one reading of the account to the next, everything being as declared. */
  readonly callsPerCycle: number;
  readonly callsByOperation: Readonly<Record<string, number>>;
  readonly cycles: number;
  /** The most memory that the operator had meanwhile, MB (10^6 bytes). */
  readonly rssMb: number;
}

const cycles = 3;

/** Everything is as declared: what does it cost AWS that it is looked at again and again? */
export async function steady(
  stage: Stage,
  options: {
    readonly accounts: number;
    readonly bindings: number;
    readonly progress: (line: string) => void;
  },
): Promise<SteadyResult> {
  const { accounts, bindings, progress } = options;
  await stage.open();
  progress('making the users');
  const maker = await stage.startOperator(['--aws-max-rate=1000', '--workers=50']);
  await stage.untilReady(maker);
  await maker.end('SIGTERM');
  await stage.verify();
  const seconds = Math.max(2, Math.ceil((accounts + bindings) / 500));
  const keeper = await stage.startOperator([`--snapshot-interval=${seconds}s`]);
  progress('waiting until everything was looked at');
  await stage.untilWorkedOff(keeper);
  await stage.untilSnapshots(1);
  await stage.resetAwsCalls();
  progress(`measuring ${cycles} cycles`);
  await stage.untilSnapshots(cycles);
  const { byOperation, total, writes } = await stage.awsCalls();
  const rssMb = await keeper.peakRssMb();
  await keeper.end('SIGTERM');
  if (writes > 0) {
    throw new Error(
      `${writes} calls have written, although everything is as declared: ${JSON.stringify(byOperation)}`,
    );
  }
  return {
    accounts,
    bindings,
    callsPerCycle: Math.round((total / cycles) * 100) / 100,
    callsByOperation: byOperation,
    cycles,
    rssMb,
  };
}
