import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock, Logger } from '../../runtime/index.ts';

/** Between two looks at the files; a watch would lose them where the kubelet swaps the link that they are behind. */
const everyMs = 10_000;

export interface CertificatePair {
  /** PEM: the certificate, then its chain. */
  readonly cert: Buffer;
  /** PEM. */
  readonly key: Buffer;
}

/** For metrics. */
export interface CertificateNews {
  /** A pair is in use from now on. @param validTo milliseconds since the epoch */
  loaded(validTo: number): void;
  /** A pair was not taken; the one before stays in use. */
  refused(): void;
}

export interface CertificateFilesOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Pick<Clock, 'now' | 'setTimeout'>;
  readonly logger: Logger;
  readonly news: CertificateNews;
}

/** What a server speaks TLS with. */
export function tlsSettings({ cert, key }: CertificatePair): SecureContextOptions {
  return { cert, key, minVersion: 'TLSv1.2' };
}

/** A certificate and its key in files, taken anew when both have changed to a pair that fits; else the one before stays. */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  readonly #listeners: ((pair: CertificatePair) => void)[] = [];
  #current: CertificatePair;
  /** What was refused last, so that it is told once. */
  #refused = '';
  #cancel: (() => void) | undefined;
  #stopped = false;

  private constructor(options: CertificateFilesOptions, pair: CertificatePair) {
    this.#options = options;
    this.#current = pair;
  }

  /** Reads the files, and again every 10 s until `stop`. @throws {Error} where there is no good pair to begin with */
  static async open(options: CertificateFilesOptions): Promise<CertificateFiles> {
    let pair: CertificatePair;
    try {
      pair = await readPair(options);
    } catch (error) {
      throw new Error(
        `--tls-cert-file ${options.certFile} and --tls-key-file ${options.keyFile} are no certificate with its key (${(error as Error).message})`,
        { cause: error },
      );
    }
    const files = new CertificateFiles(options, pair);
    files.#tell();
    files.#wait();
    return files;
  }

  get current(): CertificatePair {
    return this.#current;
  }

  onChange(act: (pair: CertificatePair) => void): void {
    this.#listeners.push(act);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #wait(): void {
    this.#cancel = this.#options.clock.setTimeout(() => {
      void this.#look().finally(() => {
        if (!this.#stopped) {
          this.#wait();
        }
      });
    }, everyMs);
  }

  async #look(): Promise<void> {
    const { logger, news, certFile } = this.#options;
    try {
      const pair = await readPair(this.#options);
      this.#refused = '';
      if (!this.#stopped && !(pair.cert.equals(this.#current.cert) && pair.key.equals(this.#current.key))) {
        this.#listeners.forEach((act) => act(pair));
        this.#current = pair;
        this.#tell();
      }
    } catch (error) {
      const { message } = error as Error;
      if (this.#refused !== message) {
        this.#refused = message;
        logger.error('the certificate has changed to one that cannot be used; the one before stays', {
          file: certFile,
          error,
        });
      }
      news.refused();
    }
  }

  #tell(): void {
    const { logger, clock, news, certFile } = this.#options;
    const { subject, validTo } = new X509Certificate(this.#current.cert);
    const until = Date.parse(validTo);
    news.loaded(until);
    const fields = { file: certFile, subject, validTo };
    if (until < clock.now()) {
      logger.warn('the certificate has expired', fields);
    } else {
      logger.info('the certificate is in use', fields);
    }
  }
}

/** @throws {Error} where a file cannot be read, or the key is another's */
async function readPair({
  certFile,
  keyFile,
}: Pick<CertificateFilesOptions, 'certFile' | 'keyFile'>): Promise<CertificatePair> {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  createSecureContext(tlsSettings({ cert, key }));
  return { cert, key };
}
