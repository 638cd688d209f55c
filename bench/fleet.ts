import { sumOf, type Sample } from './metrics.ts';
import type { Stage } from './stage.ts';

export interface FleetResult {
  /** AWS accounts, each with a connection of its own. */
  readonly connections: number;
  /** Of each account. */
  readonly users: number;
  /** From the start of the operator's process until every account was read to its end. */
  readonly seconds: number;
  /** User and system time of the operator until then. */
  readonly cpuSeconds: number;
  /** The most memory that the operator had until every account was read a second time, MB (10^6 bytes). */
  readonly rssMb: number;
  /** How late the event loop was in 99 of 100 looks at it (one each 10 ms): of the first reading, or of 5 s afterwards where that is worse; milliseconds. */
  readonly eventLoopDelayP99Ms: number;
  /** Calls to AWS until every account was read. */
  readonly calls: number;
}

/** Many AWS accounts in one process of the operator. */
export async function fleet(
  stage: Stage,
  options: {
    readonly connections: number;
    readonly users: number;
    readonly progress: (line: string) => void;
  },
): Promise<FleetResult> {
  const { connections, users, progress } = options;
  await stage.open(0);
  await stage.connect();
  await stage.resetAwsCalls();
  progress('starting the operator');
  // Long enough for all of them to be read in between.
  const interval = Math.min(30, Math.max(5, Math.ceil((connections * users) / 2_000)));
  const operator = await stage.startOperator([`--snapshot-interval=${interval}s`]);
  // The figures of the event loop begin anew with every look at the metrics: progress is seen from outside.
  let delayMs = 0;
  const look = async (): Promise<readonly Sample[]> => {
    const samples = await operator.samples();
    delayMs = Math.max(delayMs, sumOf(samples, 'nodejs_eventloop_lag_p99_seconds') * 1_000);
    return samples;
  };
  const read = await stage.until('AWS accounts that were read', 500, async () => {
    const done = await stage.connectionsRead(users);
    return {
      reached: done >= connections ? { at: performance.now(), samples: await look() } : undefined,
      progressing: done,
    };
  });
  const { total } = await stage.awsCallsOfAll();
  progress('waiting until every account was read again');
  const details = { operation: 'GetAccountAuthorizationDetails', outcome: 'ok' };
  const before = sumOf(read.samples, 'idhub_aws_calls_total', details);
  await stage.until('pages that were read again', Math.min(5_000, interval * 200), async () => {
    const pages = sumOf(await look(), 'idhub_aws_calls_total', details) - before;
    return { reached: pages >= before ? true : undefined, progressing: pages };
  });
  const rssMb = await operator.peakRssMb();
  await operator.end('SIGTERM');
  return {
    connections,
    users,
    seconds: round((read.at - operator.startedAt) / 1_000),
    cpuSeconds: round(sumOf(read.samples, 'process_cpu_seconds_total')),
    rssMb,
    eventLoopDelayP99Ms: round(delayMs),
    calls: total,
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
