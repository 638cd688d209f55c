export { connectionKey, isEnabled, userKey } from './declared.ts';
export {
  accountsAbove,
  bindingOwners,
  declaresBinding,
  ownedHasChanged,
  owningAccount,
} from './owned-bindings.ts';
export { StoredPasswordKey } from './password-tools.ts';
export { AccountReconciler } from './reconciler.ts';
export { standingOf, type Standing } from './standing.ts';
