export type { BindingReason } from './conditions.ts';
export { ConnectionGuard } from './guard.ts';
export {
  bindingAccounts,
  bindingConnections,
  companions,
  heldHasChanged,
  isBound,
  othersOnEdge,
  userKeys,
  userMayHaveChanged,
} from './keys.ts';
export { BindingReconciler } from './reconciler.ts';
export { givenPolicies } from './resolve.ts';
