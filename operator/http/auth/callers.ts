import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ApiError, TransportError, type Clock, type Logger } from '../../runtime/index.ts';
import { Buckets, Expiring, Problem, type Authenticator, type Caller, type Rate } from '../frame/index.ts';
import { shownBy, type Shown } from './header.ts';
import { IssuerUnavailableError } from './issuer.ts';
import type { OidcTokens } from './oidc.ts';
import type { KnownCallers, SecretCredentials } from './secret.ts';

/**
 * Refused logins from one address, of one user where one is named; beyond, the Secret is not looked at any more for a
 * while. The same credentials again are no other guess, and are counted by themselves.
 */
const refusedLogins: Rate = { burst: 20, perSecond: 0.2 };
/** Whoever came in with the same credentials within this time is looked at all the same. */
const rememberedMs = 3_600_000;
const maxRemembered = 2_000;
const maxWrong = 10_000;

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

interface Entered {
  readonly by: 'secret' | 'issuer';
  readonly caller: Caller;
}

/** Who the clients of the port are: by the entries of a Secret, by tokens of an issuer, or both. */
export class Callers implements Authenticator {
  readonly #options: CallersOptions;
  readonly #refused: Buckets;
  readonly #cameIn: Expiring<true>;
  readonly #wrong: Expiring<true>;

  constructor(options: CallersOptions) {
    const { clock } = options;
    this.#options = options;
    this.#refused = new Buckets({ clock, rate: refusedLogins });
    this.#cameIn = new Expiring({ clock, limit: maxRemembered });
    this.#wrong = new Expiring({ clock, limit: maxWrong });
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
    if (shown.kind === 'none') {
      // Some clients ask without first (RFC 9110, section 11.6.1): that is no guess. 503 where nobody can come in.
      await this.#find(shown);
      throw this.#unknown(shown);
    }
    const presented = digestOf(from, shown.kind, shown.value);
    const login =
      this.#wrong.get(presented) === true ? presented : digestOf(from, kindOf(shown), userOf(shown));
    const wait = this.#cameIn.get(presented) === true ? 0 : this.#refused.wait(login);
    // What an issuer has signed nobody guesses: whoever has a new token comes in whatever others do.
    const entered = wait > 0 ? await this.#byIssuer(shown) : await this.#find(shown);
    if (entered === undefined) {
      if (wait > 0) {
        throw new Problem(429, 'Too many refused logins from this address.', { retryAfter: wait });
      }
      this.#refused.take(login);
      this.#wrong.set(presented, true, rememberedMs);
      this.#options.countRefused();
      throw this.#unknown(shown);
    }
    if (entered.by === 'secret') {
      this.#cameIn.set(presented, true, rememberedMs);
    }
    return entered.caller;
  }

  async #find(shown: Shown): Promise<Entered | undefined> {
    const { secret, oidc } = this.#options;
    const known = await this.#known();
    const bySecret = (caller: Caller | undefined): Entered | undefined => caller && { by: 'secret', caller };
    let found = bySecret(known?.credentials.match(shown)) ?? (await this.#byIssuer(shown));
    if (found === undefined && known !== undefined && shown.kind !== 'none') {
      found = bySecret((await secret?.newer(known))?.credentials.match(shown));
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

  async #byIssuer(shown: Shown): Promise<Entered | undefined> {
    const { logger, oidc } = this.#options;
    if (oidc === undefined || !isJwt(shown)) {
      return undefined;
    }
    try {
      const verdict = await oidc.verify(shown.value.toString('latin1'));
      if (verdict.kind === 'good') {
        return { by: 'issuer', caller: { name: verdict.name, may: await this.#issuerMay() } };
      }
      logger.debug('a token was refused', { why: verdict.why });
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

  /** What callers with a token may use. @throws {Problem} where the Secret does not say: then they may use nothing */
  async #issuerMay(): Promise<Caller['may']> {
    const { secret } = this.#options;
    const known = await this.#known();
    if (known === undefined) {
      return () => true;
    }
    const { oidcMay: may, there } =
      known.oidcMay === undefined ? ((await secret?.newer(known)) ?? known) : known;
    if (may !== undefined) {
      return may;
    }
    throw there
      ? new Problem(
          403,
          'The Secret of --http-auth-secret has no entry connections.oidc: it says which connections callers with a token may use ("*": all).',
        )
      : new Problem(
          503,
          'The Secret of --http-auth-secret is not there: it says which connections callers with a token may use (connections.oidc).',
          { retryAfter: 30 },
        );
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

/** Refused logins of one kind keep nobody out who comes in another way. */
function kindOf(shown: Shown): string {
  return isJwt(shown) ? 'jwt' : shown.kind;
}

function userOf(shown: Shown): Buffer {
  return shown.kind === 'basic' ? shown.value.subarray(0, shown.value.indexOf(':') + 1) : Buffer.alloc(0);
}

function digestOf(from: string, kind: string, value: Buffer): string {
  return createHash('sha256').update(`${from} ${kind} `).update(value).digest('base64');
}

/** Three parts of Base64url (RFC 7515, section 7.1). */
function isJwt(shown: Shown): shown is Shown & { readonly kind: 'bearer' } {
  return shown.kind === 'bearer' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(shown.value.toString('latin1'));
}
