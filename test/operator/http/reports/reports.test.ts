import { describe, expect, test } from '@jest/globals';
import type { OpenedReport } from '../../../../operator/http/index.ts';
import { ApiError, TransportError } from '../../../../operator/runtime/index.ts';
import { bearer, raw, reportOf, serve, wholeness } from '../served.ts';

const changes = [
  { resource: 'Account', change: 'Created', name: 'jo' },
  { resource: 'Account', change: 'Deleted', name: 'émil' },
];
const whole = [{ run: 'team/nightly', mode: 'Full', changes: 2 }, ...changes, { end: true, changes: 2 }];
const path = '/reports/team/nightly';
const good = async (): Promise<OpenedReport> => reportOf(changes);

const parsed = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

async function problem(answer: Response): Promise<{ status: number; detail: string }> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const body = (await answer.json()) as { type: string; title: string; status: number; detail: string };
  expect(body).toEqual({
    type: 'about:blank',
    title: expect.stringMatching(/^[A-Z]/) as unknown,
    status: answer.status,
    detail: expect.stringMatching(/[.]$/) as unknown,
  });
  return body;
}

describe('a report', () => {
  test('is NDJSON: the run, every change, the end', async () => {
    const served = await serve(good);
    const answer = await served.get(path);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/x-ndjson; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
    });
    expect(answer.headers.has('x-powered-by')).toBe(false);
    expect(answer.headers.has('content-encoding')).toBe(false);
    expect(parsed(await answer.text())).toEqual(whole);
    expect(served.answered).toMatchObject([{ mount: 'reports', code: 200 }]);
  });

  test('is gzip for whoever takes that', async () => {
    const served = await serve(good);
    const answer = await served.get(path, { headers: { ...bearer, 'accept-encoding': 'gzip' } });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    expect(parsed(await answer.text())).toEqual(whole);
    const unwanted = await served.get(path, { headers: { ...bearer, 'accept-encoding': 'gzip;q=0, br' } });
    expect(unwanted.headers.has('content-encoding')).toBe(false);
    expect(parsed(await unwanted.text())).toEqual(whole);
  });

  test('HEAD says the same without it', async () => {
    const served = await serve(good);
    const answer = await served.get(path, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(await answer.text()).toBe('');
  });

  test('by resource and change', async () => {
    const served = await serve(good);
    const answer = await served.get(`${path}?resource=Account&change=Deleted`);
    expect(parsed(await answer.text())).toEqual([whole[0], changes[1], { end: true, changes: 1 }]);
  });

  test('that breaks off on the way is no answer that looks whole', async () => {
    const served = await serve(async () => ({
      kind: 'report',
      report: {
        header: { changes: 2 },
        shards: (async function* () {
          yield Buffer.from(`${JSON.stringify(changes[0])}\n`);
          throw new Error('Secret "x" is not as it was written');
        })(),
      },
    }));
    for (const encoding of ['identity', 'gzip']) {
      const answer = served.get(path, { headers: { ...bearer, 'accept-encoding': encoding } });
      expect(await wholeness(answer)).toBe('broken off');
    }
    expect(served.log.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(served.log.filter(({ msg }) => msg === 'request')).toMatchObject([
      { whole: false, code: 200 },
      { whole: false, code: 200 },
    ]);
  });

  test('with fewer changes than it says is no answer that looks whole', async () => {
    const served = await serve(async () => reportOf(changes, 3));
    expect(await wholeness(served.get(path))).toBe('broken off');
  });

  test('is not held whole in memory: the next part is read when the one before has gone', async () => {
    let made = 0;
    const part = Buffer.from(`${JSON.stringify({ resource: 'Account', pad: 'x'.repeat(1_000_000) })}\n`);
    const served = await serve(async () => ({
      kind: 'report',
      report: {
        header: {},
        shards: (async function* () {
          for (; made < 200; made += 1) {
            yield part;
          }
        })(),
      },
    }));
    const answer = await served.get(path);
    const reader = answer.body?.getReader();
    await reader?.read();
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
    expect(made).toBeLessThan(100);
    await reader?.cancel();
  });
});

describe('what is refused, and asks the API server nothing', () => {
  test.each<[number, string, RequestInit, RegExp]>([
    [404, '/', {}, /There is \/reports/],
    [404, '/reports/team', {}, /nothing at this path/],
    [404, `${path}/`, {}, /nothing at this path/],
    [404, '/Reports/team/nightly', {}, /There is/],
    [405, path, { method: 'POST' }, /GET, HEAD/],
    [405, path, { method: 'DELETE' }, /GET, HEAD/],
    [400, path, { method: 'POST', body: 'x' }, /no body/],
    [414, `${path}?resource=${'x'.repeat(8_200)}`, {}, /8192 characters/],
    [400, '/reports/Team/nightly', {}, /name of a namespace/],
    [400, `/reports/${'a'.repeat(64)}/nightly`, {}, /name of a namespace/],
    [400, '/reports/..%2f..%2fsecrets/nightly', {}, /name of a namespace/],
    [400, '/reports/team/night%2Fly', {}, /name of an AwsReconciliation/],
    [400, `/reports/team/${'a'.repeat(254)}`, {}, /name of an AwsReconciliation/],
    [400, '/reports/team/%zz', {}, /makes no sense/],
    [400, `${path}?kind=Deleted`, {}, /"kind" is no parameter; there are resource and change/],
    [400, `${path}?toString=1`, {}, /no parameter/],
    [400, `${path}?change=deleted`, {}, /one of Created, Changed, Deleted, LeftFilter/],
    [400, `${path}?resource=Account&resource=Account`, {}, /given once/],
    [401, path, { headers: {} }, /--audience=idhub-aws-connector/],
    [401, path, { headers: { authorization: 'Basic am86am8=' } }, /Bearer TOKEN/],
    [401, path, { headers: { authorization: 'Bearer ' } }, /Bearer TOKEN/],
    [401, path, { headers: { authorization: 'Bearer a b' } }, /Bearer TOKEN/],
  ])('%d %s %j', async (status, asked, init, says) => {
    const served = await serve(good);
    const answer = await served.get(asked, init);
    expect(answer.status).toBe(status);
    expect((await problem(answer)).detail).toMatch(says);
    expect(answer.headers.get('www-authenticate')).toBe(
      status === 401 ? 'Bearer realm="idhub-aws-connector"' : null,
    );
    expect(served.access.asked).toEqual([]);
  });

  test('405 says what there is', async () => {
    const served = await serve(good);
    expect((await served.get(path, { method: 'PUT' })).headers.get('allow')).toBe('GET, HEAD');
  });

  test('a GET with a body', async () => {
    const { port } = await serve(good);
    expect(await raw(port, `GET ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc`)).toMatch(
      /^HTTP\/1\.1 400 [^]*has no body: send it without one/,
    );
  });

  test.each<[string, number, string]>([
    ['no HTTP', 400, 'GARBAGE\r\n\r\n'],
    ['a head that is too long', 431, `GET ${path} HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['a head that never ends', 408, `GET ${path} HTTP/1.1\r\nhost: a\r\n`],
  ])('%s', async (_, status, text) => {
    const served = await serve(good, { headersMs: 100 });
    const answer = await raw(served.port, text);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toContain('content-type: application/problem+json');
    expect(JSON.parse(body)).toMatchObject({ status });
    expect(served.answered).toMatchObject([{ mount: 'none', code: status }]);
  });
});

describe('who asks', () => {
  test('401 with a token that stands for nobody; 403 who may not, whether or not there is a run', async () => {
    let opened = 0;
    const served = await serve(async () => {
      opened += 1;
      return { kind: 'missing', message: 'There is none.' };
    });
    const nobody = await served.get(path, { headers: { authorization: 'Bearer 1234' } });
    expect(nobody.status).toBe(401);
    expect(nobody.headers.get('www-authenticate')).toBe(
      'Bearer realm="idhub-aws-connector", error="invalid_token"',
    );
    const other = await served.get(path, { headers: { authorization: 'bearer eve-token' } });
    expect(other.status).toBe(403);
    expect((await problem(other)).detail).toBe(
      '"eve" may not get awsreconciliations/report "nightly" in the namespace "team"; a Role there can allow it.',
    );
    expect(opened).toBe(0);
    expect((await served.get(path)).status).toBe(404);
    expect(served.access.asked).toEqual([
      '1234',
      'eve-token',
      'eve team/nightly',
      'jo-token',
      'jo team/nightly',
    ]);
  });

  test('is logged, with what was asked and what came of it, and never the token', async () => {
    const served = await serve(good);
    await (await served.get(`${path}?change=Deleted`)).text();
    await (await served.get(path, { headers: { authorization: 'Bearer eve-token' } })).text();
    expect(served.log).toMatchObject([
      { msg: 'request', method: 'GET', path, code: 200, whole: true, caller: 'jo', run: 'team/nightly' },
      { msg: 'request', method: 'GET', path, code: 403, caller: 'eve', run: 'team/nightly' },
    ]);
    expect(JSON.stringify(served.log)).not.toContain('-token');
  });
});

describe('why there is no report', () => {
  test.each<[OpenedReport['kind'], number, string | null]>([
    ['missing', 404, null],
    ['unfinished', 409, '5'],
    ['stopped', 503, '60'],
  ])('%s: %d', async (kind, status, retryAfter) => {
    const served = await serve(async () => ({ kind, message: 'So it is.' }) as OpenedReport);
    const answer = await served.get(path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect((await problem(answer)).detail).toBe('So it is.');
  });

  test.each<[string, Error, number, RegExp]>([
    [
      'cannot be reached',
      new TransportError('ECONNREFUSED 10.0.0.1'),
      503,
      /^The API server gives no answer\.$/,
    ],
    ['fails', new ApiError({ code: 500, message: 'etcd' }), 503, /^The API server gives no answer\.$/],
    ['refuses us', new ApiError({ code: 403, message: 'no right' }), 503, /right to create tokenreviews/],
    ['or we ourselves have a fault', new TypeError('x is undefined'), 500, /its log says why/],
  ])('the API server %s', async (_, error, status, says) => {
    const served = await serve(() => Promise.reject(error));
    const answer = await served.get(path);
    expect(answer.status).toBe(status);
    const { detail } = await problem(answer);
    expect(detail).toMatch(says);
    expect(detail).not.toContain(error.message);
    expect(served.log.filter(({ level }) => level === 'error')).toMatchObject([
      { error: { message: error.message } },
    ]);
  });

  test('a first part that cannot be read is an answer, not a stream that breaks off', async () => {
    const served = await serve(async () => ({
      kind: 'report',
      report: {
        header: {},
        shards: {
          [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new TransportError('reset')) }),
        },
      },
    }));
    expect((await served.get(path)).status).toBe(503);
  });
});
