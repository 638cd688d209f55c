import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { iamRequest } from './index.ts';

const account = {
  id: '111122223333',
  partition: 'aws-us-gov',
  userArn: (name: string) => `arn:aws-us-gov:iam::111122223333:user/staff/${name}`,
  groupArn: (name: string) => `arn:aws-us-gov:iam::111122223333:group/${name}`,
};
const base = 'arn:aws-us-gov:iam::111122223333';
const boundary = `${base}:policy/boundary`;

type Expected = Partial<ReturnType<typeof iamRequest>>;

test.each<[string, Record<string, unknown>, Expected]>([
  ['ListUsers', {}, { actions: ['iam:ListUsers'], resources: ['*'], context: {} }],
  ['GetAccountSummary', {}, { resources: ['*'] }],
  ['GetUser', { UserName: 'jo' }, { actions: ['iam:GetUser'], resources: [`${base}:user/staff/jo`] }],
  ['GetUser', {}, { resources: ['*'] }],
  ['CreateUser', { UserName: 'jo' }, { actions: ['iam:CreateUser'], resources: [`${base}:user/jo`] }],
  [
    'CreateUser',
    {
      UserName: 'jo',
      Path: '/a/b/',
      PermissionsBoundary: boundary,
      Tags: [
        { Key: 'team', Value: 'x' },
        { Key: 'cost', Value: '1' },
      ],
    },
    {
      actions: ['iam:CreateUser', 'iam:TagUser'],
      resources: [`${base}:user/a/b/jo`],
      context: {
        'iam:PermissionsBoundary': boundary,
        'aws:RequestTag/team': 'x',
        'aws:RequestTag/cost': '1',
        'aws:TagKeys': ['team', 'cost'],
      },
    },
  ],
  ['CreateUser', { UserName: 'jo', Tags: [] }, { actions: ['iam:CreateUser'], context: {} }],
  [
    'UpdateUser',
    { UserName: 'jo', NewUserName: 'joe', NewPath: '/x/' },
    { resources: [`${base}:user/staff/jo`, `${base}:user/x/joe`] },
  ],
  [
    'UpdateUser',
    { UserName: 'jo', NewUserName: 'joe' },
    { resources: [`${base}:user/staff/jo`, `${base}:user/staff/joe`] },
  ],
  ['UntagUser', { UserName: 'jo', TagKeys: ['a'] }, { context: { 'aws:TagKeys': ['a'] } }],
  ['AddUserToGroup', { UserName: 'jo', GroupName: 'g' }, { resources: [`${base}:group/g`] }],
  ['CreateGroup', { GroupName: 'g', Path: '/x/' }, { resources: [`${base}:group/x/g`] }],
  [
    'UpdateGroup',
    { GroupName: 'g', NewGroupName: 'h' },
    { resources: [`${base}:group/g`, `${base}:group/h`] },
  ],
  [
    'AttachUserPolicy',
    { UserName: 'jo', PolicyArn: 'arn:aws-us-gov:iam::aws:policy/AWSDenyAll' },
    {
      resources: [`${base}:user/staff/jo`],
      context: { 'iam:PolicyARN': 'arn:aws-us-gov:iam::aws:policy/AWSDenyAll' },
    },
  ],
  [
    'PutUserPermissionsBoundary',
    { UserName: 'jo', PermissionsBoundary: boundary },
    { context: { 'iam:PermissionsBoundary': boundary } },
  ],
  ['GetPolicy', { PolicyArn: boundary }, { resources: [boundary] }],
  [
    'CreatePolicy',
    { PolicyName: 'p', Path: '/x/', Tags: [{ Key: 'a', Value: '' }] },
    { actions: ['iam:CreatePolicy', 'iam:TagPolicy'], resources: [`${base}:policy/x/p`] },
  ],
  ['CreateVirtualMFADevice', { VirtualMFADeviceName: 'm' }, { resources: [`${base}:mfa/m`] }],
  ['DeleteVirtualMFADevice', { SerialNumber: `${base}:mfa/m` }, { resources: [`${base}:mfa/m`] }],
  ['DeactivateMFADevice', { UserName: 'jo', SerialNumber: 'S' }, { resources: [`${base}:user/staff/jo`] }],
  ['GetAccessKeyLastUsed', { AccessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, { resources: ['*'] }],
  ['CreateRole', { RoleName: 'r' }, { resources: [`${base}:role/r`] }],
  [
    'CreateServiceSpecificCredential',
    { UserName: 'jo', ServiceName: 'codecommit.amazonaws.com' },
    { context: { 'iam:ServiceSpecificCredentialServiceName': 'codecommit.amazonaws.com' } },
  ],
])('%s %j', (operation, input, expected) => {
  expect(iamRequest(operation, input, account)).toMatchObject(expected);
});

test('what the account knows of the caller and the user', () => {
  const knowing = {
    ...account,
    callerName: 'me',
    userBoundary: () => boundary,
    userTags: () => ({ team: 'x' }),
    accessKeyOwner: () => 'owner',
  };
  expect(iamRequest('ListAccessKeys', {}, knowing).resources).toEqual([`${base}:user/staff/me`]);
  expect(iamRequest('GetAccessKeyLastUsed', { AccessKeyId: 'A' }, knowing).resources).toEqual([
    `${base}:user/staff/owner`,
  ]);
  expect(iamRequest('PutUserPolicy', { UserName: 'jo' }, knowing).context).toEqual({
    'iam:PermissionsBoundary': boundary,
    'aws:ResourceTag/team': 'x',
    'iam:ResourceTag/team': 'x',
  });
});

test('every IAM operation of the API model has an answer', () => {
  const model = JSON.parse(readFileSync(new URL('../model/constraints.json', import.meta.url), 'utf8')) as {
    services: { iam: { operations: Record<string, unknown> } };
  };
  for (const operation of Object.keys(model.services.iam.operations)) {
    const request = iamRequest(operation, { UserName: 'jo', GroupName: 'g', RoleName: 'r' }, account);
    expect(request.actions).toEqual([`iam:${operation}`]);
    expect(request.resources.length).toBeGreaterThan(0);
  }
});
