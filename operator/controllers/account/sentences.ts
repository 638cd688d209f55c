import type { ApplyOutcome, Declared, ObservedUser, Plan, Step } from '../../../src/account/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import type { ObjectKey } from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';

export function asDeclared(declared: Declared, user: ObservedUser): Verdict {
  return sameName(user.userName, declared.userName)
    ? { reason: 'AsDeclared', message: `IAM user ${user.userName} (${user.userId}) is as declared` }
    : {
        reason: 'RenamedInAws',
        message:
          `IAM user ${user.userId} was renamed to "${user.userName}" in AWS and is followed; ` +
          `set spec.userName to "${user.userName}", or to a third name to have it renamed`,
      };
}

export function adoption(user: ObservedUser, previousOwner: string | undefined): string {
  return previousOwner === undefined
    ? `took over IAM user ${user.userName} (${user.userId})`
    : `took over IAM user ${user.userName} (${user.userId}) from ${previousOwner}`;
}

export function eventReason(plan: Plan): string {
  const switched = plan.steps.find((step) => step.do === 'disable' || step.do === 'enable');
  if (switched === undefined || !plan.differences.includes('enabled')) {
    return 'Updated';
  }
  return switched.do === 'disable' ? 'Disabled' : 'Enabled';
}

const fieldOf: Readonly<Record<Step['do'], string>> = {
  disable: 'enabled',
  enable: 'enabled',
  rename: 'userName',
  move: 'path',
  putBoundary: 'permissionsBoundary',
  deleteBoundary: 'permissionsBoundary',
  tag: 'tags',
  untag: 'tags',
};

/** Of what differed, the fields that are now as declared: what AWS refused is not among them. */
export function broughtInLine(plan: Plan, outcome: Pick<ApplyOutcome, 'done'>): readonly string[] {
  const done = new Set(outcome.done.map((step) => fieldOf[step]));
  return plan.differences.filter((field) => done.has(field));
}

export function describeChange(
  user: ObservedUser,
  brought: readonly string[],
  notes: readonly string[],
): string {
  const what = brought.length > 0 ? `: ${brought.join(', ')}` : '';
  const more = notes.length > 0 ? ` (${notes.join('; ')})` : '';
  return `brought IAM user ${user.userName} (${user.userId}) in line${what}${more}`;
}

export function otherAccount(recorded: string, present: string): Verdict {
  return {
    reason: 'AccountMismatch',
    message:
      `this object stands for a user of AWS account ${recorded}, and its connection leads to ${present}; nothing is ` +
      'written. Bring the connection to the first account back, or delete this object with the annotation ' +
      'aws.idhub.io/abandon=true and make a new one',
  };
}

export function communicationUserVerdict(userName: string): Verdict {
  return {
    reason: 'CommunicationUser',
    message:
      `"${userName}" is the user that this connection works as; managing it here could shut the operator out. ` +
      'Choose another spec.userName, or delete this object: the user is left alone',
  };
}

export function leaverTaken(
  user: ObservedUser,
  owner: string,
  policy: NonNullable<AwsAccount['spec']['deletionPolicy']>,
): Verdict {
  const what = policy === 'Delete' ? 'deleted' : 'disabled';
  return {
    reason: 'Conflict',
    message:
      `IAM user "${user.userName}" (${user.userId}) has been taken over by ${owner}, so it is not ${what}, and it ` +
      'still gets in. If it is to go, have that owner delete it, or let go of it (its tag aws.idhub.io/owner); if it ' +
      'is to stay, annotate this object with aws.idhub.io/abandon=true to let go of it without touching AWS',
  };
}

export function noConnection({ namespace, name }: ObjectKey, account: AwsAccount): Verdict {
  const where = namespace === account.metadata.namespace ? 'in this namespace' : `in namespace ${namespace}`;
  return {
    reason: 'ConnectionNotFound',
    message: `there is no AwsConnection "${name}" ${where}; create it, this object goes on by itself`,
  };
}

/** Of several problems the first that somebody should act on gives the reason, and all are told. */
export function oneProblem(
  problems: readonly Verdict[],
): (Verdict & { readonly status: 'False' | 'Unknown' }) | undefined {
  const acute = problems.find(({ pending }) => pending !== true);
  const first = acute ?? problems[0];
  return first === undefined
    ? undefined
    : {
        reason: first.reason,
        message: problems.map(({ message }) => message).join('; '),
        status: acute === undefined ? 'Unknown' : 'False',
      };
}

/** What differed in AWS though nobody had changed the declaration, by its fields. */
export function mendedFields(
  { account, declared }: { readonly account: AwsAccount; readonly declared: Declared },
  plan: Plan,
  outcome: ApplyOutcome,
): readonly string[] {
  // The annotation that disables does not raise the generation; the state tells it from drift.
  const wasSo = account.status?.state === (declared.enabled ? 'Enabled' : 'Disabled');
  return [
    ...plan.differences.filter((field) => field !== 'enabled' || wasSo),
    ...(outcome.reopened ? ['credentials'] : []),
  ];
}
