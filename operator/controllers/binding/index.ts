export { accountUserKey, bindingAccounts, bindingConnections, userKeys, userMayHaveChanged } from './keys.ts';
export { memoryOf } from './memory.ts';
export type { EntitlementGuard, EntitlementQuestion } from './pass.ts';
export { BindingReconciler } from './reconciler.ts';
