import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { simulatedAws } from '../e2e/world.ts';
import { freePort, startProcess, type StartedProcess } from '../support/process.ts';
import { commandsOf, filledIn } from './commands.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/quick-start.md'), 'utf8');
const chapter = page.slice(page.indexOf('## Against a simulated AWS'), page.indexOf('## What to try'));
const terminals: StartedProcess[] = [];
// A control plane of a person who tries the same meanwhile is another one.
const named = `cluster -- --name docs-${process.pid}`;
const cache = process.env['IDHUB_CACHE_DIR'];
const env: Record<string, string> = cache === undefined ? {} : { IDHUB_CACHE_DIR: cache };

function terminal(script: string): StartedProcess {
  const typed = script.replaceAll('cluster --', named);
  // Its own group of processes ends with it: npm hands on no signal to what it runs.
  const started = startProcess('setsid', ['bash', '-euo', 'pipefail', '-c', typed], { env, cwd: root });
  terminals.push(started);
  return started;
}

afterAll(async () => {
  for (const { child, exited } of terminals.toReversed()) {
    if (child.exitCode === null && child.pid !== undefined) {
      process.kill(-child.pid, 'SIGTERM');
    }
    await exited;
  }
  await startProcess('npm', ['run', '-s', ...`${named} down`.split(' ')], { env, cwd: root }).exited;
}, 60_000);

test('docs/quick-start.md: three terminals on a machine of one’s own', async () => {
  // Blocks: a command amid a sentence is one line.
  const [first, second, third] = commandsOf('docs/quick-start.md', chapter).filter(
    ({ script }) => script.split('\n').length > 2,
  );
  if (first === undefined || second === undefined || third === undefined) {
    throw new Error('the page has no three blocks');
  }
  const port = String(await freePort());
  const aws = terminal(first.script.replace('4566', port));
  const {
    accounts: [account],
  } = await simulatedAws(aws);

  const ports = '--metrics-address=127.0.0.1:0 --http-address=127.0.0.1:0';
  const operator = terminal(
    second.script.replace('--allow-endpoint-override', `--allow-endpoint-override ${ports}`),
  );
  await operator.line((line) => line.includes('serving metrics'));

  const work = terminal(
    filledIn(third.script, {
      SECRET_ACCESS_KEY: account?.secretAccessKey ?? '',
      ACCESS_KEY_ID: account?.accessKeyId ?? '',
      4566: port,
    }),
  );
  expect({ code: await work.exited, lines: work.lines }).toMatchObject({ code: 0 });
  const shown = work.lines.join('\n');
  expect(shown).toMatch(/awsconnection.aws.idhub.io\/aws .* True +Verified/);
  expect(shown).toMatch(/awsaccount.aws.idhub.io\/lena-brandt .* Enabled +True +AsDeclared/);
}, 180_000);
