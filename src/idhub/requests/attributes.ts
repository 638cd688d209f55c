import {
  ScimError,
  isObject,
  type Asked,
  type JsonObject,
  type JsonValue,
  type Values,
} from '../../scim/index.ts';
import { checkAttributes, isWritten, type AccountSchema } from '../../schema/index.ts';
import type { Slot } from '../resources/index.ts';

/** Attributes of the account schema by name; `null`: it shall have none. */
export type Attributes = Readonly<Record<string, string | null>>;

/**
 * What values say of the attributes that are ours to write; what they do not say is not in it.
 * @throws {ScimError} `invalidValue`
 */
export function attributesOf(values: Values, slots: readonly Slot[]): Attributes {
  const attributes: Record<string, string | null> = {};
  for (const { definition, place } of slots) {
    const value = isWritten(definition) ? valueAt(values, place) : undefined;
    if (value !== undefined) {
      // A text without a character is no value: each attribute of the guide has one at least.
      attributes[definition.name] = value === '' ? null : value;
    }
  }
  return attributes;
}

/** As `attributesOf`, and what is not said shall not be: of a whole resource. */
export function allAttributesOf(values: Values, slots: readonly Slot[]): Attributes {
  const cleared = slots.flatMap(({ definition }): [string, null][] =>
    isWritten(definition) ? [[definition.name, null]] : [],
  );
  return { ...Object.fromEntries(cleared), ...attributesOf(values, slots) };
}

/**
 * Whether a PATCH is about what stands at a place.
 * @param after all values as the PATCH makes them
 */
export function isAsked(place: Slot['place'], asked: Asked | undefined, after: Values): boolean {
  if (asked === undefined || asked.whole || place.kind === 'plain') {
    return asked !== undefined;
  }
  if (place.kind === 'part') {
    return asked.parts.has(place.part);
  }
  const { name, part, type } = place;
  const isMeant = (element: JsonObject): boolean =>
    element['type'] === undefined || textOf(element['type'])?.toLowerCase() === type;
  // An e-mail address of another type is the one only where there is none of this type.
  const any = name === 'emails' && !elementsOf(after.get(name) ?? []).some(isMeant);
  return asked.mentions.some(
    ({ parts, value }) => (any || isMeant(value)) && (parts === undefined || parts.has(part)),
  );
}

/** @throws {ScimError} `invalidValue` for what the account schema of the connection refuses */
export function requireLegal(attributes: Attributes, schema: AccountSchema): void {
  const given = Object.entries(attributes).filter((entry): entry is [string, string] => entry[1] !== null);
  const [problem] = checkAttributes(schema, Object.fromEntries(given));
  if (problem !== undefined) {
    throw new ScimError('invalidValue', `${problem}.`);
  }
  const long = given.find(([, value]) => Array.from(value).length > longest);
  if (long !== undefined) {
    throw new ScimError('invalidValue', `attribute "${long[0]}" has more than ${longest} characters.`);
  }
}

/** As AwsAccount takes them. */
const longest = 4_096;

function valueAt(values: Values, place: Slot['place']): string | null | undefined {
  const value = values.get(place.name);
  if (value === undefined || value === null) {
    return value;
  }
  switch (place.kind) {
    case 'plain':
      return textOf(value);
    case 'part':
      return partOf(value, place.part);
    case 'element': {
      const element = elementOf(value, place);
      return element === undefined ? null : partOf(element, place.part);
    }
  }
}

/**
 * Of several the one of its type, else one that says no type. Of e-mail addresses else the first: clients that know
 * one only call it as they like. Others are not kept: no more than one is told of in `/Schemas`.
 */
function elementOf(
  value: JsonValue,
  { name, type, part }: Extract<Slot['place'], { kind: 'element' }>,
): JsonObject | undefined {
  const elements = elementsOf(value);
  const fitting = elements.filter((each) => textOf(each['type'])?.toLowerCase() === type);
  const found = fitting.length > 0 ? fitting : elements.filter((each) => each['type'] === undefined);
  if (new Set(found.map((each) => textOf(each[part]))).size > 1) {
    throw new ScimError(
      'invalidValue',
      `"${name}" has several values of type ${type}, and one can be kept: leave the others out.`,
    );
  }
  return found[0] ?? (name === 'emails' ? elements[0] : undefined);
}

function elementsOf(value: JsonValue): readonly JsonObject[] {
  return (Array.isArray(value) ? (value as readonly JsonValue[]) : [value]).filter(isObject);
}

function partOf(value: JsonValue, part: string): string | null {
  return isObject(value) ? (textOf(value[part]) ?? null) : null;
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
