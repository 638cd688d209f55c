import type { AttributeDefinition, SyncDirection } from '../../schema/index.ts';
import type { Attribute, JsonObject, ResourceType } from '../../scim/index.ts';
import { accountKind, entitlementKind, guideFacts, type AccountKind } from '../resources/index.ts';
import type { AccountSchema } from '../../schema/index.ts';

/**
 * Schema documents as the vendor writes them. They have keys that RFC 7643 does not know (`idhubFieldName`,
 * `syncDirection`, `isVisible`, `$REGEX` among canonical values), so that `/Schemas` tells others. An attribute that
 * may be left out says so, since older readers take one for required that does not.
 */

/** What the guide matches accounts by in IDHub, where the connection has it. */
const reconciliationKeys = ['mail', 'employeeId'] as const;

/** IAM API reference, User; RFC 7643 has no place for a pattern. */
const patterns: Readonly<Record<string, string>> = {
  userName: String.raw`^[\w+=,.@-]{1,64}$`,
  path: '^(/|/[!-~]+/)$',
};

/** Of what is IAM's own, and not of the account schema; others are read from AWS. */
const ownDirections: Readonly<Record<string, SyncDirection>> = {
  userName: 'bi-directional',
  active: 'bi-directional',
  path: 'bi-directional',
  entitlements: 'bi-directional',
  password: 'idhub-to-app',
};

/** The guide's table of attribute mappings hides these. */
const hidden: ReadonlySet<string> = new Set(['arn', 'path']);

export function accountDocument(schema: AccountSchema, base: string): JsonObject {
  const kind = accountKind(schema);
  const definitions = definitionsOf(kind);
  return documentOf(kind.type, base, matchingAttributes(schema), (attribute) =>
    accountAttribute(attribute, definitions.get(attribute.name)),
  );
}

export function entitlementDocument(base: string): JsonObject {
  const { type } = entitlementKind;
  return documentOf(type, base, ['entitlementArn'], (attribute) => ({
    ...attributeOf(attribute, true),
    // RFC 7643 has no name with a blank in it; the vendor's entitlement does.
    name: entitlementName(attribute),
    syncDirection: 'app-to-idhub',
    isVisible: true,
  }));
}

function entitlementName({ name }: Attribute): string {
  return name === 'usedAs' ? 'used as' : name;
}

/** The names of attributes by resource type, to compare what IDHub has of them. */
export function attributeNames(
  schema: AccountSchema,
): Readonly<Record<'Account' | 'Entitlement', readonly string[]>> {
  return {
    Account: accountKind(schema).type.schema.attributes.map(({ name }) => name),
    Entitlement: entitlementKind.type.schema.attributes.map(entitlementName),
  };
}

/** By what IDHub can tell whose account it is: attributes by their names in this connection. */
export function matchingAttributes(schema: AccountSchema): readonly string[] {
  const named = (guideName: string): readonly string[] =>
    [...schema.values()]
      .filter((each) => each.guideName === guideName && each.syncDirection !== 'no-sync')
      .map(({ name }) => name);
  return ['userName', ...reconciliationKeys.flatMap(named)];
}

function documentOf(
  { name, endpoint, description, schema }: ResourceType,
  base: string,
  matching: readonly string[],
  told: (attribute: Attribute) => JsonObject,
): JsonObject {
  return {
    id: schema.id,
    name,
    endpoint,
    description,
    schema: schema.id,
    'matching-attributes': matching,
    attributes: schema.attributes.map(told),
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.id}` },
  };
}

function definitionsOf({ slots }: AccountKind): ReadonlyMap<string, AttributeDefinition> {
  return new Map(slots.map(({ definition, place }) => [place.name, definition]));
}

function accountAttribute(attribute: Attribute, definition: AttributeDefinition | undefined): JsonObject {
  const { name } = attribute;
  const pattern = definition === undefined ? patterns[name] : patternOf(definition);
  const field = name === 'userName' ? 'login' : definition && guideFacts(definition)?.idhubFieldName;
  return {
    ...attributeOf(attribute, name === 'userName'),
    ...(pattern === undefined ? {} : { canonicalValues: [`$REGEX ${pattern}`] }),
    ...(field === undefined ? {} : { idhubFieldName: field }),
    syncDirection: definition?.syncDirection ?? ownDirections[name] ?? 'app-to-idhub',
    isVisible: !hidden.has(name),
  };
}

/** A list of values says more than a length. */
function patternOf({ maxLength, canonicalValues }: AttributeDefinition): string | undefined {
  return maxLength === undefined || canonicalValues !== undefined ? undefined : `^.{1,${maxLength}}$`;
}

/** `uniqueness` stands at one attribute only: IDHub does not reconcile where two have it. */
function attributeOf(attribute: Attribute, required: boolean): JsonObject {
  const { name, type, description, multiValued, mutability, returned, uniqueness, caseExact } = attribute;
  const { canonicalValues, subAttributes } = attribute;
  return {
    name,
    type,
    description,
    required,
    multiValued,
    mutability,
    returned,
    caseExact,
    ...(uniqueness === 'none' ? {} : { uniqueness }),
    ...(canonicalValues === undefined ? {} : { canonicalValues }),
    ...(subAttributes === undefined
      ? {}
      : { subAttributes: subAttributes.map((part) => attributeOf(part, false)) }),
  };
}
