const upTo = (most: number): string => `$REGEX ^.{1,${most}}$`;

/** Attribute names and values of the account schema in the vendor's guide, as its document has them. */
export const guideAttributes: readonly {
  readonly name: string;
  readonly canonicalValues?: readonly string[];
}[] = [
  { name: 'arn' },
  { name: 'city', canonicalValues: [upTo(128)] },
  { name: 'companyName', canonicalValues: [upTo(64)] },
  { name: 'country', canonicalValues: [upTo(128)] },
  { name: 'department', canonicalValues: [upTo(64)] },
  { name: 'displayName', canonicalValues: [upTo(256)] },
  { name: 'employeeId', canonicalValues: [upTo(16)] },
  { name: 'employeeType', canonicalValues: ['Employee', 'Contractor', 'Consultant', 'Vendor'] },
  { name: 'givenName', canonicalValues: [upTo(64)] },
  { name: 'jobTitle', canonicalValues: [upTo(128)] },
  { name: 'mail' },
  { name: 'mobilePhone', canonicalValues: [upTo(64)] },
  { name: 'path' },
  { name: 'postalCode', canonicalValues: [upTo(40)] },
  { name: 'state', canonicalValues: [upTo(128)] },
  { name: 'streetAddress', canonicalValues: [upTo(1024)] },
  { name: 'surname', canonicalValues: [upTo(64)] },
  { name: 'usageLocation', canonicalValues: ['$REGEX ^[a-z]{2}$'] },
  { name: 'userName', canonicalValues: ['[\\\\w+=,.@-]+'] },
];
