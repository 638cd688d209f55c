import { isDeepStrictEqual } from 'node:util';
import type { ObservedUser } from '../../../src/account/index.ts';
import type { Entitlement } from '../../../src/entitlement/index.ts';
import type { AwsEntitlementBinding, AwsEntitlementBindingStatus } from '../../api/v1alpha1/index.ts';
import { formatTime, setCondition, type Condition } from '../../runtime/index.ts';
import { commonFaults, verdictOn } from '../aws-fault.ts';
import { annotations } from '../names.ts';
import type { Verdict } from './conditions.ts';
import type { EdgeMemory } from './memory.ts';

/** What a pass found out, to be told in the status. */
export interface Findings {
  readonly ready: Verdict & { readonly status: Condition['status'] };
  /** Undefined: the user was not looked at. */
  readonly seen:
    | {
        readonly user: ObservedUser;
        readonly present: boolean;
        /** Its name and, as far as it is known, its ARN. */
        readonly entitlement: Omit<Entitlement, 'arn'> & { readonly arn: string | undefined };
      }
    | undefined;
  readonly memory: EdgeMemory | undefined;
  /** What was put right that somebody had changed in AWS. */
  readonly mended: string | undefined;
}

/** How old `lastVerified` gets before it is worth a write of its own. */
const verifiedMs = 86_400_000;

/** The whole status of a binding. What was not looked at in this pass keeps its last known value. Pure. */
export function bindingStatus(
  binding: AwsEntitlementBinding,
  findings: Findings,
  now: number,
): AwsEntitlementBindingStatus {
  const { ready, seen, memory, mended } = findings;
  const past = binding.status ?? {};
  const observedGeneration = binding.metadata.generation ?? 0;
  let conditions = past.conditions as Condition[] | undefined;
  for (const type of ['Ready', 'Synced']) {
    conditions = setCondition(conditions, { type, ...ready, observedGeneration }, now);
  }
  const { lastVerified: verified, ...before } = past;
  const drift = mended === undefined ? past.drift : { mendedAt: formatTime(now), what: mended };
  const common = {
    observedGeneration,
    conditions: conditions ?? [],
    ...(drift === undefined ? {} : { drift }),
  };
  if (seen === undefined) {
    return { ...past, ...common, state: 'Unknown' };
  }
  const handled = binding.metadata.annotations?.[annotations.reconcileAt];
  const held = memory?.origin;
  const status: AwsEntitlementBindingStatus = {
    ...common,
    state: seen.present ? 'Present' : 'Absent',
    userId: seen.user.userId,
    userName: seen.user.userName,
    entitlementName: seen.entitlement.name,
    ...(seen.entitlement.arn === undefined ? {} : { entitlementArn: seen.entitlement.arn }),
    ...(memory === undefined || held === null || held === undefined
      ? {}
      : { origin: held, since: formatTime(memory.since) }),
    ...(handled === undefined ? {} : { handledReconcileAt: handled }),
  };
  if (ready.status !== 'True') {
    return verified === undefined ? status : { ...status, lastVerified: verified };
  }
  // In plain objects, as they come from the API server: a field that is undefined is none.
  const said = isDeepStrictEqual(JSON.parse(JSON.stringify(status)), JSON.parse(JSON.stringify(before)));
  const old = now - Date.parse(verified ?? '') < verifiedMs;
  return { ...status, lastVerified: said && old && verified !== undefined ? verified : formatTime(now) };
}

const reasons = { ...commonFaults, limitExceeded: 'LimitExceeded' } as const;

/** What a failed call says of a binding, and what to do next. */
export function verdictOf(error: unknown): Verdict {
  return verdictOn(error, reasons);
}
