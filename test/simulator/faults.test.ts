import { describe, expect, test } from '@jest/globals';
import { bench, code, outcome } from './harness.ts';

describe('faults', () => {
  test('an error hits as often as it was ordered, and the operation and user that it names', async () => {
    const { iam, control } = await bench();
    await control.fault({
      operation: 'CreateUser',
      user: 'Bob',
      times: 2,
      error: { code: 'ServiceFailure', message: 'no' },
    });
    expect(await code(iam.createUser({ UserName: 'alice' }))).toBe('OK');
    expect(await outcome(iam.createUser({ UserName: 'bob' }))).toBe('ServiceFailureException: no');
    expect(await code(iam.createUser({ UserName: 'bob' }))).toBe('ServiceFailureException');
    expect(await code(iam.createUser({ UserName: 'bob' }))).toBe('OK');
    expect((await control.faults()).map(({ hits }) => hits)).toEqual([2]);
    const { errors } = await control.calls();
    expect(errors).toEqual({ CreateUser: { ServiceFailure: 2 } });
  });

  test.each([
    ['Throttling', 400],
    ['AccessDenied', 403],
    ['InvalidClientTokenId', 403],
    ['ExpiredToken', 403],
    ['RequestTimeTooSkewed', 403],
    ['ConcurrentModification', 409],
    ['EntityTemporarilyUnmodifiable', 409],
    ['ServiceFailure', 500],
    ['ServiceUnavailable', 503],
  ])('%s comes with status %d', async (name, httpStatusCode) => {
    const { iam, control } = await bench();
    await control.fault({ error: { code: name } });
    await expect(iam.listUsers({})).rejects.toMatchObject({
      name: expect.stringMatching(new RegExp(`^${name}`)),
      $metadata: { httpStatusCode },
    });
  });

  test('after lets calls pass first; -1 is for ever; clearing ends it', async () => {
    const { iam, control } = await bench();
    await control.fault({ operation: 'ListUsers', after: 1, times: -1, error: { code: 'Throttling' } });
    expect(await code(iam.listUsers({}))).toBe('OK');
    expect(await code(iam.listUsers({}))).toBe('Throttling');
    expect(await code(iam.listUsers({}))).toBe('Throttling');
    expect((await control.calls()).throttled).toBe(2);
    await control.clearFaults();
    expect(await code(iam.listUsers({}))).toBe('OK');
  });

  test('a dropped connection says nothing of what was done', async () => {
    const { iam, control } = await bench();
    await control.fault({ operation: 'CreateUser', user: 'before', drop: 'before' });
    await control.fault({ operation: 'CreateUser', user: 'after', drop: 'after' });
    expect(await code(iam.createUser({ UserName: 'before' }))).not.toBe('OK');
    expect(await code(iam.createUser({ UserName: 'after' }))).not.toBe('OK');
    expect(await control.user('before')).toBeUndefined();
    expect(await control.user('after')).toMatchObject({ userName: 'after' });
    expect((await control.writes()).map((write) => [write.user, write.code, write.dropped])).toEqual([
      ['before', 'ConnectionDropped', 'before'],
      ['after', 'OK', 'after'],
    ]);
  });

  test('a probability is drawn from the seed: the same seed, the same calls', async () => {
    const { iam, control } = await bench();
    const draw = async (): Promise<readonly string[]> => {
      await control.clearFaults();
      await control.fault({ probability: 0.5, seed: 42, times: -1, error: { code: 'Throttling' } });
      const results: string[] = [];
      for (let call = 0; call < 20; call += 1) {
        results.push(await code(iam.listUsers({})));
      }
      return results;
    };
    const first = await draw();
    expect(new Set(first)).toEqual(new Set(['OK', 'Throttling']));
    expect(await draw()).toEqual(first);
  });

  test('latency is added, and calls in flight are counted', async () => {
    const { iam, control } = await bench();
    await control.fault({ operation: 'ListUsers', latencyMs: 30, times: -1 });
    const begin = performance.now();
    await Promise.all([iam.listUsers({}), iam.listUsers({}), iam.listUsers({})]);
    expect(performance.now() - begin).toBeGreaterThanOrEqual(29);
    expect(await control.calls()).toMatchObject({
      total: 3,
      reads: 3,
      writes: 0,
      inFlight: 0,
      peakInFlight: 3,
    });
  });
});
