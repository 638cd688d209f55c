import { expect, test } from '@jest/globals';
import { AwsError, type AwsApi } from '../../../../src/aws/index.ts';
import { ReadingGate } from '../../../../src/reconciliation/index.ts';
import type { AwsAccount, AwsConnection } from '../../../../operator/api/v1alpha1/index.ts';
import { listsStopped } from '../../../../operator/controllers/breaker.ts';
import {
  ConnectionReconciler,
  ConnectionRegistry,
} from '../../../../operator/controllers/connection/index.ts';
import {
  createLogger,
  type Informer,
  type KubeObject,
  type ObjectKey,
} from '../../../../operator/runtime/index.ts';
import { FakeClock } from '../../../src/fake-clock.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { connection } from '../material.ts';

const key: ObjectKey = { namespace: 'ns', name: 'main' };
const signal = new AbortController().signal;
const since = '2025-12-31T12:00:00Z';

/** What comparing the last reading with what was last reconciled comes to. */
type Comparison = number | 'nobody' | 'fails';

/** An AWS account without users, whose credential report nobody may read. */
function emptyAccount(): AwsApi {
  const answers: Readonly<Record<string, object>> = {
    GetCallerIdentity: { Account: '111122223333', Arn: 'arn:aws:sts::111122223333:assumed-role/idhub/s' },
    ListAccountAliases: { AccountAliases: [] },
    GetAccountSummary: { SummaryMap: { Users: 0 } },
    GetAccountAuthorizationDetails: { UserDetailList: [], GroupDetailList: [], IsTruncated: false },
  };
  const call = (operation: string): Promise<object> => {
    const answer = answers[operation];
    return answer === undefined
      ? Promise.reject(
          new AwsError({ kind: 'accessDenied', operation, code: 'AccessDenied', message: 'not allowed' }),
        )
      : Promise.resolve(answer);
  };
  return { call, close: () => undefined, skewMs: 0 } as unknown as AwsApi;
}

/** Server-side apply by one manager who owns the whole status: what is absent goes. */
class OneManager extends FakeClient {
  override applyStatus: FakeClient['applyStatus'] = (type, object, options) => {
    const at = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
    this.store.patch(type.plural, at, { status: null });
    return super.applyStatus(type, object, options);
  };
}

/** A connection whose breaker an earlier process has opened, by what a reading lacked. */
class Desk {
  readonly clock = new FakeClock();
  readonly client = new OneManager();
  readonly compared: Comparison[] = [];
  comparison: Comparison = 'nobody';
  #reconciler!: ConnectionReconciler;

  constructor() {
    this.client.store.create('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'aws', namespace: 'ns' },
      data: { accessKeyId: btoa('AKIA1'), secretAccessKey: btoa('s') },
    } as KubeObject);
    this.client.store.create('awsconnections', connection({ status: { breaker: { since, missing: 40 } } }));
    this.restart();
  }

  /** A new process, which knows nothing of what the one before did. */
  restart(): void {
    const none = { byIndex: () => [], list: () => [] } as unknown as Informer<AwsAccount>;
    const clock = { now: () => this.clock.now(), monotonic: () => this.clock.now() } as never;
    this.#reconciler = new ConnectionReconciler({
      client: this.client,
      clock,
      connections: {
        get: () => this.object(),
        list: () => [this.object()],
        set: () => undefined,
      } as unknown as Informer<AwsConnection>,
      accounts: none,
      bindings: none as never,
      registry: new ConnectionRegistry(),
      events: { event: () => undefined },
      logger: createLogger({ level: 'error', clock, write: () => undefined }),
      protectSecret: () => undefined,
      connect: emptyAccount,
      pace: () => ({ acquire: () => Promise.resolve(() => undefined) }),
      paceTrail: () => ({ acquire: () => Promise.resolve(() => undefined) }),
      gate: new ReadingGate({ places: 1, troubled: 1 }),
      countAbandoned: () => undefined,
      random: () => 0.5,
      allowEndpointOverride: false,
      snapshotIntervalMs: 600_000,
      missing: () => {
        this.compared.push(this.comparison);
        return this.comparison === 'fails'
          ? Promise.reject(new Error('the API server does not answer'))
          : Promise.resolve(
              this.comparison === 'nobody' ? undefined : { users: this.comparison, allowed: 5 },
            );
      },
      schedule: () => undefined,
    });
  }

  object(): AwsConnection {
    return this.client.store.get('awsconnections', key) as AwsConnection;
  }

  /** @returns ms until the connection is looked at again */
  async look(): Promise<number> {
    const { requeueAfterMs = Infinity } = await this.#reconciler.reconcile(key, signal);
    return requeueAfterMs;
  }

  limit(): string | undefined {
    const found = this.object().status?.conditions?.find(({ type }) => type === 'WithinDeletionLimit');
    return found === undefined ? undefined : `${found.status} ${found.reason}`;
  }

  sentence(type: string): string | undefined {
    return this.object().status?.conditions?.find((each) => each.type === type)?.message;
  }

  condition(type: string): string | undefined {
    return this.object().status?.conditions?.find((each) => each.type === type)?.status;
  }
}

test('a breaker that a reading opened stays open over a restart whose first comparison fails', async () => {
  const desk = new Desk();
  desk.comparison = 'fails';
  const again = await desk.look();
  expect(desk.condition('Synced')).toBe('True');
  expect(desk.compared).toEqual(['fails']);
  expect(desk.object().status?.breaker).toEqual({ since, missing: 40 });
  expect(listsStopped(desk.object())).toContain('40 users are missing');
  expect(desk.limit()).toBe('False DeletionThresholdExceeded');
  // The comparison does not wait for the next reading.
  expect(again).toBeLessThanOrEqual(30_000);
  await desk.clock.advance(again);
  await desk.look();
  expect(desk.compared).toEqual(['fails', 'fails']);
  expect(listsStopped(desk.object())).toBeDefined();

  desk.comparison = 'nobody';
  await desk.look();
  expect(desk.object().status?.breaker).toBeUndefined();
  expect(listsStopped(desk.object())).toBeUndefined();
  expect(desk.limit()).toBe('True WithinLimit');
  // What was compared is not compared again before the next reading.
  await desk.look();
  expect(desk.compared).toEqual(['fails', 'fails', 'nobody']);
});

test('killed before it could compare, again and again, the breaker stays as it was', async () => {
  const desk = new Desk();
  desk.comparison = 'fails';
  for (let process = 0; process < 3; process += 1) {
    await desk.look();
    desk.restart();
    expect(listsStopped(desk.object())).toContain('40 users are missing');
  }
  desk.comparison = 41;
  await desk.look();
  expect(desk.object().status?.breaker?.missing).toBe(41);
  expect(desk.limit()).toBe('False DeletionThresholdExceeded');
});

test('one that this process has opened stays open while the next comparison fails', async () => {
  const desk = new Desk();
  desk.comparison = 'nobody';
  await desk.look();
  expect(listsStopped(desk.object())).toBeUndefined();
  await desk.clock.advance(600_000);
  desk.comparison = 7;
  await desk.look();
  expect(desk.object().status?.breaker?.missing).toBe(7);
  await desk.clock.advance(600_000);
  desk.comparison = 'fails';
  await desk.look();
  expect(desk.object().status?.breaker?.missing).toBe(7);
  expect(listsStopped(desk.object())).toBeDefined();
});

test('one that was closed is not opened by a comparison that fails', async () => {
  const desk = new Desk();
  await desk.look();
  await desk.clock.advance(600_000);
  desk.comparison = 'fails';
  await desk.look();
  expect(desk.compared).toEqual(['nobody', 'fails']);
  expect(desk.object().status?.breaker).toBeUndefined();
  expect(listsStopped(desk.object())).toBeUndefined();
  // Nobody would notice who is missing: that is said, for as long as it is so.
  expect(desk.limit()).toBe('Unknown NotCompared');
  expect(desk.sentence('WithinDeletionLimit')).toContain('the API server does not answer');
  desk.comparison = 'nobody';
  await desk.look();
  expect(desk.limit()).toBe('True WithinLimit');
});
