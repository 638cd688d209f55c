/** How many users may be deleted at once. */
export const burstSize = 20;
/** Beyond that, one more each so many milliseconds. */
export const burstRefillMs = 30_000;

/** What a connection remembers of the deletions that were let go through it. */
export interface Burst {
  /** How many more could go at `at`, 0 to `burstSize`. */
  readonly tokens: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The last approval that was seen; undefined where there was none. */
  readonly approval: Approval | undefined;
  /**
   * Unique ids of the users that were let go, the oldest first: that they are missing in AWS is no surprise.
   * No unique id comes twice, so none has to be forgotten but for the room.
   */
  readonly released: readonly string[];
}

/** More than the users of most accounts, and 25 kB of the 256 kB that annotations have. */
const maxReleased = 1_000;

export interface Approval {
  /** What the annotation said: who approves. */
  readonly value: string;
  /** When this value was first seen, milliseconds since the epoch: what was deleted until then may go. */
  readonly at: number;
}

/** Nothing was deleted yet. */
export function freshBurst(now: number): Burst {
  return { tokens: burstSize, at: now, approval: undefined, released: [] };
}

/** How it stands at this time: whole tokens only, so that nothing is lost to rounding. Pure. */
export function burstAt(burst: Burst, now: number): Burst {
  // A clock that was set back gives nothing, and takes nothing away.
  const at = Math.min(burst.at, now);
  const grown = Math.floor((now - at) / burstRefillMs);
  return burst.tokens + grown >= burstSize
    ? { ...burst, tokens: burstSize, at: now }
    : { ...burst, tokens: burst.tokens + grown, at: at + grown * burstRefillMs };
}

/** With one deletion less to go; undefined where none may go now. Pure. */
export function takeOne(burst: Burst, now: number): Burst | undefined {
  const present = burstAt(burst, now);
  return present.tokens < 1 ? undefined : { ...present, tokens: present.tokens - 1 };
}

/** With the deletion of a user noted. Pure. */
export function withReleased(burst: Burst, userId: string | undefined): Burst {
  return userId === undefined || burst.released.includes(userId)
    ? burst
    : { ...burst, released: [...burst.released, userId].slice(-maxReleased) };
}

/** When the deletion that has so many before it may go, milliseconds since the epoch; not before `now`. Pure. */
export function goesAt(burst: Burst, ahead: number, now: number): number {
  const { tokens, at } = burstAt(burst, now);
  return tokens > ahead ? now : at + (ahead + 1 - tokens) * burstRefillMs;
}

export function writeBurst(burst: Burst): string {
  return JSON.stringify(burst);
}

/** Whether a text tells what was written, so that what it does not have was not there. Pure. */
export function isBurst(text: string | undefined): text is string {
  const { tokens, at } = parsed(text ?? '');
  return (
    typeof tokens === 'number' &&
    Number.isInteger(tokens) &&
    tokens >= 0 &&
    tokens <= burstSize &&
    typeof at === 'number'
  );
}

/** What was written. A text that somebody spoilt lets nobody go at once. */
export function readBurst(text: string | undefined, now: number): Burst {
  if (text === undefined) {
    return freshBurst(now);
  }
  const { tokens = 0, at = now, approval, released } = parsed(text);
  return {
    released: Array.isArray(released) ? released.filter((each) => typeof each === 'string') : [],
    ...(isBurst(text) ? { tokens, at } : { tokens: 0, at: now }),
    approval:
      typeof approval?.value === 'string' && typeof approval.at === 'number'
        ? { value: approval.value, at: approval.at }
        : undefined,
  };
}

interface Written {
  readonly tokens?: number;
  readonly at?: number;
  readonly approval?: Partial<Approval> | null;
  readonly released?: unknown;
}

function parsed(text: string): Written {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}
