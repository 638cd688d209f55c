import type { Caller } from './caller.ts';
import { AwsError } from './errors.ts';
import { evaluate, iamRequest, type PolicyDocumentSource } from './policy/index.ts';
import { keyOf, type Account, type PolicyHolder, type User, type Views } from './state/index.ts';

/** A principal's policies, as readers see them. */
export interface PrincipalPolicies {
  readonly identity: readonly PolicyDocumentSource[];
  readonly boundary?: PolicyDocumentSource;
}

function documentOf(account: Account, views: Views, arn: string): readonly PolicyDocumentSource[] {
  const policy = account.policy(arn, views.policies);
  const version = policy?.versions.find(({ id }) => id === policy.defaultVersion);
  return version === undefined ? [] : [{ id: arn, document: version.document }];
}

function policiesOf(
  account: Account,
  views: Views,
  holder: PolicyHolder,
  kind: string,
  name: string,
): readonly PolicyDocumentSource[] {
  return [
    ...holder.inline.map((policy) => ({ id: `${kind}_${name}_${policy.name}`, document: policy.document })),
    ...holder.attached.flatMap((arn) => documentOf(account, views, arn)),
  ];
}

/** Policies of a user or role: inline, attached, those of its groups, and its boundary. */
export function policiesOfPrincipal(
  account: Account,
  views: Views,
  principal: PolicyHolder & {
    readonly name: string;
    readonly boundary?: string;
    readonly groups?: User['groups'];
  },
): PrincipalPolicies {
  const groups = (principal.groups ?? []).flatMap((id) => {
    const group = account.groupById(id, views.groups);
    return group === undefined ? [] : policiesOf(account, views, group, 'group', group.name);
  });
  const kind = principal.groups === undefined ? 'role' : 'user';
  const boundary =
    principal.boundary === undefined ? undefined : documentOf(account, views, principal.boundary)[0];
  return {
    identity: [...policiesOf(account, views, principal, kind, principal.name), ...groups],
    // A boundary that is gone allows nothing.
    ...(principal.boundary === undefined
      ? {}
      : {
          boundary: boundary ?? {
            id: principal.boundary,
            document: '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}',
          },
        }),
  };
}

/** What the front door knows about a call. */
export interface AuthorizationRequest {
  readonly account: Account;
  readonly views: Views;
  readonly caller: Exclude<Caller, { kind: 'anonymous' }>;
  readonly now: number;
  readonly region: string;
  readonly organizationId: string | undefined;
  readonly serviceControlPolicies: readonly PolicyDocumentSource[];
}

/** Global condition keys of the request (IAM User Guide, AWS global condition context keys). */
function globalContext(request: AuthorizationRequest): Record<string, string | readonly string[]> {
  const { caller, account, now } = request;
  const tags = caller.kind === 'user' ? caller.user.tags : caller.role.tags;
  return {
    'aws:PrincipalArn': caller.kind === 'user' ? caller.arn : account.roleArn(caller.role),
    'aws:PrincipalAccount': account.id,
    'aws:PrincipalType': caller.kind === 'user' ? 'User' : 'AssumedRole',
    'aws:userid': caller.userId,
    ...(caller.kind === 'user' ? { 'aws:username': caller.user.name } : {}),
    'aws:CurrentTime': new Date(now).toISOString(),
    'aws:EpochTime': String(Math.floor(now / 1000)),
    'aws:SourceIp': '127.0.0.1',
    'aws:SecureTransport': 'false',
    'aws:RequestedRegion': request.region,
    ...(caller.session === undefined
      ? {}
      : {
          'aws:TokenIssueTime': new Date(caller.session.issuedAt).toISOString(),
          'aws:MultiFactorAuthPresent': String(caller.session.mfa),
        }),
    ...(request.organizationId === undefined ? {} : { 'aws:PrincipalOrgID': request.organizationId }),
    ...Object.fromEntries(tags.map(({ Key, Value }) => [`aws:PrincipalTag/${Key}`, Value])),
  };
}

/** Throws AccessDenied, in AWS's words, unless every action is allowed on every resource. */
export function authorize(
  request: AuthorizationRequest,
  actions: readonly string[],
  resources: readonly string[],
  context: Readonly<Record<string, string | readonly string[]>> = {},
): void {
  const { caller, account, views } = request;
  const { identity, boundary } = policiesOfPrincipal(
    account,
    views,
    caller.kind === 'user' ? caller.user : caller.role,
  );
  const whole = { ...globalContext(request), ...context };
  const session = (caller.session?.policies ?? []).map((document, index) => ({
    id: `session-policy-${index + 1}`,
    document,
  }));
  for (const action of actions) {
    const ask = (
      identityPolicies: readonly PolicyDocumentSource[],
      limits: { boundary?: PolicyDocumentSource; scps?: readonly PolicyDocumentSource[] } = {},
    ): ReturnType<typeof evaluate> =>
      evaluate({ action, resources, context: whole, identityPolicies, ...limits });
    const all = ask(identity, {
      ...(boundary === undefined ? {} : { boundary }),
      scps: request.serviceControlPolicies,
    });
    const withinSession = session.length === 0 ? 'allowed' : ask(session).decision;
    if (all.decision === 'allowed' && withinSession === 'allowed') {
      continue;
    }
    if (action === 'iam:ChangePassword' && all.decision === 'implicitDeny' && mayChangePassword(account)) {
      continue;
    }
    const why = reason(action, {
      ids: all.decision === 'explicitDeny' ? all.matched : [],
      scps: request.serviceControlPolicies.map(({ id }) => id),
      boundary: boundary?.id,
      identityAllows: ask(identity).decision === 'allowed',
      sessionAllows: withinSession === 'allowed',
      boundaryAllows: boundary === undefined || ask([boundary]).decision === 'allowed',
    });
    throw new AwsError(
      'AccessDenied',
      `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${resources.join(', ')} ${why}`,
    );
  }
}

const mayChangePassword = (account: Account): boolean =>
  account.passwordPolicy?.AllowUsersToChangePassword === true;

function reason(
  action: string,
  facts: {
    readonly ids: readonly string[];
    readonly scps: readonly string[];
    readonly boundary: string | undefined;
    readonly identityAllows: boolean;
    readonly sessionAllows: boolean;
    readonly boundaryAllows: boolean;
  },
): string {
  const [id] = facts.ids;
  if (id !== undefined) {
    if (facts.scps.includes(id)) {
      return 'with an explicit deny in a service control policy';
    }
    return id === facts.boundary
      ? 'with an explicit deny in a permissions boundary'
      : 'with an explicit deny in an identity-based policy';
  }
  if (!facts.identityAllows) {
    return `because no identity-based policy allows the ${action} action`;
  }
  if (!facts.sessionAllows) {
    return `because no session policy allows the ${action} action`;
  }
  return facts.boundaryAllows
    ? `because no service control policy allows the ${action} action`
    : `because no permissions boundary allows the ${action} action`;
}

/** Authorizes a call of IAM. */
export function authorizeIam(
  request: AuthorizationRequest,
  operation: string,
  input: Readonly<Record<string, unknown>>,
  keyOwner: (accessKeyId: string) => string | undefined,
): void {
  const { account, caller } = request;
  const user = (name: string): User | undefined => account.users.get(keyOf(name));
  const needed = iamRequest(operation, input, {
    id: account.id,
    partition: account.partition,
    userArn: (name) => {
      const found = user(name);
      return found === undefined ? account.arn(`user/${name}`) : account.userArn(found);
    },
    groupArn: (name) => {
      const found = account.groups.get(keyOf(name));
      return found === undefined ? account.arn(`group/${name}`) : account.groupArn(found);
    },
    callerName: caller.kind === 'user' ? caller.user.name : undefined,
    userBoundary: (name) => user(name)?.boundary,
    userTags: (name) => Object.fromEntries((user(name)?.tags ?? []).map(({ Key, Value }) => [Key, Value])),
    accessKeyOwner: keyOwner,
  });
  authorize(request, needed.actions, needed.resources, needed.context);
}
