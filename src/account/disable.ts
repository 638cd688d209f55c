import { ignoring, isAwsError, type AwsApi, type CallOptions } from '../aws/index.ts';
import type { Tag } from '../schema/index.ts';
import { credentialLists, switchCredential, type Credential } from './credentials.ts';
import { denyAllArn, denyPolicyDocument, denyPolicyName } from './deny.ts';
import type { DenyState, DisableWith, ObservedUser } from './model.ts';
import {
  describe,
  isDisabledTag,
  isEnabling,
  isHalfEnabled,
  remembered,
  rememberTags,
  sameItem,
  type SwitchedOff,
} from './switched-off.ts';

export interface DisableOptions extends CallOptions {
  readonly disableWith: DisableWith;
  readonly partition: string;
  /** Only to look whether what was switched off still is: the lists are not urgent then. */
  readonly audit: boolean;
}

/** What a disable or an enable did, and how the user looks afterwards. */
export interface SwitchOutcome {
  readonly user: ObservedUser;
  /** Credentials that were switched in this run. */
  readonly switched: readonly SwitchedOff[];
  /** Sentences on what could not be done as asked, though nothing is left open by it. */
  readonly notes: readonly string[];
}

/**
 * Leaves nothing usable. The Deny goes first: from that call on the user can do nothing, sessions
 * that already run included. Then what is Active is written down on the user, and switched off one
 * by one. Every call is tried, also after one has failed; the first failure is thrown at the end.
 * Repeated after a crash, it finishes what is left and forgets nothing. What is found Active on a
 * user whose memory is whole is switched off and not written down: somebody else has made it or set it
 * Active since, and an enable does not bring it back.
 */
export async function disableUser(
  api: AwsApi,
  user: ObservedUser,
  options: DisableOptions,
): Promise<SwitchOutcome> {
  const urgent: CallOptions = { signal: options.signal, priority: 'urgent' };
  const reads: CallOptions = options.audit ? { signal: options.signal, priority: 'background' } : urgent;
  const notes: string[] = [];
  let failure: unknown;
  // What one call cannot do must not keep the next from being tried.
  const attempt = async <T>(call: Promise<T>): Promise<T | undefined> => {
    try {
      return await call;
    } catch (error) {
      options.signal.throwIfAborted();
      failure ??= error;
      return undefined;
    }
  };

  const denied = (await attempt(putDeny(api, user, options, urgent))) ?? {
    state: 'altered',
    tags: user.tags,
  };
  failure ??= denied.failure;
  if (denied.note !== undefined) {
    notes.push(denied.note);
  }
  const active: Credential['item'][] = [];
  let unread = false;
  for (const list of credentialLists) {
    const found = await attempt(list(api, user.userName, reads));
    unread ||= found === undefined;
    active.push(...(found ?? []).filter((each) => each.active).map((each) => each.item));
  }
  const items: SwitchedOff[] = [...(remembered(denied.tags) ?? [])];
  const complete = isWhole(user.tags);
  for (const item of complete ? [] : active) {
    if (!items.some((known) => sameItem(known, item))) {
      items.push(item);
    }
  }
  // Without the note an enable could bring nothing back: where writing it may still succeed, that is
  // tried again first. The Deny, if there is one, stands already.
  const tags = await remember(
    api,
    user.userName,
    denied.tags,
    unread && !complete ? rememberTags(items, 'partial') : rememberTags(items),
    urgent,
  ).catch((error: unknown) => {
    if (!isAwsError(error, 'accessDenied', 'invalid')) {
      throw error;
    }
    failure ??= error;
    return undefined;
  });
  if (tags === undefined && active.length > 0) {
    notes.push(
      'what was switched off could not be noted on the user (it carries 50 tags, or the right is missing); ' +
        `enabling will not bring back: ${active.map(describe).join(', ')}`,
    );
  }
  const switched: SwitchedOff[] = [];
  for (const item of active) {
    if ((await attempt(switchCredential(api, user.userName, item, 'Inactive', urgent))) === true) {
      switched.push(item);
    }
  }
  if (failure !== undefined) {
    throw failure as Error;
  }
  return { user: { ...user, deny: denied.state, tags: tags ?? denied.tags }, switched, notes };
}

/**
 * Brings back what a disable of ours switched off, and nothing that somebody else did; the Deny goes
 * last. Access keys come back only where `accessKeys` (the guide's `enableProgrammaticAccess`).
 */
export async function enableUser(
  api: AwsApi,
  user: ObservedUser,
  options: CallOptions & {
    readonly accessKeys: boolean;
    readonly partition: string;
    readonly beforeOpening?: (user: ObservedUser) => Promise<void>;
  },
): Promise<SwitchOutcome> {
  const memory = remembered(user.tags) ?? [];
  const switched: SwitchedOff[] = [];
  const notes: string[] = [];
  if (remembered(user.tags) !== undefined && !isEnabling(user.tags)) {
    // From here on something may be Active, of what the memory lists or new: a disable that comes now must look.
    await putTags(api, user.userName, rememberTags(memory, 'enabling'), options);
  }
  for (const item of memory) {
    if (item.kind === 'managedDeny') {
      continue;
    }
    if (item.kind === 'console') {
      // A password does not come back; whoever keeps one for the user sets a new one before the Deny goes.
      continue;
    }
    if (item.kind === 'accessKey' && !options.accessKeys) {
      notes.push(
        `${describe(item)} stays Inactive: the connection has settings.enableProgrammaticAccess false, or no key is to be usable`,
      );
    } else if (await switchCredential(api, user.userName, item, 'Active', options)) {
      switched.push(item);
    } else {
      notes.push(`${describe(item)} was removed meanwhile and does not come back`);
    }
  }
  await options.beforeOpening?.(user);
  if (user.deny === 'inline' || user.deny === 'altered') {
    await ignoring(
      api.call('DeleteUserPolicy', { UserName: user.userName, PolicyName: denyPolicyName }, options),
      'notFound',
    );
  }
  const ourDenyAll = memory.some((item) => item.kind === 'managedDeny');
  if (ourDenyAll) {
    await ignoring(
      api.call(
        'DetachUserPolicy',
        { UserName: user.userName, PolicyArn: denyAllArn(options.partition) },
        options,
      ),
      'notFound',
    );
  }
  const keys = user.tags.filter((tag) => isDisabledTag(tag.key)).map((tag) => tag.key);
  if (keys.length > 0) {
    await api.call('UntagUser', { UserName: user.userName, TagKeys: keys }, options);
  }
  return {
    user: {
      ...user,
      deny: user.deny === 'managed' && !ourDenyAll ? 'managed' : 'absent',
      tags: user.tags.filter((tag) => !isDisabledTag(tag.key)),
    },
    switched,
    notes,
  };
}

/** Whether the memory has all that was Active when the user was shut out. */
function isWhole(tags: readonly Tag[]): boolean {
  return remembered(tags) !== undefined && !isHalfEnabled(tags);
}

/** How far the Deny came, and what is noted on the user by then. */
interface Denied {
  readonly state: DenyState;
  readonly tags: readonly Tag[];
  readonly note?: string;
  readonly failure?: unknown;
}

async function putDeny(
  api: AwsApi,
  user: ObservedUser,
  options: DisableOptions,
  urgent: CallOptions,
): Promise<Denied> {
  const { tags } = user;
  if (options.disableWith === 'CredentialsOnly' || user.deny === 'inline' || user.deny === 'managed') {
    return { state: user.deny, tags };
  }
  try {
    await api.call(
      'PutUserPolicy',
      { UserName: user.userName, PolicyName: denyPolicyName, PolicyDocument: denyPolicyDocument },
      urgent,
    );
    return { state: 'inline', tags };
  } catch (error) {
    if (!isAwsError(error, 'limitExceeded', 'accessDenied')) {
      throw error;
    }
  }
  // Written down before it is attached: otherwise nobody would know later that it is ours to detach.
  const others = (remembered(tags) ?? []).filter((item) => item.kind !== 'managedDeny');
  const wanted = rememberTags([...others, { kind: 'managedDeny' }], isWhole(tags) ? undefined : 'partial');
  const noted = await remember(api, user.userName, tags, wanted, urgent);
  try {
    const arn = denyAllArn(options.partition);
    await api.call('AttachUserPolicy', { UserName: user.userName, PolicyArn: arn }, urgent);
    return { state: 'managed', tags: noted ?? tags };
  } catch (error) {
    if (!isAwsError(error, 'limitExceeded')) {
      // Perhaps attached, perhaps not: what was noted stays noted.
      return { state: 'altered', tags: noted ?? tags, failure: error };
    }
    return {
      state: user.deny,
      tags: noted ?? tags,
      note:
        'neither an inline Deny nor AWSDenyAll fits into the quotas of this user: its credentials are switched off, ' +
        'but sessions that already run go on until they end; detach a policy to make room',
    };
  }
}

/** Writes the memory before anything is switched off. Undefined where the user has no tag to spare. */
async function remember(
  api: AwsApi,
  userName: string,
  tags: readonly Tag[],
  wanted: readonly Tag[],
  urgent: CallOptions,
): Promise<readonly Tag[] | undefined> {
  const missing = wanted.filter(
    (tag) => !tags.some((other) => other.key === tag.key && other.value === tag.value),
  );
  if (missing.length > 0) {
    try {
      await putTags(api, userName, missing, urgent);
    } catch (error) {
      if (isAwsError(error, 'limitExceeded')) {
        return undefined;
      }
      throw error;
    }
  }
  return [...tags.filter((tag) => !wanted.some((other) => other.key === tag.key)), ...wanted];
}

async function putTags(
  api: AwsApi,
  userName: string,
  tags: readonly Tag[],
  options: CallOptions,
): Promise<void> {
  const written = tags.map((tag) => ({ Key: tag.key, Value: tag.value }));
  await api.call('TagUser', { UserName: userName, Tags: written }, options);
}
