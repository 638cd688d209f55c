import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Closes the connection without a word, or never answers. */
  readonly instead?: 'hangUp' | 'silence';
}

/** A receiver on loopback: what it got, and what it answers. */
export class Receiver {
  readonly received: Received[] = [];
  /** By number of the request, from 0; 204 unless told. */
  reply: (request: Received, index: number) => Reply = () => ({ status: 204 });
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: string;

  constructor(tls?: { readonly key: string; readonly cert: string }) {
    const listener: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const received = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        };
        this.received.push(received);
        const { status, headers = {}, body = '', instead } = this.reply(received, this.received.length - 1);
        if (instead === 'hangUp') {
          request.socket.destroy();
        } else if (instead === undefined) {
          response.writeHead(status, headers);
          response.end(body);
        }
      });
    };
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  async start(port = 0): Promise<URL> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return new URL(`${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/in?a=1`);
  }

  /** Connections that are open break. */
  breakOff(): void {
    this.#sockets.forEach((socket) => socket.destroy());
  }

  async stop(): Promise<void> {
    if (this.#server.listening) {
      this.#server.close();
      this.breakOff();
      await once(this.#server, 'close');
    }
  }
}

/** Whether one of the signatures is by this key, as the documentation tells receivers to look. */
export function isSignedBy({ headers, body }: Received, key: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures } = headers;
  const expected = createHmac('sha256', Buffer.from(key.replace('whsec_', ''), 'base64'))
    .update(`${String(id)}.${String(at)}.${body}`)
    .digest('base64');
  return String(signatures).split(' ').includes(`v1,${expected}`);
}
