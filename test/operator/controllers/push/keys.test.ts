import { expect, test } from '@jest/globals';
import type { Secret } from '../../../../operator/controllers/names.ts';
import { PushKeys } from '../../../../operator/controllers/push/index.ts';
import { createLogger } from '../../../../operator/runtime/index.ts';
import { FakeClient } from '../../runtime/fake-api.ts';
import { StillClock } from '../still-clock.ts';
import { keyOne } from './desk.ts';

test.each([
  ['all of them good', { 'key.1': keyOne }, undefined],
  [
    'one of them not',
    { 'key.1': keyOne, 'key.2': 'swordfish' },
    'some keys are left out: key.2 is not whsec_ and base64 of 24 to 64 bytes',
  ],
  [
    'none of them good',
    { 'key.2': 'swordfish' },
    'changes cannot be sent, and will wait: Secret ns/keys (--push-secret) has no usable entry key.<name>: key.2 is not whsec_ and base64 of 24 to 64 bytes',
  ],
  [
    'no Secret',
    undefined,
    'changes cannot be sent, and will wait: there is no Secret ns/keys (--push-secret)',
  ],
])('at the start, %s', async (_, entries, said) => {
  const client = new FakeClient();
  const clock = new StillClock(0);
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', clock, write: (line) => lines.push(line) });
  if (entries !== undefined) {
    const data = Object.entries(entries).map(([name, value]) => [
      name,
      Buffer.from(value).toString('base64'),
    ]);
    const made: Secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'ns', name: 'keys' },
      data: Object.fromEntries(data),
    };
    client.store.create('secrets', made);
  }
  const secret = { namespace: 'ns', name: 'keys' };
  const keys = new PushKeys({ client, secret, clock, protectSecret: () => undefined });
  await keys.check(logger, AbortSignal.timeout(5_000));
  const written = lines.map((line) => JSON.parse(line) as { level: string; msg: string; detail: string });
  expect(written.map(({ level, msg, detail }) => `${level} ${msg}: ${detail}`)).toEqual(
    said === undefined ? [] : [`warn ${said}`],
  );
  expect(lines.join('')).not.toContain('swordfish');
});
