import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT, type CryptoKey, type JWK } from 'jose';

const algorithm = 'RS256';
const tokenSeconds = 60;

export interface IssuerAnswer {
  readonly status: number;
  readonly body: object;
}

/**
 * As much of a Keycloak as the connector and IDHub speak to each other with, for where no real one is wanted:
 * keys, refresh tokens that are taken once, and the exchange of the tenant's tokens in IDHub's realm.
 */
export class StandInIssuer {
  readonly #base: string;
  readonly #privateKey: CryptoKey;
  readonly #publicKey: CryptoKey;
  readonly #jwk: JWK;
  readonly #refreshTokens = new Set<string>();

  private constructor(options: { base: string; privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK }) {
    this.#base = options.base;
    this.#privateKey = options.privateKey;
    this.#publicKey = options.publicKey;
    this.#jwk = options.jwk;
  }

  /** @param base up to `/realms`, without a slash at its end */
  static async make(base: string): Promise<StandInIssuer> {
    const { privateKey, publicKey } = await generateKeyPair(algorithm);
    const jwk = { ...(await exportJWK(publicKey)), kid: randomUUID(), use: 'sig', alg: algorithm };
    return new StandInIssuer({ base, privateKey, publicKey, jwk });
  }

  issuerOf(realm: string): string {
    return `${this.#base}/realms/${realm}`;
  }

  /** An access token, as Keycloak makes them. */
  async token(realm: string, claims: { readonly azp: string; readonly aud: string }): Promise<string> {
    return new SignJWT({ ...claims, typ: 'Bearer' })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: this.#jwk.kid ?? '' })
      .setIssuer(this.issuerOf(realm))
      .setSubject('a-service-account')
      .setIssuedAt()
      .setExpirationTime(`${tokenSeconds}s`)
      .sign(this.#privateKey);
  }

  /** A refresh token for one use. */
  offlineToken(): string {
    const token = `offline-${randomUUID()}${randomUUID()}`;
    this.#refreshTokens.add(token);
    return token;
  }

  /** Answers what is below `/realms`. */
  async answer(path: string, form: URLSearchParams): Promise<IssuerAnswer> {
    const [, realm = '', rest = ''] = /^\/realms\/([^/]+)\/(.*)$/.exec(path) ?? [];
    switch (rest) {
      case '.well-known/openid-configuration':
        return {
          status: 200,
          body: {
            issuer: this.issuerOf(realm),
            jwks_uri: `${this.issuerOf(realm)}/protocol/openid-connect/certs`,
          },
        };
      case 'protocol/openid-connect/certs':
        return { status: 200, body: { keys: [this.#jwk] } };
      case 'protocol/openid-connect/token':
        return this.#grant(realm, form);
      default:
        return { status: 404, body: {} };
    }
  }

  async #grant(realm: string, form: URLSearchParams): Promise<IssuerAnswer> {
    const azp = form.get('client_id') ?? '';
    switch (form.get('grant_type')) {
      case 'refresh_token':
        return this.#refreshTokens.delete(form.get('refresh_token') ?? '')
          ? this.#issue(realm, azp, this.offlineToken())
          : refused('invalid_grant', 'Maximum allowed refresh token reuse exceeded');
      case 'urn:ietf:params:oauth:grant-type:token-exchange':
        try {
          await jwtVerify(form.get('subject_token') ?? '', this.#publicKey, {
            issuer: this.issuerOf('alpha'),
          });
          return await this.#issue(realm, azp, undefined);
        } catch {
          return refused('invalid_request', 'Invalid token');
        }
      default:
        return refused('unsupported_grant_type', '');
    }
  }

  async #issue(realm: string, azp: string, refreshToken: string | undefined): Promise<IssuerAnswer> {
    return {
      status: 200,
      body: {
        access_token: await this.token(realm, { azp, aud: 'account' }),
        expires_in: tokenSeconds,
        token_type: 'Bearer',
        ...(refreshToken === undefined ? {} : { refresh_token: refreshToken, refresh_expires_in: 0 }),
      },
    };
  }
}

function refused(error: string, description: string): IssuerAnswer {
  return { status: 400, body: { error, error_description: description } };
}
