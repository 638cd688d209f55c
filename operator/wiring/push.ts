import { createHash } from 'node:crypto';
import { HttpSender } from '../../src/push/index.ts';
import type { AwsReconciliation } from '../api/v1alpha1/index.ts';
import { changedByOthers } from '../controllers/names.ts';
import { PushKeys, PushReconciler } from '../controllers/push/index.ts';
import { connectionOf } from '../controllers/reconciliation/index.ts';
import type { Controller, ObjectKey } from '../runtime/index.ts';
import { version } from '../version.ts';
import type { Parts } from './parts.ts';
import { endsOrBegins } from './runs.ts';

/** Requests to the receiver at once, each of another connection. */
const workers = 4;

/** Sends changes to `--push-url`; undefined where there is none. `tell` wakes the connection, which shows how that goes. */
export function pushController(parts: Parts, tell: (connection: ObjectKey) => void): Controller | undefined {
  const {
    clock,
    client,
    config,
    connections,
    logger,
    manager,
    outbox,
    protectSecret,
    pushMetrics,
    pushStates,
    runs,
  } = parts;
  const { namespace, push } = config;
  if (push === undefined || outbox === undefined) {
    return undefined;
  }
  const keys = new PushKeys({ client, secret: { namespace, name: push.secret }, clock, protectSecret });
  manager.onLeading((signal) => keys.check(logger, signal));
  const controller = manager.controller({
    name: 'push',
    workers,
    watches: [
      { informer: connections, changed: changedByOthers },
      {
        informer: runs,
        // What was kept of a run that has ended, or is gone, may be sent or taken away.
        changed: endsOrBegins,
        map: (run) => [connectionOf(run as unknown as AwsReconciliation)],
      },
    ],
    reconciler: new PushReconciler({
      ...parts,
      outbox,
      states: pushStates,
      metrics: pushMetrics,
      keys,
      sender: new HttpSender({
        url: push.url,
        userAgent: `idhub-aws-connector/${version}`,
        clock,
        maxSockets: workers,
      }),
      address: createHash('sha256').update(push.url.href).digest('hex').slice(0, 16),
      leads: () => manager.leading,
      tell,
    }),
  });
  outbox.onChange((connection) => controller.enqueue(connection));
  return controller;
}
