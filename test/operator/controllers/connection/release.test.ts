import { expect, test } from '@jest/globals';
import type { AwsConnection, AwsEntitlementBinding } from '../../../../operator/api/v1alpha1/index.ts';
import { ConnectionRelease } from '../../../../operator/controllers/connection/release.ts';
import { annotations, finalizer } from '../../../../operator/controllers/names.ts';
import { createLogger, type Client, type Informer } from '../../../../operator/runtime/index.ts';
import { FakeClock } from '../../../src/fake-clock.ts';
import { account, connection } from '../material.ts';

const key = { namespace: 'ns', name: 'main' };
const { signal } = new AbortController();
const at = '2026-01-15T00:00:00Z';
const held = { finalizers: [finalizer] };
const abandoned = {
  ...held,
  deletionTimestamp: at,
  annotations: { [annotations.abandon]: 'true' },
};

function stage(objects: { accounts?: readonly object[]; bindings?: readonly object[] }) {
  const done: string[] = [];
  let counted = 0;
  const indexed = (all: readonly object[] = []) =>
    ({
      byIndex: (index: string, value: string) => (index === 'connection' && value === 'ns/main' ? all : []),
    }) as never;
  const release = new ConnectionRelease({
    client: {
      jsonPatch: async () => {
        done.push('finalizer');
        return connection();
      },
      mergePatch: async () => {
        done.push('finalizer');
        return connection();
      },
    } as unknown as Client,
    connections: { set: () => undefined, get: () => undefined } as unknown as Informer<AwsConnection>,
    accounts: indexed(objects.accounts),
    bindings: indexed(objects.bindings),
    secrets: { release: async (_object: unknown, name: string) => void done.push(`Secret ${name}`) } as never,
    logger: createLogger({ level: 'error', clock: new FakeClock(), write: () => undefined }),
    countAbandoned: () => {
      counted += 1;
    },
  });
  return { release, done, counted: () => counted };
}

const binding = (metadata: object) =>
  ({ metadata: { name: 'b', namespace: 'other', ...metadata } }) as AwsEntitlementBinding;

test.each([
  ['nothing', {}, false],
  ['an account', { accounts: [account({ metadata: held })] }, true],
  ['an account that stands for nothing', { accounts: [account()] }, false],
  ['an account that is abandoned', { accounts: [account({ metadata: abandoned })] }, false],
  ['a binding, also of another namespace', { bindings: [binding(held)] }, true],
  ['a binding that holds nothing', { bindings: [binding({})] }, false],
  ['a binding that is abandoned', { bindings: [binding(abandoned)] }, false],
])('C19 a connection is needed for %s: %#', (_what, objects, needed) => {
  expect(stage(objects).release.isNeeded(key)).toBe(needed);
});

test('accounts and bindings are counted each for themselves', () => {
  const { release } = stage({
    accounts: [account({ metadata: held }), account()],
    bindings: [binding(held), binding(held)],
  });
  expect(release.neededBy(key)).toEqual({ accounts: 1, bindings: 2 });
});

test('C19 the Secret is let go of first: a repeat after a crash finds the connection', async () => {
  const { release, done, counted } = stage({});
  const metadata = { ...held, deletionTimestamp: at, annotations: { [annotations.secretName]: 'aws' } };
  await release.release(connection({ metadata }), signal);
  expect(done).toEqual(['Secret aws', 'finalizer']);
  expect(counted()).toBe(0);
});

test('an abandoned connection is counted, and lets go all the same', async () => {
  const { release, done, counted } = stage({});
  await release.release(connection({ metadata: abandoned }), signal);
  expect(done).toEqual(['finalizer']);
  expect(counted()).toBe(1);
});

test('what has no finalizer of ours is left alone', async () => {
  const { release, done } = stage({});
  await release.release(connection({ metadata: { deletionTimestamp: at } }), signal);
  expect(done).toEqual([]);
});
