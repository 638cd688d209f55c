import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createAwsApi } from '../src/aws/index.ts';
import { AdaptivePacer, trailPacers } from '../src/connection/index.ts';
import { namespaceAllowed } from '../src/guard/index.ts';
import { ReadingGate } from '../src/reconciliation/index.ts';
import { type AwsAccount, type AwsEntitlementBinding, type AwsReconciliation } from './api/v1alpha1/index.ts';
import type { Config } from './config.ts';
import {
  AccountReconciler,
  StoredPasswordKey,
  accountsAbove,
  connectionKey,
  isEnabled,
  ownedHasChanged,
  userKey,
} from './controllers/account/index.ts';
import {
  BindingReconciler,
  ConnectionGuard,
  bindingConnections,
  companions,
  heldHasChanged,
  isBound,
  userMayHaveChanged,
} from './controllers/binding/index.ts';
import { DiscoveryReconciler } from './controllers/discovery/index.ts';
import { ConnectionReconciler, ConnectionRegistry } from './controllers/connection/index.ts';
import {
  isApproved,
  isFinished,
  ReconciliationReconciler,
  RunEngine,
} from './controllers/reconciliation/index.ts';
import { isOf, ownerOf, scheduleStanding, ScheduleReconciler } from './controllers/schedule/index.ts';
import { createInformers } from './informers.ts';
import { obtainInstallationId } from './installation.ts';
import { changedByOthers } from './controllers/names.ts';
import { createMetrics } from './metrics.ts';
import { createRunMetrics } from './run-metrics.ts';
import { requireKubeconfig, untilAnswered } from './api-server.ts';
import { startPorts } from './ports.ts';
import {
  createClient,
  createEventRecorder,
  createLogger,
  createManager,
  createSecretValues,
  highPriority,
  keyOf,
  keyString,
  lowPriority,
  parseKey,
  systemClock,
  type Logger,
  type ObjectKey,
} from './runtime/index.ts';

export function createOperatorLogger(config: Config): {
  logger: Logger;
  protectSecret: (value: string) => void;
} {
  const secrets = createSecretValues();
  return {
    logger: createLogger({ level: config.logLevel, clock: systemClock, secrets }),
    protectSecret: (value) => secrets.add(value),
  };
}

/**
 * Runs the operator until `signal` aborts (`stopped`) or the Lease is lost (`lease-lost`).
 * Starts by finding out which installation this is; without the API server it waits for it.
 */
export async function runOperator(options: {
  readonly config: Config;
  readonly logger: Logger;
  readonly protectSecret: (value: string) => void;
  readonly version: string;
  readonly signal: AbortSignal;
}): Promise<'stopped' | 'lease-lost'> {
  const { config, logger, protectSecret, version, signal } = options;
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
  const manager = createManager({
    client,
    clock,
    random,
    logger,
    registry,
    gracePeriodMs: config.gracePeriodMs,
    ...(config.watchNamespaces === undefined ? {} : { namespaces: config.watchNamespaces }),
    ...(config.leaderElect
      ? {
          leaderElection: {
            namespace: config.namespace,
            name: 'idhub-aws-connector',
            identity: config.identity,
          },
        }
      : {}),
  });
  const connectionRegistry = new ConnectionRegistry();
  const { accounts, bindings, connections, runs } = createInformers(manager);
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
  const ports = await startPorts({
    config,
    client,
    manager,
    registry,
    clock,
    logger,
    version,
    countRequest: (code) => metrics.countRequest(code),
    signal,
  });

  try {
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
    const events = createEventRecorder({
      client: manager.client,
      clock,
      logger,
      registry,
      reportingController: 'aws.idhub.io/connector',
      reportingInstance: config.identity,
    });
    const shared = {
      client: manager.client,
      accounts,
      bindings,
      connections,
      registry: connectionRegistry,
      events,
      logger,
      clock,
      random,
    };
    const permits = (connection: ObjectKey, namespace: string): boolean =>
      namespaceAllowed(connection, connections.get(connection)?.spec.allowedNamespaces, namespace);
    const trail = trailPacers(clock);
    const engine = new RunEngine({ ...shared, client: manager.client });
    const connectionController = manager.controller({
      name: 'awsconnection',
      // Whoever does not answer keeps a worker for minutes, and nobody else may wait for that. Readings are let through by the gate.
      workers: 40,
      watches: [
        { informer: connections, changed: changedByOthers },
        {
          informer: accounts,
          // A connection on its way out waits for the accounts that still need it.
          map: (account) => {
            const key = connectionKey(account as unknown as AwsAccount);
            return connections.get(key)?.metadata.deletionTimestamp === undefined ? [] : [key];
          },
        },
        {
          informer: bindings,
          map: (binding) =>
            bindingConnections(binding as unknown as AwsEntitlementBinding)
              .map(parseKey)
              .filter((key) => connections.get(key)?.metadata.deletionTimestamp !== undefined),
        },
      ],
      reconciler: new ConnectionReconciler({
        ...shared,
        countAbandoned: (kind) => metrics.countAbandoned(kind),
        allowEndpointOverride: config.allowEndpointOverride,
        snapshotIntervalMs: config.snapshotIntervalMs,
        missing: (...reading) => engine.missing(...reading),
        schedule: (connection) =>
          scheduleStanding({
            connection,
            terms: connectionRegistry.peek(keyOf(connection))?.terms,
            runs: runs
              .byIndex('schedule', keyString(keyOf(connection)))
              .filter((run) => isOf(run, connection)),
            now: clock.now(),
          }),
        protectSecret,
        pace: () => new AdaptivePacer({ clock, maxRate: config.awsMaxRate }),
        paceTrail: (name) => trail.under(name),
        gate: new ReadingGate({ places: 4, troubled: 1 }),
        connect: ({ key, ...target }) =>
          createAwsApi({
            ...target,
            clock,
            random,
            fence: () => (manager.leading ? undefined : 'this process no longer holds the Lease'),
            observe: (record) => {
              metrics.observeCall(keyString(key), record);
              if (record.outcome === 'badCredentials') {
                connectionRegistry.suspect(key);
              }
            },
          }),
      }),
    });
    const accountController = manager.controller({
      name: 'awsaccount',
      workers: config.workers,
      watches: [
        {
          informer: accounts,
          changed: changedByOthers,
          // Who is to be shut out does not wait behind those who are to come in.
          priority: (account) => (isEnabled(account as unknown as AwsAccount) ? 0 : highPriority),
          // Also those that name the same user: what one lets go of, the next may take.
          map: (account) =>
            accounts
              .byIndex('user', userKey(account as unknown as AwsAccount))
              .map(keyOf)
              .concat(keyOf(account)),
        },
        {
          informer: bindings,
          changed: (before, after) =>
            ownedHasChanged(
              before as unknown as AwsEntitlementBinding,
              after as unknown as AwsEntitlementBinding,
            ),
          map: (binding) =>
            accountsAbove(binding as unknown as AwsEntitlementBinding, (uid) =>
              bindings.byIndex('owner', uid),
            ).filter((key) => accounts.get(key) !== undefined),
        },
      ],
      reconciler: new AccountReconciler({
        ...shared,
        installation,
        permits,
        protectSecret,
        randomInt,
        passwordKey: new StoredPasswordKey({
          client: manager.client,
          namespace: config.namespace,
          make: () => randomBytes(32),
          protectSecret,
        }),
        isBound: (user, arn) => isBound(bindings, user, arn),
        countAbandoned: (kind) => metrics.countAbandoned(kind),
      }),
    });
    const bindingController = manager.controller({
      name: 'awsentitlementbinding',
      workers: config.workers,
      watches: [
        {
          informer: bindings,
          changed: (before, after) =>
            changedByOthers(before, after) ||
            heldHasChanged(
              before as unknown as AwsEntitlementBinding,
              after as unknown as AwsEntitlementBinding,
            ),
          // Also those on the same edge: what one lets go of, another may have to take away or to give again.
          map: (binding) => companions(binding as unknown as AwsEntitlementBinding, bindings),
        },
        {
          informer: accounts,
          changed: (before, after) =>
            userMayHaveChanged(before as unknown as AwsAccount, after as unknown as AwsAccount),
          map: (account) => bindings.byIndex('account', keyString(keyOf(account))).map(keyOf),
        },
      ],
      reconciler: new BindingReconciler({
        ...shared,
        installation,
        guard: new ConnectionGuard(),
        permits,
        countAbandoned: (kind) => metrics.countAbandoned(kind),
      }),
    });
    const runController = manager.controller({
      name: 'awsreconciliation',
      workers: config.workers,
      watches: [{ informer: runs, changed: changedByOthers }],
      reconciler: new ReconciliationReconciler({
        ...shared,
        runs,
        permits,
        engine,
        metrics: runMetrics,
        wake: (run) => runController.enqueue(run),
      }),
    });
    const discoveryController = manager.controller({
      name: 'discovery',
      workers: 1,
      watches: [{ informer: connections, changed: changedByOthers }],
      reconciler: new DiscoveryReconciler({ ...shared, permits }),
    });
    const scheduleController = manager.controller({
      name: 'schedule',
      workers: 4,
      watches: [
        { informer: connections, changed: changedByOthers },
        {
          informer: runs,
          changed: (before, after) =>
            isFinished(before as unknown as AwsReconciliation) !==
            isFinished(after as unknown as AwsReconciliation),
          map: (run) => [ownerOf(run as unknown as AwsReconciliation)].filter((key) => key !== undefined),
        },
      ],
      reconciler: new ScheduleReconciler({
        ...shared,
        runs,
        tell: (connection) => connectionController.enqueue(connection),
        count: (outcome) => runMetrics.scheduled(outcome),
      }),
    });
    connectionRegistry.onWake((key) => connectionController.enqueue(key));
    connectionRegistry.onAnnounce((key) => {
      discoveryController.enqueue(key, { priority: lowPriority });
      scheduleController.enqueue(key);
      for (const account of accounts.byIndex('connection', keyString(key))) {
        accountController.enqueue(keyOf(account), { priority: lowPriority });
        for (const binding of bindings.byIndex('account', keyString(keyOf(account)))) {
          bindingController.enqueue(keyOf(binding), { priority: lowPriority });
        }
      }
      for (const binding of bindings.byIndex('connection', keyString(key))) {
        bindingController.enqueue(keyOf(binding), { priority: lowPriority });
      }
      for (const run of runs.byIndex('connection', keyString(key))) {
        if (!isFinished(run) || isApproved(run)) {
          runController.enqueue(keyOf(run));
        }
      }
    });
    return await manager.run(signal);
  } finally {
    for (const name of connectionRegistry.states().keys()) {
      connectionRegistry.drop(parseKey(name));
    }
    await ports.close();
    client.close();
  }
}
