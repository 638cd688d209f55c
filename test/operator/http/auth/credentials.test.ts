import { describe, expect, test } from '@jest/globals';
import { oidcMay, readCredentials } from '../../../../operator/http/auth/credentials.ts';

const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );

const token = 'test-token-0123456789';
const basic = (value: string): { kind: 'basic'; value: Buffer } => ({
  kind: 'basic',
  value: Buffer.from(value),
});
const bearer = (value: string): { kind: 'bearer'; value: Buffer } => ({
  kind: 'bearer',
  value: Buffer.from(value),
});
const aws = { namespace: 'team', name: 'aws' };

describe('who comes in', () => {
  const credentials = readCredentials(
    encoded({
      'basic.idhub': 'idhub:correct horse:battery',
      'basic.new': 'idhub:another password\n',
      'token.entra': `${token}\r\n`,
      'basic.odd': 'jörg:password-of-jörg',
    }),
  );

  test.each([
    [basic('idhub:correct horse:battery'), 'idhub'],
    [basic('idhub:another password'), 'idhub'],
    [bearer(token), 'token.entra'],
    [basic('jörg:password-of-jörg'), 'basic.odd'],
  ])('%j is %s', (shown, name) => {
    expect(credentials.match(shown)?.name).toBe(name);
  });

  test.each([
    [basic('idhub:correct horse')],
    [basic('idhub:correct horse:battery ')],
    [basic('IDHUB:correct horse:battery')],
    [basic('idhub:')],
    [basic(':')],
    [basic('')],
    [bearer('')],
    [bearer('idhub:correct horse:battery')],
    [basic(token)],
    [bearer(`${token}x`)],
    [bearer(token.slice(1))],
    [bearer(token.toUpperCase())],
    [bearer('x'.repeat(8_000))],
    [{ kind: 'none' } as const],
  ])('%j is nobody', (shown) => {
    expect(credentials.match(shown)).toBeUndefined();
  });

  test('several at once; what must not be logged is told', () => {
    expect(credentials.size).toBe(4);
    expect(credentials.problems).toEqual([]);
    expect(credentials.secrets).toEqual(
      expect.arrayContaining([
        token,
        'correct horse:battery',
        Buffer.from('idhub:correct horse:battery').toString('base64'),
      ]),
    );
  });
});

test.each<[string, string, RegExp]>([
  ['basic.a', '', /is not user:password/],
  ['basic.a', 'jo', /is not user:password/],
  ['basic.a', ':long password', /is not user:password/],
  ['basic.a', 'jo:', /fewer than 8/],
  ['basic.a', 'jo:short\n', /fewer than 8/],
  ['token.a', '', /fewer than 16/],
  ['token.a', '\n', /fewer than 16/],
  ['token.a', 'short', /fewer than 16/],
  ['token.a', 'a token with spaces in it', /characters that no bearer token has/],
  ['token', token, /is none of/],
  ['tokens.a', token, /is none of/],
  ['connections.a', '*', /belongs to no basic.a/],
])('an entry %s of "%s" lets nobody in', (key, value, says) => {
  const credentials = readCredentials(encoded({ [key]: value }));
  expect(credentials.size).toBe(0);
  expect(credentials.problems).toEqual([expect.stringMatching(says)]);
  expect(credentials.problems.join()).not.toContain(
    value.trim() === '' || value === '*' ? '\0' : value.trim(),
  );
  for (const shown of [basic(value), basic(''), basic(':'), bearer(value), bearer('')]) {
    expect(credentials.match(shown)).toBeUndefined();
  }
});

describe('which connections a caller may use', () => {
  test.each<[string | undefined, Record<string, boolean>]>([
    [undefined, { 'team/aws': true, 'other/aws': true }],
    ['*', { 'team/aws': true, 'other/aws': true }],
    ['team/aws', { 'team/aws': true, 'team/aws2': false, 'other/aws': false }],
    ['team/*\nother/aws', { 'team/aws': true, 'team/b': true, 'other/aws': true, 'other/b': false }],
    [' team/a , team/b ', { 'team/a': true, 'team/b': true, 'team/c': false }],
    ['', { 'team/aws': false }],
    ['team', { 'team/aws': false }],
    ['team/aws,*/aws', { 'team/aws': false, 'other/aws': false }],
  ])('connections.a: %j', (list, verdicts) => {
    const data = encoded({ 'token.a': token, ...(list === undefined ? {} : { 'connections.a': list }) });
    const caller = readCredentials(data).match(bearer(token));
    for (const [name, verdict] of Object.entries(verdicts)) {
      const [namespace = '', connection = ''] = name.split('/');
      expect([name, caller?.may({ namespace, name: connection })]).toEqual([name, verdict]);
    }
  });

  test('of one entry says nothing of another', () => {
    const credentials = readCredentials(
      encoded({ 'token.a': token, 'token.b': `${token}b`, 'connections.b': 'team/x' }),
    );
    expect(credentials.match(bearer(token))?.may(aws)).toBe(true);
    expect(credentials.match(bearer(`${token}b`))?.may(aws)).toBe(false);
  });

  test('of tokens of an issuer', () => {
    expect(oidcMay({})).toBeUndefined();
    expect(oidcMay(encoded({ 'connections.oidc': 'team/*' }))?.(aws)).toBe(true);
    expect(oidcMay(encoded({ 'connections.oidc': 'other/*' }))?.(aws)).toBe(false);
    expect(oidcMay(encoded({ 'connections.oidc': 'nonsense' }))?.(aws)).toBe(false);
    expect(readCredentials(encoded({ 'connections.oidc': '*' })).problems).toEqual([]);
  });
});
