import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Clock } from '../ports.ts';
import type { Answer } from './answer.ts';

/** Sends what was signed, to one address. */
export interface Sender {
  /**
   * Never throws but for the signal's reason.
   * @param trust certificates in PEM, in place of those that Node trusts; undefined: those
   */
  send(
    message: {
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly trust: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<Answer>;
  close(): void;
}

export interface HttpSenderOptions {
  readonly url: URL;
  readonly userAgent: string;
  readonly clock: Clock;
  /** For the whole of a try; 20 s unless told. */
  readonly timeoutMs?: number;
  /** Connections at once. */
  readonly maxSockets: number;
}

/** Within the 15 to 30 s that Standard Webhooks recommends. */
const defaultTimeoutMs = 20_000;
/** What an answer says beside its head is not read; beyond this the connection is closed. */
const maxAnswerBytes = 16_384;
const maxHeaderBytes = 16_384;
/** Shorter than the 5 s after which most servers close an idle connection. */
const idleMs = 4_000;

type Try = { readonly answer: Answer } | { readonly stale: true };

/**
 * By HTTP/1.1, without redirects and without a proxy. Certificates and names are verified, whatever the
 * environment says.
 */
export class HttpSender implements Sender {
  readonly #options: HttpSenderOptions;
  readonly #agent: HttpAgent;

  constructor(options: HttpSenderOptions) {
    this.#options = options;
    const agent = { keepAlive: true, maxSockets: options.maxSockets, timeout: idleMs };
    this.#agent = options.url.protocol === 'https:' ? new HttpsAgent(agent) : new HttpAgent(agent);
  }

  async send(message: Parameters<Sender['send']>[0], signal: AbortSignal): Promise<Answer> {
    const first = await this.#try(message, signal, true);
    // The server had closed a connection that was idle: nothing came of the request.
    const done = 'stale' in first ? await this.#try(message, signal, false) : first;
    return 'answer' in done ? done.answer : { kind: 'unanswered', why: 'the connection was closed' };
  }

  close(): void {
    this.#agent.destroy();
  }

  #try(
    { headers, body, trust }: Parameters<Sender['send']>[0],
    signal: AbortSignal,
    mayBeStale: boolean,
  ): Promise<Try> {
    const { clock, url, userAgent, timeoutMs = defaultTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const content = Buffer.from(body);
      const options = {
        method: 'POST',
        agent: this.#agent,
        maxHeaderSize: maxHeaderBytes,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': content.length,
          'user-agent': userAgent,
        },
      };
      const tls = { rejectUnauthorized: true, ...(trust === undefined ? {} : { ca: trust }) };
      const sent: ClientRequest =
        url.protocol === 'https:' ? requestHttps(url, { ...options, ...tls }) : requestHttp(url, options);
      let told: Try | undefined;
      const over = new AbortController();
      const end = (result: Try): void => {
        over.abort();
        signal.removeEventListener('abort', abort);
        resolve(told ?? result);
      };
      const abort = (): void => {
        over.abort();
        sent.destroy();
        reject(signal.reason as Error);
      };
      const late = (): void => {
        end({ answer: { kind: 'unanswered', why: `no answer within ${timeoutMs / 1_000} s` } });
        sent.destroy();
      };
      clock.sleep(timeoutMs, over.signal).then(late, () => undefined);
      signal.addEventListener('abort', abort, { once: true });
      sent.on('response', (response: IncomingMessage) => {
        told = {
          answer: {
            kind: 'answered',
            status: response.statusCode ?? 0,
            retryAfter: response.headers['retry-after'],
          },
        };
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxAnswerBytes) {
            sent.destroy();
          }
        });
        response.on('error', () => undefined);
        response.on('close', () => end({ stale: true }));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const stale = mayBeStale && sent.reusedSocket && error.code === 'ECONNRESET';
        end(stale ? { stale } : { answer: { kind: 'unanswered', why: whyOf(error) } });
      });
      sent.end(content);
    });
  }
}

/** Node's own words on what went wrong below HTTP: they name hosts and certificates. */
function whyOf(error: NodeJS.ErrnoException): string {
  // Of several addresses of a name, each has failed for itself.
  const [first] = error instanceof AggregateError ? (error.errors as NodeJS.ErrnoException[]) : [];
  const { code, message } = first ?? error;
  return (message === '' ? (code ?? 'no answer') : message).slice(0, 300);
}
