import { beforeEach, describe, expect, test } from '@jest/globals';
import { KubernetesAccess, type KubernetesUser } from '../../../../operator/http/auth/index.ts';
import type { KubeObject, ResourceType } from '../../../../operator/runtime/index.ts';
import { FakeClient, unreachable } from '../../runtime/fake-api.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';

const signal = new AbortController().signal;
const run = { namespace: 'team', name: 'nightly' };
const jo = {
  username: 'system:serviceaccount:team:jo',
  uid: 'u-1',
  groups: ['system:serviceaccounts', 'system:authenticated'],
  extra: { 'authentication.kubernetes.io/pod-name': ['jo-0'] },
};

/** An API server that gives the verdicts it is told to. */
class Reviewing extends FakeClient {
  readonly asked: KubeObject[] = [];
  token: object = { authenticated: true, audiences: ['idhub-aws-connector'], user: jo };
  access: object = { allowed: true };

  override async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: { signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    options.signal?.throwIfAborted();
    await this.fail(`POST ${type.plural}`);
    this.asked.push(object);
    return { ...object, status: type.kind === 'TokenReview' ? this.token : this.access };
  }
}

let client: Reviewing;
let clock: FakeClock;
let access: KubernetesAccess;

beforeEach(() => {
  client = new Reviewing();
  clock = new FakeClock();
  access = new KubernetesAccess({ client, clock });
});

async function known(token = 'one'): Promise<KubernetesUser> {
  const caller = await access.authenticate(token, signal);
  if (caller === undefined) {
    throw new Error('nobody');
  }
  return caller;
}

describe('who a token stands for', () => {
  test('is asked of the API server, for our audience', async () => {
    expect(await access.authenticate('one', signal)).toEqual({
      name: jo.username,
      uid: jo.uid,
      groups: jo.groups,
      extra: jo.extra,
    });
    expect(client.asked).toEqual([
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        metadata: { name: '' },
        spec: { token: 'one', audiences: ['idhub-aws-connector'] },
      },
    ]);
  });

  test.each<[string, object]>([
    ['that is not valid', { authenticated: false, error: 'expired' }],
    ['without a verdict', {}],
    ['where the server has not looked at audiences', { authenticated: true, user: jo }],
    [
      'for another audience',
      { authenticated: true, audiences: ['https://kubernetes.default.svc'], user: jo },
    ],
    ['of nobody', { authenticated: true, audiences: ['idhub-aws-connector'], user: { username: '' } }],
  ])('nobody, of one %s', async (_, status) => {
    client.token = status;
    expect(await access.authenticate('one', signal)).toBeUndefined();
  });

  test('a yes is believed for 60 s and no longer, of this token alone', async () => {
    await known('one');
    client.token = { authenticated: false };
    await clock.advance(59_999);
    expect(await access.authenticate('one', signal)).toBeDefined();
    expect(await access.authenticate('two', signal)).toBeUndefined();
    await clock.advance(1);
    expect(await access.authenticate('one', signal)).toBeUndefined();
    expect(client.asked).toHaveLength(3);
  });

  test('a no is believed for 5 s', async () => {
    const yes = client.token;
    client.token = { authenticated: false };
    await access.authenticate('one', signal);
    client.token = yes;
    await clock.advance(4_999);
    expect(await access.authenticate('one', signal)).toBeUndefined();
    await clock.advance(1);
    expect(await access.authenticate('one', signal)).toBeDefined();
  });

  test('an API server that does not answer is no verdict, and is not remembered as one', async () => {
    client.fail = unreachable;
    await expect(access.authenticate('one', signal)).rejects.toThrow('nothing listens');
    client.fail = () => undefined;
    expect(await access.authenticate('one', signal)).toBeDefined();
  });
});

describe('who may read a report', () => {
  test('is asked of the API server, with all that it said of the caller', async () => {
    expect(await access.mayReadReport(await known(), run, signal)).toBe(true);
    expect(client.asked[1]).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: { name: '' },
      spec: {
        user: jo.username,
        uid: jo.uid,
        groups: jo.groups,
        extra: jo.extra,
        resourceAttributes: {
          verb: 'get',
          group: 'aws.idhub.io',
          version: 'v1alpha1',
          resource: 'awsreconciliations',
          subresource: 'report',
          namespace: 'team',
          name: 'nightly',
        },
      },
    });
  });

  test.each<[object]>([[{ allowed: false }], [{ allowed: true, denied: true }], [{}]])(
    'not with the verdict %j',
    async (verdict) => {
      client.access = verdict;
      expect(await access.mayReadReport(await known(), run, signal)).toBe(false);
    },
  );

  test('a verdict is of this caller, this run and this namespace', async () => {
    const caller = await known();
    expect(await access.mayReadReport(caller, run, signal)).toBe(true);
    client.access = { allowed: false };
    expect(await access.mayReadReport(caller, run, signal)).toBe(true);
    expect(await access.mayReadReport(caller, { ...run, name: 'other' }, signal)).toBe(false);
    expect(await access.mayReadReport(caller, { ...run, namespace: 'other' }, signal)).toBe(false);
    expect(await access.mayReadReport({ ...caller, groups: [] }, run, signal)).toBe(false);
  });

  test('a yes is believed for 60 s, a no for 5 s', async () => {
    const caller = await known();
    await access.mayReadReport(caller, run, signal);
    client.access = { allowed: false };
    await clock.advance(60_000);
    expect(await access.mayReadReport(caller, run, signal)).toBe(false);
    client.access = { allowed: true };
    await clock.advance(4_999);
    expect(await access.mayReadReport(caller, run, signal)).toBe(false);
    await clock.advance(1);
    expect(await access.mayReadReport(caller, run, signal)).toBe(true);
  });
});
