import { afterEach } from '@jest/globals';
import { Origins, type CertificateFiles } from '../../../../operator/http/frame/index.ts';
import { ReplicaLeader, type PeerKey } from '../../../../operator/http/forward/index.ts';
import type { Handler, Mount, Route } from '../../../../operator/http/frame/mount.ts';
import { routerOf } from '../../../../operator/http/frame/routes.ts';
import type { LeaseHolder } from '../../../../operator/runtime/index.ts';
import { serveMounts, type ServedFrame } from '../served.ts';

export const secret = Buffer.alloc(32, 7);

const made = new Set<ReplicaLeader>();

afterEach(() => {
  made.forEach((leader) => leader.close());
  made.clear();
});

/** What replicas see of the Lease. */
export class Lease {
  holder: LeaseHolder | undefined;
}

export interface Replica extends ServedFrame {
  readonly leader: ReplicaLeader;
  readonly name: string;
}

export class FakeKey implements PeerKey {
  known: Buffer | undefined;
  stored: Buffer | undefined;
  loads = 0;

  constructor(known: Buffer | undefined) {
    this.known = known;
    this.stored = known;
  }

  load(): Promise<Buffer | undefined> {
    this.loads += 1;
    this.known = this.stored;
    return Promise.resolve(this.stored);
  }
}

/** `/things`, answered by the leader alone. */
export function thingsMount(routes: readonly Route[]): Mount {
  return {
    name: 'things',
    path: '/things',
    perConnection: false,
    access: 'caller',
    format: 'scim',
    bodyLimit: 100_000,
    mediaTypes: ['application/json'],
    leaderOnly: true,
    router: routerOf(routes),
  };
}

/** A replica with its port, that leads where the Lease says so. */
export async function replica(
  name: string,
  lease: Lease,
  routes: readonly Route[],
  {
    key = new FakeKey(secret),
    certificate,
  }: { readonly key?: FakeKey; readonly certificate?: CertificateFiles } = {},
): Promise<Replica> {
  let now = (): number => 0;
  const leader = new ReplicaLeader({
    identity: name,
    leading: () => lease.holder?.identity === name,
    holder: () => lease.holder,
    key,
    clock: { now: () => now(), monotonic: () => now() },
  });
  made.add(leader);
  const served = await serveMounts({
    mounts: [thingsMount(routes)],
    leader,
    origins: new Origins({ publicUrl: undefined, trustedProxies: [] }),
    certificate,
  });
  now = () => served.clock.now();
  leader.serves({ address: `127.0.0.1:${served.port}`, certificate: () => certificate?.current.cert });
  return { ...served, leader, name };
}

/** The replica takes the Lease. */
export function takes(lease: Lease, { leader, name }: Pick<Replica, 'leader' | 'name'>): void {
  lease.holder = { identity: name, annotations: leader.annotations() };
}

/** A leader with these handlers at `/thing`, and one that follows. */
export async function pair(handlers: { readonly [method in 'GET' | 'POST' | 'DELETE']?: Handler }): Promise<{
  lease: Lease;
  leading: Replica;
  following: Replica;
}> {
  const lease = new Lease();
  const leading = await replica('one', lease, [{ path: '/thing', ...handlers }]);
  const following = await replica('two', lease, [
    {
      path: '/thing',
      GET: () => {
        throw new Error('only the leader answers');
      },
    },
  ]);
  takes(lease, leading);
  return { lease, leading, following };
}
