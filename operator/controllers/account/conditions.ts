/** Why an account is, or is not, Ready or Synced. A closed set: each has an entry in the documentation. */
export type AccountReason =
  | 'AsDeclared'
  | 'Observed'
  | 'NotFound'
  | 'RenamedInAws'
  | 'Paused'
  | 'ConnectionNotFound'
  | 'ConnectionNotReady'
  | 'AccountMismatch'
  | 'CommunicationUser'
  | 'NamespaceNotAllowed'
  | 'Refused'
  | 'AlreadyExists'
  | 'Conflict'
  | 'IdentityChanged'
  | 'DeletedOutside'
  | 'InvalidAttribute'
  | 'InvalidTags'
  | 'TooManyTags'
  | 'TagConflict'
  | 'NameTaken'
  | 'AccessDenied'
  | 'LimitExceeded'
  | 'InvalidInput'
  | 'Throttled'
  | 'AwsUnreachable'
  | 'InvalidCredentials'
  | 'PasswordSecretNotFound'
  | 'PasswordPolicyViolation'
  | 'SecretConflict'
  | 'SecretNotWritten'
  | 'AccessKeyLimit'
  | 'AccessKeyInactive'
  | 'AccessKeysUnknown'
  | 'AccessKeyPending'
  | 'InvalidEntitlement'
  | 'EntitlementConflict'
  | 'EntitlementsNotReady'
  | 'AwsError'
  | 'Deleting'
  | 'DeletionWaits'
  | 'DeletionBlocked';

export interface Verdict {
  readonly reason: AccountReason;
  readonly message: string;
  /** It is on its way, and nobody need act on it. */
  readonly pending?: boolean;
}
