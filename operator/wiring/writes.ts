import { randomBytes, randomUUID } from 'node:crypto';
import type { AwsAccount, AwsEntitlementBinding } from '../api/v1alpha1/index.ts';
import { owningAccount, StoredPasswordKey } from '../controllers/account/index.ts';
import {
  edgeMayHaveMoved,
  hasUnfinishedWrite,
  KubernetesWrites,
  Waiting,
  WriteFinisher,
  writeMayHaveMoved,
  type DirectoryWrites,
  type LatestViews,
} from '../directory/index.ts';
import { highPriority, keyOf } from '../runtime/index.ts';
import type { Parts } from './parts.ts';

/** How long a request waits for AWS. */
const waitMs = 25_000;

/** What clients of the port write, and the controller that brings it to its end, whoever was killed meanwhile. */
export function writesOf(parts: Parts): (views: LatestViews) => DirectoryWrites {
  const { accounts, bindings, client, clock, config, manager, protectSecret } = parts;
  const waiting = new Waiting({ clock });
  const finisher = manager.controller({
    name: 'write',
    workers: config.workers,
    watches: [
      {
        informer: accounts,
        changed: (before, after) =>
          writeMayHaveMoved(before as unknown as AwsAccount, after as unknown as AwsAccount),
        // Somebody waits for it.
        priority: () => highPriority,
        map: (account) => (hasUnfinishedWrite(account as unknown as AwsAccount) ? [keyOf(account)] : []),
      },
      {
        informer: bindings,
        changed: (before, after) =>
          edgeMayHaveMoved(
            before as unknown as AwsEntitlementBinding,
            after as unknown as AwsEntitlementBinding,
          ),
        map: (binding) => {
          const owner = owningAccount(binding as unknown as AwsEntitlementBinding);
          const key = { namespace: binding.metadata.namespace ?? '', name: owner?.name ?? '' };
          const account = accounts.get(key);
          return account !== undefined && hasUnfinishedWrite(account) ? [key] : [];
        },
      },
    ],
    reconciler: new WriteFinisher({ ...parts, waiting }),
  });
  return (views) =>
    new KubernetesWrites({
      ...parts,
      views,
      waiting,
      wake: (account) => finisher.enqueue(account, { priority: highPriority }),
      passwordKey: new StoredPasswordKey({
        client,
        namespace: config.namespace,
        make: () => randomBytes(32),
        protectSecret,
      }),
      makeId: randomUUID,
      deletion: config.idhubDelete,
      waitMs,
    });
}
