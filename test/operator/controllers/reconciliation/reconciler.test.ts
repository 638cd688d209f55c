import { describe, expect, test } from '@jest/globals';
import { AwsError } from '../../../../src/aws/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { SpoiltSetError } from '../../../../operator/controllers/reconciliation/secret-set.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
import { complete, connectionKey, Desk, found, guard, stoppedOutcome } from './desk.ts';

/** An engine whose tries end when the test says so. */
function held(desk: Desk): { finish: () => void; begun: () => number } {
  const waiting: (() => void)[] = [];
  desk.engine = ({ signal }) =>
    new Promise((resolve, reject) => {
      waiting.push(() => resolve(complete));
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  return { finish: () => waiting.shift()?.(), begun: () => desk.attempts.length };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A fault of AWS. */
const fault = (kind: AwsError['kind'], code: string): AwsError =>
  new AwsError({ kind, operation: 'GetAccountAuthorizationDetails', code, message: 'no' });

describe('a run', () => {
  test('is done once, and tells what it found', async () => {
    const desk = await new Desk().start();
    desk.make('nightly');
    expect(await desk.reconcile('nightly')).toEqual({});
    expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
    expect(desk.run('nightly').status).toMatchObject({
      mode: 'Full',
      account: '111122223333',
      startedAt: '2026-01-15T13:00:00+01:00',
      finishedAt: '2026-01-15T13:00:00+01:00',
      seconds: 1.25,
      attempts: 1,
      calls: 3,
      counts: found.counts,
      changes: found.changes,
      report: { changes: 6 },
    });
    expect(desk.condition('nightly')?.message).toBe('read in full: 60 read, 1 created, 2 changed, 3 deleted');
    expect(desk.events.map(({ reason }) => reason)).toEqual(['Started', 'Completed']);
    expect(desk.counted).toEqual([
      'Full complete',
      'created 1',
      'changed 2',
      'deleted 3',
      'left 0',
      'completed ns/main',
    ]);
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
  });

  test('that has ended ignores reconcile-at, and writes nothing', async () => {
    const desk = await new Desk().start();
    desk.make('nightly');
    await desk.reconcile('nightly');
    desk.annotate('nightly', { [annotations.reconcileAt]: 'now' });
    const before = desk.run('nightly').metadata.resourceVersion;
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
    expect(desk.run('nightly').metadata.resourceVersion).toBe(before);
  });

  test('that a backup brings back without status is not run again, and its status is told anew', async () => {
    const desk = await new Desk().start();
    desk.make('nightly');
    await desk.reconcile('nightly');
    desk.clock.ms += 86_400_000;
    desk.restore('nightly');
    desk.restart();
    expect(desk.run('nightly').status).toBeUndefined();
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
    expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
    expect(desk.run('nightly').status).toMatchObject({
      finishedAt: '2026-01-15T13:00:00+01:00',
      counts: found.counts,
    });
  });

  test('a copy under another name is another run', async () => {
    const desk = await new Desk().start();
    desk.make('nightly');
    await desk.reconcile('nightly');
    desk.make('again', {}, { annotations: desk.run('nightly').metadata.annotations });
    await desk.reconcile('again');
    expect(desk.attempts).toHaveLength(2);
  });

  test('whose connection is in use for another namespace says so, and does nothing', async () => {
    const desk = await new Desk().start();
    desk.permits = () => false;
    desk.make('nightly');
    await desk.reconcile('nightly');
    expect(desk.attempts).toEqual([]);
    expect(desk.condition('nightly')).toMatchObject({ status: 'False', reason: 'NamespaceNotAllowed' });
  });

  test.each([
    ['that is not there', 'other', 'False', 'ConnectionNotFound'],
    ['that cannot be used', 'main', 'Unknown', 'ConnectionNotReady'],
  ])('waits for a connection %s', async (_what, name, status, reason) => {
    const desk = await new Desk().start();
    const verdict = { reason: 'SecretNotFound', message: 'no Secret' } as const;
    desk.registry.obtain(connectionKey).verdict = verdict;
    desk.make('nightly', { connectionRef: { name } });
    await desk.reconcile('nightly');
    expect(desk.condition('nightly')).toMatchObject({ status, reason });
    expect(desk.ended('nightly')).toMatch(/^Complete=False Failed=False/);
    expect(desk.attempts).toEqual([]);
    expect(desk.events.filter(({ type }) => type === 'Warning')).toHaveLength(status === 'False' ? 1 : 0);
  });

  test('waits for a connection that was not looked at yet without saying anything', async () => {
    const desk = await new Desk().start();
    desk.registry.drop = () => undefined;
    const state = desk.registry.obtain(connectionKey);
    state.link = undefined;
    state.terms = undefined;
    desk.make('nightly');
    await desk.reconcile('nightly');
    expect(desk.run('nightly').status).toBeUndefined();
    await desk.connect();
    await desk.reconcile('nightly');
    expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
  });

  test('that is paused does not begin', async () => {
    const desk = await new Desk().start();
    desk.make('nightly', {}, { annotations: { [annotations.paused]: 'true' } });
    await desk.reconcile('nightly');
    expect(desk.condition('nightly')).toMatchObject({ status: 'Unknown', reason: 'Paused' });
    expect(desk.attempts).toEqual([]);
    desk.annotate('nightly', { [annotations.paused]: null });
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
  });

  test.each([
    ['deleted', (desk: Desk) => desk.delete('nightly')],
    ['paused', (desk: Desk) => desk.annotate('nightly', { [annotations.paused]: 'true' })],
  ])('that is %s in the middle of it stops', async (_what, act) => {
    const desk = await new Desk().start();
    const engine = held(desk);
    desk.make('nightly');
    const pass = desk.reconcile('nightly');
    await turn();
    act(desk);
    await desk.clock.pass(500);
    expect(await pass).toEqual({});
    expect(engine.begun()).toBe(1);
    expect(desk.attempts[0]?.signal.aborted).toBe(true);
    expect(desk.counted).toEqual([]);
    expect(desk.exists('nightly') ? desk.ended('nightly') : 'gone').toMatch(
      /^gone|^Complete=False Failed=False/,
    );
  });

  test('tells how far it is, and no more often than every five seconds', async () => {
    const desk = await new Desk().start();
    const engine = held(desk);
    desk.make('nightly');
    const pass = desk.reconcile('nightly');
    await turn();
    const said = (): unknown => desk.run('nightly').status?.progress;
    desk.attempts[0]?.progress('users read', 1, 60);
    await desk.clock.pass(500);
    expect(said()).toBeUndefined();
    await desk.clock.pass(5_000);
    expect(said()).toEqual({ step: 'users read', done: 1, of: 60 });
    desk.attempts[0]?.progress('users read', 30, 60);
    await desk.clock.pass(500);
    expect(said()).toEqual({ step: 'users read', done: 1, of: 60 });
    expect(desk.condition('nightly')).toMatchObject({ status: 'Unknown', reason: 'Running' });
    engine.finish();
    await pass;
    expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
  });

  test('asks again where the process is at its end', async () => {
    const desk = await new Desk().start();
    held(desk);
    desk.make('nightly');
    const pass = desk.reconcile('nightly');
    await turn();
    desk.stop(new Error('the manager stops'));
    await expect(pass).rejects.toThrow('the manager stops');
    expect(desk.ended('nightly')).toMatch(/^Complete=False Failed=False/);
  });
});

describe('faults', () => {
  test.each([
    ['throttled', 'Throttling', 'Throttled'],
    ['unreachable', 'ECONNREFUSED', 'AwsUnreachable'],
    ['service', 'ServiceFailure', 'AwsUnreachable'],
  ] as const)('%s passes: it is said, and tried again with back-off', async (kind, code, reason) => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.reject(fault(kind, code));
    desk.make('nightly');
    await expect(desk.reconcile('nightly')).rejects.toThrow(code);
    expect(desk.condition('nightly')).toMatchObject({ status: 'False', reason });
    expect(desk.ended('nightly')).toMatch(/^Complete=False Failed=False/);
    desk.engine = () => Promise.resolve(complete);
    await desk.reconcile('nightly');
    expect(desk.run('nightly').status?.attempts).toBe(2);
    expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
  });

  test.each([
    [fault('accessDenied', 'AccessDenied'), 'AccessDenied', /docs\/aws-policy/],
    [fault('badCredentials', 'InvalidClientTokenId'), 'InvalidCredentials', /Secret/],
    [fault('invalid', 'ValidationError'), 'InvalidInput', /ValidationError/],
    [new SpoiltSetError('Secret "x" is not there'), 'BaselineSpoilt', /Bring it back from a backup/],
    [new ApiError({ code: 403, reason: 'Forbidden', message: 'no right' }), 'NotWritten', /no right/],
  ])('%s: somebody has to act, and it goes on by itself then', async (error, reason, says) => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.reject(error);
    desk.make('nightly');
    expect(await desk.reconcile('nightly')).toEqual({ requeueAfterMs: 60_000 });
    expect(desk.condition('nightly')).toMatchObject({ status: 'False', reason });
    expect(desk.condition('nightly')?.message).toMatch(says);
    expect(desk.ended('nightly')).toMatch(/^Complete=False Failed=False/);
    expect(desk.events.filter(({ type }) => type === 'Warning').map((event) => event.reason)).toEqual([
      reason,
    ]);
    // Another try that fails alike is no news, and what keeps the run from it is to be seen all the while.
    const seen: (string | undefined)[] = [];
    desk.engine = () => {
      seen.push(desk.condition('nightly')?.reason);
      return Promise.reject(error);
    };
    await desk.reconcile('nightly');
    expect(seen).toEqual([reason]);
    expect(desk.events.filter(({ type }) => type === 'Warning')).toHaveLength(1);
  });

  test('a fault of our own is thrown', async () => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.reject(new TypeError('ours'));
    desk.make('nightly');
    await expect(desk.reconcile('nightly')).rejects.toThrow(TypeError);
  });

  test('what cannot get better ends the run', async () => {
    const desk = await new Desk().start();
    const verdict = { reason: 'InvalidFilter', message: 'spec.filter: at 3' } as const;
    desk.engine = () => Promise.resolve({ kind: 'refused', verdict });
    desk.make('nightly', { filter: 'a b' });
    await desk.reconcile('nightly');
    expect(desk.ended('nightly')).toBe('Complete=False Failed=True InvalidFilter');
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
    expect(desk.counted).toEqual(['Full failed']);
  });

  test('what somebody else has to mend is looked at again', async () => {
    const desk = await new Desk().start();
    const verdict = { reason: 'AccountMismatch', message: 'another account' } as const;
    desk.engine = () => Promise.resolve({ kind: 'waits', verdict });
    desk.make('nightly');
    expect(await desk.reconcile('nightly')).toEqual({ requeueAfterMs: 60_000 });
    expect(desk.ended('nightly')).toBe('Complete=False Failed=False AccountMismatch');
  });
});

describe('killed after any write to the cluster', () => {
  const annotated = { [annotations.approveDeletions]: guard.token };

  test.each([
    ['complete', () => complete, 'Complete=True Failed=False Completed', undefined],
    [
      'stopped',
      () => stoppedOutcome,
      'Complete=False Failed=True DeletionThresholdExceeded',
      /"run":"ns\/nightly"/,
    ],
  ])('a run that is %s ends so, once', async (_what, outcome, ended, breaker) => {
    for (let calls = 0, over = false; !over; calls += 1) {
      const desk = await new Desk().start();
      desk.make('nightly');
      desk.engine = () => Promise.resolve(outcome());
      desk.client.dieAfter(calls);
      over = await desk.reconcile('nightly').then(
        () => true,
        () => false,
      );
      desk.client.fail = () => undefined;
      desk.restart();
      await desk.reconcile('nightly');
      expect(desk.ended('nightly')).toBe(ended);
      expect(desk.breaker() ?? '').toMatch(breaker ?? /^$/);
      await desk.reconcile('nightly');
      expect(desk.run('nightly').metadata.annotations?.[annotations.finished]).toContain('"outcome"');
      expect(desk.attempts.length).toBeLessThanOrEqual(2);
      expect(calls).toBeLessThan(20);
    }
  });

  test('a run that is let go on by an approval ends complete', async () => {
    for (let calls = 0, over = false; !over; calls += 1) {
      const desk = await new Desk().start();
      desk.make('nightly');
      desk.engine = () => Promise.resolve(stoppedOutcome);
      await desk.reconcile('nightly');
      desk.annotate('nightly', annotated);
      desk.engine = () => Promise.resolve({ ...complete, approved: true });
      desk.client.dieAfter(calls);
      over = await desk.reconcile('nightly').then(
        () => true,
        () => false,
      );
      desk.client.fail = () => undefined;
      desk.restart();
      await desk.reconcile('nightly');
      expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
      expect(desk.breaker()).toBeUndefined();
    }
  });
});

describe('the breaker', () => {
  async function stoppedRun(): Promise<Desk> {
    const desk = await new Desk().start();
    desk.engine = () => Promise.resolve(stoppedOutcome);
    desk.make('nightly');
    await desk.reconcile('nightly');
    return desk;
  }

  test('C12 (v): opens with a run that was stopped, which says how to approve', async () => {
    const desk = await stoppedRun();
    expect(desk.ended('nightly')).toBe('Complete=False Failed=True DeletionThresholdExceeded');
    expect(desk.condition('nightly')?.message).toBe(
      '40 users are missing in AWS, and 5 may be at once (spec.guard.maxDeletions): nothing was reported, and lists stop ' +
        '(a, b, c, and 37 more). If they are gone in truth: kubectl annotate awsrecon nightly ' +
        'aws.idhub.io/approve-deletions=token-1',
    );
    expect(desk.run('nightly').status?.guard).toEqual(guard);
    expect(JSON.parse(desk.breaker() ?? '')).toEqual([
      {
        scope: 'default',
        resources: ['Account', 'Entitlement'],
        run: 'ns/nightly',
        since: desk.clock.ms,
        deletions: 40,
      },
    ]);
    expect(desk.counted).toEqual(['Full stopped']);
    expect(desk.events.map(({ reason, type }) => `${type} ${reason}`)).toEqual([
      'Normal Started',
      'Warning DeletionThresholdExceeded',
    ]);
  });

  test.each(['jo.doe', 'true', 'token-2', 'TOKEN-1', ''])('%j approves nothing', async (value) => {
    const desk = await stoppedRun();
    desk.annotate('nightly', { [annotations.approveDeletions]: value });
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
    expect(desk.breaker()).toBeDefined();
  });

  test('words that are on the run before it was stopped approve nothing but what they name', async () => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.resolve(stoppedOutcome);
    desk.make('nightly', {}, { annotations: { [annotations.approveDeletions]: 'jo.doe' } });
    await desk.reconcile('nightly');
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
    expect(desk.attempts[0]?.approval).toBe('jo.doe');
  });

  test('the token lets the run go on; what is found then counts, and who approved is told', async () => {
    const desk = await stoppedRun();
    desk.annotate('nightly', { [annotations.approveDeletions]: guard.token });
    desk.engine = () => Promise.resolve({ ...complete, approved: true });
    await desk.reconcile('nightly');
    expect(desk.attempts[1]?.approval).toBe('token-1');
    expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
    expect(desk.breaker()).toBeUndefined();
    expect(desk.events.find(({ reason }) => reason === 'DeletionApproved')?.message).toBe(
      '3 deletions, which are more than may be at once, were approved by the annotation ' +
        'aws.idhub.io/approve-deletions=token-1',
    );
  });

  test('where the list is another one by then the run is stopped again, and the older token is worth nothing', async () => {
    const desk = await stoppedRun();
    desk.annotate('nightly', { [annotations.approveDeletions]: guard.token });
    desk.engine = () => Promise.resolve({ ...stoppedOutcome, guard: { ...guard, token: 'token-2' } });
    await desk.reconcile('nightly');
    expect(desk.ended('nightly')).toBe('Complete=False Failed=True DeletionThresholdExceeded');
    expect(desk.run('nightly').status?.guard?.token).toBe('token-2');
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(2);
  });

  test('is closed by the approval of a run that did not read everything', async () => {
    const desk = await stoppedRun();
    desk.annotate('nightly', { [annotations.approveDeletions]: guard.token });
    desk.engine = () => Promise.resolve({ ...complete, whole: false, approved: true });
    await desk.reconcile('nightly');
    expect(desk.breaker()).toBeUndefined();
  });

  test('is closed by a later run that was complete within the limit', async () => {
    const desk = await stoppedRun();
    desk.engine = () => Promise.resolve(complete);
    desk.make('next');
    await desk.reconcile('next');
    expect(desk.breaker()).toBeUndefined();
  });

  test.each([
    ['of a filter', { ...complete, scope: '1f2e' }, {}],
    ['that did not read everything', { ...complete, whole: false }, {}],
    ['that remembers nothing', complete, { dryRun: true }],
  ])('is not closed by a run %s', async (_what, outcome, spec) => {
    const desk = await stoppedRun();
    desk.engine = () => Promise.resolve(outcome);
    desk.make('next', spec);
    await desk.reconcile('next');
    expect(desk.ended('next')).toBe('Complete=True Failed=False Completed');
    expect(desk.breaker()).toBeDefined();
  });

  test('a dry run that is stopped says so, and opens nothing', async () => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.resolve(stoppedOutcome);
    desk.make('try', { dryRun: true });
    await desk.reconcile('try');
    expect(desk.ended('try')).toBe('Complete=False Failed=True DeletionThresholdExceeded');
    expect(desk.breaker()).toBeUndefined();
  });
});

describe('one after the other', () => {
  test('two of one connection and scope', async () => {
    const desk = await new Desk().start();
    const engine = held(desk);
    desk.make('one');
    desk.make('two', {}, { creationTimestamp: '2026-01-15T11:00:01Z' });
    const first = desk.reconcile('one');
    await turn();
    await desk.reconcile('two');
    expect(desk.condition('two')).toMatchObject({ status: 'Unknown', reason: 'WaitingForRun' });
    expect(desk.condition('two')?.message).toContain('"ns/one"');
    expect(engine.begun()).toBe(1);
    engine.finish();
    await first;
    expect(desk.woken).toEqual(['two']);
    const second = desk.reconcile('two');
    await turn();
    engine.finish();
    await second;
    expect(desk.ended('two')).toBe('Complete=True Failed=False Completed');
    expect(desk.events.filter(({ type }) => type === 'Warning')).toEqual([]);
  });

  test('the older first, whoever looks first', async () => {
    const desk = await new Desk().start();
    desk.make('young', {}, { creationTimestamp: '2026-01-15T11:00:01Z' });
    desk.make('old');
    await desk.reconcile('young');
    expect(desk.attempts).toEqual([]);
    await desk.reconcile('old');
    expect(desk.woken).toEqual(['young']);
    await desk.reconcile('young');
    expect(desk.attempts.map(({ run }) => run.metadata.name)).toEqual(['old', 'young']);
  });

  test('another scope beside it', async () => {
    const desk = await new Desk().start();
    const engine = held(desk);
    desk.make('one');
    desk.make('sales', { filter: 'department eq "Sales"' });
    const passes = [desk.reconcile('one'), desk.reconcile('sales')];
    await turn();
    expect(engine.begun()).toBe(2);
    engine.finish();
    engine.finish();
    await Promise.all(passes);
  });

  test('an older one that is deleted while it waits lets the younger go', async () => {
    const desk = await new Desk().start();
    desk.make('old');
    desk.make('young', {}, { creationTimestamp: '2026-01-15T11:00:01Z' });
    desk.registry.obtain(connectionKey).verdict = { reason: 'Verifying', message: 'new key' };
    await desk.reconcile('old');
    desk.registry.obtain(connectionKey).verdict = undefined;
    desk.restart();
    await desk.reconcile('young');
    expect(desk.attempts).toEqual([]);
    desk.delete('old');
    await desk.reconcile('young');
    expect(desk.attempts).toHaveLength(1);
  });

  test('an older one that fails does not hold up the younger', async () => {
    const desk = await new Desk().start();
    desk.make('old');
    desk.make('young', {}, { creationTimestamp: '2026-01-15T11:00:01Z' });
    desk.engine = () => Promise.reject(fault('accessDenied', 'AccessDenied'));
    await desk.reconcile('old');
    desk.engine = () => Promise.resolve(complete);
    await desk.reconcile('young');
    expect(desk.ended('young')).toBe('Complete=True Failed=False Completed');
  });
});

describe('ttlSecondsAfterFinished', () => {
  test('deletes the run that long after its end', async () => {
    const desk = await new Desk().start();
    desk.make('nightly', { ttlSecondsAfterFinished: 60 });
    expect(await desk.reconcile('nightly')).toEqual({ requeueAfterMs: 60_000 });
    desk.clock.ms += 59_000;
    expect(await desk.reconcile('nightly')).toEqual({ requeueAfterMs: 1_000 });
    expect(desk.exists('nightly')).toBe(true);
    desk.clock.ms += 1_000;
    await desk.reconcile('nightly');
    expect(desk.exists('nightly')).toBe(false);
  });

  test('0 deletes at once, also a run that failed', async () => {
    const desk = await new Desk().start();
    const verdict = { reason: 'InvalidFilter', message: 'no' } as const;
    desk.engine = () => Promise.resolve({ kind: 'refused', verdict });
    desk.make('nightly', { ttlSecondsAfterFinished: 0 });
    await desk.reconcile('nightly');
    expect(desk.exists('nightly')).toBe(false);
  });

  test('counts from the end that the object remembers, where the status is lost', async () => {
    const desk = await new Desk().start();
    desk.make('nightly', { ttlSecondsAfterFinished: 60 });
    await desk.reconcile('nightly');
    desk.restore('nightly');
    desk.clock.ms += 61_000;
    await desk.reconcile('nightly');
    expect(desk.exists('nightly')).toBe(false);
    expect(desk.attempts).toHaveLength(1);
  });

  test('a run that lists wait for stays: its token is all that lets them go on', async () => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.resolve(stoppedOutcome);
    desk.make('nightly', { ttlSecondsAfterFinished: 0 });
    expect(await desk.reconcile('nightly')).toEqual({ requeueAfterMs: 60_000 });
    expect(desk.exists('nightly')).toBe(true);
    desk.engine = () => Promise.resolve(complete);
    desk.make('later');
    await desk.reconcile('later');
    await desk.reconcile('nightly');
    expect(desk.exists('nightly')).toBe(false);
  });

  test('a run that has not ended stays', async () => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.reject(fault('accessDenied', 'AccessDenied'));
    desk.make('nightly', { ttlSecondsAfterFinished: 0 });
    await desk.reconcile('nightly');
    expect(desk.exists('nightly')).toBe(true);
  });
});
