import { AddUserToGroupCommand, CreateGroupCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import { changes, resyncs, snapshotEvery, user, worldFor } from './support.ts';
import { systemNamespace } from './world.ts';

const namespace = 'scim-conditions';
const token = 'a-made-up-token-of-an-e2e-test';
const world = worldFor(namespace, {
  operator: [snapshotEvery, `--http-auth-secret=${namespace}`, `--default-connection=${namespace}/aws`],
});

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly body: Record<string, unknown>;
}

interface Result {
  readonly status: string;
  readonly location?: string;
  readonly version?: string;
  readonly bulkId?: string;
}

const off = operations({ op: 'replace', path: 'active', value: false });

function operations(...list: readonly object[]): object {
  return { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: list };
}

async function ask(
  method: string,
  path: string,
  { body, headers = {} }: { body?: object; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const line = await world().operator.line((each) => each.includes('serving SCIM'));
  const { port } = JSON.parse(line) as { port: number };
  const response = await fetch(`http://127.0.0.1:${port}/scim/v2${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    etag: response.headers.get('etag') ?? '',
    body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
  };
}

beforeAll(async () => {
  const { iam } = world();
  await world().apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: systemNamespace, name: namespace },
    stringData: { 'token.e2e': token, 'connections.e2e': `${namespace}/aws` },
  });
  await iam.send(new CreateGroupCommand({ GroupName: 'Dev' }));
  for (const UserName of ['al', 'bo', 'cy']) {
    await iam.send(new CreateUserCommand({ UserName }));
    await iam.send(new AddUserToGroupCommand({ UserName, GroupName: 'Dev' }));
  }
  await resyncs(world(), 1);
  await eventually(async () => ((await ask('GET', '/Users')).status === 200 ? true : undefined), {
    withinMs: 60_000,
    everyMs: 500,
    what: 'the first list',
  });
});

test('who has an old version of an account changes nothing of it (RFC 7644, 3.14)', async () => {
  const { userId } = await user(world(), 'al');
  const path = `/Account/${userId}`;
  const first = await ask('GET', path);
  expect(first).toMatchObject({ status: 200, body: { meta: { version: first.etag } } });
  expect((await ask('GET', path, { headers: { 'if-none-match': first.etag } })).status).toBe(304);

  const rename = operations({ op: 'replace', path: 'department', value: 'Legal' });
  const changed = await ask('PATCH', path, { body: rename, headers: { 'if-match': first.etag } });
  expect(changed).toMatchObject({ status: 200, body: { department: 'Legal' } });
  expect(changed.etag).not.toBe(first.etag);
  expect((await user(world(), 'al')).tags).toMatchObject({ department: 'Legal' });
  const written = await changes(world(), 'al');

  const before: [string, object | undefined][] = [
    ['PATCH', off],
    ['PUT', { userName: 'al', department: 'Sales' }],
    ['DELETE', undefined],
  ];
  for (const [method, body] of before) {
    const answer = await ask(method, path, {
      ...(body === undefined ? {} : { body }),
      headers: { 'if-match': first.etag },
    });
    expect([method, answer.status]).toEqual([method, 412]);
  }
  expect(await changes(world(), 'al')).toEqual(written);
  expect((await ask('GET', path, { headers: { 'if-none-match': first.etag } })).body).toMatchObject({
    department: 'Legal',
    active: true,
  });

  const now = await ask('GET', path);
  expect(await ask('PATCH', path, { body: off, headers: { 'if-match': now.etag } })).toMatchObject({
    status: 200,
    body: { active: false },
  });
});

test('many operations in one request, each answered and done for itself (RFC 7644, 3.7)', async () => {
  const [bo, cy] = [await user(world(), 'bo'), await user(world(), 'cy')];
  const groups = await ask('GET', '/Groups?filter=displayName%20eq%20%22Dev%22');
  const [dev] = groups.body['Resources'] as { id: string }[];
  const { status, body } = await ask('POST', '/Bulk', {
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'POST', path: '/Users', bulkId: 'new', data: { userName: 'newcomer' } },
        {
          method: 'PATCH',
          path: `/Groups/${dev?.id}`,
          data: operations({ op: 'add', path: 'members', value: [{ value: 'bulkId:new' }] }),
        },
        { method: 'PATCH', path: `/Users/${bo.userId}`, data: off },
        { method: 'DELETE', path: `/Users/${cy.userId}`, version: 'W/"of another time"' },
        { method: 'POST', path: '/Users', bulkId: 'taken', data: { userName: 'BO' } },
      ],
    },
  });
  expect(status).toBe(200);
  const results = body['Operations'] as Result[];
  expect(results.map((each) => each.status)).toEqual(['201', '204', '200', '412', '409']);
  const made = await user(world(), 'newcomer');
  expect(made.groups).toEqual(['Dev']);
  expect(results[0]).toMatchObject({ bulkId: 'new', version: expect.stringMatching(/^(W\/)?".+"$/) });
  expect(results[0]?.location).toMatch(new RegExp(`/scim/v2/Users/${made.userId}$`));
  expect((await ask('GET', `/Users/${bo.userId}`)).body).toMatchObject({ userName: 'bo', active: false });
  expect((await user(world(), 'cy')).userId).toBe(cy.userId);
  expect(await changes(world(), 'cy')).toEqual([]);
});
