import type { AttributeDefinition } from '../../schema/index.ts';

/** What the vendor's guide says of an attribute beside its length. */
export interface GuideFacts {
  /** The field of IDHub's user that it goes with. */
  readonly idhubFieldName: string;
  readonly caseExact: boolean;
  readonly description: string;
}

/** The guide's account schema and its table of attribute mappings; the sentences are ours. */
const facts: Readonly<Record<string, readonly [string, boolean, string]>> = {
  city: ['officeAddressCity', false, 'City of the place of work.'],
  companyName: ['organizationName', false, 'Company that the person comes from.'],
  country: ['officeAddressCountry', false, 'Country or region of the place of work.'],
  department: ['department', false, 'Department that the person works in.'],
  displayName: ['displayName', false, 'Name of the person as others read it.'],
  employeeId: ['employeeNumber', true, 'What the organisation counts the person by.'],
  employeeType: ['employeeType', true, 'How the person is employed.'],
  givenName: ['firstName', true, 'First name.'],
  jobTitle: ['jobTitle', true, 'What the person does.'],
  mail: ['email', true, 'E-mail address.'],
  mobilePhone: ['phoneNumber', true, 'Number of the mobile phone.'],
  postalCode: ['officeAddressPostal', true, 'Postal code of the place of work.'],
  state: ['officeAddressState', true, 'State or province of the place of work.'],
  streetAddress: ['officeAddressLine1', true, 'Street of the place of work.'],
  surname: ['lastName', true, 'Last name.'],
  usageLocation: ['location', true, 'Where the account is used.'],
};

/** Undefined for an attribute that a connection added. */
export function guideFacts({ guideName }: AttributeDefinition): GuideFacts | undefined {
  const found = guideName !== undefined && Object.hasOwn(facts, guideName) ? facts[guideName] : undefined;
  return found === undefined
    ? undefined
    : { idhubFieldName: found[0], caseExact: found[1], description: found[2] };
}

/** Newer schema documents of the vendor name these otherwise. */
export const laterNames: Readonly<Record<string, string>> = { firstName: 'givenName', lastName: 'surname' };
