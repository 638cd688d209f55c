import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteUserCommand,
  TagUserCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from './stage.ts';

export interface IncrementalResult {
  readonly users: number;
  readonly changes: number;
  /** Calls to AWS of the incremental run. */
  readonly calls: number;
  readonly callsByOperation: Readonly<Record<string, number>>;
  /** From the making of the run until it was seen to be complete. */
  readonly seconds: number;
  /** The most memory that the operator had, MB (10^6 bytes). */
  readonly rssMb: number;
}

/** How far the clock of AWS may seem to be behind. */
const clockMs = 2_000;
/** Changes that are made at once. */
const hands = 16;

/**
 * Users are there and were reconciled; then things change in AWS behind the operator's back, each with a user of
 * its own, and one incremental run tells. It has to tell of all of them.
 */
export async function incremental(
  stage: Stage,
  options: { readonly changes: number; readonly progress: (line: string) => void },
): Promise<IncrementalResult> {
  const { changes, progress } = options;
  await stage.open(0);
  const present = (await stage.aws()).users
    .map(({ userName }) => userName)
    .filter((name) => name.startsWith('user-'));
  // Readings of the connection itself are not part of the run.
  const operator = await stage.startOperator(['--snapshot-interval=1h']);
  progress('a full run');
  await stage.reconcile('full', { resources: ['Account'] });
  // What the making of the communication user has left in CloudTrail is dealt with.
  await stage.reconcile('settled', { resources: ['Account'], mode: 'Incremental' });
  progress(`making ${changes} changes`);
  const expected = await change(stage, present, changes);
  await stage.resetAwsCalls();
  // AWS tells its time to the second: what has just happened may be after the end of the window, and is told by the next run.
  await sleep(clockMs);

  progress('an incremental run');
  const begun = performance.now();
  const { counts, mode, fallback } = await stage.reconcile('incremental', {
    resources: ['Account'],
    mode: 'Incremental',
  });
  const seconds = Math.round((performance.now() - begun) / 10) / 100;
  const { byOperation } = await stage.awsCalls();
  const rssMb = await operator.peakRssMb();
  await operator.end('SIGTERM');
  const told = {
    created: counts?.created ?? 0,
    changed: counts?.changed ?? 0,
    deleted: counts?.deleted ?? 0,
  };
  if (JSON.stringify(told) !== JSON.stringify(expected) || mode !== 'Incremental') {
    throw new Error(
      `the run (${mode}, ${JSON.stringify(fallback)}) has told ${JSON.stringify(told)} of ${JSON.stringify(expected)}`,
    );
  }
  return {
    users: present.length,
    changes,
    calls: Object.values(byOperation).reduce((sum, count) => sum + count, 0),
    callsByOperation: byOperation,
    seconds,
    rssMb,
  };
}

interface Told {
  created: number;
  changed: number;
  deleted: number;
}

type Hand = (iam: Stage['iam'], UserName: string, number: number) => Promise<unknown>;

/** Further deletions than these would be stopped by the guard. */
const maxDeleted = 5;

const tag: Hand = (iam, UserName, number) =>
  iam.send(new TagUserCommand({ UserName, Tags: [{ Key: 'department', Value: `Moved ${number}` }] }));

/** What people do, in turns. */
const acts: readonly { readonly as: keyof Told; readonly act: Hand }[] = [
  { as: 'changed', act: tag },
  {
    as: 'changed',
    act: (iam, UserName) =>
      iam.send(
        new AttachUserPolicyCommand({ UserName, PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }),
      ),
  },
  {
    as: 'created',
    act: (iam, _, number) => iam.send(new CreateUserCommand({ UserName: `newcomer-${number}` })),
  },
  {
    as: 'changed',
    act: (iam, UserName, number) =>
      iam.send(new UpdateUserCommand({ UserName, NewUserName: `renamed-${number}` })),
  },
  { as: 'deleted', act: (iam, UserName) => iam.send(new DeleteUserCommand({ UserName })) },
  { as: 'changed', act: (iam, UserName) => iam.send(new CreateAccessKeyCommand({ UserName })) },
];

/** Changes AWS so many times, each time another user. @returns what a run has to tell of that */
async function change(stage: Stage, present: readonly string[], changes: number): Promise<Told> {
  const told: Told = { created: 0, changed: 0, deleted: 0 };
  const work = Array.from({ length: changes }, (_, number) => {
    const turn = acts[number % acts.length] ?? { as: 'changed' as const, act: tag };
    const { as, act } =
      turn.as === 'deleted' && told.deleted >= maxDeleted ? { as: 'changed' as const, act: tag } : turn;
    told[as] += 1;
    return { act, number, user: present[number] ?? '' };
  });
  const hand = async (): Promise<void> => {
    for (let next = work.shift(); next !== undefined; next = work.shift()) {
      await next.act(stage.iam, next.user, next.number);
    }
  };
  await Promise.all(Array.from({ length: hands }, hand));
  return told;
}
