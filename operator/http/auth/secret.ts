import { secretType } from '../../controllers/names.ts';
import { isNotFound, type Client, type Clock, type Logger, type ObjectKey } from '../../runtime/index.ts';
import type { ConnectionName } from '../../../src/idhub/index.ts';
import { oidcMay, readCredentials, type Credentials } from './credentials.ts';

/** So old is what is known at most while the API server answers. */
const freshMs = 30_000;
/** So long is it believed while the API server does not answer. */
const believedMs = 300_000;
/** Between two readings that refused logins ask for. */
const betweenMs = 1_000;
/** Where there is no Secret. */
const noVersion = 'none';

export interface SecretCredentialsOptions {
  /** One that reads without leading. */
  readonly client: Pick<Client, 'get'>;
  readonly secret: ObjectKey;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
  /** Has a value taken out of all logs. */
  readonly protectSecret: (value: string) => void;
}

/** What the Secret says. */
export interface KnownCallers {
  readonly credentials: Credentials;
  /** Whether there is a Secret. */
  readonly there: boolean;
  /** What callers with a token of the issuer may use; undefined where it does not say. */
  readonly oidcMay: ((connection: ConnectionName) => boolean) | undefined;
}

interface Reading extends KnownCallers {
  readonly version: string;
  at: number;
}

/**
 * The callers that a Secret names, read by its name: again where what is known is older than 30 s, and at once
 * (once a second at most) when somebody was refused. While the API server does not answer, what was last read
 * is believed for 5 minutes.
 */
export class SecretCredentials {
  readonly #options: SecretCredentialsOptions;
  #known: Reading | undefined;
  #lastTry = Number.NEGATIVE_INFINITY;
  #reading: Promise<Reading> | undefined;

  constructor(options: SecretCredentialsOptions) {
    this.#options = options;
  }

  /** @throws as `Client.get` where nothing is known that can be believed */
  async current(): Promise<KnownCallers> {
    const now = this.#options.clock.monotonic();
    const known = this.#known;
    if (known !== undefined && now - known.at < freshMs) {
      return known;
    }
    try {
      return await this.#read();
    } catch (error) {
      if (known !== undefined && now - known.at < believedMs) {
        return known;
      }
      throw error;
    }
  }

  /** What the Secret says now, after somebody was refused by `before`; undefined where it says the same, or was just looked at. */
  async newer(before: KnownCallers): Promise<KnownCallers | undefined> {
    if (this.#known !== undefined && this.#known !== before) {
      return this.#known;
    }
    if (this.#options.clock.monotonic() - this.#lastTry < betweenMs) {
      return undefined;
    }
    const read = await this.#read().catch(() => undefined);
    return read === before ? undefined : read;
  }

  /** One reading at a time, for all who wait for it: it is nobody's to abort. */
  #read(): Promise<Reading> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<Reading> {
    const { client, secret, clock, logger, protectSecret } = this.#options;
    const at = clock.monotonic();
    this.#lastTry = at;
    let data: Readonly<Record<string, string>> = {};
    let version = noVersion;
    try {
      const found = await client.get(secretType, secret);
      data = found.data ?? {};
      version = `${found.metadata.uid}/${found.metadata.resourceVersion}`;
    } catch (error) {
      if (!isNotFound(error)) {
        logger.warn('the Secret of callers cannot be read', { name: secret.name, error });
        throw error;
      }
    }
    if (this.#known?.version === version) {
      // The same object, so that whoever was refused by it is not looked at again.
      this.#known.at = at;
      return this.#known;
    }
    const credentials = readCredentials(data);
    credentials.secrets.forEach(protectSecret);
    if (version === noVersion) {
      logger.warn('the Secret of callers is not there: until it is, nobody of it comes in', {
        namespace: secret.namespace,
        secretName: secret.name,
      });
    } else {
      logger.info('callers were read', { secretName: secret.name, callers: credentials.size, version });
    }
    for (const problem of credentials.problems) {
      logger.warn('an entry of the Secret of callers lets nobody in', { entry: problem });
    }
    this.#known = { credentials, there: version !== noVersion, oidcMay: oidcMay(data), version, at };
    return this.#known;
  }
}
