import { expect, test } from '@jest/globals';
import { noSuch } from '../../../../operator/controllers/binding/sentences.ts';
import { forClient } from '../../../../operator/directory/writes/sentences.ts';

const group = { type: 'Group', name: 'NoSuch' } as never;

test.each<[string, string]>([
  [noSuch(group).message, 'there is no group NoSuch in AWS'],
  [
    noSuch({ type: 'AwsManagedPolicy', name: 'NoSuch' } as never).message,
    'there is no AWS-managed policy NoSuch in AWS',
  ],
  [
    'PasswordPolicyViolation: AWS refuses the password in Secret password-3f4f, key password (Password should have a ' +
      'minimum length of 8). Put one there that fits the password policy of the AWS account',
    'PasswordPolicyViolation: AWS refuses the password (Password should have a minimum length of 8).',
  ],
  [
    '"a" cannot be renamed to "b": another IAM user has that name (arn:aws:iam::1:user/b); choose another spec.userName',
    '"a" cannot be renamed to "b": another IAM user has that name (arn:aws:iam::1:user/b)',
  ],
  [
    'AlreadyExists: IAM user "a" exists and was not made by this object; set spec.adoptionPolicy to IfUnowned to take ' +
      'it over, or choose another spec.userName',
    'AlreadyExists: IAM user "a" exists',
  ],
  [
    'the password is what Secret x holds (spec.console.passwordSecretRef of the AwsAccount); change it there',
    'the password is what Secret x holds (spec.console.passwordSecretRef of the AwsAccount); change it there',
  ],
  [
    'AwsEntitlementBinding "b" came first and says that group Dev is to be Absent; this object does nothing. Delete one of the two',
    'AwsEntitlementBinding "b" came first and says that group Dev is to be Absent; Delete one of the two',
  ],
])('what a client is told of: %s', (message, told) => {
  expect(forClient(message)).toBe(told);
});
