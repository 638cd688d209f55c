import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError } from '../../../operator/runtime/index.ts';
import { FakeStore, type StoredEvent } from './fake-api.ts';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
}

/** Answers a request itself, or says `pass` to let the server do it. */
export type Behaviour = (request: SeenRequest, response: http.ServerResponse) => 'pass' | 'answered';

/** A small API server over HTTP: get, list, watch, create, merge patch and delete on a `FakeStore`. */
export class FakeServer {
  readonly store = new FakeStore();
  readonly requests: SeenRequest[] = [];
  readonly watches = new Set<http.ServerResponse>();
  mostWatches = 0;
  connections = 0;
  behaviour: Behaviour = () => 'pass';
  readonly #server: http.Server;

  constructor() {
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', () => {
      this.connections += 1;
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this.port;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** Ends the running watches cleanly, after `last`. */
  endWatches(last = ''): void {
    for (const response of this.watches) {
      response.end(last);
    }
  }

  bookmark(): void {
    const { version } = this.store;
    for (const response of this.watches) {
      response.write(`{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"${version}"}}}\n`);
    }
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://server');
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
    };
    this.requests.push(seen);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
    }
    if (this.behaviour(seen, response) === 'answered') {
      return;
    }
    try {
      const answer = this.#answer(seen, response, Buffer.concat(chunks).toString());
      if (answer !== undefined) {
        json(response, 200, answer);
      }
    } catch (error) {
      refuse(response, error as ApiError);
    }
  }

  #answer(seen: SeenRequest, response: http.ServerResponse, body: string): object | undefined {
    const rest = seen.path.split('/').slice(seen.path.startsWith('/apis') ? 4 : 3);
    const namespace = rest[0] === 'namespaces' ? (rest[1] ?? '') : '';
    const [plural = '', name] = namespace === '' ? rest : rest.slice(2);
    if (name !== undefined) {
      const key = { namespace, name };
      switch (seen.method) {
        case 'GET':
          return this.store.get(plural, key);
        case 'PATCH':
          return this.store.patch(plural, key, JSON.parse(body) as object);
        default:
          this.store.remove(plural, key);
          return { kind: 'Status', status: 'Success' };
      }
    }
    if (seen.method === 'POST') {
      return this.store.create(plural, JSON.parse(body));
    }
    if (seen.query.has('watch')) {
      this.#watch(plural, Number(seen.query.get('resourceVersion')), response);
      return undefined;
    }
    const all = this.store.list(plural, namespace);
    const from = Number(seen.query.get('continue') ?? 0);
    const to = from + Number(seen.query.get('limit') ?? all.length);
    const next = to < all.length ? { continue: String(to) } : {};
    return {
      metadata: { resourceVersion: String(this.store.version), ...next },
      // Items of a list carry no kind.
      items: all.slice(from, to).map((one) => Object.assign(structuredClone(one), { kind: undefined })),
    };
  }

  #watch(plural: string, from: number, response: http.ServerResponse): void {
    if (from < this.store.compacted) {
      throw new ApiError({ code: 410, reason: 'Expired', message: 'too old resource version' });
    }
    const send = (event: StoredEvent): void => {
      if (event.plural === plural && Number(event.object.metadata.resourceVersion) > from) {
        response.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
      }
    };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    for (const event of this.store.history) {
      send(event);
    }
    this.store.listeners.add(send);
    this.watches.add(response);
    this.mostWatches = Math.max(this.mostWatches, this.watches.size);
    response.on('close', () => {
      this.store.listeners.delete(send);
      this.watches.delete(response);
    });
  }
}

export function json(response: http.ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function refuse(
  response: http.ServerResponse,
  error: Pick<ApiError, 'code' | 'reason' | 'message'>,
): void {
  const { code, reason, message } = error;
  json(response, code, { kind: 'Status', status: 'Failure', code, reason, message });
}

/** A TCP proxy that can cut, swallow and reset what goes through it. */
export class TcpProxy {
  /** Bytes from now on go nowhere, in both directions; that a side closes still gets through. */
  swallow = false;
  readonly #target: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server: Server;

  constructor(target: number) {
    this.#target = target;
    this.#server = createServer((near) => this.#join(near));
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.reset();
    await once(this.#server, 'close');
  }

  get open(): number {
    return this.#pairs.size;
  }

  /** Resets every connection, both sides. */
  reset(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  #join(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => {
        if (!this.swallow) {
          to.write(chunk);
        }
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    }
  }
}

/** A kubeconfig file for a plain HTTP server; the answer removes it. */
export async function kubeconfigFor(
  port: number,
  user: object = { token: 'plain-token' },
  cluster: object = {},
): Promise<{ path: string; dir: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'runtime-test-'));
  const path = join(dir, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [
      {
        name: 'test',
        cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true, ...cluster },
      },
    ],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace: 'here' } }],
  };
  await writeFile(path, JSON.stringify(config));
  return { path, dir, remove: () => rm(dir, { recursive: true, force: true }) };
}
