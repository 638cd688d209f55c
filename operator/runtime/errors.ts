/** What an API server says in a `Status` about the cause of an error. */
export interface ApiErrorDetails {
  readonly name?: string;
  readonly kind?: string;
  readonly causes?: readonly { reason?: string; field?: string; message?: string }[];
}

/**
 * An answer of the API server other than 2xx, or an ERROR event of a watch. The message is the
 * server's `Status.message` (capped), never a body, a header or what was sent.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status. */
  readonly code: number;
  /** The machine-readable reason, such as `NotFound`; empty when the answer was no `Status`. */
  readonly reason: string;
  readonly details: ApiErrorDetails | undefined;
  /** How long the server asked us to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(options: {
    code: number;
    reason?: string | undefined;
    message: string;
    details?: ApiErrorDetails | undefined;
    retryAfterMs?: number | undefined;
  }) {
    super(options.message.slice(0, 1000));
    this.code = options.code;
    this.reason = options.reason ?? '';
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** No usable answer came: refused, reset, timed out, too large or no JSON. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
}

/** A write was refused because this process does not hold the lease (any more). */
export class NotLeadingError extends Error {
  override readonly name = 'NotLeadingError';
  constructor() {
    super('this process does not hold the lease');
  }
}

function is(error: unknown, code: number): error is ApiError {
  return error instanceof ApiError && error.code === code;
}

export function isNotFound(error: unknown): error is ApiError {
  return is(error, 404);
}

/**
 * The object changed since it was read, or was deleted and made anew, or a field has another owner;
 * reading it again helps.
 */
export function isConflict(error: unknown): error is ApiError {
  return (
    (is(error, 409) && error.reason !== 'AlreadyExists') ||
    // What the API server says to a patch that carries the uid of an earlier object of that name.
    (is(error, 422) && error.details?.causes?.some((cause) => cause.field === 'metadata.uid') === true)
  );
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return is(error, 409) && error.reason === 'AlreadyExists';
}

/** The namespace is being deleted: nothing new can be made in it. */
export function isNamespaceTerminating(error: unknown): error is ApiError {
  return (
    is(error, 403) && error.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') === true
  );
}

/** The asked resource version is no longer kept; only a fresh list helps. */
export function isGone(error: unknown): error is ApiError {
  return is(error, 410);
}
