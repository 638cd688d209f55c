import { attribute, commonAttributes, resourceType } from '../../scim/index.ts';
import type { AccountSchema, AttributeDefinition } from '../../schema/index.ts';
import type { DirectoryAccount } from '../model.ts';
import { guideFacts, laterNames } from './guide.ts';
import { kindOf, timeText, unread, type Field, type Kind } from './kind.ts';
import {
  activeField,
  entitlementsField,
  identityOfAccount,
  passwordField,
  userNameField,
} from './shared-fields.ts';
import { plainField, toldAttributes, type Slot } from './slots.ts';
import { accountUrn } from './urns.ts';

/** A type of resource that is an IAM user. */
export interface AccountKind extends Kind<DirectoryAccount> {
  /** Where the attributes of the account schema stand in its bodies. */
  readonly slots: readonly Slot[];
  /** What is taken and not kept, `name` or `name.part` in small letters: what the standard has and nothing stands for here. */
  readonly ignored: ReadonlySet<string>;
}

/** What IAM has of a user beside its name. */
const own: readonly Field<DirectoryAccount>[] = [
  {
    attribute: attribute({
      name: 'arn',
      mutability: 'readOnly',
      caseExact: true,
      description: 'ARN of the IAM user.',
    }),
    read: ({ arn }) => arn,
  },
  {
    attribute: attribute({
      name: 'path',
      // Always there: / where nothing is said.
      required: true,
      caseExact: true,
      canonicalValues: ['/'],
      description: 'Path of the IAM user: / or /…/',
    }),
    read: ({ path }) => path,
  },
  {
    attribute: attribute({
      name: 'permissionsBoundary',
      mutability: 'readOnly',
      caseExact: true,
      description: 'ARN of the policy that bounds what the user may do; absent where none does.',
    }),
    read: ({ boundary }) => boundary ?? undefined,
  },
];

const lastActivity: Field<DirectoryAccount> = {
  attribute: attribute({
    name: 'lastActivity',
    type: 'dateTime',
    mutability: 'readOnly',
    description:
      'When the password or an access key was last used; absent where it never was, or where that is not read (passwordLastUsed).',
  }),
  read: ({ lastActivity: at }) => (at === undefined ? unread : at === null ? undefined : timeText(at)),
};

const entitlements = entitlementsField(true);

/** An attribute of a connection that is called like one of ours, or like what every resource has, is not told. */
const taken: ReadonlySet<string> = new Set(
  [
    ...[userNameField, activeField, passwordField, ...own, entitlements, lastActivity].map(
      (field) => field.attribute,
    ),
    ...commonAttributes,
  ].map(({ name }) => name.toLowerCase()),
);

/** The vendor's `Account` for the account schema of a connection. */
export function accountKind(schema: AccountSchema): AccountKind {
  const seen = new Set(taken);
  const attributes = toldAttributes(schema).filter(({ name }) => {
    const folded = name.toLowerCase();
    const isFree = !seen.has(folded);
    seen.add(folded);
    return isFree;
  });
  const names = new Set([...schema.keys()].map((name) => name.toLowerCase()));
  const free = (aliases: readonly string[]): readonly string[] =>
    aliases.filter((alias) => !names.has(alias.toLowerCase()));
  const fields = [
    userNameField,
    called(activeField, free(['accountEnabled', 'status'])),
    passwordField,
    ...own,
    ...attributes.map((definition) => called(personField(definition), free(otherNames(definition)))),
    entitlements,
    lastActivity,
  ];
  const kind = kindOf<DirectoryAccount>({
    type: resourceType({
      name: 'Account',
      endpoint: '/Account',
      description: 'An IAM user, with what it is entitled to.',
      schema: {
        id: accountUrn,
        name: 'Account',
        description: 'An IAM user: what IAM has of it, and attributes of the person, kept as its tags.',
        attributes: fields.map((field) => field.attribute),
      },
      extensions: [],
    }),
    fields: [fields],
    identity: identityOfAccount,
  });
  return {
    ...kind,
    slots: attributes.map((definition) => ({
      definition,
      place: { kind: 'plain', name: definition.name },
    })),
    ignored: new Set(
      [...schema.values()]
        .filter(({ syncDirection }) => syncDirection === 'no-sync')
        .map(({ name }) => name.toLowerCase()),
    ),
  };
}

function personField(definition: AttributeDefinition): Field<DirectoryAccount> {
  const facts = guideFacts(definition);
  return plainField(
    definition.name,
    facts?.description ??
      `Attribute of the person that the connection adds, kept as tag ${definition.tagKey}.`,
    definition,
    facts?.caseExact ?? false,
  );
}

function called(field: Field<DirectoryAccount>, aliases: readonly string[]): Field<DirectoryAccount> {
  return aliases.length === 0 ? field : { ...field, attribute: { ...field.attribute, aliases } };
}

/** First and last name are called otherwise in newer documents of the vendor. */
function otherNames({ name, guideName }: AttributeDefinition): readonly string[] {
  const names = Object.entries(laterNames).flatMap(([later, earlier]) =>
    earlier === guideName ? [later, earlier] : [],
  );
  return names.filter((each) => each !== name);
}
