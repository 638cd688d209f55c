import { attachedArns, changePasswordArn } from '../../../src/account/index.ts';
import { ignoring, isAwsError } from '../../../src/aws/index.ts';
import type { Edges } from '../../../src/account/index.ts';
import type { Verdict } from './conditions.ts';
import type { ConsoleState } from './console-state.ts';
import { verdictOf } from './status.ts';

/**
 * Lets a person who has to choose a new password do so: by AWS's own policy, where neither the account's
 * password policy nor a policy that the user has already says so.
 * @returns why that could not be done
 */
export async function giveChangeRight(state: ConsoleState): Promise<Verdict | undefined> {
  const { connection, snapshot, made } = state.pass;
  const { api, quotas } = connection;
  const { userName } = state.user;
  const arn = changePasswordArn(connection.caller.partition);
  const inherited = snapshot.inheritedBy(state.user).some(({ policies }) => policies.includes(arn));
  const policy = await state.tools.policies.of(api, state.calls);
  const allowed = inherited || policy.allowsChange;
  const { memory } = state;
  if (allowed && !memory.rightDue && !memory.changeRight) {
    return undefined;
  }
  const attached = made
    ? state.user.attachedPolicies.map((each) => each.arn)
    : await attachedArns(api, userName, state.calls);
  if (allowed || attached.includes(arn)) {
    // One that was announced and attached before a crash stays known as ours.
    const changeRight = memory.changeRight && attached.includes(arn);
    if (attached.includes(arn)) {
      see(state, (edges) => withRight(edges, arn));
    }
    await state.remember({ ...memory, rightDue: false, changeRight });
    return undefined;
  }
  if (attached.length >= quotas.attachedPolicies) {
    return noRoom(arn, `the user has ${attached.length} managed policies attached`);
  }
  await state.remember({ ...memory, changeRight: true });
  try {
    await api.call('AttachUserPolicy', { UserName: userName, PolicyArn: arn }, state.calls);
  } catch (error) {
    if (!isAwsError(error, 'limitExceeded', 'accessDenied', 'invalid')) {
      throw error;
    }
    await state.remember({ ...memory, changeRight: false });
    return error.kind === 'limitExceeded' ? noRoom(arn, error.message) : verdictOf(error);
  }
  see(state, (edges) => withRight(edges, arn));
  await state.remember({ ...memory, changeRight: true, rightDue: false });
  return undefined;
}

/** Takes away the right that came from here. @throws {AwsError} */
export async function takeChangeRight(state: ConsoleState): Promise<void> {
  const { api, caller } = state.pass.connection;
  const arn = changePasswordArn(caller.partition);
  const input = { UserName: state.user.userName, PolicyArn: arn };
  await ignoring(api.call('DetachUserPolicy', input, state.calls), 'notFound');
  see(state, ({ attachedPolicies }) => ({ attachedPolicies: withoutArn(attachedPolicies, arn) }));
  await state.remember({ ...state.memory, changeRight: false, mustChange: false, rightDue: false });
}

/** Whether a binding wants the user to have the policy. */
export function isChangeRightBound({ pass, user, tools }: ConsoleState): boolean {
  const { accountId: awsAccount, partition } = pass.connection.caller;
  return tools.isBound({ awsAccount, userId: user.userId }, changePasswordArn(partition));
}

/** Whether no policy of the user has the right, as far as is known: a binding of it may have gone. */
export function isChangeRightGone({ pass, user }: ConsoleState): boolean {
  const arn = changePasswordArn(pass.connection.caller.partition);
  return (
    !user.attachedPolicies.some((each) => each.arn === arn) &&
    !pass.snapshot.inheritedBy(user).some(({ policies }) => policies.includes(arn))
  );
}

function withRight({ attachedPolicies }: Edges, arn: string): Partial<Edges> {
  return {
    attachedPolicies: [...withoutArn(attachedPolicies, arn), { name: 'IAMUserChangePassword', arn }],
  };
}

function withoutArn(policies: Edges['attachedPolicies'], arn: string): Edges['attachedPolicies'] {
  return policies.filter((each) => each.arn !== arn);
}

/** Takes a write to the edges into the snapshot, and into the user of this pass. */
function see(state: ConsoleState, change: (edges: Edges) => Partial<Edges>): void {
  const { snapshots } = state.pass.connection;
  snapshots.recordEdges(state.user.userId, change);
  state.user = { ...state.user, ...change(state.user) };
}

function noRoom(arn: string, why: string): Verdict {
  return {
    reason: 'LimitExceeded',
    message:
      `${arn}, which lets the person choose the new password that is asked for, cannot be attached: ${why}. ` +
      "Make room, let the account's password policy allow it, or set spec.console.resetRequired to false",
  };
}
