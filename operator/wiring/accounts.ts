import { randomBytes, randomInt } from 'node:crypto';
import type { AwsAccount, AwsEntitlementBinding } from '../api/v1alpha1/index.ts';
import {
  AccountReconciler,
  StoredPasswordKey,
  accountsAbove,
  isEnabled,
  ownedHasChanged,
  userKey,
} from '../controllers/account/index.ts';
import { isBound } from '../controllers/binding/index.ts';
import { changedByOthers } from '../controllers/names.ts';
import { highPriority, keyOf, type Controller } from '../runtime/index.ts';
import type { Parts } from './parts.ts';

/** AwsAccounts: IAM users. */
export function accountController(parts: Parts): Controller {
  const { accounts, bindings, client, config, manager, metrics, protectSecret } = parts;
  return manager.controller({
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
      ...parts,
      randomInt,
      passwordKey: new StoredPasswordKey({
        client,
        namespace: config.namespace,
        make: () => randomBytes(32),
        protectSecret,
      }),
      isBound: (user, arn) => isBound(bindings, user, arn),
      countAbandoned: (kind) => metrics.countAbandoned(kind),
    }),
  });
}
