import type { Answer, Message, Sender } from '../../../../src/push/index.ts';
import type { AwsConnection, AwsReconciliation } from '../../../../operator/api/v1alpha1/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import {
  PushKeys,
  PushOutbox,
  PushReconciler,
  PushStates,
} from '../../../../operator/controllers/push/index.ts';
import type { QueueBounds } from '../../../../operator/controllers/push/queue.ts';
import { BaselineSecrets } from '../../../../operator/controllers/reconciliation/baseline-store.ts';
import { endingOf } from '../../../../operator/controllers/reconciliation/memory.ts';
import type { Attempt, Outcome } from '../../../../operator/controllers/reconciliation/outcome.ts';
import {
  laneOf,
  ReconciliationReconciler,
} from '../../../../operator/controllers/reconciliation/reconciler.ts';
import { ReportSecrets } from '../../../../operator/controllers/reconciliation/report-store.ts';
import {
  createLogger,
  isNotFound,
  keyOf,
  type EventNote,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Result,
} from '../../../../operator/runtime/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { connection as connectionObject } from '../material.ts';
import { complete, Desk as RunDesk } from '../reconciliation/desk.ts';
import { StillClock } from '../still-clock.ts';

export const keyOne = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
export const keyTwo = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const connectionKey: ObjectKey = { namespace: 'ns', name: 'main' };
const secretKey: ObjectKey = { namespace: 'idhub-system', name: 'push-keys' };

export interface Delivery {
  readonly id: string;
  readonly body: string;
  readonly signatures: readonly string[];
  readonly trust: string | undefined;
}

interface ChangesBody {
  readonly type: string;
  readonly data: {
    readonly run: string;
    readonly runs?: number;
    readonly changes: number | readonly { readonly notificationId: string; readonly name: string }[];
  };
}

/** Time stands still, and who looks after a run sleeps until that is over. */
class RunClock extends StillClock {
  override sleep(_ms?: number, signal?: AbortSignal): Promise<void> {
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }
}

/**
 * Runs and the sending of their changes on a cluster and to a receiver, which outlive the process. What a run finds
 * is what the test says; it is reported, kept and committed in the order of the product.
 */
export class Desk {
  readonly clock = new RunClock(Date.UTC(2026, 0, 15, 12));
  readonly client = new FakeClient();
  readonly events: (EventNote & { readonly name: string })[] = [];
  readonly logs: string[] = [];
  readonly told: string[] = [];
  readonly protected: string[] = [];
  /** What the receiver took, in its order. */
  readonly taken: Delivery[] = [];
  /** What was sent, taken or not. */
  sent = 0;
  answer: (delivery: Delivery) => Answer = () => ({ kind: 'answered', status: 204, retryAfter: undefined });
  /** Names of users that a run finds created. */
  finds: (run: AwsReconciliation) => readonly string[] = () => [];
  /** Called when a run has reported, before it is committed. */
  beforeCommit: (run: AwsReconciliation) => Promise<void> | void = () => undefined;
  leads = true;
  pushes = true;
  bounds: QueueBounds = { runs: 100, changes: 10_000 };
  address = 'a-1';
  outbox!: PushOutbox;
  states!: PushStates;
  #sender!: PushReconciler;
  #runs!: ReconciliationReconciler;
  readonly #registry = new RunDesk();

  async start(): Promise<this> {
    this.client.store.create('awsconnections', connectionObject());
    this.client.store.create('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: secretKey,
      data: { 'key.1': Buffer.from(keyOne).toString('base64') },
    } as KubeObject);
    await this.#registry.connect();
    this.restart();
    return this;
  }

  /** A new process, which knows nothing of what the one before did. */
  restart(): void {
    this.client.fail = () => undefined;
    const runs = this.#informer('awsreconciliations') as unknown as Informer<AwsReconciliation>;
    const connections = this.#informer('awsconnections') as unknown as Informer<AwsConnection>;
    const logger = createLogger({ level: 'debug', clock: this.clock, write: (line) => this.logs.push(line) });
    const { client, clock } = this;
    const baselines = new BaselineSecrets({ client });
    const reports = new ReportSecrets({ client });
    const outbox = new PushOutbox({
      client,
      clock,
      runs,
      connections,
      logger,
      bounds: this.bounds,
      committed: (...asked) => baselines.committed(...asked),
    });
    this.outbox = outbox;
    const told = this.pushes ? outbox : undefined;
    const events = {
      event: (object: KubeObject, note: EventNote) =>
        void this.events.push({ ...note, name: object.metadata.name }),
    };
    const attempt = async ({ run, signal }: Attempt): Promise<Outcome> => {
      const connection = this.connection();
      const { uid = '' } = run.metadata;
      const scope = run.spec.filter ?? 'all';
      const before = await baselines.load(connection, scope, signal);
      const known = JSON.parse(before?.meta ?? '{"committed":[]}') as {
        readonly committed: readonly { readonly uid: string; readonly changes: number }[];
      };
      const done = known.committed.find((each) => each.uid === uid);
      let changes = done?.changes;
      if (changes === undefined) {
        const lines = this.finds(run).map((name) =>
          JSON.stringify({ resource: 'Account', change: 'Created', id: `AIDA${name}`, name }),
        );
        const header = {
          account: '111122223333',
          mode: 'Full' as const,
          dryRun: run.spec.dryRun === true,
          startedAt: new Date(clock.now()).toISOString(),
          counts: {
            read: 0,
            created: lines.length,
            changed: 0,
            deleted: 0,
            unchanged: 0,
            unknown: 0,
            left: 0,
          },
          changes: lines.length,
        };
        await reports.write(run, { header, lines }, signal);
        changes = lines.length;
        if (run.spec.dryRun !== true) {
          await told?.stage({ connection, run, scope, report: { header, lines } }, signal);
          await this.beforeCommit(run);
          const committed = [...known.committed, { uid, changes }];
          await baselines.commit(
            connection,
            scope,
            before,
            { meta: JSON.stringify({ committed }), parts: [] },
            signal,
          );
        }
      }
      if (complete.kind !== 'complete') {
        throw new Error('an outcome that is complete');
      }
      return { ...complete, scope, whole: false, found: { ...complete.found, reported: changes } };
    };
    this.#runs = new ReconciliationReconciler({
      client,
      runs,
      connections,
      registry: this.#registry.registry,
      engine: {
        attempt: async (each) => {
          try {
            return await attempt(each);
          } finally {
            told?.release(connectionKey, each.run.metadata.uid ?? '');
          }
        },
      },
      metrics: { ended: () => undefined, changed: () => undefined, completed: () => undefined },
      permits: () => true,
      wake: () => undefined,
      events,
      logger,
      clock,
      outbox: told,
    });
    this.states = new PushStates();
    this.#sender = new PushReconciler({
      connections,
      outbox,
      keys: new PushKeys({
        client,
        secret: secretKey,
        clock,
        protectSecret: (value) => this.protected.push(value),
      }),
      sender: this.#receiver(),
      address: this.address,
      states: this.states,
      metrics: { requested: () => undefined, delivered: () => undefined },
      leads: () => this.leads,
      tell: ({ name }) => this.told.push(name),
      events,
      logger,
      clock,
      random: () => 0,
    });
  }

  #receiver(): Sender {
    return {
      close: () => undefined,
      send: ({ body, headers, trust }) => {
        this.sent += 1;
        const delivery = {
          id: headers['webhook-id'] ?? '',
          body,
          signatures: (headers['webhook-signature'] ?? '').split(' '),
          trust,
        };
        const answer = this.answer(delivery);
        if (answer.kind === 'answered' && answer.status < 300) {
          this.taken.push(delivery);
        }
        return Promise.resolve(answer);
      },
    };
  }

  make(
    name: string,
    spec: Partial<AwsReconciliation['spec']> = {},
    createdAt = '2026-01-15T11:00:00Z',
  ): AwsReconciliation {
    return this.client.store.create('awsreconciliations', {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsReconciliation',
      metadata: { name, namespace: 'ns', creationTimestamp: createdAt },
      spec: { connectionRef: { name: 'main' }, ...spec },
    } as KubeObject) as AwsReconciliation;
  }

  run(name: string, signal = new AbortController().signal): Promise<Result> {
    return this.#runs.reconcile({ namespace: 'ns', name }, signal);
  }

  push(signal = new AbortController().signal): Promise<Result> {
    return this.#sender.reconcile(connectionKey, signal);
  }

  /** Until everything has come to rest, as the queue of a controller does. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) {
      const runs = this.client.store.list('awsreconciliations').map(({ metadata }) => metadata.name);
      for (const name of runs) {
        await this.run(name);
      }
      const { requeueAfterMs } = await this.push();
      if (requeueAfterMs === undefined && runs.every((name) => this.hasEnded(name))) {
        return;
      }
      this.clock.ms += requeueAfterMs ?? 0;
    }
    throw new Error('it does not come to rest');
  }

  connection(): AwsConnection {
    return this.client.store.get('awsconnections', connectionKey) as AwsConnection;
  }

  annotate(noted: Record<string, string | null>): void {
    const { uid } = this.connection().metadata;
    this.client.store.patch('awsconnections', connectionKey, { metadata: { uid, annotations: noted } });
  }

  /** Entries of the Secret with the keys; null takes one away. */
  keys(entries: Record<string, string | null>): void {
    const { uid } = this.client.store.get('secrets', secretKey).metadata;
    const data = Object.fromEntries(
      Object.entries(entries).map(([name, text]) => [
        name,
        text === null ? null : Buffer.from(text).toString('base64'),
      ]),
    );
    this.client.store.patch('secrets', secretKey, { metadata: { uid }, data });
  }

  /** A run and all that is its own are gone, as the garbage collector leaves it. */
  delete(name: string): void {
    const run = this.client.store.get('awsreconciliations', { namespace: 'ns', name });
    this.client.store.remove('awsreconciliations', keyOf(run));
    for (const secret of this.client.store.list('secrets')) {
      if (secret.metadata.ownerReferences?.some(({ uid }) => uid === run.metadata.uid) === true) {
        this.client.store.remove('secrets', keyOf(secret));
      }
    }
  }

  /** Whether what a run found is remembered: then nobody reports it again. */
  async isCommitted({ metadata }: AwsReconciliation, scope = 'all'): Promise<boolean> {
    const baselines = new BaselineSecrets({ client: this.client });
    const uids = await baselines.committed(this.connection(), scope, new AbortController().signal);
    return uids.has(metadata.uid ?? '');
  }

  hasEnded(name: string): boolean {
    return (
      endingOf(
        this.client.store.get('awsreconciliations', { namespace: 'ns', name }) as AwsReconciliation,
      ) !== undefined
    );
  }

  /** Names of users of whom the receiver was told, each notification once, in the order in which it came first. */
  names(): string[] {
    const seen = new Map<string, string>();
    for (const { id, body } of this.taken) {
      const { data, type } = JSON.parse(body) as ChangesBody;
      if (typeof data.changes === 'number') {
        seen.set(id, `${type} ${data.changes}`);
      } else {
        data.changes.forEach((each) => {
          const before = seen.get(each.notificationId);
          if (before !== undefined && before !== each.name) {
            throw new Error(`${each.notificationId} was ${before}, and is ${each.name}`);
          }
          seen.set(each.notificationId, each.name);
        });
      }
    }
    return [...seen.values()];
  }

  delivery(index: number): Delivery {
    const found = this.taken[index];
    if (found === undefined) {
      throw new Error(`the receiver took ${this.taken.length} notifications`);
    }
    return found;
  }

  /** Bodies by id: the same id is the same body. */
  bodies(): ReadonlyMap<string, ReadonlySet<string>> {
    const found = new Map<string, Set<string>>();
    for (const { id, body } of this.taken) {
      found.set(id, (found.get(id) ?? new Set()).add(body));
    }
    return found;
  }

  /** Secrets that are kept to be sent, but for the list. */
  kept(): number {
    return this.client.store
      .list('secrets')
      .filter(({ metadata }) => metadata.labels?.['aws.idhub.io/content'] === 'push').length;
  }

  /** Of the largest Secret that is kept to be sent. */
  listBytes(): number {
    const sizes = this.client.store
      .list('secrets')
      .filter(({ metadata }) => metadata.labels?.['aws.idhub.io/content'] === 'push')
      .map((secret) => JSON.stringify(secret).length);
    return Math.max(...sizes);
  }

  condition(): { status: string; reason: string; message: string } | undefined {
    const standing = this.states.standing(connectionKey);
    return standing === undefined ? undefined : { status: standing.status, ...standing.verdict };
  }

  eventReasons(): string[] {
    return this.events.filter(({ name }) => name === 'main').map(({ reason }) => reason);
  }

  #informer(plural: string): object {
    return {
      get: (key: ObjectKey) => {
        try {
          return this.client.store.get(plural, key);
        } catch (error) {
          if (isNotFound(error)) {
            return undefined;
          }
          throw error;
        }
      },
      list: () => this.client.store.list(plural),
      byIndex: (_index: string, value: string) =>
        (this.client.store.list('awsreconciliations') as AwsReconciliation[]).filter(
          (run) => laneOf(run) === value,
        ),
      set: () => undefined,
    };
  }
}

export type { Message };
export const reconcileAt = annotations.reconcileAt;
