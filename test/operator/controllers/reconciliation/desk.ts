import { resolveSettings } from '../../../../src/connection/index.ts';
import { guardOf } from '../../../../src/guard/index.ts';
import { SnapshotStore } from '../../../../src/reconciliation/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import {
  awsReconciliationType,
  type AwsConnection,
  type AwsReconciliation,
} from '../../../../operator/api/v1alpha1/index.ts';
import { ConnectionRegistry } from '../../../../operator/controllers/connection/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import type { Attempt, Outcome } from '../../../../operator/controllers/reconciliation/outcome.ts';
import {
  laneOf,
  ReconciliationReconciler,
} from '../../../../operator/controllers/reconciliation/reconciler.ts';
import type { Found } from '../../../../operator/controllers/reconciliation/status.ts';
import {
  createLogger,
  isNotFound,
  type EventNote,
  type Informer,
  type KubeObject,
  type ObjectKey,
  type Result,
} from '../../../../operator/runtime/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { caller, connection as connectionObject } from '../material.ts';
import { StillClock } from '../still-clock.ts';

export const connectionKey: ObjectKey = { namespace: 'ns', name: 'main' };

/** Time stands still, and a sleep lasts until its signal ends it. */
class HeldClock extends StillClock {
  /** Resolves the sleeps so far. */
  readonly #sleepers = new Set<() => void>();

  override sleep(_ms?: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  }

  /** Whoever sleeps looks again. */
  async pass(ms: number): Promise<void> {
    this.ms += ms;
    [...this.#sleepers].forEach((wake) => wake());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const found: Found = {
  mode: 'Full',
  account: '111122223333',
  startedAt: Date.UTC(2026, 0, 15, 12),
  seconds: 1.25,
  calls: 3,
  counts: { read: 60, created: 1, changed: 2, deleted: 3, unchanged: 54, unknown: 0, left: 0 },
  changes: [{ resource: 'Account', change: 'Created', id: 'AIDA1', name: 'jo' }],
  reported: 6,
  cursor: undefined,
  fallback: undefined,
  unread: [],
  absent: [],
  guard: undefined,
};

export const guard = { deletions: 40, allowed: 5, token: 'token-1', names: ['a', 'b', 'c', 'd'] };

export const complete: Outcome = {
  kind: 'complete',
  found,
  scope: 'default',
  whole: true,
  first: false,
  approved: false,
};
export const stoppedOutcome = {
  kind: 'stopped',
  found,
  guard,
  scope: 'default',
  what: 'users',
} as const satisfies Outcome;

/** The controller of runs at work on a cluster, which outlives it. The engine does what the test says. */
export class Desk {
  readonly clock = new HeldClock(Date.UTC(2026, 0, 15, 12));
  readonly client = new FakeClient();
  readonly events: (EventNote & { readonly name: string })[] = [];
  readonly counted: string[] = [];
  readonly woken: string[] = [];
  /** The tries so far. */
  readonly attempts: Attempt[] = [];
  engine: (attempt: Attempt) => Promise<Outcome> = () => Promise.resolve(complete);
  registry = new ConnectionRegistry();
  permits: (namespace: string) => boolean = () => true;
  readonly #stop = new AbortController();
  #reconciler!: ReconciliationReconciler;

  async start(): Promise<this> {
    if (this.client.store.list('awsconnections').length === 0) {
      this.client.store.create('awsconnections', connectionObject());
    }
    await this.connect();
    this.restart();
    return this;
  }

  /** The connection is verified and was read. */
  async connect(): Promise<void> {
    const snapshots = new SnapshotStore({
      clock: this.clock,
      read: () => Promise.resolve({ users: [], groups: new Map(), pages: 1 }),
    });
    const { settings } = resolveSettings({ timeZone: 'Europe/Berlin' });
    Object.assign(this.registry.obtain(connectionKey), {
      link: {
        key: connectionKey,
        fingerprint: 'f',
        credentials: { accessKeyId: 'AKIA', secretAccessKey: 's' },
        api: {},
        snapshots,
        since: 0,
      },
      terms: {
        caller,
        settings,
        schema: accountSchema([], '').schema,
        defaults: {},
        guard: guardOf(undefined),
        allowedNamespaces: [],
        communicationUser: 'idhub',
      },
      verdict: undefined,
    });
    await snapshots.refresh(this.#stop.signal);
  }

  /** A new process, which knows nothing of what the one before did. */
  restart(): void {
    this.#reconciler = new ReconciliationReconciler({
      client: this.client,
      runs: this.#informer('awsreconciliations') as unknown as Informer<AwsReconciliation>,
      connections: this.#informer('awsconnections') as unknown as Informer<AwsConnection>,
      registry: this.registry,
      engine: {
        attempt: (attempt) => {
          this.attempts.push(attempt);
          return this.engine(attempt);
        },
      },
      metrics: {
        ended: (mode, outcome) => this.counted.push(`${mode} ${outcome}`),
        changed: (kind, count) => this.counted.push(`${kind} ${count}`),
        completed: (connection) => this.counted.push(`completed ${connection}`),
      },
      permits: (_connection, namespace) => this.permits(namespace),
      wake: ({ name }) => this.woken.push(name),
      events: { event: (object, note) => this.events.push({ ...note, name: object.metadata.name }) },
      logger: createLogger({ level: 'error', clock: this.clock, write: () => undefined }),
      clock: this.clock,
    });
  }

  make(
    name: string,
    spec: Partial<AwsReconciliation['spec']> = {},
    metadata: object = {},
  ): AwsReconciliation {
    return this.client.store.create('awsreconciliations', {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsReconciliation',
      metadata: { name, namespace: 'ns', creationTimestamp: '2026-01-15T11:00:00Z', ...metadata },
      spec: { connectionRef: { name: 'main' }, ...spec },
    } as KubeObject) as AwsReconciliation;
  }

  runs(): AwsReconciliation[] {
    return this.client.store.list('awsreconciliations') as AwsReconciliation[];
  }

  run(name: string): AwsReconciliation {
    return this.client.store.get('awsreconciliations', { namespace: 'ns', name }) as AwsReconciliation;
  }

  exists(name: string): boolean {
    return this.runs().some(({ metadata }) => metadata.name === name);
  }

  annotate(name: string, noted: Record<string, string | null>): void {
    const { uid } = this.run(name).metadata;
    this.client.store.patch(
      'awsreconciliations',
      { namespace: 'ns', name },
      { metadata: { uid, annotations: noted } },
    );
  }

  delete(name: string): void {
    this.client.store.remove('awsreconciliations', { namespace: 'ns', name });
  }

  /** As a backup brings it back: another object, with its annotations and without its status. */
  restore(name: string): void {
    const { metadata, spec } = this.run(name);
    this.delete(name);
    this.make(name, spec, { annotations: metadata.annotations });
  }

  reconcile(name: string): Promise<Result> {
    return this.#reconciler.reconcile({ namespace: 'ns', name }, this.#stop.signal);
  }

  condition(name: string, type = 'Ready'): { status: string; reason: string; message: string } | undefined {
    return this.run(name).status?.conditions?.find((each) => each.type === type);
  }

  /** `Complete=True Completed`. */
  ended(name: string): string {
    return ['Complete', 'Failed']
      .map((type) => `${type}=${this.condition(name, type)?.status ?? '-'}`)
      .concat(this.condition(name)?.reason ?? '-')
      .join(' ');
  }

  breaker(): string | undefined {
    return this.client.store.get('awsconnections', connectionKey).metadata.annotations?.[annotations.breaker];
  }

  stop(why: Error): void {
    this.#stop.abort(why);
  }

  #informer(plural: string): object {
    return {
      type: awsReconciliationType,
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
      byIndex: (_index: string, value: string) => this.runs().filter((run) => laneOf(run) === value),
      set: () => undefined,
    };
  }
}
