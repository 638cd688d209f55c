import { growth } from './metrics.ts';
import type { Stage } from './stage.ts';

export interface ConvergeResult {
  readonly accounts: number;
  /** Of each account. */
  readonly bindings: number;
  /** From the start of the operator's process until every account was Ready. */
  readonly seconds: number;
  /** Until then. */
  readonly awsCalls: number;
  /** Calls that change something, for each account with its bindings. */
  readonly awsWritesPerAccount: number;
  readonly awsCallsByOperation: Readonly<Record<string, number>>;
  /** Until then; without events. */
  readonly apiServerWrites: number;
  /** Of these by verb and resource, such as `APPLY awsaccounts/status`. */
  readonly apiServerWritesByKind: Readonly<Record<string, number>>;
  readonly steadyCallsPerCycle: number;
  /** Calls to AWS at once, until every account was Ready. */
  readonly peakInFlight: number;
  /** The most memory that an operator's process had, MB (10^6 bytes). */
  readonly rssMb: number;
}

/** Cycles over which the calls of a steady operator are averaged. */
const cycles = 3;

/** All accounts are declared, then the operator starts and makes their users. */
export async function converge(
  stage: Stage,
  options: {
    readonly accounts: number;
    readonly bindings: number;
    readonly progress: (line: string) => void;
  },
): Promise<ConvergeResult> {
  const { accounts, bindings, progress } = options;
  await stage.open();
  await stage.resetAwsCalls();
  const writesBefore = await stage.apiServerWrites();
  progress('starting the operator');
  const maker = await stage.startOperator();
  const readyAt = await stage.untilReady(maker);
  const calls = await stage.awsCalls();
  const writes = growth(writesBefore, await stage.apiServerWrites());
  const rssWhenReady = await maker.peakRssMb();
  await stage.verify();
  await maker.end('SIGTERM');

  progress('measuring steady cycles');
  const seconds = Math.max(2, Math.ceil(accounts / 500));
  const keeper = await stage.startOperator([`--snapshot-interval=${seconds}s`]);
  await stage.untilWorkedOff(keeper);
  await stage.untilSnapshots(1);
  await stage.resetAwsCalls();
  await stage.untilSnapshots(cycles);
  const steady = await stage.awsCalls();
  const rssWhenSteady = await keeper.peakRssMb();
  await keeper.end('SIGTERM');
  await stage.verify();
  return {
    accounts,
    bindings,
    seconds: round(readyAt - maker.startedAt),
    awsCalls: calls.total,
    awsWritesPerAccount: Math.round((calls.writes / accounts) * 100) / 100,
    awsCallsByOperation: calls.byOperation,
    apiServerWrites: [...writes.values()].reduce((sum, count) => sum + count, 0),
    apiServerWritesByKind: Object.fromEntries(writes),
    steadyCallsPerCycle: Math.round((steady.total / cycles) * 100) / 100,
    peakInFlight: calls.peakInFlight,
    rssMb: Math.max(rssWhenReady, rssWhenSteady),
  };
}

function round(ms: number): number {
  return Math.round(ms / 10) / 100;
}
