import { createHash } from 'node:crypto';
import { fold } from '../../../src/schema/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import type { ObjectKey, OwnerReference } from '../../runtime/index.ts';
import { ownerReference } from '../names.ts';

type Entry = NonNullable<AwsAccount['spec']['entitlements']>[number];
type Named = AwsEntitlementBinding['spec']['entitlement'];

/** Names of Kubernetes objects have at most 253 characters; these many are for the end that tells entries apart. */
const longestStem = 242;
const digits = 10;

/** What an entry names, as it stands: names without regard to case, but for inline policies. */
function entryKey({ type, name, arn }: Pick<Named, 'type' | 'name' | 'arn'>): string {
  const called = arn ?? name ?? '';
  return `${type}/${type === 'InlinePolicy' ? called : fold(called)}`;
}

export function sameEntry(one: Named, other: Named): boolean {
  return entryKey(one) === entryKey(other);
}

/** The name of the binding that an entry of an account becomes: the same for the same entry, always. */
export function bindingName(account: string, entry: Pick<Named, 'type' | 'name' | 'arn'>): string {
  // The account is part of it, since two long names may begin alike.
  const hash = createHash('sha256')
    .update(`${account}/${entryKey(entry)}`)
    .digest('hex')
    .slice(0, digits);
  const stem = account.slice(0, longestStem).replace(/[.-]+$/, '');
  return `${stem}-${hash}`;
}

/** Whether a binding is one that an entry of the account, as it stands, becomes. */
export function declaresBinding(account: AwsAccount, binding: AwsEntitlementBinding): boolean {
  const { name } = binding.metadata;
  return (account.spec.entitlements ?? []).some(
    (entry) =>
      bindingName(account.metadata.name, entry) === name && sameEntry(entry, binding.spec.entitlement),
  );
}

/** The account whose own a binding is. */
export function owningAccount({ metadata }: AwsEntitlementBinding): OwnerReference | undefined {
  return metadata.ownerReferences?.find(
    ({ kind, apiVersion, controller }) =>
      kind === 'AwsAccount' && apiVersion.startsWith('aws.idhub.io/') && controller === true,
  );
}

export function ownerReferenceTo({ metadata }: AwsAccount): OwnerReference {
  const account = { apiVersion: 'aws.idhub.io/v1alpha1', kind: 'AwsAccount', metadata };
  return { ...ownerReference(account), blockOwnerDeletion: true };
}

/** Index `owner`: the uid of the account whose own a binding is. */
export function bindingOwners(binding: AwsEntitlementBinding): readonly string[] {
  const owner = owningAccount(binding);
  return owner === undefined ? [] : [owner.uid];
}

/** Accounts to be looked at when a binding changes: whose own it is, and whose it would be by its name. */
export function accountsAbove(
  binding: AwsEntitlementBinding,
  siblings: (uid: string) => readonly AwsEntitlementBinding[],
): readonly ObjectKey[] {
  const { namespace = '', name } = binding.metadata;
  const owner = owningAccount(binding);
  if (owner !== undefined) {
    // While others of a joiner are on their way, one more that is there is no news.
    const early =
      binding.metadata.deletionTimestamp === undefined &&
      readyOf(binding)?.status === 'True' &&
      siblings(owner.uid).some((sibling) => readyOf(sibling) === undefined);
    return early ? [] : [{ namespace, name: owner.name }];
  }
  const stem = /^(.+)-[0-9a-f]{10}$/.exec(name)?.[1];
  return stem === undefined ? [] : [{ namespace, name: stem }];
}

/** Whether a change of a binding means something to the account whose own it is. */
export function ownedHasChanged(before: AwsEntitlementBinding, after: AwsEntitlementBinding): boolean {
  const said = (binding: AwsEntitlementBinding): string => {
    const { uid, generation, deletionTimestamp } = binding.metadata;
    const ready = readyOf(binding);
    return JSON.stringify([
      uid,
      generation,
      deletionTimestamp,
      owningAccount(binding)?.uid,
      ready?.status,
      ready?.status === 'True' ? '' : [ready?.reason, ready?.message],
    ]);
  };
  return said(before) !== said(after);
}

/** Ready, where it speaks of the present spec. */
export function readyOf(
  binding: AwsEntitlementBinding,
): { readonly status: string; readonly reason: string; readonly message: string } | undefined {
  return binding.status?.conditions?.find(
    ({ type, observedGeneration }) => type === 'Ready' && observedGeneration === binding.metadata.generation,
  );
}

/** What the spec of the binding of an entry is to be. Who and what stay as they are written on one that is there. */
export function specOf(
  account: AwsAccount,
  entry: Entry,
  present?: AwsEntitlementBinding['spec'],
): AwsEntitlementBinding['spec'] {
  const { type, name, arn, document, expiresAt, onDelete, state } = entry;
  const { document: _old, ...named } = present?.entitlement ?? {
    type,
    ...(name === undefined ? {} : { name }),
    ...(arn === undefined ? {} : { arn }),
  };
  return {
    accountRef: present?.accountRef ?? { name: account.metadata.name },
    entitlement: { ...named, ...(document === undefined ? {} : { document }) },
    ...(state === undefined ? {} : { state }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(onDelete === undefined ? {} : { onDelete }),
  };
}

/** The JSON merge patch (RFC 7386) that makes one object of another; undefined where they are equal. */
export function mergePatchBetween(before: object, after: object): object | undefined {
  const patch: Record<string, unknown> = {};
  const old = before as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(before)) {
    if (!(key in after)) {
      patch[key] = null;
    }
  }
  for (const [key, value] of Object.entries(after)) {
    const was = old[key];
    if (isMap(was) && isMap(value)) {
      const inner = mergePatchBetween(was, value);
      if (inner !== undefined) {
        patch[key] = inner;
      }
    } else if (JSON.stringify(was) !== JSON.stringify(value)) {
      patch[key] = value;
    }
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** A null in an object is nothing that a merge patch could write. */
export function holdsNull(value: unknown): boolean {
  return (
    value === null ||
    (Array.isArray(value) && value.some(holdsNull)) ||
    (isMap(value) && Object.values(value).some(holdsNull))
  );
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
