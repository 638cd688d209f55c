export { ConnectionGuard } from './guard.ts';
export {
  bindingAccounts,
  bindingConnections,
  companions,
  heldHasChanged,
  userKeys,
  userMayHaveChanged,
} from './keys.ts';
export { BindingReconciler } from './reconciler.ts';
