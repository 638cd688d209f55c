import { expect, test } from '@jest/globals';
import type { AwsEntitlementBinding } from '../../../../operator/api/v1alpha1/index.ts';
import { heldHasChanged } from '../../../../operator/controllers/binding/index.ts';

function binding(state: 'Present' | 'Absent', status: 'True' | 'False' | undefined): AwsEntitlementBinding {
  const conditions = status === undefined ? [] : [{ type: 'Ready', status, reason: 'x', message: 'x' }];
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsEntitlementBinding',
    metadata: { name: 'b', namespace: 'ns' },
    spec: { accountRef: { name: 'jo' }, entitlement: { type: 'Group', name: 'Dev' }, state },
    status: { conditions },
  } as AwsEntitlementBinding;
}

test.each<[string, AwsEntitlementBinding, AwsEntitlementBinding, boolean]>([
  [
    'an edge that is gone as it is to be makes room',
    binding('Absent', undefined),
    binding('Absent', 'True'),
    true,
  ],
  ['and is told once', binding('Absent', 'True'), binding('Absent', 'True'), false],
  ['one that is not gone makes none', binding('Absent', undefined), binding('Absent', 'False'), false],
  ['one that is there makes none', binding('Present', 'False'), binding('Present', 'True'), false],
])('%s', (_name, before, after, tells) => {
  expect(heldHasChanged(before, after)).toBe(tells);
});
