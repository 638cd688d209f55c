export { nextKeyStep } from './access-keys.ts';
export { applySteps, createUser, type ApplyOptions, type ApplyOutcome, type UserLedger } from './apply.ts';
export {
  attachedArns,
  changePasswordArn,
  hasLoginProfile,
  isPolicyViolation,
  isReuse,
  readPasswordPolicy,
  removePassword,
  setPassword,
} from './console-calls.ts';
export { isYoung, nextConsoleStep, withoutFlags } from './console.ts';
export {
  noConsole,
  type ConsoleFacts,
  type ConsoleMemory,
  type ConsoleStep,
  type PasswordInput,
} from './console-model.ts';
export { denyAllName, denyPolicyName, denyState, isDenyAll } from './deny.ts';
export { deleteKey, listKeys, makeKey, makerOf, switchKey, type NewKey } from './key-calls.ts';
export { identify, type Identity, type Sighting } from './identify.ts';
export {
  askAfterMs,
  dayMs,
  goesByName,
  noKeys,
  settledMemory,
  standingReasons,
  withKey,
  type KeyFacts,
  type KeyMemory,
  type KeyStep,
  type LiveKey,
  type Maker,
  type Stray,
} from './key-model.ts';
export { announcedMs } from './key-recovery.ts';
export type {
  AdoptionPolicy,
  Applied,
  AttachedPolicy,
  CredentialFacts,
  Declared,
  DeletionPolicy,
  DisableWith,
  Edges,
  InlinePolicy,
  Memory,
  ObservedUser,
} from './model.ts';
export { readUser } from './observe.ts';
export { isReservedTag, ownership, ownerTag, ownerValue, tagValue, type Owner } from './ownership.ts';
export {
  desiredTags,
  memoryOfNew,
  planChanges,
  reportedAttributes,
  sameApplied,
  tagsOfNew,
  type Plan,
  type Problem,
  type Rules,
  type Step,
} from './plan.ts';
export { generatePassword, type PasswordPolicy } from './password.ts';
export { removeUser, type RemovalOutcome } from './remove.ts';
export { describe, isDisabledTag, isHalfEnabled, remembered, type SwitchedOff } from './switched-off.ts';
