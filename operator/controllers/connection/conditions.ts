/** Why a connection is, or is not, Ready. A closed set: each has an entry in the documentation. */
export type ConnectionReason =
  | 'Verified'
  | 'Verifying'
  | 'Paused'
  | 'InUse'
  | 'SecretNotFound'
  | 'SecretInvalid'
  | 'InvalidCredentials'
  | 'UserNameMismatch'
  | 'AccountMismatch'
  | 'EndpointOverrideNotAllowed'
  | 'InvalidTimeZone'
  | 'InvalidSchema'
  | 'AccessDenied'
  | 'Throttled'
  | 'AwsUnreachable'
  | 'AwsError'
  | 'SnapshotComplete'
  | 'SnapshotIncomplete'
  | 'WithinLimit'
  | 'DeletionThresholdExceeded'
  | 'NotCompared'
  | 'Scheduled'
  | 'Suspended'
  | 'InvalidSchedule'
  | 'HomeRegion'
  | 'Discovered'
  | 'LimitReached'
  | 'NameTaken'
  | 'NotMade'
  | 'InvalidFilter'
  | 'NotHomeRegion'
  | 'Delivered'
  | 'ReceiverUnavailable'
  | 'ReceiverRefuses'
  | 'ReceiverGone'
  | 'SigningKeysMissing'
  | 'QueueSpoilt';

/** A verdict with the sentence that says what to do next. */
export interface Verdict {
  readonly reason: ConnectionReason;
  readonly message: string;
}
