import { beforeEach, describe, expect, test } from '@jest/globals';
import { EdgeDesk, findEdge, fullQuota, isUserMissing } from '../../../src/entitlement/index.ts';
import type { Entitlement, EntitlementType } from '../../../src/entitlement/index.ts';
import { SnapshotStore } from '../../../src/reconciliation/index.ts';
import { FakeAws, fault } from '../fake-aws.ts';
import { FakeClock } from '../fake-clock.ts';

const { signal } = new AbortController();
const quotas = { groups: 2, attachedPolicies: 2, inlineSize: 40, accessKeys: 2 };
const readOnly = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
const own = 'arn:aws:iam::111122223333:policy/x/ReadOnlyAccess';

let aws: FakeAws;
let clock: FakeClock;
let store: SnapshotStore;
let desk: EdgeDesk;

beforeEach(async () => {
  aws = new FakeAws();
  aws.groups.set('Dev', '/');
  clock = new FakeClock();
  store = new SnapshotStore({
    clock,
    read: () =>
      Promise.resolve({
        users: aws.users.map(({ userName }) => aws.observe(userName)),
        groups: new Map(),
        pages: 1,
      }),
  });
  desk = new EdgeDesk({ api: aws, ledger: store, clock });
  aws.add('jo');
  await store.refresh(signal);
});

const jo = () => {
  const user = store.current?.byName('jo');
  if (user === undefined) {
    throw new Error('no jo');
  }
  return user;
};
const entitlement = (type: EntitlementType, name: string, arn = ''): Entitlement => ({ type, name, arn });
const look = (type: EntitlementType, name: string, fresh = false) =>
  desk.look(jo(), { type, name }, { signal, fresh });

describe('an edge', () => {
  test.each<[EntitlementType, string, string]>([
    ['Group', 'Dev', 'arn:aws:iam::111122223333:group/Dev'],
    ['AwsManagedPolicy', 'ReadOnlyAccess', readOnly],
    ['CustomerManagedPolicy', 'ReadOnlyAccess', own],
    ['InlinePolicy', 'mine', ''],
  ])('%s is made, seen, found by a live look and removed', async (type, name, arn) => {
    const target = entitlement(type, name, arn);
    await desk.add(jo(), target, '{"Statement":[]}', { signal });
    expect(findEdge(jo(), target)).toMatchObject({ type, name });
    expect(findEdge(aws.observe('jo'), target)).toMatchObject({ type, name });
    expect(aws.writes).toHaveLength(1);
    await clock.advance(60_000);
    await look(type, name);
    expect(findEdge(jo(), target)).toMatchObject({ type, name });
    await desk.remove(jo(), target, { signal });
    expect(findEdge(jo(), target)).toBeUndefined();
    await desk.remove(jo(), target, { signal });
    expect(aws.writes).toHaveLength(3);
  });

  test("a policy of AWS and one's own of the same name are two", () => {
    Object.assign(aws.users[0] ?? {}, { attached: new Set([own]) });
    expect(findEdge(aws.observe('jo'), { type: 'AwsManagedPolicy', name: 'readonlyaccess' })).toBeUndefined();
    expect(
      findEdge(aws.observe('jo'), { type: 'CustomerManagedPolicy', name: 'readonlyaccess' }),
    ).toMatchObject({
      arn: own,
    });
  });
});

describe('a live look', () => {
  test('reads every page, and is shared for a few seconds', async () => {
    aws.pageSize = 1;
    aws.emptyPages = true;
    aws.users[0]?.groups.add('A').add('B');
    expect(await look('Group', 'B')).toBe(true);
    expect(jo().groups).toEqual(['A', 'B']);
    const calls = aws.calls.length;
    expect(await look('Group', 'A')).toBe(false);
    expect(aws.calls).toHaveLength(calls);
    expect(await look('Group', 'A', true)).toBe(true);
    await clock.advance(5_000);
    expect(await look('Group', 'A')).toBe(true);
  });

  test('shows the edges of a user to whom something else was written just now', async () => {
    aws.users[0]?.groups.add('Dev');
    store.record({ ...jo(), tags: [{ key: 'a', value: '1' }] });
    await look('Group', 'Dev');
    expect(jo().groups).toEqual(['Dev']);
    expect(jo().tags).toHaveLength(1);
  });

  test('does not forget what was written here and AWS does not show yet', async () => {
    await desk.add(jo(), entitlement('Group', 'Dev'), undefined, { signal });
    aws.users[0]?.groups.clear();
    await look('Group', 'Dev');
    expect(jo().groups).toEqual(['Dev']);
    await clock.advance(31_000);
    await look('Group', 'Dev');
    expect(jo().groups).toEqual([]);
  });

  test('of an inline policy reads that one, with its document', async () => {
    aws.users[0]?.inline.set('mine', '{"Statement":[]}').set('other', '{}');
    await look('InlinePolicy', 'mine');
    expect(aws.calls.map(({ operation }) => operation)).toEqual(['GetUserPolicy']);
    expect(jo().inlinePolicies.map(({ name }) => name)).toEqual(['mine']);
  });
});

describe('quotas', () => {
  const edges = {
    groups: ['A', 'B'],
    attachedPolicies: [{ name: 'ReadOnlyAccess', arn: readOnly }],
    inlinePolicies: [{ name: 'other', fingerprint: 'f', size: 30 }],
  };

  test('a full one is told with what fills it', () => {
    expect(fullQuota(edges, { type: 'Group', name: 'C' }, undefined, quotas)).toMatch(/2 groups.*A, B/);
    expect(fullQuota(edges, { type: 'AwsManagedPolicy', name: 'C' }, undefined, quotas)).toBeUndefined();
    const attachedPolicies = [...edges.attachedPolicies, { name: 'ReadOnlyAccess', arn: own }];
    expect(
      fullQuota({ ...edges, attachedPolicies }, { type: 'AwsManagedPolicy', name: 'C' }, undefined, quotas),
    ).toMatch(/2 managed policies.*ReadOnlyAccess, ReadOnlyAccess/);
  });

  test('of inline policies: characters together, white space not counted, the one that is replaced left out', () => {
    const inline = (name: string, text: string) =>
      fullQuota(edges, { type: 'InlinePolicy', name }, text, quotas);
    expect(inline('mine', `{ "a":\n 12345 }`)).toBe(
      'the inline policies of a user can have 40 characters together; this one has 11, beside other (30)',
    );
    expect(inline('mine', `{ "a":\n 1234 }`)).toBeUndefined();
    expect(inline('other', `{"a":"${'x'.repeat(30)}"}`)).toBeUndefined();
  });
});

test('works on one user are one after another, also after one that fails', async () => {
  const order: string[] = [];
  const work = (name: string, fails = false) =>
    desk.inTurn('AIDA', async () => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
      if (fails) {
        throw new Error(name);
      }
      return name;
    });
  const [first, second, third] = await Promise.allSettled([work('a'), work('b', true), work('c')]);
  expect([first.status, second.status, third.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

test('whom AWS does not know is told from what it does not know', () => {
  const said = (message: string) => isUserMissing(fault('AddUserToGroup', 'notFound', message));
  expect(said('The user with name jo cannot be found.')).toBe(true);
  expect(said('The group with name jo cannot be found.')).toBe(false);
});
