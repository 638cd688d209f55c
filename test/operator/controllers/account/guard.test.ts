import { describe, expect, test } from '@jest/globals';
import { annotations } from '../../../../operator/controllers/names.ts';
import { Desk } from './desk.ts';

const boundary = 'arn:aws:iam::111122223333:policy/Boundary';
const other = 'arn:aws:iam::111122223333:policy/Other';
const calls = (desk: Desk): string[] => desk.aws.calls.map(({ operation }) => operation);

describe('a protected user', () => {
  const guard = { protectedUsers: ['root-*'] };

  test.each(['IfUnowned', 'Always', 'Never'] as const)(
    'is not taken over, not looked at and not shut out: %s',
    async (adoptionPolicy) => {
      const desk = await new Desk({ guard }).start();
      desk.aws.add('Root-1');
      await desk.read();
      desk.cluster.apply(
        'jo',
        { userName: 'root-1', adoptionPolicy, enabled: false },
        {
          [annotations.reconcileAt]: 'now',
        },
      );
      await desk.run('jo');
      expect(calls(desk)).toEqual([]);
      expect(desk.ready('jo')).toBe('False Refused');
      expect(desk.message('jo')).toMatch(/spec\.guard\.protectedUsers has "root-\*"/);
    },
  );

  test('is not made', async () => {
    const desk = await new Desk({ guard }).start();
    desk.cluster.apply('jo', { userName: 'root-1' });
    await desk.run('jo');
    expect(calls(desk)).toEqual([]);
    expect(desk.ready('jo')).toBe('False Refused');
  });

  test.each(['Delete', 'Disable', 'Retain'] as const)(
    'that the object stands for already is let go of without a call: %s',
    async (deletionPolicy) => {
      const desk = await new Desk().start();
      desk.cluster.apply('jo', { userName: 'root-1', deletionPolicy });
      await desk.run('jo');
      const known = new Desk({ guard });
      Object.assign(known, { aws: desk.aws, cluster: desk.cluster, clock: desk.clock });
      await known.start();
      desk.aws.calls.length = 0;
      desk.cluster.delete('jo');
      await known.run('jo').catch(() => undefined);
      expect(desk.cluster.accounts.has('jo')).toBe(false);
      expect(calls(desk)).toEqual([]);
      expect(known.reasons()).toContain('Released');
    },
  );

  test('nobody is renamed to one; who is to be shut out is shut out all the same', async () => {
    const desk = await new Desk({ guard }).start();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    desk.aws.calls.length = 0;
    desk.cluster.apply('jo', { userName: 'root-1' });
    await desk.run('jo');
    expect(calls(desk)).toEqual([]);
    expect(desk.ready('jo')).toBe('False Refused');
    desk.cluster.apply('jo', { userName: 'root-1', enabled: false });
    await desk.run('jo');
    expect(desk.aws.find('jo')?.inline.size).toBe(1);
    expect(desk.aws.find('root-1')).toBeUndefined();
    expect(desk.ready('jo')).toBe('False Refused');
  });
});

describe('a forced boundary', () => {
  const guard = { permissionsBoundary: boundary };

  test('is what accounts get that declare none, whatever the defaults are', async () => {
    const desk = await new Desk({ guard, defaults: { permissionsBoundary: other } }).start();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    expect(desk.aws.find('jo')?.boundary).toBe(boundary);
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('another one is refused before any call', async () => {
    const desk = await new Desk({ guard }).start();
    desk.cluster.apply('jo', { permissionsBoundary: other });
    await desk.run('jo');
    expect(calls(desk)).toEqual([]);
    expect(desk.ready('jo')).toBe('False Refused');
    expect(desk.message('jo')).toContain(boundary);
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
  });

  test('who declares another one and is to be shut out is shut out, and gets the forced one', async () => {
    const desk = await new Desk({ guard }).start();
    desk.cluster.apply('jo', {});
    await desk.run('jo');
    desk.cluster.apply('jo', { permissionsBoundary: other });
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('False Refused');
    desk.cluster.apply('jo', { permissionsBoundary: other, enabled: false });
    await desk.run('jo');
    expect(desk.aws.find('jo')).toMatchObject({ boundary });
    expect(desk.aws.find('jo')?.inline.size).toBe(1);
    expect(desk.ready('jo')).toBe('False Refused');
  });
});

describe('a connection of another namespace', () => {
  test('that does not list this one is not used, not even to delete', async () => {
    const desk = await new Desk().start();
    desk.permits = () => false;
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    await desk.run('jo');
    expect(calls(desk)).toEqual([]);
    expect(desk.ready('jo')).toBe('False NamespaceNotAllowed');
    desk.permits = () => true;
    await desk.run('jo');
    expect(desk.ready('jo')).toBe('True AsDeclared');
    desk.permits = () => false;
    desk.aws.calls.length = 0;
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(calls(desk)).toEqual([]);
    expect(desk.ready('jo')).toBe('False NamespaceNotAllowed');
    desk.permits = () => true;
    await desk.run('jo').catch(() => undefined);
    expect(desk.aws.find('jo')).toBeUndefined();
  });

  test('that does not list this one: abandon lets go', async () => {
    const desk = await new Desk().start();
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' });
    await desk.run('jo');
    desk.permits = () => false;
    desk.cluster.apply('jo', { deletionPolicy: 'Delete' }, { [annotations.abandon]: 'true' });
    desk.cluster.delete('jo');
    await desk.run('jo');
    expect(desk.cluster.accounts.has('jo')).toBe(false);
    expect(desk.aws.find('jo')).toBeDefined();
    expect(desk.abandoned).toBe(1);
  });

  test('C03 an object that may not use the connection takes no name from one that may', async () => {
    const desk = await new Desk().start();
    desk.cluster.apply('first', { userName: 'jo' });
    const first = desk.cluster.object('first');
    const creationTimestamp = '2020-01-01T00:00:00Z';
    desk.cluster.accounts.set('first', {
      ...first,
      metadata: { ...first.metadata, namespace: 'foreign', creationTimestamp },
    });
    desk.permits = (namespace) => namespace === 'ns';
    desk.cluster.apply('second', { userName: 'jo' });
    await desk.run('second');
    expect(desk.ready('second')).toBe('True AsDeclared');
    desk.permits = () => true;
  });
});
