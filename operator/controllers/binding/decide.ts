import type { Origin } from './memory.ts';

/** What is known of one edge when a binding is looked at. */
export interface Situation {
  /** `Expired`: Present, and its time is over by AWS's clock. */
  readonly wants: 'Present' | 'Absent' | 'Expired';
  /** What the object remembers of this very user's edge. */
  readonly memory: { readonly origin: Origin | null; readonly revoked: string | null } | undefined;
  /** `different`: an inline policy of that name with another document, or one that was not read. */
  readonly edge: 'absent' | 'asDeclared' | 'different';
  /** The edges were read live in this pass. */
  readonly looked: boolean;
  /** The user was made from here a moment ago: it has no edge that was not made from here too. */
  readonly newlyOurs: boolean;
  readonly expiresAt: string | null;
  /** Another binding wants the edge to be there. */
  readonly shared: boolean;
  /** Another binding on the edge knows it to be made from here. */
  readonly sharedCreated: boolean;
}

export type Decision =
  /** The snapshot is not enough to write upon: read the edges live, then decide again. */
  | { readonly do: 'look' }
  /** All is as it should be; this is to be remembered. */
  | { readonly do: 'keep'; readonly origin: Origin | null; readonly revoked: string | null }
  | { readonly do: 'add'; readonly origin: Origin }
  /** An inline policy gets the declared document. */
  | { readonly do: 'rewrite'; readonly origin: Origin }
  | { readonly do: 'remove'; readonly revoked: string | null }
  /** Its time is over, and the edge stays for another binding. */
  | { readonly do: 'yield' };

/**
 * What to do about an edge. A write follows a live look, except on a user that was made from here a moment
 * ago; the origin of an edge is settled before the call that makes it. Pure.
 */
export function decide(situation: Situation): Decision {
  switch (situation.wants) {
    case 'Present':
      return present(situation);
    case 'Absent':
      return absent(situation);
    case 'Expired':
      return expired(situation);
  }
}

function present({ memory, edge, looked, newlyOurs, sharedCreated }: Situation): Decision {
  const found: Origin = sharedCreated ? 'Created' : 'PreExisting';
  const origin = memory?.origin ?? found;
  switch (edge) {
    case 'asDeclared':
      return { do: 'keep', origin, revoked: null };
    case 'different':
      return looked ? { do: 'rewrite', origin } : { do: 'look' };
    case 'absent': {
      const certain = looked || (newlyOurs && memory === undefined);
      return certain ? { do: 'add', origin: 'Created' } : { do: 'look' };
    }
  }
}

function absent({ memory, edge, looked, newlyOurs }: Situation): Decision {
  if (edge !== 'absent' || isHeld(memory)) {
    return { do: 'remove', revoked: null };
  }
  return memory !== undefined || looked || newlyOurs
    ? { do: 'keep', origin: null, revoked: null }
    : { do: 'look' };
}

/** Taken away once: who makes the edge again afterwards means it. */
function expired({ memory, edge, looked, newlyOurs, expiresAt, shared }: Situation): Decision {
  const kept = { do: 'keep', origin: null, revoked: expiresAt } as const;
  if (memory !== undefined && memory.revoked === expiresAt) {
    return kept;
  }
  if (shared) {
    return { do: 'yield' };
  }
  if (edge !== 'absent' || isHeld(memory)) {
    return { do: 'remove', revoked: expiresAt };
  }
  return looked || (newlyOurs && memory === undefined) ? kept : { do: 'look' };
}

/** AWS may not show yet what was made a moment ago, perhaps by a process before this one: the call tells. */
function isHeld(memory: Situation['memory']): boolean {
  return memory !== undefined && memory.origin !== null;
}

/** Of several bindings on one edge. */
export interface Claim {
  /** `namespace/name`. */
  readonly name: string;
  readonly createdAt: string;
  /** It has acted on the edge, as the object remembers: a backup brings that back, and not when it was made. */
  readonly noted: boolean;
  readonly wants: 'Present' | 'Absent' | 'Expired';
  /** What the document of an inline policy means. */
  readonly document: string | undefined;
}

/** The claim that counts, of those that still want something: one that has acted, the oldest, the first by name. Pure. */
export function firstClaim(claims: readonly Claim[]): Claim | undefined {
  const rank = ({ noted, createdAt, name }: Claim): string => `${noted ? 0 : 1} ${createdAt} ${name}`;
  return claims
    .filter(({ wants }) => wants !== 'Expired')
    .toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1))[0];
}

/** The claim that goes before another and does not agree with it. Pure. */
export function conflictOf(own: Claim, first: Claim | undefined): Claim | undefined {
  const agrees =
    first === undefined ||
    own.wants === 'Expired' ||
    (first.wants === own.wants && (own.wants === 'Absent' || first.document === own.document));
  return !agrees && firstClaim([first, own]) === first ? first : undefined;
}
