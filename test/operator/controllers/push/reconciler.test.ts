import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Answer } from '../../../../src/push/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { connection } from '../material.ts';
import { Desk, keyOne, keyTwo, reconcileAt, type Delivery } from './desk.ts';

const answered = (status: number, retryAfter?: string): Answer => ({ kind: 'answered', status, retryAfter });

/** A run that is complete, with these users. */
async function deskWith(...users: readonly string[]): Promise<Desk> {
  const desk = await new Desk().start();
  desk.finds = () => users;
  desk.make('nightly');
  await desk.run('nightly');
  return desk;
}

const isSigned = (delivery: Delivery, key: string, at: number): boolean =>
  delivery.signatures.includes(
    `v1,${createHmac('sha256', Buffer.from(key.slice(6), 'base64'))
      .update(`${delivery.id}.${Math.floor(at / 1_000)}.${delivery.body}`)
      .digest('base64')}`,
  );

describe('what is sent', () => {
  test('the changes of a complete run, signed, with an id that tells them from all others', async () => {
    const desk = await deskWith('jo', 'mo');
    expect(desk.taken).toEqual([]);
    expect(await desk.push()).toEqual({});
    const { uid } = desk.client.store.get('awsreconciliations', {
      namespace: 'ns',
      name: 'nightly',
    }).metadata;
    expect(desk.taken.map(({ id }) => id)).toEqual([`${uid}-0`]);
    const delivery = desk.delivery(0);
    expect(isSigned(delivery, keyOne, desk.clock.now())).toBe(true);
    expect(JSON.parse(delivery.body)).toEqual({
      type: 'reconciliation.changes',
      timestamp: '2026-01-15T12:00:00.000Z',
      data: {
        connection: 'ns/main',
        run: 'ns/nightly',
        runId: uid,
        account: '111122223333',
        mode: 'Full',
        filter: null,
        startedAt: '2026-01-15T12:00:00.000Z',
        first: 0,
        total: 2,
        changes: [
          { notificationId: `${uid}-0`, resource: 'Account', change: 'Created', id: 'AIDAjo', name: 'jo' },
          { notificationId: `${uid}-1`, resource: 'Account', change: 'Created', id: 'AIDAmo', name: 'mo' },
        ],
      },
    });
    expect(await desk.push()).toEqual({});
    expect(desk.sent).toBe(1);
    expect(desk.condition()).toMatchObject({ status: 'True', reason: 'Delivered' });
  });

  test('a run with a filter says so', async () => {
    const desk = await new Desk().start();
    desk.finds = () => ['jo'];
    desk.make('sales', { filter: 'department eq "Sales"' });
    await desk.run('sales');
    await desk.push();
    expect(JSON.parse(desk.delivery(0).body)).toMatchObject({ data: { filter: 'department eq "Sales"' } });
  });

  test.each([
    ['a dry run', { dryRun: true }, ['jo']],
    ['a run without changes', {}, []],
  ])('%s: nothing, and nothing is kept', async (_what, spec, users) => {
    const desk = await new Desk().start();
    desk.finds = () => users;
    desk.make('nightly', spec);
    await desk.settle();
    expect(desk.hasEnded('nightly')).toBe(true);
    expect(desk.sent).toBe(0);
    expect(desk.kept()).toBe(0);
  });

  test('nothing where it is switched off; of a run that was committed then and ends later, everything', async () => {
    const desk = await new Desk().start();
    desk.pushes = false;
    desk.restart();
    desk.finds = () => ['jo'];
    desk.make('before');
    await desk.settle();
    const run = desk.make('between');
    desk.beforeCommit = () => {
      desk.client.fail = (call) => {
        if (call.endsWith('awsreconciliations')) {
          throw new Error('killed');
        }
      };
    };
    await expect(desk.run('between')).rejects.toThrow('killed');
    expect(await desk.isCommitted(run)).toBe(true);
    expect(desk.hasEnded('between')).toBe(false);
    expect(desk.kept()).toBe(0);
    desk.pushes = true;
    // Killed anywhere on the way of being kept after all.
    for (let calls = 0; !desk.hasEnded('between'); calls += 1) {
      desk.restart();
      desk.client.dieAfter(calls);
      await desk.run('between').catch(() => undefined);
    }
    desk.restart();
    await desk.settle();
    expect(desk.taken.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([
      { data: { run: 'ns/between', changes: [{ name: 'jo' }] } },
    ]);
  });

  test('what was taken before the run had ended is not sent again when that is done once more', async () => {
    const desk = await new Desk().start();
    desk.finds = () => ['jo'];
    desk.make('nightly');
    desk.beforeCommit = () => {
      desk.client.fail = async (call) => {
        if (call === 'APPLYSTATUS awsreconciliations') {
          desk.client.fail = () => undefined;
          await desk.push();
          throw new Error('killed');
        }
      };
    };
    await expect(desk.run('nightly')).rejects.toThrow('killed');
    expect(desk.names()).toEqual(['jo']);
    desk.restart();
    await desk.settle();
    expect(desk.hasEnded('nightly')).toBe(true);
    expect(desk.sent).toBe(1);
    expect(desk.kept()).toBe(1);
  });

  test('a run may be deleted as soon as it has ended, its report with it', async () => {
    const desk = await deskWith('jo');
    desk.delete('nightly');
    await desk.settle();
    expect(desk.names()).toEqual(['jo']);
    expect(desk.kept()).toBe(1);
  });

  test('runs of two scopes are sent in the order in which they were complete', async () => {
    const desk = await new Desk().start();
    desk.finds = ({ metadata }) => [metadata.name];
    desk.make('wide', {}, '2026-01-15T11:00:00Z');
    desk.make('narrow', { filter: 'x pr' }, '2026-01-15T11:00:01Z');
    // One is kept first and complete last.
    desk.beforeCommit = async ({ metadata }) => {
      if (metadata.name === 'wide') {
        await desk.run('narrow');
      }
    };
    await desk.run('wide');
    await desk.settle();
    expect(desk.names()).toEqual(['narrow', 'wide']);
  });
});

describe('a receiver that does not take', () => {
  test('is tried again with back-off, and nothing of what comes later goes before', async () => {
    const desk = await deskWith('jo');
    desk.answer = () => answered(500);
    const waits: (number | undefined)[] = [];
    for (let tries = 0; tries < 4; tries += 1) {
      const { requeueAfterMs = 0 } = await desk.push();
      waits.push(requeueAfterMs);
      desk.clock.ms += requeueAfterMs;
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
    desk.finds = () => ['mo'];
    desk.make('later');
    await desk.run('later');
    desk.answer = () => answered(200);
    await desk.settle();
    expect(desk.names()).toEqual(['jo', 'mo']);
  });

  test('a wake before the time is up sends nothing', async () => {
    const desk = await deskWith('jo');
    desk.answer = () => answered(503, '120');
    expect(await desk.push()).toEqual({ requeueAfterMs: 120_000 });
    desk.clock.ms += 50_000;
    expect(await desk.push()).toEqual({ requeueAfterMs: 70_000 });
    expect(desk.sent).toBe(1);
    desk.clock.ms += 70_000;
    desk.answer = () => answered(200);
    expect(await desk.push()).toEqual({});
    expect(desk.names()).toEqual(['jo']);
  });

  test('a person who asks ends the wait', async () => {
    const desk = await deskWith('jo');
    desk.answer = () => answered(503, '3000');
    await desk.push();
    desk.answer = () => answered(200);
    desk.annotate({ [reconcileAt]: 'now' });
    expect(await desk.push()).toEqual({});
    expect(desk.names()).toEqual(['jo']);
  });

  test('once is nobody’s business, three times are said once, and that it goes on', async () => {
    const desk = await deskWith('jo');
    desk.answer = () => ({ kind: 'unanswered', why: 'connect ECONNREFUSED 127.0.0.1:9' });
    for (let tries = 0; tries < 5; tries += 1) {
      desk.clock.ms += (await desk.push()).requeueAfterMs ?? 0;
      expect(desk.eventReasons()).toEqual(tries < 2 ? [] : ['ReceiverUnavailable']);
    }
    expect(desk.condition()).toEqual({
      status: 'False',
      reason: 'ReceiverUnavailable',
      message:
        'since 2026-01-15T12:00:03Z the receiver of --push-url does not take changes (connect ECONNREFUSED 127.0.0.1:9). ' +
        'They are kept, and tried again',
    });
    desk.answer = () => answered(200);
    await desk.push();
    expect(desk.eventReasons()).toEqual(['ReceiverUnavailable', 'Delivered']);
    expect(desk.condition()).toMatchObject({ status: 'True' });
  });

  test.each([
    [400, 'ReceiverRefuses', /refuses changes \(HTTP 400\)/],
    [401, 'ReceiverRefuses', /HTTP 401/],
    [302, 'ReceiverRefuses', /HTTP 302: it sends elsewhere, and is not followed/],
  ])('HTTP %i is said at once, and tried again', async (status, reason, message) => {
    const desk = await deskWith('jo');
    desk.answer = () => answered(status);
    expect(await desk.push()).toEqual({ requeueAfterMs: 1_000 });
    expect(desk.condition()).toMatchObject({
      status: 'False',
      reason,
      message: expect.stringMatching(message),
    });
    expect(desk.eventReasons()).toEqual([reason]);
    expect(desk.told).toEqual(['main']);
  });

  test('what was taken before a failure is not sent again', async () => {
    const users = Array.from({ length: 250 }, (_, index) => `u${index}`);
    const desk = await deskWith(...users);
    desk.answer = ({ id }) => answered(id.endsWith('-100') ? 500 : 200);
    await desk.push();
    expect(desk.taken).toHaveLength(1);
    desk.restart();
    desk.answer = () => answered(200);
    await desk.push();
    expect(desk.taken.map(({ id }) => id.replace(/^.*-/, ''))).toEqual(['0', '100', '200']);
    expect(desk.names()).toEqual(users);
  });

  test('a success on the way begins the back-off anew', async () => {
    const desk = await deskWith(...Array.from({ length: 250 }, (_, index) => `u${index}`));
    desk.answer = () => answered(500);
    desk.clock.ms += (await desk.push()).requeueAfterMs ?? 0;
    desk.clock.ms += (await desk.push()).requeueAfterMs ?? 0;
    desk.answer = ({ id }) => answered(id.endsWith('-0') ? 200 : 500);
    expect(await desk.push()).toEqual({ requeueAfterMs: 1_000 });
  });
});

describe('a receiver that wants no more (410)', () => {
  async function gone(): Promise<Desk> {
    const desk = await deskWith('jo');
    desk.answer = () => answered(410, '5');
    expect(await desk.push()).toEqual({});
    return desk;
  }

  test('gets nothing more, also from the next process, and that is said', async () => {
    const desk = await gone();
    desk.restart();
    desk.finds = () => ['mo'];
    desk.make('later');
    await desk.settle();
    expect(desk.sent).toBe(1);
    expect(desk.condition()).toMatchObject({ status: 'False', reason: 'ReceiverGone' });
    expect(desk.eventReasons()).toEqual(['ReceiverGone', 'ReceiverGone']);
  });

  test.each<[string, (desk: Desk) => void]>([
    [
      'another address',
      (desk) => {
        desk.address = 'a-2';
        desk.restart();
      },
    ],
    ['a person who asks', (desk) => desk.annotate({ [reconcileAt]: 'again' })],
  ])('%s: it goes on, and nothing is lost', async (_what, change) => {
    const desk = await gone();
    desk.finds = () => ['mo'];
    desk.make('later');
    await desk.run('later');
    desk.answer = () => answered(200);
    change(desk);
    await desk.settle();
    expect(desk.names()).toEqual(['jo', 'mo']);
    expect(desk.condition()).toMatchObject({ status: 'True' });
  });
});

describe('keys', () => {
  test('two sign while they rotate, and a new one within 30 s', async () => {
    const desk = await deskWith('jo');
    await desk.push();
    desk.keys({ 'key.2': keyTwo });
    desk.finds = () => ['mo'];
    desk.make('later');
    await desk.run('later');
    desk.clock.ms += 30_000;
    await desk.push();
    const delivery = desk.delivery(1);
    expect(delivery.signatures).toHaveLength(2);
    expect([keyOne, keyTwo].map((key) => isSigned(delivery, key, desk.clock.now()))).toEqual([true, true]);
    desk.keys({ 'key.1': null });
    desk.make('last');
    await desk.run('last');
    desk.clock.ms += 30_000;
    await desk.push();
    const last = desk.delivery(2);
    expect([keyOne, keyTwo].map((key) => isSigned(last, key, desk.clock.now()))).toEqual([false, true]);
  });

  test('certificates to trust come with them', async () => {
    const desk = await deskWith('jo');
    desk.keys({ 'ca.crt': '-----BEGIN CERTIFICATE-----' });
    await desk.push();
    expect(desk.delivery(0).trust).toBe('-----BEGIN CERTIFICATE-----');
  });

  test.each<[string, (desk: Desk) => void, RegExp]>([
    [
      'no Secret',
      (desk) => desk.client.store.remove('secrets', { namespace: 'idhub-system', name: 'push-keys' }),
      /nothing is sent: there is no Secret idhub-system\/push-keys \(--push-secret\)/,
    ],
    [
      'no usable key',
      (desk) => desk.keys({ 'key.1': 'swordfish' }),
      /has no usable entry key\.<name>: key\.1 is not whsec_ and base64 of 24 to 64 bytes/,
    ],
    ['no entry at all', (desk) => desk.keys({ 'key.1': null }), /has no usable entry key\.<name>$/],
  ])('%s: nothing is sent, that is said, and it goes on by itself', async (_what, change, message) => {
    const desk = await deskWith('jo');
    change(desk);
    expect(await desk.push()).toEqual({ requeueAfterMs: 30_000 });
    expect(desk.sent).toBe(0);
    expect(desk.condition()).toMatchObject({
      reason: 'SigningKeysMissing',
      message: expect.stringMatching(message),
    });
    if (desk.client.store.list('secrets').some(({ metadata }) => metadata.name === 'push-keys')) {
      desk.keys({ 'key.1': keyTwo });
      desk.clock.ms += 30_000;
      await desk.settle();
      expect(desk.names()).toEqual(['jo']);
    }
  });

  test('no key is in a log, an event or a condition, and each is kept out of logs from then on', async () => {
    const desk = await deskWith('jo');
    desk.keys({ 'key.2': keyTwo, 'key.3': 'swordfish' });
    desk.answer = () => answered(401);
    await desk.push();
    const said = JSON.stringify([desk.logs, desk.events, desk.condition()]);
    for (const secret of [keyOne.slice(6), keyTwo.slice(6), 'swordfish']) {
      expect(said).not.toContain(secret);
    }
    expect(desk.protected).toEqual(expect.arrayContaining([keyOne, keyTwo, 'swordfish']));
  });
});

describe('what holds it', () => {
  test('a connection that is paused', async () => {
    const desk = await deskWith('jo');
    desk.annotate({ [annotations.paused]: 'true' });
    expect(await desk.push()).toEqual({});
    expect(desk.sent).toBe(0);
    desk.annotate({ [annotations.paused]: null });
    await desk.settle();
    expect(desk.names()).toEqual(['jo']);
  });

  test('a process that does not lead sends nothing', async () => {
    const desk = await deskWith('jo');
    desk.leads = false;
    await desk.push();
    expect(desk.sent).toBe(0);
  });

  test('a connection that is gone', async () => {
    const desk = await deskWith('jo');
    desk.client.store.remove('awsconnections', { namespace: 'ns', name: 'main' });
    expect(await desk.push()).toEqual({});
    expect(desk.sent).toBe(0);
  });
});

describe('away for long', () => {
  test('the oldest runs are dropped, and the receiver is told of it first', async () => {
    const desk = await new Desk().start();
    desk.bounds = { runs: 2, changes: 1_000 };
    desk.restart();
    desk.finds = ({ metadata }) => [`${metadata.name}-a`, `${metadata.name}-b`];
    desk.answer = () => answered(503);
    for (const name of ['one', 'two', 'three', 'four']) {
      desk.make(name);
      await desk.run(name);
      await desk.push();
    }
    expect(desk.eventReasons()).toEqual(['ChangesDropped', 'ChangesDropped']);
    expect(desk.states.all()).toMatchObject([{ changes: 4, runs: 2, dropped: 4 }]);
    desk.answer = () => answered(200);
    desk.clock.ms += 3_600_000;
    await desk.settle();
    expect(desk.names()).toEqual(['reconciliation.gap 4', 'three-a', 'three-b', 'four-a', 'four-b']);
    expect(JSON.parse(desk.delivery(0).body)).toMatchObject({
      data: { connection: 'ns/main', runs: 2, changes: 4 },
    });
    expect(desk.kept()).toBe(1);
  });

  test.each([503, 410])('what was dropped is not kept, while it is answered %d', async (status) => {
    const desk = await new Desk().start();
    desk.bounds = { runs: 2, changes: 1_000 };
    desk.restart();
    desk.finds = ({ metadata }) => [`${metadata.name}-a`];
    desk.answer = () => answered(status);
    const kept: number[] = [];
    const bytes: number[] = [];
    for (let at = 10; at < 30; at += 1) {
      desk.make(`run-${at}`);
      await desk.run(`run-${at}`);
      await desk.push();
      kept.push(desk.kept());
      bytes.push(desk.listBytes());
    }
    // Two that wait, of two Secrets each, and the list.
    expect(Math.max(...kept)).toBe(5);
    expect(Math.max(...bytes.slice(3))).toBeLessThan((bytes[2] ?? 0) * 1.3);
    expect(desk.states.all()).toMatchObject([{ runs: 2, dropped: 18 }]);
  });

  test('50 notifications are a share, then others have their turn', async () => {
    const users = Array.from({ length: 6_000 }, (_, index) => `u${index}`);
    const desk = await deskWith(...users);
    expect(await desk.push()).toEqual({ requeueAfterMs: 0 });
    expect(desk.sent).toBe(50);
    await desk.settle();
    expect(desk.sent).toBe(60);
    expect(desk.names()).toEqual(users);
  });
});

test('a backup brings back what waits, for a connection that is another object by now: it is sent, and belongs to it', async () => {
  const desk = await deskWith('jo');
  desk.delete('nightly');
  desk.client.store.remove('awsconnections', { namespace: 'ns', name: 'main' });
  desk.client.store.create('awsconnections', connection());
  desk.restart();
  desk.answer = () => answered(503);
  await desk.push();
  const { uid } = desk.connection().metadata;
  const owners = desk.client.store
    .list('secrets')
    .filter(({ metadata }) => metadata.labels?.['aws.idhub.io/content'] === 'push')
    .map(({ metadata }) => metadata.ownerReferences?.map((owner) => owner.uid));
  expect(owners).toEqual([[uid], [uid], [uid]]);
  desk.answer = () => answered(200);
  desk.clock.ms += 1_000;
  await desk.settle();
  expect(desk.names()).toEqual(['jo']);
});

describe('what was kept and is not as it was written', () => {
  const isItem = (name: string, desk: Desk): boolean =>
    desk.client.store
      .list('secrets')
      .some(
        ({ metadata }) =>
          metadata.name === name && metadata.annotations?.[annotations.secretOwner]?.split(' ').length === 3,
      );

  function secretsOf(desk: Desk): string[] {
    return desk.client.store
      .list('secrets')
      .filter(({ metadata }) => metadata.labels?.['aws.idhub.io/content'] === 'push')
      .map(({ metadata }) => metadata.name);
  }

  test.each([0, 1])(
    'changes that somebody has deleted (%i): the receiver is told that they are missing',
    async (which) => {
      const desk = await deskWith('jo');
      desk.finds = () => ['mo'];
      desk.make('later');
      await desk.run('later');
      const items = secretsOf(desk).filter((name) => isItem(name, desk));
      desk.client.store.remove('secrets', { namespace: 'ns', name: items[which] ?? '' });
      await desk.settle();
      expect(desk.names()).toEqual(['reconciliation.gap 1', 'mo']);
      expect(desk.eventReasons()).toContain('ChangesDropped');
    },
  );

  test('the list: nothing is sent, no run ends, that is said; deleted, it goes on', async () => {
    const desk = await deskWith('jo');
    const list = secretsOf(desk).find((name) => !isItem(name, desk)) ?? '';
    const { uid } = desk.client.store.get('secrets', { namespace: 'ns', name: list }).metadata;
    desk.client.store.patch(
      'secrets',
      { namespace: 'ns', name: list },
      { metadata: { uid }, data: { content: Buffer.from('{}').toString('base64') } },
    );
    desk.restart();
    expect(await desk.push()).toEqual({ requeueAfterMs: 30_000 });
    expect(desk.condition()).toMatchObject({ reason: 'QueueSpoilt', message: expect.stringContaining(list) });
    desk.make('later');
    expect(await desk.run('later')).toEqual({ requeueAfterMs: 60_000 });
    const { status } = desk.client.store.get('awsreconciliations', { namespace: 'ns', name: 'later' }) as {
      status?: { conditions?: readonly { type: string; reason: string; message: string }[] };
    } & ReturnType<typeof desk.client.store.get>;
    expect(status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      reason: 'NotQueued',
      message: expect.stringContaining(list),
    });
    expect(desk.sent).toBe(0);
    desk.client.store.remove('secrets', { namespace: 'ns', name: list });
    desk.clock.ms += 60_000;
    await desk.settle();
    expect(desk.hasEnded('later')).toBe(true);
    expect(desk.names()).toEqual(['jo']);
  });
});
