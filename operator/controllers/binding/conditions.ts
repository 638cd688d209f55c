/** Why a binding is, or is not, Ready or Synced. A closed set: each has an entry in the documentation. */
export type BindingReason =
  | 'AsDeclared'
  | 'Expired'
  | 'Paused'
  | 'ConnectionNotFound'
  | 'ConnectionNotReady'
  | 'AccountMismatch'
  | 'NamespaceNotAllowed'
  | 'WaitingForAccount'
  | 'WaitingForEntitlement'
  | 'IdentityChanged'
  | 'InvalidEntitlement'
  | 'Conflict'
  | 'Refused'
  | 'LimitExceeded'
  | 'AccessDenied'
  | 'InvalidInput'
  | 'Throttled'
  | 'AwsUnreachable'
  | 'InvalidCredentials'
  | 'AwsError';

export interface Verdict {
  readonly reason: BindingReason;
  readonly message: string;
}
