import { describe, expect, test } from '@jest/globals';
import { validateDocument } from './index.ts';

const statement = { Effect: 'Allow', Action: 'iam:GetUser', Resource: '*' };
const policy = (...statements: readonly unknown[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });

describe('documents that fit', () => {
  test.each<[string, string]>([
    ['one statement', JSON.stringify({ Version: '2012-10-17', Statement: statement })],
    ['several', policy(statement, { ...statement, Sid: 'a' }, { ...statement, Sid: 'b' })],
    ['with an id', JSON.stringify({ Id: 'x', Version: '2012-10-17', Statement: [statement] })],
    ['NotAction, NotResource', policy({ Effect: 'Deny', NotAction: ['iam:*'], NotResource: ['*'] })],
    ['all actions', policy({ ...statement, Action: '*' })],
    [
      'conditions',
      policy({
        ...statement,
        Condition: {
          'ForAnyValue:StringLikeIfExists': { 'aws:TagKeys': ['a*'] },
          Null: { 'aws:TokenIssueTime': true },
        },
      }),
    ],
    [
      'ARNs of other partitions',
      policy({ ...statement, Resource: ['arn:aws-us-gov:iam::*:user/*', 'arn:*:s3:::b/*'] }),
    ],
    ['repeated empty Sids', policy({ ...statement, Sid: '' }, { ...statement, Sid: '' })],
  ])('%s', (_, document) => {
    expect(validateDocument(document)).toBeUndefined();
  });
});

const syntax = 'Syntax errors in policy.';

describe('documents that IAM refuses', () => {
  test.each<[string, string, string]>([
    ['no JSON', '{', syntax],
    ['no object', '"x"', syntax],
    [
      'an unknown element',
      JSON.stringify({ Version: '2012-10-17', Statement: [statement], Extra: 1 }),
      syntax,
    ],
    ['an unknown version', JSON.stringify({ Version: '2020-01-01', Statement: [statement] }), syntax],
    ['no statement', JSON.stringify({ Version: '2012-10-17' }), syntax],
    ['no statements', policy(), syntax],
    ['an unknown statement element', policy({ ...statement, Color: 'red' }), syntax],
    ['no effect', policy({ Action: 'iam:GetUser', Resource: '*' }), syntax],
    ['an unknown effect', policy({ ...statement, Effect: 'allow' }), syntax],
    ['Action and NotAction', policy({ ...statement, NotAction: 'iam:*' }), syntax],
    ['Resource and NotResource', policy({ ...statement, NotResource: '*' }), syntax],
    ['a number as action', policy({ ...statement, Action: 1 }), syntax],
    ['an unknown operator', policy({ ...statement, Condition: { StringIs: { 'aws:x': 'a' } } }), syntax],
    [
      'Null with IfExists',
      policy({ ...statement, Condition: { NullIfExists: { 'aws:x': 'true' } } }),
      syntax,
    ],
    [
      'the old version',
      JSON.stringify({ Version: '2008-10-17', Statement: [statement] }),
      'Policy document must be version 2012-10-17 or greater.',
    ],
    [
      'no version',
      JSON.stringify({ Statement: [statement] }),
      'Policy document must be version 2012-10-17 or greater.',
    ],
    [
      'two equal Sids',
      policy({ ...statement, Sid: 'a' }, { ...statement, Sid: 'a' }),
      'Statement IDs (SID) in a single policy must be unique.',
    ],
    [
      'a Sid with a space',
      policy({ ...statement, Sid: 'a b' }),
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
    ],
    [
      'no actions',
      policy({ Effect: 'Allow', Action: [], Resource: '*' }),
      'Policy statement must contain actions.',
    ],
    ['no resources', policy({ Effect: 'Allow', Action: '*' }), 'Policy statement must contain resources.'],
    [
      'an action without its service',
      policy({ ...statement, Action: 'GetUser' }),
      'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
    ],
    [
      'a condition key without its service',
      policy({ ...statement, Condition: { Bool: { x: 'true' } } }),
      'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
    ],
    [
      'an action with two colons',
      policy({ ...statement, Action: 'iam:Get:User' }),
      'Actions/Condition can contain only one colon.',
    ],
    ['an odd service', policy({ ...statement, Action: 'i_am:GetUser' }), 'Vendor i_am is not valid'],
    ['no ARN', policy({ ...statement, Resource: 'jo' }), 'Resource jo must be in ARN format or "*".'],
    [
      'an unknown partition',
      policy({ ...statement, Resource: 'arn:moon:s3:::b' }),
      'Partition "moon" is not valid for resource "arn:moon:s3:*:*:b".',
    ],
    [
      'an ARN that ends early',
      policy({ ...statement, Resource: 'arn:aws' }),
      'Resource vendor must be fully qualified and cannot contain regexes.',
    ],
    [
      'IAM with a region',
      policy({ ...statement, Resource: 'arn:aws:iam:us-east-1:111122223333:user/jo' }),
      'IAM resource arn:aws:iam:us-east-1:111122223333:user/jo cannot contain region information.',
    ],
    [
      'an IAM resource of no known kind',
      policy({ ...statement, Resource: 'arn:aws:iam::111122223333:users/jo' }),
      'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.',
    ],
    [
      'a principal',
      policy({ ...statement, Principal: '*' }),
      'Policy document should not specify a principal.',
    ],
  ])('%s', (_, document, message) => {
    expect(validateDocument(document)).toBe(message);
  });
});
