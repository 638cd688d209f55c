import {
  AddUserToGroupCommand,
  CreateGroupCommand,
  CreateLoginProfileCommand,
  CreateUserCommand,
  DeleteUserCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { AwsAccount } from '../../operator/api/v1alpha1/index.ts';
import { eventually } from '../support/process.ts';
import { changes, gone, operatorWrites, patch, remove, resyncs, settled, user, worldFor } from './support.ts';

const world = worldFor('discovery');

async function discovered(): Promise<readonly AwsAccount[]> {
  const { namespace } = world();
  const text = await world().kubectl([
    'get',
    'awsacc',
    '-n',
    namespace,
    '-l',
    'aws.idhub.io/discovered=true',
    '-o',
    'json',
  ]);
  return (JSON.parse(text) as { items: AwsAccount[] }).items;
}

async function untilNames(names: readonly string[]): Promise<readonly AwsAccount[]> {
  return eventually(
    async () => {
      const found = await discovered();
      const there = found.map(({ spec }) => spec.userName).sort();
      return JSON.stringify(there) === JSON.stringify([...names].sort()) ? found : undefined;
    },
    { withinMs: 30_000, what: `accounts for ${names.join(', ')}` },
  );
}

async function discover(discovery: object): Promise<void> {
  await patch(world(), 'aws', { spec: { discovery } }, 'awsconnection');
}

const sales = { Tags: [{ Key: 'department', Value: 'Sales' }] };

beforeAll(async () => {
  const { iam } = world();
  await iam.send(new CreateGroupCommand({ GroupName: 'readers' }));
  for (const UserName of ['A_b+1@x', 'a-b-1-x', 'Jo.Doe']) {
    await iam.send(new CreateUserCommand({ UserName, ...sales }));
  }
  await iam.send(new CreateUserCommand({ UserName: 'elsewhere' }));
  await iam.send(new AddUserToGroupCommand({ UserName: 'Jo.Doe', GroupName: 'readers' }));
  await iam.send(new CreateLoginProfileCommand({ UserName: 'Jo.Doe', Password: 'Example-Of-A-Password-1' }));
  await resyncs(world(), 1);
});

describe('discovery', () => {
  test('C03 (b): users that match get an account each that observes, within the limit; AWS is not written', async () => {
    await discover({ mode: 'Observe', filter: 'department eq "Sales"', limit: 2 });
    const limited = await world().until('awsconnection', 'aws', {
      type: 'Discovery',
      status: 'False',
      reason: 'LimitReached',
    });
    expect(limited.message).toContain('1 more users match');
    await discover({ mode: 'Observe', filter: 'department eq "Sales"', limit: 10 });
    const made = await untilNames(['A_b+1@x', 'a-b-1-x', 'Jo.Doe']);
    await world().until('awsconnection', 'aws', { type: 'Discovery', status: 'True', reason: 'Discovered' });
    for (const { metadata } of made) {
      await world().until('awsaccount', metadata.name, { status: 'True', reason: 'Observed' });
    }
    expect((await world().connection()).status?.discovery).toEqual({ accounts: 3, more: 0, unknown: 0 });
    expect(await operatorWrites(world())).toEqual([]);
  });

  test('kill -9, and nothing is made twice', async () => {
    const before = (await discovered()).map(({ metadata }) => metadata.uid ?? '').sort();
    await world().restartOperator();
    await resyncs(world(), 2);
    expect((await discovered()).map(({ metadata }) => metadata.uid ?? '').sort()).toEqual(before);
  });

  test('going to Manage is an edit of one field: the user gets an owner, and nothing else changes', async () => {
    const account = (await discovered()).find(({ spec }) => spec.userName === 'Jo.Doe');
    const before = await user(world(), 'Jo.Doe');
    await patch(world(), account?.metadata.name ?? '', { spec: { management: 'Manage' } });
    await world().until('awsaccount', account?.metadata.name ?? '', { status: 'True', reason: 'AsDeclared' });
    expect(await changes(world(), 'Jo.Doe')).toEqual(['TagUser']);
    const after = await user(world(), 'Jo.Doe');
    expect(after.userId).toBe(before.userId);
    expect(after.groups).toEqual(before.groups);
    const { 'aws.idhub.io/owner': owner, ...tags } = after.tags;
    expect(owner).toContain(account?.metadata.name);
    expect(tags).toEqual(before.tags);
  });

  test('a leaver who was left disabled stays so when somebody manages them', async () => {
    await world().apply(world().accountManifest('leaver', { userName: 'leaver', deletionPolicy: 'Disable' }));
    await settled(world(), 'leaver');
    await remove(world(), 'leaver');
    await gone(world(), 'leaver');
    const before = await user(world(), 'leaver');
    const written = (await changes(world(), 'leaver')).length;
    await discover({ mode: 'Observe', filter: 'userName eq "leaver"', limit: 10 });
    const account = (await untilNames(['A_b+1@x', 'a-b-1-x', 'Jo.Doe', 'leaver'])).find(
      ({ spec }) => spec.userName === 'leaver',
    );
    const name = account?.metadata.name ?? '';
    await patch(world(), name, { spec: { management: 'Manage' } });
    await world().until('awsaccount', name, { status: 'True', reason: 'AsDeclared' });
    await resyncs(world(), 1);
    expect((await changes(world(), 'leaver')).slice(written)).toEqual(['TagUser']);
    const after = await user(world(), 'leaver');
    expect(Object.keys(before.inlinePolicies)).toEqual(['IDHubDisabled']);
    expect(after.inlinePolicies).toEqual(before.inlinePolicies);
  });

  test('who was made again under the name is another person: nothing is written', async () => {
    const { iam } = world();
    const account = (await discovered()).find(({ spec }) => spec.userName === 'a-b-1-x');
    await iam.send(new DeleteUserCommand({ UserName: 'a-b-1-x' }));
    await iam.send(new CreateUserCommand({ UserName: 'a-b-1-x', ...sales }));
    await resyncs(world(), 1);
    await patch(world(), account?.metadata.name ?? '', { spec: { management: 'Manage' } });
    await world().until('awsaccount', account?.metadata.name ?? '', {
      status: 'False',
      reason: 'IdentityChanged',
    });
    expect(await changes(world(), 'a-b-1-x')).toEqual([]);
  });
});
