import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ApiError, TransportError, type Clock, type Logger } from '../../runtime/index.ts';
import { Buckets, Expiring, Problem, type Authenticator, type Caller, type Rate } from '../frame/index.ts';
import { shownBy, type Shown } from './header.ts';
import { IssuerUnavailableError } from './issuer.ts';
import type { OidcTokens } from './oidc.ts';
import type { KnownCallers, SecretCredentials } from './secret.ts';

/** Refused logins from one address; beyond, nothing is looked at any more for a while. */
const refusedLogins: Rate = { burst: 20, perSecond: 0.2 };
/** Whoever came in with the same credentials within this time is looked at all the same. */
const rememberedMs = 3_600_000;
const maxRemembered = 2_000;

const realm = 'idhub-aws-connector';

export interface CallersOptions {
  /** Undefined: no Secret is configured. */
  readonly secret: SecretCredentials | undefined;
  /** Undefined: no issuer of tokens is configured. */
  readonly oidc: OidcTokens | undefined;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  /** Called with each refused login. */
  readonly countRefused: () => void;
}

/** Who the clients of the port are: by the entries of a Secret, by tokens of an issuer, or both. */
export class Callers implements Authenticator {
  readonly #options: CallersOptions;
  readonly #refused: Buckets;
  readonly #cameIn: Expiring<true>;

  constructor(options: CallersOptions) {
    const { clock } = options;
    this.#options = options;
    this.#refused = new Buckets({ clock, rate: refusedLogins });
    this.#cameIn = new Expiring({ clock, limit: maxRemembered });
  }

  async authenticate(request: IncomingMessage, from: string): Promise<Caller> {
    const { secret, oidc } = this.#options;
    if (secret === undefined && oidc === undefined) {
      throw new Problem(
        503,
        'The connector knows no callers: start it with --http-auth-secret, or with --oidc-issuer and --oidc-audience.',
        { retryAfter: 60 },
      );
    }
    const shown = shownBy(request);
    const remembered =
      shown.kind === 'none'
        ? ''
        : createHash('sha256').update(`${from} ${shown.kind} `).update(shown.value).digest('base64');
    if (this.#cameIn.get(remembered) === undefined) {
      const wait = this.#refused.wait(from);
      if (wait > 0) {
        throw new Problem(429, 'Too many refused logins from this address.', { retryAfter: wait });
      }
    }
    const caller = await this.#find(shown);
    if (caller === undefined) {
      this.#refused.take(from);
      this.#options.countRefused();
      throw this.#unknown(shown);
    }
    this.#cameIn.set(remembered, true, rememberedMs);
    return caller;
  }

  async #find(shown: Shown): Promise<Caller | undefined> {
    const { secret, oidc } = this.#options;
    const known = await this.#known();
    let found = known?.credentials.match(shown);
    if (found === undefined && oidc !== undefined && isJwt(shown)) {
      found = await this.#verify(oidc, shown.value.toString('latin1'), known);
    }
    if (found === undefined && known !== undefined && shown.kind !== 'none') {
      found = (await secret?.newer(known))?.credentials.match(shown);
    }
    if (found === undefined && oidc === undefined && known?.credentials.size === 0) {
      throw new Problem(
        503,
        'The Secret of --http-auth-secret is not there, or has no entry basic.<n> or token.<n> that can be used.',
        { retryAfter: 30 },
      );
    }
    return found;
  }

  async #known(): Promise<KnownCallers | undefined> {
    try {
      return await this.#options.secret?.current();
    } catch (error) {
      if (error instanceof ApiError || error instanceof TransportError) {
        throw new Problem(503, 'The Secret of callers cannot be read at present.', {
          retryAfter: 5,
          cause: error,
        });
      }
      throw error;
    }
  }

  async #verify(
    oidc: OidcTokens,
    token: string,
    known: KnownCallers | undefined,
  ): Promise<Caller | undefined> {
    try {
      const verdict = await oidc.verify(token);
      if (verdict.kind === 'good') {
        return { name: verdict.name, may: known?.oidcMay ?? (() => true) };
      }
      this.#options.logger.debug('a token was refused', { why: verdict.why });
      return undefined;
    } catch (error) {
      if (error instanceof IssuerUnavailableError) {
        throw new Problem(503, 'The issuer of tokens gives no keys at present; the log says why.', {
          retryAfter: 10,
          cause: error,
        });
      }
      throw error;
    }
  }

  #unknown(shown: Shown): Problem {
    const { secret } = this.#options;
    const invalid = shown.kind === 'bearer' ? ', error="invalid_token"' : '';
    const challenges = [
      ...(secret === undefined ? [] : [`Basic realm="${realm}", charset="UTF-8"`]),
      `Bearer realm="${realm}"${invalid}`,
    ];
    return new Problem(
      401,
      shown.kind === 'none'
        ? 'Send one Authorization header, with Basic or Bearer credentials.'
        : 'These credentials are not known here, or not any more.',
      { headers: { 'www-authenticate': challenges.join(', ') } },
    );
  }
}

/** Three parts of Base64url (RFC 7515, section 7.1). */
function isJwt(shown: Shown): shown is Shown & { readonly kind: 'bearer' } {
  return shown.kind === 'bearer' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(shown.value.toString('latin1'));
}
