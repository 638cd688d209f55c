import {
  createUser,
  desiredTags,
  memoryOfNew,
  sameApplied,
  tagsOfNew,
  type Applied,
  type ObservedUser,
  type Owner,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { maxTags } from '../../../src/schema/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { hasFinalizer } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { applyOptionsOf, type Pass } from './pass.ts';
import type { AccountRecord } from './record.ts';

export type MakeOutcome =
  /** What is declared cannot be made; nothing was written. */
  | { readonly kind: 'refused'; readonly verdict: Verdict }
  /** The name is taken, by us before a crash or by somebody else: the user of that name says which. */
  | { readonly kind: 'taken'; readonly account: AwsAccount; readonly userName: string }
  | {
      readonly kind: 'made';
      readonly account: AwsAccount;
      readonly applied: Applied;
      readonly user: ObservedUser;
    };

/**
 * Makes the user of an account: first the finalizer and what is about to be ours, in one patch of the
 * object, then the user with everything in one call.
 * @throws {AwsError} what passes, and what AWS refuses
 */
export async function makeUser(pass: Pass, owner: Owner, record: AccountRecord): Promise<MakeOutcome> {
  const { account, declared, rules, connection, now, signal, memory } = pass;
  const desired = desiredTags(declared, owner, rules, memory.applied, undefined);
  const [problem] = desired.problems;
  if (problem !== undefined) {
    return { kind: 'refused', verdict: problem };
  }
  const tags = tagsOfNew(desired, rules);
  if (tags.size > maxTags) {
    const message = `the user would get ${tags.size} tags, and IAM allows ${maxTags}; declare fewer attributes or tags`;
    return { kind: 'refused', verdict: { reason: 'TooManyTags', message } };
  }
  const full = fullAccount(pass);
  if (full !== undefined) {
    return { kind: 'refused', verdict: full };
  }
  const userName = nameToMake(pass);
  const applied = memoryOfNew({ ...declared, userName }, desired, {
    account: connection.caller.accountId,
    tags,
    since: memory.applied?.since ?? now,
  });
  const announced = hasFinalizer(account.metadata) && sameApplied(memory.applied, applied);
  const current = announced ? account : await record.remember(account, { applied }, signal);
  try {
    const user = await createUser(
      connection.api,
      { userName, path: declared.path, tags, boundary: declared.boundary },
      applyOptionsOf(pass),
    );
    record.note(current, {
      reason: 'Created',
      action: 'Create',
      message: `made IAM user ${user.userName} (${user.userId})`,
    });
    return { kind: 'made', account: current, applied, user };
  } catch (error) {
    if (isAwsError(error, 'alreadyExists')) {
      return { kind: 'taken', account: current, userName };
    }
    throw error;
  }
}

/** No user more fits: seen before AWS has to say so. Counted by the last reading and what was made and deleted since. */
function fullAccount({ connection: { usersQuota, snapshots, caller } }: Pass): Verdict | undefined {
  const used = snapshots.current?.size ?? 0;
  return usersQuota === undefined || used < usersQuota
    ? undefined
    : {
        reason: 'LimitExceeded',
        message:
          `AWS account ${caller.accountId} has ${used} users, and its quota (Users) is ${usersQuota}; delete some, ` +
          'or have the quota raised. Nothing was written; it is tried again with each reading of the account',
      };
}

/**
 * A name that was announced and never settled comes first, although another one is declared by now:
 * a user of that name may have been made in a call whose answer was lost, and may not be to be seen
 * yet. Making it is the one question that AWS answers without delay; the rename follows. A name that
 * a stranger is seen to have is settled.
 */
function nameToMake({ declared, memory, snapshot }: Pass): string {
  const announced = memory.applied?.userName;
  return announced === undefined || snapshot.byName(announced) !== undefined ? declared.userName : announced;
}
