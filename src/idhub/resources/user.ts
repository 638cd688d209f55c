import { attribute, resourceType, type JsonObject } from '../../scim/index.ts';
import type { AccountSchema, AttributeDefinition } from '../../schema/index.ts';
import type { DirectoryAccount } from '../model.ts';
import type { AccountKind } from './account.ts';
import { kindOf, locationOf, unread, type Field, type RenderContext } from './kind.ts';
import {
  activeField,
  entitlementsField,
  identityOfAccount,
  passwordField,
  userNameField,
} from './shared-fields.ts';
import { composedField, plainField, toldAttributes, type Place, type Slot } from './slots.ts';
import { enterpriseUrn, userUrn } from './urns.ts';

type Entry = readonly [place: Place, description: string];

/** The attributes of the guide in the core user and its enterprise extension (RFC 7643, 4.1, 4.3). */
const guide: Readonly<Record<string, Entry>> = {
  displayName: [plain('displayName'), 'Name of the person as others read it.'],
  givenName: [{ kind: 'part', name: 'name', part: 'givenName' }, 'First name.'],
  surname: [{ kind: 'part', name: 'name', part: 'familyName' }, 'Last name.'],
  jobTitle: [plain('title'), 'What the person does.'],
  employeeType: [plain('userType'), 'How the person is employed.'],
  mail: [element('emails', 'work', 'value'), 'E-mail address.'],
  mobilePhone: [element('phoneNumbers', 'mobile', 'value'), 'Number of the mobile phone.'],
  streetAddress: [element('addresses', 'work', 'streetAddress'), 'Street.'],
  city: [element('addresses', 'work', 'locality'), 'City.'],
  state: [element('addresses', 'work', 'region'), 'State or province.'],
  postalCode: [element('addresses', 'work', 'postalCode'), 'Postal code.'],
  country: [element('addresses', 'work', 'country'), 'Country or region, as it was written.'],
  employeeId: [enterprise('employeeNumber'), 'What the organisation counts the person by.'],
  department: [enterprise('department'), 'Department that the person works in.'],
  companyName: [enterprise('organization'), 'Company that the person comes from.'],
};

/** Of the standard, and not of the guide: told where a connection adds an attribute of that name. */
const added: Readonly<Record<string, Entry>> = {
  nickName: [plain('nickName'), 'What the person is called.'],
  profileUrl: [plain('profileUrl'), 'Address of a page about the person.'],
  preferredLanguage: [plain('preferredLanguage'), 'Language that the person prefers.'],
  locale: [plain('locale'), 'Language and region of the person.'],
  timezone: [plain('timezone'), 'Time zone of the person.'],
  costCenter: [enterprise('costCenter'), 'Cost center of the person.'],
  division: [enterprise('division'), 'Division that the person works in.'],
};

/** What else the standard has of users, here taken and not kept; of complex ones all of it. */
const unkept = ['ims', 'photos', 'roles', 'x509Certificates', 'manager'] as const;
/** Parts of what is told that nothing stands for. */
const unkeptParts = [
  'name.formatted',
  'name.middleName',
  'name.honorificPrefix',
  'name.honorificSuffix',
  ...['emails', 'phoneNumbers', 'addresses'].flatMap((name) => [`${name}.display`, `${name}.primary`]),
  'addresses.formatted',
] as const;

const composed: Readonly<Record<string, string>> = {
  name: 'Name of the person.',
  emails: 'E-mail address: there is one.',
  phoneNumbers: 'Number of a phone: there is one.',
  addresses: 'Postal address: there is one, of the place of work.',
};

/** The core user for the account schema of a connection: what the schema does not have is not told. */
export function userKind(schema: AccountSchema): AccountKind {
  const slots = slotsOf(schema);
  const core = [
    userNameField,
    ...coreFields(slots),
    activeField,
    passwordField,
    groupsField,
    entitlementsField(false),
  ];
  const enterpriseFields = slots.flatMap(({ slot: { definition, place }, description }) =>
    place.kind === 'plain' && place.extension !== undefined
      ? [plainField(place.name, description, definition)]
      : [],
  );
  const extensions =
    enterpriseFields.length === 0
      ? []
      : [
          {
            schema: {
              id: enterpriseUrn,
              name: 'EnterpriseUser',
              description: 'What an organisation knows of the person.',
              attributes: enterpriseFields.map((field) => field.attribute),
            },
            required: false,
          },
        ];
  const kind = kindOf<DirectoryAccount>({
    type: resourceType({
      name: 'User',
      endpoint: '/Users',
      description: 'An IAM user, as the standard has users.',
      schema: {
        id: userUrn,
        name: 'User',
        description: 'An IAM user; attributes of the person are kept as its tags.',
        attributes: core.map((field) => field.attribute),
      },
      extensions,
    }),
    fields: extensions.length === 0 ? [core] : [core, enterpriseFields],
    identity: identityOfAccount,
  });
  return { ...kind, slots: slots.map(({ slot }) => slot), ignored: ignoredOf(kind.type) };
}

interface Told {
  readonly slot: Slot;
  readonly description: string;
}

function slotsOf(schema: AccountSchema): readonly Told[] {
  const attributes = toldAttributes(schema);
  const inGuide = (name: string): AttributeDefinition | undefined =>
    attributes.find(({ guideName }) => guideName === name);
  const byName = (name: string): AttributeDefinition | undefined =>
    attributes.find((each) => each.guideName === undefined && each.name === name);
  return [
    ...Object.entries(guide).flatMap(([name, entry]) => told(inGuide(name), entry)),
    ...Object.entries(added).flatMap(([name, entry]) => told(byName(name), entry)),
  ];
}

function told(definition: AttributeDefinition | undefined, [place, description]: Entry): readonly Told[] {
  return definition === undefined ? [] : [{ slot: { definition, place }, description }];
}

/** In the order of the table; what has several parts stands where its first part does. */
function coreFields(slots: readonly Told[]): readonly Field<DirectoryAccount>[] {
  const fields = new Map<string, Field<DirectoryAccount>>();
  for (const { slot, description } of slots) {
    const { place, definition } = slot;
    if (fields.has(place.name) || (place.kind === 'plain' && place.extension !== undefined)) {
      continue;
    }
    if (place.kind === 'plain') {
      fields.set(place.name, plainField(place.name, description, definition));
      continue;
    }
    const parts = slots.flatMap((each) =>
      each.slot.place.kind !== 'plain' && each.slot.place.name === place.name
        ? [
            {
              name: each.slot.place.part,
              description: each.description,
              definition: each.slot.definition,
            },
          ]
        : [],
    );
    fields.set(
      place.name,
      composedField({
        name: place.name,
        description: composed[place.name] ?? '',
        ...(place.kind === 'element' ? { type: place.type } : {}),
        parts,
      }),
    );
  }
  return [...fields.values()];
}

const groupsField: Field<DirectoryAccount> = {
  attribute: attribute({
    name: 'groups',
    type: 'complex',
    multiValued: true,
    mutability: 'readOnly',
    description: 'IAM groups that the user is in; changed on the groups.',
    subAttributes: [
      attribute({
        name: 'value',
        mutability: 'readOnly',
        caseExact: true,
        description: 'id of the group.',
      }),
      attribute({
        name: '$ref',
        type: 'reference',
        referenceTypes: ['Group'],
        mutability: 'readOnly',
        description: 'Address of the group.',
      }),
      attribute({ name: 'display', mutability: 'readOnly', description: 'Name of the group.' }),
      attribute({
        name: 'type',
        mutability: 'readOnly',
        canonicalValues: ['direct'],
        description: 'direct: IAM groups have no groups in them.',
      }),
    ],
  }),
  known: ({ entitlements }) => entitlements !== undefined,
  read: ({ entitlements }, context) => {
    const groups = entitlements?.filter(
      ({ type, inheritedFrom }) => type === 'Group' && inheritedFrom === undefined,
    );
    return groups === undefined ? unread : groups.map(({ arn, name }) => groupReference(arn, name, context));
  },
};

function groupReference(arn: string, display: string, context: RenderContext): JsonObject {
  const id = context.groupByArn(arn)?.id;
  return id === undefined
    ? { display, type: 'direct' }
    : { value: id, $ref: locationOf({ endpoint: '/Groups' }, id, context), display, type: 'direct' };
}

/** What nobody told of the standard: names, and parts after a dot, in small letters. */
function ignoredOf(type: AccountKind['type']): ReadonlySet<string> {
  const [core, ...extensions] = [type.schema, ...type.extensions.map(({ schema }) => schema)];
  const shown = new Set<string>();
  for (const { attributes } of [core, ...extensions]) {
    for (const { name, subAttributes } of attributes) {
      shown.add(name);
      for (const part of subAttributes ?? []) {
        shown.add(`${name}.${part.name}`);
      }
    }
  }
  const names = [
    ...unkept,
    ...unkeptParts,
    ...[...Object.values(guide), ...Object.values(added)].flatMap(([place]) =>
      place.kind === 'plain' ? [place.name] : [place.name, `${place.name}.${place.part}`],
    ),
  ];
  return new Set(names.filter((name) => !shown.has(name)).map((name) => name.toLowerCase()));
}

function plain(name: string): Place {
  return { kind: 'plain', name };
}

function enterprise(name: string): Place {
  return { kind: 'plain', extension: enterpriseUrn, name };
}

function element(name: string, type: string, part: string): Place {
  return { kind: 'element', name, type, part };
}
