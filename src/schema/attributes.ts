import { fold } from './tags.ts';

/**
 * The account schema of the vendor's guide, and what a connection changes of it. Person attributes
 * are kept as tags of the IAM user; `arn`, `path` and `userName` are IAM's own and not among them.
 */

/** Who leads for an attribute (the vendor's schema documents, `syncDirection`). */
export type SyncDirection = 'idhub-to-app' | 'app-to-idhub' | 'bi-directional' | 'no-sync';

export interface AttributeDefinition {
  readonly name: string;
  /** What the guide calls it, where it is one of the guide's: a rename keeps it. */
  readonly guideName?: string;
  readonly tagKey: string;
  readonly syncDirection: SyncDirection;
  /** Characters; absent where the guide sets no limit. */
  readonly maxLength?: number;
  readonly canonicalValues?: readonly string[];
}

/** One entry of `AwsConnection.spec.schema.attributes`: adds, renames, changes or removes. */
export interface AttributeChange {
  readonly name: string;
  readonly renames?: string;
  readonly tagKey?: string;
  readonly syncDirection?: SyncDirection;
  readonly maxLength?: number;
  readonly canonicalValues?: readonly string[];
  readonly removed?: boolean;
}

/** Whether we write an attribute at all; of the others AWS leads, or nobody does. */
export function isWritten({ syncDirection }: AttributeDefinition): boolean {
  return syncDirection === 'idhub-to-app' || syncDirection === 'bi-directional';
}

export type AccountSchema = ReadonlyMap<string, AttributeDefinition>;

type GuideEntry = readonly [
  name: string,
  maxLength?: number | undefined,
  canonicalValues?: readonly string[],
];

/** Lengths as the guide gives them. `usageLocation` has none here: its pattern refuses the guide's own example. */
const guide: readonly GuideEntry[] = [
  ['city', 128],
  ['companyName', 64],
  ['country', 128],
  ['department', 64],
  ['displayName', 256],
  ['employeeId', 16],
  ['employeeType', undefined, ['Employee', 'Contractor', 'Consultant', 'Vendor']],
  ['givenName', 64],
  ['jobTitle', 128],
  ['mail'],
  ['mobilePhone', 64],
  ['postalCode', 40],
  ['state', 128],
  ['streetAddress', 1024],
  ['surname', 64],
  ['usageLocation'],
];

/** IAM takes 128 characters (IAM API reference, Tag); `.99` is kept free for parts. */
const maxTagKey = 125;

/** Names that are IAM's own and cannot be made attributes. */
const intrinsic: ReadonlySet<string> = new Set(['arn', 'path', 'username', 'id']);

/** The schema in force, or sentences that say what is wrong with the changes. */
export function accountSchema(
  changes: readonly AttributeChange[],
  tagPrefix: string,
): { readonly schema: AccountSchema; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const schema = new Map<string, AttributeDefinition>();
  for (const [name, maxLength, canonicalValues] of guide) {
    schema.set(name, {
      name,
      guideName: name,
      tagKey: tagPrefix + name,
      syncDirection: 'idhub-to-app',
      ...(maxLength === undefined ? {} : { maxLength }),
      ...(canonicalValues === undefined ? {} : { canonicalValues }),
    });
  }
  for (const change of changes) {
    const source = change.renames ?? change.name;
    const base = schema.get(source);
    if (intrinsic.has(change.name.toLowerCase())) {
      problems.push(`attribute "${change.name}" is IAM's own and cannot be changed here`);
      continue;
    }
    if (base === undefined && (change.renames !== undefined || change.removed === true)) {
      problems.push(`there is no attribute "${source}" to ${change.removed === true ? 'remove' : 'rename'}`);
      continue;
    }
    if (change.renames !== undefined && schema.has(change.name)) {
      problems.push(`attribute "${source}" cannot be renamed to "${change.name}": that one exists`);
      continue;
    }
    schema.delete(source);
    if (change.removed === true) {
      continue;
    }
    const maxLength = change.maxLength ?? base?.maxLength;
    const canonicalValues = change.canonicalValues ?? base?.canonicalValues;
    schema.set(change.name, {
      name: change.name,
      ...(base?.guideName === undefined ? {} : { guideName: base.guideName }),
      tagKey:
        change.tagKey === undefined ? (base?.tagKey ?? tagPrefix + change.name) : tagPrefix + change.tagKey,
      syncDirection: change.syncDirection ?? base?.syncDirection ?? 'idhub-to-app',
      ...(maxLength === undefined ? {} : { maxLength }),
      ...(canonicalValues === undefined ? {} : { canonicalValues }),
    });
  }
  const byName = new Map<string, string>();
  const byKey = new Map<string, string>();
  for (const { name, tagKey } of schema.values()) {
    const alike = byName.get(fold(name));
    if (alike !== undefined) {
      problems.push(
        `attributes "${alike}" and "${name}" differ in case only, which SCIM does not tell apart`,
      );
    }
    byName.set(fold(name), name);
    if (tagKey.length > maxTagKey) {
      problems.push(
        `the tag key of attribute "${name}" has ${tagKey.length} characters with its prefix; at most ${maxTagKey} leave room for the parts of a long value`,
      );
    }
    const other = byKey.get(fold(tagKey));
    if (other !== undefined) {
      problems.push(`attributes "${other}" and "${name}" would share the tag "${tagKey}" (IAM ignores case)`);
    }
    byKey.set(fold(tagKey), name);
  }
  for (const [key, name] of byKey) {
    const other = byKey.get(key.replace(/\.\d+$/, ''));
    if (other !== undefined && other !== name) {
      problems.push(
        `the tag key of attribute "${name}" is where a part of a long "${other}" would go; choose another tagKey`,
      );
    }
  }
  return { schema, problems };
}

/** Sentences on what the schema refuses in these attributes; empty when all is well. */
export function checkAttributes(
  schema: AccountSchema,
  attributes: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(attributes).flatMap(([name, value]) => {
    const definition = schema.get(name);
    if (definition === undefined) {
      return [`attribute "${name}" is not in the account schema, which has ${[...schema.keys()].join(', ')}`];
    }
    const length = Array.from(value).length;
    if (definition.maxLength !== undefined && length > definition.maxLength) {
      return [`attribute "${name}" has ${length} characters; at most ${definition.maxLength} are allowed`];
    }
    if (definition.canonicalValues !== undefined && !definition.canonicalValues.includes(value)) {
      return [`attribute "${name}" must be one of ${definition.canonicalValues.join(', ')}`];
    }
    return [];
  });
}
