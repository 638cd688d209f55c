import { createAwsApi } from '../../src/aws/index.ts';
import { AdaptivePacer, trailPacers } from '../../src/connection/index.ts';
import { ReadingGate } from '../../src/reconciliation/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../api/v1alpha1/index.ts';
import { connectionKey } from '../controllers/account/index.ts';
import { bindingConnections } from '../controllers/binding/index.ts';
import { ConnectionReconciler } from '../controllers/connection/index.ts';
import { changedByOthers } from '../controllers/names.ts';
import { isOf, scheduleStanding } from '../controllers/schedule/index.ts';
import { keyOf, keyString, parseKey, type Controller } from '../runtime/index.ts';
import type { Parts } from './parts.ts';

/** AwsConnections: verified, read, and released last. */
export function connectionController(parts: Parts): Controller {
  const {
    accounts,
    bindings,
    clock,
    config,
    connections,
    engine,
    manager,
    metrics,
    pushStates,
    random,
    registry,
    runs,
  } = parts;
  const trail = trailPacers(clock);
  return manager.controller({
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
      ...parts,
      countAbandoned: (kind) => metrics.countAbandoned(kind),
      allowEndpointOverride: config.allowEndpointOverride,
      snapshotIntervalMs: config.snapshotIntervalMs,
      missing: (...reading) => engine.missing(...reading),
      schedule: (connection) =>
        scheduleStanding({
          connection,
          terms: registry.peek(keyOf(connection))?.terms,
          runs: runs.byIndex('schedule', keyString(keyOf(connection))).filter((run) => isOf(run, connection)),
          now: clock.now(),
        }),
      push: (connection) => (config.push === undefined ? 'off' : pushStates.standing(connection)),
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
              registry.suspect(key);
            }
          },
        }),
    }),
  });
}
