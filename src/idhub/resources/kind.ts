import {
  commonAttributes,
  entityTag,
  projection,
  schemasOf,
  type Attribute,
  type JsonObject,
  type JsonValue,
  type ResourceType,
  type Wanted,
} from '../../scim/index.ts';
import { DirectoryUnavailableError, type DirectoryEntitlement, type DirectoryView } from '../model.ts';

/** Stands for a value that could not be read: nobody may take it for one that is not there. */
export const unread = Symbol('unread');

/** A value, undefined where there is none. */
export type Read = JsonValue | undefined | typeof unread;

/** What a resource is told with beside itself. */
export interface RenderContext {
  /** Of the service that is asked, without a slash at its end: `https://aws.example.com/scim/v2`. */
  readonly base: string;
  groupByArn(arn: string): DirectoryEntitlement | undefined;
  /** Whether it could be read who is in which group. */
  membersKnown(): boolean;
  /** Undefined where that could not be read. */
  members(groupId: string): readonly Named[] | undefined;
}

/** An account as a group names it. */
export interface Named {
  readonly userId: string;
  readonly userName: string;
}

/** @param base of the service that is asked, without a slash at its end */
export function renderContext(view: DirectoryView, base: string): RenderContext {
  let byArn: ReadonlyMap<string, DirectoryEntitlement> | undefined;
  let complete: boolean | undefined;
  const membersKnown = (): boolean => {
    complete ??= view.accounts().every(({ entitlements }) => entitlements !== undefined);
    return complete;
  };
  return {
    base,
    membersKnown,
    groupByArn: (arn) => {
      byArn ??= new Map(view.groups().map((group) => [group.entitlementArn, group]));
      return byArn.get(arn);
    },
    members: (groupId) => (membersKnown() ? view.members(groupId) : undefined),
  };
}

/** An attribute and where its value comes from. */
export interface Field<T> {
  readonly attribute: Attribute;
  readonly read: (of: T, context: RenderContext) => Read;
  /** Of what clients take for empty, or for its default, where it is not there: whether it could be read. */
  readonly known?: (of: T, context: RenderContext) => boolean;
}

/** What every resource is told with. */
export interface Identity {
  readonly id: string;
  readonly externalId: string | undefined;
  /** Milliseconds since the epoch; undefined where it is not known. */
  readonly created: number | undefined;
  readonly version: string;
}

/** A type of resource of one connection: what is told of it, and how. */
export interface Kind<T> {
  readonly type: ResourceType;
  /** Of the type's schema and of its extensions, in the order of `schemasOf(type)`. */
  readonly fields: readonly (readonly Field<T>[])[];
  identity(of: T): Identity;
  /** Keys that the vendor's bodies have and that no schema can list. */
  more?(of: T): JsonObject;
}

/** @throws {Error} where fields and schemas do not fit: a mistake of the program */
export function kindOf<T>(kind: Kind<T>): Kind<T> {
  schemasOf(kind.type).forEach(({ attributes, id }, index) => {
    const told = kind.fields[index]?.map(({ attribute }) => attribute) ?? [];
    if (told.length !== attributes.length || told.some((each, at) => each !== attributes[at])) {
      throw new Error(`the fields of ${id} are not its attributes`);
    }
  });
  return kind;
}

/** The body of a resource. What is not known is not in it, and neither is what is only written (RFC 7643, 2.5, 7). */
export function render<T>(kind: Kind<T>, of: T, context: RenderContext): JsonObject {
  const [own = [], ...extended] = kind.fields;
  const [schema, ...extensions] = schemasOf(kind.type);
  const told: Record<string, JsonValue | undefined> = readAll(own, of, context);
  const schemas = [schema?.id ?? ''];
  extensions.forEach(({ id }, index) => {
    const values = readAll(extended[index] ?? [], of, context);
    if (Object.keys(values).length > 0) {
      told[id] = values;
      schemas.push(id);
    }
  });
  const identity = kind.identity(of);
  const { id, externalId } = identity;
  return {
    schemas,
    id,
    ...(externalId === undefined ? {} : { externalId }),
    ...told,
    ...kind.more?.(of),
    meta: metaOf(kind, identity, context),
  };
}

/** Names of attributes that could not be read, and that nobody may go without who asks for them: see `requireKnown`. */
export function unknownOf<T>({
  fields,
}: Pick<Kind<T>, 'fields'>): (of: T, context: RenderContext) => readonly string[] {
  const vital = fields.flat().filter(({ known }) => known !== undefined);
  return (of, context) =>
    vital.filter(({ known }) => known?.(of, context) === false).map(({ attribute }) => attribute.name);
}

/**
 * @param unknown names of attributes of a resource that could not be read
 * @throws {DirectoryUnavailableError} where the client would see one of them: absent, it would count as empty
 */
export function requireKnown(type: ResourceType, unknown: readonly string[], wanted: Wanted): void {
  if (unknown.length === 0) {
    return;
  }
  const seen = Object.keys(projection(type, wanted)(Object.fromEntries(unknown.map((name) => [name, []]))));
  if (seen.length > 0) {
    throw new DirectoryUnavailableError(
      `Not all of ${seen.map((name) => `"${name}"`).join(', ')} could be read in AWS yet: ask again, or without (excludedAttributes=${seen.join(',')}).`,
      { retryAfterMs: 60_000 },
    );
  }
}

function readAll<T>(
  fields: readonly Field<T>[],
  of: T,
  context: RenderContext,
): Record<string, JsonValue | undefined> {
  const values: Record<string, JsonValue | undefined> = {};
  for (const { attribute, read } of fields) {
    const value = read(of, context);
    if (value !== undefined && value !== unread) {
      values[attribute.name] = value;
    }
  }
  return values;
}

/** When something was changed AWS does not tell, so that there is no `lastModified`. */
function metaOf<T>(
  { type }: Kind<T>,
  { id, created, version }: Identity,
  context: RenderContext,
): JsonObject {
  return {
    resourceType: type.name,
    ...(created === undefined ? {} : { created: timeText(created) }),
    location: locationOf(type, id, context),
    version: entityTag(version),
  };
}

/** The address of a resource; an inline policy has a slash in its id. */
export function locationOf(
  { endpoint }: Pick<ResourceType, 'endpoint'>,
  id: string,
  { base }: Pick<RenderContext, 'base'>,
): string {
  return `${base}${endpoint}/${encodeURIComponent(id)}`;
}

/** @param at milliseconds since the epoch */
export function timeText(at: number): string {
  return new Date(at).toISOString();
}

/** What every resource has, and where a filter finds it (RFC 7643, 3.1). */
export function commonFields<T>(kind: Kind<T>): readonly Field<T>[] {
  const reads: Readonly<Record<string, Field<T>['read']>> = {
    schemas: (of, context) => render(kind, of, context)['schemas'],
    id: (of) => kind.identity(of).id,
    externalId: (of) => kind.identity(of).externalId,
    meta: (of, context) => metaOf(kind, kind.identity(of), context),
  };
  return commonAttributes.flatMap((attribute) => {
    const read = reads[attribute.name];
    return read === undefined ? [] : [{ attribute, read }];
  });
}
