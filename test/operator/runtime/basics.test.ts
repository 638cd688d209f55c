import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ReconnectPolicy,
  RetryPolicy,
  TokenBucket,
  exponentialDelay,
} from '../../../operator/runtime/backoff.ts';
import {
  ApiError,
  after,
  compareResourceVersions,
  createLogger,
  createSecretValues,
  done,
  keyOf,
  keyString,
  parseKey,
  setCondition,
  systemClock,
  type Condition,
  type LogLevel,
} from '../../../operator/runtime/index.ts';
import { FakeClock } from './fake-clock.ts';

describe('keys and versions', () => {
  test.each([
    [{ namespace: 'n', name: 'a' }, 'n/a'],
    [{ namespace: '', name: 'a' }, 'a'],
  ])('%j is %s and back', (key, text) => {
    expect(keyString(key)).toBe(text);
    expect(parseKey(text)).toEqual(key);
    expect(keyOf({ metadata: key })).toEqual(key);
  });

  test.each([
    ['9', '10', -1],
    ['10', '9', 1],
    ['10', '10', 0],
    ['18446744073709551614', '18446744073709551615', -1],
    ['010', '9', undefined],
    ['x', '9', undefined],
    [undefined, '9', undefined],
  ])('versions %s and %s compare as %s', (a, b, sign) => {
    const order = compareResourceVersions(a, b);
    expect(order === undefined ? undefined : Math.sign(order)).toBe(sign);
  });

  test('results', () => {
    expect(done()).toEqual({});
    expect(after(-1)).toEqual({ requeueAfterMs: 0 });
  });
});

describe('conditions', () => {
  const now = Date.UTC(2026, 5, 1, 12, 0, 0, 999);
  const old: Condition = {
    type: 'Ready',
    status: 'False',
    reason: 'Waiting',
    message: 'm',
    observedGeneration: 1,
    lastTransitionTime: '2025-01-01T00:00:00Z',
  };
  const other: Condition = { ...old, type: 'Other' };

  test.each([
    ['into nothing', undefined, 'True', 1, '2026-06-01T12:00:00Z'],
    ['same status keeps the time', [old, other], 'False', 2, old.lastTransitionTime],
    ['new status moves the time', [old, other], 'True', 2, '2026-06-01T12:00:00Z'],
  ] as const)('%s', (_name, list, status, observedGeneration, time) => {
    const next = { type: 'Ready', status, reason: 'New', message: 'n', observedGeneration };
    const result = setCondition(list, next, now);
    expect(result).toEqual([{ ...next, lastTransitionTime: time }, ...(list === undefined ? [] : [other])]);
    expect(setCondition(result, next, now + 1e9)).toEqual(result);
  });
});

describe('back-off', () => {
  test('grows from half of the base to the maximum, never beyond', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
        const delay = exponentialDelay(failures, { baseMs: 500, maxMs: 1_000_000 }, () => random);
        expect(delay).toBeGreaterThanOrEqual(250);
        expect(delay).toBeLessThanOrEqual(1_000_000);
      }),
    );
  });

  test.each([
    ['error', [500, 1_000, 2_000, 4_000]],
    ['conflict', [5, 10, 20, 40]],
  ] as const)('%s: %j', (kind, delays) => {
    const policy = new RetryPolicy({ clock: new FakeClock(), random: () => 0 });
    expect(delays.map(() => policy.failed('a', kind))).toEqual(delays);
    expect(policy.failed('b', kind)).toBe(delays[0]);
    policy.succeeded('a');
    expect(policy.failed('a', kind)).toBe(delays[0]);
  });

  test('the bucket gives a burst of 100, then one each 100 ms', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ clock, perSecond: 10, burst: 100 });
    const waits = Array.from({ length: 103 }, () => Math.round(bucket.take()));
    expect(waits.slice(98)).toEqual([0, 0, 100, 200, 300]);
    await clock.advance(60_000);
    expect(bucket.take()).toBe(0);
  });

  test('reconnects as client-go: 800 ms to 30 s, from the start after two quiet minutes', async () => {
    const clock = new FakeClock();
    const policy = new ReconnectPolicy({ clock, random: () => 0 });
    const delays = [];
    for (let index = 0; index < 8; index += 1) {
      const delay = policy.next();
      delays.push(delay);
      await clock.advance(delay);
    }
    expect(delays).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    await clock.advance(119_000);
    expect(policy.next()).toBe(30_000);
    await clock.advance(30_000 + 120_001);
    expect(policy.next()).toBe(800);
  });
});

describe('system clock', () => {
  test('a timer longer than the platform can count does not fire at once', async () => {
    let fired = false;
    const cancel = systemClock.setTimeout(() => {
      fired = true;
    }, 2 ** 33);
    await new Promise((resolve) => {
      systemClock.setTimeout(() => resolve(undefined), 5);
    });
    cancel();
    expect(fired).toBe(false);
  });

  test('a sleep ends with the reason of its signal', async () => {
    const reason = new Error('enough');
    await expect(systemClock.sleep(1e6, AbortSignal.abort(reason))).rejects.toBe(reason);
    const stop = new AbortController();
    const sleeping = systemClock.sleep(1e6, stop.signal);
    stop.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });
});

describe('logger', () => {
  const lineOf = (level: LogLevel, run: Parameters<typeof createLogger>[0]['secrets'], fields: object) => {
    const lines: string[] = [];
    const secrets = run === undefined ? {} : { secrets: run };
    const logger = createLogger({
      level,
      clock: new FakeClock(0),
      write: (line) => lines.push(line),
      ...secrets,
    });
    logger.child({ part: 'x' }).error('it failed', fields as Record<string, unknown>);
    return lines.join('\n');
  };

  test('one JSON object a line, with time, level, message and fields', () => {
    expect(JSON.parse(lineOf('info', undefined, { n: 1, none: undefined }))).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'error',
      msg: 'it failed',
      part: 'x',
      n: 1,
    });
  });

  test.each([
    'secretAccessKey',
    'secret_access_key',
    'SecretAccessKey',
    'password',
    'newPassword',
    'token',
    'sessionToken',
    'x-amz-security-token',
    'Authorization',
    'Proxy-Authorization',
    'Set-Cookie',
    'cookie',
    'privateKey',
    'client-key-data',
    'clientSecret',
  ])('replaces the value of %s wherever it stands', (name) => {
    const line = lineOf('info', undefined, { a: [{ b: { [name]: 'hunter2-hunter2' } }] });
    expect(line).not.toContain('hunter2');
    expect(line).toContain('[redacted]');
  });

  test.each(['accessKeyId', 'tokenFile', 'secretName', 'passwordResetRequired', 'author'])(
    'leaves the value of %s alone',
    (name) => {
      expect(lineOf('info', undefined, { [name]: 'plain' })).toContain('plain');
    },
  );

  test('replaces registered values in messages, causes, stacks and keys, until they are removed', () => {
    const secrets = createSecretValues();
    secrets.add('wJalrXUtnFEMI/K7MDENG');
    secrets.add('short');
    secrets.add('quoted"and\nbroken');
    expect(lineOf('info', secrets, { text: 'quoted"and\nbroken' })).not.toContain('quoted');
    const cause = new Error('inner wJalrXUtnFEMI/K7MDENG');
    const error = new Error('outer wJalrXUtnFEMI/K7MDENG', { cause });
    const fields = { error, 'wJalrXUtnFEMI/K7MDENG': 1, text: 'short' };
    const line = lineOf('debug', secrets, fields);
    expect(line).not.toContain('wJalr');
    expect(line).toContain('short');
    secrets.remove('wJalrXUtnFEMI/K7MDENG');
    expect(lineOf('debug', secrets, fields)).toContain('wJalr');
  });

  test('of registered values that come and go the last are kept, and all that last', () => {
    const secrets = createSecretValues();
    const nth = (index: number): string => `token-${String(index).padStart(5, '0')}`;
    secrets.add('lasting-key');
    secrets.add('lasting-key', 'passing');
    for (let index = 0; index < 5_000; index += 1) {
      secrets.add(nth(index), 'passing');
    }
    // In use still, and added again.
    secrets.add(nth(0), 'passing');
    secrets.add(nth(5_000), 'passing');
    const text = `lasting-key ${nth(0)} ${nth(1)} ${nth(2)} ${nth(5_000)}`;
    expect(secrets.redact(text)).toBe(`[redacted] [redacted] ${nth(1)} [redacted] [redacted]`);
  });

  test('of an error only name, message, code, reason and cause; the stack at debug', () => {
    const error = Object.assign(new Error('no', { cause: new TypeError('why') }), {
      code: 'EFAIL',
      body: 'body-text',
      headers: { a: 'header-text' },
      $response: 'response-text',
    });
    const line = JSON.parse(lineOf('info', undefined, { error })) as { error: unknown };
    expect(line.error).toEqual({
      name: 'Error',
      message: 'no',
      code: 'EFAIL',
      cause: { name: 'TypeError', message: 'why' },
    });
    const api = new ApiError({ code: 409, reason: 'Conflict', message: 'm' });
    expect(JSON.parse(lineOf('info', undefined, { error: api }))).toMatchObject({
      error: { name: 'ApiError', code: 409, reason: 'Conflict' },
    });
    expect(lineOf('debug', undefined, { error })).toContain('"stack"');
  });

  test('survives circles, odd values and throwing getters', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const odd = {
      big: 1n,
      sym: Symbol('s'),
      fn: () => 1,
      map: new Map([['password', 'hunter2-hunter2']]),
      bytes: Buffer.from('hunter2-hunter2'),
      long: 'x'.repeat(100_000),
      circle,
    };
    const line = lineOf('info', undefined, odd);
    expect(line.length).toBeLessThan(20_000);
    expect(line).not.toContain('hunter2');
    const throwing = {
      get bad() {
        throw new Error('no');
      },
    };
    expect(lineOf('info', undefined, { throwing })).toContain('unloggable');
  });

  test('writes nothing below its level', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'warn', clock: new FakeClock(), write: (line) => lines.push(line) });
    logger.info('a');
    logger.debug('b');
    logger.warn('c');
    expect(lines).toHaveLength(1);
    expect(logger.level).toBe('warn');
  });
});
