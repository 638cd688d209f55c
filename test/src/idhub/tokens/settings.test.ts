import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { idhubEntries, readSettings } from '../../../../src/idhub/tokens/index.ts';

const least = {
  hostname: 'example.iamsath.com',
  realm: 'alpha',
  clientId: 'AWS-connector',
  refreshToken: 'r',
};

function settingsOf(entries: Record<string, string>): object {
  const outcome = readSettings(entries);
  if (outcome.kind !== 'ready') {
    throw new Error(outcome.problems.join('; '));
  }
  return outcome.settings;
}

function problemsOf(entries: Record<string, string>): readonly string[] {
  const outcome = readSettings(entries);
  return outcome.kind === 'refused' ? outcome.problems : [];
}

describe('entries of the IDHub Secret', () => {
  test('what the guide gives is enough, blanks and line ends around it do not count', () => {
    expect(settingsOf({ ...least, hostname: ' example.iamsath.com\n', refreshToken: 'r\n' })).toEqual({
      tokenUrl: 'https://example.iamsath.com/auth/realms/alpha/protocol/openid-connect/token',
      clientId: 'AWS-connector',
      clientSecret: undefined,
      refreshToken: 'r',
      login: undefined,
      scope: undefined,
      exchange: {
        tokenUrl: 'https://example.iamsath.com/auth/realms/IDHub/protocol/openid-connect/token',
        clientId: 'AWS-connector',
        clientSecret: undefined,
        subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
        subjectIssuer: undefined,
        audience: undefined,
        scope: undefined,
      },
      targetSystemUrl: 'https://example.iamsath.com/api/dataservices/TargetSystem',
      infoUrl: 'https://example.iamsath.com/info',
      versions: [],
      ca: undefined,
    });
  });

  test.each<[string, Record<string, string>, object]>([
    [
      'a port',
      { hostname: 'idhub.test:8443' },
      { targetSystemUrl: 'https://idhub.test:8443/api/dataservices/TargetSystem' },
    ],
    ['an address', { hostname: 'https://idhub.test/' }, { infoUrl: 'https://idhub.test/info' }],
    [
      'this machine, in the clear',
      { hostname: 'http://127.0.0.1:99' },
      { infoUrl: 'http://127.0.0.1:99/info' },
    ],
    [
      'Keycloak somewhere else, without /auth',
      { keycloakUrl: 'https://sso.test/', exchange: 'false' },
      { tokenUrl: 'https://sso.test/realms/alpha/protocol/openid-connect/token', exchange: undefined },
    ],
    [
      'a realm with a blank',
      { realm: 'a b', exchange: 'false' },
      { tokenUrl: 'https://example.iamsath.com/auth/realms/a%20b/protocol/openid-connect/token' },
    ],
    [
      'paths',
      { targetSystemPath: '/v2/TargetSystem', infoPath: '/api/info' },
      {
        targetSystemUrl: 'https://example.iamsath.com/v2/TargetSystem',
        infoUrl: 'https://example.iamsath.com/api/info',
      },
    ],
    ['no /info', { infoPath: 'none' }, { infoUrl: undefined }],
    ['versions', { idhubVersions: '4.2, 5 ,' }, { versions: ['4.2', '5'] }],
    ['a service account', { username: 'u', password: 'p' }, { login: { username: 'u', password: 'p' } }],
    ['a scope', { username: 'u', password: 'p', scope: 'offline_access' }, { scope: 'offline_access' }],
    [
      'a secret of the client',
      { refreshToken: '', clientSecret: 's' },
      { refreshToken: undefined, clientSecret: 's' },
    ],
  ])('%s', (_, entries, expected) => {
    expect(settingsOf({ ...least, ...entries })).toMatchObject(expected);
  });

  test.each<[string, Record<string, string>, object]>([
    [
      'the secret of the same client',
      { clientSecret: 's' },
      { clientId: 'AWS-connector', clientSecret: 's' },
    ],
    [
      'another client, without a secret of its own',
      { clientSecret: 's', exchangeClientId: 'x' },
      { clientId: 'x', clientSecret: undefined },
    ],
    [
      'another client',
      { exchangeClientId: 'x', exchangeClientSecret: 't' },
      { clientId: 'x', clientSecret: 't' },
    ],
    [
      'another realm',
      { exchangeRealm: 'Other' },
      { tokenUrl: 'https://example.iamsath.com/auth/realms/Other/protocol/openid-connect/token' },
    ],
    [
      'the same realm',
      { exchangeRealm: 'alpha' },
      { subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token' },
    ],
    [
      'all that can be said',
      {
        exchangeSubjectTokenType: 'urn:x',
        exchangeSubjectIssuer: 'alpha',
        exchangeAudience: 'idhub',
        exchangeScope: 'openid',
      },
      { subjectTokenType: 'urn:x', subjectIssuer: 'alpha', audience: 'idhub', scope: 'openid' },
    ],
  ])('exchange: %s', (_, entries, expected) => {
    expect(settingsOf({ ...least, ...entries })).toMatchObject({ exchange: expected });
  });

  test.each<[string, Record<string, string>, string]>([
    ['no host', { hostname: '' }, 'entry "hostname" is missing'],
    ['no realm', { realm: ' ' }, 'entry "realm" is missing'],
    ['no client', { clientId: '' }, 'entry "clientId" is missing'],
    ['nothing to sign in with', { refreshToken: '' }, 'nothing to sign in with'],
    ['half a login', { username: 'u' }, 'belong together'],
    ['a path in the host', { hostname: 'idhub.test/auth' }, 'and no path'],
    ['no host at all', { hostname: 'not a host' }, 'is no address'],
    ['in the clear', { hostname: 'http://idhub.test' }, 'must begin with https://'],
    [
      'a name that only begins like this machine',
      { hostname: 'http://127.0.0.1.evil.test' },
      'must begin with https://',
    ],
    ['another protocol', { keycloakUrl: 'ftp://idhub.test' }, 'is no address'],
    ['a password in an address', { keycloakUrl: 'https://u:p@idhub.test' }, 'is no address'],
    ['another truth', { exchange: 'yes' }, 'must be true or false'],
    ['a path that is none', { infoPath: 'info' }, 'must be a path'],
    ['certificates that are none', { 'ca.crt': 'x' }, 'PEM'],
    ['a slip of the pen', { refreshtoken: 'canary-value' }, 'there is no entry "refreshtoken"'],
  ])('%s is said, without the values', (_, entries, sentence) => {
    const problems = problemsOf({ ...least, ...entries });
    expect(problems.join('; ')).toContain(sentence);
    expect(problems.join('; ')).not.toContain('canary-value');
  });

  test('every entry is in the docs, and no other', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../docs/idhub.md'), 'utf8');
    const [, table = ''] = /^### The Secret$([\s\S]*?)^##/m.exec(page) ?? [];
    const documented = [...table.matchAll(/^\| `([a-z][A-Za-z.]*)` \|/gm)].map(([, name = '']) => name);
    expect(documented.toSorted()).toEqual([...idhubEntries].toSorted());
  });
});
