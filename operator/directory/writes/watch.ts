import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { readyOf } from '../../controllers/account/index.ts';
import { annotations } from '../../controllers/names.ts';

/** Whether an object says that a write is not finished. */
export function hasUnfinishedWrite({ metadata }: AwsAccount): boolean {
  return metadata.annotations?.[annotations.undo] !== undefined;
}

/** Whether a change of an object says something of its unfinished write. */
export function writeMayHaveMoved(before: AwsAccount, after: AwsAccount): boolean {
  const said = ({ metadata, status, spec }: AwsAccount): string =>
    JSON.stringify([
      metadata.uid,
      metadata.generation,
      metadata.deletionTimestamp,
      metadata.annotations?.[annotations.undo],
      metadata.annotations?.[annotations.console],
      status?.observedGeneration,
      status?.observedOperation,
      status?.state,
      status?.conditions?.find(({ type }) => type === 'Ready'),
      spec.management,
    ]);
  return (hasUnfinishedWrite(before) || hasUnfinishedWrite(after)) && said(before) !== said(after);
}

/** Whether a change of a binding says something of the edge that a write asked for. */
export function edgeMayHaveMoved(before: AwsEntitlementBinding, after: AwsEntitlementBinding): boolean {
  const said = (binding: AwsEntitlementBinding): string =>
    JSON.stringify([binding.metadata.uid, binding.metadata.generation, readyOf(binding)]);
  return said(before) !== said(after);
}
