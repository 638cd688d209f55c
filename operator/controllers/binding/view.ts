import type { ObservedUser } from '../../../src/account/index.ts';
import { documentFingerprint, findEdge, type Edge } from '../../../src/entitlement/index.ts';
import type { Pass } from './pass.ts';

/** How long a user that was made from here counts as new: nobody else has had the time to give it anything. */
const newMs = 900_000;

/** Made for its account, and a moment ago. */
export function isNewlyOurs({ made, awsNow }: Pass, user: ObservedUser): boolean {
  return made && awsNow - user.createdAt < newMs;
}

/** Of the policy that is attached or the group that is there. */
export function arnInAws({ connection, reference }: Pass, user: ObservedUser): string | undefined {
  return reference.type === 'Group'
    ? connection.snapshots.current?.group(reference.name)?.arn
    : findEdge(user, reference)?.arn;
}

/** An edge as it is, beside what is declared. */
export function compared({ document }: Pass, edge: Edge | undefined): 'absent' | 'asDeclared' | 'different' {
  if (edge === undefined) {
    return 'absent';
  }
  const same =
    edge.type !== 'InlinePolicy' ||
    document === undefined ||
    edge.fingerprint === documentFingerprint(document);
  return same ? 'asDeclared' : 'different';
}

/** Nobody changed the declaration since the last pass that succeeded: what differs is drift. Only reported. */
export function wasSettled({ binding, memory }: Pass): boolean {
  const synced = binding.status?.conditions?.find((condition) => condition.type === 'Synced');
  return (
    memory !== undefined &&
    synced?.status === 'True' &&
    synced.reason === 'AsDeclared' &&
    synced.observedGeneration === binding.metadata.generation
  );
}
