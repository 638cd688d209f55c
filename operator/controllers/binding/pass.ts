import type { ObservedUser } from '../../../src/account/index.ts';
import type { Reference } from '../../../src/entitlement/index.ts';
import type { GivenPolicy } from '../../../src/guard/index.ts';
import type { AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import type { Verdict } from './conditions.ts';
import type { EdgeMemory } from './memory.ts';

/** One pass's view of a binding, put together once. */
export interface Pass {
  readonly binding: AwsEntitlementBinding;
  readonly connection: UsableConnection;
  readonly reference: Reference;
  /** The declared document of an inline policy, as JSON. */
  readonly document: string | undefined;
  readonly memory: EdgeMemory | undefined;
  /** The user was made for its account. */
  readonly made: boolean;
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly awsNow: number;
  /** The object asks for a live look (`reconcile-at`). */
  readonly forced: boolean;
  readonly signal: AbortSignal;
}

/** What a rule of the connection is asked about. */
export interface EntitlementQuestion {
  readonly connection: UsableConnection;
  readonly user: ObservedUser;
  /**
   * What the user is to have: the policy, or all policies of the group; the document of an inline policy.
   * Undefined where nothing is given, but something may be taken away.
   */
  readonly gives:
    { readonly policies: readonly GivenPolicy[]; readonly document: string | undefined } | undefined;
}

/** Refuses what the rules of the connection forbid, before any call. */
export interface EntitlementGuard {
  refuses(question: EntitlementQuestion): Verdict | undefined;
}
