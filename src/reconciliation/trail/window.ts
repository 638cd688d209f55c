import { isAwsError, type AwsApi } from '../../aws/index.ts';
import { readEvent, type TrailEvent } from './events.ts';
import type { Fallback, FallbackReason, TrailCursor, WholeRead } from './model.ts';

/**
 * So much earlier than the last run a window begins: an event can be looked up commonly within five
 * minutes, at times after fifteen (CloudTrail user guide, and LookupEvents).
 */
export const overlapMs = 30 * 60_000;
/** Events can be looked up for so long (CloudTrail API reference, LookupEvents). */
const keptMs = 90 * 86_400_000;
/** A window of more pages would take longer to read than the account itself: 100 seconds at two a second. */
export const maxPages = 200;
/** How often a window is begun anew because its token is good no more. */
const maxAttempts = 3;
const eventsAPage = 50;

/** AWS may go on showing what was before a change for so long (IAM is eventually consistent). */
export const settleMs = 60_000;

/** Where the window of a run begins. */
export function windowStart(cursor: TrailCursor, until: number): number {
  return Math.min(cursor.from ?? Math.min(cursor.at, until) - overlapMs, until - settleMs);
}

/** What a whole reading may not have shown yet begins here. */
export function unreadFrom({ at, credentials }: WholeRead): number {
  return Math.min(at - settleMs, credentials);
}

/** The cursor after a whole reading. */
export function cursorAfterWhole(read: WholeRead, seen: readonly string[]): TrailCursor {
  return { at: read.at, from: unreadFrom(read), seen, read };
}

/** Whether a whole reading has shown already what an event tells. */
export function isRead({ at, aspects }: TrailEvent, read: WholeRead | undefined): boolean {
  return read !== undefined && at < read.at - settleMs && !(aspects.credentials && at >= read.credentials);
}

export interface WindowOptions {
  readonly cursor: TrailCursor;
  /** When the run began, by AWS's clock. */
  readonly until: number;
  readonly signIns: boolean;
  readonly signal: AbortSignal;
}

/** Every event of a window that matters, each once. */
export interface Window {
  readonly kind: 'window';
  readonly events: readonly TrailEvent[];
  /** Calls, those of attempts that broke off included. */
  readonly pages: number;
}

/**
 * Reads the history of an account from the cursor, less an overlap, to the beginning of the run. Both ends
 * are fixed before the first page, so that pages do not move while they are read. Reads only.
 * @throws {AwsError} whatever keeps it from being complete
 */
export async function readWindow(api: AwsApi, options: WindowOptions): Promise<Window | Fallback> {
  const { cursor, until } = options;
  const start = windowStart(cursor, until);
  if (until - start >= keptMs) {
    const days = Math.floor((until - cursor.at) / 86_400_000);
    return fallback(
      'CursorTooOld',
      `the last run was ${days} days ago, and CloudTrail keeps events for 90 days`,
    );
  }
  if (cursor.at > until + overlapMs) {
    return fallback('CursorAhead', 'the last run seems to have begun after this one: some clock was wrong');
  }
  let pages = 0;
  for (let attempt = 1; ; attempt += 1) {
    const events = new Map<string, TrailEvent>();
    try {
      const read = await readPages(api, { ...options, start }, events, () => (pages += 1));
      return read ?? { kind: 'window', events: [...events.values()], pages };
    } catch (error) {
      if (isAwsError(error, 'accessDenied')) {
        return fallback('NoTrailRight', `${error.message}. Incremental runs need cloudtrail:LookupEvents`);
      }
      if (!isAwsError(error) || error.code !== 'InvalidNextToken' || attempt === maxAttempts) {
        throw error;
      }
    }
  }
}

async function readPages(
  api: AwsApi,
  { start, until, signIns, signal }: WindowOptions & { readonly start: number },
  events: Map<string, TrailEvent>,
  count: () => void,
): Promise<Fallback | undefined> {
  let token: string | undefined;
  for (let page = 1; ; page += 1) {
    if (page > maxPages) {
      return fallback(
        'TooMuchBacklog',
        `more than ${maxPages * eventsAPage} changes in the account since ${new Date(start).toISOString()}`,
      );
    }
    count();
    const answer = await api.call(
      'LookupEvents',
      {
        StartTime: new Date(start),
        EndTime: new Date(until),
        LookupAttributes: [{ AttributeKey: 'ReadOnly', AttributeValue: 'false' }],
        MaxResults: eventsAPage,
        ...(token === undefined ? {} : { NextToken: token }),
      },
      { signal, priority: 'background' },
    );
    for (const raw of answer.Events ?? []) {
      const event = readEvent(raw, signIns);
      if (event !== undefined) {
        events.set(event.id, event);
      }
    }
    const next = answer.NextToken;
    if (next === undefined || next === '') {
      return undefined;
    }
    if (next === token) {
      throw new Error('LookupEvents: AWS says that there is more, and gives no new token');
    }
    token = next;
  }
}

export function fallback(reason: FallbackReason, message: string): Fallback {
  return { kind: 'fallback', reason, message };
}
