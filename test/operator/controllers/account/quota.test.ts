import { expect, test } from '@jest/globals';
import { defaultUserQuotas } from '../../../../src/connection/index.ts';
import { Desk } from './desk.ts';

function allow(desk: Desk, quota: number): void {
  desk.registry.obtain({ namespace: 'ns', name: 'main' }).facts = {
    alias: undefined,
    quotas: { users: { used: 0, quota } },
    perUser: defaultUserQuotas,
  };
}

test('a user that does not fit is not asked for: what was made since the reading counts', async () => {
  const desk = await new Desk().start();
  desk.aws.add('somebody');
  await desk.read();
  allow(desk, 2);
  for (const name of ['jo', 'sam']) {
    desk.cluster.apply(name, {});
    await desk.run(name);
  }
  expect(desk.ready('jo')).toBe('True AsDeclared');
  expect(desk.ready('sam')).toBe('False LimitExceeded');
  expect(desk.message('sam')).toContain('has 2 users, and its quota (Users) is 2');
  expect(desk.aws.calls.map(({ operation }) => operation)).toEqual(['CreateUser']);
  allow(desk, 3);
  await desk.run('sam');
  expect(desk.ready('sam')).toBe('True AsDeclared');
});

test('a full account keeps nobody from being changed or shut out', async () => {
  const desk = await new Desk().start();
  desk.cluster.apply('jo', {});
  await desk.run('jo');
  allow(desk, 1);
  desk.cluster.apply('jo', { tags: { a: 'b' }, enabled: false });
  await desk.run('jo');
  expect(desk.ready('jo')).toBe('True AsDeclared');
  expect(desk.aws.find('jo')?.inline.size).toBe(1);
});

test('where AWS has not said how many there may be, it is asked', async () => {
  const desk = await new Desk().start();
  desk.cluster.apply('jo', {});
  await desk.run('jo');
  expect(desk.ready('jo')).toBe('True AsDeclared');
});
