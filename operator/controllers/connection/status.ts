import type { Snapshot } from '../../../src/reconciliation/index.ts';
import type { AwsConnection, AwsConnectionStatus } from '../../api/v1alpha1/index.ts';
import { formatTime, setCondition, type Condition } from '../../runtime/index.ts';
import { stoppedRuns } from '../breaker.ts';
import type { Verdict } from './conditions.ts';
import { discoveryStatus, discoveryVerdict } from './discovery-status.ts';
import { cloudTrailVerdict } from './decide.ts';
import type { ConnectionState } from './registry.ts';
import type { Needed } from './release.ts';

/** Whether runs are made by themselves, and which were. */
export interface ScheduleStanding {
  readonly status: Condition['status'];
  readonly verdict: Verdict;
  readonly runs: NonNullable<AwsConnectionStatus['reconciliation']>;
}

/** Whether changes that runs report reach whoever is told of them. */
export interface PushStanding {
  readonly status: 'True' | 'False';
  readonly verdict: Verdict;
}

export interface ConnectionStatusInputs {
  readonly connection: AwsConnection;
  readonly state: ConnectionState | undefined;
  /** AwsAccounts that refer to the connection, of whatever namespace. */
  readonly accounts: number;
  readonly needed: Needed;
  /** Undefined where none is declared. */
  readonly schedule: ScheduleStanding | undefined;
  /** `off` where nobody is told of changes; undefined where it is not known yet how that goes. */
  readonly push?: PushStanding | 'off' | undefined;
  readonly now: number;
}

/** The condition on runs that are made by themselves. */
export const scheduleCondition = 'ReconciliationSchedule';
/** The condition on whoever is told of changes. */
const pushCondition = 'Pushed';

/** The whole status of a connection. What could not be looked at keeps its last known value. Pure. */
export function connectionStatus(inputs: ConnectionStatusInputs): AwsConnectionStatus {
  const { connection, state, now } = inputs;
  const observedGeneration = connection.metadata.generation ?? 0;
  const verdict = state?.verdict;
  const snapshot = state?.link?.snapshots.current;
  const deleting = connection.metadata.deletionTimestamp !== undefined;

  let conditions = connection.status?.conditions as Condition[] | undefined;
  const set = (type: string, status: Condition['status'], { reason, message }: Verdict): void => {
    conditions = setCondition(conditions, { type, status, reason, message, observedGeneration }, now);
  };
  const unknown = verdict?.reason === 'Verifying' || verdict?.reason === 'Paused';
  if (verdict !== undefined) {
    set('Ready', unknown ? 'Unknown' : 'False', verdict);
    set('Synced', unknown ? 'Unknown' : 'False', verdict);
  } else if (state?.terms !== undefined && snapshot !== undefined) {
    const { accountId, arn } = state.terms.caller;
    const { complaint } = state;
    if (complaint === undefined) {
      set('Ready', 'True', { reason: 'Verified', message: `account ${accountId}, as ${arn}` });
    } else {
      const message = `${complaint.message}. The settings from before stay in force until then`;
      set('Ready', 'False', { reason: complaint.reason, message });
    }
    if (state.readingFailed === undefined) {
      set('Synced', 'True', { reason: 'SnapshotComplete', message: 'the account was read to the last page' });
    } else {
      set('Synced', 'False', state.readingFailed);
    }
  }
  if (deleting) {
    set('Ready', 'False', {
      reason: 'InUse',
      message:
        `${inputs.needed.accounts} AwsAccount and ${inputs.needed.bindings} AwsEntitlementBinding objects still need ` +
        'this connection to be cleaned up; delete them, ' +
        'or annotate those that cannot be with aws.idhub.io/abandon=true',
    });
  }
  if (state?.terms !== undefined) {
    const home = cloudTrailVerdict(state.terms.settings);
    set('CloudTrailRegion', home.ok ? 'True' : 'False', home);
  }

  if (connection.spec.discovery?.mode !== 'Observe') {
    conditions = conditions?.filter(({ type }) => type !== 'Discovery');
  } else if (state?.discovery !== undefined) {
    const { ok, ...found } = discoveryVerdict(state.discovery);
    set('Discovery', ok ? 'True' : 'False', found);
  }
  const { schedule } = inputs;
  if (schedule === undefined) {
    conditions = conditions?.filter(({ type }) => type !== scheduleCondition);
  } else {
    set(scheduleCondition, schedule.status, schedule.verdict);
  }
  const { push } = inputs;
  if (push === 'off') {
    conditions = conditions?.filter(({ type }) => type !== pushCondition);
  } else if (push !== undefined) {
    set(pushCondition, push.status, push.verdict);
  }

  const past = connection.status;
  const discovery = discoveryStatus(connection, state);
  const breaker = breakerOf(connection, state);
  if (breaker !== undefined) {
    set('WithinDeletionLimit', 'False', {
      reason: 'DeletionThresholdExceeded',
      message: sentenceOf(breaker),
    });
  } else if (state?.comparison.kind === 'failed') {
    set('WithinDeletionLimit', 'Unknown', {
      reason: 'NotCompared',
      message: uncompared(state.comparison.why),
    });
  } else if (conditions?.some(({ type }) => type === 'WithinDeletionLimit') === true) {
    set('WithinDeletionLimit', 'True', { reason: 'WithinLimit', message: 'lists are complete again' });
  }
  const terms = state?.terms;
  const alias = state?.facts === undefined ? past?.account?.alias : state.facts.alias;
  const quotas =
    state?.facts === undefined
      ? past?.quotas
      : Object.entries(state.facts.quotas).map(([name, { used, quota }]) => ({ name, used, quota }));
  const account =
    terms === undefined
      ? past?.account
      : {
          id: terms.caller.accountId,
          partition: terms.caller.partition,
          ...(alias === undefined ? {} : { alias }),
        };
  const caller =
    terms === undefined || state?.link === undefined
      ? past?.caller
      : { arn: terms.caller.arn, accessKeyId: state.link.credentials.accessKeyId };
  const read = snapshot === undefined ? past?.snapshot : snapshotStatus(snapshot);
  return {
    observedGeneration,
    conditions: conditions ?? [],
    accounts: inputs.accounts,
    ...(account === undefined ? {} : { account }),
    ...(caller === undefined ? {} : { caller }),
    ...(quotas === undefined ? {} : { quotas }),
    ...(read === undefined ? {} : { snapshot: read }),
    ...(breaker === undefined ? {} : { breaker }),
    ...(discovery === undefined ? {} : { discovery }),
    ...(schedule === undefined ? {} : { reconciliation: schedule.runs }),
  };
}

type Breaker = NonNullable<AwsConnectionStatus['breaker']>;

/** By the runs that the object remembers, and by the last reading; where there is none yet, as was said before. */
function breakerOf(connection: AwsConnection, state: ConnectionState | undefined): Breaker | undefined {
  const stopped = stoppedRuns(connection.metadata);
  const past = connection.status?.breaker;
  const missing = state?.comparison.kind === 'compared' ? state.missing : (state?.missing ?? unseen(past));
  const times = [...stopped, ...(missing === undefined ? [] : [missing])].map(({ since }) => since);
  if (times.length === 0) {
    return undefined;
  }
  const [latest] = stopped.slice(-1);
  return {
    since: formatTime(Math.min(...times)),
    ...(latest === undefined ? {} : { run: latest.run, deletions: latest.deletions }),
    ...(missing === undefined ? {} : { missing: missing.users }),
  };
}

function unseen(past: Breaker | undefined): { readonly users: number; readonly since: number } | undefined {
  return past?.missing === undefined ? undefined : { users: past.missing, since: Date.parse(past.since) };
}

function sentenceOf({ run, deletions, missing }: Breaker): string {
  const parts = [
    ...(run === undefined ? [] : [`AwsReconciliation "${run}" found ${deletions ?? 0} missing`]),
    ...(missing === undefined ? [] : [`the last reading lacks ${missing} users`]),
  ];
  return (
    `${parts.join('; ')}: more than spec.guard.maxDeletions allows, so lists stop. Mend what hides them, and lists go on by ` +
    'themselves; if they are gone in truth, approve the AwsReconciliation that was stopped, or make one where there is none (any ' +
    'more): it stops with a token to approve'
  );
}

function uncompared(why: string): string {
  return (
    `the last reading could not be compared with what was last reconciled (${why}): if more users were missing than ` +
    'spec.guard.maxDeletions allows, lists would go on until a run sees it. Where a Secret is named, bring it back from a backup; ' +
    'where there is none, delete it: the next run takes what it finds for what there is. It is tried again'
  );
}

function snapshotStatus(snapshot: Snapshot): NonNullable<AwsConnectionStatus['snapshot']> {
  const { takenAt, size, calls, unread } = snapshot;
  return {
    takenAt: formatTime(takenAt),
    users: size,
    groups: [...snapshot.groups()].length,
    calls,
    ...(unread.size === 0 ? {} : { unknown: Array.from(unread, ([what, why]) => ({ what, why })) }),
  };
}
