import type { ObservedUser } from '../../account/index.ts';
import { knownUsers, type Resource } from '../baseline.ts';
import { IncompleteReadingError } from '../incomplete.ts';
import type { Snapshot } from '../picture.ts';
import type { Fallback, LiveReading, TrailCursor } from '../trail/index.ts';
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
  if (users !== undefined) {
    ports.progress('reading users', 0, users.length);
    const live = await ports.trail.readUsers({ names: users, known: knownUsers(before), signal });
    return part(live, { mode: 'Full', cursor: undefined, catalogue: false });
  }
  if (mode === 'Incremental') {
    ports.progress('reading CloudTrail');
    const cursor = oldest(before, request.resources);
    const read = await ports.trail.read({ cursor, until: startedAt, known: knownUsers(before), signal });
    switch (read.kind) {
      case 'users':
        return part(read, { mode, cursor: read.cursor, catalogue: read.catalogue });
      case 'whole': {
        const { snapshot, credentials, unknown, cursor: next, catalogue } = read;
        const facts = { ...wholeFacts(snapshot, before), credentials, unknown };
        return { facts, mode, fallback: undefined, cursor: next, catalogue };
      }
      case 'fallback': {
        const { kind: _kind, ...fallback } = read;
        return { ...(await readAll(request, ports, before, startedAt)), fallback };
      }
    }
  }
  return (await readUnder(request, ports, before)) ?? (await readAll(request, ports, before, startedAt));
}

async function readAll(
  { signal }: RunRequest,
  ports: RunPorts,
  before: KnownBaseline | undefined,
  startedAt: number,
): Promise<Reading> {
  ports.progress('reading the account');
  const snapshot = await ports.readWhole(signal);
  return {
    facts: wholeFacts(snapshot, before),
    mode: 'Full',
    fallback: undefined,
    cursor: { at: startedAt, seen: [] },
    catalogue: true,
  };
}

/**
 * Only those under a path, live, where that takes fewer calls than the whole account. Who is known and not
 * among them may be anywhere, or gone: then the whole account is read.
 */
async function readUnder(
  { filter, resources, signal }: RunRequest,
  ports: RunPorts,
  before: KnownBaseline | undefined,
): Promise<Reading | undefined> {
  const prefix = filter?.pathPrefix;
  const affordable = Math.floor((ports.wholeCalls() - 1) / callsOfUser);
  if (prefix === undefined || affordable < 1 || resources.includes('Entitlement')) {
    return undefined;
  }
  ports.progress('listing users under a path');
  const listed = await ports.listUnder(prefix, signal);
  const ids = new Set(listed.map(({ userId }) => userId));
  const missing = Array.from(before?.users.keys() ?? []).some((id) => !ids.has(id));
  if (missing || listed.length > affordable) {
    return undefined;
  }
  const names = listed.map(({ userName }) => userName);
  ports.progress('reading users', 0, names.length);
  const live = await ports.trail.readUsers({ names, known: knownUsers(before), signal });
  return part(live, { mode: 'Full', cursor: undefined, catalogue: false });
}

function part(
  { users, deleted, unknown }: LiveReading,
  rest: Pick<Reading, 'mode' | 'cursor' | 'catalogue'>,
): Reading {
  const credentials = users.flatMap(({ user, credentials: facts }) =>
    facts === undefined ? [] : [[user.userId, facts] as const],
  );
  return {
    ...rest,
    fallback: undefined,
    facts: {
      users: users.map(({ user }) => user),
      snapshot: undefined,
      credentials: new Map(credentials),
      withoutEdges: new Set(users.filter(({ edges }) => !edges).map(({ user }) => user.userId)),
      whole: false,
      deleted: deleted.map(({ userId }) => userId),
      unknown,
    },
  };
}

function wholeFacts(snapshot: Snapshot, before: KnownBaseline | undefined): Facts {
  const users: readonly ObservedUser[] = [...snapshot.users()];
  if (users.length === 0 && (before?.users.size ?? 0) > 0) {
    throw new IncompleteReadingError(
      `AWS listed no user at all, and ${before?.users.size} are known: nothing is taken for deleted`,
    );
  }
  return {
    users,
    snapshot,
    credentials: new Map(),
    withoutEdges: new Set(),
    whole: true,
    deleted: [],
    unknown: [],
  };
}

/** Where CloudTrail is to be followed from, for all that is reconciled. */
function oldest(before: KnownBaseline | undefined, resources: readonly Resource[]): TrailCursor | undefined {
  const cursors = resources.map((resource) => before?.cursors[resource]);
  return cursors.reduce((one, other) =>
    one === undefined || other === undefined ? undefined : one.at <= other.at ? one : other,
  );
}
