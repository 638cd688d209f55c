import type { Output, Scenario, Step } from '../types.ts';

const group = (name: string): Record<string, string> => ({ GroupName: name });
const member = (groupName: string, userName: string): Record<string, string> => ({
  GroupName: groupName,
  UserName: userName,
});

const groupsOf = (output: Output): { Path: string }[] => output['Groups'] as { Path: string }[];

const groupsScenario: Scenario = {
  name: 'groups',
  steps: [
    {
      name: 'groups: create',
      call: 'iam.CreateGroup',
      input: { ...group('Readers'), Path: '/contract/groups/' },
    },
    { name: 'groups: create twice', call: 'iam.CreateGroup', input: group('Readers') },
    { name: 'groups: create twice in another case', call: 'iam.CreateGroup', input: group('READERS') },
    { name: 'groups: create with a space', call: 'iam.CreateGroup', input: group('a b') },
    { name: 'groups: create with 129 characters', call: 'iam.CreateGroup', input: group('g'.repeat(129)) },
    { name: 'groups: create a user', call: 'iam.CreateUser', input: { UserName: 'reader' } },
    { name: 'groups: get an empty one', call: 'iam.GetGroup', input: group('Readers') },
    { name: 'groups: get none', call: 'iam.GetGroup', input: group('nothing') },
    { name: 'groups: add a user', call: 'iam.AddUserToGroup', input: member('Readers', 'reader') },
    { name: 'groups: add a user twice', call: 'iam.AddUserToGroup', input: member('Readers', 'reader') },
    { name: 'groups: add nobody', call: 'iam.AddUserToGroup', input: member('Readers', 'nobody') },
    { name: 'groups: add to nothing', call: 'iam.AddUserToGroup', input: member('nothing', 'reader') },
    { name: 'groups: get with its user', call: 'iam.GetGroup', input: group('Readers') },
    { name: 'groups: of the user', call: 'iam.ListGroupsForUser', input: { UserName: 'reader' } },
    { name: 'groups: of nobody', call: 'iam.ListGroupsForUser', input: { UserName: 'nobody' } },
    {
      name: 'groups: list under a path',
      call: 'iam.ListGroups',
      input: { PathPrefix: '/contract/groups/' },
      view: (output) => groupsOf(output).filter((entry) => entry.Path === '/contract/groups/'),
    },
    {
      name: 'groups: list under a path nothing else',
      call: 'iam.ListGroups',
      input: { PathPrefix: '/contract/groups/' },
      view: (output) => groupsOf(output).some((entry) => entry.Path === '/'),
    },
    {
      name: 'groups: the form of the id',
      call: 'iam.GetGroup',
      input: group('Readers'),
      view: (output) => /^AGPA[A-Z0-9]{17}$/u.test((output['Group'] as { GroupId: string }).GroupId),
    },
    {
      name: 'groups: rename and move',
      call: 'iam.UpdateGroup',
      input: { ...group('Readers'), NewGroupName: 'Writers', NewPath: '/contract/moved/' },
    },
    { name: 'groups: get renamed', call: 'iam.GetGroup', input: group('Writers') },
    {
      name: 'groups: membership outlives the rename',
      call: 'iam.ListGroupsForUser',
      input: { UserName: 'reader' },
    },
    { name: 'groups: create one to keep', call: 'iam.CreateGroup', input: group('Kept') },
    { name: 'groups: add to the one to keep', call: 'iam.AddUserToGroup', input: member('Kept', 'reader') },
    { name: 'groups: delete with a user', call: 'iam.DeleteGroup', input: group('Kept') },
    { name: 'groups: remove nobody', call: 'iam.RemoveUserFromGroup', input: member('Writers', 'nobody') },
    { name: 'groups: remove the user', call: 'iam.RemoveUserFromGroup', input: member('Writers', 'reader') },
    { name: 'groups: get without its user', call: 'iam.GetGroup', input: group('Writers') },
    {
      name: 'groups: remove the user again',
      call: 'iam.RemoveUserFromGroup',
      input: member('Writers', 'reader'),
    },
    { name: 'groups: delete', call: 'iam.DeleteGroup', input: group('Writers') },
    { name: 'groups: delete again', call: 'iam.DeleteGroup', input: group('Writers') },
  ],
};

const tenGroups = Array.from({ length: 11 }, (_, index) => `quota${index}`);

const quotaScenario: Scenario = {
  name: 'groups of a user: the quota',
  steps: [
    { name: 'group quota: create a user', call: 'iam.CreateUser', input: { UserName: 'joiner' } },
    ...tenGroups.flatMap((name, index): Step[] => [
      { name: `group quota: create group ${index + 1}`, call: 'iam.CreateGroup', input: group(name) },
      {
        name: `group quota: join group ${index + 1}`,
        call: 'iam.AddUserToGroup',
        input: member(name, 'joiner'),
      },
    ]),
  ],
};

const pagingScenario: Scenario = {
  name: 'paging',
  steps: [
    ...Array.from({ length: 7 }, (_, index): Step[] => [
      {
        name: `paging: create user ${index + 1}`,
        call: 'iam.CreateUser',
        input: { UserName: `page${index}`, Path: '/contract/pages/' },
      },
      {
        name: `paging: create group ${index + 1}`,
        call: 'iam.CreateGroup',
        input: { GroupName: `page${index}`, Path: '/contract/pages/' },
      },
      {
        name: `paging: join group ${index + 1}`,
        call: 'iam.AddUserToGroup',
        input: { GroupName: `page${index}`, UserName: 'page0' },
      },
    ]).flat(),
    {
      name: 'paging: users',
      call: 'iam.ListUsers',
      input: { PathPrefix: '/contract/pages/' },
      pages: { list: 'Users', size: 3 },
    },
    ...Array.from({ length: 3 }, (_, index): Step => ({
      name: `paging: join user ${index + 2}`,
      call: 'iam.AddUserToGroup',
      input: { GroupName: 'page0', UserName: `page${index + 1}` },
    })),
    {
      name: 'paging: users of a group',
      call: 'iam.GetGroup',
      input: { GroupName: 'page0' },
      pages: { list: 'Users', size: 3 },
    },
    {
      name: 'paging: groups of a user',
      call: 'iam.ListGroupsForUser',
      input: { UserName: 'page0' },
      pages: { list: 'Groups', size: 3 },
    },
    {
      name: 'paging: more than 1000',
      call: 'iam.ListUsers',
      input: { MaxItems: 1001 },
      view: () => 'a page',
    },
    {
      name: 'paging: a marker that never was',
      call: 'iam.ListUsers',
      input: { Marker: 'never-was' },
      view: () => 'a page',
    },
  ],
};

export const groupScenarios: readonly Scenario[] = [groupsScenario, quotaScenario, pagingScenario];
