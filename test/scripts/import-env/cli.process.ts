import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCommand, type CommandResult } from '../../support/command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-env-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]): Promise<CommandResult> =>
  runCommand(process.execPath, [join(import.meta.dirname, '../../../scripts/import-env.ts'), ...args], {
    env: {},
    cwd: folder,
  });

test('what is wrong goes to standard error with exit code 2, and nothing is printed', async () => {
  await writeFile(join(folder, '.env'), "AWS_ACCESS_KEY: 'canary'\n");
  const wrong = await run('.env');
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toContain('.env: AWS_SECRET_ACCESS_KEY is missing or empty');
  expect(wrong.stderr).not.toContain('canary');
  expect(await run('nowhere')).toMatchObject({ code: 2, stdout: '', stderr: 'nowhere cannot be read\n' });
});

test('what is right is printed, with the schema from a file beside the .env', async () => {
  const values = {
    AWS_ACCESS_KEY: 'canary-key',
    AWS_SECRET_ACCESS_KEY: 'canary-secret',
    IDHUB_HOSTNAME: 'idhub.test',
    KEYCLOAK_CLIENT_ID: 'AWS-connector',
    KEYCLOAK_REALM: 'alpha',
    KEYCLOAK_REFRESH_TOKEN: 'canary-token',
    ACCOUNT_SCHEMA: 'account.json',
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  await writeFile(join(folder, '.env'), lines.join('\n'));
  await writeFile(join(folder, 'account.json'), '{"attributes":[{"name":"mail"}]}');
  const right = await run('.env');
  expect(right).toMatchObject({ code: 0, stderr: '' });
  expect(right.stdout).toContain('kind: AwsConnection');
  expect(right.stdout).toContain('- name: jobTitle\n        removed: true');
  expect(await run('--help')).toMatchObject({ code: 0, stderr: '' });
});
