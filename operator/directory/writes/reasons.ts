import type { Refusal } from '../../../src/idhub/index.ts';
import type { AccountReason } from '../../controllers/account/index.ts';
import type { BindingReason } from '../../controllers/binding/index.ts';

/** What a reason says of a write: what it is refused as, or that nothing is settled by it. */
export type Fate = Refusal['kind'] | 'open';

/** What `Ready=False` of an AwsAccount says of a write that AWS does not show. */
export const accountFates: Readonly<Record<AccountReason, Fate>> = {
  AsDeclared: 'open',
  Observed: 'open',
  NotFound: 'open',
  RenamedInAws: 'open',
  Paused: 'open',
  ConnectionNotFound: 'open',
  ConnectionNotReady: 'open',
  AccountMismatch: 'mutability',
  CommunicationUser: 'forbidden',
  NamespaceNotAllowed: 'forbidden',
  Refused: 'forbidden',
  // Of a write that makes an account, `uniqueness`.
  AlreadyExists: 'mutability',
  Conflict: 'mutability',
  IdentityChanged: 'mutability',
  DeletedOutside: 'missing',
  InvalidAttribute: 'invalidValue',
  InvalidTags: 'invalidValue',
  TooManyTags: 'quota',
  TagConflict: 'mutability',
  NameTaken: 'uniqueness',
  AccessDenied: 'forbidden',
  LimitExceeded: 'quota',
  InvalidInput: 'invalidValue',
  Throttled: 'open',
  AwsUnreachable: 'open',
  InvalidCredentials: 'open',
  PasswordSecretNotFound: 'conflict',
  PasswordPolicyViolation: 'invalidValue',
  SecretConflict: 'conflict',
  SecretNotWritten: 'conflict',
  // Access keys are nobody's who writes from here.
  AccessKeyLimit: 'open',
  AccessKeyInactive: 'open',
  AccessKeysUnknown: 'open',
  AccessKeyPending: 'open',
  InvalidEntitlement: 'invalidValue',
  EntitlementConflict: 'conflict',
  // The bindings themselves tell.
  EntitlementsNotReady: 'open',
  AwsError: 'conflict',
  Deleting: 'open',
  DeletionWaits: 'open',
  DeletionBlocked: 'open',
};

/** What an AwsEntitlementBinding that is not Ready says of the edge that a write asks for. */
export const bindingFates: Readonly<Record<BindingReason, Fate>> = {
  AsDeclared: 'open',
  Expired: 'open',
  Paused: 'open',
  ConnectionNotFound: 'open',
  ConnectionNotReady: 'open',
  AccountMismatch: 'mutability',
  NamespaceNotAllowed: 'forbidden',
  WaitingForAccount: 'open',
  WaitingForEntitlement: 'invalidValue',
  IdentityChanged: 'mutability',
  InvalidEntitlement: 'invalidValue',
  Conflict: 'conflict',
  Refused: 'forbidden',
  LimitExceeded: 'quota',
  AccessDenied: 'forbidden',
  InvalidInput: 'invalidValue',
  Throttled: 'open',
  AwsUnreachable: 'open',
  InvalidCredentials: 'open',
  AwsError: 'conflict',
};
