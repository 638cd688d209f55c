import { describe, expect, test } from '@jest/globals';
import {
  edgeKey,
  hasPath,
  pathInArn,
  readReference,
  type EntitlementType,
} from '../../../src/entitlement/index.ts';

const place = { partition: 'aws', accountId: '111122223333' };
const china = { partition: 'aws-cn', accountId: '111122223333' };

describe('how an entitlement is named', () => {
  test.each<[EntitlementType, { name?: string; arn?: string }, string, string | undefined]>([
    ['Group', { name: 'Developers' }, 'Developers', undefined],
    ['Group', { name: '/Developers' }, 'Developers', '/'],
    ['Group', { name: 'team/a/Developers' }, 'Developers', '/team/a/'],
    ['Group', { arn: 'arn:aws:iam::111122223333:group/Developers' }, 'Developers', '/'],
    ['Group', { arn: 'arn:aws:iam::111122223333:group/team/Developers' }, 'Developers', '/team/'],
    ['AwsManagedPolicy', { name: 'ReadOnlyAccess' }, 'ReadOnlyAccess', undefined],
    ['AwsManagedPolicy', { name: 'job-function/Billing' }, 'Billing', '/job-function/'],
    [
      'AwsManagedPolicy',
      { arn: 'arn:aws:iam::aws:policy/job-function/Billing' },
      'Billing',
      '/job-function/',
    ],
    ['CustomerManagedPolicy', { arn: 'arn:aws:iam::111122223333:policy/Deploy' }, 'Deploy', '/'],
    ['InlinePolicy', { name: 'own' }, 'own', undefined],
  ])('%s %j', (type, named, name, path) => {
    expect(readReference({ type, ...named }, place)).toEqual({
      kind: 'read',
      reference: { type, name, path, arn: named.arn },
    });
  });

  test('in the partition of China', () => {
    const arn = 'arn:aws-cn:iam::aws:policy/ReadOnlyAccess';
    expect(readReference({ type: 'AwsManagedPolicy', arn }, china)).toMatchObject({ kind: 'read' });
    const read = readReference({ type: 'AwsManagedPolicy', arn }, place);
    expect(read.kind === 'invalid' && read.message).toMatch(/partition aws-cn, .* leads to aws;/);
  });

  test.each<[string, EntitlementType, { name?: string; arn?: string }, RegExp]>([
    ['another account', 'Group', { arn: 'arn:aws:iam::999988887777:group/G' }, /AWS account 999988887777/],
    ['a policy for a group', 'Group', { arn: 'arn:aws:iam::111122223333:policy/G' }, /type Group/],
    [
      'no policy of AWS',
      'AwsManagedPolicy',
      { arn: 'arn:aws:iam::111122223333:policy/P' },
      /CustomerManagedPolicy/,
    ],
    ['no name', 'CustomerManagedPolicy', { arn: 'arn:aws:iam::111122223333:policy/a/' }, /not the ARN/],
    ['neither', 'Group', {}, /neither/],
    ['our Deny', 'InlinePolicy', { name: 'IDHubDisabled' }, /shuts a disabled user out/],
  ])('%s is refused with a sentence', (_what, type, named, says) => {
    const read = readReference({ type, ...named }, place);
    expect(read.kind === 'invalid' && read.message).toMatch(says);
  });
});

test('paths are compared where they were given', () => {
  const of = (path: string | undefined) => ({ type: 'Group' as const, name: 'G', path, arn: undefined });
  const arn = 'arn:aws:iam::111122223333:group/team/G';
  expect(pathInArn(arn)).toBe('/team/');
  expect(hasPath(of(undefined), arn)).toBe(true);
  expect(hasPath(of('/Team/'), arn)).toBe(true);
  expect(hasPath(of('/'), arn)).toBe(false);
});

test('edges are told apart as IAM tells names apart', () => {
  expect(edgeKey({ type: 'Group', name: 'Dev' })).toBe(edgeKey({ type: 'Group', name: 'dev' }));
  expect(edgeKey({ type: 'InlinePolicy', name: 'Dev' })).not.toBe(
    edgeKey({ type: 'InlinePolicy', name: 'dev' }),
  );
  expect(edgeKey({ type: 'AwsManagedPolicy', name: 'A' })).not.toBe(
    edgeKey({ type: 'CustomerManagedPolicy', name: 'A' }),
  );
});
