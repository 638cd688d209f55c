import { ScimError } from '../error.ts';
import { parseFilter, type Filter, type FilterLanguage } from '../filter/index.ts';
import { isObject, named, targetOf } from '../path.ts';
import { requireSchema } from '../read.ts';
import { short } from '../short.ts';
import type { Attribute, JsonObject, JsonValue, ResourceType, Schema } from '../schema.ts';

export const patchUrn = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

/** More are refused: each may have to look at every value of a list. */
const maxOperations = 1_000;

export type Op = 'add' | 'remove' | 'replace';

export interface Operation {
  readonly op: Op;
  /** Undefined where the attributes are the keys of the value. */
  readonly path: string | undefined;
  /** Undefined where there is none. */
  readonly value: JsonValue | undefined;
}

/**
 * The operations of a PATCH (RFC 7644, 3.5.2); names of operations count without regard to case, as Entra ID writes
 * them with a capital.
 * @throws {ScimError} `invalidSyntax`
 */
export function readOperations(body: unknown): readonly Operation[] {
  if (!isObject(body)) {
    throw new ScimError('invalidSyntax', 'The body is a JSON object.');
  }
  requireSchema(keyOf(body, 'schemas'), patchUrn);
  const operations = keyOf(body, 'operations');
  if (!Array.isArray(operations) || operations.length === 0) {
    throw new ScimError('invalidSyntax', '"Operations" is a list with an operation in it.');
  }
  if (operations.length > maxOperations) {
    throw new ScimError(413, `A request has ${maxOperations} operations at most.`);
  }
  return (operations as readonly JsonValue[]).map(readOperation);
}

function readOperation(raw: JsonValue): Operation {
  if (!isObject(raw)) {
    throw new ScimError('invalidSyntax', 'An operation is an object.');
  }
  const given = keyOf(raw, 'op');
  const op = typeof given === 'string' ? given.toLowerCase() : undefined;
  if (op !== 'add' && op !== 'remove' && op !== 'replace') {
    throw new ScimError('invalidSyntax', '"op" is one of add, remove and replace.');
  }
  const path = keyOf(raw, 'path');
  if (path !== undefined && path !== null && typeof path !== 'string') {
    throw new ScimError('invalidPath', '"path" is a text.');
  }
  const value = keyOf(raw, 'value');
  return {
    op,
    path: path === undefined || path === null || path.trim() === '' ? undefined : path.trim(),
    value,
  };
}

/** By its name without regard to case; one that is there as it is written wins. */
function keyOf(object: JsonObject, name: string): JsonValue | undefined {
  const key = Object.keys(object).find((each) => each.toLowerCase() === name);
  return key === undefined ? undefined : object[key];
}

/** What an operation is about. */
export type Place =
  | { readonly kind: 'extension'; readonly schema: Schema }
  | {
      readonly kind: 'attribute';
      readonly attribute: Attribute;
      /** Some of its values. */
      readonly filter: Filter | undefined;
      /** A part of it, or of each of these. */
      readonly sub: Attribute | undefined;
    };

/**
 * What a path is about (RFC 7644, figure 7).
 * @throws {ScimError} `invalidPath` for what there is not, `invalidFilter` for what is in brackets
 */
export function placeOf(path: string, type: ResourceType, language: FilterLanguage): Place {
  const [, before = path, inner, after] = /^([^[]*)\[(.*)\](?:\.([^\].[]+))?$/s.exec(path) ?? [];
  const target = targetOf(before.trim(), type);
  if (target === undefined) {
    throw new ScimError('invalidPath', `There is no attribute "${short(path, 200)}".`);
  }
  if (inner === undefined) {
    return target.kind === 'extension'
      ? target
      : { kind: 'attribute', attribute: target.attribute, filter: undefined, sub: target.sub };
  }
  if (
    target.kind === 'extension' ||
    target.sub !== undefined ||
    !target.attribute.multiValued ||
    target.attribute.type !== 'complex'
  ) {
    throw new ScimError('invalidPath', `"${short(before)}" has no values to choose from with [ ].`);
  }
  const { attribute } = target;
  const sub = after === undefined ? undefined : named(after, attribute.subAttributes ?? []);
  if (after !== undefined && sub === undefined) {
    throw new ScimError('invalidPath', `"${attribute.name}" has no part "${short(after)}".`);
  }
  const parsed = parseFilter(`${attribute.name}[${inner}]`, language);
  if (parsed.kind === 'refused') {
    throw new ScimError('invalidFilter', `In the path "${short(path)}": ${parsed.message}.`);
  }
  if (parsed.filter.kind !== 'some') {
    throw new ScimError('invalidPath', `"${short(path)}" is about more than one attribute.`);
  }
  return { kind: 'attribute', attribute, filter: parsed.filter.filter, sub };
}
