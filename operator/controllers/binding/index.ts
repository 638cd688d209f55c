export { ConnectionGuard } from './guard.ts';
export {
  bindingAccounts,
  bindingConnections,
  companions,
  heldHasChanged,
  isBound,
  userKeys,
  userMayHaveChanged,
} from './keys.ts';
export { BindingReconciler } from './reconciler.ts';
