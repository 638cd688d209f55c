import { describe, expect, test } from '@jest/globals';
import { AwsError, type AwsErrorKind } from '../../../../src/aws/index.ts';
import { resolveSettings } from '../../../../src/connection/index.ts';
import {
  checkCaller,
  cloudTrailVerdict,
  configure,
  credentialsOf,
  verdictOf,
} from '../../../../operator/controllers/connection/decide.ts';
import { IncompleteReadingError } from '../../../../src/reconciliation/index.ts';
import type { Secret } from '../../../../operator/controllers/names.ts';
import { caller, connection } from '../material.ts';

describe('what the spec of a connection comes to', () => {
  test('nothing but credentials is enough', () => {
    const configured = configure(connection(), false);
    expect(configured).toMatchObject({ kind: 'usable', settings: resolveSettings({}).settings });
    expect(configured.kind === 'usable' ? configured.schema.size : 0).toBe(16);
  });

  test('endpoints need the operator’s leave', () => {
    for (const endpoints of [{ iam: 'http://127.0.0.1:1' }, { sts: 'http://127.0.0.1:1' }]) {
      expect(configure(connection({ spec: { endpoints } }), false)).toMatchObject({
        kind: 'refused',
        verdict: {
          reason: 'EndpointOverrideNotAllowed',
          message: expect.stringContaining('--allow-endpoint-override'),
        },
      });
      expect(configure(connection({ spec: { endpoints } }), true).kind).toBe('usable');
    }
    expect(configure(connection({ spec: { endpoints: {} } }), false).kind).toBe('usable');
  });

  test('a time zone that is none is refused with its field', () => {
    expect(configure(connection({ spec: { settings: { timeZone: 'Mars' } } }), false)).toMatchObject({
      kind: 'refused',
      verdict: {
        reason: 'InvalidTimeZone',
        message: expect.stringMatching(/^spec\.settings\.timeZone "Mars"/),
      },
    });
  });

  test('a schema that contradicts itself is refused with all that is wrong', () => {
    const attributes = [
      { name: 'a', renames: 'shoeSize' },
      { name: 'b', removed: true },
    ];
    expect(configure(connection({ spec: { schema: { attributes } } }), false)).toMatchObject({
      kind: 'refused',
      verdict: {
        reason: 'InvalidSchema',
        message: expect.stringMatching(/^spec\.schema: .*"shoeSize".*; .*"b"/),
      },
    });
  });

  test('the prefix of attributes is in the schema', () => {
    const configured = configure(
      connection({ spec: { settings: { attributeTagPrefix: 'person/' } } }),
      false,
    );
    expect(configured.kind === 'usable' ? configured.schema.get('city')?.tagKey : '').toBe('person/city');
  });
});

function secretOf(data: Readonly<Record<string, string>> | undefined): Secret {
  const encoded = Object.entries(data ?? {}).map(([key, value]) => [
    key,
    Buffer.from(value).toString('base64'),
  ]);
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'aws', namespace: 'ns' },
    ...(data === undefined ? {} : { data: Object.fromEntries(encoded) as Record<string, string> }),
  };
}

describe('the credentials of a Secret', () => {
  const pair = { accessKeyId: 'AKIA1', secretAccessKey: 'shh' };

  test.each([
    ['a pair', pair, pair],
    ['a pair with a token', { ...pair, sessionToken: 't' }, { ...pair, sessionToken: 't' }],
    [
      'with the line end that echo adds',
      { accessKeyId: 'AKIA1\n', secretAccessKey: ' shh\n', sessionToken: '\n' },
      pair,
    ],
    ['with further keys', { ...pair, other: 'x' }, pair],
  ])('%s', (_, data, credentials) => {
    expect(credentialsOf(secretOf(data), 'aws')).toEqual({ kind: 'found', credentials });
  });

  test.each([
    ['no Secret', undefined, 'SecretNotFound', /no Secret "aws" in this namespace; create it with the keys/],
    ['no data', secretOf(undefined), 'SecretInvalid', /has no accessKeyId and no secretAccessKey/],
    ['no key id', secretOf({ secretAccessKey: 'shh' }), 'SecretInvalid', /has no accessKeyId; /],
    [
      'blanks for a key',
      secretOf({ accessKeyId: 'A', secretAccessKey: ' \n' }),
      'SecretInvalid',
      /has no secretAccessKey; /,
    ],
    [
      'the names of AWS’s own files',
      secretOf({ aws_access_key_id: 'A' }),
      'SecretInvalid',
      /has no accessKeyId/,
    ],
  ])('%s is refused, and no value is told', (_, secret, reason, message) => {
    const found = credentialsOf(secret, 'aws');
    expect(found).toMatchObject({
      kind: 'refused',
      verdict: { reason, message: expect.stringMatching(message) },
    });
    expect(JSON.stringify(found)).not.toContain('shh');
  });
});

describe('whose the credentials must be', () => {
  const recorded = (accountId: string) => ({ annotations: { 'aws.idhub.io/account-id': accountId } });

  test.each([
    ['nothing is said', connection()],
    ['the account of the spec', connection({ spec: { accountId: caller.accountId } })],
    ['the account of the first contact', connection({ metadata: recorded(caller.accountId) })],
    ['the user of the spec', connection({ spec: { userName: 'idhub' } })],
    ['the user of the spec, in other case', connection({ spec: { userName: 'IDHub' } })],
  ])('all is well: %s', (_, object) => {
    expect(checkCaller(object, caller)).toBeUndefined();
  });

  test.each([
    [
      'another than in the spec',
      connection({ spec: { accountId: '999999999999' } }),
      'AccountMismatch',
      /999999999999 is in spec\.accountId; nothing is written/,
    ],
    [
      'another than at first contact',
      connection({ metadata: recorded('999999999999') }),
      'AccountMismatch',
      /999999999999 was recorded at first contact/,
    ],
    [
      'the account of the spec, which was another one before',
      connection({ spec: { accountId: caller.accountId }, metadata: recorded('999999999999') }),
      'AccountMismatch',
      /has been used with 999999999999/,
    ],
    [
      'another user',
      connection({ spec: { userName: 'someone' } }),
      'UserNameMismatch',
      /user\/idhub, not to the user "someone"/,
    ],
  ])('%s', (_, object, reason, message) => {
    expect(checkCaller(object, caller)).toMatchObject({ reason, message: expect.stringMatching(message) });
  });

  test('a role’s session is nobody’s user name', () => {
    const session = {
      ...caller,
      arn: 'arn:aws:sts::111122223333:assumed-role/idhub/x',
      userName: undefined,
      userId: undefined,
    };
    expect(checkCaller(connection({ spec: { userName: 'idhub' } }), session)?.reason).toBe(
      'UserNameMismatch',
    );
    expect(checkCaller(connection(), session)).toBeUndefined();
  });
});

describe('what a failed call says of a connection', () => {
  test.each<[AwsErrorKind, string, RegExp]>([
    ['badCredentials', 'InvalidCredentials', /put a valid access key into the Secret/],
    ['accessDenied', 'AccessDenied', /docs\/aws-policy/],
    ['throttled', 'Throttled', /tried again/],
    ['unreachable', 'AwsUnreachable', /tried again/],
    ['service', 'AwsUnreachable', /tried again/],
    ['invalid', 'AwsError', /AWS says no/],
    ['notFound', 'AwsError', /AWS says no/],
  ])('%s is %s', (kind, reason, message) => {
    const error = new AwsError({ kind, operation: 'ListUsers', code: 'X', message: 'AWS says no' });
    expect(verdictOf(error)).toEqual({ reason, message: expect.stringMatching(message) });
    expect(verdictOf(error).message).toContain('ListUsers: X: AWS says no');
  });

  test('C12: a reading that cannot be all there is, and one of another account', () => {
    expect(verdictOf(new IncompleteReadingError('AWS shows nobody'))).toEqual({
      reason: 'SnapshotIncomplete',
      message: 'AWS shows nobody. That cannot be all there is: it is not used, and read again',
    });
    expect(verdictOf(new IncompleteReadingError('AWS shows others', { foreign: true }))).toEqual({
      reason: 'AccountMismatch',
      message: expect.stringContaining('AWS shows others. Nothing is written'),
    });
  });

  test('anything else is told as it is', () => {
    expect(verdictOf(new Error('broken'))).toEqual({ reason: 'AwsError', message: 'broken' });
    expect(verdictOf('text')).toEqual({ reason: 'AwsError', message: 'text' });
  });
});

describe('the region of CloudTrail', () => {
  test.each([
    [{}, true, 'us-east-1'],
    [{ region: 'eu-central-1' }, true, 'us-east-1'],
    [{ region: 'us-gov-east-1' }, true, 'us-gov-west-1'],
    [{ region: 'cn-northwest-1' }, true, 'cn-north-1'],
    // The guide's own default, where no event of IAM is to be found.
    [{ cloudTrailRegion: 'us-east-2' }, false, 'us-east-1'],
    [{ region: 'us-gov-east-1', cloudTrailRegion: 'us-east-1' }, false, 'us-gov-west-1'],
  ])('%j is the one with IAM’s events: %s (%s)', (input, ok, home) => {
    const verdict = cloudTrailVerdict(resolveSettings(input).settings);
    expect(verdict).toMatchObject({ ok, reason: ok ? 'HomeRegion' : 'NotHomeRegion' });
    expect(verdict.message).toContain(`IAM's events are in ${home}`);
  });
});
