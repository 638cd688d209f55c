import { describe, expect, test } from '@jest/globals';
import { connectorMount, type ConnectorMountOptions } from '../../../../operator/http/connector/index.ts';
import { readStateNames, type ConnectorState } from '../../../../src/idhub/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import { serveMounts, type ServedFrame } from '../served.ts';

const read = readStateNames('UNKNOWN=Unresolved');
const states = 'names' in read ? read.names : undefined;

async function serve(
  aws: ConnectorState,
  idhub: ConnectorState = 'NOT_CONFIGURED',
  more: Parameters<typeof serveMounts>[0] extends infer T ? Partial<T> : never = {},
): Promise<ServedFrame> {
  if (states === undefined) {
    throw new Error('no names of states');
  }
  const options: ConnectorMountOptions = {
    target: {
      standing: ({ namespace }) => ({ state: aws, message: `the account of ${namespace}` }),
      test: () => Promise.resolve({ state: aws, message: 'AWS was asked' }),
      schema: () => accountSchema([{ name: 'team' }], '').schema,
    },
    idhub: {
      check: () =>
        Promise.resolve({ state: idhub, message: 'of IDHub', checkedAt: undefined, version: undefined }),
    },
    version: '9.9',
    businessOwner: 'Jerome',
    itOwner: undefined,
    states,
    defaultConnection: more.connections?.default,
  };
  return serveMounts({ mounts: [connectorMount(options)], ...more });
}

describe('/connector/health', () => {
  test.each<[ConnectorState, ConnectorState, string]>([
    ['UP', 'UP', 'UP'],
    ['UP', 'DOWN', 'DOWN'],
    ['UNKNOWN', 'UP', 'Unresolved'],
    ['OUT_OF_SERVICE', 'UP', 'OUT_OF_SERVICE'],
  ])('AWS %s, IDHub %s: %s, in an answer that is 200', async (aws, idhub, status) => {
    const { get } = await serve(aws, idhub);
    const answer = await get('/connector/health');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toMatchObject({
      status,
      parts: [
        { name: 'aws', message: 'the account of team' },
        { name: 'idhub', message: 'of IDHub' },
      ],
    });
  });

  test.each([
    ['none is the default', undefined, 'There is no default connection (--default-connection)'],
    ['the default is not there', { namespace: 'gone', name: 'aws' }, 'There is no AwsConnection gone/aws'],
  ])('where %s, nothing is configured, and that is an answer', async (_, byDefault, sentence) => {
    const { get } = await serve('UP', 'UP', {
      connections: { default: byDefault, has: ({ namespace }) => namespace === 'team' },
    });
    const answer = await get('/connector/health');
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { status: 'NOT_CONFIGURED', message: expect.stringContaining(sentence) as unknown },
    ]);
    const one = await get('/connections/team/aws/connector/health');
    expect([one.status, await one.json()]).toMatchObject([200, { status: 'UP' }]);
    expect((await get('/connections/team/other/connector/health')).status).toBe(200);
    for (const path of ['/connector/test', '/connector/metadata']) {
      const refused = await get(path);
      expect([refused.status, await refused.json()]).toMatchObject([
        404,
        { detail: expect.stringContaining(sentence) as unknown },
      ]);
    }
  });

  test('of a connection that a caller may not use, and of none, nothing is told', async () => {
    const { get } = await serve('UP');
    expect((await get('/connections/other/aws/connector/health')).status).toBe(403);
    expect((await get('/connections/team/nowhere/connector/health')).status).toBe(404);
    expect((await get('/connector/health', { headers: {} })).status).toBe(401);
  });
});

describe('/connector/test', () => {
  test('good credentials', async () => {
    const answer = await (await serve('UP')).get('/connector/test');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'UP', message: 'AWS was asked' }]);
  });

  test.each<ConnectorState>(['DOWN', 'NOT_CONFIGURED', 'OUT_OF_SERVICE', 'UNKNOWN'])(
    '%s is seen by the status alone, and has a reason',
    async (state) => {
      const answer = await (await serve(state)).get('/connector/test');
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.headers.get('retry-after')).toBe('30');
      expect([answer.status, await answer.json()]).toMatchObject([503, { detail: 'AWS was asked' }]);
    },
  );
});

describe('/connector/metadata', () => {
  test.each([
    ['/connector', '/scim/v2'],
    ['/connections/team/aws/connector', '/connections/team/aws/scim/v2'],
  ])('under %s names the resources under %s', async (path, scim) => {
    const { get, url } = await serve('DOWN');
    const answer = await get(`${path}/metadata`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      name: 'AWS team/aws',
      version: '9.9',
      businessOwner: 'Jerome',
      baseUrl: `${url}${scim}`,
      reconciliationKeys: ['userName', 'mail', 'employeeId'],
      accountSchema: { attributes: expect.arrayContaining([expect.objectContaining({ name: 'team' })]) },
    });
  });
});

test('another method is refused', async () => {
  const { get } = await serve('UP');
  expect(
    (await get('/connector/health', { method: 'POST', headers: { authorization: 'Bearer jo-token' } }))
      .status,
  ).toBe(405);
  expect((await get('/connector')).status).toBe(404);
});
