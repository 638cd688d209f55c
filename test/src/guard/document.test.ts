import { expect, test } from '@jest/globals';
import { powerOf } from '../../../src/guard/index.ts';

const place = { partition: 'aws', accountId: '111122223333' };
const of = (...statements: readonly object[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
const allow = (Action: unknown, more: object = {}) => ({ Effect: 'Allow', Action, Resource: '*', ...more });

test.each([
  ['everything', of(allow('*')), 'AdministratorAccess'],
  ['everything, written otherwise', of(allow(['*:*'])), 'AdministratorAccess'],
  [
    'everything, the statement without brackets',
    JSON.stringify({ Statement: allow('*') }),
    'AdministratorAccess',
  ],
  [
    'everything, letter by letter',
    of(allow('abcdefghijklmnopqrstuvwxyz'.split('').map((one) => `${one}*`))),
    'AdministratorAccess',
  ],
  [
    'everything, in two statements',
    of(allow('iam:*'), allow(['s*', 'e*', 'k*', 'l*'])),
    'AdministratorAccess',
  ],
  [
    'everything, under a condition',
    of(allow('*', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } })),
    'AdministratorAccess',
  ],
  [
    'everything, but one thing denied',
    of(allow('*'), { Effect: 'Deny', Action: 's3:DeleteBucket', Resource: '*' }),
    'AdministratorAccess',
  ],
  [
    'everything that is not something',
    of({ Effect: 'Allow', NotAction: 's3:DeleteBucket', Resource: '*' }),
    'AdministratorAccess',
  ],
  [
    'everything that is not one thing of IAM',
    of({ Effect: 'Allow', NotAction: 'iam:CreateUser', Resource: '*' }),
    'AdministratorAccess',
  ],
  [
    'everything but IAM',
    of({ Effect: 'Allow', NotAction: ['iam:*', 'organizations:*'], Resource: '*' }),
    undefined,
  ],
  [
    'everything on all but one resource',
    of({ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::logs' }),
    'AdministratorAccess',
  ],
  ['everything on everything by ARN', of(allow('*', { Resource: ['arn:aws:*'] })), 'AdministratorAccess'],
  ['IAM', of(allow('iam:*')), 'IAMFullAccess'],
  ['IAM in other letters', of(allow('IAM:*')), 'IAMFullAccess'],
  ['IAM by a pattern', of(allow('i?m:*')), 'IAMFullAccess'],
  ['IAM on all of IAM', of(allow('iam:*', { Resource: 'arn:aws:iam::111122223333:*' })), 'IAMFullAccess'],
  ['IAM, percent-encoded', encodeURIComponent(of(allow('iam:*'))), 'IAMFullAccess'],
  ['IAM on one user', of(allow('iam:*', { Resource: 'arn:aws:iam::111122223333:user/robot' })), undefined],
  ['all of IAM on any user', of(allow('iam:*', { Resource: 'arn:aws:iam::*:user/*' })), 'IAMFullAccess'],
  [
    'what is done to users, each on users only',
    of(
      allow(['iam:*UserPolicy', 'iam:*AccessKey'], { Resource: 'arn:aws:iam::*:user/*' }),
      allow('iam:*LoginProfile', { Resource: 'arn:aws:iam::111122223333:user/*' }),
    ),
    'IAMFullAccess',
  ],
  ['what is done to groups', of(allow(['iam:*Group*', 'iam:AddUserToGroup'])), 'IAMFullAccess'],
  ['what is done to policies', of(allow('iam:*PolicyVersion')), 'IAMFullAccess'],
  ['making roles', of(allow(['iam:CreateRole', 'iam:PassRole'])), undefined],
  [
    'what is done to roles and who may be them',
    of(allow(['iam:*Role*', 'iam:*AssumeRolePolicy'])),
    'IAMFullAccess',
  ],
  ...[
    'iam:PutUserPolicy',
    'iam:Attach?serPolicy',
    'iam:CreateAccessKey',
    'iam:UpdateLoginProfile',
    'iam:AddUserToGroup',
    'iam:UpdateAssumeRolePolicy',
    'iam:CreatePolicyVersion',
    'iam:SetDefaultPolicyVersion',
  ].map((action) => [`${action} on anybody`, of(allow(action)), 'IAMFullAccess'] as const),
  [
    'policies of oneself',
    of(allow('iam:*', { Resource: 'arn:aws:iam::111122223333:user/${aws:username}' })),
    'IAMFullAccess',
  ],
  [
    'keys and password of oneself',
    of(
      allow(['iam:*AccessKey*', 'iam:ChangePassword', 'iam:*LoginProfile'], {
        Resource: 'arn:aws:iam::*:user/${aws:username}',
      }),
    ),
    undefined,
  ],
  [
    'all that is not one of the well-known actions of IAM',
    of({
      Effect: 'Allow',
      NotAction: ['iam:AttachUserPolicy', 'iam:PutUserPolicy', 'iam:CreateUser', 'iam:CreatePolicyVersion'],
      Resource: '*',
    }),
    'AdministratorAccess',
  ],
  ['reading IAM', of(allow(['iam:Get*', 'iam:List*'])), undefined],
  ['all of a service', of(allow('s3:*')), undefined],
  ['nothing, since it denies', of({ Effect: 'Deny', Action: '*', Resource: '*' }), undefined],
  ['nothing, since it is no JSON', '{', undefined],
  ['nothing, since it is a list', '[]', undefined],
  ['nothing, since a statement is none', JSON.stringify({ Statement: ['x', 1, null] }), undefined],
])('a document that allows %s', (_what, text, expected) => {
  expect(powerOf(text, place)).toBe(expected);
});

test('in another partition, resources are of that partition', () => {
  const china = { partition: 'aws-cn', accountId: '111122223333' };
  const text = of(allow('iam:*', { Resource: 'arn:aws-cn:iam::*' }));
  expect(powerOf(text, china)).toBe('IAMFullAccess');
  expect(powerOf(text, place)).toBeUndefined();
});
