import { alreadyExists, deleteConflict, noSuchEntity } from '../errors.ts';
import { keyOf, type Role, type Views } from '../state/index.ts';
import { attachedUnder, withAttached, withoutAttached } from './attachments.ts';
import { need, type Handlers } from './context.ts';
import { inlineNamed, withInline, withoutInline } from './documents.ts';
import { listed, page } from './paging.ts';
import { attachedShape, encodeDocument, roleShape, wholeRoleShape } from './shapes.ts';
import { withTags } from './tagging.ts';
import { checkTrust } from '../trust.ts';

type Operations =
  | 'CreateRole'
  | 'GetRole'
  | 'ListRoles'
  | 'DeleteRole'
  | 'UpdateAssumeRolePolicy'
  | 'PutRolePolicy'
  | 'GetRolePolicy'
  | 'ListRolePolicies'
  | 'DeleteRolePolicy'
  | 'AttachRolePolicy'
  | 'DetachRolePolicy'
  | 'ListAttachedRolePolicies';

const ATTACHED_QUOTA = { name: 'PoliciesPerRole', limit: 10 };

function roleIn(roles: Views['roles'], name: string | undefined): Role {
  const role = roles.get(keyOf(need(name, 'RoleName')));
  if (role === undefined) {
    throw noSuchEntity(`The role with name ${name} cannot be found.`);
  }
  return role;
}

export const roles: Handlers<Operations> = {
  CreateRole({ account, now }, input) {
    const name = need(input.RoleName, 'RoleName');
    if (account.roles.has(keyOf(name))) {
      throw alreadyExists(`Role with name ${name} already exists.`);
    }
    const role: Role = {
      id: account.random.id('AROA', 21),
      name,
      path: input.Path ?? '/',
      createdAt: now,
      trust: checkTrust(need(input.AssumeRolePolicyDocument, 'AssumeRolePolicyDocument')),
      ...(input.Description === undefined ? {} : { description: input.Description }),
      maxSessionSeconds: input.MaxSessionDuration ?? 3_600,
      tags: withTags([], input.Tags),
      ...(input.PermissionsBoundary === undefined ? {} : { boundary: input.PermissionsBoundary }),
      inline: [],
      attached: [],
    };
    account.saveRole(role);
    return { Role: roleShape(account, role) };
  },

  GetRole({ account, views }, input) {
    return { Role: wholeRoleShape(account, roleIn(views.roles, input.RoleName)) };
  },

  ListRoles(context, input) {
    const { account, views } = context;
    const prefix = input.PathPrefix ?? '/';
    const get = (key: string): Role | undefined => {
      const role = views.roles.get(key);
      return role?.path.startsWith(prefix) === true ? role : undefined;
    };
    const { items, ...rest } = page([{ keys: views.roles.keys, get }], input, context);
    return { Roles: items.map((role) => roleShape(account, role)), ...rest };
  },

  DeleteRole({ account }, input) {
    const role = roleIn(account.roles, input.RoleName);
    if (role.attached.length > 0) {
      throw deleteConflict('Cannot delete entity, must detach all policies first.');
    }
    if (role.inline.length > 0) {
      throw deleteConflict('Cannot delete entity, must delete policies first.');
    }
    account.deleteRole(role);
    return {};
  },

  UpdateAssumeRolePolicy({ account }, input) {
    const role = roleIn(account.roles, input.RoleName);
    account.saveRole({ ...role, trust: checkTrust(need(input.PolicyDocument, 'PolicyDocument')) }, role);
    return {};
  },

  PutRolePolicy({ account }, input) {
    const role = roleIn(account.roles, input.RoleName);
    const inline = withInline(
      role.inline,
      need(input.PolicyName, 'PolicyName'),
      need(input.PolicyDocument, 'PolicyDocument'),
      { kind: 'role', name: role.name },
    );
    account.saveRole({ ...role, inline }, role);
    return {};
  },

  GetRolePolicy({ views }, input) {
    const role = roleIn(views.roles, input.RoleName);
    const { name, document } = inlineNamed(role.inline, need(input.PolicyName, 'PolicyName'), 'role');
    return { RoleName: role.name, PolicyName: name, PolicyDocument: encodeDocument(document) };
  },

  ListRolePolicies(context, input) {
    const role = roleIn(context.views.roles, input.RoleName);
    const { items, ...rest } = page([listed(role.inline, (policy) => policy.name)], input, context);
    return { PolicyNames: items.map(({ name }) => name), ...rest };
  },

  DeleteRolePolicy({ account }, input) {
    const role = roleIn(account.roles, input.RoleName);
    const inline = withoutInline(role.inline, need(input.PolicyName, 'PolicyName'), 'role');
    account.saveRole({ ...role, inline }, role);
    return {};
  },

  AttachRolePolicy(context, input) {
    const { account } = context;
    const role = roleIn(account.roles, input.RoleName);
    const attached = withAttached(context, role, need(input.PolicyArn, 'PolicyArn'), ATTACHED_QUOTA);
    account.saveRole({ ...role, attached }, role);
    return {};
  },

  DetachRolePolicy({ account }, input) {
    const role = roleIn(account.roles, input.RoleName);
    account.saveRole({ ...role, attached: withoutAttached(role, need(input.PolicyArn, 'PolicyArn')) }, role);
    return {};
  },

  ListAttachedRolePolicies(context, input) {
    const role = roleIn(context.views.roles, input.RoleName);
    const { items, ...rest } = page([attachedUnder(context, role, input.PathPrefix)], input, context);
    return { AttachedPolicies: items.map(attachedShape), ...rest };
  },
};
