import { short } from './short.ts';
import { ScimError } from './error.ts';
import { isObject, named, targetOf, type Target, type Values } from './path.ts';
import type { Attribute, JsonObject, JsonValue, ResourceType } from './schema.ts';

/** What a client says of a resource. */
export interface ReadResource {
  /** By the names of attributes, each in its type; `null`: it shall have none. What is not said is not in it. */
  readonly values: Values;
  /** Names that mean nothing here, for the log: at most 50, each at most 80 characters. */
  readonly ignored: readonly string[];
}

const maxIgnored = 50;

/**
 * Reads the body of a POST or PUT. Names count without regard to case; booleans are read in every spelling that
 * clients have for true and false; `null` and an empty list are no value (RFC 7643, 2.5); what only the service
 * writes, and what means nothing here, is left out (RFC 7644, 3.3 and 3.5.1). Whether all that is required is
 * there is not looked at. Pure.
 * @throws {ScimError} `invalidSyntax` for what is no such resource, `invalidValue` for a value of another type
 */
export function readResource(body: unknown, type: ResourceType): ReadResource {
  if (!isObject(body)) {
    throw new ScimError('invalidSyntax', 'The body is a JSON object.');
  }
  const values = new Map<string, JsonValue>();
  const ignored: string[] = [];
  const read = (target: Target | undefined, written: string, raw: JsonValue | undefined): void => {
    if (target?.kind === 'extension') {
      if (raw !== null && !isObject(raw)) {
        throw new ScimError('invalidValue', `"${written}" is an object.`);
      }
      for (const [key, value] of Object.entries(raw ?? {})) {
        read(targetOf(`${target.schema.id}:${key}`, type), key, value);
      }
    } else if (target === undefined || raw === undefined) {
      ignored.push(...(ignored.length < maxIgnored ? [short(written, 80)] : []));
    } else if (target.attribute.name === 'schemas') {
      requireSchema(raw, type.schema.id);
    } else if (target.attribute.mutability !== 'readOnly' && target.sub?.mutability !== 'readOnly') {
      assign(values, target, written, raw);
    }
  };
  for (const [key, raw] of Object.entries(body)) {
    read(targetOf(key, type), key, raw);
  }
  return { values, ignored };
}

function assign(
  values: Map<string, JsonValue>,
  { attribute, sub }: Extract<Target, { kind: 'attribute' }>,
  written: string,
  raw: JsonValue,
): void {
  const there = values.get(attribute.name);
  const twice = new ScimError('invalidSyntax', `"${attribute.name}" is there twice.`);
  if (sub === undefined) {
    if (there !== undefined) {
      throw twice;
    }
    values.set(attribute.name, readValue(attribute, raw, written));
    return;
  }
  // `name.givenName` as a key, as Entra ID writes it.
  if (attribute.multiValued) {
    throw new ScimError('invalidSyntax', `"${attribute.name}" has several values: write a list of objects.`);
  }
  const parts = isObject(there) ? there : {};
  if (parts[sub.name] !== undefined) {
    throw twice;
  }
  values.set(attribute.name, { ...parts, [sub.name]: readValue(sub, raw, written) });
}

/**
 * Says that a body is of a schema, where it says of which it is: one without `schemas` is taken as meant.
 * @throws {ScimError} `invalidSyntax`
 */
export function requireSchema(raw: JsonValue | undefined, urn: string): void {
  const given = typeof raw === 'string' ? [raw] : raw;
  if (given === undefined || given === null) {
    return;
  }
  const is = (value: JsonValue): boolean => {
    return typeof value === 'string' && value.toLowerCase() === urn.toLowerCase();
  };
  if (!Array.isArray(given) || !given.some(is)) {
    throw new ScimError('invalidSyntax', `"schemas" is a list with "${urn}" in it.`);
  }
}

/**
 * A value in the type of its attribute; `null` where it is none. Of attributes with several values a list, also of
 * one that was not written as a list.
 * @param written the name as the client has it, for sentences
 * @throws {ScimError} `invalidValue`
 */
export function readValue(attribute: Attribute, raw: JsonValue, written: string): JsonValue {
  if (raw === null || (Array.isArray(raw) && raw.length === 0 && attribute.multiValued)) {
    if (attribute.required) {
      throw new ScimError('invalidValue', `"${short(written)}" must have a value.`);
    }
    return null;
  }
  if (!attribute.multiValued) {
    return readOne(attribute, raw, written);
  }
  const list = Array.isArray(raw) ? (raw as readonly JsonValue[]) : [raw];
  if (list.length > maxValuesOf(attribute)) {
    throw tooMany(attribute);
  }
  return list.map((value) => {
    if (value === null) {
      throw new ScimError('invalidValue', `"${short(written)}" has null among its values.`);
    }
    return readOne(attribute, value, written);
  });
}

function readOne(attribute: Attribute, raw: JsonValue, written: string): JsonValue {
  const wrong = (expected: string): ScimError =>
    new ScimError('invalidValue', `"${short(written)}" is ${expected}.`);
  switch (attribute.type) {
    case 'boolean': {
      const value = booleanOf(attribute, raw);
      if (value === undefined) {
        throw wrong('true or false');
      }
      return value;
    }
    case 'integer':
      if (typeof raw !== 'number' || !Number.isSafeInteger(raw)) {
        throw wrong('a whole number');
      }
      return raw;
    case 'decimal':
      if (typeof raw !== 'number') {
        throw wrong('a number');
      }
      return raw;
    case 'dateTime':
      // RFC 7643, 2.3.5: as `xsd:dateTime` has it.
      if (
        typeof raw !== 'string' ||
        !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(raw) ||
        Number.isNaN(Date.parse(raw))
      ) {
        throw wrong('a time such as "2026-01-31T00:00:00Z"');
      }
      return raw;
    case 'string':
    case 'reference':
    case 'binary':
      if (typeof raw !== 'string') {
        throw wrong('a text');
      }
      return raw;
    case 'complex':
      return readParts(attribute, raw, wrong);
  }
}

function booleanOf({ spellings = {} }: Attribute, raw: JsonValue): boolean | undefined {
  if (typeof raw !== 'string') {
    return typeof raw === 'boolean' ? raw : undefined;
  }
  const text = raw.toLowerCase();
  if (text === 'true' || text === 'false') {
    return text === 'true';
  }
  return Object.hasOwn(spellings, text) ? spellings[text] : undefined;
}

/** The parts that are defined; a text alone is the `value` (RFC 7643, 2.4), and one that is only pointed at is its id. */
function readParts(attribute: Attribute, raw: JsonValue, wrong: (expected: string) => ScimError): JsonObject {
  const { subAttributes = [] } = attribute;
  const value = named('value', subAttributes);
  const object = typeof raw === 'string' && value !== undefined ? { value: raw } : raw;
  if (!isObject(object)) {
    throw wrong('an object');
  }
  const parts = new Map<string, JsonValue>();
  for (const [key, part] of Object.entries(object)) {
    const sub = named(key, subAttributes);
    if (sub === undefined || part === undefined || part === null) {
      continue;
    }
    if (parts.has(sub.name)) {
      throw new ScimError('invalidSyntax', `"${attribute.name}.${sub.name}" is there twice.`);
    }
    parts.set(sub.name, readValue(sub, part, `${attribute.name}.${sub.name}`));
  }
  const points = parts.get('$ref');
  if (value !== undefined && !parts.has('value') && typeof points === 'string') {
    parts.set('value', readValue(value, lastSegment(points), `${attribute.name}.$ref`));
  }
  return Object.fromEntries(parts);
}

/** How many values are read of an attribute, where it says nothing else. */
const maxValues = 1_000;

/** How many values a request may give of an attribute. */
export function maxValuesOf(attribute: Attribute): number {
  return attribute.maxValues ?? maxValues;
}

export function tooMany(attribute: Attribute): ScimError {
  return new ScimError(
    'tooMany',
    `"${attribute.name}" has ${maxValuesOf(attribute)} values at most in one request.`,
  );
}

function lastSegment(address: string): string {
  const [path = ''] = address.split(/[?#]/, 1);
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') {
    end -= 1;
  }
  const last = path.slice(path.lastIndexOf('/', end - 1) + 1, end);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
