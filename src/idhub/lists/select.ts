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
 */
export function select(collections: readonly Collection[], selection: Selection): readonly Selected[] {
  const fitting = filtered(collections, selection.filter);
  return selection.sortBy === undefined ? fitting : sorted(fitting, collections, selection);
}

function filtered(collections: readonly Collection[], text: string | undefined): readonly Selected[] {
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
  return parsed.flatMap(({ collection, result }) =>
    result.kind === 'filter' ? fittingIn(collection, result.filter) : [],
  );
}

function fittingIn(collection: Collection, filter: Filter): readonly Selected[] {
  const fitting: Selected[] = [];
  const look = (index: number): void => {
    const match = matches(filter, collection.lookup(index));
    if (match === 'unknown') {
      throw new DirectoryUnavailableError(
        `Whether ${collection.nameOf(index)} fits the filter is not known now: what it asks for could not be read in AWS.`,
        { retryAfterMs: 60_000 },
      );
    }
    if (match === 'yes') {
      fitting.push({ collection, index });
    }
  };
  const candidates = collection.candidates(filter);
  if (candidates !== undefined) {
    candidates.forEach(look);
  } else {
    for (let index = 0; index < collection.size; index += 1) {
      look(index);
    }
  }
  return fitting;
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
