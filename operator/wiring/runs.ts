import type { AwsReconciliation } from '../api/v1alpha1/index.ts';
import { DiscoveryReconciler } from '../controllers/discovery/index.ts';
import { changedByOthers } from '../controllers/names.ts';
import { isFinished, ReconciliationReconciler } from '../controllers/reconciliation/index.ts';
import { ownerOf, ScheduleReconciler } from '../controllers/schedule/index.ts';
import type { Controller, KubeObject, ObjectKey } from '../runtime/index.ts';
import type { Parts } from './parts.ts';

/** Whether a run has ended between two sights of it. */
export function endsOrBegins(before: KubeObject, after: KubeObject): boolean {
  return (
    isFinished(before as unknown as AwsReconciliation) !== isFinished(after as unknown as AwsReconciliation)
  );
}

/** AwsReconciliations: runs. */
export function runController(parts: Parts): Controller {
  const { config, manager, runs } = parts;
  const controller = manager.controller({
    name: 'awsreconciliation',
    workers: config.workers,
    watches: [{ informer: runs, changed: changedByOthers }],
    reconciler: new ReconciliationReconciler({
      ...parts,
      metrics: parts.runMetrics,
      wake: (run) => controller.enqueue(run),
    }),
  });
  return controller;
}

/** Makes AwsAccounts for users that a connection looks for. */
export function discoveryController(parts: Parts): Controller {
  const { connections, manager } = parts;
  return manager.controller({
    name: 'discovery',
    workers: 1,
    watches: [{ informer: connections, changed: changedByOthers }],
    reconciler: new DiscoveryReconciler(parts),
  });
}

/** Makes runs when their time has come. `tell` wakes the connection, which shows them. */
export function scheduleController(parts: Parts, tell: (connection: ObjectKey) => void): Controller {
  const { connections, manager, runMetrics, runs } = parts;
  return manager.controller({
    name: 'schedule',
    workers: 4,
    watches: [
      { informer: connections, changed: changedByOthers },
      {
        informer: runs,
        changed: endsOrBegins,
        map: (run) => [ownerOf(run as unknown as AwsReconciliation)].filter((key) => key !== undefined),
      },
    ],
    reconciler: new ScheduleReconciler({
      ...parts,
      tell,
      count: (outcome) => runMetrics.scheduled(outcome),
    }),
  });
}
