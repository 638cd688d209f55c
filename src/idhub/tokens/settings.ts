import { isLoopback } from '../../loopback.ts';
/**
 * How the connector reaches IDHub: the entries of one Secret, checked. What the vendor's documents say and
 * what is our assumption about them is told in docs/idhub.md; every assumption has an entry.
 */

export interface IdhubSettings {
  /** Token endpoint of the tenant's realm. */
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** The offline token, or the one that came in its place. */
  readonly refreshToken: string | undefined;
  /** Of the service account; used where there is no refresh token, or it is not taken any more. */
  readonly login: { readonly username: string; readonly password: string } | undefined;
  /** Asked for when signing in anew; undefined: what each way to sign in needs. */
  readonly scope: string | undefined;
  /** Undefined: IDHub takes the tenant's token as it is. */
  readonly exchange: ExchangeSettings | undefined;
  readonly targetSystemUrl: string;
  /** Undefined: it is not asked. */
  readonly infoUrl: string | undefined;
  /** Versions of IDHub that are taken, each also as the beginning of longer ones; empty: any. */
  readonly versions: readonly string[];
  /** PEM; certificates of these authorities are trusted beside the usual ones. */
  readonly ca: string | undefined;
}

/** RFC 8693, section 2.1. */
export interface ExchangeSettings {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly subjectTokenType: string;
  /** Keycloak's own parameter: the identity provider of the realm that knows the tenant's tokens. */
  readonly subjectIssuer: string | undefined;
  readonly audience: string | undefined;
  readonly scope: string | undefined;
}

export type SettingsOutcome =
  | { readonly kind: 'ready'; readonly settings: IdhubSettings }
  /** Sentences for people, without secrets. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** Every entry that the Secret can have; the docs have the same list. */
export const idhubEntries = [
  'hostname',
  'keycloakUrl',
  'realm',
  'clientId',
  'clientSecret',
  'refreshToken',
  'username',
  'password',
  'scope',
  'exchange',
  'exchangeRealm',
  'exchangeClientId',
  'exchangeClientSecret',
  'exchangeSubjectTokenType',
  'exchangeSubjectIssuer',
  'exchangeAudience',
  'exchangeScope',
  'targetSystemPath',
  'infoPath',
  'idhubVersions',
  'ca.crt',
] as const;

type Entry = (typeof idhubEntries)[number];

const secretEntries: ReadonlySet<Entry> = new Set([
  'clientSecret',
  'refreshToken',
  'password',
  'exchangeClientSecret',
]);

/** The values of an IDHub Secret that must appear nowhere else. */
export function secretsOf(entries: Readonly<Record<string, string>>): readonly string[] {
  return [...secretEntries].flatMap((name) => {
    const value = entries[name]?.trim() ?? '';
    return value === '' ? [] : [value];
  });
}

/** RFC 8693, section 3. */
const tokenType = 'urn:ietf:params:oauth:token-type:';

/** Reads the entries of the Secret. Blanks and line ends around a value do not count. Pure. */
export function readSettings(entries: Readonly<Record<string, string>>): SettingsOutcome {
  const known = new Set<string>(idhubEntries);
  const problems = Object.keys(entries)
    .filter((name) => !known.has(name))
    .map((name) => `there is no entry "${name}"; there are ${idhubEntries.join(', ')}`);
  const text = (name: Entry): string | undefined => {
    const value = entries[name]?.trim();
    return value === '' ? undefined : value;
  };
  const needed = (name: Entry, example: string): string => {
    const value = text(name);
    if (value === undefined) {
      problems.push(`entry "${name}" is missing: write ${example}`);
    }
    return value ?? '';
  };
  const origin = originOf(needed('hostname', "IDHub's host, for example example.iamsath.com"), problems);
  const keycloak = keycloakOf(text('keycloakUrl'), origin, problems);
  const exchangeRealm = text('exchangeRealm') ?? 'IDHub';
  const realm = needed('realm', "the tenant's realm, for example alpha");
  const clientId = needed('clientId', 'the client made for the connector, for example AWS-connector');
  const clientSecret = text('clientSecret');
  const refreshToken = text('refreshToken');
  const username = text('username');
  const password = text('password');
  if ((username === undefined) !== (password === undefined)) {
    problems.push('entries "username" and "password" belong together: write both or none');
  }
  if (refreshToken === undefined && username === undefined && clientSecret === undefined) {
    problems.push(
      'nothing to sign in with: write "refreshToken" (an offline token), or "username" and "password" of the service account, or "clientSecret" of a client that may use client_credentials',
    );
  }
  const wanted = text('exchange') ?? 'true';
  if (wanted !== 'true' && wanted !== 'false') {
    problems.push('entry "exchange" must be true or false');
  }
  const path = (name: Entry, fallback: string): string => {
    const value = text(name) ?? fallback;
    if (!/^\/[\w\-.~/%]*$/.test(value)) {
      problems.push(`entry "${name}" must be a path such as ${fallback}`);
    }
    return origin + value;
  };
  const targetSystemUrl = path('targetSystemPath', '/api/dataservices/TargetSystem');
  const infoUrl = text('infoPath') === 'none' ? undefined : path('infoPath', '/info');
  const ca = text('ca.crt');
  if (ca !== undefined && !/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(ca)) {
    problems.push('entry "ca.crt" must hold certificates in PEM form');
  }
  if (problems.length > 0) {
    return { kind: 'refused', problems };
  }
  return {
    kind: 'ready',
    settings: {
      tokenUrl: tokenEndpoint(keycloak, realm),
      clientId,
      clientSecret,
      refreshToken,
      login: username === undefined || password === undefined ? undefined : { username, password },
      scope: text('scope'),
      exchange:
        wanted === 'false'
          ? undefined
          : {
              tokenUrl: tokenEndpoint(keycloak, exchangeRealm),
              clientId: text('exchangeClientId') ?? clientId,
              clientSecret:
                text('exchangeClientSecret') ??
                (text('exchangeClientId') === undefined ? clientSecret : undefined),
              // What Keycloak takes: of another realm by the issuer in the JWT, of its own as an access token.
              subjectTokenType:
                text('exchangeSubjectTokenType') ??
                tokenType + (exchangeRealm === realm ? 'access_token' : 'jwt'),
              subjectIssuer: text('exchangeSubjectIssuer'),
              audience: text('exchangeAudience'),
              scope: text('exchangeScope'),
            },
      targetSystemUrl,
      infoUrl,
      versions: (text('idhubVersions') ?? '')
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== ''),
      ca,
    },
  };
}

/** The path that Keycloak gives each realm (OpenID Connect discovery says the same). */
function tokenEndpoint(keycloak: string, realm: string): string {
  return `${keycloak}/realms/${encodeURIComponent(realm)}/protocol/openid-connect/token`;
}

function originOf(hostname: string, problems: string[]): string {
  if (hostname === '') {
    return '';
  }
  const url = addressOf('hostname', hostname.includes('://') ? hostname : `https://${hostname}`, problems);
  if (url === undefined) {
    return '';
  }
  if (url.pathname !== '/') {
    problems.push('entry "hostname" is a host, with a port where needed, and no path');
  }
  return url.origin;
}

function keycloakOf(address: string | undefined, origin: string, problems: string[]): string {
  if (address === undefined) {
    return `${origin}/auth`;
  }
  const url = addressOf('keycloakUrl', address, problems);
  return url === undefined ? '' : (url.origin + url.pathname).replace(/\/+$/, '');
}

/** Tokens and passwords go there: in the clear only to this very machine. */
function addressOf(entry: Entry, address: string, problems: string[]): URL | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const plain = url?.protocol === 'http:';
  if (
    url === undefined ||
    (url.protocol !== 'https:' && !plain) ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    problems.push(`entry "${entry}" is no address: write for example example.iamsath.com`);
    return undefined;
  }
  if (plain && !isLoopback(url.hostname)) {
    problems.push(`entry "${entry}" must begin with https://, since secrets are sent there`);
    return undefined;
  }
  return url;
}
