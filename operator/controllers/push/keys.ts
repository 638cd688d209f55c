import { readSigningKeys } from '../../../src/push/index.ts';
import {
  isNotFound,
  keyString,
  type Client,
  type Clock,
  type Logger,
  type ObjectKey,
} from '../../runtime/index.ts';
import { secretType } from '../names.ts';

/** What requests are signed with, and whom they are sent to. */
export type KeyReading =
  | {
      readonly kind: 'keys';
      readonly keys: readonly Buffer[];
      /** Certificates in PEM that are trusted in place of the usual ones; undefined: those. */
      readonly trust: string | undefined;
      /** What of the Secret cannot be used; empty where all can. */
      readonly problems: readonly string[];
    }
  /** Nothing can be signed; `why` is for people. */
  | { readonly kind: 'none'; readonly why: string };

export interface PushKeysOptions {
  readonly client: Client;
  readonly secret: ObjectKey;
  readonly clock: Pick<Clock, 'now'>;
  /** Keeps a value out of logs. */
  readonly protectSecret: (value: string) => void;
}

/** How long what was read is used: a key that is put into the Secret signs within a minute. */
const keptMs = 30_000;
const trustEntry = 'ca.crt';

/** The signing keys in a Secret, read by name and while there is something to sign. */
export class PushKeys {
  readonly #options: PushKeysOptions;
  #read: { readonly at: number; readonly reading: KeyReading } | undefined;

  constructor(options: PushKeysOptions) {
    this.#options = options;
  }

  /** @throws {ApiError} {TransportError} */
  async current(signal: AbortSignal): Promise<KeyReading> {
    const now = this.#options.clock.now();
    if (this.#read === undefined || now - this.#read.at >= keptMs || now < this.#read.at) {
      this.#read = { at: now, reading: await this.#fetch(signal) };
    }
    return this.#read.reading;
  }

  /** Writes into the log what would keep changes from being signed, before there are any. @throws {ApiError} {TransportError} */
  async check(logger: Logger, signal: AbortSignal): Promise<void> {
    const reading = await this.current(signal);
    if (reading.kind === 'none') {
      logger.warn('changes cannot be sent, and will wait', { detail: reading.why });
    } else if (reading.problems.length > 0) {
      logger.warn('some keys are left out', { detail: reading.problems.join('; ') });
    }
  }

  async #fetch(signal: AbortSignal): Promise<KeyReading> {
    const { client, protectSecret, secret } = this.#options;
    const name = `Secret ${keyString(secret)} (--push-secret)`;
    let data: Readonly<Record<string, string>>;
    try {
      ({ data = {} } = await client.get(secretType, secret, { signal }));
    } catch (error) {
      if (isNotFound(error)) {
        return { kind: 'none', why: `there is no ${name}` };
      }
      throw error;
    }
    const entries = new Map<string, string>();
    for (const [entry, value] of Object.entries(data)) {
      const text = Buffer.from(value, 'base64').toString('utf8');
      entries.set(entry, text);
      if (entry.startsWith('key.') && text.trim() !== '') {
        protectSecret(text.trim());
      }
    }
    const { keys, problems } = readSigningKeys(entries);
    if (keys.length === 0) {
      const particulars = problems.length === 0 ? '' : `: ${problems.join('; ')}`;
      return { kind: 'none', why: `${name} has no usable entry key.<name>${particulars}` };
    }
    return { kind: 'keys', keys, problems, trust: entries.get(trustEntry) };
  }
}
