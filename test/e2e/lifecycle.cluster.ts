import { CreatePolicyCommand, CreateUserCommand, TagUserCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../operator/api/v1alpha1/index.ts';
import { eventually } from '../support/process.ts';
import {
  event,
  events,
  gone,
  operations,
  operatorWrites,
  patch,
  remove,
  resyncs,
  settled,
  user,
  worldFor,
} from './support.ts';

const world = worldFor('lifecycle');
const owner = (name: string): string => `lifecycle/lifecycle/${name}`;

async function boundary(name: string): Promise<string> {
  const { Policy } = await world().iam.send(
    new CreatePolicyCommand({
      PolicyName: name,
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
      }),
    }),
  );
  return Policy?.Arn ?? '';
}

let still: AwsAccount | undefined;

test('an account that nobody touches again, for the last test', async () => {
  await world().apply(
    world().accountManifest('still', {
      userName: 'still',
      path: '/x/',
      tags: { a: '1' },
      attributes: { streetAddress: 'x, '.repeat(200), displayName: 'Jo' },
    }),
  );
  await settled(world(), 'still');
  still = await world().account('still');
  await world().simulator.resetCalls();
});

describe('making a user', () => {
  test('one call, with its owner, attributes, tags, path and boundary; no read', async () => {
    const arn = await boundary('Bound');
    const before = await world().simulator.calls();
    await world().apply(
      world().accountManifest('maker', {
        userName: 'Jo.Doe+x=1,@corp_-',
        path: '/people/berlin/',
        attributes: { givenName: 'Jo', surname: "O'Brien" },
        tags: { CostCenter: '4711' },
        permissionsBoundary: arn,
      }),
    );
    await settled(world(), 'maker');
    expect(await operations(world(), 'Jo.Doe+x=1,@corp_-')).toEqual(['CreateUser']);
    const after = await world().simulator.calls();
    expect(after.byOperation['GetUser'] ?? 0).toBe(before.byOperation['GetUser'] ?? 0);

    const made = await user(world(), 'Jo.Doe+x=1,@corp_-');
    expect(made).toMatchObject({ path: '/people/berlin/', permissionsBoundary: arn });
    expect(made.tags).toEqual({
      'aws.idhub.io/owner': owner('maker'),
      givenName: 'Jo',
      surname: 'idhub:1/1:O=27Brien',
      CostCenter: '4711',
    });
    const account = await world().account('maker');
    expect(account.status).toMatchObject({
      observedGeneration: 1,
      userId: made.userId,
      arn: made.arn,
      userName: 'Jo.Doe+x=1,@corp_-',
      path: '/people/berlin/',
      state: 'Enabled',
    });
    expect(account.metadata.finalizers).toEqual(['aws.idhub.io/finalizer']);
    expect(account.metadata.annotations?.['aws.idhub.io/user-id']).toBe(made.userId);
    expect(await event(world(), 'maker', 'Created')).toMatchObject({ type: 'Normal' });
  });

  test('a user name has up to 64 characters, and the sentence says so beyond', async () => {
    const name = 'n'.repeat(64);
    await world().apply(world().accountManifest('sixty-four', { userName: name }));
    await world().until('awsaccount', 'sixty-four', { status: 'True' });
    expect((await user(world(), name)).userName).toBe(name);
    await expect(
      world().apply(world().accountManifest('sixty-five', { userName: `${name}n` })),
    ).rejects.toThrow(/spec.userName.*64/);
  });

  test('an answer that is lost after AWS made the user makes no second one', async () => {
    await world().simulator.fault({ operation: 'CreateUser', user: 'lost-answer', drop: 'after' });
    await world().apply(
      world().accountManifest('lost-answer', { userName: 'lost-answer', tags: { a: '1' } }),
    );
    await settled(world(), 'lost-answer');
    const writes = await operatorWrites(world(), 'lost-answer');
    expect(writes.filter(({ code }) => code === 'OK')).toHaveLength(1);
    expect(writes[0]).toMatchObject({ operation: 'CreateUser', dropped: 'after' });
    expect((await user(world(), 'lost-answer')).tags).toMatchObject({ a: '1' });
  });

  test('faults of the service pass', async () => {
    await world().simulator.fault({
      operation: 'CreateUser',
      user: 'unlucky',
      error: { code: 'ServiceFailure' },
      times: 3,
    });
    await world().apply(world().accountManifest('unlucky', { userName: 'unlucky' }));
    await world().until('awsaccount', 'unlucky', { status: 'True' });
    expect(await operations(world(), 'unlucky')).toEqual([
      'CreateUser!ServiceFailure',
      'CreateUser!ServiceFailure',
      'CreateUser!ServiceFailure',
      'CreateUser',
    ]);
  });

  test('reads that lag behind do not make a user twice, nor lose a change', async () => {
    await world().simulator.configure({ consistencyDelayMs: 3_000 });
    try {
      await world().apply(world().accountManifest('laggard', { userName: 'laggard' }));
      await world().until('awsaccount', 'laggard', { status: 'True' });
      await patch(world(), 'laggard', { spec: { tags: { late: 'yes' } } });
      await world().until('awsaccount', 'laggard', { status: 'True' });
      await resyncs(world(), 4);
      expect((await operations(world(), 'laggard')).filter((each) => each.startsWith('CreateUser'))).toEqual([
        'CreateUser',
      ]);
      expect((await user(world(), 'laggard')).tags).toMatchObject({ late: 'yes' });
      await world().until('awsaccount', 'laggard', { status: 'True' });
    } finally {
      await world().simulator.configure({ consistencyDelayMs: 0 });
    }
  });
});

describe('changing a user', () => {
  test('tags: the fewest calls, foreign ones stay', async () => {
    await world().apply(
      world().accountManifest('tagged', {
        userName: 'tagged',
        tags: { keep: '1', change: 'old', drop: 'x', Case: 'c' },
      }),
    );
    await settled(world(), 'tagged');
    await world().iam.send(new TagUserCommand({ UserName: 'tagged', Tags: [{ Key: 'Cost', Value: '1' }] }));
    await resyncs(world(), 1);
    await world().apply(
      world().accountManifest('tagged', {
        userName: 'tagged',
        tags: { keep: '1', change: 'new', CASE: 'c' },
      }),
    );
    await world().until('awsaccount', 'tagged', { status: 'True' });
    expect(await operations(world(), 'tagged')).toEqual(['CreateUser', 'UntagUser', 'TagUser']);
    expect((await user(world(), 'tagged')).tags).toEqual({
      'aws.idhub.io/owner': owner('tagged'),
      keep: '1',
      change: 'new',
      CASE: 'c',
      Cost: '1',
    });
    expect(await event(world(), 'tagged', 'Updated')).toMatchObject({ type: 'Normal' });
  });

  test('a rename keeps the unique id; a name in other case is the same name', async () => {
    await world().apply(world().accountManifest('renamed', { userName: 'maiden', tags: { team: 'a' } }));
    await settled(world(), 'renamed');
    const { userId } = await user(world(), 'maiden');
    await patch(world(), 'renamed', { spec: { userName: 'married' } });
    await world().until('awsaccount', 'renamed', { status: 'True', reason: 'AsDeclared' });
    expect(await operations(world(), 'maiden')).toEqual(['CreateUser', 'UpdateUser']);
    expect(await world().simulator.user('maiden')).toBeUndefined();
    expect(await user(world(), 'married')).toMatchObject({
      userId,
      tags: { team: 'a', 'aws.idhub.io/owner': owner('renamed') },
    });
    await patch(world(), 'renamed', { spec: { userName: 'MARRIED' } });
    await world().until('awsaccount', 'renamed', { status: 'True', reason: 'AsDeclared' });
    expect((await user(world(), 'married')).userName).toBe('married');
    expect(await operations(world(), 'married')).toEqual([]);
  });

  test('a rename onto a name that is taken changes nothing and says who has it', async () => {
    await world().iam.send(new CreateUserCommand({ UserName: 'Taken' }));
    await world().apply(world().accountManifest('wants', { userName: 'wants' }));
    await settled(world(), 'wants');
    await resyncs(world(), 1);
    await patch(world(), 'wants', { spec: { userName: 'taken' } });
    const { message } = await world().until('awsaccount', 'wants', { status: 'False', reason: 'NameTaken' });
    expect(message).toContain(':user/Taken');
    expect(await operations(world(), 'wants')).toEqual(['CreateUser']);
    await patch(world(), 'wants', { spec: { userName: 'wanted' } });
    await world().until('awsaccount', 'wants', { status: 'True' });
    expect(await world().simulator.user('wanted')).toBeDefined();
  });

  test('path and boundary: set, changed, cleared, one call each', async () => {
    const [one, two] = [await boundary('One'), await boundary('Two')];
    await world().apply(world().accountManifest('moved', { userName: 'moved', path: '/a/' }));
    await settled(world(), 'moved');
    await patch(world(), 'moved', { spec: { path: '/b/', permissionsBoundary: one } });
    await world().until('awsaccount', 'moved', { status: 'True' });
    expect(await user(world(), 'moved')).toMatchObject({ path: '/b/', permissionsBoundary: one });
    await patch(world(), 'moved', { spec: { permissionsBoundary: two } });
    await world().until('awsaccount', 'moved', { status: 'True' });
    expect((await user(world(), 'moved')).permissionsBoundary).toBe(two);
    await patch(world(), 'moved', { spec: { permissionsBoundary: null, path: null } });
    await world().until('awsaccount', 'moved', { status: 'True' });
    const moved = await user(world(), 'moved');
    expect(moved.permissionsBoundary).toBeUndefined();
    expect(moved.path).toBe('/b/');
    expect((await world().account('moved')).status).toMatchObject({ path: '/b/', arn: moved.arn });
    expect(await operations(world(), 'moved')).toEqual([
      'CreateUser',
      'UpdateUser',
      'PutUserPermissionsBoundary',
      'PutUserPermissionsBoundary',
      'DeleteUserPermissionsBoundary',
    ]);
  });

  test('a boundary that may not be taken away is said, and the rest is done all the same', async () => {
    const arn = await boundary('Locked');
    await world().apply(world().accountManifest('locked', { userName: 'locked', permissionsBoundary: arn }));
    await settled(world(), 'locked');
    await world().simulator.fault({
      operation: 'DeleteUserPermissionsBoundary',
      user: 'locked',
      error: { code: 'AccessDenied', message: 'an SCP forbids it' },
      times: -1,
    });
    await patch(world(), 'locked', { spec: { permissionsBoundary: null, tags: { done: 'yes' } } });
    const { message } = await world().until('awsaccount', 'locked', {
      status: 'False',
      reason: 'AccessDenied',
    });
    expect(message).toContain('DeleteUserPermissionsBoundary');
    expect(await user(world(), 'locked')).toMatchObject({ permissionsBoundary: arn, tags: { done: 'yes' } });
    await world().simulator.clearFaults();
    await world().until('awsaccount', 'locked', { status: 'True' });
    expect((await user(world(), 'locked')).permissionsBoundary).toBeUndefined();
  });

  test('a tag that is protected is never written', async () => {
    await patch(world(), 'aws', { spec: { settings: { protectedTags: ['Project'] } } }, 'awsconnection');
    await world().until('awsconnection', 'aws', { status: 'True' });
    await world().apply(
      world().accountManifest('protected', {
        userName: 'protected',
        tags: { project: 'secret', other: '1' },
      }),
    );
    await eventually(async () => (await world().account('protected')).status?.conditions?.[0]);
    await resyncs(world(), 1);
    const [ready] = (await world().account('protected')).status?.conditions ?? [];
    expect(ready).toMatchObject({ status: 'False', reason: 'TagConflict' });
    expect(ready?.message).toContain('"project"');
    expect((await user(world(), 'protected')).tags).toEqual({
      'aws.idhub.io/owner': owner('protected'),
      other: '1',
    });
  });
});

describe('annotations of people', () => {
  test('paused: nothing is read or written until it is taken away', async () => {
    await world().apply(world().accountManifest('pausing', { userName: 'pausing' }));
    await settled(world(), 'pausing');
    await patch(world(), 'pausing', {
      metadata: { annotations: { 'aws.idhub.io/paused': 'true' } },
      spec: { tags: { a: '1' } },
    });
    await world().until('awsaccount', 'pausing', { status: 'Unknown', reason: 'Paused' });
    await resyncs(world(), 2);
    expect(await operations(world(), 'pausing')).toEqual(['CreateUser']);
    await patch(world(), 'pausing', { metadata: { annotations: { 'aws.idhub.io/paused': null } } });
    await world().until('awsaccount', 'pausing', { status: 'True' });
    expect((await user(world(), 'pausing')).tags).toMatchObject({ a: '1' });
  });

  test('reconcile-at: one live look, once for each value', async () => {
    await world().apply(world().accountManifest('asked', { userName: 'asked' }));
    await settled(world(), 'asked');
    const looks = async (): Promise<number> => (await world().simulator.calls()).byOperation['GetUser'] ?? 0;
    const before = await looks();
    for (const at of ['first', 'second']) {
      await patch(world(), 'asked', { metadata: { annotations: { 'aws.idhub.io/reconcile-at': at } } });
      await eventually(async () =>
        (await world().account('asked')).status?.handledReconcileAt === at ? true : undefined,
      );
    }
    await resyncs(world(), 2);
    expect((await looks()) - before).toBe(2);
    expect(await operations(world(), 'asked')).toEqual(['CreateUser']);
  });
});

describe('two hands on one object', () => {
  test('an object that is deleted before it was ever seen makes no user', async () => {
    world().operator.kill('SIGSTOP');
    try {
      await world().apply(
        world().accountManifest(
          'stillborn',
          { userName: 'stillborn' },
          { finalizers: ['example.test/hold'] },
        ),
      );
      await remove(world(), 'stillborn');
    } finally {
      world().operator.kill('SIGCONT');
    }
    await resyncs(world(), 2);
    expect((await world().account('stillborn')).metadata.finalizers).toEqual(['example.test/hold']);
    expect(await operations(world(), 'stillborn')).toEqual([]);
    await patch(world(), 'stillborn', { metadata: { finalizers: null } });
    await gone(world(), 'stillborn');
  });

  test('specs that are changed while they are worked on end as they were last written', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `busy-${index}`);
    const manifests = (round: number): object[] =>
      names.map((name) => world().accountManifest(name, { userName: name, tags: { round: String(round) } }));
    for (const round of [1, 2, 3]) {
      await world().apply(...manifests(round));
    }
    await eventually(
      async () => {
        const list = JSON.parse(
          await world().kubectl(['get', 'awsaccount', '-n', 'lifecycle', '-o', 'json']),
        ) as { items: Awaited<ReturnType<ReturnType<typeof world>['account']>>[] };
        const busy = list.items.filter((item) => item.metadata.name.startsWith('busy-'));
        return busy.length === 30 &&
          busy.every(
            ({ metadata, status }) =>
              status?.observedGeneration === metadata.generation &&
              status?.conditions?.every(
                (each) => each.status === 'True' && each.observedGeneration === metadata.generation,
              ),
          )
          ? true
          : undefined;
      },
      { withinMs: 40_000, everyMs: 300, what: '30 accounts to be as last declared' },
    );
    for (const name of names) {
      expect((await user(world(), name)).tags).toMatchObject({ round: '3' });
    }
    expect((await events(world(), 'busy-0')).filter(({ type }) => type === 'Warning')).toEqual([]);
    expect(
      world().operator.lines.filter((line) => line.includes('busy-') && line.includes('"error"')),
    ).toEqual([]);
  });
});

describe('observing', () => {
  test('reports what is there, never writes, and lets go without touching it', async () => {
    await world().apply(
      world().accountManifest('watched', { userName: 'watched', management: 'Observe', tags: { a: '1' } }),
    );
    await world().until('awsaccount', 'watched', { status: 'False', reason: 'NotFound' });
    await world().iam.send(new CreateUserCommand({ UserName: 'Watched', Path: '/theirs/' }));
    await world().until('awsaccount', 'watched', { status: 'True', reason: 'Observed' });
    expect((await world().account('watched')).status).toMatchObject({
      userName: 'Watched',
      path: '/theirs/',
      state: 'Enabled',
    });
    await remove(world(), 'watched');
    await gone(world(), 'watched');
    expect(await operations(world(), 'watched')).toEqual([]);
    expect(await user(world(), 'watched')).toMatchObject({ tags: {} });
  });
});

test('20 resyncs without a change: no write in AWS, none to the object', async () => {
  const readings = async (): Promise<number> =>
    (await world().simulator.calls()).byOperation['GetAccountAuthorizationDetails'] ?? 0;
  await resyncs(world(), Math.max(1, 21 - (await readings())));
  expect(await readings()).toBeGreaterThan(20);
  expect(await operations(world(), 'still')).toEqual([]);
  // Byte for byte: no status, no annotation, and so no resource version, was written.
  expect(JSON.stringify(await world().account('still'))).toBe(JSON.stringify(still));
});
