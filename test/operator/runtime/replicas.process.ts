import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { eventually, startProcess, type StartedProcess } from '../../support/process.ts';
import { thing, type Thing } from './fake-api.ts';
import { FakeServer, TcpProxy, kubeconfigFor } from './fake-server.ts';

let server: FakeServer;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  server = new FakeServer();
  await server.start();
  cleanups.push(() => server.stop());
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) {
    await cleanup();
  }
});

/** A replica with a network path of its own. */
async function replica(identity: string): Promise<StartedProcess & { readonly path: TcpProxy }> {
  const path = new TcpProxy(server.port);
  const kubeconfig = await kubeconfigFor(await path.start());
  const script = join(import.meta.dirname, 'candidate', 'cli.ts');
  const started = startProcess(process.execPath, [script, kubeconfig.path, identity]);
  cleanups.push(
    () => path.stop(),
    () => kubeconfig.remove(),
    () => {
      started.kill('SIGKILL');
      return started.exited;
    },
  );
  return Object.assign(started, { path });
}

const holder = (): string => {
  const lease = server.store.list('leases')[0] as { spec?: { holderIdentity?: string } } | undefined;
  return lease?.spec?.holderIdentity ?? '';
};
const leads = (identity: string): Promise<true> =>
  eventually(() => holder() === identity || undefined, { what: `${identity} to lead` });
const writers = (): string[] => server.store.list('records').map((one) => one.metadata.labels?.['by'] ?? '');

describe('two replicas', () => {
  test('a leader stopped past its lease makes no write on waking, and ends', async () => {
    const first = await replica('first');
    await leads('first');
    await eventually(() => writers().length > 10 || undefined);
    await first.line((line) => line.includes('the lease is ours'));
    const second = await replica('second');
    await second.line((line) => line.includes('caches are synced'));
    for (let index = 0; index < 20; index += 1) {
      server.store.create('things', thing(`t${index}`));
    }
    // Its reconciles take a second: they are in the middle of it.
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    first.kill('SIGSTOP');
    await leads('second');
    await eventually(() => writers().includes('second') || undefined);
    // What was in its sockets before may still arrive; from here on nothing may.
    const takenOver = writers().lastIndexOf('first');
    first.kill('SIGCONT');
    expect(await first.exited).toBe(3);
    expect(writers().lastIndexOf('first')).toBe(takenOver);
    expect(holder()).toBe('second');
    await eventually(
      () =>
        server.store.list('things').every((one) => (one as Thing).status?.['second'] === 'reconciled') ||
        undefined,
    );
    expect(
      server.store.list('things').filter((one) => (one as Thing).status?.['first'] !== undefined),
    ).toEqual([]);
    expect(await second.stop()).toBe(0);
    expect(holder()).toBe('');
  });

  test('a leader that alone is cut off stops before the other starts', async () => {
    const first = await replica('first');
    await leads('first');
    await eventually(() => writers().length > 10 || undefined);
    const second = await replica('second');
    await second.line((line) => line.includes('caches are synced'));
    first.path.swallow = true;
    expect(await first.exited).toBe(3);
    expect(writers()).not.toContain('second');
    await leads('second');
    expect(await second.stop()).toBe(0);
  });

  test('SIGTERM with 20 slow reconciles: they finish, the other takes over within 5 s', async () => {
    const first = await replica('first');
    await leads('first');
    const second = await replica('second');
    await second.line((line) => line.includes('caches are synced'));
    for (let index = 0; index < 20; index += 1) {
      server.store.create('things', thing(`t${index}`));
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    const from = performance.now();
    expect(await first.stop()).toBe(0);
    const reconciled = server.store.list('things').map((one) => (one as Thing).status?.['first']);
    expect(reconciled).toEqual(Array.from({ length: 20 }, () => 'reconciled'));
    await leads('second');
    expect(performance.now() - from).toBeLessThan(5_000);
    await second.stop();
  });
});
