import type { Declared, Memory, ObservedUser } from './model.ts';
import { sameName } from '../schema/index.ts';
import { ownership, ownerValue, type Owner } from './ownership.ts';

/** Where a complete reading of the account shows users that may be the one of this object. */
export interface Sighting {
  readonly byId: ObservedUser | undefined;
  readonly byName: ObservedUser | undefined;
  /** The user that carries this object's owner tag. */
  readonly byOwner: ObservedUser | undefined;
}

/** Which user the object stands for, if any, and whether it may be touched. */
export type Identity =
  /** No such user, and none was ever recorded: it may be made. */
  | { readonly kind: 'absent' }
  /** The recorded user is nowhere in the account. */
  | { readonly kind: 'gone'; readonly userId: string }
  | { readonly kind: 'ours'; readonly user: ObservedUser }
  /** A user that the adoption policy (or a person's confirmation) lets us take. */
  | { readonly kind: 'adoptable'; readonly user: ObservedUser; readonly previousOwner: string | undefined }
  | {
      readonly kind: 'refused';
      readonly user: ObservedUser;
      readonly reason: 'AlreadyExists' | 'Conflict' | 'IdentityChanged';
      readonly message: string;
    };

/**
 * Decides by the unique id and the owner tag, never by the name alone: a name that was deleted and
 * made again is another person, and a name that is taken is never ours without being told so.
 */
export function identify(declared: Declared, owner: Owner, memory: Memory, seen: Sighting): Identity {
  if (memory.userId !== undefined) {
    return identifyRecorded(declared, owner, memory.userId, seen);
  }
  const owned = seen.byOwner;
  if (owned !== undefined && !isNamed(owned, [declared.userName, memory.applied?.userName])) {
    // Tags outlive the objects that wrote them: an old owner tag alone does not make a stranger ours.
    return declared.confirmedId === owned.userId
      ? { kind: 'ours', user: owned }
      : refused(
          owned,
          'IdentityChanged',
          `IAM user "${owned.userName}" (${owned.userId}) carries the owner tag of this object, which declares ` +
            `"${declared.userName}". If it is the same person, annotate the object with ` +
            `aws.idhub.io/confirm-user-id=${owned.userId}; if not, remove the tag aws.idhub.io/owner from that user`,
        );
  }
  const user = owned ?? seen.byName;
  if (user === undefined) {
    return { kind: 'absent' };
  }
  const state = ownership(user.tags, owner);
  switch (state.kind) {
    case 'ours':
      return { kind: 'ours', user };
    case 'none':
      return declared.adoptionPolicy === 'Never'
        ? refused(
            user,
            'AlreadyExists',
            `IAM user "${user.userName}" exists and was not made by this object; ` +
              'set spec.adoptionPolicy to IfUnowned to take it over, or choose another spec.userName',
          )
        : { kind: 'adoptable', user, previousOwner: undefined };
    case 'otherObject':
    case 'otherInstallation':
      return declared.adoptionPolicy === 'Always'
        ? { kind: 'adoptable', user, previousOwner: state.value }
        : refused(
            user,
            state.kind === 'otherObject' ? 'Conflict' : 'AlreadyExists',
            otherself(user, owner, state.value, 'set spec.adoptionPolicy to Always') ??
              `IAM user "${user.userName}" belongs to ${state.value}; remove that object first ` +
                '(with deletionPolicy Retain it lets go of the user), or set spec.adoptionPolicy to Always',
          );
  }
}

function identifyRecorded(declared: Declared, owner: Owner, userId: string, seen: Sighting): Identity {
  const user = seen.byId;
  if (user !== undefined) {
    const owned = ownership(user.tags, owner);
    if (owned.kind === 'ours' || owned.kind === 'none') {
      return { kind: 'ours', user };
    }
    // Not by adoptionPolicy Always: two objects that have it would take the user from each other for ever.
    return declared.confirmedId === user.userId
      ? { kind: 'adoptable', user, previousOwner: owned.value }
      : refused(
          user,
          owned.kind === 'otherObject' ? 'Conflict' : 'AlreadyExists',
          otherself(
            user,
            owner,
            owned.value,
            `annotate it with aws.idhub.io/confirm-user-id=${user.userId}`,
          ) ??
            `IAM user "${user.userName}" has been taken over by ${owned.value}; ` +
              `remove one of the two objects, or annotate this one with aws.idhub.io/confirm-user-id=${user.userId} to take it back`,
        );
  }
  const other = seen.byName;
  if (other === undefined) {
    return { kind: 'gone', userId };
  }
  return declared.confirmedId === other.userId
    ? adoptable(other, owner)
    : refused(
        other,
        'IdentityChanged',
        `IAM user "${other.userName}" is now ${other.userId}; this object stands for ${userId}, which is gone. ` +
          `If it is the same person, annotate the object with aws.idhub.io/confirm-user-id=${other.userId}`,
      );
}

/** What to say where the owner is this very object, as another installation of the operator marks it. */
function otherself(user: ObservedUser, owner: Owner, value: string, take: string): string | undefined {
  const [installation = ''] = value.split('/');
  return value === ownerValue({ ...owner, installation })
    ? `IAM user "${user.userName}" belongs to this object, as installation ${installation} marks it, and this operator ` +
        `is installation ${owner.installation}. Where two operators look after this namespace, stop one of them, or give ` +
        `each namespaces of its own; where the id was lost, start the operator with --installation-id=${installation}; ` +
        `to take the user from there, ${take}`
    : undefined;
}

function isNamed(user: ObservedUser, names: readonly (string | undefined)[]): boolean {
  return names.some((name) => name !== undefined && sameName(name, user.userName));
}

function adoptable(user: ObservedUser, owner: Owner): Identity {
  const owned = ownership(user.tags, owner);
  const previousOwner =
    owned.kind === 'otherObject' || owned.kind === 'otherInstallation' ? owned.value : undefined;
  return { kind: 'adoptable', user, previousOwner };
}

function refused(
  user: ObservedUser,
  reason: 'AlreadyExists' | 'Conflict' | 'IdentityChanged',
  message: string,
): Identity {
  return { kind: 'refused', user, reason, message };
}
