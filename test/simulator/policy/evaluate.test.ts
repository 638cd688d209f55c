import { describe, expect, test } from '@jest/globals';
import { evaluate } from './index.ts';

type Request = Parameters<typeof evaluate>[0];

const joArn = 'arn:aws:iam::111122223333:user/staff/jo';

const document = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements });
const allow = (more: object) => ({ Effect: 'Allow', Action: '*', Resource: '*', ...more });
const deny = (more: object) => ({ Effect: 'Deny', Action: '*', Resource: '*', ...more });
const source = (id: string, ...statements: readonly object[]) => ({ id, document: document(...statements) });

function decide(statements: readonly object[], request: Partial<Request> = {}): string {
  return evaluate({
    action: 'iam:GetUser',
    resources: [joArn],
    context: {},
    identityPolicies: [source('p', ...statements)],
    ...request,
  }).decision;
}

describe('statements', () => {
  test.each<[string, object[], Partial<Request>, string]>([
    ['nothing speaks', [], {}, 'implicitDeny'],
    ['allow all', [allow({})], {}, 'allowed'],
    ['an explicit deny wins', [allow({}), deny({ Action: 'iam:GetUser' })], {}, 'explicitDeny'],
    [
      'actions know no case',
      [{ Effect: 'Allow', Action: 'IAM:getuser', Resource: '*' }],
      { action: 'iam:GetUser' },
      'allowed',
    ],
    ['action wildcard *', [allow({ Action: 'iam:Get*' })], {}, 'allowed'],
    ['action wildcard ?', [allow({ Action: 'iam:Get????' })], {}, 'allowed'],
    ['action wildcard ? is one letter', [allow({ Action: 'iam:Get???' })], {}, 'implicitDeny'],
    ['another action', [allow({ Action: ['iam:GetGroup', 'sts:*'] })], {}, 'implicitDeny'],
    [
      'an action is matched whole',
      [allow({ Action: 'iam:ListUser' })],
      { action: 'iam:ListUsers' },
      'implicitDeny',
    ],
    ['NotAction covers the others', [{ Effect: 'Allow', NotAction: 's3:*', Resource: '*' }], {}, 'allowed'],
    [
      'NotAction spares its own',
      [{ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }],
      {},
      'implicitDeny',
    ],
    ['resource', [allow({ Resource: joArn })], {}, 'allowed'],
    [
      'resource wildcard crosses slashes',
      [allow({ Resource: 'arn:aws:iam::111122223333:user/*' })],
      {},
      'allowed',
    ],
    [
      'resources know case',
      [allow({ Resource: 'arn:aws:iam::111122223333:user/staff/JO' })],
      {},
      'implicitDeny',
    ],
    ['an ARN does not cover *', [allow({ Resource: joArn })], { resources: ['*'] }, 'implicitDeny'],
    ['no resource is *', [allow({ Resource: '*' })], { resources: [] }, 'allowed'],
    ['NotResource', [{ Effect: 'Allow', Action: '*', NotResource: joArn }], {}, 'implicitDeny'],
    [
      'NotResource covers the others',
      [{ Effect: 'Allow', Action: '*', NotResource: 'arn:x' }],
      {},
      'allowed',
    ],
    [
      'a dot in a resource is a dot',
      [allow({ Resource: 'arn:aws:iam::111122223333:user/j.o' })],
      { resources: ['arn:aws:iam::111122223333:user/jxo'] },
      'implicitDeny',
    ],
    [
      'all of several resources must be allowed',
      [allow({ Resource: joArn })],
      { resources: [joArn, 'arn:aws:iam::111122223333:user/ann'] },
      'implicitDeny',
    ],
    [
      'a deny on one of several resources',
      [allow({}), deny({ Resource: '*/ann' })],
      { resources: [joArn, 'arn:aws:iam::111122223333:user/ann'] },
      'explicitDeny',
    ],
  ])('%s', (_, statements, request, decision) => {
    expect(decide(statements, request)).toBe(decision);
  });
});

describe('variables', () => {
  const own = [allow({ Resource: 'arn:aws:iam::111122223333:user/staff/${aws:username}' })];

  test.each<[string, object[], Partial<Request>, string]>([
    ['replaced', own, { context: { 'aws:username': 'jo' } }, 'allowed'],
    ['keys know no case', own, { context: { 'AWS:UserName': 'jo' } }, 'allowed'],
    ['a missing one matches nothing', own, {}, 'implicitDeny'],
    ['a value is no wildcard', own, { context: { 'aws:username': '*' } }, 'implicitDeny'],
    [
      'with a default',
      [
        allow({
          Condition: { StringEquals: { 'aws:RequestTag/team': "${aws:PrincipalTag/team, 'everyone'}" } },
        }),
      ],
      { context: { 'aws:RequestTag/team': 'everyone' } },
      'allowed',
    ],
    [
      'a literal star',
      [allow({ Condition: { StringLike: { 'aws:RequestTag/x': 'a${*}' } } })],
      { context: { 'aws:RequestTag/x': 'abc' } },
      'implicitDeny',
    ],
    [
      'in an ARN condition',
      [
        allow({
          Condition: { ArnLike: { 'iam:PolicyARN': 'arn:aws:iam::111122223333:policy/${aws:username}/*' } },
        }),
      ],
      {
        context: { 'aws:username': 'jo', 'iam:PolicyARN': 'arn:aws:iam::111122223333:policy/jo/p' },
      },
      'allowed',
    ],
  ])('%s', (_, statements, request, decision) => {
    expect(decide(statements, request)).toBe(decision);
  });

  test('are plain text before version 2012-10-17', () => {
    const old = JSON.stringify({ Version: '2008-10-17', Statement: own });
    const request = { action: 'iam:GetUser', context: { 'aws:username': 'jo' } };
    expect(
      evaluate({ ...request, resources: [joArn], identityPolicies: [{ id: 'p', document: old }] }).decision,
    ).toBe('implicitDeny');
  });
});

const boundaryArn = 'arn:aws:iam::111122223333:policy/boundary';

describe('conditions', () => {
  const holds = (condition: object, context: Request['context']): boolean =>
    decide([allow({ Condition: condition })], { context }) === 'allowed';

  test.each<[string, object, Request['context'], boolean]>([
    ['StringEquals', { StringEquals: { 'iam:PolicyARN': 'a' } }, { 'iam:PolicyARN': 'a' }, true],
    ['StringEquals knows case', { StringEquals: { k: 'A' } }, { k: 'a' }, false],
    ['StringEquals knows no wildcard', { StringEquals: { k: 'a*' } }, { k: 'ab' }, false],
    ['values are alternatives', { StringEquals: { k: ['x', 'a'] } }, { k: 'a' }, true],
    ['keys are joined', { StringEquals: { k: 'a', l: 'b' } }, { k: 'a' }, false],
    [
      'operators are joined',
      { StringEquals: { k: 'a' }, Bool: { l: 'true' } },
      { k: 'a', l: 'false' },
      false,
    ],
    ['a missing key', { StringEquals: { k: 'a' } }, {}, false],
    ['a missing key, negated', { StringNotEquals: { k: 'a' } }, {}, true],
    ['negated: none of the values', { StringNotEquals: { k: ['a', 'b'] } }, { k: 'b' }, false],
    ['negated: another value', { StringNotEquals: { k: ['a', 'b'] } }, { k: 'c' }, true],
    ['StringEqualsIgnoreCase', { StringEqualsIgnoreCase: { k: 'A' } }, { k: 'a' }, true],
    ['StringNotEqualsIgnoreCase', { StringNotEqualsIgnoreCase: { k: 'A' } }, { k: 'a' }, false],
    ['StringLike', { StringLike: { k: 'a?c*' } }, { k: 'abcde' }, true],
    ['StringNotLike', { StringNotLike: { k: 'a*' } }, { k: 'abc' }, false],
    ['IfExists, absent', { StringEqualsIfExists: { k: 'a' } }, {}, true],
    ['IfExists, other', { StringEqualsIfExists: { k: 'a' } }, { k: 'b' }, false],
    ['Bool', { Bool: { k: true } }, { k: 'true' }, true],
    ['Bool, absent', { Bool: { k: 'false' } }, {}, false],
    ['Null true: absent', { Null: { k: 'true' } }, {}, true],
    ['Null true: present', { Null: { k: 'true' } }, { k: 'x' }, false],
    ['Null false: present', { Null: { k: false } }, { k: 'x' }, true],
    ['NumericLessThan', { NumericLessThan: { k: '10' } }, { k: '9' }, true],
    ['NumericGreaterThanEquals', { NumericGreaterThanEquals: { k: 10 } }, { k: '10' }, true],
    ['NumericEquals of no number', { NumericEquals: { k: '10' } }, { k: 'ten' }, false],
    ['NumericNotEquals', { NumericNotEquals: { k: '10' } }, { k: '11' }, true],
    ['DateLessThan', { DateLessThan: { k: '2026-01-02T00:00:00Z' } }, { k: '2026-01-01T00:00:00Z' }, true],
    ['DateLessThan, later', { DateLessThan: { k: '2026-01-02' } }, { k: '2026-01-03T00:00:00Z' }, false],
    ['DateGreaterThan in seconds', { DateGreaterThan: { k: '1767225600' } }, { k: '1767225601' }, true],
    ['IpAddress', { IpAddress: { k: '203.0.113.0/24' } }, { k: '203.0.113.9' }, true],
    ['NotIpAddress', { NotIpAddress: { k: '203.0.113.0/24' } }, { k: '203.0.113.9' }, false],
    ['IpAddress v6', { IpAddress: { k: '2001:db8::/32' } }, { k: '2001:db8::1' }, true],
    ['IpAddress of nonsense', { IpAddress: { k: 'nowhere/99' } }, { k: '203.0.113.9' }, false],
    ['BinaryEquals', { BinaryEquals: { k: 'QmluYXJ5' } }, { k: 'QmluYXJ5' }, true],
    ['ArnEquals', { ArnEquals: { k: boundaryArn } }, { k: boundaryArn }, true],
    ['ArnLike', { ArnLike: { k: 'arn:aws:iam::*:policy/b*' } }, { k: boundaryArn }, true],
    [
      'ArnLike: * stays in its part',
      { ArnLike: { k: 'arn:aws:*:policy/boundary' } },
      { k: boundaryArn },
      false,
    ],
    ['ArnNotLike', { ArnNotLike: { k: 'arn:aws:iam::*:policy/b*' } }, { k: boundaryArn }, false],
    ['ArnNotEquals, absent', { ArnNotEquals: { k: boundaryArn } }, {}, true],
    ['ForAllValues', { 'ForAllValues:StringEquals': { k: ['a', 'b'] } }, { k: ['a', 'b'] }, true],
    ['ForAllValues, one more', { 'ForAllValues:StringEquals': { k: ['a'] } }, { k: ['a', 'b'] }, false],
    ['ForAllValues, absent', { 'ForAllValues:StringEquals': { k: ['a'] } }, {}, true],
    ['ForAllValues, empty', { 'ForAllValues:StringEquals': { k: ['a'] } }, { k: [] }, true],
    ['ForAnyValue', { 'ForAnyValue:StringLike': { k: 'a*' } }, { k: ['x', 'ab'] }, true],
    ['ForAnyValue, none', { 'ForAnyValue:StringLike': { k: 'a*' } }, { k: ['x', 'y'] }, false],
    ['ForAnyValue, absent', { 'ForAnyValue:StringEquals': { k: 'a' } }, {}, false],
    ['ForAnyValue with IfExists, absent', { 'ForAnyValue:StringEqualsIfExists': { k: 'a' } }, {}, false],
    ['ForAnyValue, negated', { 'ForAnyValue:StringNotEquals': { k: 'a' } }, { k: ['a', 'b'] }, true],
    ['ForAllValues, negated', { 'ForAllValues:StringNotEquals': { k: 'a' } }, { k: ['a', 'b'] }, false],
  ])('%s', (_, condition, context, expected) => {
    expect(holds(condition, context)).toBe(expected);
  });

  test('the Deny that ends sessions older than a disabling', () => {
    const denial = deny({ Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-01-02T00:00:00Z' } } });
    expect(decide([allow({}), denial], { context: { 'aws:TokenIssueTime': '2026-01-01T23:00:00Z' } })).toBe(
      'explicitDeny',
    );
    expect(decide([allow({}), denial], { context: {} })).toBe('allowed');
  });
});

describe('layers', () => {
  const all = source('all', allow({}));
  const reads = source('reads', allow({ Action: 'iam:Get*' }));
  const never = source('never', deny({ Action: 'iam:DeleteUser' }));
  const nothing = source('nothing', allow({ Action: 's3:*' }));
  const base = { action: 'iam:GetUser', resources: [joArn], context: {} };

  test.each<[string, Omit<Request, 'action' | 'resources' | 'context'>, object]>([
    ['identity alone', { identityPolicies: [nothing, all] }, { decision: 'allowed', matched: ['all'] }],
    [
      'identity and boundary allow',
      { identityPolicies: [all], boundary: reads },
      { decision: 'allowed', matched: ['all'] },
    ],
    [
      'the boundary does not',
      { identityPolicies: [all], boundary: nothing },
      { decision: 'implicitDeny', matched: [] },
    ],
    [
      'a boundary grants nothing',
      { identityPolicies: [], boundary: all },
      { decision: 'implicitDeny', matched: [] },
    ],
    [
      'an SCP allows',
      { identityPolicies: [all], scps: [nothing, all] },
      { decision: 'allowed', matched: ['all'] },
    ],
    [
      'no SCP allows',
      { identityPolicies: [all], scps: [nothing] },
      { decision: 'implicitDeny', matched: [] },
    ],
    ['no SCPs in force', { identityPolicies: [all], scps: [] }, { decision: 'allowed', matched: ['all'] }],
  ])('%s', (_, layers, expected) => {
    expect(evaluate({ ...base, ...layers })).toEqual(expected);
  });

  test('a deny in any layer wins and is named', () => {
    const request = { ...base, action: 'iam:DeleteUser' };
    const denied = { decision: 'explicitDeny', matched: ['never'] };
    expect(evaluate({ ...request, identityPolicies: [all, never] })).toEqual(denied);
    expect(evaluate({ ...request, identityPolicies: [all], boundary: never })).toEqual(denied);
    expect(evaluate({ ...request, identityPolicies: [all], scps: [all, never] })).toEqual(denied);
  });
});
