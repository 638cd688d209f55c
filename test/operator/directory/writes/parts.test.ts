import { describe, expect, test } from '@jest/globals';
import { ownerTag } from '../../../../src/account/index.ts';
import { DirectoryUnavailableError } from '../../../../src/idhub/index.ts';
import { annotations } from '../../../../operator/controllers/names.ts';
import { ApiError } from '../../../../operator/runtime/index.ts';
import { main, readOnly, Rig } from './rig.ts';

const dev = { type: 'Group', name: 'Dev' } as const;
const ops = { arn: 'arn:aws:iam::111122223333:group/team/Ops' };
const policy = { arn: readOnly };

function refused(kind: string, message: RegExp): object {
  return { kind: 'refused', refusal: { kind, message: expect.stringMatching(message) } };
}

async function person(options: ConstructorParameters<typeof Rig>[0] = {}): Promise<Rig> {
  const rig = new Rig(options);
  rig.aws.add('jo', {
    groups: new Set(['Dev']),
    attached: new Set(['arn:aws:iam::aws:policy/job-function/Billing']),
    inline: new Map([['own', '{"Version":"2012-10-17","Statement":[]}']]),
    tags: new Map([['mail', 'jo@example.org']]),
  });
  return rig.start();
}

describe('entitlements', () => {
  test('that nobody bound are revoked, and stay so', async () => {
    const rig = await person();
    const remove = [
      dev,
      { arn: 'arn:aws:iam::aws:policy/job-function/Billing' },
      { arn: 'arn:aws:iam::111122223333:user/jo/policy/own' },
    ];
    expect(await rig.change('jo', { entitlements: { add: [], remove } })).toMatchObject({
      kind: 'done',
      account: { entitlements: [] },
    });
    const { groups, attached, inline } = rig.user('jo');
    expect([groups.size, attached.size, inline.size]).toEqual([0, 0, 0]);
    await rig.calm();
    expect(rig.account('jo').spec.entitlements).toEqual([
      { type: 'Group', name: 'Dev', state: 'Absent' },
      { type: 'AwsManagedPolicy', arn: 'arn:aws:iam::aws:policy/job-function/Billing', state: 'Absent' },
      { type: 'InlinePolicy', name: 'own', state: 'Absent' },
    ]);
    rig.user('jo').groups.add('Dev');
    await rig.clock.advance(60_000);
    await rig.read();
    await rig.calm();
    expect(rig.user('jo').groups.size).toBe(0);
  });

  test('that were bound from here go with their entries, whoever had given them before', async () => {
    const rig = await person();
    rig.apply('jo', {
      adoptionPolicy: 'IfUnowned',
      entitlements: [{ ...dev }, { type: 'AwsManagedPolicy', name: 'ReadOnlyAccess' }],
    });
    await rig.calm();
    expect(rig.bindings()).toHaveLength(2);
    expect(await rig.change('jo', { entitlements: { add: [], remove: [dev, policy] } })).toMatchObject({
      kind: 'done',
    });
    await rig.calm();
    expect(rig.user('jo').groups).toEqual(new Set());
    expect(rig.user('jo').attached).toEqual(new Set(['arn:aws:iam::aws:policy/job-function/Billing']));
    expect(rig.account('jo').spec.entitlements).toBeUndefined();
    expect(rig.bindings()).toEqual([]);
  });

  test('are given, taken and given again', async () => {
    const rig = await person();
    for (let times = 0; times < 2; times += 1) {
      expect(await rig.change('jo', { entitlements: { add: [ops, policy], remove: [dev] } })).toMatchObject({
        kind: 'done',
        changed: true,
      });
      expect(rig.user('jo').groups).toEqual(new Set(['Ops']));
      expect(rig.user('jo').attached.has(readOnly)).toBe(true);
      expect(await rig.change('jo', { entitlements: { add: [dev], remove: [ops, policy] } })).toMatchObject({
        kind: 'done',
        changed: true,
      });
      expect(rig.user('jo').groups).toEqual(new Set(['Dev']));
      expect(rig.user('jo').attached.has(readOnly)).toBe(false);
    }
  });

  test('that a user has already cost nothing', async () => {
    const rig = await person();
    const add = [
      { type: 'Group', name: 'dev' } as const,
      { arn: 'arn:aws:iam::aws:policy/job-function/Billing' },
    ];
    expect(await rig.change('jo', { entitlements: { add, remove: [policy] } })).toMatchObject({
      kind: 'done',
      changed: false,
    });
    expect(rig.cluster.writes).toEqual([]);
  });

  test.each<[string, 'add' | 'remove', object, 'Present' | 'Absent']>([
    ['not given where another binding says that it is not to be', 'add', ops, 'Absent'],
    ['not taken where another binding says that it is to be', 'remove', dev, 'Present'],
  ])('are %s', async (_name, what, reference, state) => {
    const rig = await person();
    rig.cluster.apply('awsentitlementbindings', {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: { name: 'theirs', namespace: 'ns' },
      spec: {
        connectionRef: { name: 'main' },
        userName: 'jo',
        entitlement: { type: 'Group', name: state === 'Present' ? 'Dev' : 'Ops' },
        state,
      },
    });
    await rig.calm();
    const entitlements = { add: [], remove: [], [what]: [reference] };
    expect(await rig.change('jo', { entitlements })).toEqual(refused('conflict', /"ns\/theirs" says/));
    expect(rig.accounts()).toEqual([]);
  });

  test('wait for what an AwsAccount that is gone has left behind: nobody says that any more', async () => {
    const rig = await person();
    rig.cluster.apply('awsentitlementbindings', {
      apiVersion: 'aws.idhub.io/v1alpha1',
      kind: 'AwsEntitlementBinding',
      metadata: {
        name: 'left',
        namespace: 'ns',
        ownerReferences: [
          {
            apiVersion: 'aws.idhub.io/v1alpha1',
            kind: 'AwsAccount',
            name: 'gone',
            uid: 'gone-1',
            controller: true,
          },
        ],
      },
      spec: {
        connectionRef: { name: 'main' },
        userName: 'jo',
        entitlement: { type: 'Group', name: 'Ops' },
        state: 'Absent',
      },
    });
    await rig.calm();
    const entitlements = { add: [ops], remove: [] };
    expect(await rig.change('jo', { entitlements })).toMatchObject({
      kind: 'pending',
      message: expect.stringMatching(/"ns\/left" goes with its AwsAccount/),
    });
    expect(rig.accounts()).toEqual([]);
    rig.cluster.delete('awsentitlementbindings', 'left');
    await rig.calm();
    expect(await rig.change('jo', { entitlements })).toMatchObject({ kind: 'done', changed: true });
    expect(rig.user('jo').groups).toContain('Ops');
  });

  test('that are not there are refused, and nothing of it is left', async () => {
    const rig = await person();
    const entitlements = { add: [dev, { type: 'Group' as const, name: 'Nobody' }], remove: [] };
    expect(await rig.change('jo', { entitlements, attributes: { city: 'Ulm' } })).toEqual(
      refused('invalidValue', /there is no group Nobody/),
    );
    await rig.calm();
    expect(rig.accounts()).toEqual([]);
    expect(rig.bindings()).toEqual([]);
    expect(Object.fromEntries(rig.user('jo').tags)).toEqual({ mail: 'jo@example.org' });
  });

  test('that are Absent and done make room for others', async () => {
    const rig = await person();
    const gone = Array.from({ length: 40 }, (_each, at) => ({
      type: 'Group' as const,
      name: `Gone${at}`,
      state: 'Absent' as const,
    }));
    rig.apply('jo', { adoptionPolicy: 'IfUnowned', entitlements: gone });
    await rig.calm();
    expect(await rig.change('jo', { entitlements: { add: [ops], remove: [] } })).toMatchObject({
      kind: 'done',
    });
    expect(rig.account('jo').spec.entitlements).toHaveLength(40);
    expect(rig.user('jo').groups.has('Ops')).toBe(true);
  });
});

describe('a password', () => {
  const given = (password: string, more: object = {}) => ({ password: { kind: 'given', password, ...more } });

  test('that is given to a new account is set once, and kept nowhere', async () => {
    const rig = await new Rig().start();
    expect(await rig.create('jo', given('Sunny-Day-1', { resetRequired: true }))).toMatchObject({
      kind: 'done',
    });
    await rig.calm();
    expect(rig.user('jo')).toMatchObject({ console: true, password: 'Sunny-Day-1', resetRequired: true });
    expect(rig.secrets()).toEqual([]);
    expect(rig.account('jo').spec.console).toMatchObject({ access: 'Managed', resetRequired: true });
    expect(rig.account('jo').spec.console?.passwordSecretRef).toBeUndefined();
    expect(rig.aws.count('CreateLoginProfile')).toBe(1);
    expect(rig.aws.count('UpdateLoginProfile')).toBe(0);
    expect(JSON.stringify([rig.accounts(), rig.logs])).not.toContain('Sunny');
  });

  test('of a user that nobody declared is set, by its operation', async () => {
    const rig = new Rig();
    rig.aws.add('jo', { console: true, password: 'before' });
    await rig.start();
    expect(await rig.change('jo', given('Sunny-Day-1'), { operationId: 'op-1' })).toMatchObject({
      kind: 'done',
    });
    expect(rig.user('jo').password).toBe('Sunny-Day-1');
    expect(rig.account('jo').spec.console?.reset).toEqual({ requestId: 'op-1' });
    rig.user('jo').password = 'chosen by jo';
    expect(await rig.change('jo', given('Sunny-Day-1'), { operationId: 'op-1' })).toMatchObject({
      changed: false,
    });
    expect(rig.user('jo').password).toBe('chosen by jo');
    expect(await rig.change('jo', given('Sunny-Day-1'), { operationId: 'op-2' })).toMatchObject({
      changed: true,
    });
    expect(rig.user('jo').password).toBe('Sunny-Day-1');
  });

  test('that is the same again is set once; another one is set', async () => {
    const rig = await person();
    await rig.change('jo', given('Sunny-Day-1'));
    rig.user('jo').password = 'chosen by jo';
    expect(await rig.change('jo', given('Sunny-Day-1'))).toMatchObject({ kind: 'done', changed: false });
    expect(rig.user('jo').password).toBe('chosen by jo');
    expect(await rig.change('jo', given('Rainy-Day-2'))).toMatchObject({ kind: 'done', changed: true });
    expect(rig.user('jo').password).toBe('Rainy-Day-2');
    expect(rig.secrets()).toEqual([]);
  });

  test('is generated, into the Secret of the account', async () => {
    const rig = await person();
    expect(
      await rig.change('jo', { password: { kind: 'generated' } }, { operationId: 'op-1' }),
    ).toMatchObject({ kind: 'done' });
    const [secret] = rig.secrets();
    const text = Buffer.from(secret?.data?.['password'] ?? '', 'base64').toString();
    expect(rig.user('jo').password).toBe(text);
    expect(
      await rig.change('jo', { password: { kind: 'generated' } }, { operationId: 'op-1' }),
    ).toMatchObject({ changed: false });
    expect(rig.user('jo').password).toBe(text);
    expect(
      await rig.change('jo', { password: { kind: 'generated' } }, { operationId: 'op-2' }),
    ).toMatchObject({ changed: true });
    expect(rig.user('jo').password).not.toBe(text);
  });

  test('that AWS refuses leaves no trace of the whole request', async () => {
    const rig = await person();
    const before = rig.picture('jo');
    rig.aws.passwordPolicy = { MinimumPasswordLength: 20, AllowUsersToChangePassword: true };
    expect(await rig.change('jo', { ...given('short-1A'), attributes: { mail: 'new@example.org' } })).toEqual(
      refused('invalidValue', /PasswordPolicyViolation/),
    );
    await rig.calm();
    expect(rig.picture('jo')).toEqual(before);
    expect(rig.accounts()).toEqual([]);
    expect(rig.secrets()).toEqual([]);
  });

  test('of an account that an object stands for: that goes back to what it was', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', { console: { access: 'None' } });
    await rig.calm();
    rig.aws.passwordPolicy = { MinimumPasswordLength: 20, AllowUsersToChangePassword: true };
    expect(await rig.change('jo', given('short-1A'))).toEqual(refused('invalidValue', /Policy/));
    await rig.calm();
    expect(rig.account('jo').spec.console).toEqual({ access: 'None' });
    expect(rig.user('jo').console).toBe(false);
  });

  test('of a new account that AWS refuses: no account', async () => {
    const rig = await new Rig().start();
    rig.aws.passwordPolicy = { MinimumPasswordLength: 20, AllowUsersToChangePassword: true };
    expect(await rig.create('jo', given('short-1A'))).toEqual(refused('invalidValue', /Policy/));
    await rig.calm();
    expect([rig.aws.users, rig.accounts(), rig.secrets()]).toEqual([[], [], []]);
  });

  test('is the last of a request: what is refused before it sets none', async () => {
    const rig = await person();
    rig.aws.refuse = ({ operation }) => (operation === 'UpdateUser' ? 'accessDenied' : undefined);
    expect(await rig.change('jo', { ...given('Sunny-Day-1'), path: '/x/' })).toEqual(
      refused('forbidden', /AccessDenied/),
    );
    await rig.calm();
    expect(rig.user('jo').console).toBe(false);
    expect([rig.accounts(), rig.secrets()]).toEqual([[], []]);
  });

  test('that somebody else declares is not IDHub’s to set', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', { console: { access: 'Managed', passwordSecretRef: { name: 'theirs' } } });
    await rig.rounds(5);
    expect(await rig.change('jo', given('Sunny-Day-1'))).toEqual(refused('mutability', /Secret theirs/));
  });

  test('is brought again by the same request where the answer to its first write was lost', async () => {
    const rig = await person();
    rig.cluster.losesAnswer = 'create awsaccounts';
    await expect(rig.change('jo', given('Sunny-Day-1'))).rejects.toBeInstanceOf(DirectoryUnavailableError);
    await rig.rounds(2);
    expect(await rig.change('jo', given('Sunny-Day-1'))).toMatchObject({ kind: 'done', changed: true });
    expect(rig.user('jo').password).toBe('Sunny-Day-1');
    expect(rig.secrets()).toEqual([]);
  });

  test('that nobody brings again is not set, and the request is taken back', async () => {
    const rig = await person();
    rig.cluster.losesAnswer = 'create awsaccounts';
    await expect(rig.change('jo', given('Sunny-Day-1'))).rejects.toBeInstanceOf(DirectoryUnavailableError);
    await rig.calm();
    expect(rig.user('jo').console).toBe(false);
    expect([rig.accounts(), rig.secrets()]).toEqual([[], []]);
  });

  test('in a note that somebody forged names no Secret of others to be deleted', async () => {
    const rig = await person();
    rig.cluster.apply('secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'theirs', namespace: 'ns' },
    });
    rig.cluster.losesAnswer = 'create awsaccounts';
    await expect(rig.change('jo', given('Sunny-Day-1'))).rejects.toBeInstanceOf(DirectoryUnavailableError);
    const { metadata, spec } = rig.account('jo');
    const note = metadata.annotations?.[annotations.undo] ?? '';
    const forged = note.replace(/"secret":"[^"]+"/, '"secret":"theirs"');
    rig.apply(metadata.name, spec, { [annotations.undo]: forged });
    await rig.calm();
    expect(rig.accounts()).toEqual([]);
    expect(rig.secrets().map(({ metadata: { name } }) => name)).toEqual(['theirs']);
  });

  test('comes with an enable', async () => {
    const rig = await person();
    await rig.change('jo', { active: false });
    expect(await rig.change('jo', given('Sunny-Day-1'))).toEqual(refused('mutability', /disabled/));
    expect(await rig.change('jo', { ...given('Sunny-Day-1'), active: true })).toMatchObject({
      kind: 'done',
      account: { active: true },
    });
    expect(rig.user('jo').password).toBe('Sunny-Day-1');
  });

  test('whose Secret cannot be made is not set, and the request is taken back', async () => {
    const rig = await person();
    rig.cluster.refuse = (write) =>
      write.startsWith('create secrets')
        ? new ApiError({ code: 403, reason: 'Forbidden', message: 'no' })
        : undefined;
    expect(await rig.change('jo', given('Sunny-Day-1'))).toEqual(refused('conflict', /lost/));
    await rig.calm();
    expect([rig.accounts(), rig.secrets()]).toEqual([[], []]);
  });
});

describe('a deletion', () => {
  test('of a user that nobody declared takes all it owns', async () => {
    const rig = await person();
    expect(await rig.remove('jo')).toEqual({ kind: 'done', account: undefined, changed: true });
    expect([rig.aws.users, rig.accounts(), rig.bindings()]).toEqual([[], [], []]);
  });

  test('of one that an object stands for, whatever that says of deletions', async () => {
    const rig = await person();
    rig.apply('jo', { adoptionPolicy: 'IfUnowned', deletionPolicy: 'Retain', entitlements: [{ ...dev }] });
    await rig.calm();
    expect(await rig.remove('jo')).toMatchObject({ kind: 'done', account: undefined });
    await rig.calm();
    expect([rig.aws.users, rig.accounts(), rig.bindings()]).toEqual([[], [], []]);
  });

  test('of one that is only observed', async () => {
    const rig = await person();
    rig.apply('jo', { management: 'Observe' });
    await rig.calm();
    expect(await rig.remove('jo')).toMatchObject({ kind: 'done', account: undefined });
    expect(rig.aws.users).toEqual([]);
  });

  test('only shuts out, where that is configured', async () => {
    const rig = await person({ deletion: 'Disable' });
    expect(await rig.remove('jo')).toMatchObject({ kind: 'done', account: undefined });
    expect(rig.accounts()).toEqual([]);
    const { inline, tags } = rig.user('jo');
    expect(inline.has('IDHubDisabled')).toBe(true);
    expect(tags.has(ownerTag)).toBe(false);
  });

  test('that AWS refuses goes on, and the request is told so', async () => {
    const rig = await person();
    rig.aws.refuse = ({ operation }) => (operation === 'DetachUserPolicy' ? 'accessDenied' : undefined);
    expect(await rig.remove('jo')).toEqual({
      kind: 'pending',
      retryAfterMs: 5_000,
      message: expect.stringMatching(/DeletionBlocked/),
    });
    rig.aws.refuse = () => undefined;
    expect(await rig.remove('jo')).toMatchObject({ kind: 'done', account: undefined });
    expect(rig.aws.users).toEqual([]);
  });

  test('twice at one time is one', async () => {
    const rig = await person();
    const { userId } = rig.user('jo');
    const both = [1, 2].map(() => rig.writes.remove(main, userId, rig.context()));
    for (const each of both) {
      expect(await rig.outcome(each)).toMatchObject({ kind: 'done' });
    }
    const again = rig.writes.remove(main, userId, rig.context());
    expect(await rig.outcome(again)).toEqual(refused('missing', /no account/));
  });
});

describe('several writes to one account', () => {
  test('go one after the other', async () => {
    const rig = await person();
    const { userId } = rig.user('jo');
    const all = [
      { attributes: { city: 'Ulm' } },
      { entitlements: { add: [ops], remove: [] } },
      { path: '/x/' },
    ].map((write) => rig.writes.change(main, userId, write, rig.context()));
    for (const each of all) {
      expect(await rig.outcome(each)).toMatchObject({ kind: 'done', changed: true });
    }
    expect(rig.user('jo')).toMatchObject({ path: '/x/', groups: new Set(['Dev', 'Ops']) });
    expect(rig.user('jo').tags.get('city')).toBe('Ulm');
    expect(rig.accounts()).toHaveLength(1);
  });

  test('wait where the first takes too long; the same one joins it', async () => {
    const rig = await person();
    rig.aws.refuse = ({ operation }) => (operation === 'TagUser' ? 'throttled' : undefined);
    expect(await rig.change('jo', { attributes: { city: 'Ulm' } })).toMatchObject({ kind: 'pending' });
    expect(await rig.change('jo', { attributes: { city: 'Bonn' } })).toMatchObject({
      kind: 'pending',
      message: expect.stringMatching(/not finished/),
    });
    const again = rig.change('jo', { attributes: { city: 'Ulm' } });
    rig.aws.refuse = () => undefined;
    expect(await again).toMatchObject({ kind: 'done' });
    expect(rig.user('jo').tags.get('city')).toBe('Ulm');
  });

  test('of an object that is paused are refused', async () => {
    const rig = await new Rig().start();
    rig.apply('jo', {});
    await rig.calm();
    rig.apply('jo', {}, { [annotations.paused]: 'true' });
    await rig.calm();
    expect(await rig.change('jo', { active: false })).toEqual(refused('conflict', /paused/));
    expect(await rig.remove('jo')).toEqual(refused('conflict', /paused/));
  });
});
