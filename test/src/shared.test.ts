import { expect, test } from '@jest/globals';
import { canonical } from '../../src/canonical.ts';
import { linesOf } from '../../src/lines.ts';
import { isLoopback } from '../../src/loopback.ts';
import { readRetryAfter } from '../../src/retry-after.ts';
import { unlessAborted } from '../../src/unless-aborted.ts';

test.each<[unknown, string]>([
  [{ b: 1, a: { d: [2, { y: 1, x: 2 }], c: undefined } }, '{"a":{"d":[2,{"x":2,"y":1}]},"b":1}'],
  [undefined, 'null'],
  [['b', undefined, null], '["b",null,null]'],
])('%j as a text that equal ones share', (value, text) => {
  expect(canonical(value)).toBe(text);
});

test.each<[string, readonly string[]]>([
  ['', []],
  ['a\n', ['a']],
  ['a\n\nb', ['a', 'b']],
  ['\n', []],
])('the lines of %j', (text, lines) => {
  expect([...linesOf(Buffer.from(text))].map(String)).toEqual(lines);
});

test.each<[string, boolean]>([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.10.20.30', true],
  ['::1', true],
  ['[::1]', true],
  ['127.0.0.1.example.com', false],
  ['0.0.0.0', false],
  ['example.com', false],
])('%s is this machine: %s', (host, here) => {
  expect(isLoopback(host)).toBe(here);
});

const now = Date.parse('2026-01-01T00:00:00Z');

test.each<[string | undefined, number | undefined]>([
  ['5', 5_000],
  [' 5 ', 5_000],
  ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
  ['86400', 3_600_000],
  ['0', undefined],
  ['Wed, 31 Dec 2025 23:00:00 GMT', undefined],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After: %s asks for %s ms', (text, ms) => {
  expect(readRetryAfter(text, now)).toBe(ms);
});

test('what is waited for, or the reason why nobody waits any more', async () => {
  const leave = new AbortController();
  await expect(unlessAborted(Promise.resolve(1), leave.signal)).resolves.toBe(1);
  await expect(unlessAborted(Promise.reject(new Error('no')), leave.signal)).rejects.toThrow('no');
  const never = unlessAborted(Promise.withResolvers().promise, leave.signal);
  leave.abort(new Error('left'));
  await expect(never).rejects.toThrow('left');
  await expect(unlessAborted(Promise.resolve(1), leave.signal)).rejects.toThrow('left');
});
