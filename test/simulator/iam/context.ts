import type * as Sdk from '@aws-sdk/client-iam';
import { noSuchEntity, validationError } from '../errors.ts';
import {
  keyOf,
  type Account,
  type Group,
  type ManagedPolicy,
  type User,
  type Views,
} from '../state/index.ts';
import type { Caller } from '../caller.ts';
import type { HandlersOf, OutputOf } from '../handlers.ts';

/** What a handler of one call works with. Reads go through `views`, which may lag; writes through `account`. */
export interface IamContext {
  readonly account: Account;
  readonly views: Views;
  readonly caller: Caller;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly shortPages: boolean;
  readonly loginProfileSettleMs: number;
  readonly credentialReportMs: number;
  /** Makes a new access key known to the front door. */
  registerKey(accessKeyId: string, userId: string): void;
  /** The user that a key belongs to, as readers see it. */
  keyOwner(accessKeyId: string): User | undefined;
  /** Whether any account of the partition has the alias. */
  aliasTaken(this: void, alias: string): boolean;
  /** Service control policies that bind the account. */
  readonly serviceControlPolicies: readonly { readonly id: string; readonly document: string }[];
}

/** The output of an IAM operation, in the SDK's own type. */
export type Output<K extends string> = OutputOf<typeof Sdk, K>;

/** Handlers of the IAM operations `K`. */
export type Handlers<K extends string> = HandlersOf<typeof Sdk, IamContext, K>;

/** A member that validation has found present. */
export function need<T>(value: T | undefined, member: string): T {
  if (value === undefined) {
    throw validationError(
      `1 validation error detected: Value null at '${member.charAt(0).toLowerCase()}${member.slice(1)}' failed to satisfy constraint: Member must not be null`,
    );
  }
  return value;
}

export const userNotFound = (name: string): Error =>
  noSuchEntity(`The user with name ${name} cannot be found.`);

/** The user that a write is about, as it is now; without a name the caller. */
export function userToChange(context: IamContext, name: string | undefined): User {
  return find(context, name, (key) => context.account.users.get(key));
}

/** The user that a read is about, as readers see it. */
export function userToRead(context: IamContext, name: string | undefined): User {
  return find(context, name, (key) => context.views.users.get(key));
}

function find(context: IamContext, name: string | undefined, get: (key: string) => User | undefined): User {
  if (name !== undefined) {
    const user = get(keyOf(name));
    if (user === undefined) {
      throw userNotFound(name);
    }
    return user;
  }
  if (context.caller.kind !== 'user') {
    throw validationError('Must specify userName when calling with non-User credentials');
  }
  return get(keyOf(context.caller.user.name)) ?? context.caller.user;
}

export function groupIn(groups: { get(key: string): Group | undefined }, name: string): Group {
  const group = groups.get(keyOf(name));
  if (group === undefined) {
    throw noSuchEntity(`The group with name ${name} cannot be found.`);
  }
  return group;
}

export function policyIn(context: IamContext, policies: Views['policies'], arn: string): ManagedPolicy {
  const policy = context.account.policy(arn, policies);
  if (policy === undefined) {
    throw noSuchEntity(`Policy ${arn} was not found.`);
  }
  return policy;
}
