import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity } from '../errors.ts';
import { keyOf, type User } from '../state/index.ts';
import { need, userToChange, userToRead, type Handlers, type IamContext } from './context.ts';
import { listed, page } from './paging.ts';
import { userShape, wholeUserShape } from './shapes.ts';
import { withoutTags, withTags } from './tagging.ts';

type Operations =
  | 'CreateUser'
  | 'GetUser'
  | 'ListUsers'
  | 'UpdateUser'
  | 'DeleteUser'
  | 'TagUser'
  | 'UntagUser'
  | 'ListUserTags'
  | 'PutUserPermissionsBoundary'
  | 'DeleteUserPermissionsBoundary';

/** A user as CreateUser makes it, without any credential. */
export function newUser(fields: Pick<User, 'id' | 'name' | 'path' | 'createdAt' | 'tags'>): User {
  return {
    ...fields,
    inline: [],
    attached: [],
    accessKeys: [],
    mfa: [],
    sshKeys: [],
    certificates: [],
    serviceCredentials: [],
    groups: [],
  };
}

/** What keeps a user from being deleted, in the words of AWS; the order in which AWS looks is not documented. */
function conflict(user: User): string | undefined {
  const found = [
    [user.groups.length > 0, 'must remove users from group first'],
    [user.attached.length > 0, 'must detach all policies first'],
    [user.inline.length > 0, 'must delete policies first'],
    [user.login !== undefined, 'must delete login profile first'],
    [user.accessKeys.length > 0, 'must delete access keys first'],
    [user.mfa.length > 0, 'must delete MFA device first'],
    [user.certificates.length > 0, 'must delete certificates first'],
    [user.sshKeys.length > 0 || user.serviceCredentials.length > 0, 'must remove referenced objects first'],
  ] as const;
  return found.find(([holds]) => holds)?.[1];
}

function checkBoundary(context: IamContext, arn: string): string {
  if (context.account.policy(arn) === undefined) {
    throw noSuchEntity(`Scope ARN: ${arn} does not exist or is not attachable.`);
  }
  return arn;
}

export const users: Handlers<Operations> = {
  CreateUser(context, input) {
    const { account, now } = context;
    const name = need(input.UserName, 'UserName');
    if (account.users.has(keyOf(name))) {
      throw alreadyExists(`User with name ${name} already exists.`);
    }
    if (account.users.size >= account.quotas.users) {
      throw limitExceeded(`Cannot exceed quota for UsersPerAccount: ${account.quotas.users}`);
    }
    const tags = withTags([], input.Tags);
    const boundary =
      input.PermissionsBoundary === undefined
        ? {}
        : { boundary: checkBoundary(context, input.PermissionsBoundary) };
    const id = account.random.id('AIDA', 21);
    const user = { ...newUser({ id, name, path: input.Path ?? '/', createdAt: now, tags }), ...boundary };
    account.saveUser(user);
    return { User: wholeUserShape(account, user) };
  },

  GetUser(context, input) {
    return { User: wholeUserShape(context.account, userToRead(context, input.UserName)) };
  },

  ListUsers(context, input) {
    const { views, account } = context;
    const prefix = input.PathPrefix ?? '/';
    const { items, ...rest } = page(
      [
        {
          keys: views.users.keys,
          get: (key) => {
            const user = views.users.get(key);
            return user?.path.startsWith(prefix) === true ? user : undefined;
          },
        },
      ],
      input,
      context,
    );
    return { Users: items.map((user) => userShape(account, user)), ...rest };
  },

  UpdateUser(context, input) {
    const { account } = context;
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const name = input.NewUserName;
    if (name !== undefined && account.users.has(keyOf(name))) {
      throw alreadyExists(`User with name ${name} already exists.`);
    }
    account.saveUser({ ...user, name: name ?? user.name, path: input.NewPath ?? user.path }, user);
    return {};
  },

  DeleteUser(context, input) {
    const user = userToChange(context, input.UserName);
    const reason = conflict(user);
    if (reason !== undefined) {
      throw deleteConflict(`Cannot delete entity, ${reason}.`);
    }
    context.account.deleteUser(user);
    return {};
  },

  TagUser(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    context.account.saveUser({ ...user, tags: withTags(user.tags, input.Tags) }, user);
    return {};
  },

  UntagUser(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    context.account.saveUser({ ...user, tags: withoutTags(user.tags, input.TagKeys) }, user);
    return {};
  },

  ListUserTags(context, input) {
    const user = userToRead(context, need(input.UserName, 'UserName'));
    const { items, ...rest } = page([listed(user.tags, (tag) => keyOf(tag.Key))], input, context);
    return { Tags: [...items], ...rest };
  },

  PutUserPermissionsBoundary(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const boundary = checkBoundary(context, need(input.PermissionsBoundary, 'PermissionsBoundary'));
    context.account.saveUser({ ...user, boundary }, user);
    return {};
  },

  DeleteUserPermissionsBoundary(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const { boundary, ...rest } = user;
    if (boundary === undefined) {
      throw noSuchEntity(`The user ${user.name} has no permissions boundary.`);
    }
    context.account.saveUser(rest, user);
    return {};
  },
};
