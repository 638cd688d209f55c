import { readUser, type CredentialFacts, type ObservedUser } from '../../account/index.ts';
import { isAwsError, type AwsApi, type CallOptions } from '../../aws/index.ts';
import type { Clock } from '../../ports.ts';
import { fold } from '../../schema/index.ts';
import { IncompleteReadingError } from '../incomplete.ts';
import { listUsers } from '../list-users.ts';
import type { Aspects } from './events.ts';
import type { UserHint } from './hints.ts';
import { faultOf, NotReadable, readAspects } from './live-user.ts';
import type { KnownUser, KnownUsers, LiveUser, UnknownUser } from './model.ts';
import { settleMs } from './window.ts';

export interface LiveOptions {
  readonly api: AwsApi;
  readonly clock: Pick<Clock, 'now'>;
  /** Items a page of the listing of all users, 1 to 1,000. */
  readonly pageSize: number;
  /** What a complete reading shows of a user. */
  readonly earlier: (userId: string) => ObservedUser | undefined;
}

/** Users that are read at once; the pacer of the connection lets fewer calls through. */
const atOnce = 8;

/** How hinted users are, and which hints could not be followed. */
export interface Followed {
  readonly users: readonly LiveUser[];
  readonly deleted: readonly KnownUser[];
  readonly unknown: readonly UnknownUser[];
  /** Hints that could not be followed because of a fault: the next run has to. */
  readonly held: ReadonlySet<UserHint>;
  /** Hints that were followed, and may lead further in the next run. */
  readonly again: ReadonlySet<UserHint>;
}

/** What was found under one name. */
type Sight =
  | { readonly kind: 'user'; readonly user: ObservedUser }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'failed'; readonly message: string };

/** Reads single users, live. Reads only. */
export class LiveUsers {
  readonly #options: LiveOptions;

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  /**
   * Finds out what is true of everybody who is hinted at. A name leads to whoever has it now; a known user
   * that no name leads to is searched by its id in a complete listing, and only who is not in there is
   * deleted. What a fault hides is unknown.
   * @throws {NotReadable} where AWS does not allow it
   * @throws {AwsError} where the credentials are refused
   * @throws {IncompleteReadingError} where the listing cannot be all there is
   */
  async follow(hints: readonly UserHint[], known: KnownUsers, signal: AbortSignal): Promise<Followed> {
    const names = [...new Set(hints.flatMap((hint) => namesOf(hint, known)))];
    const sights = new Map<string, Sight>();
    await eachOf(names, async (name) => {
      sights.set(name, await this.#look(name, signal));
    });
    const found = new Map<string, ObservedUser>();
    for (const sight of sights.values()) {
      if (sight.kind === 'user') {
        found.set(sight.user.userId, sight.user);
      }
    }
    const lost = new Map<string, KnownUser>();
    for (const user of hints.flatMap((hint) => subjects(hint, known))) {
      if (!found.has(user.userId) && sights.get(fold(user.userName))?.kind !== 'failed') {
        lost.set(user.userId, user);
      }
    }
    const listing = lost.size === 0 ? undefined : await this.#list([...found.values()], signal);
    await eachOf([...lost.values()], async (user) => {
      const name = listing?.get(user.userId);
      const sight = name === undefined ? undefined : await this.#look(name, signal);
      if (sight?.kind === 'user' && sight.user.userId === user.userId) {
        found.set(user.userId, sight.user);
        lost.delete(user.userId);
      }
    });
    return this.#conclude({ hints, known, sights, found, lost, listing, signal });
  }

  /** The credentials of users, as far as AWS allows to see them; those that changed their name meanwhile are left out. */
  async credentialsOf(
    users: readonly ObservedUser[],
    signal: AbortSignal,
  ): Promise<{
    readonly credentials: ReadonlyMap<string, CredentialFacts>;
    readonly failed: ReadonlyMap<string, string>;
    /** By unique id: why AWS does not allow to see them. */
    readonly denied: ReadonlyMap<string, string>;
  }> {
    const credentials = new Map<string, CredentialFacts>();
    const denied = new Map<string, string>();
    const failed = new Map<string, string>();
    await eachOf(users, async (user) => {
      try {
        const read = await this.#read(user, { edges: false, credentials: true }, signal);
        if (read.credentials !== undefined) {
          credentials.set(user.userId, read.credentials);
        }
        if (read.denied !== undefined) {
          denied.set(user.userId, read.denied);
        }
      } catch (error) {
        failed.set(user.userId, faultOf(error));
      }
    });
    return { credentials, failed, denied };
  }

  async #conclude(state: {
    readonly hints: readonly UserHint[];
    readonly known: KnownUsers;
    readonly sights: ReadonlyMap<string, Sight>;
    readonly found: ReadonlyMap<string, ObservedUser>;
    readonly lost: ReadonlyMap<string, KnownUser>;
    readonly listing: ReadonlyMap<string, string> | undefined;
    readonly signal: AbortSignal;
  }): Promise<Followed> {
    const { hints, known, sights, found, lost, listing, signal } = state;
    const users = new Map<string, LiveUser>();
    const deleted = new Map<string, KnownUser>();
    const unknown = new Map<string, UnknownUser>();
    const held = new Set<UserHint>();
    const doubt = (hint: UserHint, user: UnknownUser): void => {
      held.add(hint);
      unknown.set(user.userId ?? fold(user.userName), user);
    };
    for (const hint of hints) {
      for (const name of namesOf(hint, known)) {
        const sight = sights.get(name);
        if (sight?.kind === 'failed') {
          const { userId, userName = name } = known.byName(name) ?? {};
          doubt(hint, { userId, userName, message: sight.message });
        }
      }
      for (const user of subjects(hint, known)) {
        if (!lost.has(user.userId)) {
          continue;
        }
        if (listing?.has(user.userId) === true) {
          doubt(hint, { ...user, message: 'it is being renamed' });
        } else if (hint.deletes || this.#isSettled(hint)) {
          deleted.set(user.userId, user);
        } else {
          doubt(hint, { ...user, message: 'AWS does not show it yet, or not any more' });
        }
      }
    }
    const work = new Map<string, { user: ObservedUser; hints: UserHint[] }>();
    for (const hint of hints) {
      for (const user of reached(hint, known, sights, found)) {
        const entry = work.get(user.userId) ?? { user, hints: [] };
        entry.hints.push(hint);
        work.set(user.userId, entry);
      }
    }
    await eachOf([...work.values()], async ({ user, hints: own }) => {
      const isNew = known.byId(user.userId) === undefined;
      const wanted = {
        edges: isNew || own.some(({ aspects }) => aspects.edges),
        credentials: isNew || own.some(({ aspects }) => aspects.credentials),
      };
      try {
        users.set(user.userId, await this.#read(user, wanted, signal));
      } catch (error) {
        const { userId, userName } = user;
        own.forEach((hint) => doubt(hint, { userId, userName, message: faultOf(error) }));
      }
    });
    return {
      users: [...users.values()],
      deleted: [...deleted.values()].filter(({ userId }) => !unknown.has(userId)),
      unknown: [...unknown.values()],
      held,
      again: new Set(hints.filter((hint) => !this.#isSettled(hint) || isUnexplained(hint, known, sights))),
    };
  }

  /** Whether AWS shows by now what the events tell. Without events it is asked for by name, long after. */
  #isSettled({ events }: UserHint): boolean {
    const now = this.#now();
    return events.every(({ at }) => now - at >= settleMs);
  }

  /** AWS's time. */
  #now(): number {
    const { api, clock } = this.#options;
    return clock.now() + api.skewMs;
  }

  #read(user: ObservedUser, wanted: Aspects, signal: AbortSignal): Promise<LiveUser> {
    // What it shows may be as new as this, so that nothing older overrules it; where AWS did not show a change
    // yet, its event leads here once more.
    const asOf = this.#now();
    return readAspects(this.#options.api, user, { ...wanted, asOf }, background(signal));
  }

  async #look(name: string, signal: AbortSignal): Promise<Sight> {
    try {
      const seen = await readUser(this.#options.api, name, undefined, background(signal));
      return seen === undefined ? { kind: 'nobody' } : { kind: 'user', user: this.#withEarlier(seen) };
    } catch (error) {
      if (isAwsError(error, 'accessDenied')) {
        throw new NotReadable(error.message);
      }
      return { kind: 'failed', message: faultOf(error) };
    }
  }

  /** What `GetUser` does not carry, as it was at the last reading. */
  #withEarlier(seen: ObservedUser): ObservedUser {
    const before = this.#options.earlier(seen.userId);
    if (before === undefined) {
      return seen;
    }
    const { deny, groups, attachedPolicies, inlinePolicies } = before;
    return { ...seen, deny, groups, attachedPolicies, inlinePolicies };
  }

  /** The names of all users by their ids, to the last page. */
  async #list(seen: readonly ObservedUser[], signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const { api, pageSize } = this.#options;
    const listed = await listUsers(api, { ...background(signal), pageSize });
    const names = new Map(listed.map(({ userId, userName }) => [userId, userName]));
    const missing = seen.find(
      ({ userId, createdAt }) => !names.has(userId) && this.#now() - createdAt >= settleMs,
    );
    if (names.size === 0 || missing !== undefined) {
      throw new IncompleteReadingError(
        `ListUsers is not complete: ${missing === undefined ? 'it shows nobody' : `user ${missing.userName} is not in it`}`,
      );
    }
    return names;
  }
}

/** The names under which somebody is asked for: those of the events, and those that were last known. */
export function namesOf({ names, ids }: UserHint, known: KnownUsers): readonly string[] {
  const last = ids.flatMap((id) => known.byId(id) ?? []).map(({ userName }) => fold(userName));
  return [...new Set([...names, ...last])];
}

/** The known users that a hint may speak of. */
export function subjects({ names, ids }: UserHint, known: KnownUsers): readonly KnownUser[] {
  const found = [
    ...names.flatMap((name) => known.byName(name) ?? []),
    ...ids.flatMap((id) => known.byId(id) ?? []),
  ];
  return [...new Map(found.map((user) => [user.userId, user])).values()];
}

/** Whom a hint leads to. */
function reached(
  hint: UserHint,
  known: KnownUsers,
  sights: ReadonlyMap<string, Sight>,
  found: ReadonlyMap<string, ObservedUser>,
): readonly ObservedUser[] {
  const users = [
    ...namesOf(hint, known).flatMap((name) => {
      const sight = sights.get(name);
      return sight?.kind === 'user' ? [sight.user] : [];
    }),
    ...subjects(hint, known).flatMap(({ userId }) => found.get(userId) ?? []),
  ];
  return [...new Map(users.map((user) => [user.userId, user])).values()];
}

/**
 * Events speak of somebody whom nobody knows and who is not there, and no event says why: it was renamed
 * perhaps, and the event that tells to what is still to come.
 */
function isUnexplained(hint: UserHint, known: KnownUsers, sights: ReadonlyMap<string, Sight>): boolean {
  return (
    !hint.deletes &&
    subjects(hint, known).length === 0 &&
    namesOf(hint, known).every((name) => sights.get(name)?.kind === 'nobody')
  );
}

function background(signal: AbortSignal): CallOptions {
  return { signal, priority: 'background' };
}

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) {
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
