import { expect, test } from '@jest/globals';
import { DirectoryUnavailableError } from '../../../src/idhub/index.ts';
import { annotations } from '../../../operator/controllers/names.ts';
import { connection } from '../controllers/material.ts';
import { denied, Desk, intervalMs, key, maxAgeMs, minuteMs, outcome, person } from './desk.ts';

const signal = new AbortController().signal;
const jo = person('AIDAJO', 'jo');
const ann = person('AIDAANN', 'ann');

interface Row {
  readonly name: string;
  /** What is not as it should be. */
  readonly spoil: (desk: Desk) => void | Promise<void>;
  readonly read?: boolean;
  readonly synced?: boolean;
  /** What lists are refused with. */
  readonly list: RegExp | 'given';
  /** What looking up one account is refused with. */
  readonly latest: RegExp | 'given';
}

const stopped = JSON.stringify([
  { scope: 'default', resources: ['Account'], run: 'ns/nightly', since: 0, deletions: 40 },
]);

const rows: readonly Row[] = [
  { name: 'all is well', spoil: () => undefined, list: 'given', latest: 'given' },
  {
    name: 'the objects of the cluster are not known yet',
    spoil: () => undefined,
    synced: false,
    list: /has just started/,
    latest: /has just started/,
  },
  {
    name: 'another replica leads',
    spoil: (desk) => void (desk.leading = false),
    list: /does not lead/,
    latest: /does not lead/,
  },
  {
    name: 'the connection was not looked at yet',
    spoil: (desk) => desk.registry.drop(key),
    list: /was not looked at yet/,
    latest: /was not looked at yet/,
  },
  {
    name: 'the connection is gone',
    spoil: (desk) => desk.connections.drop({ ...connection(), metadata: { ...connection().metadata } }),
    list: /There is no AwsConnection "ns\/main"/,
    latest: /There is no AwsConnection/,
  },
  {
    name: 'its credentials are refused',
    spoil: (desk) => void (desk.state.verdict = { reason: 'InvalidCredentials', message: 'no such key' }),
    list: /is not ready \(InvalidCredentials\): no such key\./,
    latest: /is not ready \(InvalidCredentials\)/,
  },
  {
    name: 'it is not verified yet',
    spoil: (desk) => void (desk.state.terms = undefined),
    list: /is being verified/,
    latest: /is being verified/,
  },
  {
    name: 'there is no complete reading yet',
    spoil: () => undefined,
    read: false,
    list: /read for the first time/,
    latest: /read for the first time/,
  },
  {
    name: 'the last reading is not complete',
    spoil: (desk) => void (desk.state.readingFailed = { reason: 'Throttled', message: 'page 3 is missing' }),
    list: /is not complete \(Throttled: page 3 is missing\)/,
    latest: 'given',
  },
  {
    name: 'the last reading is as old as it may be',
    spoil: (desk) => desk.clock.advance(maxAgeMs),
    list: 'given',
    latest: 'given',
  },
  {
    name: 'the last reading is too old',
    spoil: (desk) => desk.clock.advance(maxAgeMs + 1),
    list: /began at 2026-01-01T00:00:00.000Z, longer ago than --list-max-age/,
    latest: 'given',
  },
  {
    name: 'a run was stopped by the guard',
    spoil: (desk) => desk.put(connection({ metadata: { annotations: { [annotations.breaker]: stopped } } })),
    list: /the breaker of AwsConnection "ns\/main" is open: AwsReconciliation "ns\/nightly" found 40 missing/,
    latest: 'given',
  },
  {
    name: 'the reading lacks more users than may be deleted, says the status',
    spoil: (desk) =>
      desk.put(connection({ status: { breaker: { since: '2026-01-01T00:00:00Z', missing: 40 } } })),
    list: /is open: 40 users are missing/,
    latest: 'given',
  },
  {
    name: 'the reading lacks more users than may be deleted, and nobody had looked',
    spoil: (desk) => void (desk.missing = () => Promise.resolve({ users: 40, allowed: 10 })),
    list: /lacks 40 users that were there, and 10 may be deleted at once/,
    latest: 'given',
  },
  {
    name: 'the reading cannot be compared',
    spoil: (desk) => void (desk.missing = () => Promise.reject(new Error('etcd is away'))),
    list: /could not be compared with what was last reconciled/,
    latest: 'given',
  },
  {
    name: 'AWS lists somebody whom the reading lacks',
    spoil: (desk) => void (desk.listed = [jo, ann, person('AIDAMAX', 'max')]),
    list: /AWS lists the user "max", and the last reading of AwsConnection "ns\/main" does not have it/,
    latest: 'given',
  },
  {
    name: 'AWS lists somebody who came after the reading',
    spoil: (desk) =>
      void (desk.listed = [jo, ann, person('AIDAMAX', 'max', { createdAt: desk.clock.now() })]),
    list: 'given',
    latest: 'given',
  },
  {
    name: 'nobody may list users',
    spoil: (desk) => void (desk.fault = denied('ListUsers')),
    list: /The users of AwsConnection "ns\/main" could not be read: ListUsers: AccessDenied: not authorized/,
    latest: 'given',
  },
  {
    name: 'the credential report is not to be had: that is unknown, and no error',
    spoil: async (desk) => {
      desk.unread = new Map([['credentials', 'not allowed']]);
      await desk.read();
    },
    list: 'given',
    latest: 'given',
  },
];

test.each(rows)('$name', async ({ spoil, read = true, synced = true, list, latest }) => {
  const desk = await Desk.open([jo, ann], { read, synced });
  await spoil(desk);
  const listed = await outcome(desk.views.list(key, signal).then((view) => view.size));
  if (list === 'given') {
    expect(listed).toBe(2);
  } else {
    expect(listed).toMatch(list);
  }
  const found = await outcome(
    Promise.resolve().then(() => desk.views.latest(key).accountByName('JO')?.userId),
  );
  if (latest === 'given') {
    expect(found).toBe('AIDAJO');
  } else {
    expect(found).toMatch(latest);
  }
});

test('a refusal says when to ask again', async () => {
  const desk = await Desk.open([jo]);
  desk.state.verdict = { reason: 'Paused', message: 'the annotation is true' };
  const error = await desk.views.list(key, signal).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DirectoryUnavailableError);
  expect((error as DirectoryUnavailableError).retryAfterMs).toBe(15_000);
});

test('a reading is compared once, also where a run has made it', async () => {
  const desk = await Desk.open([jo]);
  await Promise.all([desk.views.list(key, signal), desk.views.list(key, signal)]);
  await desk.views.list(key, signal);
  expect(desk.compared).toBe(1);
  desk.users = [jo, ann];
  await desk.snapshots.takeNew(signal);
  expect((await desk.views.list(key, signal)).size).toBe(2);
  expect(desk.compared).toBe(2);
});

test('a short reading is not given out while it is being compared', async () => {
  const desk = await Desk.open([jo, ann]);
  await desk.views.list(key, signal);
  const { promise, resolve } = Promise.withResolvers<{ users: number; allowed: number } | undefined>();
  desk.missing = () => promise;
  desk.users = [];
  await desk.read();
  const asked = outcome(desk.views.list(key, signal));
  await desk.clock.advance(0);
  resolve({ users: 2, allowed: 1 });
  expect(await asked).toMatch(/lacks 2 users/);
});

test('somebody who is missing within the limit is looked for in a listing, once a reading', async () => {
  const desk = await Desk.open([jo, ann]);
  expect((await desk.views.list(key, signal)).size).toBe(2);
  expect(desk.count('ListUsers')).toBe(1);
  await desk.clock.advance(intervalMs);
  await desk.read();
  await desk.views.list(key, signal);
  // Nobody is missing: there is nothing to look for.
  expect(desk.count('ListUsers')).toBe(1);
  // Renamed while the account was read, and on none of its pages.
  desk.users = [jo];
  desk.listed = [jo, person('AIDAANN', 'anna')];
  await desk.clock.advance(intervalMs);
  await desk.read();
  expect(await outcome(desk.views.list(key, signal))).toMatch(/AWS lists the user "anna"/);
  expect(await outcome(desk.views.list(key, signal))).toMatch(/AWS lists the user "anna"/);
  expect(desk.count('ListUsers')).toBe(2);
  // A newer reading was asked for, and has her.
  expect(desk.state.snapshotDueAt).toBe(0);
  desk.users = [jo, person('AIDAANN', 'anna')];
  desk.listed = undefined;
  await desk.read();
  expect((await desk.views.list(key, signal)).account('AIDAANN')?.userName).toBe('anna');
  // Deleted in truth.
  desk.users = [jo];
  await desk.clock.advance(intervalMs);
  await desk.read();
  expect((await desk.views.list(key, signal)).size).toBe(1);
  expect(desk.count('ListUsers')).toBe(3);
  expect(desk.calls.every(({ priority }) => priority === 'background')).toBe(true);
});

test('somebody whom a live look has lost is absent only once AWS does not list it', async () => {
  const desk = await Desk.open([jo, ann]);
  await desk.views.list(key, signal);
  await desk.clock.advance(minuteMs);
  desk.snapshots.lose('AIDAANN');
  expect(await outcome(desk.views.list(key, signal))).toMatch(/AWS lists the user "ann"/);
  const gone = await Desk.open([jo, ann]);
  await gone.views.list(key, signal);
  await gone.clock.advance(minuteMs);
  gone.snapshots.lose('AIDAANN');
  gone.listed = [jo];
  expect((await gone.views.list(key, signal)).size).toBe(1);
  expect((await gone.views.list(key, signal)).size).toBe(1);
  expect(gone.count('ListUsers')).toBe(2);
});

test('whom we deleted is absent at once, although AWS still lists it', async () => {
  const desk = await Desk.open([jo, ann]);
  await desk.views.list(key, signal);
  desk.snapshots.forget('AIDAANN');
  desk.listed = [jo, ann];
  expect((await desk.views.list(key, signal)).size).toBe(1);
  await desk.read();
  expect((await desk.views.list(key, signal)).size).toBe(1);
});

test('who leaves while all wait for a comparison does not keep the others from it', async () => {
  const desk = await Desk.open([jo]);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  desk.missing = () => promise;
  const leaver = new AbortController();
  const left = desk.views.list(key, leaver.signal);
  const stays = desk.views.list(key, signal);
  await desk.clock.advance(0);
  leaver.abort(new Error('the caller has gone'));
  await expect(left).rejects.toThrow('the caller has gone');
  resolve(undefined);
  expect((await stays).size).toBe(1);
});
