/**
 * What an AWS error means for the one who called. Told apart by the error's name, since IAM
 * answers most of them with HTTP 400 (IAM API reference, common errors).
 */
export type AwsErrorKind =
  | 'notFound'
  | 'alreadyExists'
  | 'deleteConflict'
  | 'limitExceeded'
  | 'temporary'
  | 'throttled'
  | 'accessDenied'
  | 'badCredentials'
  | 'invalid'
  | 'unreachable'
  | 'service';

const kindOf: Readonly<Record<string, AwsErrorKind>> = {
  NoSuchEntity: 'notFound',
  EntityAlreadyExists: 'alreadyExists',
  DeleteConflict: 'deleteConflict',
  LimitExceeded: 'limitExceeded',
  EntityTemporarilyUnmodifiable: 'temporary',
  ConcurrentModification: 'temporary',
  Throttling: 'throttled',
  Throttled: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequests: 'throttled',
  RequestThrottled: 'throttled',
  SlowDown: 'throttled',
  AccessDenied: 'accessDenied',
  UnauthorizedOperation: 'accessDenied',
  InvalidClientTokenId: 'badCredentials',
  UnrecognizedClient: 'badCredentials',
  SignatureDoesNotMatch: 'badCredentials',
  IncompleteSignature: 'badCredentials',
  MissingAuthenticationToken: 'badCredentials',
  ExpiredToken: 'badCredentials',
  InvalidAccessKeyId: 'badCredentials',
  RequestTimeTooSkewed: 'badCredentials',
  RequestExpired: 'badCredentials',
  InvalidInput: 'invalid',
  ValidationError: 'invalid',
  Validation: 'invalid',
  MalformedPolicyDocument: 'invalid',
  PasswordPolicyViolation: 'invalid',
  UnmodifiableEntity: 'invalid',
  PolicyNotAttachable: 'invalid',
  ServiceFailure: 'service',
  RequestTimeout: 'service',
  ServiceUnavailable: 'service',
  InternalFailure: 'service',
  InternalError: 'service',
};

/**
 * A failed AWS call, rebuilt so that it can be logged and put into a status: it holds the operation,
 * the error's name and AWS's sentence, never the request, its headers or its body.
 */
export class AwsError extends Error {
  readonly kind: AwsErrorKind;
  readonly operation: string;
  /** AWS's own name for the error, without the `Exception` that some SDK classes add. */
  readonly code: string;
  readonly requestId: string | undefined;

  constructor(options: {
    kind: AwsErrorKind;
    operation: string;
    code: string;
    message: string;
    requestId?: string | undefined;
  }) {
    super(`${options.operation}: ${options.code}: ${options.message}`);
    this.name = 'AwsError';
    this.kind = options.kind;
    this.operation = options.operation;
    this.code = options.code;
    this.requestId = options.requestId;
  }

  /** True where the same call, later and unchanged, can succeed without anybody acting. */
  get isTransient(): boolean {
    return (
      this.kind === 'throttled' ||
      this.kind === 'temporary' ||
      this.kind === 'unreachable' ||
      this.kind === 'service'
    );
  }
}

/** Whether `error` is an AWS error of one of these kinds. */
export function isAwsError(error: unknown, ...of: readonly AwsErrorKind[]): error is AwsError {
  return error instanceof AwsError && (of.length === 0 || of.includes(error.kind));
}

/** Waits for a call; an error of one of these kinds is as good as success. */
export async function ignoring(call: Promise<unknown>, ...kinds: readonly AwsErrorKind[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isAwsError(error, ...kinds)) {
      throw error;
    }
  }
}

/** Turns whatever the SDK threw into an `AwsError`; an abort stays what it is. */
export function toAwsError(operation: string, error: unknown, signal?: AbortSignal): unknown {
  if (error instanceof AwsError) {
    return error;
  }
  if (signal?.aborted === true) {
    return signal.reason;
  }
  const thrown = error as {
    name?: string;
    Code?: string;
    code?: string;
    message?: string;
    $metadata?: { httpStatusCode?: number; requestId?: string };
  };
  const status = thrown.$metadata?.httpStatusCode;
  const code = (thrown.name ?? thrown.code ?? 'Unknown').replace(/Exception$/, '');
  const kind =
    kindOf[code] ??
    (status === undefined
      ? 'unreachable'
      : status === 429
        ? 'throttled'
        : status >= 500
          ? 'service'
          : 'invalid');
  return new AwsError({
    kind,
    operation,
    code: status === undefined && typeof thrown.code === 'string' ? thrown.code : code,
    // AWS repeats parts of the request in these, which is signed with what must not be told.
    message:
      kind === 'badCredentials' ? 'AWS does not accept the credentials' : (thrown.message ?? 'no message'),
    requestId: thrown.$metadata?.requestId,
  });
}
