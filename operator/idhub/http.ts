import { readRetryAfter } from '../../src/retry-after.ts';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { rootCertificates } from 'node:tls';
import type { HttpAnswer, HttpRequest, SendHttp } from '../../src/idhub/index.ts';
import type { Clock } from '../runtime/index.ts';

const withinMs = 10_000;
/** Answers of token endpoints have a few kilobytes; schemas of `/info` some more. */
const mostBytes = 1 << 20;

class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly code: 'TOO_LARGE' | 'TIMEOUT';

  constructor(code: NoAnswerError['code']) {
    super(code === 'TIMEOUT' ? 'no whole answer in time' : 'the answer is too large');
    this.code = code;
  }
}

/** Sends by Node's own client: one connection a request, no redirects, 10 s and 1 MiB at the most. */
export function sendOverHttp(options: { readonly clock: Clock; readonly userAgent: string }): SendHttp {
  return (request, signal) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const stop = new AbortController();
      const cancel = options.clock.setTimeout(() => stop.abort(new NoAnswerError('TIMEOUT')), withinMs);
      const settle = (end: () => void): void => {
        cancel();
        end();
      };
      const send = request.url.startsWith('https:') ? secureRequest : plainRequest;
      const sent = send(
        request.url,
        {
          method: request.method,
          headers: headersOf(request, options.userAgent),
          agent: false,
          signal: AbortSignal.any([signal, stop.signal]),
          ...(request.ca === undefined ? {} : { ca: [...rootCertificates, request.ca] }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            chunks.push(chunk);
            if (bytes > mostBytes) {
              response.destroy(new NoAnswerError('TOO_LARGE'));
            }
          });
          response.once('error', (error) => settle(() => reject(causeOf(error, stop.signal))));
          response.once('end', () =>
            settle(() =>
              resolve({
                status: response.statusCode ?? 0,
                retryAfterMs: readRetryAfter(response.headers['retry-after'], options.clock.now()),
                body: Buffer.concat(chunks).toString('utf8'),
              }),
            ),
          );
        },
      );
      sent.once('error', (error) => settle(() => reject(causeOf(error, stop.signal))));
      sent.end(request.body);
    });
}

function headersOf(request: HttpRequest, userAgent: string): Record<string, string> {
  return {
    ...request.headers,
    'user-agent': userAgent,
    ...(request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
  };
}

/** An abort hides why it was asked for. */
function causeOf(error: Error, stopped: AbortSignal): Error {
  return stopped.aborted ? (stopped.reason as Error) : error;
}
