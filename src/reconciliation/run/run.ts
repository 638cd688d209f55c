import { setImmediate } from 'node:timers/promises';
import type { ObservedUser } from '../../account/index.ts';
import {
  decodeBaseline,
  encodeBaseline,
  withCommitted,
  type Baseline,
  type EntitlementRow,
  type Resource,
  type UserRow,
} from '../baseline.ts';
import { allowedDeletions, deletionToken, isBeyond, type Missing } from '../breaker.ts';
import {
  addCounts,
  diffEntitlements,
  diffUsers,
  inlineOf,
  noCounts,
  type Change,
  type Counts,
  type Difference,
  type EntitlementsRead,
} from '../diff.ts';
import { catalogueRecords, inlineRecords } from '../entitlement-record.ts';
import { userRecord, type RecordContext, type UserRecord } from '../record.ts';
import type { Facts, KnownBaseline, RunOutcome, RunPorts, RunRequest, RunSummary } from './model.ts';
import { readFor, widened, type Reading } from './read.ts';

/** How many changes a summary holds. */
const listed = 100;

/** What is compared to nothing. */
const nothing: Pick<Baseline, 'users' | 'entitlements'> = { users: new Map(), entitlements: new Map() };

/**
 * Reads, compares with what was last reconciled, judges what is missing, writes the report, and puts what was
 * found in the place of what was known, in this order. Broken off anywhere and begun again with the same `uid`, it
 * reports each change once: before the last step nothing counts, after it the run is known to be done.
 * @throws whatever keeps it from knowing everything: then nothing has changed
 */
export async function runReconciliation(request: RunRequest, ports: RunPorts): Promise<RunOutcome> {
  const { signal } = request;
  const startedAt = ports.now();
  const stored = await ports.baselines.load(signal);
  const before = stored === undefined ? undefined : decodeBaseline<RunSummary>(stored);
  const earlier = before?.committed.find(({ uid }) => uid === request.uid);
  if (earlier !== undefined) {
    return { kind: 'complete', summary: earlier.summary };
  }
  if (before !== undefined && before.accountId !== ports.accountId) {
    return { kind: 'otherAccount', expected: before.accountId };
  }
  const matches = (record: UserRecord) => request.filter?.matches(record) ?? 'yes';
  const first = await readFor(request, ports, before, startedAt);
  const some = await recordsOf(first.facts, ports);
  const vague =
    request.users === undefined &&
    first.facts.snapshot === undefined &&
    some.some((one) => isVague(one, matches(one), before));
  const reading = vague ? await widened(first, request, ports, before) : first;
  const records = vague ? await recordsOf(reading.facts, ports) : some;
  ports.progress('comparing');
  const known = before ?? nothing;
  const users = request.resources.includes('Account')
    ? await diffUsers(known.users, {
        records,
        matches,
        everybody: reading.facts.whole ? new Set(records.map(({ userId }) => userId)) : undefined,
        deleted: reading.facts.deleted,
        unknown: reading.facts.unknown,
        hidden: reading.facts.denied,
      })
    : undefined;
  const entitlements = request.resources.includes('Entitlement')
    ? diffEntitlements(known.entitlements, await entitlementsRead(request, ports, reading, records, known))
    : undefined;
  // Of what was never read as a whole, nothing can be missing.
  const isFirst = request.resources.some((resource) => before?.cursors[resource] === undefined);
  const changes = [...(users?.changes ?? []), ...(entitlements?.changes ?? [])];
  const counts = addCounts(users?.counts ?? noCounts, entitlements?.counts ?? noCounts);
  const summary = { ...summaryOf(reading, changes, counts), first: isFirst };

  const missing = surprising(known, users, entitlements, request, reading.whole);
  const token = deletionToken(ports.accountId, missing.deletions);
  const approved = missing.beyond && request.approval === token;
  if (missing.beyond && !approved) {
    const { deletions, allowed } = missing;
    return { kind: 'stopped', summary: { ...summary, changes: [], reported: 0 }, deletions, allowed, token };
  }
  const done: RunSummary = { ...summary, approved };
  await ports.writeReport(
    {
      header: {
        account: ports.accountId,
        mode: done.mode,
        dryRun: request.dryRun,
        startedAt: new Date(startedAt).toISOString(),
        counts: done.counts,
        changes: changes.length,
        ...(done.fallback === undefined ? {} : { fallback: done.fallback }),
      },
      lines: changes.map((change) => JSON.stringify(change)),
    },
    signal,
  );
  if (request.dryRun) {
    return { kind: 'complete', summary: done };
  }
  const next: KnownBaseline = {
    accountId: ports.accountId,
    takenAt: startedAt,
    users: users?.rows ?? known.users,
    entitlements: entitlements?.rows ?? known.entitlements,
    cursors: { ...before?.cursors, ...cursorsOf(reading, request.resources) },
    committed: withCommitted(shortened(before?.committed ?? []), { uid: request.uid, summary: done }),
  };
  await ports.baselines.commit(encodeBaseline(next), signal);
  return { kind: 'complete', summary: done };
}

/** Whether what was read of single users is not enough to say what is new of this one. */
function isVague(
  { userId, entitlements }: UserRecord,
  matches: 'yes' | 'no' | 'unknown',
  before: KnownBaseline | undefined,
): boolean {
  const isNew = before?.users.has(userId) !== true;
  return matches === 'unknown' || (matches === 'yes' && isNew && entitlements === undefined);
}

/** Of earlier runs their counts are enough. */
function shortened(committed: KnownBaseline['committed']): KnownBaseline['committed'] {
  return committed.map(({ uid, summary }) => ({ uid, summary: { ...summary, changes: [] } }));
}

/** Users turned into records between two turns of the event loop. */
const batch = 500;

async function recordsOf(facts: Facts, ports: RunPorts): Promise<readonly UserRecord[]> {
  const { context } = ports;
  const { snapshot, groups, credentials, withoutEdges } = facts;
  const newGroup = ({ groups: names }: ObservedUser): boolean =>
    names.some((name) => groups?.group(name) === undefined);
  // What a group that nobody has read gives its members is not known.
  const unread = new Set(facts.users.filter(newGroup).map(({ userId }) => userId));
  const seen: RecordContext = {
    schema: context.schema,
    policyGroup: context.policyGroup,
    group: (name) => groups?.group(name),
    credentials: (userId) => credentials.get(userId) ?? snapshot?.credentials(userId),
    // A live look does not tell when keys were last used, nor does a reading without the credential report.
    lastUse: (userId) =>
      context.lastActivity && snapshot?.unread.size === 0 ? snapshot.credentials(userId) : undefined,
    hasEdges: (userId) => !withoutEdges.has(userId) && !unread.has(userId),
  };
  const records: UserRecord[] = [];
  for (const user of facts.users) {
    records.push(userRecord(user, seen));
    if (records.length % batch === 0) {
      await setImmediate();
    }
  }
  return records;
}

/** What was read of entitlements. Inline policies are read with their users. */
async function entitlementsRead(
  { signal }: RunRequest,
  ports: RunPorts,
  { facts, catalogue }: Reading,
  records: readonly UserRecord[],
  known: Pick<Baseline, 'entitlements'>,
): Promise<EntitlementsRead> {
  const inline = records.flatMap((record) => inlineRecords(record) ?? []);
  const idsOf = (read: boolean): ReadonlySet<string> =>
    new Set(records.filter((each) => (each.entitlements !== undefined) === read).map(({ userId }) => userId));
  const ofRead = inlineOf(new Set([...idsOf(true), ...facts.deleted]));
  const ofUnread = inlineOf(idsOf(false));
  const coversInline = (row: EntitlementRow): boolean =>
    facts.whole ? row.type === 'InlinePolicy' && !ofUnread(row) : ofRead(row);
  if (!catalogue) {
    return { records: inline, covers: coversInline };
  }
  ports.progress('reading groups and policies');
  const first = await ports.readCatalogue(facts.snapshot, signal);
  const there = new Set(first.groups.map(({ groupId }) => groupId));
  const lacks = [...known.entitlements.values()].some(({ id, type }) => type === 'Group' && !there.has(id));
  // As with users: one that is renamed while a list is read may be on none of its pages.
  const { groups } = lacks ? await ports.readCatalogue(undefined, signal) : first;
  const both = new Map([...first.groups, ...groups].map((group) => [group.groupId, group]));
  const all = catalogueRecords({ groups: [...both.values()], policies: first.policies });
  return {
    records: [...all, ...inline],
    covers: (row) => row.type !== 'InlinePolicy' || coversInline(row),
  };
}

/** What is missing and was not let go from here. Inline policies are part of their user. */
function surprising(
  known: Pick<Baseline, 'users' | 'entitlements'>,
  users: Difference<UserRow> | undefined,
  entitlements: Difference<EntitlementRow> | undefined,
  { filter, limits, released, stopped }: RunRequest,
  whole: boolean,
): { readonly deletions: readonly Missing[]; readonly allowed: number; readonly beyond: boolean } {
  const accounts = deletedIn(users?.changes).filter(({ id }) => !released.has(id));
  const shared = [...known.entitlements.values()].filter(({ type }) => type !== 'InlinePolicy');
  const sharedIds = new Set(shared.map(({ id }) => id));
  const policies = deletedIn(entitlements?.changes).filter(({ id }) => sharedIds.has(id));
  const accountsBeyond = isBeyond({ missing: accounts, known: known.users.size, limits });
  const policiesBeyond = isBeyond({ missing: policies, known: shared.length, limits });
  const deletions = [...accounts, ...policies];
  // What was stopped as a whole does not go in small parts: only all of it, within the limit, is good for all.
  const held = whole ? filter !== undefined && stopped.others : stopped.own || stopped.others;
  return {
    deletions,
    allowed: held ? 0 : allowedDeletions(accountsBeyond ? known.users.size : shared.length, limits),
    beyond: accountsBeyond || policiesBeyond || (held && deletions.length > 0),
  };
}

function deletedIn(changes: readonly Change[] = []): readonly Missing[] {
  return changes.filter(({ change }) => change === 'Deleted').map(({ id, name }) => ({ id, name }));
}

function summaryOf(
  { absent = [], cursor, facts, fallback, mode, whole }: Reading,
  changes: readonly Change[],
  counts: Counts,
): Omit<RunSummary, 'first'> {
  return {
    mode,
    fallback,
    counts,
    changes: changes.slice(0, listed).map(({ record: _record, ...told }) => told),
    reported: changes.length,
    cursor: cursor?.at,
    whole,
    unread: unreadIn(facts, mode),
    absent,
    approved: false,
  };
}

/** An incremental run that reads the whole account reads the credentials that may have changed live. */
function unreadIn({ denied, snapshot }: Facts, mode: RunSummary['mode']): RunSummary['unread'] {
  const told = Array.from(denied.values(), (why) => ({ what: 'credentials' as const, why })).slice(0, 1);
  const unread = mode === 'Full' ? [...(snapshot?.unread ?? [])] : [];
  return [...told, ...unread.map(([what, why]) => ({ what, why }))];
}

function cursorsOf({ cursor }: Reading, resources: readonly Resource[]): Partial<KnownBaseline['cursors']> {
  return cursor === undefined ? {} : Object.fromEntries(resources.map((resource) => [resource, cursor]));
}
