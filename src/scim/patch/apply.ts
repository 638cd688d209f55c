import { ScimError } from '../error.ts';
import type { Filter, FilterLanguage } from '../filter/index.ts';
import { filterLanguage } from '../language.ts';
import { isObject, named, type Values } from '../path.ts';
import { readValue } from '../read.ts';
import { short } from '../short.ts';
import { schemasOf, type Attribute, type JsonObject, type JsonValue, type ResourceType } from '../schema.ts';
import { chosen, equalities, withoutPart } from './choose.ts';
import { Draft, withoutValues, withValues, type Asked, type KeyOf } from './draft.ts';
import { placeOf, readOperations, type Op, type Place } from './parse.ts';

/** ARNs have some hundred characters. */
const maxPath = 1_024;

export interface PatchOptions {
  readonly type: ResourceType;
  /** As it is now; stays as it is. */
  readonly resource: JsonObject;
  /** Of the request. */
  readonly body: unknown;
  /** Attributes that only the service writes, and that no value says otherwise without a mistake. */
  readonly fixed?: readonly string[];
  /** Attributes with several values that are not emptied by a `remove` which names none of them. */
  readonly guarded?: readonly string[];
  /**
   * What the standard has and this type has not, `name` or `name.part` in small letters: operations on it are passed
   * over, as such attributes of a body are. Clients send them unasked, with others that matter.
   */
  readonly ignored?: ReadonlySet<string>;
}

/** What a PATCH makes of a resource. */
export interface PatchedResource {
  /** All values afterwards, also those that were not touched. */
  readonly values: Values;
  /**
   * What operations are about, by the names of attributes, also where it makes no difference: whether or not the
   * resource was known to have it.
   */
  readonly asked: ReadonlyMap<string, Asked>;
  /** Paths that were passed over, for the log: at most 50. */
  readonly ignored: readonly string[];
}

/**
 * Applies a PATCH (RFC 7644, 3.5.2): all of its operations, or none. Besides the forms of the standard it takes
 * those of Entra ID: operations with a capital, dotted names and URNs as keys of a value without a path, a part of
 * a value that is not there yet, values to remove in `value`, a text in a list for a single value. Pure.
 * @throws {ScimError} with the keyword of RFC 7644, table 9, where an operation cannot be applied as it is meant
 */
export function applyPatch(options: PatchOptions): PatchedResource {
  const { type, body } = options;
  const patch = new Patch(options);
  for (const { op, path, value } of readOperations(body)) {
    if (path !== undefined) {
      patch.at(op, path, value, true);
    } else if (op === 'remove') {
      throw new ScimError('noTarget', 'A remove needs a "path".');
    } else {
      patch.each(op, value);
    }
  }
  for (const { name, required } of schemasOf(type).flatMap(({ attributes }) => attributes)) {
    if (required && patch.draft.touched(name) && !patch.draft.values.has(name)) {
      throw new ScimError('mutability', `"${name}" cannot be removed.`);
    }
  }
  const { values, asked } = patch.draft;
  return {
    values: new Map(values),
    asked,
    ignored: [...patch.passedOver].slice(0, 50),
  };
}

/** Operations, one after the other. */
class Patch {
  readonly draft: Draft;
  readonly passedOver = new Set<string>();
  readonly #ignored: ReadonlySet<string>;
  readonly #type: ResourceType;
  readonly #language: FilterLanguage;
  readonly #guarded: ReadonlySet<string>;
  readonly #fixed: ReadonlySet<string>;

  constructor({ type, resource, fixed = [], guarded = [], ignored = new Set() }: PatchOptions) {
    this.#ignored = ignored;
    this.draft = new Draft(resource, type);
    this.#type = type;
    this.#language = filterLanguage(type);
    this.#guarded = new Set(guarded);
    this.#fixed = new Set(fixed);
  }

  /** The attributes are the keys of the value; those that only the service writes are passed over. */
  each(op: Exclude<Op, 'remove'>, value: JsonValue | undefined): void {
    if (!isObject(value)) {
      throw new ScimError('invalidSyntax', `The ${op} without a "path" has no object as its "value".`);
    }
    for (const [key, part] of Object.entries(value)) {
      this.at(op, key, part, false);
    }
  }

  /** @param explicit the path is one, and not a key of a value */
  at(op: Op, path: string, raw: JsonValue | undefined, explicit: boolean): void {
    if (path.length > maxPath) {
      throw new ScimError('invalidPath', `A path has ${maxPath} characters at most: "${short(path)}".`);
    }
    const plain = plainName(path);
    const [name = ''] = plain.split('.', 1);
    if (this.#ignored.has(plain) || this.#ignored.has(name)) {
      this.passedOver.add(plain);
      return;
    }
    const place = placeOf(path, this.#type, this.#language);
    if (place.kind === 'extension') {
      this.#extension(op, place, raw, explicit);
      return;
    }
    const { attribute, sub } = place;
    if (
      attribute.mutability === 'readOnly' ||
      sub?.mutability === 'readOnly' ||
      attribute.name === 'schemas'
    ) {
      const differs = this.#fixed.has(attribute.name) && raw !== this.draft.value(attribute);
      if (explicit || differs) {
        throw new ScimError('mutability', `"${short(path)}" is the service's to write.`);
      }
      return;
    }
    const before = this.draft.value(attribute);
    if (op === 'remove') {
      this.#remove(place, path, raw);
    } else if (raw === undefined) {
      throw new ScimError('invalidSyntax', `The ${op} of "${short(path)}" has no "value".`);
    } else if (place.filter !== undefined) {
      this.#change(op, { ...place, filter: place.filter }, path, raw);
    } else if (sub !== undefined) {
      this.#part(attribute, sub, path, raw);
    } else if (attribute.multiValued) {
      this.#list(op, attribute, path, raw);
    } else {
      this.#value(attribute, path, raw);
    }
    // What is set once may be said again.
    if (attribute.mutability === 'immutable' && before !== undefined) {
      const after = this.draft.value(attribute);
      if (JSON.stringify(before) !== JSON.stringify(after)) {
        throw new ScimError('mutability', `"${attribute.name}" cannot be changed once it has a value.`);
      }
    }
  }

  #extension(
    op: Op,
    { schema }: Extract<Place, { kind: 'extension' }>,
    raw: JsonValue | undefined,
    explicit: boolean,
  ): void {
    if (op === 'remove') {
      for (const attribute of schema.attributes) {
        if (attribute.mutability !== 'readOnly' && this.draft.value(attribute) !== undefined) {
          this.at(op, `${schema.id}:${attribute.name}`, undefined, explicit);
        }
      }
      return;
    }
    if (!isObject(raw)) {
      throw new ScimError('invalidValue', `The "value" of "${schema.id}" is an object.`);
    }
    for (const [key, part] of Object.entries(raw)) {
      // Clients that take an extension for a resource say what it is (scim2-models does).
      if (key !== 'schemas') {
        this.at(op, `${schema.id}:${key}`, part, false);
      }
    }
  }

  #value(attribute: Attribute, path: string, raw: JsonValue): void {
    const value = readValue(attribute, alone(attribute, raw), path);
    const there = this.draft.value(attribute);
    if (!isObject(value)) {
      this.draft.askWhole(attribute);
      this.draft.set(attribute, value);
      return;
    }
    // Parts that are not said stay (RFC 7644, 3.5.2.1 and 3.5.2.3).
    const parts = new Map(Object.entries({ ...(isObject(there) ? there : {}), ...value }));
    for (const [key, part] of Object.entries(isObject(raw) ? raw : {})) {
      const sub = part === null ? named(key, attribute.subAttributes ?? []) : undefined;
      parts.delete(sub?.name ?? '');
      this.draft.askParts(attribute, sub === undefined ? [] : [sub.name]);
    }
    this.draft.askParts(attribute, Object.keys(value));
    this.draft.set(attribute, parts.size === 0 ? null : Object.fromEntries(parts));
  }

  #list(op: Exclude<Op, 'remove'>, attribute: Attribute, path: string, raw: JsonValue): void {
    if (raw === null) {
      this.#mayEmpty(attribute);
    }
    const value = readValue(attribute, raw, path);
    const given = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
    this.draft.count(attribute, given.length);
    if (op === 'replace') {
      this.draft.askWhole(attribute);
    }
    for (const each of given) {
      this.draft.mention(attribute, [each], { wanted: true, parts: Object.keys(isObject(each) ? each : {}) });
    }
    const there = op === 'add' ? this.draft.list(attribute) : [];
    this.draft.set(attribute, withValues(this.#keyOf(attribute), there, given));
  }

  #part(attribute: Attribute, sub: Attribute, path: string, raw: JsonValue | null): void {
    if (attribute.multiValued) {
      throw new ScimError(
        'invalidPath',
        `"${attribute.name}" has several values: say which, as in ${attribute.name}[type eq "work"].${sub.name}.`,
      );
    }
    const there = this.draft.value(attribute) ?? {};
    const value = readValue(sub, alone(sub, raw), path);
    this.draft.askParts(attribute, [sub.name]);
    this.draft.set(
      attribute,
      value === null
        ? (withoutPart(attribute, there, sub) ?? null)
        : { ...(isObject(there) ? there : {}), [sub.name]: value },
    );
  }

  /** Values that a filter chooses, or a part of each. */
  #change(
    op: Exclude<Op, 'remove'>,
    { attribute, filter, sub }: { attribute: Attribute; filter: Filter; sub: Attribute | undefined },
    path: string,
    raw: JsonValue,
  ): void {
    const given = readValue(sub ?? { ...attribute, multiValued: false }, alone(sub ?? attribute, raw), path);
    const there = this.draft.list(attribute);
    const keyOf = this.#keyOf(attribute);
    const meant = chosen(attribute, there, filter, keyOf);
    const parts = sub === undefined ? {} : { parts: [sub.name] };
    if (meant.size === 0 && given !== null) {
      const made = valueMeant(attribute, filter, sub, given);
      if (made === undefined || (op === 'replace' && sub === undefined)) {
        throw new ScimError('noTarget', `No value of "${attribute.name}" fits "${short(path)}".`);
      }
      this.draft.count(attribute, 1);
      this.draft.mention(attribute, [made], { wanted: true, ...parts });
      this.draft.set(attribute, withValues(keyOf, there, [made]));
      return;
    }
    const change = (value: JsonValue): JsonValue | undefined => {
      if (sub !== undefined) {
        return given === null
          ? withoutPart(attribute, value, sub)
          : { ...(isObject(value) ? value : {}), [sub.name]: given };
      }
      if (given === null) {
        return undefined;
      }
      return op === 'add' && isObject(value) && isObject(given) ? { ...value, ...given } : given;
    };
    const changed = there
      .map((value) => (meant.has(value) ? change(value) : value))
      .filter((value) => value !== undefined);
    const before = new Set(there);
    this.draft.mention(attribute, [...meant], { wanted: false, ...parts });
    this.draft.mention(
      attribute,
      changed.filter((value) => !before.has(value)),
      { wanted: true, ...parts },
    );
    this.draft.set(attribute, changed);
  }

  #remove(
    { attribute, filter, sub }: Extract<Place, { kind: 'attribute' }>,
    path: string,
    raw: JsonValue | undefined,
  ): void {
    const there = this.draft.list(attribute);
    if (filter !== undefined) {
      const meant = chosen(attribute, there, filter, this.#keyOf(attribute));
      const parts = sub === undefined ? {} : { parts: [sub.name] };
      const left = sub === undefined ? [] : [...meant].map((value) => withoutPart(attribute, value, sub));
      const unmet = sub === undefined && meant.size === 0 ? equalities(filter) : undefined;
      this.draft.mention(attribute, [...meant], { wanted: false, ...parts });
      this.draft.mention(
        attribute,
        left.filter((value) => value !== undefined),
        { wanted: true, ...parts },
      );
      this.draft.mention(attribute, unmet === undefined ? [] : [unmet], { wanted: false, unmet: true });
      const rest = new Map([...meant].map((value, at) => [value, left[at]]));
      this.draft.set(
        attribute,
        there
          .map((value) => (meant.has(value) ? rest.get(value) : value))
          .filter((value) => value !== undefined),
      );
    } else if (sub !== undefined) {
      this.#part(attribute, sub, path, null);
    } else if (attribute.multiValued && raw !== undefined && raw !== null) {
      // As Entra ID says which values go.
      const value = readValue({ ...attribute, required: false }, raw, path);
      const given = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
      this.draft.count(attribute, given.length);
      this.draft.mention(attribute, given, { wanted: false });
      this.draft.set(attribute, withoutValues(this.#keyOf(attribute), there, given));
    } else {
      this.#mayEmpty(attribute);
      this.draft.askWhole(attribute);
      this.draft.set(attribute, null);
    }
  }

  #keyOf(attribute: Attribute): KeyOf {
    return (value) => this.draft.keyOf(attribute, value);
  }

  /** @throws {ScimError} `invalidPath` */
  #mayEmpty({ name, multiValued }: Attribute): void {
    if (multiValued && this.#guarded.has(name)) {
      throw new ScimError(
        'invalidPath',
        `All of "${name}" are not removed at once: say which, as in ${name}[value eq "…"], or replace them by an empty list.`,
      );
    }
  }
}

/** The name of an attribute, or of a part of one, in small letters, without a URN before it and what chooses values. */
function plainName(path: string): string {
  const [begin, end] = [path.indexOf('['), path.lastIndexOf(']')];
  const whole = begin >= 0 && end > begin ? path.slice(0, begin) + path.slice(end + 1) : path;
  const folded = whole.toLowerCase();
  return (folded.startsWith('urn:') ? folded.slice(folded.lastIndexOf(':') + 1) : folded).trim();
}

/** A value that a client wrote as the only one of a list, as Entra ID did: `[{"$ref": null, "value": "…"}]`. */
function alone(attribute: Attribute, raw: JsonValue): JsonValue {
  const [only, ...more] = Array.isArray(raw) && attribute.type !== 'complex' ? (raw as JsonValue[]) : [];
  if (!isObject(only) || more.length > 0 || only['value'] === undefined) {
    return raw;
  }
  return Object.keys(only).every((key) => key === 'value' || key === '$ref') ? only['value'] : raw;
}

/**
 * The value that a path means which chooses none, as in `emails[type eq "work"].value` of somebody without one.
 * None where it is chosen by what it is, and not by what it is for.
 */
function valueMeant(
  { subAttributes = [] }: Attribute,
  filter: Filter,
  sub: Attribute | undefined,
  given: JsonValue,
): JsonObject | undefined {
  const equal = equalities(filter);
  if (equal === undefined || Object.hasOwn(equal, 'value')) {
    return undefined;
  }
  const said = sub === undefined ? (isObject(given) ? given : {}) : { [sub.name]: given };
  const made: JsonObject = { ...equal, ...said };
  const whole = !subAttributes.some(({ name }) => name === 'value') || made['value'] !== undefined;
  return whole ? made : undefined;
}
