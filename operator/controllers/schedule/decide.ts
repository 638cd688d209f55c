import type { AwsReconciliation } from '../../api/v1alpha1/index.ts';
import type { Followed, Timetable } from './timetable.ts';

/** What a connection remembers of its schedule. */
export interface Memory extends Followed {
  /** Of the timetable that was followed. */
  readonly timetable: string;
}

export interface ScheduleFacts {
  readonly timetable: Timetable;
  readonly memory: Memory | undefined;
  /** Runs of the schedule that have not ended. */
  readonly active: readonly AwsReconciliation[];
  /** The latest time for which there is a run of the schedule, ended or not. */
  readonly made: number | undefined;
  readonly policy: 'Forbid' | 'Allow' | 'Replace';
  /** How late a run may be made, ms; undefined without limit. */
  readonly deadlineMs: number | undefined;
  /** Whether runs can be worked on: the connection was verified. */
  readonly ready: boolean;
  readonly now: number;
}

/** What to do now. `until`: when to look again, where nothing else happens before. Milliseconds since the epoch. */
export type Decision =
  /** Times are counted from now on: a schedule that is new, or changed, or whose memory is lost. */
  | { readonly kind: 'begin'; readonly memory: Memory; readonly until: number }
  | { readonly kind: 'wait'; readonly until: number | undefined }
  /** The run is there, and that was not noted: the process that made it was killed. */
  | { readonly kind: 'note'; readonly memory: Memory; readonly until: number }
  /** A run is made for the time `at`; those that it replaces go before. */
  | {
      readonly kind: 'make';
      readonly at: number;
      readonly replaces: readonly AwsReconciliation[];
      readonly memory: Memory;
      readonly until: number;
    }
  /** It is time, and the run before has not ended. */
  | { readonly kind: 'held'; readonly at: number; readonly by: AwsReconciliation; readonly until: number }
  /** It is too late for the time `at`. */
  | { readonly kind: 'missed'; readonly at: number; readonly memory: Memory; readonly until: number };

/** A memory further ahead than this is of a clock that was wrong. */
const aheadMs = 600_000;

/**
 * What a schedule asks for now, as the controller of CronJobs has it: of missed times the latest alone is made
 * up for, and that within the deadline; a time that comes while a run is under way is a missed one under
 * `Forbid`. Other than there, what was not seen at all is not made up for. Pure.
 */
export function decide(facts: ScheduleFacts): Decision {
  const { active, deadlineMs, made, memory, now, policy, ready, timetable } = facts;
  if (memory?.timetable !== timetable.text || memory.since > now + aheadMs) {
    const last = memory?.last;
    // An interval that begins with a run begins with the connection.
    return last === undefined && !ready
      ? { kind: 'wait', until: undefined }
      : begun({ timetable: timetable.text, since: now, last }, facts);
  }
  const until = timetable.next(memory, now);
  const at = timetable.due(memory, now);
  if (at === undefined) {
    return { kind: 'wait', until };
  }
  if (made !== undefined && made >= at && made <= now) {
    const noted = { timetable: timetable.text, since: now, last: made };
    return { kind: 'note', memory: noted, until: timetable.next(noted, now) };
  }
  if (deadlineMs !== undefined && now - at > deadlineMs) {
    return { kind: 'missed', at, memory: { ...memory, since: now }, until };
  }
  const [first] = active;
  if (first !== undefined && policy === 'Forbid') {
    return { kind: 'held', at, by: first, until };
  }
  const noted = { timetable: timetable.text, since: now, last: at };
  const replaces = policy === 'Replace' ? active : [];
  return { kind: 'make', at, replaces, memory: noted, until: timetable.next(noted, now) };
}

function begun(memory: Memory, { timetable, now }: ScheduleFacts): Decision {
  return { kind: 'begin', memory, until: timetable.next(memory, now) };
}
