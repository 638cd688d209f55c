import { describe, expect, test } from '@jest/globals';
import { DirectoryUnavailableError } from '../../../../src/idhub/index.ts';
import type { JsonObject } from '../../../../src/scim/index.ts';
import { groupArn, inGroup, policyArn } from '../../../src/idhub/directory.ts';
import { refusal } from './fake-directory.ts';
import { accountUrn, idOf, listed, locationOf, patchOf, serveScim, userUrn } from './served.ts';

const scimType = 'application/scim+json; charset=utf-8';

describe('an account', () => {
  test('is made, told where it is, read, replaced, changed and deleted', async () => {
    const { send, url, directory } = await serveScim();
    const made = await send('POST', '/Account', {
      schemas: [accountUrn],
      userName: 'jo',
      externalId: 'E1',
      department: 'Sales',
      password: 'never told',
      entitlements: [{ value: groupArn('readers') }],
    });
    expect(made.status).toBe(201);
    expect(made.headers.get('content-type')).toBe(scimType);
    const id = idOf(made.body);
    expect(made.headers.get('location')).toBe(`${url}/scim/v2/Account/${id}`);
    expect(made.body).toMatchObject({
      schemas: [accountUrn],
      userName: 'jo',
      externalId: 'E1',
      active: true,
      department: 'Sales',
      entitlements: [{ value: groupArn('readers'), display: 'readers', type: 'Group' }],
      meta: { resourceType: 'Account', location: made.headers.get('location') },
    });
    expect(JSON.stringify(made.body)).not.toContain('never told');
    expect(made.headers.get('etag')).toBe((made.body['meta'] as JsonObject)['version']);
    expect(directory.asked[0]?.write?.password).toEqual({ kind: 'given', password: 'never told' });

    expect((await send('GET', `/Account/${id}`)).body).toEqual(made.body);

    const replaced = await send('PUT', `/Account/${id}`, { schemas: [accountUrn], userName: 'joe' });
    expect(replaced.status).toBe(200);
    expect(replaced.body).toMatchObject({ id, userName: 'joe', active: true });
    expect(replaced.body).not.toHaveProperty('department');
    expect(replaced.body['entitlements']).toHaveLength(1);

    const patched = await send(
      'PATCH',
      `/Account/${id}`,
      patchOf(
        { op: 'Replace', path: 'active', value: 'False' },
        { op: 'remove', path: `entitlements[value eq "${groupArn('readers')}"]` },
        { op: 'add', path: 'entitlements', value: [{ value: policyArn('ReadOnlyAccess') }] },
      ),
    );
    expect(patched.status).toBe(200);
    expect(patched.body).toMatchObject({
      active: false,
      entitlements: [{ value: policyArn('ReadOnlyAccess'), type: 'AwsManagedPolicy' }],
    });

    const gone = await send('DELETE', `/Account/${id}`);
    expect([gone.status, gone.body]).toEqual([204, {}]);
    expect((await send('GET', `/Account/${id}`)).status).toBe(404);
    expect((await send('DELETE', `/Account/${id}`)).status).toBe(404);
  });

  test('who asks goes with each write, and with the audit log; values do not', async () => {
    const { send, directory, log } = await serveScim();
    const { body } = await send('POST', '/Users', {
      userName: 'jo',
      displayName: 'canary-name',
      password: 'canary-password',
    });
    await send('GET', '/Users');
    await send('POST', '/Users/.search', {});
    await send('PATCH', `/Users/${idOf(body)}`, patchOf({ op: 'remove', path: 'userName' }));
    expect(directory.asked.map(({ context }) => context)).toEqual([{ caller: 'jo', requestId: 'id-1' }]);
    expect(
      log
        .filter(({ msg, message }) => (msg ?? message) === 'audit')
        .map(({ method, result, caller, connection, resource, account, code }) => {
          return { method, result, caller, connection, resource, account, code };
        }),
    ).toEqual([
      {
        method: 'POST',
        result: 'done',
        caller: 'jo',
        connection: 'team/aws',
        resource: '/Users',
        account: body['id'],
        code: 201,
      },
      {
        method: 'PATCH',
        result: 'refused',
        caller: 'jo',
        connection: 'team/aws',
        resource: undefined,
        account: undefined,
        code: 400,
      },
    ]);
    expect(JSON.stringify(log)).not.toContain('canary');
  });

  test('is one of the connection that the path names', async () => {
    const { send, directory, url } = await serveScim();
    const other = '/connections/other/aws/scim/v2';
    directory.has({ userName: 'jo' });
    expect((await send('GET', '/Users')).body['totalResults']).toBe(1);
    // The caller may use connections of the namespace team only.
    expect((await send('GET', `${other}/Users`)).status).toBe(403);
    const named = await send('GET', '/connections/team/aws/scim/v2/Users');
    expect(listed(named.body).map(locationOf)[0]).toMatch(`${url}/connections/team/aws/scim/v2/Users/AIDA`);
    expect((await send('GET', '/connections/team/none/scim/v2/Users')).status).toBe(404);
  });

  test.each<[Parameters<typeof refusal>[0], number, string | undefined]>([
    ['missing', 404, undefined],
    ['uniqueness', 409, 'uniqueness'],
    ['mutability', 400, 'mutability'],
    ['invalidValue', 400, 'invalidValue'],
    ['quota', 409, undefined],
    ['forbidden', 403, undefined],
    ['version', 412, undefined],
    ['conflict', 409, undefined],
  ])('a refusal that is %s: %i %s', async (kind, status, keyword) => {
    const { send, directory } = await serveScim();
    const { userId } = directory.has({ userName: 'jo' });
    const writes: [string, string, unknown][] = [
      ['POST', '/Users', { userName: 'al' }],
      ['PUT', `/Users/${userId}`, { userName: 'joe' }],
      ['PATCH', `/Users/${userId}`, patchOf({ op: 'replace', path: 'active', value: false })],
      // Whoever is said to be missing and is there is deleted all the same: below.
      ...(kind === 'missing'
        ? []
        : [['DELETE', `/Users/${userId}`, undefined] as [string, string, undefined]]),
    ];
    for (const [method, path, body] of writes) {
      directory.next = refusal(kind, 'Because of that.');
      const answer = await send(method, path, body);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe(scimType);
      expect(answer.body).toEqual({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: String(status),
        ...(keyword === undefined ? {} : { scimType: keyword }),
        detail: 'Because of that.',
      });
    }
  });

  test('what is not done yet is 503, with when to ask again', async () => {
    const { send, directory } = await serveScim();
    directory.next = { kind: 'pending', retryAfterMs: 4_200, message: 'It goes on.' };
    const answer = await send('POST', '/Users', { userName: 'jo' });
    expect([answer.status, answer.headers.get('retry-after'), answer.body['detail']]).toEqual([
      503,
      '5',
      'It goes on.',
    ]);
  });

  test('C26: a name that is taken, in whatever letters, changes nothing', async () => {
    const { send, directory } = await serveScim();
    const first = await send('POST', '/Users', { userName: 'Jo@x', displayName: 'Jo' });
    expect(first.body['userName']).toBe('Jo@x');
    const second = await send('POST', '/Users', { userName: 'jo@X' });
    expect([second.status, second.body['scimType']]).toEqual([409, 'uniqueness']);
    expect((await send('GET', `/Users/${idOf(first.body)}`)).body).toEqual(first.body);
    expect(directory.accounts).toHaveLength(1);
  });

  test('a write that says what is so already is not asked of who is nobody’s', async () => {
    const { send, directory } = await serveScim();
    const { userId } = directory.has({ userName: 'jo', managed: false });
    const answer = await send(
      'PATCH',
      `/Users/${userId}`,
      patchOf({ op: 'replace', path: 'active', value: true }),
    );
    expect([answer.status, answer.body['active'], directory.asked]).toEqual([200, true, []]);
  });
});

describe('conditions (RFC 7644, 3.14)', () => {
  test('a version that the client has is not sent again', async () => {
    const { send, directory } = await serveScim();
    const { userId, version } = directory.has({ userName: 'jo' });
    const path = `/Users/${userId}`;
    const { headers } = await send('GET', path);
    expect(headers.get('etag')).toBe(`"${version}"`);
    for (const known of [`"${version}"`, `W/"${version}"`, `"x", "${version}"`, '*']) {
      const again = await send('GET', path, undefined, { 'if-none-match': known });
      expect([again.status, again.headers.get('etag'), again.body]).toEqual([304, `"${version}"`, {}]);
    }
    expect((await send('GET', path, undefined, { 'if-none-match': '"x"' })).status).toBe(200);
  });

  test('a write is for the version that it names', async () => {
    const { send, directory } = await serveScim();
    const { userId, version } = directory.has({ userName: 'jo' });
    const path = `/Users/${userId}`;
    const disable = patchOf({ op: 'replace', path: 'active', value: false });
    for (const [method, body] of [
      ['PATCH', disable],
      ['PUT', { userName: 'joe' }],
      ['DELETE', undefined],
    ] as const) {
      const answer = await send(method, path, body, { 'if-match': 'W/"other"' });
      expect([method, answer.status]).toEqual([method, 412]);
    }
    expect(directory.accounts).toMatchObject([{ userName: 'jo', active: true }]);
    expect((await send('PATCH', path, disable, { 'if-match': `W/"${version}"` })).status).toBe(200);
    expect(directory.asked.at(-1)?.context.ifVersion).toEqual([version]);
    expect((await send('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(204);
  });
});

describe('lists', () => {
  test('have filters, orders, pages and parts of resources', async () => {
    const { send, directory } = await serveScim();
    for (const [userName, department] of [
      ['Al', 'IT'],
      ['bo', 'Sales'],
      ['Cy', 'IT'],
    ]) {
      directory.has({ userName: userName ?? '', attributes: { department: department ?? '' } });
    }
    const names = async (query: string) => {
      const { body } = await send('GET', `/Account?${query}`);
      return [body['totalResults'], ...(body['Resources'] as JsonObject[]).map((each) => each['userName'])];
    };
    expect(await names('')).toEqual([3, 'Al', 'bo', 'Cy']);
    expect(await names('filter=USERNAME%20Eq%20%22AL%22')).toEqual([1, 'Al']);
    expect(await names('filter=department eq "IT" and not (userName sw "a")')).toEqual([1, 'Cy']);
    expect(await names('filter=userName eq "nobody"')).toEqual([0]);
    expect(await names('sortBy=userName&sortOrder=descending')).toEqual([3, 'Cy', 'bo', 'Al']);
    expect(await names('startIndex=2&count=1')).toEqual([3, 'bo']);
    expect(await names('count=0')).toEqual([3]);
    const { body, headers } = await send('GET', '/Account?attributes=userName');
    expect(headers.get('content-type')).toBe(scimType);
    expect((body['Resources'] as JsonObject[]).map((each) => Object.keys(each).toSorted())).toEqual(
      Array.from({ length: 3 }, () => ['id', 'schemas', 'userName']),
    );
    expect((await send('GET', '/Account?filter=shoeSize eq 7')).body).toMatchObject({
      status: '400',
      scimType: 'invalidFilter',
    });
    expect((await send('GET', '/Account?count=many')).body).toMatchObject({ scimType: 'invalidValue' });
  });

  test('C26: by the client’s own id, exactly', async () => {
    const { send, directory } = await serveScim();
    directory.has({ userName: 'jo', externalId: 'E1' });
    const total = async (filter: string) =>
      (await send('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body['totalResults'];
    expect(await total('externalId eq "E1"')).toBe(1);
    expect(await total('externalId eq "e1"')).toBe(0);
    expect(await total('userName eq "JO" or externalId eq "quote \\" backslash \\\\"')).toBe(1);
  });

  test('searches: of one type, and of all', async () => {
    const { send, directory } = await serveScim();
    directory.has({ userName: 'jo' });
    const schemas = ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'];
    const one = await send('POST', '/Users/.search', {
      schemas,
      filter: 'userName eq "jo"',
      attributes: ['userName'],
    });
    expect(one.status).toBe(200);
    expect(one.body['Resources']).toEqual([{ schemas: [userUrn], id: 'AIDA000001', userName: 'jo' }]);
    const all = await send('POST', '/.search', { schemas, excludedAttributes: ['members'] });
    const types = (all.body['Resources'] as JsonObject[]).map(
      (each) => (each['meta'] as JsonObject)['resourceType'],
    );
    expect(new Set(types)).toEqual(new Set(['Account', 'User', 'Group', 'Entitlement']));
    const root = await send('GET', '?filter=meta.resourceType eq "Group"');
    expect((root.body['Resources'] as JsonObject[]).map((each) => each['displayName'])).toEqual([
      'admins',
      'readers',
    ]);
    expect((await send('POST', '/.search', { schemas, filter: 'shoeSize pr' })).status).toBe(400);
  });

  test('a list that may be too short is none, and what is not in it is not said to be missing', async () => {
    const { send, directory } = await serveScim();
    const { userId } = directory.has({ userName: 'jo' });
    directory.unavailable = new DirectoryUnavailableError('No lists are given now.', {
      retryAfterMs: 15_000,
    });
    for (const path of [
      '/Users',
      '/Account',
      '/Groups',
      '/Entitlement',
      '/Users/AIDANONE',
      '/Groups/AGPANONE',
    ]) {
      const { status, headers, body } = await send('GET', path);
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '15']);
      expect(body).toEqual({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: '503',
        detail: 'No lists are given now.',
      });
    }
    // Somebody who is there is told of, and shut out.
    expect((await send('GET', `/Users/${userId}`)).status).toBe(200);
    const disabled = await send(
      'PATCH',
      `/Users/${userId}`,
      patchOf({ op: 'replace', path: 'active', value: false }),
    );
    expect([disabled.status, disabled.body['active']]).toEqual([200, false]);
    directory.away = new DirectoryUnavailableError('It has just started.', { retryAfterMs: 2_000 });
    expect((await send('GET', `/Users/${userId}`)).status).toBe(503);
    expect((await send('GET', '/Schemas')).status).toBe(503);
  });
});

describe('groups', () => {
  test('members come and go, in the forms of Entra ID and Okta', async () => {
    const { send, directory } = await serveScim();
    const [u1, u2, u3] = ['u1', 'u2', 'u3'].map((userName) =>
      directory.has({ userName, entitlements: userName === 'u3' ? [] : [inGroup('readers')] }),
    );
    const members = async () => {
      const { body } = await send('GET', '/Groups/AGPAreaders');
      return ((body['members'] ?? []) as JsonObject[]).map((each) => each['display']);
    };
    expect(await members()).toEqual(['u1', 'u2']);
    const path = '/Groups/AGPAreaders';
    const entra = patchOf({ op: 'Remove', path: 'members', value: [{ value: u2?.userId, $ref: null }] });
    expect((await send('PATCH', path, entra)).status).toBe(204);
    expect(await members()).toEqual(['u1']);
    const add = patchOf({ op: 'Add', path: 'members', value: [{ value: u3?.userId }] });
    expect((await send('PATCH', path, add)).status).toBe(204);
    expect(await members()).toEqual(['u1', 'u3']);
    const okta = patchOf({ op: 'remove', path: `members[value eq "${u1?.userId}"]` });
    const told = await send('PATCH', `${path}?attributes=members`, okta);
    expect([told.status, (told.body['members'] as JsonObject[]).length]).toEqual([200, 1]);
    const put = await send('PUT', path, { displayName: 'readers', members: [{ value: u1?.userId }] });
    expect([put.status, await members()]).toEqual([200, ['u1']]);
    expect((await send('PATCH', path, patchOf({ op: 'remove', path: 'members' }))).status).toBe(400);
    expect(await members()).toEqual(['u1']);
  });

  test('one that is refused says how many were changed before it', async () => {
    const { send, directory } = await serveScim();
    const value = ['u1', 'u2'].map((userName) => ({ value: directory.has({ userName }).userId }));
    directory.next = refusal('quota', 'AWS has 10 groups for a user at most.');
    const { status, body } = await send(
      'PATCH',
      '/Groups/AGPAreaders',
      patchOf({ op: 'add', path: 'members', value }),
    );
    expect([status, body['detail']]).toEqual([
      409,
      'AWS has 10 groups for a user at most. 1 of 2 members were changed.',
    ]);
  });

  test('after one that fails no other is begun, and one that waits keeps none from being begun', async () => {
    const { send, directory } = await serveScim();
    const value = Array.from({ length: 30 }, (_, at) => ({
      value: directory.has({ userName: `u${at}` }).userId,
    }));
    const all = patchOf({ op: 'add', path: 'members', value });
    directory.failing = new DirectoryUnavailableError('Not now.', { retryAfterMs: 3_000 });
    const failed = await send('PATCH', '/Groups/AGPAreaders', all);
    expect([failed.status, failed.headers.get('retry-after'), failed.body['detail']]).toEqual([
      503,
      '3',
      'Not now.',
    ]);
    expect(directory.asked.length).toBeLessThanOrEqual(8);
    directory.failing = undefined;
    directory.next = { kind: 'pending', retryAfterMs: 5_000, message: 'It goes on.' };
    const waits = await send('PATCH', '/Groups/AGPAreaders', all);
    expect([waits.status, waits.headers.get('retry-after'), waits.body['detail']]).toEqual([
      503,
      '5',
      'It goes on. 29 of 30 members were changed.',
    ]);
    // The same again joins it, and is done.
    expect((await send('PATCH', '/Groups/AGPAreaders', all)).status).toBe(204);
  });

  test('their version is that of their members, and conditions hold', async () => {
    const { send, directory } = await serveScim();
    const { userId } = directory.has({ userName: 'u1' });
    const path = '/Groups/AGPAreaders';
    const before = (await send('GET', path)).headers.get('etag') ?? '';
    const add = patchOf({ op: 'add', path: 'members', value: [{ value: userId }] });
    expect((await send('PATCH', path, add, { 'if-match': '"other"' })).status).toBe(412);
    expect((await send('PATCH', path, add, { 'if-match': before })).status).toBe(204);
    expect((await send('PATCH', path, add, { 'if-match': before })).status).toBe(412);
    expect((await send('GET', path, undefined, { 'if-none-match': before })).status).toBe(200);
  });
});

describe('what is not done here', () => {
  test.each([
    ['POST', '/Groups', 'IAM groups are made and deleted in AWS'],
    ['DELETE', '/Groups/AGPAreaders', 'IAM groups are made and deleted in AWS'],
    ['POST', '/Entitlement', 'Groups and policies are made, changed and deleted in AWS'],
    ['PUT', '/Entitlement/ANPAReadOnlyAccess', 'Groups and policies are made'],
    ['PATCH', '/Entitlement/ANPAReadOnlyAccess', 'Groups and policies are made'],
    ['DELETE', '/Entitlement/ANPAReadOnlyAccess', 'Groups and policies are made'],
    ['GET', '/Me', 'Callers of this service are no resources of it.'],
    ['PATCH', '/Me', 'Callers of this service are no resources of it.'],
  ])('%s %s is 501, and says where it is done', async (method, path, sentence) => {
    const { send } = await serveScim();
    const { status, body } = await send(
      method,
      path,
      method === 'GET' || method === 'DELETE' ? undefined : {},
    );
    expect([status, body['status']]).toEqual([501, '501']);
    expect(body['detail']).toContain(sentence);
  });
});

test('entitlements are read, one with a slash in its id too, with the vendor’s name beside', async () => {
  const { send, directory } = await serveScim();
  const [inline] = directory.policies;
  directory.policies.push({
    ...(inline as NonNullable<typeof inline>),
    id: 'AIDA1/own',
    type: 'InlinePolicy',
    displayName: 'own',
    entitlementArn: 'arn:aws:iam::111122223333:user/jo/policy/own',
  });
  const { body } = await send('GET', '/Entitlement?filter=type eq "InlinePolicy"');
  const [found = {}] = listed(body);
  expect(found).toMatchObject({ displayName: 'own', usedAs: 'None', 'used as': 'None' });
  const one = await send('GET', new URL(locationOf(found)).pathname);
  expect([one.status, one.body]).toEqual([200, found]);
  expect((await send('GET', '/Entitlement/none')).status).toBe(404);
});

describe('what could not be read is 503, unless it is not asked for', () => {
  test.each<[string, string, string]>([
    ['/Account', '/Account/AIDA000001', 'entitlements'],
    ['/Users', '/Users/AIDA000001', 'groups,entitlements'],
    ['/Groups', '/Groups/AGPAreaders', 'members'],
  ])('%s', async (list, one, unknown) => {
    const { send, directory } = await serveScim();
    directory.has({ userName: 'jo', entitlements: undefined });
    for (const path of [list, one, `${list}?attributes=id,${unknown}`, `${one}?attributes=${unknown}`]) {
      const { status, headers, body } = await send('GET', path);
      expect([path, status, headers.get('retry-after')]).toEqual([path, 503, '60']);
      expect(body['detail']).toContain(`excludedAttributes=${unknown}`);
    }
    for (const path of [`${list}?excludedAttributes=${unknown}`, `${one}?attributes=id`]) {
      expect((await send('GET', path)).status).toBe(200);
    }
  });
});

describe('a deletion of somebody who is not known', () => {
  test('is 404 only by a reading that is complete', async () => {
    const { send, directory } = await serveScim();
    expect((await send('DELETE', '/Users/none')).status).toBe(404);
    directory.unavailable = new DirectoryUnavailableError('It is being read.', { retryAfterMs: 5_000 });
    expect((await send('DELETE', '/Users/none')).status).toBe(503);
  });

  test('is done where they turn out to be there', async () => {
    const { send, directory } = await serveScim();
    const { userId } = directory.has({ userName: 'jo' });
    directory.next = refusal('missing', 'There is no such user.');
    expect((await send('DELETE', `/Users/${userId}`)).status).toBe(204);
    expect(directory.accounts).toEqual([]);
  });
});
