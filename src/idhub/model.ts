import type { EntitlementType } from '../entitlement/index.ts';
import type { EntitlementRecord, UserRecord } from '../reconciliation/index.ts';
import type { AccountSchema } from '../schema/index.ts';

/**
 * What IDHub and other clients see of an AWS account, and what they ask for: the port between the
 * protocols (SCIM, webhook) and their host. Knows nothing of Kubernetes and nothing of HTTP.
 */

/** Names an AwsConnection. */
export interface ConnectionName {
  readonly namespace: string;
  readonly name: string;
}

/** An IAM user as clients are told of it. */
export interface DirectoryAccount extends UserRecord {
  /** What a client calls it (RFC 7643, section 3.1); undefined where none does. Compared exactly. */
  readonly externalId: string | undefined;
  /** Whether an AwsAccount stands for it that may write; one that nobody declared can be written too, and is adopted by that. */
  readonly managed: boolean;
  /** Changes with everything that is told of it: a strong entity tag is made from it. */
  readonly version: string;
}

/** A group or a policy that a user can have. */
export interface DirectoryEntitlement extends EntitlementRecord {
  readonly version: string;
}

/** The users and groups of one AWS account at one moment. Does not change any more once it was given out. */
export interface DirectoryView {
  /** When the reading of AWS began, milliseconds since the epoch. */
  readonly takenAt: number;
  readonly schema: AccountSchema;
  /** How many accounts there are. */
  readonly size: number;
  /** By unique id, ascending. */
  accounts(): readonly DirectoryAccount[];
  account(id: string): DirectoryAccount | undefined;
  /** Without regard to case. */
  accountByName(userName: string): DirectoryAccount | undefined;
  /** By unique id, ascending. */
  groups(): readonly DirectoryEntitlement[];
  group(id: string): DirectoryEntitlement | undefined;
  /** Accounts in a group, by id, ascending; the group by its unique id. */
  members(groupId: string): readonly DirectoryAccount[];
}

/** Everything that somebody of one AWS account can be given, at one moment: groups, managed policies, inline policies. */
export interface DirectoryCatalogue {
  readonly takenAt: number;
  /** By id, ascending. */
  entitlements(): readonly DirectoryEntitlement[];
  entitlement(id: string): DirectoryEntitlement | undefined;
}

/** An entitlement as a client names it. */
export type EntitlementReference =
  { readonly arn: string } | { readonly type: EntitlementType; readonly name: string };

/** What is asked of an account. What is absent stays as it is. */
export interface AccountWrite {
  /** Another one renames. */
  readonly userName?: string;
  readonly path?: string;
  /** By the names of the account schema; `null` takes the attribute away. */
  readonly attributes?: Readonly<Record<string, string | null>>;
  readonly externalId?: string | null;
  readonly active?: boolean;
  /** A console password. */
  readonly password?: PasswordWrite;
  readonly entitlements?: EntitlementWrite;
}

export type PasswordWrite =
  | { readonly kind: 'given'; readonly password: string; readonly resetRequired?: boolean }
  /** One that fits the account's policy, left in the Secret of the account. */
  | { readonly kind: 'generated'; readonly resetRequired?: boolean };

/** Edges by entitlement; of both lists, what is already so costs nothing. */
export interface EntitlementWrite {
  readonly add: readonly EntitlementReference[];
  readonly remove: readonly EntitlementReference[];
}

/** Who asks, and how. */
export interface WriteContext {
  /** For the audit log and `aws.idhub.io/disabled-by`: no secret, at most 256 characters. */
  readonly caller: string;
  /** Of the HTTP request, for the audit log. */
  readonly requestId?: string;
  /** Of the webhook: a reset uses it as its request id. */
  readonly operationId?: string;
  /** Only joins what is under way, or finds it done: where neither is so, `conflict`, and nothing is written. */
  readonly joins?: boolean;
  /** `DirectoryAccount.version` that the account must have, any of them; absent: any version. */
  readonly ifVersion?: readonly string[];
  /** Aborts when nobody waits for the answer; what was accepted goes on. */
  readonly signal: AbortSignal;
}

export type WriteOutcome =
  /** In AWS, and as it is there; of a deletion there is no account. */
  | { readonly kind: 'done'; readonly account: DirectoryAccount | undefined; readonly changed: boolean }
  /** Accepted and not finished in time: it goes on, and the same request again joins it. */
  | {
      readonly kind: 'pending';
      readonly retryAfterMs: number;
      readonly message: string;
      /** Not accepted yet as a whole: it waits behind another write, and has to be asked for again. */
      readonly behind?: boolean;
    }
  /** Refused, and nothing of it is left. */
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Why something was refused; messages are for people, say what to do, and hold no secret. */
export interface Refusal {
  readonly kind:
    /** No such account. */
    | 'missing'
    /** The name is taken. */
    | 'uniqueness'
    /** It may not be changed (guard, ownership, schema). */
    | 'mutability'
    /** AWS or the product does not take the value. */
    | 'invalidValue'
    /** A quota of AWS is used up. */
    | 'quota'
    /** The guard of the connection forbids it. */
    | 'forbidden'
    /** The account is another than `ifVersion` says. */
    | 'version'
    /** Others' work on the account is not finished, or cannot be joined by this. */
    | 'conflict';
  readonly message: string;
}

/** One AWS account. Writes reject with `DirectoryThrottledError` where one caller shuts out too many people in a short time. */
export interface Directory {
  readonly connection: ConnectionName;
  /**
   * What AWS is like now, from the snapshot, with our own writes in it.
   * @throws {DirectoryUnavailableError} where it is not complete, too old, or stopped by the guard: nobody gets a short list
   */
  view(signal: AbortSignal): Promise<DirectoryView>;
  /**
   * As `view`, whether or not lists may be made of it: what is asked of one account does not wait for a breaker. Who is
   * not in it may be there all the same.
   * @throws {DirectoryUnavailableError} where there is no connection that may be used, or no reading of it yet
   */
  latest(): DirectoryView;
  /** As `view`; the policies of AWS are read at most once in a reading's interval. */
  catalogue(signal: AbortSignal): Promise<DirectoryCatalogue>;
  /** Makes an IAM user; refused with `uniqueness` where the name is taken. */
  create(write: AccountWrite & { readonly userName: string }, context: WriteContext): Promise<WriteOutcome>;
  /** Changes one, by unique id; adopts one that nobody declared. */
  change(id: string, write: AccountWrite, context: WriteContext): Promise<WriteOutcome>;
  /** Deletes one, by unique id, with everything that it owns (or disables it, where that is configured). */
  remove(id: string, context: WriteContext): Promise<WriteOutcome>;
}

export interface Directories {
  /** Sorted by namespace and name. */
  list(): readonly ConnectionName[];
  /** @throws {DirectoryUnavailableError} where caches are not there yet, so that nobody takes it for missing */
  get(connection: ConnectionName): Directory | undefined;
}

/** Too much was asked in a short time: 429. Nothing was done. */
export class DirectoryThrottledError extends Error {
  override readonly name = 'DirectoryThrottledError';
  readonly retryAfterMs: number;
  /** @param message for people, without secrets: goes out as it is */
  constructor(message: string, options: { readonly retryAfterMs: number }) {
    super(message);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** It cannot be told now: 503. */
export class DirectoryUnavailableError extends Error {
  override readonly name = 'DirectoryUnavailableError';
  readonly retryAfterMs: number;
  /** @param message for people, without secrets: goes out as it is */
  constructor(message: string, options: { readonly retryAfterMs: number; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
  }
}
