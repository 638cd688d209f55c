import { edgeKey, readReference } from '../../../src/entitlement/index.ts';
import {
  awsEntitlementBindingType,
  type AwsAccount,
  type AwsEntitlementBinding,
} from '../../api/v1alpha1/index.ts';
import {
  isAlreadyExists,
  isNamespaceTerminating,
  isNotFound,
  keyOf,
  type Client,
  type Informer,
  type ObjectKey,
} from '../../runtime/index.ts';
import type { Verdict } from './conditions.ts';
import {
  bindingName,
  declaresBinding,
  holdsNull,
  mergePatchBetween,
  ownerReferenceTo,
  owningAccount,
  readyOf,
  sameEntry,
  specOf,
} from './owned-bindings.ts';
import { nothingDone, type Part, type PartInputs, type PartOutcome } from './parts.ts';

export interface EntitlementPartOptions {
  readonly client: Client;
  /** Indexed by `owner` (`bindingOwners`). */
  readonly bindings: Informer<AwsEntitlementBinding>;
}

type Entry = NonNullable<AwsAccount['spec']['entitlements']>[number];

/** What became of one entry. */
type Standing =
  | { readonly kind: 'ready' }
  /** Nobody need act on it. */
  | { readonly kind: 'pending'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string }
  /** Told by a verdict of its own. */
  | { readonly kind: 'refused' };

/** So many are named in a message. */
const told = 5;

/**
 * What an account's user is entitled to: each entry of `spec.entitlements` is an AwsEntitlementBinding that
 * belongs to the account. It is the bindings that work on AWS; here they are made, held to their entries,
 * and deleted with them. All equal means no call.
 */
export class EntitlementPart implements Part {
  readonly #options: EntitlementPartOptions;

  constructor(options: EntitlementPartOptions) {
    this.#options = options;
  }

  /** @throws {ApiError} a conflict among them, where a binding has changed meanwhile */
  async bring(inputs: PartInputs): Promise<PartOutcome> {
    if (inputs.opening) {
      // They follow when the Deny is gone, and wait for it as little as it does for them.
      return nothingDone(inputs);
    }
    const { account, signal } = inputs.pass;
    const declared = account.spec.entitlements ?? [];
    const problems: Verdict[] = [];
    const refused = this.#refused(inputs, declared, problems);
    // New ones first: an edge that is only named in another way is never without a binding.
    const standings: (Standing & { readonly entry: Entry })[] = [];
    for (const entry of declared) {
      const standing: Standing = refused.has(entry)
        ? { kind: 'refused' }
        : await this.#hold(account, entry, problems, signal);
      standings.push({ ...standing, entry });
    }
    for (const binding of this.#owned(account)) {
      if (binding.metadata.deletionTimestamp === undefined && !declaresBinding(account, binding)) {
        await this.#delete(binding, signal);
      }
    }
    const failed = standings.flatMap((each) => (each.kind === 'failed' ? [describe(each)] : []));
    const pending = standings.flatMap((each) => (each.kind === 'pending' ? [describe(each)] : []));
    if (failed.length > 0 || pending.length > 0) {
      problems.push({
        reason: 'EntitlementsNotReady',
        message: `${failed.length + pending.length} of ${declared.length} entitlements are not Ready: ${listed([...failed, ...pending])}`,
        ...(failed.length > 0 ? {} : { pending: true }),
      });
    }
    const ready = standings.filter(({ kind }) => kind === 'ready').length;
    return {
      ...nothingDone(inputs),
      problems,
      status: declared.length === 0 ? {} : { entitlements: { declared: declared.length, ready } },
    };
  }

  /**
   * The user stays, and its edges with it: a binding that goes with its account leaves them. Of an entry
   * that was taken out before, the binding is no longer the account's, and does what its `onDelete` says.
   */
  async release(account: AwsAccount, signal: AbortSignal): Promise<void> {
    for (const binding of this.#owned(account)) {
      if (declaresBinding(account, binding)) {
        continue;
      }
      const { uid, resourceVersion, ownerReferences = [], deletionTimestamp } = binding.metadata;
      const others = ownerReferences.filter((owner) => owner.uid !== account.metadata.uid);
      const owners = others.length > 0 ? others : null;
      await this.#patch(binding, { metadata: { uid, resourceVersion, ownerReferences: owners } }, signal);
      if (deletionTimestamp === undefined) {
        await this.#delete(binding, signal);
      }
    }
  }

  #owned(account: AwsAccount): readonly AwsEntitlementBinding[] {
    return this.#options.bindings.byIndex('owner', account.metadata.uid ?? '');
  }

  /** Entries that cannot be told apart, or not be written; what there is of them stays. */
  #refused({ pass }: PartInputs, declared: readonly Entry[], problems: Verdict[]): ReadonlySet<Entry> {
    const { partition, accountId } = pass.connection.caller;
    const byEdge = new Map<string, Entry[]>();
    const refused = new Set<Entry>();
    for (const entry of declared) {
      const read = readReference(entry, { partition, accountId });
      // What names nothing here is told by its binding.
      const edge =
        read.kind === 'read' ? edgeKey(read.reference) : bindingName(pass.account.metadata.name, entry);
      byEdge.set(edge, [...(byEdge.get(edge) ?? []), entry]);
      if (holdsNull(entry.document ?? {})) {
        refused.add(entry);
        problems.push({
          reason: 'InvalidEntitlement',
          message: `the document of ${called(entry)} has a field without a value; write one, or take the field out`,
        });
      }
    }
    for (const entries of byEdge.values()) {
      const [first] = entries;
      if (first !== undefined && entries.length > 1) {
        for (const entry of entries) {
          refused.add(entry);
        }
        problems.push({
          reason: 'InvalidEntitlement',
          message:
            `spec.entitlements has one entitlement more than once: ${entries.map(called).join(' and ')}; ` +
            'leave one of them. Until then it stays as it is',
        });
      }
    }
    return refused;
  }

  /** Makes the binding of an entry, or holds it to the entry. */
  async #hold(
    account: AwsAccount,
    entry: Entry,
    problems: Verdict[],
    signal: AbortSignal,
  ): Promise<Standing> {
    const key = {
      namespace: account.metadata.namespace ?? '',
      name: bindingName(account.metadata.name, entry),
    };
    const binding = this.#options.bindings.get(key) ?? (await this.#create(account, entry, key, signal));
    if (binding === 'made') {
      return { kind: 'pending', why: 'on its way' };
    }
    if (binding === 'ending') {
      return { kind: 'pending', why: 'not made, since the namespace is being deleted' };
    }
    const { metadata, spec } = binding;
    const owner = owningAccount(binding);
    const ours = owner?.uid === account.metadata.uid;
    const earlier = owner !== undefined && !ours && owner.name === account.metadata.name;
    if (earlier || (ours && metadata.deletionTimestamp !== undefined)) {
      const whose = earlier ? ' of an earlier AwsAccount of this name' : '';
      return {
        kind: 'pending',
        why: `AwsEntitlementBinding "${key.name}"${whose} is on its way out, and is made anew`,
      };
    }
    // One without any owner is ours too where it says the same: a backup brings it back like that.
    const free =
      (metadata.ownerReferences ?? []).length === 0 && spec.accountRef?.name === account.metadata.name;
    if (!(ours || free) || !sameEntry(spec.entitlement, entry)) {
      problems.push({
        reason: 'EntitlementConflict',
        message:
          `AwsEntitlementBinding "${key.name}", which is to stand for ${called(entry)}, is there and is not this ` +
          "object's; it is left alone. Delete it",
      });
      return { kind: 'refused' };
    }
    const change = mergePatchBetween(spec, specOf(account, entry, spec));
    if (ours && change === undefined) {
      return standingOf(binding);
    }
    const { uid, resourceVersion } = metadata;
    const written = await this.#patch(
      binding,
      {
        metadata: {
          uid,
          resourceVersion,
          ...(ours ? {} : { ownerReferences: [ownerReferenceTo(account)] }),
        },
        ...(change === undefined ? {} : { spec: change }),
      },
      signal,
    );
    return written === undefined ? { kind: 'pending', why: 'it went just now' } : standingOf(written);
  }

  /** @returns what stands in the way, where something does that the cache does not show yet */
  async #create(
    account: AwsAccount,
    entry: Entry,
    key: ObjectKey,
    signal: AbortSignal,
  ): Promise<AwsEntitlementBinding | 'made' | 'ending'> {
    const { client, bindings } = this.#options;
    try {
      const made = await client.create<AwsEntitlementBinding>(
        awsEntitlementBindingType,
        {
          apiVersion: 'aws.idhub.io/v1alpha1',
          kind: 'AwsEntitlementBinding',
          metadata: { ...key, ownerReferences: [ownerReferenceTo(account)] },
          spec: specOf(account, entry),
        },
        { signal },
      );
      bindings.set(made);
      return 'made';
    } catch (error) {
      if (isNamespaceTerminating(error)) {
        return 'ending';
      }
      if (!isAlreadyExists(error)) {
        throw error;
      }
      const present = await client.get(awsEntitlementBindingType, key, { signal });
      bindings.set(present);
      return present;
    }
  }

  /** Undefined where it is gone. */
  async #patch(
    binding: AwsEntitlementBinding,
    patch: object,
    signal: AbortSignal,
  ): Promise<AwsEntitlementBinding | undefined> {
    const { client, bindings } = this.#options;
    try {
      const written = await client.mergePatch(awsEntitlementBindingType, keyOf(binding), patch, { signal });
      bindings.set(written);
      return written;
    } catch (error) {
      if (isNotFound(error)) {
        return undefined;
      }
      throw error;
    }
  }

  async #delete(binding: AwsEntitlementBinding, signal: AbortSignal): Promise<void> {
    const { uid } = binding.metadata;
    try {
      await this.#options.client.delete(awsEntitlementBindingType, keyOf(binding), {
        signal,
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      });
    } catch (error) {
      if (!isNotFound(error)) {
        throw error;
      }
    }
  }
}

function standingOf(binding: AwsEntitlementBinding): Standing {
  const ready = readyOf(binding);
  if (ready === undefined) {
    return { kind: 'pending', why: 'on its way' };
  }
  if (ready.status === 'True') {
    return { kind: 'ready' };
  }
  return { kind: ready.status === 'False' ? 'failed' : 'pending', why: `${ready.reason}: ${ready.message}` };
}

function called({ type, name, arn }: Entry): string {
  return `${type} ${name ?? arn ?? ''}`;
}

function describe(standing: Standing & { readonly entry: Entry }): string {
  return 'why' in standing ? `${called(standing.entry)} (${standing.why})` : called(standing.entry);
}

function listed(all: readonly string[]): string {
  const more = all.length - told;
  return `${all.slice(0, told).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
