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
  | 'SecretConflict'
  | 'SecretNotWritten'
  | 'AccessKeyLimit'
  | 'AccessKeyInactive'
  | 'AccessKeysUnknown'
  | 'AccessKeyPending'
  | 'AwsError'
  | 'Deleting'
  | 'DeletionBlocked';

export interface Verdict {
  readonly reason: AccountReason;
  readonly message: string;
}
