import { describe, expect, test } from '@jest/globals';
import { validateInput } from './index.ts';

type Service = Parameters<typeof validateInput>[0];

const one = (rest: string): string => `1 validation error detected: ${rest}`;
const tags = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: '' }));
const roleArn = 'arn:aws:iam::111122223333:role/reader';

describe('inputs that fit', () => {
  test.each<[Service, string, unknown]>([
    ['iam', 'ListUsers', {}],
    ['iam', 'ListUsers', undefined],
    ['iam', 'GetUser', {}],
    ['iam', 'GetAccountSummary', { anything: 'ignored' }],
    ['iam', 'CreateUser', { UserName: 'Jo+x=1,@corp.example_1-2', Path: '/' }],
    ['iam', 'CreateUser', { UserName: 'a'.repeat(64), Path: '/division/a-b/' }],
    ['iam', 'CreateUser', { UserName: 'jo', Tags: tags(50) }],
    ['iam', 'TagUser', { UserName: 'jo', Tags: [{ Key: 'Straße', Value: 'Zürich 東京 ١٢ a_b.c:/=+-@' }] }],
    ['iam', 'TagUser', { UserName: 'jo', Tags: [{ Key: 'k', Value: '\u{20000}'.repeat(256) }] }],
    ['iam', 'ListGroups', { PathPrefix: '/division' }],
    ['iam', 'UpdateAccessKey', { AccessKeyId: 'AKIAIOSFODNN7EXAMPLE', Status: 'Inactive' }],
    ['iam', 'ListUsers', { MaxItems: 1000 }],
    ['iam', 'UntagUser', { UserName: 'jo', TagKeys: [] }],
    ['sts', 'GetCallerIdentity', {}],
    ['sts', 'AssumeRole', { RoleArn: roleArn, RoleSessionName: 's1', ExternalId: 'a:b/c' }],
    ['organizations', 'DescribeAccount', { AccountId: '111122223333' }],
    ['cloudtrail', 'LookupEvents', { MaxResults: 50 }],
  ])('%s:%s %j', (service, operation, input) => {
    expect(validateInput(service, operation, input)).toBeUndefined();
  });
});

const name = '[\\w+=,.@-]+';
const tagValue = '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*';

describe('inputs that AWS refuses', () => {
  test.each<[string, Service, string, unknown, string]>([
    [
      'a required member is missing',
      'iam',
      'CreateUser',
      {},
      one("Value null at 'userName' failed to satisfy constraint: Member must not be null"),
    ],
    [
      'a name of 65 characters',
      'iam',
      'CreateUser',
      { UserName: 'a'.repeat(65) },
      one(
        `Value '${'a'.repeat(65)}' at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64`,
      ),
    ],
    [
      'a character outside the pattern, anywhere',
      'iam',
      'CreateUser',
      { UserName: 'jo doe' },
      one(
        `Value 'jo doe' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${name}`,
      ),
    ],
    [
      'a line break at the end is not overlooked',
      'iam',
      'CreateUser',
      { UserName: 'jo\n' },
      one(
        `Value 'jo\n' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${name}`,
      ),
    ],
    [
      'an apostrophe in a tag value',
      'iam',
      'CreateUser',
      {
        UserName: 'jo',
        Tags: [
          { Key: 'a', Value: 'b' },
          { Key: 'n', Value: "O'Brien" },
        ],
      },
      one(
        `Value 'O'Brien' at 'tags.2.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: ${tagValue}`,
      ),
    ],
    [
      'an empty tag key violates length and pattern',
      'iam',
      'TagUser',
      { UserName: 'jo', Tags: [{ Key: '', Value: '' }] },
      "2 validation errors detected: Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
        "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+",
    ],
    [
      'an enumeration',
      'iam',
      'UpdateAccessKey',
      { AccessKeyId: 'AKIAIOSFODNN7EXAMPLE', Status: 'Off' },
      one(
        "Value 'Off' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Inactive, Expired]",
      ),
    ],
    [
      'a number above its range',
      'iam',
      'ListUsers',
      { MaxItems: 1001 },
      one(
        "Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000",
      ),
    ],
    [
      'a number below its range',
      'iam',
      'UpdateAccountPasswordPolicy',
      { MinimumPasswordLength: 5 },
      one(
        "Value '5' at 'minimumPasswordLength' failed to satisfy constraint: Member must have value greater than or equal to 6",
      ),
    ],
    [
      'a path without its closing slash',
      'iam',
      'CreateUser',
      { UserName: 'jo', Path: '/a' },
      one(
        "Value '/a' at 'path' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)",
      ),
    ],
    [
      'a sensitive value is not shown',
      'iam',
      'CreateLoginProfile',
      { UserName: 'jo', Password: 'x'.repeat(129) },
      one(
        "Value at 'password' failed to satisfy constraint: Member must have length less than or equal to 128",
      ),
    ],
    [
      'a short ARN',
      'iam',
      'AttachUserPolicy',
      { UserName: 'jo', PolicyArn: 'arn:x' },
      one(
        "Value 'arn:x' at 'policyArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
      ),
    ],
    [
      'STS',
      'sts',
      'AssumeRole',
      { RoleArn: roleArn, RoleSessionName: 's1', DurationSeconds: 60 },
      one(
        "Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
      ),
    ],
    [
      'Organizations',
      'organizations',
      'DescribeAccount',
      { AccountId: 'x' },
      one(
        "Value 'x' at 'accountId' failed to satisfy constraint: Member must satisfy regular expression pattern: ^\\d{12}$",
      ),
    ],
    [
      'CloudTrail',
      'cloudtrail',
      'LookupEvents',
      { MaxResults: 51 },
      one(
        "Value '51' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50",
      ),
    ],
  ])('%s', (_, service, operation, input, message) => {
    expect(validateInput(service, operation, input)).toBe(message);
  });

  test('more than 50 tags', () => {
    expect(validateInput('iam', 'CreateUser', { UserName: 'jo', Tags: tags(51) })).toMatch(
      /^1 validation error detected: Value '.*' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50$/,
    );
  });
});

test('an operation that was not extracted is a mistake of the simulator, not of the caller', () => {
  expect(() => validateInput('iam', 'CreateUnicorn', {})).toThrow('no operation iam:CreateUnicorn');
});
