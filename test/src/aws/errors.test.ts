import { describe, expect, test } from '@jest/globals';
import { AwsError, isAwsError, type AwsErrorKind } from '../../../src/aws/index.ts';
import { toAwsError } from '../../../src/aws/errors.ts';

/** An error as the SDK throws it: its name, and the answer's status where there was an answer. */
function thrown(name: string, status: number | undefined, more: object = {}): Error {
  const $metadata = status === undefined ? {} : { httpStatusCode: status, requestId: 'r-1' };
  return Object.assign(new Error('what AWS says'), { name, $metadata, ...more });
}

function classed(name: string, status: number | undefined, more: object = {}): AwsError {
  const error = toAwsError('GetUser', thrown(name, status, more));
  if (!isAwsError(error)) {
    throw new Error('that is no AwsError');
  }
  return error;
}

/** By the names in AWS's IAM API reference (errors of its operations, common errors) and the SDK's own classes. */
const table: readonly (readonly [name: string, status: number, kind: AwsErrorKind])[] = [
  ['NoSuchEntityException', 404, 'notFound'],
  ['NoSuchEntity', 404, 'notFound'],
  ['EntityAlreadyExistsException', 409, 'alreadyExists'],
  ['DeleteConflictException', 409, 'deleteConflict'],
  ['LimitExceededException', 409, 'limitExceeded'],
  ['LimitExceeded', 400, 'limitExceeded'],
  ['EntityTemporarilyUnmodifiableException', 409, 'temporary'],
  ['ConcurrentModificationException', 409, 'temporary'],
  ['Throttling', 400, 'throttled'],
  ['ThrottlingException', 400, 'throttled'],
  ['ThrottledException', 400, 'throttled'],
  ['RequestLimitExceeded', 400, 'throttled'],
  ['RequestThrottled', 400, 'throttled'],
  ['RequestThrottledException', 400, 'throttled'],
  ['TooManyRequestsException', 400, 'throttled'],
  ['SlowDown', 503, 'throttled'],
  ['Whatever', 429, 'throttled'],
  ['AccessDenied', 403, 'accessDenied'],
  ['AccessDeniedException', 400, 'accessDenied'],
  ['UnauthorizedOperation', 403, 'accessDenied'],
  ['InvalidClientTokenId', 403, 'badCredentials'],
  ['UnrecognizedClientException', 400, 'badCredentials'],
  ['SignatureDoesNotMatch', 403, 'badCredentials'],
  ['IncompleteSignature', 400, 'badCredentials'],
  ['MissingAuthenticationToken', 403, 'badCredentials'],
  ['ExpiredToken', 403, 'badCredentials'],
  ['ExpiredTokenException', 400, 'badCredentials'],
  ['RequestExpired', 400, 'badCredentials'],
  ['RequestTimeTooSkewed', 403, 'badCredentials'],
  ['InvalidInputException', 400, 'invalid'],
  ['ValidationError', 400, 'invalid'],
  ['ValidationException', 400, 'invalid'],
  ['MalformedPolicyDocumentException', 400, 'invalid'],
  ['PasswordPolicyViolationException', 400, 'invalid'],
  ['UnmodifiableEntityException', 400, 'invalid'],
  ['PolicyNotAttachableException', 400, 'invalid'],
  ['SomethingNew', 400, 'invalid'],
  ['ServiceFailureException', 500, 'service'],
  ['ServiceUnavailable', 503, 'service'],
  ['InternalFailure', 500, 'service'],
  ['SomethingNew', 502, 'service'],
  // The SDK counts these among the transient ones whatever their status is (TRANSIENT_ERROR_CODES).
  ['RequestTimeout', 400, 'service'],
  ['RequestTimeoutException', 408, 'service'],
];

describe('what an error means', () => {
  test.each(table)('%s with status %i is %s', (name, status, kind) => {
    const error = classed(name, status);
    expect(error.kind).toBe(kind);
    expect(error.code).toBe(name.replace(/Exception$/, ''));
    expect(error.requestId).toBe('r-1');
    // AWS's sentences on credentials can hold parts of what was signed.
    const told = kind === 'badCredentials' ? 'AWS does not accept the credentials' : 'what AWS says';
    expect(error.message).toBe(`GetUser: ${error.code}: ${told}`);
  });

  test.each([
    ['TimeoutError', {}, 'TimeoutError'],
    ['Error', { code: 'ECONNRESET' }, 'ECONNRESET'],
    ['Error', { code: 'ENOTFOUND' }, 'ENOTFOUND'],
    ['Error', { code: 'CERT_HAS_EXPIRED' }, 'CERT_HAS_EXPIRED'],
    ['TypeError', {}, 'TypeError'],
  ])('%s without an answer (%j) is unreachable', (name, more, code) => {
    expect(classed(name, undefined, more)).toMatchObject({ kind: 'unreachable', code });
  });

  test.each<[AwsErrorKind, boolean]>([
    ['notFound', false],
    ['alreadyExists', false],
    ['deleteConflict', false],
    ['limitExceeded', false],
    ['temporary', true],
    ['throttled', true],
    ['accessDenied', false],
    ['badCredentials', false],
    ['invalid', false],
    ['unreachable', true],
    ['service', true],
  ])('%s passes by itself: %s', (kind, expected) => {
    expect(new AwsError({ kind, operation: 'GetUser', code: 'X', message: '' }).isTransient).toBe(expected);
  });
});

test('an error holds nothing of the request, its headers or its body', () => {
  const secret = 'AKIDSECRET';
  const error = classed('AccessDenied', 403, {
    $response: { headers: { authorization: secret }, body: secret },
    $fault: 'client',
    input: { Password: secret },
  });
  const everything = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String(error.cause);
  expect(everything).not.toContain(secret);
});

test('an abort stays what it is, and so does an error that is classed already', () => {
  const reason = new Error('the lease is lost');
  expect(toAwsError('GetUser', reason, AbortSignal.abort(reason))).toBe(reason);
  const error = classed('Throttling', 400);
  expect(toAwsError('ListUsers', error)).toBe(error);
});

test.each<[unknown, readonly AwsErrorKind[], boolean]>([
  [classed('NoSuchEntity', 404), [], true],
  [classed('NoSuchEntity', 404), ['notFound'], true],
  [classed('NoSuchEntity', 404), ['throttled', 'notFound'], true],
  [classed('NoSuchEntity', 404), ['throttled'], false],
  [new Error('NoSuchEntity'), [], false],
  [undefined, [], false],
])('isAwsError(%s, %j) is %s', (error, kinds, expected) => {
  expect(isAwsError(error, ...kinds)).toBe(expected);
});
