import { DirectoryThrottledError, DirectoryUnavailableError } from '../../../src/idhub/index.ts';
import { ApiError, TransportError } from '../../runtime/index.ts';
import type { Mount } from './mount.ts';
import { Problem } from './problem.ts';

const away = 'The API server gives no answer.';
const refused =
  'The API server refuses the connector; its log says why. It needs the right to create tokenreviews and subjectaccessreviews, and to get awsreconciliations and secrets.';

/** Nobody waits for the answer any more. */
export class CallerLeft extends Error {
  override readonly name = 'CallerLeft';
  constructor() {
    super('the caller did not wait for the end');
  }
}

/**
 * What is answered to whatever was thrown, without its words where they were not meant for callers.
 * `fault`: it is not the caller's, and goes into the log.
 */
export function faultOf(
  error: unknown,
  mount?: Pick<Mount, 'problemOf'>,
): { readonly problem: Problem; readonly fault: boolean } {
  if (error instanceof Problem) {
    return { problem: error, fault: error.status === 500 };
  }
  const known = mount?.problemOf?.(error);
  if (known !== undefined) {
    return { problem: known, fault: known.status === 500 };
  }
  if (error instanceof DirectoryUnavailableError || error instanceof DirectoryThrottledError) {
    const { message, retryAfterMs } = error;
    const status = error instanceof DirectoryUnavailableError ? 503 : 429;
    return {
      problem: new Problem(status, message, { retryAfter: retryAfterMs / 1_000, cause: error }),
      fault: false,
    };
  }
  if (isLeft(error)) {
    return {
      problem: new Problem(503, 'The answer was broken off.', { retryAfter: 1, cause: error }),
      fault: false,
    };
  }
  if (error instanceof TransportError) {
    return { problem: new Problem(503, away, { retryAfter: 5, cause: error }), fault: true };
  }
  if (error instanceof ApiError) {
    const denied = error.code === 401 || error.code === 403;
    return {
      problem: new Problem(503, denied ? refused : away, {
        retryAfter: (error.retryAfterMs ?? 5_000) / 1_000,
        cause: error,
      }),
      fault: true,
    };
  }
  // What express finds wrong with a path, such as "%zz".
  if (error instanceof URIError || (error as { status?: unknown }).status === 400) {
    return { problem: new Problem(400, 'The path makes no sense.'), fault: false };
  }
  return {
    problem: new Problem(500, 'The connector could not answer; its log says why.', { cause: error }),
    fault: true,
  };
}

/** What a stream throws whose reader has gone, or that was ended at a limit. */
function isLeft(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return (
    error instanceof CallerLeft ||
    ['ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE'].includes(String(code))
  );
}
