import type { Scenario } from '../types.ts';

const user = (name: string): Record<string, string> => ({ UserName: name });
const path = '/contract/users/';

const manyTags = Array.from({ length: 51 }, (_, index) => ({ Key: `key${index}`, Value: 'x' }));

const usersScenario: Scenario = {
  name: 'users',
  steps: [
    { name: 'users: create', call: 'iam.CreateUser', input: user('Ann') },
    {
      name: 'users: create with path and tags',
      call: 'iam.CreateUser',
      input: {
        ...user('Jo+x=1,@corp.example_1-2'),
        Path: path,
        Tags: [
          { Key: 'team', Value: 'Zürich a_b.c:/=+-@' },
          { Key: 'Cost', Value: '' },
        ],
      },
    },
    { name: 'users: create twice', call: 'iam.CreateUser', input: user('Ann') },
    { name: 'users: create twice in another case', call: 'iam.CreateUser', input: user('ANN') },
    { name: 'users: create with a space', call: 'iam.CreateUser', input: user('jo doe') },
    { name: 'users: create with 64 characters', call: 'iam.CreateUser', input: user('a'.repeat(64)) },
    { name: 'users: create with 65 characters', call: 'iam.CreateUser', input: user('a'.repeat(65)) },
    {
      name: 'users: create with an open path',
      call: 'iam.CreateUser',
      input: { ...user('p'), Path: '/contract' },
    },
    {
      name: 'users: create with an apostrophe in a tag',
      call: 'iam.CreateUser',
      input: { ...user('apostrophe'), Tags: [{ Key: 'name', Value: "O'Brien" }] },
    },
    {
      name: 'users: create with 51 tags',
      call: 'iam.CreateUser',
      input: { ...user('tags51'), Tags: manyTags },
    },
    {
      name: 'users: create with one tag in two cases',
      call: 'iam.CreateUser',
      input: {
        ...user('tagcase'),
        Tags: [
          { Key: 'Dept', Value: '1' },
          { Key: 'dept', Value: '2' },
        ],
      },
    },
    { name: 'users: get', call: 'iam.GetUser', input: user('Jo+x=1,@corp.example_1-2') },
    { name: 'users: get in another case', call: 'iam.GetUser', input: user('ann') },
    { name: 'users: get none', call: 'iam.GetUser', input: user('nobody') },
    { name: 'users: list under a path', call: 'iam.ListUsers', input: { PathPrefix: '/contract/' } },
    { name: 'users: list under an empty path', call: 'iam.ListUsers', input: { PathPrefix: '/nowhere/' } },
    {
      name: 'users: list with MaxItems 0',
      call: 'iam.ListUsers',
      input: { MaxItems: 0 },
      view: () => 'a page',
    },
    {
      name: 'users: the form of the id',
      call: 'iam.GetUser',
      input: user('Ann'),
      view: (output) => /^AIDA[A-Z0-9]{17}$/u.test((output['User'] as { UserId: string }).UserId),
    },
    {
      name: 'users: move',
      call: 'iam.UpdateUser',
      input: { ...user('Ann'), NewPath: '/contract/moved/' },
    },
    { name: 'users: rename', call: 'iam.UpdateUser', input: { ...user('Ann'), NewUserName: 'Anna' } },
    { name: 'users: get after the rename', call: 'iam.GetUser', input: user('Anna') },
    { name: 'users: get by the old name', call: 'iam.GetUser', input: user('Ann') },
    { name: 'users: create a namesake', call: 'iam.CreateUser', input: user('Zoe') },
    {
      name: 'users: rename to a taken name',
      call: 'iam.UpdateUser',
      input: { ...user('Zoe'), NewUserName: 'Anna' },
    },
    {
      name: 'users: rename to the own name in another case',
      call: 'iam.UpdateUser',
      input: { ...user('Anna'), NewUserName: 'ANNA' },
    },
    {
      name: 'users: rename nobody',
      call: 'iam.UpdateUser',
      input: { ...user('nobody'), NewUserName: 'b' },
    },
    { name: 'users: delete', call: 'iam.DeleteUser', input: user('a'.repeat(64)) },
    { name: 'users: delete again', call: 'iam.DeleteUser', input: user('a'.repeat(64)) },
    { name: 'users: create the deleted one anew', call: 'iam.CreateUser', input: user('a'.repeat(64)) },
    { name: 'users: delete the new one', call: 'iam.DeleteUser', input: user('a'.repeat(64)) },
  ],
};

const tagsScenario: Scenario = {
  name: 'tags',
  steps: [
    { name: 'tags: create', call: 'iam.CreateUser', input: user('tagged') },
    {
      name: 'tags: tag',
      call: 'iam.TagUser',
      input: {
        ...user('tagged'),
        Tags: [
          { Key: 'team', Value: 'a' },
          { Key: 'cost', Value: '1' },
        ],
      },
    },
    {
      name: 'tags: overwrite one',
      call: 'iam.TagUser',
      input: { ...user('tagged'), Tags: [{ Key: 'team', Value: 'b' }] },
    },
    { name: 'tags: list', call: 'iam.ListUserTags', input: user('tagged') },
    {
      name: 'tags: change a key’s case',
      call: 'iam.TagUser',
      input: { ...user('tagged'), Tags: [{ Key: 'TEAM', Value: 'c' }] },
    },
    { name: 'tags: list after the change of case', call: 'iam.ListUserTags', input: user('tagged') },
    { name: 'tags: create a second user', call: 'iam.CreateUser', input: user('mistagged') },
    {
      name: 'tags: fill up to 50',
      call: 'iam.TagUser',
      input: { ...user('mistagged'), Tags: manyTags.slice(0, 50) },
    },
    {
      name: 'tags: one above 50',
      call: 'iam.TagUser',
      input: { ...user('mistagged'), Tags: [{ Key: 'onemore', Value: '' }] },
    },
    {
      name: 'tags: a key of AWS',
      call: 'iam.TagUser',
      input: { ...user('mistagged'), Tags: [{ Key: 'aws:x', Value: '' }] },
    },
    {
      name: 'tags: a value of 257 characters',
      call: 'iam.TagUser',
      input: { ...user('mistagged'), Tags: [{ Key: 'key1', Value: 'x'.repeat(257) }] },
    },
    {
      name: 'tags: an empty key',
      call: 'iam.TagUser',
      input: { ...user('mistagged'), Tags: [{ Key: '', Value: 'x' }] },
    },
    {
      name: 'tags: untag',
      call: 'iam.UntagUser',
      input: { ...user('tagged'), TagKeys: ['cost'] },
    },
    {
      name: 'tags: untag what is not there',
      call: 'iam.UntagUser',
      input: { ...user('tagged'), TagKeys: ['never'] },
    },
    {
      name: 'tags: untag in another case',
      call: 'iam.UntagUser',
      input: { ...user('tagged'), TagKeys: ['Team'] },
    },
    { name: 'tags: list at the end', call: 'iam.ListUserTags', input: user('tagged') },
    { name: 'tags: tag nobody', call: 'iam.TagUser', input: { ...user('nobody'), Tags: [] } },
    { name: 'tags: list of nobody', call: 'iam.ListUserTags', input: user('nobody') },
  ],
};

/** moto has no writes of boundaries: ministack is asked too. */
export const boundaryScenario: Scenario = {
  name: 'permissions boundaries',
  steps: [
    {
      name: 'boundaries: create a user with one',
      call: 'iam.CreateUser',
      input: { ...user('bounded'), PermissionsBoundary: 'arn:aws:iam::aws:policy/ReadOnlyAccess' },
    },
    { name: 'boundaries: get', call: 'iam.GetUser', input: user('bounded') },
    {
      name: 'boundaries: put',
      call: 'iam.PutUserPermissionsBoundary',
      input: { ...user('bounded'), PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    },
    { name: 'boundaries: get the new one', call: 'iam.GetUser', input: user('bounded') },
    { name: 'boundaries: delete', call: 'iam.DeleteUserPermissionsBoundary', input: user('bounded') },
    {
      name: 'boundaries: put on nobody',
      call: 'iam.PutUserPermissionsBoundary',
      input: { ...user('nobody'), PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' },
    },
  ],
};

export const userScenarios: readonly Scenario[] = [usersScenario, tagsScenario, boundaryScenario];
