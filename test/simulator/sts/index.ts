import type * as Sdk from '@aws-sdk/client-sts';
import type { Caller } from '../caller.ts';
import { AwsError, validationError } from '../errors.ts';
import { handlerTable, type HandlersOf } from '../handlers.ts';
import { keyOf, type Account, type Role, type Session } from '../state/index.ts';
import { trusts } from '../trust.ts';
import { readClaims } from './web-identity.ts';

export interface StsContext {
  /** The caller's account; undefined for unsigned calls. */
  readonly account: Account | undefined;
  readonly caller: Caller;
  readonly now: number;
  findAccount(this: void, id: string): Account | undefined;
  accountOfKey(this: void, accessKeyId: string): Account | undefined;
  registerSession(this: void, account: Account, session: Session): void;
  /** Throws AccessDenied unless the caller's own policies allow the action; does nothing when nothing is enforced. */
  authorize(
    this: void,
    action: string,
    resource: string,
    context: Readonly<Record<string, string | readonly string[]>>,
  ): void;
}

type Operations =
  'GetCallerIdentity' | 'AssumeRole' | 'AssumeRoleWithWebIdentity' | 'GetSessionToken' | 'GetAccessKeyInfo';

const HOUR_SECONDS = 3_600;
const SESSION_SECONDS = 12 * HOUR_SECONDS;

function signed(context: StsContext): { account: Account; caller: Exclude<Caller, { kind: 'anonymous' }> } {
  if (context.account === undefined || context.caller.kind === 'anonymous') {
    throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token');
  }
  return { account: context.account, caller: context.caller };
}

function notAuthorized(arn: string, action: string, roleArn: string): AwsError {
  return new AwsError(
    'AccessDenied',
    `User: ${arn} is not authorized to perform: ${action} on resource: ${roleArn}`,
  );
}

/** The role of an ARN, whichever account it is in; AWS does not tell whether it exists. */
function roleAt(context: StsContext, arn: string): { account: Account; role: Role } | undefined {
  const account = context.findAccount(arn.split(':')[4] ?? '');
  const role = account?.roles.stale().get(keyOf(arn.slice(arn.lastIndexOf('/') + 1)));
  return account === undefined || role === undefined || account.roleArn(role) !== arn
    ? undefined
    : { account, role };
}

function newSession(
  account: Account,
  fields: Pick<Session, 'principal' | 'mfa' | 'policies'> & {
    readonly now: number;
    readonly seconds: number;
  },
): Session {
  const { now, seconds, ...rest } = fields;
  const { random } = account;
  return {
    ...rest,
    accessKeyId: random.id('ASIA', 20),
    secret: random.secret(),
    token: Array.from({ length: 6 }, () => random.secret()).join(''),
    issuedAt: now,
    expiresAt: now + seconds * 1000,
  };
}

const credentialsShape = (session: Session) => ({
  AccessKeyId: session.accessKeyId,
  SecretAccessKey: session.secret,
  SessionToken: session.token,
  Expiration: new Date(session.expiresAt),
});

interface Assumption {
  readonly role: Role;
  readonly account: Account;
  readonly sessionName: string;
  readonly seconds: number | undefined;
  /** Roles that were assumed by a role live an hour at most (role chaining, IAM User Guide). */
  readonly chained: boolean;
  readonly policy: string | undefined;
}

function assume(context: StsContext, assumption: Assumption) {
  const { role, account, sessionName, chained, policy } = assumption;
  const seconds = assumption.seconds ?? HOUR_SECONDS;
  const longest = chained ? HOUR_SECONDS : role.maxSessionSeconds;
  if (seconds > longest) {
    throw validationError(
      chained
        ? 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.'
        : 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
  }
  const session = newSession(account, {
    now: context.now,
    seconds,
    mfa: false,
    principal: { kind: 'role', roleId: role.id, sessionName },
    policies: policy === undefined ? [] : [policy],
  });
  context.registerSession(account, session);
  return {
    Credentials: credentialsShape(session),
    AssumedRoleUser: {
      AssumedRoleId: `${role.id}:${sessionName}`,
      Arn: `arn:${account.partition}:sts::${account.id}:assumed-role/${role.name}/${sessionName}`,
    },
  };
}

const operations: HandlersOf<typeof Sdk, StsContext, Operations> = {
  GetCallerIdentity(context) {
    const { account, caller } = signed(context);
    return { UserId: caller.userId, Account: account.id, Arn: caller.arn };
  },

  AssumeRole(context, input) {
    const { account: own, caller } = signed(context);
    const arn = input.RoleArn ?? '';
    const sessionName = input.RoleSessionName ?? '';
    const found = roleAt(context, arn);
    const facts = {
      ...(input.ExternalId === undefined ? {} : { 'sts:ExternalId': input.ExternalId }),
      'sts:RoleSessionName': sessionName,
      'aws:PrincipalArn': caller.kind === 'role' ? own.roleArn(caller.role) : caller.arn,
      'aws:PrincipalAccount': own.id,
    };
    const trust =
      found === undefined
        ? 'none'
        : trusts(found.role.trust, {
            action: 'sts:AssumeRole',
            kind: 'AWS',
            names: [caller.arn, ...(caller.kind === 'role' ? [own.roleArn(caller.role)] : [])],
            accountNames: [own.arn('root'), own.id],
            context: facts,
          });
    if (found === undefined || trust === 'none') {
      throw notAuthorized(caller.arn, 'sts:AssumeRole', arn);
    }
    if (trust === 'account' || found.account !== own) {
      context.authorize('sts:AssumeRole', arn, facts);
    }
    return assume(context, {
      ...found,
      sessionName,
      seconds: input.DurationSeconds,
      chained: caller.kind === 'role',
      policy: input.Policy,
    });
  },

  AssumeRoleWithWebIdentity(context, input) {
    const arn = input.RoleArn ?? '';
    const claims = readClaims(input.WebIdentityToken ?? '', context.now);
    const found = roleAt(context, arn);
    const provider = claims.issuer.replace(/^https?:\/\//, '');
    const trust =
      found === undefined
        ? 'none'
        : trusts(found.role.trust, {
            action: 'sts:AssumeRoleWithWebIdentity',
            kind: 'Federated',
            names: [found.account.arn(`oidc-provider/${provider}`)],
            accountNames: [],
            context: {
              [`${provider}:sub`]: claims.subject,
              [`${provider}:aud`]: claims.audience,
              'sts:RoleSessionName': input.RoleSessionName ?? '',
            },
          });
    if (found === undefined || trust === 'none') {
      throw new AwsError('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
    }
    const assumed = assume(context, {
      ...found,
      sessionName: input.RoleSessionName ?? '',
      seconds: input.DurationSeconds,
      chained: false,
      policy: input.Policy,
    });
    return {
      ...assumed,
      SubjectFromWebIdentityToken: claims.subject,
      Audience: claims.audience[0],
      Provider: found.account.arn(`oidc-provider/${provider}`),
    };
  },

  GetSessionToken(context, input) {
    const { account, caller } = signed(context);
    if (caller.kind !== 'user' || caller.session !== undefined) {
      throw new AwsError('AccessDenied', 'Cannot call GetSessionToken with session credentials');
    }
    const { SerialNumber, TokenCode } = input;
    const device = caller.user.mfa.some(({ serialNumber }) => serialNumber === SerialNumber);
    if (SerialNumber !== undefined && (!device || TokenCode === undefined)) {
      throw new AwsError(
        'AccessDenied',
        'MultiFactorAuthentication failed with invalid MFA one time pass code.',
      );
    }
    const session = newSession(account, {
      now: context.now,
      seconds: input.DurationSeconds ?? SESSION_SECONDS,
      mfa: SerialNumber !== undefined,
      principal: { kind: 'user', userId: caller.user.id },
      policies: [],
    });
    context.registerSession(account, session);
    return { Credentials: credentialsShape(session) };
  },

  GetAccessKeyInfo(context, input) {
    const account = context.accountOfKey(input.AccessKeyId ?? '');
    if (account === undefined) {
      throw validationError(`Invalid access key: ${String(input.AccessKeyId)}`);
    }
    return { Account: account.id };
  },
};

/** Every STS operation that the simulator has. */
export const stsHandlers = handlerTable<StsContext>(operations);
