import type {
  ApplyOptions,
  Declared,
  Memory,
  ObservedUser,
  Rules,
  Sighting,
} from '../../../src/account/index.ts';
import type { Snapshot } from '../../../src/reconciliation/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import type { UsableConnection } from '../connection/index.ts';
import type { Findings } from './status.ts';

/** One pass's view of an account, put together once. */
export interface Pass {
  readonly account: AwsAccount;
  readonly connection: UsableConnection;
  readonly snapshot: Snapshot;
  /** What AWS showed of a user in this pass; undefined where it was not asked. */
  readonly live: ObservedUser | undefined;
  readonly declared: Declared;
  readonly memory: Memory;
  readonly rules: Rules;
  readonly now: number;
  readonly signal: AbortSignal;
  /** The object asks for a live look (`reconcile-at`). */
  readonly forced: boolean;
  /** The user was made in this pass: it has no password, no key and no entitlement. */
  readonly made: boolean;
}

/** The users of the account that may be the one of this object. */
export function sight(snapshot: Snapshot, declared: Declared, memory: Memory, owner: string): Sighting {
  return {
    byId: memory.userId === undefined ? undefined : snapshot.byId(memory.userId),
    byName: snapshot.byName(declared.userName),
    byOwner: snapshot.byOwner(owner),
  };
}

/** What a pass found out, with what goes along with the user. */
export function findingsOf(
  pass: Pass,
  ready: Findings['ready'],
  synced: Findings['synced'],
  user: Findings['user'],
): Findings {
  const known = typeof user === 'object' ? user : undefined;
  return {
    ready,
    synced,
    user,
    connection: pass.connection,
    inherited:
      known === undefined || !pass.connection.settings.policyGroup ? [] : pass.snapshot.inheritedBy(known),
    audited: false,
    mended: [],
    parts: undefined,
  };
}

export function applyOptionsOf({
  account,
  connection,
  signal,
}: Pick<Pass, 'connection' | 'signal'> & Partial<Pick<Pass, 'account'>>): ApplyOptions {
  return {
    signal,
    ledger: connection.snapshots,
    partition: connection.caller.partition,
    disableWith: connection.settings.disableWith,
    // None keeps none usable: what a disable switched off stays off.
    accessKeys: connection.settings.enableProgrammaticAccess && account?.spec.programmatic?.access !== 'None',
  };
}

/** Nobody changed the declaration since the last pass that succeeded: what differs is drift. */
export function unchangedSince(account: AwsAccount): boolean {
  const synced = account.status?.conditions?.find((condition) => condition.type === 'Synced');
  return synced?.status === 'True' && synced.observedGeneration === account.metadata.generation;
}
