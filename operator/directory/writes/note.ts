import { createHash } from 'node:crypto';
import type { Refusal } from '../../../src/idhub/index.ts';
import { canonical } from '../../../src/canonical.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { annotations } from '../../controllers/names.ts';

export type Entry = NonNullable<AwsAccount['spec']['entitlements']>[number];
/** How an entry says what it is of. */
export type Named = Pick<Entry, 'type' | 'name' | 'arn'>;

/** What AWS has to show when a write is done. What is absent was not asked for. */
export interface Wants {
  readonly userName?: string;
  readonly path?: string;
  /** By name: the `fingerprint` of the value; null: it is not there. */
  readonly attributes?: Readonly<Record<string, string | null>>;
  readonly active?: boolean;
  readonly present?: readonly Named[];
  readonly absent?: readonly Named[];
}

/** One field of the object that a write has changed. */
export interface FieldChange {
  /** From the root of the object: `['spec', 'attributes', 'mail']`. */
  readonly at: readonly string[];
  /** The `fingerprint` of what was written; null where the field was taken out. */
  readonly set: string | null;
  /** What the object said before; null where it said nothing. */
  readonly was: unknown;
  /** What AWS had, where the object does not tell; null: nothing. */
  readonly inAws?: unknown;
}

/** One entry of `spec.entitlements` that a write has changed. */
export interface EntryChange {
  readonly set: Entry;
  /** The entry before; null where there was none. */
  readonly was: Entry | null;
  /** Whether the user had it before. */
  readonly had: boolean;
}

/** A password that is to be set when the rest of the write is done. */
export interface PasswordNote {
  /** The Secret that it lies in until then; null: one is to be generated. */
  readonly secret: string | null;
  /** The reset that it is. */
  readonly requestId: string;
  readonly resetRequired: boolean | null;
}

/**
 * A write that is not finished, as it stands on the object: enough to bring it to its end, or to take it
 * back, for a process that knows nothing else. Holds no secret.
 */
export interface WriteNote {
  /** The value of `aws.idhub.io/operation` that stands for it; each step adds to it. */
  readonly id: string;
  readonly kind: 'create' | 'change' | 'remove';
  readonly state:
    | 'open'
    /** All but the password is done. */
    | 'password'
    /** It was refused and is being taken back. */
    | 'undoing';
  /** Tells equal requests from others. */
  readonly key: string;
  /** When it was accepted, milliseconds since the epoch. */
  readonly at: number;
  /** Of the IAM user; null until one is made. */
  readonly userId: string | null;
  /** The object came with the write, and goes where it is taken back. */
  readonly made: boolean;
  readonly wants: Wants;
  readonly fields: readonly FieldChange[];
  readonly entries: readonly EntryChange[];
  /** Entries that come when all else is done: nobody could give back what they take away. */
  readonly later: readonly EntryChange[];
  readonly password: PasswordNote | null;
  readonly refusal: Refusal | null;
  /** The `printOfReady` of the account before the password was asked of AWS: what was wrong already. */
  readonly known?: string | null;
  /** When it was refused, milliseconds since the epoch. */
  readonly refusedAt: number | null;
}

/** A write that begins. */
export function newNote(
  note: Pick<WriteNote, 'id' | 'kind' | 'key' | 'at' | 'made' | 'userId'> &
    Partial<Pick<WriteNote, 'wants' | 'fields' | 'entries' | 'later'>> & {
      readonly password?: PasswordNote | undefined;
    },
): WriteNote {
  return {
    state: 'open',
    wants: {},
    fields: [],
    entries: [],
    later: [],
    refusal: null,
    refusedAt: null,
    ...note,
    password: note.password ?? null,
  };
}

/** What the object says of a write that is not finished; undefined where there is none, or none that can be read. */
export function noteOf({ metadata }: AwsAccount): WriteNote | undefined {
  const text = metadata.annotations?.[annotations.undo];
  if (text === undefined) {
    return undefined;
  }
  try {
    const note = JSON.parse(text) as Partial<WriteNote> | null;
    return note !== null && isNote(note) ? note : undefined;
  } catch {
    return undefined;
  }
}

export function writeNote(note: WriteNote): string {
  return JSON.stringify(note);
}

/** What `aws.idhub.io/operation` says in each state, so that the controller looks anew at each. */
export function operationOf({ id, state }: Pick<WriteNote, 'id' | 'state'>): string {
  return state === 'password' || state === 'undoing' ? `${id}/${state}` : id;
}

/** The id of the write that an object tells of last; undefined where nobody wrote it from here. */
export function lastWriteOf({ metadata }: AwsAccount): string | undefined {
  return metadata.annotations?.[annotations.operation]?.replace(/\/(password|undoing)$/, '');
}

/** What is wrong with an account. */
export function printOfReady({ status }: AwsAccount): string | null {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? null : fingerprint([ready.reason, ready.message]);
}

/** Of a value in a note, which need not hold all of it. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 24);
}

const states: ReadonlySet<unknown> = new Set(['open', 'password', 'undoing']);
const kinds: ReadonlySet<unknown> = new Set(['create', 'change', 'remove']);

function isNote(note: Partial<WriteNote>): note is WriteNote {
  const { id, kind, state, key, at, userId, made, wants, fields, entries, later, password, refusal } = note;
  return (
    typeof id === 'string' &&
    kinds.has(kind) &&
    states.has(state) &&
    typeof key === 'string' &&
    typeof at === 'number' &&
    (userId === null || typeof userId === 'string') &&
    typeof made === 'boolean' &&
    isObject(wants) &&
    Array.isArray(fields) &&
    fields.every((field: unknown) => has(field, 'at') && Array.isArray(field.at) && has(field, 'was')) &&
    Array.isArray(entries) &&
    Array.isArray(later) &&
    [...entries, ...later].every((entry: unknown) => has(entry, 'set') && isObject(entry.set)) &&
    (password === null || (isObject(password) && typeof password.requestId === 'string')) &&
    (refusal === null || (isObject(refusal) && typeof refusal.message === 'string'))
  );
}

function has<K extends string>(value: unknown, key: K): value is Readonly<Record<K, unknown>> {
  return isObject(value) && key in value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
