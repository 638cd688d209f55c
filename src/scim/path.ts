import {
  commonAttributes,
  schemasOf,
  type Attribute,
  type JsonObject,
  type JsonValue,
  type ResourceType,
  type Schema,
} from './schema.ts';

/** What a path names (RFC 7644, 3.10): an attribute, a part of one, or all that an extension has. */
export type Target =
  | {
      readonly kind: 'attribute';
      readonly attribute: Attribute;
      readonly sub: Attribute | undefined;
      /** The extension that it is of; undefined of the resource type's own. */
      readonly extension: Schema | undefined;
    }
  | { readonly kind: 'extension'; readonly schema: Schema };

/** Among them, by name or alias, without regard to case. */
export function named(name: string, among: readonly Attribute[]): Attribute | undefined {
  const folded = name.toLowerCase();
  return among.find(
    (attribute) =>
      attribute.name.toLowerCase() === folded ||
      attribute.aliases?.some((alias) => alias.toLowerCase() === folded) === true,
  );
}

/**
 * What a path names: `userName`, `name.givenName`, either with the URN of its schema before, or the URN of an
 * extension. Without regard to case; undefined where there is no such thing. Pure.
 */
export function targetOf(path: string, type: ResourceType): Target | undefined {
  const folded = path.toLowerCase();
  for (const extension of type.extensions) {
    const urn = extension.schema.id.toLowerCase();
    if (folded === urn) {
      return { kind: 'extension', schema: extension.schema };
    }
    if (folded.startsWith(`${urn}:`)) {
      return within(path.slice(urn.length + 1), extension.schema.attributes, extension.schema);
    }
  }
  const own = [...type.schema.attributes, ...commonAttributes];
  const urn = type.schema.id.toLowerCase();
  if (folded.startsWith(`${urn}:`)) {
    return within(path.slice(urn.length + 1), own, undefined);
  }
  const target = within(path, own, undefined);
  if (target !== undefined) {
    return target;
  }
  // Attributes of extensions belong after their URN; names are unique, so that nothing else can be meant.
  for (const { schema } of type.extensions) {
    const found = within(path, schema.attributes, schema);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function within(
  path: string,
  among: readonly Attribute[],
  extension: Schema | undefined,
): Target | undefined {
  const [first = '', second, ...more] = path.split('.');
  const attribute = named(first, among);
  if (attribute === undefined || more.length > 0) {
    return undefined;
  }
  if (second === undefined) {
    return { kind: 'attribute', attribute, sub: undefined, extension };
  }
  const sub = named(second, attribute.subAttributes ?? []);
  return sub === undefined ? undefined : { kind: 'attribute', attribute, sub, extension };
}

/** The values of a resource by the names of its attributes, which are unique in a resource type. */
export type Values = ReadonlyMap<string, JsonValue>;

/** The values of a resource as this service tells it: with names as they are defined. */
export function valuesOf(resource: JsonObject, type: ResourceType): Values {
  const values = new Map<string, JsonValue>();
  const add = (object: JsonObject, attributes: readonly Attribute[]): void => {
    for (const { name } of attributes) {
      const value = Object.hasOwn(object, name) ? object[name] : undefined;
      if (value !== undefined && value !== null) {
        values.set(name, value);
      }
    }
  };
  add(resource, commonAttributes);
  add(resource, type.schema.attributes);
  for (const { schema } of type.extensions) {
    const part = resource[schema.id];
    if (isObject(part)) {
      add(part, schema.attributes);
    }
  }
  return values;
}

/** A resource of values: those of extensions under their URN, and `schemas` says what there is. */
export function resourceOf(values: Values, type: ResourceType): JsonObject {
  const pick = (attributes: readonly Attribute[]): [string, JsonValue][] =>
    attributes.flatMap(({ name }) => {
      const value = values.get(name);
      return value === undefined || value === null ? [] : [[name, value]];
    });
  const extensions = type.extensions.flatMap(({ schema }): [string, JsonObject][] => {
    const part = pick(schema.attributes);
    return part.length === 0 ? [] : [[schema.id, Object.fromEntries(part)]];
  });
  return {
    schemas: [type.schema.id, ...extensions.map(([urn]) => urn)],
    ...Object.fromEntries(pick(commonAttributes.filter(({ name }) => name !== 'schemas'))),
    ...Object.fromEntries(pick(type.schema.attributes)),
    ...Object.fromEntries(extensions),
  };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The URNs of all schemas that a resource type has. */
export function urnsOf(type: ResourceType): readonly string[] {
  return schemasOf(type).map(({ id }) => id);
}
