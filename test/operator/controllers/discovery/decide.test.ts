import { describe, expect, test } from '@jest/globals';
import type { AwsAccount, AwsConnectionSpec } from '../../../../operator/api/v1alpha1/index.ts';
import { decideDiscovery, objectName } from '../../../../operator/controllers/discovery/decide.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import type { ObservedUser } from '../../../../src/account/index.ts';
import { guardOf } from '../../../../src/guard/index.ts';
import { scopeOf } from '../../../../src/reconciliation/index.ts';
import { accountSchema } from '../../../../src/schema/index.ts';
import { observed } from '../../../src/account/material.ts';
import { connection, snapshotsOf } from '../material.ts';

const { schema } = accountSchema([], '');

function account(userName: string, more: { labels?: object; userId?: string } = {}): AwsAccount {
  return {
    apiVersion: 'aws.idhub.io/v1alpha1',
    kind: 'AwsAccount',
    metadata: {
      name: userName.toLowerCase(),
      namespace: 'ns',
      ...(more.labels === undefined ? {} : { labels: { 'aws.idhub.io/discovered': 'true' } }),
      ...(more.userId === undefined ? {} : { annotations: { [annotations.userId]: more.userId } }),
    },
    spec: { connectionRef: { name: 'main' }, userName },
  };
}

async function decide(
  users: readonly Partial<ObservedUser>[],
  more: {
    discovery?: AwsConnectionSpec['discovery'];
    accounts?: readonly AwsAccount[];
    filter?: string;
    guard?: Parameters<typeof guardOf>[0];
    exists?: string;
  } = {},
) {
  const store = await snapshotsOf(
    users.map((user, index) => observed({ userId: `AIDA${index}`, userName: `user-${index}`, ...user })),
  );
  const scope = more.filter === undefined ? undefined : scopeOf(more.filter, schema);
  if (store.current === undefined || scope?.kind === 'refused') {
    throw new Error('the inputs of the test are wrong');
  }
  const base = connection();
  const discovery = more.discovery ?? { mode: 'Observe' };
  return decideDiscovery({
    connection: { ...base, spec: { ...base.spec, discovery } },
    snapshot: store.current,
    context: { schema, policyGroup: false, lastActivity: false },
    filter: scope?.filter,
    guard: guardOf(more.guard),
    communicationUser: 'idhub',
    accounts: more.accounts ?? [],
    exists: ({ name, namespace }) => namespace === 'ns' && name === more.exists,
  });
}

const names = ({ make }: { make: readonly AwsAccount[] }) => make.map(({ spec }) => spec.userName);

describe('users that nobody has declared', () => {
  test('get an account that observes, keeps the user, and knows it by its unique id', async () => {
    const { make } = await decide([{ userId: 'AIDAJO', userName: 'Jo.Doe' }]);
    expect(make).toEqual([
      {
        apiVersion: 'aws.idhub.io/v1alpha1',
        kind: 'AwsAccount',
        metadata: {
          name: objectName('ns/main', 'Jo.Doe'),
          namespace: 'ns',
          labels: { 'aws.idhub.io/discovered': 'true' },
          annotations: { 'aws.idhub.io/user-id': 'AIDAJO' },
        },
        spec: {
          connectionRef: { name: 'main' },
          userName: 'Jo.Doe',
          management: 'Observe',
          deletionPolicy: 'Retain',
        },
      },
    ]);
  });

  test('are declared as disabled where the product has disabled them, so that managing them lets nobody in', async () => {
    const disabled = { tags: [{ key: 'aws.idhub.io/disabled', value: 'v1 console' }] };
    const { make } = await decide([
      { deny: 'inline' },
      { deny: 'altered' },
      disabled,
      // Not ours to take away, whatever is declared.
      { deny: 'managed' },
      {},
    ]);
    expect(make.map(({ spec }) => spec.enabled)).toEqual([false, false, false, undefined, undefined]);
  });

  test('whose name an object for somebody else has are told, and take no room', async () => {
    const found = await decide([{ userName: 'a' }, { userName: 'b' }, { userName: 'c' }], {
      discovery: { mode: 'Observe', limit: 1 },
      exists: objectName('ns/main', 'a'),
    });
    expect(found).toMatchObject({ taken: [objectName('ns/main', 'a')], more: 1 });
    expect(names(found)).toEqual(['b']);
  });

  test('are not the communication user, protected ones, or those that an account names or stands for', async () => {
    const found = await decide(
      [
        { userName: 'IDHub' },
        { userName: 'break-glass-1' },
        { userName: 'JO' },
        { userId: 'AIDAX', userName: 'renamed' },
        { userName: 'new' },
      ],
      {
        guard: { protectedUsers: ['break-glass-*'] },
        accounts: [account('jo'), account('before', { userId: 'AIDAX' })],
      },
    );
    expect(names(found)).toEqual(['new']);
  });

  test('match the filter; those of whom that cannot be told are counted', async () => {
    const department = (value: string) => ({ tags: [{ key: 'department', value }] });
    const users = [department('Sales'), department('IT'), {}];
    expect(names(await decide(users, { filter: 'department eq "Sales"' }))).toEqual(['user-0']);
    expect(await decide(users, { filter: 'lastActivity pr' })).toMatchObject({ make: [], unknown: 3 });
  });

  test('are made up to the limit, those before counted, always the same ones', async () => {
    const users = ['c', 'a', 'b', 'd'].map((userName) => ({ userName }));
    const discovery = { mode: 'Observe', limit: 3 } as const;
    const found = await decide(users, { discovery, accounts: [account('z', { labels: {} })] });
    expect(names(found)).toEqual(['a', 'b']);
    expect(found).toMatchObject({ made: 1, more: 2 });
    expect(
      await decide(users, {
        discovery: { mode: 'Observe', limit: 1 },
        accounts: [account('z', { labels: {} })],
      }),
    ).toMatchObject({
      make: [],
      more: 4,
    });
  });
});

describe('C03 (b): names of objects', () => {
  test('are legal, and never those of another user', () => {
    const users = ['A_b+1@x', 'a-b-1-x', 'A-B.1.x', '+', '=', '..', `${'x'.repeat(63)}.`, 'Jo=,@-'];
    const derived = users.map((user) => objectName('ns/main', user));
    expect(new Set(derived).size).toBe(users.length);
    for (const name of derived) {
      expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      expect(name.length).toBeLessThanOrEqual(253);
    }
  });

  test('are the same for one user however it is written, and others for another connection', () => {
    expect(objectName('ns/main', 'JO')).toBe(objectName('ns/main', 'jo'));
    expect(objectName('ns/main', 'jo')).not.toBe(objectName('ns/other', 'jo'));
  });
});
