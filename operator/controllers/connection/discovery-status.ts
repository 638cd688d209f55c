import type { AwsConnection, AwsConnectionStatus } from '../../api/v1alpha1/index.ts';
import type { Verdict } from './conditions.ts';
import type { ConnectionState, DiscoveryFindings } from './registry.ts';

/** What the condition Discovery says, and what to do next. Pure. */
export function discoveryVerdict(findings: DiscoveryFindings): Verdict & { readonly ok: boolean } {
  if (findings.kind === 'invalid') {
    const message = `${findings.message}. Nothing is looked for until it is mended`;
    return { ok: false, reason: 'InvalidFilter', message };
  }
  if (findings.kind === 'refused') {
    const message = `the API server refuses the objects: ${findings.message}. See to the operator's rights (create awsaccounts) and the quotas of the namespace; it is tried again`;
    return { ok: false, reason: 'NotMade', message };
  }
  const { accounts, more, taken, unknown } = findings;
  if (taken.length > 0) {
    return {
      ok: false,
      reason: 'NameTaken',
      message:
        `other objects have the names that were meant for users that were found: ${taken.slice(0, 5).join(', ')}` +
        `${taken.length > 5 ? ', …' : ''}. They are left alone; rename them, or make the accounts by hand`,
    };
  }
  if (more > 0) {
    return {
      ok: false,
      reason: 'LimitReached',
      message:
        `${more} more users match, and ${accounts} AwsAccount objects were made already. Raise spec.discovery.limit, ` +
        'or narrow spec.discovery.filter',
    };
  }
  const untold = unknown === 0 ? '' : `; of ${unknown} it cannot be told whether they match`;
  return {
    ok: true,
    reason: 'Discovered',
    message: `${accounts} users have an AwsAccount that was made for them${untold}`,
  };
}

/** As was said before, where nothing was looked for yet. Pure. */
export function discoveryStatus(
  connection: AwsConnection,
  state: ConnectionState | undefined,
): AwsConnectionStatus['discovery'] {
  if (connection.spec.discovery?.mode !== 'Observe') {
    return undefined;
  }
  const findings = state?.discovery;
  return findings?.kind === 'found'
    ? { accounts: findings.accounts, more: findings.more, unknown: findings.unknown }
    : connection.status?.discovery;
}
