import { readRetryAfter } from '../retry-after.ts';

/** What came of a try. */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter: string | undefined }
  /** Nothing usable came: refused, reset, not trusted, too late. `why` is for people, without secrets. */
  | { readonly kind: 'unanswered'; readonly why: string };

export type Verdict =
  | { readonly kind: 'taken' }
  /** The receiver wants no more, ever (410). */
  | { readonly kind: 'gone' }
  /** Tried again. */
  | {
      readonly kind: 'failed';
      /** Whether the receiver itself said that it will not: somebody has to act. */
      readonly cause: 'refused' | 'unavailable';
      readonly why: string;
      /** At least so long nothing is sent, as the receiver asks; 0 where it does not. */
      readonly waitMs: number;
    };

/** Statuses of 400 to 499 that pass by themselves. */
const passing: ReadonlySet<number> = new Set([408, 421, 425, 429]);

/** Judges an answer as Standard Webhooks 1.0.0 asks (delivery success and failure). Pure. @param now milliseconds since the epoch */
export function verdictOn(answer: Answer, now: number): Verdict {
  if (answer.kind === 'unanswered') {
    return { kind: 'failed', cause: 'unavailable', why: answer.why, waitMs: 0 };
  }
  const { status } = answer;
  if (status >= 200 && status <= 299) {
    return { kind: 'taken' };
  }
  if (status === 410) {
    return { kind: 'gone' };
  }
  const cause = status >= 500 || passing.has(status) ? 'unavailable' : 'refused';
  const redirected = status >= 300 && status <= 399;
  const why = redirected ? `HTTP ${status}: it sends elsewhere, and is not followed` : `HTTP ${status}`;
  return { kind: 'failed', cause, why, waitMs: readRetryAfter(answer.retryAfter, now) ?? 0 };
}

const baseMs = 1_000;
const longestMs = 600_000;

/**
 * How long to wait after so many failures one after the other: from 1 s, doubled up to 10 min, of which up to a
 * half is taken off at random; longer where the receiver asks for it. Pure.
 * @param random from 0 up to 1
 */
export function backoffMs(failures: number, waitMs: number, random: () => number): number {
  const full = Math.min(longestMs, baseMs * 2 ** Math.min(Math.max(0, failures - 1), 30));
  return Math.max(waitMs, full * (1 - random() / 2));
}
