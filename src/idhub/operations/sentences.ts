import { DirectoryThrottledError, DirectoryUnavailableError } from '../model.ts';
import type { Ending, Operation, Standing } from './model.ts';
import { StoreFullError } from './ports.ts';

/** Until trouble is met again, ms. */
export const troubleMs = 5_000;

export function refusal(reason: 'missing' | 'conflict', message: string): Ending {
  return { status: 'refused', reason, message };
}

export function idUsed({ operationId }: Operation): Ending {
  return {
    status: 'refused',
    reason: 'operationIdUsed',
    message: `The operationId "${operationId}" was used with another body; give this operation one of its own.`,
  };
}

export function underWay(): Standing {
  return { status: 'pending', message: 'It is under way.', retryAfterMs: troubleMs };
}

export function interrupted(): Standing {
  return {
    status: 'failed',
    reason: 'interrupted',
    message: 'It had begun, and the connector ended before it was finished. Send it again.',
    retryAfterMs: 1_000,
  };
}

export function unavailable(error: unknown): Standing {
  const { message, retryAfterMs } = hindranceOf(error) ?? {
    message: 'It could not be finished now; the log of the connector says why.',
    retryAfterMs: troubleMs,
  };
  const reason = error instanceof DirectoryThrottledError ? 'throttled' : 'unavailable';
  return { status: 'failed', reason, message, retryAfterMs };
}

/** What stands in the way for a while, in words for callers; undefined of a fault. */
export function hindranceOf(
  error: unknown,
): { readonly message: string; readonly retryAfterMs: number } | undefined {
  if (error instanceof StoreFullError) {
    return { message: error.message, retryAfterMs: 60_000 };
  }
  return error instanceof DirectoryUnavailableError || error instanceof DirectoryThrottledError
    ? error
    : undefined;
}
