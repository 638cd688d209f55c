import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { runCommand, type CommandResult } from '../support/command.ts';
import { processIdentity } from '../support/identity.ts';
import { plainEnvironment } from '../support/process.ts';

jest.setTimeout(120_000);

const name = `test-${process.pid}`;

function cluster(...args: string[]): Promise<CommandResult> {
  const cli = join(import.meta.dirname, 'cli.ts');
  const cache = process.env['IDHUB_CACHE_DIR'];
  return runCommand(process.execPath, [cli, ...args, `--name=${name}`], {
    env: { ...plainEnvironment, ...(cache === undefined ? {} : { IDHUB_CACHE_DIR: cache }) },
  });
}

async function pids(): Promise<number[]> {
  return [...(await cluster('status')).stdout.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
}

afterAll(() => cluster('down'));

test('before it is up', async () => {
  expect(await cluster('status')).toMatchObject({
    code: 1,
    stdout: `Not running. Start it: npm run cluster -- up --name ${name}\n`,
  });
  expect(await cluster('env')).toMatchObject({ code: 1, stdout: '' });
  expect(await cluster('down')).toMatchObject({ code: 0, stdout: 'Nothing to end: it does not run.\n' });
  expect((await cluster('--help')).stdout).toMatch(/^Usage: npm run cluster -- COMMAND/);
  expect(await cluster('sideways')).toMatchObject({ code: 2 });
});

test('up, used, up again, down', async () => {
  const [up, meanwhile] = await Promise.all([cluster('up'), cluster('up')]);
  expect(`${up.stdout}${meanwhile.stdout}`).toMatch(/is up after \d+\.\d s: https:/);
  expect(`${up.stdout}${meanwhile.stdout}`).toMatch(/is up already: https:/);
  const before = await pids();
  expect(before).toHaveLength(3);

  const status = await cluster('status');
  expect(status.code).toBe(0);
  expect(status.stdout).toMatch(/^Running: local, https:\/\/127\.0\.0\.1:\d+, Kubernetes v1\.36\.3, since /);
  expect(status.stdout.match(/ ready$/gm)).toHaveLength(3);

  const env = await cluster('env');
  const used = await runCommand('/bin/sh', ['-c', `${env.stdout}\nkubectl get namespace default -o name`], {
    env: { ...plainEnvironment },
  });
  expect(used.stdout).toBe('namespace/default\n');

  await cluster('up');
  expect(await pids()).toEqual(before);

  expect((await cluster('down')).stdout).toBe('Ended.\n');
  expect(before.map(processIdentity)).toEqual([undefined, undefined, undefined]);
  expect((await cluster('status')).code).toBe(1);
});

test('what is left after a kill -9 is recognised and replaced', async () => {
  await cluster('up');
  const before = await pids();
  process.kill(before[1] ?? 0, 'SIGKILL');
  const status = await cluster('status');
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(/^Not running \(processes are gone\)/);
  expect((await cluster('env')).code).toBe(1);

  expect((await cluster('up')).stdout).toContain('what was left of an earlier one was removed');
  expect(before.map(processIdentity)).toEqual([undefined, undefined, undefined]);
  const after = await pids();
  const stateDir = /KUBECONFIG: (.*)\/admin\.kubeconfig/.exec((await cluster('status')).stdout)?.[1] ?? '';
  for (const pid of after) {
    process.kill(pid, 'SIGKILL');
  }
  expect((await cluster('down')).stdout).toBe('It did not run any more; what was left of it is removed.\n');
  expect(existsSync(stateDir)).toBe(false);
});
