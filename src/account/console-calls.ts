import { AwsError, ignoring, isAwsError, pages, type AwsApi, type CallOptions } from '../aws/index.ts';
import { defaultPasswordPolicy, type PasswordPolicy } from './password.ts';

/** Whether a user has a console password. @throws {AwsError} */
export async function hasLoginProfile(api: AwsApi, userName: string, options: CallOptions): Promise<boolean> {
  try {
    await api.call('GetLoginProfile', { UserName: userName }, options);
    return true;
  } catch (error) {
    if (isAwsError(error, 'notFound')) {
      return false;
    }
    throw error;
  }
}

export interface NewPassword {
  readonly password: string;
  readonly resetRequired: boolean;
  /** What there is believed to be; the other is tried where that is wrong. */
  readonly how: 'create' | 'update';
}

/**
 * Sets the password of a user, whether or not there was one. Repeated, it sets the same one.
 * @throws {AwsError} `temporary` right after a login profile was made; `notFound` where there is no such
 *   user; `isPolicyViolation` where AWS refuses this password. The password is in no error.
 */
export async function setPassword(
  api: AwsApi,
  userName: string,
  { password, resetRequired, how }: NewPassword,
  options: CallOptions,
): Promise<void> {
  const input = { UserName: userName, Password: password, PasswordResetRequired: resetRequired };
  const create = () => api.call('CreateLoginProfile', input, options);
  const update = () => api.call('UpdateLoginProfile', input, options);
  const [first, second, wrong] =
    how === 'create' ? [create, update, 'alreadyExists' as const] : [update, create, 'notFound' as const];
  try {
    try {
      await first();
    } catch (error) {
      if (!isAwsError(error, wrong)) {
        throw error;
      }
      await second();
    }
  } catch (error) {
    throw isAwsError(error) ? without(error, password) : error;
  }
}

/** Removes the password; that there was none is fine. @throws {AwsError} */
export async function removePassword(api: AwsApi, userName: string, options: CallOptions): Promise<void> {
  await ignoring(api.call('DeleteLoginProfile', { UserName: userName }, options), 'notFound');
}

/** AWS does not take this password: by the account's policy, or since no password may be like that. */
export function isPolicyViolation(error: unknown): error is AwsError {
  return (
    isAwsError(error, 'invalid') &&
    (error.code === 'PasswordPolicyViolation' || /at 'password'/i.test(error.message))
  );
}

/** AWS refuses the password because the user had it before. */
export function isReuse(error: AwsError): boolean {
  return isPolicyViolation(error) && /\breuse\b|used before|previously used/i.test(error.message);
}

/** The password policy of the account. @throws {AwsError} */
export async function readPasswordPolicy(api: AwsApi, options: CallOptions): Promise<PasswordPolicy> {
  try {
    const { PasswordPolicy: policy } = await api.call('GetAccountPasswordPolicy', {}, options);
    return {
      minimumLength: policy?.MinimumPasswordLength ?? defaultPasswordPolicy.minimumLength,
      allowsChange: policy?.AllowUsersToChangePassword ?? false,
    };
  } catch (error) {
    if (isAwsError(error, 'notFound')) {
      return defaultPasswordPolicy;
    }
    throw error;
  }
}

/** AWS's own policy that lets users change their password; it is in every partition. */
export function changePasswordArn(partition: string): string {
  return `arn:${partition}:iam::aws:policy/IAMUserChangePassword`;
}

/** The ARNs of the policies that are attached to a user, to the last page. @throws {AwsError} */
export async function attachedArns(
  api: AwsApi,
  userName: string,
  options: CallOptions,
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of pages(api, 'ListAttachedUserPolicies', { UserName: userName }, options)) {
    found.push(...(page.AttachedPolicies ?? []).map(({ PolicyArn: arn = '' }) => arn));
  }
  return found;
}

/** An error as it is told: AWS may repeat what it was given. */
function without(error: AwsError, password: string): AwsError {
  if (!error.message.includes(password)) {
    return error;
  }
  const { kind, operation, code, requestId } = error;
  const prefix = `${operation}: ${code}: `;
  const message = error.message.slice(prefix.length).replaceAll(password, '(the password)');
  return new AwsError({ kind, operation, code, message, requestId });
}
