import { describe, expect, test } from '@jest/globals';
import type {
  AwsAccount,
  AwsConnection,
  AwsConnectionSpec,
} from '../../../../operator/api/v1alpha1/index.ts';
import { ConnectionRegistry } from '../../../../operator/controllers/connection/index.ts';
import { discoveryVerdict } from '../../../../operator/controllers/connection/discovery-status.ts';
import { DiscoveryReconciler } from '../../../../operator/controllers/discovery/index.ts';
import { ApiError, keyOf, type Client, type Informer } from '../../../../operator/runtime/index.ts';
import { observed } from '../../../src/account/material.ts';
import { connection, snapshotsOf, working } from '../material.ts';

/** A connection whose account was read, and a cluster that takes what is made. */
class Desk {
  readonly stored = new Map<string, AwsAccount>();
  readonly cached = new Map<string, AwsAccount>();
  readonly registry = new ConnectionRegistry();
  readonly events: string[] = [];
  refuses = false;
  creates = 0;
  touched = 0;
  object: AwsConnection;

  private constructor(discovery: AwsConnectionSpec['discovery']) {
    const base = connection();
    this.object = { ...base, spec: { ...base.spec, ...(discovery === undefined ? {} : { discovery }) } };
    this.registry.onWake(() => {
      this.touched += 1;
    });
  }

  static async of(count: number, discovery: AwsConnectionSpec['discovery']): Promise<Desk> {
    const desk = new Desk(discovery);
    const state = await working();
    const users = Array.from({ length: count }, (_, index) =>
      observed({ userId: `AIDA${index}`, userName: `user-${String(index).padStart(4, '0')}` }),
    );
    const snapshots = await snapshotsOf(users);
    const link = { ...state.link, snapshots };
    Object.assign(desk.registry.obtain(keyOf(desk.object)), {
      ...state,
      link,
      terms: { ...state.terms, snapshots },
    });
    return desk;
  }

  get findings() {
    return this.registry.peek(keyOf(this.object))?.discovery;
  }

  /** @returns whether it asks to go on at once */
  async pass(): Promise<boolean> {
    const { signal } = new AbortController();
    const { requeueAfterMs } = await this.#reconciler().reconcile(keyOf(this.object), signal);
    return requeueAfterMs === 0;
  }

  #reconciler(): DiscoveryReconciler {
    const create = (_type: unknown, account: AwsAccount) => {
      this.creates += 1;
      const { name } = account.metadata;
      if (this.refuses) {
        return Promise.reject(new ApiError({ code: 403, reason: 'Forbidden', message: 'forbidden' }));
      }
      if (this.stored.has(name)) {
        return Promise.reject(new ApiError({ code: 409, reason: 'AlreadyExists', message: 'it exists' }));
      }
      this.stored.set(name, account);
      return Promise.resolve(account);
    };
    return new DiscoveryReconciler({
      client: {
        create,
        get: (_type: unknown, { name }: { name: string }) => Promise.resolve(this.stored.get(name)),
      } as unknown as Client,
      connections: { get: () => this.object } as unknown as Informer<AwsConnection>,
      accounts: {
        byIndex: () => [...this.cached.values()],
        get: ({ name }: { name: string }) => this.cached.get(name),
        set: (account: AwsAccount) => this.cached.set(account.metadata.name, account),
      } as unknown as Informer<AwsAccount>,
      registry: this.registry,
      events: { event: (_object, { reason }) => this.events.push(reason) },
      permits: (_connection, namespace) => namespace !== 'stranger',
    });
  }
}

describe('discovery', () => {
  test('makes the accounts once: a steady state calls nobody', async () => {
    const desk = await Desk.of(3, { mode: 'Observe' });
    await desk.pass();
    expect(desk.findings).toEqual({ kind: 'found', accounts: 3, more: 0, unknown: 0, taken: [] });
    expect(desk.events).toEqual(['Discovered']);
    expect([desk.creates, desk.touched]).toEqual([3, 1]);
    await desk.pass();
    expect([desk.creates, desk.touched]).toEqual([3, 1]);
  });

  test('of many makes some at a time', async () => {
    const desk = await Desk.of(250, { mode: 'Observe', limit: 5_000 });
    expect([await desk.pass(), await desk.pass(), await desk.pass()]).toEqual([true, true, false]);
    expect(desk.stored.size).toBe(250);
  });

  test('what was made before a kill, and is not in the cache yet, is its own', async () => {
    const desk = await Desk.of(2, { mode: 'Observe' });
    await desk.pass();
    desk.cached.clear();
    await desk.pass();
    expect(desk.findings).toMatchObject({ accounts: 2, taken: [] });
    expect(desk.stored.size).toBe(2);
  });

  test('leaves the object of somebody else alone, and says its name', async () => {
    const desk = await Desk.of(1, { mode: 'Observe' });
    await desk.pass();
    const [made] = desk.stored.values();
    const foreign = { ...made, metadata: { ...made?.metadata, labels: {} } } as AwsAccount;
    desk.stored.set(foreign.metadata.name, foreign);
    desk.cached.clear();
    await desk.pass();
    expect(desk.findings).toMatchObject({ taken: [foreign.metadata.name] });
    expect(desk.stored.get(foreign.metadata.name)).toBe(foreign);
  });

  test('one that is in the cache costs no call', async () => {
    const desk = await Desk.of(1, { mode: 'Observe' });
    await desk.pass();
    for (const [name, made] of desk.cached) {
      desk.cached.set(name, {
        ...made,
        metadata: { name, namespace: 'ns' },
        spec: { ...made.spec, userName: 'somebody-else' },
      });
    }
    await desk.pass();
    expect(desk.findings).toMatchObject({ taken: [...desk.cached.keys()] });
    expect(desk.creates).toBe(1);
  });

  test("accounts of a namespace that may not use the connection stand in nobody's way", async () => {
    const desk = await Desk.of(1, { mode: 'Observe' });
    const account = (namespace: string): AwsAccount => ({
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsAccount',
      metadata: { name: 'claim', namespace },
      spec: { connectionRef: { name: 'main', namespace: 'ns' }, userName: 'user-0000' },
    });
    desk.cached.set('claim', account('friend'));
    await desk.pass();
    expect(desk.creates).toBe(0);
    desk.cached.set('claim', account('stranger'));
    await desk.pass();
    expect(desk.creates).toBe(1);
  });

  test.each([undefined, { mode: 'None' as const }])('makes nothing with %j', async (discovery) => {
    const desk = await Desk.of(1, discovery);
    await desk.pass();
    expect([desk.creates, desk.findings]).toEqual([0, undefined]);
  });

  test('a filter that cannot be read makes nothing, and is told', async () => {
    const desk = await Desk.of(1, { mode: 'Observe', filter: 'nickName pr' });
    await desk.pass();
    expect(desk.creates).toBe(0);
    expect(desk.findings).toMatchObject({ kind: 'invalid' });
  });

  test('says so where the API server does not take the objects, and tries again', async () => {
    const desk = await Desk.of(1, { mode: 'Observe' });
    desk.refuses = true;
    await expect(desk.pass()).rejects.toThrow('forbidden');
    expect(desk.findings).toEqual({
      kind: 'refused',
      message: expect.stringContaining('forbidden') as unknown,
    });
    desk.refuses = false;
    await desk.pass();
    expect(desk.findings).toMatchObject({ kind: 'found', accounts: 1 });
  });

  test('waits while the connection cannot be used', async () => {
    const desk = await Desk.of(1, { mode: 'Observe' });
    const state = desk.registry.obtain(keyOf(desk.object));
    state.verdict = { reason: 'AccountMismatch', message: 'another account' };
    await desk.pass();
    expect(desk.creates).toBe(0);
  });
});

describe('what the condition says', () => {
  const found = { kind: 'found', accounts: 3, more: 0, unknown: 0, taken: [] } as const;
  test.each([
    [found, true, 'Discovered', '3 users have'],
    [{ ...found, unknown: 2 }, true, 'Discovered', 'of 2 it cannot be told'],
    [{ ...found, more: 7 }, false, 'LimitReached', '7 more users match, and 3 AwsAccount objects were made'],
    [{ ...found, more: 7, taken: ['jo-1'] }, false, 'NameTaken', 'jo-1'],
    [
      { kind: 'invalid', message: 'the filter cannot be read' },
      false,
      'InvalidFilter',
      'Nothing is looked for',
    ],
  ] as const)('%j', (findings, ok, reason, words) => {
    expect(discoveryVerdict(findings)).toEqual({
      ok,
      reason,
      message: expect.stringContaining(words) as unknown,
    });
  });
});
