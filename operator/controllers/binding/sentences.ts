import type { ObservedUser } from '../../../src/account/index.ts';
import type { Reference } from '../../../src/entitlement/index.ts';
import { pathInArn } from '../../../src/entitlement/index.ts';
import type { Verdict } from './conditions.ts';
import type { Claim } from './decide.ts';

const kinds: Readonly<Record<Reference['type'], string>> = {
  Group: 'group',
  AwsManagedPolicy: 'AWS-managed policy',
  CustomerManagedPolicy: 'managed policy',
  InlinePolicy: 'inline policy',
};

/** `group Developers`, `inline policy own`. */
export function called({ type, name }: Pick<Reference, 'type' | 'name'>): string {
  return `${kinds[type]} ${name}`;
}

export function whose({ userName, userId }: Pick<ObservedUser, 'userName' | 'userId'>): string {
  return `IAM user ${userName} (${userId})`;
}

export function asDeclared(user: ObservedUser, reference: Reference, present: boolean): Verdict {
  return {
    reason: 'AsDeclared',
    message: present
      ? `${whose(user)} has ${called(reference)}`
      : `${whose(user)} does not have ${called(reference)}`,
  };
}

export function expired(
  user: ObservedUser,
  reference: Reference,
  more: { readonly expiresAt: string; readonly keptFor: string | undefined; readonly present: boolean },
): Verdict {
  const { expiresAt, keptFor, present } = more;
  const state =
    keptFor !== undefined
      ? `stays for AwsEntitlementBinding "${keptFor}"`
      : present
        ? 'was taken away, and has been given again by somebody else'
        : 'is taken away';
  return {
    reason: 'Expired',
    message: `expired at ${expiresAt}: ${called(reference)} of ${whose(user)} ${state}`,
  };
}

export function conflict({ name, wants }: Claim, reference: Reference): Verdict {
  const other =
    reference.type === 'InlinePolicy' && wants === 'Present' ? 'Present with its own document' : wants;
  return {
    reason: 'Conflict',
    message:
      `AwsEntitlementBinding "${name}" came first and says that ${called(reference)} is to be ${other}; ` +
      'this object does nothing. Delete one of the two, or make both say the same',
  };
}

export function noSuch(reference: Reference): Verdict {
  return {
    reason: 'WaitingForEntitlement',
    message:
      `there is no ${called(reference)} in AWS; ` +
      (reference.type === 'AwsManagedPolicy'
        ? 'nobody but AWS makes these: check the name, and make another object with the right one'
        : 'create it, this object goes on by itself'),
  };
}

export function otherPath(reference: Reference, arn: string): Verdict {
  return {
    reason: 'InvalidEntitlement',
    message:
      `${called(reference)} is not under ${reference.path ?? '/'} but under ${pathInArn(arn)} (${arn}); ` +
      'delete this object and make another with that arn, or with the name alone',
  };
}

export function full(quota: string, reference: Reference): Verdict {
  return {
    reason: 'LimitExceeded',
    message: `${called(reference)} does not fit: ${quota}. Take one away${isManaged(reference) ? ', or have the quota raised' : ''}; nothing was written`,
  };
}

/** AWS raises the quota of attached policies, and no other one of a user. */
function isManaged({ type }: Reference): boolean {
  return type === 'AwsManagedPolicy' || type === 'CustomerManagedPolicy';
}

export function otherAccount(recorded: string, present: string): Verdict {
  return {
    reason: 'AccountMismatch',
    message:
      `this object holds an edge in AWS account ${recorded}, and its connection leads to ${present}; nothing is ` +
      'written. Bring the connection to the first account back, or delete this object with the annotation ' +
      'aws.idhub.io/abandon=true and make a new one',
  };
}
