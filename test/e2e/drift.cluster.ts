import {
  CreateUserCommand,
  DeleteUserCommand,
  DeleteUserPermissionsBoundaryCommand,
  PutUserPermissionsBoundaryCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import type { UserDump } from '../simulator/index.ts';
import { eventually } from '../support/process.ts';
import { managedPolicy } from './belongings.ts';
import {
  changes,
  event,
  events,
  operations,
  patch,
  resyncs,
  settled,
  untilAll,
  user,
  worldFor,
} from './support.ts';

const world = worldFor('drifting');
const ownerTag = 'aws.idhub.io/owner';
let boundary = '';

/** An account that was made long ago: IAM is given a minute to show what was made just now. */
async function age(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { metadata } = await world().account(name);
    const applied = JSON.parse(metadata.annotations?.['aws.idhub.io/applied'] ?? '{}') as { since: number };
    await patch(world(), name, {
      metadata: {
        annotations: {
          'aws.idhub.io/applied': JSON.stringify({ ...applied, since: applied.since - 86_400_000 }),
        },
      },
    });
  }
}

async function idOf(name: string): Promise<string> {
  return (await user(world(), name)).userId;
}

const names = [
  'tagged',
  'bound',
  'moved',
  'owned',
  'everything',
  'renamed',
  'twice-renamed',
  'held',
  'anew',
  'watched',
];
const ids: Record<string, string> = {};

test('ten accounts, made long ago', async () => {
  boundary = await managedPolicy(world().iam, 'Fence');
  const spec: Record<string, object> = {
    bound: { permissionsBoundary: boundary },
    moved: { path: '/here/' },
    everything: { permissionsBoundary: boundary, path: '/here/', attributes: { surname: "O'Brien" } },
    anew: { onExternalDelete: 'Recreate', attributes: { surname: 'Doe' } },
  };
  await world().iam.send(new CreateUserCommand({ UserName: 'watched' }));
  await world().apply(
    ...names.map((name) =>
      world().accountManifest(name, {
        userName: name,
        tags: { a: '1' },
        ...spec[name],
        ...(name === 'watched' ? { management: 'Observe' } : {}),
      }),
    ),
  );
  await untilAll(world(), names, { status: 'True' });
  for (const name of names) {
    if (name !== 'watched') {
      await settled(world(), name);
    }
    ids[name] = await idOf(name);
  }
  await age(...names.filter((name) => name !== 'watched'));
  // A new process has nothing in mind of what was written a moment ago, and believes its eyes.
  await world().restartOperator();
  await resyncs(world(), 1);
  await world().simulator.resetCalls();
});

test('tags that were changed or taken away come back, foreign ones stay; told once', async () => {
  await world().iam.send(
    new TagUserCommand({
      UserName: 'tagged',
      Tags: [
        { Key: 'a', Value: 'changed' },
        { Key: 'foreign', Value: 'x' },
      ],
    }),
  );
  await eventually(async () => ((await user(world(), 'tagged')).tags['a'] === '1' ? true : undefined));
  expect((await event(world(), 'tagged', 'DriftMended')).message).toContain('tags');
  await resyncs(world(), 2);
  expect(await operations(world(), 'tagged')).toEqual(['TagUser']);
  expect((await user(world(), 'tagged')).tags).toMatchObject({ a: '1', foreign: 'x' });
  const { status } = await world().account('tagged');
  expect(status?.drift?.fields).toEqual(['tags']);
  expect(Date.now() - Date.parse(status?.drift?.mendedAt ?? '')).toBeLessThan(60_000);
  expect((await events(world(), 'tagged')).filter(({ reason }) => reason === 'DriftMended')).toMatchObject([
    { count: 1 },
  ]);
});

test('a boundary that was removed is put back with one call; one that was changed as well', async () => {
  await world().iam.send(new DeleteUserPermissionsBoundaryCommand({ UserName: 'bound' }));
  await eventually(async () => (await user(world(), 'bound')).permissionsBoundary);
  expect(await user(world(), 'bound')).toMatchObject({ permissionsBoundary: boundary });
  await eventually(async () =>
    (await world().account('bound')).status?.drift?.fields?.includes('permissionsBoundary')
      ? true
      : undefined,
  );
  expect(await operations(world(), 'bound')).toEqual(['PutUserPermissionsBoundary']);
  // A boundary that we did not declare is somebody else's, and stays.
  await world().iam.send(
    new PutUserPermissionsBoundaryCommand({ UserName: 'tagged', PermissionsBoundary: boundary }),
  );
  await resyncs(world(), 2);
  expect((await user(world(), 'tagged')).permissionsBoundary).toBe(boundary);
});

test('a path that was changed is put back', async () => {
  await world().iam.send(new UpdateUserCommand({ UserName: 'moved', NewPath: '/there/' }));
  await eventually(async () => ((await user(world(), 'moved')).path === '/here/' ? true : undefined));
  await event(world(), 'moved', 'DriftMended');
  expect(await operations(world(), 'moved')).toEqual(['UpdateUser']);
});

test('a stripped owner tag is put back: the unique id says whose it is', async () => {
  await world().iam.send(new UntagUserCommand({ UserName: 'owned', TagKeys: [ownerTag] }));
  await eventually(async () =>
    (await user(world(), 'owned')).tags[ownerTag] === 'drifting/drifting/owned' ? true : undefined,
  );
  expect(await operations(world(), 'owned')).toEqual(['TagUser']);
});

test('all of it at once is mended in one pass', async () => {
  const UserName = 'everything';
  await world().iam.send(new UpdateUserCommand({ UserName, NewPath: '/x/' }));
  await world().iam.send(new DeleteUserPermissionsBoundaryCommand({ UserName }));
  await world().iam.send(new UntagUserCommand({ UserName, TagKeys: [ownerTag, 'a', 'surname'] }));
  await eventually(async () => {
    const dump = await user(world(), UserName);
    return dump.path === '/here/' &&
      dump.permissionsBoundary === boundary &&
      Object.keys(dump.tags).length === 3
      ? true
      : undefined;
  });
  expect((await user(world(), UserName)).tags).toEqual({
    a: '1',
    surname: 'idhub:1/1:O=27Brien',
    [ownerTag]: 'drifting/drifting/everything',
  });
});

test('a rename in AWS is followed: the same person, no new user, nothing renamed back', async () => {
  await world().iam.send(new UpdateUserCommand({ UserName: 'renamed', NewUserName: 'elsewhere' }));
  const { message } = await world().until('awsaccount', 'renamed', {
    status: 'True',
    reason: 'RenamedInAws',
  });
  expect(message).toContain('"elsewhere"');
  expect((await world().account('renamed')).status).toMatchObject({
    userId: ids['renamed'],
    userName: 'elsewhere',
  });
  // It is still held to its declaration, under the name that it has.
  await patch(world(), 'renamed', { spec: { tags: { a: '2' } } });
  await world().until('awsaccount', 'renamed', { status: 'True', reason: 'RenamedInAws' });
  expect(await user(world(), 'elsewhere')).toMatchObject({ userId: ids['renamed'], tags: { a: '2' } });
  expect(await world().simulator.user('renamed')).toBeUndefined();
  expect(await changes(world(), 'elsewhere')).toEqual(['TagUser']);
  expect(await operations(world(), 'renamed')).toEqual([]);
  // The declaration may catch up, and nothing is to be done then; a third name is a rename.
  await patch(world(), 'renamed', { spec: { userName: 'elsewhere' } });
  await world().until('awsaccount', 'renamed', { status: 'True', reason: 'AsDeclared' });
  await patch(world(), 'renamed', { spec: { userName: 'third' } });
  await world().until('awsaccount', 'renamed', { status: 'True', reason: 'AsDeclared' });
  expect((await user(world(), 'third')).userId).toBe(ids['renamed']);
});

test('renamed in AWS, and its old name taken by somebody new: nobody is mixed up', async () => {
  await world().iam.send(new UpdateUserCommand({ UserName: 'twice-renamed', NewUserName: 'went-away' }));
  await world().iam.send(new CreateUserCommand({ UserName: 'twice-renamed' }));
  await world().until('awsaccount', 'twice-renamed', { status: 'True', reason: 'RenamedInAws' });
  await patch(world(), 'twice-renamed', { spec: { tags: { a: '2' } } });
  await world().until('awsaccount', 'twice-renamed', { status: 'True', reason: 'RenamedInAws' });
  expect((await user(world(), 'went-away')).tags).toMatchObject({ a: '2' });
  expect((await user(world(), 'twice-renamed')).tags).toEqual({});
});

test('a deletion in AWS is held and told; nobody is made again until it is asked for', async () => {
  await world().iam.send(new DeleteUserCommand({ UserName: 'held' }));
  const { message } = await world().until('awsaccount', 'held', {
    status: 'False',
    reason: 'DeletedOutside',
  });
  expect(message).toContain(ids['held']);
  await resyncs(world(), 2);
  expect(await operations(world(), 'held')).toEqual([]);
  const { metadata, status } = await world().account('held');
  expect(status?.state).toBe('Absent');
  expect(metadata.annotations?.['aws.idhub.io/user-id']).toBe(ids['held']);
  expect(await event(world(), 'held', 'DeletedOutside')).toMatchObject({ type: 'Warning', count: 1 });
  await patch(world(), 'held', { spec: { onExternalDelete: 'Recreate' } });
  await world().until('awsaccount', 'held', { status: 'True' });
  const anew = await user(world(), 'held');
  expect(anew.userId).not.toBe(ids['held']);
  expect(anew.tags).toEqual({ a: '1', [ownerTag]: 'drifting/drifting/held' });
  expect(await changes(world(), 'held')).toEqual(['CreateUser']);
});

test('Recreate makes one new user, of another identity', async () => {
  await world().iam.send(new DeleteUserCommand({ UserName: 'anew' }));
  await eventually(async () => world().simulator.user('anew'), { what: 'anew to be there again' });
  await settled(world(), 'anew');
  await resyncs(world(), 2);
  expect(await changes(world(), 'anew')).toEqual(['CreateUser']);
  const next = await user(world(), 'anew');
  expect(next.userId).not.toBe(ids['anew']);
  expect(next.tags).toMatchObject({ surname: 'Doe' });
  const { metadata, status } = await world().account('anew');
  expect(metadata.annotations?.['aws.idhub.io/user-id']).toBe(next.userId);
  expect(status?.userId).toBe(next.userId);
  await event(world(), 'anew', 'DeletedOutside');
});

test('a page that is empty, or a reading that fails half way, deletes and recreates nobody', async () => {
  await world().simulator.configure({ shortPages: true });
  await patch(world(), 'aws', { spec: { settings: { pageSize: 3 } } }, 'awsconnection');
  await resyncs(world(), 4);
  const persons = async (): Promise<readonly UserDump[]> =>
    (await world().simulator.account()).users.filter(({ accessKeys }) => accessKeys.length === 0);
  const before = await persons();
  await world().simulator.resetCalls();
  await world().simulator.fault({
    operation: 'GetAccountAuthorizationDetails',
    error: { code: 'AccessDenied' },
    after: 1,
  });
  await eventually(async () => ((await world().simulator.faults())[0]?.hits === 1 ? true : undefined));
  await world().simulator.configure({ shortPages: false });
  await resyncs(world(), 6);
  expect(await operations(world())).toEqual([]);
  expect(await persons()).toEqual(before);
  await untilAll(world(), ['tagged', 'bound', 'anew', 'held'], { status: 'True' });
});

test('an observed user is never mended', async () => {
  await world().iam.send(new TagUserCommand({ UserName: 'watched', Tags: [{ Key: 'a', Value: '2' }] }));
  await world().iam.send(new UpdateUserCommand({ UserName: 'watched', NewPath: '/x/' }));
  await eventually(async () =>
    (await world().account('watched')).status?.path === '/x/' ? true : undefined,
  );
  expect(await operations(world(), 'watched')).toEqual([]);
});
