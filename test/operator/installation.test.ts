import { describe, expect, test } from '@jest/globals';
import type { ConfigMap } from '../../operator/controllers/names.ts';
import { obtainInstallationId } from '../../operator/installation.ts';
import { ApiError, type Client, type KubeObject } from '../../operator/runtime/index.ts';

const { signal } = new AbortController();

/** An API server that has one ConfigMap, or none, and can fail. */
class FakeCluster {
  readonly calls: string[] = [];
  /** Thrown by the calls to come, in order; undefined lets one pass. */
  readonly faults: (Error | undefined)[] = [];
  data: Readonly<Record<string, string>> | undefined;
  /** Somebody else who makes it between our look and our call. */
  rival: string | undefined;

  constructor(data?: Readonly<Record<string, string>>) {
    this.data = data;
  }

  get client(): Client {
    const object = (): ConfigMap => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'idhub-aws-connector', namespace: 'ops' },
      data: this.data ?? {},
    });
    const known = {
      get: async (_type: unknown, key: { namespace: string; name: string }) => {
        this.#called(`get ${key.namespace}/${key.name}`);
        if (this.data === undefined) {
          throw new ApiError({ code: 404, reason: 'NotFound', message: 'not found' });
        }
        return object();
      },
      create: async (_type: unknown, made: KubeObject & { data?: Readonly<Record<string, string>> }) => {
        this.#called(`create ${made.metadata.namespace ?? ''}/${made.metadata.name}`);
        if (this.rival !== undefined) {
          this.data = { installationId: this.rival };
        }
        if (this.data !== undefined) {
          throw new ApiError({ code: 409, reason: 'AlreadyExists', message: 'exists' });
        }
        this.data = made.data ?? {};
        return made;
      },
    };
    return known as unknown as Client;
  }

  #called(call: string): void {
    this.calls.push(call);
    const fault = this.faults.shift();
    if (fault !== undefined) {
      throw fault;
    }
  }
}

const obtain = (cluster: FakeCluster, given?: string): Promise<string> =>
  obtainInstallationId({ client: cluster.client, namespace: 'ops', given, make: () => 'made', signal });

describe('the installation id', () => {
  test('that is given is taken, and the cluster is not asked', async () => {
    const cluster = new FakeCluster({ installationId: 'other' });
    expect(await obtain(cluster, 'given')).toBe('given');
    expect(cluster.calls).toEqual([]);
  });

  test('that is in the ConfigMap is taken', async () => {
    const cluster = new FakeCluster({ installationId: 'known' });
    expect(await obtain(cluster)).toBe('known');
    expect(cluster.calls).toEqual(['get ops/idhub-aws-connector']);
  });

  test('that is nowhere is made, and written down before it is used', async () => {
    const cluster = new FakeCluster();
    expect(await obtain(cluster)).toBe('made');
    expect(cluster.data).toEqual({ installationId: 'made' });
    expect(cluster.calls).toEqual([
      'get ops/idhub-aws-connector',
      'create ops/idhub-aws-connector',
      'get ops/idhub-aws-connector',
    ]);
  });

  test('that another replica made at the same time is taken instead of ours', async () => {
    const cluster = new FakeCluster();
    cluster.rival = 'theirs';
    expect(await obtain(cluster)).toBe('theirs');
  });

  test('is what was written, also where the answer to our call was lost', async () => {
    const cluster = new FakeCluster();
    await expect(
      (async () => {
        cluster.faults.push(undefined, new ApiError({ code: 500, message: 'no' }));
        return obtain(cluster);
      })(),
    ).rejects.toMatchObject({ code: 500 });
    cluster.data = { installationId: 'made' };
    expect(await obtain(cluster)).toBe('made');
  });

  test.each([
    ['without the entry', {}],
    ['with an empty one', { installationId: '' }],
    ['with one that cannot be', { installationId: 'a/b' }],
  ])('is never replaced: a ConfigMap %s ends the start with what to do', async (_, data) => {
    const cluster = new FakeCluster(data);
    await expect(obtain(cluster)).rejects.toThrow(
      /ops\/idhub-aws-connector has no usable installationId; restore it .* --installation-id/,
    );
    expect(cluster.data).toEqual(data);
    expect(cluster.calls).toHaveLength(1);
  });

  test.each([
    ['Forbidden', new ApiError({ code: 403, reason: 'Forbidden', message: 'no' })],
    ['a server that is not well', new ApiError({ code: 503, message: 'no' })],
  ])('is not made where the look fails: %s', async (_, fault) => {
    const cluster = new FakeCluster();
    cluster.faults.push(fault);
    await expect(obtain(cluster)).rejects.toBe(fault);
    expect(cluster.data).toBeUndefined();
  });
});
