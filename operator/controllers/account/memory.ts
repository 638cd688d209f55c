import type { Applied, Identity, Memory } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { annotations } from '../names.ts';
import type { Pass } from './pass.ts';

/**
 * What the object remembers, from its annotations alone: the status is a report, which also speaks
 * of users that are not ours. Until the unique id is written, the owner tag on the user knows it.
 */
export function memoryOf(account: AwsAccount): Memory {
  const noted = account.metadata.annotations;
  const userId = noted?.[annotations.userId];
  return {
    // Written empty before a user is made anew.
    userId: userId === '' ? undefined : userId,
    applied: parseApplied(noted?.[annotations.applied]),
  };
}

/** Whether the unique id still has to be written onto the object. */
export function lacksUserId(account: AwsAccount, userId: string): boolean {
  return account.metadata.annotations?.[annotations.userId] !== userId;
}

/**
 * A pass over a user that is being taken over, by whatever way: what the object remembers is of another
 * user, or of one that it was about to make, and says nothing of this one. Its tags and its boundary are
 * not ours to remove, and its password and keys are the baseline.
 */
export function withoutStrangers(pass: Pass, identity: Identity & { kind: 'ours' | 'adoptable' }): Pass {
  const { memory, declared } = pass;
  const { userId } = identity.user;
  const taken = identity.kind === 'adoptable' || declared.confirmedId === userId;
  return taken && memory.userId !== userId ? { ...pass, memory: { ...memory, applied: undefined } } : pass;
}

/**
 * What is written onto an object that takes a user without remembering anything of it: for its
 * password and keys the present is the baseline, so that nothing is set or made out of ignorance.
 */
export function baselineOf(account: AwsAccount): Readonly<Record<string, string>> {
  return {
    ...(account.spec.console === undefined ? {} : { [annotations.console]: baseline }),
    ...(account.spec.programmatic === undefined ? {} : { [annotations.accessKeys]: baseline }),
  };
}

/** The memory of a part whose past is not known. */
export const baseline = '{"baseline":true}';

export function writeApplied(applied: Applied): string {
  return JSON.stringify(applied);
}

/** Undefined where there is none, or where somebody spoilt it: then the present is the baseline. */
function parseApplied(text: string | undefined): Applied | undefined {
  try {
    const parsed = JSON.parse(text ?? 'null') as Partial<Applied> | null;
    return parsed !== null &&
      typeof parsed.userName === 'string' &&
      Array.isArray(parsed.tags) &&
      parsed.tags.every((key) => typeof key === 'string') &&
      (typeof parsed.boundary === 'string' || parsed.boundary === null) &&
      isHashes(parsed.written) &&
      typeof parsed.since === 'number' &&
      typeof parsed.account === 'string'
      ? (parsed as Applied)
      : undefined;
  } catch {
    return undefined;
  }
}

function isHashes(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((hash) => typeof hash === 'string')
  );
}
