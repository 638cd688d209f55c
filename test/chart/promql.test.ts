import { describe, expect, test } from '@jest/globals';
import { readQuery } from './promql.ts';

const series: Readonly<Record<string, readonly string[]>> = {
  a: ['x', 'y'],
  b: ['x'],
  c_bucket: ['x', 'le'],
};
const labelsOf = (name: string): ReadonlySet<string> => new Set(series[name]);
const labels = (expr: string): readonly string[] | undefined => {
  const found = readQuery(expr, labelsOf).labels;
  return found && [...found].sort();
};

describe('labels of the result', () => {
  test.each([
    ['a', ['x', 'y']],
    ['a > 0', ['x', 'y']],
    ['1 - a', ['x', 'y']],
    ['sum(a)', []],
    ['sum by (x) (a)', ['x']],
    ['max without (x) (rate(a[5m]))', ['y']],
    ['count(a)', []],
    ['histogram_quantile(0.9, sum by (le, x) (rate(c_bucket[5m])))', ['x']],
    ['sum by (x) (a) != 1 or absent(a)', []],
    ['absent(a{x="1",y=~"2"})', ['x']],
    ['a or b', ['x']],
    ['a and on (x) b', ['x', 'y']],
    ['a unless on (x) b', ['x', 'y']],
    ['max by (x) (a) > clamp_min(3 * max by (x) (b), 5)', ['x']],
    ['(min(a > 0)) - time()', []],
    ['time()', undefined],
  ])('%s', (expr, expected) => {
    expect(labels(expr)).toEqual(expected);
  });
});

test('what is read, with its matchers and the function over it', () => {
  expect(readQuery(String.raw`sum(rate(a{x="1", y!~"2|\"3"}[5m])) / sum(b)`, labelsOf).selectors).toEqual([
    {
      name: 'a',
      over: 'rate',
      matchers: [
        { label: 'x', operator: '=', value: '1' },
        { label: 'y', operator: '!~', value: '2|"3' },
      ],
    },
    { name: 'b', over: undefined, matchers: [] },
  ]);
});

test.each([
  ['sum(a', 'no PromQL at'],
  ['sum(a > )', 'no PromQL at'],
  ['rate(a[5 minutes])', 'no PromQL at'],
  ['no_such_function(a)', 'no PromQL at'],
  ['sum by (z) (a)', 'no label z to group by'],
  ['sum by (x) (sum by (y) (a))', 'no label x to group by'],
  ['sum by (x) (a) / sum(b)', 'the sides never match'],
  ['{x="1"}', 'a selector without a name'],
  ['topk(3, a)', 'not known here: topk'],
  ['a and on (y) b', 'no label y to match on'],
  ['a and ignoring (y) b', 'not known here: a'],
  ['a * on (x) b', 'not known here: a'],
  ['a offset 5m', 'not known here: OffsetExpr'],
])('%s is refused', (expr, sentence) => {
  expect(() => readQuery(expr, labelsOf)).toThrow(sentence);
});
