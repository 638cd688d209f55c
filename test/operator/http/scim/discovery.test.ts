import { describe, expect, test } from '@jest/globals';
import { accountSchema } from '../../../../src/schema/index.ts';
import type { JsonObject } from '../../../../src/scim/index.ts';
import { accountUrn, serveScim, userUrn } from './served.ts';

describe('discovery (RFC 7644, 4)', () => {
  test('says what the service can do', async () => {
    const { send, url } = await serveScim();
    const { status, body } = await send('GET', '/ServiceProviderConfig');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
      patch: { supported: true },
      bulk: { supported: true, maxOperations: 100, maxPayloadSize: 4_194_304 },
      filter: { supported: true, maxResults: 20_000 },
      changePassword: { supported: true },
      sort: { supported: true },
      etag: { supported: true },
      meta: {
        resourceType: 'ServiceProviderConfig',
        location: `${url}/scim/v2/ServiceProviderConfig`,
      },
    });
    expect((body['authenticationSchemes'] as JsonObject[]).map(({ type }) => type)).toEqual([
      'oauthbearertoken',
      'httpbasic',
    ]);
  });

  test('has four types, and their schemas', async () => {
    const { send } = await serveScim();
    const types = (await send('GET', '/ResourceTypes')).body['Resources'] as JsonObject[];
    expect(types.map(({ id, endpoint, schema }) => [id, endpoint, schema])).toEqual([
      ['Account', '/Account', accountUrn],
      ['User', '/Users', userUrn],
      ['Group', '/Groups', 'urn:ietf:params:scim:schemas:core:2.0:Group'],
      ['Entitlement', '/Entitlement', 'urn:sath:params:scim:schemas:core:1.0:Entitlement'],
    ]);
    const { body } = await send('GET', '/Schemas');
    const schemas = (body['Resources'] as JsonObject[]).map(({ id }) => id);
    const named = types.flatMap((type) =>
      [{ schema: type['schema'] }, ...(type['schemaExtensions'] as JsonObject[])].map(({ schema }) => schema),
    );
    expect(new Set(schemas)).toEqual(new Set(named));
    expect(schemas).toHaveLength(named.length);
    expect(body).toMatchObject({ totalResults: schemas.length, itemsPerPage: schemas.length, startIndex: 1 });
  });

  test('tells the attributes of the connection', async () => {
    const { send, directory } = await serveScim();
    directory.schema = accountSchema(
      [
        { name: 'costCenter', syncDirection: 'app-to-idhub' },
        { name: 'city', removed: true },
        { name: 'lastName', renames: 'surname' },
      ],
      '',
    ).schema;
    const { body } = await send('GET', `/Schemas/${accountUrn}`);
    const attributes = new Map((body['attributes'] as JsonObject[]).map((each) => [each['name'], each]));
    expect(attributes.get('costCenter')).toMatchObject({ mutability: 'readOnly', type: 'string' });
    expect(attributes.get('lastName')).toMatchObject({ mutability: 'readWrite' });
    expect([attributes.has('city'), attributes.has('surname')]).toEqual([false, false]);
    expect(attributes.get('password')).toMatchObject({ mutability: 'writeOnly', returned: 'never' });
  });

  test('does not wait for lists to be possible', async () => {
    const { send, directory } = await serveScim();
    directory.unavailable = new Error('lists are stopped');
    expect((await send('GET', '/Schemas')).status).toBe(200);
    expect((await send('GET', '/ResourceTypes/User')).status).toBe(200);
  });
});
