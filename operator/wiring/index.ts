import { isApproved, isFinished } from '../controllers/reconciliation/index.ts';
import { keyOf, keyString, lowPriority } from '../runtime/index.ts';
import { accountController } from './accounts.ts';
import { bindingController } from './bindings.ts';
import { connectionController } from './connections.ts';
import { directoriesOf } from './directory.ts';
import type { Parts } from './parts.ts';
import { pushController } from './push.ts';
import { discoveryController, runController, scheduleController } from './runs.ts';
import { writesOf } from './writes.ts';

export { mountsOf } from './mounts.ts';
export type { Parts } from './parts.ts';

/** Makes the controllers of all kinds, and tells each what a connection announces. */
export function wire(parts: Parts): void {
  const { accounts: accountObjects, bindings: bindingObjects, registry, runs: runObjects } = parts;
  const connections = connectionController(parts);
  const accounts = accountController(parts);
  const bindings = bindingController(parts);
  const runs = runController(parts);
  const discovery = discoveryController(parts);
  const schedules = scheduleController(parts, (connection) => connections.enqueue(connection));
  pushController(parts, (connection) => connections.enqueue(connection));
  parts.directories.give(directoriesOf(parts, writesOf(parts)));
  registry.onWake((key) => connections.enqueue(key));
  registry.onAnnounce((key) => {
    discovery.enqueue(key, { priority: lowPriority });
    schedules.enqueue(key);
    for (const account of accountObjects.byIndex('connection', keyString(key))) {
      accounts.enqueue(keyOf(account), { priority: lowPriority });
      for (const binding of bindingObjects.byIndex('account', keyString(keyOf(account)))) {
        bindings.enqueue(keyOf(binding), { priority: lowPriority });
      }
    }
    for (const binding of bindingObjects.byIndex('connection', keyString(key))) {
      bindings.enqueue(keyOf(binding), { priority: lowPriority });
    }
    for (const run of runObjects.byIndex('connection', keyString(key))) {
      if (!isFinished(run) || isApproved(run)) {
        runs.enqueue(keyOf(run));
      }
    }
  });
}
