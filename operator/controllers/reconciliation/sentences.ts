import { isAwsError } from '../../../src/aws/index.ts';
import type { AwsReconciliation } from '../../api/v1alpha1/index.ts';
import { ApiError, TransportError, keyString, type ObjectKey } from '../../runtime/index.ts';
import { commonFaults, verdictOn } from '../aws-fault.ts';
import { annotations } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { OutboxSpoiltError } from './outbox.ts';
import { SpoiltSetError } from './secret-set.ts';
import type { Found } from './status.ts';

export const paused: Verdict = { reason: 'Paused', message: `the annotation ${annotations.paused} is true` };

export function noConnection(key: ObjectKey): Verdict {
  return {
    reason: 'ConnectionNotFound',
    message: `there is no AwsConnection "${keyString(key)}"; create it, this run goes on by itself`,
  };
}

export function notReady(
  key: ObjectKey,
  verdict: { readonly reason: string; readonly message: string },
): Verdict {
  return {
    reason: 'ConnectionNotReady',
    message: `AwsConnection "${key.name}" is ${verdict.reason}: ${verdict.message}`,
  };
}

export function afterOther(first: string): Verdict {
  return {
    reason: 'WaitingForRun',
    message: `AwsReconciliation "${first}" of the same connection and scope goes first; this one goes on when that has ended`,
  };
}

const notCompared: Readonly<Record<Found['unread'][number]['what'], string>> = {
  credentials: 'Passwords, access keys and MFA',
  passwordLastUsed: 'Times of the last sign-in',
};

/** The first of them. */
function someOf(names: readonly string[]): string {
  const first = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${first}, and ${names.length - 3} more` : first;
}

export function completed(
  { spec }: AwsReconciliation,
  { absent, counts, mode, unread }: Pick<Found, 'absent' | 'counts' | 'mode' | 'unread'>,
): Verdict {
  const { read = 0, created = 0, changed = 0, deleted = 0, unknown = 0, left = 0 } = counts ?? {};
  const more = [
    ...(left === 0 ? [] : [`${left} match the filter no longer`]),
    ...(unknown === 0 ? [] : [`${unknown} could not be read or compared`]),
    ...(absent.length === 0 ? [] : [`nobody is called ${someOf(absent)}`]),
  ];
  const blind = unread.map(
    ({ what, why }) => `. ${notCompared[what]} were not compared: ${why.slice(0, 500)}`,
  );
  return {
    reason: 'Completed',
    message:
      `${mode === 'Full' ? 'read in full' : 'read by CloudTrail'}: ${read} read, ${created} created, ${changed} changed, ` +
      `${deleted} deleted${more.map((each) => `, ${each}`).join('')}` +
      (spec.dryRun === true ? '; a dry run: nothing is remembered' : '') +
      blind.join(''),
  };
}

/** @param what of what kind they are, such as `users` */
export function stopped(run: AwsReconciliation, guard: NonNullable<Found['guard']>, what: string): Verdict {
  const { deletions, allowed, token, names = [] } = guard;
  const more = deletions > 3 ? `, and ${deletions - 3} more` : '';
  return {
    reason: 'DeletionThresholdExceeded',
    message:
      `${deletions} ${what} are missing in AWS, and ${
        allowed === 0
          ? 'none counts as deleted while deletions of this AwsConnection are stopped'
          : `${allowed ?? 'fewer'} may be at once (spec.guard.maxDeletions)`
      }: nothing was ` +
      `reported${run.spec.dryRun === true ? '' : ', and lists stop'} (${names.slice(0, 3).join(', ')}${more}). If they are gone in truth: kubectl annotate ` +
      `awsrecon ${run.metadata.name} ${annotations.approveDeletions}=${token}`,
  };
}

export function anotherAccount(recorded: string, present: string): Verdict {
  return {
    reason: 'AccountMismatch',
    message:
      `what was last reconciled is of AWS account ${recorded}, and the connection leads to ${present}: nothing is compared, ` +
      'nothing counts as deleted. Bring the connection back to the first account, or make another AwsConnection for the other one',
  };
}

/** What a fault says of a run, and what to do next; undefined where it is a fault of ours. */
export function faultOf(error: unknown): Verdict | undefined {
  if (isAwsError(error)) {
    return verdictOn(error, commonFaults);
  }
  if (error instanceof SpoiltSetError) {
    return {
      reason: 'BaselineSpoilt',
      message: `${error.message}. Bring it back from a backup, or delete the Secrets that it names: the next run takes what it finds for what there is`,
    };
  }
  if (error instanceof OutboxSpoiltError) {
    return {
      reason: 'NotQueued',
      message: `${error.message}. Bring it back from a backup, or delete that Secret: what it held is not sent then, so let the receiver read everything`,
    };
  }
  if (error instanceof ApiError || error instanceof TransportError) {
    const message = `the API server did not take the report, or what is remembered (${error.message}). It is tried again`;
    return { reason: 'NotWritten', message };
  }
  return undefined;
}
