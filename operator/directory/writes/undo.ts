import { isDeepStrictEqual } from 'node:util';
import { decodeValue, type AccountSchema, type Tag } from '../../../src/schema/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import {
  isEnabled,
  memoryOf,
  mergePatchBetween,
  sameEntry,
  writeApplied,
} from '../../controllers/account/index.ts';
import { annotations } from '../../controllers/names.ts';
import { fingerprint, type Entry, type EntryChange, type FieldChange, type WriteNote } from './note.ts';

/** A part of a JSON merge patch (RFC 7386) of an AwsAccount: `null` takes a field away. */
export interface AccountPatch {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/**
 * What has AWS brought back to what it was: each field that is still as the write left it says what AWS had
 * before. What somebody else has changed since is theirs. Pure.
 */
export function backInAws(account: AwsAccount, note: WriteNote): AccountPatch {
  const fields = note.fields.filter((field) => !isOfObject(field) && isAsSet(account, field, field.set));
  return patchOf(
    account,
    fields.map((field) => [field, valueInAws(field)]),
    note.entries.flatMap((change) =>
      saysEntry(account, change, change.set) ? [[change, entryInAws(change)] as const] : [],
    ),
  );
}

/** Whether the object still says all that a write has put on it: else somebody else leads. Pure. */
export function isAsWritten(account: AwsAccount, { fields, entries, wants }: WriteNote): boolean {
  return (
    // Access is the spec and the annotation together.
    (wants.active === undefined || isEnabled(account) === wants.active) &&
    fields.every((field) => isOfObject(field) || isOfAccess(field) || isAsSet(account, field, field.set)) &&
    entries.every((change) => saysEntry(account, change, change.set))
  );
}

/** Whether the object says of the edge of a change what was written there, and not what somebody else has. Pure. */
export function saysEntry(account: AwsAccount, { set }: EntryChange, entry: Entry | null): boolean {
  const said = account.spec.entitlements?.find((each) => sameEntry(each, set));
  return said === undefined ? entry === null : entry !== null && isDeepStrictEqual(told(said), told(entry));
}

/** An entry with what it says by being silent. */
function told(entry: Entry): object {
  return { ...entry, state: entry.state ?? 'Present', onDelete: entry.onDelete ?? 'RevokeIfCreated' };
}

/**
 * What brings the object back to what it was, when AWS is: after `backInAws`. Tags that only stood on the object
 * to be put back are not ours to remove afterwards. Pure.
 */
export function backInObject(
  account: AwsAccount,
  note: WriteNote,
  aws: { readonly schema: AccountSchema; readonly tags: readonly Tag[] },
): AccountPatch {
  const fields = note.fields.filter(
    (field) => isOfObject(field) || isAsSet(account, field, printOf(valueInAws(field))),
  );
  const patch = withoutEmpty(
    account,
    patchOf(
      account,
      fields.map((field) => [field, field.was]),
      note.entries.flatMap((change) =>
        saysEntry(account, change, entryInAws(change)) ? [[change, change.was] as const] : [],
      ),
    ),
  );
  const tags = new Map(aws.tags.map((tag) => [tag.key, tag.value]));
  const lent = new Set(
    fields.flatMap(({ at, was, inAws = null }) => {
      const definition = at[1] === 'attributes' ? aws.schema.get(at[2] ?? '') : undefined;
      return was === null && inAws !== null && definition !== undefined
        ? (decodeValue(definition.tagKey, tags)?.keys ?? [])
        : [];
    }),
  );
  const { applied } = memoryOf(account);
  if (applied === undefined || lent.size === 0 || patch.annotations?.[annotations.applied] !== undefined) {
    return patch;
  }
  const kept = writeApplied({ ...applied, tags: applied.tags.filter((key) => !lent.has(key)) });
  return { ...patch, annotations: { ...patch.annotations, [annotations.applied]: kept } };
}

/**
 * What the object has to remember for AWS to be brought back: a name and the values of attributes that both sides
 * lead are only written where they are others than was written last, and what was refused in part may have been
 * written and not remembered. Undefined where that is nothing. Pure.
 */
export function memoryToUndo(
  account: AwsAccount,
  note: WriteNote,
  { schema, userName }: { readonly schema: AccountSchema; readonly userName: string },
): string | undefined {
  const { applied } = memoryOf(account);
  if (applied === undefined) {
    return undefined;
  }
  const renamed = note.fields.some(({ at }) => at[0] === 'spec' && at[1] === 'userName');
  const shared = new Set(
    note.fields.flatMap(({ at }) => {
      const [, field, name = ''] = at;
      return field === 'attributes' && schema.get(name)?.syncDirection === 'bi-directional' ? [name] : [];
    }),
  );
  const written = Object.fromEntries(Object.entries(applied.written).filter(([name]) => !shared.has(name)));
  const memory = writeApplied({ ...applied, written, ...(renamed ? { userName } : {}) });
  return memory === writeApplied(applied) ? undefined : memory;
}

/** The fields that a write has changed and that say again what AWS had before, after `backInAws`. Pure. */
export function fieldsBackInAws(account: AwsAccount, note: WriteNote): readonly FieldChange[] {
  return note.fields.filter(
    (field) =>
      !isOfObject(field) &&
      field.set !== printOf(valueInAws(field)) &&
      isAsSet(account, field, printOf(valueInAws(field))),
  );
}

/** One merge patch of fields. */
export function nested(fields: readonly (readonly [readonly string[], unknown])[]): AccountPatch {
  const patch: Record<string, unknown> = {};
  for (const [at, value] of fields) {
    let level = patch;
    for (const key of at.slice(0, -1)) {
      const inner = (level[key] ?? {}) as Record<string, unknown>;
      level[key] = inner;
      level = inner;
    }
    level[at.at(-1) ?? ''] = value;
  }
  return patch;
}

/** What an object says at a place; null where it says nothing. */
export function valueAt(account: AwsAccount, at: readonly string[]): unknown {
  const root: unknown = at[0] === 'annotations' ? account.metadata : account;
  return at.reduce((level, key) => (level as Record<string, unknown> | undefined)?.[key], root) ?? null;
}

/** The `fingerprint` of a value; null of none. */
export function printOf(value: unknown): string | null {
  return value === null || value === undefined ? null : fingerprint(value);
}

/** A list of entries with others in the place of those that say the same; null takes one out. */
export function withEntries(
  list: readonly Entry[],
  changes: readonly (readonly [Pick<EntryChange, 'set'>, Entry | null])[],
): readonly Entry[] {
  let after = list;
  for (const [{ set }, entry] of changes) {
    const index = after.findIndex((each) => sameEntry(each, set));
    const put = entry === null ? [] : [entry];
    after = index === -1 ? [...after, ...put] : after.toSpliced(index, 1, ...put);
  }
  return after;
}

/** The patch of the list; nothing where it stays. */
export function entriesPatch(list: readonly Entry[], after: readonly Entry[]): AccountPatch {
  return isDeepStrictEqual(list, after) ? {} : { spec: { entitlements: after.length === 0 ? null : after } };
}

export function merged(...patches: readonly AccountPatch[]): AccountPatch {
  const spec = Object.assign({}, ...patches.map((patch) => patch.spec)) as Record<string, unknown>;
  const notes = Object.assign({}, ...patches.map((patch) => patch.annotations)) as Record<
    string,
    string | null
  >;
  return {
    ...(Object.keys(spec).length === 0 ? {} : { spec }),
    ...(Object.keys(notes).length === 0 ? {} : { annotations: notes }),
  };
}

function patchOf(
  account: AwsAccount,
  fields: readonly (readonly [FieldChange, unknown])[],
  entries: readonly (readonly [EntryChange, Entry | null])[],
): AccountPatch {
  const list = account.spec.entitlements ?? [];
  return merged(
    nested(fields.map(([{ at }, value]) => [at, replacing(valueAt(account, at), value)])),
    entriesPatch(list, withEntries(list, entries)),
  );
}

/** A map that the last attribute goes from goes too. */
function withoutEmpty({ spec }: AwsAccount, patch: AccountPatch): AccountPatch {
  const change = patch.spec?.['attributes'];
  if (!isObject(change)) {
    return patch;
  }
  const after = Object.values({ ...spec.attributes, ...change } as Record<string, unknown>);
  return after.every((value) => value === null)
    ? { ...patch, spec: { ...patch.spec, attributes: null } }
    : patch;
}

/** In a merge patch an object is laid over the one that is there: what that has besides is to go. */
function replacing(now: unknown, value: unknown): unknown {
  return isObject(now) && isObject(value) ? (mergePatchBetween(now, value) ?? {}) : value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAsSet(account: AwsAccount, { at }: FieldChange, set: string | null): boolean {
  return printOf(valueAt(account, at)) === set;
}

/** The object only observed its user before. */
export function hasObserved({ fields }: WriteNote): boolean {
  return fields.some(({ at, was }) => at[1] === 'management' && was === 'Observe');
}

function isOfAccess({ at }: FieldChange): boolean {
  return at[0] === 'annotations' ? at[1] === annotations.disabledBy : at[1] === 'enabled';
}

/** What says whose the user is, and whether it is written: the last to go back. */
function isOfObject({ at }: FieldChange): boolean {
  const [root, name] = at;
  return root === 'annotations'
    ? name === annotations.applied || name === annotations.userId
    : name === 'management' || name === 'deletionPolicy';
}

/** What AWS had before a write. */
export function valueInAws({ was, inAws }: FieldChange): unknown {
  return inAws === undefined ? was : inAws;
}

/** Nobody kept the document of an inline policy that nobody declared: who takes it away cannot give it back. Pure. */
export function isLost({ set, was, had }: EntryChange): boolean {
  return set.type === 'InlinePolicy' && set.state === 'Absent' && had && was?.document === undefined;
}

/** The entry that gives back what was taken, and takes what was given. */
export function entryInAws({ set, was, had }: EntryChange): Entry | null {
  const { type, name, arn } = set;
  const named = { type, ...(name === undefined ? {} : { name }), ...(arn === undefined ? {} : { arn }) };
  if (!had) {
    return { ...named, state: 'Absent' };
  }
  return was ?? (isLost({ set, was, had }) ? null : { ...named, onDelete: 'Keep' });
}

/** The object after a plan, as the API server would make it. Pure. */
export function patched(account: AwsAccount, patch: AccountPatch): AwsAccount {
  return {
    ...account,
    metadata: {
      ...account.metadata,
      annotations: laidOver(account.metadata.annotations, patch.annotations) as Record<string, string>,
    },
    spec: laidOver(account.spec, patch.spec) as unknown as AwsAccount['spec'],
  };
}

function laidOver(
  target: Readonly<Record<string, unknown>> | object | undefined,
  patch: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  const result: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch ?? {})) {
    if (value === null) {
      delete result[key];
    } else if (typeof value === 'object' && !Array.isArray(value)) {
      result[key] = laidOver(result[key] as object | undefined, value as Record<string, unknown>);
    } else {
      result[key] = value;
    }
  }
  return result;
}
