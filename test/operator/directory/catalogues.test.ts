import { expect, test } from '@jest/globals';
import { DirectoryUnavailableError } from '../../../src/idhub/index.ts';
import { denied, Desk, group, intervalMs, key, maxAgeMs, outcome, person } from './desk.ts';

const signal = new AbortController().signal;
const own = { id: 'ANPAOWN', arn: 'arn:aws:iam::111122223333:policy/team/Own' };
const aws = { id: 'ANPAAWS', arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' };

async function open(): Promise<Desk> {
  const inline = { name: 'notes', fingerprint: 'f', size: 3 };
  const desk = await Desk.open([person('AIDAJO', 'jo', { inlinePolicies: [inline] })], { read: false });
  desk.groups = [group('admins', 'AGPA1')];
  desk.policies = [own, aws];
  await desk.read();
  return desk;
}

test('everything that somebody can be given, by id', async () => {
  const desk = await open();
  const catalogue = await desk.catalogues.list(key, signal);
  expect(catalogue.entitlements().map(({ id, type, entitlementArn }) => [id, type, entitlementArn])).toEqual([
    ['AGPA1', 'Group', 'arn:aws:iam::111122223333:group/admins'],
    ['AIDAJO/notes', 'InlinePolicy', 'arn:aws:iam::111122223333:user/jo/policy/notes'],
    ['ANPAAWS', 'AwsManagedPolicy', aws.arn],
    ['ANPAOWN', 'CustomerManagedPolicy', own.arn],
  ]);
  expect(catalogue.entitlement('ANPAOWN')).toMatchObject({ displayName: 'Own', usedAs: 'None' });
  expect(catalogue.entitlement('ANPA0')).toBeUndefined();
  expect(catalogue.takenAt).toBe(desk.clock.now());
});

test('policies are read once in an interval, at background priority, by all who ask together', async () => {
  const desk = await open();
  await Promise.all([desk.catalogues.list(key, signal), desk.catalogues.list(key, signal)]);
  const first = await desk.catalogues.list(key, signal);
  expect(await desk.catalogues.list(key, signal)).toBe(first);
  // Those of AWS, and those of the account.
  expect(desk.count('ListPolicies')).toBe(2);
  expect(desk.calls.every(({ priority }) => priority === 'background')).toBe(true);
  await desk.clock.advance(intervalMs - 1);
  await desk.catalogues.list(key, signal);
  expect(desk.count('ListPolicies')).toBe(2);
  await desk.clock.advance(1);
  desk.policies = [aws];
  const next = await desk.catalogues.list(key, signal);
  expect(desk.count('ListPolicies')).toBe(4);
  expect(next.entitlement('ANPAOWN')).toBeUndefined();
  expect(first.entitlement('ANPAOWN')).toBeDefined();
});

test('groups and inline policies are those of now, and a version does not change with members', async () => {
  const desk = await open();
  const before = await desk.catalogues.list(key, signal);
  desk.snapshots.recordEdges('AIDAJO', () => ({ groups: ['admins'], inlinePolicies: [] }));
  const after = await desk.catalogues.list(key, signal);
  expect(after.entitlement('AIDAJO/notes')).toBeUndefined();
  expect(before.entitlement('AIDAJO/notes')).toBeDefined();
  expect(after.entitlement('AGPA1')?.version).toBe(before.entitlement('AGPA1')?.version);
  expect(desk.count('ListPolicies')).toBe(2);
});

test('a part is never given for the whole: what is refused is said, and not asked for by each request', async () => {
  const desk = await open();
  await desk.views.list(key, signal);
  desk.fault = denied('ListPolicies');
  expect(await outcome(desk.catalogues.list(key, signal))).toMatch(
    /The policies .* could not be read: .*not authorized/,
  );
  expect(await outcome(desk.catalogues.list(key, signal))).toMatch(/could not be read/);
  expect(desk.count('ListPolicies')).toBe(1);
  desk.fault = undefined;
  await desk.clock.advance(15_000);
  expect((await desk.catalogues.list(key, signal)).entitlement('ANPAAWS')).toBeDefined();
});

test('an account without policies of AWS is not believed', async () => {
  const desk = await open();
  desk.policies = [own];
  expect(await outcome(desk.catalogues.list(key, signal))).toMatch(/shows no policy of AWS/);
});

test('where users cannot be listed, nothing is', async () => {
  const desk = await open();
  await desk.catalogues.list(key, signal);
  await desk.clock.advance(maxAgeMs + 1);
  await expect(desk.catalogues.list(key, signal)).rejects.toThrow(DirectoryUnavailableError);
  expect(desk.count('ListPolicies')).toBe(2);
});

test('a reading that nobody waits for any more ends', async () => {
  const desk = await open();
  await desk.views.list(key, signal);
  const { promise, resolve } = Promise.withResolvers<void>();
  desk.gate = promise;
  const leaver = new AbortController();
  const left = desk.catalogues.list(key, leaver.signal);
  await desk.clock.advance(0);
  leaver.abort(new Error('the caller has gone'));
  await expect(left).rejects.toThrow('the caller has gone');
  resolve();
  await desk.clock.advance(0);
  expect(desk.count('ListPolicies')).toBe(1);
  // The next one begins anew.
  expect((await desk.catalogues.list(key, signal)).entitlements()).toHaveLength(4);
});
