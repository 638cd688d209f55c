import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  createAwsApi,
  isAwsError,
  type AwsApi,
  type CallRecord,
  type Pacer,
  type Priority,
} from '../../../src/aws/index.ts';

/** What the server does with a request: an answer, or an end of the connection. */
type Act = { readonly status: number; readonly body: string } | 'reset' | 'silence';

const ok: Act = {
  status: 200,
  body: '<R xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult><User><UserName>jo</UserName><UserId>A</UserId></User></GetUserResult></R>',
};
const refuse = (code: string, status: number): Act => ({
  status,
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
});

interface Seen {
  readonly action: string | null;
  readonly authorization: string;
}

/** A pacer that lets everybody through and notes what it is told. */
class OpenPacer implements Pacer {
  readonly told: string[] = [];
  readonly asked: Priority[] = [];
  inFlight = 0;

  acquire(priority: Priority, signal: AbortSignal): Promise<(outcome: 'ok' | 'throttled') => void> {
    signal.throwIfAborted();
    this.asked.push(priority);
    this.inFlight += 1;
    return Promise.resolve((outcome) => {
      this.inFlight -= 1;
      this.told.push(outcome);
    });
  }
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

const servers: Server[] = [];
const apis: AwsApi[] = [];

afterEach(() => {
  apis.splice(0).forEach((api) => api.close());
  servers.splice(0).forEach((server) => {
    server.closeAllConnections();
    server.close();
  });
});

/** A quarter of a second more at each look. */
function steps() {
  let now = 0;
  return { now: () => (now += 250), monotonic: () => 0 };
}

/** A server that does as it is told, request by request, and then says yes to all. */
async function stage(
  acts: readonly Act[],
  fence: () => string | undefined = () => undefined,
  times: { now: () => number; monotonic: () => number } = steps(),
) {
  const left = [...acts];
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push({ action: body.get('Action'), authorization: request.headers.authorization ?? '' });
      const act = left.shift() ?? ok;
      if (act === 'reset') {
        request.socket.resetAndDestroy();
      } else if (act !== 'silence') {
        response.writeHead(act.status, { 'content-type': 'text/xml' }).end(act.body);
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pacer = new OpenPacer();
  const trailPacer = new OpenPacer();
  const records: CallRecord[] = [];
  const slept: number[] = [];
  const api = createAwsApi({
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'canary-secret' },
    region: 'aws-global',
    cloudTrailRegion: 'us-east-1',
    endpoints: { iam: url, sts: url, cloudtrail: url },
    pacer,
    trailPacer,
    clock: {
      ...times,
      sleep: (ms, signal) => {
        signal?.throwIfAborted();
        slept.push(ms);
        return Promise.resolve();
      },
    },
    random: () => 0.5,
    observe: (record) => records.push(record),
    fence,
  });
  apis.push(api);
  return { api, seen, pacer, trailPacer, records, slept };
}

const { signal } = new AbortController();
const read = (api: AwsApi) => api.call('GetUser', { UserName: 'jo' }, { signal });
const write = (api: AwsApi) => api.call('TagUser', { UserName: 'jo', Tags: [] }, { signal });

describe('a call that goes well', () => {
  test('is one request, signed with the connection’s key, and is told to pacer and metrics', async () => {
    const { api, seen, pacer, records } = await stage([]);
    expect((await read(api)).User).toMatchObject({ UserName: 'jo', UserId: 'A' });
    expect(seen.map(({ action }) => action)).toEqual(['GetUser']);
    expect(seen[0]?.authorization).toContain('Credential=AKIATEST/');
    expect(pacer).toMatchObject({ told: ['ok'], asked: ['interactive'], inFlight: 0 });
    // Two looks at the clock: the start and the end.
    expect(records).toEqual([{ service: 'iam', operation: 'GetUser', outcome: 'ok', seconds: 0.25 }]);
  });

  test('goes in the line that it asks for', async () => {
    const { api, pacer } = await stage([]);
    await api.call('GetUser', {}, { signal, priority: 'urgent' });
    await api.call('GetUser', {}, { signal, priority: 'background' });
    expect(pacer.asked).toEqual(['urgent', 'background']);
  });
});

test('the time of AWS is known by its answers, and goes on where this machine’s clock is set anew', async () => {
  const clock = { wall: Date.now() - 3_600_000, sinceStart: 7_000 };
  const { api } = await stage([], undefined, {
    now: () => clock.wall,
    monotonic: () => clock.sinceStart,
  });
  expect(api.skewMs).toBe(0);
  await read(api);
  const awsTime = clock.wall + api.skewMs;
  expect(Math.abs(api.skewMs - 3_600_000)).toBeLessThan(5_000);
  clock.wall += 3_600_000 + 60_000;
  clock.sinceStart += 60_000;
  expect(clock.wall + api.skewMs).toBe(awsTime + 60_000);
});

describe('what is repeated', () => {
  test.each<[string, Act, number]>([
    ['Throttling', refuse('Throttling', 400), 8],
    ['429', refuse('Whatever', 429), 8],
    ['a connection that breaks', 'reset', 4],
    ['ServiceFailure', refuse('ServiceFailure', 500), 4],
    ['503', refuse('ServiceUnavailable', 503), 4],
    ['NoSuchEntity', refuse('NoSuchEntity', 404), 1],
    ['AccessDenied', refuse('AccessDenied', 403), 1],
    ['InvalidClientTokenId', refuse('InvalidClientTokenId', 403), 1],
    ['ValidationError', refuse('ValidationError', 400), 1],
    ['EntityTemporarilyUnmodifiable', refuse('EntityTemporarilyUnmodifiable', 409), 1],
  ])('a read that meets %s is tried at most so often: %#', async (_, act, times) => {
    const { api, seen, slept, pacer } = await stage(Array.from({ length: 20 }, () => act));
    await expect(read(api)).rejects.toMatchObject({ name: 'AwsError', operation: 'GetUser' });
    expect(seen).toHaveLength(times);
    expect(slept).toHaveLength(times - 1);
    expect(pacer.inFlight).toBe(0);
  });

  test.each<[string, Act, number]>([
    ['Throttling', refuse('Throttling', 400), 8],
    ['a connection that breaks', 'reset', 1],
    ['ServiceFailure', refuse('ServiceFailure', 500), 1],
    ['503', refuse('ServiceUnavailable', 503), 1],
    ['AccessDenied', refuse('AccessDenied', 403), 1],
  ])(
    'a write that meets %s, whose outcome may be unknown, is tried at most so often: %#',
    async (_, act, times) => {
      const { api, seen } = await stage(Array.from({ length: 20 }, () => act));
      await expect(write(api)).rejects.toMatchObject({ name: 'AwsError', operation: 'TagUser' });
      expect(seen).toHaveLength(times);
    },
  );

  test('succeeds in the end, and each try is paced and counted', async () => {
    const { api, seen, pacer, records } = await stage([refuse('Throttling', 400), refuse('Throttling', 400)]);
    await write(api);
    expect(seen).toHaveLength(3);
    expect(pacer.told).toEqual(['throttled', 'throttled', 'ok']);
    expect(records.map(({ outcome }) => outcome)).toEqual(['throttled', 'throttled', 'ok']);
  });

  test('waits longer each time, up to ten seconds, with jitter', async () => {
    const { api, slept } = await stage(Array.from({ length: 8 }, () => refuse('Throttling', 400)));
    await expect(read(api)).rejects.toMatchObject({ kind: 'throttled' });
    expect(slept).toEqual([150, 300, 600, 1_200, 2_400, 4_800, 7_500]);
  });

  test('is signed anew, and the sum of tries of one call is no loss to another', async () => {
    const { api, seen } = await stage(Array.from({ length: 30 }, () => refuse('Throttling', 400)));
    await expect(read(api)).rejects.toMatchObject({ kind: 'throttled' });
    await expect(read(api)).rejects.toMatchObject({ kind: 'throttled' });
    expect(seen).toHaveLength(16);
  });
});

describe('a write', () => {
  test('is not made once the fence is up, and a read still is', async () => {
    const { api, seen, pacer } = await stage([], () => 'the lease is lost');
    await expect(write(api)).rejects.toMatchObject({
      kind: 'temporary',
      message: expect.stringContaining('the lease is lost'),
    });
    expect(seen).toEqual([]);
    expect(pacer.inFlight).toBe(0);
    await read(api);
    expect(seen).toHaveLength(1);
  });

  test('is not repeated once the fence is up', async () => {
    let reason: string | undefined;
    const { api, seen } = await stage([refuse('Throttling', 400)], () => {
      const now = reason;
      reason = 'the lease is lost';
      return now;
    });
    await expect(write(api)).rejects.toMatchObject({ kind: 'temporary' });
    expect(seen).toHaveLength(1);
  });
});

describe('an abort', () => {
  test('ends a call that waits for its answer, and is no fault of AWS', async () => {
    const { api, records, pacer, seen } = await stage(['silence']);
    const stop = new AbortController();
    const call = api.call('GetUser', {}, { signal: stop.signal }).catch((error: unknown) => error);
    while (seen.length === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    stop.abort(new Error('stopping'));
    const error = await call;
    expect(error).toBeInstanceOf(Error);
    expect(isAwsError(error)).toBe(false);
    expect(records).toMatchObject([{ outcome: 'aborted' }]);
    expect(pacer.inFlight).toBe(0);
  });

  test('before the call makes no request', async () => {
    const { api, seen } = await stage([]);
    await expect(api.call('GetUser', {}, { signal: AbortSignal.abort(new Error('over')) })).rejects.toThrow(
      'over',
    );
    expect(seen).toEqual([]);
  });
});

test('a failure tells nothing of the credentials', async () => {
  const { api } = await stage([refuse('AccessDenied', 403)]);
  const error = await read(api).catch((caught: unknown) => caught as Error);
  const told = JSON.stringify(error, Object.getOwnPropertyNames(error));
  expect(told).not.toContain('canary-secret');
  expect(told).not.toContain('Signature');
});

test('closing lets a call that is under way end', async () => {
  const { api } = await stage([]);
  const call = read(api);
  api.close();
  expect((await call).User?.UserName).toBe('jo');
});
