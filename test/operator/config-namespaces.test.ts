import { expect, test } from '@jest/globals';
import { parseInvocation } from '../../operator/config.ts';

const refusal = (args: readonly string[]): string => {
  const invocation = parseInvocation(args, {}, { hostname: 'pod-0', pid: 7, version: '1.2.3' });
  return invocation.kind === 'refuse' ? invocation.message : `(not refused: ${invocation.kind})`;
};

test.each([
  ['an empty one', ['--namespace', '']],
  ['one that cannot be', ['--namespace', 'Ops_1']],
  ['a list with a gap, which would mean all of them', ['--watch-namespaces', 'a,,b']],
  ['a list with an end', ['--watch-namespaces', 'a,']],
  ['a list with what cannot be', ['--watch-namespaces', 'a,B']],
  ['a list of nothing', ['--watch-namespaces', ',']],
])('a namespace is a namespace: %s is refused', (_, args) => {
  expect(refusal(args)).toMatch(new RegExp(`^${args[0] ?? ''} `));
});
