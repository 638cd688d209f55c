import type { AwsConnection, AwsReconciliation } from '../../../../operator/api/v1alpha1/index.ts';
import { ConnectionRegistry } from '../../../../operator/controllers/connection/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { isFinished, writeEnding } from '../../../../operator/controllers/reconciliation/memory.ts';
import { ScheduleReconciler } from '../../../../operator/controllers/schedule/index.ts';
import {
  createLogger,
  type EventNote,
  type Informer,
  type Result,
} from '../../../../operator/runtime/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { connection as connectionObject, usableConnection } from '../material.ts';
import { StillClock } from '../still-clock.ts';

const key = { namespace: 'ns', name: 'main' };
const noon = Date.UTC(2026, 0, 15, 12);
export const dayMs = 86_400_000;
export type Schedule = NonNullable<AwsConnection['spec']['reconciliation']>;

/** The controller at work on a cluster, which outlives it. */
export class Desk {
  readonly clock = new StillClock(noon);
  readonly client = new FakeClient();
  readonly registry = new ConnectionRegistry();
  readonly events: EventNote[] = [];
  readonly counted: string[] = [];
  told = 0;
  #reconciler!: ScheduleReconciler;

  async start(reconciliation: Schedule): Promise<this> {
    this.client.store.create('awsconnections', connectionObject({ spec: { reconciliation } }));
    const { caller, settings, schema, defaults, guard, allowedNamespaces, communicationUser, ...link } =
      await usableConnection();
    Object.assign(this.registry.obtain(key), {
      link,
      terms: { caller, settings, schema, defaults, guard, allowedNamespaces, communicationUser },
      verdict: undefined,
    });
    this.restart();
    return this;
  }

  /** A new process, which knows nothing of what the one before did. */
  restart(): void {
    const { store } = this.client;
    const informer = (plural: string): object => ({
      get: () => store.list(plural)[0],
      byIndex: () => store.list(plural),
      set: () => undefined,
    });
    this.#reconciler = new ScheduleReconciler({
      client: this.client,
      connections: informer('awsconnections') as Informer<AwsConnection>,
      runs: informer('awsreconciliations') as Informer<AwsReconciliation>,
      registry: this.registry,
      tell: () => (this.told += 1),
      count: (outcome) => this.counted.push(outcome),
      events: { event: (_object, note) => this.events.push(note) },
      logger: createLogger({ level: 'error', clock: this.clock, write: () => undefined }),
      clock: this.clock,
    });
  }

  reconcile(): Promise<Result> {
    return this.#reconciler.reconcile(key, new AbortController().signal);
  }

  get connection(): AwsConnection {
    return this.client.store.get('awsconnections', key) as AwsConnection;
  }

  change(patch: object): void {
    const { uid } = this.connection.metadata;
    this.client.store.patch('awsconnections', key, { metadata: { uid }, ...patch });
  }

  annotate(noted: Record<string, string | null>): void {
    this.change({ metadata: { uid: this.connection.metadata.uid, annotations: noted } });
  }

  runs(): AwsReconciliation[] {
    return this.client.store.list('awsreconciliations') as AwsReconciliation[];
  }

  /** The times of the runs that are there, such as `01-15T02`; the name of one that was made by hand. */
  times(): string[] {
    return this.runs()
      .map(({ metadata }) => metadata.annotations?.[annotations.scheduledAt]?.slice(5, 13) ?? metadata.name)
      .toSorted();
  }

  end({ metadata }: AwsReconciliation, outcome: 'Complete' | 'Failed' = 'Complete'): void {
    const ending = {
      run: `ns/${metadata.name}`,
      outcome,
      reason: outcome === 'Complete' ? 'Completed' : 'DeletionThresholdExceeded',
      message: 'm',
      at: this.clock.ms,
      counts: undefined,
      token: undefined,
    } as const;
    const noted = { uid: metadata.uid, annotations: { [annotations.finished]: writeEnding(ending) } };
    this.client.store.patch(
      'awsreconciliations',
      { namespace: 'ns', name: metadata.name },
      { metadata: noted },
    );
  }

  endAll(): void {
    this.runs().forEach((run) => this.end(run));
  }

  /** So many days pass, and each night's run ends, well or not. */
  async nights(count: number, outcome: 'Complete' | 'Failed' = 'Complete'): Promise<void> {
    for (let night = 0; night < count; night += 1) {
      this.clock.ms += dayMs;
      await this.reconcile();
      const run = this.runs().find((each) => !isFinished(each));
      if (run === undefined) {
        throw new Error('no run was made');
      }
      this.end(run, outcome);
    }
    await this.reconcile();
  }

  reasons(): string[] {
    return this.events.map(({ reason }) => reason);
  }
}
