import { fold } from '../../schema/index.ts';
import type { ObservedUser } from '../../account/index.ts';
import type { Aspects, TrailEvent } from './events.ts';

/** One user, by every name and id that events give it, and what of it may have changed. */
export interface UserHint {
  /** Folded. */
  readonly names: readonly string[];
  readonly ids: readonly string[];
  readonly aspects: Aspects;
  /** Somebody deleted it, or one of its name. */
  readonly deletes: boolean;
  readonly creates: boolean;
  readonly events: readonly TrailEvent[];
}

/** Everything that events hint at. */
export interface Hints {
  readonly users: readonly UserHint[];
  /** Events that change what the members of groups or the holders of policies have. */
  readonly spreading: readonly TrailEvent[];
}

/** Names and ids that belong together, whichever of them is asked for. */
class Families {
  readonly #parents = new Map<string, string>();

  root(of: string): string {
    let root = of;
    for (let up = this.#parents.get(root); up !== undefined; up = this.#parents.get(root)) {
      root = up;
    }
    if (root !== of) {
      this.#parents.set(of, root);
    }
    return root;
  }

  join(one: string, other: string): void {
    const [a, b] = [this.root(one), this.root(other)];
    if (a !== b) {
      this.#parents.set(a, b);
    }
  }
}

/**
 * Puts together what speaks of one user: an event gives a name, an id or both, and a rename two names.
 * Where a name belonged to two users one after the other, both are in one hint, and all of it is read of
 * both: events do not come in order, and may be missing still. Events that were dealt with before hint at
 * nothing any more, and still tell who is who.
 */
export function gatherHints(events: readonly TrailEvent[], isNew: (event: TrailEvent) => boolean): Hints {
  const families = new Families();
  const keysOf = ({ names, ids }: TrailEvent): readonly string[] => [
    ...names.map((name) => `name ${name}`),
    ...ids.map((id) => `id ${id}`),
  ];
  for (const event of events) {
    const [first, ...others] = keysOf(event);
    if (first !== undefined) {
      others.forEach((other) => families.join(first, other));
    }
  }
  const byFamily = new Map<string, TrailEvent[]>();
  for (const event of events) {
    const [first] = keysOf(event);
    if (first !== undefined) {
      const root = families.root(first);
      const family = byFamily.get(root) ?? [];
      family.push(event);
      byFamily.set(root, family);
    }
  }
  return {
    users: [...byFamily.values()].flatMap((family) => {
      const fresh = family.filter(isNew);
      return fresh.length === 0 ? [] : [hintOf(family, fresh)];
    }),
    spreading: events.filter(
      (event) => isNew(event) && (event.groups.length > 0 || event.policy !== undefined),
    ),
  };
}

function hintOf(family: readonly TrailEvent[], events: readonly TrailEvent[]): UserHint {
  return {
    names: [...new Set(family.flatMap(({ names }) => names))],
    ids: [...new Set(family.flatMap(({ ids }) => ids))],
    aspects: {
      edges: events.some(({ aspects }) => aspects.edges),
      credentials: events.some(({ aspects }) => aspects.credentials),
    },
    deletes: family.some(({ deletes }) => deletes),
    creates: events.some(({ creates }) => creates),
    events,
  };
}

/**
 * Who holds what an event changes: the members of a group, and those whom a policy is attached to, by the
 * last reading of the account. Who joined or left since is hinted at by an event of its own.
 */
export function spread(event: TrailEvent, users: Iterable<ObservedUser>): readonly UserHint[] {
  const found: UserHint[] = [];
  for (const user of users) {
    const holds =
      user.groups.some((group) => event.groups.includes(fold(group))) ||
      user.attachedPolicies.some(({ arn }) => arn === event.policy);
    if (holds) {
      found.push({
        names: [fold(user.userName)],
        ids: [user.userId],
        aspects: { edges: true, credentials: false },
        deletes: false,
        creates: false,
        events: [event],
      });
    }
  }
  return found;
}

/** Hints at the same users together. */
export function mergeHints(hints: readonly UserHint[]): readonly UserHint[] {
  const events = hints.flatMap(({ names, ids, aspects, deletes, creates, events: own }) =>
    own.map((event) => ({ ...event, names, ids, aspects, deletes, creates })),
  );
  return gatherHints(events, () => true).users;
}
