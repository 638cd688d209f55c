import type { Gap } from '../../../src/push/index.ts';

/** The changes of one run. */
export interface Entry {
  readonly uid: string;
  /** `namespace/name`. */
  readonly run: string;
  /** Under which name what was found is remembered. */
  readonly scope: string;
  /** Of the reading that they come from, as the report has it. */
  readonly startedAt: string;
  readonly changes: number;
  /** Index of the first change that was not taken yet. */
  readonly next: number;
  /** When the run was complete, milliseconds since the epoch; 0 where it is not yet. */
  readonly queuedAt: number;
}

/** That the receiver wants no more. */
export interface Stopped {
  /** Of the address: with another one it goes on. */
  readonly address: string;
  /** The connection's `aws.idhub.io/reconcile-at`: with another one it goes on. */
  readonly asked: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What is to be sent for a connection. */
export interface PushQueue {
  /** Complete runs, in the order in which they are sent. */
  readonly ready: readonly Entry[];
  /** Runs of which it is not known yet whether they are complete. */
  readonly staged: readonly Entry[];
  /** Changes that were dropped, and of which the receiver was not told yet. */
  readonly gap: Gap | undefined;
  /** Changes that were ever dropped. */
  readonly dropped: number;
  readonly stopped: Stopped | undefined;
  /** Runs whose changes are needed no more and may still be kept. */
  readonly trash: readonly string[];
}

export interface QueueBounds {
  /** Runs that wait. */
  readonly runs: number;
  /** Changes that wait, of all runs together. */
  readonly changes: number;
}

/** As much as a receiver that is away for long may leave: with a run a minute that has changes, 16 hours. */
export const defaultBounds: QueueBounds = { runs: 1_000, changes: 100_000 };

export const emptyQueue: PushQueue = {
  ready: [],
  staged: [],
  gap: undefined,
  dropped: 0,
  stopped: undefined,
  trash: [],
};

/** With the changes of a run that may be complete soon; in place of those of an earlier try. Pure. */
export function stagedIn(queue: PushQueue, entry: Entry): PushQueue {
  const { uid } = entry;
  return {
    ...queue,
    staged: [...queue.staged.filter((other) => other.uid !== uid), { ...entry, next: 0, queuedAt: 0 }],
    trash: queue.trash.filter((other) => other !== uid),
  };
}

/** The run is complete: its changes come after those of all that were complete before. What goes beyond the bounds, the oldest first, is dropped. Pure. */
export function confirmedIn(queue: PushQueue, uid: string, now: number, bounds: QueueBounds): PushQueue {
  const entry = queue.staged.find((other) => other.uid === uid);
  if (entry === undefined) {
    return queue;
  }
  const staged = queue.staged.filter((other) => other.uid !== uid);
  return bounded({ ...queue, staged, ready: [...queue.ready, { ...entry, queuedAt: now }] }, now, bounds);
}

function bounded(queue: PushQueue, now: number, bounds: QueueBounds): PushQueue {
  let result = queue;
  for (const { uid } of queue.ready.slice(0, -1)) {
    const open = result.ready.filter(isOpen);
    if (open.length <= bounds.runs && waiting(result) <= bounds.changes) {
      break;
    }
    if (open.some((entry) => entry.uid === uid)) {
      result = droppedIn(result, uid, now);
    }
  }
  return result;
}

/** Whether something of it was not taken yet. */
export function isOpen({ next, changes }: Entry): boolean {
  return next < changes;
}

/** Changes that wait. */
export function waiting({ ready }: PushQueue): number {
  return ready.reduce((sum, { next, changes }) => sum + changes - next, 0);
}

/** The changes of a run that is complete are not sent, and the receiver is to be told that some are missing. Pure. */
export function droppedIn(queue: PushQueue, uid: string, now: number): PushQueue {
  const entry = queue.ready.find((other) => other.uid === uid);
  return entry === undefined || !isOpen(entry)
    ? queue
    : missedIn(takenIn(queue, uid, entry.changes), entry.changes - entry.next, now);
}

/** So many changes of a run cannot be sent any more. Pure. */
export function missedIn(queue: PushQueue, changes: number, now: number): PushQueue {
  const total = queue.dropped + changes;
  const { runs = 0, changes: before = 0 } = queue.gap ?? {};
  return {
    ...queue,
    dropped: total,
    gap: { runs: runs + 1, changes: before + changes, at: now, total },
  };
}

/** The run did not become complete: what was kept of it is not sent. Pure. */
export function unstagedIn(queue: PushQueue, uid: string): PushQueue {
  return queue.staged.some((entry) => entry.uid === uid)
    ? {
        ...queue,
        staged: queue.staged.filter((entry) => entry.uid !== uid),
        trash: [...queue.trash, uid],
      }
    : queue;
}

/** The receiver has the changes of a run up to this one, which it has not. Pure. */
export function takenIn(queue: PushQueue, uid: string, next: number): PushQueue {
  return {
    ...queue,
    ready: queue.ready.map((entry) =>
      entry.uid === uid ? { ...entry, next: Math.max(entry.next, Math.min(next, entry.changes)) } : entry,
    ),
  };
}

/** The receiver was told of a gap; what was dropped since is another one. Pure. */
export function gapTakenIn(queue: PushQueue, total: number): PushQueue {
  return queue.gap?.total === total ? { ...queue, gap: undefined } : queue;
}

/**
 * Without the runs whose changes were all taken. One that has not ended yet stays, so that it is known to be
 * done when it is confirmed again. Pure.
 * @param mayReturn whether the run may be confirmed once more
 */
export function clearedIn(queue: PushQueue, mayReturn: (entry: Entry) => boolean): PushQueue {
  const over = queue.ready.filter((entry) => !isOpen(entry) && !mayReturn(entry)).map(({ uid }) => uid);
  return over.length === 0
    ? queue
    : {
        ...queue,
        ready: queue.ready.filter(({ uid }) => !over.includes(uid)),
        trash: [...queue.trash, ...over],
      };
}

/** Whether nothing is left of runs whose changes were all taken, or dropped. Pure. */
export function hasSwept({ ready, trash }: PushQueue): boolean {
  return trash.length === 0 && ready.every(isOpen);
}

/** These are not kept any more. Pure. */
export function sweptIn(queue: PushQueue, uids: readonly string[]): PushQueue {
  return uids.length === 0 ? queue : { ...queue, trash: queue.trash.filter((uid) => !uids.includes(uid)) };
}

/** What is sent next. */
export type Next =
  | { readonly kind: 'gap'; readonly gap: Gap }
  | { readonly kind: 'changes'; readonly entry: Entry }
  | { readonly kind: 'nothing' };

/** That changes are missing first, then the oldest. Pure. */
export function nextIn({ gap, ready }: PushQueue): Next {
  if (gap !== undefined) {
    return { kind: 'gap', gap };
  }
  const entry = ready.find(isOpen);
  return entry === undefined ? { kind: 'nothing' } : { kind: 'changes', entry };
}

const format = 1;

export function writeQueue(queue: PushQueue): string {
  return JSON.stringify({ format, ...queue });
}

/** Undefined where it makes no sense. Pure. */
export function readQueue(text: string): PushQueue | undefined {
  try {
    const { format: written, ...rest } = JSON.parse(text) as Partial<PushQueue> & { format?: unknown };
    const queue = { ...emptyQueue, ...rest };
    const lists = [queue.ready, queue.staged].every((list) => Array.isArray(list) && list.every(isEntry));
    return written === format && lists && Array.isArray(queue.trash) && Number.isInteger(queue.dropped)
      ? queue
      : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(each: unknown): each is Entry {
  const { uid, run, scope, startedAt, changes, next, queuedAt } = (each ?? {}) as Partial<Entry>;
  return (
    [uid, run, scope, startedAt].every((text) => typeof text === 'string') &&
    [changes, next, queuedAt].every((number) => Number.isInteger(number))
  );
}
