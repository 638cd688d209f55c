import { attribute, resourceType } from '../../scim/index.ts';
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
  /** What else an attribute may be called in a body that comes in: in small letters, and its name. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Attributes that are taken and not kept, in small letters: those of the standard that nothing stands for here. */
  readonly ignored: ReadonlySet<string>;
}

/** IAM's own beside what `Users` has as well, and what is known of the user. */
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

const fixed = [userNameField, activeField, passwordField, ...own, entitlementsField(true), lastActivity];

/** An attribute of a connection that is called like one of ours, or like what every resource has, is not told. */
const taken: ReadonlySet<string> = new Set(
  [...fixed.map(({ attribute: { name } }) => name), 'schemas', 'id', 'externalId', 'meta'].map((name) =>
    name.toLowerCase(),
  ),
);

/** The vendor's `Account` for the account schema of a connection. */
export function accountKind(schema: AccountSchema): AccountKind {
  const seen = new Set(taken);
  const attributes = toldAttributes(schema).filter(({ name }) => {
    const folded = name.toLowerCase();
    const free = !seen.has(folded);
    seen.add(folded);
    return free;
  });
  const fields = [
    userNameField,
    activeField,
    passwordField,
    ...own,
    ...attributes.map(personField),
    entitlementsField(true),
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
    aliases: aliasesOf(schema, attributes),
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

/** `accountEnabled` and `status` as other connectors of the vendor have it; first and last name as its documents name them. */
function aliasesOf(
  schema: AccountSchema,
  attributes: readonly AttributeDefinition[],
): ReadonlyMap<string, string> {
  const names = new Set([...schema.keys()].map((name) => name.toLowerCase()));
  const aliases = new Map<string, string>([
    ['accountenabled', 'active'],
    ['status', 'active'],
  ]);
  for (const [later, guideName] of Object.entries(laterNames)) {
    const meant = attributes.find((definition) => definition.guideName === guideName);
    if (meant !== undefined) {
      aliases.set(later.toLowerCase(), meant.name);
      aliases.set(guideName.toLowerCase(), meant.name);
    }
  }
  return new Map([...aliases].filter(([alias]) => !names.has(alias)));
}
