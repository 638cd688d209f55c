import { isLoopback } from '../../../src/loopback.ts';
import { createLocalJWKSet, errors, type CryptoKey, type JWSHeaderParameters } from 'jose';
import type { Clock, Logger } from '../../runtime/index.ts';

/** Keys that an issuer took back open for so long while it answers. */
const freshMs = 300_000;
/** While the issuer does not answer, keys are believed for so long. */
const believedMs = 3_600_000;
/** Between two readings that unknown keys ask for: a token can name any key. */
const betweenMs = 10_000;
const answerMs = 5_000;
const mostBytes = 1_048_576;

/** It cannot be told whether a token is good. Its message holds no secret, and is not for callers. */
export class IssuerUnavailableError extends Error {
  override readonly name = 'IssuerUnavailableError';
}

export interface IssuerOptions {
  /** As in the tokens' `iss`, compared exactly. */
  readonly issuer: string;
  /** Undefined: as the issuer's discovery document says (OpenID Connect Discovery 1.0, section 4). */
  readonly jwksUrl: string | undefined;
  /** Also to hosts other than this one. */
  readonly allowHttp: boolean;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  readonly fetch: typeof fetch;
}

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** The keys that an issuer signs with, read when they are needed: again after 5 minutes, or when a token names another. */
export class IssuerKeys {
  readonly #options: IssuerOptions;
  #keys: { readonly set: KeySet; readonly at: number } | undefined;
  #lastTry = Number.NEGATIVE_INFINITY;
  #lastFault: IssuerUnavailableError | undefined;
  #reading: Promise<KeySet> | undefined;

  constructor(options: IssuerOptions) {
    this.#options = options;
  }

  /**
   * The key of a token.
   * @throws {errors.JOSEError} the issuer has no such key
   * @throws {IssuerUnavailableError} the issuer does not answer, and the key is none that it had
   */
  async keyOf(header: JWSHeaderParameters): Promise<CryptoKey> {
    const set = await this.#current();
    try {
      return await set(header);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) {
        throw error;
      }
      const newer = await this.#newer();
      if (newer === undefined) {
        throw error;
      }
      return newer(header);
    }
  }

  async #current(): Promise<KeySet> {
    const { clock } = this.#options;
    const known = this.#keys;
    const age = known === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - known.at;
    if (known !== undefined && age < freshMs) {
      return known.set;
    }
    const soon = clock.monotonic() - this.#lastTry < betweenMs;
    if (soon && this.#lastFault !== undefined && this.#reading === undefined) {
      if (known !== undefined && age < believedMs) {
        return known.set;
      }
      throw this.#lastFault;
    }
    try {
      return await this.#read();
    } catch (error) {
      if (known !== undefined && age < believedMs) {
        return known.set;
      }
      throw error;
    }
  }

  /** Undefined where the issuer was asked a moment ago and answered. @throws {IssuerUnavailableError} */
  async #newer(): Promise<KeySet | undefined> {
    if (this.#reading === undefined && this.#options.clock.monotonic() - this.#lastTry < betweenMs) {
      if (this.#lastFault !== undefined) {
        throw this.#lastFault;
      }
      return undefined;
    }
    return this.#read();
  }

  #read(): Promise<KeySet> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<KeySet> {
    const { clock, logger, issuer } = this.#options;
    this.#lastTry = clock.monotonic();
    try {
      const document = await this.#fetch(this.#options.jwksUrl ?? (await this.#discover()));
      const set = createLocalJWKSet(document as unknown as Parameters<typeof createLocalJWKSet>[0]);
      this.#keys = { set, at: this.#lastTry };
      this.#lastFault = undefined;
      return set;
    } catch (error) {
      this.#lastFault = new IssuerUnavailableError(`the keys of ${issuer} cannot be read`, { cause: error });
      logger.warn('the keys of the issuer of tokens cannot be read', { issuer, error });
      throw this.#lastFault;
    }
  }

  async #discover(): Promise<string> {
    const { issuer } = this.#options;
    const found = await this.#fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    if (found['issuer'] !== issuer) {
      throw new Error('the discovery document is of another issuer');
    }
    const { jwks_uri: address } = found;
    if (typeof address !== 'string') {
      throw new Error('the discovery document has no jwks_uri');
    }
    return address;
  }

  async #fetch(address: string): Promise<Readonly<Record<string, unknown>>> {
    if (!mayBeAsked(address, this.#options.allowHttp)) {
      throw new Error(`${address.slice(0, 200)} is no https address (--oidc-allow-http)`);
    }
    const answer = await this.#options.fetch(address, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(answerMs),
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new Error(`${address} answers ${answer.status}`);
    }
    const parsed: unknown = JSON.parse(await textOf(answer));
    if (typeof parsed !== 'object' || parsed === null) {
      throw new TypeError(`${address} answers no JSON object`);
    }
    return parsed as Readonly<Record<string, unknown>>;
  }
}

/** Whether an issuer, or its keys, may be asked at an address: keys that somebody on the way can change are none. */
export function mayBeAsked(address: string, allowHttp: boolean): boolean {
  if (!URL.canParse(address)) {
    return false;
  }
  const { protocol, hostname, username, password } = new URL(address);
  return (
    username === '' &&
    password === '' &&
    (protocol === 'https:' || (protocol === 'http:' && (allowHttp || isLoopback(hostname))))
  );
}

async function textOf(answer: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.body ?? []) {
    length += part.length;
    if (length > mostBytes) {
      throw new Error(`the answer has more than ${mostBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
