import type { Declared, Identity, Memory } from '../../../src/account/index.ts';
import { refusesBoundary, refusesUser } from '../../../src/guard/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString, type Informer, type ObjectKey } from '../../runtime/index.ts';
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

/** Where accounts find what stands against them, beside what AWS shows. */
export interface ClaimsOptions {
  /** Indexed by `user` (`userKey`). */
  readonly accounts: Informer<AwsAccount>;
  readonly permits: Permits;
}

/** Whether objects of this namespace may use the connection. */
export type Permits = (connection: ObjectKey, namespace: string) => boolean;

/** Why an account must leave its user alone, whatever it declares. Asks nobody, least of all AWS. */
export function refusalOf(pass: Pass, identity: Identity, options: ClaimsOptions): Verdict | undefined {
  return (
    communicationUserOf(pass, identity) ??
    guardRefusal(pass, identity) ??
    otherAccountOf(pass) ??
    otherClaim(pass, identity, options)
  );
}

/**
 * What the connection's rules say: a protected user is never written. Where only the declaration breaks a
 * rule, the user stays as it is, but for one thing: who is to be shut out is shut out.
 */
export function guardRefusal(pass: Pass, identity: Identity): Verdict | undefined {
  const { guard } = pass.connection;
  const user = 'user' in identity ? identity.user : undefined;
  const refusal = user === undefined ? undefined : refusesUser(guard, user.userName);
  if (refusal !== undefined) {
    return { reason: 'Refused', message: refusal.message };
  }
  const [problem] = guardProblems(pass);
  return identity.kind === 'ours' && !pass.declared.enabled ? undefined : problem;
}

/** What of a declaration the rules of the connection forbid. */
export function guardProblems({ account: { spec }, connection: { guard } }: Pass): readonly Verdict[] {
  return [refusesUser(guard, spec.userName), refusesBoundary(guard, spec.permissionsBoundary)].flatMap(
    (refusal) => (refusal === undefined ? [] : [{ reason: 'Refused' as const, message: refusal.message }]),
  );
}

/** A declaration without what the rules of the connection forbid of it: name and boundary stay as they are. */
export function withinGuard(
  declared: Declared,
  { applied }: Memory,
  { guard }: Pick<UsableConnection, 'guard'>,
): Declared {
  return {
    ...declared,
    ...(applied !== undefined && refusesUser(guard, declared.userName) !== undefined
      ? { userName: applied.userName }
      : {}),
    ...(refusesBoundary(guard, declared.boundary) === undefined
      ? {}
      : { boundary: guard.permissionsBoundary }),
  };
}

/** Of several objects that name one user, only the first may make it or take it over. */
function otherClaim(
  pass: Pass,
  identity: Identity,
  { accounts, permits }: ClaimsOptions,
): Verdict | undefined {
  const { account, connection } = pass;
  const claims = identity.kind === 'absent' || identity.kind === 'adoptable';
  if (!claims) {
    return undefined;
  }
  // Who may not use the connection claims nothing in it.
  const claimants = accounts
    .byIndex('user', userKey(account))
    .filter(({ metadata }) => permits(connection.key, metadata.namespace ?? ''));
  const winner = firstClaim(claimants);
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
function communicationUserOf({ connection, declared }: Pass, identity: Identity): Verdict | undefined {
  const userName = 'user' in identity ? identity.user.userName : declared.userName;
  return isCommunicationUser(connection, userName) ? communicationUserVerdict(userName) : undefined;
}
