import { isAwsError, type AwsErrorKind } from '../../src/aws/index.ts';

/** Under which reason a fault of AWS is told, by its kind; any other is `AwsError`. Each kind may have more. */
export const commonFaults = {
  accessDenied: 'AccessDenied',
  invalid: 'InvalidInput',
  throttled: 'Throttled',
  unreachable: 'AwsUnreachable',
  service: 'AwsUnreachable',
  badCredentials: 'InvalidCredentials',
} as const satisfies Partial<Record<AwsErrorKind, string>>;

const advice: Partial<Record<AwsErrorKind, string>> = {
  accessDenied: 'Give the communication user the policies of docs/aws-policy',
  limitExceeded: 'Make room in AWS, or have the quota raised',
  throttled: 'AWS slows this account down; it is tried again',
  unreachable: 'It is tried again',
  service: 'It is tried again',
  badCredentials: "The credentials are checked again with the connection's Secret",
};

/** What a failed call says of an object, and what to do next; what is no fault of AWS is told in its own words. */
export function verdictOn<R extends string>(
  error: unknown,
  reasons: Partial<Record<AwsErrorKind, R>>,
): { readonly reason: R | 'AwsError'; readonly message: string } {
  if (!isAwsError(error)) {
    return { reason: 'AwsError', message: error instanceof Error ? error.message : String(error) };
  }
  const reason = reasons[error.kind];
  const next = reason === undefined ? undefined : advice[error.kind];
  return {
    reason: reason ?? 'AwsError',
    message: next === undefined ? error.message : `${error.message}. ${next}`,
  };
}
