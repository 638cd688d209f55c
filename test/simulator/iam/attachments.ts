import { AwsError, limitExceeded, noSuchEntity } from '../errors.ts';
import type { Group, PolicyHolder, User } from '../state/index.ts';
import {
  groupIn,
  need,
  policyIn,
  userToChange,
  userToRead,
  type Handlers,
  type IamContext,
} from './context.ts';
import { listed, page, type Section } from './paging.ts';
import { attachedShape } from './shapes.ts';

type Operations =
  | 'AttachUserPolicy'
  | 'DetachUserPolicy'
  | 'ListAttachedUserPolicies'
  | 'AttachGroupPolicy'
  | 'DetachGroupPolicy'
  | 'ListAttachedGroupPolicies'
  | 'ListEntitiesForPolicy';

/** Attaching what is attached already changes nothing and succeeds. */
export function withAttached(
  context: IamContext,
  holder: PolicyHolder,
  arn: string,
  quota: { readonly name: string; readonly limit: number },
): readonly string[] {
  const policy = context.account.policy(arn);
  if (policy === undefined) {
    throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
  }
  if (policy.path.startsWith('/aws-service-role/')) {
    throw new AwsError('PolicyNotAttachable', 'Cannot attach a Service Role Policy to a Customer Role.');
  }
  if (holder.attached.includes(arn)) {
    return holder.attached;
  }
  if (holder.attached.length >= quota.limit) {
    throw limitExceeded(`Cannot exceed quota for ${quota.name}: ${quota.limit}`);
  }
  return [...holder.attached, arn];
}

export function withoutAttached(holder: PolicyHolder, arn: string): readonly string[] {
  if (!holder.attached.includes(arn)) {
    throw noSuchEntity(`Policy ${arn} was not found.`);
  }
  return holder.attached.filter((attached) => attached !== arn);
}

/** Attached policies whose path begins with the prefix. */
export function attachedUnder(context: IamContext, holder: PolicyHolder, prefix = '/'): Section<string> {
  const arns = holder.attached.filter((arn) => context.account.policy(arn)?.path.startsWith(prefix) === true);
  return listed(arns, (arn) => arn);
}

export const attachments: Handlers<Operations> = {
  AttachUserPolicy(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const attached = withAttached(context, user, need(input.PolicyArn, 'PolicyArn'), {
      name: 'PoliciesPerUser',
      limit: context.account.quotas.attachedPoliciesPerUser,
    });
    context.account.saveUser({ ...user, attached }, user);
    return {};
  },

  DetachUserPolicy(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const attached = withoutAttached(user, need(input.PolicyArn, 'PolicyArn'));
    context.account.saveUser({ ...user, attached }, user);
    return {};
  },

  ListAttachedUserPolicies(context, input) {
    const user = userToRead(context, need(input.UserName, 'UserName'));
    const { items, ...rest } = page([attachedUnder(context, user, input.PathPrefix)], input, context);
    return { AttachedPolicies: items.map(attachedShape), ...rest };
  },

  AttachGroupPolicy(context, input) {
    const { account } = context;
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    const attached = withAttached(context, group, need(input.PolicyArn, 'PolicyArn'), {
      name: 'PoliciesPerGroup',
      limit: account.quotas.attachedPoliciesPerGroup,
    });
    account.saveGroup({ ...group, attached }, group);
    return {};
  },

  DetachGroupPolicy({ account }, input) {
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    const attached = withoutAttached(group, need(input.PolicyArn, 'PolicyArn'));
    account.saveGroup({ ...group, attached }, group);
    return {};
  },

  ListAttachedGroupPolicies(context, input) {
    const group = groupIn(context.views.groups, need(input.GroupName, 'GroupName'));
    const { items, ...rest } = page([attachedUnder(context, group, input.PathPrefix)], input, context);
    return { AttachedPolicies: items.map(attachedShape), ...rest };
  },

  ListEntitiesForPolicy(context, input) {
    const { views } = context;
    const { arn } = policyIn(context, views.policies, need(input.PolicyArn, 'PolicyArn'));
    const prefix = input.PathPrefix ?? '/';
    const wants = (entity: string): boolean =>
      input.EntityFilter === undefined || input.EntityFilter === entity;
    const asPolicy = input.PolicyUsageFilter !== 'PermissionsBoundary';
    const asBoundary = input.PolicyUsageFilter !== 'PermissionsPolicy';
    const holds = (holder: PolicyHolder & { readonly path: string; readonly boundary?: string }): boolean =>
      holder.path.startsWith(prefix) &&
      ((asPolicy && holder.attached.includes(arn)) || (asBoundary && holder.boundary === arn));
    const { items, ...rest } = page<
      { user: User } | { group: Group } | { role: { readonly name: string; readonly id: string } }
    >(
      [
        {
          keys: wants('User') ? views.users.keys : [],
          get: (key) => {
            const user = views.users.get(key);
            return user !== undefined && holds(user) ? { user } : undefined;
          },
        },
        {
          keys: wants('Group') ? views.groups.keys : [],
          get: (key) => {
            const group = views.groups.get(key);
            return group !== undefined && holds(group) ? { group } : undefined;
          },
        },
        {
          keys: wants('Role') ? views.roles.keys : [],
          get: (key) => {
            const role = views.roles.get(key);
            return role !== undefined && holds(role) ? { role } : undefined;
          },
        },
      ],
      input,
      context,
    );
    return {
      PolicyUsers: items.flatMap((item) =>
        'user' in item ? [{ UserName: item.user.name, UserId: item.user.id }] : [],
      ),
      PolicyGroups: items.flatMap((item) =>
        'group' in item ? [{ GroupName: item.group.name, GroupId: item.group.id }] : [],
      ),
      PolicyRoles: items.flatMap((item) =>
        'role' in item ? [{ RoleName: item.role.name, RoleId: item.role.id }] : [],
      ),
      ...rest,
    };
  },
};
