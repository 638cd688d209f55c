import { alreadyExists, deleteConflict, limitExceeded } from '../errors.ts';
import { keyOf, type Account, type Group, type User, type Views } from '../state/index.ts';
import { groupIn, need, userToChange, userToRead, type Handlers } from './context.ts';
import { listed, page } from './paging.ts';
import { groupShape, userShape } from './shapes.ts';

type Operations =
  | 'CreateGroup'
  | 'GetGroup'
  | 'ListGroups'
  | 'UpdateGroup'
  | 'DeleteGroup'
  | 'AddUserToGroup'
  | 'RemoveUserFromGroup'
  | 'ListGroupsForUser';

function membersOf(users: Views['users'], group: Group): readonly User[] {
  return users.keys.flatMap((key) => {
    const user = users.get(key);
    return user?.groups.includes(group.id) === true ? [user] : [];
  });
}

/** Groups of a user, by name. */
export function groupsOf(account: Account, user: User, groups: Views['groups']): readonly Group[] {
  return user.groups.flatMap((id) => {
    const group = account.groupById(id, groups);
    return group === undefined ? [] : [group];
  });
}

export const groups: Handlers<Operations> = {
  CreateGroup({ account, now }, input) {
    const name = need(input.GroupName, 'GroupName');
    if (account.groups.has(keyOf(name))) {
      throw alreadyExists(`Group with name ${name} already exists.`);
    }
    if (account.groups.size >= account.quotas.groups) {
      throw limitExceeded(`Cannot exceed quota for GroupsPerAccount: ${account.quotas.groups}`);
    }
    const group: Group = {
      id: account.random.id('AGPA', 21),
      name,
      path: input.Path ?? '/',
      createdAt: now,
      inline: [],
      attached: [],
    };
    account.saveGroup(group);
    return { Group: groupShape(account, group) };
  },

  GetGroup(context, input) {
    const { account, views } = context;
    const group = groupIn(views.groups, need(input.GroupName, 'GroupName'));
    const members = listed(membersOf(views.users, group), (user) => keyOf(user.name));
    const { items, ...rest } = page([members], input, context);
    return {
      Group: groupShape(account, group),
      Users: items.map((user) => userShape(account, user)),
      ...rest,
    };
  },

  ListGroups(context, input) {
    const { account, views } = context;
    const prefix = input.PathPrefix ?? '/';
    const get = (key: string): Group | undefined => {
      const group = views.groups.get(key);
      return group?.path.startsWith(prefix) === true ? group : undefined;
    };
    const { items, ...rest } = page([{ keys: views.groups.keys, get }], input, context);
    return { Groups: items.map((group) => groupShape(account, group)), ...rest };
  },

  UpdateGroup({ account }, input) {
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    const name = input.NewGroupName;
    if (name !== undefined && account.groups.has(keyOf(name))) {
      throw alreadyExists(`Group with name ${name} already exists.`);
    }
    account.saveGroup({ ...group, name: name ?? group.name, path: input.NewPath ?? group.path }, group);
    return {};
  },

  DeleteGroup({ account }, input) {
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    if (group.attached.length > 0) {
      throw deleteConflict('Cannot delete entity, must detach all policies first.');
    }
    if (group.inline.length > 0) {
      throw deleteConflict('Cannot delete entity, must delete policies first.');
    }
    if (membersOf(account.users, group).length > 0) {
      throw deleteConflict('Cannot delete entity, must remove users from group first.');
    }
    account.deleteGroup(group);
    return {};
  },

  AddUserToGroup(context, input) {
    const { account } = context;
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    const user = userToChange(context, need(input.UserName, 'UserName'));
    if (user.groups.includes(group.id)) {
      return {};
    }
    if (user.groups.length >= account.quotas.groupsPerUser) {
      throw limitExceeded(`Cannot exceed quota for GroupsPerUser: ${account.quotas.groupsPerUser}`);
    }
    account.saveUser({ ...user, groups: [...user.groups, group.id] }, user);
    return {};
  },

  RemoveUserFromGroup(context, input) {
    const { account } = context;
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    const user = userToChange(context, need(input.UserName, 'UserName'));
    account.saveUser({ ...user, groups: user.groups.filter((id) => id !== group.id) }, user);
    return {};
  },

  ListGroupsForUser(context, input) {
    const { account, views } = context;
    const user = userToRead(context, need(input.UserName, 'UserName'));
    const found = listed(groupsOf(account, user, views.groups), (group) => keyOf(group.name));
    const { items, ...rest } = page([found], input, context);
    return { Groups: items.map((group) => groupShape(account, group)), ...rest };
  },
};
