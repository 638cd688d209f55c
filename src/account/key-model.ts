/** An access key as AWS shows it. */
export interface LiveKey {
  readonly id: string;
  readonly active: boolean;
  /** Milliseconds since the epoch, of AWS's clock. */
  readonly createdAt: number;
}

/**
 * A key that turned up after a creation of ours broke off: most likely that one, whose secret nobody
 * has. `seen`: Active, and about to be switched off; `shut`: switched off by us; `idle`: was Inactive.
 */
export interface Stray {
  readonly id: string;
  readonly createdAt: number;
  /** When it was found. */
  readonly at: number;
  readonly state: 'seen' | 'shut' | 'idle';
}

/** What the object remembers of access keys. All times are of AWS's clock, in milliseconds. */
export interface KeyMemory {
  /** The past is not known: what is there now is the baseline. */
  readonly baseline?: true;
  /** `None` was brought about. */
  readonly none?: true;
  /** `None` is being brought about. */
  readonly revoking?: true;
  /** The current key stays Inactive after an enable, by `enableProgrammaticAccess`. */
  readonly off?: true;
  /** Keys were left alone for a while: what is remembered may be old. */
  readonly lapsed?: true;
  readonly current: { readonly id: string; readonly createdAt: number } | null;
  /** The Secret that the current key is published in. */
  readonly secret: string | null;
  /** The key before, which works until then. */
  readonly previous: { readonly id: string; readonly until: number } | null;
  /**
   * A key is being made: since when, and the ids that were there before. `until`, from the first look after
   * it broke off: until when AWS may not list it yet.
   */
  readonly intent: { readonly at: number; readonly known: readonly string[]; readonly until?: number } | null;
  readonly strays: readonly Stray[];
}

export const noKeys: KeyMemory = { current: null, secret: null, previous: null, intent: null, strays: [] };

/** Who made a key, by CloudTrail; `unknown` where it does not say yet. */
export type Maker = 'ours' | 'other' | 'unknown';

export interface KeyFacts {
  /** `Unmanaged`: only what was begun here is ended. `Leaving`: at once, since the object lets go of the user. */
  readonly access: 'Managed' | 'None' | 'Unmanaged' | 'Leaving';
  readonly rotateAfterMs: number | undefined;
  /** How long a key that was replaced still works. */
  readonly overlapMs: number;
  /** Undefined where nothing was ever remembered. */
  readonly memory: KeyMemory | undefined;
  /** The keys of the user, looked at in this pass; undefined: not looked at. */
  readonly live: readonly LiveKey[] | undefined;
  /** What was seen of them last, which may be old. */
  readonly lastSeen: readonly { readonly id: string; readonly active: boolean }[];
  /** Something says that a look is due. */
  readonly lookAnyway: boolean;
  /** The Secret that is declared. */
  readonly secretName: string;
  readonly secret:
    | { readonly kind: 'absent' }
    /** Of that name, and not this object's. */
    | { readonly kind: 'foreign' }
    | {
        readonly kind: 'ours';
        readonly accessKeyId: string | undefined;
        /** The secret of the key is there. */
        readonly whole: boolean;
        /** The name of the user and the AWS account are as they should be. */
        readonly labelled: boolean;
        /** No key is in it, and no password. */
        readonly bare: boolean;
      };
  /** What CloudTrail said of strays. */
  readonly makers: ReadonlyMap<string, Maker>;
  /** Strays of which CloudTrail may be asked now. */
  readonly askable: (id: string) => boolean;
  /** Whether a stray was used, by a credential report that is newer than it; undefined: nobody knows. */
  readonly used: (stray: Stray) => boolean | undefined;
  /** The keys that an enable under way leaves Inactive. */
  readonly leftOff: readonly string[];
  /** Milliseconds since the epoch, of AWS's clock. */
  readonly now: number;
}

export interface KeyProblem {
  readonly reason:
    'SecretConflict' | 'AccessKeyLimit' | 'AccessKeyInactive' | 'AccessKeysUnknown' | 'AccessKeyPending';
  readonly message: string;
}

/** The one next thing to do. `next` is what is remembered once it is done. */
export type KeyStep =
  | { readonly do: 'look' }
  | { readonly do: 'remember'; readonly memory: KeyMemory; readonly note?: string; readonly mended?: true }
  | { readonly do: 'make'; readonly why: string }
  | {
      readonly do: 'switch';
      readonly id: string;
      readonly to: 'Active' | 'Inactive';
      readonly next: KeyMemory;
      readonly note: string;
      readonly mended?: true;
    }
  | { readonly do: 'delete'; readonly id: string; readonly next: KeyMemory; readonly note: string }
  | { readonly do: 'ask'; readonly id: string }
  /** Everything in the Secret of that name goes to the declared one, and that Secret goes. */
  | { readonly do: 'move'; readonly from: string; readonly next: KeyMemory }
  | { readonly do: 'label' }
  /** The key is taken out of the Secret. */
  | { readonly do: 'unpublish' }
  | { readonly do: 'rest'; readonly problem?: KeyProblem; readonly afterMs: number | undefined };

/** Steps that go by the name of the user. */
export const goesByName: ReadonlySet<KeyStep['do']> = new Set(['look', 'make', 'switch', 'delete']);

/** What stands until somebody acts. */
export const standingReasons: ReadonlySet<KeyProblem['reason']> = new Set([
  'AccessKeyInactive',
  'AccessKeyLimit',
  'AccessKeysUnknown',
]);

export const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** How often CloudTrail is asked at most. */
const askAgainMs = 60_000;

/**
 * Milliseconds until CloudTrail is to be asked again who made a stray. It shows that some 15 minutes
 * later, and answers two calls a second for a whole AWS account: asked ever more seldom.
 */
export function askAfterMs(stray: Pick<Stray, 'at'>, now: number): number {
  return Math.min(hourMs, Math.max(askAgainMs, (now - stray.at) / 2));
}

/** What is remembered, without what is over when a key is made: that there was to be none, or nobody knew. */
export function settledMemory(memory: KeyMemory): KeyMemory {
  const { none: _none, revoking: _revoking, baseline: _baseline, lapsed: _lapsed, ...settled } = memory;
  return settled;
}

/** What is to be remembered of a key that takes the place of the current one. */
export function withKey(
  memory: KeyMemory,
  key: { readonly id: string; readonly createdAt: number },
  facts: Pick<KeyFacts, 'secretName' | 'overlapMs' | 'now'>,
): KeyMemory {
  const { current } = memory;
  return {
    current: { id: key.id, createdAt: key.createdAt },
    secret: memory.secret ?? facts.secretName,
    previous:
      current === null || current.id === key.id
        ? memory.previous
        : { id: current.id, until: facts.now + facts.overlapMs },
    intent: null,
    strays: memory.strays,
  };
}
