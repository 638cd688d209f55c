import { describe, expect, test } from '@jest/globals';
import { attributeNames, connectorMetadata } from '../../../../src/idhub/connector/index.ts';
import { accountSchema, type AttributeChange } from '../../../../src/schema/index.ts';
import type { JsonObject } from '../../../../src/scim/index.ts';

const base = 'https://aws.example.com/scim/v2';

function metadata(changes: readonly AttributeChange[] = []): JsonObject {
  return connectorMetadata({
    name: 'AWS',
    version: '1.0',
    businessOwner: 'Jerome',
    itOwner: undefined,
    schema: accountSchema(changes, '').schema,
    base,
  });
}

function attributesIn(body: JsonObject, which: 'accountSchema' | 'entitlementSchema'): readonly JsonObject[] {
  const document = body[which];
  return (document as { attributes: readonly JsonObject[] }).attributes;
}

function one(body: JsonObject, name: string): JsonObject | undefined {
  return attributesIn(body, 'accountSchema').find((each) => each['name'] === name);
}

describe('what IDHub drafts an application of', () => {
  test('has names, owners, keys and what the connector can do', () => {
    expect(metadata()).toMatchObject({
      name: 'AWS',
      version: '1.0',
      targetSystem: 'AWS',
      businessOwner: 'Jerome',
      baseUrl: base,
      resourceTypes: ['Account', 'Entitlement'],
      accountNameField: 'userName',
      reconciliationKeys: ['userName', 'mail', 'employeeId'],
      capabilities: {
        userManagement: { create: true, resetPassword: true },
        tagManagement: { addToUser: false },
      },
    });
    expect(metadata()).not.toHaveProperty('itOwner');
  });

  test('a schema document has the vendor’s keys', () => {
    expect(metadata()['accountSchema']).toMatchObject({
      id: 'urn:sath:params:scim:schemas:core:1.0:Account',
      name: 'Account',
      endpoint: '/Account',
      schema: 'urn:sath:params:scim:schemas:core:1.0:Account',
      'matching-attributes': ['userName', 'mail', 'employeeId'],
      meta: {
        resourceType: 'Schema',
        location: `${base}/Schemas/urn:sath:params:scim:schemas:core:1.0:Account`,
      },
    });
  });

  /** The guide's account schema: name, field of IDHub, canonical values. */
  test.each<[string, string | undefined, readonly string[] | undefined]>([
    ['arn', undefined, undefined],
    ['city', 'officeAddressCity', ['$REGEX ^.{1,128}$']],
    ['companyName', 'organizationName', ['$REGEX ^.{1,64}$']],
    ['country', 'officeAddressCountry', ['$REGEX ^.{1,128}$']],
    ['department', 'department', ['$REGEX ^.{1,64}$']],
    ['displayName', 'displayName', ['$REGEX ^.{1,256}$']],
    ['employeeId', 'employeeNumber', ['$REGEX ^.{1,16}$']],
    ['employeeType', 'employeeType', ['Employee', 'Contractor', 'Consultant', 'Vendor']],
    ['givenName', 'firstName', ['$REGEX ^.{1,64}$']],
    ['jobTitle', 'jobTitle', ['$REGEX ^.{1,128}$']],
    ['mail', 'email', undefined],
    ['mobilePhone', 'phoneNumber', ['$REGEX ^.{1,64}$']],
    ['path', undefined, ['$REGEX ^(/|/[!-~]+/)$']],
    ['postalCode', 'officeAddressPostal', ['$REGEX ^.{1,40}$']],
    ['state', 'officeAddressState', ['$REGEX ^.{1,128}$']],
    ['streetAddress', 'officeAddressLine1', ['$REGEX ^.{1,1024}$']],
    ['surname', 'lastName', ['$REGEX ^.{1,64}$']],
    ['usageLocation', 'location', undefined],
    ['userName', 'login', ['$REGEX ^[\\w+=,.@-]{1,64}$']],
  ])('%s goes with %s', (name, idhubFieldName, canonicalValues) => {
    const attribute = one(metadata(), name);
    expect([attribute?.['idhubFieldName'], attribute?.['canonicalValues']]).toEqual([
      idhubFieldName,
      canonicalValues,
    ]);
    expect(attribute?.['isVisible']).toBe(name !== 'arn' && name !== 'path');
  });

  test('only the name is required, only one attribute is unique, and each says who leads', () => {
    const attributes = attributesIn(metadata(), 'accountSchema');
    const having = (is: (each: JsonObject) => boolean): readonly unknown[] =>
      attributes.filter(is).map((each) => each['name']);
    expect(having((each) => each['required'] !== false)).toEqual(['userName']);
    expect(having((each) => 'uniqueness' in each)).toEqual(['userName']);
    expect(having((each) => typeof each['syncDirection'] !== 'string')).toEqual([]);
    expect(having((each) => each['syncDirection'] === 'app-to-idhub')).toEqual([
      'arn',
      'permissionsBoundary',
      'lastActivity',
    ]);
    expect(one(metadata(), 'password')).toMatchObject({
      mutability: 'writeOnly',
      returned: 'never',
      syncDirection: 'idhub-to-app',
    });
  });

  test('entitlements are the guide’s, with the blank in their name', () => {
    const attributes = attributesIn(metadata(), 'entitlementSchema');
    expect(attributes.map((each) => each['name'])).toEqual([
      'displayName',
      'description',
      'entitlementArn',
      'type',
      'used as',
    ]);
    for (const each of attributes) {
      expect(each).toMatchObject({ required: true, returned: 'always', multiValued: false });
    }
    expect(attributes.filter((each) => 'uniqueness' in each)).toHaveLength(1);
  });

  test('what a connection changes of the schema is told', () => {
    const body = metadata([
      { name: 'firstName', renames: 'givenName', maxLength: 10 },
      { name: 'city', removed: true },
      { name: 'mail', syncDirection: 'no-sync' },
      { name: 'state', syncDirection: 'app-to-idhub' },
      { name: 'team', canonicalValues: ['a', 'b'], maxLength: 5 },
      { name: 'personnelNumber', renames: 'employeeId', syncDirection: 'bi-directional' },
    ]);
    expect(one(body, 'firstName')).toMatchObject({
      idhubFieldName: 'firstName',
      canonicalValues: ['$REGEX ^.{1,10}$'],
      syncDirection: 'idhub-to-app',
      caseExact: true,
    });
    expect(one(body, 'state')).toMatchObject({ syncDirection: 'app-to-idhub', mutability: 'readOnly' });
    expect(one(body, 'team')).toMatchObject({ canonicalValues: ['a', 'b'], isVisible: true });
    expect(one(body, 'team')).not.toHaveProperty('idhubFieldName');
    for (const gone of ['givenName', 'city', 'mail', 'employeeId']) {
      expect(one(body, gone)).toBeUndefined();
    }
    expect(body['reconciliationKeys']).toEqual(['userName', 'personnelNumber']);
  });
});

test('the names that IDHub’s own are compared with are those that it is told', () => {
  const schema = accountSchema([{ name: 'team' }, { name: 'mail', removed: true }], '').schema;
  const names = attributeNames(schema);
  expect(names.Account).toEqual(expect.arrayContaining(['userName', 'team', 'entitlements']));
  expect(names.Account).not.toContain('mail');
  expect(names.Entitlement).toEqual(['displayName', 'description', 'entitlementArn', 'type', 'used as']);
});
