import { CreateUserCommand, DeleteUserCommand, TagUserCommand, UpdateUserCommand } from '@aws-sdk/client-iam';
import { beforeAll, expect, test } from '@jest/globals';
import type { AwsReconciliation } from '../../operator/api/v1alpha1/index.ts';
import { patch, resyncs, worldFor } from './support.ts';

/** Most are users that no filter here is about: a reading in small pages takes many calls. */
const world = worldFor('filtering', { simulator: ['--users=40'] });

const department = (value: string) => [{ Key: 'department', Value: value }];

async function run(name: string, filter: string, more: object = {}): Promise<AwsReconciliation> {
  await world().apply(world().runManifest(name, { resources: ['Account'], filter, ...more }));
  await world().until('awsreconciliation', name, { type: 'Complete', status: 'True' });
  return world().run(name);
}

const told = ({ status }: AwsReconciliation) =>
  (status?.changes ?? []).map(({ change, name }) => `${change} ${name}`).sort();

beforeAll(async () => {
  const { iam } = world();
  for (const [UserName, Path, of] of [
    ['f-jo', '/eu/', 'Filters'],
    ['f-sam', '/eu/north/', 'Filters'],
    ['f-kim', '/us/', 'Filters'],
    ['f-lee', '/us/', 'Others'],
  ] as const) {
    await iam.send(new CreateUserCommand({ UserName, Path, Tags: department(of) }));
  }
});

test('who leaves a filter is not deleted; a filter has one memory, however it is written', async () => {
  const { iam } = world();
  expect(told(await run('one', 'department eq "Filters"'))).toEqual([
    'Created f-jo',
    'Created f-kim',
    'Created f-sam',
  ]);
  await iam.send(new TagUserCommand({ UserName: 'f-kim', Tags: department('Others') }));
  await iam.send(new TagUserCommand({ UserName: 'f-lee', Tags: department('Filters') }));
  const expected = ['Created f-lee', 'LeftFilter f-kim'];
  expect(told(await run('dry', 'Department EQ "Filters"', { dryRun: true }))).toEqual(expected);
  const second = await run('two', '(DEPARTMENT  Eq "Filters")');
  expect(told(second)).toEqual(expected);
  expect(second.status?.counts).toMatchObject({ created: 1, left: 1, deleted: 0, unchanged: 2, unknown: 0 });
  expect(told(await run('three', 'department eq "Filters"'))).toEqual([]);
});

test('two filters do not know each other, and neither does the run over everybody', async () => {
  const { iam } = world();
  expect(told(await run('other', 'userName sw "F-" and not (department eq "Filters")'))).toEqual([
    'Created f-kim',
  ]);
  await world().apply(world().runManifest('everybody', { resources: ['Account'] }));
  await world().until('awsreconciliation', 'everybody', { type: 'Complete', status: 'True' });
  expect((await world().run('everybody')).status?.counts).toMatchObject({ deleted: 0, left: 0 });
  await iam.send(new DeleteUserCommand({ UserName: 'f-kim' }));
  expect(told(await run('other-again', 'userName sw "F-" and not (department eq "Filters")'))).toEqual([
    'Deleted f-kim',
  ]);
  expect(told(await run('four', 'department eq "Filters"'))).toEqual([]);
});

test('what is no filter ends the run, and says what there is', async () => {
  await world().apply(
    world().runManifest('wrong', { resources: ['Account'], filter: 'nickName eq "x"' }),
    world().runManifest('broken', { resources: ['Account'], filter: 'department eq "Filters' }),
  );
  for (const [name, words] of [
    ['wrong', 'there is no attribute "nickName"; there are id, userName,'],
    ['broken', 'the text that begins at character 15 does not end'],
  ] as const) {
    const { message } = await world().until('awsreconciliation', name, {
      type: 'Failed',
      status: 'True',
      reason: 'InvalidFilter',
    });
    expect(message).toContain(words);
  }
});

test('a path is put to AWS, where all others would cost more; who leaves the path is not deleted', async () => {
  const { iam, simulator } = world();
  await patch(world(), 'aws', { spec: { settings: { pageSize: 1 } } }, 'awsconnection');
  // Counted in pages here: two readings end in that time, so that one began after the change.
  await resyncs(world(), 2 * 45);
  const listings = async (): Promise<number> => (await simulator.calls()).byOperation['ListUsers'] ?? 0;
  const before = await listings();
  const filter = 'path sw "/eu/" and department eq "Filters"';
  const first = await run('eu', filter);
  expect(told(first)).toEqual(['Created f-jo', 'Created f-sam']);
  // Two users read live, and their listing: the whole account is a call for each of more than 40 users.
  expect(first.status?.calls).toBeLessThanOrEqual(20);
  expect(await listings()).toBeGreaterThan(before);
  await iam.send(new UpdateUserCommand({ UserName: 'f-sam', NewPath: '/us/' }));
  const second = await run('eu-again', filter);
  expect(told(second)).toEqual(['LeftFilter f-sam']);
  expect(second.status?.counts).toMatchObject({ left: 1, deleted: 0 });
});
