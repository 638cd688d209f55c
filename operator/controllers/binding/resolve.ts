import type { ObservedUser } from '../../../src/account/index.ts';
import { findEdge, hasPath, inlineArn, type Entitlement } from '../../../src/entitlement/index.ts';
import type { GivenPolicy } from '../../../src/guard/index.ts';
import type { AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { ConnectionRegistry } from '../connection/index.ts';
import type { Verdict } from './conditions.ts';
import type { ConnectionDesks } from './desks.ts';
import type { Pass } from './pass.ts';
import { noSuch, otherPath } from './sentences.ts';

export type Resolved =
  | { readonly kind: 'found'; readonly entitlement: Entitlement }
  | { readonly kind: 'hold'; readonly verdict: Verdict; readonly afterMs?: number };

export interface ResolveOptions {
  readonly registry: ConnectionRegistry;
  readonly desks: ConnectionDesks;
  readonly clock: Clock;
}

/** What a new object names may have been made in AWS just before it: for this long a newer reading is asked for. */
const youngMs = 60_000;

/** The group or policy as AWS has it. @throws {AwsError} */
export async function resolveEntitlement(
  pass: Pass,
  user: ObservedUser,
  options: ResolveOptions,
): Promise<Resolved> {
  const { connection, reference, binding, signal } = pass;
  switch (reference.type) {
    case 'InlinePolicy': {
      const { type, name } = reference;
      return { kind: 'found', entitlement: { type, name, arn: inlineArn(user.arn, name) } };
    }
    case 'Group': {
      const group = connection.snapshots.current?.group(reference.name);
      if (group === undefined) {
        requestNewerReading(binding, pass, options);
        return { kind: 'hold', verdict: noSuch(reference) };
      }
      return hasPath(reference, group.arn)
        ? { kind: 'found', entitlement: { type: 'Group', name: group.group, arn: group.arn } }
        : { kind: 'hold', verdict: otherPath(reference, group.arn) };
    }
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy': {
      const found = await options.desks.of(connection).catalogue.find(reference, { signal });
      if (found.kind === 'missing') {
        const older = found.readAt < bornAt(binding);
        return {
          kind: 'hold',
          verdict: noSuch(reference),
          ...(older ? { afterMs: found.againMs + 1 } : {}),
        };
      }
      return hasPath(reference, found.entitlement.arn)
        ? found
        : { kind: 'hold', verdict: otherPath(reference, found.entitlement.arn) };
    }
  }
}

/** Asks for a reading of the AWS account that is newer than the object. */
export function requestNewerReading(
  binding: AwsEntitlementBinding,
  { connection }: Pick<Pass, 'connection'>,
  { registry, clock }: Pick<ResolveOptions, 'registry' | 'clock'>,
): void {
  const born = bornAt(binding);
  const takenAt = connection.snapshots.current?.takenAt ?? 0;
  // Bounded on both sides: the API server's clock need not be ours.
  if (takenAt < born && Math.abs(clock.now() - born) < youngMs) {
    registry.requestSnapshot(connection.key);
  }
}

function bornAt({ metadata }: AwsEntitlementBinding): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}

/** The ARN of what is named, as far as it is known; the name of an inline policy. */
export function arnOf({ connection, reference, memory }: Pass, user: ObservedUser): string {
  const edge = findEdge(user, reference);
  const group = reference.type === 'Group' ? connection.snapshots.current?.group(reference.name) : undefined;
  return reference.type === 'InlinePolicy'
    ? reference.name
    : (edge?.arn ?? group?.arn ?? memory?.entitlement ?? reference.arn ?? reference.name);
}

/**
 * The policies that come with what is declared: itself, or those of the group. As far as they are known
 * without a call: `arn` where AWS has told it, else the one that was declared, else what the name says.
 */
export function givenPolicies(
  { connection, reference }: Pick<Pass, 'connection' | 'reference'>,
  arn: string | undefined = reference.arn,
): readonly GivenPolicy[] {
  const { type, name, path } = reference;
  const { partition, accountId } = connection.caller;
  switch (type) {
    case 'Group': {
      const group = connection.snapshots.current?.group(name);
      return group === undefined ? [] : [...group.policies, ...(group.powers ?? [])];
    }
    case 'AwsManagedPolicy':
    case 'CustomerManagedPolicy': {
      const under = `arn:${partition}:iam::${type === 'AwsManagedPolicy' ? 'aws' : accountId}:policy`;
      return [arn ?? (path === undefined ? { under: `${under}/`, name } : `${under}${path}${name}`)];
    }
    case 'InlinePolicy':
      return [`inline/${name}`];
  }
}
