import { expect, test } from '@jest/globals';
import { TransportError } from '../../../../operator/runtime/index.ts';
import { DirectoryUnavailableError } from '../../../../src/idhub/index.ts';
import type { JsonObject } from '../../../../src/scim/index.ts';
import { groupArn } from '../../../src/idhub/directory.ts';
import { refusal } from './fake-directory.ts';
import { patchOf, serveScim } from './served.ts';

const schemas = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];
const off = patchOf({ op: 'replace', path: 'active', value: false });

test('each operation is answered as it would be alone (RFC 7644, 3.7)', async () => {
  const { send, directory, url } = await serveScim();
  const { userId, version } = directory.has({ userName: 'al' });
  const { userId: other } = directory.has({ userName: 'bo' });
  const { status, headers, body } = await send('POST', '/Bulk', {
    schemas,
    Operations: [
      { method: 'POST', path: '/Account', bulkId: 'jo', data: { userName: 'jo', department: 'IT' } },
      { method: 'POST', path: '/Users', bulkId: 'again', data: { userName: 'AL' } },
      { method: 'PATCH', path: `/Users/${userId}`, version: `W/"${version}"`, data: off },
      { method: 'DELETE', path: `/Users/${other}`, version: '"old"' },
      { method: 'DELETE', path: `/Users/${other}` },
      {
        method: 'PATCH',
        path: '/Groups/AGPAreaders',
        data: patchOf({ op: 'add', path: 'members', value: [{ value: 'bulkId:jo' }] }),
      },
      { method: 'POST', path: '/Groups', bulkId: 'g', data: {} },
      { method: 'PUT', path: '/Shoes/1', data: {} },
      { method: 'POST', path: `/Users/${userId}`, bulkId: 'x', data: {} },
      { method: 'DELETE', path: '/Users/%zz' },
    ],
  });
  expect([status, headers.get('content-type')]).toEqual([200, 'application/scim+json; charset=utf-8']);
  const results = body['Operations'] as JsonObject[];
  expect(results.map((each) => each['status'])).toEqual([
    '201',
    '409',
    '200',
    '412',
    '204',
    '204',
    '501',
    '404',
    '400',
    '400',
  ]);
  const jo = directory.accounts.find(({ userName }) => userName === 'jo');
  expect(results[0]).toEqual({
    location: `${url}/scim/v2/Account/${jo?.userId}`,
    method: 'POST',
    bulkId: 'jo',
    version: expect.stringMatching(/^"v\d+"$/),
    status: '201',
  });
  expect(results[1]).toMatchObject({ bulkId: 'again', response: { scimType: 'uniqueness', status: '409' } });
  expect(
    directory.accounts.map(({ userName, active, entitlements }) => [
      userName,
      active,
      entitlements?.map(({ arn }) => arn),
    ]),
  ).toEqual([
    ['al', false, []],
    ['jo', true, [groupArn('readers')]],
  ]);
});

test('what cannot be done now is said of the operation', async () => {
  const { send, directory, errors } = await serveScim();
  const { userId } = directory.has({ userName: 'al' });
  const one = async () => {
    const { body } = await send('POST', '/Bulk', {
      schemas,
      Operations: [{ method: 'DELETE', path: `/Users/${userId}` }],
    });
    return (body['Operations'] as JsonObject[])[0];
  };
  directory.next = { kind: 'pending', retryAfterMs: 5_000, message: 'It goes on.' };
  expect(await one()).toMatchObject({ status: '503', response: { detail: 'It goes on.' } });
  directory.next = refusal('forbidden', 'The guard forbids it.');
  expect(await one()).toMatchObject({ status: '403', response: { detail: 'The guard forbids it.' } });
  directory.failing = new DirectoryUnavailableError('Later.', { retryAfterMs: 5_000 });
  expect(await one()).toMatchObject({ status: '503', response: { detail: 'Later.' } });
  directory.failing = new TransportError('canary');
  expect(await one()).toMatchObject({
    status: '503',
    response: { detail: 'The API server gives no answer.' },
  });
  directory.failing = new Error('canary');
  const unknown = await one();
  expect(unknown).toMatchObject({ status: '500' });
  expect(JSON.stringify(unknown)).not.toContain('canary');
  expect(JSON.stringify(errors)).toContain('canary');
});

test('limits are told and kept', async () => {
  const { send } = await serveScim();
  const operation = { method: 'DELETE', path: '/Users/1' };
  const many = await send('POST', '/Bulk', {
    schemas,
    Operations: Array.from({ length: 101 }, () => operation),
  });
  expect([many.status, many.body['detail']]).toEqual([413, 'A bulk request has 100 operations at most.']);
  const big = await send('POST', '/Bulk', { schemas, Operations: [operation], x: 'x'.repeat(4_194_304) });
  expect([big.status, big.body['status']]).toEqual([413, '413']);
  const none = await send('POST', '/Bulk', { schemas, Operations: [] });
  expect([none.status, none.body['scimType']]).toEqual([400, 'invalidSyntax']);
});

test('a bulk request is about the connection of its path', async () => {
  const { send, directory, url } = await serveScim();
  const { body } = await send('POST', '/connections/team/aws/scim/v2/Bulk', {
    schemas,
    Operations: [{ method: 'POST', path: '/Users', bulkId: 'jo', data: { userName: 'jo' } }],
  });
  const [made] = body['Operations'] as JsonObject[];
  expect(made?.['location']).toBe(
    `${url}/connections/team/aws/scim/v2/Users/${directory.accounts[0]?.userId}`,
  );
});
