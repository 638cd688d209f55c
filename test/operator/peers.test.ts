import { expect, test } from '@jest/globals';
import { secretType, type Secret } from '../../operator/controllers/names.ts';
import { PeerSecret, peerSecretName } from '../../operator/peers.ts';
import { NotLeadingError, type KubeObject } from '../../operator/runtime/index.ts';
import { fencedClient } from '../../operator/runtime/fence.ts';
import { FakeClient } from './runtime/fake-api.ts';

const signal = new AbortController().signal;
const key = { namespace: 'ops', name: peerSecretName };

function peersOf(client: FakeClient, secrets: string[] = []): PeerSecret {
  let made = 0;
  return new PeerSecret({
    client,
    namespace: 'ops',
    make: () => Buffer.alloc(32, (made += 1)),
    protectSecret: (value) => secrets.push(value),
  });
}

test('the leader makes a key, the others read it, and it stays out of the logs', async () => {
  const client = new FakeClient();
  const secrets: string[] = [];
  const [leader, follower] = [peersOf(client, secrets), peersOf(client, secrets)];
  expect(await follower.load(signal)).toBeUndefined();
  await leader.obtain(client, signal);
  expect(leader.known).toEqual(Buffer.alloc(32, 1));
  expect(await follower.load(signal)).toEqual(Buffer.alloc(32, 1));
  expect(new Set(secrets)).toEqual(new Set([Buffer.alloc(32, 1).toString('base64')]));
  // One that is there is kept.
  await peersOf(client).obtain(client, signal);
  expect(client.calls.filter((call) => !call.startsWith('GET'))).toEqual(['POST secrets']);
});

test('one that is no good is replaced, and says nothing until then', async () => {
  const client = new FakeClient();
  client.store.create('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: key,
    data: { hmac: btoa(btoa('short')) },
  } as KubeObject);
  const peers = peersOf(client);
  expect(await peers.load(signal)).toBeUndefined();
  await peers.obtain(client, signal);
  expect(peers.known).toHaveLength(32);
  expect((await client.get<Secret>(secretType, key)).data?.['hmac']).not.toBe(btoa(btoa('short')));
});

test('who does not lead makes none', async () => {
  const client = new FakeClient();
  const peers = peersOf(client);
  await expect(
    peers.obtain(
      fencedClient(client, () => false),
      signal,
    ),
  ).rejects.toThrow(NotLeadingError);
  expect(peers.known).toBeUndefined();
});

test('what was known stays known while the API server is away', async () => {
  const client = new FakeClient();
  const peers = peersOf(client);
  await peers.obtain(client, signal);
  client.fail = () => {
    throw new Error('away');
  };
  await expect(peers.load(signal)).rejects.toThrow('away');
  expect(peers.known).toHaveLength(32);
});
