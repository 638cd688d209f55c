import { Registry } from 'prom-client';
import {
  createClient,
  createLogger,
  createManager,
  systemClock,
  type KubeObject,
  type ResourceType,
} from '../../../../operator/runtime/index.ts';
import { things } from '../fake-api.ts';

// A replica for tests: `cli.ts <kubeconfig> <identity>`. While it leads it makes a record every
// 50 ms and reconciles things; a reconcile takes a second.
const [kubeconfig = '', identity = ''] = process.argv.slice(2);
const records: ResourceType<KubeObject> = { ...things, plural: 'records', kind: 'Record' };
const clock = systemClock;
const registry = new Registry();
const logger = createLogger({ level: 'info', clock }).child({ identity });
const client = createClient({ kubeconfig, clock, logger, registry });
const manager = createManager({
  client,
  clock,
  random: Math.random,
  logger,
  registry,
  gracePeriodMs: 5_000,
  leaderElection: {
    namespace: 'default',
    name: 'candidates',
    identity,
    leaseDurationMs: 3_000,
    renewDeadlineMs: 2_000,
    retryPeriodMs: 400,
  },
});
let made = 0;
const record = async (signal: AbortSignal): Promise<void> => {
  made += 1;
  const metadata = { namespace: 'default', name: `${identity}-${made}`, labels: { by: identity } };
  await manager.client.create(
    records,
    { apiVersion: 'example.org/v1', kind: 'Record', metadata },
    { signal },
  );
};
manager.onLeading(async (signal) => {
  while (!signal.aborted) {
    await record(signal);
    await clock.sleep(50, signal).catch(() => undefined);
  }
});
const informer = manager.informer(things);
manager.controller({
  name: 'thing',
  workers: 20,
  watches: [{ informer }],
  reconciler: {
    reconcile: async (key, signal) => {
      await clock.sleep(1_000, signal);
      await manager.client.mergePatch(things, key, { status: { [identity]: 'reconciled' } }, { signal });
      return {};
    },
  },
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const outcome = await manager.run(stop.signal);
logger.info('ended', { outcome });
client.close();
process.exitCode = outcome === 'stopped' ? 0 : 3;
