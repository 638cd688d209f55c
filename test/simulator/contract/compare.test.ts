import { expect, test } from '@jest/globals';
import { compareOutcomes } from './compare.ts';
import { normalize } from './normalize.ts';

const failed = (code: string, status = 400) => ({ error: { code, status } });

test.each<[string, ...Parameters<typeof compareOutcomes>, object[]]>([
  ['equal results', { result: { a: [1] } }, { result: { a: [1] } }, []],
  ['equal errors', failed('X'), failed('X'), []],
  [
    'another status',
    failed('X', 404),
    failed('X'),
    [{ at: 'outcome', reference: 'X 404', simulator: 'X 400' }],
  ],
  [
    'an error and a result',
    { result: {} },
    failed('X'),
    [{ at: 'outcome', reference: 'succeeds', simulator: 'X 400' }],
  ],
  [
    'the smallest parts of results',
    { result: { a: [{ b: 1, c: 2 }] } },
    { result: { a: [{ b: 1, c: 3, d: 4 }] } },
    [
      { at: 'result.a.0.c', reference: 2, simulator: 3 },
      { at: 'result.a.0.d', reference: undefined, simulator: 4 },
    ],
  ],
  [
    'lists of different lengths as a whole',
    { result: { a: [1] } },
    { result: { a: [1, 2] } },
    [{ at: 'result.a', reference: [1], simulator: [1, 2] }],
  ],
])('compares %s', (_, reference, simulator, expected) => {
  expect(compareOutcomes(reference, simulator)).toEqual(expected);
});

test('normalises what differs from run to run, and nothing else', () => {
  const output = {
    $metadata: { requestId: 'x' },
    User: { UserId: 'AIDAEXAMPLE', Arn: 'arn:aws:iam::123456789012:user/jo', CreateDate: new Date() },
    Old: new Date(0),
    AccessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    Document: '%7B%22a%22%3A%20%22b%2Bc%22%7D',
    Names: ['b', 'a'],
    Tags: [],
    IsTruncated: false,
    Count: 0,
    Kept: 'policy-1',
  };
  const variables = new Map([
    ['account', '123456789012'],
    ['kept', 'policy-1'],
  ]);
  expect(normalize(output, variables)).toEqual({
    User: { UserId: '<UserId>', Arn: 'arn:aws:iam::<account>:user/jo', CreateDate: '<now>' },
    Old: '<date>',
    AccessKeyId: '<access key id>',
    Document: 'percent-encoded {"a": "b+c"}',
    Names: ['a', 'b'],
    Count: 0,
    Kept: '<kept>',
  });
});
