import { expect, test } from '@jest/globals';
import type { OpenedReport } from '../../../../operator/http/index.ts';
import { settle } from '../../runtime/fake-clock.ts';
import { bearer, raw, reportOf, serve, wholeness } from '../served.ts';

const path = '/reports/team/nightly';
const good = async (): Promise<OpenedReport> => reportOf([]);

/** A report whose parts come when they are told to. */
function held(): { open: () => Promise<OpenedReport>; begin: () => void; end: () => void; stopped: boolean } {
  const first = Promise.withResolvers<void>();
  const rest = Promise.withResolvers<void>();
  const report = {
    stopped: false,
    begin: () => first.resolve(),
    end: () => rest.resolve(),
    open: async (): Promise<OpenedReport> => ({
      kind: 'report',
      report: {
        header: {},
        shards: (async function* () {
          try {
            await first.promise;
            yield Buffer.from('{"name":"jo"}\n');
            await rest.promise;
            yield Buffer.from('{"name":"mo"}\n');
          } finally {
            report.stopped = true;
          }
        })(),
      },
    }),
  };
  return report;
}

test('one address may ask so often, and one caller so often; both are told how long to wait', async () => {
  const served = await serve(good, {
    perAddress: { burst: 4, perSecond: 0.1 },
    perCaller: { burst: 2, perSecond: 0.5 },
  });
  const codes: [number, string | null][] = [];
  for (let count = 0; count < 5; count += 1) {
    const answer = await served.get(path);
    await answer.text();
    codes.push([answer.status, answer.headers.get('retry-after')]);
  }
  expect(codes).toEqual([
    [200, null],
    [200, null],
    [429, '2'],
    [429, '2'],
    [429, '10'],
  ]);
  // The last one was not even asked who it is.
  expect(served.access.asked.filter((each) => each === 'jo-token')).toHaveLength(4);
  await served.clock.advance(10_000);
  expect((await served.get(path)).status).toBe(200);
});

test('so many at once of one caller, and of all', async () => {
  const report = held();
  const served = await serve(report.open, { atOnce: 2, atOncePerCaller: 1 });
  served.access.readers = ['jo', 'mo'];
  report.begin();
  const first = await served.get(path);
  expect(first.status).toBe(200);
  const second = await served.get(path);
  expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1']);
  await second.text();
  const other = await served.get(path, { headers: { ...bearer, authorization: 'Bearer mo-token' } });
  expect(other.status).toBe(200);
  const third = await served.get(path);
  expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1']);
  report.end();
  await Promise.all([first.text(), other.text()]);
  await settle();
  expect((await served.get(path)).status).toBe(200);
});

test('an API server that does not answer in time: 503, and the work stops', async () => {
  const served = await serve(good, { answerMs: 20_000 });
  let reached = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    reached = resolve;
  });
  served.access.fail = (signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      reached();
    });
  const answer = served.get(path);
  await asked;
  await served.clock.advance(20_000);
  expect((await answer).status).toBe(503);
  expect(await (await answer).json()).toMatchObject({ detail: 'The answer was not there in time.' });
});

test('a caller who leaves stops the work', async () => {
  const report = held();
  const served = await serve(report.open);
  const leave = new AbortController();
  report.begin();
  const answer = await served.get(path, { signal: leave.signal });
  const reader = answer.body?.getReader();
  await reader?.read();
  leave.abort();
  report.end();
  while (!report.stopped || served.log.length === 0) {
    await settle();
  }
  expect(served.log).toMatchObject([{ level: 'info', msg: 'request', whole: false }]);
});

test('an answer ends at its limit, and does not look whole', async () => {
  const report = held();
  const served = await serve(report.open, { streamMs: 60_000 });
  report.begin();
  const answer = await served.get(path);
  const end = wholeness(answer);
  await served.clock.advance(60_000);
  expect(await end).toBe('broken off');
});

test('at the end nothing new is taken, and what is under way goes on to its end', async () => {
  const report = held();
  const served = await serve(report.open);
  report.begin();
  const answer = await served.get(path);
  let closed = false;
  const closing = served.server.close(25_000).then(() => {
    closed = true;
  });
  await expect(
    fetch(`${served.url}${path}`, { headers: { ...bearer, connection: 'close' } }),
  ).rejects.toThrow('fetch failed');
  await settle();
  expect(closed).toBe(false);
  report.end();
  expect(await answer.text()).toContain('"end":true');
  await closing;
});

test('what does not come to its end in the time of grace is broken off', async () => {
  const report = held();
  const served = await serve(report.open);
  report.begin();
  const answer = await served.get(path);
  const end = wholeness(answer);
  const closing = served.server.close(25_000);
  await served.clock.advance(25_000);
  expect(await end).toBe('broken off');
  report.end();
  await closing;
});

test.each([
  ['nothing', ''],
  ['half a head', 'GET /reports/team/nightly HTTP/1.1\r\nhost: a\r\n'],
  ['a request that is answered, then half a head', 'GET /nothing HTTP/1.1\r\nhost: a\r\n\r\nGET /rep'],
])('a connection that has sent %s does not hold the end', async (_, text) => {
  const served = await serve(good);
  const ended = raw(served.port, text);
  await served.get(path);
  // The clock stands still: nothing is waited for.
  await served.server.close(25_000);
  expect(await ended).toMatch(text.includes('nothing') ? /^HTTP\/1\.1 404 / : /^$/);
});

test('a head that trickles in: 408, and the connection ends', async () => {
  const served = await serve(good, { headersMs: 100 });
  const answer = await raw(served.port, 'GET /reports/team/nightly HTTP/1.1\r\nhost: a\r\nx: ');
  expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*connection: close[^]*did not come to its end in time/);
  expect(served.log).toMatchObject([{ msg: 'request', code: 408 }]);
});

test('a connection without a byte ends', async () => {
  const served = await serve(good, { idleMs: 100 });
  expect(await raw(served.port, '')).toBe('');
});
