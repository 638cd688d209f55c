import { describe, expect, test } from '@jest/globals';
import { completed } from '../../../../operator/controllers/reconciliation/sentences.ts';
import type { AwsReconciliation } from '../../../../operator/api/v1alpha1/index.ts';
import { found } from './desk.ts';

const run: AwsReconciliation = {
  apiVersion: 'aws.idhub.io/v1alpha1',
  kind: 'AwsReconciliation',
  metadata: { namespace: 'ns', name: 'one' },
  spec: { connectionRef: { name: 'main' } },
};

describe('what a run says of its end', () => {
  test('names those that were asked for and are nobody', () => {
    const message = (absent: readonly string[]) => completed(run, { ...found, absent }).message;
    expect(message(['typo'])).toContain(', nobody is called typo');
    expect(message(['a', 'b', 'c', 'd', 'e'])).toContain(', nobody is called a, b, c, and 2 more');
  });

  test('says what was not compared, and why', () => {
    const unread = [{ what: 'credentials' as const, why: 'AccessDenied: GetCredentialReport' }];
    expect(completed(run, { ...found, unread }).message).toMatch(
      /deleted\. Passwords, access keys and MFA were not compared: AccessDenied: GetCredentialReport$/,
    );
  });
});
