import { formatInZone } from '../../../src/connection/index.ts';
import type { RunSummary } from '../../../src/reconciliation/index.ts';
import type { AwsReconciliation, AwsReconciliationStatus } from '../../api/v1alpha1/index.ts';
import { setCondition, type Condition } from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';
import type { Ending } from './memory.ts';

/** What a run has found, as far as its status tells of it. Times are milliseconds since the epoch. */
export interface Found {
  readonly mode: NonNullable<AwsReconciliationStatus['mode']>;
  readonly account: string;
  readonly startedAt: number;
  readonly seconds: number;
  readonly calls: number;
  readonly counts: AwsReconciliationStatus['counts'];
  /** The first of them. */
  readonly changes: NonNullable<AwsReconciliationStatus['changes']>;
  /** How many there are in the report; undefined where there is none. */
  readonly reported: number | undefined;
  readonly cursor: number | undefined;
  readonly fallback: AwsReconciliationStatus['fallback'];
  readonly guard: AwsReconciliationStatus['guard'];
  /** What could not be read of anybody, and why. */
  readonly unread: RunSummary['unread'];
  /** Names of `spec.users` that nobody has. */
  readonly absent: readonly string[];
}

/** Where a run stands. */
export type Standing =
  /** It was not begun, or is to be begun again; the verdict says what is waited for. */
  | { readonly kind: 'waits'; readonly verdict: Verdict; readonly status: 'False' | 'Unknown' }
  | {
      readonly kind: 'runs';
      readonly startedAt: number;
      /** This is a try of its own. */
      readonly begins: boolean;
      readonly progress: AwsReconciliationStatus['progress'];
    }
  | {
      readonly kind: 'ended';
      readonly ending: Ending;
      /** Undefined where only the object's memory tells of it. */
      readonly found: Found | undefined;
    };

export interface StatusInputs {
  readonly run: AwsReconciliation;
  readonly standing: Standing;
  /** IANA name; that of the connection, as far as it is known. */
  readonly timeZone: string;
  readonly now: number;
}

/** How many changes and names a status holds. */
export const maxListed = 100;

/** The whole status of a run. Pure. */
export function reconciliationStatus(inputs: StatusInputs): AwsReconciliationStatus {
  const { run, standing, timeZone, now } = inputs;
  const past = run.status ?? {};
  const observedGeneration = run.metadata.generation ?? 0;
  const conditions = conditionsOf(past.conditions as Condition[] | undefined, standing, {
    observedGeneration,
    now,
  });
  const { progress: _progress, ...kept } = past;
  const mode = kept.mode ?? run.spec.mode ?? 'Full';
  const common = { observedGeneration, conditions, mode };
  switch (standing.kind) {
    case 'waits':
      return { ...kept, ...common };
    case 'runs': {
      // Of the end before, where a run was let go on by an approval, only what the guard said is still true.
      const { finishedAt: _finishedAt, seconds: _seconds, ...open } = kept;
      return {
        ...open,
        ...common,
        startedAt: formatInZone(standing.startedAt, timeZone),
        attempts: (past.attempts ?? 0) + (standing.begins ? 1 : 0),
        ...(standing.progress === undefined ? {} : { progress: standing.progress }),
      };
    }
    case 'ended':
      return { mode, ...endedStatus(standing, kept, timeZone), observedGeneration, conditions };
  }
}

function endedStatus(
  { ending, found }: Extract<Standing, { kind: 'ended' }>,
  past: AwsReconciliationStatus,
  timeZone: string,
): AwsReconciliationStatus {
  const finishedAt = formatInZone(ending.at, timeZone);
  if (found === undefined) {
    const counts = past.counts ?? ending.counts;
    return { ...past, finishedAt, ...(counts === undefined ? {} : { counts }) };
  }
  const { counts, cursor, fallback, guard, reported } = found;
  return {
    ...(past.attempts === undefined ? {} : { attempts: past.attempts }),
    ...(counts === undefined ? {} : { counts }),
    finishedAt,
    mode: found.mode,
    account: found.account,
    startedAt: formatInZone(found.startedAt, timeZone),
    seconds: Math.round(found.seconds * 1_000) / 1_000,
    calls: found.calls,
    changes: found.changes.slice(0, maxListed),
    ...(reported === undefined ? {} : { report: { changes: reported } }),
    ...(cursor === undefined ? {} : { cursor: formatInZone(cursor, timeZone) }),
    ...(fallback === undefined ? {} : { fallback }),
    ...(guard === undefined ? {} : { guard }),
  };
}

/** Complete and Failed are as a Job's; Ready and Synced as on every kind. */
function conditionsOf(
  before: readonly Condition[] | undefined,
  standing: Standing,
  { observedGeneration, now }: { readonly observedGeneration: number; readonly now: number },
): Condition[] {
  if (standing.kind === 'runs' && isWaiting(before)) {
    // Another try of one that has failed: until that has come to something, what kept it from it is the news.
    return [...(before ?? [])];
  }
  const verdict = verdictOfStanding(standing);
  const ended = standing.kind === 'ended' ? standing.ending.outcome : undefined;
  const good = ended === 'Complete';
  const open = standing.kind === 'waits' ? standing.status : 'Unknown';
  const ready = ended === undefined ? open : good ? 'True' : 'False';
  let conditions = before;
  for (const [type, status] of [
    ['Ready', ready],
    ['Synced', ready],
    ['Complete', good ? 'True' : 'False'],
    ['Failed', ended === 'Failed' ? 'True' : 'False'],
  ] as const) {
    conditions = setCondition(conditions, { type, status, ...verdict, observedGeneration }, now);
  }
  return [...(conditions ?? [])];
}

function isWaiting(conditions: readonly Condition[] = []): boolean {
  const is = (type: string, status: string): boolean =>
    conditions.some((each) => each.type === type && each.status === status);
  return is('Ready', 'False') && !is('Failed', 'True') && !is('Complete', 'True');
}

function verdictOfStanding(standing: Standing): Verdict {
  switch (standing.kind) {
    case 'waits':
      return standing.verdict;
    case 'runs':
      return { reason: 'Running', message: 'the AWS account is being read' };
    case 'ended':
      return { reason: standing.ending.reason, message: standing.ending.message };
  }
}
