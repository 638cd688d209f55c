import type { Account } from '../state/index.ts';
import type { TrailEvent } from './trail.ts';

/** Members that CloudTrail never shows. */
const HIDDEN: ReadonlySet<string> = new Set([
  'Password',
  'OldPassword',
  'NewPassword',
  'SecretAccessKey',
  'ServicePassword',
  'SessionToken',
  'Base32StringSeed',
  'QRCodePNG',
  'AuthenticationCode1',
  'AuthenticationCode2',
  'WebIdentityToken',
  'TokenCode',
]);

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** CloudTrail writes members in lower camel case. */
function camel(value: unknown): unknown {
  if (value instanceof Date) {
    return value.toISOString();
  }
  if (Array.isArray(value)) {
    return value.map(camel);
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => [
          lowerFirst(name),
          HIDDEN.has(name) ? 'HIDDEN_DUE_TO_SECURITY_REASONS' : camel(member),
        ]),
    );
  }
  return value;
}

function identityOf(account: Account, event: TrailEvent): Record<string, unknown> {
  const { caller } = event;
  const base = {
    principalId: caller.userId,
    arn: caller.arn,
    accountId: account.id,
    accessKeyId: caller.accessKeyId,
  };
  if (caller.kind === 'anonymous') {
    return { type: 'WebIdentityUser', principalId: caller.userId };
  }
  if (caller.kind === 'user') {
    return { type: 'IAMUser', ...base, userName: caller.user.name };
  }
  const issuer = {
    type: 'Role',
    principalId: caller.role.id,
    arn: account.roleArn(caller.role),
    accountId: account.id,
    userName: caller.role.name,
  };
  return { type: 'AssumedRole', ...base, sessionContext: { sessionIssuer: issuer } };
}

/** The name that LookupEvents searches by: the user's, or the session's of a role. */
export function usernameOf({ caller }: TrailEvent): string {
  if (caller.kind === 'user') {
    return caller.user.name;
  }
  return caller.kind === 'role' ? caller.sessionName : caller.userId;
}

interface Resource {
  readonly ResourceType: string;
  readonly ResourceName: string;
}

const NAMED: readonly (readonly [member: string, type: string])[] = [
  ['UserName', 'AWS::IAM::User'],
  ['NewUserName', 'AWS::IAM::User'],
  ['GroupName', 'AWS::IAM::Group'],
  ['NewGroupName', 'AWS::IAM::Group'],
  ['RoleName', 'AWS::IAM::Role'],
  ['RoleArn', 'AWS::IAM::Role'],
  ['PolicyArn', 'AWS::IAM::Policy'],
  ['PolicyName', 'AWS::IAM::Policy'],
  ['PermissionsBoundary', 'AWS::IAM::Policy'],
  ['AccessKeyId', 'AWS::IAM::AccessKey'],
  ['SerialNumber', 'AWS::IAM::MfaDevice'],
];

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** What an event is about, by names in the request and ids in the reply. */
export function resourcesOf(event: TrailEvent): readonly Resource[] {
  const user = field(event.output, 'User');
  const key = field(event.output, 'AccessKey');
  const found = [
    ...NAMED.map(([member, type]) => [type, field(event.input, member)] as const),
    ['AWS::IAM::User', field(user, 'UserId')] as const,
    ['AWS::IAM::User', field(user, 'Arn')] as const,
    ['AWS::IAM::AccessKey', field(key, 'AccessKeyId')] as const,
    ['AWS::IAM::User', field(key, 'UserName')] as const,
  ];
  const seen = new Set<string>();
  return found.flatMap(([ResourceType, name]) => {
    if (typeof name !== 'string' || seen.has(name)) {
      return [];
    }
    seen.add(name);
    return [{ ResourceType, ResourceName: name }];
  });
}

/** The JSON text of an event (CloudTrail User Guide, "CloudTrail record contents"). */
export function recordOf(account: Account, event: TrailEvent): string {
  const mayChange = !event.readOnly && event.error === undefined;
  return JSON.stringify({
    eventVersion: '1.11',
    userIdentity: identityOf(account, event),
    eventTime: `${new Date(event.at).toISOString().slice(0, 19)}Z`,
    eventSource: event.source,
    eventName: event.name,
    awsRegion: event.region,
    sourceIPAddress: '127.0.0.1',
    userAgent: event.userAgent,
    ...(event.error === undefined ? {} : { errorCode: event.error.code, errorMessage: event.error.message }),
    requestParameters: event.error?.code === 'AccessDenied' ? null : camel(event.input),
    responseElements: mayChange && Object.keys(event.output ?? {}).length > 0 ? camel(event.output) : null,
    requestID: event.requestId,
    eventID: event.id,
    readOnly: event.readOnly,
    eventType: event.source === 'signin.amazonaws.com' ? 'AwsConsoleSignIn' : 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: account.id,
    eventCategory: 'Management',
  });
}
