import { describe, expect, test } from '@jest/globals';
import {
  derivedName,
  maxShardBytes,
  SecretSets,
  SpoiltSetError,
  type Place,
} from '../../../../operator/controllers/reconciliation/secret-set.ts';
import { annotations, secretType, type Secret } from '../../../../operator/controllers/names.ts';
import { isConflict } from '../../../../operator/runtime/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';

const { signal } = new AbortController();
const place: Place = {
  namespace: 'ns',
  head: 'aws-baseline-1',
  mark: 'baseline ns/aws default',
  owner: { apiVersion: 'aws.idhub.io/v1alpha1', kind: 'AwsConnection', name: 'aws', uid: 'u1' },
  labels: { some: 'label' },
};

/** A cluster, and what is done to it by processes that may die after any call. */
class Cluster {
  readonly client = new FakeClient();
  readonly sets = new SecretSets({ client: this.client });

  names(): string[] {
    return this.client.store.list('secrets').map(({ metadata }) => metadata.name);
  }

  async write(meta: string, ...parts: string[]): Promise<void> {
    const before = await this.sets.open(place, signal);
    await this.sets.write(place, before, { meta, parts: parts.map((text) => Buffer.from(text)) }, signal);
  }

  async read(): Promise<{ meta: string; parts: string[] } | undefined> {
    const set = await this.sets.open(place, signal);
    if (set === undefined) {
      return undefined;
    }
    const parts: string[] = [];
    for await (const part of this.sets.parts(place, set, signal)) {
      parts.push(part.toString('utf8'));
    }
    return { meta: set.meta, parts };
  }

  live(): void {
    this.client.fail = () => undefined;
  }

  async change(name: string, change: object): Promise<void> {
    const { metadata } = await this.client.get(secretType, { namespace: 'ns', name });
    await this.client.mergePatch(
      secretType,
      { namespace: 'ns', name },
      { metadata: { uid: metadata.uid }, ...change },
    );
  }
}

const partNames = (cluster: Cluster): string[] => cluster.names().filter((name) => name !== place.head);

describe('sets of Secrets', () => {
  test('nothing, one, another: read as written, and nothing is left over', async () => {
    const cluster = new Cluster();
    expect(await cluster.read()).toBeUndefined();
    await cluster.write('first', 'a', 'b');
    expect(await cluster.read()).toEqual({ meta: 'first', parts: ['a', 'b'] });
    expect(cluster.names()).toHaveLength(3);
    await cluster.write('second', 'b', 'c', 'd');
    expect(await cluster.read()).toEqual({ meta: 'second', parts: ['b', 'c', 'd'] });
    expect(cluster.names()).toHaveLength(4);
    await cluster.write('none');
    expect(await cluster.read()).toEqual({ meta: 'none', parts: [] });
    expect(cluster.names()).toEqual([place.head]);
  });

  test('parts that are there already are not written again', async () => {
    const cluster = new Cluster();
    await cluster.write('first', 'a', 'b');
    cluster.client.calls.length = 0;
    await cluster.write('second', 'a', 'b');
    expect(cluster.client.calls).toEqual(['GET secrets', 'PATCH secrets']);
  });

  test('each belongs to its owner, and says what it is', async () => {
    const cluster = new Cluster();
    await cluster.write('first', 'a');
    for (const { metadata } of cluster.client.store.list('secrets')) {
      expect(metadata).toMatchObject({
        ownerReferences: [place.owner],
        labels: place.labels,
        annotations: { [annotations.secretOwner]: place.mark },
      });
    }
  });

  test('killed after any call: the set before or the new one, whole; the next write clears what is left', async () => {
    let ended = false;
    for (let calls = 0; !ended; calls += 1) {
      const cluster = new Cluster();
      await cluster.write('first', 'a', 'b');
      cluster.client.dieAfter(calls);
      // What cannot be taken away once the set is in force is no fault.
      ended = await cluster.write('second', 'b', 'c').then(
        () => true,
        () => false,
      );
      cluster.live();
      const seen = await cluster.read();
      expect([
        { meta: 'first', parts: ['a', 'b'] },
        { meta: 'second', parts: ['b', 'c'] },
      ]).toContainEqual(seen);
      expect(ended).toBe(seen?.meta === 'second');
      await cluster.write('third', 'x');
      expect(await cluster.read()).toEqual({ meta: 'third', parts: ['x'] });
      await cluster.write('fourth', 'y');
      expect(partNames(cluster)).toHaveLength(1);
      expect(calls).toBeLessThan(30);
    }
  });

  test('killed at the very first: nothing, or the whole', async () => {
    let ended = false;
    for (let calls = 0; !ended; calls += 1) {
      const cluster = new Cluster();
      cluster.client.dieAfter(calls);
      ended = await cluster.write('first', 'a', 'b').then(
        () => true,
        () => false,
      );
      cluster.live();
      const seen = await cluster.read();
      expect(ended ? [{ meta: 'first', parts: ['a', 'b'] }] : [undefined]).toContainEqual(seen);
      await cluster.write('second', 'c');
      await cluster.write('third', 'd');
      expect(partNames(cluster)).toHaveLength(1);
    }
  });

  test('taken away: nothing is there any more, and it can be written again', async () => {
    const cluster = new Cluster();
    await cluster.sets.remove(place, signal);
    await cluster.write('first', 'a', 'b');
    await cluster.client.create(secretType, secret('bystander', {}));
    await cluster.sets.remove(place, signal);
    expect(cluster.names()).toEqual(['bystander']);
    await cluster.write('second', 'a');
    expect(await cluster.read()).toEqual({ meta: 'second', parts: ['a'] });
  });

  test('killed after any call while it is taken away: whole or not there, and the next call takes the rest', async () => {
    let ended = false;
    for (let calls = 0; !ended; calls += 1) {
      const cluster = new Cluster();
      await cluster.write('first', 'a', 'b');
      cluster.client.dieAfter(calls);
      ended = await cluster.sets.remove(place, signal).then(
        () => true,
        () => false,
      );
      cluster.live();
      expect([undefined, { meta: 'first', parts: ['a', 'b'] }]).toContainEqual(await cluster.read());
      await cluster.sets.remove(place, signal);
      expect(cluster.names()).toEqual([]);
      expect(calls).toBeLessThan(20);
    }
  });

  test('who has read a set that was taken away meanwhile does not put another in its place', async () => {
    const cluster = new Cluster();
    await cluster.write('first', 'a');
    const before = await cluster.sets.open(place, signal);
    await cluster.sets.remove(place, signal);
    await expect(
      cluster.sets.write(place, before, { meta: 'late', parts: [Buffer.from('b')] }, signal),
    ).rejects.toThrow(/not found/);
    expect(await cluster.read()).toBeUndefined();
  });

  test('two that have read the same: the second is refused, and changes nothing', async () => {
    const cluster = new Cluster();
    await cluster.write('first', 'a');
    const before = await cluster.sets.open(place, signal);
    await cluster.write('second', 'b');
    const late = cluster.sets.write(place, before, { meta: 'late', parts: [Buffer.from('c')] }, signal);
    expect(isConflict(await late.catch((error: unknown) => error))).toBe(true);
    expect(await cluster.read()).toEqual({ meta: 'second', parts: ['b'] });
  });

  test('two that have found none: the second is refused', async () => {
    const cluster = new Cluster();
    await cluster.write('first', 'a');
    const late = cluster.sets.write(place, undefined, { meta: 'late', parts: [] }, signal);
    expect(isConflict(await late.catch((error: unknown) => error))).toBe(true);
    expect(await cluster.read()).toEqual({ meta: 'first', parts: ['a'] });
  });

  test.each<[string, (cluster: Cluster) => Promise<void>]>([
    ['a part is gone', async (cluster) => cluster.client.delete(secretType, key(partNames(cluster)[0]))],
    [
      'a part was changed',
      async (cluster) => cluster.change(partNames(cluster)[0] ?? '', { data: { content: 'eA==' } }),
    ],
    ['a part has nothing', async (cluster) => cluster.change(partNames(cluster)[0] ?? '', { data: null })],
    ['the head makes no sense', async (cluster) => cluster.change(place.head, { data: { content: 'eA==' } })],
    [
      'the head lacks its list',
      async (cluster) =>
        cluster.change(place.head, { data: { content: Buffer.from('{"meta":"m"}').toString('base64') } }),
    ],
  ])('%s: an error, never an empty set', async (_what, spoil) => {
    const cluster = new Cluster();
    await cluster.write('first', 'a', 'b');
    await spoil(cluster);
    await expect(cluster.read()).rejects.toThrow(SpoiltSetError);
  });

  test("somebody else's Secret of the name is neither read nor written", async () => {
    const cluster = new Cluster();
    const foreign = secret(place.head, { password: 'eA==' });
    await cluster.client.create(secretType, foreign);
    await expect(cluster.read()).rejects.toThrow(/"aws-baseline-1" is in the way: it was not made for this/);
    const written = cluster.sets.write(place, undefined, { meta: 'm', parts: [] }, signal);
    await expect(written).rejects.toThrow(SpoiltSetError);
    expect(await cluster.client.get(secretType, key(place.head))).toMatchObject({ data: foreign.data });
  });

  test("somebody else's Secret with the name of a part is not written over", async () => {
    const cluster = new Cluster();
    await cluster.write('first', 'a');
    const [name] = partNames(cluster);
    await cluster.write('second', 'b');
    await cluster.client.create(secretType, secret(name ?? '', { password: 'eA==' }));
    await expect(cluster.write('third', 'a')).rejects.toThrow(SpoiltSetError);
    expect(await cluster.read()).toEqual({ meta: 'second', parts: ['b'] });
    expect(await cluster.client.get(secretType, key(name))).toMatchObject({ data: { password: 'eA==' } });
  });

  test('what a backup brings back belongs to the object of today once it is written', async () => {
    const cluster = new Cluster();
    await cluster.write('first', 'a', 'b');
    const today = { ...place, owner: { ...place.owner, uid: 'u2' } };
    const before = await cluster.sets.open(today, signal);
    expect(before?.meta).toBe('first');
    const parts = ['b', 'c'].map((text) => Buffer.from(text));
    await cluster.sets.write(today, before, { meta: 'second', parts }, signal);
    const owners = cluster.client.store.list('secrets').map(({ metadata }) => metadata.ownerReferences);
    expect(owners).toEqual([[today.owner], [today.owner], [today.owner]]);
    expect(await cluster.read()).toEqual({ meta: 'second', parts: ['b', 'c'] });
  });
});

test('what a backup brings back is owned as soon as it is read, and not written again', async () => {
  const cluster = new Cluster();
  await cluster.write('first', 'a', 'b');
  const today = { ...place, owner: { ...place.owner, uid: 'u2' } };
  const found = await cluster.sets.open(today, signal);
  if (found === undefined) {
    throw new Error('there is none');
  }
  const set = await cluster.sets.own(today, found, signal);
  const owners = cluster.client.store.list('secrets').map(({ metadata }) => metadata.ownerReferences);
  expect(owners).toEqual([[today.owner], [today.owner], [today.owner]]);
  expect(await cluster.read()).toEqual({ meta: 'first', parts: ['a', 'b'] });
  cluster.client.calls.length = 0;
  expect(await cluster.sets.own(today, set, signal)).toBe(set);
  expect(cluster.client.calls).toEqual([]);
  await cluster.sets.write(today, set, { meta: 'second', parts: [Buffer.from('a')] }, signal);
  expect(await cluster.read()).toEqual({ meta: 'second', parts: ['a'] });
});

describe('derived names', () => {
  const legal = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

  test.each([
    'aws',
    'a'.repeat(253),
    `${'a'.repeat(99)}.${'b'.repeat(150)}`,
    `${'a'.repeat(98)}-.b`,
    'a.b-c',
  ])('of %s', (name) => {
    const derived = derivedName({ namespace: 'ns', name }, 'baseline', `ns/${name} default`);
    expect(derived).toMatch(legal);
    // Parts have 17 more.
    expect(derived.length + 17).toBeLessThan(254);
  });

  test('long names that differ at their end only have different ones', () => {
    const names = ['x', 'y'].map((end) => `${'a'.repeat(252)}${end}`);
    const derived = names.map((name) => derivedName({ namespace: 'ns', name }, 'baseline', name));
    expect(new Set(derived).size).toBe(2);
  });

  test('a part fits into a Secret', () => {
    expect(maxShardBytes).toBeLessThan(2 ** 20);
  });
});

function key(name = ''): { namespace: string; name: string } {
  return { namespace: 'ns', name };
}

function secret(name: string, data: Record<string, string>): Secret {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'ns' }, data };
}
