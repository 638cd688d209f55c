import { once } from 'node:events';
import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { makeApp } from './app.ts';
import { tlsSettings, type CertificateFiles } from './certificate.ts';
import type { Mount } from './mount.ts';
import { placeOf } from './mounts.ts';
import { defaultLimits, noMount, type AppOptions, type Limits } from './options.ts';
import { Problem, problemBody, problemHeaders, type ErrorFormat } from './problem.ts';

const maxHeaderBytes = 16_384;
const maxConnections = 256;

export interface ConnectorServerOptions extends Omit<AppOptions, 'limits' | 'closing'> {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly limits?: Partial<Limits>;
  /** Undefined: plain HTTP. */
  readonly certificate?: CertificateFiles | undefined;
}

export interface ConnectorServer {
  readonly port: number;
  /**
   * Takes nothing new, and ends connections that ask nothing, or have not come to the end of a head; what is under way
   * may go on for so long, as the first call says, then is broken off.
   */
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
  const sockets = new Sockets();
  const app = makeApp({ ...options, limits, closing: closing.signal });
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    sockets.begin(socket);
    response.once('close', () => {
      if (sockets.end(socket) && closing.signal.aborted) {
        socket.destroySoon();
      }
    });
    app(request, response);
  };
  const server = makeServer(options.certificate, limits, take);
  server.on('connection', (socket) => sockets.add(socket));
  server.on('secureConnection', (socket) => sockets.add(socket));
  server.on('checkContinue', take);
  server.on('checkExpectation', take);
  server.timeout = limits.idleMs;
  server.maxConnections = maxConnections;
  server.on('clientError', (error: Unreadable, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET' || sockets.answers(socket)) {
      socket.destroy();
      return;
    }
    const problem = problemOf(error.code);
    options.observe({ mount: noMount, code: problem.status, seconds: 0 });
    logger.info('request', { code: problem.status, detail: problem.message });
    socket.end(replyTo(problem, formatOf(error, options.mounts)));
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
    options.certificate?.stop();
    server.close();
    sockets.destroyOthers();
    const cancel = options.clock.setTimeout(() => server.closeAllConnections(), graceMs);
    await ended;
    cancel();
  };
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  options.origins.listensAt(
    `${options.certificate === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${bound}`,
  );
  return {
    port: bound,
    close: (graceMs) => {
      closed ??= end(graceMs);
      return closed;
    },
  };
}

/** Connections, and how many requests of each are being answered. Node does not end those that have sent no whole head. */
class Sockets {
  /** By the other end: a connection with TLS comes first as that below it. */
  readonly #open = new Map<string, Socket>();
  readonly #answering = new Map<Duplex, number>();
  #ended = false;

  add(socket: Socket): void {
    if (this.#ended) {
      socket.destroy();
      return;
    }
    const from = `${socket.remoteAddress} ${socket.remotePort}`;
    this.#open.set(from, socket);
    socket.once('close', () => {
      if (this.#open.get(from) === socket) {
        this.#open.delete(from);
      }
    });
  }

  begin(socket: Duplex): void {
    this.#answering.set(socket, (this.#answering.get(socket) ?? 0) + 1);
  }

  /** Whether it was the last one. */
  end(socket: Duplex): boolean {
    const left = (this.#answering.get(socket) ?? 1) - 1;
    if (left > 0) {
      this.#answering.set(socket, left);
    } else {
      this.#answering.delete(socket);
    }
    return left === 0;
  }

  answers(socket: Duplex): boolean {
    return this.#answering.has(socket);
  }

  /** Those that answer nothing, also if they come yet. */
  destroyOthers(): void {
    this.#ended = true;
    for (const socket of this.#open.values()) {
      if (!this.answers(socket)) {
        socket.destroy();
      }
    }
  }
}

function makeServer(
  certificate: CertificateFiles | undefined,
  limits: Limits,
  take: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const settings: ServerOptions = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: limits.headersMs,
    // Bodies have a limit of their own, which is answered; this one ends what hides from it.
    requestTimeout: (limits.headersMs + limits.bodyMs) * 2,
    // Nothing here depends on it, and what Node answers to its lack is no answer of ours.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMs),
    keepAliveTimeout: 5_000,
  };
  if (certificate === undefined) {
    return createServer(settings, take);
  }
  const server = createTlsServer(
    { ...settings, ...tlsSettings(certificate.current), handshakeTimeout: limits.headersMs },
    take,
  );
  certificate.onChange((pair) => server.setSecureContext(tlsSettings(pair)));
  return server;
}

/** What Node could not read as a request. */
interface Unreadable extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

/** A head that is no HTTP, too long or too slow. */
function problemOf(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, `The head of a request has ${maxHeaderBytes} bytes at most.`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'The request did not come to its end in time.');
    default:
      return new Problem(400, 'This is no HTTP request.');
  }
}

/** As the mount tells errors that the request seems to be for. */
function formatOf({ rawPacket }: Unreadable, mounts: readonly Mount[]): ErrorFormat {
  const begin = rawPacket?.toString('latin1', 0, 2_048) ?? '';
  const [, pathname = ''] = /^[A-Z]+ ([^ ?]+)/.exec(begin) ?? [];
  return placeOf(mounts, pathname)?.mount.format ?? 'problem+json';
}

function replyTo(problem: Problem, format: ErrorFormat): string {
  const head = Object.entries({ ...problemHeaders(problem, format), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const line = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n`;
  return `${line}${head.join('')}\r\n${problemBody(problem, format)}`;
}
