import { ownerTag, ownerValue, tagValue, type ObservedUser } from '../../../src/account/index.ts';
import type { WriteOutcome } from '../../../src/idhub/index.ts';
import { sameName } from '../../../src/schema/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import { memoryOf, owningAccount, ownerOf, standingOf } from '../../controllers/account/index.ts';
import { othersOnEdge } from '../../controllers/binding/index.ts';
import type { UsableConnection } from '../../controllers/connection/index.ts';
import { annotations, hasFinalizer } from '../../controllers/names.ts';
import { keyOf, keyString, type Informer } from '../../runtime/index.ts';
import type { WriteDeskOptions } from './desk.ts';
import type { EntryChange } from './note.ts';

/** Which object a user is written through. */
export type Holder =
  /** It stands for the user. */
  | { readonly kind: 'held'; readonly account: AwsAccount }
  /** It stood for the user, and is being deleted. */
  | { readonly kind: 'leaving'; readonly account: AwsAccount }
  /** It names the user and may not have it: nobody else steps between. */
  | { readonly kind: 'claimed'; readonly account: AwsAccount; readonly message: string }
  | { readonly kind: 'free' };

/** Of the objects of a connection, the one that a user is written through. Pure. */
export function holderOf(
  user: ObservedUser,
  accounts: readonly AwsAccount[],
  { connection, installation }: { readonly connection: UsableConnection; readonly installation: string },
): Holder {
  const owner = tagValue(user.tags, ownerTag);
  const near = accounts.filter(
    (account) =>
      account.metadata.annotations?.[annotations.userId] === user.userId ||
      sameName(account.spec.userName, user.userName) ||
      (owner !== undefined && ownerValue(ownerOf(account, installation)) === owner),
  );
  const held = near.filter((account) => {
    const standing = standingOf(account, connection, installation);
    return standing.kind === 'user' && standing.user.userId === user.userId;
  });
  const manages = ({ spec }: AwsAccount): boolean => spec.management !== 'Observe';
  const [first] = held.toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
  const leaving = near.find(
    (account) =>
      account.metadata.deletionTimestamp !== undefined &&
      hasFinalizer(account.metadata) &&
      manages(account) &&
      (memoryOf(account).userId ?? user.userId) === user.userId,
  );
  if (leaving !== undefined && (first === undefined || !manages(first))) {
    return { kind: 'leaving', account: leaving };
  }
  if (first !== undefined && manages(first)) {
    return { kind: 'held', account: first };
  }
  const claimed = near.find(
    (account) =>
      manages(account) &&
      account.metadata.deletionTimestamp === undefined &&
      sameName(account.spec.userName, user.userName),
  );
  if (claimed !== undefined) {
    const ready = claimed.status?.conditions?.find(({ type }) => type === 'Ready');
    const why = ready === undefined ? 'not looked at yet' : `${ready.reason}: ${ready.message}`;
    const message = `AwsAccount "${keyString(keyOf(claimed))}" names this user and does not stand for it (${why})`;
    return { kind: 'claimed', account: claimed, message };
  }
  return first === undefined ? { kind: 'free' } : { kind: 'held', account: first };
}

/** Who manages comes before who observes, then the oldest. */
function rank({ spec, metadata }: AwsAccount): string {
  return [spec.management === 'Observe' ? '1' : '0', metadata.creationTimestamp ?? '', metadata.name].join(
    ' ',
  );
}

/** After which time what an object has left behind is looked for again. */
const leftMs = 1_000;

/**
 * What bindings say against entries that are not the account's own and say the contrary: they would undo a change, or
 * keep it from being done. One whose own AwsAccount is gone is next to go (garbage collection), and is waited for.
 * Pure.
 */
export function contradiction(
  entries: readonly EntryChange[],
  user: Parameters<typeof othersOnEdge>[1],
  { accounts, bindings }: Pick<WriteDeskOptions, 'accounts' | 'bindings'>,
): WriteOutcome | undefined {
  const others = entries.flatMap(({ set }) =>
    othersOnEdge(bindings, user, set)
      .filter(({ spec }) => (spec.state ?? 'Present') !== (set.state ?? 'Present'))
      .map((other) => ({ set, other })),
  );
  const lasting = others.find(({ other }) => !isLeft(other, accounts));
  if (lasting !== undefined) {
    const { set, other } = lasting;
    const message =
      `AwsEntitlementBinding "${keyString(keyOf(other))}" says that ${set.type} ${set.name ?? set.arn ?? ''} is to be ` +
      `${other.spec.state ?? 'Present'}; change or delete that one`;
    return { kind: 'refused', refusal: { kind: 'conflict', message } };
  }
  const [left] = others;
  return left === undefined
    ? undefined
    : {
        kind: 'pending',
        retryAfterMs: leftMs,
        message: `AwsEntitlementBinding "${keyString(keyOf(left.other))}" goes with its AwsAccount; ask again, nothing is done before`,
      };
}

/** Its own account is not there any more. */
function isLeft(binding: AwsEntitlementBinding, accounts: Informer<AwsAccount>): boolean {
  const owner = owningAccount(binding);
  const { namespace = '' } = binding.metadata;
  return owner !== undefined && accounts.get({ namespace, name: owner.name })?.metadata.uid !== owner.uid;
}
