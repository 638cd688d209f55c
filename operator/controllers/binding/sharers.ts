import type { ObservedUser } from '../../../src/account/index.ts';
import {
  documentFingerprint,
  edgeKey,
  hasPath,
  readReference,
  type Place,
} from '../../../src/entitlement/index.ts';
import type { AwsAccount, AwsEntitlementBinding } from '../../api/v1alpha1/index.ts';
import {
  after,
  done,
  keyOf,
  keyString,
  type Informer,
  type ObjectKey,
  type Result,
} from '../../runtime/index.ts';
import { standingOf } from '../account/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import { firstClaim, type Claim } from './decide.ts';
import { accountKey, accountUserKey, namedUserKey, userIdKey } from './keys.ts';
import { memoryOf } from './memory.ts';
import type { EntitlementGuard } from './pass.ts';
import { givenPolicies } from './resolve.ts';

export interface SharersOptions {
  /** Indexed by `user` (`userKeys`). */
  readonly bindings: Informer<AwsEntitlementBinding>;
  /** Indexed by `user`, by connection and user name. */
  readonly accounts: Informer<AwsAccount>;
  /** Whether a binding of this namespace may use the connection: what it may not use, it does not hold. */
  readonly permits: (connection: ObjectKey, namespace: string) => boolean;
  readonly installation: string;
  readonly guard: EntitlementGuard;
}

/** One edge of one user. */
export interface SharedEdge extends Place {
  readonly connection: UsableConnection;
  readonly user: ObservedUser;
  /** As `edgeKey` gives it. */
  readonly edge: string;
  /** Of the group or policy, as far as it is known: who names it under another path does not mean it. */
  readonly arn: string | undefined;
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly awsNow: number;
}

export interface Sharing {
  /** The other that decides what happens to the edge, if there is one. */
  readonly first: Claim | undefined;
  /** That one's object, where it wants the edge: whose the edge is when this one goes. */
  readonly heir: AwsEntitlementBinding | undefined;
  /** Another one, also one that is on its way out, knows the edge to be made from here. */
  readonly created: boolean;
}

/** Timers beyond this are set anew. */
const longestMs = 86_400_000;

/** What a binding asks for at this time. */
export function wantsOf(binding: AwsEntitlementBinding, awsNow: number): 'Present' | 'Absent' | 'Expired' {
  const { state, expiresAt } = binding.spec;
  if (state === 'Absent') {
    return 'Absent';
  }
  if (expiresAt === undefined) {
    return 'Present';
  }
  // AWS tells its time to the second, so what is thought to be now goes back at times; what has expired has.
  const over = Date.parse(expiresAt) <= awsNow || memoryOf(binding)?.revoked === expiresAt;
  return over ? 'Expired' : 'Present';
}

/** Exactly when an edge is to go, by AWS's clock; nothing where that is not to come. */
export function untilExpiry({ spec }: AwsEntitlementBinding, awsNow: number): Result {
  const left = spec.state === 'Absent' ? Number.NaN : Date.parse(spec.expiresAt ?? '') - awsNow;
  return left > 0 ? after(Math.min(left, longestMs)) : done();
}

export function claimOf(binding: AwsEntitlementBinding, userId: string, awsNow: number): Claim {
  const { document } = binding.spec.entitlement;
  return {
    document: document === undefined ? undefined : documentFingerprint(JSON.stringify(document)),
    name: keyString(keyOf(binding)),
    createdAt: binding.metadata.creationTimestamp ?? '',
    noted: memoryOf(binding)?.userId === userId,
    wants: wantsOf(binding, awsNow),
  };
}

/** Finds the bindings that stand for one and the same edge. */
export class Sharers {
  readonly #options: SharersOptions;

  constructor(options: SharersOptions) {
    this.#options = options;
  }

  /** Others than `binding` on the edge. */
  of(binding: AwsEntitlementBinding, shared: SharedEdge): Sharing {
    const { connection, user, awsNow } = shared;
    const others = this.#others(binding, shared);
    const living = others
      .filter(
        ({ metadata }) =>
          metadata.deletionTimestamp === undefined &&
          this.#options.permits(connection.key, metadata.namespace ?? ''),
      )
      .filter((other) => !this.#leaves(other, shared) && !this.#isRefused(other, shared));
    const first = firstClaim(living.map((other) => claimOf(other, user.userId, awsNow)));
    return {
      first,
      heir:
        first?.wants === 'Present'
          ? living.find((other) => keyString(keyOf(other)) === first.name)
          : undefined,
      created: others.some((other) => {
        const memory = memoryOf(other);
        return memory?.origin === 'Created' && memory.userId === user.userId;
      }),
    };
  }

  #others(binding: AwsEntitlementBinding, shared: SharedEdge): readonly AwsEntitlementBinding[] {
    const { accounts, bindings } = this.#options;
    const { connection, user, accountId } = shared;
    const own = accountKey(binding);
    const named = namedUserKey(connection.key, user.userName);
    const managing = accounts.byIndex('user', named.slice(named.indexOf('/') + 1)).map(keyOf);
    const keys = new Set([
      userIdKey(accountId, user.userId),
      named,
      ...[...managing, ...(own === undefined ? [] : [own])].map(accountUserKey),
    ]);
    const found = new Map<string, AwsEntitlementBinding>();
    for (const key of keys) {
      for (const other of bindings.byIndex('user', key)) {
        if (
          other.metadata.uid !== binding.metadata.uid &&
          namesEdge(other, shared) &&
          this.#isOf(other, shared)
        ) {
          found.set(keyString(keyOf(other)), other);
        }
      }
    }
    return [...found.values()];
  }

  /** Whether a binding stands for this very user: an account that only names it, and has no claim to it, does not. */
  #isOf(binding: AwsEntitlementBinding, { connection, user, accountId }: SharedEdge): boolean {
    const { accounts, installation } = this.#options;
    const memory = memoryOf(binding);
    if (memory?.userId === user.userId && memory.account === accountId) {
      return true;
    }
    const key = accountKey(binding);
    if (key === undefined) {
      return memory === undefined;
    }
    const account = accounts.get(key);
    const standing = account === undefined ? undefined : standingOf(account, connection, installation);
    return standing?.kind === 'user' && standing.user.userId === user.userId;
  }

  /** Whether a rule of the connection forbids what a binding is to give: then it does nothing, and stands in nobody's way. */
  #isRefused(binding: AwsEntitlementBinding, { connection, user, arn, awsNow }: SharedEdge): boolean {
    const { entitlement } = binding.spec;
    const read = readReference(entitlement, connection.caller);
    if (wantsOf(binding, awsNow) !== 'Present' || read.kind === 'invalid') {
      return false;
    }
    const policies = givenPolicies({ connection, reference: read.reference }, arn);
    const document = entitlement.document === undefined ? undefined : JSON.stringify(entitlement.document);
    return this.#options.guard.refuses({ connection, user, gives: { policies, document } }) !== undefined;
  }

  /** Whether a binding only remembers this user, and its account stands for another one by now. */
  #leaves(binding: AwsEntitlementBinding, { connection, user }: SharedEdge): boolean {
    const { accounts, installation } = this.#options;
    const key = accountKey(binding);
    const account = key === undefined ? undefined : accounts.get(key);
    const standing = account === undefined ? undefined : standingOf(account, connection, installation);
    return standing?.kind === 'user' && standing.user.userId !== user.userId;
  }
}

function namesEdge({ spec }: AwsEntitlementBinding, shared: SharedEdge): boolean {
  const read = readReference(spec.entitlement, shared);
  return (
    read.kind === 'read' &&
    edgeKey(read.reference) === shared.edge &&
    (shared.arn === undefined || hasPath(read.reference, shared.arn))
  );
}
