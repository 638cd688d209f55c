import { groupIn, need, userToChange, userToRead, type Handlers } from './context.ts';
import { inlineNamed, withInline, withoutInline } from './documents.ts';
import { listed, page } from './paging.ts';
import { encodeDocument } from './shapes.ts';

type Operations =
  | 'PutUserPolicy'
  | 'GetUserPolicy'
  | 'ListUserPolicies'
  | 'DeleteUserPolicy'
  | 'PutGroupPolicy'
  | 'GetGroupPolicy'
  | 'ListGroupPolicies'
  | 'DeleteGroupPolicy';

export const inlinePolicies: Handlers<Operations> = {
  PutUserPolicy(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const inline = withInline(
      user.inline,
      need(input.PolicyName, 'PolicyName'),
      need(input.PolicyDocument, 'PolicyDocument'),
      { kind: 'user', name: user.name },
    );
    context.account.saveUser({ ...user, inline }, user);
    return {};
  },

  GetUserPolicy(context, input) {
    const user = userToRead(context, need(input.UserName, 'UserName'));
    const { name, document } = inlineNamed(user.inline, need(input.PolicyName, 'PolicyName'), 'user');
    return { UserName: user.name, PolicyName: name, PolicyDocument: encodeDocument(document) };
  },

  ListUserPolicies(context, input) {
    const user = userToRead(context, need(input.UserName, 'UserName'));
    const { items, ...rest } = page([listed(user.inline, (policy) => policy.name)], input, context);
    return { PolicyNames: items.map(({ name }) => name), ...rest };
  },

  DeleteUserPolicy(context, input) {
    const user = userToChange(context, need(input.UserName, 'UserName'));
    const inline = withoutInline(user.inline, need(input.PolicyName, 'PolicyName'), 'user');
    context.account.saveUser({ ...user, inline }, user);
    return {};
  },

  PutGroupPolicy({ account }, input) {
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    const inline = withInline(
      group.inline,
      need(input.PolicyName, 'PolicyName'),
      need(input.PolicyDocument, 'PolicyDocument'),
      { kind: 'group', name: group.name },
    );
    account.saveGroup({ ...group, inline }, group);
    return {};
  },

  GetGroupPolicy({ views }, input) {
    const group = groupIn(views.groups, need(input.GroupName, 'GroupName'));
    const { name, document } = inlineNamed(group.inline, need(input.PolicyName, 'PolicyName'), 'group');
    return { GroupName: group.name, PolicyName: name, PolicyDocument: encodeDocument(document) };
  },

  ListGroupPolicies(context, input) {
    const group = groupIn(context.views.groups, need(input.GroupName, 'GroupName'));
    const { items, ...rest } = page([listed(group.inline, (policy) => policy.name)], input, context);
    return { PolicyNames: items.map(({ name }) => name), ...rest };
  },

  DeleteGroupPolicy({ account }, input) {
    const group = groupIn(account.groups, need(input.GroupName, 'GroupName'));
    const inline = withoutInline(group.inline, need(input.PolicyName, 'PolicyName'), 'group');
    account.saveGroup({ ...group, inline }, group);
    return {};
  },
};
