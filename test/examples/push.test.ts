import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  changesMessage,
  gapMessage,
  readSigningKeys,
  signedHeaders,
  type Message,
} from '../../src/push/index.ts';
import { startProcess, type StartedProcess } from '../support/process.ts';

const root = join(import.meta.dirname, '../..');
const keyOf = (byte: number): string => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;
let receiver: StartedProcess;
let url = '';

/** The receiver of docs/push.md, as it is written there. */
beforeAll(async () => {
  const page = await readFile(join(root, 'docs/push.md'), 'utf8');
  const [, code = ''] = /^```js\n([\s\S]*?)^```$/m.exec(page) ?? [];
  expect(code).toContain('isGenuine');
  receiver = startProcess(process.execPath, ['--input-type=module', '--eval', code], {
    env: { PUSH_KEYS: `${keyOf(1)} ${keyOf(2)}`, PORT: '0' },
  });
  url = `http://127.0.0.1:${(await receiver.line((line) => line.startsWith('port '))).slice(5)}/`;
});
afterAll(() => receiver.stop());

const source = {
  connection: 'team/aws',
  run: 'team/nightly',
  runId: 'run-1',
  account: '111122223333',
  mode: 'Full',
  filter: null,
  startedAt: '2026-01-15T12:00:00.000Z',
};
const change = (name: string): string => JSON.stringify({ resource: 'Account', change: 'Created', name });
const one = changesMessage(
  source,
  { first: 0, changes: [change('jo'), change('mo')] },
  { queuedAt: 0, total: 3 },
);

/** Sends it as the connector does. */
async function send(
  message: Message,
  more: { readonly keys?: readonly number[]; readonly now?: number; readonly body?: string } = {},
): Promise<number> {
  const { keys } = readSigningKeys(
    new Map((more.keys ?? [1]).map((byte) => [`key.${byte}`, keyOf(byte)] as const)),
  );
  const headers = signedHeaders(message, keys, more.now ?? Date.now());
  const { status } = await fetch(url, { method: 'POST', headers, body: more.body ?? message.body });
  return status;
}

const told = (): string[] => receiver.lines.filter((line) => !line.startsWith('port '));

test('takes what is signed, once, by either key while they rotate', async () => {
  expect(await send(one)).toBe(204);
  expect(await send(one, { keys: [3, 2] })).toBe(204);
  expect(await send(one, { keys: [2] })).toBe(204);
  const last = changesMessage(source, { first: 2, changes: [change('last')] }, { queuedAt: 0, total: 3 });
  expect(await send(last)).toBe(204);
  await receiver.line((line) => line.endsWith('last'));
  expect(told()).toEqual(['Created Account jo', 'Created Account mo', 'Created Account last']);
});

test('is told of a gap', async () => {
  expect(
    await send(
      gapMessage({ connection: 'team/aws', connectionId: 'c' }, { runs: 1, changes: 2, at: 0, total: 2 }),
    ),
  ).toBe(204);
  expect(await receiver.line((line) => line.startsWith('read'))).toBe('read everything of team/aws');
});

test.each<[string, Parameters<typeof send>[1]]>([
  ['another key', { keys: [3] }],
  ['another body', { body: one.body.replace('jo', 'xo') }],
  ['a request of an hour ago', { now: Date.now() - 3_600_000 }],
  ['a request of the future', { now: Date.now() + 3_600_000 }],
])('refuses %s', async (_what, more) => {
  expect(await send(one, more)).toBe(401);
});

test('refuses what is not signed at all', async () => {
  expect((await fetch(url, { method: 'POST', body: one.body })).status).toBe(401);
});
