import { matches, type Filter, type Value } from '../filter/index.ts';
import { filterValues } from '../language.ts';
import { isObject } from '../path.ts';
import type { Attribute, JsonObject, JsonValue } from '../schema.ts';
import type { KeyOf } from './draft.ts';

/** Those of the values of an attribute that fit a filter. */
export function chosen(
  attribute: Attribute,
  values: readonly JsonValue[],
  filter: Filter,
  keyOf: KeyOf,
): ReadonlySet<JsonValue> {
  const equal = equalities(filter);
  if (equal !== undefined && Object.keys(equal).length === 1 && typeof equal['value'] === 'string') {
    // The one value that is meant, in a list that may be long.
    const key = keyOf(equal);
    return new Set(values.filter((value) => keyOf(value) === key));
  }
  return new Set(
    values.filter((value) => {
      const [parts] = filterValues(attribute, value);
      return parts !== undefined && matches(filter, (name) => partOf(parts, name)) === 'yes';
    }),
  );
}

function partOf(parts: Value, name: string): readonly Value[] {
  const part = typeof parts === 'object' && Object.hasOwn(parts, name) ? parts[name] : undefined;
  return part === undefined ? [] : [part];
}

/** What a value has for sure that fits, by the names of its parts; undefined where that cannot be said. */
export function equalities(filter: Filter): JsonObject | undefined {
  switch (filter.kind) {
    case 'compare': {
      const { path, operator, operand } = filter;
      // A time was read into a number, and is not what somebody wrote any more.
      return operator !== 'eq' || operand === null || path.attribute.type === 'dateTime'
        ? undefined
        : { [path.attribute.name]: operand };
    }
    case 'and': {
      const each = filter.filters.map(equalities);
      const all = each.flatMap((one) => (one === undefined ? [] : Object.entries(one)));
      const names = new Set(all.map(([name]) => name));
      return each.includes(undefined) || names.size < all.length ? undefined : Object.fromEntries(all);
    }
    case 'or':
    case 'not':
    case 'present':
    case 'some':
      return undefined;
  }
}

/** What is left of a value without one of its parts; undefined where that is nothing that can stand alone. */
export function withoutPart(
  attribute: Attribute,
  value: JsonValue,
  { name }: Attribute,
): JsonObject | undefined {
  const rest = Object.entries(isObject(value) ? value : {}).filter(([part]) => part !== name);
  const main = attribute.multiValued && attribute.subAttributes?.some((sub) => sub.name === 'value') === true;
  return rest.length === 0 || (main && name === 'value') ? undefined : Object.fromEntries(rest);
}
