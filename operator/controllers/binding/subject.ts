import type { ObservedUser } from '../../../src/account/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { parseKey, type Informer, type ObjectKey } from '../../runtime/index.ts';
import { connectionKey, standingOf } from '../account/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import { annotations } from '../names.ts';
import type { Verdict } from './conditions.ts';
import { accountKey, namedConnection } from './keys.ts';
import type { EdgeMemory } from './memory.ts';

/** The connection through which the user of a binding is reached, or what it waits for. */
export function connectionOf(
  binding: AwsEntitlementBinding,
  memory: EdgeMemory | undefined,
  accounts: Informer<AwsAccount>,
): { readonly connection: ObjectKey } | { readonly waiting: Verdict } {
  const account = accountKey(binding);
  if (account !== undefined) {
    const object = accounts.get(account);
    if (object !== undefined) {
      return { connection: connectionKey(object) };
    }
    // What is held is still to end at its time.
    return memory === undefined
      ? {
          waiting: {
            reason: 'WaitingForAccount',
            message: `there is no AwsAccount "${account.name}" in this namespace; create it, this object goes on by itself`,
          },
        }
      : { connection: parseKey(memory.connection) };
  }
  const named = namedConnection(binding);
  return named === undefined
    ? {
        waiting: {
          reason: 'WaitingForAccount',
          message: 'spec names no user; give accountRef, or connectionRef and userName',
        },
      }
    : { connection: named };
}

/** The user of a binding. */
export type Subject =
  | {
      readonly kind: 'user';
      readonly user: ObservedUser;
      /** It was made for its account, and not taken over. */
      readonly made: boolean;
      /** What the object remembers of this very user. */
      readonly memory: EdgeMemory | undefined;
      /** An edge of another user, whom the account stood for before: to be let go of first. */
      readonly former: EdgeMemory | undefined;
    }
  /** It was given to somebody who is gone, and its time is over: nothing is left to do. */
  | { readonly kind: 'over'; readonly verdict: Verdict }
  | { readonly kind: 'waiting'; readonly verdict: Verdict; readonly newerReading: boolean }
  | { readonly kind: 'refused'; readonly verdict: Verdict };

/**
 * Who the user is, by the last reading of the AWS account: that of the account object, whoever that is by
 * now, or the one whose unique id was recorded when the name was first met. What has expired is taken from
 * whom it was given to, also where the account object is gone. Pure.
 */
export function subjectOf(options: {
  readonly binding: AwsEntitlementBinding;
  readonly memory: EdgeMemory | undefined;
  readonly expired: boolean;
  readonly connection: UsableConnection;
  readonly accounts: Informer<AwsAccount>;
  readonly installation: string;
}): Subject {
  const { memory, expired, connection } = options;
  const subject = accountKey(options.binding) === undefined ? namedSubject(options) : accountSubject(options);
  if (!expired || memory === undefined || (subject.kind === 'user' && subject.memory !== undefined)) {
    return subject;
  }
  const recorded = connection.snapshots.current?.byId(memory.userId);
  if (recorded !== undefined) {
    return { kind: 'user', user: recorded, made: false, memory, former: undefined };
  }
  return subject.kind === 'user' && !isConfirmed(options.binding, subject.user)
    ? outlived(memory, options)
    : subject;
}

/** The account stands for another user by now, who keeps what others have given. */
function outlived(memory: EdgeMemory, { binding, connection }: SubjectOptions): Subject {
  const { userName, userId } = memory;
  const message = `expired at ${binding.spec.expiresAt}: IAM user ${userName} (${userId}), to whom it was given, `;
  return connection.snapshots.fate(userId) === 'lost'
    ? {
        kind: 'waiting',
        verdict: {
          reason: 'WaitingForAccount',
          message: `${message}is looked for; this object goes on by itself`,
        },
        newerReading: false,
      }
    : { kind: 'over', verdict: { reason: 'Expired', message: `${message}is gone` } };
}

/** The binding is one of the account's `spec.entitlements`. */
function isOwnedBy({ metadata }: AwsEntitlementBinding, account: AwsAccount): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === account.metadata.uid) === true;
}

type SubjectOptions = Parameters<typeof subjectOf>[0];

function accountSubject({ binding, memory, connection, accounts, installation }: SubjectOptions): Subject {
  const account = accountKey(binding);
  const object = account === undefined ? undefined : accounts.get(account);
  const standing = object === undefined ? undefined : standingOf(object, connection, installation);
  if (standing?.kind !== 'user') {
    const message = `${standing?.message ?? `there is no AwsAccount "${account?.name}" in this namespace`}; this object goes on by itself`;
    return { kind: 'waiting', verdict: { reason: 'WaitingForAccount', message }, newerReading: false };
  }
  const { user, made } = standing;
  if (object?.spec.management === 'Observe' && isOwnedBy(binding, object)) {
    const message = `AwsAccount "${object.metadata.name}", whose entitlement this is, only observes its user; nothing is given`;
    return { kind: 'waiting', verdict: { reason: 'WaitingForAccount', message }, newerReading: false };
  }
  // An account that is managed has settled who its user is; who only observes reports whoever has the name.
  const observes = object?.spec.management === 'Observe';
  return (
    (observes ? anotherPerson(binding, memory, user) : undefined) ?? {
      kind: 'user',
      user,
      made,
      ...rememberedOf(memory, user),
    }
  );
}

function namedSubject({ binding, memory, connection }: SubjectOptions): Subject {
  const snapshot = connection.snapshots.current;
  const userName = binding.spec.userName ?? '';
  const recorded = memory === undefined ? undefined : snapshot?.byId(memory.userId);
  const user = recorded ?? snapshot?.byName(userName);
  if (user === undefined) {
    return {
      kind: 'waiting',
      verdict: {
        reason: 'WaitingForAccount',
        message: `there is no IAM user "${userName}"; it is bound when somebody makes it`,
      },
      newerReading: true,
    };
  }
  return (
    anotherPerson(binding, memory, user) ?? {
      kind: 'user',
      user,
      made: false,
      ...rememberedOf(memory, user),
    }
  );
}

function rememberedOf(
  memory: EdgeMemory | undefined,
  { userId }: ObservedUser,
): { readonly memory: EdgeMemory | undefined; readonly former: EdgeMemory | undefined } {
  return memory?.userId === userId
    ? { memory, former: undefined }
    : { memory: undefined, former: memory?.origin === null ? undefined : memory };
}

function isConfirmed({ metadata }: AwsEntitlementBinding, { userId }: ObservedUser): boolean {
  return metadata.annotations?.[annotations.confirmUserId] === userId;
}

/** A name that was deleted and made again is another person, who is given nothing until somebody confirms it. */
function anotherPerson(
  binding: AwsEntitlementBinding,
  memory: EdgeMemory | undefined,
  user: ObservedUser,
): Subject | undefined {
  return memory === undefined || memory.userId === user.userId || isConfirmed(binding, user)
    ? undefined
    : {
        kind: 'refused',
        verdict: {
          reason: 'IdentityChanged',
          message:
            `IAM user "${user.userName}" is now ${user.userId}; this object stands for ${memory.userId}, which is gone. ` +
            `If it is the same person, annotate the object with ${annotations.confirmUserId}=${user.userId}`,
        },
      };
}
