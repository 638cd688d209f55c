import type { Identity } from '../../../src/account/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type Informer } from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';
import { firstClaim, userKey } from './declared.ts';
import type { Pass } from './pass.ts';
import { communicationUserVerdict, otherAccount } from './sentences.ts';

/** The user that the object stands for is in another AWS account than the connection leads to now. */
export function otherAccountOf({
  memory,
  connection,
}: Pick<Pass, 'memory' | 'connection'>): Verdict | undefined {
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
  return winner === undefined || winner.metadata.uid === account.metadata.uid
    ? undefined
    : {
        reason: 'Conflict',
        message:
          `AwsAccount "${keyString(keyOf(winner))}" names the same IAM user (IAM ignores case) and came first; ` +
          'this object owns nothing. Delete one of the two, or change its spec.userName',
      };
}

/** Whether a name is that of the user whose credentials the connection works with. */
export function isCommunicationUser({ communicationUser }: UsableConnection, userName: string): boolean {
  return communicationUser !== undefined && sameName(communicationUser, userName);
}

/**
 * The object stands for the communication user, or would make or take it: hands off. An object that
 * stands for another user and only declares that name goes on: its rename is refused as any taken name.
 */
export function communicationUserOf({ connection, declared }: Pass, identity: Identity): Verdict | undefined {
  const userName = 'user' in identity ? identity.user.userName : declared.userName;
  return isCommunicationUser(connection, userName) ? communicationUserVerdict(userName) : undefined;
}
