import {
  edgeKey,
  inlineArn,
  nameInArn,
  typeOfPolicy,
  type EntitlementType,
} from '../../entitlement/index.ts';
import { sameName } from '../../schema/index.ts';
import { ScimError, type JsonObject, type JsonValue } from '../../scim/index.ts';
import type {
  DirectoryAccount,
  DirectoryCatalogue,
  DirectoryView,
  EntitlementReference,
  EntitlementWrite,
} from '../model.ts';
import { DirectoryUnavailableError } from '../model.ts';

/** Where entitlements are looked for that are not named by ARN. */
export interface Places {
  readonly view: DirectoryView;
  /** Asked only where somebody names one by its id or its name alone. */
  catalogue(): Promise<DirectoryCatalogue>;
}

/** An entitlement as somebody named it: `key` is the same for all names of one. */
interface Named {
  readonly key: string;
  readonly type: EntitlementType;
  readonly name: string;
  readonly reference: EntitlementReference;
  /** It was told as inherited: an echo of what we said, and nothing to give. */
  readonly inherited: boolean;
}

/** What a new account is to have. @throws {ScimError} `invalidValue` */
export async function givenTo(value: JsonValue | undefined, places: Places): Promise<EntitlementWrite> {
  const named = await namedIn(value, undefined, places);
  const wanted = named.filter(({ inherited }) => !inherited);
  wanted.forEach(requireBindable);
  return { add: wanted.map(({ reference }) => reference), remove: [] };
}

/**
 * What an account is to have instead of what it has: all that is its own and is not named goes. What it has through
 * a group is neither given once more nor taken.
 * @throws {ScimError} `invalidValue`
 */
export async function replaced(
  value: JsonValue | undefined,
  account: DirectoryAccount,
  places: Places,
): Promise<EntitlementWrite> {
  const held = heldBy(account);
  const named = await namedIn(value, account, places);
  const wanted = named.filter(
    ({ key, inherited }) => !inherited && (held.own.has(key) || !held.inherited.has(key)),
  );
  return writeOf(wanted, [...held.own.values()], held.own);
}

/**
 * What a PATCH makes of the entitlements of an account. What it names and is not there afterwards is taken away, also
 * where nobody has seen it on the account yet.
 * @param after all of them afterwards
 * @param mentioned those that the operations name
 * @throws {ScimError} `invalidValue`; `mutability` for the removal of what the account has through a group
 */
export async function patched(
  after: JsonValue | undefined,
  mentioned: readonly JsonObject[],
  account: DirectoryAccount,
  places: Places,
): Promise<EntitlementWrite> {
  const held = heldBy(account);
  const wanted = await namedIn(after, account, places);
  const keys = new Set(wanted.map(({ key }) => key));
  const said = new Map<string, Named>();
  for (const element of mentioned) {
    // What an operation takes away may be something that there is not: then there is nothing to do.
    const named = await readElement(element, account, places);
    if (named.kind === 'named') {
      said.set(named.named.key, named.named);
    }
  }
  for (const { key, name } of said.values()) {
    if (!keys.has(key) && !held.own.has(key) && held.inherited.has(key)) {
      throw new ScimError(
        'mutability',
        `"${name}" is had through the group ${held.inherited.get(key) ?? ''}: take the group away, or the policy from the group.`,
      );
    }
  }
  const given = wanted.filter(({ key, inherited }) => !inherited || said.get(key)?.inherited === false);
  const gone = [...said.values()].filter(({ key }) => !keys.has(key) && !held.own.has(key));
  return writeOf(given, [...held.own.values(), ...gone], held.own);
}

function writeOf(
  wanted: readonly Named[],
  among: readonly Named[],
  own: ReadonlyMap<string, Named>,
): EntitlementWrite {
  const keys = new Set(wanted.map(({ key }) => key));
  const unique = [...new Map(wanted.map((each) => [each.key, each])).values()];
  for (const each of unique) {
    if (!own.has(each.key)) {
      requireBindable(each);
    }
  }
  return {
    // An inline policy that is there stays as it is: nothing could be said of its document here.
    add: unique.filter(({ type }) => type !== 'InlinePolicy').map(({ reference }) => reference),
    remove: among.filter(({ key }) => !keys.has(key)).map(({ reference }) => reference),
  };
}

function requireBindable({ type, name }: Named): void {
  if (type === 'InlinePolicy') {
    throw new ScimError(
      'invalidValue',
      `"${name}" is an inline policy, which has a document of its own: it can be taken away here, and given by an AwsEntitlementBinding.`,
    );
  }
}

interface Held {
  readonly own: ReadonlyMap<string, Named>;
  /** The group through which something is had, by key. */
  readonly inherited: ReadonlyMap<string, string>;
}

/** @throws {DirectoryUnavailableError} where it is not known: what is to go would be guessed */
function heldBy({ entitlements, userName }: DirectoryAccount): Held {
  if (entitlements === undefined) {
    throw new DirectoryUnavailableError(
      `What ${userName} is entitled to could not be read: its entitlements cannot be changed now.`,
      { retryAfterMs: 60_000 },
    );
  }
  const own = new Map<string, Named>();
  const inherited = new Map<string, string>();
  for (const { type, name, arn, inheritedFrom } of entitlements) {
    const key = edgeKey({ type, name });
    if (inheritedFrom === undefined) {
      own.set(key, { key, type, name, reference: referenceOf(type, name, arn), inherited: false });
    } else {
      inherited.set(key, inheritedFrom);
    }
  }
  return { own, inherited };
}

/** @throws {ScimError} `invalidValue` for the first that is nothing */
async function namedIn(
  value: JsonValue | undefined,
  account: DirectoryAccount | undefined,
  places: Places,
): Promise<readonly Named[]> {
  const named: Named[] = [];
  for (const element of Array.isArray(value) ? (value as readonly JsonValue[]) : []) {
    const read = await readElement(element, account, places);
    if (read.kind === 'nothing') {
      throw new ScimError('invalidValue', read.message);
    }
    named.push(read.named);
  }
  return named;
}

type Read =
  { readonly kind: 'named'; readonly named: Named } | { readonly kind: 'nothing'; readonly message: string };

/** An element by its ARN, by its type and name, by its id, or by its name where only one thing is called so. */
async function readElement(
  element: JsonValue,
  account: DirectoryAccount | undefined,
  places: Places,
): Promise<Read> {
  const parts = typeof element === 'object' && element !== null && !Array.isArray(element) ? element : {};
  const { value, display, type: typeText, inheritedFrom } = parts as JsonObject;
  const inherited = typeof inheritedFrom === 'string';
  const type = typeof typeText === 'string' ? typeIn(typeText) : undefined;
  const text = [value, display].find((each) => typeof each === 'string' && each !== '');
  if (typeof text !== 'string') {
    return nothing('an entitlement has a "value", its ARN, or a "type" and a "display", its name');
  }
  if (text.startsWith('arn:')) {
    const found = byArn(text);
    return found === undefined
      ? nothing(`"${short(text)}" is no ARN of a group or policy of IAM`)
      : is(found.type, found.name, text, inherited);
  }
  if (type !== undefined) {
    const name = text.slice(type === 'InlinePolicy' ? 0 : text.lastIndexOf('/') + 1);
    const arn = account?.entitlements?.find((each) => edgeKey(each) === edgeKey({ type, name }))?.arn;
    return arn === undefined
      ? {
          kind: 'named',
          named: { key: edgeKey({ type, name }), type, name, reference: { type, name: text }, inherited },
        }
      : is(type, name, arn, inherited);
  }
  return byNameAlone(text, account, places, inherited);
}

async function byNameAlone(
  text: string,
  account: DirectoryAccount | undefined,
  places: Places,
  inherited: boolean,
): Promise<Read> {
  const held = account?.entitlements?.filter(({ name }) => sameName(name, text)) ?? [];
  const found = new Map(
    held.map(({ type, name, arn }) => [edgeKey({ type, name }), { type, name, arn }] as const),
  );
  for (const { id, type, displayName, entitlementArn } of [
    ...places.view.groups(),
    ...(await places.catalogue()).entitlements(),
  ]) {
    if (id === text) {
      return is(type, displayName, entitlementArn, inherited);
    }
    // Others' inline policies are nothing that this user could have.
    if (type !== 'InlinePolicy' && sameName(displayName, text)) {
      found.set(edgeKey({ type, name: displayName }), { type, name: displayName, arn: entitlementArn });
    }
  }
  const [only, ...more] = found.values();
  if (only === undefined) {
    return nothing(`there is no group or policy "${short(text)}"`);
  }
  if (more.length > 0) {
    const types = [only, ...more].map(({ type }) => type).join(', ');
    return nothing(
      `"${short(text)}" is the name of more than one: give its ARN, or a "type", one of ${types}`,
    );
  }
  return is(only.type, only.name, only.arn, inherited);
}

function is(type: EntitlementType, name: string, arn: string, inherited: boolean): Read {
  return {
    kind: 'named',
    named: { key: edgeKey({ type, name }), type, name, reference: referenceOf(type, name, arn), inherited },
  };
}

function nothing(message: string): Read {
  return { kind: 'nothing', message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.` };
}

/** AWS has no ARN for an inline policy: the one that it is told by is of no use to anybody else. */
function referenceOf(type: EntitlementType, name: string, arn: string): EntitlementReference {
  return type === 'InlinePolicy' ? { type, name } : { arn };
}

function byArn(arn: string): { readonly type: EntitlementType; readonly name: string } | undefined {
  const [, , service, , , ...rest] = arn.split(':');
  const resource = rest.join(':');
  const name = nameInArn(arn);
  if (service !== 'iam' || name === '') {
    return undefined;
  }
  if (resource.startsWith('group/')) {
    return { type: 'Group', name };
  }
  if (resource.startsWith('policy/')) {
    return { type: typeOfPolicy(arn), name };
  }
  return resource.startsWith('user/') && arn.endsWith(inlineArn('', name))
    ? { type: 'InlinePolicy', name }
    : undefined;
}

/** The four types as we tell them, and as the vendor's documents spell them (`IAM Groups`, `AWS Managed Policies`). */
function typeIn(text: string): EntitlementType | undefined {
  const folded = text
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/^iam/, '')
    .replace(/ies$/, 'y')
    .replace(/s$/, '');
  switch (folded) {
    case 'group':
      return 'Group';
    case 'awsmanagedpolicy':
      return 'AwsManagedPolicy';
    case 'customermanagedpolicy':
      return 'CustomerManagedPolicy';
    case 'inlinepolicy':
      return 'InlinePolicy';
    default:
      return undefined;
  }
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
