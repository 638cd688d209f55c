import type { ObservedUser } from '../../account/index.ts';
import { knownUsers, usersOf, type Resource } from '../baseline.ts';
import { fold } from '../../schema/index.ts';
import { IncompleteReadingError } from '../incomplete.ts';
import type { Snapshot } from '../picture.ts';
import {
  cursorAfterWhole,
  windowStart,
  type Fallback,
  type KnownUser,
  type KnownUsers,
  type LiveReading,
  type TrailCursor,
} from '../trail/index.ts';
import type { Facts, KnownBaseline, Mode, RunPorts, RunRequest } from './model.ts';

/** What was read for a run. */
export interface Reading {
  readonly facts: Facts;
  /** How it was read in the end. */
  readonly mode: Mode;
  readonly fallback: Omit<Fallback, 'kind'> | undefined;
  /** To be committed; undefined: it stays where it is. */
  readonly cursor: TrailCursor | undefined;
  /** What is told of groups and managed policies may have changed. */
  readonly catalogue: boolean;
  /** All of the scope was read. */
  readonly whole: boolean;
  /** `RunSummary.absent`. */
  readonly absent?: readonly string[];
}

/** Calls that one user costs, read live: the user twice, three lists of edges, three of credentials. */
const callsOfUser = 8;

/** Reads what a run is about, by the cheapest way that is sure. */
export async function readFor(
  request: RunRequest,
  ports: RunPorts,
  before: KnownBaseline | undefined,
  startedAt: number,
): Promise<Reading> {
  const { signal, users, mode } = request;
  const known = knownUsers(usersOf(before, request.resources));
  if (users !== undefined) {
    ports.progress('reading users', 0, users.length);
    const live = await ports.trail.readUsers({ names: users, known, signal });
    const groups = await groupsOf(live, request, ports);
    const reading = part(live, groups, { mode: 'Full', cursor: undefined, catalogue: false, whole: false });
    return { ...reading, absent: users.filter((name) => isAbsent(name, live, known)) };
  }
  if (mode === 'Incremental') {
    ports.progress('reading CloudTrail');
    const cursor = oldest(before, request.resources);
    const read = await ports.trail.read({ cursor, until: startedAt, known, signal });
    switch (read.kind) {
      case 'users': {
        const { cursor: next, catalogue } = read;
        return part(read, ports.latest(), { mode, cursor: next, catalogue, whole: false });
      }
      case 'whole': {
        const { snapshot, credentials, unknown, cursor: next, catalogue } = read;
        const whole = await wholeFacts(snapshot, request, ports, before);
        const facts: Facts = {
          ...whole,
          credentials: new Map([...whole.credentials, ...credentials]),
          denied: new Map([...whole.denied, ...(read.denied ?? [])]),
          unknown,
        };
        return { facts, mode, fallback: undefined, cursor: next, catalogue, whole: true };
      }
      case 'fallback': {
        const { kind: _kind, ...fallback } = read;
        const all = await readAll(request, ports, before, startedAt);
        // More than can be read: it goes on from here, and what the credential report has not yet comes with it.
        const next = fallback.reason === 'TooMuchBacklog' ? seenAll(startedAt) : all.cursor;
        return { ...all, cursor: next, fallback };
      }
    }
  }
  const under = await readUnder(request, ports, before, startedAt);
  return under ?? (await readAll(request, ports, before, startedAt));
}

/** Nothing was found out about anybody of that name, not even that it is gone. */
function isAbsent(name: string, { users, deleted, unknown }: LiveReading, known: KnownUsers): boolean {
  const last = known.byName(name)?.userId;
  return (
    !users.some(({ user }) => user.userId === last || fold(user.userName) === fold(name)) &&
    ![...deleted, ...unknown].some(
      ({ userId, userName }) => (last !== undefined && userId === last) || fold(userName) === fold(name),
    )
  );
}

async function readAll(
  request: RunRequest,
  ports: RunPorts,
  before: KnownBaseline | undefined,
  startedAt: number,
): Promise<Reading> {
  ports.progress('reading the account');
  const snapshot = await ports.readWhole(request.signal);
  return {
    facts: await wholeFacts(snapshot, request, ports, before),
    mode: 'Full',
    fallback: undefined,
    cursor: cursorAfter(snapshot, oldest(before, request.resources), startedAt),
    catalogue: true,
    whole: true,
  };
}

/**
 * The same, with the whole account read: where what was read of single users does not say whether they belong to
 * the scope. CloudTrail would not hint at them again.
 */
export async function widened(
  { facts, ...reading }: Reading,
  request: RunRequest,
  ports: RunPorts,
  before: KnownBaseline | undefined,
): Promise<Reading> {
  ports.progress('reading the account');
  const snapshot = await ports.readWhole(request.signal);
  const whole = await wholeFacts(snapshot, request, ports, before);
  const credentials = new Map([...facts.credentials, ...whole.credentials]);
  const denied = new Map([...facts.denied, ...whole.denied]);
  return { ...reading, whole: true, facts: { ...whole, credentials, denied } };
}

/**
 * A whole reading shows how things were when it began, but for credentials: these are as old as the credential
 * report, hours at times. Of these CloudTrail is followed from there, or from where it was followed to, so that
 * what the report does not have yet is not lost.
 */
function cursorAfter(snapshot: Snapshot, earlier: TrailCursor | undefined, startedAt: number): TrailCursor {
  const users = Array.from(snapshot.users(), ({ userId, createdAt }) => {
    return { createdAt, asOf: snapshot.credentials(userId)?.asOf };
  });
  const asOf = users.find((user) => user.asOf !== undefined)?.asOf;
  // The report has those who were renamed since under their old names: of them it tells nothing.
  const tellsOfAll =
    asOf !== undefined && users.every((user) => user.asOf !== undefined || user.createdAt >= asOf);
  const followed =
    earlier === undefined || earlier.at > startedAt
      ? undefined
      : Math.max(windowStart(earlier, startedAt), earlier.read?.credentials ?? -Infinity);
  if (followed !== undefined && (!tellsOfAll || followed > asOf)) {
    return cursorAfterWhole({ at: startedAt, credentials: followed }, earlier?.seen ?? []);
  }
  return cursorAfterWhole({ at: startedAt, credentials: Math.min(asOf ?? startedAt, startedAt) }, []);
}

/** The cursor of a run that has nothing to make up for. */
function seenAll(startedAt: number): TrailCursor {
  return cursorAfterWhole({ at: startedAt, credentials: startedAt }, []);
}

/**
 * Only those under a path, live, where that takes fewer calls than the whole account. Who is known and not
 * among them may be anywhere, or gone: then the whole account is read.
 */
async function readUnder(
  request: RunRequest,
  ports: RunPorts,
  before: KnownBaseline | undefined,
  startedAt: number,
): Promise<Reading | undefined> {
  const { filter, resources, signal } = request;
  const prefix = filter?.pathPrefix;
  const affordable = Math.floor((ports.wholeCalls() - 1) / callsOfUser);
  if (prefix === undefined || affordable < 1 || resources.includes('Entitlement')) {
    return undefined;
  }
  ports.progress('listing users under a path');
  const listed = await ports.listUnder(prefix, signal);
  const ids = new Set(listed.map(({ userId }) => userId));
  const known = usersOf(before, resources);
  const missing = Array.from(known.keys()).some((id) => !ids.has(id));
  if (missing || listed.length > affordable) {
    return undefined;
  }
  const names = listed.map(({ userName }) => userName);
  ports.progress('reading users', 0, names.length);
  const live = await ports.trail.readUsers({ names, known: knownUsers(known), signal });
  const groups = await groupsOf(live, request, ports);
  const whole = live.unknown.length === 0;
  const cursor = whole ? seenAll(startedAt) : undefined;
  return part(live, groups, { mode: 'Full', cursor, catalogue: false, whole });
}

/** The groups of users that were read live. One that the last reading does not have is read with the account. */
async function groupsOf(
  { users }: LiveReading,
  { signal }: RunRequest,
  ports: RunPorts,
): Promise<Facts['groups']> {
  const latest = ports.latest();
  const isNew = (name: string): boolean => latest?.group(name) === undefined;
  if (!users.some(({ user, edges }) => edges && user.groups.some(isNew))) {
    return latest;
  }
  ports.progress('reading groups');
  return ports.readWhole(signal);
}

function part(
  { users, deleted, unknown }: LiveReading,
  groups: Facts['groups'],
  rest: Pick<Reading, 'mode' | 'cursor' | 'catalogue' | 'whole'>,
): Reading {
  return {
    ...rest,
    fallback: undefined,
    facts: {
      users: users.map(({ user }) => user),
      snapshot: undefined,
      groups,
      credentials: credentialsIn(users),
      denied: deniedIn(users),
      withoutEdges: new Set(users.filter(({ edges }) => !edges).map(({ user }) => user.userId)),
      whole: false,
      deleted: deleted.map(({ userId }) => userId),
      unknown,
    },
  };
}

async function wholeFacts(
  snapshot: Snapshot,
  { released, resources, signal }: RunRequest,
  ports: RunPorts,
  before: KnownBaseline | undefined,
): Promise<Facts> {
  const users: readonly ObservedUser[] = [...snapshot.users()];
  const known = usersOf(before, resources);
  const expected = Array.from(known.keys()).filter((id) => !released.has(id));
  if (users.length === 0 && expected.length > 0) {
    throw new IncompleteReadingError(
      `AWS listed no user at all, and ${expected.length} are known: nothing is taken for deleted`,
    );
  }
  const found = await missedBy(users, ports, known, signal);
  return {
    users: [...users, ...found.map(({ user }) => user)],
    snapshot,
    groups: snapshot,
    credentials: credentialsIn(found),
    denied: deniedIn(found),
    withoutEdges: new Set(),
    whole: true,
    deleted: [],
    unknown: [],
  };
}

/**
 * Known users that a reading of several pages lacks although they are there: one that is renamed meanwhile may
 * be on none of them. Who is missing is looked for in a listing of its own before it counts as deleted.
 */
async function missedBy(
  users: readonly ObservedUser[],
  ports: RunPorts,
  known: ReadonlyMap<string, KnownUser>,
  signal: AbortSignal,
): Promise<LiveReading['users']> {
  const there = new Set(users.map(({ userId }) => userId));
  const missing = Array.from(known.keys()).filter((id) => !there.has(id));
  if (missing.length === 0) {
    return [];
  }
  ports.progress('looking for users that are missing', 0, missing.length);
  const listed = await ports.listUnder('/', signal);
  const names = new Map(listed.map(({ userId, userName }) => [userId, userName]));
  const again = missing.flatMap((id) => names.get(id) ?? []);
  if (again.length === 0) {
    return [];
  }
  const live = await ports.trail.readUsers({ names: again, known: knownUsers(known), signal });
  const found = live.users.filter(({ user }) => names.has(user.userId) && !there.has(user.userId));
  const settled = new Set([
    ...found.map(({ user }) => user.userId),
    ...live.deleted.map(({ userId }) => userId),
  ]);
  const open = missing.find((id) => names.has(id) && !settled.has(id));
  if (open !== undefined) {
    throw new IncompleteReadingError(
      `user ${names.get(open)} is in one listing and not in another: nothing is taken for deleted`,
    );
  }
  return found;
}

function deniedIn(users: LiveReading['users']): Facts['denied'] {
  return new Map(
    users.flatMap(({ user, denied }) => (denied === undefined ? [] : [[user.userId, denied] as const])),
  );
}

function credentialsIn(users: LiveReading['users']): Facts['credentials'] {
  return new Map(
    users.flatMap(({ user, credentials }) =>
      credentials === undefined ? [] : [[user.userId, credentials] as const],
    ),
  );
}

/** Where CloudTrail is to be followed from, for all that is reconciled. */
function oldest(before: KnownBaseline | undefined, resources: readonly Resource[]): TrailCursor | undefined {
  const cursors = resources.map((resource) => before?.cursors[resource]);
  return cursors.reduce((one, other) =>
    one === undefined || other === undefined ? undefined : one.at <= other.at ? one : other,
  );
}
