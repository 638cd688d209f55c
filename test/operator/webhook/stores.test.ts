import { describe, expect, test } from '@jest/globals';
import {
  StoreFullError,
  type OperationRecord,
  type PromisedOperation,
} from '../../../src/idhub/operations/index.ts';
import { OperationConfigMaps, OperationSecret } from '../../../operator/webhook/index.ts';
import { FakeClient, FakeStore } from '../runtime/fake-api.ts';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { aws } from '../../src/idhub/operations/given.ts';

const { signal } = new AbortController();
const day = 86_400_000;
const noon = Date.UTC(2026, 10, 26, 12);
const namespace = 'idhub-system';

function record(operationId: string, begunAt: number, message = ''): OperationRecord {
  const ending = { status: 'refused', reason: 'forbidden', message } as const;
  return { operationId, kind: 'disable', digest: 'd', begunAt, account: undefined, ending };
}

class Cluster {
  readonly store = new FakeStore();
  readonly client = new FakeClient(this.store);
  readonly clock = new FakeClock(noon);
  readonly records = new OperationConfigMaps({ client: this.client, namespace, clock: this.clock });

  /** What another process finds. */
  fresh(): OperationConfigMaps {
    return new OperationConfigMaps({ client: this.client, namespace, clock: this.clock });
  }

  entries(): number {
    return this.store
      .list('configmaps')
      .reduce((sum, object) => sum + Object.keys((object as { data?: object }).data ?? {}).length, 0);
  }
}

describe('records of operations', () => {
  test('are found by this process and by the next, and replaced', async () => {
    const cluster = new Cluster();
    const { records } = cluster;
    const open = { ...record('o', noon), ending: undefined };
    await records.put(aws, open, signal);
    expect(await records.find(aws, 'o', signal)).toEqual(JSON.parse(JSON.stringify(open)));
    await records.put(aws, record('o', noon), signal);
    const next = cluster.fresh();
    expect(await next.find(aws, 'o', signal)).toEqual(record('o', noon));
    expect(await next.find({ ...aws, name: 'other' }, 'o', signal)).toBeUndefined();
    expect(await next.find(aws, 'p', signal)).toBeUndefined();
  });

  test('are asked for once, and written together where they come together', async () => {
    const cluster = new Cluster();
    await cluster.records.find(aws, 'o', signal);
    const reads = cluster.client.calls.length;
    expect(reads).toBe(8);
    await cluster.records.find(aws, 'o', signal);
    expect(cluster.client.calls).toHaveLength(reads);
    await Promise.all(
      Array.from({ length: 5 }, (_, at) => cluster.records.put(aws, record('o', noon, `${at}`), signal)),
    );
    expect(cluster.client.calls.slice(reads)).toEqual(['POST configmaps']);
    expect(await cluster.fresh().find(aws, 'o', signal)).toEqual(record('o', noon, '4'));
  });

  test('of a thousand operations lie in small objects', async () => {
    const cluster = new Cluster();
    for (let at = 0; at < 1_000; at += 1) {
      await cluster.records.put(aws, record(`o${at}`, noon, 'x'.repeat(200)), signal);
    }
    const sizes = cluster.store.list('configmaps').map((object) => JSON.stringify(object).length);
    expect(sizes.length).toBeGreaterThan(200);
    expect(Math.max(...sizes)).toBeLessThan(10_000);
    const next = cluster.fresh();
    for (let at = 0; at < 1_000; at += 97) {
      expect(await next.find(aws, `o${at}`, signal)).toMatchObject({ operationId: `o${at}` });
    }
  });

  test('are known for 7 days and gone after it: swept, or written over when their turn comes', async () => {
    const cluster = new Cluster();
    await cluster.records.put(aws, record('o', noon), signal);
    await cluster.clock.advance(7 * day - 1);
    expect(await cluster.fresh().find(aws, 'o', signal)).toMatchObject({ operationId: 'o' });
    await cluster.records.sweep(signal);
    expect(cluster.entries()).toBe(1);
    await cluster.clock.advance(1);
    expect(await cluster.records.find(aws, 'o', signal)).toBeUndefined();
    expect(await cluster.fresh().find(aws, 'o', signal)).toBeUndefined();
    await cluster.clock.advance(day);
    await cluster.records.sweep(signal);
    expect(cluster.entries()).toBe(0);
    expect(cluster.store.list('configmaps')).toEqual([]);
  });

  test('of ten days ago that nobody swept make room for those of today', async () => {
    const cluster = new Cluster();
    await cluster.records.put(aws, record('o', noon), signal);
    await cluster.clock.advance(10 * day);
    const now = cluster.clock.now();
    expect(await cluster.records.find(aws, 'o', signal)).toBeUndefined();
    await cluster.fresh().put(aws, record('o', now), signal);
    expect(cluster.store.list('configmaps')).toHaveLength(1);
    expect(await cluster.fresh().find(aws, 'o', signal)).toEqual(record('o', now));
  });

  test('of a year, one an hour, are never more than nine days', async () => {
    const cluster = new Cluster();
    for (let hour = 0; hour < 24 * 60; hour += 1) {
      await cluster.records.put(aws, record(`o${hour}`, cluster.clock.now()), signal);
      await cluster.clock.advance(3_600_000);
      if (hour % 24 === 0) {
        await cluster.records.sweep(signal);
      }
    }
    expect(cluster.entries()).toBeLessThanOrEqual(24 * 9);
    expect(cluster.entries()).toBeGreaterThanOrEqual(24 * 7);
  });

  test('of the new day stay where midnight comes in the middle of a sweep', async () => {
    const cluster = new Cluster();
    await cluster.clock.advance(day / 2 - 1_000);
    let calls = 0;
    cluster.client.fail = async () => {
      calls += 1;
      if (calls === 1) {
        await cluster.clock.advance(2_000);
        await cluster.fresh().put(aws, record('o', cluster.clock.now()), signal);
      }
    };
    await cluster.records.sweep(signal);
    expect(await cluster.fresh().find(aws, 'o', signal)).toMatchObject({ operationId: 'o' });
  });

  test('are held in memory up to a bound, and found all the same', async () => {
    const { client, clock } = new Cluster();
    const records = new OperationConfigMaps({ client, namespace, clock, maxHeld: 20_000 });
    for (let at = 0; at < 300; at += 1) {
      await Promise.all([
        records.put(aws, record(`o${at}`, noon, 'x'.repeat(500)), signal),
        records.find(aws, `o${at - 100}`, signal),
      ]);
      await settle();
      expect(records.held).toBeLessThanOrEqual(20_000);
    }
    for (let at = 0; at < 300; at += 1) {
      expect(await records.find(aws, `o${at}`, signal)).toMatchObject({ operationId: `o${at}` });
    }
  });

  test('that no object would hold are refused, and those that are there stay', async () => {
    const cluster = new Cluster();
    await cluster.records.put(aws, record('o', noon), signal);
    // One operation with as much to say as one object can hold, in the part of the first.
    const large = record('o', noon, 'x'.repeat(950_000));
    await expect(cluster.records.put(aws, large, signal)).rejects.toThrow(StoreFullError);
    expect(await cluster.fresh().find(aws, 'o', signal)).toEqual(record('o', noon));
  });

  test('that may have been written or not are read again', async () => {
    const cluster = new Cluster();
    await cluster.records.find(aws, 'o', signal);
    // Written, and no answer: the connection broke.
    const create = cluster.store.create.bind(cluster.store);
    cluster.store.create = (...args) => {
      create(...args);
      throw new Error('reset');
    };
    await expect(cluster.records.put(aws, record('o', noon, '1'), signal)).rejects.toThrow('reset');
    cluster.store.create = create;
    expect(await cluster.records.find(aws, 'o', signal)).toEqual(record('o', noon, '1'));
    await cluster.records.put(aws, record('o', noon, '2'), signal);
    expect(await cluster.fresh().find(aws, 'o', signal)).toEqual(record('o', noon, '2'));
  });

  test('in an object that somebody changed are not written over', async () => {
    const cluster = new Cluster();
    await cluster.records.put(aws, record('o', noon, '1'), signal);
    const [object] = cluster.store.list('configmaps');
    const key = { namespace, name: object?.metadata.name ?? '' };
    cluster.store.patch('configmaps', key, { data: { other: '{}' } });
    await expect(cluster.records.put(aws, record('o', noon, '2'), signal)).rejects.toThrow('modified');
    await cluster.records.put(aws, record('o', noon, '3'), signal);
    expect((cluster.store.get('configmaps', key) as { data?: object }).data).toMatchObject({ other: '{}' });
  });
});

describe('accepted operations', () => {
  const promised = (operationId: string, order: number, value = ''): PromisedOperation => ({
    connection: aws,
    operation: { operationId, kind: 'resetPassword', account: { id: 'AIDA1' }, password: { value } },
    caller: 'idhub',
    digest: 'd',
    order,
  });

  function secretOf(client: FakeClient) {
    const told: string[] = [];
    const place = { client, namespace, protectSecret: (value: string) => told.push(value) };
    return { told, promises: new OperationSecret({ ...place, unreadable: (key) => told.push(`? ${key}`) }) };
  }

  test('come back in their order, until they are taken away', async () => {
    const client = new FakeClient();
    const { promises } = secretOf(client);
    expect(await promises.list(signal)).toEqual([]);
    await Promise.all([
      promises.add([promised('c', 3), promised('a', 1)], signal),
      promises.add([promised('b', 2, 'C4nary')], signal),
    ]);
    const next = secretOf(client);
    expect(await next.promises.list(signal)).toEqual([
      promised('a', 1),
      promised('b', 2, 'C4nary'),
      promised('c', 3),
    ]);
    expect(next.told).toContain('C4nary');
    await promises.remove([promised('a', 1), promised('unknown', 1)], signal);
    expect((await promises.list(signal)).map(({ order }) => order)).toEqual([2, 3]);
  });

  test('that make no sense are told of and taken away, whatever is in them', async () => {
    const client = new FakeClient();
    const { promises, told } = secretOf(client);
    await promises.add([promised('a', 1)], signal);
    const [secret] = client.store.list('secrets');
    client.store.patch(
      'secrets',
      { namespace, name: secret?.metadata.name ?? '' },
      {
        metadata: { uid: secret?.metadata.uid },
        data: { odd: Buffer.from('{"password":"C4n').toString('base64') },
      },
    );
    expect(await promises.list(signal)).toEqual([promised('a', 1)]);
    expect(told).toContain('? odd');
    expect(JSON.stringify(client.store.list('secrets'))).not.toContain('odd');
    expect(await promises.list(signal)).toHaveLength(1);
  });

  test('are taken all or none, up to what one object holds', async () => {
    const { promises } = secretOf(new FakeClient());
    const large = Array.from({ length: 40 }, (_, at) => promised(`o${at}`, at, 'x'.repeat(30_000)));
    await promises.add(large.slice(0, 20), signal);
    await expect(promises.add(large.slice(20), signal)).rejects.toThrow(StoreFullError);
    expect(await promises.list(signal)).toHaveLength(20);
  });

  test('that make no sense are told, and do not stop the others', async () => {
    const client = new FakeClient();
    const { promises, told } = secretOf(client);
    await promises.add([promised('a', 1)], signal);
    client.store.patch(
      'secrets',
      { namespace, name: 'idhub-aws-connector-operations' },
      { data: { bad: 'AAAA', none: 'bnVsbA==' } },
    );
    expect(await promises.list(signal)).toHaveLength(1);
    expect(told).toEqual(expect.arrayContaining(['? bad', '? none']));
  });
});
