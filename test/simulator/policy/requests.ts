type ResourceType =
  | 'user'
  | 'group'
  | 'policy'
  | 'role'
  | 'instance-profile'
  | 'mfa'
  | 'server-certificate'
  | 'saml-provider'
  | 'oidc-provider'
  | 'access-report'
  | 'delegation-request';

/**
 * The resource type each IAM action is authorized on; actions that are not here know only `*`
 * (Service Authorization Reference: list_awsidentityandaccessmanagementiam).
 */
const actionsOnType: Readonly<Record<ResourceType, string>> = {
  user: `AttachUserPolicy ChangePassword CreateAccessKey CreateLoginProfile CreateServiceSpecificCredential
    CreateUser DeactivateMFADevice DeleteAccessKey DeleteLoginProfile DeleteSSHPublicKey
    DeleteServiceSpecificCredential DeleteSigningCertificate DeleteUser DeleteUserPermissionsBoundary
    DeleteUserPolicy DetachUserPolicy EnableMFADevice GetAccessKeyLastUsed GetLoginProfile GetMFADevice
    GetSSHPublicKey GetUser GetUserPolicy ListAccessKeys ListAttachedUserPolicies ListGroupsForUser
    ListMFADevices ListSSHPublicKeys ListServiceSpecificCredentials ListSigningCertificates ListUserPolicies
    ListUserTags PutUserPermissionsBoundary PutUserPolicy ResetServiceSpecificCredential ResyncMFADevice
    TagUser UntagUser UpdateAccessKey UpdateLoginProfile UpdateSSHPublicKey UpdateServiceSpecificCredential
    UpdateSigningCertificate UpdateUser UploadSSHPublicKey UploadSigningCertificate`,
  group: `AddUserToGroup AttachGroupPolicy CreateGroup DeleteGroup DeleteGroupPolicy DetachGroupPolicy
    GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies PutGroupPolicy RemoveUserFromGroup
    UpdateGroup`,
  policy: `CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion
    ListEntitiesForPolicy ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy UntagPolicy`,
  role: `AttachRolePolicy CreateRole CreateServiceLinkedRole DeleteRole DeleteRolePermissionsBoundary
    DeleteRolePolicy DeleteServiceLinkedRole DetachRolePolicy GetRole GetRolePolicy
    GetServiceLinkedRoleDeletionStatus ListAttachedRolePolicies ListInstanceProfilesForRole ListRolePolicies
    ListRoleTags PutRolePermissionsBoundary PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole
    UpdateRoleDescription`,
  'instance-profile': `AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile
    GetInstanceProfile ListInstanceProfileTags RemoveRoleFromInstanceProfile TagInstanceProfile
    UntagInstanceProfile`,
  mfa: 'CreateVirtualMFADevice DeleteVirtualMFADevice ListMFADeviceTags TagMFADevice UntagMFADevice',
  'server-certificate': `DeleteServerCertificate GetServerCertificate ListServerCertificateTags
    TagServerCertificate UntagServerCertificate UpdateServerCertificate UploadServerCertificate`,
  'saml-provider': `CreateSAMLProvider DeleteSAMLProvider GetSAMLProvider ListSAMLProviderTags
    TagSAMLProvider UntagSAMLProvider UpdateSAMLProvider`,
  'oidc-provider': `AddClientIDToOpenIDConnectProvider CreateOpenIDConnectProvider
    DeleteOpenIDConnectProvider GetOpenIDConnectProvider ListOpenIDConnectProviderTags
    RemoveClientIDFromOpenIDConnectProvider TagOpenIDConnectProvider UntagOpenIDConnectProvider
    UpdateOpenIDConnectProviderThumbprint`,
  'access-report': 'GenerateOrganizationsAccessReport',
  'delegation-request': `AcceptDelegationRequest AssociateDelegationRequest CreateDelegationRequest
    GetDelegationRequest RejectDelegationRequest SendDelegationToken`,
};

const resourceTypes: ReadonlyMap<string, ResourceType> = new Map(
  Object.entries(actionsOnType).flatMap(([type, actions]) =>
    actions.split(/\s+/u).map((action): [string, ResourceType] => [action, type as ResourceType]),
  ),
);

/** Creations that need the action of tagging too when the request carries tags (IAM User Guide: id_tags). */
const tagActions: Readonly<Record<string, string>> = {
  CreateUser: 'TagUser',
  CreateRole: 'TagRole',
  CreatePolicy: 'TagPolicy',
  CreateInstanceProfile: 'TagInstanceProfile',
  CreateVirtualMFADevice: 'TagMFADevice',
  CreateSAMLProvider: 'TagSAMLProvider',
  CreateOpenIDConnectProvider: 'TagOpenIDConnectProvider',
  UploadServerCertificate: 'TagServerCertificate',
};

/** Actions whose condition key iam:PermissionsBoundary is the boundary that the user has already. */
const onBoundedUser: ReadonlySet<string> = new Set([
  'AttachUserPolicy',
  'DeleteUserPermissionsBoundary',
  'DeleteUserPolicy',
  'DetachUserPolicy',
  'PutUserPolicy',
]);

/** What `iamRequest` asks of the account that is called. */
export interface RequestAccount {
  readonly id: string;
  readonly partition: string;
  /** ARN of the user of this name, with its path; of a name that does not exist, with path `/`. */
  userArn(name: string): string;
  groupArn(name: string): string;
  /** The user that a request without UserName is about: the caller. Without it such requests are about `*`. */
  readonly callerName?: string | undefined;
  /** ARN of the user's permissions boundary, for `iam:PermissionsBoundary` of writes to a user that has one. */
  userBoundary?(name: string): string | undefined;
  /** Tags of the user, for `aws:ResourceTag/…` and `iam:ResourceTag/…`. */
  userTags?(name: string): Readonly<Record<string, string>>;
  /** Name of the user that owns an access key, for requests that name the key only. */
  accessKeyOwner?(accessKeyId: string): string | undefined;
}

/**
 * What IAM authorizes a request by: every action in `actions` must be allowed on every one of
 * `resources` in `context` (Service Authorization Reference: list_awsidentityandaccessmanagementiam).
 */
export function iamRequest(
  operation: string,
  input: Record<string, unknown>,
  account: RequestAccount,
): { actions: string[]; resources: string[]; context: Record<string, string | string[]> } {
  const userName = userNameOf(operation, input, account);
  const tags = tagsOf(input['Tags']);
  const tagAction = tagActions[operation];
  return {
    actions: [
      `iam:${operation}`,
      ...(tagAction !== undefined && tags.length > 0 ? [`iam:${tagAction}`] : []),
    ],
    resources: resourcesOf(operation, input, account, userName),
    context: contextOf(operation, input, account, userName, tags),
  };
}

function userNameOf(
  operation: string,
  input: Record<string, unknown>,
  account: RequestAccount,
): string | undefined {
  if (resourceTypes.get(operation) !== 'user') {
    return undefined;
  }
  const keyId = text(input['AccessKeyId']);
  return (
    text(input['UserName']) ??
    (operation === 'GetAccessKeyLastUsed' && keyId !== undefined
      ? account.accessKeyOwner?.(keyId)
      : account.callerName)
  );
}

function resourcesOf(
  operation: string,
  input: Record<string, unknown>,
  account: RequestAccount,
  userName: string | undefined,
): string[] {
  const type = resourceTypes.get(operation);
  if (type === undefined) {
    return ['*'];
  }
  const creating = /^(?:Create|Upload)/u.test(operation);
  if (type === 'user' && operation !== 'CreateUser') {
    return userName === undefined ? ['*'] : moved(account.userArn(userName), type, input);
  }
  if (type === 'group' && !creating) {
    return moved(account.groupArn(text(input['GroupName']) ?? '*'), type, input);
  }
  const arn = creating ? undefined : text(input[arnMembers[type] ?? '']);
  const name = text(input[nameMembers[type]])?.replace(/^https?:\/\//u, '');
  const path = pathless.has(type) ? '/' : (text(input['Path']) ?? '/');
  if (arn === undefined && name === undefined) {
    return ['*'];
  }
  return [arn ?? `arn:${account.partition}:iam::${account.id}:${type}${path}${name}`];
}

/** Members that carry the ARN of what a request is about. */
const arnMembers: Readonly<Partial<Record<ResourceType, string>>> = {
  policy: 'PolicyArn',
  mfa: 'SerialNumber',
  'saml-provider': 'SAMLProviderArn',
  'oidc-provider': 'OpenIDConnectProviderArn',
};

/** Members that carry the name of what a request makes or is about. */
const nameMembers: Readonly<Record<ResourceType, string>> = {
  user: 'UserName',
  group: 'GroupName',
  policy: 'PolicyName',
  role: 'RoleName',
  'instance-profile': 'InstanceProfileName',
  mfa: 'VirtualMFADeviceName',
  'server-certificate': 'ServerCertificateName',
  'saml-provider': 'Name',
  'oidc-provider': 'Url',
  'access-report': 'EntityPath',
  'delegation-request': 'DelegationRequestId',
};

const pathless: ReadonlySet<ResourceType> = new Set([
  'saml-provider',
  'oidc-provider',
  'access-report',
  'delegation-request',
]);

/** A rename or move is authorized on what the entity is and on what it becomes (API_UpdateUser, API_UpdateGroup). */
function moved(arn: string, kind: 'user' | 'group', input: Record<string, unknown>): string[] {
  const newPath = text(input['NewPath']);
  const newName = text(input['NewUserName']) ?? text(input['NewGroupName']);
  if (newPath === undefined && newName === undefined) {
    return [arn];
  }
  const start = arn.indexOf(`:${kind}/`) + kind.length + 1;
  const slash = arn.lastIndexOf('/');
  const target = `${arn.slice(0, start)}${newPath ?? arn.slice(start, slash + 1)}${newName ?? arn.slice(slash + 1)}`;
  return target === arn ? [arn] : [arn, target];
}

function contextOf(
  operation: string,
  input: Record<string, unknown>,
  account: RequestAccount,
  userName: string | undefined,
  tags: readonly (readonly [string, string])[],
): Record<string, string | string[]> {
  const context: Record<string, string | string[]> = {};
  const set = (key: string, value: string | undefined): void => {
    if (value !== undefined) {
      context[key] = value;
    }
  };
  if (/^(?:Attach|Detach)(?:User|Group|Role)Policy$/u.test(operation)) {
    set('iam:PolicyARN', text(input['PolicyArn']));
  }
  set('iam:PermissionsBoundary', text(input['PermissionsBoundary']));
  set('iam:ServiceSpecificCredentialServiceName', serviceName(operation, input));
  set('iam:ServiceSpecificCredentialAgeDays', number(input['CredentialAgeDays']));
  set('iam:AWSServiceName', text(input['AWSServiceName']));
  if (userName !== undefined && operation !== 'CreateUser') {
    if (onBoundedUser.has(operation)) {
      set('iam:PermissionsBoundary', account.userBoundary?.(userName));
    }
    for (const [key, value] of Object.entries(account.userTags?.(userName) ?? {})) {
      set(`aws:ResourceTag/${key}`, value);
      set(`iam:ResourceTag/${key}`, value);
    }
  }
  for (const [key, value] of tags) {
    set(`aws:RequestTag/${key}`, value);
  }
  const removed = Array.isArray(input['TagKeys']) ? input['TagKeys'].map(String) : [];
  const tagKeys = [...tags.map(([key]) => key), ...removed];
  if (tagKeys.length > 0) {
    context['aws:TagKeys'] = tagKeys;
  }
  return context;
}

function serviceName(operation: string, input: Record<string, unknown>): string | undefined {
  return operation === 'CreateServiceSpecificCredential' ? text(input['ServiceName']) : undefined;
}

function tagsOf(value: unknown): (readonly [string, string])[] {
  return Array.isArray(value)
    ? (value as readonly Record<string, unknown>[]).map((tag) => [
        text(tag['Key']) ?? '',
        text(tag['Value']) ?? '',
      ])
    : [];
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const number = (value: unknown): string | undefined =>
  typeof value === 'number' ? String(value) : undefined;
