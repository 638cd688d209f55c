import {
  jsonObject,
  shown,
  unreachableBecause,
  type HttpAnswer,
  type HttpRequest,
  type SendHttp,
} from './http.ts';
import type { StepOutcome, TokenRequestKind, TokenState, Trouble } from './machine.ts';
import type { IdhubSettings } from './settings.ts';

/** A life of a token that does not say how long it lives (RFC 6749, section 5.1 leaves that open). */
const unsaidLifeMs = 60_000;
/** More is not believed: keys and users of a realm change. */
const longestLifeSeconds = 86_400;

/** Asks a token endpoint. What goes wrong is in the outcome, without secrets. */
export async function requestTokens(
  kind: TokenRequestKind,
  state: TokenState,
  settings: IdhubSettings,
  send: SendHttp,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { url, form } = formOf(kind, state, settings);
  const request: HttpRequest = {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams(form).toString(),
    ca: settings.ca,
  };
  const where = `${host(url)} (${purposes[kind]})`;
  let answer: HttpAnswer;
  try {
    answer = await send(request, signal);
  } catch (error) {
    signal.throwIfAborted();
    return failure('unreachable', `Keycloak at ${where} does not answer: ${unreachableBecause(error)}`);
  }
  const body = jsonObject(answer.body);
  const accessToken = body?.['access_token'];
  const seconds = Number(body?.['expires_in'] ?? unsaidLifeMs / 1_000);
  const usable = typeof accessToken === 'string' && /^[\x21-\x7e]+$/.test(accessToken) && seconds > 0;
  if (answer.status === 200 && usable) {
    const refreshToken = body?.['refresh_token'];
    return {
      kind: 'tokens',
      accessToken,
      expiresInMs: Math.min(seconds, longestLifeSeconds) * 1_000,
      refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : undefined,
    };
  }
  const secrets = Object.entries(form).flatMap(([name, value]) => (secretFields.has(name) ? [value] : []));
  // The codes are an alphabet of their own (RFC 6749, section 5.2); the sentence after them is anybody's.
  const code = body?.['error'];
  const said =
    typeof code === 'string' && /^[a-z_]{1,64}$/.test(code)
      ? `: ${code} ${shown(body?.['error_description'], secrets)}`.trimEnd()
      : '';
  if (answer.status === 400 || answer.status === 401 || answer.status === 403) {
    return failure(
      'refused',
      `Keycloak at ${where} refuses with ${answer.status}${said}. ${advice(kind, settings)}`,
      answer.retryAfterMs,
    );
  }
  const what =
    answer.status === 200
      ? 'answers without an access token that can be used'
      : `answers ${answer.status}${said}`;
  const hint = kind === 'exchange' ? `. ${advice(kind, settings)}` : '';
  return failure('fault', `Keycloak at ${where} ${what}${hint}`, answer.retryAfterMs);
}

const secretFields: ReadonlySet<string> = new Set([
  'client_secret',
  'refresh_token',
  'subject_token',
  'password',
]);

const purposes: Readonly<Record<TokenRequestKind, string>> = {
  refresh: 'refresh token',
  login: 'password of the service account',
  credentials: 'client_credentials',
  exchange: 'token exchange',
};

function formOf(
  kind: TokenRequestKind,
  state: TokenState,
  settings: IdhubSettings,
): { readonly url: string; readonly form: Readonly<Record<string, string>> } {
  const client = (id: string, secret: string | undefined): Record<string, string> => ({
    client_id: id,
    ...(secret === undefined ? {} : { client_secret: secret }),
  });
  const tenant = client(settings.clientId, settings.clientSecret);
  switch (kind) {
    case 'refresh':
      return {
        url: settings.tokenUrl,
        form: { ...tenant, grant_type: 'refresh_token', refresh_token: state.refreshToken ?? '' },
      };
    case 'login':
      // As the guide's third step asks for tokens; Keycloak exchanges only what was asked for with the scope openid.
      return {
        url: settings.tokenUrl,
        form: {
          ...tenant,
          grant_type: 'password',
          username: settings.login?.username ?? '',
          password: settings.login?.password ?? '',
          scope: settings.scope ?? 'openid offline_access',
          request_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        },
      };
    case 'credentials':
      return {
        url: settings.tokenUrl,
        form: { ...tenant, grant_type: 'client_credentials', scope: settings.scope ?? 'openid' },
      };
    case 'exchange': {
      const { exchange } = settings;
      const optional = {
        subject_issuer: exchange?.subjectIssuer,
        audience: exchange?.audience,
        scope: exchange?.scope,
      };
      return {
        url: exchange?.tokenUrl ?? settings.tokenUrl,
        form: {
          ...client(exchange?.clientId ?? settings.clientId, exchange?.clientSecret),
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: state.subject?.token ?? '',
          subject_token_type: exchange?.subjectTokenType ?? '',
          requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          ...Object.fromEntries(
            Object.entries(optional).filter((each): each is [string, string] => each[1] !== undefined),
          ),
        },
      };
    }
  }
}

function advice(kind: TokenRequestKind, settings: IdhubSettings): string {
  switch (kind) {
    case 'refresh':
      return 'Get a new offline token and put it into the entry refreshToken, or add username and password of the service account, so that this is done without you';
    case 'login':
      return 'Check the entries username, password, clientId and clientSecret, and that the client may use direct access grants';
    case 'credentials':
      return settings.clientSecret === undefined
        ? 'Give the entry refreshToken, or username and password'
        : 'Check clientId and clientSecret, and that the client has a service account';
    case 'exchange':
      return 'Check exchangeRealm, exchangeClientId and exchangeSubjectIssuer, that this client may exchange tokens there, and that the offline token was asked for with the scope openid';
  }
}

function failure(kind: Trouble['kind'], message: string, retryAfterMs?: number): StepOutcome {
  return {
    kind: 'failed',
    trouble: { kind, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  };
}

function host(url: string): string {
  return new URL(url).host;
}
