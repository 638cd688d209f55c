import type { ObservedUser } from '../../account/index.ts';
import type { AwsApi } from '../../aws/index.ts';
import type { Clock } from '../../ports.ts';
import { fold } from '../../schema/index.ts';
import type { Snapshot } from '../picture.ts';
import type { TrailEvent } from './events.ts';
import { gatherHints, mergeHints, spread, type UserHint } from './hints.ts';
import { NotReadable } from './live-user.ts';
import { LiveUsers, namesOf, subjects } from './live.ts';
import type {
  Fallback,
  IncrementalReader,
  IncrementalRequest,
  KnownUsers,
  LiveReading,
  PartialReading,
  TrailCursor,
  UnknownUser,
  WholeRead,
  WholeReading,
} from './model.ts';
import { fallback, isRead, overlapMs, readWindow, settleMs, unreadFrom } from './window.ts';

export interface TrailReaderOptions {
  readonly api: AwsApi;
  readonly clock: Pick<Clock, 'now'>;
  /** Where the connection looks for events, and where IAM's are. */
  readonly region: { readonly cloudTrail: string; readonly home: string };
  /** Items a page of a listing, 1 to 1,000. */
  readonly pageSize: number;
  /** It is told when somebody last signed in. */
  readonly passwordLastUsed: boolean;
  /** It is told what users inherit from their groups. */
  readonly policyGroup: boolean;
  /** The last complete reading of the account. */
  readonly snapshot: () => Snapshot | undefined;
  /** Reads the whole account: complete, begun after the call, or it throws. */
  readonly readWhole: (signal: AbortSignal) => Promise<Snapshot>;
  /** How many calls that takes. */
  readonly wholeCalls: () => number;
}

/** Ids that a cursor keeps. Of more events than that, some are looked at again, which changes nothing. */
const maxSeen = 1_000;

/**
 * Finds out what has changed since the last run by what CloudTrail tells. An event is a hint and nothing more:
 * it says whom to look at.
 */
export class TrailReader implements IncrementalReader {
  readonly #options: TrailReaderOptions;
  readonly #live: LiveUsers;

  constructor(options: TrailReaderOptions) {
    this.#options = options;
    const { api, clock, pageSize, snapshot } = options;
    this.#live = new LiveUsers({ api, clock, pageSize, earlier: (userId) => snapshot()?.byId(userId) });
  }

  async read(request: IncrementalRequest): Promise<Fallback | PartialReading | WholeReading> {
    const { cursor, until, known, signal } = request;
    const { api, region, passwordLastUsed: signIns } = this.#options;
    if (cursor === undefined) {
      return fallback('NoBaseline', 'nothing was reconciled yet');
    }
    if (region.cloudTrail !== region.home) {
      return fallback(
        'NotHomeRegion',
        `IAM's events are in ${region.home}, and settings.cloudTrailRegion is ${region.cloudTrail}`,
      );
    }
    const window = await readWindow(api, { cursor, until, signIns, signal });
    if (window.kind === 'fallback') {
      return window;
    }
    const seen = new Set(cursor.seen);
    const isNew = (event: TrailEvent): boolean => !seen.has(event.id) && !isRead(event, cursor.read);
    const fresh = window.events.filter(isNew);
    const { users: named, spreading } = gatherHints(window.events, isNew);
    const inherited = this.#spread(spreading);
    const hints = mergeHints([...named, ...(inherited ?? [])]);
    const common = {
      catalogue: fresh.some(({ catalogue }) => catalogue),
      trail: { pages: window.pages, events: fresh.length, hinted: hints.length },
    };
    const cursorAfter = (held: Iterable<UserHint>, again: Iterable<UserHint>): TrailCursor =>
      nextCursor({ until, events: window.events, held, again, read: cursor.read });
    const whole = async (): Promise<WholeReading> => {
      const { held, again, ...rest } = await this.#whole(hints, known, signal);
      return { kind: 'whole', ...rest, ...common, cursor: cursorAfter(held, again) };
    };
    if (inherited === undefined || this.#callsOf(hints, known) > this.#options.wholeCalls()) {
      return whole();
    }
    try {
      const { held, again, ...rest } = await this.#live.follow(hints, known, signal);
      if (rest.users.some(({ user, edges }) => edges && !this.#knowsGroups(user))) {
        return await whole();
      }
      return { kind: 'users', ...rest, ...common, cursor: cursorAfter(held, again) };
    } catch (error) {
      if (error instanceof NotReadable) {
        return whole();
      }
      throw error;
    }
  }

  async readUsers({
    names,
    known,
    signal,
  }: Parameters<IncrementalReader['readUsers']>[0]): Promise<LiveReading> {
    const hints = names.map((name): UserHint => ({
      names: [fold(name)],
      ids: [],
      aspects: { edges: true, credentials: true },
      deletes: false,
      creates: false,
      events: [],
    }));
    const { users, deleted, unknown } = await this.#live.follow(hints, known, signal);
    return { users, deleted, unknown };
  }

  /**
   * Those who have what was changed; undefined where only a whole reading can tell what they have now: a group
   * goes by another name, or what its members inherit is told as well.
   */
  #spread(events: readonly TrailEvent[]): readonly UserHint[] | undefined {
    if (events.length === 0) {
      return [];
    }
    const snapshot = this.#options.snapshot();
    if (snapshot === undefined) {
      return undefined;
    }
    const found: UserHint[] = [];
    for (const event of events) {
      const holders = spread(event, snapshot.users());
      if (event.groups.length > 0 && event.inherited && !this.#options.policyGroup) {
        continue;
      }
      if (event.groups.length > 0 && holders.length > 0) {
        return undefined;
      }
      found.push(...holders);
    }
    return found;
  }

  #knowsGroups({ groups }: ObservedUser): boolean {
    const snapshot = this.#options.snapshot();
    return groups.every((group) => snapshot?.group(group) !== undefined);
  }

  /** About how many calls it takes to follow hints, without those that a whole reading would not save. */
  #callsOf(hints: readonly UserHint[], known: KnownUsers): number {
    let calls = hints.some(({ deletes }) => deletes) ? Math.ceil(known.size / this.#options.pageSize) : 0;
    for (const hint of hints) {
      calls += namesOf(hint, known).length + (hint.aspects.edges || hint.creates ? 4 : 0);
    }
    return calls;
  }

  /** The whole account, and live what a reading of it does not show. */
  async #whole(hints: readonly UserHint[], known: KnownUsers, signal: AbortSignal) {
    const snapshot = await this.#options.readWhole(signal);
    const usersOf = (hint: UserHint): readonly ObservedUser[] => [
      ...namesOf(hint, known).flatMap((name) => snapshot.byName(name) ?? []),
      ...hint.ids.flatMap((id) => snapshot.byId(id) ?? []),
      // It may go by another name by now, and the event that says so is still to come.
      ...subjects(hint, known).flatMap(({ userId }) => snapshot.byId(userId) ?? []),
    ];
    // Who is known was told of with what its credentials were, and any change of these is an event of its own.
    const wanted = hints.filter(
      (hint) => hint.aspects.credentials || (hint.creates && subjects(hint, known).length === 0),
    );
    const users = new Map(wanted.flatMap(usersOf).map((user) => [user.userId, user]));
    const { credentials, failed, denied } = await this.#live.credentialsOf([...users.values()], signal);
    const unknown = [...failed].map(([userId, message]): UnknownUser => {
      return { userId, userName: users.get(userId)?.userName ?? '', message };
    });
    const held = wanted.filter((hint) => usersOf(hint).some(({ userId }) => failed.has(userId)));
    const now = this.#options.clock.now() + this.#options.api.skewMs;
    const isUnexplained = (hint: UserHint): boolean =>
      !hint.deletes && subjects(hint, known).length === 0 && usersOf(hint).length === 0;
    const again = hints.filter(
      (hint) => isUnexplained(hint) || hint.events.some(({ at }) => now - at < settleMs),
    );
    return { snapshot, credentials, denied, unknown, held, again };
  }
}

/**
 * The cursor to be committed. It stays before what could not be followed; what was followed and may lead
 * further is only not noted as seen, so that the overlap shows it again.
 */
function nextCursor(run: {
  readonly until: number;
  readonly events: readonly TrailEvent[];
  readonly held: Iterable<UserHint>;
  readonly again: Iterable<UserHint>;
  readonly read: WholeRead | undefined;
}): TrailCursor {
  const { until, events, read } = run;
  const held = [...run.held].flatMap((hint) => hint.events);
  const notSeen = new Set([...held, ...[...run.again].flatMap((hint) => hint.events)].map(({ id }) => id));
  const at = Math.min(until, ...held.map((event) => event.at + overlapMs));
  const from = Math.max(at - overlapMs, read === undefined ? -Infinity : unreadFrom(read));
  const seen = events
    .filter((event) => event.at >= from && !notSeen.has(event.id))
    .sort((one, other) => other.at - one.at)
    .slice(0, maxSeen)
    .map(({ id }) => id);
  return { at, from, seen, ...(read === undefined || read.at - settleMs <= from ? {} : { read }) };
}
