import {
  isObject,
  type BulkOperation,
  type Changed,
  type JsonObject,
  type JsonValue,
} from '../../../src/scim/index.ts';

/**
 * What an operation of a bulk request changes: one user under both of its addresses, and the members that an operation
 * on a group names. Where that cannot be told by its words (members are replaced, or chosen by more than their id), it
 * may be anybody. Pure.
 */
export function changedBy({ method, path, data }: BulkOperation): Changed {
  const [, type = '', id = ''] = /^\/(Users|Account|Groups)\/(.+)$/i.exec(path) ?? [];
  switch (type.toLowerCase()) {
    case 'users':
    case 'account':
      return [userKey(id)];
    case 'groups': {
      const members = method === 'PATCH' ? membersIn(data) : undefined;
      return members === undefined ? 'all' : [`group ${decoded(id)}`, ...members.map(userKey)];
    }
    default:
      return [path.toLowerCase()];
  }
}

/** Whether a user may lose its name by it: it is deleted, or called otherwise. Pure. */
export function freesName({ method, path, data }: BulkOperation): boolean {
  return (
    /^\/(?:Users|Account)\//i.test(path) &&
    (method === 'DELETE' || /"[^"]*userName"/i.test(JSON.stringify(data ?? null)))
  );
}

/** Ids of the members that a PATCH names; undefined where it may be about others. */
function membersIn(data: JsonValue | undefined): readonly string[] | undefined {
  const operations = isObject(data) ? of(data, 'operations') : undefined;
  const each = Array.isArray(operations) ? (operations as readonly JsonValue[]).map(idsIn) : [undefined];
  return each.includes(undefined) ? undefined : [...new Set(each.flatMap((ids) => ids ?? []))];
}

function idsIn(operation: JsonValue): readonly string[] | undefined {
  const op = isObject(operation) ? of(operation, 'op') : undefined;
  if (!isObject(operation) || typeof op !== 'string' || !/^(?:add|remove)$/i.test(op)) {
    return undefined;
  }
  const path = of(operation, 'path');
  const value = of(operation, 'value');
  const [, chosen] =
    /^members\[ *value +eq +"([^"\\]*)" *\]$/i.exec(typeof path === 'string' ? path.trim() : '') ?? [];
  if (chosen !== undefined) {
    return [chosen];
  }
  const members = path === undefined && isObject(value) ? of(value, 'members') : value;
  const list = Array.isArray(members) ? (members as readonly JsonValue[]) : [members];
  const ids = list.map((member) => (isObject(member) ? of(member, 'value') : member));
  return (typeof path === 'string' && path.includes('[')) || ids.some((id) => typeof id !== 'string')
    ? undefined
    : (ids as readonly string[]);
}

function userKey(id: string): string {
  return `user ${decoded(id)}`;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** By its name without regard to case. */
function of(object: JsonObject, name: string): JsonValue | undefined {
  return Object.entries(object).find(([key]) => key.toLowerCase() === name)?.[1];
}
