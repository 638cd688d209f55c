import { isObject, targetOf, type Target } from './path.ts';
import {
  commonAttributes,
  schemasOf,
  type Attribute,
  type JsonObject,
  type JsonValue,
  type ResourceType,
} from './schema.ts';

/** Which attributes a client wants to see (RFC 7644, 3.9): names as it wrote them. */
export interface Wanted {
  /** These, and what is always returned. */
  readonly attributes?: readonly string[] | undefined;
  /** All but these, and never without what is always returned. */
  readonly excludedAttributes?: readonly string[] | undefined;
}

/** An attribute as a whole, or some of its parts. */
type Part = 'whole' | ReadonlySet<string>;

/**
 * Makes of resources what a client gets to see of them: `returned` of each attribute and part is kept to, and what
 * is never returned is not there, whoever asks. Names that mean nothing are no mistake. Pure.
 */
export function projection(type: ResourceType, wanted: Wanted): (resource: JsonObject) => JsonObject {
  const only = wanted.attributes === undefined ? undefined : partsOf(wanted.attributes, type);
  const except = partsOf(wanted.excludedAttributes ?? [], type);
  const see = (object: JsonObject, attributes: ReadonlyMap<string, Attribute>): [string, JsonValue][] =>
    Object.entries(object).flatMap(([name, value]): [string, JsonValue][] => {
      const attribute = attributes.get(name);
      if (value === undefined || value === null) {
        return [];
      }
      if (attribute === undefined) {
        const folded = name.toLowerCase();
        const seen = only === undefined ? except.get(folded) !== 'whole' : only.has(folded);
        return seen ? [[name, value]] : [];
      }
      const key = name.toLowerCase();
      const seen = seenOf(attribute, value, only === undefined ? 'default' : only.get(key), except.get(key));
      return seen === undefined ? [] : [[name, seen]];
    });
  const own = byName([...commonAttributes, ...type.schema.attributes]);
  const extensions = type.extensions.map(({ schema }) => [schema.id, byName(schema.attributes)] as const);
  const urns = new Set(extensions.map(([urn]) => urn));
  return (resource) => {
    const rest = Object.fromEntries(Object.entries(resource).filter(([name]) => !urns.has(name)));
    const parts = extensions.flatMap(([urn, attributes]): [string, JsonObject][] => {
      const part = resource[urn];
      const seen = isObject(part) ? see(part, attributes) : [];
      return seen.length === 0 ? [] : [[urn, Object.fromEntries(seen)]];
    });
    return Object.fromEntries([...see(rest, own), ...parts]);
  };
}

/** @param asked `default`: nothing was asked for by name */
function seenOf(
  attribute: Attribute,
  value: JsonValue,
  asked: Part | 'default' | undefined,
  except: Part | undefined,
): JsonValue | undefined {
  const { returned, subAttributes } = attribute;
  const always = returned === 'always';
  if (
    returned === 'never' ||
    (asked === undefined && !always) ||
    (asked === 'default' && returned === 'request') ||
    (except === 'whole' && !always)
  ) {
    return undefined;
  }
  if (subAttributes === undefined) {
    return value;
  }
  const some = typeof asked === 'object' ? asked : undefined;
  const hidden = typeof except === 'object' ? except : undefined;
  const shown = new Set(
    subAttributes.flatMap((sub) => {
      const key = sub.name.toLowerCase();
      const wanted =
        sub.returned === 'always' ||
        (sub.returned !== 'never' &&
          (some === undefined ? sub.returned === 'default' : some.has(key)) &&
          hidden?.has(key) !== true);
      return wanted ? [sub.name] : [];
    }),
  );
  const one = (whole: JsonValue): JsonValue =>
    isObject(whole) ? Object.fromEntries(Object.entries(whole).filter(([name]) => shown.has(name))) : whole;
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).map(one);
  }
  const seen = one(value);
  return isObject(seen) && Object.keys(seen).length === 0 ? undefined : seen;
}

/** What names name, by names of attributes in small letters; a whole wins over its parts. */
function partsOf(names: readonly string[], type: ResourceType): ReadonlyMap<string, Part> {
  const parts = new Map<string, Part>();
  for (const name of names) {
    // The type's own schema too can be named as a whole here, which no path of a PATCH can.
    const schema = schemasOf(type).find(({ id }) => id.toLowerCase() === name.trim().toLowerCase());
    const target: Target | undefined =
      schema === undefined ? targetOf(name.trim(), type) : { kind: 'extension', schema };
    if (target === undefined) {
      // What a resource has beside its definitions is called by its name.
      parts.set(name.trim().toLowerCase(), 'whole');
      continue;
    }
    const whole = target.kind === 'extension' ? target.schema.attributes : [target.attribute];
    for (const attribute of whole) {
      const key = attribute.name.toLowerCase();
      const there = parts.get(key);
      const sub = target.kind === 'attribute' ? target.sub : undefined;
      parts.set(
        key,
        sub === undefined || there === 'whole'
          ? 'whole'
          : new Set([...(there ?? []), sub.name.toLowerCase()]),
      );
    }
  }
  return parts;
}

function byName(attributes: readonly Attribute[]): ReadonlyMap<string, Attribute> {
  return new Map(attributes.map((attribute) => [attribute.name, attribute]));
}
