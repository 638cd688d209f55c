import { randomUUID } from 'node:crypto';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { attributeNames } from '../src/idhub/index.ts';
import { namespaceAllowed } from '../src/guard/index.ts';
import type { Config } from './config.ts';
import { ConnectionTarget } from './connector/index.ts';
import { ConnectionRegistry } from './controllers/connection/index.ts';
import { DefinitionsCheck, neededDefinitions } from './definitions/index.ts';
import { PushOutbox, PushStates } from './controllers/push/index.ts';
import { RunEngine } from './controllers/reconciliation/index.ts';
import { createIdhubLink } from './idhub/index.ts';
import { createInformers } from './informers.ts';
import { obtainInstallationId } from './installation.ts';
import { createHttpMetrics } from './http-metrics.ts';
import { createMetrics } from './metrics.ts';
import { createPushMetrics } from './push-metrics.ts';
import { createRunMetrics } from './run-metrics.ts';
import { requireKubeconfig, untilAnswered } from './api-server.ts';
import { LateDirectories } from './directory/index.ts';
import { startPorts } from './ports.ts';
import { Replicas } from './replicas.ts';
import { mountsOf, wire } from './wiring/index.ts';
import {
  createClient,
  createEventRecorder,
  createLogger,
  createManager,
  createSecretValues,
  parseKey,
  systemClock,
  type Logger,
  type Manager,
  type ObjectKey,
} from './runtime/index.ts';

/** Keeps a value out of logs. */
type ProtectSecret = (value: string, life?: 'passing') => void;

export function createOperatorLogger(config: Config): {
  logger: Logger;
  protectSecret: ProtectSecret;
} {
  const secrets = createSecretValues();
  return {
    logger: createLogger({ level: config.logLevel, clock: systemClock, secrets }),
    protectSecret: (value, life) => secrets.add(value, life === 'passing' ? life : undefined),
  };
}

/**
 * Runs the operator until `signal` aborts (`stopped`), the Lease is lost (`lease-lost`), or a CRD is served with less than
 * this version needs (`crd-outdated`). Starts by finding out whether they are served and which installation this is;
 * without the API server, or without them, it waits.
 */
export async function runOperator(options: {
  readonly config: Config;
  readonly logger: Logger;
  readonly protectSecret: (value: string) => void;
  readonly version: string;
  readonly signal: AbortSignal;
}): Promise<'stopped' | 'lease-lost' | 'crd-outdated'> {
  const { config, logger, protectSecret, version } = options;
  const clock = systemClock;
  const random = Math.random;
  requireKubeconfig(config);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const client = createClient({
    clock,
    logger,
    registry,
    userAgent: `idhub-aws-connector/${version}`,
    ...(config.kubeconfig === undefined ? {} : { kubeconfig: config.kubeconfig }),
    ...(config.context === undefined ? {} : { context: config.context }),
  });
  const definitions = new DefinitionsCheck({
    needed: neededDefinitions,
    client,
    clock,
    random,
    logger,
    registry,
  });
  const signal = AbortSignal.any([options.signal, definitions.outdated]);
  const replicas: Replicas = new Replicas({
    config,
    client,
    clock,
    logger,
    protectSecret,
    manager: () => manager,
  });
  const manager: Manager = createManager({
    client,
    clock,
    random,
    logger,
    registry,
    gracePeriodMs: config.gracePeriodMs,
    admit: (admitted) => definitions.admit(admitted),
    ...(config.watchNamespaces === undefined ? {} : { namespaces: config.watchNamespaces }),
    ...(config.leaderElect
      ? {
          leaderElection: {
            namespace: config.namespace,
            name: 'idhub-aws-connector',
            identity: config.identity,
            annotations: () => replicas.leader.annotations(),
          },
        }
      : {}),
  });
  const connectionRegistry = new ConnectionRegistry();
  const informers = createInformers(manager);
  const { accounts, bindings, connections, runs } = informers;
  const runMetrics = createRunMetrics({
    registry,
    connections: () => connections.list(),
    runs: () => runs.list(),
    now: () => clock.now(),
  });
  const metrics = createMetrics({
    registry,
    connections: connectionRegistry,
    accounts: () => accounts.list(),
    bindings: () => bindings.list(),
    now: () => clock.now(),
  });
  if (config.leaderElect) {
    manager.onLeading((leading) => replicas.obtainKey(leading));
  }
  const target = new ConnectionTarget({ connections, registry: connectionRegistry });
  const idhub = createIdhubLink({
    manager,
    registry,
    clock,
    random,
    logger,
    protectSecret,
    namespace: config.namespace,
    secret: config.idhubSecret,
    intervalMs: config.idhubIntervalMs,
    version,
    resources: () => attributeNames(target.schema(config.http.defaultConnection)),
  });
  const directories = new LateDirectories();
  const httpMetrics = createHttpMetrics(registry);
  const ports = await startPorts({
    config,
    client,
    manager,
    definitions,
    registry,
    clock,
    logger,
    version,
    connections,
    mounts: mountsOf({
      config,
      manager,
      target,
      directories,
      idhub,
      metrics: httpMetrics,
      registry,
      clock,
      logger,
      protectSecret,
      version,
    }),
    replicas,
    metrics: httpMetrics,
    protectSecret,
    signal,
  });

  try {
    await definitions.untilServed(signal);
    const installation = await untilAnswered(clock, logger, signal, () =>
      obtainInstallationId({
        client,
        namespace: config.namespace,
        given: config.installationId,
        make: () => randomUUID().slice(0, 8),
        signal,
      }),
    );
    logger.info('installation', { installation });
    if (config.leaderElect) {
      await replicas.loadKey(signal);
    }
    const events = createEventRecorder({
      client: manager.client,
      clock,
      logger,
      registry,
      reportingController: 'aws.idhub.io/connector',
      reportingInstance: config.identity,
    });
    const permits = (connection: ObjectKey, namespace: string): boolean =>
      namespaceAllowed(connection, connections.get(connection)?.spec.allowedNamespaces, namespace);
    const shared = {
      client: manager.client,
      ...informers,
      registry: connectionRegistry,
      events,
      logger,
      clock,
    };
    const outbox =
      config.push === undefined
        ? undefined
        : new PushOutbox({
            ...shared,
            committed: (connection, scope, ended) => engine.committed(connection, scope, ended),
          });
    const engine: RunEngine = new RunEngine({ ...shared, outbox });
    const pushStates = new PushStates();
    const pushMetrics = createPushMetrics({ registry, states: pushStates, now: () => clock.now() });
    wire({
      directories,
      ...shared,
      config,
      installation,
      manager,
      engine,
      outbox,
      pushStates,
      pushMetrics,
      metrics,
      runMetrics,
      random,
      protectSecret,
      permits,
    });
    void definitions.watch(signal);
    const end = await manager.run(signal);
    return definitions.outdated.aborted && !options.signal.aborted ? 'crd-outdated' : end;
  } finally {
    for (const name of connectionRegistry.states().keys()) {
      connectionRegistry.drop(parseKey(name));
    }
    await ports.close();
    client.close();
  }
}
