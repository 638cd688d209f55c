import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../../src/scim/index.ts';
import { inGroup } from '../../../src/idhub/directory.ts';
import { idOf, listed, patchUrn, serveScim, userUrn, type ServedScim } from './served.ts';

const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** What IAM and its tags are after a request. */
interface Expected {
  readonly status: number;
  readonly body?: JsonObject;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly active?: boolean;
  readonly userName?: string;
  readonly groups?: readonly string[];
}

interface Step {
  readonly does: string;
  readonly method: string;
  /** `{id}` is that of the user, `{other}` that of another one. */
  readonly path: string;
  readonly body?: JsonObject;
  readonly expected: Expected;
}

/** Carries out the requests of a client, one after the other, as it writes them. */
async function play(steps: readonly Step[]): Promise<void> {
  const served = await serveScim();
  const other = served.directory.has({ userName: 'other@example.com' }).userId;
  let id = 'none';
  for (const step of steps) {
    const fill = (text: string): string => text.replaceAll('{id}', id).replaceAll('{other}', other);
    const answer = await served.send(
      step.method,
      fill(step.path),
      step.body === undefined ? undefined : fill(JSON.stringify(step.body)),
      step.body === undefined ? {} : { 'content-type': 'application/scim+json; charset=utf-8' },
    );
    id = step.method === 'POST' && answer.status === 201 ? idOf(answer.body) : id;
    const { body = {}, status, ...user } = step.expected;
    expect([step.does, answer.status, status >= 400 ? answer.body : {}]).toEqual([
      step.does,
      status,
      status >= 400 ? expect.objectContaining(body) : {},
    ]);
    if (status < 400) {
      expect(answer.body).toMatchObject(body);
    }
    expect({ does: step.does, ...toldOf(served, id, user) }).toEqual({ does: step.does, ...user });
  }
}

function toldOf(
  { directory }: ServedScim,
  id: string,
  wanted: Omit<Expected, 'status' | 'body'>,
): Omit<Expected, 'status' | 'body'> {
  const account = directory.accounts.find(({ userId }) => userId === id);
  const told = {
    attributes: account?.attributes ?? {},
    active: account?.active ?? false,
    userName: account?.userName ?? '',
    groups: account?.entitlements?.map(({ name }) => name) ?? [],
  };
  return Object.fromEntries(Object.entries(told).filter(([name]) => name in wanted));
}

const patch = (...operations: JsonObject[]): JsonObject => ({ schemas: [patchUrn], Operations: operations });
const none = { totalResults: 0, Resources: [] };

/** Microsoft Learn, "Tutorial: Develop and plan provisioning for a SCIM endpoint in Microsoft Entra ID", and C24, C25. */
const entra: readonly Step[] = [
  {
    does: 'tests the connection with a user that there is not',
    method: 'GET',
    path: '/Users?filter=userName+eq+%2222cfb1e6-8d5d-4a1c-b4b4-6a4a6b0d5b9e%22',
    expected: { status: 200, body: none },
  },
  {
    does: 'looks for a user',
    method: 'GET',
    path: '/Users?filter=externalId%20eq%20%22jo%22',
    expected: { status: 200, body: none },
  },
  {
    does: 'creates',
    method: 'POST',
    path: '/Users',
    body: {
      schemas: [userUrn, enterpriseUrn],
      externalId: 'jo',
      userName: 'jo@example.com',
      active: true,
      displayName: 'Jo Doe',
      emails: [{ primary: true, type: 'work', value: 'jo@example.com' }],
      meta: { resourceType: 'User' },
      name: { formatted: 'Jo Doe', familyName: 'Doe', givenName: 'Jo' },
      title: 'Engineer',
      preferredLanguage: 'en-US',
      [enterpriseUrn]: { department: 'Sales', employeeNumber: 'E7', manager: { value: '{other}' } },
    },
    expected: {
      status: 201,
      body: { userName: 'jo@example.com', externalId: 'jo', active: true },
      attributes: {
        displayName: 'Jo Doe',
        mail: 'jo@example.com',
        surname: 'Doe',
        givenName: 'Jo',
        jobTitle: 'Engineer',
        department: 'Sales',
        employeeId: 'E7',
      },
    },
  },
  {
    does: 'creates once more',
    method: 'POST',
    path: '/Users',
    body: { schemas: [userUrn], userName: 'JO@EXAMPLE.COM', active: true },
    expected: { status: 409, body: { scimType: 'uniqueness' } },
  },
  {
    does: 'finds it without regard to case',
    method: 'GET',
    path: '/Users?filter=userName eq "JO@example.com"',
    expected: { status: 200, body: { totalResults: 1 } },
  },
  {
    does: 'replaces single values',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch(
      { op: 'Replace', path: 'name.familyName', value: 'Roe' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'roe@example.com' },
      { op: 'Add', path: `${enterpriseUrn}:department`, value: 'IT' },
      { op: 'Add', path: 'preferredLanguage', value: 'de' },
      { op: 'Add', path: `${enterpriseUrn}:manager`, value: '{other}' },
      { op: 'Add', path: 'addresses[type eq "work"].locality', value: 'Bonn' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+49 228 1' },
    ),
    expected: {
      status: 200,
      attributes: {
        displayName: 'Jo Doe',
        mail: 'roe@example.com',
        surname: 'Roe',
        givenName: 'Jo',
        jobTitle: 'Engineer',
        department: 'IT',
        employeeId: 'E7',
        city: 'Bonn',
        mobilePhone: '+49 228 1',
      },
    },
  },
  {
    does: 'writes a value in a list, as it did before',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch({ op: 'Replace', path: 'displayName', value: [{ $ref: null, value: 'Jo Roe' }] }),
    expected: { status: 200, body: { displayName: 'Jo Roe' } },
  },
  {
    does: 'writes without a path, with dotted names',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch({
      op: 'Add',
      value: {
        'name.givenName': 'Joan',
        'emails[type eq "work"].value': 'joan@example.com',
        [`${enterpriseUrn}:employeeNumber`]: 'E8',
      },
    }),
    expected: {
      status: 200,
      attributes: {
        displayName: 'Jo Roe',
        mail: 'joan@example.com',
        surname: 'Roe',
        givenName: 'Joan',
        jobTitle: 'Engineer',
        department: 'IT',
        employeeId: 'E8',
        city: 'Bonn',
        mobilePhone: '+49 228 1',
      },
    },
  },
  {
    does: 'takes values away',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch(
      { op: 'Remove', path: 'title' },
      { op: 'Remove', path: 'phoneNumbers[type eq "mobile"].value' },
      { op: 'Remove', path: `${enterpriseUrn}:employeeNumber` },
      { op: 'Remove', path: 'addresses[type eq "work"].locality' },
    ),
    expected: {
      status: 200,
      attributes: {
        displayName: 'Jo Roe',
        mail: 'joan@example.com',
        surname: 'Roe',
        givenName: 'Joan',
        department: 'IT',
      },
    },
  },
  {
    does: 'disables',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch({ op: 'Replace', path: 'active', value: 'False' }),
    expected: { status: 200, body: { active: false }, active: false },
  },
  {
    does: 'enables',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch({ op: 'Replace', value: { active: 'True' } }),
    expected: { status: 200, body: { active: true }, active: true },
  },
  {
    does: 'looks for a group',
    method: 'GET',
    path: '/Groups?excludedAttributes=members&filter=displayName eq "readers"',
    expected: { status: 200, body: { totalResults: 1 } },
  },
  {
    does: 'reads a group without its members',
    method: 'GET',
    path: '/Groups/AGPAreaders?excludedAttributes=members',
    expected: { status: 200, body: { displayName: 'readers' } },
  },
  {
    does: 'adds members',
    method: 'PATCH',
    path: '/Groups/AGPAreaders',
    body: patch({ op: 'Add', path: 'members', value: [{ value: '{id}' }, { value: '{other}' }] }),
    expected: { status: 204, groups: ['readers'] },
  },
  {
    does: 'asks whether somebody is a member',
    method: 'GET',
    path: '/Groups?filter=id eq "AGPAreaders" and members eq "{id}"&attributes=id',
    expected: { status: 200, body: { totalResults: 1 } },
  },
  {
    does: 'removes one',
    method: 'PATCH',
    path: '/Groups/AGPAreaders',
    body: patch({ op: 'Remove', path: 'members', value: [{ value: '{id}' }] }),
    expected: { status: 204, groups: [] },
  },
  {
    does: 'and the other one is still there',
    method: 'GET',
    path: '/Groups?filter=members eq "{other}"',
    expected: { status: 200, body: { totalResults: 1 } },
  },
  { does: 'deletes', method: 'DELETE', path: '/Users/{id}', expected: { status: 204 } },
  { does: 'reads what is gone', method: 'GET', path: '/Users/{id}', expected: { status: 404 } },
];

/** Okta developer documentation, "Okta and SCIM Version 2.0". */
const okta: readonly Step[] = [
  {
    does: 'tests the connection',
    method: 'GET',
    path: '/Users?startIndex=1&count=2',
    expected: { status: 200, body: { startIndex: 1, itemsPerPage: 1 } },
  },
  {
    does: 'reads groups',
    method: 'GET',
    path: '/Groups?startIndex=1&count=100',
    expected: { status: 200, body: { totalResults: 2 } },
  },
  {
    does: 'looks for a user',
    method: 'GET',
    path: '/Users?filter=userName%20eq%20%22jo%40example.com%22&startIndex=1&count=100',
    expected: { status: 200, body: none },
  },
  {
    does: 'creates',
    method: 'POST',
    path: '/Users',
    body: {
      schemas: [userUrn],
      userName: 'jo@example.com',
      name: { givenName: 'Jo', familyName: 'Doe' },
      emails: [{ primary: true, value: 'jo@example.com', type: 'work' }],
      displayName: 'Jo Doe',
      locale: 'en-US',
      externalId: '00ujl29u0le5T6Aj10h7',
      groups: [],
      password: '1mz050nq',
      active: true,
    },
    expected: {
      status: 201,
      active: true,
      attributes: { givenName: 'Jo', surname: 'Doe', mail: 'jo@example.com', displayName: 'Jo Doe' },
    },
  },
  {
    does: 'replaces the whole, with what it was told',
    method: 'PUT',
    path: '/Users/{id}',
    body: {
      schemas: [userUrn],
      id: '{id}',
      userName: 'jo@example.com',
      name: { givenName: 'Another', middleName: 'Excited', familyName: 'User' },
      emails: [{ primary: true, value: 'jo@example.com', type: 'work', display: 'jo@example.com' }],
      active: true,
      groups: [],
      meta: { resourceType: 'User' },
    },
    expected: {
      status: 200,
      attributes: { givenName: 'Another', surname: 'User', mail: 'jo@example.com' },
    },
  },
  {
    does: 'deactivates',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch({ op: 'replace', value: { active: false } }),
    expected: { status: 200, body: { active: false }, active: false },
  },
  {
    does: 'activates by a replacement',
    method: 'PUT',
    path: '/Users/{id}',
    body: { schemas: [userUrn], userName: 'jo@example.com', active: true },
    expected: { status: 200, active: true, attributes: {} },
  },
  {
    does: 'would make a group',
    method: 'POST',
    path: '/Groups',
    body: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Pushed',
      members: [],
    },
    expected: { status: 501 },
  },
  {
    does: 'names a group as it is called',
    method: 'PATCH',
    path: '/Groups/AGPAreaders',
    body: patch({ op: 'replace', value: { id: 'AGPAreaders', displayName: 'readers' } }),
    expected: { status: 204 },
  },
  {
    does: 'changes members',
    method: 'PATCH',
    path: '/Groups/AGPAreaders',
    body: patch(
      { op: 'remove', path: 'members[value eq "{other}"]' },
      { op: 'add', path: 'members', value: [{ value: '{id}', display: 'jo@example.com' }] },
    ),
    expected: { status: 204, groups: ['readers'] },
  },
  {
    does: 'replaces members',
    method: 'PATCH',
    path: '/Groups/AGPAreaders',
    body: patch({ op: 'replace', path: 'members', value: [{ value: '{other}', display: 'other' }] }),
    expected: { status: 204, groups: [] },
  },
  {
    does: 'replaces a group with its members',
    method: 'PUT',
    path: '/Groups/AGPAreaders',
    body: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      id: 'AGPAreaders',
      displayName: 'readers',
      members: [{ value: '{id}', display: 'jo@example.com' }],
    },
    expected: { status: 200, groups: ['readers'] },
  },
];

/** As a SCIM 2 connector of ConnId for midPoint sends it (openstandia/connector-scim2). */
const midpoint: readonly Step[] = [
  { does: 'reads schemas', method: 'GET', path: '/Schemas', expected: { status: 200 } },
  {
    does: 'looks for a user',
    method: 'GET',
    path: '/Users?filter=userName%20eq%20%22jo%22',
    expected: { status: 200, body: none },
  },
  {
    does: 'creates',
    method: 'POST',
    path: '/Users',
    body: {
      schemas: [userUrn],
      userName: 'jo',
      name: { familyName: 'Doe', givenName: 'Jo' },
      displayName: 'Jo Doe',
      active: true,
      emails: [{ value: 'jo@example.com', type: 'work', primary: 'true' }],
      [enterpriseUrn]: { employeeNumber: 'E7', organization: 'ACME' },
    },
    expected: {
      status: 201,
      attributes: {
        givenName: 'Jo',
        surname: 'Doe',
        displayName: 'Jo Doe',
        mail: 'jo@example.com',
        employeeId: 'E7',
        companyName: 'ACME',
      },
    },
  },
  {
    does: 'reads it',
    method: 'GET',
    path: '/Users/{id}',
    expected: { status: 200, body: { userName: 'jo' } },
  },
  {
    does: 'reads pages',
    method: 'GET',
    path: '/Users?count=1&startIndex=1',
    expected: { status: 200, body: { itemsPerPage: 1, totalResults: 2 } },
  },
  {
    does: 'reads the next page',
    method: 'GET',
    path: '/Users?count=1&startIndex=2',
    expected: { status: 200, body: { itemsPerPage: 1, totalResults: 2 } },
  },
  {
    does: 'renames by a replacement',
    method: 'PUT',
    path: '/Users/{id}',
    body: {
      schemas: [userUrn],
      id: '{id}',
      userName: 'joe',
      name: { familyName: 'Doe', givenName: 'Joe' },
      displayName: 'Joe Doe',
      active: true,
    },
    expected: {
      status: 200,
      userName: 'joe',
      attributes: { givenName: 'Joe', surname: 'Doe', displayName: 'Joe Doe' },
    },
  },
  {
    does: 'changes addresses by their value',
    method: 'PATCH',
    path: '/Users/{id}',
    body: patch(
      { op: 'remove', path: 'emails[value eq "jo@example.com"]' },
      { op: 'add', path: 'emails', value: [{ value: 'joe@example.com', type: 'work' }] },
    ),
    expected: { status: 200, body: { emails: [{ value: 'joe@example.com', type: 'work' }] } },
  },
  {
    does: 'finds a group by its name',
    method: 'GET',
    path: '/Groups?filter=displayName+eq+%22readers%22',
    expected: { status: 200, body: { totalResults: 1 } },
  },
  {
    does: 'changes members',
    method: 'PATCH',
    path: '/Groups/AGPAreaders',
    body: patch(
      { op: 'remove', path: 'members[value eq "{other}"]' },
      { op: 'add', path: 'members', value: [{ value: '{id}' }] },
    ),
    expected: { status: 204, groups: ['readers'] },
  },
  {
    does: 'disables by a replacement',
    method: 'PUT',
    path: '/Users/{id}',
    body: { schemas: [userUrn], userName: 'joe', active: false },
    expected: { status: 200, active: false, groups: ['readers'] },
  },
  { does: 'deletes', method: 'DELETE', path: '/Users/{id}', expected: { status: 204 } },
];

describe('requests in the forms of other clients', () => {
  test.each([
    ['Entra ID', entra],
    ['Okta', okta],
    ['midPoint', midpoint],
  ])('%s', async (_client, steps) => {
    await play(steps);
  });

  test('C25: the three ways to remove one of three members leave the others', async () => {
    for (const operation of [
      { op: 'Remove', path: 'members', value: [{ value: '{id}' }] },
      { op: 'remove', path: 'members[value eq "{id}"]' },
      { op: 'Remove', path: 'members', value: { value: '{id}', $ref: null, display: 'u2' } },
    ]) {
      const { send, directory } = await serveScim();
      const [, second] = ['u1', 'u2', 'u3'].map((userName) =>
        directory.has({ userName, entitlements: [inGroup('readers')] }),
      );
      const body = JSON.stringify(patch(operation)).replaceAll('{id}', second?.userId ?? '');
      expect((await send('PATCH', '/Groups/AGPAreaders', body)).status).toBe(204);
      const { body: left } = await send('GET', '/Users?filter=groups.display eq "readers"&sortBy=userName');
      expect(listed(left).map(({ userName }) => userName)).toEqual(['u1', 'u3']);
    }
  });
});
