import type { Stage } from './stage.ts';

export interface DisableResult {
  /** Accounts that were being made meanwhile. */
  readonly accounts: number;
  /** From `enabled: false` on one account until its user was denied everything and no credential worked. */
  readonly seconds: number;
  /** Calls that the disable made, as the simulator counted them: one after the other, if none was at once. */
  readonly calls: number;
  /** Their share of `seconds`: what AWS itself took for them. */
  readonly ownLatencySeconds: number;
  /** What is left: waiting for the queue, the pacer and the API server. */
  readonly beyondSeconds: number;
  /** Users that were made when the disable began and when it was done: the others did not stand still. */
  readonly usersBefore: number;
  readonly usersAfter: number;
}

const victim = 1;
/** What is called meanwhile for others: the users that are made, and the readings of the account. */
const ofOthers = new Set([
  'CreateUser',
  'GetCallerIdentity',
  'GetAccountAuthorizationDetails',
  'GetAccountSummary',
  'ListAccountAliases',
  'ListUsers',
  'GenerateCredentialReport',
  'GetCredentialReport',
]);

/** One leaver while a thousand joiners are being made. */
export async function disable(
  stage: Stage,
  options: {
    readonly accounts: number;
    readonly latencyMs: number;
    readonly progress: (line: string) => void;
  },
): Promise<DisableResult> {
  const { accounts, latencyMs, progress } = options;
  await stage.open(1);
  const operator = await stage.startOperator();
  await stage.untilReady(operator);
  await stage.furnish(victim);
  await stage.resetAwsCalls();
  await stage.declare(accounts + 1);
  progress('waiting until the others are being made');
  const usersBefore = await stage.until('users', 50, async () => {
    const users = await stage.users();
    return { reached: users > accounts / 10 ? users : undefined, progressing: users };
  });
  const before = await stage.awsCalls();
  const asked = await stage.enable(victim, false);
  const shut = await stage.untilShutOut(victim);
  const after = await stage.awsCalls();
  const usersAfter = await stage.users();
  if (usersAfter > accounts) {
    throw new Error(
      'all the others were made before the disable was done; take more --accounts, or more --latency',
    );
  }
  const seconds = (shut - asked) / 1_000;
  const calls = Object.entries(after.byOperation)
    .filter(([operation]) => !ofOthers.has(operation))
    .reduce((sum, [operation, count]) => sum + count - (before.byOperation[operation] ?? 0), 0);
  const ownLatencySeconds = (calls * latencyMs) / 1_000;
  await operator.end('SIGTERM');
  return {
    accounts,
    seconds: round(seconds),
    calls,
    ownLatencySeconds: round(ownLatencySeconds),
    beyondSeconds: round(Math.max(0, seconds - ownLatencySeconds)),
    usersBefore,
    usersAfter,
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
