import { ownerTag, ownerValue, tagValue, type ObservedUser } from '../../src/account/index.ts';
import type { Snapshot } from '../../src/reconciliation/index.ts';
import type { AwsAccount } from '../api/v1alpha1/index.ts';
import { annotations } from '../controllers/names.ts';
import type { Standing } from './told.ts';

const nobody: Standing = { externalId: undefined, managed: false };

export interface StandingsOptions {
  /** Those of the connection. */
  readonly accounts: readonly AwsAccount[];
  readonly snapshot: Pick<Snapshot, 'byName' | 'byOwner'>;
  readonly installation: string;
}

interface Claim extends Standing {
  readonly account: AwsAccount;
  /** Its owner tag is on the user, or would be. */
  readonly owner: string;
}

/**
 * Which AwsAccount stands for which user: the one that remembers its unique id; until that is written, the one whose
 * owner tag it has; one that only observes may go by the name. Pure.
 */
export function standingsOf(options: StandingsOptions): (user: ObservedUser) => Standing {
  const claims = new Map<string, Claim[]>();
  for (const account of options.accounts) {
    const claim = claimOf(account, options);
    if (claim !== undefined) {
      const [id, made] = claim;
      const others = claims.get(id);
      if (others === undefined) {
        claims.set(id, [made]);
      } else {
        others.push(made);
      }
    }
  }
  return (user) => {
    const [first, ...rest] = claims.get(user.userId) ?? [];
    if (first === undefined) {
      return nobody;
    }
    return rest.length === 0 ? first : best([first, ...rest], user);
  };
}

function claimOf(
  account: AwsAccount,
  { installation, snapshot }: StandingsOptions,
): readonly [id: string, claim: Claim] | undefined {
  const { metadata, spec } = account;
  const owner = ownerValue({ installation, namespace: metadata.namespace ?? '', name: metadata.name });
  const managed = spec.management !== 'Observe';
  // Written empty before a user is made anew.
  const recorded = metadata.annotations?.[annotations.userId] || undefined;
  const id =
    recorded ??
    snapshot.byOwner(owner)?.userId ??
    (managed ? undefined : snapshot.byName(spec.userName)?.userId);
  return id === undefined
    ? undefined
    : [id, { account, owner, managed, externalId: metadata.annotations?.[annotations.externalId] }];
}

/** Who may write goes first, then whose tag the user has, then the oldest. */
function best(claims: readonly Claim[], { tags }: ObservedUser): Standing {
  const tag = tagValue(tags, ownerTag);
  const rank = ({ account: { metadata }, managed, owner }: Claim): string =>
    [
      managed ? '0' : '1',
      owner === tag ? '0' : '1',
      metadata.creationTimestamp ?? '',
      metadata.namespace,
      metadata.name,
    ].join(' ');
  return claims.toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1))[0] ?? nobody;
}
