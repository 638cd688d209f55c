import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { isNativeError } from 'node:util/types';
import type { Clock } from './clock.ts';
import { TransportError } from './errors.ts';
import type { Access, AccessSource } from './kubeconfig.ts';

export interface Request {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly contentType?: string;
  /** Answered 304 where it is this one still. */
  readonly ifNoneMatch?: string | undefined;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /** Called once there is a connection, before the first byte is sent; may throw. */
  readonly guard?: (() => void) | undefined;
  /** Until the whole answer is there; of a stream until its headers are. */
  readonly timeoutMs: number;
  /** The longest answer, or line of a stream, in bytes. */
  readonly maxBytes: number;
}

export interface Response {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface StreamLimits {
  /** Without a byte for this long the stream is ended, as if the server had. */
  readonly idleTimeoutMs: number;
  /** The whole of the stream. */
  readonly lifetimeMs: number;
}

/** Ended by one of our own limits. */
function limit(what: string): TransportError {
  return new TransportError(what);
}

/** HTTP over the pooled connections of an access source. */
export class Transport {
  readonly #source: AccessSource;
  readonly #clock: Pick<Clock, 'setTimeout'>;
  readonly #userAgent: string;

  constructor(options: { source: AccessSource; clock: Pick<Clock, 'setTimeout'>; userAgent: string }) {
    this.#source = options.source;
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
  }

  /** One exchange; once more after a 401 with fresh credentials, or a GET on a stale connection. */
  request(request: Request): Promise<Response> {
    return this.#within(request.timeoutMs, request.signal, async (signal) => {
      const answer = await this.#open(request, signal);
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > request.maxBytes) {
          throw limit(`the answer is longer than ${request.maxBytes} bytes`);
        }
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks).toString('utf8');
      return { status: answer.statusCode ?? 0, headers: answer.headers, body };
    });
  }

  /**
   * Opens a stream and gives its lines as they come; a last one without its end is dropped. An
   * answer other than 200 goes to `refused`, which throws; any other calls `opened` first.
   */
  async *lines(
    request: Request & StreamLimits,
    on: { opened: () => void; refused: (response: Response) => never },
  ): AsyncGenerator<string, void, undefined> {
    const stop = new AbortController();
    const silence = limit('no byte for too long');
    const signal =
      request.signal === undefined ? stop.signal : AbortSignal.any([request.signal, stop.signal]);
    const end = (why: string) => () => stop.abort(limit(why));
    const endQuietly = (): void => stop.abort(silence);
    let cancelIdle = this.#clock.setTimeout(end('no answer in time'), request.timeoutMs);
    const cancelLifetime = this.#clock.setTimeout(end('the stream outlived its time'), request.lifetimeMs);
    try {
      const answer = await this.#open(request, signal);
      const { statusCode = 0, headers } = answer;
      if (statusCode === 200) {
        on.opened();
      }
      cancelIdle();
      cancelIdle = this.#clock.setTimeout(endQuietly, request.idleTimeoutMs);
      let rest: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer as AsyncIterable<Buffer>) {
        cancelIdle();
        cancelIdle = this.#clock.setTimeout(endQuietly, request.idleTimeoutMs);
        let from = 0;
        for (let at = statusCode === 200 ? chunk.indexOf(10) : -1; at !== -1; at = chunk.indexOf(10, from)) {
          rest.push(chunk.subarray(from, at));
          from = at + 1;
          const line = Buffer.concat(rest).toString('utf8');
          rest = [];
          size = 0;
          if (line !== '') {
            yield line;
          }
        }
        rest.push(chunk.subarray(from));
        size += chunk.length - from;
        if (size > request.maxBytes) {
          throw limit(`a line is longer than ${request.maxBytes} bytes`);
        }
      }
      if (statusCode !== 200) {
        on.refused({ status: statusCode, headers, body: Buffer.concat(rest).toString('utf8') });
      }
    } catch (error) {
      const cause = explain(error, signal);
      if (cause !== silence) {
        throw cause;
      }
    } finally {
      cancelIdle();
      cancelLifetime();
      // Also when the reader stopped early: no stream stays open that nobody reads.
      stop.abort(limit('the reader is gone'));
    }
  }

  /** Runs with a signal that also aborts after `ms`. */
  async #within<T>(
    ms: number,
    outer: AbortSignal | undefined,
    run: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const stop = new AbortController();
    const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
    const cancel = this.#clock.setTimeout(() => stop.abort(limit(`no answer within ${ms} ms`)), ms);
    try {
      return await run(signal);
    } catch (error) {
      throw explain(error, signal);
    } finally {
      cancel();
    }
  }

  async #open(request: Request, signal: AbortSignal): Promise<http.IncomingMessage> {
    signal.throwIfAborted();
    const access = await unlessAborted(this.#source.access(), signal);
    const answer = await this.#send(request, access, signal);
    if (answer.statusCode !== 401) {
      return answer;
    }
    answer.resume();
    return this.#send(request, await unlessAborted(this.#source.refresh(access), signal), signal);
  }

  async #send(request: Request, access: Access, signal: AbortSignal): Promise<http.IncomingMessage> {
    try {
      return await this.#sendOnce(request, access, signal);
    } catch (error) {
      // The server closed an idle connection just as it was taken from the pool.
      if (error instanceof StaleConnectionError && request.method === 'GET') {
        return this.#sendOnce(request, access, signal);
      }
      throw error;
    }
  }

  #sendOnce(request: Request, access: Access, signal: AbortSignal): Promise<http.IncomingMessage> {
    const { server } = access;
    const prefix = server.pathname.replace(/\/$/, '');
    const options: https.RequestOptions = {
      method: request.method,
      protocol: server.protocol,
      hostname: server.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: server.port,
      path: `${prefix}${request.path}`,
      agent: access.agent,
      signal,
      headers: {
        ...access.headers,
        accept: 'application/json',
        'user-agent': this.#userAgent,
        ...(request.ifNoneMatch === undefined ? {} : { 'if-none-match': request.ifNoneMatch }),
        ...(request.body === undefined
          ? {}
          : {
              'content-type': request.contentType ?? 'application/json',
              'content-length': Buffer.byteLength(request.body),
            }),
      },
    };
    return new Promise((resolve, reject) => {
      const sent = (server.protocol === 'https:' ? https : http).request(options, resolve);
      sent.once('error', (error: NodeJS.ErrnoException) => {
        const stale = sent.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted;
        reject(stale ? new StaleConnectionError(error.message, { cause: error }) : error);
      });
      // A process that was frozen while it connected must ask again whether it may write.
      const send = (): void => {
        try {
          request.guard?.();
          sent.end(request.body);
        } catch (error) {
          sent.destroy(error as Error);
        }
      };
      sent.once('socket', (socket: Socket & { encrypted?: boolean; secureConnecting?: boolean }) => {
        const { connecting, secureConnecting = false } = socket;
        if (connecting || secureConnecting) {
          socket.once(socket.encrypted === true ? 'secureConnect' : 'connect', send);
        } else {
          send();
        }
      });
    });
  }
}

/** Waits no longer than the signal allows, for instance for a plugin that hangs. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

class StaleConnectionError extends TransportError {}

/** The error for a caller: the reason of its own abort, ours for our limits, else the network's. */
function explain(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) {
    return signal.reason;
  }
  if (!isNativeError(error) || !('code' in error) || typeof error.code !== 'string') {
    return error;
  }
  return new TransportError(`${error.code}: ${error.message}`, { cause: error });
}
