import { afterEach, expect, test } from '@jest/globals';
import { IAM } from '@aws-sdk/client-iam';
import { startProcess, type StartedProcess } from '../support/process.ts';
import { SimulatorControl, type SimulatedAccount } from './index.ts';

const started: StartedProcess[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((running) => running.stop()));
});

function run(...flags: readonly string[]): StartedProcess {
  const running = startProcess(process.execPath, [`${import.meta.dirname}/cli.ts`, ...flags]);
  started.push(running);
  return running;
}

interface FirstLine {
  readonly port: number;
  readonly accounts: readonly SimulatedAccount[];
}

test('the first line is JSON, the flags hold, and SIGTERM ends it with 0', async () => {
  const running = run(
    '--port=0',
    '--accounts=2',
    '--users=3',
    '--enforce-policies',
    '--short-pages',
    '--latency=1',
    '--rate-limit=1000:1000',
    '--consistency-delay=0',
    '--organization',
  );
  const { port, accounts } = JSON.parse(await running.line(() => true)) as FirstLine;
  expect(accounts).toHaveLength(2);
  expect(accounts[0]).toEqual({
    id: expect.stringMatching(/^\d{12}$/),
    partition: 'aws',
    adminUserName: 'administrator',
    accessKeyId: expect.stringMatching(/^AKIA[A-Z2-7]{16}$/),
    secretAccessKey: expect.any(String),
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const [, second] = accounts;
  const iam = new IAM({
    endpoint,
    region: 'us-east-1',
    credentials: second ?? { accessKeyId: '', secretAccessKey: '' },
  });
  const control = new SimulatorControl(endpoint);
  const page = await iam.listUsers({});
  expect([page.Users?.length, page.IsTruncated]).toEqual([2, true]);
  expect((await control.account(second?.id)).users).toHaveLength(4);
  expect((await control.calls()).byOperation).toEqual({ ListUsers: 1 });
  iam.destroy();
  expect(await running.stop()).toBe(0);
});

test('SIGINT ends it, also while a client keeps a connection open', async () => {
  const running = run('--port=0');
  const { port } = JSON.parse(await running.line(() => true)) as FirstLine;
  await new SimulatorControl(`http://127.0.0.1:${port}`).calls();
  running.kill('SIGINT');
  expect(await running.exited).toBe(0);
});

test('help and wrong flags', async () => {
  const help = run('--help');
  expect(await help.exited).toBe(0);
  expect(help.lines.join('\n')).toMatch(/--consistency-delay MS/);
  const unknown = run('--nothing');
  expect(await unknown.exited).toBe(1);
  expect(unknown.lines.join('\n')).toMatch(/Unknown option '--nothing'/);
  const wrong = run('--accounts', 'many');
  expect(await wrong.exited).toBe(1);
  expect(wrong.lines).toEqual(['simulator: --accounts takes a number, not many']);
});
