import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { processIdentity, stillRuns } from './identity.ts';
import { withLock } from './lock.ts';

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lock-test-'));
  path = join(dir, 'lock');
});

afterEach(() => rm(dir, { recursive: true }));

const sleep = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one at a time, and no file is left', async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await sleep();
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, () => withLock(path, work, { sleep })));
  expect(most).toBe(1);
  expect(await readdir(dir)).toEqual([]);
});

test('the value and the error of the action are passed on, and the lock is free afterwards', async () => {
  await expect(withLock(path, () => Promise.reject(new Error('no')), { sleep })).rejects.toThrow('no');
  await expect(withLock(path, () => Promise.resolve(7), { sleep })).resolves.toBe(7);
});

test.each([
  [
    'a pid that is somebody else by now',
    JSON.stringify({ pid: process.pid, identity: 'an earlier boot', nonce: '' }),
  ],
  ['a process that is gone', JSON.stringify({ pid: 4_194_305, identity: 'x', nonce: '' })],
  ['nothing readable', 'garbage'],
])('the lock of %s is taken over', async (_name, content) => {
  await writeFile(path, content);
  const waits: number[] = [];
  const onWait = (holder: number): number => waits.push(holder);
  await expect(withLock(path, () => Promise.resolve('mine'), { sleep, onWait })).resolves.toBe('mine');
  expect(waits).toEqual([]);
  expect(await readdir(dir)).toEqual([]);
});

test('a dead lock that many find is taken over by one of them at a time', async () => {
  await writeFile(path, JSON.stringify({ pid: 4_194_305, identity: 'x', nonce: '' }));
  let inside = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    expect(inside).toBe(1);
    await sleep();
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 10 }, () => withLock(path, work, { sleep })));
});

test('who waits is told for whom', async () => {
  const holding = Promise.withResolvers<undefined>();
  const first = withLock(path, () => holding.promise, { sleep });
  const told: number[] = [];
  await withLock(path, () => Promise.resolve(), {
    sleep,
    onWait: (holder) => {
      told.push(holder);
      holding.resolve(undefined);
    },
  });
  await first;
  expect(told[0]).toBe(process.pid);
});

test('identity: this process has one, no process has none', () => {
  const identity = processIdentity(process.pid);
  expect(identity).toBeDefined();
  expect(stillRuns({ pid: process.pid, identity: identity ?? '' })).toBe(true);
  expect(stillRuns({ pid: process.pid, identity: 'another' })).toBe(false);
  expect(processIdentity(4_194_305)).toBeUndefined();
  expect(processIdentity(-1)).toBeUndefined();
});
