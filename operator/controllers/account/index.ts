export type { AccountReason } from './conditions.ts';
export { passwordHashOf, passwordRefusalOf, passwordStanding } from './console-memory.ts';
export { connectionKey, declaredOf, isEnabled, ownerOf, userKey, userKeyOf } from './declared.ts';
export { memoryOf, writeApplied } from './memory.ts';
export {
  accountsAbove,
  bindingName,
  bindingOwners,
  declaresBinding,
  mergePatchBetween,
  ownedHasChanged,
  ownerReferenceTo,
  owningAccount,
  readyOf,
  sameEntry,
} from './owned-bindings.ts';
export { StoredPasswordKey, UnusablePasswordKey, type PasswordKey } from './password-tools.ts';
export { AccountReconciler } from './reconciler.ts';
export { standingOf, type Standing } from './standing.ts';
