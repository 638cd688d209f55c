import { describe, expect, test } from '@jest/globals';
import {
  guardOf,
  namespaceAllowed,
  refusesBoundary,
  refusesEntitlement,
  refusesUser,
  type GivenPolicy,
} from '../../../src/guard/index.ts';

const place = { partition: 'aws', accountId: '111122223333' };
const aws = (name: string) => `arn:aws:iam::aws:policy/${name}`;
const own = (name: string) => `arn:aws:iam::111122223333:policy/${name}`;
const boundary = own('Boundary');
const everything = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
const reading = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }] });

type Input = NonNullable<Parameters<typeof guardOf>[0]>;

const ask = (
  input: Input,
  policies: readonly GivenPolicy[],
  more: { document?: string; userName?: string; boundary?: string; partition?: string } = {},
) =>
  refusesEntitlement({
    guard: guardOf(input),
    place: { ...place, partition: more.partition ?? 'aws' },
    user: { userName: more.userName ?? 'jo', boundary: more.boundary },
    policies,
    document: more.document,
  })?.rule;

describe('protected users', () => {
  test.each([
    ['root-admin', 'root-admin', true],
    ['root-*', 'Root-Admin', true],
    ['svc-??', 'svc-01', true],
    ['svc-??', 'svc-001', false],
    ['admin', 'administrator', false],
  ])('%s protects %s: %s', (pattern, userName, expected) => {
    const refusal = refusesUser(guardOf({ protectedUsers: ['other', pattern] }), userName);
    expect(refusal?.rule).toBe(expected ? `spec.guard.protectedUsers: ${pattern}` : undefined);
    expect(ask({ protectedUsers: [pattern] }, [], { userName }) !== undefined).toBe(expected);
  });

  test('without the rule nobody is', () => {
    expect(refusesUser(guardOf(undefined), 'root')).toBeUndefined();
  });
});

describe('policies', () => {
  test.each<[string, Input, GivenPolicy, string | undefined]>([
    ['no rule, any policy', {}, aws('ReadOnlyAccess'), undefined],
    ['no rule, AdministratorAccess', {}, aws('AdministratorAccess'), 'allowedPolicies'],
    ['no rule, AdministratorAccess in other letters', {}, aws('administratoraccess'), 'allowedPolicies'],
    ['no rule, IAMFullAccess', {}, aws('IAMFullAccess'), 'allowedPolicies'],
    ['no rule, one of our own of that name', {}, own('AdministratorAccess'), undefined],
    [
      'allowed by name',
      { allowedPolicies: [aws('AdministratorAccess')] },
      aws('AdministratorAccess'),
      undefined,
    ],
    ['allowed by pattern', { allowedPolicies: ['arn:*:iam::aws:policy/*'] }, aws('IAMFullAccess'), undefined],
    [
      'allowed, but denied too',
      { allowedPolicies: ['*'], deniedPolicies: ['*/IAMFullAccess'] },
      aws('IAMFullAccess'),
      'deniedPolicies',
    ],
    ['denied', { deniedPolicies: [own('Pay*')] }, own('Payroll'), 'deniedPolicies'],
    ['denied in other letters', { deniedPolicies: [own('pay*')] }, own('Payroll'), 'deniedPolicies'],
    ['another than the one denied', { deniedPolicies: [own('Pay*')] }, own('Read'), undefined],
    ['not among those allowed', { allowedPolicies: [own('*')] }, aws('ReadOnlyAccess'), 'allowedPolicies'],
    ['nothing is allowed', { allowedPolicies: [] }, own('Read'), 'allowedPolicies'],
    ['inline, by name', { allowedPolicies: ['inline/app-*'] }, 'inline/app-logs', undefined],
    ['inline, another name', { allowedPolicies: ['inline/app-*'] }, 'inline/other', 'allowedPolicies'],
    ['inline, denied', { deniedPolicies: ['inline/*'] }, 'inline/x', 'deniedPolicies'],
  ])('%s', (_what, input, policy, field) => {
    expect(ask(input, [policy])?.split(':')[0]).toBe(field === undefined ? undefined : `spec.guard.${field}`);
  });

  test('of a group: one that is refused refuses the group', () => {
    expect(ask({}, [aws('ReadOnlyAccess'), own('Read')])).toBeUndefined();
    expect(ask({}, [aws('ReadOnlyAccess'), aws('AdministratorAccess')])).toContain('AdministratorAccess');
    expect(ask({ allowedPolicies: [aws('ReadOnlyAccess')] }, [aws('ReadOnlyAccess'), 'inline/x'])).toContain(
      'inline/x',
    );
  });

  test('in another partition, what is denied by default is of that partition', () => {
    const china = { partition: 'aws-cn' };
    expect(ask({}, ['arn:aws-cn:iam::aws:policy/IAMFullAccess'], china)).toBeDefined();
    expect(
      ask(
        { allowedPolicies: ['arn:*:iam::aws:policy/IAM*'] },
        ['arn:aws-cn:iam::aws:policy/IAMFullAccess'],
        china,
      ),
    ).toBeUndefined();
  });
});

describe('policies of which only the name is known', () => {
  const named = (name: string): GivenPolicy => ({ under: 'arn:aws:iam::aws:policy/', name });

  test.each<[string, Input, string, boolean]>([
    ['AdministratorAccess', {}, 'AdministratorAccess', true],
    ['any other', {}, 'ReadOnlyAccess', false],
    ['one that is denied by its ARN', { deniedPolicies: [aws('PowerUserAccess')] }, 'PowerUserAccess', true],
    [
      'one that no path can make allowed',
      { allowedPolicies: [aws('ReadOnlyAccess')] },
      'PowerUserAccess',
      true,
    ],
    ['one that is allowed', { allowedPolicies: [aws('ReadOnlyAccess')] }, 'ReadOnlyAccess', false],
    ['one that its path may make allowed', { allowedPolicies: [aws('job-function/*')] }, 'Billing', false],
  ])('%s', (_what, input, name, refused) => {
    expect(ask(input, [named(name)]) !== undefined).toBe(refused);
  });
});

describe('documents of inline policies', () => {
  test('count as the policy of AWS that they amount to, whatever they are called', () => {
    const given = ['inline/own'];
    expect(ask({}, given, { document: reading })).toBeUndefined();
    expect(ask({}, given, { document: everything })).toContain('AdministratorAccess');
    expect(ask({ allowedPolicies: ['inline/*'] }, given, { document: everything })).toContain(
      'AdministratorAccess',
    );
    const both = { allowedPolicies: ['inline/*', aws('AdministratorAccess')] };
    expect(ask(both, given, { document: everything })).toBeUndefined();
    expect(ask({ ...both, deniedPolicies: [aws('Admin*')] }, given, { document: everything })).toContain(
      'deniedPolicies',
    );
  });

  test('the message says what it amounts to', () => {
    const guard = guardOf({});
    const user = { userName: 'jo', boundary: undefined };
    const refusal = refusesEntitlement({ guard, place, user, policies: [], document: everything });
    expect(refusal?.message).toMatch(/^the document of the inline policy amounts to AdministratorAccess: /);
  });
});

describe('a forced boundary', () => {
  const guard = guardOf({ permissionsBoundary: boundary });

  test('another one is refused; none, or the same, is not', () => {
    expect(refusesBoundary(guard, own('Other'))?.message).toMatch(/Take the field out/);
    expect(refusesBoundary(guard, undefined)).toBeUndefined();
    expect(refusesBoundary(guard, boundary)).toBeUndefined();
    expect(refusesBoundary(guardOf({}), own('Other'))).toBeUndefined();
  });

  test('a user without it gets nothing', () => {
    const input = { permissionsBoundary: boundary };
    expect(ask(input, [own('Read')])).toBe(`spec.guard.permissionsBoundary: ${boundary}`);
    expect(ask(input, [own('Read')], { boundary: own('Other') })).toBeDefined();
    expect(ask(input, [own('Read')], { boundary })).toBeUndefined();
  });
});

test.each([
  ['its own', undefined, 'ns', true],
  ['its own, whatever is listed', ['other'], 'ns', true],
  ['another', undefined, 'other', false],
  ['another that is listed', ['x', 'other'], 'other', true],
  ['another, and all are', ['*'], 'other', true],
  ['one whose name begins alike', ['other'], 'other-2', false],
  ['a pattern, which is none', ['oth*'], 'other', false],
])('a connection is for a namespace: %s', (_what, allowed, namespace, expected) => {
  expect(namespaceAllowed({ namespace: 'ns' }, allowed, namespace)).toBe(expected);
});
