import { dayMs, noKeys, type KeyMemory, type LiveKey } from '../../../src/account/index.ts';
import type { AwsAccount, AwsAccountStatus } from '../../api/v1alpha1/index.ts';
import { formatTime } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import { periodMs } from '../period.ts';

/**
 * What the object remembers of the access keys of a user; undefined where it never did. A user that was
 * made in the place of another has none of that one's keys.
 */
export function keyMemoryOf(account: AwsAccount, userId: string): KeyMemory | undefined {
  const stored = storedMemory(account);
  if (stored === undefined || stored.baseline === true || stored.user === userId) {
    return stored;
  }
  return { ...noKeys, secret: stored.secret };
}

/** The Secret that the object remembers to have published in, whosever key. */
export function keySecretOf(account: AwsAccount): string | undefined {
  return storedMemory(account)?.secret ?? undefined;
}

type StoredMemory = KeyMemory & { readonly user: string };

function storedMemory(account: AwsAccount): StoredMemory | undefined {
  const text = account.metadata.annotations?.[annotations.accessKeys];
  if (text === undefined || text === '') {
    return undefined;
  }
  const lost: StoredMemory = { ...noKeys, user: '', baseline: true };
  try {
    const parsed = JSON.parse(text) as Partial<StoredMemory> | null;
    const memory = { ...noKeys, user: '', ...parsed };
    // What somebody spoilt says nothing: then the present is the baseline.
    return isMemory(memory) ? memory : lost;
  } catch {
    return lost;
  }
}

/** What is to be noted where keys are left alone for a while: what is remembered is old then. */
export function lapsedKeys(
  account: AwsAccount,
): { readonly annotations: Readonly<Record<string, string | null>> } | undefined {
  const stored = storedMemory(account);
  if (stored === undefined || stored.lapsed === true) {
    return undefined;
  }
  const { user, ...memory } = stored;
  const note = stored.baseline === true ? null : writeKeyMemory({ ...memory, lapsed: true }, user);
  return { annotations: { [annotations.accessKeys]: note } };
}

export function writeKeyMemory(memory: KeyMemory, userId: string): string {
  return JSON.stringify({ ...memory, user: userId });
}

/** How long a replaced key works on: a day, or half of the time between rotations where that is less. */
export function overlapMs(programmatic: NonNullable<AwsAccount['spec']['programmatic']>): number {
  const { overlap, rotateAfter } = programmatic;
  if (overlap !== undefined) {
    return periodMs(overlap);
  }
  return rotateAfter === undefined ? dayMs : Math.min(dayMs, periodMs(rotateAfter) / 2);
}

type ShownKeys = NonNullable<AwsAccountStatus['accessKeys']>;

/** The keys of a user as the status shows them. */
export function shownKeys(keys: readonly LiveKey[], memory: KeyMemory | undefined): ShownKeys {
  const own = new Set([memory?.current?.id, memory?.previous?.id]);
  return keys.map(({ id, active, createdAt }) => ({
    id,
    status: active ? 'Active' : 'Inactive',
    ...(createdAt > 0 ? { createdAt: formatTime(createdAt) } : {}),
    managed: own.has(id),
  }));
}

/** The keys as the status shows them. */
export function lastSeen(account: AwsAccount): LiveKey[] {
  return (account.status?.accessKeys ?? []).map(({ id, status, createdAt }) => ({
    id,
    active: status === 'Active',
    createdAt: Date.parse(createdAt ?? '') || 0,
  }));
}

/** What the status says of keys and of the Secret that holds one. */
export function keyStatus(
  keys: ShownKeys | undefined,
  memory: KeyMemory | undefined,
): Partial<AwsAccountStatus> {
  const secret = memory?.secret ?? undefined;
  return {
    ...(keys === undefined || keys.length === 0 ? {} : { accessKeys: keys }),
    ...(secret === undefined ? {} : { credentialsSecretName: secret }),
  };
}

function isMemory({ user, current, secret, previous, intent, strays }: StoredMemory): boolean {
  return (
    isText(user) &&
    (current === null || (isText(current.id) && isNumber(current.createdAt))) &&
    (secret === null || isText(secret)) &&
    (previous === null || (isText(previous.id) && isNumber(previous.until))) &&
    (intent === null || (isNumber(intent.at) && Array.isArray(intent.known) && intent.known.every(isText))) &&
    Array.isArray(strays) &&
    strays.every(
      (stray) =>
        isText(stray.id) &&
        isNumber(stray.at) &&
        isNumber(stray.createdAt) &&
        ['seen', 'shut', 'idle'].includes(stray.state),
    )
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
