import type { EntitlementReference, Refusal } from '../model.ts';

/** Whom an operation is about: by the unique id, or by the name that the user has when it begins. */
export type Target = { readonly id: string } | { readonly userName: string };

/** A console password: the given one, else one is generated and left in the Secret of the account. */
export interface Password {
  readonly value?: string;
  readonly resetRequired?: boolean;
}

/** A user that is to be made. */
export interface NewAccount {
  readonly userName: string;
  readonly path?: string;
  readonly externalId?: string;
  readonly active?: boolean;
  /** By the names of the account schema. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly password?: Password;
  readonly entitlements?: readonly EntitlementReference[];
}

/** What is to be changed of a user; what is absent stays. */
export interface AccountChange {
  /** Another one renames. */
  readonly userName?: string;
  readonly path?: string;
  readonly externalId?: string | null;
  /** `null` takes the attribute away. */
  readonly attributes?: Readonly<Record<string, string | null>>;
}

/** One thing to do, as a client asks for it. `operationId` names it, so that it is done once. */
export type Operation = { readonly operationId: string } & (
  | { readonly kind: 'create'; readonly data: NewAccount }
  | { readonly kind: 'update'; readonly account: Target; readonly data: AccountChange }
  | { readonly kind: 'enable' | 'disable' | 'delete'; readonly account: Target }
  | { readonly kind: 'resetPassword'; readonly account: Target; readonly password?: Password }
  | {
      readonly kind: 'addEntitlement' | 'removeEntitlement';
      readonly account: Target;
      readonly entitlements: readonly EntitlementReference[];
    }
);

export type OperationKind = Operation['kind'];

export const operationKinds = [
  'create',
  'update',
  'enable',
  'disable',
  'delete',
  'resetPassword',
  'addEntitlement',
  'removeEntitlement',
] as const satisfies readonly OperationKind[];

/** The user that an operation was about. */
export interface AccountSummary {
  readonly id: string;
  readonly userName: string;
  /** Absent where the user is gone. */
  readonly arn?: string;
}

/** Why an operation was not done, for programs. */
export type RefusalReason =
  | Refusal['kind']
  /** The body is no such operation; `errors` says where. */
  | 'invalidOperation'
  /** The `operationId` was used with another body. */
  | 'operationIdUsed';

/** The end of an operation: answered alike from then on. Holds no secret. */
export type Ending =
  | { readonly status: 'done'; readonly account: AccountSummary }
  | {
      readonly status: 'refused';
      readonly reason: RefusalReason;
      readonly message: string;
      readonly errors?: readonly string[];
    };

/** How an operation stands. */
export type Standing =
  | Ending
  /** Accepted, and goes on whatever happens to the process; asking again tells how it ended. */
  | { readonly status: 'pending'; readonly message: string; readonly retryAfterMs: number }
  /**
   * Not ended, and not accepted: nothing could be told of AWS, others' work on the user is in the way, or the
   * process ended. The same operation again takes it up where it was.
   */
  | {
      readonly status: 'failed';
      readonly reason: 'unavailable' | 'throttled' | 'interrupted' | 'conflict';
      readonly message: string;
      readonly retryAfterMs: number;
    };

/** What is answered of one operation. The two are `null` where the body did not say. */
export type OperationResult = {
  readonly operationId: string | null;
  readonly kind: OperationKind | null;
} & Standing;
