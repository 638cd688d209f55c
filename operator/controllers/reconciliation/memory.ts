import type { AwsReconciliation, AwsReconciliationStatus } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type ObjectKey } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import type { ReconciliationReason } from './conditions.ts';

/** That a run has ended, and how. Kept on the object, so that it outlives the status. */
export interface Ending {
  /** `namespace/name` of the run: a copy under another name is another run. */
  readonly run: string;
  readonly outcome: 'Complete' | 'Failed';
  readonly reason: ReconciliationReason;
  /** The sentence of the condition. */
  readonly message: string;
  /** When, milliseconds since the epoch. */
  readonly at: number;
  readonly counts: AwsReconciliationStatus['counts'];
  /** Of the deletions that were stopped; undefined where none were. */
  readonly token: string | undefined;
}

const outcomes: readonly unknown[] = ['Complete', 'Failed'] satisfies Ending['outcome'][];

/** How a run has ended, as the object remembers; undefined where it has not, or where somebody spoilt it. */
export function endingOf(run: AwsReconciliation): Ending | undefined {
  try {
    const text = run.metadata.annotations?.[annotations.finished] ?? 'null';
    const ending = JSON.parse(text) as Partial<Ending> | null;
    return ending !== null && isEnding(ending) && ending.run === keyString(keyOf(run)) ? ending : undefined;
  } catch {
    return undefined;
  }
}

function isEnding(ending: Partial<Ending>): ending is Ending {
  const { run, outcome, reason, message, at, token } = ending;
  return (
    [run, reason, message].every((text) => typeof text === 'string') &&
    outcomes.includes(outcome) &&
    typeof at === 'number' &&
    (token === undefined || typeof token === 'string')
  );
}

/** How a run has ended, as its status says; undefined where it has not, or where the status was lost. */
export function endingInStatus(run: AwsReconciliation): Ending | undefined {
  const { conditions = [], counts, finishedAt, guard } = run.status ?? {};
  const of = (type: Ending['outcome']) =>
    conditions.find((condition) => condition.type === type && condition.status === 'True');
  const condition = of('Complete') ?? of('Failed');
  const at = Date.parse(finishedAt ?? '');
  return condition === undefined || Number.isNaN(at)
    ? undefined
    : {
        run: keyString(keyOf(run)),
        outcome: condition.type as Ending['outcome'],
        reason: condition.reason as ReconciliationReason,
        message: condition.message,
        at,
        counts,
        token: condition.type === 'Failed' ? guard?.token : undefined,
      };
}

export function writeEnding(ending: Ending): string {
  return JSON.stringify(ending);
}

/** What a run is about. */
export function resourcesOf({ spec }: AwsReconciliation): readonly ('Account' | 'Entitlement')[] {
  return spec.resources ?? (spec.users === undefined ? ['Account', 'Entitlement'] : ['Account']);
}

/** Whether a run has ended: as its status says, or, where that is lost, as the object remembers. */
export function isFinished(run: AwsReconciliation): boolean {
  return endingInStatus(run) !== undefined || endingOf(run) !== undefined;
}

/** The connection of a run. */
export function connectionOf({ metadata, spec }: AwsReconciliation): ObjectKey {
  const { name, namespace = metadata.namespace ?? '' } = spec.connectionRef;
  return { namespace, name };
}
