import { Registry } from 'prom-client';
import {
  createLogger,
  createManager,
  done,
  keyString,
  type ControllerOptions,
  type Informer,
  type Manager,
  type ManagerOptions,
  type ObjectKey,
  type Result,
  type Watch,
} from '../../../operator/runtime/index.ts';
import { FakeClient, things, type Thing } from './fake-api.ts';
import { FakeClock } from './fake-clock.ts';

export type Reconcile = (key: ObjectKey, signal: AbortSignal, world: World) => Promise<Result>;

export interface World {
  readonly clock: FakeClock;
  readonly client: FakeClient;
  readonly manager: Manager;
  readonly informer: Informer<Thing>;
  readonly registry: Registry;
  readonly lines: { level: string; msg: string }[];
  readonly seen: string[];
  readonly stop: AbortController;
  readonly ended: Promise<'stopped' | 'lease-lost'>;
  readonly enqueue: (name: string) => void;
}

export const elected = { leaderElection: { namespace: 'ns', name: 'operator', identity: 'me' } };

export function start(
  reconcile: Reconcile,
  options: {
    client?: FakeClient;
    workers?: number;
    manager?: Partial<ManagerOptions>;
    watch?: Partial<Watch<Thing>>;
    controller?: Partial<ControllerOptions>;
    prepare?: (manager: Manager) => void;
  } = {},
): World {
  const clock = new FakeClock();
  const client = options.client ?? new FakeClient();
  const registry = new Registry();
  const lines: World['lines'] = [];
  const logger = createLogger({ level: 'debug', clock, write: (line) => lines.push(JSON.parse(line)) });
  const manager = createManager({
    client,
    clock,
    random: () => 0,
    logger,
    registry,
    gracePeriodMs: 20_000,
    ...options.manager,
  });
  const informer = manager.informer(things);
  const seen: string[] = [];
  const controller = manager.controller({
    name: 'thing',
    workers: options.workers ?? 1,
    watches: [{ informer, ...options.watch }],
    reconciler: {
      reconcile: (key, signal) => {
        seen.push(keyString(key));
        return reconcile(key, signal, world);
      },
    },
    ...options.controller,
  });
  options.prepare?.(manager);
  const stop = new AbortController();
  const world: World = {
    clock,
    client,
    manager,
    informer,
    registry,
    lines,
    seen,
    stop,
    ended: manager.run(stop.signal),
    enqueue: (name) => controller.enqueue({ namespace: 'default', name }),
  };
  return world;
}

export const nothing: Reconcile = async () => done();

export async function metric(
  world: World,
  name: string,
  labels: Record<string, string> = {},
): Promise<number> {
  const { values } = (await world.registry.getSingleMetric(name)?.get()) ?? { values: [] };
  const fits = values.find((one) =>
    Object.entries(labels).every(
      ([label, value]) => (one.labels as Record<string, unknown>)[label] === value,
    ),
  );
  return fits?.value ?? 0;
}
