import type { AwsConnection, AwsReconciliation } from '../../api/v1alpha1/index.ts';
import {
  keyOf,
  keyString,
  type Client,
  type Clock,
  type Informer,
  type Logger,
  type ObjectKey,
} from '../../runtime/index.ts';
import {
  connectionOf,
  isFinished,
  openReport,
  packedLines,
  SpoiltSetError,
  type CommittedReport,
  type Outbox,
  type StagedReport,
} from '../reconciliation/index.ts';
import {
  clearedIn,
  confirmedIn,
  defaultBounds,
  missedIn,
  stagedIn,
  sweptIn,
  unstagedIn,
  type Entry,
  type PushQueue,
  type QueueBounds,
} from './queue.ts';
import { PushStore } from './store.ts';

export interface PushOutboxOptions {
  readonly client: Client;
  readonly connections: Informer<AwsConnection>;
  readonly runs: Informer<AwsReconciliation>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly bounds?: QueueBounds;
  /** Uids of the latest runs that were committed under this name. @throws {SpoiltSetError} */
  readonly committed: (
    connection: AwsConnection,
    scope: string,
    signal: AbortSignal,
  ) => Promise<ReadonlySet<string>>;
}

/**
 * What is to be sent, in Secrets of the connection: a list, and for each run in it a copy of its changes. A run may
 * be deleted at any time, by whatever cascade, without that anything is lost. The leader alone writes.
 */
export class PushOutbox implements Outbox {
  readonly #options: PushOutboxOptions;
  readonly #store: PushStore;
  /** Runs that this process is at work on. */
  readonly #active = new Set<string>();
  #tell: (connection: ObjectKey) => void = () => undefined;

  constructor(options: PushOutboxOptions) {
    this.#options = options;
    this.#store = new PushStore(options);
  }

  /** Tells of connections for which there may be something to send. */
  onChange(tell: (connection: ObjectKey) => void): void {
    this.#tell = tell;
  }

  async stage({ connection, report, run, scope }: StagedReport, signal: AbortSignal): Promise<void> {
    const { uid = '' } = run.metadata;
    this.#active.add(uid);
    const { startedAt } = report.header;
    if (report.lines.length === 0) {
      await this.#store.change(connection, (queue) => unstagedIn(queue, uid), signal);
      return;
    }
    const entry = { ...entryOf(run, scope), startedAt, changes: report.lines.length };
    const header = { ...report.header, filter: run.spec.filter };
    await this.#settle(connection, (other) => other.scope === scope && other.uid !== uid, 'wait', signal);
    // The list first, so that what is kept and comes to nothing is found again.
    await this.#store.change(connection, (queue) => stagedIn(queue, entry), signal);
    await this.#store.keep(connection, uid, header, await packedLines(report.lines), signal);
  }

  release(connection: ObjectKey, uid: string): void {
    this.#active.delete(uid);
    this.#tell(connection);
  }

  async confirm({ changes: told, run, scope }: CommittedReport, signal: AbortSignal): Promise<void> {
    const { connections, logger } = this.#options;
    const key = connectionOf(run);
    const connection = connections.get(key);
    if (connection === undefined || told === 0) {
      return;
    }
    const { uid = '' } = run.metadata;
    const report = await this.#report(run, signal);
    const queue = await this.#store.load(connection, signal);
    const known = [...queue.ready, ...queue.staged].find((entry) => entry.uid === uid);
    const staged = queue.staged.some((entry) => entry.uid === uid);
    if (report === undefined) {
      if (known === undefined) {
        logger.warn('the report of a run is gone before it could be sent', { run: keyString(keyOf(run)) });
        await this.#store.change(connection, (before) => missedIn(before, told, this.#now()), signal);
      }
    } else if (known === undefined || (staged && known.startedAt !== report.startedAt)) {
      // It was read before this was switched on, or what was kept is of a try that came to nothing.
      const { changes, header, parts, startedAt } = report;
      const entry = { ...entryOf(run, scope), startedAt, changes };
      // Of no reading until it is kept as a whole, so that it is done again where this breaks off.
      await this.#store.change(connection, (list) => stagedIn(list, { ...entry, startedAt: '' }), signal);
      await this.#store.keep(connection, uid, { ...header, filter: run.spec.filter }, await parts(), signal);
      await this.#store.change(connection, (list) => stagedIn(list, entry), signal);
    }
    await this.#confirm(connection, [uid], signal);
    this.#tell(key);
  }

  /** The list and what is in it, as they are kept. */
  get store(): PushStore {
    return this.#store;
  }

  /** What is to be sent now, and what became of runs that have gone before they could say it. */
  async current(connection: AwsConnection, signal: AbortSignal): Promise<PushQueue> {
    await this.#settle(connection, ({ uid }) => !this.#active.has(uid), 'drop', signal);
    return this.#store.load(connection, signal);
  }

  /** Takes away what was taken, or dropped. */
  async sweep(connection: AwsConnection, signal: AbortSignal): Promise<PushQueue> {
    const queue = await this.#store.change(
      connection,
      (before) => clearedIn(before, (entry) => this.#mayReturn(entry)),
      signal,
    );
    const gone: string[] = [];
    for (const uid of queue.trash.filter((each) => !this.#active.has(each))) {
      try {
        await this.#store.remove(connection, uid, signal);
        gone.push(uid);
      } catch (error) {
        if (!(error instanceof SpoiltSetError)) {
          throw error;
        }
        // Left for a person; it holds up nothing.
        this.#options.logger.warn('changes that are needed no more cannot be taken away', { uid, error });
      }
    }
    return this.#store.change(connection, (before) => sweptIn(before, gone), signal);
  }

  /** What was kept of runs that are not known to be complete: those that are, are sent. */
  async #settle(
    connection: AwsConnection,
    isMeant: (entry: Entry) => boolean,
    others: 'wait' | 'drop',
    signal: AbortSignal,
  ): Promise<void> {
    const queue = await this.#store.load(connection, signal);
    const meant = queue.staged.filter(
      (entry) => isMeant(entry) && (others === 'wait' || !this.#goesOn(entry)),
    );
    for (const scope of new Set(meant.map((entry) => entry.scope))) {
      const entries = meant.filter((entry) => entry.scope === scope);
      const committed = await this.#committed(connection, scope, signal);
      const isDone = ({ uid }: Entry): boolean => committed?.has(uid) ?? others === 'drop';
      const done = entries.filter(isDone).map(({ uid }) => uid);
      await this.#confirm(connection, done, signal);
      if (others === 'drop') {
        const over = entries.filter((entry) => !isDone(entry));
        await this.#store.change(
          connection,
          (before) => over.reduce((list, { uid }) => unstagedIn(list, uid), before),
          signal,
        );
      }
    }
  }

  /** Undefined where it cannot be told: then rather twice than never. */
  async #committed(
    connection: AwsConnection,
    scope: string,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string> | undefined> {
    try {
      return await this.#options.committed(connection, scope, signal);
    } catch (error) {
      if (error instanceof SpoiltSetError) {
        return undefined;
      }
      throw error;
    }
  }

  async #confirm(connection: AwsConnection, uids: readonly string[], signal: AbortSignal): Promise<void> {
    const { bounds = defaultBounds, logger } = this.#options;
    let dropped = 0;
    await this.#store.change(
      connection,
      (before) => {
        const after = uids.reduce((list, uid) => confirmedIn(list, uid, this.#now(), bounds), before);
        dropped = after.dropped - before.dropped;
        return after;
      },
      signal,
    );
    if (dropped > 0) {
      const fields = { connection: keyString(keyOf(connection)), changes: dropped };
      logger.warn('changes that waited too long for the receiver were dropped', fields);
    }
  }

  /** The run is there, and will come to its end by itself. */
  #goesOn({ run, uid }: Entry): boolean {
    const object = this.#runOf(run, uid);
    return object !== undefined && object.metadata.deletionTimestamp === undefined && !isFinished(object);
  }

  /** The run is there, and is confirmed again where it was broken off before its end. */
  #mayReturn({ run, uid }: Entry): boolean {
    const object = this.#runOf(run, uid);
    return object !== undefined && !isFinished(object);
  }

  #runOf(name: string, uid: string): AwsReconciliation | undefined {
    const slash = name.indexOf('/');
    const key = { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
    const object = this.#options.runs.get(key);
    return object?.metadata.uid === uid ? object : undefined;
  }

  async #report(
    run: AwsReconciliation,
    signal: AbortSignal,
  ): Promise<
    | {
        readonly header: object;
        readonly changes: number;
        readonly startedAt: string;
        readonly parts: () => Promise<Buffer[]>;
      }
    | undefined
  > {
    try {
      const stored = await openReport(this.#options.client, run, signal);
      if (stored.kind === 'none') {
        return undefined;
      }
      const { changes, startedAt } = stored.header;
      return {
        header: stored.header,
        changes: Number(changes),
        startedAt: String(startedAt),
        parts: async () => {
          const lines: string[] = [];
          for await (const shard of stored.shards) {
            lines.push(...shard.toString('utf8').split('\n').filter(Boolean));
          }
          return packedLines(lines);
        },
      };
    } catch (error) {
      if (error instanceof SpoiltSetError) {
        return undefined;
      }
      throw error;
    }
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function entryOf(run: AwsReconciliation, scope: string): Omit<Entry, 'startedAt' | 'changes'> {
  return { uid: run.metadata.uid ?? '', run: keyString(keyOf(run)), scope, next: 0, queuedAt: 0 };
}
