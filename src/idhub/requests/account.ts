import { edgeKey } from '../../entitlement/index.ts';
import { ScimError, applyPatch, readResource, type Values } from '../../scim/index.ts';
import type { AccountWrite, DirectoryAccount, EntitlementReference, EntitlementWrite } from '../model.ts';
import { render, renderContext, type AccountKind } from '../resources/index.ts';
import { allAttributesOf, attributesOf, isAsked, requireLegal, type Attributes } from './attributes.ts';
import { givenTo, patched, replaced, type Places } from './entitlements.ts';

/** What a request about an account is read with. */
export interface AccountContext extends Places {
  /** As what the account is written: `Account` or `Users`. */
  readonly kind: AccountKind;
}

type Writable = { -readonly [Key in keyof AccountWrite]: AccountWrite[Key] };

/**
 * What the body of a POST asks for.
 * @throws {ScimError} `invalidSyntax`, `invalidValue`
 * @throws {DirectoryUnavailableError} where an entitlement is named that cannot be looked up now
 */
export async function accountToCreate(
  body: unknown,
  context: AccountContext,
): Promise<AccountWrite & { readonly userName: string }> {
  const { kind } = context;
  const { values } = readResource(body, kind.type);
  const write = plainWrite(values);
  if (write.userName === undefined) {
    throw new ScimError('invalidValue', '"userName" is required.');
  }
  const attributes = Object.entries(attributesOf(values, kind.slots)).filter(([, value]) => value !== null);
  setAttributes(write, Object.fromEntries(attributes), context);
  const externalId = values.get('externalId');
  if (typeof externalId === 'string' && externalId !== '') {
    write.externalId = legalExternalId(externalId);
  }
  if (takesEntitlements(kind) && Array.isArray(values.get('entitlements'))) {
    write.entitlements = await givenTo(values.get('entitlements'), context);
  }
  return { ...write, userName: write.userName };
}

/**
 * What the body of a PUT makes of an account. Without `active`, `password`, `path` or `entitlements` these stay as
 * they are, and an empty list of entitlements takes them all; every other attribute that is not there is cleared
 * (RFC 7644, 3.5.1).
 * @returns undefined where there is nothing to do
 * @throws as `accountToCreate`
 */
export async function accountToReplace(
  body: unknown,
  account: DirectoryAccount,
  context: AccountContext,
): Promise<AccountWrite | undefined> {
  const { kind } = context;
  const { values } = readResource(body, kind.type);
  const write = plainWrite(values);
  if (write.userName === undefined) {
    throw new ScimError('invalidValue', '"userName" is required.');
  }
  setAttributes(write, allAttributesOf(values, kind.slots), context);
  write.externalId = externalIdOf(values);
  if (takesEntitlements(kind) && values.has('entitlements')) {
    write.entitlements = await replaced(values.get('entitlements') ?? [], account, context);
  }
  return changing(write, account);
}

/**
 * What a PATCH makes of an account: what its operations name, and nothing else. Of the rest the account may be known
 * as it was before others' writes.
 * @returns undefined where there is nothing to do
 * @throws as `accountToCreate`; `mutability`, `noTarget`, `invalidPath`, `invalidFilter` as RFC 7644, table 9 has it
 */
export async function accountToPatch(
  body: unknown,
  account: DirectoryAccount,
  context: AccountContext,
): Promise<AccountWrite | undefined> {
  const { kind, view } = context;
  const { type, slots, ignored } = kind;
  const resource = render(kind, account, renderContext(view, ''));
  const { values, asked } = applyPatch({ type, resource, body, ignored });
  const said = new Map([...values].filter(([name]) => asked.has(name)));
  const write = plainWrite(said);
  if (asked.has('password') && write.password === undefined) {
    throw new ScimError('mutability', '"password" cannot be removed; set "active" to false.');
  }
  const about = slots.filter(({ place }) => isAsked(place, asked.get(place.name), values));
  if (about.length > 0) {
    setAttributes(write, allAttributesOf(said, about), context);
  }
  if (asked.has('externalId')) {
    write.externalId = externalIdOf(said);
  }
  const entitlements = asked.get('entitlements');
  if (entitlements !== undefined) {
    const edges = await patched(entitlements, account, context);
    if (edges.add.length > 0 || edges.remove.length > 0) {
      write.entitlements = edges;
    }
  }
  return changing(write, account);
}

/**
 * A write that asks for something. Of a user that nobody declared the view is all there is to know, so that what is
 * so already is not asked for, and does not make it ours; of another one something may be under way.
 */
function changing(write: AccountWrite, account: DirectoryAccount): AccountWrite | undefined {
  const { userName, path, active, attributes, externalId, entitlements, ...rest } = write;
  const told = { userName: account.userName, path: account.path, active: account.active };
  const differing = Object.entries(attributes ?? {}).filter(
    ([name, value]) => value !== (Object.hasOwn(account.attributes, name) ? account.attributes[name] : null),
  );
  const asked: AccountWrite = account.managed
    ? write
    : {
        ...rest,
        ...(userName === undefined || userName === told.userName ? {} : { userName }),
        ...(path === undefined || path === told.path ? {} : { path }),
        ...(active === undefined || active === told.active ? {} : { active }),
        ...(differing.length === 0 ? {} : { attributes: Object.fromEntries(differing) }),
        ...(externalId === undefined || externalId === (account.externalId ?? null) ? {} : { externalId }),
        ...(entitlements === undefined || isNothing(entitlements, account) ? {} : { entitlements }),
      };
  return Object.keys(asked).length === 0 ? undefined : asked;
}

function isNothing({ add, remove }: EntitlementWrite, { entitlements = [] }: DirectoryAccount): boolean {
  const own = entitlements.filter(({ inheritedFrom }) => inheritedFrom === undefined);
  const has = (reference: EntitlementReference): boolean =>
    own.some(({ arn, type, name }) =>
      'arn' in reference ? reference.arn === arn : edgeKey(reference) === edgeKey({ type, name }),
    );
  return add.every(has) && !remove.some(has);
}

/** What is not an attribute of the person, of what is said. */
function plainWrite(values: Values): Writable {
  const write: Writable = {};
  const userName = values.get('userName');
  if (typeof userName === 'string') {
    if (!/^[A-Za-z0-9_+=,.@-]{1,64}$/.test(userName)) {
      throw new ScimError(
        'invalidValue',
        '"userName" is a name of IAM: 1 to 64 letters, digits or any of _+=,.@-',
      );
    }
    write.userName = userName;
  }
  const path = values.get('path');
  if (typeof path === 'string') {
    if (!/^(?:\/|\/[!-~]+\/)$/.test(path) || path.length > 512) {
      throw new ScimError(
        'invalidValue',
        '"path" is / or begins and ends with /, as in /people/berlin/, and has 512 characters at most.',
      );
    }
    write.path = path;
  }
  const active = values.get('active');
  if (typeof active === 'boolean') {
    write.active = active;
  }
  const password = values.get('password');
  if (typeof password === 'string') {
    // IAM API reference, CreateLoginProfile.
    if (!/^[\t\n\r -\u00ff]{1,128}$/.test(password)) {
      throw new ScimError(
        'invalidValue',
        '"password" has 1 to 128 characters, each of them one of Latin-1 that IAM takes.',
      );
    }
    write.password = { kind: 'given', password };
  }
  return write;
}

function setAttributes(write: Writable, attributes: Attributes, { view }: AccountContext): void {
  requireLegal(attributes, view.schema);
  if (Object.keys(attributes).length > 0) {
    write.attributes = attributes;
  }
}

function externalIdOf(values: Values): string | null {
  const value = values.get('externalId');
  return typeof value === 'string' && value !== '' ? legalExternalId(value) : null;
}

function legalExternalId(value: string): string {
  if (value.length > 1_024) {
    throw new ScimError('invalidValue', '"externalId" has more than 1024 characters.');
  }
  return value;
}

function takesEntitlements({ type }: AccountKind): boolean {
  return type.schema.attributes.some(
    ({ name, mutability }) => name === 'entitlements' && mutability === 'readWrite',
  );
}
