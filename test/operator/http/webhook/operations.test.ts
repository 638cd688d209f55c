import { describe, expect, test } from '@jest/globals';
import { DirectoryThrottledError, OperationParser, RunParser } from '../../../../src/idhub/index.ts';
import { webhookMount } from '../../../../operator/http/webhook/index.ts';
import { RunObjects } from '../../../../operator/webhook/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import { pending } from '../../../src/idhub/operations/given.ts';
import { settle } from '../../runtime/fake-clock.ts';
import { create, waitMs, World } from '../../webhook/desk.ts';
import { bearer, serveMounts } from '../served.ts';

/** Long enough for a request to come in, in the time of the machine. */
async function arrived(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await settle();
  }
}

async function served() {
  const world = new World();
  const process = await world.start();
  const { schema } = accountSchema([], '');
  const frame = await serveMounts({
    mounts: [
      webhookMount({
        operations: process.desk,
        runs: new RunObjects({ client: process.client, schemaOf: () => schema }),
        parser: new OperationParser(),
        runParser: new RunParser(),
      }),
    ],
  });
  const headers = { ...bearer, 'content-type': 'application/json' };
  const post = (path: string, body: unknown, more: Readonly<Record<string, string>> = {}) =>
    frame.get(path, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) });
  const get = (at: string) => frame.get(at);
  return { world, process, ...frame, get, post };
}

const path = '/webhook/v1/operations';

describe('one operation', () => {
  test('is answered with its result', async () => {
    const { post, log, url } = await served();
    const answer = await post(path, create('o', 'jo'));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const arn = 'arn:aws:iam::111122223333:user/jo';
    const body = {
      operationId: 'o',
      kind: 'create',
      status: 'done',
      account: { id: 'AIDA1', userName: 'jo', arn },
    };
    expect(await answer.json()).toEqual(body);
    const again = await fetch(`${url}${path}/o`, { headers: bearer });
    expect([again.status, await again.json()]).toEqual([200, body]);
    await settle();
    expect(log.find(({ message, msg }) => (message ?? msg) === 'audit')).toMatchObject({
      caller: 'jo',
      connection: 'team/aws',
      operation: 'o',
      kind: 'create',
      done: 1,
      result: 'done',
    });
  });

  test('of the default connection is the one of the connection by its name', async () => {
    const { post, world } = await served();
    await post(path, create('o', 'jo'));
    expect((await post(`/connections/team/aws${path}`, create('o', 'jo'))).status).toBe(200);
    expect(world.account.asked).toEqual(['create jo']);
    expect((await post(`/connections/other/aws${path}`, create('o', 'jo'))).status).toBe(403);
  });

  test('that is refused says why', async () => {
    const { post, world } = await served();
    world.account.add('jo');
    const answer = await post(path, create('o', 'jo'));
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        operationId: 'o',
        kind: 'create',
        status: 'refused',
        reason: 'uniqueness',
        message: '"jo" is there already.',
      },
    ]);
  });

  test('with an id that another one has is a conflict', async () => {
    const { post } = await served();
    await post(path, create('o', 'jo'));
    const answer = await post(path, create('o', 'sam'));
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { title: 'Conflict', detail: expect.stringContaining('"o"') },
    ]);
  });

  test('that is pending has an address to ask at', async () => {
    const { post, world, url, get } = await served();
    let slow = true;
    world.account.before = () => (slow ? pending(4_000) : undefined);
    const asked = post(path, create('o.1:x', 'jo'));
    await arrived();
    await world.clock.advance(waitMs);
    const answer = await asked;
    const location = `${url}${path}/o.1%3Ax`;
    expect(answer.status).toBe(202);
    expect(answer.headers.get('location')).toBe(location);
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(await answer.json()).toEqual({
      operationId: 'o.1:x',
      kind: 'create',
      status: 'pending',
      message: expect.any(String),
      retryAfter: 5,
      location,
    });
    const meanwhile = await get(`${path}/o.1%3Ax`);
    expect([meanwhile.status, meanwhile.headers.get('retry-after')]).toEqual([202, '5']);
    slow = false;
    await world.clock.advance(5_000);
    const end = await get(`${path}/o.1%3Ax`);
    expect([end.status, await end.json()]).toMatchObject([200, { status: 'done' }]);
  });

  test('that cannot be done now is a 503 that says when', async () => {
    const { post, world } = await served();
    world.account.away = true;
    const answer = await post(path, { operationId: 'o', kind: 'disable', account: { id: 'AIDA1' } });
    expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
      503,
      '7',
      { type: 'about:blank', title: 'Service Unavailable', status: 503, detail: 'AWS was not read yet.' },
    ]);
  });

  test('of a caller who shuts out too many is a 429 that says when', async () => {
    const { post, world } = await served();
    world.account.add('jo');
    world.account.before = () => new DirectoryThrottledError('Slowly.', { retryAfterMs: 9_000 });
    const answer = await post(path, { operationId: 'o', kind: 'disable', account: { id: 'AIDA1' } });
    expect([answer.status, answer.headers.get('retry-after'), await answer.json()]).toEqual([
      429,
      '9',
      { type: 'about:blank', title: 'Too Many Requests', status: 429, detail: 'Slowly.' },
    ]);
  });

  test.each<[unknown, string]>([
    [undefined, 'The body is an operation: a JSON object.'],
    ['text', 'The body is an operation: a JSON object.'],
    [{ operationId: 'o', kind: 'enable' }, 'The body needs "account".'],
    [{ ...create('o', 'jo'), more: 1, other: 2 }, 'The body has no "more". The body has no "other".'],
    [[], 'A list has 1 to 100 operations, and this one 0.'],
    [
      Array.from({ length: 101 }, (_, at) => create(`o${at}`, 'jo')),
      'A list has 1 to 100 operations, and this one 101.',
    ],
  ])('is not %j', async (body, detail) => {
    const { post, world } = await served();
    const answer = await post(path, body);
    expect([answer.status, await answer.json()]).toMatchObject([400, { detail }]);
    expect(world.account.asked).toEqual([]);
  });

  test.each([`${path}/unknown`, `${path}/%20`, `${path}/o/x`, `${path}/${'a'.repeat(200)}`])(
    'is not known at %s',
    async (address) => {
      const { get } = await served();
      expect((await get(address)).status).toBe(404);
    },
  );

  test('is for callers of the connection, in JSON, up to a length', async () => {
    const { post, get, url } = await served();
    expect((await post(path, create('o', 'jo'), { authorization: 'Bearer no' })).status).toBe(401);
    expect((await post(path, create('o', 'jo'), { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post(path, { text: 'x'.repeat(1_100_000) })).status).toBe(413);
    expect((await get(path)).status).toBe(405);
    expect((await fetch(`${url}${path}`, { method: 'DELETE', headers: bearer })).status).toBe(405);
  });
});

describe('a list of operations', () => {
  test('has a result each, in its order, whatever is wrong with some', async () => {
    const { post, world } = await served();
    world.account.add('sam');
    const answer = await post(path, [
      create('1', 'jo'),
      { operationId: '2', kind: 'fly' },
      create('3', 'sam'),
      { operationId: '4', kind: 'disable', account: { userName: 'jo' }, x: 1 },
      { operationId: '5', kind: 'disable', account: { userName: 'jo' } },
      7,
    ]);
    expect(answer.status).toBe(200);
    const { results } = (await answer.json()) as { results: Record<string, unknown>[] };
    expect(
      results.map(({ operationId, kind, status, reason }) => [operationId, kind, status, reason]),
    ).toEqual([
      ['1', 'create', 'done', undefined],
      ['2', null, 'refused', 'invalidOperation'],
      ['3', 'create', 'refused', 'uniqueness'],
      ['4', 'disable', 'refused', 'invalidOperation'],
      ['5', 'disable', 'done', undefined],
      [null, null, 'refused', 'invalidOperation'],
    ]);
    expect(results[3]?.['errors']).toEqual(['/3 has no "x".']);
  });

  test('of which some are pending is told as accepted', async () => {
    const { post, world, url } = await served();
    world.account.before = (write) => (write === 'create slow' ? pending(1_000) : undefined);
    const asked = post(path, [create('1', 'slow'), create('2', 'jo')]);
    await arrived();
    await world.clock.advance(waitMs);
    const answer = await asked;
    expect([answer.status, await answer.json()]).toMatchObject([
      202,
      { results: [{ status: 'pending', location: `${url}${path}/1` }, { status: 'done' }] },
    ]);
  });

  test('that is nothing but wrong ones does nothing', async () => {
    const { post, world } = await served();
    const answer = await post(path, [{}, []]);
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { results: [{ status: 'refused' }, { status: 'refused' }] },
    ]);
    expect(world.account.asked).toEqual([]);
  });
});

test('no password comes back, or into a log or a ConfigMap', async () => {
  const { post, world, log, process } = await served();
  const value = 'C4nary-value';
  const data = { userName: 'jo', password: { value } };
  const bodies = [
    { operationId: '1', kind: 'create', data },
    { operationId: '1', kind: 'create', data: { ...data, path: '/x/' } },
    { operationId: '2', kind: 'create', data: { ...data, password: { value, odd: value } } },
    { operationId: '3', kind: 'resetPassword', account: { userName: 'jo' }, password: { value } },
    [{ operationId: '4', kind: 'resetPassword', account: { userName: 'jo' }, password: value }],
  ];
  const answers: string[] = [];
  for (const body of bodies) {
    answers.push(await (await post(path, body)).text());
  }
  expect(world.account.named('jo')?.password).toBe(value);
  await settle();
  const seen = [
    ...answers,
    JSON.stringify(log),
    world.kept('configmaps'),
    JSON.stringify(process.audited),
    process.troubles.join(),
  ];
  expect(seen.join()).not.toContain(value);
});
