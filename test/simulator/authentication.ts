import type { Caller } from './caller.ts';
import { AwsError } from './errors.ts';
import { readScope, type CredentialScope, type SignatureVerifier, type SignedRequest } from './signature.ts';
import type { Account, Session } from './state/index.ts';
import type { World } from './world.ts';

export interface Authenticated {
  readonly caller: Exclude<Caller, { kind: 'anonymous' }>;
  readonly account: Account;
  readonly scope: CredentialScope;
}

const unknownToken = (): AwsError =>
  new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid.');

/** Finds out who signed a request. `now` is the simulator's time, `signingNow` the one signatures are measured by. */
export function authenticate(
  world: World,
  verifier: SignatureVerifier,
  request: SignedRequest,
  times: { readonly now: number; readonly signingNow: number },
): Authenticated {
  const scope = readScope(request.headers);
  if (scope === undefined) {
    throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token');
  }
  const token = request.headers['x-amz-security-token'];
  const found = typeof token === 'string' ? bySession(world, scope, token, times.now) : byKey(world, scope);
  verifier.verify(request, scope, found.secret, times.signingNow);
  return { caller: found.caller, account: found.account, scope };
}

interface Found {
  readonly account: Account;
  readonly secret: string;
  readonly caller: Authenticated['caller'];
}

function byKey(world: World, scope: CredentialScope): Found {
  const entry = world.keyEntry(scope.accessKeyId);
  if (entry === undefined) {
    throw unknownToken();
  }
  const { account, userId } = entry;
  const users = account.users.stale();
  // A user that was renamed a moment ago is under neither name of the lagging view.
  const user = account.userById(userId, users) ?? account.userById(userId);
  const key = user?.accessKeys.find(({ id }) => id === scope.accessKeyId);
  if (user === undefined || key?.status !== 'Active') {
    throw unknownToken();
  }
  return {
    account,
    secret: key.secret,
    caller: { kind: 'user', user, arn: account.userArn(user), userId: user.id, accessKeyId: key.id },
  };
}

function bySession(world: World, scope: CredentialScope, token: string, now: number): Found {
  const entry = world.sessionEntry(scope.accessKeyId);
  if (entry === undefined || entry.session.token !== token) {
    throw unknownToken();
  }
  const { account, session } = entry;
  if (now >= session.expiresAt) {
    throw new AwsError('ExpiredToken', 'The security token included in the request is expired');
  }
  return { account, secret: session.secret, caller: callerOf(account, session) };
}

function callerOf(account: Account, session: Session): Found['caller'] {
  const { principal, accessKeyId } = session;
  if (principal.kind === 'user') {
    const user = account.userById(principal.userId);
    if (user === undefined) {
      throw unknownToken();
    }
    return { kind: 'user', user, arn: account.userArn(user), userId: user.id, accessKeyId, session };
  }
  const role = [...account.roles.values()].find(({ id }) => id === principal.roleId);
  if (role === undefined) {
    throw unknownToken();
  }
  const { sessionName } = principal;
  return {
    kind: 'role',
    role,
    sessionName,
    arn: `arn:${account.partition}:sts::${account.id}:assumed-role/${role.name}/${sessionName}`,
    userId: `${role.id}:${sessionName}`,
    accessKeyId,
    session,
  };
}
