import { setImmediate } from 'node:timers/promises';
import {
  entitlementRow,
  userRow,
  type Baseline,
  type EntitlementRow,
  type Resource,
  type UserRow,
} from './baseline.ts';
import { userOfInline, type EntitlementRecord } from './entitlement-record.ts';
import { fieldGroups, type FieldGroup, type UserRecord } from './record.ts';

/** One thing that a run reports. */
export interface Change {
  readonly resource: Resource;
  readonly change: 'Created' | 'Changed' | 'Deleted' | 'LeftFilter';
  /** IAM's unique id; of an inline policy its user's and its name. */
  readonly id: string;
  readonly name: string;
  /** The name before, of one that was renamed. */
  readonly before?: string;
  /** Field groups of a user that changed. */
  readonly what?: readonly string[];
  /** As it is now; none of one that is gone. */
  readonly record?: UserRecord | EntitlementRecord;
}

export interface Counts {
  readonly read: number;
  readonly created: number;
  readonly changed: number;
  readonly deleted: number;
  readonly unchanged: number;
  /** Nothing is said of them, and what was known of them stays. */
  readonly unknown: number;
  readonly left: number;
}

/** Nothing was compared. */
export const noCounts: Counts = {
  read: 0,
  created: 0,
  changed: 0,
  deleted: 0,
  unchanged: 0,
  unknown: 0,
  left: 0,
};

/** What was read of users, to be compared. */
export interface UsersRead {
  readonly records: readonly UserRecord[];
  /** Whether a user belongs to the scope. */
  readonly matches: (record: UserRecord) => 'yes' | 'no' | 'unknown';
  /**
   * Every user of the AWS account that there is, by unique id, where the listing was complete: who is known
   * and not in it is deleted.
   */
  readonly everybody: ReadonlySet<string> | undefined;
  /** Known users that are surely gone, where not everybody was listed. */
  readonly deleted: readonly string[];
  /** Who has changed perhaps, in what AWS does not allow to see. */
  readonly hidden: ReadonlyMap<string, unknown>;
  /** Of whom nothing can be said. */
  readonly unknown: readonly { readonly userId: string | undefined }[];
}

export interface EntitlementsRead {
  readonly records: readonly EntitlementRecord[];
  /** Whether it would be among `records` if it were there. */
  readonly covers: (row: EntitlementRow) => boolean;
}

export interface Difference<Row> {
  readonly changes: readonly Change[];
  readonly rows: ReadonlyMap<string, Row>;
  readonly counts: Counts;
}

/**
 * What somebody has is told as soon as it is known. The rest that was not known before is learnt, and has not
 * changed: else the first credential report would change everybody.
 */
const grants: ReadonlySet<FieldGroup> = new Set(['entitlements', 'state']);

/** Users compared between two turns of the event loop. */
const batch = 500;

/** Compares users with what was last reconciled of them. What is not known is no change. */
export async function diffUsers(before: Baseline['users'], read: UsersRead): Promise<Difference<UserRow>> {
  const rows = new Map(before);
  const changes: Change[] = [];
  const counts = { ...noCounts, read: read.records.length };
  const gone = (id: string): void => {
    const row = rows.get(id);
    if (row !== undefined) {
      rows.delete(id);
      counts.deleted += 1;
      changes.push({ resource: 'Account', change: 'Deleted', id, name: row.userName });
    }
  };
  const unknown = new Set(read.unknown.flatMap(({ userId }) => userId ?? []));
  // The deletions go first: a name that was made again is a deletion, then a creation.
  if (read.everybody !== undefined) {
    for (const id of before.keys()) {
      if (!read.everybody.has(id) && !unknown.has(id)) {
        gone(id);
      }
    }
  }
  read.deleted.forEach(gone);
  counts.unknown = read.unknown.length;
  for (const [index, record] of read.records.entries()) {
    if (index % batch === batch - 1) {
      await setImmediate();
    }
    const { userId: id, userName: name } = record;
    if (unknown.has(id)) {
      continue;
    }
    const row = rows.get(id);
    const matches = read.matches(record);
    if (matches === 'unknown') {
      counts.unknown += 1;
      continue;
    }
    if (matches === 'no') {
      if (row !== undefined) {
        rows.delete(id);
        counts.left += 1;
        changes.push({ resource: 'Account', change: 'LeftFilter', id, name, record: upToDate(record, row) });
      }
      continue;
    }
    const next = userRow(record, row);
    rows.set(id, next);
    if (row === undefined) {
      counts.created += 1;
      changes.push({ resource: 'Account', change: 'Created', id, name, record });
      continue;
    }
    const what = fieldGroups.filter(
      (group) =>
        row.hashes[group] !== next.hashes[group] && (row.hashes[group] !== undefined || grants.has(group)),
    );
    if (what.length === 0) {
      counts[read.hidden.has(id) ? 'unknown' : 'unchanged'] += 1;
      continue;
    }
    counts.changed += 1;
    changes.push({
      resource: 'Account',
      change: 'Changed',
      id,
      name,
      ...(row.userName === name ? {} : { before: row.userName }),
      what,
      record: upToDate(record, row),
    });
  }
  return { changes, rows, counts };
}

/** A record without credentials that are older than what is known of them: a credential report lags behind a live look. */
function upToDate(record: UserRecord, { credentialsAsOf }: UserRow): UserRecord {
  const { credentials } = record;
  return credentials === undefined || credentials.asOf >= (credentialsAsOf ?? -Infinity)
    ? record
    : { ...record, credentials: undefined };
}

/** Compares entitlements with what was last reconciled of them. Pure. */
export function diffEntitlements(
  before: Baseline['entitlements'],
  { records, covers }: EntitlementsRead,
): Difference<EntitlementRow> {
  const rows = new Map(before);
  const changes: Change[] = [];
  const counts = { ...noCounts, read: records.length };
  const there = new Set(records.map(({ id }) => id));
  for (const row of before.values()) {
    if (!there.has(row.id) && covers(row)) {
      rows.delete(row.id);
      counts.deleted += 1;
      changes.push({ resource: 'Entitlement', change: 'Deleted', id: row.id, name: row.name });
    }
  }
  for (const record of records) {
    const { id, displayName: name } = record;
    const row = rows.get(id);
    const next = entitlementRow(record);
    rows.set(id, next);
    if (row === undefined) {
      counts.created += 1;
      changes.push({ resource: 'Entitlement', change: 'Created', id, name, record });
    } else if (row.hash === next.hash) {
      counts.unchanged += 1;
    } else {
      counts.changed += 1;
      const renamed = row.name === name ? {} : { before: row.name };
      changes.push({ resource: 'Entitlement', change: 'Changed', id, name, ...renamed, record });
    }
  }
  return { changes, rows, counts };
}

/** Covers inline policies of these users alone. Pure. */
export function inlineOf(users: ReadonlySet<string>): (row: EntitlementRow) => boolean {
  return ({ id, type }) => type === 'InlinePolicy' && users.has(userOfInline(id));
}

export function addCounts(one: Counts, other: Counts): Counts {
  return {
    read: one.read + other.read,
    created: one.created + other.created,
    changed: one.changed + other.changed,
    deleted: one.deleted + other.deleted,
    unchanged: one.unchanged + other.unchanged,
    unknown: one.unknown + other.unknown,
    left: one.left + other.left,
  };
}
