import { describe, expect, test } from '@jest/globals';
import {
  accountKind,
  entitlementKind,
  groupKind,
  render,
  renderContext,
  userKind,
  type RenderContext,
} from '../../../../src/idhub/resources/index.ts';
import { schemasOf, type JsonObject, type ResourceType } from '../../../../src/scim/index.ts';
import { accountSchema, type AttributeChange } from '../../../../src/schema/index.ts';
import type { DirectoryAccount } from '../../../../src/idhub/index.ts';
import { account, group, groupArn, guideSchema, inGroup, policy, policyArn, viewOf } from '../directory.ts';

const base = 'https://aws.example.com/scim/v2';
const readers = group('readers');

function context(accounts: readonly DirectoryAccount[] = []): RenderContext {
  return renderContext(viewOf({ accounts, groups: [readers] }), base);
}

function changed(changes: readonly AttributeChange[]): ReturnType<typeof accountSchema>['schema'] {
  const { schema, problems } = accountSchema(changes, '');
  expect(problems).toEqual([]);
  return schema;
}

/** `name mutability`, of parts `name.part mutability`. */
function outline(type: ResourceType): readonly string[] {
  return schemasOf(type).flatMap(({ attributes }) =>
    attributes.flatMap(({ name, mutability, subAttributes = [] }) => [
      `${name} ${mutability}`,
      ...subAttributes.map((part) => `${name}.${part.name} ${part.mutability}`),
    ]),
  );
}

const full = account({
  path: '/eu/',
  externalId: 'e-1',
  boundary: policyArn('Bounds'),
  attributes: {
    displayName: "Jo O'Doe",
    givenName: 'Jo',
    surname: 'Doe',
    mail: 'jo@example.com',
    mobilePhone: '995-5994-5998',
    streetAddress: '5, High St.',
    city: 'London',
    country: 'UK',
    jobTitle: 'Manager',
    employeeId: 'E1',
    department: 'Marketing',
    companyName: 'Sath',
    usageLocation: 'London',
  },
  entitlements: [
    inGroup('readers'),
    { type: 'AwsManagedPolicy', name: 'ViewOnly', arn: policyArn('ViewOnly'), inheritedFrom: 'readers' },
  ],
  lastActivity: Date.UTC(2026, 1, 1),
});

describe('Account', () => {
  const kind = accountKind(guideSchema);

  test('has what IAM has, the guide’s attributes, entitlements and last activity', () => {
    expect(outline(kind.type)).toEqual([
      'userName readWrite',
      'active readWrite',
      'password writeOnly',
      'arn readOnly',
      'path readWrite',
      'permissionsBoundary readOnly',
      ...[...guideSchema.keys()].map((name) => `${name} readWrite`),
      'entitlements readWrite',
      'entitlements.value readWrite',
      'entitlements.display readWrite',
      'entitlements.type readWrite',
      'entitlements.inheritedFrom readOnly',
      'lastActivity readOnly',
    ]);
  });

  test('is told whole', () => {
    expect(render(kind, full, context([full]))).toEqual({
      schemas: ['urn:sath:params:scim:schemas:core:1.0:Account'],
      id: 'AIDA1',
      externalId: 'e-1',
      userName: 'Jo.Doe',
      active: true,
      arn: 'arn:aws:iam::111122223333:user/eu/Jo.Doe',
      path: '/eu/',
      permissionsBoundary: policyArn('Bounds'),
      ...full.attributes,
      entitlements: [
        { value: groupArn('readers'), display: 'readers', type: 'Group' },
        {
          value: policyArn('ViewOnly'),
          display: 'ViewOnly',
          type: 'AwsManagedPolicy',
          inheritedFrom: 'readers',
        },
      ],
      lastActivity: '2026-02-01T00:00:00.000Z',
      meta: {
        resourceType: 'Account',
        created: '2026-01-02T03:04:05.000Z',
        location: `${base}/Account/AIDA1`,
        version: '"v1"',
      },
    });
  });

  test('what is not known is absent, and never false or empty', () => {
    const body = render(
      kind,
      account({ active: undefined, entitlements: undefined, lastActivity: undefined }),
      context(),
    );
    expect(Object.keys(body)).toEqual(['schemas', 'id', 'userName', 'arn', 'path', 'meta']);
  });

  test.each<[string, AttributeChange, string[], string[]]>([
    ['adds', { name: 'team' }, ['team readWrite'], []],
    [
      'renames',
      { name: 'division', renames: 'department' },
      ['division readWrite'],
      ['department readWrite'],
    ],
    ['removes', { name: 'mail', removed: true }, [], ['mail readWrite']],
    ['AWS leads', { name: 'mail', syncDirection: 'app-to-idhub' }, ['mail readOnly'], ['mail readWrite']],
    ['both lead', { name: 'mail', syncDirection: 'bi-directional' }, ['mail readWrite'], []],
    ['nobody synchronises', { name: 'mail', syncDirection: 'no-sync' }, [], ['mail readWrite']],
    [
      'cannot take the place of what every account has',
      { name: 'Active', syncDirection: 'app-to-idhub' },
      ['active readWrite'],
      ['Active readOnly'],
    ],
  ])('a connection %s an attribute', (_, change, there, gone) => {
    const told = outline(accountKind(changed([change])).type);
    expect(told).toEqual(expect.arrayContaining(there));
    expect(told.filter((line) => gone.includes(line))).toEqual([]);
  });

  test('two attributes that differ in case only do not break it', () => {
    const { schema } = accountSchema([{ name: 'Mail', tagKey: 'post' }], '');
    expect(outline(accountKind(schema).type).filter((line) => /^mail /i.test(line))).toEqual([
      'mail readWrite',
    ]);
  });

  test('exactly one attribute is unique, in each type', () => {
    for (const type of [kind.type, userKind(guideSchema).type, groupKind.type, entitlementKind.type]) {
      const unique = schemasOf(type).flatMap(({ attributes }) =>
        attributes.filter(({ uniqueness }) => uniqueness !== 'none'),
      );
      expect(unique).toHaveLength(1);
    }
  });

  test.each<[AttributeChange[], string[]]>([
    [[], ['accountEnabled: active', 'status: active', 'firstName: givenName', 'lastName: surname']],
    [
      [{ name: 'firstName', renames: 'givenName' }],
      ['accountEnabled: active', 'status: active', 'givenName: firstName', 'lastName: surname'],
    ],
    [[{ name: 'Status' }], ['accountEnabled: active', 'firstName: givenName', 'lastName: surname']],
    [
      [{ name: 'surname', removed: true }],
      ['accountEnabled: active', 'status: active', 'firstName: givenName'],
    ],
  ])('other names of attributes, with %j', (changes, expected) => {
    const { attributes } = accountKind(changed(changes)).type.schema;
    const aliases = attributes.flatMap(({ name, aliases: others = [] }) =>
      others.map((alias) => `${alias}: ${name}`),
    );
    expect(aliases.toSorted()).toEqual(expected.toSorted());
  });
});

describe('Users', () => {
  const kind = userKind(guideSchema);

  test('is told as the standard has it', () => {
    expect(render(kind, full, context([full]))).toEqual({
      schemas: [
        'urn:ietf:params:scim:schemas:core:2.0:User',
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
      ],
      id: 'AIDA1',
      externalId: 'e-1',
      userName: 'Jo.Doe',
      displayName: "Jo O'Doe",
      name: { givenName: 'Jo', familyName: 'Doe' },
      title: 'Manager',
      emails: [{ value: 'jo@example.com', type: 'work' }],
      phoneNumbers: [{ value: '995-5994-5998', type: 'mobile' }],
      addresses: [{ streetAddress: '5, High St.', locality: 'London', country: 'UK', type: 'work' }],
      active: true,
      groups: [
        { value: 'AGPAreaders', $ref: `${base}/Groups/AGPAreaders`, display: 'readers', type: 'direct' },
      ],
      entitlements: [
        { value: groupArn('readers'), display: 'readers', type: 'Group' },
        {
          value: policyArn('ViewOnly'),
          display: 'ViewOnly',
          type: 'AwsManagedPolicy',
          inheritedFrom: 'readers',
        },
      ],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
        employeeNumber: 'E1',
        department: 'Marketing',
        organization: 'Sath',
      },
      meta: {
        resourceType: 'User',
        created: '2026-01-02T03:04:05.000Z',
        location: `${base}/Users/AIDA1`,
        version: '"v1"',
      },
    });
  });

  test('somebody of whom nothing is known has no empty parts', () => {
    const body: JsonObject = render(kind, account({ entitlements: undefined }), context());
    expect(Object.keys(body)).toEqual(['schemas', 'id', 'userName', 'active', 'meta']);
    expect(body['schemas']).toEqual(['urn:ietf:params:scim:schemas:core:2.0:User']);
  });

  test('a renamed attribute stays where it was, and one that is not there is not told', () => {
    const schema = changed([
      { name: 'firstName', renames: 'givenName' },
      { name: 'surname', removed: true },
      { name: 'mail', syncDirection: 'no-sync' },
      { name: 'city', syncDirection: 'app-to-idhub' },
      { name: 'costCenter' },
      { name: 'locale' },
      ...['employeeId', 'department', 'companyName'].map((name) => ({ name, removed: true })),
    ]);
    const told = outline(userKind(schema).type);
    expect(told).toEqual(
      expect.arrayContaining([
        'name.givenName readWrite',
        'addresses.locality readOnly',
        'addresses.region readWrite',
        'costCenter readWrite',
        'locale readWrite',
      ]),
    );
    expect(
      told.filter((line) => /familyName|emails|employeeNumber|department|organization/.test(line)),
    ).toEqual([]);
    const body = render(
      userKind(schema),
      account({ attributes: { firstName: 'Jo', locale: 'en' } }),
      context(),
    );
    expect(body).toMatchObject({ name: { givenName: 'Jo' }, locale: 'en' });
  });

  test('without an attribute of the extension there is no extension', () => {
    const schema = changed(
      ['employeeId', 'department', 'companyName'].map((name) => ({ name, removed: true })),
    );
    expect(userKind(schema).type.extensions).toEqual([]);
    expect(kind.type.extensions.map(({ schema: { id }, required }) => [id, required])).toEqual([
      ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User', false],
    ]);
  });

  test('what the standard has and nothing stands for is taken and not kept; what is told is not among it', () => {
    expect([...kind.ignored]).toEqual(
      expect.arrayContaining(['nickname', 'locale', 'photos', 'manager', 'name.formatted', 'emails.primary']),
    );
    expect(kind.ignored.has('displayname')).toBe(false);
    expect(userKind(changed([{ name: 'locale' }])).ignored.has('locale')).toBe(false);
    expect(userKind(changed([{ name: 'mail', removed: true }])).ignored.has('emails')).toBe(true);
  });
});

describe('Groups', () => {
  test('a group has its members, and no policies', () => {
    expect(outline(groupKind.type)).toEqual([
      'displayName readOnly',
      'members readWrite',
      'members.value immutable',
      'members.$ref immutable',
      'members.display readOnly',
      'members.type immutable',
    ]);
    expect(render(groupKind, readers, context([full, account({ userId: 'AIDA2', userName: 'Al' })]))).toEqual(
      {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
        id: 'AGPAreaders',
        displayName: 'readers',
        members: [{ value: 'AIDA1', $ref: `${base}/Users/AIDA1`, display: 'Jo.Doe', type: 'User' }],
        meta: { resourceType: 'Group', location: `${base}/Groups/AGPAreaders`, version: '"g-readers"' },
      },
    );
  });
});

describe('Groups that could not be read', () => {
  test('have no members rather than some', () => {
    const body = render(
      groupKind,
      readers,
      context([full, account({ userId: 'AIDA2', entitlements: undefined })]),
    );
    expect(Object.keys(body)).toEqual(['schemas', 'id', 'displayName', 'meta']);
  });
});

describe('Entitlement', () => {
  test('names of attributes are legal, and bodies have the vendor’s as well', () => {
    expect(outline(entitlementKind.type)).toEqual([
      'displayName readOnly',
      'description readOnly',
      'entitlementArn readOnly',
      'type readOnly',
      'usedAs readOnly',
    ]);
    expect(render(entitlementKind, policy('ViewOnly'), context())).toEqual({
      schemas: ['urn:sath:params:scim:schemas:core:1.0:Entitlement'],
      id: 'ANPAViewOnly',
      displayName: 'ViewOnly',
      description: 'AWS-managed policy ViewOnly',
      entitlementArn: policyArn('ViewOnly'),
      type: 'AwsManagedPolicy',
      usedAs: 'None',
      'used as': 'None',
      meta: {
        resourceType: 'Entitlement',
        location: `${base}/Entitlement/ANPAViewOnly`,
        version: '"p-ViewOnly"',
      },
    });
  });

  test('an inline policy has a slash in its id, and an address all the same', () => {
    const inline = policy('Own', { id: 'AIDA1/Own x', type: 'InlinePolicy' });
    expect(render(entitlementKind, inline, context())['meta']).toMatchObject({
      location: `${base}/Entitlement/AIDA1%2FOwn%20x`,
    });
  });
});
