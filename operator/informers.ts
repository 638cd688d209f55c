import {
  awsAccountType,
  awsConnectionType,
  awsEntitlementBindingType,
  awsReconciliationType,
  type AwsAccount,
  type AwsConnection,
  type AwsEntitlementBinding,
  type AwsReconciliation,
} from './api/v1alpha1/index.ts';
import { bindingOwners, connectionKey, userKey } from './controllers/account/index.ts';
import { bindingAccounts, bindingConnections, userKeys } from './controllers/binding/index.ts';
import { connectionOf, laneOf } from './controllers/reconciliation/index.ts';
import { ownerOf } from './controllers/schedule/index.ts';
import { keyString, type Informer, type Manager, type ObjectMeta } from './runtime/index.ts';

export interface Informers {
  readonly accounts: Informer<AwsAccount>;
  readonly bindings: Informer<AwsEntitlementBinding>;
  readonly connections: Informer<AwsConnection>;
  readonly runs: Informer<AwsReconciliation>;
}

/** The caches of the product's kinds, with the indexes that their controllers ask. */
export function createInformers(manager: Manager): Informers {
  return {
    accounts: manager.informer(awsAccountType, {
      transform: slim,
      indexes: {
        user: (account) => [userKey(account)],
        connection: (account) => [keyString(connectionKey(account))],
      },
    }),
    connections: manager.informer(awsConnectionType, { transform: slim }),
    bindings: manager.informer(awsEntitlementBindingType, {
      transform: slim,
      indexes: {
        user: userKeys,
        connection: bindingConnections,
        account: bindingAccounts,
        owner: bindingOwners,
      },
    }),
    runs: manager.informer(awsReconciliationType, {
      transform: slim,
      indexes: {
        connection: (run) => [keyString(connectionOf(run))],
        lane: (run) => [laneOf(run)],
        schedule: (run) => {
          const owner = ownerOf(run);
          return owner === undefined ? [] : [keyString(owner)];
        },
      },
    }),
  };
}

/** The parts of an object that the product needs; these two would treble the cache. */
function slim<T extends { readonly metadata: ObjectMeta }>(object: T): T {
  const { managedFields: _managed, annotations = {}, ...metadata } = object.metadata;
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...kept } = annotations;
  return { ...object, metadata: { ...metadata, annotations: kept } };
}
