import { sameName } from '../schema/index.ts';
import { powerArn, powerOf, powers, type GuardPlace } from './document.ts';
import { matches, meet } from './glob.ts';

/** `AwsConnection.spec.guard` as written: every field may be absent. */
export interface GuardInput {
  readonly protectedUsers?: readonly string[];
  readonly allowedPolicies?: readonly string[];
  readonly deniedPolicies?: readonly string[];
  readonly permissionsBoundary?: string;
  readonly maxDeletions?: { readonly count?: number; readonly percent?: number };
}

/** What a connection never does, whoever asks. */
export interface Guard {
  readonly protectedUsers: readonly string[];
  /** Undefined: whatever is not denied. */
  readonly allowedPolicies: readonly string[] | undefined;
  readonly deniedPolicies: readonly string[];
  /** ARN of the boundary that every user has to have. */
  readonly permissionsBoundary: string | undefined;
  /** How much may be missing in AWS at once: so many, and so many of a hundred that are known. */
  readonly maxDeletions: { readonly count: number; readonly percent: number };
}

/** A rule that forbids what was asked for, and a sentence that says what to do. */
export interface Refusal {
  /** The field of the spec, with what in it matched. */
  readonly rule: string;
  readonly message: string;
}

/** A policy that somebody is to get: by its ARN (`inline/<name>`), or as far as its name tells it. */
export type GivenPolicy =
  | string
  | {
      /** `arn:aws:iam::aws:policy/` */
      readonly under: string;
      readonly name: string;
    };

export interface EntitlementGiven {
  readonly guard: Guard;
  readonly place: GuardPlace;
  readonly user: { readonly userName: string; readonly boundary: string | undefined };
  /** All policies that come with it. */
  readonly policies: readonly GivenPolicy[];
  /** Of an inline policy. */
  readonly document: string | undefined;
}

export function guardOf(input: GuardInput | undefined): Guard {
  return {
    protectedUsers: input?.protectedUsers ?? [],
    allowedPolicies: input?.allowedPolicies,
    deniedPolicies: input?.deniedPolicies ?? [],
    permissionsBoundary: input?.permissionsBoundary,
    maxDeletions: {
      count: input?.maxDeletions?.count ?? 10,
      percent: input?.maxDeletions?.percent ?? 5,
    },
  };
}

/** Whether a user may be written at all. Pure. */
export function refusesUser({ protectedUsers }: Guard, userName: string): Refusal | undefined {
  const pattern = protectedUsers.find((each) => matches(each, userName));
  return pattern === undefined
    ? undefined
    : refusal(
        'protectedUsers',
        pattern,
        `IAM user "${userName}" is protected by the connection (spec.guard.protectedUsers has "${pattern}") and is left alone. ` +
          'Name another user, delete this object, or take the pattern out of the connection',
      );
}

/** Whether an account may declare this boundary; undefined declares none, and gets what is forced. Pure. */
export function refusesBoundary(guard: Guard, declared: string | undefined): Refusal | undefined {
  const forced = guard.permissionsBoundary;
  return forced === undefined || declared === undefined || declared === forced
    ? undefined
    : refusal(
        'permissionsBoundary',
        forced,
        `spec.permissionsBoundary is ${declared}, and the connection gives all its users ${forced} ` +
          '(spec.guard.permissionsBoundary). Take the field out of this object',
      );
}

/**
 * Whether a user may be given something. What is taken away is not asked about here, but by
 * `refusesUser` alone. Pure.
 */
export function refusesEntitlement(given: EntitlementGiven): Refusal | undefined {
  const { guard, place, user, policies, document } = given;
  return (
    refusesUser(guard, user.userName) ??
    first(policies, (policy) => refusesPolicy(guard, place, policy)) ??
    refusesDocument(guard, place, document) ??
    refusesUnbounded(guard, user)
  );
}

function refusesPolicy(guard: Guard, { partition }: GuardPlace, policy: GivenPolicy): Refusal | undefined {
  // One that is named and not looked up yet is taken to be where its name alone puts it: a rule that denies
  // that name is obeyed without asking AWS.
  const arn = typeof policy === 'string' ? policy : `${policy.under}${policy.name}`;
  const { allowedPolicies, deniedPolicies } = guard;
  const denied = deniedPolicies.find((pattern) => matches(pattern, arn));
  if (denied !== undefined) {
    return refusal(
      'deniedPolicies',
      denied,
      `${arn} is denied by the connection (spec.guard.deniedPolicies has "${denied}"). Ask for another policy, ` +
        'delete this object, or take the pattern out of the connection',
    );
  }
  const allowed = allowedPolicies?.some((pattern) =>
    typeof policy === 'string' ? matches(pattern, arn) : mayMatch(pattern, policy),
  );
  if (allowed === true) {
    return undefined;
  }
  const power = powers.find((each) => sameName(arn, powerArn(each, partition)));
  if (power !== undefined) {
    return refusal(
      'allowedPolicies',
      arn,
      `${arn} gives away the whole account and is denied until spec.guard.allowedPolicies of the connection lists it`,
    );
  }
  return allowedPolicies === undefined
    ? undefined
    : refusal(
        'allowedPolicies',
        arn,
        `${arn} is not among the policies that spec.guard.allowedPolicies of the connection lists. ` +
          'List it there, or ask for another policy',
      );
}

/** What an inline policy says counts, whatever it is called. */
function refusesDocument(guard: Guard, place: GuardPlace, document: string | undefined): Refusal | undefined {
  const power = document === undefined ? undefined : powerOf(document, place);
  const refused = power && refusesPolicy(guard, place, powerArn(power, place.partition));
  return refused === undefined
    ? undefined
    : { ...refused, message: `the document of the inline policy amounts to ${power}: ${refused.message}` };
}

function refusesUnbounded(guard: Guard, user: EntitlementGiven['user']): Refusal | undefined {
  const forced = guard.permissionsBoundary;
  return forced === undefined || user.boundary === forced
    ? undefined
    : refusal(
        'permissionsBoundary',
        forced,
        `IAM user "${user.userName}" has ${user.boundary === undefined ? 'no permissions boundary' : `the boundary ${user.boundary}`}, ` +
          `and the connection gives entitlements only to users that have ${forced} (spec.guard.permissionsBoundary). ` +
          'Give it that boundary, or have it managed by an AwsAccount, which does; this object goes on by itself',
      );
}

/** Whether a pattern may match a policy of which only the name is known: it may have any path. */
function mayMatch(pattern: string, { under, name }: Exclude<GivenPolicy, string>): boolean {
  return matches(pattern, `${under}${name}`) || meet(pattern, `${under}*/${name}`);
}

function first<T>(all: readonly T[], refuses: (each: T) => Refusal | undefined): Refusal | undefined {
  for (const each of all) {
    const refused = refuses(each);
    if (refused !== undefined) {
      return refused;
    }
  }
  return undefined;
}

function refusal(field: keyof GuardInput, matched: string, message: string): Refusal {
  return { rule: `spec.guard.${field}: ${matched}`, message };
}
