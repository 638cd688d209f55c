import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from '@jest/globals';
import type { ObservedUser } from '../../../src/account/index.ts';
import { annotations } from '../../../operator/controllers/names.ts';
import type { AwsAccount } from '../../../operator/api/v1alpha1/index.ts';
import { Desk, group, key, person } from './desk.ts';

const signal = new AbortController().signal;
const jo = person('AIDAJO', 'jo');
const ann = person('AIDAANN', 'ann');
const max = person('AIDAMAX', 'max');

test('accounts are listed by id, found by id, and by name without regard to case', async () => {
  const desk = await Desk.open([max, jo, ann]);
  const view = await desk.views.list(key, signal);
  expect(view.accounts().map(({ userId }) => userId)).toEqual(['AIDAANN', 'AIDAJO', 'AIDAMAX']);
  expect(view.size).toBe(3);
  expect(view.account('AIDAJO')?.userName).toBe('jo');
  expect(view.account('aidajo')).toBeUndefined();
  expect(view.accountByName('Max')?.userId).toBe('AIDAMAX');
  expect(view.accountByName('nobody')).toBeUndefined();
  expect(view.takenAt).toBe(desk.clock.now());
});

test('a record is what a reconciliation would tell', async () => {
  const policy = { name: 'P', arn: 'arn:aws:iam::aws:policy/P' };
  const desk = await Desk.open([], { read: false });
  desk.groups = [{ ...group('admins'), policies: [policy.arn, 'inline/own'] }];
  desk.users = [
    person('AIDAJO', 'jo', {
      groups: ['admins'],
      attachedPolicies: [{ name: 'A', arn: 'arn:aws:iam::111122223333:policy/A' }],
      tags: [
        { key: 'mail', value: 'jo@example.org' },
        { key: 'other', value: 'x' },
      ],
      passwordLastUsed: 7,
      deny: 'inline',
      boundary: policy.arn,
    }),
  ];
  desk.credentials = {
    'arn:aws:iam::111122223333:user/jo': {
      asOf: 5,
      console: true,
      keys: [{ active: true, lastUsed: 9 }],
      mfa: false,
    },
  };
  await desk.read();
  const told = (await desk.views.list(key, signal)).account('AIDAJO');
  expect(told).toMatchObject({
    userName: 'jo',
    attributes: { mail: 'jo@example.org' },
    active: false,
    boundary: policy.arn,
    lastActivity: 9,
    credentials: { console: true },
    externalId: undefined,
    managed: false,
    entitlements: [
      { type: 'Group', name: 'admins', arn: 'arn:aws:iam::111122223333:group/admins' },
      { type: 'CustomerManagedPolicy', name: 'A' },
    ],
  });
});

interface StandingRow {
  readonly name: string;
  readonly accounts: readonly Partial<AwsAccount['metadata'] & { spec: Partial<AwsAccount['spec']> }>[];
  readonly user?: Partial<ObservedUser>;
  readonly managed: boolean;
  readonly externalId: string | undefined;
}

const ours = { [annotations.userId]: 'AIDAJO', [annotations.externalId]: 'hr-1' };
const tag = (name: string) => ({ tags: [{ key: 'aws.idhub.io/owner', value: `inst/ns/${name}` }] });

const standings: readonly StandingRow[] = [
  { name: 'nobody declared it', accounts: [], managed: false, externalId: undefined },
  {
    name: 'an account remembers its unique id, whatever its name',
    accounts: [{ name: 'a', annotations: ours, spec: { userName: 'joanna' } }],
    managed: true,
    externalId: 'hr-1',
  },
  {
    name: 'its tag names an account that remembers nothing yet',
    accounts: [{ name: 'a', annotations: { [annotations.externalId]: 'hr-2', [annotations.userId]: '' } }],
    user: tag('a'),
    managed: true,
    externalId: 'hr-2',
  },
  {
    name: 'an account names it, and has not taken it over',
    accounts: [{ name: 'a', annotations: { [annotations.externalId]: 'hr-2' } }],
    managed: false,
    externalId: undefined,
  },
  {
    name: 'an account only observes it',
    accounts: [
      { name: 'a', annotations: { [annotations.externalId]: 'hr-2' }, spec: { management: 'Observe' } },
    ],
    managed: false,
    externalId: 'hr-2',
  },
  {
    name: 'an account remembers another user of this name',
    accounts: [{ name: 'a', annotations: { ...ours, [annotations.userId]: 'AIDAOTHER' } }],
    managed: false,
    externalId: undefined,
  },
  {
    name: 'of two, who manages it counts',
    accounts: [
      { name: 'a', annotations: { [annotations.externalId]: 'no' }, spec: { management: 'Observe' } },
      { name: 'b', annotations: ours },
    ],
    managed: true,
    externalId: 'hr-1',
  },
  {
    name: 'of two that manage it, the one whose tag it has',
    accounts: [
      { name: 'a', annotations: { ...ours, [annotations.externalId]: 'no' } },
      { name: 'b', annotations: ours },
    ],
    user: tag('b'),
    managed: true,
    externalId: 'hr-1',
  },
  {
    name: 'of two without a tag, the older one',
    accounts: [
      {
        name: 'a',
        creationTimestamp: '2026-01-02T00:00:00Z',
        annotations: { ...ours, [annotations.externalId]: 'no' },
      },
      { name: 'b', creationTimestamp: '2026-01-01T00:00:00Z', annotations: ours },
    ],
    managed: true,
    externalId: 'hr-1',
  },
];

test.each(standings)('who stands for a user: $name', async ({ accounts, user, managed, externalId }) => {
  const desk = await Desk.open([person('AIDAJO', 'jo', user)]);
  for (const { name = 'a', spec, ...metadata } of accounts) {
    desk.declare(name, { metadata, spec: { userName: 'jo', ...spec } });
  }
  const told = (await desk.views.list(key, signal)).account('AIDAJO');
  expect({ managed: told?.managed, externalId: told?.externalId }).toEqual({ managed, externalId });
});

test('what was given out does not change, and what we write is in the next view at once', async () => {
  const desk = await Desk.open([jo, ann]);
  const before = await desk.views.list(key, signal);
  desk.snapshots.record(max);
  desk.snapshots.record({ ...jo, userName: 'joanna' });
  desk.snapshots.forget('AIDAANN');
  expect(desk.views.latest(key).accountByName('max')?.userId).toBe('AIDAMAX');
  const after = await desk.views.list(key, signal);
  expect(after.accounts().map(({ userName }) => userName)).toEqual(['joanna', 'max']);
  expect(before.accounts().map(({ userName }) => userName)).toEqual(['ann', 'jo']);
  expect(before.accountByName('jo')?.userId).toBe('AIDAJO');
  expect(before.account('AIDAMAX')).toBeUndefined();
});

test('what was never asked for is told as it was, too', async () => {
  const desk = await Desk.open([jo, ann]);
  const credentials = { asOf: 1, console: true, keys: [], mfa: true };
  desk.credentials = { [jo.arn]: credentials };
  await desk.read();
  const view = desk.views.latest(key);
  desk.snapshots.record({ ...jo, userName: 'joanna', arn: 'arn:aws:iam::111122223333:user/joanna' });
  desk.credentials = {};
  await desk.read();
  expect(view.account('AIDAJO')).toMatchObject({ userName: 'jo', credentials });
});

test('nothing is made anew while nothing changes', async () => {
  const desk = await Desk.open([jo, ann]);
  const view = await desk.views.list(key, signal);
  const { terms } = desk.state;
  // As each look at the connection does.
  desk.state.terms = terms === undefined ? undefined : { ...terms, schema: new Map(terms.schema) };
  expect(await desk.views.list(key, signal)).toBe(view);
  desk.snapshots.record({ ...ann, path: '/x/' });
  const next = await desk.views.list(key, signal);
  expect(next).not.toBe(view);
  expect(next.account('AIDAJO')).toBe(view.account('AIDAJO'));
  expect(next.account('AIDAANN')).not.toEqual(view.account('AIDAANN'));
});

interface VersionRow {
  readonly name: string;
  readonly change: (desk: Desk) => void | Promise<void>;
  readonly same: boolean;
}

const facts = { console: true, keys: [{ active: true }], mfa: false };

const versions: readonly VersionRow[] = [
  { name: 'nothing', change: () => undefined, same: true },
  { name: 'another reading of the same', change: (desk) => desk.read(), same: true },
  {
    name: 'an attribute',
    change: (desk) => desk.snapshots.record({ ...jo, tags: [{ key: 'mail', value: 'a@b.c' }] }),
    same: false,
  },
  { name: 'a name', change: (desk) => desk.snapshots.record({ ...jo, userName: 'jon' }), same: false },
  { name: 'a disable', change: (desk) => desk.snapshots.record({ ...jo, deny: 'inline' }), same: false },
  {
    name: 'a group',
    change: (desk) => desk.snapshots.recordEdges('AIDAJO', () => ({ groups: ['a'] })),
    same: false,
  },
  {
    name: 'the order of groups',
    change: (desk) => desk.snapshots.recordEdges('AIDAJO', () => ({ groups: ['b', 'a'] })),
    same: true,
  },
  {
    name: 'an external id',
    change: (desk) => desk.declare('jo', { metadata: { annotations: ours } }),
    same: false,
  },
  {
    name: 'when the credential report was made',
    change: (desk) => {
      desk.credentials = { [jo.arn]: { ...facts, asOf: 2 } };
      return desk.read();
    },
    same: true,
  },
  {
    name: 'a key in the credential report',
    change: (desk) => {
      desk.credentials = { [jo.arn]: { ...facts, keys: [], asOf: 2 } };
      return desk.read();
    },
    same: false,
  },
];

test.each(versions)('a version and $name', async ({ change, same }) => {
  const member = { ...jo, groups: ['a', 'b'] };
  const desk = await Desk.open([member, ann]);
  desk.groups = [group('a'), group('b')];
  desk.credentials = { [jo.arn]: { ...facts, asOf: 1 } };
  await desk.read();
  const before = (await desk.views.list(key, signal)).account('AIDAJO')?.version;
  expect(before).toMatch(/^[\w-]{22}$/);
  await change(desk);
  const after = (await desk.views.list(key, signal)).account('AIDAJO')?.version;
  expect(after === before).toBe(same);
});

test('groups with their members', async () => {
  const desk = await Desk.open([], { read: false });
  desk.users = [{ ...max, groups: ['A', 'b'] }, { ...jo, groups: ['a'] }, ann];
  desk.groups = [group('b', 'AGPA1'), group('a', 'AGPA2')];
  await desk.read();
  const view = await desk.views.list(key, signal);
  expect(view.groups().map(({ id, displayName }) => [id, displayName])).toEqual([
    ['AGPA1', 'b'],
    ['AGPA2', 'a'],
  ]);
  expect(view.members('AGPA2').map(({ userName }) => userName)).toEqual(['jo', 'max']);
  expect(view.members('AGPA1').map(({ userName }) => userName)).toEqual(['max']);
  expect(view.members('AGPA9')).toEqual([]);
  expect(view.group('AGPA1')).toMatchObject({ type: 'Group', usedAs: 'GroupMembership' });
  desk.snapshots.recordEdges('AIDAANN', () => ({ groups: ['a'] }));
  const next = await desk.views.list(key, signal);
  expect(next.group('AGPA1')?.version).toBe(view.group('AGPA1')?.version);
  expect(next.group('AGPA2')?.version).not.toBe(view.group('AGPA2')?.version);
});

test('what a group that nobody has read gives is not known', async () => {
  const desk = await Desk.open([jo]);
  desk.snapshots.recordEdges('AIDAJO', () => ({ groups: ['new'] }));
  expect((await desk.views.list(key, signal)).account('AIDAJO')).toMatchObject({
    entitlements: undefined,
    active: true,
  });
  // The next reading is asked for at once, and once.
  const { state } = desk;
  expect(state.snapshotDueAt).toBe(0);
  state.snapshotDueAt = 7;
  await desk.views.list(key, signal);
  expect(state.snapshotDueAt).toBe(7);
  desk.groups = [group('new')];
  desk.users = [{ ...jo, groups: ['new'] }];
  await desk.read();
  expect((await desk.views.list(key, signal)).account('AIDAJO')?.entitlements).toHaveLength(1);
  expect(state.snapshotDueAt).not.toBe(0);
});

test('5,000 users do not keep others waiting', async () => {
  const tags = Array.from({ length: 12 }, (_, index) => ({ key: `tag${index}`, value: 'some value' }));
  const users = Array.from({ length: 5_000 }, (_, index) =>
    person(`AIDA${String(index).padStart(6, '0')}`, `user-${index}`, {
      groups: ['a'],
      tags: [...tags, { key: 'mail', value: `user-${index}@example.org` }],
    }),
  );
  const desk = await Desk.open([], { read: false });
  desk.groups = [group('a')];
  desk.users = users;
  await desk.read();
  await desk.views.list(key, signal);
  await desk.read();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const view = await desk.views.list(key, signal);
  delay.disable();
  expect(view.accounts()).toHaveLength(5_000);
  // Far under a second, on a machine that does other things too: all at once would take longer.
  expect(delay.max / 1e6).toBeLessThan(250);
});
