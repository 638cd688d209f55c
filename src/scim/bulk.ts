import { ScimError } from './error.ts';
import { isObject } from './path.ts';
import { requireSchema } from './read.ts';
import { short } from './short.ts';
import type { JsonObject, JsonValue } from './schema.ts';

const requestUrn = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
const responseUrn = 'urn:ietf:params:scim:api:messages:2.0:BulkResponse';

export type BulkMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One operation of a bulk request (RFC 7644, 3.7). */
export interface BulkOperation {
  readonly method: BulkMethod;
  /** Below the root, with a slash before. */
  readonly path: string;
  readonly bulkId: string | undefined;
  /** As `If-Match` has it. */
  readonly version: string | undefined;
  readonly data: JsonValue | undefined;
}

export interface BulkRequest {
  /** After so many errors nothing more is begun; undefined: everything is tried. */
  readonly failOnErrors: number | undefined;
  readonly operations: readonly BulkOperation[];
}

/** What came of an operation. */
export interface BulkResult {
  readonly status: number;
  readonly location?: string | undefined;
  /** An entity tag. */
  readonly version?: string | undefined;
  /** Of a failure: the body of an error. */
  readonly response?: JsonValue | undefined;
}

const methods: readonly string[] = ['POST', 'PUT', 'PATCH', 'DELETE'] satisfies BulkMethod[];

/**
 * Reads the body of a POST to `/Bulk`.
 * @throws {ScimError} `invalidSyntax`; 413 for more operations than are taken
 */
export function readBulk(body: unknown, maxOperations: number): BulkRequest {
  if (!isObject(body)) {
    throw new ScimError('invalidSyntax', 'The body is a JSON object.');
  }
  requireSchema(body['schemas'], requestUrn);
  const { failOnErrors } = body;
  if (failOnErrors !== undefined && failOnErrors !== null && !isPositive(failOnErrors)) {
    throw new ScimError('invalidSyntax', '"failOnErrors" is a whole number above 0.');
  }
  const raw = body['Operations'];
  if (!Array.isArray(raw) || raw.length === 0) {
    throw new ScimError('invalidSyntax', '"Operations" is a list with an operation in it.');
  }
  if (raw.length > maxOperations) {
    throw new ScimError(413, `A bulk request has ${maxOperations} operations at most.`);
  }
  const operations = (raw as readonly JsonValue[]).map(readOperation);
  const ids = operations.flatMap(({ bulkId }) => bulkId ?? []);
  if (new Set(ids).size < ids.length) {
    throw new ScimError('invalidSyntax', 'Two operations have the same "bulkId".');
  }
  return { failOnErrors: isPositive(failOnErrors) ? failOnErrors : undefined, operations };
}

function isPositive(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function readOperation(raw: JsonValue, at: number): BulkOperation {
  const wrong = (message: string): ScimError =>
    new ScimError('invalidSyntax', `Operation ${at + 1}: ${message}`);
  if (!isObject(raw)) {
    throw wrong('it is an object.');
  }
  const { bulkId, version, data, path } = raw;
  const given = raw['method'];
  const method = typeof given === 'string' ? given.toUpperCase() : '';
  if (!isMethod(method)) {
    throw wrong(`"method" is one of ${methods.join(', ')}.`);
  }
  if (typeof path !== 'string' || !/^\/[\x21-\x7e]+$/.test(path)) {
    throw wrong('"path" begins with a slash, as in /Users.');
  }
  const isText = (value: JsonValue | undefined): value is string =>
    typeof value === 'string' && value !== '' && value.length <= 256;
  const absent = (value: JsonValue | undefined): boolean => value === undefined || value === null;
  if (!isText(bulkId) && (method === 'POST' || !absent(bulkId))) {
    throw wrong('a POST has a "bulkId", a text of 256 characters at most.');
  }
  if (!absent(version) && !isText(version)) {
    throw wrong('"version" is an entity tag.');
  }
  if (method !== 'DELETE' && !isObject(data)) {
    throw wrong(`a ${method} has "data".`);
  }
  return {
    method,
    path,
    bulkId: isText(bulkId) ? bulkId : undefined,
    version: isText(version) ? version : undefined,
    data: method === 'DELETE' ? undefined : data,
  };
}

function isMethod(text: string): text is BulkMethod {
  return methods.includes(text);
}

/** A reference to what another operation makes: in a path, or as a whole value. */
const reference = /^bulkId:(.+)$/;
const inPath = /(?<=\/)bulkId:([^/?]+)/g;

/** The `bulkId`s that an operation waits for. */
function referencesOf({ path, data }: BulkOperation): readonly string[] {
  const found = [...path.matchAll(inPath)].map(([, id = '']) => id);
  const walk = (value: JsonValue | undefined): void => {
    if (typeof value === 'string') {
      const id = reference.exec(value)?.[1];
      found.push(...(id === undefined ? [] : [id]));
    } else if (typeof value === 'object' && value !== null) {
      Object.values(value).forEach(walk);
    }
  };
  walk(data);
  return found;
}

function resolved<T extends JsonValue | undefined>(
  value: T,
  ids: ReadonlyMap<string, string>,
): JsonValue | T {
  if (typeof value === 'string') {
    const id = reference.exec(value)?.[1];
    return id === undefined ? value : (ids.get(id) ?? value);
  }
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).map((each) => resolved(each, ids));
  }
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each, ids)]))
    : value;
}

export interface BulkOptions {
  readonly request: BulkRequest;
  /** Operations under way at once, at most. One only, where the request ends at errors. */
  readonly atOnce: number;
  /** Never rejects for what is wrong with the operation: that is its result. */
  readonly execute: (operation: BulkOperation) => Promise<BulkResult & { readonly id?: string | undefined }>;
  /** The body of an error. */
  readonly errorOf: (error: ScimError) => BulkResult;
  /** Address of the service, without a slash at its end. */
  readonly base: string;
  /** What a PUT, PATCH or DELETE changes; without it, what its path names. */
  readonly changedBy?: (operation: BulkOperation) => Changed;
  /** Whether an operation may give free what a later POST needs, as a deletion does with a name. */
  readonly frees?: (operation: BulkOperation) => boolean;
}

/** Keys of what an operation changes; `all`: there is no telling what. */
export type Changed = readonly string[] | 'all';

/**
 * Carries out the operations of a bulk request: those that name others by `bulkId` after them, with the ids that they
 * got; those that change the same one after the other, in their order; the rest side by side. An operation whose
 * references cannot be resolved fails with 409 (RFC 7644, 3.7.1). The answer keeps the order of the request;
 * operations that were not begun are not in it.
 * @throws what `execute` rejects with
 */
export async function runBulk(options: BulkOptions): Promise<JsonObject> {
  const { request, atOnce, base, execute, errorOf } = options;
  const { operations, failOnErrors } = request;
  const limit = failOnErrors === undefined ? atOnce : 1;
  const results = new Map<BulkOperation, BulkResult>();
  const ids = new Map<string, string>();
  const made = new Map(
    operations.flatMap((each) => (each.bulkId === undefined ? [] : [[each.bulkId, each]])),
  );
  const waitsFor = orderOf(options, made);
  const paths = new Map<BulkOperation, string>();
  const left = new Set(operations);
  const running = new Set<Promise<void>>();
  let errors = 0;

  const settle = (operation: BulkOperation, result: BulkResult): void => {
    results.set(operation, result);
    errors += result.status >= 400 ? 1 : 0;
  };
  const begin = (operation: BulkOperation): void => {
    const path = operation.path.replaceAll(inPath, (whole, id: string) =>
      ids.has(id) ? encodeURIComponent(ids.get(id) ?? '') : whole,
    );
    paths.set(operation, path);
    const running_ = execute({ ...operation, path, data: resolved(operation.data, ids) }).then((result) => {
      if (operation.bulkId !== undefined && result.id !== undefined) {
        ids.set(operation.bulkId, result.id);
      }
      settle(operation, result);
      running.delete(running_);
    });
    running.add(running_);
  };
  const stopped = (): boolean => failOnErrors !== undefined && errors >= failOnErrors;

  while (left.size > 0 && !stopped()) {
    let moved = false;
    for (const operation of left) {
      if (running.size >= limit || stopped()) {
        break;
      }
      const { references = [], before = [] } = waitsFor.get(operation) ?? {};
      const lost = references.find((id) => {
        const maker = made.get(id);
        return maker === undefined || (results.has(maker) && !ids.has(id));
      });
      if (lost !== undefined) {
        left.delete(operation);
        settle(operation, errorOf(new ScimError(409, `"bulkId:${short(lost)}" has made no resource.`)));
        moved = true;
      } else if (references.every((id) => ids.has(id)) && before.every((each) => results.has(each))) {
        left.delete(operation);
        begin(operation);
        moved = true;
      }
    }
    if (running.size > 0) {
      await Promise.race(running);
    } else if (!moved) {
      // What is left waits for itself.
      for (const operation of left) {
        settle(operation, errorOf(new ScimError(409, 'Operations wait for each other by their "bulkId".')));
      }
      left.clear();
    }
  }
  await Promise.all(running);
  return {
    schemas: [responseUrn],
    Operations: operations.flatMap((operation) => {
      const result = results.get(operation);
      return result === undefined
        ? []
        : [resultObject(operation, result, base + (paths.get(operation) ?? operation.path))];
    }),
  };
}

interface Waiting {
  /** `bulkId`s. */
  readonly references: readonly string[];
  /** With what these wait for, all before it that it must not overtake. */
  readonly before: readonly BulkOperation[];
}

function orderOf(
  { request: { operations }, changedBy, frees }: BulkOptions,
  made: ReadonlyMap<string, BulkOperation>,
): ReadonlyMap<BulkOperation, Waiting> {
  const order = orderOfChanges(operations, changedBy ?? (({ path }) => [path.toLowerCase()]));
  const waiting = new Map<BulkOperation, Waiting>(
    operations.map((each) => [each, { references: referencesOf(each), before: order.get(each) ?? [] }]),
  );
  const freeing: BulkOperation[] = [];
  for (const operation of operations) {
    const { references = [] } = waiting.get(operation) ?? {};
    if (operation.method !== 'POST') {
      freeing.push(...(frees?.(operation) === true ? [operation] : []));
    } else if (freeing.length > 0) {
      // What waits for the POST itself cannot come before it.
      const before = freeing.filter((each) => !reaches(each, operation, waiting, made));
      waiting.set(operation, { references, before });
    }
  }
  return waiting;
}

/** Whether an operation waits for another, by way of whatever others. */
function reaches(
  from: BulkOperation,
  to: BulkOperation,
  waiting: ReadonlyMap<BulkOperation, Waiting>,
  made: ReadonlyMap<string, BulkOperation>,
): boolean {
  const seen = new Set([from]);
  for (const each of seen) {
    const { references = [], before = [] } = waiting.get(each) ?? {};
    before.forEach((one) => seen.add(one));
    references.flatMap((id) => made.get(id) ?? []).forEach((one) => seen.add(one));
  }
  return seen.has(to);
}

/** Which of the operations before it each comes after: with what these wait for, all that change the same. */
function orderOfChanges(
  operations: readonly BulkOperation[],
  changedBy: (operation: BulkOperation) => Changed,
): ReadonlyMap<BulkOperation, readonly BulkOperation[]> {
  const order = new Map<BulkOperation, readonly BulkOperation[]>();
  let onAll: BulkOperation | undefined;
  let since: BulkOperation[] = [];
  let last = new Map<string, BulkOperation>();
  for (const operation of operations) {
    // What a POST makes nobody can name but by its bulkId.
    if (operation.method === 'POST') {
      continue;
    }
    const changed = changedBy(operation);
    const first = onAll === undefined ? [] : [onAll];
    if (changed === 'all') {
      order.set(operation, [...first, ...since]);
      onAll = operation;
      since = [];
      last = new Map();
    } else {
      const before = changed.flatMap((key) => last.get(key) ?? []);
      order.set(operation, [...new Set([...first, ...before])]);
      since.push(operation);
      changed.forEach((key) => last.set(key, operation));
    }
  }
  return order;
}

function resultObject(
  { method, bulkId }: BulkOperation,
  { status, location, version, response }: BulkResult,
  address: string,
): JsonObject {
  return {
    // Of what was not made there is none (RFC 7644, 3.7).
    ...(location === undefined && method === 'POST' ? {} : { location: location ?? address }),
    method,
    ...(bulkId === undefined ? {} : { bulkId }),
    ...(version === undefined ? {} : { version }),
    ...(response === undefined ? {} : { response }),
    status: String(status),
  };
}
