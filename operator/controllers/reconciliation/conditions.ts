/** Why a run is, or is not, Ready, Complete or Failed. A closed set: each has an entry in the documentation. */
export type ReconciliationReason =
  | 'Completed'
  | 'Running'
  | 'WaitingForRun'
  | 'Paused'
  | 'ConnectionNotFound'
  | 'ConnectionNotReady'
  | 'NamespaceNotAllowed'
  | 'AccountMismatch'
  | 'DeletionThresholdExceeded'
  | 'InvalidFilter'
  | 'BaselineSpoilt'
  | 'NotWritten'
  | 'NotQueued'
  | 'Incomplete'
  | 'AccessDenied'
  | 'InvalidInput'
  | 'Throttled'
  | 'AwsUnreachable'
  | 'InvalidCredentials'
  | 'AwsError';

/** A verdict with the sentence that says what to do next. */
export interface Verdict {
  readonly reason: ReconciliationReason;
  readonly message: string;
}
