import { expect, test } from '@jest/globals';
import { DirectoryUnavailableError } from '../../../src/idhub/index.ts';
import {
  KubernetesDirectories,
  LateDirectories,
  type DirectoryWrites,
} from '../../../operator/directory/index.ts';
import { connection } from '../controllers/material.ts';
import { Desk, key, person } from './desk.ts';

const signal = new AbortController().signal;

function directoriesOf(desk: Desk, asked: unknown[] = []): KubernetesDirectories {
  const outcome = { kind: 'done', account: undefined, changed: true } as const;
  const writes: DirectoryWrites = {
    create: (...all) => {
      asked.push(['create', ...all.slice(0, -1)]);
      return Promise.resolve(outcome);
    },
    change: (...all) => {
      asked.push(['change', ...all.slice(0, -1)]);
      return Promise.resolve(outcome);
    },
    remove: (...all) => {
      asked.push(['remove', ...all.slice(0, -1)]);
      return Promise.resolve(outcome);
    },
  };
  const { catalogues, connections, views } = desk;
  return new KubernetesDirectories({ catalogues, connections, views, writes });
}

test('there is a directory for each connection, sorted', async () => {
  const desk = await Desk.open([person('AIDAJO', 'jo')]);
  desk.put(connection({ metadata: { name: 'second', namespace: 'a' } }));
  const directories = directoriesOf(desk);
  expect(directories.list()).toEqual([{ namespace: 'a', name: 'second' }, key]);
  expect(directories.get({ namespace: 'ns', name: 'third' })).toBeUndefined();
  const directory = directories.get(key);
  expect(directory?.connection).toEqual(key);
  expect((await directory?.view(signal))?.size).toBe(1);
});

test('writes go to the writing half, with the connection', async () => {
  const asked: unknown[] = [];
  const directory = directoriesOf(await Desk.open([]), asked).get(key);
  const context = { caller: 'idhub', signal };
  await directory?.create({ userName: 'jo' }, context);
  await directory?.change('AIDAJO', { active: false }, context);
  await directory?.remove('AIDAJO', context);
  expect(asked).toEqual([
    ['create', key, { userName: 'jo' }],
    ['change', key, 'AIDAJO', { active: false }],
    ['remove', key, 'AIDAJO'],
  ]);
});

test('nobody takes what is not known yet for missing', async () => {
  const desk = await Desk.open([], { synced: false });
  const late = new LateDirectories();
  for (const directories of [directoriesOf(desk), late]) {
    expect(() => directories.list()).toThrow(DirectoryUnavailableError);
    expect(() => directories.get(key)).toThrow(DirectoryUnavailableError);
  }
  desk.connections.synced();
  late.give(directoriesOf(desk));
  expect(late.list()).toEqual([key]);
  expect(late.get(key)?.connection).toEqual(key);
});
