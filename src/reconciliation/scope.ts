import type { AccountSchema } from '../schema/index.ts';
import {
  canonical,
  matches,
  parseFilter,
  pathPrefix,
  type FilterAttribute,
  type FilterLanguage,
  type Value,
} from '../scim/index.ts';
import type { UserRecord } from './record.ts';
import type { ScopeFilter } from './run/index.ts';

/** The schema of accounts, as an identity product knows it. */
const accountUrn = 'urn:sath:params:scim:schemas:core:1.0:Account';

const own: readonly FilterAttribute[] = [
  { name: 'id', type: 'string', caseExact: true },
  // IAM compares names without regard to case.
  { name: 'userName', type: 'string' },
  { name: 'arn', type: 'string', caseExact: true },
  { name: 'path', type: 'string', caseExact: true, begins: '/' },
  { name: 'active', type: 'boolean' },
  { name: 'permissionsBoundary', type: 'string', caseExact: true },
  { name: 'created', type: 'dateTime' },
  { name: 'lastActivity', type: 'dateTime' },
  { name: 'groups', type: 'string' },
  {
    name: 'entitlements',
    type: 'complex',
    parts: [
      { name: 'value', type: 'string', caseExact: true },
      { name: 'display', type: 'string' },
      { name: 'type', type: 'string' },
    ],
  },
];

/** What a filter over accounts may name: what IAM has itself, and every attribute of the account schema. */
export function accountLanguage(schema: AccountSchema): FilterLanguage {
  const taken = new Set(own.map(({ name }) => name.toLowerCase()));
  const declared = [...schema.values()]
    .filter(({ name, syncDirection }) => syncDirection !== 'no-sync' && !taken.has(name.toLowerCase()))
    .map(({ name }): FilterAttribute => ({ name, type: 'string', caseExact: true }));
  return { attributes: [...own, ...declared], schemas: [accountUrn] };
}

export type Scope =
  | {
      readonly kind: 'scope';
      readonly filter: ScopeFilter;
      /** One text for all ways of writing it. */
      readonly canonical: string;
    }
  | { readonly kind: 'refused'; readonly message: string };

/** The accounts that a filter is about; refused with a sentence that says what is wrong. Pure. */
export function scopeOf(text: string, schema: AccountSchema): Scope {
  const parsed = parseFilter(text, accountLanguage(schema));
  if (parsed.kind === 'refused') {
    return parsed;
  }
  const { filter } = parsed;
  return {
    kind: 'scope',
    canonical: canonical(filter),
    filter: {
      matches: (record) => matches(filter, (attribute) => valuesOf(record, attribute)),
      pathPrefix: pathPrefix(filter, 'path'),
    },
  };
}

function valuesOf(record: UserRecord, attribute: string): readonly Value[] | 'unknown' {
  switch (attribute) {
    case 'id':
      return [record.userId];
    case 'userName':
      return [record.userName];
    case 'arn':
      return [record.arn];
    case 'path':
      return [record.path];
    case 'active':
      return known(record.active);
    case 'permissionsBoundary':
      return known(record.boundary);
    case 'created':
      return [record.createdAt];
    case 'lastActivity':
      return known(record.lastActivity);
    case 'groups':
      return (
        record.entitlements
          ?.filter(({ type, inheritedFrom }) => type === 'Group' && inheritedFrom === undefined)
          .map(({ name }) => name) ?? 'unknown'
      );
    case 'entitlements':
      return (
        record.entitlements?.map(({ arn, name, type }) => ({ value: arn, display: name, type })) ?? 'unknown'
      );
    default: {
      const value = Object.hasOwn(record.attributes, attribute) ? record.attributes[attribute] : undefined;
      return value === undefined ? [] : [value];
    }
  }
}

/** `null`: there is none; undefined: it is not known. */
function known<T extends Value>(value: T | null | undefined): readonly T[] | 'unknown' {
  return value === undefined ? 'unknown' : value === null ? [] : [value];
}
