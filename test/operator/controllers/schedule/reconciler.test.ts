import { beforeEach, describe, expect, test } from '@jest/globals';
import { writeStopped } from '../../../../operator/controllers/breaker.ts';
import { scheduleCondition } from '../../../../operator/controllers/connection/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { isOf, scheduleStanding } from '../../../../operator/controllers/schedule/index.ts';
import type { KubeObject } from '../../../../operator/runtime/index.ts';
import { dayMs, Desk, type Schedule } from './desk.ts';

let desk: Desk;
const nightly = { schedule: '0 2 * * *' } as const satisfies Schedule;

beforeEach(async () => {
  desk = await new Desk().start({ ...nightly });
  await desk.reconcile();
  expect(desk.runs()).toEqual([]);
  desk.clock.ms += dayMs;
});

describe('a run that is made', () => {
  test('is of the connection, has what the connection declares, and its name is of its time', async () => {
    desk.change({
      spec: { reconciliation: { mode: 'Incremental', resources: ['Account'], filter: 'userName sw "a"' } },
    });
    await desk.reconcile();
    const [run] = desk.runs();
    expect(run).toMatchObject({
      kind: 'AwsReconciliation',
      metadata: {
        namespace: 'ns',
        labels: { 'aws.idhub.io/connection': 'main' },
        annotations: { [annotations.scheduledAt]: '2026-01-16T02:00:00Z' },
        ownerReferences: [
          { kind: 'AwsConnection', name: 'main', uid: desk.connection.metadata.uid, controller: true },
        ],
      },
      spec: {
        connectionRef: { name: 'main' },
        mode: 'Incremental',
        resources: ['Account'],
        filter: 'userName sw "a"',
      },
    });
    expect(run?.metadata.name).toBe(`main-${(Date.UTC(2026, 0, 16, 2) / 1_000).toString(36)}`);
    expect(desk.reasons()).toEqual(['RunMade']);
    expect(desk.counted).toEqual(['made']);
  });

  test('is made once, and the controller is called again in a minute at most', async () => {
    await desk.reconcile();
    const again = await desk.reconcile();
    expect(again).toMatchObject({ requeueAfterMs: 60_000 });
    expect(desk.times()).toEqual(['01-16T02']);
    desk.clock.ms = Date.UTC(2026, 0, 17, 1, 59, 59, 500);
    expect(await desk.reconcile()).toMatchObject({ requeueAfterMs: 500 });
  });

  test('belongs to a connection that had the name before: it is not taken for ours, and that is said', async () => {
    await desk.reconcile();
    const [run] = desk.runs();
    const { name = '' } = run?.metadata ?? {};
    desk.client.store.remove('awsreconciliations', { namespace: 'ns', name });
    const owner = { apiVersion: 'v1', kind: 'AwsConnection', name: 'main', uid: 'another', controller: true };
    desk.client.store.create('awsreconciliations', {
      ...run,
      metadata: { ...run?.metadata, ownerReferences: [owner] },
    } as KubeObject);
    desk.annotate({
      [annotations.lastSchedule]: (desk.connection.metadata.annotations?.[annotations.lastSchedule] ?? '')
        .replace(/"since":"[^"]*"/, '"since":"2026-01-15T12:00:00.000Z"')
        .replace(/,"last":"[^"]*"/, ''),
    });
    await desk.reconcile();
    expect(desk.reasons()).toEqual(['RunMade', 'RunMissed']);
    await desk.reconcile();
    expect(desk.reasons()).toHaveLength(2);
  });
});

describe('killed after any write', () => {
  test.each(['Forbid', 'Allow', 'Replace'] as const)('%s: each time has its run, and one', async (policy) => {
    desk.change({ spec: { reconciliation: { concurrencyPolicy: policy } } });
    for (let left of [0, 1, 2, 3]) {
      desk.client.fail = (call) => {
        if (!call.startsWith('GET') && (left -= 1) < 0) {
          throw new Error('killed');
        }
      };
      await desk.reconcile().catch((error: unknown) => expect(error).toEqual(new Error('killed')));
      desk.client.fail = () => undefined;
      desk.restart();
      await desk.reconcile();
      // Somebody deletes it, or its time to live is over.
      desk
        .runs()
        .forEach(({ metadata: { name } }) =>
          desk.client.store.remove('awsreconciliations', { namespace: 'ns', name }),
        );
      await desk.reconcile();
      desk.clock.ms += dayMs;
    }
    expect(desk.counted).not.toContain('held');
    const made = desk.client.store.history
      .filter(({ type, plural }) => type === 'ADDED' && plural === 'awsreconciliations')
      .map(({ object }) => object.metadata.annotations?.[annotations.scheduledAt]?.slice(5, 13));
    expect(made).toEqual(['01-16T02', '01-17T02', '01-18T02', '01-19T02']);
    expect(desk.runs()).toEqual([]);
  });
});

test('killed before the note, and history keeps nothing: the run that has ended is not made again', async () => {
  desk.change({ spec: { reconciliation: { historyLimit: 0 } } });
  const before = desk.connection.metadata.annotations?.[annotations.lastSchedule] ?? '';
  await desk.reconcile();
  desk.endAll();
  desk.annotate({ [annotations.lastSchedule]: before });
  desk.restart();
  for (const suspend of [true, null, null]) {
    desk.change({ spec: { reconciliation: { suspend } } });
    await desk.reconcile();
  }
  expect(desk.counted).toEqual(['made']);
  expect(desk.runs()).toEqual([]);
});

describe('while a run is under way', () => {
  beforeEach(async () => {
    await desk.reconcile();
    desk.clock.ms += dayMs;
    desk.events.length = 0;
    desk.counted.length = 0;
  });

  test('Forbid: it is said once that the next waits; when the run has ended, it is made', async () => {
    await desk.reconcile();
    desk.clock.ms += 60_000;
    await desk.reconcile();
    expect(desk.counted).toEqual(['held']);
    expect(desk.reasons()).toEqual(['RunHeld']);
    expect(desk.times()).toEqual(['01-16T02']);
    desk.endAll();
    await desk.reconcile();
    expect(desk.times()).toEqual(['01-16T02', '01-17T02']);
    expect(desk.counted).toEqual(['held', 'made']);
  });

  test('a run that was made by hand holds up nothing', async () => {
    desk.endAll();
    desk.client.store.create('awsreconciliations', {
      kind: 'AwsReconciliation',
      metadata: { name: 'by-hand', namespace: 'ns' },
      spec: { connectionRef: { name: 'main' } },
    } as unknown as KubeObject);
    await desk.reconcile();
    expect(desk.times()).toEqual(['01-16T02', '01-17T02', 'by-hand']);
  });

  test('Replace: it goes before the next is made', async () => {
    desk.change({ spec: { reconciliation: { concurrencyPolicy: 'Replace' } } });
    await desk.reconcile();
    expect(desk.times()).toEqual(['01-17T02']);
    expect(desk.counted).toEqual(['replaced', 'made']);
    expect(desk.reasons()).toEqual(['RunReplaced', 'RunMade']);
  });

  test('Allow: beside it, and the status names both', async () => {
    desk.change({ spec: { reconciliation: { concurrencyPolicy: 'Allow' } } });
    await desk.reconcile();
    expect(desk.times()).toEqual(['01-16T02', '01-17T02']);
    const standing = scheduleStanding({
      connection: desk.connection,
      terms: undefined,
      runs: desk.runs().filter((run) => isOf(run, desk.connection)),
      now: desk.clock.ms,
    });
    expect(standing?.runs).toEqual({
      active: desk.runs().map(({ metadata }) => metadata.name),
      lastScheduleTime: '2026-01-17T02:00:00Z',
      nextScheduleTime: '2026-01-18T02:00:00Z',
    });
  });
});

describe('history', () => {
  test('ten of each are kept: failures do not push out what was found', async () => {
    await desk.nights(12);
    expect(desk.times()).toHaveLength(10);
    expect(desk.times()[0]).toBe('01-19T02');
    await desk.nights(12, 'Failed');
    expect(desk.times()).toHaveLength(20);
    expect(desk.times()[9]).toBe('01-28T02');
    expect(desk.times()[10]).toBe('01-31T02');
  });

  test('none that was made by hand goes, none that is under way, and none that waits for approval', async () => {
    await desk.nights(1, 'Failed');
    const stopped = desk.runs()[0]?.metadata.name ?? '';
    desk.client.store.create('awsreconciliations', {
      kind: 'AwsReconciliation',
      metadata: { name: 'by-hand', namespace: 'ns' },
      spec: { connectionRef: { name: 'main' } },
    } as unknown as KubeObject);
    desk.annotate({
      [annotations.breaker]: writeStopped([
        { scope: 'default', resources: ['Account'], run: `ns/${stopped}`, since: 0, deletions: 40 },
      ]),
    });
    desk.change({ spec: { reconciliation: { historyLimit: 0 } } });
    desk.clock.ms += dayMs;
    await desk.reconcile();
    await desk.reconcile();
    expect(desk.times()).toEqual(['01-17T02', '01-18T02', 'by-hand']);
    desk.annotate({ [annotations.breaker]: null });
    desk.endAll();
    await desk.reconcile();
    expect(desk.times()).toEqual(['by-hand']);
  });
});

describe('what makes no runs', () => {
  test.each([
    [{ schedule: '0 2 * *' }, 'InvalidSchedule', 'five fields'],
    [{ timeZone: 'Europe/Bonn' }, 'InvalidTimeZone', 'Europe/Berlin'],
    [{ filter: 'shoeSize eq 44' }, 'InvalidFilter', 'shoeSize'],
  ])('%j: %s, said once', async (wrong, reason, says) => {
    desk.change({ spec: { reconciliation: wrong } });
    await desk.reconcile();
    expect(desk.runs()).toEqual([]);
    expect(desk.told).toBeGreaterThan(0);
    expect(desk.events).toEqual([
      expect.objectContaining({ type: 'Warning', reason, message: expect.stringContaining(says) as unknown }),
    ]);
  });

  test('suspended: none, and the latest is made up for when it goes on, as with a CronJob', async () => {
    desk.change({ spec: { reconciliation: { suspend: true } } });
    await desk.reconcile();
    desk.clock.ms += 3 * dayMs;
    await desk.reconcile();
    expect(desk.runs()).toEqual([]);
    desk.change({ spec: { reconciliation: { suspend: null } } });
    await desk.reconcile();
    expect(desk.times()).toEqual(['01-19T02']);
  });

  test('paused, deleted, or without a schedule', async () => {
    desk.annotate({ [annotations.paused]: 'true' });
    await desk.reconcile();
    desk.annotate({ [annotations.paused]: null });
    desk.change({ spec: { reconciliation: null } });
    await desk.reconcile();
    expect(desk.connection.metadata.annotations).not.toHaveProperty([annotations.lastSchedule]);
    expect(desk.runs()).toEqual([]);
    expect(desk.connection.status?.conditions ?? []).not.toContainEqual(
      expect.objectContaining({ type: scheduleCondition }),
    );
  });
});

test('too late for the deadline: missed, said and counted once', async () => {
  desk.change({ spec: { reconciliation: { startingDeadlineSeconds: 60 } } });
  await desk.reconcile();
  await desk.reconcile();
  expect(desk.counted).toEqual(['missed']);
  expect(desk.reasons()).toEqual(['RunMissed']);
  expect(desk.runs()).toEqual([]);
});
