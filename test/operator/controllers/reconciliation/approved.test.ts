import { describe, expect, test } from '@jest/globals';
import { ConnectionRegistry } from '../../../../operator/controllers/connection/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { isApproved, isFinished } from '../../../../operator/controllers/reconciliation/index.ts';
import { complete, Desk, guard, stoppedOutcome } from './desk.ts';

const approval = { [annotations.approveDeletions]: guard.token };

/** A run that was stopped, and approved while the operator was down: it is back, and has not read the account yet. */
async function approvedWhileDown(): Promise<Desk> {
  const desk = await new Desk().start();
  desk.engine = () => Promise.resolve(stoppedOutcome);
  desk.make('nightly');
  await desk.reconcile('nightly');
  desk.annotate('nightly', approval);
  desk.engine = () => Promise.resolve({ ...complete, approved: true });
  desk.registry = new ConnectionRegistry();
  desk.restart();
  return desk;
}

/** The connection was read: what the operator wakes then (operator.ts, onAnnounce). */
async function announce(desk: Desk): Promise<readonly string[]> {
  await desk.connect();
  const woken = desk.runs().filter((run) => !isFinished(run) || isApproved(run));
  for (const { metadata } of woken) {
    await desk.reconcile(metadata.name);
  }
  return woken.map(({ metadata }) => metadata.name);
}

describe('a run that was approved while the operator was down', () => {
  test('goes on once the account was read, and the breaker closes', async () => {
    const desk = await approvedWhileDown();
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(1);
    expect(await announce(desk)).toEqual(['nightly']);
    expect(desk.attempts).toHaveLength(2);
    expect(desk.attempts[1]?.approval).toBe(guard.token);
    expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
    expect(desk.breaker()).toBeUndefined();
    // It has ended, and is not woken again.
    expect(await announce(desk)).toEqual([]);
  });

  test('does not hold up younger runs of its lane, whichever is looked at first', async () => {
    for (const order of [
      ['nightly', 'young'],
      ['young', 'nightly'],
    ] as const) {
      const desk = await approvedWhileDown();
      desk.make('young', {}, { creationTimestamp: '2026-01-15T12:00:01Z' });
      for (const name of order) {
        await desk.reconcile(name);
      }
      await desk.connect();
      for (const name of order.toReversed()) {
        await desk.reconcile(name);
      }
      for (const name of desk.woken.splice(0)) {
        await desk.reconcile(name);
      }
      expect(desk.ended('nightly')).toBe('Complete=True Failed=False Completed');
      expect(desk.ended('young')).toBe('Complete=True Failed=False Completed');
    }
  });

  test('does not hold them up either where it itself is never looked at again', async () => {
    const desk = await approvedWhileDown();
    await desk.reconcile('nightly');
    desk.make('young', {}, { creationTimestamp: '2026-01-15T12:00:01Z' });
    await desk.connect();
    await desk.reconcile('young');
    expect(desk.ended('young')).toBe('Complete=True Failed=False Completed');
  });
});

describe('an approval', () => {
  test('is used up where the run then ends by something else: it is not run for ever', async () => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.resolve(stoppedOutcome);
    desk.make('nightly');
    await desk.reconcile('nightly');
    desk.annotate('nightly', approval);
    const verdict = { reason: 'InvalidFilter', message: 'there is no attribute of that name' } as const;
    desk.engine = () => Promise.resolve({ kind: 'refused', verdict });
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(2);
    expect(desk.ended('nightly')).toBe('Complete=False Failed=True InvalidFilter');
    expect(isApproved(desk.run('nightly'))).toBe(false);
    await desk.reconcile('nightly');
    expect(desk.attempts).toHaveLength(2);
  });

  test.each([
    ['another value', { [annotations.approveDeletions]: 'token-2' }, false],
    ['no value', {}, false],
    ['exactly the token', approval, true],
  ])('counts with %s: %s', async (_, annotated, expected) => {
    const desk = await new Desk().start();
    desk.engine = () => Promise.resolve(stoppedOutcome);
    desk.make('nightly');
    await desk.reconcile('nightly');
    desk.annotate('nightly', annotated);
    expect(isApproved(desk.run('nightly'))).toBe(expected);
  });
});
