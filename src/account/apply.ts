import { isAwsError, type AwsApi, type AwsError, type CallOptions } from '../aws/index.ts';
import type { Tag } from '../schema/index.ts';
import { fold } from '../schema/index.ts';
import { disableUser, enableUser } from './disable.ts';
import type { DisableWith, ObservedUser } from './model.ts';
import type { Step } from './plan.ts';
import { describe, type SwitchedOff } from './switched-off.ts';

/** Where newer knowledge of a user goes, so that the next look needs no call. */
export interface UserLedger {
  record(user: ObservedUser): void;
  /** How a user may be after a write whose end is not known: the next live look counts. */
  doubt(user: ObservedUser): void;
  forget(userId: string): void;
}

export interface ApplyOptions extends CallOptions {
  readonly ledger: UserLedger;
  readonly partition: string;
  readonly disableWith: DisableWith;
  /** The guide's `enableProgrammaticAccess`, and keys may be usable. */
  readonly accessKeys: boolean;
  /** Awaited before the Deny of an enabled user is lifted; what it throws leaves the Deny standing. */
  readonly beforeOpening?: (user: ObservedUser) => Promise<void>;
}

export interface ApplyOutcome {
  readonly user: ObservedUser;
  readonly done: readonly Step['do'][];
  /** Steps that AWS refused for good; the others were done all the same. */
  readonly refused: readonly { readonly step: Step['do']; readonly error: AwsError }[];
  readonly notes: readonly string[];
  /** What an enable switched on; undefined where there was none, or it did not come to its end. */
  readonly opened: readonly SwitchedOff[] | undefined;
  /** A look at a disabled user found credentials that somebody had switched on, and closed them. */
  readonly reopened: boolean;
}

/** What a new user is made with, in the one call that makes it. */
export interface NewUser {
  readonly userName: string;
  readonly path: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly boundary: string | undefined;
}

/**
 * Makes a user, its owner tag, attributes and boundary in one call, so that there is no moment at
 * which the user exists and is nobody's (IAM API reference, CreateUser).
 * @throws {AwsError} `alreadyExists` where the name is taken, in any case of its letters
 */
export async function createUser(api: AwsApi, wanted: NewUser, options: ApplyOptions): Promise<ObservedUser> {
  const tags = [...wanted.tags].map(([key, value]) => ({ key, value }));
  const { User: made } = await api.call(
    'CreateUser',
    {
      UserName: wanted.userName,
      Tags: tags.map((tag) => ({ Key: tag.key, Value: tag.value })),
      ...(wanted.path === undefined ? {} : { Path: wanted.path }),
      ...(wanted.boundary === undefined ? {} : { PermissionsBoundary: wanted.boundary }),
    },
    options,
  );
  if (made?.UserId === undefined) {
    throw new Error('CreateUser answered without a user');
  }
  const user: ObservedUser = {
    userName: made.UserName ?? wanted.userName,
    userId: made.UserId,
    arn: made.Arn ?? '',
    path: made.Path ?? '/',
    createdAt: made.CreateDate?.getTime() ?? 0,
    tags,
    boundary: wanted.boundary,
    deny: 'absent',
    groups: [],
    attachedPolicies: [],
    inlinePolicies: [],
    passwordLastUsed: undefined,
  };
  options.ledger.record(user);
  return user;
}

/**
 * Does the steps in order. A step that AWS refuses for good (no right to it, a quota) is reported and
 * the next one is done; a fault that passes is thrown, since the whole is repeated then.
 * @throws {AwsError} transient faults, refused credentials
 */
export async function applySteps(
  api: AwsApi,
  before: ObservedUser,
  steps: readonly Step[],
  options: ApplyOptions,
): Promise<ApplyOutcome> {
  let user = before;
  const done: Step['do'][] = [];
  const refused: { step: Step['do']; error: AwsError }[] = [];
  const notes: string[] = [];
  let reopened = false;
  let opened: readonly SwitchedOff[] | undefined;
  for (const step of steps) {
    if (step.do === 'enable' && refused.some((each) => each.step === 'putBoundary')) {
      // Nobody is let in without the boundary that is declared for them.
      continue;
    }
    try {
      const outcome = await applyStep(api, user, step, options);
      user = outcome.user;
      notes.push(...outcome.notes);
      const switched = outcome.switched ?? [];
      reopened ||= step.do === 'disable' && step.audit && switched.length > 0;
      opened = step.do === 'enable' ? switched : opened;
      done.push(step.do);
      options.ledger.record(user);
    } catch (error) {
      if (step.do === 'disable' || step.do === 'enable') {
        // How far it came is not known: the Deny counts as ours to remove and as one to write again.
        options.ledger.doubt({ ...user, deny: 'altered' });
      }
      // NoSuchEntity: the policy of the boundary. The user itself was read a moment ago.
      const noBoundary = step.do === 'putBoundary' && isAwsError(error, 'notFound');
      if (!noBoundary && !isAwsError(error, 'accessDenied', 'limitExceeded', 'invalid', 'alreadyExists')) {
        throw error;
      }
      refused.push({ step: step.do, error });
    }
  }
  return { user, done, refused, notes, reopened, opened };
}

async function applyStep(
  api: AwsApi,
  user: ObservedUser,
  step: Step,
  options: ApplyOptions,
): Promise<{ user: ObservedUser; notes: readonly string[]; switched?: readonly SwitchedOff[] }> {
  const { userName } = user;
  switch (step.do) {
    case 'disable': {
      const outcome = await disableUser(api, user, { ...options, audit: step.audit });
      const off = outcome.switched.map(describe);
      return {
        user: outcome.user,
        switched: outcome.switched,
        notes: [...(off.length > 0 ? [`switched off: ${off.join(', ')}`] : []), ...outcome.notes],
      };
    }
    case 'enable': {
      const outcome = await enableUser(api, user, options);
      const on = outcome.switched.map(describe);
      return {
        user: outcome.user,
        switched: outcome.switched,
        notes: [...(on.length > 0 ? [`switched on again: ${on.join(', ')}`] : []), ...outcome.notes],
      };
    }
    case 'rename':
      await api.call('UpdateUser', { UserName: userName, NewUserName: step.to }, options);
      return {
        user: { ...user, userName: step.to, arn: user.arn.replace(/[^/]*$/, step.to) },
        notes: [`renamed from ${userName}`],
      };
    case 'move':
      await api.call('UpdateUser', { UserName: userName, NewPath: step.path }, options);
      return {
        user: {
          ...user,
          path: step.path,
          arn: user.arn.replace(/:user\/.*$/, `:user${step.path}${userName}`),
        },
        notes: [],
      };
    case 'putBoundary':
      await api.call(
        'PutUserPermissionsBoundary',
        { UserName: userName, PermissionsBoundary: step.arn },
        options,
      );
      return { user: { ...user, boundary: step.arn }, notes: [] };
    case 'deleteBoundary':
      await api.call('DeleteUserPermissionsBoundary', { UserName: userName }, options);
      return { user: { ...user, boundary: undefined }, notes: [] };
    case 'untag':
      await api.call('UntagUser', { UserName: userName, TagKeys: [...step.keys] }, options);
      return { user: { ...user, tags: withoutTags(user.tags, step.keys) }, notes: [] };
    case 'tag':
      await api.call(
        'TagUser',
        { UserName: userName, Tags: step.tags.map((tag) => ({ Key: tag.key, Value: tag.value })) },
        options,
      );
      return {
        user: {
          ...user,
          tags: [
            ...withoutTags(
              user.tags,
              step.tags.map((tag) => tag.key),
            ),
            ...step.tags,
          ],
        },
        notes: [],
      };
  }
}

function withoutTags(tags: readonly Tag[], keys: readonly string[]): Tag[] {
  const gone = new Set(keys.map(fold));
  return tags.filter((tag) => !gone.has(fold(tag.key)));
}
