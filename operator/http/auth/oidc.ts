import { errors, jwtVerify, type JWTPayload } from 'jose';
import type { Clock } from '../../runtime/index.ts';
import { IssuerKeys, type IssuerOptions } from './issuer.ts';

/** Signatures with a key pair alone: with the others, whoever can check can also sign (RFC 8725, section 3.1). */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Clocks of the issuer and ours may differ by so much, seconds. */
const clockSkew = 30;
const longestName = 200;

export interface OidcTokensOptions extends Omit<IssuerOptions, 'clock'> {
  /** One of which has to be in the tokens' `aud`. */
  readonly audiences: readonly string[];
  /** Clients that are let in, as `azp` or `client_id` names them; undefined: any that has a token for us. */
  readonly clients: readonly string[] | undefined;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** What somebody with a good token is called; why another token is none, for the log. */
export type Verdict =
  { readonly kind: 'good'; readonly name: string } | { readonly kind: 'bad'; readonly why: string };

/** Checks access tokens of one issuer: RFC 7519, RFC 8725; RFC 9068 where the token says that it is of that kind. */
export class OidcTokens {
  readonly #options: OidcTokensOptions;
  readonly #keys: IssuerKeys;

  constructor(options: OidcTokensOptions) {
    this.#options = options;
    this.#keys = new IssuerKeys(options);
  }

  /** @throws {IssuerUnavailableError} it cannot be told: the issuer does not answer */
  async verify(token: string): Promise<Verdict> {
    const { issuer, audiences, clock } = this.#options;
    let payload: JWTPayload;
    try {
      const verified = await jwtVerify(token, (header) => this.#keys.keyOf(header), {
        issuer,
        audience: [...audiences],
        algorithms: [...algorithms],
        clockTolerance: clockSkew,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp', 'iss', 'aud'],
      });
      ({ payload } = verified);
      const { typ } = verified.protectedHeader;
      if (typ !== undefined && !/^(application\/)?(at\+)?jwt$/i.test(typ)) {
        return { kind: 'bad', why: 'it is a token for something else (typ)' };
      }
    } catch (error) {
      if (error instanceof errors.JOSEError) {
        return { kind: 'bad', why: error.code };
      }
      throw error;
    }
    // Keycloak says here what a token is for: ID, Refresh and Offline tokens are not to be shown to us.
    const { typ } = payload;
    if (typ !== undefined && typ !== 'Bearer') {
      return { kind: 'bad', why: 'it is no bearer token (claim typ)' };
    }
    const { clients } = this.#options;
    const client = clientOf(payload);
    if (clients !== undefined && (client === undefined || !clients.includes(client))) {
      return { kind: 'bad', why: 'its client is none of --oidc-clients' };
    }
    const name = nameOf(client, payload);
    return name === undefined
      ? { kind: 'bad', why: 'it says of nobody whose it is' }
      : { kind: 'good', name };
  }
}

/** Who has got the token: `azp` (OpenID Connect Core, section 2), or `client_id` (RFC 9068, section 2.2). */
function clientOf({ azp, client_id: clientId }: JWTPayload): string | undefined {
  const client = typeof azp === 'string' ? azp : clientId;
  return typeof client === 'string' ? client : undefined;
}

/** The client and the subject: neither can be chosen by whoever holds the token. */
function nameOf(client: string | undefined, { sub }: JWTPayload): string | undefined {
  const parts = [client, sub].filter((part) => typeof part === 'string' && part !== '');
  if (parts.length === 0) {
    return undefined;
  }
  return `oidc:${parts.join('/')}`.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, longestName);
}
