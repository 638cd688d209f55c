import { NormalizedSchema } from '@smithy/core/schema';
import * as iam from '@aws-sdk/client-iam';
import * as sts from '@aws-sdk/client-sts';

/** An error as AWS answers it. `code` is the wire code of the query protocol (`NoSuchEntity`), the JSON name otherwise. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = statusOf(code)) {
    super(message);
    this.name = 'AwsError';
    this.code = code;
    this.status = status;
  }
}

/** Common errors of AWS query services (IAM API reference, "Common Errors") that no operation's model lists. */
const COMMON: readonly (readonly [string, number])[] = [
  ['AccessDenied', 403],
  ['ExpiredToken', 403],
  ['IncompleteSignature', 403],
  ['InternalFailure', 500],
  ['InvalidClientTokenId', 403],
  ['MissingAuthenticationToken', 403],
  ['RequestExpired', 400],
  ['RequestTimeTooSkewed', 403],
  ['ServiceUnavailable', 503],
  ['SignatureDoesNotMatch', 403],
  ['NotImplemented', 501],
  ['TooManyRequestsException', 429],
];

/** Wire code → HTTP status, from the `awsQueryError` traits of the SDK's schemas. */
const STATUS: ReadonlyMap<string, number> = new Map([
  ...[...Object.values(iam), ...Object.values(sts)].flatMap((exported) => {
    if (!Array.isArray(exported) || exported[0] !== -3) {
      return [];
    }
    const traits: Readonly<Record<string, unknown>> = NormalizedSchema.of(exported).getMergedTraits();
    const wire = traits['awsQueryError'];
    return Array.isArray(wire) ? [[String(wire[0]), Number(wire[1])] as const] : [];
  }),
  ...COMMON,
]);

function statusOf(code: string): number {
  return STATUS.get(code) ?? 400;
}

export const noSuchEntity = (message: string): AwsError => new AwsError('NoSuchEntity', message);
export const alreadyExists = (message: string): AwsError => new AwsError('EntityAlreadyExists', message);
export const deleteConflict = (message: string): AwsError => new AwsError('DeleteConflict', message);
export const limitExceeded = (message: string): AwsError => new AwsError('LimitExceeded', message);
export const invalidInput = (message: string): AwsError => new AwsError('InvalidInput', message);
export const validationError = (message: string): AwsError => new AwsError('ValidationError', message);
export const malformedPolicy = (message: string): AwsError =>
  new AwsError('MalformedPolicyDocument', message);
