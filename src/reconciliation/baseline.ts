import { hash } from 'node:crypto';
import { fold } from '../schema/index.ts';
import { holderOf, userOfInline, type EntitlementRecord } from './entitlement-record.ts';
import { fieldGroups, type FieldGroup, type UserRecord } from './record.ts';
import type { KnownUser, KnownUsers, TrailCursor } from './trail/index.ts';

/** What a user was when it was last reconciled: a hash a field group, none where that was never known. */
export interface UserRow {
  readonly userId: string;
  readonly userName: string;
  readonly hashes: Readonly<Partial<Record<FieldGroup, string>>>;
  /** How new what is known of its credentials is, milliseconds since the epoch by AWS's clock. */
  readonly credentialsAsOf: number | undefined;
}

/** What an entitlement was when it was last reconciled. */
export interface EntitlementRow {
  /** `EntitlementRecord.id`. */
  readonly id: string;
  readonly name: string;
  readonly type: EntitlementRecord['type'];
  readonly hash: string;
  /** Of an inline policy: the user whose it is, by the name it had. */
  readonly userName?: string;
}

export type Resource = 'Account' | 'Entitlement';

/** A run that was committed, so that it is not done twice. */
export interface CommittedRun<Summary> {
  readonly uid: string;
  readonly summary: Summary;
}

/** What was last reconciled of a scope of an AWS account. */
export interface Baseline<Summary = unknown> {
  /** Twelve digits. */
  readonly accountId: string;
  /** When the last run that was committed began, milliseconds since the epoch. */
  readonly takenAt: number;
  /** By unique id. */
  readonly users: ReadonlyMap<string, UserRow>;
  /** By id. */
  readonly entitlements: ReadonlyMap<string, EntitlementRow>;
  /** Up to where CloudTrail was followed, by what was reconciled. */
  readonly cursors: Readonly<Partial<Record<Resource, TrailCursor>>>;
  /** The newest last. */
  readonly committed: readonly CommittedRun<Summary>[];
}

/** A baseline as bytes. Each part is small enough for a Secret (1 MiB, Kubernetes API reference). */
export interface EncodedBaseline {
  readonly meta: string;
  readonly parts: readonly Buffer[];
}

/** A baseline that is not as it was written. Nothing may be concluded from it, least of all that nobody was known. */
export class SpoiltBaselineError extends Error {
  override readonly name = 'SpoiltBaselineError';
}

const partBytes = 700_000;
/** How many earlier runs are known to be done. */
const keptRuns = 20;
const format = 1;

export function withCommitted<Summary>(
  committed: readonly CommittedRun<Summary>[],
  run: CommittedRun<Summary>,
): readonly CommittedRun<Summary>[] {
  return [...committed.filter(({ uid }) => uid !== run.uid), run].slice(-keptRuns);
}

export function encodeBaseline(baseline: Baseline): EncodedBaseline {
  const { users, entitlements, ...rest } = baseline;
  const lines = [
    ...Array.from(users.values(), ({ userId, userName, hashes, credentialsAsOf }) =>
      JSON.stringify([
        'u',
        userId,
        userName,
        fieldGroups.map((group) => hashes[group] ?? 0),
        credentialsAsOf,
      ]),
    ),
    ...Array.from(entitlements.values(), ({ id, name, type, hash: of, userName }) =>
      JSON.stringify(['e', id, name, type, of, ...(userName === undefined ? [] : [userName])]),
    ),
  ];
  const parts: Buffer[] = [];
  let chunk: string[] = [];
  let size = 0;
  const flush = (): void => {
    if (chunk.length > 0) {
      parts.push(Buffer.from(chunk.join('\n')));
      chunk = [];
      size = 0;
    }
  };
  for (const line of lines) {
    const bytes = Buffer.byteLength(line) + 1;
    if (size + bytes > partBytes) {
      flush();
    }
    chunk.push(line);
    size += bytes;
  }
  flush();
  const meta = JSON.stringify({
    format,
    groups: fieldGroups,
    ...rest,
    users: users.size,
    entitlements: entitlements.size,
    digest: digestOf(parts),
  });
  return { meta, parts };
}

/** Uids of the runs that a baseline knows to be done, from its `meta` alone. @throws {SpoiltBaselineError} */
export function committedIn(text: string): readonly string[] {
  const meta = parsed(text) as Partial<Baseline> | null;
  if (!Array.isArray(meta?.committed)) {
    throw new SpoiltBaselineError('what was last reconciled is not as it was written');
  }
  return meta.committed.map(({ uid }) => uid);
}

/** @throws {SpoiltBaselineError} */
export function decodeBaseline<Summary>(encoded: EncodedBaseline): Baseline<Summary> {
  const meta = parsed(encoded.meta) as
    | (Omit<Baseline<Summary>, 'users' | 'entitlements'> & {
        readonly format: unknown;
        readonly groups: readonly FieldGroup[];
        readonly users: number;
        readonly entitlements: number;
        readonly digest: string;
      })
    | null;
  if (meta === null || meta.format !== format || meta.digest !== digestOf(encoded.parts)) {
    throw new SpoiltBaselineError('what was last reconciled is not as it was written');
  }
  const users = new Map<string, UserRow>();
  const entitlements = new Map<string, EntitlementRow>();
  for (const part of encoded.parts) {
    for (const line of part.toString('utf8').split('\n')) {
      const row = parsed(line) as readonly unknown[] | null;
      if (row?.[0] === 'u') {
        const [, userId, userName, hashes, asOf] = row as [
          string,
          string,
          string,
          (string | 0)[],
          number | null,
        ];
        const known = meta.groups.flatMap((group, index) => {
          const of = hashes[index];
          return typeof of === 'string' ? [[group, of] as const] : [];
        });
        users.set(userId, {
          userId,
          userName,
          hashes: Object.fromEntries(known),
          credentialsAsOf: asOf ?? undefined,
        });
      } else if (row?.[0] === 'e') {
        const [, id, name, type, of, userName] = row as [
          string,
          string,
          string,
          EntitlementRow['type'],
          string,
          string?,
        ];
        entitlements.set(id, {
          id,
          name,
          type,
          hash: of,
          ...(userName === undefined ? {} : { userName }),
        });
      }
    }
  }
  if (users.size !== meta.users || entitlements.size !== meta.entitlements) {
    throw new SpoiltBaselineError('what was last reconciled is not whole');
  }
  const { accountId, takenAt, cursors, committed } = meta;
  return { accountId, takenAt, cursors, committed, users, entitlements };
}

function digestOf(parts: readonly Buffer[]): string {
  return hash('sha256', parts.map((part) => hash('sha256', part, 'hex')).join(' '), 'hex');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new SpoiltBaselineError('what was last reconciled cannot be read');
  }
}

/**
 * The users of whom a baseline knows something, by unique id: those that were reconciled and, where entitlements
 * are as well, those who have inline policies.
 */
export function usersOf(
  baseline: Baseline | undefined,
  resources: readonly Resource[],
): ReadonlyMap<string, KnownUser> {
  if (baseline === undefined || !resources.includes('Entitlement')) {
    return baseline?.users ?? new Map<string, KnownUser>();
  }
  const users = new Map<string, KnownUser>(baseline.users);
  for (const { id, userName } of baseline.entitlements.values()) {
    const userId = userOfInline(id);
    if (userName !== undefined && !users.has(userId)) {
      users.set(userId, { userId, userName });
    }
  }
  return users;
}

/** Users, for who looks for single ones. */
export function knownUsers(users: ReadonlyMap<string, KnownUser>): KnownUsers {
  let names: Map<string, KnownUser> | undefined;
  return {
    size: users.size,
    byId: (userId) => users.get(userId),
    byName: (userName) => {
      names ??= new Map(Array.from(users.values(), (row) => [fold(row.userName), row]));
      return names.get(fold(userName));
    },
  };
}

/** The row of a user; what is not known now keeps what was known before. Pure. */
export function userRow(record: UserRecord, before: UserRow | undefined): UserRow {
  const known = hashesOf(record, before);
  const newer = known.credentials !== undefined;
  return {
    userId: record.userId,
    userName: record.userName,
    hashes: { ...before?.hashes, ...known },
    credentialsAsOf: newer ? record.credentials?.asOf : before?.credentialsAsOf,
  };
}

/** Only of what is known, and of credentials only where it is newer than what was known before. */
function hashesOf(record: UserRecord, before: UserRow | undefined): Partial<Record<FieldGroup, string>> {
  const { attributes, entitlements, credentials, lastActivity, active } = record;
  const hashes: Partial<Record<FieldGroup, string>> = {
    name: shortHash(record.userName),
    path: shortHash(record.path),
    attributes: shortHash(Object.entries(attributes).sort(byFirst)),
    boundary: shortHash(record.boundary),
  };
  if (active !== undefined) {
    hashes.state = shortHash(active);
  }
  if (entitlements !== undefined) {
    const told = entitlements.map(({ type, name, arn, inheritedFrom, fingerprint }) =>
      // The ARN of an inline policy has the user's name in it, which is told on its own.
      JSON.stringify([type, type === 'InlinePolicy' ? name : arn, inheritedFrom, fingerprint]),
    );
    hashes.entitlements = shortHash(told.sort());
  }
  if (credentials !== undefined && credentials.asOf > (before?.credentialsAsOf ?? -Infinity)) {
    // What both the credential report and a live look know.
    const keys = credentials.keys.map(({ active: on }) => Number(on)).sort((one, other) => one - other);
    hashes.credentials = shortHash([credentials.console, credentials.mfa, keys]);
  }
  if (lastActivity !== undefined) {
    hashes.activity = shortHash(lastActivity);
  }
  return hashes;
}

export function entitlementRow(record: EntitlementRecord): EntitlementRow {
  const { id, displayName, type, entitlementArn, usedAs, description } = record;
  const userName = holderOf(record);
  return {
    id,
    name: displayName,
    type,
    hash: shortHash([displayName, entitlementArn, usedAs, description]),
    ...(userName === undefined ? {} : { userName }),
  };
}

function byFirst([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** 72 bits of SHA-256: enough to tell one value from the one before, and nothing to read back. */
function shortHash(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'base64url').slice(0, 12);
}
