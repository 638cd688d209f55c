import {
  edgeKey,
  inlineArn,
  nameInArn,
  typeOfPolicy,
  type EntitlementType,
} from '../../entitlement/index.ts';
import { fold } from '../../schema/index.ts';
import { ScimError, short, type Asked, type JsonObject, type JsonValue } from '../../scim/index.ts';
import type {
  DirectoryAccount,
  DirectoryCatalogue,
  DirectoryView,
  EntitlementReference,
  EntitlementWrite,
} from '../model.ts';
import { DirectoryUnavailableError } from '../model.ts';
import { entitlementTypes } from '../resources/index.ts';

/** Of what somebody wrote, so much is told: an ARN is long. */
const longest = 200;

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
  const named = await namedIn(value, new Names(places));
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
  const named = await namedIn(value, new Names(places, account));
  const wanted = named.filter(
    ({ key, inherited }) => !inherited && (held.own.has(key) || !held.inherited.has(key)),
  );
  return writeOf(wanted, [...held.own.values()], held.own);
}

/**
 * What a PATCH makes of the entitlements of an account: what it names is given or taken away, by whatever name, also
 * where nobody has seen it on the account yet; of all others nothing is said, unless it is about all of them. Nothing is
 * done to take away what there is not.
 * @throws {ScimError} `invalidValue`; `mutability` for the removal of what the account has through a group
 */
export async function patched(
  { mentions, whole }: Asked,
  account: DirectoryAccount,
  places: Places,
): Promise<EntitlementWrite> {
  const held = heldBy(account);
  const names = new Names(places, account);
  const said = new Map<string, { readonly named: Named; readonly wanted: boolean }>();
  for (const { unmet, value, wanted } of mentions) {
    for (const named of unmet ? await unmetBy(value, held, names) : await meantBy(value, wanted, names)) {
      // One that is told as inherited is an echo of what we said, and nothing to give.
      if (!wanted || !named.inherited) {
        said.delete(named.key);
        said.set(named.key, { named, wanted });
      }
    }
  }
  const gone: Named[] = [];
  for (const { named, wanted } of said.values()) {
    const { key, name } = named;
    if (!wanted && !held.own.has(key) && held.inherited.has(key)) {
      throw new ScimError(
        'mutability',
        `"${name}" is had through the group ${held.inherited.get(key) ?? ''}: take the group away, or the policy from the group.`,
      );
    }
    gone.push(...(wanted ? [] : [held.own.get(key) ?? named]));
  }
  const given = [...said.values()].flatMap(({ named, wanted }) => (wanted ? [named] : []));
  const among = new Map([...(whole ? held.own.values() : []), ...gone].map((each) => [each.key, each]));
  return writeOf(given, [...among.values()], held.own);
}

/** @throws {ScimError} `invalidValue`; there is no need to know what shall go, where nothing is called so */
async function meantBy(value: JsonObject, wanted: boolean, names: Names): Promise<readonly Named[]> {
  const read = await names.read(value);
  if (read.kind === 'named') {
    return [read.named];
  }
  if (read.kind === 'unknown' && !wanted) {
    return [];
  }
  throw new ScimError('invalidValue', read.message);
}

/** What a filter means that fits nothing by its words: a type or a name may be spelt otherwise than we tell it. */
async function unmetBy(value: JsonObject, { own }: Held, names: Names): Promise<readonly Named[]> {
  const { display, type, value: main } = value;
  if (main !== undefined || display !== undefined) {
    return meantBy(value, false, names);
  }
  const meant = requireType(type);
  return [...own.values()].filter((each) => each.type === meant);
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
async function namedIn(value: JsonValue | undefined, names: Names): Promise<readonly Named[]> {
  const named: Named[] = [];
  for (const element of Array.isArray(value) ? (value as readonly JsonValue[]) : []) {
    const read = await names.read(element);
    if (read.kind !== 'named') {
      throw new ScimError('invalidValue', read.message);
    }
    named.push(read.named);
  }
  return named;
}

type Read =
  | { readonly kind: 'named'; readonly named: Named }
  /** `unknown`: nothing is called so. */
  | { readonly kind: 'unknown' | 'nothing'; readonly message: string };

interface Called {
  readonly type: EntitlementType;
  readonly name: string;
  readonly arn: string;
}

/** Reads what entitlements are called, of one request. */
class Names {
  readonly #places: Places;
  readonly #account: DirectoryAccount | undefined;
  /** Of what somebody could have, by id and by name in small letters; read with the first that is named so. */
  #index:
    | { readonly byId: ReadonlyMap<string, Called>; readonly byName: ReadonlyMap<string, Called[]> }
    | undefined;

  /** @param account the one that they are of; undefined of one that is to be made */
  constructor(places: Places, account?: DirectoryAccount) {
    this.#places = places;
    this.#account = account;
  }

  /**
   * An element by its ARN, by its type and name, by its id, or by its name where only one thing is called so.
   * @throws {ScimError} `invalidValue` for a type that there is not
   */
  async read(element: JsonValue): Promise<Read> {
    const parts = typeof element === 'object' && element !== null && !Array.isArray(element) ? element : {};
    const { value, display, type: typeText, inheritedFrom } = parts as JsonObject;
    const inherited = typeof inheritedFrom === 'string';
    const type = requireType(typeText);
    const text = [value, display].find((each) => typeof each === 'string' && each !== '');
    if (typeof text !== 'string') {
      return nothing('an entitlement has a "value", its ARN, or a "type" and a "display", its name');
    }
    if (text.startsWith('arn:')) {
      const found = byArn(text);
      return found === undefined
        ? nothing(`"${short(text, longest)}" is no ARN of a group or policy of IAM`)
        : is(found.type, found.name, text, inherited);
    }
    if (type === undefined) {
      return this.#byNameAlone(text, inherited);
    }
    const name = text.slice(type === 'InlinePolicy' ? 0 : text.lastIndexOf('/') + 1);
    const key = edgeKey({ type, name });
    const arn = this.#account?.entitlements?.find((each) => edgeKey(each) === key)?.arn;
    return arn === undefined
      ? { kind: 'named', named: { key, type, name, reference: { type, name: text }, inherited } }
      : is(type, name, arn, inherited);
  }

  async #byNameAlone(text: string, inherited: boolean): Promise<Read> {
    this.#index ??= await this.#read();
    const { byId, byName } = this.#index;
    const known = byId.get(text);
    if (known !== undefined) {
      return is(known.type, known.name, known.arn, inherited);
    }
    const found = new Map((byName.get(fold(text)) ?? []).map((each) => [edgeKey(each), each]));
    const [only, ...more] = found.values();
    if (only === undefined) {
      return { ...nothing(`there is no group or policy "${short(text, longest)}"`), kind: 'unknown' };
    }
    if (more.length > 0) {
      const types = [only, ...more].map(({ type }) => type).join(', ');
      return nothing(
        `"${short(text, longest)}" is the name of more than one: give its ARN, or a "type", one of ${types}`,
      );
    }
    return is(only.type, only.name, only.arn, inherited);
  }

  async #read() {
    const byId = new Map<string, Called>();
    const byName = new Map<string, Called[]>();
    const add = (called: Called): void => {
      const name = fold(called.name);
      const same = byName.get(name) ?? [];
      same.push(called);
      byName.set(name, same);
    };
    this.#account?.entitlements?.forEach(add);
    for (const { id, type, displayName: name, entitlementArn: arn } of [
      ...this.#places.view.groups(),
      ...(await this.#places.catalogue()).entitlements(),
    ]) {
      byId.set(id, { type, name, arn });
      // Others' inline policies are nothing that this user could have.
      if (type !== 'InlinePolicy') {
        add({ type, name, arn });
      }
    }
    return { byId, byName };
  }
}

function is(type: EntitlementType, name: string, arn: string, inherited: boolean): Read {
  return {
    kind: 'named',
    named: { key: edgeKey({ type, name }), type, name, reference: referenceOf(type, name, arn), inherited },
  };
}

function nothing(message: string): { readonly kind: 'nothing'; readonly message: string } {
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

/** @throws {ScimError} `invalidValue` for a type that there is not: what is meant would be guessed */
function requireType(text: JsonValue | undefined): EntitlementType | undefined {
  if (typeof text !== 'string' || text === '') {
    return undefined;
  }
  const type = typeIn(text);
  if (type === undefined) {
    throw new ScimError(
      'invalidValue',
      `There is no type of entitlement "${short(text, longest)}": it is one of ${entitlementTypes.join(', ')}.`,
    );
  }
  return type;
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
