import type { AwsAccount, AwsEntitlementBinding } from '../api/v1alpha1/index.ts';
import {
  BindingReconciler,
  ConnectionGuard,
  companions,
  heldHasChanged,
  userMayHaveChanged,
} from '../controllers/binding/index.ts';
import { changedByOthers } from '../controllers/names.ts';
import { keyOf, keyString, type Controller } from '../runtime/index.ts';
import type { Parts } from './parts.ts';

/** AwsEntitlementBindings: memberships and attachments. */
export function bindingController(parts: Parts): Controller {
  const { accounts, bindings, config, manager, metrics } = parts;
  return manager.controller({
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
      ...parts,
      guard: new ConnectionGuard(),
      countAbandoned: (kind) => metrics.countAbandoned(kind),
    }),
  });
}
