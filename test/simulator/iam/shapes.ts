import type { Account, Group, ManagedPolicy, PolicyHolder, Role, User } from '../state/index.ts';

/** Percent-encoding by RFC 3986, as IAM sends policy documents. */
export function encodeDocument(document: string): string {
  return encodeURIComponent(document).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What the service sends; the enum of its model has another word. */
const BOUNDARY_TYPE = 'Policy' as string as 'PermissionsBoundaryPolicy';

const boundaryOf = (
  arn: string | undefined,
): {
  PermissionsBoundary?: {
    PermissionsBoundaryType: 'PermissionsBoundaryPolicy';
    PermissionsBoundaryArn: string;
  };
} =>
  arn === undefined
    ? {}
    : { PermissionsBoundary: { PermissionsBoundaryType: BOUNDARY_TYPE, PermissionsBoundaryArn: arn } };

export function userShape(account: Account, user: User) {
  return {
    Path: user.path,
    UserName: user.name,
    UserId: user.id,
    Arn: account.userArn(user),
    CreateDate: new Date(user.createdAt),
    PasswordLastUsed: user.passwordLastUsed === undefined ? undefined : new Date(user.passwordLastUsed),
  };
}

/** With what only GetUser, CreateUser and the authorization details carry. */
export function wholeUserShape(account: Account, user: User) {
  return {
    ...userShape(account, user),
    ...boundaryOf(user.boundary),
    Tags: user.tags.length === 0 ? undefined : [...user.tags],
  };
}

export function groupShape(account: Account, group: Group) {
  return {
    Path: group.path,
    GroupName: group.name,
    GroupId: group.id,
    Arn: account.groupArn(group),
    CreateDate: new Date(group.createdAt),
  };
}

export function roleShape(account: Account, role: Role) {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: account.roleArn(role),
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: encodeDocument(role.trust),
    Description: role.description,
    MaxSessionDuration: role.maxSessionSeconds,
  };
}

export function wholeRoleShape(account: Account, role: Role) {
  return {
    ...roleShape(account, role),
    ...boundaryOf(role.boundary),
    Tags: role.tags.length === 0 ? undefined : [...role.tags],
    RoleLastUsed:
      role.lastUsed === undefined
        ? {}
        : { LastUsedDate: new Date(role.lastUsed.at), Region: role.lastUsed.region },
  };
}

export function policyShape(account: Account, policy: ManagedPolicy) {
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersion,
    AttachmentCount: account.attachmentCount(policy.arn),
    PermissionsBoundaryUsageCount: account.boundaryCount(policy.arn),
    IsAttachable: true,
    CreateDate: new Date(policy.createdAt),
    UpdateDate: new Date(policy.updatedAt),
  };
}

export function attachedShape(arn: string) {
  return { PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn };
}

/** Inline and attached policies, as the authorization details carry them. */
export function holderShape(holder: PolicyHolder) {
  return {
    inline: holder.inline.map(({ name, document }) => ({
      PolicyName: name,
      PolicyDocument: encodeDocument(document),
    })),
    attached: holder.attached.map(attachedShape),
  };
}
