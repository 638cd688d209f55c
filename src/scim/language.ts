import type { FilterAttribute, FilterLanguage, Lookup, Value } from './filter/index.ts';
import { isObject, urnsOf, valuesOf } from './path.ts';
import {
  commonAttributes,
  schemasOf,
  type Attribute,
  type JsonObject,
  type JsonValue,
  type ResourceType,
} from './schema.ts';

/** Conditions of a filter that a client sends: each is asked of each resource. */
const maxConditions = 100;

/** What a filter over a resource type may name: all but what is never returned, so that it cannot be guessed at. */
export function filterLanguage(type: ResourceType): FilterLanguage {
  const attributes = [...commonAttributes, ...schemasOf(type).flatMap((schema) => schema.attributes)];
  return { attributes: attributes.flatMap(filterAttribute), schemas: urnsOf(type), maxConditions };
}

function filterAttribute(attribute: Attribute): FilterAttribute[] {
  const { name, type, caseExact, aliases, returned, subAttributes } = attribute;
  return returned === 'never'
    ? []
    : [
        {
          name,
          type,
          caseExact,
          ...(aliases === undefined ? {} : { aliases }),
          ...(subAttributes === undefined ? {} : { parts: subAttributes.flatMap(filterAttribute) }),
        },
      ];
}

/** The values of a resource as a filter wants them. */
export function lookupOf(resource: JsonObject, type: ResourceType): Lookup {
  const values = valuesOf(resource, type);
  const attributes = [...commonAttributes, ...schemasOf(type).flatMap((schema) => schema.attributes)];
  return (name) => {
    const value = values.get(name);
    const attribute = attributes.find((each) => each.name === name);
    return value === undefined || attribute === undefined ? [] : filterValues(attribute, value);
  };
}

/** The value of an attribute, or each of several, as a filter wants it. */
export function filterValues(attribute: Attribute, value: JsonValue): readonly Value[] {
  const list = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  return list.map((one) => filterValue(attribute, one)).filter((one) => one !== undefined);
}

function filterValue(attribute: Attribute, value: JsonValue): Value | undefined {
  if (!isObject(value)) {
    return simple(attribute, value);
  }
  const parts = (attribute.subAttributes ?? []).flatMap((sub): [string, Simple][] => {
    const part = Object.hasOwn(value, sub.name) ? value[sub.name] : undefined;
    const read = part === undefined ? undefined : simple(sub, part);
    return read === undefined ? [] : [[sub.name, read]];
  });
  return Object.fromEntries(parts);
}

type Simple = string | boolean | number;

function simple({ type }: Attribute, value: JsonValue): Simple | undefined {
  if (typeof value === 'string') {
    return type === 'dateTime' ? Date.parse(value) : value;
  }
  return typeof value === 'boolean' || typeof value === 'number' ? value : undefined;
}
