import {
  denyPolicyName,
  remembered,
  describe,
  reportedAttributes,
  type DisableWith,
  type ObservedUser,
} from '../../../src/account/index.ts';
import { isAwsError } from '../../../src/aws/index.ts';
import { formatInZone } from '../../../src/connection/index.ts';
import type { GroupPolicies } from '../../../src/reconciliation/index.ts';
import type { AwsAccount, AwsAccountStatus } from '../../api/v1alpha1/index.ts';
import { formatTime, setCondition, type Condition } from '../../runtime/index.ts';
import { commonFaults, verdictOn } from '../aws-fault.ts';
import type { UsableConnection } from '../connection/index.ts';
import { annotations } from '../names.ts';
import type { Verdict } from './conditions.ts';

/** What a pass found out, to be told in the status. */
export interface Findings {
  readonly ready: Verdict & { readonly status: Condition['status'] };
  readonly synced: Verdict & { readonly status: Condition['status'] };
  /** The user; `absent` where there is none, `foreign` where it is not ours; undefined: AWS was not asked. */
  readonly user: ObservedUser | 'absent' | 'foreign' | undefined;
  readonly connection: UsableConnection | undefined;
  readonly inherited: readonly GroupPolicies[];
  /** The credentials of a disabled user were looked at just now. */
  readonly audited: boolean;
  /** What was put right that somebody had changed in AWS. */
  readonly mended: readonly string[];
  /** What the parts of the account report of themselves; undefined: they were not asked. */
  readonly parts: Partial<AwsAccountStatus> | undefined;
}

/** The whole status of an account. What was not looked at in this pass keeps its last known value. Pure. */
export function accountStatus(account: AwsAccount, findings: Findings, now: number): AwsAccountStatus {
  const past = account.status ?? {};
  const observedGeneration = account.metadata.generation ?? 0;
  let conditions = past.conditions as Condition[] | undefined;
  for (const [type, { status, reason, message }] of [
    ['Ready', findings.ready],
    ['Synced', findings.synced],
  ] as const) {
    conditions = setCondition(conditions, { type, status, reason, message, observedGeneration }, now);
  }
  const reconcileAt = account.metadata.annotations?.[annotations.reconcileAt];
  const handled = findings.user === undefined ? past.handledReconcileAt : reconcileAt;
  const operation = account.metadata.annotations?.[annotations.operation];
  const common = {
    observedGeneration,
    ...(operation === undefined ? {} : { observedOperation: operation }),
    conditions: conditions ?? [],
    ...(handled === undefined ? {} : { handledReconcileAt: handled }),
    ...(findings.mended.length > 0
      ? { drift: { mendedAt: formatTime(now), fields: [...findings.mended] } }
      : past.drift === undefined
        ? {}
        : { drift: past.drift }),
  };
  if (findings.user === undefined) {
    const {
      observedGeneration: _generation,
      observedOperation: _operation,
      conditions: _conditions,
      drift: _drift,
      ...kept
    } = past;
    return { ...kept, ...common };
  }
  if (findings.user === 'absent' || findings.user === 'foreign') {
    return { ...common, state: findings.user === 'absent' ? 'Absent' : 'Unknown' };
  }
  return {
    ...common,
    ...userStatus(findings.user, findings, past, now),
    ...(findings.parts ?? partsOf(past)),
  };
}

/** What parts reported before. */
function partsOf(past: AwsAccountStatus): Partial<AwsAccountStatus> {
  const { access, accessKeys, credentialsSecretName, entitlements, lastActivity } = past;
  return {
    ...(access === undefined ? {} : { access }),
    ...(accessKeys === undefined ? {} : { accessKeys }),
    ...(credentialsSecretName === undefined ? {} : { credentialsSecretName }),
    ...(entitlements === undefined ? {} : { entitlements }),
    ...(lastActivity === undefined ? {} : { lastActivity }),
  };
}

/** Disabled is who is denied everything, or whose connection asks for no Deny; in between is Unknown. */
function stateOf(
  user: ObservedUser,
  disableWith: DisableWith = 'DenyPolicy',
): NonNullable<AwsAccountStatus['state']> {
  const off = remembered(user.tags) !== undefined;
  if (user.deny === 'inline' || user.deny === 'managed' || (off && disableWith === 'CredentialsOnly')) {
    return 'Disabled';
  }
  return off || user.deny === 'altered' ? 'Unknown' : 'Enabled';
}

function userStatus(
  user: ObservedUser,
  findings: Findings,
  past: AwsAccountStatus,
  now: number,
): AwsAccountStatus {
  const off = remembered(user.tags);
  const settings = findings.connection?.settings;
  const attributes =
    findings.connection === undefined ? {} : reportedAttributes(findings.connection.schema, user.tags);
  const audited = findings.audited ? formatTime(now) : past.credentialsAuditedAt;
  const policies = [
    ...user.attachedPolicies.map((policy) => policy.arn),
    ...user.inlinePolicies.filter(({ name }) => name !== denyPolicyName).map(({ name }) => `inline/${name}`),
  ].sort();
  return {
    userId: user.userId,
    arn: user.arn,
    userName: user.userName,
    path: user.path,
    state: stateOf(user, settings?.disableWith),
    ...(off === undefined ? {} : { switchedOff: off.map(describe) }),
    ...(off === undefined || audited === undefined ? {} : { credentialsAuditedAt: audited }),
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
    ...(user.groups.length > 0 ? { groups: [...user.groups].sort() } : {}),
    ...(policies.length > 0 ? { policies } : {}),
    ...(findings.inherited.length > 0
      ? {
          inheritedPolicies: findings.inherited.flatMap(({ group, policies: each }) =>
            each.map((policy) => ({ policy, group })),
          ),
        }
      : {}),
    ...(settings?.passwordLastUsed === true && user.passwordLastUsed !== undefined
      ? { passwordLastUsed: formatInZone(user.passwordLastUsed, settings.timeZone) }
      : {}),
  };
}

const reasons = { ...commonFaults, limitExceeded: 'LimitExceeded', alreadyExists: 'NameTaken' } as const;

/** Calls that AWS answers with NoSuchEntity where the boundary's policy does not exist. */
export const boundaryOperations: ReadonlySet<string> = new Set(['CreateUser', 'PutUserPermissionsBoundary']);

/** AWS refuses, until somebody acts: the rest of an account can go on. */
export function isForGood(error: unknown): boolean {
  return (
    isAwsError(error) && !error.isTransient && error.kind !== 'badCredentials' && error.kind !== 'notFound'
  );
}

/** What a failed call says of an account, and what to do next. */
export function verdictOf(error: unknown): Verdict {
  if (isAwsError(error, 'notFound') && boundaryOperations.has(error.operation)) {
    return {
      reason: 'InvalidInput',
      message: `${error.message} Create that policy, or correct permissionsBoundary here or in the connection's defaults`,
    };
  }
  return verdictOn(error, reasons);
}
