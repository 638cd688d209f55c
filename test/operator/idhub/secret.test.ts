import { describe, expect, test } from '@jest/globals';
import type { Secret } from '../../../operator/controllers/names.ts';
import { IdhubSecret } from '../../../operator/idhub/secret.ts';
import { ApiError, type Client } from '../../../operator/runtime/index.ts';

const { signal } = new AbortController();
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const notFound = new ApiError({ code: 404, reason: 'NotFound', message: 'not found' });
const conflict = new ApiError({ code: 409, reason: 'Conflict', message: 'changed' });

/** An API server with one Secret; each patch can meet somebody else's change. */
class FakeCluster {
  values: Record<string, string> | undefined;
  version = 1;
  readonly patches: object[] = [];
  /** Run before a patch, in order: what others do meanwhile. */
  readonly others: (() => void)[] = [];

  constructor(values: Record<string, string> | undefined) {
    this.values = values;
  }

  get client(): Client {
    const known = {
      get: async (_type: unknown, key: object): Promise<Secret> => {
        expect(key).toEqual({ namespace: 'ops', name: 'idhub' });
        if (this.values === undefined) {
          throw notFound;
        }
        return {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'idhub', namespace: 'ops', uid: 'u', resourceVersion: String(this.version) },
          data: Object.fromEntries(Object.entries(this.values).map(([name, value]) => [name, base64(value)])),
        };
      },
      mergePatch: async (
        _type: unknown,
        _key: object,
        patch: { metadata: object; data: Record<string, string> },
      ) => {
        this.others.shift()?.();
        this.patches.push(patch);
        if (
          JSON.stringify(patch.metadata) !==
          JSON.stringify({ uid: 'u', resourceVersion: String(this.version) })
        ) {
          throw conflict;
        }
        for (const [name, value] of Object.entries(patch.data)) {
          this.change(name, Buffer.from(value, 'base64').toString());
        }
      },
    };
    return known as unknown as Client;
  }

  change(name: string, value: string): void {
    this.values = { ...this.values, [name]: value };
    this.version += 1;
  }

  get secret(): IdhubSecret {
    return new IdhubSecret({ client: this.client, namespace: 'ops', name: 'idhub' });
  }
}

describe('the Secret of IDHub', () => {
  test('is read by name; none is no error', async () => {
    expect(await new FakeCluster({ realm: 'alpha' }).secret.read(signal)).toEqual({ realm: 'alpha' });
    expect(await new FakeCluster(undefined).secret.read(signal)).toBeUndefined();
  });

  test.each<
    [
      string,
      Record<string, string>,
      string | undefined,
      (cluster: FakeCluster) => (() => void)[],
      string,
      string,
      number,
    ]
  >([
    [
      'a new token takes the place of the old one',
      { refreshToken: 'old' },
      'old',
      () => [],
      'saved',
      'new',
      1,
    ],
    ['also where there was none', { realm: 'alpha' }, undefined, () => [], 'saved', 'new', 1],
    [
      'a line end after the old one does not count',
      { refreshToken: 'old\n' },
      'old',
      () => [],
      'saved',
      'new',
      1,
    ],
    [
      'one that is there already is not written again',
      { refreshToken: 'new' },
      'old',
      () => [],
      'saved',
      'new',
      0,
    ],
    ['somebody’s new one stays', { refreshToken: 'theirs' }, 'old', () => [], 'superseded', 'theirs', 0],
    [
      'also one that comes between reading and writing',
      { refreshToken: 'old' },
      'old',
      (cluster) => [() => cluster.change('refreshToken', 'theirs')],
      'superseded',
      'theirs',
      1,
    ],
    [
      'a change of another entry does not keep ours away',
      { refreshToken: 'old' },
      'old',
      (cluster) => [() => cluster.change('realm', 'b')],
      'saved',
      'new',
      2,
    ],
  ])('%s', async (_, values, previous, others, outcome, kept, patches) => {
    const cluster = new FakeCluster(values);
    cluster.others.push(...others(cluster));
    expect(await cluster.secret.save('new', previous, signal)).toBe(outcome);
    expect(cluster.values?.['refreshToken']).toBe(kept);
    expect(cluster.patches).toHaveLength(patches);
  });

  test('gives up where others change it all the time, or where it is gone', async () => {
    const busy = new FakeCluster({ refreshToken: 'old' });
    busy.others.push(...Array.from({ length: 9 }, (_, turn) => () => busy.change('realm', String(turn))));
    await expect(busy.secret.save('new', 'old', signal)).rejects.toBe(conflict);
    expect(busy.patches).toHaveLength(5);
    await expect(new FakeCluster(undefined).secret.save('new', 'old', signal)).rejects.toBe(notFound);
  });
});
