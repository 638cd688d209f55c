import { isObject, valuesOf, type Values } from '../path.ts';
import { maxValuesOf, tooMany } from '../read.ts';
import type { Attribute, JsonObject, JsonValue, ResourceType } from '../schema.ts';

/** One of several values that operations name. */
export interface Mention {
  readonly value: JsonObject;
  /** Whether it is to be there; what the last operation about it says. */
  readonly wanted: boolean;
  /** Names of the parts that are asked for; undefined: all of it. */
  readonly parts: ReadonlySet<string> | undefined;
  /** It is what a filter fits by its words, and none of the values that were there did. */
  readonly unmet: boolean;
}

/** What operations say of an attribute. */
export interface Asked {
  /** All of it: what is not wanted now is not to be there. */
  readonly whole: boolean;
  /** Of an attribute with one value: names of the parts that are asked for. */
  readonly parts: ReadonlySet<string>;
  /** Of one with several: those that are named, in the order of the last operation about each. */
  readonly mentions: readonly Mention[];
}

interface Asking {
  /** Counts what is said, so that an operation on all values need not go to each. */
  at: number;
  /** When all of it was asked for last. */
  wholeAt: number | undefined;
  readonly parts: Set<string>;
  readonly mentions: Map<string, Mention & { readonly at: number }>;
  given: number;
}

/** A resource as operations change it; the one that it was made of stays as it is. */
export class Draft {
  readonly #values: Map<string, JsonValue>;
  readonly #asking = new Map<string, Asking>();
  readonly #keys = new WeakMap<JsonObject, string>();

  constructor(resource: JsonObject, type: ResourceType) {
    this.#values = new Map(valuesOf(resource, type));
  }

  get values(): Values {
    return this.#values;
  }

  touched(name: string): boolean {
    return this.#asking.has(name);
  }

  get asked(): ReadonlyMap<string, Asked> {
    return new Map(
      [...this.#asking].map(([name, { mentions, parts, wholeAt }]) => [
        name,
        {
          whole: wholeAt !== undefined,
          parts: new Set(parts),
          mentions: [...mentions.values()].map(({ at, parts: some, unmet, value, wanted }) => ({
            value,
            wanted: wanted && at >= (wholeAt ?? 0),
            parts: some,
            unmet,
          })),
        },
      ]),
    );
  }

  value({ name }: Attribute): JsonValue | undefined {
    return this.#values.get(name);
  }

  list({ name }: Attribute): readonly JsonValue[] {
    const value = this.#values.get(name);
    return value === undefined ? [] : Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  }

  /** @param value `null`, and an empty list: it has none any more */
  set(attribute: Attribute, value: JsonValue): void {
    const { name } = attribute;
    this.#of(attribute);
    if (value === null || (Array.isArray(value) && value.length === 0)) {
      this.#values.delete(name);
    } else {
      this.#values.set(name, value);
    }
  }

  /** Remembers that all of it was asked for: what was named before is not wanted any more. */
  askWhole(attribute: Attribute): void {
    const asking = this.#of(attribute);
    asking.at += 1;
    asking.wholeAt = asking.at;
  }

  /** Remembers which parts of its one value were asked for. */
  askParts(attribute: Attribute, parts: readonly string[]): void {
    const asking = this.#of(attribute);
    parts.forEach((part) => asking.parts.add(part));
  }

  /** Remembers that these values were asked for, or asked away. */
  mention(
    attribute: Attribute,
    values: readonly JsonValue[],
    how: { readonly wanted: boolean; readonly parts?: readonly string[]; readonly unmet?: boolean },
  ): void {
    const asking = this.#of(attribute);
    const { wanted, parts, unmet = false } = how;
    asking.at += 1;
    for (const value of values) {
      if (isObject(value)) {
        const key = JSON.stringify([this.keyOf(attribute, value), typeIn(value)]);
        const before = asking.mentions.get(key);
        // The last that is said stands last.
        asking.mentions.delete(key);
        asking.mentions.set(key, {
          value,
          wanted,
          unmet,
          parts: parts === undefined ? undefined : joined(before, parts),
          at: asking.at,
        });
      }
    }
  }

  /**
   * Counts values that a client gives, in all operations.
   * @throws {ScimError} `tooMany`
   */
  count(attribute: Attribute, given: number): void {
    const asking = this.#of(attribute);
    asking.given += given;
    if (asking.given > maxValuesOf(attribute)) {
      throw tooMany(attribute);
    }
  }

  /** As `keyOf`, read once of each value. */
  keyOf(attribute: Attribute, value: JsonValue): string {
    if (!isObject(value)) {
      return keyIn(attribute, value);
    }
    const known = this.#keys.get(value) ?? keyIn(attribute, value);
    this.#keys.set(value, known);
    return known;
  }

  #of({ name }: Attribute): Asking {
    const asking = this.#asking.get(name) ?? {
      at: 0,
      wholeAt: undefined,
      parts: new Set(),
      mentions: new Map(),
      given: 0,
    };
    this.#asking.set(name, asking);
    return asking;
  }
}

function joined(before: Mention | undefined, parts: readonly string[]): ReadonlySet<string> | undefined {
  return before === undefined
    ? new Set(parts)
    : before.parts === undefined
      ? undefined
      : new Set([...before.parts, ...parts]);
}

/** What tells values of an attribute apart, as `Draft.keyOf` has it. */
export type KeyOf = (value: JsonValue) => string;

/**
 * What tells a value of an attribute from the others: its `value`, else all of it. Values with one key may still
 * differ in their type.
 */
function keyIn({ subAttributes, caseExact: own }: Attribute, value: JsonValue): string {
  const main = isObject(value) ? value['value'] : value;
  if (typeof main === 'string') {
    const part = subAttributes?.find(({ name }) => name === 'value');
    return (part?.caseExact ?? own) ? main : main.toLowerCase();
  }
  return isObject(value)
    ? JSON.stringify(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))
    : JSON.stringify(value);
}

/** In small letters; empty where it says none. */
function typeIn(value: JsonValue): string {
  const type = isObject(value) ? value['type'] : undefined;
  return typeof type === 'string' ? type.toLowerCase() : '';
}

/** By key, and of each by type. The last of one key and type is the one. */
function byKey(keyOf: KeyOf, values: readonly JsonValue[]): Map<string, Map<string, JsonValue>> {
  const found = new Map<string, Map<string, JsonValue>>();
  for (const value of values) {
    const key = keyOf(value);
    const same = found.get(key) ?? new Map<string, JsonValue>();
    found.set(key, same.set(typeIn(value), value));
  }
  return found;
}

/**
 * The type of one that is the same as a value of this type: two of one key are, unless both say of which type they
 * are, and it is another.
 */
function typeAmong(same: ReadonlyMap<string, JsonValue>, type: string): string | undefined {
  return [type, ''].find((each) => same.has(each)) ?? (type === '' ? same.keys().next().value : undefined);
}

/** The values with these among them; one that is there already takes what is said of it now. */
export function withValues(
  keyOf: KeyOf,
  values: readonly JsonValue[],
  added: readonly JsonValue[],
): readonly JsonValue[] {
  const adding = byKey(keyOf, added);
  const primary = added.some((value) => isObject(value) && value['primary'] === true);
  const kept = values.map((value) => {
    const same = adding.get(keyOf(value));
    const type = same === undefined ? undefined : typeAmong(same, typeIn(value));
    const match = type === undefined ? undefined : same?.get(type);
    if (type !== undefined && match !== undefined) {
      same?.delete(type);
      return isObject(match) && isObject(value) ? { ...value, ...match } : match;
    }
    // Of several values one is the primary one at most (RFC 7644, 3.5.2).
    return primary && isObject(value) && value['primary'] === true ? { ...value, primary: false } : value;
  });
  return [...kept, ...[...adding.values()].flatMap((same) => Array.from(same.values()))];
}

/** The values without these; those that are not there are no mistake. */
export function withoutValues(
  keyOf: KeyOf,
  values: readonly JsonValue[],
  removed: readonly JsonValue[],
): readonly JsonValue[] {
  const removing = byKey(keyOf, removed);
  return values.filter((value) => {
    const same = removing.get(keyOf(value));
    return same === undefined || typeAmong(same, typeIn(value)) === undefined;
  });
}
