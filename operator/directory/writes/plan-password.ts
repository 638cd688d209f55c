import { createHash } from 'node:crypto';
import type { ObservedUser } from '../../../src/account/index.ts';
import type { PasswordWrite, Refusal, WriteContext } from '../../../src/idhub/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import {
  isEnabled,
  passwordHashOf,
  passwordStanding,
  type PasswordKey,
} from '../../controllers/account/index.ts';
import { refused } from './checks.ts';
import type { PasswordNote } from './note.ts';
import { passwordSecret } from './password.ts';

/** `spec.console.reset.requestId` takes so many characters. */
const longestRequestId = 128;

/**
 * How a password is to be set; undefined where none is asked for, or it is set already.
 * @throws {UnusablePasswordKey}
 */
export async function planPassword(
  password: PasswordWrite | undefined,
  {
    account,
    user,
    id,
    context,
    passwordKey,
  }: {
    /** As the rest of the write makes it. */
    readonly account: AwsAccount;
    /** Undefined: it is to be made. */
    readonly user: ObservedUser | undefined;
    /** Of the write. */
    readonly id: string;
    readonly context: WriteContext;
    readonly passwordKey: PasswordKey;
  },
): Promise<PasswordNote | Refusal | undefined> {
  if (password === undefined) {
    return undefined;
  }
  if (!isEnabled(account)) {
    const message =
      'a disabled account has no password; set one when it is active again, or together with that';
    return refused('mutability', message);
  }
  const declared = account.spec.console?.passwordSecretRef;
  if (declared !== undefined) {
    const message = `the password is what Secret ${declared.name} holds (spec.console.passwordSecretRef of the AwsAccount); change it there`;
    return refused('mutability', message);
  }
  const { operationId, signal } = context;
  const requestId = requestIdOf(operationId ?? id);
  const repeated =
    user !== undefined &&
    operationId !== undefined &&
    passwordStanding(account, user.userId, requestId) === 'set';
  if (password.kind === 'generated' && repeated) {
    return undefined;
  }
  if (password.kind === 'given' && user !== undefined && (repeated || operationId === undefined)) {
    const before = passwordHashOf(account, user.userId);
    // Only where there is something to compare with is the key asked for.
    if (
      before !== undefined &&
      (await passwordKey.obtain(signal)).hash(user.userId, password.password) === before
    ) {
      return undefined;
    }
  }
  return {
    secret: password.kind === 'given' ? passwordSecret(id) : null,
    requestId,
    resetRequired: password.resetRequired ?? null,
  };
}

function requestIdOf(operation: string): string {
  return operation.length <= longestRequestId
    ? operation
    : createHash('sha256').update(operation).digest('hex');
}
