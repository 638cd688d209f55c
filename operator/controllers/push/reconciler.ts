import {
  backoffMs,
  batchesOf,
  changesMessage,
  gapMessage,
  signedHeaders,
  verdictOn,
  type Message,
  type NotificationSource,
  type Sender,
  type Verdict,
} from '../../../src/push/index.ts';
import type { AwsConnection } from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  keyOf,
  keyString,
  type Clock,
  type EventNote,
  type EventRecorder,
  type Informer,
  type Logger,
  type ObjectKey,
  type Reconciler,
  type Result,
} from '../../runtime/index.ts';
import { annotations, isTrue } from '../names.ts';
import { OutboxSpoiltError, SpoiltSetError } from '../reconciliation/index.ts';
import type { PushKeys } from './keys.ts';
import type { PushMetrics } from './metrics.ts';
import type { PushOutbox } from './outbox.ts';
import {
  droppedIn,
  gapTakenIn,
  hasSwept,
  isOpen,
  nextIn,
  takenIn,
  type Entry,
  type PushQueue,
} from './queue.ts';
import type { Failure, PushStates } from './states.ts';

export interface PushReconcilerOptions {
  readonly connections: Informer<AwsConnection>;
  readonly outbox: PushOutbox;
  readonly keys: PushKeys;
  readonly sender: Sender;
  /** Tells one address from another, and nothing of it. */
  readonly address: string;
  readonly states: PushStates;
  readonly metrics: PushMetrics;
  /** Whether this process may send. */
  readonly leads: () => boolean;
  /** The status of a connection has news. */
  readonly tell: (connection: ObjectKey) => void;
  readonly events: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Notifications of one pass, so that other connections get their turn. */
const maxPerPass = 50;
/** How soon it is looked again for what a person has to put right in the cluster. */
const slowMs = 30_000;

type Sent = Verdict | { readonly kind: 'unsigned'; readonly why: string };

/** What ends a pass: nothing is left, its share is used up, or it cannot go on now. */
type End = { readonly kind: 'empty' | 'share' } | Exclude<Sent, { kind: 'taken' }>;

/** Sends the changes that wait, a connection's in their order, one request at a time. */
export class PushReconciler implements Reconciler {
  readonly #options: PushReconcilerOptions;

  constructor(options: PushReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { clock, connections, outbox, states } = this.#options;
    const connection = connections.get(key);
    if (connection === undefined) {
      states.drop(key);
      return done();
    }
    if (isTrue(connection.metadata, annotations.paused)) {
      return done();
    }
    try {
      const now = await outbox.current(connection, signal);
      // Also while nothing is taken: what was dropped is not to be kept until something is.
      const kept = hasSwept(now) ? now : await outbox.sweep(connection, signal);
      const queue = await this.#awake(connection, kept, signal);
      this.#observe(connection, queue);
      if (queue.stopped !== undefined) {
        this.#report(connection, { reason: 'ReceiverGone', why: 'HTTP 410', at: queue.stopped.at });
        return done();
      }
      const waitMs = states.notBefore(key, askedOf(connection)) - clock.now();
      if (waitMs > 0) {
        return after(waitMs);
      }
      return await this.#pass(connection, queue, signal);
    } catch (error) {
      if (error instanceof OutboxSpoiltError) {
        this.#report(connection, { reason: 'QueueSpoilt', why: error.message, at: clock.now() });
        return after(slowMs);
      }
      throw error;
    }
  }

  /** After a 410, another address or another word of a person lets it go on. */
  async #awake(connection: AwsConnection, queue: PushQueue, signal: AbortSignal): Promise<PushQueue> {
    const { address, logger, outbox } = this.#options;
    const { stopped } = queue;
    if (stopped === undefined || (stopped.address === address && stopped.asked === askedOf(connection))) {
      return queue;
    }
    logger.info('sending goes on', { connection: keyString(keyOf(connection)) });
    return outbox.store.change(connection, (before) => ({ ...before, stopped: undefined }), signal);
  }

  async #pass(connection: AwsConnection, queue: PushQueue, signal: AbortSignal): Promise<Result> {
    const { clock, outbox, random, states } = this.#options;
    const key = keyOf(connection);
    const end = await this.#send(connection, queue, signal);
    switch (end.kind) {
      case 'empty':
        this.#observe(connection, await outbox.sweep(connection, signal));
        this.#report(connection, undefined);
        return done();
      case 'share':
        this.#observe(connection, await outbox.sweep(connection, signal));
        this.#report(connection, undefined);
        return after(0);
      case 'gone': {
        const at = clock.now();
        const stopped = { address: this.#options.address, asked: askedOf(connection), at };
        this.#observe(
          connection,
          await outbox.store.change(connection, (before) => ({ ...before, stopped }), signal),
        );
        this.#report(connection, { reason: 'ReceiverGone', why: 'HTTP 410', at });
        return done();
      }
      case 'unsigned':
        this.#report(connection, { reason: 'SigningKeysMissing', why: end.why, at: clock.now() });
        return after(slowMs);
      case 'failed': {
        const waitMs = backoffMs(states.failed(key), end.waitMs, random);
        states.wait(key, clock.now() + waitMs, askedOf(connection));
        const reason = end.cause === 'refused' ? 'ReceiverRefuses' : 'ReceiverUnavailable';
        this.#report(connection, { reason, why: end.why, at: clock.now() });
        return after(waitMs);
      }
    }
  }

  /** One notification after the other, until one is not taken. */
  async #send(connection: AwsConnection, from: PushQueue, signal: AbortSignal): Promise<End> {
    const { clock, outbox, states } = this.#options;
    let queue = from;
    let left = maxPerPass;
    for (;;) {
      const next = nextIn(queue);
      if (next.kind === 'nothing') {
        return { kind: 'empty' };
      }
      if (left <= 0) {
        return { kind: 'share' };
      }
      if (next.kind === 'gap') {
        const { gap } = next;
        const { uid = '' } = connection.metadata;
        const source = { connection: keyString(keyOf(connection)), connectionId: uid };
        const sent = await this.#deliver(gapMessage(source, gap), signal);
        if (sent.kind !== 'taken') {
          return sent;
        }
        states.succeeded(keyOf(connection));
        left -= 1;
        queue = await outbox.store.change(connection, (before) => gapTakenIn(before, gap.total), signal);
        continue;
      }
      try {
        const part = await this.#changes(connection, next.entry, left, signal);
        left -= part.sent;
        if (part.end !== undefined) {
          return part.end;
        }
        queue = part.queue;
      } catch (error) {
        if (!(error instanceof SpoiltSetError)) {
          throw error;
        }
        this.#lost(connection, next.entry, error);
        queue = await outbox.store.change(
          connection,
          (before) => droppedIn(before, next.entry.uid, clock.now()),
          signal,
        );
      }
    }
  }

  /** The changes of one run, from the first that was not taken. */
  async #changes(
    connection: AwsConnection,
    entry: Entry,
    most: number,
    signal: AbortSignal,
  ): Promise<{ readonly sent: number; readonly end: End | undefined; readonly queue: PushQueue }> {
    const { clock, metrics, outbox, states } = this.#options;
    const kept = await outbox.store.open(connection, entry, signal);
    const source = sourceOf(connection, entry, kept.header);
    const total = { queuedAt: entry.queuedAt, total: entry.changes };
    let sent = 0;
    let next = entry.next;
    let queue: PushQueue | undefined;
    for await (const batch of batchesOf(kept.lines, entry.next)) {
      const result = await this.#deliver(changesMessage(source, batch, total), signal);
      if (result.kind !== 'taken') {
        return { sent, end: result, queue: queue ?? (await outbox.current(connection, signal)) };
      }
      states.succeeded(keyOf(connection));
      sent += 1;
      next = batch.first + batch.changes.length;
      metrics.delivered(batch.changes.length, (clock.now() - entry.queuedAt) / 1_000);
      const taken = next;
      queue = await outbox.store.change(connection, (before) => takenIn(before, entry.uid, taken), signal);
      this.#observe(connection, queue);
      const now = nextIn(queue);
      // Dropped meanwhile, and the receiver has to hear of that first.
      if (sent >= most || now.kind !== 'changes' || now.entry.uid !== entry.uid) {
        return { sent, end: undefined, queue };
      }
    }
    if (isOpen({ ...entry, next })) {
      throw new SpoiltSetError(`${entry.changes} changes of ${entry.run} were kept, and ${next} are there`);
    }
    return { sent, end: undefined, queue: queue ?? (await outbox.current(connection, signal)) };
  }

  async #deliver(message: Message, signal: AbortSignal): Promise<Sent> {
    const { clock, keys, leads, logger, metrics, sender } = this.#options;
    const reading = await keys.current(signal);
    if (reading.kind === 'none') {
      return { kind: 'unsigned', why: reading.why };
    }
    if (!leads()) {
      return {
        kind: 'failed',
        cause: 'unavailable',
        why: 'this process no longer holds the Lease',
        waitMs: 0,
      };
    }
    const began = clock.monotonic();
    const { body } = message;
    const headers = signedHeaders(message, reading.keys, clock.now());
    const answer = await sender.send({ headers, body, trust: reading.trust }, signal);
    const verdict = verdictOn(answer, clock.now());
    const outcome = verdict.kind === 'failed' ? verdict.cause : verdict.kind;
    metrics.requested(outcome, (clock.monotonic() - began) / 1_000);
    logger.debug('sent', {
      id: message.id,
      bytes: body.length,
      outcome,
      ...(answer.kind === 'answered' ? { status: answer.status } : { why: answer.why }),
    });
    return verdict;
  }

  #observe(connection: AwsConnection, queue: PushQueue): void {
    const dropped = this.#options.states.observe(keyOf(connection), queue);
    if (dropped > 0) {
      this.#note(connection, {
        type: 'Warning',
        reason: 'ChangesDropped',
        message: `${dropped} changes are not sent any more, and the receiver is told so: let it read everything`,
      });
    }
  }

  /** Tells people where it is news. */
  #report(connection: AwsConnection, failure: Failure | undefined): void {
    const { states, tell } = this.#options;
    const key = keyOf(connection);
    const news = states.report(key, failure);
    if (news === 'none') {
      return;
    }
    if (failure !== undefined) {
      this.#note(connection, {
        type: 'Warning',
        reason: failure.reason,
        message: states.standing(key)?.verdict.message ?? failure.why,
      });
    } else if (news === 'recovered') {
      this.#note(connection, {
        type: 'Normal',
        reason: 'Delivered',
        message: 'the receiver takes changes again',
      });
    }
    tell(key);
  }

  #lost(connection: AwsConnection, { run, uid }: Entry, error: Error): void {
    this.#options.logger.error('changes that were kept to be sent cannot be read', {
      connection: keyString(keyOf(connection)),
      run,
      uid,
      error,
    });
  }

  #note(connection: AwsConnection, note: Omit<EventNote, 'action'>): void {
    const { events, logger } = this.#options;
    events.event(connection, { ...note, action: 'Push' });
    const level = note.type === 'Warning' ? 'warn' : 'info';
    logger[level](note.message, { connection: keyString(keyOf(connection)), reason: note.reason });
  }
}

function askedOf({ metadata }: AwsConnection): string | undefined {
  return metadata.annotations?.[annotations.reconcileAt];
}

function sourceOf(
  connection: AwsConnection,
  { run, startedAt, uid }: Entry,
  header: Readonly<Record<string, unknown>>,
): NotificationSource {
  const { account, filter, mode } = header;
  return {
    connection: keyString(keyOf(connection)),
    run,
    runId: uid,
    account: String(account),
    mode: String(mode),
    filter: typeof filter === 'string' ? filter : null,
    startedAt,
  };
}
