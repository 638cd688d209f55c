import { isLoopback } from '../src/loopback.ts';
import { mayBeAsked, Origins } from './http/index.ts';
import { isObjectName } from './runtime/index.ts';

/** How the port for IDHub and for people was asked for. */
export interface HttpConfig {
  /** Name of a Secret in the operator's own namespace. */
  readonly authSecret: string | undefined;
  readonly oidc: OidcConfig | undefined;
  readonly publicUrl: string | undefined;
  readonly trustedProxies: readonly string[];
  /** Of the paths that name no connection. */
  readonly defaultConnection: { readonly namespace: string; readonly name: string } | undefined;
  /** Requests a second of one caller. */
  readonly callerRate: number;
  /** Disables and deletions of one caller at once; 0: as many as it likes. */
  readonly shutoutBurst: number;
  /** Where other replicas reach the port; undefined: as it listens. */
  readonly advertised: { readonly host: string; readonly port: number } | undefined;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
}

export interface OidcConfig {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Undefined: any client with a token for this audience. */
  readonly clients: readonly string[] | undefined;
  readonly jwksUrl: string | undefined;
  readonly allowHttp: boolean;
}

export const httpFlags = {
  'http-auth-secret': {
    type: 'string',
    value: 'NAME',
    fallback: '',
    text: "Secret in the operator's namespace with the callers of --http-address: basic.<n> (user:password), token.<n>, connections.<n>",
  },
  'oidc-issuer': {
    type: 'string',
    value: 'URL',
    fallback: '',
    text: 'issuer of bearer tokens that callers of --http-address may show, as in their iss',
  },
  'oidc-audience': {
    type: 'string',
    value: 'A,B',
    fallback: '',
    text: 'what has to be in the aud of these tokens, one of them',
  },
  'oidc-clients': {
    type: 'string',
    value: 'A,B',
    fallback: '',
    text: 'clients whose tokens are taken, as in azp or client_id; default any client, and whoever signs in there, with that audience',
  },
  'oidc-jwks-url': {
    type: 'string',
    value: 'URL',
    fallback: '',
    text: "where the issuer's keys are; default as its discovery document says",
  },
  'oidc-allow-http': {
    type: 'boolean',
    fallback: 'false',
    text: 'ask the issuer over plain http also on other hosts: whoever is on the way can then come in as anybody',
  },
  'public-url': {
    type: 'string',
    value: 'URL',
    fallback: '',
    text: 'where clients reach --http-address, for the locations in answers; default as a trusted proxy says, else the address itself',
  },
  'trusted-proxies': {
    type: 'string',
    value: 'A,B',
    fallback: '',
    text: 'addresses and networks whose X-Forwarded-For, -Host and -Proto are believed; default none',
  },
  'default-connection': {
    type: 'string',
    value: 'NAMESPACE/NAME',
    fallback: '',
    text: 'AwsConnection that paths without /connections/NAMESPACE/NAME are about; default none',
  },
  'http-caller-rate': {
    type: 'string',
    value: 'N',
    fallback: '50',
    text: 'requests a second of one caller of --http-address, 1 to 10000; four times as many at once',
  },
  'http-shutout-burst': {
    type: 'string',
    value: 'N',
    fallback: '50',
    text: 'people whom one caller may disable or delete at once, and as many again within 10 minutes; 0: no limit',
  },
  'advertise-address': {
    type: 'string',
    value: 'HOST:PORT',
    fallback: '',
    text: 'where other replicas reach --http-address of this one; default its own address, that of the pod where it listens on all',
  },
  'tls-cert-file': {
    type: 'string',
    value: 'FILE',
    fallback: '',
    text: 'certificate (PEM, with its chain) of --http-address, read again when it changes; default plain http',
  },
  'tls-key-file': {
    type: 'string',
    value: 'FILE',
    fallback: '',
    text: 'private key (PEM) of the certificate',
  },
} as const;

export type HttpFlagName = keyof typeof httpFlags;

/** What is given, and how to say that it makes no sense. */
export interface FlagReader {
  readonly text: (name: HttpFlagName) => string;
  readonly boolean: (name: HttpFlagName) => boolean;
  readonly number: (name: HttpFlagName, least: number, most: number) => number;
  readonly refuse: (name: HttpFlagName, expected: string) => void;
}

export function readHttpConfig({ text, boolean, number, refuse }: FlagReader): HttpConfig {
  const given = (name: HttpFlagName): string | undefined => text(name) || undefined;
  const authSecret = given('http-auth-secret');
  if (authSecret !== undefined && !isObjectName(authSecret)) {
    refuse('http-auth-secret', 'write the name of a Secret');
  }
  const allowHttp = boolean('oidc-allow-http');
  for (const name of ['oidc-issuer', 'oidc-jwks-url'] as const) {
    if (given(name) !== undefined && !mayBeAsked(text(name), allowHttp)) {
      refuse(
        name,
        'write an https address, without user and password (http to this host, or with --oidc-allow-http)',
      );
    }
  }
  const issuer = given('oidc-issuer');
  const audiences = listOf(text('oidc-audience'));
  const clients = listOf(text('oidc-clients'));
  if (given('oidc-clients') !== undefined && clients.length === 0) {
    refuse('oidc-clients', 'write the ids of clients, or leave it out: then any client may come in');
  }
  if (issuer !== undefined && audiences.length === 0) {
    refuse(
      'oidc-audience',
      'write the audience of the tokens: without one, a token for anybody else would open this port too',
    );
  }
  if (issuer === undefined) {
    for (const name of ['oidc-audience', 'oidc-clients', 'oidc-jwks-url'] as const) {
      if (given(name) !== undefined) {
        refuse(name, 'it goes with --oidc-issuer');
      }
    }
  }
  const publicUrl = given('public-url');
  if (publicUrl !== undefined && !isPublicUrl(publicUrl)) {
    refuse(
      'public-url',
      'write an http or https address without query, such as https://aws.example.com/idhub',
    );
  }
  const trustedProxies = listOf(text('trusted-proxies'));
  try {
    void new Origins({ publicUrl: undefined, trustedProxies });
  } catch (error) {
    refuse('trusted-proxies', (error as Error).message);
  }
  const [, namespace = '', name = ''] =
    /^([a-z0-9][a-z0-9-]{0,62})\/([a-z0-9][a-z0-9.-]{0,252})$/.exec(text('default-connection')) ?? [];
  if (given('default-connection') !== undefined && name === '') {
    refuse('default-connection', 'write NAMESPACE/NAME of an AwsConnection');
  }
  const [, host = '', port = ''] =
    /^(\[[0-9a-f:.]+\]|[a-z0-9][a-z0-9.-]*):(\d{1,5})$/i.exec(text('advertise-address')) ?? [];
  const everywhere = ['0.0.0.0', '[::]'].includes(host);
  if (
    given('advertise-address') !== undefined &&
    (host === '' || everywhere || Number(port) < 1 || Number(port) > 65_535)
  ) {
    refuse(
      'advertise-address',
      'write HOST:PORT by which other replicas reach this one, such as 10.0.0.7:7002',
    );
  }
  const [certFile, keyFile] = [given('tls-cert-file'), given('tls-key-file')];
  if ((certFile === undefined) !== (keyFile === undefined)) {
    refuse(certFile === undefined ? 'tls-cert-file' : 'tls-key-file', 'write both, or none of them');
  }
  return {
    authSecret,
    oidc:
      issuer === undefined
        ? undefined
        : {
            issuer,
            audiences,
            clients: clients.length === 0 ? undefined : clients,
            jwksUrl: given('oidc-jwks-url'),
            allowHttp,
          },
    publicUrl,
    trustedProxies,
    defaultConnection: name === '' ? undefined : { namespace, name },
    callerRate: number('http-caller-rate', 1, 10_000),
    shutoutBurst: number('http-shutout-burst', 0, 5_000),
    advertised: host === '' ? undefined : { host: host.replace(/^\[|\]$/g, ''), port: Number(port) },
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
  };
}

/** What works, and may let in more than is meant; for the log, at the start. Pure. */
export function httpWarnings(
  { authSecret, oidc, tls }: Pick<HttpConfig, 'authSecret' | 'oidc' | 'tls'>,
  host: string,
): readonly string[] {
  const known = authSecret !== undefined || oidc !== undefined;
  return [
    ...(known && tls === undefined && !isLoopback(host)
      ? [
          'passwords and tokens of callers come in the clear, unless a proxy with TLS is the only one that reaches --http-address: see --tls-cert-file',
        ]
      : []),
    ...(oidc !== undefined && oidc.clients === undefined
      ? [
          'whoever has a token for the audience, of whatever client, may read, change and delete accounts: name the clients with --oidc-clients',
        ]
      : []),
  ];
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) {
    return false;
  }
  const { protocol, search, hash, username } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && search === '' && hash === '' && username === '';
}
