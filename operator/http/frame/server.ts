import { once } from 'node:events';
import { createServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { makeApp } from './app.ts';
import { defaultLimits, type AppOptions, type Limits } from './options.ts';
import { Problem, problemBody, problemHeaders } from './problem.ts';

const maxHeaderBytes = 16_384;
const maxConnections = 256;

export interface ConnectorServerOptions extends Omit<AppOptions, 'limits' | 'closing'> {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly limits?: Partial<Limits>;
}

export interface ConnectorServer {
  readonly port: number;
  /** Takes nothing new; what is under way may go on for so long, as the first call says, then is broken off. */
  close(graceMs: number): Promise<void>;
}

/**
 * The port for IDHub and for people: its mounts, in the frame.
 * @throws {Error} where the address cannot be bound
 */
export async function startConnectorServer(options: ConnectorServerOptions): Promise<ConnectorServer> {
  const { host, port, logger } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const closing = new AbortController();
  const answering = new WeakSet<Duplex>();
  const app = makeApp({ ...options, limits, closing: closing.signal });
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    answering.add(socket);
    response.once('close', () => {
      answering.delete(socket);
      if (closing.signal.aborted) {
        socket.end();
      }
    });
    app(request, response);
  };
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: limits.headersMs,
      // Bodies have a limit of their own, which is answered; this one ends what hides from it.
      requestTimeout: (limits.headersMs + limits.bodyMs) * 2,
      // Nothing here depends on it, and what Node answers to its lack is no answer of ours.
      requireHostHeader: false,
      connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
      keepAliveTimeout: 5_000,
    },
    take,
  );
  server.on('checkContinue', take);
  server.on('checkExpectation', take);
  server.timeout = limits.idleMs;
  server.maxConnections = maxConnections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET' || answering.has(socket)) {
      socket.destroy();
      return;
    }
    const problem = unreadable(error.code);
    options.observe({ mount: 'none', code: problem.status, seconds: 0 });
    logger.info('request', { code: problem.status, detail: problem.message });
    const head = Object.entries({ ...problemHeaders(problem, 'problem+json'), connection: 'close' }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const line = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n`;
    socket.end(`${line}${head.join('')}\r\n${problemBody(problem, 'problem+json')}`);
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Error(
      `--http-address ${host}:${port} cannot be bound (${(error as Error).message}); give another one, with port 0 for a free one`,
      { cause: error },
    );
  }
  let closed: Promise<void> | undefined;
  const end = async (graceMs: number): Promise<void> => {
    const ended = once(server, 'close');
    closing.abort();
    server.close();
    const cancel = options.clock.setTimeout(() => server.closeAllConnections(), graceMs);
    await ended;
    cancel();
  };
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  options.origins.listensAt(`http://${host.includes(':') ? `[${host}]` : host}:${bound}`);
  return {
    port: bound,
    close: (graceMs) => {
      closed ??= end(graceMs);
      return closed;
    },
  };
}

/** A head that is no HTTP, too long or too slow. */
function unreadable(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, `The head of a request has ${maxHeaderBytes} bytes at most.`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'The request did not come to its end in time.');
    default:
      return new Problem(400, 'This is no HTTP request.');
  }
}
