import {
  filterLanguage,
  filterValues,
  type Filter,
  type FilterLanguage,
  type JsonObject,
  type Lookup,
  type ResourceType,
} from '../../scim/index.ts';
import type { DirectoryAccount, DirectoryCatalogue, DirectoryEntitlement, DirectoryView } from '../model.ts';
import {
  commonFields,
  entitlementKind,
  groupKind,
  render,
  renderContext,
  unknownOf,
  unread,
  type AccountKind,
  type Field,
  type Kind,
  type RenderContext,
} from '../resources/index.ts';

/** All resources of one type at one moment, by id, ascending. Does not change. */
export interface Collection {
  readonly type: ResourceType;
  /** What a filter over them may name. */
  readonly language: FilterLanguage;
  readonly size: number;
  /** What they are taken from: what is kept for as long as the collection is. */
  readonly source: object;
  /** How many resources the source has of all types. */
  readonly weight: number;
  /** The values of one, as filters and orders want them; `unknown` where they could not be read. */
  lookup(index: number): Lookup;
  /** For a sentence. */
  nameOf(index: number): string;
  render(index: number): JsonObject;
  /** For `requireKnown`. */
  unknown(index: number): readonly string[];
  /** Those that alone can fit a filter, where an index tells; undefined: any. */
  candidates(filter: Filter): readonly number[] | undefined;
}

/** As `Account` or as `Users`. @param base of the service that is asked, without a slash at its end */
export function accountCollection(view: DirectoryView, kind: AccountKind, base: string): Collection {
  return collectionOf({
    kind,
    items: view.accounts(),
    source: view,
    weight: weightOf(view),
    context: renderContext(view, base),
    nameOf: ({ userName }) => userName,
    byId: (id) => view.account(id),
    byName: (name) => view.accountByName(name),
  });
}

export function groupCollection(view: DirectoryView, base: string): Collection {
  return collectionOf<DirectoryEntitlement>({
    kind: groupKind,
    items: view.groups(),
    source: view,
    weight: weightOf(view),
    context: renderContext(view, base),
    nameOf: ({ displayName }) => displayName,
    byId: (id) => view.group(id),
  });
}

export function entitlementCollection(catalogue: DirectoryCatalogue, base: string): Collection {
  return collectionOf<DirectoryEntitlement>({
    kind: entitlementKind,
    items: catalogue.entitlements(),
    source: catalogue,
    weight: catalogue.entitlements().length,
    context: { base, groupByArn: () => undefined, membersKnown: () => false, members: () => undefined },
    nameOf: ({ displayName }) => displayName,
    byId: (id) => catalogue.entitlement(id),
  });
}

interface Parts<T> {
  readonly kind: Kind<T>;
  readonly items: readonly T[];
  readonly source: object;
  readonly weight: number;
  readonly context: RenderContext;
  nameOf(item: T): string;
  byId(id: string): T | undefined;
  byName?(name: string): T | undefined;
}

function collectionOf<T extends DirectoryAccount | DirectoryEntitlement>(parts: Parts<T>): Collection {
  const { kind, items, source, weight, context } = parts;
  const item = (index: number): T => {
    const found = items[index];
    if (found === undefined) {
      throw new Error(`there is no resource ${index}`);
    }
    return found;
  };
  const fields = new Map<string, Field<T>>(
    [...commonFields(kind), ...kind.fields.flat()].map((field) => [field.attribute.name, field]),
  );
  const unknown = unknownOf(kind);
  // The same resource may come as another object: it is known by its id.
  const found = (one: T | undefined): readonly number[] => {
    const id = one === undefined ? undefined : kind.identity(one).id;
    const index = id === undefined ? -1 : items.findIndex((each) => kind.identity(each).id === id);
    return index === -1 ? [] : [index];
  };
  return {
    type: kind.type,
    language: filterLanguage(kind.type),
    size: items.length,
    source,
    weight,
    lookup: (index) => (name) => {
      const field = fields.get(name);
      const value = field?.read(item(index), context);
      if (value === unread) {
        return 'unknown';
      }
      return field === undefined || value === undefined ? [] : filterValues(field.attribute, value);
    },
    nameOf: (index) => parts.nameOf(item(index)),
    render: (index) => render(kind, item(index), context),
    unknown: (index) => unknown(item(index), context),
    candidates: (filter) => {
      if (filter.kind !== 'compare' || filter.operator !== 'eq' || typeof filter.operand !== 'string') {
        return undefined;
      }
      switch (filter.path.attribute.name) {
        case 'id':
          return found(parts.byId(filter.operand));
        case 'userName':
          return parts.byName === undefined ? undefined : found(parts.byName(filter.operand));
        default:
          return undefined;
      }
    },
  };
}

function weightOf(view: DirectoryView): number {
  return view.size + view.groups().length;
}
