import type { Group, ManagedPolicy, Role, User } from '../state/index.ts';
import type { Handlers, IamContext, Output } from './context.ts';
import { groupsOf } from './groups.ts';
import { page } from './paging.ts';
import {
  encodeDocument,
  groupShape,
  holderShape,
  policyShape,
  roleShape,
  userShape,
  wholeRoleShape,
  wholeUserShape,
} from './shapes.ts';

type Details = Output<'GetAccountAuthorizationDetails'>;
type Item =
  | { readonly user: User }
  | { readonly group: Group }
  | { readonly role: Role }
  | { readonly policy: ManagedPolicy };

function userDetail(context: IamContext, user: User) {
  const { inline, attached } = holderShape(user);
  const { PasswordLastUsed: _, ...base } = userShape(context.account, user);
  const { PermissionsBoundary, Tags } = wholeUserShape(context.account, user);
  return {
    ...base,
    ...(inline.length === 0 ? {} : { UserPolicyList: inline }),
    GroupList: groupsOf(context.account, user, context.views.groups).map(({ name }) => name),
    AttachedManagedPolicies: attached,
    ...(PermissionsBoundary === undefined ? {} : { PermissionsBoundary }),
    Tags: Tags ?? [],
  };
}

function groupDetail(context: IamContext, group: Group) {
  const { inline, attached } = holderShape(group);
  return {
    ...groupShape(context.account, group),
    GroupPolicyList: inline,
    AttachedManagedPolicies: attached,
  };
}

function roleDetail(context: IamContext, role: Role) {
  const { inline, attached } = holderShape(role);
  const { Description: _, MaxSessionDuration: __, ...base } = roleShape(context.account, role);
  const { PermissionsBoundary, Tags, RoleLastUsed } = wholeRoleShape(context.account, role);
  return {
    ...base,
    InstanceProfileList: [],
    RolePolicyList: inline,
    AttachedManagedPolicies: attached,
    ...(PermissionsBoundary === undefined ? {} : { PermissionsBoundary }),
    Tags: Tags ?? [],
    RoleLastUsed,
  };
}

function policyDetail(context: IamContext, policy: ManagedPolicy) {
  return {
    ...policyShape(context.account, policy),
    PolicyVersionList: policy.versions.map((version) => ({
      Document: encodeDocument(version.document),
      VersionId: version.id,
      IsDefaultVersion: version.id === policy.defaultVersion,
      CreateDate: new Date(version.createdAt),
    })),
  };
}

export const details: Handlers<'GetAccountAuthorizationDetails'> = {
  GetAccountAuthorizationDetails(context, input) {
    const { account, views } = context;
    const filter = new Set<string>(input.Filter ?? []);
    const keys = (kind: string, all: () => readonly string[]): readonly string[] =>
      filter.size === 0 || filter.has(kind) ? all() : [];
    const { items, ...rest } = page<Item>(
      [
        {
          keys: keys('User', () => views.users.keys),
          get: (key) => {
            const user = views.users.get(key);
            return user === undefined ? undefined : { user };
          },
        },
        {
          keys: keys('Group', () => views.groups.keys),
          get: (key) => {
            const group = views.groups.get(key);
            return group === undefined ? undefined : { group };
          },
        },
        {
          keys: keys('Role', () => views.roles.keys),
          get: (key) => {
            const role = views.roles.get(key);
            return role === undefined ? undefined : { role };
          },
        },
        {
          keys: keys('LocalManagedPolicy', () => views.policies.keys),
          get: (key) => {
            const policy = views.policies.get(key);
            return policy === undefined ? undefined : { policy };
          },
        },
        {
          keys: keys('AWSManagedPolicy', () => [...account.attachedCataloguePolicies()].sort()),
          get: (arn) => {
            const policy = account.catalogue.get(arn);
            return policy === undefined ? undefined : { policy };
          },
        },
      ],
      input,
      context,
    );
    const result: Required<
      Pick<Details, 'UserDetailList' | 'GroupDetailList' | 'RoleDetailList' | 'Policies'>
    > = {
      UserDetailList: [],
      GroupDetailList: [],
      RoleDetailList: [],
      Policies: [],
    };
    for (const item of items) {
      if ('user' in item) {
        result.UserDetailList?.push(userDetail(context, item.user));
      } else if ('group' in item) {
        result.GroupDetailList?.push(groupDetail(context, item.group));
      } else if ('role' in item) {
        result.RoleDetailList?.push(roleDetail(context, item.role));
      } else {
        result.Policies?.push(policyDetail(context, item.policy));
      }
    }
    return { ...result, ...rest };
  },
};
