import { expect, test } from '@jest/globals';
import { runCommand } from './command.ts';

const env = { PATH: process.env['PATH'] ?? '' };

test.each<[string, string, readonly string[], { code: number; stdout: string; stderr: RegExp }]>([
  [
    'output and code',
    'sh',
    ['-c', 'echo one; echo two >&2; exit 3'],
    { code: 3, stdout: 'one\n', stderr: /^two$/m },
  ],
  [
    'a command that is not there',
    'no-such-command',
    [],
    { code: 127, stdout: '', stderr: /cannot start no-such-command/ },
  ],
  ['one that takes too long', 'sleep', ['60'], { code: 128, stdout: '', stderr: /ended by SIGKILL/ }],
])('%s', async (_, command, args, expected) => {
  const result = await runCommand(command, args, { env, timeoutMs: command === 'sleep' ? 1 : 60_000 });
  expect(result).toEqual({ ...expected, stderr: expect.stringMatching(expected.stderr) });
});

test('a time-out keeps nobody waiting once the command has ended', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  const before = timers();
  await runCommand('no-such-command', [], { env, timeoutMs: 60_000 });
  await runCommand('true', [], { env, timeoutMs: 60_000 });
  expect(timers()).toBe(before);
});
