import { noConsole, type ConsoleMemory } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { annotations } from '../names.ts';

type StoredMemory = ConsoleMemory & { readonly user: string };

/**
 * What the object remembers of the password of a user; undefined where it never did. Of a user that was
 * made in the place of another, or confirmed, nothing is known but where the Secret is.
 */
export function consoleMemoryOf(
  account: AwsAccount,
  userId: string,
  made: boolean,
): ConsoleMemory | undefined {
  const stored = storedMemory(account);
  if (stored === undefined || stored.user === userId) {
    return stored;
  }
  const { published } = stored;
  return { ...noConsole, published, ...(made ? { absent: true } : { baseline: true }) };
}

/** The Secret that a generated password was published in. */
export function consoleSecretOf(account: AwsAccount): string | undefined {
  return storedMemory(account)?.published?.secret;
}

/** How a reset of a user's password stands; `open` also where nothing is remembered of it. */
export function passwordStanding(
  account: AwsAccount,
  userId: string,
  requestId: string,
): 'set' | 'open' | 'refused' {
  const stored = storedMemory(account);
  if (stored === undefined || stored.user !== userId) {
    return 'open';
  }
  if (stored.pending === null && stored.refused?.resetId === requestId) {
    return 'refused';
  }
  return stored.pending === null && stored.resetId === requestId ? 'set' : 'open';
}

/** Why the last password of a user that was to be set was refused, for people. */
export function passwordRefusalOf(account: AwsAccount, userId: string): string | undefined {
  const stored = storedMemory(account);
  return stored?.user === userId ? stored.refused?.message : undefined;
}

/** Under which hash the password is known that was last set from a Secret. */
export function passwordHashOf(account: AwsAccount, userId: string): string | undefined {
  const stored = storedMemory(account);
  const kept = stored?.pending === null && stored.lapsed !== true && stored.none !== true;
  return kept && stored.user === userId && stored.absent !== true ? (stored.input ?? undefined) : undefined;
}

export function writeConsoleMemory(memory: ConsoleMemory, userId: string): string {
  return JSON.stringify({ ...memory, user: userId });
}

function storedMemory(account: AwsAccount): StoredMemory | undefined {
  const text = account.metadata.annotations?.[annotations.console];
  if (text === undefined || text === '') {
    return undefined;
  }
  const lost: StoredMemory = { ...noConsole, user: '', baseline: true };
  try {
    const parsed = JSON.parse(text) as Partial<StoredMemory> | null;
    const memory: StoredMemory = { ...noConsole, user: '', ...parsed };
    // What somebody spoilt says nothing: then the present is the baseline.
    return parsed !== null && isMemory(memory) ? memory : lost;
  } catch {
    return lost;
  }
}

function isMemory(memory: StoredMemory): boolean {
  const { user, input, resetId, setAt, checkedAt, published, pending, refused } = memory;
  const flags = [memory.mustChange, memory.rightDue, memory.changeRight];
  return (
    typeof user === 'string' &&
    isTextOrNull(input) &&
    isTextOrNull(resetId) &&
    isNumberOrNull(setAt) &&
    isNumberOrNull(checkedAt) &&
    flags.every((flag) => typeof flag === 'boolean') &&
    (published === null || (isText(published.secret) && isText(published.userName))) &&
    (pending === null ||
      (isText(pending.hash) &&
        typeof pending.generated === 'boolean' &&
        isTextOrNull(pending.resetId) &&
        ['create', 'update'].includes(pending.how) &&
        typeof pending.at === 'number')) &&
    (refused === null ||
      (isTextOrNull(refused.input) &&
        isTextOrNull(refused.resetId) &&
        typeof refused.at === 'number' &&
        isText(refused.message)))
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}

function isNumberOrNull(value: unknown): boolean {
  return value === null || typeof value === 'number';
}
