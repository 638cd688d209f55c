import { accountSchema, type AttributeChange, type AttributeDefinition } from '../../src/schema/index.ts';

export interface SchemaChanges {
  /** What `AwsConnection.spec.schema.attributes` has to say. */
  readonly changes: readonly AttributeChange[];
  /** Sentences on what cannot be taken over. */
  readonly warnings: readonly string[];
  /** Sentences on what makes no sense at all. */
  readonly problems: readonly string[];
}

const directions = ['idhub-to-app', 'app-to-idhub', 'bi-directional', 'no-sync'] as const;
/** IAM's own, which no schema changes (docs/kinds/awsconnection.md). */
const intrinsic: ReadonlySet<string> = new Set(['arn', 'path', 'userName']);
/** Newer documents of the vendor call them so. */
const newerNames: ReadonlyMap<string, string> = new Map([
  ['firstName', 'givenName'],
  ['lastName', 'surname'],
]);
/** Attributes of an entitlement in the guide. */
const entitlement = ['description', 'displayName', 'entitlementArn', 'type', 'used as'];

const noSchema: SchemaChanges = {
  changes: [],
  warnings: [],
  problems: ['is no schema: it has no list "attributes" of objects with a "name"'],
};

/** Compares an account schema document with the one that is in force without changes. Pure. */
export function changesOf(document: unknown): SchemaChanges {
  const attributes = attributesOf(document);
  if (attributes === undefined) {
    return noSchema;
  }
  const { schema } = accountSchema([], '');
  const changes: AttributeChange[] = [];
  const warnings: string[] = [];
  const problems: string[] = [];
  const named = new Set<string>();
  for (const attribute of attributes) {
    const { name } = attribute;
    if (intrinsic.has(name)) {
      continue;
    }
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
      problems.push(
        `attribute "${name}" starts with no letter, or has other characters than letters, digits, - and _`,
      );
      continue;
    }
    const older = newerNames.get(name);
    const base = schema.get(name) ?? (older === undefined ? undefined : schema.get(older));
    if (named.has(base?.name ?? name)) {
      problems.push(
        `attribute "${name}" is there twice, or with its older name ${base?.name ?? ''}`.trimEnd(),
      );
      continue;
    }
    named.add(base?.name ?? name);
    const change = changeOf(attribute, base, warnings);
    if (base === undefined || Object.keys(change).length > 1) {
      changes.push(change);
    }
  }
  for (const name of schema.keys()) {
    if (!named.has(name)) {
      changes.push({ name, removed: true });
    }
  }
  return { changes, warnings, problems: [...problems, ...accountSchema(changes, '').problems] };
}

/** The entitlement schema is AWS's own: nothing of it can be changed, and a document that differs is told of. */
export function compareEntitlementSchema(document: unknown): SchemaChanges {
  const attributes = attributesOf(document);
  if (attributes === undefined) {
    return noSchema;
  }
  const names = attributes.map(({ name }) => name);
  const differing = [
    ...names.filter((name) => !entitlement.includes(name)),
    ...entitlement.filter((name) => !names.includes(name)),
  ];
  return {
    changes: [],
    warnings:
      differing.length === 0
        ? []
        : [
            `entitlements have the attributes ${entitlement.join(', ')}, always: ${differing.join(', ')} cannot be added or taken away`,
          ],
    problems: [],
  };
}

interface Attribute {
  readonly name: string;
  readonly syncDirection?: unknown;
  readonly canonicalValues?: unknown;
}

function attributesOf(document: unknown): readonly Attribute[] | undefined {
  const list = (document as { attributes?: unknown } | null | undefined)?.attributes ?? document;
  const sound =
    Array.isArray(list) &&
    list.every((each: unknown) => typeof (each as { name?: unknown } | null)?.name === 'string');
  return sound ? (list as Attribute[]) : undefined;
}

function changeOf(
  attribute: Attribute,
  base: AttributeDefinition | undefined,
  warnings: string[],
): AttributeChange {
  const { name, syncDirection } = attribute;
  const direction = directions.find((each) => each === String(syncDirection).toLowerCase());
  if (syncDirection !== undefined && direction === undefined) {
    warnings.push(
      `attribute "${name}": its syncDirection is none of ${directions.join(', ')} and was left out`,
    );
  }
  const values = Array.isArray(attribute.canonicalValues)
    ? attribute.canonicalValues.filter((each): each is string => typeof each === 'string')
    : [];
  const pattern = values
    .find((each) => each.startsWith('$REGEX'))
    ?.replace('$REGEX', '')
    .trim();
  const maxLength = lengthOf(pattern);
  // The guide's own pattern of usageLocation refuses the guide's own example, and is not in force here.
  if (
    pattern !== undefined &&
    maxLength === undefined &&
    !(name === 'usageLocation' && pattern === '^[a-z]{2}$')
  ) {
    warnings.push(
      `attribute "${name}": a pattern other than a length cannot be said in spec.schema and was left out`,
    );
  }
  const listed = pattern === undefined && values.length > 0 ? values : undefined;
  const sameValues = JSON.stringify(listed) === JSON.stringify(base?.canonicalValues);
  return {
    name,
    ...(base === undefined || base.name === name ? {} : { renames: base.name }),
    ...(direction === undefined || direction === (base?.syncDirection ?? 'idhub-to-app')
      ? {}
      : { syncDirection: direction }),
    ...(maxLength === undefined || maxLength === base?.maxLength ? {} : { maxLength }),
    ...(listed === undefined || sameValues ? {} : { canonicalValues: listed }),
  };
}

/** The pattern `^.{1,N}$` says the most characters of a value, and nothing else. */
function lengthOf(pattern: string | undefined): number | undefined {
  const length = Number(/^\^\.\{\d+,(\d+)\}\$$/.exec(pattern ?? '')?.[1] ?? Number.NaN);
  return Number.isInteger(length) && length >= 1 && length <= 4_096 ? length : undefined;
}
