import { isObject, valuesOf, type Values } from '../path.ts';
import type { Attribute, JsonObject, JsonValue, ResourceType } from '../schema.ts';

/** A resource as operations change it; the one that it was made of stays as it is. */
export class Draft {
  readonly #values: Map<string, JsonValue>;
  readonly #touched = new Set<string>();
  readonly #mentioned = new Map<string, Map<string, JsonObject>>();

  constructor(resource: JsonObject, type: ResourceType) {
    this.#values = new Map(valuesOf(resource, type));
  }

  get values(): Values {
    return this.#values;
  }

  get touched(): ReadonlySet<string> {
    return this.#touched;
  }

  get mentioned(): ReadonlyMap<string, readonly JsonObject[]> {
    return new Map([...this.#mentioned].map(([name, values]) => [name, [...values.values()]]));
  }

  value({ name }: Attribute): JsonValue | undefined {
    return this.#values.get(name);
  }

  list({ name }: Attribute): readonly JsonValue[] {
    const value = this.#values.get(name);
    return value === undefined ? [] : Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  }

  /** @param value `null`, and an empty list: it has none any more */
  set({ name }: Attribute, value: JsonValue): void {
    this.#touched.add(name);
    if (value === null || (Array.isArray(value) && value.length === 0)) {
      this.#values.delete(name);
    } else {
      this.#values.set(name, value);
    }
  }

  /** Remembers that these values were asked for, or asked away. */
  mention(attribute: Attribute, values: readonly JsonValue[]): void {
    const mentioned = this.#mentioned.get(attribute.name) ?? new Map<string, JsonObject>();
    const keyOf = keysOf(attribute);
    for (const value of values) {
      if (isObject(value)) {
        mentioned.set(keyOf(value), value);
      }
    }
    this.#mentioned.set(attribute.name, mentioned);
  }
}

/**
 * What tells a value of an attribute from the others: its `value`, else all of it. Values with one key may still
 * differ in their type.
 */
export function keysOf(attribute: Attribute): (value: JsonValue) => string {
  const part = attribute.subAttributes?.find(({ name }) => name === 'value');
  const { caseExact } = part ?? attribute;
  return (value) => {
    const main = isObject(value) ? value['value'] : value;
    if (typeof main === 'string') {
      return caseExact ? main : main.toLowerCase();
    }
    return isObject(value)
      ? JSON.stringify(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : JSON.stringify(value);
  };
}

/** Two of one `value` are the same, unless both say of which type they are, and it is another. */
function sameType(one: JsonValue, other: JsonValue): boolean {
  const [first, second] = [one, other].map((value) => (isObject(value) ? value['type'] : undefined));
  return (
    typeof first !== 'string' || typeof second !== 'string' || first.toLowerCase() === second.toLowerCase()
  );
}

function byKey(keyOf: (value: JsonValue) => string, values: readonly JsonValue[]): Map<string, JsonValue[]> {
  const found = new Map<string, JsonValue[]>();
  for (const value of values) {
    const key = keyOf(value);
    const same = found.get(key);
    if (same === undefined) {
      found.set(key, [value]);
    } else {
      same.push(value);
    }
  }
  return found;
}

/** The values with these among them; one that is there already takes what is said of it now. */
export function withValues(
  attribute: Attribute,
  values: readonly JsonValue[],
  added: readonly JsonValue[],
): readonly JsonValue[] {
  const keyOf = keysOf(attribute);
  const adding = byKey(keyOf, added);
  const primary = added.some((value) => isObject(value) && value['primary'] === true);
  const kept = values.map((value) => {
    const same = adding.get(keyOf(value)) ?? [];
    const match = same.find((each) => sameType(each, value));
    if (match !== undefined) {
      same.splice(same.indexOf(match), 1);
      return isObject(match) && isObject(value) ? { ...value, ...match } : match;
    }
    // Of several values one is the primary one at most (RFC 7644, 3.5.2).
    return primary && isObject(value) && value['primary'] === true ? { ...value, primary: false } : value;
  });
  const once = new Map<string, JsonValue>();
  for (const [key, each] of adding) {
    for (const value of each) {
      const type = isObject(value) && typeof value['type'] === 'string' ? value['type'].toLowerCase() : '';
      once.set(JSON.stringify([key, type]), value);
    }
  }
  return [...kept, ...once.values()];
}

/** The values without these; those that are not there are no mistake. */
export function withoutValues(
  attribute: Attribute,
  values: readonly JsonValue[],
  removed: readonly JsonValue[],
): readonly JsonValue[] {
  const keyOf = keysOf(attribute);
  const removing = byKey(keyOf, removed);
  return values.filter((value) => {
    const same = removing.get(keyOf(value)) ?? [];
    return !same.some((each) => sameType(each, value));
  });
}
