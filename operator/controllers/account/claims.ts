import type { Identity } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import type { Informer } from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';
import { firstClaim, userKey } from './declared.ts';
import type { Pass } from './pass.ts';
import { otherAccount } from './sentences.ts';

/** The user that the object stands for is in another AWS account than the connection leads to now. */
export function otherAccountOf({ memory, connection }: Pass): Verdict | undefined {
  const recorded = memory.applied?.account;
  return recorded === undefined || recorded === connection.caller.accountId
    ? undefined
    : otherAccount(recorded, connection.caller.accountId);
}

/** Of several objects that name one user, only the first may make it or take it over. */
export function otherClaim(
  pass: Pass,
  identity: Identity,
  accounts: Informer<AwsAccount>,
): Verdict | undefined {
  const { account } = pass;
  const claims = identity.kind === 'absent' || identity.kind === 'adoptable';
  if (!claims) {
    return undefined;
  }
  const winner = firstClaim(accounts.byIndex('user', userKey(account)));
  return winner === undefined || winner.metadata.name === account.metadata.name
    ? undefined
    : {
        reason: 'Conflict',
        message:
          `AwsAccount "${winner.metadata.name}" names the same IAM user (IAM ignores case) and came first; ` +
          'this object owns nothing. Delete one of the two, or change its spec.userName',
      };
}
