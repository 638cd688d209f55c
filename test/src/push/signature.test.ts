import { describe, expect, test } from '@jest/globals';
import { readSigningKeys, signedHeaders } from '../../../src/push/index.ts';

/** The example that the libraries of Standard Webhooks are tested with. */
const published = {
  key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  message: { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' },
  at: 1_614_265_330_000,
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const keyOf = (byte: number, length = 32): string => `whsec_${Buffer.alloc(length, byte).toString('base64')}`;
const entries = (more: Record<string, string>): ReadonlyMap<string, string> => new Map(Object.entries(more));

describe('signatures', () => {
  test('are those of the published example', () => {
    const { keys } = readSigningKeys(entries({ 'key.1': published.key }));
    expect(signedHeaders(published.message, keys, published.at + 999)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': published.signature,
    });
  });

  test('there is one for each key while keys rotate, the first among them', () => {
    const { keys } = readSigningKeys(entries({ 'key.2': keyOf(2), 'key.1': published.key }));
    const signed = signedHeaders(published.message, keys, published.at)['webhook-signature'].split(' ');
    expect(signed).toHaveLength(2);
    expect(signed[0]).toBe(published.signature);
    expect(signed[1]).toMatch(/^v1,[A-Za-z0-9+/]{43}=$/);
  });

  test('another try of the same notification is signed with its own time', () => {
    const { keys } = readSigningKeys(entries({ 'key.1': keyOf(1) }));
    const one = signedHeaders(published.message, keys, 1_000);
    const other = signedHeaders(published.message, keys, 2_000);
    expect(one['webhook-id']).toBe(other['webhook-id']);
    expect(one['webhook-signature']).not.toBe(other['webhook-signature']);
  });
});

describe('keys in a Secret', () => {
  test.each<[string, Record<string, string>, number, readonly (string | RegExp)[]]>([
    ['one', { 'key.1': keyOf(1) }, 1, []],
    ['with white space around it', { 'key.1': `${keyOf(1)}\n` }, 1, []],
    ['without padding', { 'key.1': keyOf(1, 32).replaceAll('=', '') }, 1, []],
    ['the shortest and the longest', { 'key.a': keyOf(1, 24), 'key.b': keyOf(2, 64) }, 2, []],
    ['other entries are none of ours', { 'ca.crt': 'x', key: keyOf(1), 'key.': keyOf(2) }, 0, []],
    ['too short', { 'key.1': keyOf(1, 23) }, 0, [/key\.1 is not whsec_ and base64 of 24 to 64 bytes/]],
    ['too long', { 'key.1': keyOf(1, 65) }, 0, [/key\.1/]],
    ['without the prefix', { 'key.1': keyOf(1).slice(6) }, 0, [/key\.1/]],
    ['no base64', { 'key.1': `whsec_${'?'.repeat(44)}` }, 0, [/key\.1/]],
    ['cut in the middle', { 'key.1': `${keyOf(1).slice(0, 30)}*${keyOf(1).slice(30)}` }, 0, [/key\.1/]],
    ['empty', { 'key.1': '' }, 0, [/key\.1/]],
    ['a good one beside a bad one', { 'key.1': 'nonsense', 'key.2': keyOf(2) }, 1, [/key\.1/]],
    [
      'more than are of use',
      Object.fromEntries([1, 2, 3, 4, 5, 6].map((each) => [`key.${each}`, keyOf(each)])),
      5,
      ['key.6 is one too many: 5 keys sign'],
    ],
  ])('%s', (_what, given, count, problems) => {
    const read = readSigningKeys(entries(given));
    expect(read.keys).toHaveLength(count);
    expect(read.problems).toHaveLength(problems.length);
    problems.forEach((each, index) => expect(read.problems[index]).toMatch(each));
    // What is wrong is said without the value.
    Object.values(given)
      .filter((value) => value !== '')
      .forEach((value) => expect(read.problems.join(' ')).not.toContain(value));
  });
});
