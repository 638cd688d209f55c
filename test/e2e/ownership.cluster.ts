import { CreateUserCommand, DeleteUserCommand, TagUserCommand, UntagUserCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/process.ts';
import {
  changes,
  event,
  gone,
  operations,
  patch,
  remove,
  resyncs,
  settled,
  snapshotEvery,
  user,
  worldFor,
} from './support.ts';
import { communicationUser, connectionManifest, secretManifest } from './world.ts';

const world = worldFor('owners', { operator: [snapshotEvery, '--watch-namespaces=owners,owners-too'] });
const ownerTag = 'aws.idhub.io/owner';

async function apply(name: string, spec: object): Promise<void> {
  await world().apply(world().accountManifest(name, { userName: name, ...spec }));
}

async function outside(userName: string, tags: Readonly<Record<string, string>> = {}): Promise<string> {
  const { User: made } = await world().iam.send(
    new CreateUserCommand({
      UserName: userName,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  );
  return made?.UserId ?? '';
}

describe('a name that is taken', () => {
  test('is never ours: not by the object, not by a change of it, not by its deletion', async () => {
    await outside('jo', { theirs: 'yes' });
    const before = await user(world(), 'jo');
    await resyncs(world(), 1);
    await apply('jo', { deletionPolicy: 'Delete', tags: { a: '1' } });
    const { message } = await world().until('awsaccount', 'jo', { status: 'False', reason: 'AlreadyExists' });
    expect(message).toContain('adoptionPolicy');
    await resyncs(world(), 2);
    expect(await operations(world(), 'jo')).toEqual([]);
    await patch(world(), 'jo', { spec: { userName: 'joan' } });
    await world().until('awsaccount', 'jo', { status: 'True' });
    expect((await user(world(), 'joan')).tags).toEqual({ [ownerTag]: 'owners/owners/jo', a: '1' });
    await remove(world(), 'jo');
    await gone(world(), 'jo', 45_000);
    expect(await world().simulator.user('joan')).toBeUndefined();
    expect(await user(world(), 'jo')).toEqual(before);
  });

  test('an object that owns nothing is deleted at once, and nothing is touched', async () => {
    await outside('mine');
    await apply('mine', { deletionPolicy: 'Delete' });
    await world().until('awsaccount', 'mine', { status: 'False', reason: 'AlreadyExists' });
    await remove(world(), 'mine');
    await gone(world(), 'mine');
    expect(await changes(world(), 'mine')).toEqual([]);
    expect(await world().simulator.user('mine')).toBeDefined();
  });

  test('the user that the connection works as is never an account', async () => {
    await apply('suicide', {
      userName: communicationUser.toUpperCase(),
      adoptionPolicy: 'Always',
      enabled: false,
      deletionPolicy: 'Delete',
    });
    await world().until('awsaccount', 'suicide', { status: 'False', reason: 'CommunicationUser' });
    await remove(world(), 'suicide');
    await gone(world(), 'suicide');
    expect(await operations(world(), communicationUser)).toEqual([]);
  });
});

describe('adoption', () => {
  test('IfUnowned takes a user whatever the case of its name, once, and then has nothing to do', async () => {
    const id = await outside('Ada.Lovelace@corp', { theirs: 'yes' });
    await apply('ada', { userName: 'ada.lovelace@corp', adoptionPolicy: 'IfUnowned', tags: { a: '1' } });
    await settled(world(), 'ada');
    expect(await event(world(), 'ada', 'Adopted')).toMatchObject({ type: 'Normal' });
    const account = await world().account('ada');
    expect(account.status).toMatchObject({ userId: id, userName: 'Ada.Lovelace@corp' });
    expect(account.metadata.finalizers).toEqual(['aws.idhub.io/finalizer']);
    await resyncs(world(), 3);
    expect(await changes(world(), 'ada.lovelace@corp')).toEqual(['TagUser']);
    expect(await user(world(), 'ada.lovelace@corp')).toMatchObject({
      userName: 'Ada.Lovelace@corp',
      userId: id,
      tags: { [ownerTag]: 'owners/owners/ada', theirs: 'yes', a: '1' },
    });
    expect((await world().account('ada')).metadata.resourceVersion).toBe(account.metadata.resourceVersion);
  });

  test('adopted and retained: the user stays, free for the next', async () => {
    const id = await outside('grace');
    await apply('grace', { adoptionPolicy: 'IfUnowned', deletionPolicy: 'Retain' });
    await settled(world(), 'grace');
    await remove(world(), 'grace');
    await gone(world(), 'grace');
    expect(await user(world(), 'grace')).toMatchObject({ userId: id, tags: {} });
    await apply('grace-again', { userName: 'grace', adoptionPolicy: 'IfUnowned' });
    await settled(world(), 'grace-again');
    expect((await user(world(), 'grace')).tags).toEqual({ [ownerTag]: 'owners/owners/grace-again' });
  });

  test('the finalizer and the unique id are on the object before the first write', async () => {
    await outside('careful');
    await world().simulator.fault({
      operation: 'TagUser',
      user: 'careful',
      error: { code: 'ServiceFailure' },
      times: -1,
    });
    await apply('careful', { adoptionPolicy: 'IfUnowned' });
    const { userId } = await user(world(), 'careful');
    await eventually(async () => ((await operations(world(), 'careful')).length > 0 ? true : undefined));
    const { metadata } = await world().account('careful');
    expect(metadata.finalizers).toEqual(['aws.idhub.io/finalizer']);
    expect(metadata.annotations?.['aws.idhub.io/user-id']).toBe(userId);
    await world().simulator.clearFaults();
    await world().until('awsaccount', 'careful', { status: 'True' });
  });

  test("another installation's user is refused by IfUnowned, and taken by Always", async () => {
    await outside('elsewhere', { [ownerTag]: 'other-cluster/prod/elsewhere' });
    await apply('elsewhere', { adoptionPolicy: 'IfUnowned', deletionPolicy: 'Delete' });
    const { message } = await world().until('awsaccount', 'elsewhere', {
      status: 'False',
      reason: 'AlreadyExists',
    });
    expect(message).toContain('other-cluster/prod/elsewhere');
    await resyncs(world(), 1);
    expect(await changes(world(), 'elsewhere')).toEqual([]);
    await patch(world(), 'elsewhere', { spec: { adoptionPolicy: 'Always' } });
    await settled(world(), 'elsewhere');
    expect((await user(world(), 'elsewhere')).tags).toEqual({ [ownerTag]: 'owners/owners/elsewhere' });
    expect((await event(world(), 'elsewhere', 'Adopted')).message).toContain('other-cluster/prod/elsewhere');
  });
});

describe('observing first', () => {
  test('a user that was observed is not ours by that', async () => {
    await outside('watched', { theirs: 'yes' });
    await apply('watched', { management: 'Observe' });
    await world().until('awsaccount', 'watched', { status: 'True', reason: 'Observed' });
    await patch(world(), 'watched', { spec: { management: 'Manage', tags: { a: '1' } } });
    await world().until('awsaccount', 'watched', { status: 'False', reason: 'AlreadyExists' });
    await resyncs(world(), 2);
    await remove(world(), 'watched');
    await gone(world(), 'watched');
    expect(await changes(world(), 'watched')).toEqual([]);
    expect((await user(world(), 'watched')).tags).toEqual({ theirs: 'yes' });
  });
});

describe('two objects for one user', () => {
  test('the second, in other case, is Conflict, owns nothing, and goes at once', async () => {
    await apply('first', { userName: 'Shared', tags: { from: 'first' } });
    await settled(world(), 'first');
    await apply('second', {
      userName: 'shared',
      deletionPolicy: 'Delete',
      enabled: false,
      tags: { from: 'second' },
    });
    const { message } = await world().until('awsaccount', 'second', { status: 'False', reason: 'Conflict' });
    expect(message).toContain('first');
    await resyncs(world(), 2);
    expect(await operations(world(), 'shared')).toEqual(['CreateUser']);
    await remove(world(), 'second');
    await gone(world(), 'second');
    expect(await user(world(), 'shared')).toMatchObject({ tags: { from: 'first' }, inlinePolicies: {} });
    expect(await operations(world(), 'shared')).toEqual(['CreateUser']);
    await world().until('awsaccount', 'first', { status: 'True' });
  });

  test('made at the same moment: one of them makes the user, and both go on to say so', async () => {
    await world().apply(
      ...['twin-a', 'twin-b'].map((name) =>
        world().accountManifest(name, { userName: 'twin', tags: { name } }),
      ),
    );
    const ready = async (name: string): Promise<string> =>
      (await world().account(name)).status?.conditions?.find(({ type }) => type === 'Ready')?.reason ?? '';
    await eventually(async () =>
      [await ready('twin-a'), await ready('twin-b')].sort().join() === 'AsDeclared,Conflict'
        ? true
        : undefined,
    );
    const [winner, loser] =
      (await ready('twin-a')) === 'AsDeclared' ? ['twin-a', 'twin-b'] : ['twin-b', 'twin-a'];
    expect((await user(world(), 'twin')).tags).toEqual({
      name: winner,
      [ownerTag]: `owners/owners/${winner}`,
    });
    expect((await operations(world(), 'twin')).filter((each) => each === 'CreateUser')).toHaveLength(1);
    // The winner lets go of the user; the other may have it when it says so.
    await remove(world(), winner);
    await gone(world(), winner);
    await patch(world(), loser, { spec: { adoptionPolicy: 'IfUnowned' } });
    await settled(world(), loser);
    expect((await user(world(), 'twin')).tags[ownerTag]).toBe(`owners/owners/${loser}`);
  });

  test('from another namespace, through a connection of its own to the same AWS account', async () => {
    await world().kubectl(['create', 'namespace', 'owners-too']);
    const elsewhere = (name: string, spec: object): object =>
      world().accountManifest(name, spec, { namespace: 'owners-too' });
    await world().apply(
      secretManifest('owners-too', 'aws-credentials', world().credentials),
      connectionManifest('owners-too', 'aws', world().simulatorUrl),
    );
    await apply('here', { userName: 'JO.NS' });
    await settled(world(), 'here');
    await world().apply(elsewhere('there', { userName: 'jo.ns', deletionPolicy: 'Delete' }));
    const reason = (): Promise<string> =>
      world().kubectl([
        'get',
        'awsaccount',
        'there',
        '-n',
        'owners-too',
        '-o',
        'jsonpath={.status.conditions[?(@.type=="Ready")].reason}',
      ]);
    await eventually(async () => ((await reason()) === 'Conflict' ? true : undefined));
    await world().kubectl(['delete', 'awsaccount', 'there', '-n', 'owners-too', '--timeout=15s']);
    expect(await changes(world(), 'jo.ns')).toEqual(['CreateUser']);
    expect((await user(world(), 'jo.ns')).tags).toEqual({ [ownerTag]: 'owners/owners/here' });
    await world().kubectl(['delete', 'namespace', 'owners-too', '--timeout=60s']);
  });
});

describe('whose it is may change', () => {
  test('a stripped owner tag is put back, and blocks no disable', async () => {
    await apply('stripped', {});
    await settled(world(), 'stripped');
    await world().iam.send(new UntagUserCommand({ UserName: 'stripped', TagKeys: [ownerTag] }));
    await patch(world(), 'stripped', { spec: { enabled: false } });
    await world().until('awsaccount', 'stripped', { status: 'True' });
    await eventually(async () =>
      (await user(world(), 'stripped')).tags[ownerTag] === 'owners/owners/stripped' ? true : undefined,
    );
    expect(Object.keys((await user(world(), 'stripped')).inlinePolicies)).toEqual(['IDHubDisabled']);
  });

  test("an owner tag of somebody else's is respected: hands off, and a deletion waits", async () => {
    await apply('seized', { deletionPolicy: 'Delete' });
    await settled(world(), 'seized');
    await world().restartOperator();
    await world().iam.send(
      new TagUserCommand({ UserName: 'seized', Tags: [{ Key: ownerTag, Value: 'other/ns/seized' }] }),
    );
    await world().until('awsaccount', 'seized', {
      status: 'False',
      reason: 'AlreadyExists',
      withinMs: 15_000,
    });
    await patch(world(), 'seized', { spec: { enabled: false, tags: { a: '1' } } });
    await world().until('awsaccount', 'seized', { status: 'False', reason: 'AlreadyExists' });
    await remove(world(), 'seized');
    const { message } = await world().until('awsaccount', 'seized', { status: 'False', reason: 'Conflict' });
    expect(message).toContain('aws.idhub.io/abandon=true');
    await resyncs(world(), 2);
    expect((await world().account('seized')).metadata.deletionTimestamp).toBeDefined();
    await patch(world(), 'seized', { metadata: { annotations: { 'aws.idhub.io/abandon': 'true' } } });
    await gone(world(), 'seized');
    expect(await operations(world(), 'seized')).toEqual(['CreateUser']);
    expect(await world().simulator.user('seized')).toBeDefined();
  });

  test('a name that was deleted and made again is another identity until a person confirms it', async () => {
    await apply('reborn', { tags: { a: '1' } });
    await settled(world(), 'reborn');
    await world().iam.send(new DeleteUserCommand({ UserName: 'reborn' }));
    const next = await outside('reborn');
    await world().restartOperator();
    const { message } = await world().until('awsaccount', 'reborn', {
      status: 'False',
      reason: 'IdentityChanged',
    });
    expect(message).toContain(next);
    await resyncs(world(), 2);
    expect(await operations(world(), 'reborn')).toEqual(['CreateUser']);
    await patch(world(), 'reborn', { metadata: { annotations: { 'aws.idhub.io/confirm-user-id': next } } });
    await world().until('awsaccount', 'reborn', { status: 'True' });
    expect(await user(world(), 'reborn')).toMatchObject({
      userId: next,
      tags: { a: '1', [ownerTag]: 'owners/owners/reborn' },
    });
    expect((await world().account('reborn')).metadata.annotations?.['aws.idhub.io/user-id']).toBe(next);
  });
});
