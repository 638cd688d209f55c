import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  matches,
  parseFilter,
  ScimError,
  targetOf,
  type Attribute,
  type Filter,
  type ListQuery,
  type Lookup,
  type Value,
} from '../../scim/index.ts';
import { DirectoryUnavailableError } from '../model.ts';
import type { Collection } from './collection.ts';

/** Which resources are asked for, and in which order. */
export type Selection = Pick<ListQuery, 'filter' | 'sortBy' | 'descending'>;

/** Resources that are looked at in one turn of the event loop. */
const perTurn = 200;

/** A resource of one of several collections. */
export interface Selected {
  readonly collection: Collection;
  readonly index: number;
}

/**
 * What fits, in order: without an order by type, then by id. A filter or an order may name what only some of the
 * types have (RFC 7644, 3.4.2.1): others do not fit, and have no value to be ordered by.
 * @throws {ScimError} `invalidFilter`; `invalidValue` for an order by what there is not
 * @throws {DirectoryUnavailableError} where what is not known decides: nobody gets a list that may be too short
 * @throws {unknown} the reason of the signal
 */
export async function select(
  collections: readonly Collection[],
  selection: Selection,
  signal?: AbortSignal,
): Promise<readonly Selected[]> {
  const fitting = await filtered(collections, selection.filter, signal);
  return selection.sortBy === undefined ? fitting : sorted(fitting, collections, selection);
}

async function filtered(
  collections: readonly Collection[],
  text: string | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly Selected[]> {
  if (text === undefined) {
    return collections.flatMap((collection) =>
      Array.from({ length: collection.size }, (_, index) => ({ collection, index })),
    );
  }
  const parsed = collections.map((collection) => ({
    collection,
    result: parseFilter(text, collection.language),
  }));
  const [first] = parsed;
  if (first?.result.kind === 'refused' && parsed.every(({ result }) => result.kind === 'refused')) {
    throw new ScimError('invalidFilter', `${first.result.message.replace(/^the/, 'The')}.`);
  }
  const fitting: Selected[] = [];
  for (const { collection, result } of parsed) {
    if (result.kind === 'filter') {
      await addFitting(fitting, collection, result.filter, signal);
    }
  }
  return fitting;
}

/** In turns: nothing else of the process waits for a filter of many conditions over many resources. */
async function addFitting(
  fitting: Selected[],
  collection: Collection,
  filter: Filter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const candidates = collection.candidates(filter);
  const count = candidates?.length ?? collection.size;
  for (let at = 0; at < count; at += 1) {
    if (at > 0 && at % perTurn === 0) {
      await nextTurn();
      signal?.throwIfAborted();
    }
    const index = candidates === undefined ? at : (candidates[at] ?? at);
    const match = matches(filter, readOnce(collection.lookup(index)));
    if (match === 'unknown') {
      throw new DirectoryUnavailableError(
        `Whether ${collection.nameOf(index)} fits the filter is not known now: what it asks for could not be read in AWS.`,
        { retryAfterMs: 60_000 },
      );
    }
    if (match === 'yes') {
      fitting.push({ collection, index });
    }
  }
}

/** However many conditions ask for an attribute. */
function readOnce(lookup: Lookup): Lookup {
  const known = new Map<string, ReturnType<Lookup>>();
  return (name) => {
    const values = known.get(name) ?? lookup(name);
    known.set(name, values);
    return values;
  };
}

function sorted(
  selected: readonly Selected[],
  collections: readonly Collection[],
  { sortBy = '', descending }: Selection,
): readonly Selected[] {
  const keys = new Map(
    collections.flatMap((collection): [Collection, (lookup: Lookup) => Key][] => {
      const key = keyOf(sortBy, collection);
      return key === undefined ? [] : [[collection, key]];
    }),
  );
  if (keys.size === 0) {
    throw new ScimError('invalidValue', `There is no attribute "${sortBy.slice(0, 80)}" to sort by.`);
  }
  const sign = descending ? -1 : 1;
  return selected
    .map((each) => ({ each, key: keys.get(each.collection)?.(each.collection.lookup(each.index)) }))
    .toSorted((one, other) => sign * compare(one.key, other.key))
    .map(({ each }) => each);
}

type Key = string | number | undefined;

/** What has no value is last in ascending order (RFC 7644, 3.4.2.3). */
function compare(one: Key, other: Key): number {
  if (one === undefined || other === undefined) {
    return one === other ? 0 : one === undefined ? 1 : -1;
  }
  return one === other ? 0 : one < other ? -1 : 1;
}

/** Undefined where the type has no such attribute, or none that anybody may see. */
function keyOf(sortBy: string, { type }: Collection): ((lookup: Lookup) => Key) | undefined {
  const target = targetOf(sortBy.trim(), type);
  if (target?.kind !== 'attribute' || target.attribute.returned === 'never') {
    return undefined;
  }
  const { attribute, sub } = target;
  const part = sub ?? attribute.subAttributes?.find(({ name }) => name === 'value');
  if (attribute.type === 'complex' && part === undefined) {
    return undefined;
  }
  return (lookup) => {
    const values = lookup(attribute.name);
    const [first] = values === 'unknown' ? [] : values;
    return first === undefined ? undefined : keyIn(first, part ?? attribute, part);
  };
}

function keyIn(value: Value, { caseExact }: Attribute, part: Attribute | undefined): Key {
  const simple = typeof value === 'object' ? (part === undefined ? undefined : value[part.name]) : value;
  if (typeof simple === 'string') {
    return caseExact ? simple : simple.toLowerCase();
  }
  return typeof simple === 'boolean' ? Number(simple) : simple;
}
