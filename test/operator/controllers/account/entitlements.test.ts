import { describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../../../operator/api/v1alpha1/index.ts';
import { accountsAbove, declaresBinding } from '../../../../operator/controllers/account/index.ts';
import { bindingName, mergePatchBetween } from '../../../../operator/controllers/account/owned-bindings.ts';
import { Desk } from './desk.ts';

type Entries = NonNullable<AwsAccount['spec']['entitlements']>;

const dev = { type: 'Group', name: 'Dev' } as const;
const ops = { type: 'Group', name: 'Ops' } as const;
const documentOf = (action: string): object => ({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: action, Resource: '*' },
});
const inline = { type: 'InlinePolicy', name: 'Own', document: documentOf('s3:*') } as const;

async function deskWith(entitlements: Entries, spec: Partial<AwsAccount['spec']> = {}): Promise<Desk> {
  const desk = await new Desk().start();
  desk.cluster.apply('jo', { ...spec, entitlements });
  return desk;
}

function bindingWrites(desk: Desk): string[] {
  return desk.cluster.writes.flatMap((each) => (each.startsWith('binding ') ? [each.slice(8)] : []));
}

/** All are Ready, and the account has seen it. */
async function settle(desk: Desk): Promise<void> {
  await desk.run('jo');
  desk.cluster.owned.say('True', 'AsDeclared');
  await desk.run('jo');
}

async function change(
  desk: Desk,
  entitlements: Entries,
  spec: Partial<AwsAccount['spec']> = {},
): Promise<void> {
  desk.cluster.apply('jo', { ...spec, entitlements });
  await desk.run('jo');
}

describe('each entry is a binding of the account', () => {
  test('made with the user, owned by the account, with what the entry says', async () => {
    const expiresAt = '2026-02-01T00:00:00Z';
    const desk = await deskWith([dev, { ...inline, expiresAt, onDelete: 'Revoke' }]);
    await desk.run('jo');
    const { uid } = desk.cluster.object('jo').metadata;
    const { metadata, spec } = desk.cluster.owned.of('Group/Dev');
    expect(metadata.name).toMatch(/^jo-[0-9a-f]{10}$/);
    expect(metadata).toMatchObject({
      namespace: 'ns',
      ownerReferences: [
        {
          apiVersion: 'aws.idhub.io/v1alpha1',
          kind: 'AwsAccount',
          name: 'jo',
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    });
    expect(spec).toEqual({ accountRef: { name: 'jo' }, entitlement: dev });
    expect(desk.cluster.owned.of('InlinePolicy/Own').spec).toEqual({
      accountRef: { name: 'jo' },
      entitlement: inline,
      expiresAt,
      onDelete: 'Revoke',
    });
  });

  test('while they are on their way Ready is Unknown, without a warning; then it is True', async () => {
    const desk = await deskWith([dev, ops]);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('Unknown EntitlementsNotReady');
    expect(desk.message('jo')).toContain(
      '2 of 2 entitlements are not Ready: Group Dev (on its way); Group Ops',
    );
    expect(desk.cluster.object('jo').status?.entitlements).toEqual({ declared: 2, ready: 0 });
    desk.cluster.owned.say('True', 'AsDeclared');
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.cluster.object('jo').status?.entitlements).toEqual({ declared: 2, ready: 2 });
    expect(desk.events.filter(({ type }) => type === 'Warning')).toEqual([]);
  });

  test('one that fails is told with its reason, one that waits does not make it worse than Unknown', async () => {
    const desk = await deskWith([dev, ops]);
    await settle(desk);
    desk.cluster.owned.say('Unknown', 'WaitingForEntitlement', 'Group/Dev');
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('Unknown EntitlementsNotReady');
    desk.cluster.owned.say('False', 'LimitExceeded', 'Group/Ops');
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False EntitlementsNotReady');
    expect(desk.message('jo')).toBe(
      '2 of 2 entitlements are not Ready: Group Ops (LimitExceeded: LimitExceeded it is); ' +
        'Group Dev (WaitingForEntitlement: WaitingForEntitlement it is)',
    );
    expect(desk.events.filter(({ type }) => type === 'Warning')).toHaveLength(1);
  });

  test('twenty of them: five are named', async () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ type: 'Group', name: `G${index}` }) as const);
    const desk = await deskWith(many);
    await desk.run('jo');
    expect(desk.cluster.owned.bindings.size).toBe(20);
    expect(desk.message('jo')).toMatch(/20 of 20 .*G4 \(on its way\); and 15 more$/);
    await settle(desk);
    const before = desk.cluster.writes.length;
    for (let round = 0; round < 5; round += 1) {
      await desk.read();
      await desk.run('jo');
    }
    await desk.start();
    await desk.run('jo');
    expect(desk.cluster.writes.slice(before)).toEqual([]);
  });

  test('none for a user that is only observed, or not ours', async () => {
    for (const spec of [{ management: 'Observe' }, {}] as const) {
      const desk = await new Desk().start();
      desk.aws.add('jo');
      await desk.read();
      desk.cluster.apply('jo', { ...spec, entitlements: [dev] });
      await desk.run('jo');
      expect(desk.cluster.owned.all()).toEqual([]);
    }
  });

  test('a disabled account keeps them, and follows changes of them', async () => {
    const desk = await deskWith([dev]);
    await settle(desk);
    await change(desk, [dev], { enabled: false });
    expect(bindingWrites(desk)).toEqual(['create Group/Dev']);
    await change(desk, [ops], { enabled: false });
    expect(bindingWrites(desk).slice(1)).toEqual(['create Group/Ops', 'delete Group/Dev']);
    await change(desk, [ops], { enabled: true });
    expect(bindingWrites(desk)).toHaveLength(3);
  });
});

describe('an entry that changes', () => {
  test('expiresAt, onDelete and document are patched, and what is left out is taken out', async () => {
    const expiresAt = '2026-02-01T00:00:00Z';
    const desk = await deskWith([{ ...inline, expiresAt }]);
    await settle(desk);
    const { uid } = desk.cluster.owned.of('InlinePolicy/Own').metadata;
    const later = '2026-03-01T00:00:00Z';
    const document = { Id: 'x', ...documentOf('ec2:*') };
    await change(desk, [{ ...inline, document, expiresAt: later, onDelete: 'Keep' }]);
    expect(desk.cluster.owned.of('InlinePolicy/Own')).toMatchObject({
      metadata: { uid },
      spec: { entitlement: { document }, expiresAt: later, onDelete: 'Keep' },
    });
    await change(desk, [inline]);
    expect(desk.cluster.owned.of('InlinePolicy/Own').spec).toEqual({
      accountRef: { name: 'jo' },
      entitlement: inline,
    });
    expect(bindingWrites(desk)).toEqual([
      'create InlinePolicy/Own',
      'patch InlinePolicy/Own',
      'patch InlinePolicy/Own',
    ]);
  });

  test('state is patched: the same binding takes the edge away, and gives it again', async () => {
    const expiresAt = '2026-02-01T00:00:00Z';
    const desk = await deskWith([{ ...inline, expiresAt }]);
    await settle(desk);
    const { name, uid } = desk.cluster.owned.of('InlinePolicy/Own').metadata;
    await change(desk, [{ type: 'InlinePolicy', name: 'Own', state: 'Absent' }]);
    expect(desk.cluster.owned.of('InlinePolicy/Own')).toMatchObject({ metadata: { name, uid } });
    expect(desk.cluster.owned.of('InlinePolicy/Own').spec).toEqual({
      accountRef: { name: 'jo' },
      entitlement: { type: 'InlinePolicy', name: 'Own' },
      state: 'Absent',
    });
    await change(desk, [inline]);
    expect(desk.cluster.owned.of('InlinePolicy/Own').spec).toEqual({
      accountRef: { name: 'jo' },
      entitlement: inline,
    });
  });

  test('another name is another binding, made before the old one goes; other letters of it are not', async () => {
    const desk = await deskWith([dev]);
    await settle(desk);
    await change(desk, [{ type: 'Group', name: 'DEV' }]);
    expect(bindingWrites(desk)).toEqual(['create Group/Dev']);
    await change(desk, [{ type: 'Group', arn: 'arn:aws:iam::111122223333:group/Dev' }]);
    expect(bindingWrites(desk).slice(1)).toEqual([
      'create Group/arn:aws:iam::111122223333:group/Dev',
      'delete Group/Dev',
    ]);
  });

  test('taken out: deleted, and what comes after it waits until it is gone', async () => {
    const desk = await deskWith([dev, ops]);
    await settle(desk);
    desk.cluster.owned.finalizers(['aws.idhub.io/finalizer']);
    await change(desk, [ops]);
    expect(desk.cluster.owned.all()).toEqual(['Group/Dev †', 'Group/Ops']);
    expect(desk.ready('jo')).toBe('True AsDeclared');
    const before = bindingWrites(desk).length;
    await change(desk, [ops, dev]);
    expect(desk.ready('jo')).toBe('Unknown EntitlementsNotReady');
    expect(desk.message('jo')).toContain('is on its way out, and is made anew');
    expect(bindingWrites(desk)).toHaveLength(before);
    desk.cluster.owned.bindings.delete(desk.cluster.owned.of('Group/Dev').metadata.name);
    await settle(desk);
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(desk.cluster.owned.all()).toEqual(['Group/Dev', 'Group/Ops']);
  });

  test('all taken out: nothing of them is left in the status', async () => {
    const desk = await deskWith([dev]);
    await settle(desk);
    await change(desk, []);
    expect(desk.cluster.owned.all()).toEqual([]);
    expect(desk.cluster.object('jo').status?.entitlements).toBeUndefined();
  });
});

describe('what people do to a binding of an account', () => {
  test('is put back: a state, a time, a document, a part of a document', async () => {
    const desk = await deskWith([inline]);
    await settle(desk);
    const before = desk.cluster.owned.of('InlinePolicy/Own').spec;
    for (const edit of [
      { state: 'Absent' },
      { expiresAt: '2027-01-01T00:00:00Z' },
      { onDelete: 'Keep' },
      { entitlement: { ...inline, document: documentOf('iam:*') } },
      { entitlement: { ...inline, document: { ...inline.document, Id: 'mine' } } },
    ]) {
      desk.cluster.owned.change('InlinePolicy/Own', edit);
      await desk.run('jo');
      expect(desk.cluster.owned.of('InlinePolicy/Own').spec).toEqual(before);
    }
  });

  test('deleted by hand, it is made again; without its owner it is ours again', async () => {
    const desk = await deskWith([dev]);
    await settle(desk);
    desk.cluster.owned.bindings.clear();
    await desk.run('jo');
    expect(desk.cluster.owned.all()).toEqual(['Group/Dev']);
    const { uid, ownerReferences } = desk.cluster.owned.of('Group/Dev').metadata;
    desk.cluster.owned.change('Group/Dev', {}, { ownerReferences: [] });
    await desk.run('jo');
    expect(desk.cluster.owned.of('Group/Dev').metadata).toMatchObject({ uid, ownerReferences });
  });

  test('one of that name that is for somebody or something else is left alone, and said', async () => {
    const name = bindingName('jo', dev);
    for (const [spec, metadata] of [
      [{ accountRef: { name: 'other' }, entitlement: dev }, {}],
      [{ accountRef: { name: 'jo' }, entitlement: ops }, {}],
      [
        { accountRef: { name: 'jo' }, entitlement: dev },
        { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'x', uid: 'x' }] },
      ],
    ] as const) {
      const desk = await deskWith([dev]);
      desk.cluster.owned.put(name, spec, metadata);
      const before = desk.cluster.owned.object(name);
      await desk.run('jo');
      expect(desk.ready('jo')).toBe('False EntitlementConflict');
      expect(desk.message('jo')).toContain(
        `AwsEntitlementBinding "${name}", which is to stand for Group Dev`,
      );
      expect(desk.cluster.owned.object(name)).toBe(before);
      await change(desk, []);
      expect(desk.cluster.owned.object(name)).toBe(before);
    }
  });

  test('of an earlier account of the same name: waited for, as it is going', async () => {
    const desk = await deskWith([dev]);
    const owner = { apiVersion: 'aws.idhub.io/v1alpha1', kind: 'AwsAccount', name: 'jo', controller: true };
    desk.cluster.owned.put(
      bindingName('jo', dev),
      { accountRef: { name: 'jo' }, entitlement: dev },
      { ownerReferences: [{ ...owner, uid: 'before' }] },
    );
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('Unknown EntitlementsNotReady');
    expect(bindingWrites(desk)).toEqual([]);
  });
});

describe('entries that cannot be', () => {
  test('one entitlement twice, by name and by ARN: both are named, neither is touched, others go on', async () => {
    const desk = await deskWith([dev]);
    await settle(desk);
    const twice = { type: 'Group', arn: 'arn:aws:iam::111122223333:group/eu/dev' } as const;
    await change(desk, [{ ...dev, expiresAt: '2026-02-01T00:00:00Z' }, twice, ops]);
    expect(desk.ready('jo')).toBe('False InvalidEntitlement');
    expect(desk.message('jo')).toContain(
      'Group Dev and Group arn:aws:iam::111122223333:group/eu/dev; leave one',
    );
    expect(bindingWrites(desk)).toEqual(['create Group/Dev', 'create Group/Ops']);
    await change(desk, [dev, ops]);
    await settle(desk);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('a document with a field without a value is not widened by leaving it out', async () => {
    const document = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*', Condition: null }] };
    const desk = await deskWith([{ ...inline, document }]);
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False InvalidEntitlement');
    expect(desk.cluster.owned.all()).toEqual([]);
  });
});

describe('when the process dies, or the cache is behind', () => {
  test('at any write of a joiner: one binding an entry, all Ready in the end', async () => {
    for (let write = 1; ; write += 1) {
      const desk = await deskWith([dev, ops, inline]);
      const died = await desk.dies(write, 'cluster', () => desk.run('jo'));
      await desk.start();
      await settle(desk);
      expect(desk.cluster.owned.all()).toEqual(['Group/Dev', 'Group/Ops', 'InlinePolicy/Own']);
      expect(desk.ready('jo')).toBe('True AsDeclared');
      if (!died) {
        expect(write).toBeGreaterThan(4);
        break;
      }
    }
  });

  test('one that the cache does not show yet is not made twice, and not taken for another’s', async () => {
    const desk = await deskWith([dev]);
    await settle(desk);
    desk.cluster.owned.unseen.add(bindingName('jo', dev));
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    expect(bindingWrites(desk)).toEqual(['create Group/Dev']);
  });

  test('restored without status and owners, they are the account’s again, without an AWS write', async () => {
    const desk = await deskWith([dev, ops]);
    await settle(desk);
    desk.cluster.restore('jo');
    for (const entitlement of ['Group/Dev', 'Group/Ops']) {
      desk.cluster.owned.change(entitlement, {}, { ownerReferences: undefined });
    }
    const before = desk.aws.writes.length;
    await desk.start();
    await settle(desk);
    expect(desk.aws.writes.slice(before)).toEqual([]);
    expect(bindingWrites(desk).slice(2)).toEqual(['patch Group/Dev', 'patch Group/Ops']);
    const { uid } = desk.cluster.object('jo').metadata;
    expect(desk.cluster.owned.of('Group/Dev').metadata.ownerReferences?.[0]?.uid).toBe(uid);
  });
});

describe('the account is deleted', () => {
  test('Retain: bindings of its entries go with it; of one that was taken out before, it lets go', async () => {
    const desk = await deskWith([dev, ops]);
    await settle(desk);
    desk.cluster.owned.finalizers(['aws.idhub.io/finalizer']);
    desk.cluster.apply('jo', { entitlements: [ops] });
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.has('jo')).toBe(false);
    expect(desk.cluster.owned.all()).toEqual(['Group/Dev †', 'Group/Ops']);
    expect(desk.cluster.owned.of('Group/Dev').metadata.ownerReferences).toBeUndefined();
    expect(desk.cluster.owned.of('Group/Ops').metadata.ownerReferences).toHaveLength(1);
  });
});

describe('names', () => {
  test('fit, whatever the account is called, and are the same for the same entry', () => {
    for (const account of ['j', 'a'.repeat(253), `${'a'.repeat(241)}.${'b'.repeat(11)}`]) {
      const name = bindingName(account, dev);
      expect(name.length).toBeLessThanOrEqual(253);
      expect(name).toMatch(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/);
      expect(name).not.toMatch(/[.-]-/);
      expect(bindingName(account, { type: 'Group', name: 'dEV' })).toBe(name);
      expect(bindingName(account, ops)).not.toBe(name);
    }
    const long = 'a'.repeat(252);
    expect(bindingName(`${long}1`, dev)).not.toBe(bindingName(`${long}2`, dev));
    expect(bindingName('jo', inline)).not.toBe(bindingName('jo', { type: 'InlinePolicy', name: 'own' }));
  });

  test('tell whose a binding is', async () => {
    const desk = await deskWith([dev, ops]);
    await desk.run('jo');
    const [one, two] = [desk.cluster.owned.of('Group/Dev'), desk.cluster.owned.of('Group/Ops')];
    expect(declaresBinding(desk.cluster.object('jo'), one)).toBe(true);
    const jo = [{ namespace: 'ns', name: 'jo' }];
    const siblings = () => [...desk.cluster.owned.bindings.values()];
    expect(accountsAbove(one, siblings)).toEqual(jo);
    desk.cluster.owned.say('True', 'AsDeclared', 'Group/Dev');
    // The other one has not been looked at: its news wakes the account, once for both.
    expect(accountsAbove(desk.cluster.owned.of('Group/Dev'), siblings)).toEqual([]);
    desk.cluster.owned.say('Unknown', 'WaitingForEntitlement', 'Group/Ops');
    expect(accountsAbove(desk.cluster.owned.of('Group/Dev'), siblings)).toEqual(jo);
    expect(accountsAbove(desk.cluster.owned.of('Group/Ops'), siblings)).toEqual(jo);
    const { ownerReferences: _gone, ...metadata } = two.metadata;
    expect(accountsAbove({ ...two, metadata }, siblings)).toEqual(jo);
    expect(accountsAbove({ ...two, metadata: { ...metadata, name: 'by-hand' } }, siblings)).toEqual([]);
  });
});

test('a merge patch makes one object of another, and is none between equals', () => {
  expect(mergePatchBetween({ a: 1, b: { c: [1], d: 2 } }, { a: 1, b: { c: [1], d: 2 } })).toBeUndefined();
  expect(mergePatchBetween({ a: 1, b: { c: [1], d: 2 } }, { b: { c: [2] }, e: {} })).toEqual({
    a: null,
    b: { c: [2], d: null },
    e: {},
  });
});
